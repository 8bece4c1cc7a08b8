/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stdio transport. What it trusts: nothing. Lines are bounded before they are kept; output is a queue of
 * whole messages that goes out by writev, so a message is never copied after it was written.
 */
#include "server/transport/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

static void tell_end(struct stdio *stdio, const char *why)
{
	if (stdio->end_told)
		return;
	stdio->end_told = true;
	stdio_stop_reading(stdio);
	stdio->ended(stdio, why);
}

/*
 * A request whose answer cannot be kept would stay unanswered for ever, so the session ends; the host sees
 * it. Told after the turn: whoever sends a message is in the middle of something.
 */
static void give_up(struct stdio *stdio, const char *why)
{
	if (!stdio->failure)
		stdio->failure = why;
}

static bool is_over(const struct stdio *stdio)
{
	return stdio->end_told || stdio->failure;
}

/* ---- input ---- */

static void receive(struct stdio *stdio, const char *message, size_t length)
{
	if (mcp_receive(stdio->peer, message, length) < 0)
		give_up(stdio, "out of memory: a request could not even be refused");
}

static void refuse_oversized(struct stdio *stdio)
{
	stdio->oversized = false;
	if (mcp_refuse_oversized(stdio->peer) < 0)
		give_up(stdio, "out of memory: a request could not even be refused");
}

/* The present line is too long to keep: forgets what is there, up to its newline if that has come. */
static void discard(struct stdio *stdio)
{
	size_t length = buffer_length(&stdio->line);
	char *data = buffer_data(&stdio->line), *newline = length ? memchr(data, '\n', length) : NULL;

	stdio->scanned = 0;
	if (!newline) {
		buffer_clear(&stdio->line, LIMIT_INPUT_KEEP_BYTES);
		return;
	}
	buffer_consume(&stdio->line, (size_t)(newline + 1 - data));
	refuse_oversized(stdio);
}

/* Hands on the first whole line; false when there is none. */
static bool take_line(struct stdio *stdio)
{
	char *data = buffer_data(&stdio->line), *newline;
	size_t length = buffer_length(&stdio->line), line, text;

	if (length == 0)
		return false;
	newline = memchr(data + stdio->scanned, '\n', length - stdio->scanned);
	if (!newline) {
		stdio->scanned = length;
		stdio->oversized = length > LIMIT_MESSAGE_BYTES + 1; /* a carriage return may stand last */
		return false;
	}
	line = (size_t)(newline - data);
	text = line && data[line - 1] == '\r' ? line - 1 : line; /* clients that write CRLF */
	if (text > LIMIT_MESSAGE_BYTES)
		refuse_oversized(stdio);
	else if (text)
		receive(stdio, data, text);
	buffer_consume(&stdio->line, line + 1);
	stdio->scanned = 0;
	return true;
}

static void take_lines(struct stdio *stdio)
{
	do {
		if (stdio->oversized)
			discard(stdio);
	} while (!stdio->oversized && !is_over(stdio) && take_line(stdio));
	if (stdio->oversized)
		discard(stdio);
	if (buffer_length(&stdio->line) == 0)
		buffer_clear(&stdio->line, LIMIT_INPUT_KEEP_BYTES);
}

static void input_ready(struct loop_source *source, uint32_t events)
{
	struct stdio *stdio = (struct stdio *)((char *)source - offsetof(struct stdio, input));
	ssize_t got;

	if (buffer_reserve(&stdio->line, LIMIT_INPUT_READ_BYTES) < 0) {
		stdio->oversized = true; /* no memory for so long a line: it is refused, the next is served */
		discard(stdio);
		if (buffer_reserve(&stdio->line, LIMIT_INPUT_READ_BYTES) < 0)
			return;
	}
	got = read(source->fd, stdio->line.bytes + stdio->line.end, LIMIT_INPUT_READ_BYTES);
	if (got < 0) {
		if (errno != EAGAIN && errno != EINTR)
			tell_end(stdio, NULL);
		return;
	}
	if (got == 0) {
		if (stdio->oversized) /* a last message without its newline */
			refuse_oversized(stdio);
		else if (buffer_length(&stdio->line))
			receive(stdio, buffer_data(&stdio->line), buffer_length(&stdio->line));
		buffer_clear(&stdio->line, 0);
		tell_end(stdio, NULL);
		return;
	}
	stdio->line.end += (size_t)got;
	take_lines(stdio);
}

void stdio_stop_reading(struct stdio *stdio)
{
	loop_forget(stdio->loop, &stdio->input);
}

/* ---- output ---- */

static void pace(struct stdio *stdio)
{
	size_t bound = stdio->paused ? LIMIT_OUTGOING_PAUSE_BYTES / 2 : LIMIT_OUTGOING_PAUSE_BYTES;

	if ((stdio->waiting > bound) == stdio->paused)
		return;
	stdio->paused = !stdio->paused;
	loop_change(stdio->loop, &stdio->input, stdio->paused ? 0 : EPOLLIN);
}

static int queue_grow(struct stdio *stdio)
{
	size_t size = stdio->queue_size ? stdio->queue_size * 2 : 16;
	struct buffer *queue = calloc(size, sizeof *queue);

	if (!queue)
		return -ENOMEM;
	for (size_t i = 0; i < stdio->queue_count; i++)
		queue[i] = stdio->queue[(stdio->queue_first + i) % stdio->queue_size];
	free(stdio->queue);
	stdio->queue = queue;
	stdio->queue_size = size;
	stdio->queue_first = 0;
	return 0;
}

/* mcp_sink.send: takes the message's allocation; nothing is copied. */
static int send_message(void *context, const struct mcp_delivery *delivery, struct buffer *message)
{
	struct stdio *stdio = context;
	size_t length = buffer_length(message);

	if (stdio->output.fd < 0 || stdio->failure)
		return -EPIPE;
	if (stdio->waiting + length > LIMIT_OUTGOING_BYTES) {
		give_up(stdio, "the host has stopped reading and too many answers wait for it");
		return -EPIPE;
	}
	if (stdio->queue_count == stdio->queue_size && queue_grow(stdio) < 0) {
		give_up(stdio, "out of memory: an answer could not be kept");
		return -EPIPE;
	}
	stdio->queue[(stdio->queue_first + stdio->queue_count++) % stdio->queue_size] = *message;
	stdio->waiting += length;
	buffer_init(message, message->max);
	return 0;
}

struct mcp_sink stdio_sink(struct stdio *stdio)
{
	return (struct mcp_sink){.context = stdio, .send = send_message};
}

bool stdio_idle(const struct stdio *stdio)
{
	return stdio->queue_count == 0 || stdio->output.fd < 0;
}

/* Takes `written` bytes off the queue's front. */
static void dequeue(struct stdio *stdio, size_t written)
{
	stdio->waiting -= written;
	while (stdio->queue_count) {
		struct buffer *front = &stdio->queue[stdio->queue_first];
		size_t length = buffer_length(front);

		if (written < length) {
			front->start += written;
			return;
		}
		written -= length;
		buffer_deinit(front);
		stdio->queue_first = (stdio->queue_first + 1) % stdio->queue_size;
		stdio->queue_count--;
	}
}

void stdio_flush(struct stdio *stdio)
{
	while (stdio->queue_count && stdio->output.fd >= 0) {
		struct iovec parts[64];
		size_t count =
			stdio->queue_count < ARRAY_SIZE(parts) ? stdio->queue_count : ARRAY_SIZE(parts);
		ssize_t written;

		for (size_t i = 0; i < count; i++) {
			struct buffer *message = &stdio->queue[(stdio->queue_first + i) % stdio->queue_size];

			parts[i] = (struct iovec){buffer_data(message), buffer_length(message)};
		}
		written = writev(stdio->output.fd, parts, (int)count);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0 && errno == EAGAIN)
			break;
		if (written < 0) {
			loop_forget(stdio->loop, &stdio->output);
			tell_end(stdio, "the host has closed our standard output");
			return;
		}
		dequeue(stdio, (size_t)written);
	}
	loop_change(stdio->loop, &stdio->output, stdio->queue_count ? EPOLLOUT : 0);
	pace(stdio);
	if (stdio->failure)
		tell_end(stdio, stdio->failure);
}

/* Writable again: the queue goes out after the turn. Nobody reads any more: that is the end. */
static void output_ready(struct loop_source *source, uint32_t events)
{
	struct stdio *stdio = (struct stdio *)((char *)source - offsetof(struct stdio, output));

	if (events & (EPOLLERR | EPOLLHUP)) {
		loop_forget(stdio->loop, source);
		tell_end(stdio, stdio->queue_count || mcp_in_flight(stdio->peer)
					? "the host has closed our standard output while answers were due"
					: NULL);
	}
}

/* ---- set-up ---- */

/*
 * A descriptor that never blocks. O_NONBLOCK belongs to the open file description, which we may share with
 * whoever started us (a terminal, a log), so a pipe is opened once more for ourselves; only where that cannot
 * be done is the flag set, and put back at the end.
 */
static int open_output(struct stdio *stdio, int output)
{
	struct stat status;
	char path[32];
	int own;

	if (fstat(output, &status) == 0 && S_ISFIFO(status.st_mode)) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", output);
		own = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		if (own >= 0) {
			stdio->reopened = true;
			return own;
		}
	}
	stdio->output_flags = fcntl(output, F_GETFL);
	if (stdio->output_flags >= 0)
		fcntl(output, F_SETFL, stdio->output_flags | O_NONBLOCK);
	return output;
}

int stdio_init(struct stdio *stdio, struct loop *loop, int input, int output,
	       void (*ended)(struct stdio *stdio, const char *why), struct err *err)
{
	int result;

	*stdio = (struct stdio){.loop = loop, .output_flags = -1, .ended = ended};
	stdio->input = (struct loop_source){.fd = -1, .ready = input_ready};
	stdio->output = (struct loop_source){.fd = -1, .ready = output_ready};
	buffer_init(&stdio->line, LIMIT_MESSAGE_BYTES + 2 * LIMIT_INPUT_READ_BYTES);
	result = loop_watch(loop, &stdio->input, input, EPOLLIN);
	if (result < 0)
		return err_set(err, result, "standard input cannot be watched: %s", err_name(result));
	output = open_output(stdio, output);
	result = loop_watch(loop, &stdio->output, output, 0);
	if (result < 0)
		return err_set(err, result, "standard output cannot be watched: %s", err_name(result));
	return 0;
}

void stdio_deinit(struct stdio *stdio)
{
	int output = stdio->output.fd;

	if (output >= 0) {
		loop_forget(stdio->loop, &stdio->output);
		if (stdio->reopened)
			close(output);
		else if (stdio->output_flags >= 0)
			fcntl(output, F_SETFL, stdio->output_flags);
	}
	loop_forget(stdio->loop, &stdio->input);
	for (size_t i = 0; i < stdio->queue_count; i++)
		buffer_deinit(&stdio->queue[(stdio->queue_first + i) % stdio->queue_size]);
	free(stdio->queue);
	buffer_deinit(&stdio->line);
}
