/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frontend's ends of a command: the leash, the pipes of its output and its stdin. What comes out of a
 * pipe is bytes; how much, is the command's choice, so each turn takes a bounded piece.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "sandbox/keeper/wire.h"
#include "server/command_parts.h"

/* ---- output ---- */

static void drain_pipe(struct command_pipe *pipe, size_t most)
{
	char bytes[LIMIT_PIPE_READ_BYTES];

	for (size_t taken = 0; pipe->source.fd >= 0 && taken < most;) {
		ssize_t got = read(pipe->source.fd, bytes, sizeof bytes);

		if (got <= 0) {
			if (got == 0 || (errno != EAGAIN && errno != EINTR))
				loop_close_sole(pipe->command->sandboxes->loop, &pipe->source);
			return;
		}
		command_output_add(&pipe->command->output, pipe->stream, bytes, (size_t)got);
		taken += (size_t)got;
		if ((size_t)got < sizeof bytes)
			return;
	}
}

static void pipe_ready(struct loop_source *source, uint32_t events)
{
	drain_pipe((struct command_pipe *)source, LIMIT_PIPE_TURN_BYTES);
}

void command_drain(struct command *command)
{
	drain_pipe(&command->pipes[0], LIMIT_PIPE_DRAIN_BYTES);
	drain_pipe(&command->pipes[1], LIMIT_PIPE_DRAIN_BYTES);
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
	if (taken < 0 || buffer_length(&command->input) == 0) {
		loop_close_sole(command->sandboxes->loop, source);
		buffer_deinit(&command->input);
	}
}

/* ---- making and closing ---- */

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
				      .call = command->call->number,
				      .value = (command->has_input ? KEEPER_STDIN : 0) |
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
}

void command_pipes_init(struct command *command)
{
	command->leash = (struct loop_source){.fd = -1, .ready = command_heard};
	command->stdin_pipe = (struct loop_source){.fd = -1, .ready = stdin_ready};
	for (int i = 0; i < 2; i++)
		command->pipes[i] = (struct command_pipe){
			.source = {.fd = -1, .ready = pipe_ready}, .command = command, .stream = i};
}
