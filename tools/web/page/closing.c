/* SPDX-License-Identifier: Apache-2.0 */
/* End tags: WHATWG HTML 13.2.6.4. */
#include "tools/web/page/builder.h"

/* Up to the element of that name, unless a special one stands between. */
void builder_close_any(struct builder *builder, enum element element, uint32_t hash)
{
	if (!builder->opened[element])
		return;
	for (unsigned i = builder->depth; i-- > 2;) {
		struct node *node = builder->open[i];

		if (node_is_html(node, element) && node->hash == hash) {
			builder_imply_ends(builder, element);
			while (builder->depth > i)
				builder_pop(builder);
			return;
		}
		if (node_is_special(node))
			return;
	}
}

/* A block or list item, if it is open within `wall`. What may end by itself in it ends, but not `except`. */
static void close_block(struct builder *builder, enum element element, enum element except, enum element wall,
			enum element wall2)
{
	if (!builder_in_scope(builder, element, wall, wall2))
		return;
	builder_imply_ends(builder, except);
	builder_pop_through(builder, element);
	if (element == ELEMENT_applet || element == ELEMENT_marquee || element == ELEMENT_object)
		formatting_clear(builder);
}

/* Any heading's end tag ends the open heading. */
static void close_heading(struct builder *builder)
{
	for (unsigned i = builder->depth; i-- > 2;) {
		struct node *node = builder->open[i];

		if (!(node->marks & NODE_FOREIGN) && element_is(node->element, ELEMENT_HEADING)) {
			while (builder->depth > i)
				builder_pop(builder);
			return;
		}
		if (node_is_wall(node))
			return;
	}
}

/* A form may end where other elements that began in it do not. */
static void close_form(struct builder *builder)
{
	struct node *form = builder->form;

	if (builder->opened[ELEMENT_template]) {
		close_block(builder, ELEMENT_form, ELEMENT_TEXT, ELEMENT_TEXT, ELEMENT_TEXT);
		return;
	}
	builder->form = NULL;
	if (!form || !builder_in_scope(builder, ELEMENT_form, ELEMENT_TEXT, ELEMENT_TEXT))
		return;
	builder_imply_ends(builder, ELEMENT_TEXT);
	for (unsigned i = builder->depth; i-- > 2;)
		if (builder->open[i] == form)
			builder_remove(builder, i);
}

/* 13.2.6.4.4, "An end tag whose tag name is template" */
void builder_close_template(struct builder *builder)
{
	if (!builder->opened[ELEMENT_template])
		return;
	while (!builder_current_is(builder, ELEMENT_template))
		builder_pop(builder);
	builder_pop(builder);
	formatting_clear(builder);
	builder_reset_mode(builder);
}

static bool ends_as_block(enum element element)
{
	switch (element) {
	case ELEMENT_applet:
	case ELEMENT_button:
	case ELEMENT_marquee:
	case ELEMENT_object:
	case ELEMENT_select:
		return true;
	case ELEMENT_hr:
	case ELEMENT_plaintext:
	case ELEMENT_xmp:
		return false;
	default:
		return element_is(element, ELEMENT_CLOSES_P);
	}
}

void builder_close_in_body(struct builder *builder, enum element element, uint32_t hash)
{
	switch (element) {
	case ELEMENT_html:
	case ELEMENT_body:
	case ELEMENT_head:
		return; /* what follows them belongs to the body all the same */
	case ELEMENT_template:
		builder_close_template(builder);
		return;
	case ELEMENT_br:
		builder->token.count = 0;
		builder_open_in_body(builder);
		return;
	case ELEMENT_form:
		close_form(builder);
		return;
	case ELEMENT_li:
		close_block(builder, element, element, ELEMENT_ol, ELEMENT_ul);
		return;
	case ELEMENT_dd:
	case ELEMENT_dt:
		close_block(builder, element, element, ELEMENT_TEXT, ELEMENT_TEXT);
		return;
	case ELEMENT_p:
		if (!builder_in_scope(builder, element, ELEMENT_button, ELEMENT_TEXT))
			builder_insert_named(builder, element);
		close_block(builder, element, element, ELEMENT_button, ELEMENT_TEXT);
		return;
	default:
		break;
	}
	if (element_is(element, ELEMENT_HEADING))
		close_heading(builder);
	else if (ends_as_block(element))
		close_block(builder, element, ELEMENT_TEXT, ELEMENT_TEXT, ELEMENT_TEXT);
	else if (!element_is(element, ELEMENT_FORMATTING) || !formatting_end(builder, element))
		builder_close_any(builder, element, hash);
}

/* Before the body. True: done. */
static bool close_in_head(struct builder *builder, enum element element)
{
	if (builder->mode == MODE_HEAD_NOSCRIPT && (element == ELEMENT_noscript || element == ELEMENT_br)) {
		builder_pop(builder);
		builder->mode = MODE_HEAD;
		return element == ELEMENT_noscript;
	}
	if (builder->mode == MODE_HEAD_NOSCRIPT)
		return true;
	if (element == ELEMENT_template) {
		builder_close_template(builder);
	} else if (element == ELEMENT_head && builder->mode != MODE_AFTER_HEAD) {
		while (builder->depth > 1)
			builder_pop(builder);
		builder->head_done = true;
		builder->mode = MODE_AFTER_HEAD;
	} else if (element == ELEMENT_body || element == ELEMENT_html || element == ELEMENT_br) {
		builder_begin_body(builder);
		return false;
	}
	return true;
}

static bool close_by_mode(struct builder *builder, enum element element, uint32_t hash)
{
	switch (builder->mode) {
	case MODE_TABLE:
		return table_close(builder, element, hash);
	case MODE_CAPTION:
		return caption_close(builder, element, hash);
	case MODE_COLGROUP:
		return colgroup_close(builder, element, hash);
	case MODE_TABLE_BODY:
		return table_body_close(builder, element, hash);
	case MODE_ROW:
		return row_close(builder, element, hash);
	case MODE_CELL:
		return cell_close(builder, element, hash);
	case MODE_TEMPLATE:
		return true;
	case MODE_BODY:
		builder_close_in_body(builder, element, hash);
		return true;
	default:
		return close_in_head(builder, element);
	}
}

void builder_close(struct builder *builder, enum element element, uint32_t hash)
{
	if (builder->beyond && !element_is(element, ELEMENT_IMPLIED | ELEMENT_VOID)) {
		builder->beyond--;
		return;
	}
	if (foreign_close(builder, element, hash))
		return;
	if (element == ELEMENT_template) {
		builder_close_template(builder);
		return;
	}
	while (!close_by_mode(builder, element, hash))
		;
}
