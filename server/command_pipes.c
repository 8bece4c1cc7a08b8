/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frontend's ends of a command: the leash, the pipes of its output and its stdin. What comes out of a
 * pipe is bytes; how much, is the command's choice, so each turn takes a bounded piece.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "sandbox/keeper/wire.h"
#include "server/command_parts.h"

/* ---- output ---- */

/* Nobody reads it until the log has its file; the kernel makes the command wait. */
static void pause_pipe(struct command_pipe *pipe)
{
	if (pipe->source.fd < 0)
		return;
	pipe->paused = pipe->source.fd;
	loop_forget(pipe->command->sandboxes->loop, &pipe->source);
}

static void resume_pipe(struct command_pipe *pipe)
{
	int fd = pipe->paused;

	loop_timer_clear(pipe->command->sandboxes->loop, &pipe->rest);
	pipe->paused = -1;
	if (fd >= 0 && loop_watch(pipe->command->sandboxes->loop, &pipe->source, fd, EPOLLIN) < 0)
		close(fd); /* without memory: what it still says is lost, and SIGPIPE tells the command */
}

/* With what says which stream each piece came from. */
static uint64_t output_file_bytes(const struct command *command)
{
	uint64_t bytes = command->sandboxes->context->plan->output_bytes;

	return bytes + bytes / LIMIT_OUTPUT_RECORD_SHARE;
}

void command_filed(struct command *command, int fd)
{
	struct sandboxes *sandboxes = command->sandboxes;
	uint64_t most = output_file_bytes(command);

	/* who has ended gives way to who runs */
	while (fd >= 0 && !sandboxes_may_log(sandboxes, most))
		if (!handles_yield_file(command->caller))
			close_fd(&fd);
	if (fd >= 0) {
		command->file_bytes = most;
		sandboxes->log_bytes += most;
		sandboxes->log_count++;
	}
	command->filed = true;
	command_log_give_file(&command->log, fd, most);
	for (int i = 0; i < 2; i++)
		resume_pipe(&command->pipes[i]);
}

void command_settle_file(struct command *command)
{
	struct sandboxes *sandboxes = command->sandboxes;
	uint64_t takes = command_log_file_bytes(&command->log);

	if (!command->file_bytes)
		return;
	if (takes == 0) {
		command_log_drop_file(&command->log);
		sandboxes->log_count--;
	}
	sandboxes->log_bytes -= command->file_bytes - takes;
	command->file_bytes = takes;
}

/* Asked for in time, it is there before memory is full. True when nothing more has room without it. */
static bool must_wait(struct command *command)
{
	if (!command->wants_file && command_log_total(&command->log) > LIMIT_COMMAND_LOG_BYTES / 2) {
		command->wants_file = true;
		if (!output_file_bytes(command) ||
		    supervisor_file(command->sandboxes->supervisor, command->number) < 0)
			command_filed(command, -1);
	}
	return command_log_wants_file(&command->log);
}

static void drain_pipe(struct command_pipe *pipe, size_t most, bool ended)
{
	struct command *command = pipe->command;
	char bytes[LIMIT_PIPE_READ_BYTES];

	for (size_t taken = 0; pipe->source.fd >= 0 && taken < most;) {
		if (must_wait(command) && !ended) {
			for (int i = 0; i < 2; i++)
				pause_pipe(&command->pipes[i]);
			return;
		}
		ssize_t got = read(pipe->source.fd, bytes, sizeof bytes);

		if (got <= 0) {
			if (got == 0 || (errno != EAGAIN && errno != EINTR))
				loop_close_sole(command->sandboxes->loop, &pipe->source);
			return;
		}
		command_output_add(&command->output, pipe->stream, bytes, (size_t)got);
		command_log_add(&command->log, pipe->stream, bytes, (size_t)got);
		taken += (size_t)got;
		pipe->given += (size_t)got;
		if ((size_t)got < sizeof bytes)
			return;
	}
}

static void rested(struct loop_timer *timer)
{
	resume_pipe((struct command_pipe *)((char *)timer - offsetof(struct command_pipe, rest)));
}

/* Does somebody wait for answers beside this command? The call that began it does not count. */
static bool others_call(const struct command *command)
{
	const struct sandboxes *sandboxes = command->sandboxes;

	return sandboxes->called > command->started &&
	       sandboxes->loop->now - sandboxes->called < LOOP_MS(LIMIT_PIPE_PACED_MS);
}

static void pipe_ready(struct loop_source *source, uint32_t events)
{
	struct command_pipe *pipe = (struct command_pipe *)source;
	struct command *command = pipe->command;
	struct loop *loop = command->sandboxes->loop;
	bool paced = others_call(command);

	if (loop->now - pipe->stretch >= LOOP_MS(LIMIT_PIPE_PACE_MS)) {
		pipe->stretch = loop->now;
		pipe->given = 0;
	}
	drain_pipe(pipe, paced ? LIMIT_PIPE_READ_BYTES : LIMIT_PIPE_TURN_BYTES, false);
	if (paced && pipe->source.fd >= 0 && pipe->given >= LIMIT_PIPE_PACE_BYTES &&
	    loop_timer_set(loop, &pipe->rest, pipe->stretch + LOOP_MS(LIMIT_PIPE_PACE_MS)) == 0)
		pause_pipe(pipe);
	command_said(command);
}

/* Where no file came, what it has written in its last moment pushes out the oldest. */
bool command_take_rest(struct command *command)
{
	for (int i = 0; i < 2; i++) {
		if (command->pipes[i].rest.place)
			resume_pipe(&command->pipes[i]);
		if (command->pipes[i].paused < 0)
			drain_pipe(&command->pipes[i], LIMIT_PIPE_DRAIN_BYTES, false);
	}
	return command->pipes[0].paused < 0 && command->pipes[1].paused < 0;
}

void command_drain(struct command *command)
{
	for (int i = 0; i < 2; i++) {
		resume_pipe(&command->pipes[i]);
		drain_pipe(&command->pipes[i], LIMIT_PIPE_DRAIN_BYTES, true);
	}
}

/* ---- input ---- */

static void stdin_ready(struct loop_source *source, uint32_t events)
{
	struct command *command = (struct command *)((char *)source - offsetof(struct command, stdin_pipe));
	ssize_t taken = write(source->fd, buffer_data(&command->input), buffer_length(&command->input));

	if (taken < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (taken > 0)
		buffer_consume(&command->input, (size_t)taken);
	if (taken >= 0 && command->keeps_input && buffer_length(&command->input) == 0) {
		loop_change(command->sandboxes->loop, source, 0); /* until there is more (command_feed) */
	} else if (taken < 0 || buffer_length(&command->input) == 0) {
		loop_close_sole(command->sandboxes->loop, source);
		buffer_deinit(&command->input);
	}
}

int command_feed(struct command *command, const struct buffer *bytes, bool close)
{
	int result = 0;

	if (!command->keeps_input || (command->stdin_pipe.fd < 0 && command->state != COMMAND_WAITING))
		return -EPIPE;
	if (buffer_length(bytes))
		result = buffer_append(&command->input, buffer_data(bytes), buffer_length(bytes));
	if (result < 0)
		return result;
	command->keeps_input = !close;
	if (command->stdin_pipe.fd >= 0)
		loop_change(command->sandboxes->loop, &command->stdin_pipe, EPOLLOUT);
	return 0;
}

/* ---- making and closing ---- */

#define PIPE_MODE 0666 /* what the filter allows */

/*
 * Our end does not block, the command's does. As root we are another than commands are, and /dev/stdout leads
 * to the pipe itself: so it is for everybody who gets there, which is who may look into the command's /proc:
 * commands of the same caller, as they may where all have one uid.
 */
static int make_pipe(int *ours, int *theirs, bool reading)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*ours = ends[reading ? 0 : 1];
	*theirs = ends[reading ? 1 : 0];
	if (fchmod(*ours, PIPE_MODE) < 0)
		return -errno;
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
		result = loop_watch(command->sandboxes->loop, sources[i], ends[i].ours,
				    i == 3 ? EPOLLOUT : EPOLLIN);
		if (result == 0)
			ends[i].ours = -1;
	}
	return result;
}

int command_connect(struct command *command, int door)
{
	struct frame_header header = {.type = KEEPER_RUN,
				      .call = command->number,
				      .value = (command->has_input ? KEEPER_STDIN : 0) |
					       (command->tty ? KEEPER_TTY : 0) |
					       (command->look ? KEEPER_LOOK : 0)};
	struct ends ends[4] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}}; /* leash, stdout, stderr, stdin */
	int theirs[4], pair[2], result;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	frame_refuse_descriptors(pair[0]);
	ends[0] = (struct ends){pair[0], pair[1]};
	result = make_pipe(&ends[1].ours, &ends[1].theirs, true);
	if (result == 0)
		result = make_pipe(&ends[2].ours, &ends[2].theirs, true);
	if (result == 0 && command->has_input)
		result = make_pipe(&ends[3].ours, &ends[3].theirs, false);
	for (int i = 0; i < 4; i++)
		theirs[i] = ends[i].theirs;
	if (result == 0)
		result = watch_ends(command, ends);
	if (result == 0) /* last: from here it runs */
		result = frame_send(door, &header, buffer_data(&command->request),
				    buffer_length(&command->request), theirs, command->has_input ? 4 : 3,
				    MSG_DONTWAIT);
	close_ends(ends);
	if (result < 0)
		command_disconnect(command);
	return result;
}

void command_disconnect(struct command *command)
{
	struct loop *loop = command->sandboxes->loop;

	loop_close_sole(loop, &command->leash);
	loop_close_sole(loop, &command->stdin_pipe);
	loop_close_sole(loop, &command->pipes[0].source);
	loop_close_sole(loop, &command->pipes[1].source);
	for (int i = 0; i < 2; i++) {
		loop_timer_clear(loop, &command->pipes[i].rest);
		close_fd(&command->pipes[i].paused);
	}
}

void command_pipes_init(struct command *command)
{
	command->leash = (struct loop_source){.fd = -1, .ready = command_heard};
	command->stdin_pipe = (struct loop_source){.fd = -1, .ready = stdin_ready};
	for (int i = 0; i < 2; i++)
		command->pipes[i] = (struct command_pipe){.source = {.fd = -1, .ready = pipe_ready},
							  .command = command,
							  .stream = i,
							  .paused = -1,
							  .rest = {.fire = rested}};
}
