/* SPDX-License-Identifier: Apache-2.0 */
/* Subscribed files, the frontend's side: what an executor may say of them and when, and what becomes of lies.
 */
#include "tests/support/frontend.h"

#include "tools/files/wire.h"
#include "tools/reply.h"

#define SUBSCRIBE(id, name)                                                                                  \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"resources/subscribe\",\"params\":{\"uri\":"         \
	"\"file:///workspace/" name "\"}}"
#define UNSUBSCRIBE(id, name)                                                                                \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"resources/unsubscribe\",\"params\":{\"uri\":"       \
	"\"file:///workspace/" name "\"}}"
#define EMPTY(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{}}"
#define UPDATED   "notifications/resources/updated"

static struct frontend frontend;

/* What the executor says of watch `number`. */
static int hear(uint16_t type, uint32_t number, uint32_t value, const void *payload, size_t length)
{
	struct frame_header header = {
		.type = type, .call = number, .value = value, .length = (uint32_t)length};

	return file_watches_take(&frontend.calls, &header, payload);
}

static int setup(void **state)
{
	frontend_init(&frontend);
	return 0;
}

static int teardown(void **state)
{
	frontend_deinit(&frontend);
	return 0;
}

static void test_answered_when_it_is_watched(void **state)
{
	frontend_say(&frontend, SUBSCRIBE("1", "x"));
	frontend_say(&frontend, SUBSCRIBE("2", "x"));
	assert_int_equal(frontend.calls.watches.count, 1);
	assert_int_equal(frontend.calls.files.calls, 1); /* in use */
	assert_int_equal(buffer_length(&frontend.sent), 0);
	assert_int_equal(hear(REPLY_WATCHED, 1, WATCHED_WELL, NULL, 0), 0);
	assert_int_equal(frontend_count(&frontend, EMPTY("1")), 1);
	assert_int_equal(frontend_count(&frontend, EMPTY("2")), 1);
	/* told later, and once */
	for (int i = 0; i < 1000; i++)
		assert_int_equal(hear(REPLY_CHANGED, 1, 0, NULL, 0), 0);
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend, UPDATED), 0);
	while (!frontend_count(&frontend, UPDATED)) {
		frontend.loop.stop = false;
		assert_int_equal(loop_run(&frontend.loop, NULL), 0);
	}
	assert_int_equal(frontend_count(&frontend, UPDATED), 1);
	frontend_say(&frontend, UNSUBSCRIBE("3", "x"));
	assert_int_equal(frontend.calls.watches.count, 0);
	assert_int_equal(frontend.calls.files.calls, 0);
	assert_int_equal(hear(REPLY_CHANGED, 1, 0, NULL, 0), 0); /* it crossed that */
}

static void test_refused(void **state)
{
	struct buffer payload;

	buffer_init(&payload, 1000);
	assert_int_equal(frame_put_text(&payload, "inotify is used up"), 0);
	frontend_say(&frontend, SUBSCRIBE("1", "x"));
	assert_int_equal(
		hear(REPLY_WATCHED, 1, WATCHED_FAILED, buffer_data(&payload), buffer_length(&payload)), 0);
	buffer_deinit(&payload);
	frontend_say(&frontend, SUBSCRIBE("2", "x")); /* before it is told */
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend, "\"message\":\"Error: inotify is used up\""), 2);
	assert_int_equal(frontend.calls.watches.count, 0);
}

static void test_lies(void **state)
{
	static const struct {
		bool held; /* said of one that is watched; else of one that was just asked for */
		uint16_t type;
		uint32_t number, value;
		size_t length;
	} lies[] = {
		{false, REPLY_CHANGED, 1, 0, 0},
		{false, REPLY_WATCHED, 0, WATCHED_WELL, 0},
		{false, REPLY_WATCHED, 2, WATCHED_WELL, 0},
		{false, REPLY_WATCHED, UINT32_MAX, WATCHED_WELL, 0},
		{false, REPLY_WATCHED, 1, WATCHED_WELL, 4},
		{false, REPLY_WATCHED, 1, WATCHED_FAILED, 0},
		{false, REPLY_WATCHED, 1, WATCHED_FAILED, 3},
		{false, REPLY_WATCHED, 1, WATCHED_DENIED, 4},
		{false, REPLY_WATCHED, 1, WATCHED_DENIED + 1, 4},
		{true, REPLY_WATCHED, 1, WATCHED_WELL, 0},
		{true, REPLY_CHANGED, 1, 0, 4},
		{true, REPLY_CHANGED, 0, 0, 0},
		{true, REPLY_CHANGED, 2, 0, 0},
	};
	static const uint8_t zeros[16];
	struct frame_header flagged = {.type = REPLY_CHANGED, .call = 1, .flags = FRAME_MORE};

	frontend_say(&frontend, SUBSCRIBE("1", "x"));
	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		if (lies[i].held && !lies[i - 1].held)
			assert_int_equal(hear(REPLY_WATCHED, 1, WATCHED_WELL, NULL, 0), 0);
		assert_int_equal(hear(lies[i].type, lies[i].number, lies[i].value, zeros, lies[i].length),
				 -EPROTO);
	}
	assert_int_equal(file_watches_take(&frontend.calls, &flagged, NULL), -EPROTO);
	assert_int_equal(frontend_count(&frontend, UPDATED), 0);
}

/* An executor that cannot be started, said at once: still it is answered, once, and nothing is left. */
static void test_none_to_be_had(void **state)
{
	frontend.supervisor.unsealed = EPERM;
	frontend_say(&frontend, SUBSCRIBE("1", "x"));
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend, "could not be started"), 1);
	assert_int_equal(frontend_count(&frontend, EMPTY("1")), 0);
	assert_int_equal(frontend.calls.watches.count, 0);
	assert_int_equal(frontend.calls.files.calls, 0);
}

/* All callers together. */
static void test_too_many(void **state)
{
	frontend.calls.watches.count = LIMIT_FILE_WATCHES;
	assert_int_equal(file_watch_begin(&frontend.calls, frontend.speaking, "file:///workspace/x", "x"),
			 -ENOSPC);
	frontend.calls.watches.count = 0;
	assert_int_equal(file_watch_begin(&frontend.calls, frontend.speaking, "file:///workspace/x", "x"),
			 -EINPROGRESS);
}

static void test_no_path(void **state)
{
	frontend_say(&frontend, SUBSCRIBE("1", "%zz"));
	assert_int_equal(frontend_count(&frontend, "Resource not found"), 1);
	assert_int_equal(frontend.calls.watches.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answered_when_it_is_watched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_none_to_be_had, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_path, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
