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
	       (writer->plain || !(node->marks & (NODE_HIDDEN | NODE_LEFT_OUT | NODE_DONE)));
}

void write_list(struct writer *writer, const struct node *list)
{
	bool ordered = list->element == ELEMENT_ol, loose = false;
	long number = slice_number(node_attribute(list, ATTRIBUTE_start), 1);
	char marker[16] = "- ";

	writer_end_block(writer);
	if (writer->items && writer->blocks == 1)
		writer->gap = 1; /* right under its item's line */
	writer->items++;
	for (const struct node *item = list->first; item && writer_goes_on(writer); item = item->next) {
		if (item->element != ELEMENT_li) {
			write_node(writer, item); /* a list within the list, or what does not belong there */
			if (item->element == ELEMENT_ol || item->element == ELEMENT_ul) {
				writer_end_block(writer);
				writer->gap = loose ? 2 : 1;
			}
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
	writer->gap = 2;
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

/* "- **term**: what it means"; what takes blocks of its own stands beneath. */
void write_definitions(struct writer *writer, const struct node *list)
{
	struct writer_indent indent;
	struct run *run = &writer->run;
	bool in_item = false, loose = false;
	unsigned terms = 0;

	writer_end_block(writer);
	if (run->mode != RUN_BLOCKS || writer->plain) {
		write_children(writer, list);
		return;
	}
	if (writer->items && writer->blocks == 1)
		writer->gap = 1;
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
		if (terms == 1 && !(part->marks & NODE_HAS_BLOCK) && !run_is_empty(writer)) {
			const char *text = buffer_data(&run->text);
			bool colon = buffer_length(&run->text) && text[buffer_length(&run->text) - 1] == ':';

			run->space = false;
			if (!colon)
				run_literal(writer, ":");
			run->space = true;
		} else {
			writer_end_block(writer);
		}
		terms++;
		write_children(writer, part);
		if (part->marks & NODE_HAS_BLOCK)
			writer_end_block(writer);
	}
	writer_end_block(writer);
	if (in_item)
		writer_unindent(writer, &indent);
	writer->items--;
	writer->gap = 2;
}
