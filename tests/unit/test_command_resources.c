/* SPDX-License-Identifier: Apache-2.0 */
/* The output of commands as resources: who is told when, how often, and what a read says. */
#include "protocol/cleanup.h"
#include "protocol/mcp_peer.h"
#include "tests/support/callers.h"

#define UPDATED "notifications/resources/updated"

static int door;

/* A command of callers[0] in the background, at its nanny, whose handle its caller knows. */
struct background {
	struct running running;
	struct command *command;
	char uri[80];
};

static void say(const char *format, const char *text)
{
	char message[300];

	snprintf(message, sizeof message, format, text);
	frontend_say(&frontend, message);
}

/* What is said of a resource; the answer stands in frontend.sent. */
static void ask(const char *method, const char *uri)
{
	char format[200];

	buffer_clear(&frontend.sent, SIZE_MAX);
	snprintf(format, sizeof format,
		 "{\"jsonrpc\":\"2.0\",\"id\":77,\"method\":\"resources/%s\",\"params\":{\"uri\":\"%%s\"}}",
		 method);
	say(format, uri);
	assert_int_equal(frontend_count(&frontend, "\"id\":77,"), 1);
}

static unsigned count(const char *text)
{
	return frontend_count(&frontend, text);
}

/* How often it was told that a resource changed, since this was last asked. */
static unsigned updates(void)
{
	unsigned found = count(UPDATED);

	buffer_clear(&frontend.sent, SIZE_MAX);
	return found;
}

static void say_run(void)
{
	frontend_say(&frontend, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{"
				"\"name\":\"run_command\",\"arguments\":{\"command\":\"make \\\"all\\\"\","
				"\"wait_ms\":0}}}");
}

/* Its call is answered: it goes on in the background. If it runs it is asked what it waits for, and says
 * nothing. */
static void let_go(struct background *background)
{
	struct command *command = background->command;

	while (command->listener.call)
		fire(&command->timer);
	if (command->state == COMMAND_RUNNING)
		frontend_expect(&frontend, background->running.fds.fds[0], KEEPER_ASK_STATE, NULL);
	assert_int_equal(count("\"id\":1,"), 1);
	assert_ptr_equal(callers[0].handles, command);
	snprintf(background->uri, sizeof background->uri, "sallyport://command/%s/output",
		 command->handle.id);
	buffer_clear(&frontend.sent, SIZE_MAX);
}

static struct background start(void)
{
	struct background background;

	begin(1, false);
	frontend.plan.result_bytes = LIMIT_RESULT_BYTES_MIN;
	frontend.calls.context.result_bytes = LIMIT_RESULT_BYTES_MIN;
	frontend.speaking = &callers[0];
	say_run();
	door = frontend_start(&frontend, SPAWNER_SANDBOX);
	background.running = take(door);
	background.command = callers[0].open->running;
	assert_non_null(background.command);
	let_go(&background);
	return background;
}

static void stop(void)
{
	close(door);
	end();
}

static void write_output(struct background *background, const char *text)
{
	assert_int_equal(write(background->running.fds.fds[1], text, strlen(text)), (ssize_t)strlen(text));
	frontend_turn(&frontend);
}

static void test_output_is_folded(void **state)
{
	struct background background = start();
	struct loop_timer *update = &background.command->update;

	write_output(&background, "before\n");
	assert_int_equal(update->place, 0); /* nobody has subscribed: nothing is done for it */
	ask("subscribe", background.uri);
	assert_int_equal(count("\"result\":{}"), 1);
	assert_int_equal(updates(), 0);
	for (int round = 0; round < 2; round++) {
		uint64_t now = frontend.loop.now;

		write_output(&background, "one\n");
		assert_true(update->at >= now + LOOP_MS(LIMIT_RESOURCE_UPDATE_MS));
		now = update->at;
		write_output(&background, "two\n");
		assert_int_equal(update->at, now); /* more does not put it off */
		assert_int_equal(updates(), 0);
		fire(update);
		assert_int_equal(count(background.uri), 1);
		assert_int_equal(updates(), 1);
		assert_int_equal(update->place, 0);
	}
	close(background.running.fds.fds[2]); /* the end of a stream is no output */
	background.running.fds.fds[2] = -1;
	frontend_turn(&frontend);
	assert_int_equal(background.command->pipes[1].source.fd, -1);
	assert_int_equal(update->place, 0);
	write_output(&background, "three\n");
	ask("unsubscribe", background.uri);
	assert_int_equal(update->place, 0);
	write_output(&background, "four\n");
	assert_int_equal(update->place, 0);
	finish(&background.running);
	assert_int_equal(updates(), 0);
	stop();
}

static void test_the_end_is_told_once(void **state)
{
	struct background background = start();

	ask("subscribe", background.uri);
	write_output(&background, "last words\n");
	finish(&background.running); /* with what has not been told yet */
	assert_int_equal(background.command->update.place, 0);
	assert_int_equal(count(background.uri), 1);
	assert_int_equal(updates(), 1);
	/* who comes later learns it at once */
	ask("subscribe", background.uri);
	assert_int_equal(updates(), 1);
	/* it expires without a word, and then there is no such resource */
	assert_int_equal(callers[0].mcp->interest_count, 1);
	fire(&background.command->timer);
	assert_int_equal(callers[0].mcp->interest_count, 0);
	assert_int_equal(updates(), 0);
	ask("subscribe", background.uri);
	assert_int_equal(count("\"code\":-32002"), 1);
	assert_int_equal(count(background.uri), 1); /* data.uri */
	stop();
}

static void test_one_that_is_stopped_before_it_begins(void **state)
{
	struct background background;

	begin(1, false);
	frontend.speaking = &callers[0];
	say_run();
	background.command = callers[0].waiting;
	let_go(&background);
	ask("subscribe", background.uri);
	buffer_clear(&frontend.sent, SIZE_MAX);
	say("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{"
	    "\"name\":\"stop_command\",\"arguments\":{\"id\":\"%s\"}}}",
	    background.command->handle.id);
	assert_int_equal(count("\"id\":2,"), 1);
	assert_int_equal(updates(), 1);
	ask("read", background.uri);
	assert_int_equal(count("stopped before it had begun"), 1);
	assert_int_equal(count("{\"status\":\"denied\"}"), 1);
	end();
}

/* Who listens is told, subscribers hear of it, and its id keeps on saying why. */
static void test_one_that_cannot_start(void **state)
{
	struct background background = start();
	struct buffer payload;

	ask("subscribe", background.uri);
	say("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{"
	    "\"name\":\"read_output\",\"arguments\":{\"id\":\"%s\",\"wait_ms\":4000}}}",
	    background.command->handle.id);
	assert_int_equal(updates(), 0);
	buffer_init(&payload, LIMIT_FRAME_BYTES);
	frame_put_text(&payload, "execve");
	assert_int_equal(frame_put_text(&payload, "/bin/x"), 0);
	frontend_frame(background.running.fds.fds[0], KEEPER_FAILED, 0, ENOENT, buffer_data(&payload),
		       buffer_length(&payload), -1);
	buffer_deinit(&payload);
	frame_descriptors_close(&background.running.fds);
	frontend_turn(&frontend);
	assert_int_equal(count("\"id\":2,"), 1);
	assert_int_equal(updates(), 1);
	for (int i = 0; i < 2; i++) {
		ask("read", background.uri);
		assert_int_equal(count("/bin/x"), 1);
		assert_int_equal(count("{\"status\":\"denied\"}"), 1);
	}
	stop();
}

static void test_read(void **state)
{
	struct background background = start();
	char line[101];

	ask("read", background.uri);
	assert_int_equal(count("\"mimeType\":\"text/plain\",\"text\":\"[running"), 1);
	assert_int_equal(count("{\"status\":\"running\",\"next\":0,\"unread_bytes\":0}"), 1);
	memset(line, 'x', 99);
	memcpy(line + 99, "\n", 2);
	for (int i = 0; i < 11; i++)
		write_output(&background, line);
	assert_int_equal(write(background.running.fds.fds[2], "more\n", 5), 5);
	finish(&background.running);
	ask("read", background.uri);
	assert_int_equal(count("xxx\\n"), LIMIT_RESULT_BYTES_MIN / 100);
	assert_int_equal(count("more\\n"), 0);
	assert_int_equal(count("105 bytes more: read_output with since 1000]\""), 1);
	assert_int_equal(count("{\"status\":\"exited\",\"exit_code\":0,\"next\":1000,\"unread_bytes\":105}"),
			 1);
	assert_int_equal(background.command->handle.read_to, 0); /* read_output begins where it would have */
	stop();
}

static void test_list(void **state)
{
	static const char ask_list[] =
		"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"resources/list\",\"params\":{}}";
	struct background background = start();

	frontend_say(&frontend, ask_list);
	assert_int_equal(count(background.uri), 1);
	assert_int_equal(count("\"name\":\"make \\\"all\\\"\",\"description\":\"running\""), 1);
	finish(&background.running);
	buffer_clear(&frontend.sent, SIZE_MAX);
	frontend_say(&frontend, ask_list);
	assert_int_equal(count("\"description\":\"exited\""), 1);
	buffer_clear(&frontend.sent, SIZE_MAX);
	frontend.speaking = &callers[1];
	frontend_say(&frontend, ask_list);
	assert_int_equal(count("\"result\":{\"resources\":[]}"), 1);
	stop();
}

/* Also what is another caller's. */
static void test_what_is_not_there(void **state)
{
	static const char *const methods[] = {"read", "subscribe"};
	struct background background = start();
	_cleanup_free_ char *spoilt = strdup(background.uri);
	const char *uris[] = {"",
			      "sallyport://command/",
			      "sallyport://command//output",
			      "sallyport://command/0123456789abcdef0123456789abcdef/output",
			      "sallyport://command/0123456789abcdef0123456789abcdef",
			      "files:///etc/passwd",
			      spoilt,
			      background.uri};

	spoilt[strlen(spoilt) - 1] = 'T';
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++)
		for (size_t j = 0; j < ARRAY_SIZE(methods); j++) {
			frontend.speaking = uris[i] == background.uri ? &callers[1] : &callers[0];
			ask(methods[j], uris[i]);
			assert_int_equal(count("\"code\":-32002"), 1);
		}
	finish(&background.running);
	assert_int_equal(updates(), 0);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_is_folded),
		cmocka_unit_test(test_the_end_is_told_once),
		cmocka_unit_test(test_one_that_is_stopped_before_it_begins),
		cmocka_unit_test(test_one_that_cannot_start),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_what_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
