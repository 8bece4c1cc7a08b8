/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of one paragraph, heading or cell. Emphasis is not written where elements begin and end, but where
 * visible text begins that has another one than the text before: so no marker stands beside white space or
 * around nothing, and neighbours merge.
 */
#include "tools/web/page/writer.h"

#include <string.h>

#include "tools/web/page/entities.h"

static void put(struct writer *writer, const char *bytes, size_t length)
{
	if (writer->result == 0)
		writer->result = buffer_append(&writer->run.text, bytes, length);
}

static char last_byte(const struct run *run)
{
	size_t length = buffer_length(&run->text);

	return length ? buffer_data(&run->text)[length - 1] : '\0';
}

void run_clear(struct writer *writer)
{
	struct run *run = &writer->run;

	buffer_clear(&run->text, LIMIT_PAGE_BLOCK_BYTES);
	buffer_clear(&run->code, LIMIT_PAGE_BLOCK_BYTES);
	run->space = run->code_space = false;
	run->breaks = 0;
	run->depth = 0;
	run->line = 0;
}

static void close_mark(struct writer *writer)
{
	struct run *run = &writer->run;

	switch (run->marks[--run->depth]) {
	case 's':
		put(writer, "**", 2);
		break;
	case 'e':
		put(writer, "*", 1);
		break;
	case '_':
		put(writer, "_", 1);
		break;
	case 'd':
		put(writer, "~~", 2);
		break;
	default: /* '[' */
		put(writer, "](", 2);
		if (address_resolve(&writer->address, &writer->base,
				    node_attribute(run->link, ATTRIBUTE_href)))
			put(writer, writer->address.text, writer->address.length);
		put(writer, ")", 1);
		run->link_open = false;
		run->link_done = true;
		break;
	}
}

static bool wanted(const struct run *run, char mark)
{
	switch (mark) {
	case 's':
		return run->strong && run->mode != RUN_HEADING && !run->header;
	case 'd':
		return run->strike;
	case '[':
		return true; /* closed by its end tag */
	default:
		return run->emphasis;
	}
}

static void open_mark(struct writer *writer, char mark)
{
	struct run *run = &writer->run;
	bool open = false;

	for (unsigned i = 0; i < run->depth; i++)
		open |= run->marks[i] == mark || (mark == 'e' && run->marks[i] == '_');
	if (open || !wanted(run, mark) || run->depth == WRITER_MARKS)
		return;
	if (mark == 'e' && last_byte(run) == '*')
		mark = '_'; /* "**a***b*" could be read in two ways */
	run->marks[run->depth++] = mark;
	put(writer,
	    mark == 's'   ? "**"
	    : mark == 'd' ? "~~"
	    : mark == '_' ? "_"
			  : "*",
	    mark == 's' || mark == 'd' ? 2 : 1);
}

/* "!" before "[" would make an image of a link. */
static void open_link(struct writer *writer)
{
	struct run *run = &writer->run;

	if (last_byte(run) == '!') {
		run->text.end--;
		put(writer, "\\!", 2);
	}
	put(writer, "[", 1);
	run->marks[run->depth++] = '[';
	run->link_open = true;
}

static void put_breaks(struct writer *writer)
{
	struct run *run = &writer->run;

	if (!buffer_length(&run->text)) {
		/* nothing to break */
	} else if (run->breaks && run->mode == RUN_CELL) {
		put(writer, writer->plain ? " " : "<br>", writer->plain ? 1 : 4);
	} else if (run->breaks && run->mode == RUN_HEADING) {
		put(writer, " ", 1);
	} else if (run->breaks > 1 && !run->depth) {
		put(writer, "\n\n", 2);
		run->line = buffer_length(&run->text);
	} else if (run->breaks) {
		put(writer, writer->plain ? "\n" : "  \n", writer->plain ? 1 : 3);
		run->line = buffer_length(&run->text);
	} else if (run->space) {
		put(writer, " ", 1);
	}
	run->breaks = 0;
	run->space = false;
}

void run_begin(struct writer *writer)
{
	struct run *run = &writer->run;
	bool begins_link = run->link && !run->link_open && !run->link_done && run->depth < WRITER_MARKS &&
			   (!run->link_at_heading || run->mode == RUN_HEADING);
	unsigned kept = 0;

	run_flush_code(writer);
	if (!run->depth && !run->strong && !run->emphasis && !run->strike && !begins_link) {
		if (run->space || run->breaks)
			put_breaks(writer);
		return;
	}
	if (writer->plain) {
		put_breaks(writer);
		return;
	}
	while (kept < run->depth && wanted(run, run->marks[kept]) && (run->breaks < 2 || run->link_open))
		kept++;
	while (run->depth > kept)
		close_mark(writer);
	put_breaks(writer);
	if (begins_link)
		open_link(writer);
	open_mark(writer, 's');
	open_mark(writer, 'e');
	open_mark(writer, 'd');
}

void run_finish(struct writer *writer)
{
	run_flush_code(writer);
	while (writer->run.depth)
		close_mark(writer);
	writer->run.space = false;
	writer->run.breaks = 0;
}

void run_break(struct writer *writer)
{
	run_flush_code(writer);
	writer->run.breaks++;
	writer->run.space = false;
}

void run_enter_link(struct writer *writer, const struct node *link)
{
	struct run *run = &writer->run;
	char text[8];

	run_flush_code(writer);
	run->link = link;
	run->link_at_text = (link->marks & NODE_HAS_BLOCK) && node_line(link, text, sizeof text);
	run->link_open = run->link_done = false;
	run->link_at_heading = (link->marks & NODE_HAS_HEADING) && run->mode == RUN_BLOCKS;
}

void run_leave_link(struct writer *writer)
{
	struct run *run = &writer->run;

	run_flush_code(writer);
	while (run->link_open)
		close_mark(writer);
	run->link = NULL;
}

struct slice writer_character(const char *at, const char *end, size_t *taken)
{
	unsigned char c = (unsigned char)*at;
	size_t length = utf8_length(at, end);
	uint32_t code;

	*taken = length ? length : 1;
	if (!length)
		return (struct slice){"\xef\xbf\xbd", 3};
	if (c < 0x80)
		return is_space((char)c) ? (struct slice){" ", 1} : (struct slice){at, c >= ' ' && c != 0x7f};
	if (c > 0xef || (c > 0xc2 && c < 0xe2) || (c > 0xe2 && c < 0xef))
		return (struct slice){at, length};
	code = length == 2 ? (uint32_t)(c & 31) << 6 | ((uint32_t)at[1] & 63)
			   : (uint32_t)(c & 15) << 12 | ((uint32_t)at[1] & 63) << 6 | ((uint32_t)at[2] & 63);
	switch (code) {
	case 0xa0:   /* no-break space */
	case 0x2028: /* line and paragraph separator */
	case 0x2029:
	case 0x202f:
		return (struct slice){" ", 1};
	case 0xad:   /* soft hyphen */
	case 0x200b: /* zero width space */
	case 0x200e: /* direction marks */
	case 0x200f:
	case 0x2060: /* word joiner */
	case 0xfeff: /* byte-order mark */
		return (struct slice){at, 0};
	default:
		return (struct slice){at, code >= 0xa0 ? length : 0};
	}
}

void run_code_character(struct writer *writer, const char *bytes, size_t length)
{
	struct run *run = &writer->run;

	if (!buffer_length(&run->code)) {
		run_begin(writer);
	} else if (run->code_space) {
		if (writer->result == 0)
			writer->result = buffer_append(&run->code, " ", 1);
	}
	run->code_space = false;
	if (writer->result == 0)
		writer->result = buffer_append(&run->code, bytes, length);
}

/* CommonMark 0.31.2 section 6.1: a fence that is longer than any within. */
void run_flush_code(struct writer *writer)
{
	struct run *run = &writer->run;
	const char *code = buffer_data(&run->code);
	size_t length = buffer_length(&run->code), ticks = 0, most = 0;

	if (!length)
		return;
	for (size_t i = 0; i < length; i++) {
		ticks = code[i] == '`' ? ticks + 1 : 0;
		most = ticks > most ? ticks : most;
	}
	if (writer->plain) {
		put(writer, code, length);
	} else {
		bool pad = code[0] == '`' || code[length - 1] == '`';

		for (size_t i = 0; i <= most; i++)
			put(writer, "`", 1);
		put(writer, " ", pad);
		for (size_t i = 0; i < length; i++) {
			if (code[i] == '|' && run->mode == RUN_CELL)
				put(writer, "\\", 1);
			put(writer, code + i, 1);
		}
		put(writer, " ", pad);
		for (size_t i = 0; i <= most; i++)
			put(writer, "`", 1);
	}
	buffer_clear(&run->code, LIMIT_PAGE_BLOCK_BYTES);
	run->space |= run->code_space;
	run->code_space = false;
}

static void take_space(struct writer *writer)
{
	struct run *run = &writer->run;

	if (run->coded && buffer_length(&run->code)) {
		run->code_space = true;
		return;
	}
	run_flush_code(writer);
	if (!run->breaks)
		run->space = true;
}

/* Letters and digits of ASCII: most of all text, and never markup. */
static size_t plain_length(const char *at, const char *end)
{
	const char *start = at;

	while (at < end &&
	       ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9')))
		at++;
	return (size_t)(at - start);
}

void run_text(struct writer *writer, struct slice text)
{
	const char *at = text.bytes, *end = text.length ? at + text.length : at;

	while (at < end) {
		size_t taken = plain_length(at, end);
		struct slice shown = {at, taken};

		if (taken && !buffer_length(&writer->run.text) && *at <= '9')
			shown.length = taken = 1; /* maybe "1." at the beginning of a line */
		if (!taken)
			shown = writer_character(at, end, &taken);
		if (!shown.length) {
			/* not to be seen */
		} else if (shown.bytes[0] == ' ') {
			if (*at == '\n' && writer->lines)
				run_break(writer);
			else
				take_space(writer);
		} else if (writer->run.coded) {
			run_code_character(writer, shown.bytes, shown.length);
		} else {
			run_begin(writer);
			if (!writer->plain && shown.length == 1 && escape_needed(writer, at, end))
				put(writer, "\\", 1);
			put(writer, shown.bytes, shown.length);
		}
		at += taken;
	}
}

void run_literal_slice(struct writer *writer, struct slice text)
{
	size_t taken;

	run_begin(writer);
	for (const char *at = text.bytes, *end = at + text.length; at < end; at += taken) {
		struct slice shown = writer_character(at, end, &taken);

		put(writer, shown.bytes, shown.length);
	}
}

void run_literal(struct writer *writer, const char *text)
{
	run_literal_slice(writer, (struct slice){text, strlen(text)});
}
