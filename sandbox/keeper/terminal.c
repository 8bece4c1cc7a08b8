/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command's terminal (terminal.h). It is the sandbox's own; its master is made and kept here, since a
 * descriptor from inside must not reach the frontend, which a command could make wait by its flags.
 *
 * The line discipline does what a person's terminal does: it echoes, edits lines, turns bytes into signals
 * (3 is SIGINT to the foreground) and drops what is typed beyond 4095 bytes of one line. Nothing here looks
 * at the bytes.
 */
#include "sandbox/keeper/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "protocol/cleanup.h"

#define MASTER "/dev/ptmx"
#define END    4 /* Ctrl-D, should the terminal not say what its VEOF is */

int terminal_open(struct terminal *terminal, const struct request *request, const char **target)
{
	struct winsize size = {.ws_row = request->rows, .ws_col = request->columns};
	int locked = 0;

	*target = MASTER;
	terminal->input = terminal->output = terminal->slave = -1;
	terminal->within_line = false;
	terminal->typed.start = terminal->typed.end = terminal->shown.start = terminal->shown.end = 0;
	terminal->master = open(MASTER, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	/* by the master, not by a name that might be another's */
	if (terminal->master < 0 || ioctl(terminal->master, TIOCSPTLCK, &locked) < 0 ||
	    (terminal->slave = ioctl(terminal->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0 ||
	    ioctl(terminal->slave, TIOCSWINSZ, &size) < 0) {
		int result = -errno;

		close_fd(&terminal->slave);
		close_fd(&terminal->master);
		return result;
	}
	return 0;
}

static bool is_empty(const struct terminal_flow *flow)
{
	return flow->start == flow->end;
}

/* An empty flow takes in what there is. What read() said. */
static ssize_t take(struct terminal_flow *flow, int from)
{
	ssize_t got = read(from, flow->bytes, sizeof flow->bytes);

	flow->start = 0;
	flow->end = got > 0 ? (size_t)got : 0;
	return got;
}

/* False when the other side will take no more, ever. */
static bool give(struct terminal_flow *flow, int to)
{
	ssize_t written = is_empty(flow) ? 0 : write(to, flow->bytes + flow->start, flow->end - flow->start);

	if (written < 0)
		return errno == EAGAIN || errno == EINTR;
	flow->start += (size_t)written;
	return true;
}

/* Nobody sees it any more: the kernel tells the session by SIGHUP. */
static void hang_up(struct terminal *terminal)
{
	close_fd(&terminal->slave);
	close_fd(&terminal->master);
	close_fd(&terminal->input);
	close_fd(&terminal->output);
}

/* Within a line the first only ends that line for its reader, and the second is the end. */
static void type_end(struct terminal *terminal)
{
	struct termios settings;
	char end = END;

	if (tcgetattr(terminal->master, &settings) == 0 && settings.c_cc[VEOF] != _POSIX_VDISABLE)
		end = (char)settings.c_cc[VEOF];
	terminal->typed.start = 0;
	terminal->typed.end = terminal->within_line ? 2 : 1;
	memset(terminal->typed.bytes, end, terminal->typed.end);
}

static void read_input(struct terminal *terminal)
{
	struct terminal_flow *typed = &terminal->typed;
	ssize_t got = take(typed, terminal->input);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0) {
		/* a character that edits or signals has ended the line, or may as well have */
		terminal->within_line = (unsigned char)typed->bytes[typed->end - 1] >= ' ' ||
					typed->bytes[typed->end - 1] == '\t';
		return;
	}
	close_fd(&terminal->input);
	type_end(terminal);
}

void terminal_start(struct terminal *terminal, int input, int output)
{
	terminal->input = input;
	terminal->output = output;
	fcntl(output, F_SETFL, O_NONBLOCK);
	if (input >= 0)
		fcntl(input, F_SETFL, O_NONBLOCK);
	else
		type_end(terminal);
	signal(SIGPIPE, SIG_IGN);
}

void terminal_close(struct terminal *terminal)
{
	hang_up(terminal);
	signal(SIGPIPE, SIG_DFL); /* as commands are to have it */
}

pid_t terminal_foreground(const struct terminal *terminal)
{
	pid_t group = 0;

	return ioctl(terminal->master, TIOCGPGRP, &group) < 0 || group < 0 ? 0 : group;
}

void terminal_poll(const struct terminal *terminal, struct pollfd polled[TERMINAL_POLLED])
{
	short reading = is_empty(&terminal->shown) ? POLLIN : 0;

	polled[0] =
		(struct pollfd){.fd = is_empty(&terminal->typed) ? terminal->input : -1, .events = POLLIN};
	polled[1] = (struct pollfd){.fd = terminal->master,
				    .events = is_empty(&terminal->typed) ? reading : reading | POLLOUT};
	/* asked for nothing it still tells that nobody reads it */
	polled[2] = (struct pollfd){.fd = terminal->output, .events = reading ? 0 : POLLOUT};
	if (terminal->output < 0) /* hung up */
		for (int i = 0; i < TERMINAL_POLLED; i++)
			polled[i].fd = -1;
}

void terminal_relay(struct terminal *terminal, const struct pollfd polled[TERMINAL_POLLED])
{
	bool alive;

	if (terminal->output < 0)
		return;
	if (polled[0].revents)
		read_input(terminal);
	alive = give(&terminal->typed, terminal->master);
	if (alive && polled[1].revents && is_empty(&terminal->shown)) {
		ssize_t got = take(&terminal->shown, terminal->master);

		alive = got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
	}
	if (!alive || polled[2].revents & POLLERR || !give(&terminal->shown, terminal->output))
		hang_up(terminal);
}

/* With no writer left, nothing to read means that there is nothing on its way either: the kernel looks. */
bool terminal_drain(struct terminal *terminal)
{
	close_fd(&terminal->slave);
	while (terminal->output >= 0) {
		if (is_empty(&terminal->shown) && take(&terminal->shown, terminal->master) <= 0)
			return false;
		if (!give(&terminal->shown, terminal->output))
			return false;
		if (!is_empty(&terminal->shown))
			return true;
	}
	return false;
}
