/* SPDX-License-Identifier: Apache-2.0 */
/*
 * many-callers: the server with as many callers as the test likes, before there is a transport that brings
 * them. Everything but the transport is the server's own, sealed as the server seals itself.
 *
 *   many-callers [--workspace DIR[:ro]]... [--policy FILE] [--answer-within SECONDS]
 *
 * Each line of input is a caller's number, a space, and a JSON-RPC message of that caller's; nothing after
 * the number: the caller leaves. Each line of output is the number of whom it is for, a space, and the
 * message.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/mcp.h"
#include "sandbox/spawner/spare.h"
#include "server/caller.h"
#include "server/calls.h"
#include "server/loop.h"
#include "server/policy/compile.h"
#include "server/seal.h"
#include "server/settings.h"
#include "server/supervisor.h"

#define CALLERS 1000

struct guest {
	struct server *server;
	struct mcp_peer *peer; /* NULL: never heard of, or gone */
	struct caller caller;
};

struct server {
	struct loop loop; /* first: the turn hook comes with it */
	struct settings settings;
	struct supervisor supervisor;
	struct calls calls;
	struct loop_source input;
	struct buffer line;
	struct guest guests[CALLERS];
};

static struct server server;

static _Noreturn void fail(const char *text)
{
	fprintf(stderr, "many-callers: %s\n", text);
	exit(1);
}

/* ---- the protocol's side ---- */

static int send_message(void *context, const struct mcp_delivery *delivery, struct buffer *message)
{
	struct guest *guest = context;

	/* it ends in a newline; whoever reads is a test, and reads */
	printf("%d %.*s", (int)(guest - server.guests), (int)buffer_length(message), buffer_data(message));
	buffer_clear(message, SIZE_MAX);
	return 0;
}

static bool know_tool(void *context, const char *name)
{
	return tool_find(name) != NULL;
}

static void begin_call(void *context, struct mcp_call *call, const char *name, const cJSON *arguments)
{
	struct guest *guest = context;

	calls_begin(&server.calls, &guest->caller, call, name, arguments);
}

static void cancel_call(void *context, struct mcp_call *call)
{
	calls_cancel(&server.calls, call);
}

static void greet(struct guest *guest)
{
	struct mcp_host host = {.context = guest,
				.name = "many-callers",
				.title = "Many callers",
				.version = "1",
				.tool_known = know_tool,
				.call = begin_call,
				.cancel = cancel_call};
	struct mcp_sink sink = {.context = guest, .send = send_message};

	caller_init(&guest->caller, server.calls.sandboxes);
	if (mcp_caller_new(&guest->caller.mcp, &host) < 0 ||
	    mcp_peer_new(&guest->peer, guest->caller.mcp, &sink) < 0)
		fail("out of memory");
}

/* As a connection's end has it: nobody waits for answers, and its sandboxes go. */
static void leave(struct guest *guest)
{
	for (unsigned slot = 0; slot < server.calls.unused; slot++) {
		struct call *call = server.calls.slots[slot];

		if (call && call->mcp && call->caller == &guest->caller)
			calls_cancel(&server.calls, call->mcp);
	}
	caller_deinit(&guest->caller);
	mcp_peer_free(guest->peer);
	mcp_caller_free(guest->caller.mcp);
	guest->peer = NULL;
}

/* ---- lines ---- */

static void take_line(char *line, size_t length)
{
	char *message;
	unsigned long number = strtoul(line, &message, 10);
	struct guest *guest = &server.guests[number < CALLERS ? number : 0];

	if (*message == '\0') {
		if (guest->peer)
			leave(guest);
		return;
	}
	if (!guest->peer)
		greet(guest);
	message++;
	mcp_receive(guest->peer, message, length - (size_t)(message - line));
}

static void input_ready(struct loop_source *source, uint32_t events)
{
	char bytes[65536], *end;
	ssize_t got = read(source->fd, bytes, sizeof bytes);

	if (got <= 0) {
		server.loop.stop = true;
		return;
	}
	if (buffer_append(&server.line, bytes, (size_t)got) < 0)
		fail("out of memory");
	while ((end = memchr(buffer_data(&server.line), '\n', buffer_length(&server.line)))) {
		char *begin = buffer_data(&server.line);

		*end = '\0';
		take_line(begin, (size_t)(end - begin));
		buffer_consume(&server.line, (size_t)(end - begin) + 1);
	}
}

static void turned(struct loop *loop)
{
	channel_push(&server.calls.files);
	channel_push(&server.calls.search);
	channel_push(&server.calls.web);
	channel_drain(&server.calls.files);
	channel_drain(&server.calls.search);
	fflush(stdout);
	channel_rest(&server.calls.files);
	channel_rest(&server.calls.search);
}

/* ---- beginning and end ---- */

static void warn(const char *text)
{
	fprintf(stderr, "many-callers: %s\n", text);
}

static void parse(struct options *options, int argc, char **argv)
{
	static const struct subcommand own = {.name = "many-callers", .options = OPTIONS_SERVER};
	struct err err = {""};

	if (options_parse(options, &own, argc - 1, argv + 1, &err) < 0 ||
	    settings_load(&server.settings, options, &err) < 0)
		fail(err.text);
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct err err = {""};
	int spare, result;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	parse(&options, argc, argv);
	spare = spare_start(&server.settings.plan, -1, policy_complete, &err);
	if (spare < 0)
		fail(err.text);
	buffer_init(&server.line, LIMIT_MESSAGE_BYTES);
	server.input = (struct loop_source){.fd = -1, .ready = input_ready};
	result = loop_init(&server.loop, turned, &err);
	if (result == 0)
		result = supervisor_init(&server.supervisor, &server.loop, spare, warn, &err);
	if (result == 0)
		result = calls_init(&server.calls, &server.loop, &server.supervisor, &server.settings.plan);
	if (result == 0)
		result = loop_watch(&server.loop, &server.input, STDIN_FILENO, EPOLLIN);
	if (result == 0)
		result = seal_frontend(FILTER_FRONTEND, &err);
	if (server.settings.answer_within_ms)
		server.calls.context.answer_within_ms = server.settings.answer_within_ms;
	if (result == 0)
		result = loop_run(&server.loop, &err);
	if (result < 0)
		fail(err.text[0] ? err.text : strerror(-result));
	fflush(stdout);
	return 0;
}
