/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows over a command's output (output.h): what is kept while it comes. Lines that are written over after
 * a carriage return are taken back at once, so that a flood of progress pushes nothing out that can be seen.
 * Trusts nothing: any bytes may come.
 */
#include "tools/command/output.h"

/* ---- windows ---- */

static void window_init(struct output_window *window, enum output_keep keep, size_t most)
{
	*window = (struct output_window){0};
	window->head_most = keep == OUTPUT_HEAD ? most : keep == OUTPUT_BOTH ? most / 2 : 0;
	window->tail_most = most - window->head_most;
	buffer_init(&window->head, window->head_most);
	buffer_init(&window->tail, window->tail_most);
}

/* Without memory a window keeps what it has and never grows again: what is missing is counted, like anything
 * that found no room. */
static size_t grow(struct buffer *kept, size_t *most, const char *bytes, size_t length)
{
	size_t left = *most - buffer_length(kept), taken = length < left ? length : left;

	if (buffer_append(kept, bytes, taken) == 0)
		return taken;
	*most = buffer_length(kept);
	return 0;
}

static void tail_add(struct output_window *window, const char *bytes, size_t length)
{
	if (length > window->tail_most) { /* only its end can survive */
		bytes += length - window->tail_most;
		length = window->tail_most;
	}
	while (length && window->tail_most) {
		size_t size = buffer_length(&window->tail), left = size - window->tail_length, end, piece;

		if (!left && size < window->tail_most) {
			piece = grow(&window->tail, &window->tail_most, bytes, length);
			window->tail_length += piece;
		} else {
			end = (window->tail_start + window->tail_length) % size;
			piece = length < size - end ? length : size - end;
			if (left && piece > left)
				piece = left;
			memcpy(buffer_data(&window->tail) + end, bytes, piece);
			if (left)
				window->tail_length += piece;
			else /* over the oldest */
				window->tail_start = (window->tail_start + piece) % size;
		}
		bytes += piece;
		length -= piece;
	}
}

static void keep(struct output_window *window, const char *bytes, size_t length)
{
	const char *newline = length ? memrchr(bytes, '\n', length) : NULL;
	size_t done = window->tail_length ? 0 : grow(&window->head, &window->head_most, bytes, length);

	window->total += length;
	window->line = newline ? (size_t)(bytes + length - newline - 1) : window->line + length;
	tail_add(window, bytes + done, length - done);
}

/* The present line begins anew: what came of it will not be seen, so it is not missing either. */
static void take_line_back(struct output_window *window)
{
	size_t head = buffer_length(&window->head);

	window->total -= window->line;
	if (window->total <= head) {
		window->head.end -= head - window->total;
		window->tail_start = window->tail_length = 0;
	} else {
		window->tail_length -=
			window->line < window->tail_length ? (size_t)window->line : window->tail_length;
	}
	window->line = 0;
}

/* How many of these bytes, behind a carriage return, leave a line as it is: those before what prints, or ends
 * it. */
static size_t count_unseen(struct output_window *window, const char *bytes, size_t length)
{
	for (size_t at = 0; at < length; at++) {
		unsigned char byte = (unsigned char)bytes[at];

		if (window->escape == ESCAPE_NONE &&
		    (byte == '\n' || byte == '\t' || (byte >= 0x20 && byte != 0x7f)))
			return at;
		window->escape = output_escape(window->escape, byte);
	}
	return length;
}

static void window_add(struct output_window *window, const char *bytes, size_t length)
{
	while (length) {
		size_t piece;

		if (!window->returned) {
			const char *end = memchr(bytes, '\r', length);

			piece = end ? (size_t)(end + 1 - bytes) : length;
			keep(window, bytes, piece);
			window->returned = end;
			window->escape = ESCAPE_NONE;
		} else {
			piece = count_unseen(window, bytes, length);
			keep(window, bytes, piece);
			if (piece < length && bytes[piece] != '\n')
				take_line_back(window);
			window->returned = piece == length;
		}
		bytes += piece;
		length -= piece;
	}
}

static void window_copy(struct output_window *to, const struct output_window *from)
{
	struct buffer head = to->head, tail = to->tail;

	*to = *from;
	to->head = head;
	to->tail = tail;
	grow(&to->head, &to->head_most, buffer_data(&from->head), buffer_length(&from->head));
	if (grow(&to->tail, &to->tail_most, buffer_data(&from->tail), buffer_length(&from->tail)) <
	    buffer_length(&from->tail))
		to->tail_start = to->tail_length = 0;
}

void command_output_init(struct command_output *output, enum output_keep keep, size_t most)
{
	*output = (struct command_output){.keep = keep, .most = most};
	window_init(&output->streams[0], keep, most);
	window_init(&output->streams[1], keep, most);
	window_init(&output->merged, keep, most);
}

static void window_deinit(struct output_window *window)
{
	buffer_deinit(&window->head);
	buffer_deinit(&window->tail);
}

void command_output_deinit(struct command_output *output)
{
	window_deinit(&output->streams[0]);
	window_deinit(&output->streams[1]);
	window_deinit(&output->merged);
}

void command_output_add(struct command_output *output, int stream, const void *bytes, size_t length)
{
	if (!output->mixed && output->streams[!stream].total) {
		window_copy(&output->merged, &output->streams[!stream]);
		output->mixed = true;
	}
	if (output->mixed)
		window_add(&output->merged, bytes, length);
	window_add(&output->streams[stream], bytes, length);
}

const struct output_window *command_output_merged(const struct command_output *output)
{
	return output->mixed ? &output->merged : &output->streams[output->streams[0].total == 0];
}

bool output_window_omits(const struct output_window *window)
{
	return window->total > buffer_length(&window->head) + window->tail_length;
}

bool command_output_omits(const struct command_output *output)
{
	return output_window_omits(&output->streams[0]) || output_window_omits(&output->streams[1]) ||
	       output_window_omits(command_output_merged(output));
}
