/* SPDX-License-Identifier: Apache-2.0 */
/* End tags: WHATWG HTML 13.2.6.4. */
#include "tools/web/page/builder.h"

/* "any other end tag": up to the element of that name, unless a special one stands between. */
static void close_any(struct builder *builder, enum element element, uint32_t hash)
{
	if (!builder->opened[element])
		return;
	for (unsigned i = builder->depth; i-- > 2;) {
		struct node *node = builder->open[i];

		if (node->element == element && node->hash == hash) {
			builder_imply_ends(builder, element);
			while (builder->depth > i)
				builder_pop(builder);
			return;
		}
		if (element_is(node->element, ELEMENT_SPECIAL) && !(node->marks & NODE_FOREIGN))
			return;
	}
}

/* A block, list item, or part of a table, if it is open within `wall`. */
static void close_block(struct builder *builder, enum element element, enum element wall, enum element wall2)
{
	if (!builder_in_scope(builder, element, wall, wall2))
		return;
	builder_imply_ends(builder, element);
	builder_pop_through(builder, element);
}

/* Any heading's end tag ends the open heading. */
static void close_heading(struct builder *builder)
{
	for (unsigned i = builder->depth; i-- > 2;) {
		struct node *node = builder->open[i];

		if (element_is(node->element, ELEMENT_HEADING)) {
			while (builder->depth > i)
				builder_pop(builder);
			return;
		}
		if (element_is(node->element, ELEMENT_WALL))
			return;
	}
}

/* "has an element in table scope": cells and captions are no walls. */
static void close_table_part(struct builder *builder, enum element element)
{
	if (!builder->opened[element])
		return;
	for (unsigned i = builder->depth; i-- > 2;) {
		if (builder->open[i]->element == element) {
			while (builder->depth > i)
				builder_pop(builder);
			return;
		}
		if (builder->open[i]->element == ELEMENT_table ||
		    builder->open[i]->element == ELEMENT_template)
			return;
	}
}

void builder_close(struct builder *builder, enum element element, uint32_t hash)
{
	if (builder->beyond && !element_is(element, ELEMENT_IMPLIED | ELEMENT_VOID)) {
		builder->beyond--;
		return;
	}
	if (!builder->in_body && element != ELEMENT_noscript && element != ELEMENT_template &&
	    element != ELEMENT_br)
		return; /* </head> too: what belongs into a head may follow it */
	switch (element) {
	case ELEMENT_html:
	case ELEMENT_body:
	case ELEMENT_head:
		return; /* what follows them belongs to the body all the same */
	case ELEMENT_br:
		builder->token.count = 0;
		builder->token.kind = TOKEN_OPEN;
		builder_open(builder);
		return;
	case ELEMENT_li:
		close_block(builder, element, ELEMENT_ol, ELEMENT_ul);
		return;
	case ELEMENT_p:
		close_block(builder, element, ELEMENT_button, ELEMENT_TEXT);
		return;
	case ELEMENT_table:
	case ELEMENT_template:
		close_table_part(builder, element);
		return;
	default:
		break;
	}
	if (element_is(element, ELEMENT_HEADING))
		close_heading(builder);
	else if (element_is(element, ELEMENT_TABLE_PART))
		close_table_part(builder, element);
	else if (element_is(element, ELEMENT_FORMATTING) &&
		 !(builder_current(builder)->marks & NODE_FOREIGN) && formatting_end(builder, element))
		return;
	else if (element_is(element, ELEMENT_CLOSES_P) || element == ELEMENT_button ||
		 element == ELEMENT_applet || element == ELEMENT_marquee || element == ELEMENT_object)
		close_block(builder, element, ELEMENT_TEXT, ELEMENT_TEXT);
	else if (element == ELEMENT_select && builder->opened[element])
		builder_pop_through(builder, element);
	else
		close_any(builder, element, hash);
}
