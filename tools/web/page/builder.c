/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds the tree by the rules of WHATWG HTML 13.2.6 as far as they change what is read: the insertion modes
 * are not kept as such, but seen from the stack of open elements. Left out are quirks, form owners, framesets
 * as modes, and what only scripts can do.
 */
#include "tools/web/page/builder.h"

#include <errno.h>
#include <string.h>

static bool has_marker(const struct node *node)
{
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

void builder_pop(struct builder *builder)
{
	struct node *node = builder_current(builder);

	builder->depth--;
	builder->opened[node->element]--;
	if (has_marker(node))
		formatting_clear(builder);
}

void builder_pop_through(struct builder *builder, enum element element)
{
	while (builder->depth > 2) {
		bool done = builder_current_is(builder, element);

		builder_pop(builder);
		if (done)
			return;
	}
}

void builder_imply_ends(struct builder *builder, enum element except)
{
	while (builder->depth > 2 && builder_current(builder)->element != except &&
	       element_is(builder_current(builder)->element, ELEMENT_IMPLIED))
		builder_pop(builder);
}

bool builder_in_scope(const struct builder *builder, enum element element, enum element wall,
		      enum element wall2)
{
	if (!builder->opened[element])
		return false;
	for (unsigned i = builder->depth; i-- > 0;) {
		const struct node *node = builder->open[i];

		if (node->element == element)
			return true;
		if (element_is(node->element, ELEMENT_WALL) || (wall && node->element == wall) ||
		    (wall2 && node->element == wall2))
			return false;
	}
	return false;
}

void builder_place(struct builder *builder, struct node *node)
{
	struct node *current = builder_current(builder);

	if (builder->foster && node_in_table(current)) {
		for (unsigned i = builder->depth; i-- > 1;) {
			if (builder->open[i]->element == ELEMENT_template)
				break;
			if (builder->open[i]->element != ELEMENT_table)
				continue;
			if (builder->open[i]->parent)
				tree_insert_before(builder->open[i], node);
			else
				tree_append(builder->open[i - 1], node);
			return;
		}
	}
	tree_append(current, node);
}

static struct node *insert(struct builder *builder, enum element element, const struct token *token)
{
	bool is_void = element_is(element, ELEMENT_VOID), raw = token && token->text.bytes;
	struct node *current = builder_current(builder), *node;

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
	if ((current->marks & NODE_FOREIGN) || element == ELEMENT_svg || element == ELEMENT_math)
		node->marks |= NODE_FOREIGN;
	builder_place(builder, node);
	if (!is_void && !raw) {
		builder->open[builder->depth++] = node;
		builder->opened[element]++;
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
	return insert(builder, token->element, token);
}

struct node *builder_insert_named(struct builder *builder, enum element element)
{
	return insert(builder, element, NULL);
}

void builder_begin_body(struct builder *builder)
{
	while (builder->depth > 1)
		builder_pop(builder);
	builder->open[builder->depth++] = builder->tree->body;
	builder->opened[ELEMENT_body]++;
	builder->in_body = true;
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

static void take_text(struct builder *builder)
{
	struct slice text = builder->token.text;
	bool white = is_white(text);
	struct node *node;

	if (!builder->in_body && !builder->opened[ELEMENT_template] && !builder->opened[ELEMENT_noscript]) {
		if (white)
			return;
		builder_begin_body(builder);
	} else if (!builder->in_body && !white && !builder->opened[ELEMENT_template]) {
		builder_begin_body(builder); /* text in a noscript of the head */
	}
	if (white &&
	    (is_collapsed(builder, builder_current(builder)) || node_in_table(builder_current(builder)) ||
	     builder_current_is(builder, ELEMENT_colgroup)))
		return;
	if (builder_current_is(builder, ELEMENT_colgroup))
		builder_pop(builder);
	builder->foster = node_in_table(builder_current(builder));
	if (!white && !(builder_current(builder)->marks & NODE_FOREIGN))
		formatting_reconstruct(builder);
	node = tree_node(builder->tree, ELEMENT_TEXT);
	if (node) {
		node->text = text.bytes;
		node->length = (uint32_t)text.length;
		builder_place(builder, node);
	}
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
		for (struct node *up = node->parent; up && (marks & ~up->marks); up = up->parent)
			up->marks |= (uint16_t)marks;
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
	builder->open[builder->depth++] = tree->root;
	builder->open[builder->depth++] = tree->head;
	builder->opened[ELEMENT_html] = builder->opened[ELEMENT_head] = 1;
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
