/* SPDX-License-Identifier: Apache-2.0 */
/* The tree itself: its memory, its links, and questions about nodes. */
#include "tools/web/page/tree.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "protocol/limits.h"

struct tree_arena {
	struct tree_arena *older;
	max_align_t bytes[];
};

uint64_t tree_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void tree_deinit(struct tree *tree)
{
	while (tree->arena) {
		struct tree_arena *older = tree->arena->older;

		free(tree->arena);
		tree->arena = older;
	}
	*tree = (struct tree){0};
}

static bool add_block(struct tree *tree, size_t size)
{
	/* small pages take little, large ones few calls */
	size_t block = tree->arena ? LIMIT_PAGE_BLOCK_BYTES : LIMIT_PAGE_BLOCK_BYTES / 8;
	struct tree_arena *arena;

	if (block < size)
		block = size;
	if (block + sizeof *arena > tree->memory) {
		tree->cut_memory = true;
		return false;
	}
	arena = malloc(sizeof *arena + block);
	if (!arena) {
		tree->cut_memory = true;
		return false;
	}
	tree->memory -= block + sizeof *arena;
	arena->older = tree->arena;
	tree->arena = arena;
	tree->at = (char *)arena->bytes;
	tree->end = tree->at + block;
	return true;
}

void *tree_allocate(struct tree *tree, size_t size)
{
	char *allocated;

	size = (size + 7) & ~(size_t)7;
	if ((size_t)(tree->end - tree->at) < size && !add_block(tree, size))
		return NULL;
	allocated = tree->at;
	tree->at += size;
	return memset(allocated, 0, size);
}

void tree_shrink(struct tree *tree, void *allocated, size_t size, size_t used)
{
	if ((char *)allocated + ((size + 7) & ~(size_t)7) == tree->at)
		tree->at = (char *)allocated + ((used + 7) & ~(size_t)7);
}

struct node *tree_node(struct tree *tree, enum element element)
{
	struct node *node = tree_allocate(tree, sizeof *node);

	if (node) {
		node->element = (uint16_t)element;
		node->number = tree->nodes++;
	}
	return node;
}

void tree_append(struct node *parent, struct node *node)
{
	node->parent = parent;
	node->prev = parent->last;
	node->next = NULL;
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
}

void tree_insert_before(struct node *sibling, struct node *node)
{
	node->parent = sibling->parent;
	node->next = sibling;
	node->prev = sibling->prev;
	if (sibling->prev)
		sibling->prev->next = node;
	else
		sibling->parent->first = node;
	sibling->prev = node;
}

void tree_remove(struct node *node)
{
	if (!node->parent)
		return;
	if (node->prev)
		node->prev->next = node->next;
	else
		node->parent->first = node->next;
	if (node->next)
		node->next->prev = node->prev;
	else
		node->parent->last = node->prev;
	node->parent = node->prev = node->next = NULL;
}

struct slice node_attribute(const struct node *node, enum attribute_name name)
{
	if (node->element != ELEMENT_TEXT)
		for (uint32_t i = 0; i < node->length; i++)
			if (node->attributes[i].name == name)
				return (struct slice){node->attributes[i].value, node->attributes[i].length};
	return (struct slice){NULL, 0};
}

bool node_attribute_is(const struct node *node, enum attribute_name name, const char *value)
{
	return slice_is(node_attribute(node, name), value);
}

bool node_has_class(const struct node *node, const char *class_name)
{
	struct slice classes = node_attribute(node, ATTRIBUTE_class), word;

	while (word = slice_word(&classes), word.length)
		if (slice_is(word, class_name))
			return true;
	return false;
}

struct node *node_skip(const struct node *node, const struct node *root)
{
	while (node && node != root) {
		if (node->next)
			return node->next;
		node = node->parent;
	}
	return NULL;
}

struct node *node_after(const struct node *node, const struct node *root)
{
	return node->first ? node->first : node_skip(node, root);
}

struct node *node_next_element(const struct node *node)
{
	struct node *next = node->next;

	while (next && next->element == ELEMENT_TEXT)
		next = next->next;
	return next;
}

struct node *node_first_element(const struct node *node)
{
	struct node *first = node->first;

	return first && first->element == ELEMENT_TEXT ? node_next_element(first) : first;
}

long slice_number(struct slice slice, long missing)
{
	long number = 0;
	size_t at = 0;
	bool negative;

	slice = slice_trim(slice);
	negative = slice.length > 1 && slice.bytes[0] == '-';
	at += negative;
	if (at >= slice.length || slice.bytes[at] < '0' || slice.bytes[at] > '9')
		return missing;
	for (; at < slice.length && slice.bytes[at] >= '0' && slice.bytes[at] <= '9'; at++) {
		number = number * 10 + (slice.bytes[at] - '0');
		if (number >= 1000000000)
			return missing;
	}
	return negative ? -number : number;
}

bool slice_is(struct slice slice, const char *text)
{
	size_t length = strlen(text);

	return slice.bytes && slice.length == length && strncasecmp(slice.bytes, text, length) == 0;
}

bool slice_begins(struct slice slice, const char *text)
{
	size_t length = strlen(text);

	return slice.length >= length && strncasecmp(slice.bytes, text, length) == 0;
}

bool slice_contains(struct slice slice, const char *text)
{
	for (; slice.length; slice.bytes++, slice.length--)
		if (slice_begins(slice, text))
			return true;
	return false;
}

struct slice slice_trim(struct slice slice)
{
	while (slice.length && is_space(slice.bytes[0])) {
		slice.bytes++;
		slice.length--;
	}
	while (slice.length && is_space(slice.bytes[slice.length - 1]))
		slice.length--;
	return slice;
}

struct slice slice_word(struct slice *slice)
{
	struct slice word;

	while (slice->length && is_space(*slice->bytes)) {
		slice->bytes++;
		slice->length--;
	}
	word = (struct slice){slice->bytes, 0};
	while (slice->length && !is_space(*slice->bytes)) {
		slice->bytes++;
		slice->length--;
		word.length++;
	}
	return word;
}
