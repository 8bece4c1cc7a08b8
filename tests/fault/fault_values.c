/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation failure over what protocol/ reads and writes: JSON, arguments by their schema, frames. Each ends
 * with -ENOMEM and leaks nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/json.h"
#include "protocol/limits.h"
#include "protocol/schema.h"
#include "tests/fault/allocator.h"

static void test_json(void **state)
{
	static const char text[] = "{\"id\":1,\"a\":[1,\"b\",{\"c\":null}],\"d\":\"\\u0041\",\"k1\":1,\"k2\":"
				   "1,\"k3\":1,\"k4\":1,"
				   "\"k5\":1,\"k6\":1,\"k7\":1,\"k8\":1,\"k9\":1}";
	unsigned at = 1;

	for (;; at++) {
		cJSON *tree = NULL;
		struct json_span id;
		struct err err = {0};
		int result;

		fault_arm(at, false);
		result = json_parse(text, strlen(text), &tree, &id, &err);
		fault_disarm();
		if (result == 0) {
			assert_false(fault_happened());
			cJSON_Delete(tree);
			break;
		}
		assert_int_equal(result, -ENOMEM);
		assert_null(tree);
		assert_string_equal(err.text, "out of memory");
	}
	assert_true(at > 15);
}

static void test_schema(void **state)
{
	struct values {
		const char *text;
		struct field_strings list;
		int64_t number;
	};
	static const struct field fields[] = {
		{"text", FIELD_STRING, FIELD_REQUIRED, offsetof(struct values, text), .description = "words"},
		{"list", FIELD_STRINGS, 0, offsetof(struct values, list)},
		{"number", FIELD_INTEGER, 0, offsetof(struct values, number)},
		{NULL},
	};
	static const char text[] = "{\"text\":\"a\",\"list\":\"[\\\"x\\\"]\",\"number\":\"5\"}";
	cJSON *tree = NULL;
	unsigned at = 1;

	assert_int_equal(json_parse(text, strlen(text), &tree, NULL, NULL), 0);
	for (;; at++) {
		struct values values;
		struct buffer out;
		cJSON *scratch = NULL;
		struct err err = {0};
		int decoded, written;

		buffer_init(&out, 4096);
		fault_arm(at, false);
		decoded = schema_decode(fields, tree, &values, &scratch, &err);
		written = schema_write(&out, fields, true);
		fault_disarm();
		cJSON_Delete(scratch);
		buffer_deinit(&out);
		assert_true(decoded == 0 || decoded == -ENOMEM || decoded == -EINVAL);
		assert_true(written == 0 || written == -ENOMEM);
		if (!fault_happened()) {
			assert_int_equal(decoded, 0);
			assert_int_equal(written, 0);
			break;
		}
		assert_true(decoded < 0 || written < 0);
	}
	cJSON_Delete(tree);
	assert_true(at > 3);
}

/* Frames: without memory nothing is taken from the socket, so nothing is lost. */
static void test_frames(void **state)
{
	struct frame_header header = {.type = 1}, got;
	struct frame_descriptors descriptors;
	struct frame_reader reader;
	struct buffer payload, sent;
	int fds[2], failures = 0;
	char *text;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	buffer_init(&payload, LIMIT_MESSAGE_FRAME_BYTES);
	buffer_init(&sent, 100);
	assert_int_equal(frame_put_text(&sent, "a text"), 0);
	assert_int_equal(frame_send(fds[0], &header, buffer_data(&sent), buffer_length(&sent), &fds[0], 1, 0),
			 0);
	for (int result = -ENOMEM; result < 0; failures += result < 0) {
		fault_arm(failures ? 0 : 1, true);
		result = frame_receive(fds[1], &got, &payload, &descriptors, 0);
		fault_disarm();
		assert_int_equal(result, failures ? 0 : -ENOMEM);
	}
	assert_int_equal(failures, 1);
	assert_int_equal(descriptors.count, 1);
	frame_descriptors_close(&descriptors);
	frame_read(&reader, buffer_data(&payload), buffer_length(&payload));
	fault_arm(1, false);
	text = frame_take_text(&reader, 100);
	fault_disarm();
	assert_null(text);
	assert_int_equal(frame_done(&reader), -EPROTO);
	buffer_deinit(&payload);
	buffer_deinit(&sent);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
