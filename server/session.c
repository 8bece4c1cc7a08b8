/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stdio session: sets the parts up in order, and ends them in order. It trusts the settings (they were
 * checked before) and nothing that comes in later.
 */
#include "server/session.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "config.h"
#include "protocol/cleanup.h"
#include "sandbox/spawner/spare.h"
#include "server/caller.h"
#include "server/calls.h"
#include "server/log.h"
#include "server/loop.h"
#include "server/patience.h"
#include "server/policy/compile.h"
#include "server/resources.h"
#include "server/seal.h"
#include "server/supervisor.h"
#include "server/transport/stdio.h"

struct session {
	struct loop loop; /* first: the turn hook comes with it */
	const struct settings *settings;
	struct stdio stdio;
	struct supervisor supervisor;
	struct calls calls;
	struct caller caller; /* the host */
	struct mcp_peer *peer;
	struct loop_source signals;
	struct loop_timer end, idle;
	uint64_t busy; /* when a call last began */
	unsigned seen; /* calls begun so far, as of the last turn */
	bool ending;
	char instructions[1024];
};

/* ---- what the protocol asks ---- */

static int list_tools(void *context, unsigned begin, struct buffer *out)
{
	return tools_write(begin, out);
}

static bool know_tool(void *context, const char *name)
{
	return tool_find(name) != NULL;
}

static void begin_call(void *context, struct mcp_call *call, const char *name, const cJSON *arguments)
{
	struct session *session = context;

	calls_begin(&session->calls, &session->caller, call, name, arguments);
}

static void cancel_call(void *context, struct mcp_call *call)
{
	struct session *session = context;

	calls_cancel(&session->calls, call);
}

static int list_resources(void *context, struct buffer *out)
{
	return resources_list(&((struct session *)context)->caller, out);
}

static int list_templates(void *context, struct buffer *out)
{
	return resources_templates(out);
}

static void read_resource(void *context, struct mcp_call *call, const char *uri)
{
	struct session *session = context;

	resources_read(&session->calls, &session->caller, call, uri);
}

static void complete(void *context, struct mcp_call *call, const struct mcp_completion *asked)
{
	struct session *session = context;

	resources_complete(&session->calls, &session->caller, call, asked);
}

static int watch_resource(void *context, const char *uri)
{
	struct session *session = context;

	return resources_watch(&session->calls, &session->caller, uri);
}

static void unwatch_resource(void *context, const char *uri)
{
	struct session *session = context;

	resources_unwatch(&session->calls, &session->caller, uri);
}

/* What is known of the profile, before the first call only what policy says. */
static void name_profile(const struct session *session, char *text, size_t size)
{
	const struct confinement_found *found = &session->supervisor.found;
	enum confinement least = session->settings->plan.require_profile;

	if (found->profile || least == CONFINEMENT_FULL)
		snprintf(text, size, "profile %s",
			 confinement_name(found->profile ? found->profile : CONFINEMENT_FULL));
	else
		snprintf(text, size, "profile full where this system gives it, at least %s",
			 confinement_name(least));
}

static void write_instructions(struct session *session)
{
	const struct plan *plan = &session->settings->plan;
	char profile[64];

	name_profile(session, profile, sizeof profile);
	int used = snprintf(session->instructions, sizeof session->instructions,
			    "Commands, files and web fetches, each confined by the kernel (%s). Workspace%s:",
			    profile, plan->workspace_count == 1 ? "" : "s");

	for (size_t i = 0;
	     i < plan->workspace_count && used > 0 && (size_t)used < sizeof session->instructions - 256; i++)
		used += snprintf(session->instructions + used, sizeof session->instructions - (size_t)used,
				 "%s %s%s", i ? "," : "", plan->workspaces[i].path,
				 plan->workspaces[i].write ? "" : " (read only)");
	if (used > 0 && (size_t)used < sizeof session->instructions)
		snprintf(session->instructions + used, sizeof session->instructions - (size_t)used,
			 ". Relative paths start in the first. What is refused says by which rule; "
			 "explain_access tells before "
			 "you try. Policy %.12s.",
			 plan->policy_sha256);
}

/* The host's own name decides how long it waits, unless the person has said. */
static uint32_t know_client(void *context, const char *name)
{
	struct session *session = context;

	if (name)
		write_instructions(session); /* whoever comes later reads what has been found since */
	return session->settings->answer_within_ms ? session->settings->answer_within_ms : patience_of(name);
}

/* ---- the end ---- */

/* What is all but done may still answer within LIMIT_END_GRACE_MS; the rest is ended without an answer. */
static void begin_end(struct session *session, const char *why)
{
	if (session->ending)
		return;
	session->ending = true;
	if (why)
		log_line("%s", why);
	stdio_stop_reading(&session->stdio);
	mcp_close(session->peer);
	if (loop_timer_set(&session->loop, &session->end, loop_clock() + LOOP_MS(LIMIT_END_GRACE_MS)) < 0)
		session->loop.stop = true;
}

static void input_ended(struct stdio *stdio, const char *why)
{
	begin_end((struct session *)((char *)stdio - offsetof(struct session, stdio)), why);
}

static void signalled(struct loop_source *source, uint32_t events)
{
	struct session *session = (struct session *)((char *)source - offsetof(struct session, signals));

	loop_change(&session->loop, source, 0); /* it stays pending, and has been heard */
	begin_end(session, NULL);
}

static void grace_passed(struct loop_timer *timer)
{
	struct session *session = (struct session *)((char *)timer - offsetof(struct session, end));

	session->loop.stop = true;
}

/* A while without calls: freed memory, kept so that none of it is faulted in call after call, goes back. */
static void idled(struct loop_timer *timer)
{
	struct session *session = (struct session *)((char *)timer - offsetof(struct session, idle));
	uint64_t due = session->busy + LOOP_MS(LIMIT_IDLE_MS);

	if (mcp_in_flight(session->peer) == 0 && session->loop.now >= due) {
		malloc_trim(0);
	} else {
		loop_timer_set(&session->loop, timer,
			       session->loop.now >= due ? session->loop.now + LOOP_MS(LIMIT_IDLE_MS) : due);
	}
}

/* After each turn: requests out first, so that executors work while we write. */
static void turned(struct loop *loop)
{
	struct session *session = (struct session *)loop;

	channel_push(&session->calls.files);
	channel_push(&session->calls.search);
	channel_push(&session->calls.web);
	channel_drain(&session->calls.files);
	channel_drain(&session->calls.search);
	stdio_flush(&session->stdio);
	channel_rest(&session->calls.files);
	channel_rest(&session->calls.search);
	if (session->calls.generation != session->seen) {
		session->seen = session->calls.generation;
		session->busy = loop->now;
		if (!session->idle.place)
			loop_timer_set(loop, &session->idle, loop->now + LOOP_MS(LIMIT_IDLE_MS));
	}
	if (session->ending && mcp_in_flight(session->peer) == 0 &&
	    (session->stdio.queue_count == 0 || session->stdio.output.fd < 0))
		loop->stop = true;
}

static void spawner_gone(struct loop_source *source, uint32_t events)
{
	struct loop *loop = &((struct session *)((char *)source - offsetof(struct session, signals)))->loop;

	loop->stop = true;
}

static void nothing_turned(struct loop *loop)
{
}

/* Waits until the spawner has ended all it started and itself; the kernel does it if it takes too long. */
static void await_spawner(struct session *session, int spawner)
{
	if (spawner < 0)
		return;
	loop_close(&session->loop, &session->signals);
	session->signals.ready = spawner_gone;
	session->loop.turned = nothing_turned;
	session->loop.stop = false;
	if (loop_watch(&session->loop, &session->signals, spawner, EPOLLIN) < 0)
		return;
	loop_timer_set(&session->loop, &session->end, loop_clock() + LOOP_MS(LIMIT_END_MS));
	loop_run(&session->loop, NULL);
}

/* ---- the beginning ---- */

static int watch_signals(struct session *session, struct err *err)
{
	sigset_t signals;
	int fd, result;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a log that may not grow (ulimit -f) is to hear of it, not we */
	signal(SIGCHLD, SIG_IGN); /* spares and spawners: nothing is learnt from how they end */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_set(err, -errno, "signalfd: %s", err_name(errno));
	session->signals = (struct loop_source){.fd = -1, .ready = signalled};
	result = loop_watch(&session->loop, &session->signals, fd, EPOLLIN);
	if (result < 0)
		close(fd);
	return result < 0 ? err_set(err, result, "signals cannot be watched: %s", err_name(result)) : 0;
}

static int make_peer(struct session *session, struct err *err)
{
	struct mcp_host host = {.context = session,
				.name = "sallyport",
				.title = "Sallyport",
				.version = SALLYPORT_VERSION,
				.instructions = session->instructions,
				.tools = list_tools,
				.tool_known = know_tool,
				.call = begin_call,
				.resources = list_resources,
				.resource_templates = list_templates,
				.read = read_resource,
				.complete = complete,
				.watch = watch_resource,
				.unwatch = unwatch_resource,
				.cancel = cancel_call,
				.client = know_client};
	struct mcp_sink sink = stdio_sink(&session->stdio);
	int result = mcp_caller_new(&session->caller.mcp, &host);

	if (result == 0)
		result = mcp_peer_new(&session->peer, session->caller.mcp, &sink);
	session->stdio.peer = session->peer;
	return result < 0 ? err_set(err, result, "out of memory") : 0;
}

/* Unsealed this process still answers, so that it can say why, but no tool is ever started. */
static void seal(struct session *session)
{
	struct err err = {""};
	int result = seal_frontend(&err);

	if (result == 0)
		return;
	session->supervisor.unsealed = -result;
	log_line("%s; every call is refused", err.text);
}

/* Everything up to the first byte from the host. The spare is forked first, while this process is still
 * small. */
static int start(struct session *session, int input, int output, struct err *err)
{
	_cleanup_fd_ int spare = spare_start(&session->settings->plan, policy_complete, err);
	int result;

	if (spare < 0)
		return spare;
	session->end.fire = grace_passed;
	session->idle.fire = idled;
	result = loop_init(&session->loop, turned, err);
	if (result == 0)
		result = watch_signals(session, err);
	if (result == 0)
		result = supervisor_init(&session->supervisor, &session->loop, spare, log_text, err);
	if (result < 0)
		return result;
	steal_fd(&spare);
	result = calls_init(&session->calls, &session->loop, &session->supervisor, &session->settings->plan);
	if (result < 0)
		return err_set(err, result, "out of memory");
	caller_init(&session->caller, session->calls.sandboxes);
	write_instructions(session);
	result = stdio_init(&session->stdio, &session->loop, input, output, input_ended, err);
	if (result == 0)
		result = make_peer(session, err);
	if (result == 0)
		seal(session);
	return result;
}

int session_run(const struct settings *settings, int input, int output, struct err *err)
{
	/* pages of its own, most of which (slots for thousands of calls) stay untouched; calloc would clear
	 * them all */
	struct session *session =
		mmap(NULL, sizeof *session, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int result, code;

	mallopt(M_MMAP_THRESHOLD, LIMIT_HEAP_KEEP_BYTES);
	mallopt(M_TRIM_THRESHOLD, LIMIT_HEAP_KEEP_BYTES);

	if (session == MAP_FAILED) {
		err_set(err, -ENOMEM, "out of memory");
		return EXIT_FAILED;
	}
	session->settings = settings;
	result = start(session, input, output, err);
	if (result == 0)
		result = loop_run(&session->loop, err);
	if (result < 0) /* the process ends; the kernel takes everything with it */
		return EXIT_FAILED;

	calls_abandon(&session->calls);
	stdio_flush(&session->stdio);
	await_spawner(session, supervisor_end(&session->supervisor));
	code = session->calls.confinement_missing ? EXIT_UNCONFINED : EXIT_OK;
	file_watches_end(&session->calls, &session->caller);
	caller_deinit(&session->caller);
	calls_deinit(&session->calls);
	mcp_peer_free(session->peer);
	mcp_caller_free(session->caller.mcp);
	stdio_deinit(&session->stdio);
	supervisor_deinit(&session->supervisor);
	loop_deinit(&session->loop);
	munmap(session, sizeof *session);
	return code;
}
