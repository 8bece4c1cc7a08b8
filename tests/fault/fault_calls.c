/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation in the life of a call fails in turn, once and for good: it is answered exactly once, or
 * the transport is told that not even that was possible (and ends the session).
 */
#include "protocol/cleanup.h"
#include "server/command_parts.h"
#include "tests/fault/allocator.h"
#include "tests/support/frontend.h"

#define CALL(tool, arguments)                                                                                \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"                                                  \
	"call\",\"params\":{\"_meta\":{\"progressToken\":1},"                                                \
	"\"name\":\"" tool "\",\"arguments\":{" arguments "}}}"

static struct frontend frontend;

/* Plays spawner and executor (or nanny) as far as the frontend got. */
static void answer(enum spawner_kind kind)
{
	struct frame_descriptors descriptors;
	struct frame_header header;
	int other;

	if (frontend.calls.web.supervised.state == SUPERVISED_NONE && kind == SPAWNER_WEB)
		return;
	if (frontend.supervisor.spawner.fd < 0)
		return;
	other = frontend_start(&frontend, kind);
	if (frame_receive(other, &header, &frontend.frame, &descriptors, MSG_DONTWAIT) == 0) {
		if (kind == SPAWNER_WEB) {
			frontend_frame(other, REPLY_TEXT, header.call, 0, "text", 4, -1);
			frontend_frame(other, REPLY_FAILURE, header.call, 0, "\4\0\0\0done", 8, -1);
		} else {
			char report[36] = {0};

			assert_int_equal(write(descriptors.fds[1], "output\n", 7), 7);
			frontend_frame(descriptors.fds[0], KEEPER_ENDED, 0, 0, report, sizeof report, -1);
		}
		frame_descriptors_close(&descriptors);
		frontend_turn(&frontend);
	}
	close(other);
	frontend_turn(&frontend);
	close(frontend.spawner); /* whatever was condemned is dead then */
	frontend.spawner = -1;
	frontend_turn(&frontend);
}

/* Returns whether an allocation failed: false means that there are no more. */
static bool attempt(const char *message, enum spawner_kind kind, unsigned at, bool lasting)
{
	bool failed;
	int result;

	frontend_init(&frontend);
	assert_int_equal(buffer_reserve(&frontend.sent, 1 << 20), 0);
	assert_int_equal(buffer_reserve(&frontend.frame, LIMIT_MESSAGE_FRAME_BYTES), 0);
	fault_arm(at, lasting);
	result = mcp_receive(frontend.peer, message, strlen(message));
	if (result == 0)
		answer(kind);
	failed = fault_happened();
	fault_disarm();
	assert_true(result == 0 || failed);
	assert_int_equal(frontend_count(&frontend, "\"id\":1,"), result == 0);
	assert_int_equal(mcp_in_flight(frontend.peer), 0);
	frontend_deinit(&frontend);
	return failed;
}

static void try_all(const char *message, enum spawner_kind kind)
{
	for (int lasting = 0; lasting < 2; lasting++) {
		unsigned at = 1;

		while (attempt(message, kind, at, lasting))
			at++;
		assert_true(at > 10); /* or nothing was allocated, and nothing shown */
	}
}

static void test_fetch(void **state)
{
	try_all(CALL("fetch_url", "\"url\":\"http://example.org/\""), SPAWNER_WEB);
}

static void test_command(void **state)
{
	try_all(CALL("run_command", "\"command\":\"true\",\"env\":{\"A\":\"b\"}"), SPAWNER_SANDBOX);
}

/* A command that goes on in the background, with some output. */
static struct command *begin_command(void)
{
	struct command *command;

	frontend_say(&frontend, CALL("run_command", "\"command\":\"true\",\"wait_ms\":0"));
	command = frontend.caller.waiting;
	loop_timer_clear(&frontend.loop, &command->timer);
	command->timer.fire(&command->timer);
	assert_null(command->listener.call);
	command_log_add(&command->log, 0, "some output\n", 12);
	buffer_clear(&frontend.sent, SIZE_MAX);
	return command;
}

static bool attempt_resource(const char *method, unsigned at, bool lasting)
{
	const struct command *command;
	char message[200];
	bool failed;
	int result;

	frontend_init(&frontend);
	assert_int_equal(buffer_reserve(&frontend.sent, 1 << 20), 0);
	command = begin_command();
	snprintf(message, sizeof message,
		 "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"resources/%s\",\"params\":{"
		 "\"uri\":\"sallyport://command/%s/output\"}}",
		 method, command->handle.id);
	fault_arm(at, lasting);
	result = mcp_receive(frontend.peer, message, strlen(message));
	failed = fault_happened();
	fault_disarm();
	assert_true(result == 0 || failed);
	assert_int_equal(frontend_count(&frontend, "\"id\":2,"), result == 0);
	assert_int_equal(mcp_in_flight(frontend.peer), 0);
	frontend_deinit(&frontend);
	return failed;
}

static void test_resources(void **state)
{
	static const char *const methods[] = {"list", "read", "subscribe"};

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		for (int lasting = 0; lasting < 2; lasting++) {
			unsigned at = 1;

			while (attempt_resource(methods[i], at, lasting))
				at++;
			assert_true(at > 5); /* or nothing was allocated, and nothing shown */
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_fetch), cmocka_unit_test(test_command),
					   cmocka_unit_test(test_resources)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
