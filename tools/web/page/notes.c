/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Footnotes: a link to a fragment, raised or marked as such, whose target is a list item, a paragraph or the
 * like, or an anchor that begins one. Becomes "[^1]", and its target "[^1]: text".
 */
#include <stdlib.h>
#include <string.h>

#include "tools/web/page/writer.h"

static uint64_t hash(struct slice text)
{
	uint64_t value = 14695981039346656037u; /* FNV-1a */

	for (size_t i = 0; i < text.length; i++)
		value = (value ^ (uint8_t)text.bytes[i]) * 1099511628211u;
	return value;
}

static struct slice fragment_of(const struct node *link)
{
	struct slice href = slice_trim(node_attribute(link, ATTRIBUTE_href));

	if (href.length < 2 || href.bytes[0] != '#')
		return (struct slice){NULL, 0};
	return (struct slice){href.bytes + 1, href.length - 1};
}

static bool is_raised(const struct node *link)
{
	const struct node *child = node_first_element(link);
	struct slice classes = node_attribute(link, ATTRIBUTE_class);

	for (const struct node *up = link->parent; up && !element_is(up->element, ELEMENT_BLOCK);
	     up = up->parent)
		if (up->element == ELEMENT_sup)
			return true;
	return (child && child->element == ELEMENT_sup) || slice_contains(classes, "footnote-ref") ||
	       slice_contains(classes, "noteref") || node_attribute_is(link, ATTRIBUTE_role, "doc-noteref") ||
	       slice_begins(fragment_of(link), "_ftn");
}

/* "[1]" -> "1"; what no footnote is called: false. */
static bool label_of(const struct node *link, char label[24])
{
	char text[sizeof((struct note *)NULL)->label];
	size_t length = node_line(link, text, sizeof text), to = 0;

	if (length > 16)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (strchr("[](){}", text[i]))
			continue;
		label[to++] = text[i] == ' ' ? '-' : text[i];
	}
	label[to] = '\0';
	return to > 0;
}

static int compare(const void *a, const void *b)
{
	const struct note *one = a, *other = b;

	if (one->id != other->id)
		return one->id < other->id ? -1 : 1;
	return one->order < other->order ? -1 : one->order > other->order;
}

static struct note *find(const struct writer *writer, struct slice id)
{
	size_t low = 0, high = writer->note_count;
	uint64_t wanted = hash(id);

	while (id.length && low < high) {
		size_t middle = low + (high - low) / 2;

		if (writer->notes[middle].id == wanted)
			return &writer->notes[middle];
		if (wanted < writer->notes[middle].id)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static struct note *find_defined(const struct writer *writer, const struct node *node)
{
	struct note *note = find(writer, node_attribute(node, ATTRIBUTE_id));

	return note || node->element != ELEMENT_a ? note : find(writer, node_attribute(node, ATTRIBUTE_name));
}

static bool may_define(const struct node *node)
{
	switch (node->element) {
	case ELEMENT_li:
	case ELEMENT_p:
	case ELEMENT_div:
	case ELEMENT_aside:
	case ELEMENT_dd:
		return true;
	case ELEMENT_a: /* "<a href="#ref1" name="fn1">[1]</a> text" */
		return fragment_of(node).length > 0;
	default:
		return false;
	}
}

/* By id; of several references to one note the first names it. */
static void sort(struct writer *writer)
{
	size_t kept = 0;

	if (!writer->note_count)
		return;
	qsort(writer->notes, writer->note_count, sizeof *writer->notes, compare);
	for (size_t i = 1; i < writer->note_count; i++)
		if (writer->notes[i].id != writer->notes[kept].id)
			writer->notes[++kept] = writer->notes[i];
	writer->note_count = kept + 1;
}

void notes_find(struct writer *writer)
{
	const struct node *root = writer->tree->body;

	writer->notes = tree_allocate(writer->tree, LIMIT_PAGE_NOTES * sizeof *writer->notes);
	if (!writer->notes)
		return;
	for (const struct node *node = root; node && writer->note_count < LIMIT_PAGE_NOTES;
	     node = node_after(node, root)) {
		struct note *note = &writer->notes[writer->note_count];
		struct slice id;

		if (node->element != ELEMENT_a || (id = fragment_of(node), !id.length) || !is_raised(node) ||
		    !label_of(node, note->label))
			continue;
		note->id = hash(id);
		note->order = (uint32_t)writer->note_count++;
	}
	tree_shrink(writer->tree, writer->notes, LIMIT_PAGE_NOTES * sizeof *writer->notes,
		    writer->note_count * sizeof *writer->notes);
	sort(writer);
	for (const struct node *node = root; node; node = node_after(node, root)) {
		struct note *note = node->element != ELEMENT_TEXT && node->length && may_define(node)
					    ? find_defined(writer, node)
					    : NULL;

		if (note)
			note->defined = true;
	}
}

const char *note_reference(const struct writer *writer, const struct node *link)
{
	const struct note *note = find(writer, fragment_of(link));

	return note && note->defined && is_raised(link) ? note->label : NULL;
}

const char *note_definition(const struct writer *writer, const struct node *node)
{
	const struct note *note = writer->note_count && may_define(node) ? find_defined(writer, node) : NULL;

	return note ? note->label : NULL;
}

bool note_is_backlink(const struct writer *writer, const struct node *link)
{
	struct slice classes = node_attribute(link, ATTRIBUTE_class);
	char text[16];

	(void)writer;
	if (slice_contains(classes, "backref") || slice_contains(classes, "backlink") ||
	    slice_contains(classes, "reversefootnote") ||
	    node_attribute_is(link, ATTRIBUTE_role, "doc-backlink"))
		return true;
	return node_line(link, text, sizeof text) <= 6;
}
