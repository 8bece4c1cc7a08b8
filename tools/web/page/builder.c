/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds the tree by the rules of WHATWG HTML 13.2.6. Other than there, html, head and body are always there,
 * framesets are content of the body, and what only scripts can do is left out.
 * tests/web/compare_trees.py holds the trees against those of other parsers.
 */
#include "tools/web/page/builder.h"

#include <errno.h>
#include <string.h>

#include "tools/web/page/hidden.h"

static bool has_marker(const struct node *node)
{
	if (node->marks & NODE_FOREIGN)
		return false;
	switch (node->element) {
	case ELEMENT_td:
	case ELEMENT_th:
	case ELEMENT_caption:
	case ELEMENT_applet:
	case ELEMENT_marquee:
	case ELEMENT_object:
	case ELEMENT_template:
		return true;
	default:
		return false;
	}
}

void builder_place(struct builder *builder, struct node *target, struct node *node)
{
	if (builder->foster && node_in_table(target)) {
		for (unsigned i = builder->depth; i-- > 1;) {
			if (node_is_html(builder->open[i], ELEMENT_template)) {
				target = builder->open[i];
				break;
			}
			if (!node_is_html(builder->open[i], ELEMENT_table))
				continue;
			if (builder->open[i]->parent)
				tree_insert_before(builder->open[i], node);
			else
				tree_append(builder->open[i - 1], node);
			return;
		}
	}
	tree_append(target, node);
}

static struct node *insert(struct builder *builder, enum element element, const struct token *token,
			   unsigned marks)
{
	bool is_void = marks ? token->self_closing : element_is(element, ELEMENT_VOID), raw;
	struct node *node;

	if (token && !marks)
		token_content(&builder->tokens, &builder->token);
	raw = token && token->text.bytes;
	if (builder->depth == LIMIT_PAGE_DEPTH && !is_void && !raw) {
		builder->beyond += !element_is(element, ELEMENT_IMPLIED);
		return NULL;
	}
	node = tree_node(builder->tree, element);
	if (!node)
		return NULL;
	if (token && token->count) {
		struct attribute *attributes =
			tree_allocate(builder->tree, token->count * sizeof *token->attributes);

		if (attributes) {
			memcpy(attributes, token->attributes, token->count * sizeof *attributes);
			node->attributes = attributes;
			node->length = token->count;
		}
	}
	node->hash = token ? token->hash : 0;
	node->marks = (uint16_t)marks;
	builder_place(builder, builder_current(builder), node);
	if (!is_void && !raw) {
		builder_push(builder, node);
		if (has_marker(node))
			formatting_mark(builder);
	}
	if (raw && token->text.length) {
		struct node *text = tree_node(builder->tree, ELEMENT_TEXT);

		if (text) {
			text->text = token->text.bytes;
			text->length = (uint32_t)token->text.length;
			tree_append(node, text);
		}
	}
	return node;
}

struct node *builder_insert(struct builder *builder, const struct token *token)
{
	return insert(builder, token->element, token, 0);
}

struct node *builder_insert_foreign(struct builder *builder, const struct token *token, unsigned marks)
{
	return insert(builder, token->element, token, marks);
}

struct node *builder_insert_named(struct builder *builder, enum element element)
{
	return insert(builder, element, NULL, 0);
}

void builder_push_head(struct builder *builder)
{
	builder_push(builder, builder->tree->head);
}

void builder_begin_body(struct builder *builder)
{
	while (builder->depth > 1)
		builder_pop(builder);
	builder_push(builder, builder->tree->body);
	builder->mode = MODE_BODY;
}

static bool is_white(struct slice text)
{
	return slice_trim(text).length == 0;
}

/* White space that no reader can see, at the edges of blocks: half of all text nodes. */
static bool is_collapsed(const struct builder *builder, const struct node *parent)
{
	if (builder->opened[ELEMENT_pre] || builder->opened[ELEMENT_listing])
		return false;
	if (parent->last)
		return element_is(parent->last->element, ELEMENT_BLOCK);
	return element_is(parent->element, ELEMENT_BLOCK);
}

static void insert_text(struct builder *builder, struct slice text)
{
	struct node *node = tree_node(builder->tree, ELEMENT_TEXT);

	if (!node)
		return;
	node->text = text.bytes;
	node->length = (uint32_t)text.length;
	builder_place(builder, builder_current(builder), node);
}

static void take_text(struct builder *builder)
{
	struct slice text = builder->token.text;
	bool white = is_white(text);

	if (foreign_takes_text(builder)) {
		insert_text(builder, text);
		return;
	}
	if (builder->mode < MODE_BODY) {
		if (white)
			return;
		builder_begin_body(builder);
	}
	if (builder->mode == MODE_COLGROUP && !white) {
		if (!builder_current_is(builder, ELEMENT_colgroup))
			return;
		builder_pop(builder);
		builder->mode = MODE_TABLE;
		while (is_space(*text.bytes))
			text.bytes++, text.length--;
	}
	if (white && (node_in_table(builder_current(builder)) || builder->mode == MODE_COLGROUP))
		return;
	builder->foster = node_in_table(builder_current(builder));
	formatting_reconstruct(builder);
	if (!white || !is_collapsed(builder, builder_current(builder)))
		insert_text(builder, text);
	builder->foster = false;
}

/* What is below each node: each is marked once, so this is linear. */
static void mark(struct tree *tree)
{
	for (struct node *node = tree->root; node; node = node_after(node, tree->root)) {
		unsigned marks = element_is(node->element, ELEMENT_BLOCK) ? NODE_HAS_BLOCK : 0;

		if (node->element == ELEMENT_TEXT
			    ? !is_white((struct slice){node->text, node->length})
			    : node->element == ELEMENT_img || node->element == ELEMENT_iframe)
			marks |= NODE_HAS_TEXT;
		if (node->element == ELEMENT_table)
			marks |= NODE_HAS_TABLE;
		else if (node->element == ELEMENT_pre)
			marks |= NODE_HAS_PRE;
		else if (element_is(node->element, ELEMENT_HEADING))
			marks |= NODE_HAS_HEADING;
		/* of what no format ever shows nobody above need know */
		for (struct node *up = node->parent; up && (marks & ~up->marks); up = up->parent) {
			if (node_is_never_shown(up, true, true))
				break;
			up->marks |= (uint16_t)marks;
		}
	}
}

static int start(struct builder *builder)
{
	struct tree *tree = builder->tree;

	tree->root = tree_node(tree, ELEMENT_html);
	tree->head = tree_node(tree, ELEMENT_head);
	tree->body = tree_node(tree, ELEMENT_body);
	if (!tree->root || !tree->head || !tree->body)
		return -ENOMEM;
	tree_append(tree->root, tree->head);
	tree_append(tree->root, tree->body);
	builder_push(builder, tree->root);
	return 0;
}

int tree_parse(struct tree *tree, const char *html, size_t length, size_t memory, uint64_t deadline)
{
	struct builder builder = {.tree = tree, .tokens = {.tree = tree, .at = html, .end = html + length}};
	int result;

	*tree = (struct tree){.memory = memory};
	result = start(&builder);
	if (result < 0) {
		tree_deinit(tree);
		return result;
	}
	for (unsigned count = 1; !tree->cut_memory; count++) {
		if (deadline && count % 1024 == 0 && tree_clock() >= deadline) {
			tree->cut_time = true;
			break;
		}
		builder.tokens.foreign = (builder_current(&builder)->marks & NODE_FOREIGN) != 0;
		token_next(&builder.tokens, &builder.token);
		if (count == 1)
			builder.quirks = !builder.tokens.doctype;
		if (builder.token.kind == TOKEN_END)
			break;
		if (builder.token.kind == TOKEN_TEXT)
			take_text(&builder);
		else if (builder.token.kind == TOKEN_OPEN)
			builder_open(&builder);
		else
			builder_close(&builder, builder.token.element, builder.token.hash);
	}
	mark(tree);
	return 0;
}
