/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_TREE_H
#define SALLYPORT_TOOLS_WEB_PAGE_TREE_H

/*
 * An HTML page as a tree, built as browsers build it (WHATWG HTML 13.2) as far as it changes what a reader
 * sees. Nothing of it is freed alone: all is in one arena. Text that needs no decoding stays where it was, in
 * the caller's bytes, which must therefore live as long as the tree.
 *
 * Depth is at most LIMIT_PAGE_DEPTH, so recursion over a tree is bounded.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/web/page/names.h"

struct slice {
	const char *bytes; /* NULL: there is none */
	size_t length;
};

struct attribute {
	const char *value; /* decoded; not ended by NUL */
	uint32_t length;
	uint16_t name; /* enum attribute_name */
};

/* Of struct node.marks. The tree sets the first group itself; the rest belongs to whoever works on the tree.
 */
#define NODE_HAS_BLOCK   0x1  /* something below it stands on lines of its own */
#define NODE_HAS_TEXT    0x2  /* something to see below it: text that is not white space, or an image */
#define NODE_FOREIGN     0x4  /* of svg or math; HTML inside of them is not */
#define NODE_HIDDEN      0x8  /* not to be seen in a browser (hidden.h) */
#define NODE_LEFT_OUT    0x10 /* article.h: not part of the main content */
#define NODE_DONE        0x20 /* written already, in another place */
#define NODE_HAS_TABLE   0x40 /* as NODE_HAS_BLOCK: a table, a heading, a <pre> below it */
#define NODE_HAS_HEADING 0x80
#define NODE_HAS_PRE     0x100
#define NODE_MATH        0x200 /* NODE_FOREIGN, and in math */

struct node {
	struct node *parent, *first, *last, *next, *prev;
	union {
		const char *text;                   /* ELEMENT_TEXT: UTF-8, maybe ill-formed, no NUL */
		const struct attribute *attributes; /* of elements */
	};
	uint32_t length;  /* of the text in bytes, or how many attributes */
	uint32_t number;  /* in the order in which nodes were made: below tree.nodes, for tables beside the
			     tree */
	uint32_t hash;    /* of an ELEMENT_OTHER's name */
	uint16_t element; /* enum element */
	uint16_t marks;
};

struct tree_arena; /* tree.c */

struct tree {
	struct node *root, *head, *body; /* html, head, body: always there */
	uint32_t nodes;
	bool cut_memory, cut_time; /* the rest of the page is missing */
	size_t memory;             /* bytes it may still take */
	struct tree_arena *arena;
	char *at, *end; /* free in the newest block */
};

/* Parses `length` bytes. `memory`: bytes that the tree may take; `deadline`: tree_clock() after which it
 * stops (0: never). What there was until one of the two bound is a tree all the same, with cut_* set. 0 or
 * -ENOMEM. */
int tree_parse(struct tree *tree, const char *html, size_t length, size_t memory, uint64_t deadline);
void tree_deinit(struct tree *tree);

/* CLOCK_MONOTONIC in milliseconds. */
uint64_t tree_clock(void);

/* Zeroed memory from the arena, aligned for a pointer; NULL: none left (cut_memory is set) or out of memory.
 */
void *tree_allocate(struct tree *tree, size_t size);
/* Gives the end of the newest allocation back. */
void tree_shrink(struct tree *tree, void *allocated, size_t size, size_t used);

/* For the builder. */
struct node *tree_node(struct tree *tree, enum element element);
void tree_append(struct node *parent, struct node *node);
void tree_insert_before(struct node *sibling, struct node *node);
void tree_remove(struct node *node);

/* The value; {NULL, 0} if it has none. */
struct slice node_attribute(const struct node *node, enum attribute_name name);
static inline bool node_has(const struct node *node, enum attribute_name name)
{
	return node_attribute(node, name).bytes != NULL;
}
/* Whether the attribute is `value`, in any case. */
bool node_attribute_is(const struct node *node, enum attribute_name name, const char *value);
/* Whether the class list has that class, in any case. */
bool node_has_class(const struct node *node, const char *class_name);

/* Document order. The next node below `root`, or NULL; node_skip() does not go into `node`. */
struct node *node_after(const struct node *node, const struct node *root);
struct node *node_skip(const struct node *node, const struct node *root);

static inline bool node_is(const struct node *node, enum element element)
{
	return node->element == element;
}
/* Elements only: the next and the first among its own kind. */
struct node *node_next_element(const struct node *node);
struct node *node_first_element(const struct node *node);

/* A number that begins the value; `missing` if there is none or it is not below 10^9. */
long slice_number(struct slice slice, long missing);
bool slice_is(struct slice slice, const char *text);       /* in any case of letters */
bool slice_contains(struct slice slice, const char *text); /* the same */
bool slice_begins(struct slice slice, const char *text);   /* the same */
struct slice slice_trim(struct slice slice);               /* without white space at its ends */
/* The next word between white space, taken from the front of *slice; length 0: none left. */
struct slice slice_word(struct slice *slice);

static inline bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

#endif
