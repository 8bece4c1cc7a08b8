/* SPDX-License-Identifier: Apache-2.0 */
/* Tags in tables: WHATWG HTML 13.2.6.4.9 to 13.2.6.4.15. */
#include "tools/web/page/builder.h"

static bool is_section(const struct node *node)
{
	return node_in_table(node) && node->element != ELEMENT_table && node->element != ELEMENT_tr;
}

/* "clear the stack back to a table (table body, table row) context" */
static void clear_to_table(struct builder *builder)
{
	while (builder->depth > 2 && !builder_current_is(builder, ELEMENT_table) &&
	       !builder_current_is(builder, ELEMENT_template))
		builder_pop(builder);
}

static void clear_to_section(struct builder *builder)
{
	while (builder->depth > 2 && !is_section(builder_current(builder)) &&
	       !builder_current_is(builder, ELEMENT_template))
		builder_pop(builder);
}

static void clear_to_row(struct builder *builder)
{
	while (builder->depth > 2 && !builder_current_is(builder, ELEMENT_tr) &&
	       !builder_current_is(builder, ELEMENT_template))
		builder_pop(builder);
}

/* The element, and the mode for what is in it. False: there was no room for it. */
static bool insert(struct builder *builder, enum element element, enum mode mode)
{
	bool named = element != builder->token.element;

	if (!(named ? builder_insert_named(builder, element) : builder_insert(builder, &builder->token)))
		return false;
	builder->mode = mode;
	return true;
}

static bool end_table(struct builder *builder)
{
	if (!builder_in_table_scope(builder, ELEMENT_table))
		return false;
	builder_pop_through(builder, ELEMENT_table);
	builder_reset_mode(builder);
	return true;
}

static bool has_section(const struct builder *builder)
{
	return builder_in_table_scope(builder, ELEMENT_tbody) ||
	       builder_in_table_scope(builder, ELEMENT_thead) ||
	       builder_in_table_scope(builder, ELEMENT_tfoot);
}

static void end_section(struct builder *builder)
{
	clear_to_section(builder);
	builder_pop(builder);
	builder->mode = MODE_TABLE;
}

static bool end_row(struct builder *builder)
{
	if (!builder_in_table_scope(builder, ELEMENT_tr))
		return false;
	clear_to_row(builder);
	builder_pop(builder);
	builder->mode = MODE_TABLE_BODY;
	return true;
}

static bool end_caption(struct builder *builder)
{
	if (!builder_in_table_scope(builder, ELEMENT_caption))
		return false;
	builder_imply_ends(builder, ELEMENT_TEXT);
	builder_pop_through(builder, ELEMENT_caption);
	formatting_clear(builder);
	builder->mode = MODE_TABLE;
	return true;
}

static bool end_cell(struct builder *builder)
{
	bool data = builder_in_table_scope(builder, ELEMENT_td);

	if (!data && !builder_in_table_scope(builder, ELEMENT_th))
		return false;
	builder_imply_ends(builder, ELEMENT_TEXT);
	builder_pop_through(builder, data ? ELEMENT_td : ELEMENT_th);
	formatting_clear(builder);
	builder->mode = MODE_ROW;
	return true;
}

static bool end_colgroup(struct builder *builder)
{
	if (!builder_current_is(builder, ELEMENT_colgroup))
		return false;
	builder_pop(builder);
	builder->mode = MODE_TABLE;
	return true;
}

/* What does not belong into a table goes before it. */
static void open_before_table(struct builder *builder)
{
	builder->foster = true;
	builder_open_in_body(builder);
	builder->foster = false;
}

static void open_form(struct builder *builder)
{
	if (builder->form || builder->opened[ELEMENT_template])
		return;
	builder->form = builder_insert(builder, &builder->token);
	if (builder->form)
		builder_pop(builder);
}

bool table_open(struct builder *builder)
{
	struct token *token = &builder->token;

	switch (token->element) {
	case ELEMENT_caption:
		clear_to_table(builder);
		insert(builder, ELEMENT_caption, MODE_CAPTION);
		return true;
	case ELEMENT_colgroup:
		clear_to_table(builder);
		insert(builder, ELEMENT_colgroup, MODE_COLGROUP);
		return true;
	case ELEMENT_col:
		clear_to_table(builder);
		return !insert(builder, ELEMENT_colgroup, MODE_COLGROUP);
	case ELEMENT_tbody:
	case ELEMENT_tfoot:
	case ELEMENT_thead:
		clear_to_table(builder);
		insert(builder, token->element, MODE_TABLE_BODY);
		return true;
	case ELEMENT_td:
	case ELEMENT_th:
	case ELEMENT_tr:
		clear_to_table(builder);
		return !insert(builder, ELEMENT_tbody, MODE_TABLE_BODY);
	case ELEMENT_table:
		return !end_table(builder);
	case ELEMENT_style:
	case ELEMENT_script:
	case ELEMENT_template:
		return builder_open_in_head(builder);
	case ELEMENT_form:
		open_form(builder);
		return true;
	case ELEMENT_input:
		for (uint32_t i = 0; i < token->count; i++)
			if (token->attributes[i].name == ATTRIBUTE_type &&
			    slice_is((struct slice){token->attributes[i].value, token->attributes[i].length},
				     "hidden")) {
				builder_insert(builder, token);
				return true;
			}
		break;
	default:
		break;
	}
	open_before_table(builder);
	return true;
}

bool caption_open(struct builder *builder)
{
	if (element_is(builder->token.element, ELEMENT_TABLE_PART))
		return !end_caption(builder);
	return builder_open_in_body(builder);
}

bool colgroup_open(struct builder *builder)
{
	if (builder->token.element == ELEMENT_col) {
		builder_insert(builder, &builder->token);
		return true;
	}
	if (builder->token.element == ELEMENT_template)
		return builder_open_in_head(builder);
	return !end_colgroup(builder);
}

bool table_body_open(struct builder *builder)
{
	switch (builder->token.element) {
	case ELEMENT_tr:
		clear_to_section(builder);
		insert(builder, ELEMENT_tr, MODE_ROW);
		return true;
	case ELEMENT_td:
	case ELEMENT_th:
		clear_to_section(builder);
		return !insert(builder, ELEMENT_tr, MODE_ROW);
	case ELEMENT_caption:
	case ELEMENT_col:
	case ELEMENT_colgroup:
	case ELEMENT_tbody:
	case ELEMENT_tfoot:
	case ELEMENT_thead:
		if (!has_section(builder))
			return true;
		end_section(builder);
		return false;
	default:
		return table_open(builder);
	}
}

bool row_open(struct builder *builder)
{
	enum element element = builder->token.element;

	if (element == ELEMENT_td || element == ELEMENT_th) {
		clear_to_row(builder);
		insert(builder, element, MODE_CELL);
		return true;
	}
	if (element_is(element, ELEMENT_TABLE_PART))
		return !end_row(builder);
	return table_open(builder);
}

bool cell_open(struct builder *builder)
{
	if (element_is(builder->token.element, ELEMENT_TABLE_PART))
		return !end_cell(builder);
	return builder_open_in_body(builder);
}

/* End tags. */

static void close_before_table(struct builder *builder, enum element element, uint32_t hash)
{
	builder->foster = true;
	builder_close_in_body(builder, element, hash);
	builder->foster = false;
}

static bool is_outside(enum element element)
{
	return element == ELEMENT_body || element == ELEMENT_html;
}

bool table_close(struct builder *builder, enum element element, uint32_t hash)
{
	if (element == ELEMENT_table)
		end_table(builder);
	else if (!is_outside(element) && !element_is(element, ELEMENT_TABLE_PART))
		close_before_table(builder, element, hash);
	return true;
}

bool caption_close(struct builder *builder, enum element element, uint32_t hash)
{
	if (element == ELEMENT_table)
		return !end_caption(builder);
	if (element == ELEMENT_caption)
		end_caption(builder);
	else if (!is_outside(element) && !element_is(element, ELEMENT_TABLE_PART))
		builder_close_in_body(builder, element, hash);
	return true;
}

bool colgroup_close(struct builder *builder, enum element element, uint32_t hash)
{
	if (element == ELEMENT_colgroup) {
		end_colgroup(builder);
		return true;
	}
	return element == ELEMENT_col || !end_colgroup(builder);
}

bool table_body_close(struct builder *builder, enum element element, uint32_t hash)
{
	switch (element) {
	case ELEMENT_tbody:
	case ELEMENT_tfoot:
	case ELEMENT_thead:
		if (builder_in_table_scope(builder, element))
			end_section(builder);
		return true;
	case ELEMENT_table:
		if (!has_section(builder))
			return true;
		end_section(builder);
		return false;
	default:
		return table_close(builder, element, hash);
	}
}

bool row_close(struct builder *builder, enum element element, uint32_t hash)
{
	switch (element) {
	case ELEMENT_tr:
		end_row(builder);
		return true;
	case ELEMENT_table:
		return !end_row(builder);
	case ELEMENT_tbody:
	case ELEMENT_tfoot:
	case ELEMENT_thead:
		return !builder_in_table_scope(builder, element) || !end_row(builder);
	default:
		return table_close(builder, element, hash);
	}
}

bool cell_close(struct builder *builder, enum element element, uint32_t hash)
{
	switch (element) {
	case ELEMENT_td:
	case ELEMENT_th:
		if (!builder_in_table_scope(builder, element))
			return true;
		builder_imply_ends(builder, ELEMENT_TEXT);
		builder_pop_through(builder, element);
		formatting_clear(builder);
		builder->mode = MODE_ROW;
		return true;
	case ELEMENT_table:
	case ELEMENT_tbody:
	case ELEMENT_tfoot:
	case ELEMENT_thead:
	case ELEMENT_tr:
		return !builder_in_table_scope(builder, element) || !end_cell(builder);
	case ELEMENT_body:
	case ELEMENT_html:
	case ELEMENT_caption:
	case ELEMENT_col:
	case ELEMENT_colgroup:
		return true;
	default:
		builder_close_in_body(builder, element, hash);
		return true;
	}
}
