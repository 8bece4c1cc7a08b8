/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands (command.h). What a nanny says is believed only about its own command; what a command writes is
 * bytes.
 *
 *   WAITING   the sandbox is being built, or LIMIT_COMMANDS_AT_ONCE run already
 *   RUNNING   the request went through the door
 *   KILLED    we asked for its end (deadline, cancel) and wait for the report
 */
#include "server/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "sandbox/keeper/wire.h"
#include "server/calls.h"

enum command_state { COMMAND_WAITING, COMMAND_RUNNING, COMMAND_KILLED };

struct command_pipe {
	struct loop_source source;
	struct command *command;
	int stream;
};

struct command {
	struct commands *commands;
	struct call *call;
	struct command *next, **link; /* in commands->waiting or ->running */
	enum command_state state;
	bool timed_out;
	uint32_t patience_ms;
	struct buffer request; /* KEEPER_RUN, until it was sent */
	struct buffer input;   /* what stdin has not taken yet */
	bool has_input;
	struct loop_source leash, stdin_pipe;
	struct command_pipe pipes[2];
	struct loop_timer timer, progress;
	struct command_output output;
	uint64_t started;
};

struct commands {
	struct supervised sandbox; /* first: callbacks come with it */
	struct loop *loop;
	struct supervisor *supervisor;
	const struct tool_context *context;
	struct loop_source door;
	struct command *waiting, *running;
	unsigned running_count;
	struct buffer frame; /* for what nannies send */
};

static void send_waiting(struct commands *commands);

/* ---- lists ---- */

static void enlist(struct command *command, struct command **list)
{
	while (*list)
		list = &(*list)->next;
	command->next = NULL;
	command->link = list;
	*list = command;
}

static void delist(struct command *command)
{
	*command->link = command->next;
	if (command->next)
		command->next->link = command->link;
}

/* ---- the end ---- */

/* Releases everything; the call must have been answered or be gone. */
static void command_free(struct command *command)
{
	struct commands *commands = command->commands;

	loop_timer_clear(commands->loop, &command->timer);
	loop_timer_clear(commands->loop, &command->progress);
	loop_close(commands->loop, &command->leash);
	loop_close(commands->loop, &command->stdin_pipe);
	loop_close(commands->loop, &command->pipes[0].source);
	loop_close(commands->loop, &command->pipes[1].source);
	buffer_deinit(&command->request);
	buffer_deinit(&command->input);
	command_output_deinit(&command->output);
	delist(command);
	if (command->state != COMMAND_WAITING)
		commands->running_count--;
	call_release(command->call);
	free(command);
}

/* Takes what is in a pipe now. After the report nothing can write any more, so that is all there is. */
static void drain_pipe(struct command_pipe *pipe)
{
	char bytes[LIMIT_PIPE_READ_BYTES];

	for (unsigned rounds = 0; pipe->source.fd >= 0 && rounds < LIMIT_PIPE_ROUNDS; rounds++) {
		ssize_t got = read(pipe->source.fd, bytes, sizeof bytes);

		if (got > 0) {
			command_output_add(&pipe->command->output, pipe->stream, bytes, (size_t)got);
			if ((size_t)got < sizeof bytes)
				return;
		} else {
			if (got == 0 || (errno != EAGAIN && errno != EINTR))
				loop_close(pipe->command->commands->loop, &pipe->source);
			return;
		}
	}
}

static void pipe_ready(struct loop_source *source, uint32_t events)
{
	drain_pipe((struct command_pipe *)source);
}

static void answer(struct command *command, struct command_outcome *outcome)
{
	struct call *call = command->call;
	int result;

	if (!call->mcp)
		return;
	outcome->timed_out = command->timed_out;
	outcome->patience_ms = command->patience_ms;
	outcome->duration_ns = command->commands->loop->now - command->started;
	outcome->output = &command->output;
	result = run_command_write(&call->result, outcome);
	call->mcp = NULL;
	if (result < 0)
		result_fail(&call->result, "the command ended, but its result could not be written: %s",
			    result == -EMSGSIZE ? "too large" : "out of memory");
	else
		result_finish(&call->result);
}

static void refuse(struct command *command, const char *text)
{
	if (command->call->mcp)
		result_fail(&command->call->result, "%s", text);
	command->call->mcp = NULL;
}

/* The nanny, or its whole sandbox, is gone without a report. */
static void lost(struct command *command)
{
	refuse(command, "the sandbox ended while the command ran (it was killed from outside, or killed "
			"itself). Nothing of the "
			"command is alive; what it had done stays done. The next call gets a new sandbox.");
	command_free(command);
}

/* ---- frames on the leash ---- */

static int take_ended(struct command *command, const struct frame_header *header)
{
	struct command_outcome outcome = {0};
	struct frame_reader reader;

	frame_read(&reader, buffer_data(&command->commands->frame), header->length);
	outcome.wait_status = (int)frame_get_u32(&reader);
	outcome.cpu_us = frame_get_u64(&reader);
	outcome.cpu_us += frame_get_u64(&reader);
	outcome.peak_memory_bytes = frame_get_u64(&reader);
	outcome.leftovers = frame_get_u32(&reader);
	if (frame_done(&reader) < 0)
		return -EPROTO;
	drain_pipe(&command->pipes[0]);
	drain_pipe(&command->pipes[1]);
	answer(command, &outcome);
	command_free(command);
	return 0;
}

static int take_failed(struct command *command, const struct frame_header *header)
{
	struct frame_reader reader;
	char step[64], target[LIMIT_PATH_BYTES];

	frame_read(&reader, buffer_data(&command->commands->frame), header->length);
	frame_get_text(&reader, step, sizeof step);
	frame_get_text(&reader, target, sizeof target);
	if (frame_done(&reader) < 0)
		return -EPROTO;
	if (command->call->mcp)
		run_command_fail(&command->call->result, step, target, (int)header->value);
	command->call->mcp = NULL;
	command_free(command);
	return 0;
}

static void leash_ready(struct loop_source *source, uint32_t events)
{
	struct command *command = (struct command *)((char *)source - offsetof(struct command, leash));
	struct commands *commands = command->commands;
	struct frame_header header;
	int result = frame_receive(source->fd, &header, &commands->frame, NULL, MSG_DONTWAIT);

	if (result == -EAGAIN)
		return;
	if (result == 0) {
		if (header.type == KEEPER_ENDED)
			result = take_ended(command, &header);
		else if (header.type == KEEPER_FAILED)
			result = take_failed(command, &header);
		else if (header.type != KEEPER_STARTED)
			result = -EPROTO;
	}
	if (result < 0) {
		/* the nanny is gone or lies: the keeper kills what it had; if it lies, the sandbox goes with
		 * it */
		if (result == -EPROTO)
			supervisor_kill(commands->supervisor, &commands->sandbox);
		else
			lost(command);
	}
	send_waiting(commands);
}

/* ---- killing ---- */

static void kill_it(struct command *command)
{
	struct frame_header order = {.type = KEEPER_KILL};

	command->state = COMMAND_KILLED;
	frame_send(command->leash.fd, &order, NULL, 0, NULL, 0, MSG_DONTWAIT);
	loop_timer_set(command->commands->loop, &command->timer,
		       command->commands->loop->now + LOOP_MS(LIMIT_KILL_GRACE_MS));
}

static void timer_fired(struct loop_timer *timer)
{
	struct command *command = (struct command *)((char *)timer - offsetof(struct command, timer));
	struct commands *commands = command->commands;

	switch (command->state) {
	case COMMAND_WAITING:
		refuse(command, "the command did not get its turn in time: too many others run. Nothing was "
				"started; try again.");
		command_free(command);
		break;
	case COMMAND_RUNNING:
		command->timed_out = true;
		kill_it(command);
		break;
	case COMMAND_KILLED:
		supervisor_kill(commands->supervisor, &commands->sandbox);
		break;
	}
}

void command_abandon(struct command *command)
{
	if (command->state == COMMAND_WAITING)
		command_free(command);
	else if (command->state == COMMAND_RUNNING)
		kill_it(command);
}

/* ---- running ---- */

static void stdin_ready(struct loop_source *source, uint32_t events)
{
	struct command *command = (struct command *)((char *)source - offsetof(struct command, stdin_pipe));
	ssize_t taken = write(source->fd, buffer_data(&command->input), buffer_length(&command->input));

	if (taken < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (taken > 0)
		buffer_consume(&command->input, (size_t)taken);
	if (taken < 0 || buffer_length(&command->input) == 0) {
		loop_close(command->commands->loop, source);
		buffer_deinit(&command->input);
	}
}

static void tell_progress(struct loop_timer *timer)
{
	struct command *command = (struct command *)((char *)timer - offsetof(struct command, progress));
	struct loop *loop = command->commands->loop;
	double elapsed = (double)(loop->now - command->call->begun);
	struct buffer message;

	if (!command->call->mcp)
		return;
	buffer_init(&message, LIMIT_FRAME_BYTES);
	if (buffer_printf(&message, "%.1f s", elapsed / 1e9) == 0 &&
	    output_newest_line(command_output_merged(&command->output), &message) == 0)
		mcp_call_progress(command->call->mcp, elapsed / 1e6, buffer_data(&message),
				  buffer_length(&message));
	buffer_deinit(&message);
	loop_timer_set(loop, &command->progress, loop->now + LOOP_MS(LIMIT_PROGRESS_MS));
}

/* Our end does not block, the command's does. */
static int make_pipe(int *ours, int *theirs, bool reading)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*ours = ends[reading ? 0 : 1];
	*theirs = ends[reading ? 1 : 0];
	return fcntl(*ours, F_SETFL, O_NONBLOCK | (reading ? O_RDONLY : O_WRONLY)) < 0 ? -errno : 0;
}

struct ends {
	int ours, theirs;
};

static void close_ends(struct ends ends[4])
{
	for (int i = 0; i < 4; i++) {
		close_fd(&ends[i].ours);
		close_fd(&ends[i].theirs);
	}
}

/* Watches our ends; each belongs to its source once it is watched. */
static int watch_ends(struct command *command, struct ends ends[4])
{
	struct loop_source *sources[4] = {&command->leash, &command->pipes[0].source,
					  &command->pipes[1].source, &command->stdin_pipe};
	int result = 0;

	for (int i = 0; i < 4 && result == 0; i++) {
		if (ends[i].ours < 0)
			continue;
		result = loop_watch(command->commands->loop, sources[i], ends[i].ours,
				    i == 3 ? EPOLLOUT : EPOLLIN);
		if (result == 0)
			ends[i].ours = -1;
	}
	return result;
}

/* Sends the request through the door. 0, -EAGAIN when the door is full, or another -errno. */
static int send_request(struct command *command)
{
	struct frame_header header = {.type = KEEPER_RUN, .value = command->has_input ? KEEPER_STDIN : 0};
	struct ends ends[4] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}}; /* leash, stdout, stderr, stdin */
	int theirs[4], pair[2], result;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ends[0] = (struct ends){pair[0], pair[1]};
	result = make_pipe(&ends[1].ours, &ends[1].theirs, true);
	if (result == 0)
		result = make_pipe(&ends[2].ours, &ends[2].theirs, true);
	if (result == 0 && command->has_input)
		result = make_pipe(&ends[3].ours, &ends[3].theirs, false);
	for (int i = 0; i < 4; i++)
		theirs[i] = ends[i].theirs;
	if (result == 0)
		result = frame_send(command->commands->door.fd, &header, buffer_data(&command->request),
				    buffer_length(&command->request), theirs, command->has_input ? 4 : 3,
				    MSG_DONTWAIT);
	if (result == 0)
		result = watch_ends(command, ends);
	close_ends(ends);
	return result;
}

/* Sends what waits, as far as the bound and the door allow. */
static void send_waiting(struct commands *commands)
{
	while (commands->waiting && commands->door.fd >= 0 &&
	       commands->running_count < LIMIT_COMMANDS_AT_ONCE) {
		struct command *command = commands->waiting;
		int result = send_request(command);

		if (result == -EAGAIN) {
			loop_change(commands->loop, &commands->door, EPOLLOUT);
			return;
		}
		if (result < 0) {
			refuse(command, result == -EMFILE ? "the command was not started: the server has no "
							    "descriptors left; try "
							    "again when others have ended."
							  : "the command was not started: the sandbox does "
							    "not take requests; try again.");
			command_free(command);
			continue;
		}
		delist(command);
		enlist(command, &commands->running);
		commands->running_count++;
		command->state = COMMAND_RUNNING;
		command->started = commands->loop->now;
		buffer_deinit(&command->request);
	}
	loop_change(commands->loop, &commands->door, 0);
}

void command_begin(struct commands *commands, struct call *call,
		   const struct run_command_arguments *arguments)
{
	struct command *command = calloc(1, sizeof *command);
	struct err err = {0};
	int result = command ? 0 : -ENOMEM;

	if (result == 0) {
		*command = (struct command){.commands = commands, .call = call};
		command->leash = (struct loop_source){.fd = -1, .ready = leash_ready};
		command->stdin_pipe = (struct loop_source){.fd = -1, .ready = stdin_ready};
		for (int i = 0; i < 2; i++)
			command->pipes[i] = (struct command_pipe){
				.source = {.fd = -1, .ready = pipe_ready}, .command = command, .stream = i};
		command->timer.fire = timer_fired;
		command->progress.fire = tell_progress;
		command->patience_ms = run_command_patience(arguments, commands->context);
		command->has_input = arguments->input != NULL;
		buffer_init(&command->request, LIMIT_MESSAGE_FRAME_BYTES);
		buffer_init(&command->input, LIMIT_MESSAGE_BYTES);
		command_output_init(&command->output, run_command_keep(arguments),
				    (size_t)arguments->max_bytes);
		call->command = command;
		enlist(command, &commands->waiting);
		result = run_command_tool.pack(arguments, commands->context, &command->request, &err);
	}
	if (result == 0 && arguments->input)
		result = buffer_append(&command->input, arguments->input, strlen(arguments->input));
	if (result == 0)
		result = loop_timer_set(commands->loop, &command->timer,
					call->begun + LOOP_MS(command->patience_ms));
	if (result < 0) {
		result_fail(&call->result, "%s", err.text[0] ? err.text : "out of memory, try again");
		call->mcp = NULL;
		if (command)
			command_free(command);
		else
			call_release(call);
		return;
	}
	if (mcp_call_wants_progress(call->mcp))
		loop_timer_set(commands->loop, &command->progress, call->begun + LOOP_MS(LIMIT_PROGRESS_MS));
	if (commands->sandbox.state == SUPERVISED_NONE)
		supervisor_start(commands->supervisor, &commands->sandbox);
	else
		send_waiting(commands);
}

/* ---- the sandbox ---- */

/* The door is only written to; its end of file is told by the spawner too. */
static void door_ready(struct loop_source *source, uint32_t events)
{
	struct commands *commands = (struct commands *)((char *)source - offsetof(struct commands, door));

	if (events & (EPOLLHUP | EPOLLERR))
		supervisor_kill(commands->supervisor, &commands->sandbox);
	else
		send_waiting(commands);
}

static void sandbox_started(struct supervised *supervised, struct frame_descriptors *descriptors)
{
	struct commands *commands = (struct commands *)supervised;
	int door = frame_descriptors_take(descriptors, 0);

	if (door < 0 || loop_watch(commands->loop, &commands->door, door, 0) < 0) {
		if (door >= 0)
			close(door);
		supervisor_kill(commands->supervisor, supervised);
		return;
	}
	send_waiting(commands);
}

static void sandbox_failed(struct supervised *supervised, const struct supervisor_failure *failure)
{
	struct commands *commands = (struct commands *)supervised;

	while (commands->waiting) {
		call_refuse(commands->waiting->call, "sandbox", failure);
		command_free(commands->waiting);
	}
}

static void sandbox_died(struct supervised *supervised)
{
	struct commands *commands = (struct commands *)supervised;

	loop_close(commands->loop, &commands->door);
	while (commands->running)
		lost(commands->running);
	if (commands->waiting) /* they were not part of it: a new sandbox takes them */
		supervisor_start(commands->supervisor, &commands->sandbox);
}

int commands_new(struct commands **commands, struct loop *loop, struct supervisor *supervisor,
		 const struct tool_context *context)
{
	struct commands *new = calloc(1, sizeof *new);

	if (!new)
		return -ENOMEM;
	new->loop = loop;
	new->supervisor = supervisor;
	new->context = context;
	new->door = (struct loop_source){.fd = -1, .ready = door_ready};
	new->sandbox = (struct supervised){.kind = SPAWNER_SANDBOX,
					   .started = sandbox_started,
					   .failed = sandbox_failed,
					   .died = sandbox_died};
	buffer_init(&new->frame, LIMIT_MESSAGE_FRAME_BYTES);
	*commands = new;
	return 0;
}

void commands_free(struct commands *commands)
{
	if (!commands)
		return;
	while (commands->running)
		command_free(commands->running);
	while (commands->waiting)
		command_free(commands->waiting);
	loop_close(commands->loop, &commands->door);
	buffer_deinit(&commands->frame);
	free(commands);
}
