/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what the spawner says of its probe: it may say anything. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/frame.h"
#include "server/doctor.h"

static void put_layer(struct buffer *payload, const char *name, uint32_t state)
{
	assert_int_equal(frame_put_text(payload, name), 0);
	assert_int_equal(frame_put_u32(payload, state), 0);
	assert_int_equal(frame_put_u32(payload, ENOSYS), 0);
	assert_int_equal(frame_put_text(payload, "detail"), 0);
	assert_int_equal(frame_put_text(payload, "remedy"), 0);
}

static int decode(struct buffer *payload, struct doctor_report *report)
{
	return doctor_decode(report, buffer_data(payload), buffer_length(payload));
}

static void begin(struct buffer *payload, uint32_t count)
{
	buffer_init(payload, LIMIT_MESSAGE_FRAME_BYTES);
	assert_int_equal(frame_put_u32(payload, count), 0);
}

static void test_good(void **state)
{
	struct doctor_report report;
	struct buffer payload;

	begin(&payload, 2);
	put_layer(&payload, "landlock", PROBE_THERE);
	put_layer(&payload, "cgroup", PROBE_PARTLY);
	assert_int_equal(frame_put_text(&payload, "full"), 0);
	assert_int_equal(decode(&payload, &report), 0);
	assert_int_equal(report.count, 2);
	assert_string_equal(report.layers[1].name, "cgroup");
	assert_int_equal(report.layers[1].state, PROBE_PARTLY);
	assert_int_equal(report.layers[0].error, ENOSYS);
	assert_string_equal(report.profile, "full");
	buffer_deinit(&payload);
}

/* Every prefix of a good payload is refused, and so is anything behind it. */
static void test_cut(void **state)
{
	struct doctor_report report;
	struct buffer payload;

	begin(&payload, 1);
	put_layer(&payload, "landlock", PROBE_MISSING);
	assert_int_equal(frame_put_text(&payload, ""), 0);
	for (size_t length = 0; length < buffer_length(&payload); length++)
		assert_int_equal(doctor_decode(&report, buffer_data(&payload), length), -EPROTO);
	assert_int_equal(decode(&payload, &report), 0);
	assert_int_equal(frame_put_u32(&payload, 0), 0);
	assert_int_equal(decode(&payload, &report), -EPROTO);
	buffer_deinit(&payload);
}

static void test_lies(void **state)
{
	char *name = calloc(1, 200);
	struct doctor_report report;
	struct buffer payload;

	begin(&payload, LIMIT_PROBE_LAYERS + 1);
	for (int i = 0; i <= LIMIT_PROBE_LAYERS; i++)
		put_layer(&payload, "x", PROBE_THERE);
	assert_int_equal(frame_put_text(&payload, "full"), 0);
	assert_int_equal(decode(&payload, &report), -EPROTO);
	buffer_deinit(&payload);

	begin(&payload, 1);
	put_layer(&payload, "x", PROBE_STATES);
	assert_int_equal(frame_put_text(&payload, "full"), 0);
	assert_int_equal(decode(&payload, &report), -EPROTO);
	buffer_deinit(&payload);

	memset(name, 'x', 199);
	begin(&payload, 1);
	put_layer(&payload, name, PROBE_THERE);
	assert_int_equal(frame_put_text(&payload, "full"), 0);
	assert_int_equal(decode(&payload, &report), -EPROTO);
	buffer_deinit(&payload);
	free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
