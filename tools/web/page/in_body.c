/* SPDX-License-Identifier: Apache-2.0 */
/* Start tags in the body: WHATWG HTML 13.2.6.4.7. */
#include "tools/web/page/builder.h"

static void close_p(struct builder *builder)
{
	if (builder_in_scope(builder, ELEMENT_p, ELEMENT_button, ELEMENT_TEXT))
		builder_pop_through(builder, ELEMENT_p);
}

/* Ends the open item (li, dd, dt) that a new one follows. */
static void close_item(struct builder *builder, enum element one, enum element other)
{
	for (unsigned i = builder->depth; i-- > 2;) {
		const struct node *node = builder->open[i];

		if (node_is_html(node, one) || node_is_html(node, other)) {
			builder_imply_ends(builder, node->element);
			builder_pop_through(builder, node->element);
			return;
		}
		if (node_is_special(node) && !node_is_html(node, ELEMENT_address) &&
		    !node_is_html(node, ELEMENT_div) && !node_is_html(node, ELEMENT_p))
			return;
	}
}

static bool in_scope(const struct builder *builder, enum element element)
{
	return builder_in_scope(builder, element, ELEMENT_TEXT, ELEMENT_TEXT);
}

static void close_option(struct builder *builder, enum element element)
{
	if (in_scope(builder, ELEMENT_select))
		builder_imply_ends(builder, element == ELEMENT_option ? ELEMENT_optgroup : ELEMENT_TEXT);
	else if (builder_current_is(builder, ELEMENT_option))
		builder_pop(builder);
}

/* Before the element is made: what it ends. False: it is not to be made. */
static bool end_others(struct builder *builder, enum element element)
{
	if (element_is(element, ELEMENT_CLOSES_P) && element != ELEMENT_li && element != ELEMENT_dd &&
	    element != ELEMENT_dt)
		close_p(builder);
	if (element_is(element, ELEMENT_HEADING) && !(builder_current(builder)->marks & NODE_FOREIGN) &&
	    element_is(builder_current(builder)->element, ELEMENT_HEADING))
		builder_pop(builder);
	switch (element) {
	case ELEMENT_li:
		close_item(builder, ELEMENT_li, ELEMENT_li);
		close_p(builder);
		break;
	case ELEMENT_dd:
	case ELEMENT_dt:
		close_item(builder, ELEMENT_dd, ELEMENT_dt);
		close_p(builder);
		break;
	case ELEMENT_a:
		formatting_end_last(builder, element);
		break;
	case ELEMENT_nobr:
		formatting_reconstruct(builder);
		if (in_scope(builder, element) && !formatting_end(builder, element))
			builder_close_any(builder, element, 0);
		break;
	case ELEMENT_button:
		if (in_scope(builder, element)) {
			builder_imply_ends(builder, ELEMENT_TEXT);
			builder_pop_through(builder, element);
		}
		break;
	case ELEMENT_table:
		if (!builder->quirks)
			close_p(builder);
		break;
	case ELEMENT_input:
	case ELEMENT_select:
		if (!in_scope(builder, ELEMENT_select))
			break;
		builder_pop_through(builder, ELEMENT_select);
		return element == ELEMENT_input;
	case ELEMENT_hr:
		if (in_scope(builder, ELEMENT_select))
			builder_imply_ends(builder, ELEMENT_TEXT);
		break;
	case ELEMENT_option:
	case ELEMENT_optgroup:
		close_option(builder, element);
		break;
	case ELEMENT_rb:
	case ELEMENT_rtc:
		if (in_scope(builder, ELEMENT_ruby))
			builder_imply_ends(builder, ELEMENT_TEXT);
		break;
	case ELEMENT_rp:
	case ELEMENT_rt:
		if (in_scope(builder, ELEMENT_ruby))
			builder_imply_ends(builder, ELEMENT_rtc);
		break;
	default:
		break;
	}
	return true;
}

/* Whether formatting that misnesting interrupted goes on before the element. */
static bool takes_formatting(enum element element)
{
	switch (element) {
	case ELEMENT_xmp:
		return true;
	case ELEMENT_form:
	case ELEMENT_iframe:
	case ELEMENT_noembed:
	case ELEMENT_param:
	case ELEMENT_rb:
	case ELEMENT_rp:
	case ELEMENT_rt:
	case ELEMENT_rtc:
	case ELEMENT_source:
	case ELEMENT_table:
	case ELEMENT_textarea:
	case ELEMENT_track:
		return false;
	default:
		return !element_is(element, ELEMENT_CLOSES_P);
	}
}

static void open_foreign_root(struct builder *builder)
{
	unsigned marks = NODE_FOREIGN | (builder->token.element == ELEMENT_math ? NODE_MATH : 0);

	formatting_reconstruct(builder);
	builder_insert_foreign(builder, &builder->token, marks);
}

static void open_form(struct builder *builder)
{
	bool in_template = builder->opened[ELEMENT_template] > 0;
	struct node *form;

	if (builder->form && !in_template)
		return;
	close_p(builder);
	form = builder_insert(builder, &builder->token);
	if (!in_template)
		builder->form = form;
}

bool builder_open_in_body(struct builder *builder)
{
	struct token *token = &builder->token;
	struct node *node;

	if (token->element == ELEMENT_image)
		token->element = ELEMENT_img;
	switch (token->element) {
	case ELEMENT_body:
		if (!builder->opened[ELEMENT_template])
			builder_merge(builder, builder->tree->body);
		return true;
	case ELEMENT_svg:
	case ELEMENT_math:
		open_foreign_root(builder);
		return true;
	case ELEMENT_form:
		open_form(builder);
		return true;
	case ELEMENT_head:
		return true;
	default:
		break;
	}
	/* parts of tables mean nothing without one */
	if (element_is(token->element, ELEMENT_TABLE_PART) || builder_open_in_head(builder))
		return true;
	if (!end_others(builder, token->element))
		return true;
	if (takes_formatting(token->element))
		formatting_reconstruct(builder);
	node = builder_insert(builder, token);
	if (node && element_is(token->element, ELEMENT_FORMATTING))
		formatting_push(builder, node);
	if (node && token->element == ELEMENT_table)
		builder->mode = MODE_TABLE;
	return true;
}
