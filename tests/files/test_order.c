/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that write the same files, all in flight: one after the other, in the order in which they came. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/files/harness.h"

static void assert_content(struct harness *harness, const char *path, const char *expected)
{
	char *content = take_file(harness, path, NULL);

	assert_non_null(content);
	assert_string_equal(content, expected);
	free(content);
}

static void assert_result(struct harness *harness, uint32_t call)
{
	struct answer *answer = harness_wait(harness, call);

	if (answer->type != REPLY_RESULT)
		fail_msg("call %u: %s", call, answer_text(answer, 0));
}

/* Many that append to one file, all in flight: each has its turn, in order, and none is lost or refused. */
static void test_order(void **state)
{
	enum { WRITERS = 50 };
	struct harness *harness = harness_new();
	struct buffer payload, expected;
	char line[16];

	make_text(harness, "ws/log", "");
	harness_start(harness);
	buffer_init(&expected, 1u << 20);
	for (uint32_t call = 1; call <= WRITERS; call++) {
		snprintf(line, sizeof line, "%u\n", call);
		assert_int_equal(buffer_append_text(&expected, line), 0);
		pack_write(&payload, call & 1 ? "log" : "./log", line, strlen(line), FILES_APPEND, "");
		harness_answer(harness, call);
		harness_send(harness, FILES_WRITE, call, &payload);
		buffer_deinit(&payload);
	}
	harness_wake(harness);
	for (uint32_t call = 1; call <= WRITERS; call++) {
		assert_result(harness, call);
	}
	assert_int_equal(buffer_append(&expected, "", 1), 0);
	assert_content(harness, "ws/log", buffer_data(&expected));
	buffer_deinit(&expected);
	harness_stop(harness);
}

/* A patch waits for writers before it, and writers behind it for the patch. */
static void test_order_of_patches(void **state)
{
	struct harness *harness = harness_new();
	struct buffer payload;

	make_text(harness, "ws/f", "0\n");
	make_text(harness, "ws/g", "0\n");
	harness_start(harness);
	for (uint32_t call = 1; call <= 30; call++) {
		char text[160], old[16], new[16], line[20];

		snprintf(old, sizeof old, "%u", call - 1);
		snprintf(new, sizeof new, "%u", call);
		snprintf(line, sizeof line, "%u\n", call);
		snprintf(text, sizeof text,
			 "*** Begin Patch\n*** Update File: f\n-%s\n+%s\n*** Update File: g\n-%s\n+%s\n*** "
			 "End Patch\n",
			 old, new, old, new);
		if (call % 3)
			pack_patch(&payload, text, 0);
		else /* by hand what the patch would do to f; g follows */
			pack_write(&payload, "f", line, strlen(line), 0, "");
		harness_answer(harness, call);
		harness_send(harness, call % 3 ? FILES_PATCH : FILES_WRITE, call, &payload);
		buffer_deinit(&payload);
		if (call % 3 == 0) {
			pack_write(&payload, "g", line, strlen(line), 0, "");
			harness_answer(harness, 100 + call);
			harness_send(harness, FILES_WRITE, 100 + call, &payload);
			buffer_deinit(&payload);
		}
	}
	harness_wake(harness);
	for (uint32_t call = 1; call <= 30; call++) {
		assert_result(harness, call);
		if (call % 3 == 0)
			assert_result(harness, 100 + call);
	}
	assert_content(harness, "ws/f", "30\n");
	assert_content(harness, "ws/g", "30\n");
	harness_stop(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_order),
					   cmocka_unit_test(test_order_of_patches)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
