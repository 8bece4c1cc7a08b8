/* SPDX-License-Identifier: Apache-2.0 */
/* Code blocks: the text as it is, without line numbers, in a fence that names the language. */
#include <string.h>

#include "tools/web/page/hidden.h"
#include "tools/web/page/writer.h"

/* What stands beside code and is none. */
static const char *const beside_code[] = {
	"blob-num",        "code-copy",         "copy-button", "gutter", "hljs-ln-n",
	"hljs-ln-numbers", "line-number",       "linenodiv",   "lineno", "linenos",
	"linenumber",      "line-numbers-rows", "ln",          "lnt",    "rouge-gutter",
};

static bool stands_beside(const struct node *node)
{
	struct slice classes = node_attribute(node, ATTRIBUTE_class), word;

	while (word = slice_word(&classes), word.length)
		for (size_t i = 0; i < sizeof beside_code / sizeof *beside_code; i++)
			if (slice_is(word, beside_code[i]))
				return true;
	return node_is_never_shown(node, false, false) || (node->marks & NODE_HIDDEN) ||
	       node_has(node, ATTRIBUTE_data_line_number);
}

static void put(struct writer *writer, const char *bytes, size_t length)
{
	if (writer->result == 0)
		writer->result = buffer_append(&writer->run.code, bytes, length);
}

static void put_text(struct writer *writer, struct slice text)
{
	size_t taken;

	for (const char *at = text.bytes, *end = at + text.length; at < end; at += taken) {
		struct slice shown = {at, taken = 1};

		if (*at != '\n' && *at != '\t')
			shown = writer_character(at, end, &taken);
		put(writer, shown.bytes, shown.length);
	}
}

static void put_line_end(struct writer *writer)
{
	struct buffer *code = &writer->run.code;

	if (buffer_length(code) && code->bytes[code->end - 1] != '\n')
		put(writer, "\n", 1);
}

/* Into run.code, what is below `root`. */
static void gather(struct writer *writer, const struct node *root)
{
	const struct node *node = root->first;

	while (node && writer_goes_on(writer)) {
		bool block = element_is(node->element, ELEMENT_BLOCK) && node->element != ELEMENT_td &&
			     node->element != ELEMENT_th && node->element != ELEMENT_pre;

		if (node->element == ELEMENT_TEXT) {
			put_text(writer, (struct slice){node->text, node->length});
		} else if (stands_beside(node)) {
			node = node_skip(node, root);
			continue;
		} else if (node->element == ELEMENT_br) {
			put(writer, "\n", 1);
		} else if (block) {
			put_line_end(writer);
		}
		if (!node->first) { /* line ends behind all blocks that end here */
			const struct node *up = node;

			while (up != root && !up->next) {
				up = up->parent;
				if (up != root && element_is(up->element, ELEMENT_BLOCK) &&
				    up->element != ELEMENT_td)
					put_line_end(writer);
			}
		}
		node = node_after(node, root);
	}
}

/* Without the first line end, which browsers drop, and white space at the end. */
static struct slice trimmed(const struct buffer *code)
{
	struct slice text = {buffer_data(code), buffer_length(code)};

	while (text.length && is_space(text.bytes[text.length - 1]))
		text.length--;
	for (size_t i = 0; i < text.length && is_space(text.bytes[i]); i++)
		if (text.bytes[i] == '\n') {
			text.bytes += i + 1;
			text.length -= i + 1;
			i = (size_t)-1;
		}
	return text;
}

/* Longer than any row of backticks within (CommonMark 0.31.2 section 4.5). */
static size_t fence_length(struct slice text)
{
	size_t most = 2, ticks = 0;

	for (size_t i = 0; i < text.length; i++) {
		ticks = text.bytes[i] == '`' ? ticks + 1 : 0;
		most = ticks > most ? ticks : most;
	}
	return most + 1;
}

static void put_fence(struct writer *writer, size_t length)
{
	for (size_t i = 0; i < length; i++)
		writer_put_text(writer, "`");
}

static void write_fenced(struct writer *writer, const struct node *node, struct slice text)
{
	size_t fence = fence_length(text);
	char language[LANGUAGE_BYTES];

	writer_begin(writer);
	if (!writer->plain) {
		code_language(node, language);
		put_fence(writer, fence);
		writer_put_text(writer, language);
		writer_new_line(writer);
	}
	writer_put_lines(writer, text.bytes, text.length);
	if (!writer->plain) {
		writer_new_line(writer);
		put_fence(writer, fence);
	}
}

/* In a cell or heading: code spans, one a line. */
static void write_spans(struct writer *writer, const struct node *node)
{
	const struct node *child;

	writer->run.coded++;
	for (child = node_after(node, node); child; child = node_after(child, node)) {
		const char *at, *end, *line;

		if (child->element == ELEMENT_br)
			writer_end_block(writer);
		if (child->element != ELEMENT_TEXT)
			continue;
		for (at = child->text, end = at + child->length; at < end; at = line + 1) {
			line = memchr(at, '\n', (size_t)(end - at));
			run_text(writer, (struct slice){at, (size_t)((line ? line : end) - at)});
			if (!line)
				break;
			writer_end_block(writer);
		}
	}
	writer->run.coded--;
	writer_end_block(writer);
}

/* A listing of files and the like: a link on almost every line, which a fence would take away. */
static bool is_links(const struct node *pre, struct slice text)
{
	size_t lines = 1, links = 0;

	for (size_t i = 0; i < text.length; i++)
		lines += text.bytes[i] == '\n';
	for (const struct node *node = node_after(pre, pre); node; node = node_after(node, pre)) {
		struct slice href = node_attribute(node, ATTRIBUTE_href);

		if (node->element == ELEMENT_code)
			return false;
		links += node->element == ELEMENT_a && href.length && href.bytes[0] != '#';
	}
	return links > 1 && links * 4 >= lines * 3;
}

static void write_lines(struct writer *writer, const struct node *pre)
{
	writer->lines++;
	write_children(writer, pre);
	writer->lines--;
	writer_end_block(writer);
}

void write_code(struct writer *writer, const struct node *pre)
{
	struct buffer *code = &writer->run.code;
	struct slice text;
	bool links;

	writer_end_block(writer);
	if (writer->run.mode != RUN_BLOCKS) {
		write_spans(writer, pre);
		return;
	}
	gather(writer, pre);
	text = trimmed(code);
	links = !writer->plain && is_links(pre, text);
	if (text.length && !links)
		write_fenced(writer, pre, text);
	buffer_clear(code, LIMIT_PAGE_BLOCK_BYTES);
	if (links)
		write_lines(writer, pre);
}

bool table_is_code(const struct node *table)
{
	static const char *const classes[] = {
		"code-table", "codehilitetable",        "crayon-table", "highlight",  "highlighttable",
		"hljs-ln",    "js-file-line-container", "lntable",      "rouge-table"};

	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		if (node_has_class(table, classes[i]))
			return true;
	for (const struct node *up = table->parent; up && up->element == ELEMENT_div; up = up->parent)
		if (node_has_class(up, "syntaxhighlighter"))
			return true;
	if (!(table->marks & NODE_HAS_PRE))
		return false;
	for (const struct node *up = table->parent; up && up->parent && up->element != ELEMENT_td;
	     up = up->parent)
		if (node_has_class(up, "highlight"))
			return true;
	return false;
}
