/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables. What holds data becomes a table of GFM; what only arranges the page becomes its content, row by
 * row. A cell over several rows is told in each of them if it is short, one over several columns in the
 * first.
 */
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/web/page/writer.h"

#define REPEATED_BYTES 80 /* the longest cell that is told again in each row it spans */
#define PADDED_COLUMNS 16 /* rows of a wider table end with their last cell, as GFM allows */
#define LONG_BLOCKS    3  /* paragraphs in a cell that make it part of a layout */

struct column { /* a cell that reaches down from above */
	long rows;
	char text[REPEATED_BYTES];
	size_t length;
};

struct grid {
	struct column columns[LIMIT_PAGE_COLUMNS];
	unsigned count; /* columns that cells begin in */
	unsigned at;    /* the next cell's */
};

static bool is_shown(const struct writer *writer, const struct node *node)
{
	return writer->all || !(node->marks & (NODE_HIDDEN | NODE_LEFT_OUT | NODE_DONE));
}

static bool is_cell(const struct node *node)
{
	return node->element == ELEMENT_td || node->element == ELEMENT_th;
}

/* The rows of a table, whatever they are in; not those of tables within. NULL begins. */
static const struct node *next_row(const struct writer *writer, const struct node *table,
				   const struct node *row)
{
	const struct node *node = row ? row->next : table->first,
			  *part = row && row->parent != table ? row->parent : NULL;

	for (;;) {
		while (!node && part) {
			node = part->next;
			part = NULL;
		}
		if (!node)
			return NULL;
		if (node->element == ELEMENT_tr && is_shown(writer, node))
			return node;
		if (!part && (node->element == ELEMENT_tbody || node->element == ELEMENT_thead ||
			      node->element == ELEMENT_tfoot)) {
			part = node;
			node = part->first;
			continue;
		}
		node = node->next;
	}
}

static const struct node *next_cell(const struct writer *writer, const struct node *row,
				    const struct node *cell)
{
	const struct node *node = cell ? cell->next : row->first;

	while (node && (!is_cell(node) || !is_shown(writer, node)))
		node = node->next;
	return node;
}

static long span_of(const struct node *cell, enum attribute_name name)
{
	long span = slice_number(node_attribute(cell, name), 1);

	if (span == 0 && name == ATTRIBUTE_rowspan)
		return LIMIT_PAGE_DEPTH; /* to the end */
	return span < 1 ? 1 : span;
}

/* Past columns that a cell from above takes. */
static bool is_taken(const struct grid *grid)
{
	return grid->at < LIMIT_PAGE_COLUMNS && grid->columns[grid->at].rows > 0;
}

/* The cell takes its columns, and in them the rows below. */
static void take(struct grid *grid, const struct node *cell, const char *text, size_t length)
{
	long columns = span_of(cell, ATTRIBUTE_colspan), rows = span_of(cell, ATTRIBUTE_rowspan);

	for (long i = 0; i < columns && grid->at < LIMIT_PAGE_COLUMNS; i++, grid->at++) {
		struct column *column = &grid->columns[grid->at];

		column->rows = rows - 1;
		column->length = i == 0 && length <= sizeof column->text ? length : 0;
		if (column->length)
			memcpy(column->text, text, column->length);
	}
}

static void end_row(struct grid *grid)
{
	grid->at = 0;
}

/* How many columns there are. False: too many. */
static bool measure(const struct writer *writer, const struct node *table, struct grid *grid)
{
	for (const struct node *row = next_row(writer, table, NULL); row;
	     row = next_row(writer, table, row)) {
		for (const struct node *cell = next_cell(writer, row, NULL); cell;
		     cell = next_cell(writer, row, cell)) {
			while (is_taken(grid))
				grid->columns[grid->at++].rows--;
			if (grid->at >= LIMIT_PAGE_COLUMNS)
				return false;
			if (grid->at >= grid->count)
				grid->count = grid->at + 1;
			take(grid, cell, "", 0);
		}
		while (grid->at < LIMIT_PAGE_COLUMNS) {
			if (is_taken(grid))
				grid->columns[grid->at].rows--;
			grid->at++;
		}
		end_row(grid);
	}
	memset(grid->columns, 0, sizeof grid->columns);
	return true;
}

static bool is_large(const struct node *cell)
{
	unsigned blocks = 0;

	for (const struct node *child = cell->first; child; child = child->next)
		if (element_is(child->element, ELEMENT_BLOCK) && ++blocks == LONG_BLOCKS)
			return true;
	return false;
}

/* More than a text and a paragraph around it. */
static bool is_arranged(const struct node *cell)
{
	for (const struct node *child = cell->first; child; child = child->next)
		if ((child->marks & NODE_HAS_BLOCK) || child->element == ELEMENT_pre ||
		    child->element == ELEMENT_blockquote)
			return true;
	return false;
}

/* Whether it only arranges the page. */
static bool is_layout(const struct writer *writer, const struct node *table, const struct grid *grid)
{
	struct slice role = node_attribute(table, ATTRIBUTE_role);
	bool headers = false, large = false, blocks = false;
	unsigned rows = 0, cells = 0, tables = 0;

	if (slice_is(role, "presentation") || slice_is(role, "none") || grid->count < 2)
		return true;
	for (const struct node *row = next_row(writer, table, NULL); row;
	     row = next_row(writer, table, row)) {
		rows++;
		for (const struct node *cell = next_cell(writer, row, NULL); cell;
		     cell = next_cell(writer, row, cell)) {
			cells++;
			tables += (cell->marks & NODE_HAS_TABLE) != 0;
			headers |= cell->element == ELEMENT_th;
			blocks |= is_arranged(cell);
			large |= (cell->marks & NODE_HAS_BLOCK) && is_large(cell);
		}
	}
	/* a table within is flattened if it is the exception */
	if (tables && (!headers || tables * 8 > cells))
		return true;
	return !headers && (rows < 2 || (rows < 3 && blocks) || large ||
			    (table->marks & (NODE_HAS_HEADING | NODE_HAS_PRE)));
}

static void write_layout(struct writer *writer, const struct node *table)
{
	bool code = table_is_code(table);

	for (const struct node *child = table->first; child; child = child->next)
		if (child->element == ELEMENT_caption)
			write_node(writer, child);
	for (const struct node *row = next_row(writer, table, NULL); row && writer_goes_on(writer);
	     row = next_row(writer, table, row)) {
		for (const struct node *cell = next_cell(writer, row, NULL); cell;
		     cell = next_cell(writer, row, cell)) {
			char text[32];

			/* a column of line numbers */
			if (code && node_line(cell, text, sizeof text) == strspn(text, "0123456789 "))
				continue;
			if (cell->marks & NODE_HAS_BLOCK)
				writer_end_block(writer);
			write_children(writer, cell);
			if (cell->marks & NODE_HAS_BLOCK)
				writer_end_block(writer);
			writer->run.space = true;
		}
		writer_end_block(writer);
	}
}

/* The run's text as a cell. */
static void put_cell(struct writer *writer, const char *text, size_t length)
{
	if (writer->plain) {
		writer_put(writer, text, length);
		return;
	}
	writer_put_text(writer, length ? " " : "  ");
	writer_put(writer, text, length);
	writer_put_text(writer, length ? " |" : "|");
}

static void put_columns_from_above(struct writer *writer, struct grid *grid)
{
	while (is_taken(grid)) {
		struct column *column = &grid->columns[grid->at++];

		if (grid->at > 1 && writer->plain)
			writer_put_text(writer, "\t");
		put_cell(writer, column->text, column->length);
		column->rows--;
	}
}

static void write_row(struct writer *writer, const struct node *row, struct grid *grid, bool header)
{
	struct run *run = &writer->run;

	if (!writer->plain)
		writer_put_text(writer, "|");
	for (const struct node *cell = next_cell(writer, row, NULL); cell;
	     cell = next_cell(writer, row, cell)) {
		unsigned at;

		put_columns_from_above(writer, grid);
		if (grid->at >= LIMIT_PAGE_COLUMNS)
			break;
		run->mode = RUN_CELL;
		run->header = header;
		write_children(writer, cell);
		run_finish(writer);
		run->mode = RUN_BLOCKS;
		run->header = false;
		if (grid->at && writer->plain)
			writer_put_text(writer, "\t");
		put_cell(writer, buffer_data(&run->text), buffer_length(&run->text));
		at = grid->at + 1;
		take(grid, cell, buffer_data(&run->text), buffer_length(&run->text));
		for (; !writer->plain && at < grid->at && at < grid->count; at++)
			put_cell(writer, "", 0);
		run_clear(writer);
	}
	put_columns_from_above(writer, grid);
	for (; grid->at < grid->count; grid->at++) {
		if (is_taken(grid))
			grid->columns[grid->at].rows--;
		if (!writer->plain && grid->count <= PADDED_COLUMNS)
			put_cell(writer, "", 0);
	}
	end_row(grid);
}

static bool is_strong(const struct node *cell)
{
	const struct node *first = node_first_element(cell);

	if (first && first->element == ELEMENT_p && !node_next_element(first))
		first = node_first_element(first);
	return first && (first->element == ELEMENT_b || first->element == ELEMENT_strong) &&
	       !node_next_element(first);
}

/* Whether the first row names the columns. */
static bool is_header(const struct writer *writer, const struct node *row)
{
	unsigned cells = 0, headers = 0, strong = 0;

	for (const struct node *cell = next_cell(writer, row, NULL); cell;
	     cell = next_cell(writer, row, cell)) {
		cells++;
		headers += cell->element == ELEMENT_th;
		strong += is_strong(cell);
	}
	return cells && (row->parent->element == ELEMENT_thead || headers == cells || headers > 1 ||
			 (strong == cells && cells > 1));
}

static void put_delimiters(struct writer *writer, unsigned count)
{
	writer_new_line(writer);
	writer_put_text(writer, "|");
	for (unsigned i = 0; i < count; i++)
		writer_put_text(writer, " --- |");
}

static void write_data(struct writer *writer, const struct node *table, struct grid *grid)
{
	bool begun = false;

	for (const struct node *child = table->first; child; child = child->next)
		if (child->element == ELEMENT_caption)
			write_node(writer, child);
	for (const struct node *row = next_row(writer, table, NULL); row && writer_goes_on(writer);
	     row = next_row(writer, table, row)) {
		if (!(row->marks & NODE_HAS_TEXT)) { /* nothing to see, but what reaches down goes on */
			for (unsigned i = 0; i < grid->count; i++)
				grid->columns[i].rows -= grid->columns[i].rows > 0;
			continue;
		}
		if (begun) {
			writer_new_line(writer);
			write_row(writer, row, grid, false);
			continue;
		}
		begun = true;
		writer_begin(writer);
		if (writer->plain || is_header(writer, row)) {
			write_row(writer, row, grid, true);
			if (!writer->plain)
				put_delimiters(writer, grid->count);
			continue;
		}
		writer_put_text(writer, "|");
		for (unsigned i = 0; i < grid->count; i++)
			put_cell(writer, "", 0);
		put_delimiters(writer, grid->count);
		writer_new_line(writer);
		write_row(writer, row, grid, false);
	}
}

void write_table(struct writer *writer, const struct node *table)
{
	_cleanup_free_ struct grid *grid = NULL;

	writer_end_block(writer);
	if (table_is_code(table) && !(table->marks & NODE_HAS_PRE)) {
		write_code(writer, table);
		return;
	}
	if (writer->run.mode != RUN_BLOCKS || table_is_code(table)) {
		write_layout(writer, table);
		writer_end_block(writer);
		return;
	}
	grid = calloc(1, sizeof *grid);
	if (!grid)
		return;
	if (!measure(writer, table, grid) || is_layout(writer, table, grid))
		write_layout(writer, table);
	else
		write_data(writer, table, grid);
	writer_end_block(writer);
}
