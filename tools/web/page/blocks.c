/* SPDX-License-Identifier: Apache-2.0 */
/* Elements that stand on lines of their own, and the walk over the tree. Its depth is the tree's, which is
 * bounded. */
#include "tools/web/page/writer.h"

#include <stdio.h>
#include <string.h>

#include "tools/web/page/hidden.h"

size_t node_line(const struct node *node, char *to, size_t size)
{
	size_t length = 0, taken;
	bool space = false;

	for (const struct node *at = node->element == ELEMENT_TEXT ? node : node_after(node, node);
	     at && length + 5 < size; at = node_after(at, node)) {
		const char *text, *end;

		if (at->element != ELEMENT_TEXT || element_is(at->parent->element, ELEMENT_RAW))
			continue;
		for (text = at->text, end = text + at->length; text < end && length + 5 < size;
		     text += taken) {
			struct slice shown = writer_character(text, end, &taken);

			if (shown.length && shown.bytes[0] == ' ') {
				space = length > 0;
			} else if (shown.length) {
				if (space)
					to[length++] = ' ';
				space = false;
				memcpy(to + length, shown.bytes, shown.length);
				length += shown.length;
			}
		}
	}
	to[length] = '\0';
	return length;
}

void write_children(struct writer *writer, const struct node *node)
{
	for (const struct node *child = node->first; child && writer_goes_on(writer); child = child->next)
		write_node(writer, child);
}

static void write_block(struct writer *writer, const struct node *node)
{
	writer_end_block(writer);
	write_children(writer, node);
	writer_end_block(writer);
}

/* h1 to h6, or what has that role: its level; 0: none. */
static unsigned heading_level(const struct node *node)
{
	long level;

	if (element_is(node->element, ELEMENT_HEADING))
		return (unsigned)(node->element - ELEMENT_h1) + 1;
	if (!node_attribute_is(node, ATTRIBUTE_role, "heading"))
		return 0;
	level = slice_number(node_attribute(node, ATTRIBUTE_aria_level), 2);
	return level < 1 || level > 6 ? 2 : (unsigned)level;
}

static void write_heading(struct writer *writer, const struct node *node, unsigned level)
{
	struct run *run = &writer->run;

	if (run->mode != RUN_BLOCKS || writer->plain) {
		run->strong += run->mode == RUN_CELL;
		write_block(writer, node);
		run->strong -= run->mode == RUN_CELL;
		return;
	}
	writer_end_block(writer);
	run->mode = RUN_HEADING;
	writer->in_label++;
	write_children(writer, node);
	writer->in_label--;
	run->mode = RUN_BLOCKS;
	run_finish(writer);
	if (buffer_length(&run->text)) {
		writer_begin(writer);
		writer_put(writer, "######", level);
		writer_put_text(writer, " ");
		writer_put(writer, buffer_data(&run->text), buffer_length(&run->text));
	}
	run_clear(writer);
}

static void write_quote(struct writer *writer, const struct node *node)
{
	struct writer_indent indent;

	writer_end_block(writer);
	if (writer->run.mode != RUN_BLOCKS || writer->plain) {
		write_block(writer, node);
		return;
	}
	writer_indent(writer, &indent, "> ", "> ");
	write_block(writer, node);
	writer_unindent(writer, &indent);
}

static void write_rule(struct writer *writer)
{
	writer_end_block(writer);
	if (writer->run.mode != RUN_BLOCKS)
		return;
	writer_begin(writer);
	writer_put_text(writer, "---");
}

/* Terms, summaries, legends: a line that names what follows. */
static void write_label(struct writer *writer, const struct node *node)
{
	writer_end_block(writer);
	writer->run.strong++;
	writer->in_label++;
	write_children(writer, node);
	writer->in_label--;
	writer->run.strong--;
	writer_end_block(writer);
}

/* A footnote's text that is no list item: "[^1]: ". */
static void write_note(struct writer *writer, const struct node *node, const char *label)
{
	struct writer_indent indent;
	char marker[32];

	snprintf(marker, sizeof marker, "[^%s]: ", label);
	writer_end_block(writer);
	writer_indent(writer, &indent, marker, "    ");
	writer->in_note++;
	write_block(writer, node);
	writer->in_note--;
	writer_unindent(writer, &indent);
}

static bool write_structure(struct writer *writer, const struct node *node)
{
	switch (node->element) {
	case ELEMENT_ul:
	case ELEMENT_ol:
	case ELEMENT_menu:
	case ELEMENT_dir:
		write_list(writer, node);
		return true;
	case ELEMENT_li:
		write_item(writer, node, "- ");
		return true;
	case ELEMENT_dl:
		write_definitions(writer, node);
		return true;
	case ELEMENT_table:
		write_table(writer, node);
		return true;
	case ELEMENT_pre:
	case ELEMENT_listing:
	case ELEMENT_xmp:
	case ELEMENT_plaintext:
		write_code(writer, node);
		return true;
	case ELEMENT_blockquote:
		write_quote(writer, node);
		return true;
	case ELEMENT_hr:
		write_rule(writer);
		return true;
	case ELEMENT_summary:
		write_label(writer, node);
		return true;
	default:
		return false;
	}
}

/* Code in lines of its own without <pre>. */
static bool is_code_block(const struct node *node)
{
	if (node->element != ELEMENT_code)
		return false;
	for (const struct node *child = node->first; child; child = child->next)
		if (child->element == ELEMENT_br)
			return true;
	return (node->marks & NODE_HAS_BLOCK) && node->first->element != ELEMENT_pre;
}

/* All text is shown when all is asked for, but nothing twice. */
static bool is_skipped(const struct writer *writer, const struct node *node)
{
	if (!(node->marks & (NODE_LEFT_OUT | NODE_DONE | NODE_HIDDEN)))
		return false;
	return !writer->all || node->element == ELEMENT_noscript || node->element == ELEMENT_img;
}

/* Form controls stand apart from what is beside them. */
static void write_control(struct writer *writer, const struct node *node)
{
	writer->run.space = true;
	write_children(writer, node);
	writer->run.space = true;
}

/* Line ends that mean what they are, though it is no code: "white-space: pre-wrap" or "pre-line". */
static bool keeps_lines(const struct node *node)
{
	struct slice style = node_attribute(node, ATTRIBUTE_style);

	return style.length && (slice_contains(style, "pre-wrap") || slice_contains(style, "pre-line"));
}

static void write_element(struct writer *writer, const struct node *node)
{
	if (write_media(writer, node) || write_inline(writer, node) || write_structure(writer, node))
		return;
	if (element_is(node->element, ELEMENT_BLOCK))
		write_block(writer, node);
	else if (writer->plain && (node->element == ELEMENT_option || node->element == ELEMENT_button ||
				   node->element == ELEMENT_textarea))
		write_control(writer, node);
	else
		write_children(writer, node);
}

void write_node(struct writer *writer, const struct node *node)
{
	bool lines;
	unsigned level;
	const char *label;

	if (node->element == ELEMENT_TEXT) {
		run_text(writer, (struct slice){node->text, node->length});
		return;
	}
	if (is_skipped(writer, node))
		return;
	if (node_is_never_shown(node, writer->plain, writer->in_label > 0))
		return;
	level = heading_level(node);
	if (level) {
		write_heading(writer, node, level);
		return;
	}
	label = writer->plain || node->element == ELEMENT_li ? NULL : note_definition(writer, node);
	if (label && writer->run.mode == RUN_BLOCKS && element_is(node->element, ELEMENT_BLOCK)) {
		write_note(writer, node, label);
		return;
	}
	if (is_code_block(node)) {
		write_code(writer, node);
		return;
	}
	lines = keeps_lines(node);
	writer->lines += lines;
	write_element(writer, node);
	writer->lines -= lines;
}
