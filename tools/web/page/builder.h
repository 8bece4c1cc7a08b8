/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_BUILDER_H
#define SALLYPORT_TOOLS_WEB_PAGE_BUILDER_H

/* Tokens -> tree: what the builder's files share. Others want tree.h. */

#include "protocol/limits.h"
#include "tools/web/page/token.h"

struct builder {
	struct tree *tree;
	struct tokenizer tokens;
	struct token token;
	struct node *open[LIMIT_PAGE_DEPTH]; /* the stack of open elements: html, head or body, ... */
	unsigned depth;
	unsigned beyond;           /* open elements that lie too deep and were not made */
	unsigned opened[ELEMENTS]; /* how many of each are open */
	struct node *formatting[LIMIT_PAGE_FORMATTING]; /* active formatting elements; NULL: a marker */
	unsigned formats;
	bool in_body;
	bool foster;    /* what is inserted into a table goes before it (13.2.6.1) */
	uint64_t moves; /* nodes moved by misnested end tags: bounded */
};

static inline struct node *builder_current(const struct builder *builder)
{
	return builder->open[builder->depth - 1];
}

static inline bool builder_current_is(const struct builder *builder, enum element element)
{
	return builder_current(builder)->element == element;
}

static inline bool node_in_table(const struct node *node)
{
	return node->element == ELEMENT_table || node->element == ELEMENT_tbody ||
	       node->element == ELEMENT_thead || node->element == ELEMENT_tfoot ||
	       node->element == ELEMENT_tr;
}

/* builder.c: the stack */
void builder_pop(struct builder *builder);
void builder_pop_through(struct builder *builder, enum element element);
/* Ends what may end by itself (13.2.6.3), but not `except`. */
void builder_imply_ends(struct builder *builder, enum element except);
/* "has an element in scope" (13.2.4.2) with two more elements that end the scope (ELEMENT_TEXT: none). */
bool builder_in_scope(const struct builder *builder, enum element element, enum element wall,
		      enum element wall2);
/* Where the next node goes; with builder->foster before the table. */
void builder_place(struct builder *builder, struct node *node);
/* An element for the token at that place. Open afterwards unless it is void. NULL: too deep, or no memory. */
struct node *builder_insert(struct builder *builder, const struct token *token);
struct node *builder_insert_named(struct builder *builder, enum element element);
void builder_begin_body(struct builder *builder);

/* formatting.c: the list of active formatting elements (13.2.4.3) */
void formatting_push(struct builder *builder, struct node *node);
void formatting_mark(struct builder *builder);
void formatting_clear(struct builder *builder); /* to the last marker */
void formatting_forget(struct builder *builder, const struct node *node);
void formatting_reconstruct(struct builder *builder);
bool formatting_has(const struct builder *builder, enum element element); /* behind the last marker */
/* The "adoption agency": false if the end tag is to be handled as any other. */
bool formatting_end(struct builder *builder, enum element element);

/* opening.c, closing.c */
void builder_open(struct builder *builder);
void builder_close(struct builder *builder, enum element element, uint32_t hash);

#endif
