/* SPDX-License-Identifier: Apache-2.0 */
/* Start tags: WHATWG HTML 13.2.6.4 and 13.2.6.5. */
#include "tools/web/page/builder.h"

#include <string.h>

static void close_p(struct builder *builder)
{
	if (builder_in_scope(builder, ELEMENT_p, ELEMENT_button, ELEMENT_TEXT))
		builder_pop_through(builder, ELEMENT_p);
}

/* html and body: what a second tag of theirs says is added to the first one. */
static void merge(struct builder *builder, struct node *node)
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

/* Where HTML is parsed as such inside of svg and math. */
static bool is_integration_point(const struct node *node)
{
	switch (node->element) {
	case ELEMENT_foreignobject:
	case ELEMENT_desc:
	case ELEMENT_title:
	case ELEMENT_mi:
	case ELEMENT_mo:
	case ELEMENT_mn:
	case ELEMENT_ms:
	case ELEMENT_mtext:
		return true;
	default:
		return false;
	}
}

/* In svg or math. False: the tag is HTML. */
static bool open_foreign(struct builder *builder)
{
	const struct token *token = &builder->token;

	if (!(builder_current(builder)->marks & NODE_FOREIGN) ||
	    is_integration_point(builder_current(builder)))
		return false;
	if (element_is(token->element, ELEMENT_BREAKS_OUT)) {
		while ((builder_current(builder)->marks & NODE_FOREIGN) &&
		       !is_integration_point(builder_current(builder)))
			builder_pop(builder);
		return false;
	}
	if (builder_insert(builder, token) && token->self_closing &&
	    !element_is(token->element, ELEMENT_VOID))
		builder_pop(builder);
	return true;
}

/* In <select>, which holds options only. True: nothing more is to be done. */
static bool open_in_select(struct builder *builder)
{
	enum element element = builder->token.element;

	if (!builder->opened[ELEMENT_select])
		return false;
	switch (element) {
	case ELEMENT_option:
	case ELEMENT_optgroup:
		if (builder_current_is(builder, ELEMENT_option))
			builder_pop(builder);
		if (element == ELEMENT_optgroup && builder_current_is(builder, ELEMENT_optgroup))
			builder_pop(builder);
		builder_insert(builder, &builder->token);
		return true;
	case ELEMENT_select:
		builder_pop_through(builder, ELEMENT_select);
		return true;
	case ELEMENT_input:
	case ELEMENT_textarea:
	case ELEMENT_table:
		builder_pop_through(builder, ELEMENT_select);
		return false;
	default:
		if (element_is(element, ELEMENT_TABLE_PART) && builder->opened[ELEMENT_table]) {
			builder_pop_through(builder, ELEMENT_select);
			return false;
		}
		return true;
	}
}

/* Pops to the part of the open table that may hold `element`. */
static void pop_to_table(struct builder *builder, enum element element)
{
	for (;;) {
		enum element current = builder_current(builder)->element;

		if (current == ELEMENT_table || current == ELEMENT_template)
			return;
		if ((element == ELEMENT_td || element == ELEMENT_th || element == ELEMENT_tr) &&
		    (current == ELEMENT_tbody || current == ELEMENT_thead || current == ELEMENT_tfoot))
			return;
		if ((element == ELEMENT_td || element == ELEMENT_th) && current == ELEMENT_tr)
			return;
		if (element == ELEMENT_col && current == ELEMENT_colgroup)
			return;
		builder_pop(builder);
	}
}

/* A part of a table; without a table it is nothing. */
static void open_table_part(struct builder *builder)
{
	enum element element = builder->token.element;
	unsigned i = builder->depth;

	while (i-- > 2)
		if (builder->open[i]->element == ELEMENT_table ||
		    builder->open[i]->element == ELEMENT_template)
			break;
	if (i < 2 || i >= builder->depth)
		return;
	pop_to_table(builder, element);
	if ((element == ELEMENT_td || element == ELEMENT_th) && !builder_current_is(builder, ELEMENT_tr) &&
	    !builder_current_is(builder, ELEMENT_template))
		builder_insert_named(builder, ELEMENT_tr);
	builder_insert(builder, &builder->token);
}

/* Ends the open item (li, dd, dt) that a new one follows. */
static void close_item(struct builder *builder, enum element one, enum element other)
{
	for (unsigned i = builder->depth; i-- > 2;) {
		enum element element = builder->open[i]->element;

		if (element == one || element == other) {
			builder_imply_ends(builder, element);
			builder_pop_through(builder, element);
			return;
		}
		if (element_is(element, ELEMENT_SPECIAL) && element != ELEMENT_address &&
		    element != ELEMENT_div && element != ELEMENT_p)
			return;
	}
}

/* Before the element is made: what it ends. */
static void end_others(struct builder *builder, enum element element)
{
	switch (element) {
	case ELEMENT_li:
		close_item(builder, ELEMENT_li, ELEMENT_li);
		break;
	case ELEMENT_dd:
	case ELEMENT_dt:
		close_item(builder, ELEMENT_dd, ELEMENT_dt);
		break;
	case ELEMENT_a:
	case ELEMENT_nobr:
		if (formatting_has(builder, element))
			formatting_end(builder, element);
		break;
	case ELEMENT_button:
		if (builder_in_scope(builder, ELEMENT_button, ELEMENT_TEXT, ELEMENT_TEXT)) {
			builder_imply_ends(builder, ELEMENT_TEXT);
			builder_pop_through(builder, ELEMENT_button);
		}
		break;
	case ELEMENT_option:
	case ELEMENT_optgroup:
		if (builder_current_is(builder, ELEMENT_option))
			builder_pop(builder);
		break;
	case ELEMENT_rb:
	case ELEMENT_rtc:
	case ELEMENT_rp:
	case ELEMENT_rt:
		if (builder->opened[ELEMENT_ruby])
			builder_imply_ends(builder, element == ELEMENT_rp || element == ELEMENT_rt
							    ? ELEMENT_rtc
							    : ELEMENT_TEXT);
		break;
	default:
		break;
	}
	if (element_is(element, ELEMENT_CLOSES_P))
		close_p(builder);
	if (element_is(element, ELEMENT_HEADING) &&
	    element_is(builder_current(builder)->element, ELEMENT_HEADING))
		builder_pop(builder);
}

static void open_in_body(struct builder *builder)
{
	struct token *token = &builder->token;
	struct node *node;

	if (token->element == ELEMENT_image)
		token->element = ELEMENT_img;
	end_others(builder, token->element);
	if (!element_is(token->element, ELEMENT_BLOCK | ELEMENT_HEAD) || token->element == ELEMENT_xmp ||
	    token->element == ELEMENT_plaintext)
		formatting_reconstruct(builder);
	node = builder_insert(builder, token);
	if (node && element_is(token->element, ELEMENT_FORMATTING))
		formatting_push(builder, node);
	if (node && token->self_closing && (node->element == ELEMENT_svg || node->element == ELEMENT_math))
		builder_pop(builder);
}

/* Before <body>, written or not. True: the tag belongs to the head. */
static bool open_in_head(struct builder *builder)
{
	enum element element = builder->token.element;

	if (builder->in_body || builder->opened[ELEMENT_template])
		return false;
	if (element == ELEMENT_head)
		return true;
	if (element_is(element, ELEMENT_HEAD)) {
		builder_insert(builder, &builder->token);
		return true;
	}
	builder_begin_body(builder);
	return false;
}

void builder_open(struct builder *builder)
{
	enum element element = builder->token.element;

	if (element == ELEMENT_html) {
		merge(builder, builder->tree->root);
		return;
	}
	if (open_in_head(builder))
		return;
	if (element == ELEMENT_body) {
		merge(builder, builder->tree->body);
		return;
	}
	if (element == ELEMENT_head || open_foreign(builder) || open_in_select(builder))
		return;
	if (element_is(element, ELEMENT_TABLE_PART)) {
		open_table_part(builder);
		return;
	}
	if (builder_current_is(builder, ELEMENT_colgroup) && element != ELEMENT_template)
		builder_pop(builder);
	if (!node_in_table(builder_current(builder))) {
		open_in_body(builder);
	} else if (element == ELEMENT_table) {
		builder_pop_through(builder, ELEMENT_table);
		open_in_body(builder);
	} else if (element == ELEMENT_script || element == ELEMENT_style || element == ELEMENT_template) {
		builder_insert(builder, &builder->token);
	} else if (element == ELEMENT_form) {
		if (builder_insert(builder, &builder->token))
			builder_pop(builder);
	} else {
		builder->foster = true;
		open_in_body(builder);
		builder->foster = false;
	}
}
