/* SPDX-License-Identifier: Apache-2.0 */
/* What a command's output reads like: cut between lines, named where it is no text, folded. Trusts nothing:
 * any bytes may come. */
#include "tools/command/output.h"

#include <errno.h>
#include <inttypes.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

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

/* Appends the tail in its order. Room was made for it. */
static void append_tail(struct buffer *to, const struct output_window *window, size_t skip)
{
	size_t size = buffer_length(&window->tail), first = size - window->tail_start;
	const char *ring = buffer_data(&window->tail);

	if (first > window->tail_length)
		first = window->tail_length;
	if (skip < first)
		buffer_append(to, ring + window->tail_start + skip, first - skip);
	skip = skip > first ? skip - first : 0;
	buffer_append(to, ring, window->tail_length - first - skip);
}

int output_window_write(const struct output_window *window, bool open, struct buffer *out, uint64_t *omitted)
{
	size_t head = buffer_length(&window->head), tail = window->tail_length, skip = 0, before;
	_cleanup_(buffer_deinit) struct buffer text = {.max = head + tail + 1};
	bool cut = output_window_omits(window);
	int result = buffer_reserve(&text, head + tail + 1);

	*omitted = 0;
	if (result < 0)
		return result;
	if (cut && head)
		head = trim_head(buffer_data(&window->head), head);
	buffer_append(&text, buffer_data(&window->head), head);
	if (cut) {
		before = buffer_length(out);
		result = output_fold(out, buffer_data(&text), head);
		buffer_clear(&text, SIZE_MAX);
		append_tail(&text, window, 0);
		if (tail)
			skip = trim_tail(buffer_data(&text), tail);
		*omitted = window->total - head - (tail - skip);
		if (result == 0)
			result = buffer_printf(out, "%s[… %" PRIu64 " bytes left out …]\n",
					       is_line_open(out, before) ? "\n" : "", *omitted);
		buffer_consume(&text, skip);
	} else {
		append_tail(&text, window, 0);
	}
	if (open)
		text.end -= output_begun(buffer_data(&text), buffer_length(&text));
	return result < 0 ? result : output_fold(out, buffer_data(&text), buffer_length(&text));
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
	if (result == 0 && (first == &window->head || !output_window_omits(window))) {
		result = buffer_append_text(out, "; begins");
		for (size_t i = 0; i < length && result == 0; i++)
			result = buffer_printf(out, " %02x", (unsigned char)buffer_data(first)[i]);
	}
	if (result == 0)
		result = buffer_append_text(out, ". Send it to a file, or through base64 or xxd]\n");
	return result;
}

/* ---- folding ---- */

enum output_escape output_escape(enum output_escape within, unsigned char byte)
{
	bool more = byte >= 0x20 && byte <= (within == ESCAPE_CONTROL ? 0x3f : 0x2f);

	switch (within) {
	case ESCAPE_NONE:
		return byte == '\x1b' ? ESCAPE_BEGUN : ESCAPE_NONE;
	case ESCAPE_BEGUN:
		if (byte == '[')
			return ESCAPE_CONTROL;
		if (byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_')
			return ESCAPE_STRING;
		return more ? ESCAPE_OTHER : ESCAPE_NONE;
	case ESCAPE_CONTROL: /* parameters and intermediates, then one final byte */
	case ESCAPE_OTHER:   /* intermediates, then one final byte */
		return more ? within : ESCAPE_NONE;
	case ESCAPE_STRING: /* up to BEL, or ST, which is a sequence itself */
		return byte == '\x1b' ? ESCAPE_BEGUN : byte == '\a' ? ESCAPE_NONE : ESCAPE_STRING;
	}
	return ESCAPE_NONE;
}

size_t output_begun(const char *text, size_t length)
{
	const char *last = text + length,
		   *from = text + (length > OUTPUT_BEGUN_MOST ? length - OUTPUT_BEGUN_MOST : 0);
	const char *escape = length ? memrchr(from, '\x1b', (size_t)(last - from)) : NULL;
	enum output_escape within = ESCAPE_NONE;

	for (const char *at = escape; at && at < last; at++)
		within = output_escape(within, (unsigned char)*at);
	if (within != ESCAPE_NONE)
		return (size_t)(last - escape);
	for (size_t back = 1; back <= 3 && back <= length;
	     back++) { /* UTF-8: who leads tells how many follow */
		unsigned char byte = (unsigned char)last[-(ptrdiff_t)back];

		if ((byte & 0xc0) != 0x80)
			return byte >= (back == 1 ? 0xc0 : back == 2 ? 0xe0 : 0xf0) ? back : 0;
	}
	return 0;
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
	enum output_escape escape = ESCAPE_NONE;

	if (result < 0)
		return result;
	line = out->end;
	for (size_t at = 0; at < length; at++) {
		unsigned char byte = (unsigned char)text[at];

		if (escape != ESCAPE_NONE || byte == '\x1b') {
			escape = output_escape(escape, byte);
			continue;
		}
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
	size_t head = buffer_length(&window->head), tail = window->tail_length,
	       ring = buffer_length(&window->tail);
	size_t length = 0, end, from_tail = tail < sizeof kept ? tail : sizeof kept, from_head = 0;
	struct buffer text;
	int result;

	/* the last bytes that came, wherever they are kept */
	if (window->total == head + tail)
		from_head = head < sizeof kept - from_tail ? head : sizeof kept - from_tail;
	for (; length < from_head; length++)
		kept[length] = buffer_data(&window->head)[head - from_head + length];
	for (size_t i = from_tail; i > 0; i--)
		kept[length++] = buffer_data(&window->tail)[(window->tail_start + tail - i) % ring];
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
