/* SPDX-License-Identifier: Apache-2.0 */
/* Tags in svg and math: WHATWG HTML 13.2.6.5, and when they are HTML there (13.2.6). */
#include "tools/web/page/builder.h"

static bool is_math_text(const struct node *node)
{
	switch (node->element) {
	case ELEMENT_mi:
	case ELEMENT_mo:
	case ELEMENT_mn:
	case ELEMENT_ms:
	case ELEMENT_mtext:
		return (node->marks & NODE_MATH) != 0;
	default:
		return false;
	}
}

/* "HTML integration point" */
static bool holds_html(const struct node *node)
{
	switch (node->element) {
	case ELEMENT_foreignobject:
	case ELEMENT_desc:
	case ELEMENT_title:
		return !(node->marks & NODE_MATH);
	case ELEMENT_annotation_xml:
		return node_attribute_is(node, ATTRIBUTE_encoding, "text/html") ||
		       node_attribute_is(node, ATTRIBUTE_encoding, "application/xhtml+xml");
	default:
		return false;
	}
}

static bool is_foreign(const struct node *node)
{
	return (node->marks & NODE_FOREIGN) != 0;
}

static void break_out(struct builder *builder)
{
	while (is_foreign(builder_current(builder)) && !is_math_text(builder_current(builder)) &&
	       !holds_html(builder_current(builder)))
		builder_pop(builder);
}

bool foreign_takes_text(const struct builder *builder)
{
	const struct node *current = builder_current(builder);

	return is_foreign(current) && !is_math_text(current) && !holds_html(current);
}

bool foreign_open(struct builder *builder)
{
	const struct token *token = &builder->token;
	const struct node *current = builder_current(builder);
	enum element element = token->element;

	if (!is_foreign(current) || holds_html(current) ||
	    (is_math_text(current) && element != ELEMENT_mglyph && element != ELEMENT_malignmark) ||
	    (node_is(current, ELEMENT_annotation_xml) && element == ELEMENT_svg))
		return false;
	if (element_is(element, ELEMENT_BREAKS_OUT) || (element == ELEMENT_font && token->is_styled)) {
		break_out(builder);
		return false;
	}
	builder_insert_foreign(builder, token, current->marks & (NODE_FOREIGN | NODE_MATH));
	return true;
}

bool foreign_close(struct builder *builder, enum element element, uint32_t hash)
{
	if (!is_foreign(builder_current(builder)))
		return false;
	if (element == ELEMENT_br || element == ELEMENT_p) {
		break_out(builder);
		return false;
	}
	for (unsigned i = builder->depth; i-- > 0 && is_foreign(builder->open[i]);) {
		if (builder->open[i]->element != element || builder->open[i]->hash != hash)
			continue;
		while (builder->depth > i)
			builder_pop(builder);
		return true;
	}
	return false;
}
