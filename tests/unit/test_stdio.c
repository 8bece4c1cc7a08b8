/* SPDX-License-Identifier: Apache-2.0 */
/* The stdio transport: lines of every kind in, and a host that reads late, or never, or goes away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "server/transport/stdio.h"

#define PING(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"ping\"}"
#define PONG(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{}}\n"

static struct loop loop;
static struct stdio stdio;
static struct mcp_caller *caller;
static struct mcp_peer *peer;
static struct buffer got;
static int host_in, host_out; /* the host's ends: it writes host_in */
static unsigned ends;
static const char *why;

static void ended(struct stdio *of, const char *reason)
{
	ends++;
	why = reason;
}

static void turned(struct loop *of)
{
	stdio_flush(&stdio);
	of->stop = true;
}

static void turn(void)
{
	loop.stop = false;
	loop.again = true;
	assert_int_equal(loop_run(&loop, NULL), 0);
}

static bool no_tool(void *context, const char *name)
{
	return false;
}

static void begin(void)
{
	struct mcp_host host = {.name = "test", .title = "Test", .version = "1", .tool_known = no_tool};
	struct mcp_sink sink;
	int in[2], out[2];

	ends = 0;
	why = NULL;
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(loop_init(&loop, turned, NULL), 0);
	assert_int_equal(stdio_init(&stdio, &loop, in[0], out[1], ended, NULL), 0);
	assert_true(stdio.reopened); /* the flags of what the host gave are not touched */
	assert_int_equal(fcntl(out[1], F_GETFL) & O_NONBLOCK, 0);
	close(out[1]);
	host_in = in[1];
	host_out = out[0];
	assert_true(fcntl(host_in, F_SETFL, O_NONBLOCK) == 0 && fcntl(host_out, F_SETFL, O_NONBLOCK) == 0);
	sink = stdio_sink(&stdio);
	assert_int_equal(mcp_caller_new(&caller, &host), 0);
	assert_int_equal(mcp_peer_new(&peer, caller, &sink), 0);
	stdio.peer = peer;
	buffer_init(&got, SIZE_MAX);
}

static void end(void)
{
	stdio_deinit(&stdio);
	mcp_peer_free(peer);
	mcp_caller_free(caller);
	loop_deinit(&loop);
	if (host_in >= 0)
		close(host_in);
	if (host_out >= 0)
		close(host_out);
	buffer_deinit(&got);
}

static void take(void)
{
	char bytes[65536];
	ssize_t length;

	while ((length = read(host_out, bytes, sizeof bytes)) > 0)
		assert_int_equal(buffer_append(&got, bytes, (size_t)length), 0);
}

/* Writes all of it, letting the server read, and reading what it answers. */
static void say(const char *bytes, size_t length)
{
	while (length) {
		ssize_t done = write(host_in, bytes, length);

		assert_true(done > 0 || errno == EAGAIN);
		if (done > 0) {
			bytes += done;
			length -= (size_t)done;
		}
		turn();
		take();
	}
	turn();
	take();
}

static void assert_got(const char *expected)
{
	assert_int_equal(buffer_append(&got, "", 1), 0);
	assert_string_equal(buffer_data(&got), expected);
	buffer_clear(&got, SIZE_MAX);
}

static void test_lines(void **state)
{
	static const char lines[] = PING("1") "\n" PING("2") "\r\n\n\r\n" PING("3") "\n";

	begin();
	say(lines, sizeof lines - 1);
	assert_got(PONG("1") PONG("2") PONG("3"));
	for (const char *at = lines; *at; at++)
		say(at, 1);
	assert_got(PONG("1") PONG("2") PONG("3"));
	/* the last one has no newline: it counts all the same */
	say(PING("4"), strlen(PING("4")));
	assert_got("");
	close(host_in);
	host_in = -1;
	turn();
	take();
	assert_got(PONG("4"));
	assert_int_equal(ends, 1);
	assert_null(why);
	turn();
	assert_int_equal(ends, 1);
	end();
}

/* A line of `length` bytes that is a ping followed by spaces. */
static char *long_line(size_t length)
{
	char *line = malloc(length + 1);

	assert_non_null(line);
	memset(line, ' ', length);
	memcpy(line, PING("1"), strlen(PING("1")));
	line[length] = '\n';
	return line;
}

static void test_long_lines(void **state)
{
	static const struct {
		size_t length;
		bool served;
	} lines[] = {{LIMIT_MESSAGE_BYTES, true}, {LIMIT_MESSAGE_BYTES + 1, false}, {64u << 20, false}};

	begin();
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		char *line = long_line(lines[i].length);

		say(line, lines[i].length + 1);
		free(line);
		assert_int_equal(buffer_append(&got, "", 1), 0);
		assert_true(strstr(buffer_data(&got), lines[i].served ? PONG("1") : "it is longer than"));
		assert_ptr_equal(strchr(buffer_data(&got), '\n'), strrchr(buffer_data(&got), '\n'));
		buffer_clear(&got, SIZE_MAX);
		say(PING("2") "\n", sizeof PING("2"));
		assert_got(PONG("2"));
		assert_true(stdio.line.size <= LIMIT_INPUT_KEEP_BYTES);
	}
	end();
}

/* The longest message that is served, and its carriage return, come before the newline does. */
static void test_longest_with_carriage_return(void **state)
{
	char *line = long_line(LIMIT_MESSAGE_BYTES);

	begin();
	line[LIMIT_MESSAGE_BYTES] = '\r';
	say(line, LIMIT_MESSAGE_BYTES + 1);
	say("\n", 1);
	assert_got(PONG("1"));
	free(line);
	end();
}

/* Input ends in the middle of a line that is too long: that is answered too. */
static void test_long_last_line(void **state)
{
	char *line = long_line(LIMIT_MESSAGE_BYTES + 100);

	begin();
	say(line, LIMIT_MESSAGE_BYTES + 100);
	close(host_in);
	host_in = -1;
	turn();
	take();
	assert_int_equal(buffer_append(&got, "", 1), 0);
	assert_non_null(strstr(buffer_data(&got), "it is longer than"));
	assert_int_equal(ends, 1);
	free(line);
	end();
}

/* Queues a message of its own through the sink, as calls do that end while the host does not read. */
static int queue(size_t length)
{
	struct mcp_sink sink = stdio_sink(&stdio);
	struct buffer message;
	int result;

	buffer_init(&message, length);
	assert_int_equal(buffer_reserve(&message, length), 0);
	memset(message.bytes, 'x', length);
	message.end = length;
	result = sink.send(sink.context, &(struct mcp_delivery){.last = true}, &message);
	buffer_deinit(&message);
	return result;
}

static void test_host_does_not_read(void **state)
{
	size_t sent = 0;

	begin();
	while (!stdio.paused) {
		assert_int_equal(queue(1u << 20), 0);
		sent += 1u << 20;
		turn();
	}
	assert_in_range(stdio.waiting, LIMIT_OUTGOING_PAUSE_BYTES, 2 * LIMIT_OUTGOING_PAUSE_BYTES);
	assert_int_equal(write(host_in, PING("1") "\n", sizeof PING("1")), sizeof PING("1"));
	turn();
	assert_int_equal(buffer_length(&stdio.line), 0); /* not read, and not waited for */
	while (stdio.waiting) {
		take();
		turn();
	}
	turn();
	turn();
	take();
	assert_int_equal(buffer_length(&got), sent + strlen(PONG("1")));
	assert_memory_equal(buffer_data(&got) + sent, PONG("1"), strlen(PONG("1")));
	assert_int_equal(ends, 0);
	end();
}

/* Past the bound answers would be lost, so the session ends, after the turn, and says why. */
static void test_host_never_reads(void **state)
{
	int result = 0;

	begin();
	for (size_t queued = 0; queued <= LIMIT_OUTGOING_BYTES && result == 0; queued += 8u << 20)
		result = queue(8u << 20);
	assert_int_equal(result, -EPIPE);
	assert_int_equal(ends, 0);
	assert_int_equal(queue(1), -EPIPE); /* nothing may overtake what was lost */
	turn();
	assert_int_equal(ends, 1);
	assert_non_null(strstr(why, "stopped reading"));
	assert_int_equal(write(host_in, PING("1") "\n", sizeof PING("1")), sizeof PING("1"));
	turn();
	assert_int_equal(ends, 1);
	end();
}

static void test_host_goes_away(void **state)
{
	begin();
	close(host_out);
	host_out = -1;
	turn();
	assert_int_equal(ends, 1);
	assert_null(why);
	assert_int_equal(queue(1), -EPIPE);
	end();

	begin();
	assert_int_equal(queue(1u << 20), 0);
	turn();
	close(host_out);
	host_out = -1;
	turn();
	assert_int_equal(ends, 1);
	assert_non_null(strstr(why, "closed our standard output"));
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_longest_with_carriage_return),
		cmocka_unit_test(test_long_last_line),
		cmocka_unit_test(test_host_does_not_read),
		cmocka_unit_test(test_host_never_reads),
		cmocka_unit_test(test_host_goes_away),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
