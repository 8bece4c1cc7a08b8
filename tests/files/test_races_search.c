/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find_files and search_files while a hostile process exchanges a directory with a link out of the workspace:
 * in the path that is asked about, and in the tree that is walked. Nothing that lies outside is found, by
 * name or by content. test_races.c shows that the same process catches who looks first and acts then.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/files/hostile.h"
#include "tests/files/requests.h"

static void test_find(void **state)
{
	struct race race;

	race_begin_search(&race, "");
	while (race_goes_on(&race)) {
		struct answer *answer = harness_find(race.harness, "swap", "*", FILES_BY_NAME, 0, 100, 60000);

		if (went_well(&race, answer))
			assert_true(contains(&answer->payload, "swap/file"));
		assert_false(contains(&answer->payload, "name-outside"));
		/* and in a tree that is walked through it, where a link is a link and no refusal */
		answer = harness_find(race.harness, ".", "**/*outside*", FILES_BY_NAME, 0, 100, 60000);
		assert_int_equal(answer->type, REPLY_RESULT);
		assert_false(contains(&answer->payload, "name-outside"));
	}
	race_end(&race);
}

static void test_search(void **state)
{
	unsigned seen = 0;
	struct race race;

	race_begin_search(&race, "");
	while (race_goes_on(&race)) {
		struct answer *answer = request_search(race.harness, "swap/file", ".");

		if (went_well(&race, answer))
			seen += contains(&answer->text, INSIDE);
		assert_false(contains(&answer->text, SECRET));
		answer = request_search(race.harness, ".", "^");
		assert_int_equal(answer->type, REPLY_RESULT);
		assert_false(contains(&answer->text, SECRET));
		assert_false(contains(&answer->text, "name-outside"));
	}
	assert_true(seen > 0);
	race_end(&race);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_find), cmocka_unit_test(test_search)};

	harness_place = "/dev/shm";
	cmocka_set_test_filter(getenv("SALLYPORT_RACE")); /* one of them: test_find */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
