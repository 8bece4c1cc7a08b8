/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_TRANSPORT_STDIO_H
#define SALLYPORT_SERVER_TRANSPORT_STDIO_H

/*
 * The stdio transport (MCP 2026-07-28, basic/transports/stdio): one JSON-RPC message a line, in on stdin, out
 * on stdout. It never blocks. A host that stops reading stops us reading from it once
 * LIMIT_OUTGOING_PAUSE_BYTES wait; calls that were accepted still end, and their answers wait too, up to
 * LIMIT_OUTGOING_BYTES.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "protocol/mcp.h"
#include "server/loop.h"

struct stdio {
	struct loop *loop;
	struct mcp_peer *peer; /* set before the first turn */
	struct loop_source input, output;
	bool reopened;        /* the output descriptor is our own non-blocking one */
	int output_flags;     /* what stdout's flags were, to be put back; -1: not changed */
	struct buffer line;   /* what was read and is not yet a whole message */
	size_t scanned;       /* bytes of `line` known to hold no newline */
	bool oversized;       /* the present line is too long: thrown away up to its newline */
	struct buffer *queue; /* ring of messages to be written */
	size_t queue_size, queue_first, queue_count;
	size_t waiting; /* bytes in the queue */
	bool paused;
	void (*ended)(struct stdio *stdio,
		      const char *why); /* stdin ended (NULL) or stdout failed (why); once */
	bool end_told;
	const char *failure; /* why answers are lost from here on; told at the end of the turn */
};

int stdio_init(struct stdio *stdio, struct loop *loop, int input, int output,
	       void (*ended)(struct stdio *stdio, const char *why), struct err *err);
void stdio_deinit(struct stdio *stdio);

struct mcp_sink stdio_sink(struct stdio *stdio);
/* Writes what is queued, as far as the host takes it. After each turn. */
void stdio_flush(struct stdio *stdio);
/* Is everything written, or can nothing be written any more? */
bool stdio_idle(const struct stdio *stdio);
/* No more input is read (the end has begun). */
void stdio_stop_reading(struct stdio *stdio);

#endif
