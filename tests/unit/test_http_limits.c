/* SPDX-License-Identifier: Apache-2.0 */
/* The token bucket, by a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "protocol/limits.h"
#include "server/transport/http_exchange.h"

#define SECOND (uint64_t)1000000000
#define BURST  (LIMIT_HTTP_BURST_MS / 1000)

/* How many pass at this moment, and how long the next one has to wait. */
static unsigned pass(struct http_caller *caller, uint64_t now, unsigned *wait)
{
	unsigned passed = 0;

	while (!(*wait = caller_wait(caller, now)))
		passed++;
	return passed;
}

static void test_bucket(void **state)
{
	static const uint64_t rates[] = {LIMIT_HTTP_RATE_MIN_THOUSANDTHS, 1000, 7000, 250000,
					 LIMIT_HTTP_RATE_THOUSANDTHS};

	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		struct http_caller caller = {.requests_per_1000_s = rates[i]};
		uint64_t now = 1000 * SECOND;
		unsigned wait, waited, passed;

		assert_int_equal(pass(&caller, now, &wait), rates[i] * BURST / 1000);
		assert_in_range(wait, 1, BURST);
		waited = wait;
		now += waited * SECOND; /* who waits as long as it was told is served */
		passed = pass(&caller, now, &wait);
		assert_in_range(passed, waited * rates[i] / 1000, waited * rates[i] / 1000 + 1);
		assert_true(passed > 0);
		now += 3600 * SECOND; /* and nothing is saved up beyond a burst */
		assert_int_equal(pass(&caller, now, &wait), rates[i] * BURST / 1000);
	}
}

/* What is refused costs nothing: who asks all the time gets its rate all the same. */
static void test_refusals_are_free(void **state)
{
	struct http_caller caller = {.requests_per_1000_s = 5000};
	unsigned passed = 0, wait;

	pass(&caller, SECOND, &wait);
	for (uint64_t now = SECOND; now <= 11 * SECOND; now += SECOND / 1000)
		passed += !caller_wait(&caller, now);
	assert_int_equal(passed, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_bucket),
					   cmocka_unit_test(test_refusals_are_free)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
