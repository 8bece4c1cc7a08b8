/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation in the life of a download fails in turn, once and for good: its call is answered once, and
 * nothing of it stays. */
#include "tests/fault/allocator.h"
#include "tests/support/downloads.h"

#define MESSAGE                                                                                              \
	CALL("1", "\"_meta\":{\"progressToken\":1},", "\"url\":\"http://example.org/a\",\"path\":\"a\"")

/* Made before anything fails. */
static struct buffer fetched, received;

static bool next_request(struct frame_header *header)
{
	const uint8_t *payload;

	if (ring_peek(&files.rings.in, header, &payload) <= 0)
		return false;
	ring_release(&files.rings.in, header);
	return true;
}

static void fetch(void)
{
	struct frame_descriptors descriptors;
	struct frame_header header;

	if (frontend.calls.web.supervised.state != SUPERVISED_STARTING)
		return;
	web = frontend_start(&frontend, SPAWNER_WEB);
	if (frame_receive(web, &header, &frontend.frame, &descriptors, MSG_DONTWAIT) < 0)
		return;
	frame_descriptors_close(&descriptors);
	frontend_frame(web, REPLY_RESULT, header.call, 0, buffer_data(&fetched), buffer_length(&fetched), -1);
	frontend_turn(&frontend);
}

/* Plays both executors as far as the frontend gets. */
static void perform(void)
{
	struct frame_header header;

	start_files();
	while (next_request(&header)) {
		if (header.type == FILES_RECEIVE) {
			say_receiving(header.call, 0);
			say_receiving(header.call, 5);
			fetch();
		} else if (header.type == FILES_RECEIVED) {
			say(REPLY_RESULT, header.call, buffer_data(&received), buffer_length(&received));
		} else {
			say(REPLY_FAILURE, header.call, "\4\0\0\0done", 8);
		}
	}
}

/* Returns whether an allocation failed: false means that there are no more. */
static bool attempt(unsigned at, bool lasting)
{
	bool failed;
	int result;

	frontend_init(&frontend);
	files.rings.base = NULL;
	web = -1;
	assert_int_equal(buffer_reserve(&frontend.sent, 1 << 20), 0);
	assert_int_equal(buffer_reserve(&frontend.frame, LIMIT_MESSAGE_FRAME_BYTES), 0);
	fault_arm(at, lasting);
	result = mcp_receive(frontend.peer, MESSAGE, strlen(MESSAGE));
	if (result == 0 && frontend.calls.files.supervised.state == SUPERVISED_STARTING)
		perform();
	close(frontend.spawner); /* whatever was condemned is dead then */
	frontend.spawner = -1;
	frontend_turn(&frontend);
	failed = fault_happened();
	fault_disarm();
	assert_true(result == 0 || failed);
	assert_int_equal(frontend_count(&frontend, "\"id\":1,"), result == 0);
	assert_int_equal(mcp_in_flight(frontend.peer), 0);
	frontend_deinit(&frontend);
	end_files();
	close_fd(&web);
	return failed;
}

static void test_download(void **state)
{
	pack_fetched(&fetched, 200, 5);
	pack_received(&received, 5);
	for (int lasting = 0; lasting < 2; lasting++) {
		unsigned at = 1;

		while (attempt(at, lasting))
			at++;
		assert_true(at > 20);
	}
	buffer_deinit(&fetched);
	buffer_deinit(&received);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_download)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
