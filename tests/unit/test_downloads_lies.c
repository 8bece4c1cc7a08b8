/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads whose executors lie: each lie ends who told it, and nothing else. */
#include "tests/support/downloads.h"

static void lie_with_the_others_number(bool of_the_web)
{
	begin(DOWNLOAD("1", "a"));
	go_on();
	if (of_the_web)
		say_text(web, of_files, "forged");
	else
		say_text(-1, of_web, "forged");
	assert_int_equal((of_the_web ? frontend.calls.web : frontend.calls.files).supervised.state,
			 SUPERVISED_ENDING);
	assert_int_equal(frontend_count(&frontend, "forged"), 0);
	end();
}

static void test_of_the_other(void **state)
{
	lie_with_the_others_number(true);
	lie_with_the_others_number(false);
}

static void test_lies_of_web(void **state)
{
	static const struct {
		uint16_t type;
		size_t length;
	} lies[] = {{REPLY_RESULT, 3},    {REPLY_FAILURE, 2}, {REPLY_DENIED, 9},
		    {REPLY_PROGRESS, 1},  {REPLY_MEDIA, 0},   {REPLY_TEXT, 5},
		    {REPLY_RECEIVING, 8}, {WEB_TOTAL, 7},     {999, 0}};

	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		begin(DOWNLOAD("1", "a"));
		go_on();
		frontend_frame(web, lies[i].type, of_web, 0, "\xff\xff\xff\xff\xff\xff\xff\xff\xff",
			       lies[i].length, -1);
		frontend_turn(&frontend);
		assert_int_equal(frontend.calls.web.supervised.state, SUPERVISED_ENDING);
		end();
	}
	/* more than was allowed, and a second last word */
	begin(DOWNLOAD("1", "a"));
	go_on();
	say_fetched(of_web, 200, LIMIT_DOWNLOAD_BYTES + 1);
	assert_int_equal(frontend.calls.web.supervised.state, SUPERVISED_ENDING);
	end();
	begin(DOWNLOAD("1", "a"));
	go_on();
	say_fetched(of_web, 200, 1);
	say_fetched(of_web, 200, 1);
	assert_int_equal(frontend.calls.web.supervised.state, SUPERVISED_ENDING);
	end();
}

/* Their words are never in pieces. */
static void test_pieces(void **state)
{
	struct frame_header flagged = {
		.type = REPLY_RECEIVING, .call = of_files, .flags = FRAME_MORE, .length = 8};

	begin(DOWNLOAD("1", "a"));
	flagged.call = of_files;
	assert_int_equal(downloads_take(&frontend.calls, &frontend.calls.files, &flagged,
					(const uint8_t *)"\0\0\0\0\0\0\0"),
			 -EPROTO);
	end();
}

static void assert_files_condemned(void)
{
	assert_int_equal(frontend.calls.files.supervised.state, SUPERVISED_ENDING);
	end();
}

static void test_lies_of_files(void **state)
{
	begin(DOWNLOAD("1", "a"));
	say_received(of_files, 1); /* nothing was said to be there */
	assert_files_condemned();
	begin(DOWNLOAD("1", "a"));
	say_received(of_files, 0);
	assert_files_condemned();
	begin(DOWNLOAD("1", "a"));
	go_on();
	say_receiving(of_files, LIMIT_DOWNLOAD_BYTES + 1);
	assert_files_condemned();
	begin(DOWNLOAD("1", "a"));
	go_on();
	say_fetched(of_web, 200, 7);
	say_received(of_files, 8); /* more than there were */
	assert_files_condemned();
	begin(DOWNLOAD("1", "a"));
	go_on();
	say(REPLY_RECEIVING, of_files, "", 0);
	assert_files_condemned();
	begin(DOWNLOAD("1", "a"));
	go_on();
	say(WEB_TOTAL, of_files, "\0\0\0\0\0\0\0", 8);
	assert_files_condemned();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_the_other),
		cmocka_unit_test(test_lies_of_web),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_lies_of_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
