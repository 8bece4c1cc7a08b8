/* SPDX-License-Identifier: Apache-2.0 */
/* Start tags, by mode, up to the body: WHATWG HTML 13.2.6.4. */
#include "tools/web/page/builder.h"

#include <string.h>

/* html, head and body: what a second tag of theirs says is added to the first one. */
void builder_merge(struct builder *builder, struct node *node)
{
	struct attribute *attributes;
	const struct token *token = &builder->token;
	size_t count = node->length;

	if (!token->count || node->length + token->count > 2 * ATTRIBUTES)
		return;
	attributes = tree_allocate(builder->tree, (node->length + token->count) * sizeof *attributes);
	if (!attributes)
		return;
	if (count)
		memcpy(attributes, node->attributes, count * sizeof *attributes);
	for (uint32_t i = 0; i < token->count; i++)
		if (!node_has(node, token->attributes[i].name))
			attributes[count++] = token->attributes[i];
	node->attributes = attributes;
	node->length = (uint32_t)count;
}

/* What may stand in a head, wherever it stands. */
bool builder_open_in_head(struct builder *builder)
{
	enum element element = builder->token.element;

	if (!element_is(element, ELEMENT_HEAD) || element == ELEMENT_noscript)
		return false;
	if (builder_insert(builder, &builder->token) && element == ELEMENT_template) {
		builder->mode = MODE_TEMPLATE;
		builder->templates[builder->opened[ELEMENT_template] - 1] = MODE_TEMPLATE;
	}
	return true;
}

static bool open_before_head(struct builder *builder)
{
	builder_push_head(builder);
	builder->mode = MODE_HEAD;
	if (builder->token.element != ELEMENT_head)
		return false;
	builder_merge(builder, builder->tree->head);
	return true;
}

static bool open_in_head(struct builder *builder)
{
	enum element element = builder->token.element;

	if (element == ELEMENT_head || builder_open_in_head(builder))
		return true;
	if (element == ELEMENT_noscript) {
		if (builder_insert(builder, &builder->token))
			builder->mode = MODE_HEAD_NOSCRIPT;
		return true;
	}
	builder_pop(builder);
	builder->head_done = true;
	builder->mode = MODE_AFTER_HEAD;
	return false;
}

static bool open_in_head_noscript(struct builder *builder)
{
	enum element element = builder->token.element;

	if (element == ELEMENT_head || element == ELEMENT_noscript)
		return true;
	if (element == ELEMENT_style || element == ELEMENT_meta || element == ELEMENT_link ||
	    element == ELEMENT_basefont || element == ELEMENT_bgsound)
		return builder_open_in_head(builder);
	builder_pop(builder);
	builder->mode = MODE_HEAD;
	return false;
}

static bool open_after_head(struct builder *builder)
{
	enum element element = builder->token.element;

	if (element == ELEMENT_head)
		return true;
	if (element_is(element, ELEMENT_HEAD) && element != ELEMENT_noscript) {
		builder_push_head(builder);
		builder_open_in_head(builder);
		if (builder->mode == MODE_AFTER_HEAD)
			builder_pop(builder); /* not below a template: builder_reset_mode() */
		return true;
	}
	builder_begin_body(builder);
	if (element != ELEMENT_body)
		return false;
	builder_merge(builder, builder->tree->body);
	return true;
}

/* What the content shows itself to be decides by which mode it is read. */
static bool open_in_template(struct builder *builder)
{
	enum mode mode;

	switch (builder->token.element) {
	case ELEMENT_caption:
	case ELEMENT_colgroup:
	case ELEMENT_tbody:
	case ELEMENT_tfoot:
	case ELEMENT_thead:
		mode = MODE_TABLE;
		break;
	case ELEMENT_col:
		mode = MODE_COLGROUP;
		break;
	case ELEMENT_tr:
		mode = MODE_TABLE_BODY;
		break;
	case ELEMENT_td:
	case ELEMENT_th:
		mode = MODE_ROW;
		break;
	default:
		if (builder_open_in_head(builder))
			return true;
		mode = MODE_BODY;
	}
	builder->mode = builder->templates[builder->opened[ELEMENT_template] - 1] = mode;
	return false;
}

void builder_open(struct builder *builder)
{
	static bool (*const by_mode[MODES])(struct builder * builder) = {
		[MODE_BEFORE_HEAD] = open_before_head,
		[MODE_HEAD] = open_in_head,
		[MODE_HEAD_NOSCRIPT] = open_in_head_noscript,
		[MODE_AFTER_HEAD] = open_after_head,
		[MODE_BODY] = builder_open_in_body,
		[MODE_TABLE] = table_open,
		[MODE_CAPTION] = caption_open,
		[MODE_COLGROUP] = colgroup_open,
		[MODE_TABLE_BODY] = table_body_open,
		[MODE_ROW] = row_open,
		[MODE_CELL] = cell_open,
		[MODE_TEMPLATE] = open_in_template,
	};

	if (foreign_open(builder))
		return;
	if (builder->token.element == ELEMENT_html) {
		if (!builder->opened[ELEMENT_template])
			builder_merge(builder, builder->tree->root);
		return;
	}
	while (!by_mode[builder->mode](builder))
		;
}
