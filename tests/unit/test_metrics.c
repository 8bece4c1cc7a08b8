/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of a call: which row, which bucket. The text is read by tests/hosts/test_http_metrics.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "server/metrics.h"

static void test_rows(void **state)
{
	static const struct tool stranger = {.name = "stranger"};
	struct metrics metrics = {0};
	size_t count = 0;

	for (; tool_table[count]; count++)
		metrics_call(&metrics, tool_table[count], TOOL_SUCCEEDED, 1);
	assert_true(count < LIMIT_TOOLS);
	metrics_call(&metrics, &stranger, TOOL_DENIED, 1);
	for (size_t i = 0; i <= LIMIT_TOOLS; i++) {
		assert_int_equal(metrics.tools[i].outcomes[TOOL_SUCCEEDED], i < count);
		assert_int_equal(metrics.tools[i].outcomes[TOOL_DENIED], i == LIMIT_TOOLS);
		assert_int_equal(metrics.tools[i].buckets[0], i < count || i == LIMIT_TOOLS);
	}
}

static void test_buckets(void **state)
{
	struct metrics metrics = {0};
	const struct metrics_row *row = &metrics.tools[0];

	metrics_call(&metrics, tool_table[0], TOOL_FAILED, 100000); /* "le": up to and with */
	metrics_call(&metrics, tool_table[0], TOOL_FAILED, 100001);
	metrics_call(&metrics, tool_table[0], TOOL_FAILED, 60000000000);
	metrics_call(&metrics, tool_table[0], TOOL_FAILED, 60000000001);
	assert_int_equal(row->buckets[0], 1);
	assert_int_equal(row->buckets[1], 1);
	assert_int_equal(row->buckets[METRICS_BUCKETS - 1], 1);
	assert_int_equal(row->buckets[METRICS_BUCKETS], 1);
	assert_int_equal(row->nanoseconds, 120000200002);
	assert_int_equal(row->outcomes[TOOL_FAILED], 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_buckets)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
