/* SPDX-License-Identifier: Apache-2.0 */
/* Windows over a command's output, and its folding into readable text. Trusts nothing: any bytes may come. */
#include "tools/command/output.h"

#include <errno.h>
#include <inttypes.h>

#include "protocol/limits.h"

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

static void window_add(struct output_window *window, const char *bytes, size_t length)
{
	size_t done = grow(&window->head, &window->head_most, bytes, length);

	window->total += length;
	bytes += done;
	length -= done;
	if (length > window->tail_most) { /* only its end can survive */
		bytes += length - window->tail_most;
		length = window->tail_most;
	}
	done = grow(&window->tail, &window->tail_most, bytes, length);
	if (length - done > window->tail_most) /* it could not grow */
		done = length - window->tail_most;
	while (done < length) {
		size_t piece = window->tail_most - window->tail_next;

		if (piece > length - done)
			piece = length - done;
		memcpy(buffer_data(&window->tail) + window->tail_next, bytes + done, piece);
		window->tail_next = (window->tail_next + piece) % window->tail_most;
		done += piece;
	}
}

static void window_copy(struct output_window *to, const struct output_window *from)
{
	to->head_most = from->head_most;
	to->tail_most = from->tail_most;
	grow(&to->head, &to->head_most, buffer_data(&from->head), buffer_length(&from->head));
	grow(&to->tail, &to->tail_most, buffer_data(&from->tail), buffer_length(&from->tail));
	to->tail_next = to->tail_most ? from->tail_next : 0;
	to->total = from->total;
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

static bool window_omits(const struct output_window *window)
{
	return window->total > buffer_length(&window->head) + buffer_length(&window->tail);
}

bool command_output_omits(const struct command_output *output)
{
	return window_omits(&output->streams[0]) || window_omits(&output->streams[1]) ||
	       window_omits(command_output_merged(output));
}

/* ---- cutting ---- */

/* How much of a head that was cut is shown: to its last line end, else without a started character. */
static size_t trim_head(const char *text, size_t length)
{
	const char *newline = length ? memrchr(text, '\n', length) : NULL;
	size_t start = length;

	if (newline && (size_t)(newline - text) >= length / 2)
		return (size_t)(newline + 1 - text);
	while (start > 0 && length - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	return start > 0 && (unsigned char)text[start - 1] >= 0xc0 ? start - 1 : length;
}

/* How much of the front of a tail that was cut is not shown. */
static size_t trim_tail(const char *text, size_t length)
{
	const char *newline = length ? memchr(text, '\n', length) : NULL;
	size_t skip = 0;

	if (newline && (size_t)(newline - text) < length / 2)
		return (size_t)(newline + 1 - text);
	while (skip < length && skip < 3 && ((unsigned char)text[skip] & 0xc0) == 0x80)
		skip++;
	return skip;
}

/* Whether something stands in the present line of what was appended; folding may have left nothing at all. */
static bool is_line_open(const struct buffer *out, size_t before)
{
	size_t length = buffer_length(out);

	return length > before && buffer_data(out)[length - 1] != '\n';
}

int output_window_write(const struct output_window *window, struct buffer *out, uint64_t *omitted)
{
	size_t head = buffer_length(&window->head), tail = buffer_length(&window->tail), skip = 0;
	bool cut = window_omits(window);
	struct buffer line;
	size_t before = buffer_length(out);
	int result;

	*omitted = 0;
	buffer_init(&line, tail + head + 1);
	result = buffer_reserve(&line, tail + head + 1);
	if (result < 0)
		return result;
	if (cut && head)
		head = trim_head(buffer_data(&window->head), head);
	buffer_append(&line, buffer_data(&window->head), head);
	if (!cut) {
		/* not full, so not wrapped */
		buffer_append(&line, buffer_data(&window->tail), tail);
		result = output_fold(out, buffer_data(&line), buffer_length(&line));
	} else {
		const char *ring = buffer_data(&window->tail);

		result = output_fold(out, buffer_data(&line), head);
		buffer_clear(&line, SIZE_MAX);
		buffer_append(&line, ring + window->tail_next, tail - window->tail_next);
		buffer_append(&line, ring, window->tail_next);
		if (tail)
			skip = trim_tail(buffer_data(&line), tail);
		*omitted = window->total - head - (tail - skip);
		if (result == 0)
			result = buffer_printf(out, "%s[… %" PRIu64 " bytes left out …]\n",
					       is_line_open(out, before) ? "\n" : "", *omitted);
		if (result == 0)
			result = output_fold(out, buffer_data(&line) + skip, tail - skip);
	}
	buffer_deinit(&line);
	return result;
}

/* ---- what is no text ---- */

#define SHOWN_BYTES 16 /* enough for every magic number */

static bool has_nul(const struct buffer *bytes)
{
	return buffer_length(bytes) && memchr(buffer_data(bytes), '\0', buffer_length(bytes));
}

bool output_window_is_binary(const struct output_window *window)
{
	return has_nul(&window->head) || has_nul(&window->tail);
}

int output_window_name(const struct output_window *window, const char *stream, struct buffer *out)
{
	const struct buffer *first = buffer_length(&window->head) ? &window->head : &window->tail;
	size_t length = buffer_length(first) < SHOWN_BYTES ? buffer_length(first) : SHOWN_BYTES;
	int result = buffer_printf(out, "[%s is binary: %" PRIu64 " bytes, not shown", stream, window->total);

	/* a tail alone begins somewhere */
	if (result == 0 && (first == &window->head || !window_omits(window))) {
		result = buffer_append_text(out, "; begins");
		for (size_t i = 0; i < length && result == 0; i++)
			result = buffer_printf(out, " %02x", (unsigned char)buffer_data(first)[i]);
	}
	if (result == 0)
		result = buffer_append_text(out, ". Send it to a file, or through base64 or xxd]\n");
	return result;
}

/* ---- folding ---- */

/* The length of the escape sequence that starts at text[0] == ESC; what is cut off at the end counts whole.
 */
static size_t escape_length(const char *text, size_t length)
{
	size_t at = 2;

	if (length < 2)
		return length;
	switch (text[1]) {
	case '[': /* CSI: parameters and intermediates, then one final byte */
		while (at < length && text[at] >= 0x20 && text[at] <= 0x3f)
			at++;
		return at < length ? at + 1 : at;
	case ']': /* OSC, and the other strings: up to BEL or ST */
	case 'P':
	case 'X':
	case '^':
	case '_':
		for (; at < length; at++) {
			if (text[at] == '\a')
				return at + 1;
			if (text[at] == '\x1b')
				return at + 1 < length && text[at + 1] == '\\' ? at + 2 : at;
		}
		return at;
	default: /* intermediates, then one final byte */
		at = 1;
		while (at < length && text[at] >= 0x20 && text[at] <= 0x2f)
			at++;
		return at < length ? at + 1 : at;
	}
}

/* Takes the last character of the present line back. */
static void erase_character(struct buffer *out, size_t line)
{
	while (out->end > line && ((unsigned char)out->bytes[out->end - 1] & 0xc0) == 0x80)
		out->end--;
	if (out->end > line)
		out->end--;
}

int output_fold(struct buffer *out, const char *text, size_t length)
{
	int result = buffer_reserve(out, length); /* it never becomes longer */
	size_t line;
	bool returned = false; /* a carriage return: the next character starts the line anew */

	if (result < 0)
		return result;
	line = out->end;
	for (size_t at = 0; at < length;) {
		unsigned char byte = (unsigned char)text[at];

		if (byte == '\x1b') {
			at += escape_length(text + at, length - at);
			continue;
		}
		at++;
		if (byte == '\r') {
			returned = true;
		} else if (byte == '\b') {
			erase_character(out, line);
		} else if (byte == '\n') {
			out->bytes[out->end++] = '\n';
			line = out->end;
			returned = false;
		} else if (byte >= 0x20 || byte == '\t') {
			if (byte == 0x7f)
				continue;
			if (returned)
				out->end = line;
			returned = false;
			out->bytes[out->end++] = (char)byte;
		}
	}
	return 0;
}

int output_newest_line(const struct output_window *window, struct buffer *out)
{
	char kept[2 * LIMIT_PROGRESS_LINE_BYTES];
	size_t head = buffer_length(&window->head), tail = buffer_length(&window->tail), length = 0, end;
	size_t from_tail = tail < sizeof kept ? tail : sizeof kept, from_head = 0;
	struct buffer text;
	int result;

	/* the last bytes that came, wherever they are kept */
	if (window->total == head + tail)
		from_head = head < sizeof kept - from_tail ? head : sizeof kept - from_tail;
	for (; length < from_head; length++)
		kept[length] = buffer_data(&window->head)[head - from_head + length];
	for (size_t i = from_tail; i > 0; i--)
		kept[length++] = buffer_data(&window->tail)[(window->tail_next + tail - i) % tail];
	if (length == 0)
		return 0;
	buffer_init(&text, sizeof kept);
	result = output_fold(&text, kept, length);
	end = buffer_length(&text);
	while (end && buffer_data(&text)[end - 1] == '\n')
		end--;
	if (result == 0 && end) {
		const char *newline = memrchr(buffer_data(&text), '\n', end);
		const char *line = newline ? newline + 1 : buffer_data(&text);
		size_t size = (size_t)(buffer_data(&text) + end - line);

		size = size < LIMIT_PROGRESS_LINE_BYTES ? size : trim_head(line, LIMIT_PROGRESS_LINE_BYTES);
		result = buffer_append_text(out, " · ");
		if (result == 0)
			result = buffer_append(out, line, size);
	}
	buffer_deinit(&text);
	return result;
}
