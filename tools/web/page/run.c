/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of one paragraph, heading or cell. Emphasis is not written where elements begin and end, but where
 * visible text begins that has another one than the text before: so no marker stands beside white space or
 * around nothing, and neighbours merge.
 */
#include "tools/web/page/writer.h"

#include <string.h>

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

/* The length of a sign that ends a sentence, or part of one, at the text's end. */
static size_t sign_length(const struct run *run)
{
	static const char *const signs[] = {":",
					    ",",
					    ".",
					    ";",
					    "!",
					    "?",
					    "\xef\xbc\x9a",
					    "\xef\xbc\x8c",
					    "\xe3\x80\x82",
					    "\xef\xbc\x9b",
					    "\xef\xbc\x81",
					    "\xef\xbc\x9f",
					    "\xe3\x80\x81"};
	const char *text = buffer_data(&run->text);
	size_t length = buffer_length(&run->text);

	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		size_t sign = strlen(signs[i]);

		if (length > sign && memcmp(text + length - sign, signs[i], sign) == 0)
			return strchr("*_~[ ", text[length - sign - 1]) ? 0 : sign;
	}
	return 0;
}

/* "**Note:**text" would not be read as strong (CommonMark 0.31.2 section 6.2): "**Note**:text". */
static void put_closing(struct writer *writer, const char *mark, bool beside)
{
	struct run *run = &writer->run;
	size_t length = beside ? sign_length(run) : 0;
	char sign[4];

	if (length)
		memcpy(sign, buffer_data(&run->text) + buffer_length(&run->text) - length, length);
	run->text.end -= length;
	put(writer, mark, strlen(mark));
	put(writer, sign, length);
}

/* `beside`: text follows without white space between. */
static void close_mark(struct writer *writer, bool beside)
{
	struct run *run = &writer->run;

	switch (run->marks[--run->depth]) {
	case 's':
		put_closing(writer, "**", beside);
		break;
	case 'e':
		put_closing(writer, "*", beside);
		break;
	case '_':
		put_closing(writer, "_", beside);
		break;
	case 'd':
		put_closing(writer, "~~", beside);
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

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (unsigned char)c >= 0x80;
}

void run_begin(struct writer *writer, char next)
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
		close_mark(writer, !run->space && !run->breaks && is_word(next));
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
		close_mark(writer, false);
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
		close_mark(writer, false);
	run->link = NULL;
}

void run_code_character(struct writer *writer, const char *bytes, size_t length)
{
	struct run *run = &writer->run;

	if (!buffer_length(&run->code)) {
		run_begin(writer, '`');
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
			run_begin(writer, shown.bytes[0]);
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

	if (!text.length)
		return;
	run_begin(writer, text.bytes[0]);
	for (const char *at = text.bytes, *end = at + text.length; at < end; at += taken) {
		struct slice shown = writer_character(at, end, &taken);

		put(writer, shown.bytes, shown.length);
	}
}

void run_literal(struct writer *writer, const char *text)
{
	run_literal_slice(writer, (struct slice){text, strlen(text)});
}
