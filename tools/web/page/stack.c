/* SPDX-License-Identifier: Apache-2.0 */
/* The stack of open elements, and questions about it: WHATWG HTML 13.2.4.2 and 13.2.4.1. */
#include "tools/web/page/builder.h"

#include <string.h>

void builder_push(struct builder *builder, struct node *node)
{
	builder->open[builder->depth++] = node;
	if (!(node->marks & NODE_FOREIGN))
		builder->opened[node->element]++;
}

void builder_pop(struct builder *builder)
{
	struct node *node = builder_current(builder);

	builder->depth--;
	if (!(node->marks & NODE_FOREIGN))
		builder->opened[node->element]--;
}

void builder_remove(struct builder *builder, unsigned index)
{
	struct node *node = builder->open[index];

	if (!(node->marks & NODE_FOREIGN))
		builder->opened[node->element]--;
	builder->depth--;
	memmove(builder->open + index, builder->open + index + 1,
		(builder->depth - index) * sizeof *builder->open);
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
	while (builder->depth > 2 && !builder_current_is(builder, except) &&
	       !(builder_current(builder)->marks & NODE_FOREIGN) &&
	       element_is(builder_current(builder)->element, ELEMENT_IMPLIED))
		builder_pop(builder);
}

static bool is_foreign_wall(const struct node *node)
{
	switch (node->element) {
	case ELEMENT_mi:
	case ELEMENT_mo:
	case ELEMENT_mn:
	case ELEMENT_ms:
	case ELEMENT_mtext:
	case ELEMENT_annotation_xml:
		return (node->marks & NODE_MATH) != 0;
	case ELEMENT_foreignobject:
	case ELEMENT_desc:
	case ELEMENT_title:
		return !(node->marks & NODE_MATH);
	default:
		return false;
	}
}

bool node_is_special(const struct node *node)
{
	return node->marks & NODE_FOREIGN ? is_foreign_wall(node)
					  : element_is(node->element, ELEMENT_SPECIAL);
}

bool node_is_wall(const struct node *node)
{
	return node->marks & NODE_FOREIGN ? is_foreign_wall(node) : element_is(node->element, ELEMENT_WALL);
}

bool builder_in_scope(const struct builder *builder, enum element element, enum element wall,
		      enum element wall2)
{
	if (!builder->opened[element])
		return false;
	for (unsigned i = builder->depth; i-- > 0;) {
		const struct node *node = builder->open[i];

		if (node_is_html(node, element))
			return true;
		if (node_is_wall(node) || (wall && node_is_html(node, wall)) ||
		    (wall2 && node_is_html(node, wall2)))
			return false;
	}
	return false;
}

bool builder_in_table_scope(const struct builder *builder, enum element element)
{
	if (!builder->opened[element])
		return false;
	for (unsigned i = builder->depth; i-- > 0;) {
		const struct node *node = builder->open[i];

		if (node_is_html(node, element))
			return true;
		if (node_is_html(node, ELEMENT_table) || node_is_html(node, ELEMENT_template))
			return false;
	}
	return false;
}

void builder_reset_mode(struct builder *builder)
{
	for (unsigned i = builder->depth; i-- > 0;) {
		const struct node *node = builder->open[i];

		if (node->marks & NODE_FOREIGN)
			continue;
		switch (node->element) {
		case ELEMENT_td:
		case ELEMENT_th:
			builder->mode = MODE_CELL;
			return;
		case ELEMENT_tr:
			builder->mode = MODE_ROW;
			return;
		case ELEMENT_tbody:
		case ELEMENT_thead:
		case ELEMENT_tfoot:
			builder->mode = MODE_TABLE_BODY;
			return;
		case ELEMENT_caption:
			builder->mode = MODE_CAPTION;
			return;
		case ELEMENT_colgroup:
			builder->mode = MODE_COLGROUP;
			return;
		case ELEMENT_table:
			builder->mode = MODE_TABLE;
			return;
		case ELEMENT_template:
			builder->mode = builder->templates[builder->opened[ELEMENT_template] - 1];
			return;
		case ELEMENT_head:
			builder->mode = MODE_HEAD;
			if (!builder->head_done)
				return;
			builder->mode = MODE_AFTER_HEAD;
			builder->depth = i;
			builder->opened[ELEMENT_head]--;
			return;
		case ELEMENT_body:
			builder->mode = MODE_BODY;
			return;
		default:
			break;
		}
	}
}
