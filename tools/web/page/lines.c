/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks onto lines: blank lines between them, and the prefix of quotes and lists before each. */
#include "tools/web/page/writer.h"

#include <errno.h>
#include <string.h>

#define STEPS_A_LOOK 256 /* between two looks at the clock */

bool writer_goes_on(struct writer *writer)
{
	if (writer->deadline && ++writer->steps % STEPS_A_LOOK == 0 && tree_clock() >= writer->deadline)
		writer->late = true;
	return !writer->late && writer->result == 0;
}

void writer_put(struct writer *writer, const char *bytes, size_t length)
{
	if (writer->result == 0)
		writer->result = buffer_append(writer->out, bytes, length);
}

void writer_put_text(struct writer *writer, const char *text)
{
	writer_put(writer, text, strlen(text));
}

static void put_prefix(struct writer *writer)
{
	if (writer->has_first)
		writer_put(writer, writer->first, writer->first_length);
	else
		writer_put(writer, writer->prefix, writer->prefix_length);
	writer->has_first = false;
	writer->floor = writer->prefix_length;
}

static void put_blank(struct writer *writer, size_t length)
{
	while (length && writer->prefix[length - 1] == ' ')
		length--;
	writer_put(writer, writer->prefix, length);
	writer_put(writer, "\n", 1);
}

void writer_begin(struct writer *writer)
{
	if (buffer_length(writer->out) > writer->begin) {
		writer_put(writer, "\n", 1);
		if (writer->gap > 1)
			put_blank(writer, writer->floor);
	}
	put_prefix(writer);
	writer->gap = 2;
	writer->blocks++;
}

void writer_new_line(struct writer *writer)
{
	writer_put(writer, "\n", 1);
	put_prefix(writer);
}

void writer_put_lines(struct writer *writer, const char *bytes, size_t length)
{
	const char *end = bytes + length;

	for (;;) {
		const char *line = memchr(bytes, '\n', (size_t)(end - bytes));

		writer_put(writer, bytes, (size_t)((line ? line : end) - bytes));
		if (!line)
			return;
		bytes = line + 1;
		writer_put(writer, "\n", 1);
		while (bytes < end && *bytes == '\n') {
			put_blank(writer, writer->prefix_length);
			bytes++;
		}
		if (bytes < end)
			put_prefix(writer);
	}
}

void writer_end_block(struct writer *writer)
{
	struct run *run = &writer->run;

	if (run->mode == RUN_HEADING) {
		run->space = true;
		return;
	}
	if (run->mode == RUN_CELL) {
		run_flush_code(writer);
		if (buffer_length(&run->text))
			run->breaks = 1;
		return;
	}
	run_finish(writer);
	if (buffer_length(&run->text)) {
		writer_begin(writer);
		writer_put_lines(writer, buffer_data(&run->text), buffer_length(&run->text));
	}
	run_clear(writer);
}

static size_t append(char to[WRITER_PREFIX_BYTES], size_t length, const char *text)
{
	size_t more = strlen(text);

	memcpy(to + length, text, more);
	return length + more;
}

void writer_indent(struct writer *writer, struct writer_indent *indent, const char *marker,
		   const char *prefix)
{
	indent->prefix_length = writer->prefix_length;
	indent->first_length = writer->first_length;
	indent->had_first = writer->has_first;
	indent->blocks = writer->blocks;
	memcpy(indent->first, writer->first, writer->has_first ? writer->first_length : 0);
	writer->blocks = 0;
	if (!writer->has_first) {
		memcpy(writer->first, writer->prefix, writer->prefix_length);
		writer->first_length = writer->prefix_length;
	}
	indent->full = writer->first_length + strlen(marker) > WRITER_PREFIX_BYTES ||
		       writer->prefix_length + strlen(prefix) > WRITER_PREFIX_BYTES;
	if (indent->full)
		return;
	writer->first_length = append(writer->first, writer->first_length, marker);
	writer->prefix_length = append(writer->prefix, writer->prefix_length, prefix);
	writer->has_first = true;
}

bool writer_unindent(struct writer *writer, const struct writer_indent *indent)
{
	bool wrote = writer->blocks > 0;

	writer->prefix_length = indent->prefix_length;
	if (writer->floor > writer->prefix_length)
		writer->floor = writer->prefix_length;
	if (!wrote && !indent->full) {
		writer->has_first = indent->had_first;
		writer->first_length = indent->first_length;
		memcpy(writer->first, indent->first, indent->had_first ? indent->first_length : 0);
	}
	writer->blocks = indent->blocks + wrote;
	return wrote;
}
