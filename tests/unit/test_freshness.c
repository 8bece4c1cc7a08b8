/* SPDX-License-Identifier: Apache-2.0 */
/* For how long an answer counts, by its headers (RFC 9111). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "protocol/cleanup.h"
#include "tools/web/executor/freshness.h"

#define NOW  1000000
#define DATE "Tue, 15 Nov 1994 08:12:31 GMT"

static void lifetimes(void **state)
{
	static const struct {
		const char *cache_control, *expires, *date, *age, *vary;
		uint64_t seconds;
	} list[] = {
		{NULL, NULL, NULL, NULL, NULL, 0},
		{"max-age=60", NULL, NULL, NULL, NULL, 60},
		{"public, MAX-AGE=60", NULL, NULL, NULL, NULL, 60},
		{"max-age=\"60\"", NULL, NULL, NULL, NULL, 60},
		{"private,max-age=60", NULL, NULL, NULL, NULL, 60}, /* this cache is one caller's */
		{"s-maxage=60", NULL, NULL, NULL, NULL, 0},         /* of shared caches alone */
		{"xmax-age=60", NULL, NULL, NULL, NULL, 0},
		{"max-age=60, no-cache", NULL, NULL, NULL, NULL, 0},
		{"max-age=60, no-store", NULL, NULL, NULL, NULL, 0},
		{"no-cachet, max-age=60", NULL, NULL, NULL, NULL, 60},
		{"max-age=60", NULL, NULL, "50", NULL, 10},
		{"max-age=60", NULL, NULL, "70", NULL, 0},
		{"max-age=60", NULL, NULL, "-70", NULL, 60},
		{"max-age=60", NULL, NULL, NULL, "Accept, *", 0},
		{"max-age=60", NULL, NULL, NULL, "Accept", 60},
		{"max-age=99999999999999999999", NULL, NULL, NULL, NULL, LIMIT_WEB_FRESH_S},
		{"max-age=x", NULL, NULL, NULL, NULL, 0},
		{NULL, "Tue, 15 Nov 1994 08:13:31 GMT", DATE, NULL, NULL, 60},
		{NULL, "Tue, 15 Nov 1994 08:11:31 GMT", DATE, NULL, NULL, 0},
		{NULL, "0", DATE, NULL, NULL, 0},
		{NULL, "Tue, 15 Nov 1994 08:13:31 GMT", NULL, NULL, NULL, 0},
		{"max-age=5", "Tue, 15 Nov 1994 08:13:31 GMT", DATE, NULL, NULL, 5},
	};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		const struct freshness_headers headers = {.cache_control = list[i].cache_control,
							  .expires = list[i].expires,
							  .date = list[i].date,
							  .age = list[i].age,
							  .vary = list[i].vary};
		struct freshness freshness;

		freshness_read(&freshness, &headers, NOW);
		if (freshness.until != NOW + list[i].seconds * 1000)
			fail_msg("row %zu: %llu ms", i, (unsigned long long)(freshness.until - NOW));
	}
}

static void validators(void **state)
{
	static char longer[LIMIT_WEB_VALIDATOR_BYTES + 1];
	struct freshness freshness;

	freshness_read(&freshness, &(struct freshness_headers){.etag = "\"a\"", .last_modified = DATE}, NOW);
	assert_string_equal(freshness.etag, "\"a\"");
	assert_string_equal(freshness.last_modified, DATE);
	freshness_read(&freshness, &(struct freshness_headers){.etag = "\"a\"", .cache_control = "no-store"},
		       NOW);
	assert_string_equal(freshness.etag, "");
	memset(longer, 'x', sizeof longer - 1);
	freshness_read(&freshness, &(struct freshness_headers){.etag = longer}, NOW);
	assert_string_equal(freshness.etag, ""); /* half of one would be another */
}

static void retry_after(void **state)
{
	assert_int_equal(freshness_retry_after(NULL, 0), -1);
	assert_int_equal(freshness_retry_after("soon", 0), -1);
	assert_int_equal(freshness_retry_after("0", 0), 0);
	assert_int_equal(freshness_retry_after("7", 0), 7000);
	assert_int_equal(freshness_retry_after("99999999999999999999", 0), LIMIT_WEB_FRESH_S * 1000ll);
	assert_int_equal(freshness_retry_after(DATE, 784887151 - 5), 5000);
	assert_int_equal(freshness_retry_after(DATE, 784887151 + 5), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(lifetimes), cmocka_unit_test(validators),
					   cmocka_unit_test(retry_after)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
