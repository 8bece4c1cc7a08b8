/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formatting elements and their misnesting. "<b><p>one</b>two" is to be bold up to "one"; the standard's
 * algorithm is expensive for who wants it to be, so the list is short and moves are counted.
 */
#include "tools/web/page/builder.h"

#include <string.h>

#define SAME_AT_MOST  3 /* "the Noah's Ark clause" */
#define OUTER_AT_MOST 8
#define INNER_AT_MOST 3

static void drop(struct builder *builder, unsigned index)
{
	builder->formats--;
	memmove(builder->formatting + index, builder->formatting + index + 1,
		(builder->formats - index) * sizeof *builder->formatting);
}

static bool is_same(const struct node *one, const struct node *other)
{
	if (one->element != other->element || one->length != other->length)
		return false;
	for (uint32_t i = 0; i < one->length; i++) {
		struct slice value = node_attribute(other, one->attributes[i].name);

		if (!value.bytes || value.length != one->attributes[i].length ||
		    memcmp(value.bytes, one->attributes[i].value, value.length) != 0)
			return false;
	}
	return true;
}

void formatting_push(struct builder *builder, struct node *node)
{
	unsigned same = 0, oldest = 0;

	for (unsigned i = builder->formats; i-- > 0 && builder->formatting[i];)
		if (is_same(builder->formatting[i], node)) {
			same++;
			oldest = i;
		}
	if (same >= SAME_AT_MOST)
		drop(builder, oldest);
	if (builder->formats == LIMIT_PAGE_FORMATTING)
		drop(builder, 0);
	builder->formatting[builder->formats++] = node;
}

void formatting_mark(struct builder *builder)
{
	if (builder->formats == LIMIT_PAGE_FORMATTING)
		drop(builder, 0);
	builder->formatting[builder->formats++] = NULL;
}

void formatting_clear(struct builder *builder)
{
	while (builder->formats && builder->formatting[--builder->formats])
		;
}

static unsigned find(const struct builder *builder, const struct node *node)
{
	unsigned i = 0;

	while (i < builder->formats && builder->formatting[i] != node)
		i++;
	return i;
}

void formatting_forget(struct builder *builder, const struct node *node)
{
	unsigned found = find(builder, node);

	if (found < builder->formats)
		drop(builder, found);
}

static struct node *last_of(const struct builder *builder, enum element element)
{
	for (unsigned i = builder->formats; i-- > 0 && builder->formatting[i];)
		if (builder->formatting[i]->element == element)
			return builder->formatting[i];
	return NULL;
}

/* Where in the stack it is; builder->depth: it is not open. */
static unsigned stack_index(const struct builder *builder, const struct node *node)
{
	for (unsigned i = builder->depth; i-- > 0;)
		if (builder->open[i] == node)
			return i;
	return builder->depth;
}

static struct node *clone(struct builder *builder, const struct node *of)
{
	struct node *node = tree_node(builder->tree, of->element);

	if (node) {
		node->attributes = of->attributes;
		node->length = of->length;
	}
	return node;
}

void formatting_reconstruct(struct builder *builder)
{
	unsigned i = builder->formats;

	while (i > 0 && builder->formatting[i - 1] &&
	       stack_index(builder, builder->formatting[i - 1]) == builder->depth)
		i--;
	for (; i < builder->formats && builder->depth < LIMIT_PAGE_DEPTH; i++) {
		struct node *node = clone(builder, builder->formatting[i]);

		if (!node)
			return;
		builder_place(builder, builder_current(builder), node);
		builder->open[builder->depth++] = node;
		builder->opened[node->element]++;
		builder->formatting[i] = node;
	}
}

static void move_children(struct builder *builder, struct node *from, struct node *to)
{
	struct node *first = from->first, *last = from->last;

	if (!first)
		return;
	for (struct node *node = first; node; node = node->next) {
		node->parent = to;
		builder->moves++;
	}
	first->prev = to->last;
	if (to->last)
		to->last->next = first;
	else
		to->first = first;
	to->last = last;
	from->first = from->last = NULL;
}

/* 13.2.6.4.7, "adoption agency algorithm", steps 4.10 to 4.19 for a formatting element with a block in it. */
static bool adopt(struct builder *builder, struct node *formatting, unsigned at, unsigned block_at)
{
	struct node *ancestor = builder->open[at - 1], *block = builder->open[block_at], *last = block, *copy;
	unsigned bookmark = find(builder, formatting), inner = 0;

	for (unsigned i = block_at; --i > at;) {
		struct node *node = builder->open[i];
		unsigned listed = find(builder, node);

		if (++inner > INNER_AT_MOST && listed < builder->formats) {
			drop(builder, listed);
			if (listed < bookmark)
				bookmark--;
			listed = builder->formats;
		}
		if (listed >= builder->formats) {
			builder_remove(builder, i);
			block_at--;
			continue;
		}
		copy = clone(builder, node);
		if (!copy)
			return false;
		builder->formatting[listed] = builder->open[i] = copy;
		if (last == block)
			bookmark = listed + 1;
		tree_remove(last);
		tree_append(copy, last);
		last = copy;
	}
	tree_remove(last);
	builder_place(builder, ancestor, last);
	copy = clone(builder, formatting);
	if (!copy)
		return false;
	move_children(builder, block, copy);
	tree_append(block, copy);
	/* in the list the copy takes the bookmark's place, in the stack the one above the block */
	if (bookmark > find(builder, formatting))
		bookmark--;
	formatting_forget(builder, formatting);
	memmove(builder->formatting + bookmark + 1, builder->formatting + bookmark,
		(builder->formats - bookmark) * sizeof *builder->formatting);
	builder->formatting[bookmark] = copy;
	builder->formats++;
	memmove(builder->open + at, builder->open + at + 1, (block_at - at) * sizeof *builder->open);
	builder->open[block_at] = copy;
	return true;
}

bool formatting_end(struct builder *builder, enum element element)
{
	if (builder_current_is(builder, element) &&
	    find(builder, builder_current(builder)) == builder->formats) {
		builder_pop(builder);
		return true;
	}
	for (unsigned outer = 0; outer < OUTER_AT_MOST; outer++) {
		struct node *formatting = last_of(builder, element);
		unsigned at, block_at;

		if (!formatting)
			return false;
		at = stack_index(builder, formatting);
		if (at == builder->depth) {
			formatting_forget(builder, formatting);
			return true;
		}
		block_at = builder->depth;
		for (unsigned i = builder->depth; --i > at;) {
			if (node_is_wall(builder->open[i]))
				return true; /* not in scope */
			if (node_is_special(builder->open[i]))
				block_at = i;
		}
		if (block_at == builder->depth || builder->moves > LIMIT_PAGE_MOVES) {
			while (builder->depth > at)
				builder_pop(builder);
			formatting_forget(builder, formatting);
			return true;
		}
		if (!adopt(builder, formatting, at, block_at))
			return true;
	}
	return true;
}

void formatting_end_last(struct builder *builder, enum element element)
{
	struct node *node = last_of(builder, element);
	unsigned at;

	if (!node)
		return;
	if (!formatting_end(builder, element))
		builder_close_any(builder, element, 0);
	formatting_forget(builder, node);
	at = stack_index(builder, node);
	if (at < builder->depth)
		builder_remove(builder, at);
}
