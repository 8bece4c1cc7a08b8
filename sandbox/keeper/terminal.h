/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_KEEPER_TERMINAL_H
#define SALLYPORT_SANDBOX_KEEPER_TERMINAL_H

/* A terminal between a command and the pipes that the frontend has of every command. */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "protocol/limits.h"
#include "sandbox/keeper/keeper.h"

/* Bytes on their way: from `start` to `end`. */
struct terminal_flow {
	size_t start, end;
	char bytes[LIMIT_TERMINAL_BYTES];
};

/*
 * A command's terminal. The master never leaves the nanny, and the slave stays open here, so that nothing is
 * hung up while the command may yet open it again.
 */
struct terminal {
	int master, slave;
	int input, output; /* the frontend's pipes; input: -1 when nothing more comes */
	bool within_line;  /* what was typed last does not end a line */
	struct terminal_flow typed, shown;
};

#define TERMINAL_POLLED 3

/* Opens both ends. 0 or -errno, with what failed in *target; nothing is open then. */
int terminal_open(struct terminal *terminal, const struct request *request, const char **target);
/* Takes the frontend's pipes (input may be -1) once the command runs. Ignores SIGPIPE until the end. */
void terminal_start(struct terminal *terminal, int input, int output);
/* What relaying waits for. Nothing is read on one side before the other has taken what came last. */
void terminal_poll(const struct terminal *terminal, struct pollfd polled[TERMINAL_POLLED]);
/* Moves what poll() says can be moved, without waiting. A frontend that has closed its pipe hangs the
 * terminal up. */
void terminal_relay(struct terminal *terminal, const struct pollfd polled[TERMINAL_POLLED]);
/* When nothing lives that could write: moves the rest. True: the pipe is full, so call again when it is not.
 */
bool terminal_drain(struct terminal *terminal);
/* May follow a terminal_open() that was not started. */
void terminal_close(struct terminal *terminal);
/* The foreground process group, or 0. */
pid_t terminal_foreground(const struct terminal *terminal);

#endif
