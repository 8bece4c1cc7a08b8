/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_FRONTEND_H
#define SALLYPORT_TESTS_FRONTEND_H

/*
 * The frontend without its program: loop, supervisor, calls and MCP peer, whose spare, spawner, executors and
 * nannies are the test itself, at the other end of real sockets. Everything the host would get is in `sent`.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "protocol/mcp.h"
#include "sandbox/keeper/wire.h"
#include "sandbox/spawner/spare.h"
#include "server/caller.h"
#include "server/calls.h"
#include "server/resources.h"
#include "server/supervisor.h"
#include "tools/reply.h"

struct frontend {
	struct loop loop; /* first: the turn hook comes with it */
	struct supervisor supervisor;
	struct calls calls;
	struct caller caller;
	struct caller *speaking; /* whose calls come next */
	int dead;                /* a pidfd of a process that has ended: executors here have none */
	struct mcp_peer *peer;
	struct plan plan;
	struct plan_path workspace;
	struct buffer sent;
	int spawner; /* the test's end */
	int events;  /* memory.events of the sandboxes' groups; -1: they have none */
	struct buffer frame;
	unsigned instances;
};

static void frontend_quiet(const char *text)
{
}

static int frontend_gather(void *context, const struct mcp_delivery *delivery, struct buffer *message)
{
	struct frontend *frontend = context;

	assert_int_equal(buffer_append(&frontend->sent, buffer_data(message), buffer_length(message)), 0);
	buffer_clear(message, SIZE_MAX);
	return 0;
}

static bool frontend_knows(void *context, const char *name)
{
	return tool_find(name) != NULL;
}

static void frontend_call(void *context, struct mcp_call *call, const char *name, const cJSON *arguments)
{
	struct frontend *frontend = context;

	calls_begin(&frontend->calls, frontend->speaking, call, name, arguments);
}

static void frontend_cancel(void *context, struct mcp_call *call)
{
	calls_cancel(&((struct frontend *)context)->calls, call);
}

static void frontend_turned(struct loop *loop)
{
	struct frontend *frontend = (struct frontend *)loop;

	channel_push(&frontend->calls.files);
	channel_push(&frontend->calls.search);
	channel_push(&frontend->calls.web);
	channel_drain(&frontend->calls.files);
	channel_drain(&frontend->calls.search);
	channel_rest(&frontend->calls.files);
	channel_rest(&frontend->calls.search);
	loop->stop = true;
}

static int frontend_resources(void *context, struct buffer *out)
{
	return resources_list(((struct frontend *)context)->speaking, out);
}

static int frontend_templates(void *context, struct buffer *out)
{
	return resources_templates(out);
}

static void frontend_read(void *context, struct mcp_call *call, const char *uri)
{
	resources_read(&((struct frontend *)context)->calls, ((struct frontend *)context)->speaking, call,
		       uri);
}

static int frontend_watch(void *context, const char *uri)
{
	return resources_watch(&((struct frontend *)context)->calls, ((struct frontend *)context)->speaking,
			       uri);
}

static void frontend_unwatch(void *context, const char *uri)
{
	resources_unwatch(&((struct frontend *)context)->calls, ((struct frontend *)context)->speaking, uri);
}

/* Serves what is there now, without waiting. */
static void frontend_turn(struct frontend *frontend)
{
	for (unsigned i = 0; i < 4; i++) {
		frontend->loop.stop = false;
		frontend->loop.again = true;
		assert_int_equal(loop_run(&frontend->loop, NULL), 0);
	}
}

static void frontend_say(struct frontend *frontend, const char *message)
{
	assert_int_equal(mcp_receive(frontend->peer, message, strlen(message)), 0);
}

static int frontend_dead_process(void)
{
	pid_t pid = fork();
	int pidfd;

	if (pid == 0)
		_exit(0);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	assert_true(pidfd >= 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pidfd;
}

static void frontend_init(struct frontend *frontend)
{
	static char workspace[] = "/workspace";
	struct mcp_host host = {.context = frontend,
				.name = "test",
				.title = "Test",
				.version = "1",
				.tool_known = frontend_knows,
				.call = frontend_call,
				.resources = frontend_resources,
				.resource_templates = frontend_templates,
				.read = frontend_read,
				.watch = frontend_watch,
				.unwatch = frontend_unwatch,
				.cancel = frontend_cancel};
	struct mcp_sink sink = {.context = frontend, .send = frontend_gather};
	int pair[2];

	*frontend = (struct frontend){.workspace = {.path = workspace, .write = true}, .events = -1};
	frontend->plan.workspaces = &frontend->workspace;
	frontend->plan.workspace_count = 1;
	frontend->plan.result_bytes = LIMIT_RESULT_BYTES_DEFAULT;
	frontend->plan.sandbox_maximum = LIMIT_SANDBOXES;
	frontend->dead = frontend_dead_process();
	buffer_init(&frontend->sent, SIZE_MAX);
	buffer_init(&frontend->frame, LIMIT_MESSAGE_FRAME_BYTES);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	frontend->spawner = pair[1];
	assert_int_equal(loop_init(&frontend->loop, frontend_turned, NULL), 0);
	assert_int_equal(
		supervisor_init(&frontend->supervisor, &frontend->loop, pair[0], frontend_quiet, NULL), 0);
	frontend->plan.commands_at_once = LIMIT_COMMANDS_AT_ONCE;
	frontend->plan.command_count = LIMIT_HANDLES;
	frontend->plan.command_ms = LIMIT_COMMAND_MS;
	frontend->plan.command_kept_ms = LIMIT_COMMAND_KEPT_MS;
	frontend->plan.output_bytes = LIMIT_OUTPUT_BYTES;
	frontend->plan.download_bytes = LIMIT_DOWNLOAD_BYTES;
	assert_int_equal(
		calls_init(&frontend->calls, &frontend->loop, &frontend->supervisor, &frontend->plan), 0);
	caller_init(&frontend->caller, frontend->calls.sandboxes);
	frontend->speaking = &frontend->caller;
	assert_int_equal(mcp_caller_new(&frontend->caller.mcp, &host), 0);
	assert_int_equal(mcp_peer_new(&frontend->peer, frontend->caller.mcp, &sink), 0);
	frontend_say(frontend, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
			       "\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},"
			       "\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}");
	frontend_say(frontend, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
	buffer_clear(&frontend->sent, SIZE_MAX);
}

static void frontend_deinit(struct frontend *frontend)
{
	int spawner;

	calls_abandon(&frontend->calls);
	spawner = supervisor_end(&frontend->supervisor);
	downloads_leave(&frontend->calls, &frontend->caller);
	caller_deinit(&frontend->caller);
	calls_deinit(&frontend->calls);
	close(frontend->dead);
	mcp_peer_free(frontend->peer);
	mcp_caller_free(frontend->caller.mcp);
	supervisor_deinit(&frontend->supervisor);
	loop_deinit(&frontend->loop);
	if (spawner >= 0)
		close(spawner);
	if (frontend->spawner >= 0)
		close(frontend->spawner);
	buffer_deinit(&frontend->sent);
	buffer_deinit(&frontend->frame);
}

/* The next frame at a socket's other end; the test fails when there is none. */
static struct frame_header frontend_expect(struct frontend *frontend, int socket, uint16_t type,
					   struct frame_descriptors *descriptors)
{
	struct frame_header header;

	assert_int_equal(frame_receive(socket, &header, &frontend->frame, descriptors, MSG_DONTWAIT), 0);
	assert_int_equal(header.type, type);
	return header;
}

static inline void frontend_expect_nothing(struct frontend *frontend, int socket)
{
	struct frame_header header;

	assert_int_equal(frame_receive(socket, &header, &frontend->frame, NULL, MSG_DONTWAIT), -EAGAIN);
}

static void frontend_frame(int socket, uint16_t type, uint32_t call, uint32_t value, const void *payload,
			   size_t length, int fd)
{
	struct frame_header header = {.type = type, .call = call, .value = value};

	assert_int_equal(frame_send(socket, &header, payload, length, &fd, fd >= 0, MSG_DONTWAIT), 0);
}

/* Plays the spawner: takes the demand for `kind` and answers with a socket, whose other end is returned. */
static inline int frontend_start(struct frontend *frontend, enum spawner_kind kind)
{
	struct frame_header header;
	int pair[2], fds[3];
	size_t fd_count = 0;

	if (frontend->instances == 0)
		frontend_expect(frontend, frontend->spawner, SPARE_GO, NULL);
	header = frontend_expect(frontend, frontend->spawner, SPAWNER_START, NULL);
	assert_int_equal(header.value, kind);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	fds[fd_count++] = pair[0];
	if (kind == SPAWNER_SANDBOX && frontend->events >= 0)
		fds[fd_count++] = frontend->events;
	fds[fd_count++] = frontend->dead;
	header = (struct frame_header){
		.type = SPAWNER_STARTED, .call = header.call, .value = ++frontend->instances};
	assert_int_equal(frame_send(frontend->spawner, &header, "\0\0\0\0\1\0\0\0\0\0\0", 12, fds, fd_count,
				    MSG_DONTWAIT),
			 0);
	close(pair[0]);
	frontend_turn(frontend);
	return pair[1];
}

/* Plays the spawner that was told to kill: the instance is dead. */
static inline void frontend_kill(struct frontend *frontend)
{
	struct frame_header header = frontend_expect(frontend, frontend->spawner, SPAWNER_KILL, NULL);

	frontend_frame(frontend->spawner, SPAWNER_DIED, 0, header.value, (char[16]){0}, 16, -1);
	frontend_turn(frontend);
}

/* How often a text stands in what the host got. */
static unsigned frontend_count(struct frontend *frontend, const char *text)
{
	unsigned count = 0;

	assert_int_equal(buffer_append(&frontend->sent, "", 1), 0);
	for (const char *at = buffer_data(&frontend->sent); (at = strstr(at, text)); at++)
		count++;
	frontend->sent.end--;
	return count;
}

#endif
