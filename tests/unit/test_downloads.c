/* SPDX-License-Identifier: Apache-2.0 */
/* Downloads, the frontend's side: what is asked of whom and when, what calls are told, and what is left. */
#include "tests/support/downloads.h"

static void test_straight(void **state)
{
	uint64_t bytes;
	char byte;

	begin(DOWNLOAD("1", "a"));
	assert_int_equal(read(inlet, &byte, 1), -1); /* neither end waits */
	assert_int_equal(errno, EAGAIN);
	frontend_expect_nothing(&frontend, frontend.spawner); /* nobody is asked to fetch yet */
	go_on();
	assert_int_equal(write(outlet, "x", 1), 1);
	assert_int_equal(read(inlet, &byte, 1), 1);
	close_fd(&outlet);
	assert_int_equal(read(inlet, &byte, 1), 0); /* the frontend holds no end of it */
	asked_nothing();
	say_fetched(of_web, 200, 1);
	assert_int_equal(asked(FILES_RECEIVED, &bytes), of_files);
	assert_int_equal(bytes, 1);
	assert_int_equal(buffer_length(&frontend.sent), 0);
	say_received(of_files, 1);
	assert_int_equal(frontend_count(&frontend, "\"status\":\"created\""), 1);
	assert_int_equal(frontend_count(&frontend, "\"url\":\"http://example.org/there\""), 1);
	assert_none();
	end();
}

static void test_refused_by_files(void **state)
{
	begin(DOWNLOAD("1", "a"));
	say_text(-1, of_files, "not there");
	assert_int_equal(frontend_count(&frontend, "Error: not there"), 1);
	frontend_expect_nothing(&frontend, frontend.spawner);
	assert_none();
	end();
}

/* Told when the files executor has cleared away. */
static void test_failed_by_web(void **state)
{
	for (unsigned status = 0; status < 2; status++) {
		begin(DOWNLOAD("1", "a"));
		go_on();
		if (status)
			say_fetched(of_web, 404, 1);
		else
			say_text(web, of_web, "no such host");
		assert_int_equal(asked(REPLY_CANCEL, NULL), of_files);
		assert_int_equal(buffer_length(&frontend.sent), 0);
		say_text(-1, of_files, "cancelled");
		assert_int_equal(frontend_count(&frontend, status ? "status 404" : "Error: no such host"), 1);
		assert_none();
		end();
	}
}

static void test_failed_by_files(void **state)
{
	begin(DOWNLOAD("1", "a"));
	go_on();
	say_text(-1, of_files, "the disk is full");
	assert_int_equal(frontend_count(&frontend, "Error: the disk is full"), 1);
	assert_int_equal(frontend_expect(&frontend, web, REPLY_CANCEL, NULL).call, of_web);
	assert_int_equal(only()->phase, DOWNLOAD_ENDED); /* the web executor owes a word */
	say_fetched(of_web, 200, 5);                     /* which has crossed the cancel */
	assert_none();
	end();
}

static void test_late_and_again(void **state)
{
	begin(DOWNLOAD("1", "a"));
	go_on();
	frontend_frame(web, WEB_TOTAL, of_web, 0, "\x64\0\0\0\0\0\0\0", 8, -1);
	say_receiving(of_files, 25);
	be_late();
	assert_int_equal(frontend_count(&frontend, "\"status\":\"downloading\""), 1);
	assert_int_equal(frontend_count(&frontend, "25 of 100 bytes (25 %)"), 1);
	frontend_say(&frontend, DOWNLOAD("2", "a"));
	frontend_say(&frontend, DOWNLOAD("3", "b")); /* another question */
	assert_int_equal(frontend.calls.downloads.running, 2);
	say_fetched(of_web, 200, 100);
	say_received(of_files, 100);
	assert_int_equal(frontend_count(&frontend, "\"status\":\"created\""), 1);
	assert_int_equal(frontend.calls.downloads.running, 1);
	end();
}

/* How it ended is kept for one who asks, and for so long. */
static void test_kept(void **state)
{
	begin(DOWNLOAD("1", "a"));
	go_on();
	be_late();
	say_fetched(of_web, 200, 7);
	asked(FILES_RECEIVED, NULL);
	say_received(of_files, 7);
	assert_int_equal(only()->phase, DOWNLOAD_ENDED);
	assert_int_equal(frontend_count(&frontend, "\"id\":"), 1);
	frontend_say(&frontend, DOWNLOAD("2", "a"));
	assert_int_equal(frontend_count(&frontend, "\"status\":\"created\""), 1);
	assert_none();

	frontend_say(&frontend, DOWNLOAD("3", "a")); /* a new one */
	frontend_turn(&frontend);
	close_fd(&inlet);
	take_inlet();
	be_late();
	say_text(-1, of_files, "no");
	fire(&only()->stalled);
	assert_none();
	assert_int_equal(frontend_count(&frontend, "\"id\":"), 3);
	end();
}

static void test_cancelled(void **state)
{
	begin(DOWNLOAD("1", "a"));
	frontend_say(&frontend, DOWNLOAD("2", "a"));
	go_on();
	frontend_say(&frontend, CANCEL("1"));
	frontend_turn(&frontend);
	frontend_expect_nothing(&frontend, web);
	frontend_say(&frontend, CANCEL("2"));
	frontend_turn(&frontend);
	assert_int_equal(asked(REPLY_CANCEL, NULL), of_files);
	assert_int_equal(frontend_expect(&frontend, web, REPLY_CANCEL, NULL).call, of_web);
	frontend_say(&frontend, DOWNLOAD("3", "a")); /* not to that one */
	assert_int_equal(frontend.calls.downloads.running, 2);
	say_text(web, of_web, "cancelled");
	say_text(-1, of_files, "cancelled");
	assert_int_equal(buffer_length(&frontend.sent), 0);
	assert_ptr_not_equal(only()->listeners, NULL);
	end();
}

/* Nothing was sent yet: nobody owes a word. */
static void test_cancelled_at_once(void **state)
{
	frontend_init(&frontend);
	frontend_say(&frontend, DOWNLOAD("1", "a"));
	frontend_say(&frontend, CANCEL("1"));
	assert_none();
	assert_int_equal(buffer_length(&frontend.sent), 0);
	frontend_deinit(&frontend);
}

static void test_written_all_the_same(void **state)
{
	begin(DOWNLOAD("1", "a"));
	go_on();
	say_fetched(of_web, 200, 7);
	asked(FILES_RECEIVED, NULL);
	only()->moved = 0;
	fire(&only()->stalled);
	assert_int_equal(asked(REPLY_CANCEL, NULL), of_files);
	say_received(of_files, 7);
	assert_int_equal(frontend_count(&frontend, "\"status\":\"created\""), 1);
	assert_none();
	end();
}

static void test_stalled(void **state)
{
	begin(DOWNLOAD("1", "a"));
	go_on();
	fire(&only()->stalled); /* it looks too early */
	assert_int_equal(only()->phase, DOWNLOAD_FETCHING);
	only()->moved = 0;
	fire(&only()->stalled);
	say_text(-1, of_files, "cancelled");
	assert_int_equal(frontend_count(&frontend, "nothing has come for 120 s"), 1);
	end();
}

static void test_hanging(void **state)
{
	begin(DOWNLOAD("1", "a"));
	go_on();
	frontend_say(&frontend, CANCEL("1"));
	fire(&only()->web.last_word);
	assert_int_equal(frontend.calls.web.supervised.state, SUPERVISED_ENDING);
	fire(&only()->files.last_word);
	assert_int_equal(frontend.calls.files.supervised.state, SUPERVISED_ENDING);
	frontend_kill(&frontend);
	frontend_kill(&frontend);
	assert_none();
	end();
}

static void test_lost(void **state)
{
	for (unsigned which = 0; which < 3; which++) {
		begin(DOWNLOAD("1", "a"));
		go_on();
		if (which == 2)
			say_fetched(of_web, 200, 7);
		channel_condemn(which ? &frontend.calls.files : &frontend.calls.web);
		frontend_turn(&frontend);
		assert_int_equal(buffer_length(&frontend.sent), 0); /* not before it is dead */
		frontend_kill(&frontend);
		if (!which)
			say_text(-1, of_files, "cancelled");
		assert_int_equal(frontend_count(&frontend, which ? "the files executor ended while it worked"
								 : "the web executor ended while it worked"),
				 1);
		assert_int_equal(
			frontend_count(&frontend, which == 2 ? "is not known" : "nothing was written"), 1);
		end();
	}
}

static void test_never_started(void **state)
{
	frontend_init(&frontend);
	frontend_say(&frontend, DOWNLOAD("1", "a"));
	close(frontend.spawner);
	frontend.spawner = -1;
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend, "the files executor could not be started"), 1);
	assert_none();
	frontend_deinit(&frontend);
}

static void test_caller_leaves(void **state)
{
	begin(DOWNLOAD("1", "a"));
	go_on();
	be_late();
	downloads_leave(&frontend.calls, &frontend.caller);
	frontend_turn(&frontend);
	assert_int_equal(asked(REPLY_CANCEL, NULL), of_files);
	assert_int_equal(frontend_expect(&frontend, web, REPLY_CANCEL, NULL).call, of_web);
	say_text(-1, of_files, "cancelled");
	say_text(web, of_web, "cancelled");
	assert_none();
	end();
}

static void test_bounds(void **state)
{
	unsigned kept = 0;
	char message[256];

	begin(DOWNLOAD("0", "a"));
	for (unsigned i = 1; i <= LIMIT_DOWNLOADS_CALLER; i++) {
		snprintf(message, sizeof message, DOWNLOAD("%u", "a%u"), i, i);
		frontend_say(&frontend, message);
	}
	assert_int_equal(frontend.calls.downloads.running, LIMIT_DOWNLOADS_CALLER);
	assert_int_equal(frontend_count(&frontend, "Error: 8 downloads are under way already"), 1);
	end();

	begin(DOWNLOAD("0", "a"));
	frontend.calls.downloads.running = LIMIT_DOWNLOADS;
	frontend_say(&frontend, DOWNLOAD("1", "b"));
	assert_int_equal(frontend_count(&frontend, "(of all callers)"), 1);
	frontend.calls.downloads.running = 1;
	end();

	/* what has ended and nobody asks for */
	begin(DOWNLOAD("1", "a"));
	for (unsigned i = 0; i < LIMIT_DOWNLOADS_KEPT + 3; i++) {
		be_late();
		say_text(-1, of_files, "no");
		snprintf(message, sizeof message, DOWNLOAD("%u", "b%u"), i + 100, i);
		frontend_say(&frontend, message);
		frontend_turn(&frontend);
		close_fd(&inlet);
		take_inlet();
	}
	for (const struct download *at = frontend.calls.downloads.first; at; at = at->next)
		kept += at->phase == DOWNLOAD_ENDED;
	assert_int_equal(kept, LIMIT_DOWNLOADS_KEPT);
	end();
}

static void test_progress(void **state)
{
	begin(CALL("1", "\"_meta\":{\"progressToken\":7},",
		   "\"url\":\"http://example.org/a\",\"path\":\"a\""));
	go_on();
	say_receiving(of_files, 1000);
	say_receiving(of_files, 2000); /* too soon */
	assert_int_equal(frontend_count(&frontend, "\"progress\":1000"), 1);
	assert_int_equal(frontend_count(&frontend, "notifications/progress"), 1);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_straight),
		cmocka_unit_test(test_refused_by_files),
		cmocka_unit_test(test_failed_by_web),
		cmocka_unit_test(test_failed_by_files),
		cmocka_unit_test(test_late_and_again),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_cancelled_at_once),
		cmocka_unit_test(test_written_all_the_same),
		cmocka_unit_test(test_stalled),
		cmocka_unit_test(test_hanging),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_never_started),
		cmocka_unit_test(test_caller_leaves),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
