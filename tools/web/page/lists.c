/* SPDX-License-Identifier: Apache-2.0 */
/* Lists, items, tasks, and lists of terms. */
#include <stdio.h>
#include <string.h>

#include "tools/web/page/hidden.h"
#include "tools/web/page/writer.h"

/* A checkbox that begins an item: " " or "x"; '\0': there is none. */
static char task_state(const struct node *item)
{
	const struct node *node = item->first;

	for (unsigned depth = 0; node && depth < 4; depth++) {
		while (node && node->element == ELEMENT_TEXT &&
		       !slice_trim((struct slice){node->text, node->length}).length)
			node = node->next;
		if (!node || node->element == ELEMENT_TEXT)
			return '\0';
		if (node->element == ELEMENT_input)
			return !node_attribute_is(node, ATTRIBUTE_type, "checkbox") ? '\0'
			       : node_has(node, ATTRIBUTE_checked)                  ? 'x'
										    : ' ';
		node = node->first;
	}
	return '\0';
}

/* In a cell or heading: a line of its own. */
static void write_flat_item(struct writer *writer, const struct node *item, const char *marker)
{
	writer_end_block(writer);
	if (writer->run.mode == RUN_CELL && (item->marks & NODE_HAS_TEXT))
		run_literal(writer, marker);
	write_children(writer, item);
	writer_end_block(writer);
}

void write_item(struct writer *writer, const struct node *item, const char *marker)
{
	const char *label = writer->plain ? NULL : note_definition(writer, item);
	struct writer_indent indent;
	char task = writer->plain ? '\0' : task_state(item), full[64];
	unsigned gap;

	writer_end_block(writer);
	if (writer->run.mode != RUN_BLOCKS) {
		write_flat_item(writer, item, marker);
		return;
	}
	if (label)
		snprintf(full, sizeof full, "[^%s]: ", label);
	else if (task)
		snprintf(full, sizeof full, "%s[%c] ", marker, task);
	else
		snprintf(full, sizeof full, "%s", marker);
	writer_indent(writer, &indent, full, &"           "[label ? 7 : 11 - strlen(marker)]);
	writer->in_note += label != NULL;
	write_children(writer, item);
	writer_end_block(writer);
	writer->in_note -= label != NULL;
	gap = writer->blocks > 1 ? 2 : 1;
	if (writer_unindent(writer, &indent))
		writer->gap = gap;
}

static bool is_shown(const struct writer *writer, const struct node *node)
{
	return node->element != ELEMENT_TEXT &&
	       (writer->all || !(node->marks & (NODE_HIDDEN | NODE_LEFT_OUT | NODE_DONE)));
}

/* A list counts as part of the paragraph before it, unless its items are set apart. */
static void end_list(struct writer *writer, unsigned blocks, bool loose)
{
	if (!loose && writer->blocks > blocks)
		writer->blocks = blocks ? blocks : 1;
	writer->gap = 2;
}

/* A list right in a list belongs to the item before it. */
static void write_list_within(struct writer *writer, const struct node *list, const char *marker, bool loose)
{
	const char *indent = &"          "[10 - strlen(marker)];
	struct writer_indent within;

	if (!is_shown(writer, list))
		return;
	writer_indent(writer, &within, indent, indent);
	write_list(writer, list);
	writer_unindent(writer, &within);
	writer->gap = loose ? 2 : 1;
}

void write_list(struct writer *writer, const struct node *list)
{
	bool ordered = list->element == ELEMENT_ol, loose = false;
	long number = slice_number(node_attribute(list, ATTRIBUTE_start), 1);
	unsigned blocks;
	char marker[16] = "- ";

	writer_end_block(writer);
	if (!writer->items)
		writer->gap = 2;
	else if (writer->blocks == 1)
		writer->gap = 1; /* right under its item's line */
	blocks = writer->blocks;
	writer->items++;
	for (const struct node *item = list->first; item && writer_goes_on(writer); item = item->next) {
		if (item->element == ELEMENT_ol || item->element == ELEMENT_ul) {
			write_list_within(writer, item, marker, loose);
			continue;
		}
		if (item->element != ELEMENT_li) {
			write_node(writer, item); /* it does not belong there */
			continue;
		}
		if (!is_shown(writer, item))
			continue;
		if (ordered) {
			number = slice_number(node_attribute(item, ATTRIBUTE_value), number);
			snprintf(marker, sizeof marker, "%ld. ", number < 0 ? 0 : number);
			number++;
		}
		write_item(writer, item, marker);
		loose |= writer->gap > 1;
		if (loose)
			writer->gap = 2;
	}
	writer_end_block(writer);
	writer->items--;
	end_list(writer, blocks, loose);
}

/* The next dt or dd; pairs of them may stand in a <div>. */
static const struct node *next_part(const struct node *node, const struct node *list)
{
	const struct node *next = node == list ? list->first : node->next;

	for (;;) {
		if (!next) {
			if (node->parent == list || node == list)
				return NULL;
			node = node->parent;
			next = node->next;
		} else if (next->element == ELEMENT_div) {
			node = next;
			next = node->first ? node->first : node->next;
			if (!node->first && !next && node->parent != list)
				return NULL;
		} else {
			return next;
		}
	}
}

/* What a term means: behind it if it begins with text, else beneath. */
static void write_meaning(struct writer *writer, const struct node *meaning, bool behind)
{
	const struct node *first = meaning->first;
	struct run *run = &writer->run;

	if (!behind || run_is_empty(writer) || !first || (first->marks & NODE_HAS_BLOCK) ||
	    (element_is(first->element, ELEMENT_BLOCK) && first->element != ELEMENT_p)) {
		writer_end_block(writer);
		write_children(writer, meaning);
		writer_end_block(writer);
		return;
	}
	run_flush_code(writer);
	run->space = false;
	if (!buffer_length(&run->text) || buffer_data(&run->text)[buffer_length(&run->text) - 1] != ':')
		run_literal(writer, ":");
	run->space = true;
	if (first->element == ELEMENT_p) {
		write_children(writer, first);
		writer_end_block(writer);
		first = first->next;
	}
	for (; first && writer_goes_on(writer); first = first->next)
		write_node(writer, first);
	writer_end_block(writer);
}

/* "- **term**: what it means"; what takes blocks of its own stands beneath. */
void write_definitions(struct writer *writer, const struct node *list)
{
	struct writer_indent indent;
	struct run *run = &writer->run;
	bool in_item = false, loose = false;
	unsigned terms = 0, blocks;

	writer_end_block(writer);
	if (run->mode != RUN_BLOCKS || writer->plain) {
		write_children(writer, list);
		return;
	}
	if (writer->items && writer->blocks == 1)
		writer->gap = 1;
	blocks = writer->blocks;
	writer->items++;
	for (const struct node *part = next_part(list, list); part && writer_goes_on(writer);
	     part = next_part(part, list)) {
		if (!is_shown(writer, part) || !(part->marks & NODE_HAS_TEXT))
			continue;
		if (part->element == ELEMENT_dt || !in_item) {
			if (in_item) {
				writer_end_block(writer);
				loose |= writer->blocks > 1;
				writer_unindent(writer, &indent);
				writer->gap = loose ? 2 : 1;
			}
			writer_indent(writer, &indent, "- ", "  ");
			in_item = true;
			terms = 0;
		}
		if (part->element == ELEMENT_dt) {
			run->strong++;
			writer->in_label++;
			write_children(writer, part);
			writer->in_label--;
			run->strong--;
			terms++;
			continue;
		}
		write_meaning(writer, part, terms == 1);
		terms++;
	}
	writer_end_block(writer);
	loose |= in_item && writer->blocks > 1;
	if (in_item)
		writer_unindent(writer, &indent);
	writer->items--;
	end_list(writer, blocks, loose);
}
