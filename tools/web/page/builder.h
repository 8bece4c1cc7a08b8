/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_BUILDER_H
#define SALLYPORT_TOOLS_WEB_PAGE_BUILDER_H

/* Tokens -> tree: what the builder's files share. Others want tree.h. */

#include "protocol/limits.h"
#include "tools/web/page/token.h"

enum mode { /* "insertion modes" (13.2.4.1) */
	    MODE_BEFORE_HEAD,
	    MODE_HEAD,
	    MODE_HEAD_NOSCRIPT,
	    MODE_AFTER_HEAD,
	    MODE_BODY,
	    MODE_TABLE,
	    MODE_CAPTION,
	    MODE_COLGROUP,
	    MODE_TABLE_BODY,
	    MODE_ROW,
	    MODE_CELL,
	    MODE_TEMPLATE,
	    MODES,
};

struct builder {
	struct tree *tree;
	struct tokenizer tokens;
	struct token token;
	enum mode mode;
	enum mode templates[LIMIT_PAGE_DEPTH]; /* of each open <template> the mode of its content */
	struct node *open[LIMIT_PAGE_DEPTH];   /* the stack of open elements: html, head or body, ... */
	unsigned depth;
	unsigned beyond;           /* open elements that lie too deep and were not made */
	unsigned opened[ELEMENTS]; /* how many of each are open; those in svg and math do not count */
	struct node *formatting[LIMIT_PAGE_FORMATTING]; /* active formatting elements; NULL: a marker */
	unsigned formats;
	struct node *form; /* the open form */
	bool quirks;       /* a page without doctype: tables may stand in paragraphs */
	bool head_done;
	bool foster;    /* what is inserted into a table goes before it (13.2.6.1) */
	uint64_t moves; /* nodes moved by misnested end tags: bounded */
};

static inline struct node *builder_current(const struct builder *builder)
{
	return builder->open[builder->depth - 1];
}

/* An element of HTML: those of svg and math may have the same name. */
static inline bool node_is_html(const struct node *node, enum element element)
{
	return node->element == element && !(node->marks & NODE_FOREIGN);
}

static inline bool builder_current_is(const struct builder *builder, enum element element)
{
	return node_is_html(builder_current(builder), element);
}

static inline bool node_in_table(const struct node *node)
{
	return (node->element == ELEMENT_table || node->element == ELEMENT_tbody ||
		node->element == ELEMENT_thead || node->element == ELEMENT_tfoot ||
		node->element == ELEMENT_tr) &&
	       !(node->marks & NODE_FOREIGN);
}

/* stack.c */
void builder_push(struct builder *builder, struct node *node);
void builder_pop(struct builder *builder);
void builder_pop_through(struct builder *builder, enum element element);
/* Out of the stack, wherever in it. */
void builder_remove(struct builder *builder, unsigned index);
/* Ends what may end by itself (13.2.6.3), but not `except`. */
void builder_imply_ends(struct builder *builder, enum element except);
/* "special" and what ends a scope (13.2.4.2) */
bool node_is_special(const struct node *node);
bool node_is_wall(const struct node *node);
/* "has an element in scope" with two more elements that end the scope (ELEMENT_TEXT: none). */
bool builder_in_scope(const struct builder *builder, enum element element, enum element wall,
		      enum element wall2);
bool builder_in_table_scope(const struct builder *builder, enum element element);
/* "reset the insertion mode appropriately" */
void builder_reset_mode(struct builder *builder);
/* builder.c */
/* Where the next node goes if `target` is the current one; with builder->foster before the table. */
void builder_place(struct builder *builder, struct node *target, struct node *node);
/* An element for the token at that place. Open afterwards unless it is void. NULL: too deep, or no memory. */
struct node *builder_insert(struct builder *builder, const struct token *token);
/* The same in svg or math: `marks` say in which. */
struct node *builder_insert_foreign(struct builder *builder, const struct token *token, unsigned marks);
struct node *builder_insert_named(struct builder *builder, enum element element);
void builder_push_head(struct builder *builder);
void builder_begin_body(struct builder *builder);

/* formatting.c: the list of active formatting elements (13.2.4.3) */
void formatting_push(struct builder *builder, struct node *node);
void formatting_mark(struct builder *builder);
void formatting_clear(struct builder *builder); /* to the last marker */
void formatting_forget(struct builder *builder, const struct node *node);
void formatting_reconstruct(struct builder *builder);
/* The "adoption agency": false if the end tag is to be handled as any other (builder_close_any()). */
bool formatting_end(struct builder *builder, enum element element);
/* Before a start tag that must not stand in its own kind: ends the one that is active behind the last marker.
 */
void formatting_end_last(struct builder *builder, enum element element);

/* foreign.c: svg and math (13.2.6.5). False: the tag is to be handled as HTML. */
bool foreign_open(struct builder *builder);
bool foreign_close(struct builder *builder, enum element element, uint32_t hash);
bool foreign_takes_text(const struct builder *builder);

/* opening.c: start tags. */
void builder_open(struct builder *builder);
/* in_body.c: start tags in the body. True: done. */
bool builder_open_in_body(struct builder *builder);
bool builder_open_in_head(struct builder *builder);
void builder_merge(struct builder *builder, struct node *node);
/* in_table.c: tags in tables. True: done; false: the mode was changed, it is to be handled by that. */
bool table_open(struct builder *builder);
bool caption_open(struct builder *builder);
bool colgroup_open(struct builder *builder);
bool table_body_open(struct builder *builder);
bool row_open(struct builder *builder);
bool cell_open(struct builder *builder);
bool table_close(struct builder *builder, enum element element, uint32_t hash);
bool caption_close(struct builder *builder, enum element element, uint32_t hash);
bool colgroup_close(struct builder *builder, enum element element, uint32_t hash);
bool table_body_close(struct builder *builder, enum element element, uint32_t hash);
bool row_close(struct builder *builder, enum element element, uint32_t hash);
bool cell_close(struct builder *builder, enum element element, uint32_t hash);
/* closing.c: end tags. */
void builder_close(struct builder *builder, enum element element, uint32_t hash);
void builder_close_in_body(struct builder *builder, enum element element, uint32_t hash);
void builder_close_any(struct builder *builder, enum element element,
		       uint32_t hash); /* "any other end tag" */
void builder_close_template(struct builder *builder);

#endif
