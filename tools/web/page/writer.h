/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_WRITER_H
#define SALLYPORT_TOOLS_WEB_PAGE_WRITER_H

/*
 * Tree -> Markdown or text: what the writer's files share. Two levels: a *run* gathers the text of one
 * paragraph, heading or cell with its emphasis, links and escapes (run.c); blocks put runs onto lines, behind
 * the prefix of quotes and lists (lines.c).
 */

#include "protocol/buffer.h"
#include "tools/web/page/address.h"
#include "tools/web/page/page.h"
#include "tools/web/page/tree.h"

#define WRITER_PREFIX_BYTES 128 /* quotes and lists nested deeper are not indented further */
#define WRITER_MARKS        8   /* open at once: strong, emphasis, strike, link */

/* What the end of a block within a run becomes. */
enum run_mode {
	RUN_BLOCKS,  /* the run ends there */
	RUN_HEADING, /* a space */
	RUN_CELL,    /* <br> */
};

struct run {
	size_t line;              /* where in `text` the last line begins */
	struct buffer text, code; /* code: of the code span that is open */
	enum run_mode mode;
	bool header;                              /* in a table's header, where all is strong */
	bool space;                               /* white space to write before the next character */
	unsigned breaks;                          /* line breaks, the same */
	bool code_space;                          /* white space within the code span */
	unsigned strong, emphasis, strike, coded; /* how many such elements it is in */
	char marks[WRITER_MARKS];                 /* written and not yet closed: 's', 'e', '_', 'd', '[' */
	unsigned depth;
	const struct node *link; /* the <a> that it is in */
	bool link_open;          /* its '[' is written */
	bool link_done;          /* it is closed: what else is in it is plain text */
	bool link_at_heading;    /* it has a heading in it, which is what becomes the link */
	bool link_at_text;       /* it has blocks: the first text becomes the link, not a picture before it */
};

struct note {           /* a footnote: notes.c */
	uint64_t id;    /* hash of what is referred to */
	uint32_t order; /* in the page */
	char label[24];
	bool defined;
};

struct writer {
	struct buffer *out;
	struct tree *tree;
	bool plain; /* PAGE_TEXT */
	bool all;   /* also what is hidden or left out */
	int result; /* sticky: -ENOMEM, or -EMSGSIZE at the end of `out` */
	bool late;  /* the time was up */
	uint64_t deadline;
	unsigned steps;
	struct address base, address; /* what links are resolved against; the last one that was */
	struct run run;

	char prefix[WRITER_PREFIX_BYTES]; /* before each line */
	size_t prefix_length;
	char first[WRITER_PREFIX_BYTES]; /* instead of the prefix before the next line: an item's marker */
	size_t first_length;
	bool has_first;
	size_t floor;    /* the shortest prefix since the last line: what stands on blank lines between */
	unsigned gap;    /* line ends due before the next block */
	unsigned blocks; /* written in this item or quote */
	size_t begin;    /* where in `out` the page begins */

	struct note *notes; /* sorted by id */
	size_t note_count;
	unsigned in_note;  /* definitions of footnotes that it is in */
	unsigned in_label; /* headings, summaries and terms, where buttons are text */
	unsigned items;    /* lists that it is in */
	unsigned lines;    /* elements that keep their line ends, without being code */
};

/* False: no more is to be written (no memory, no time, no room). */
bool writer_goes_on(struct writer *writer);

/* lines.c */
/* Begins a block: what is due of line ends and prefix. Raw bytes follow by writer_put(). */
void writer_begin(struct writer *writer);
void writer_put(struct writer *writer, const char *bytes, size_t length);
void writer_put_text(struct writer *writer, const char *text);
/* Bytes with line ends, each line behind its prefix. */
void writer_put_lines(struct writer *writer, const char *bytes, size_t length);
void writer_new_line(struct writer *writer);
/* Puts the run's text out as a block and empties the run. In a heading or cell: only a space or break is due.
 */
void writer_end_block(struct writer *writer);
struct writer_indent {
	size_t prefix_length, first_length;
	bool had_first, full;
	unsigned blocks;
	char first[WRITER_PREFIX_BYTES];
};
/* Within: `marker` before the first line, `prefix` before the next ones. */
void writer_indent(struct writer *writer, struct writer_indent *indent, const char *marker,
		   const char *prefix);
/* Returns whether anything was written in it. */
bool writer_unindent(struct writer *writer, const struct writer_indent *indent);

/* run.c, escape.c */
void run_text(struct writer *writer, struct slice text);   /* white space collapsed, escaped */
void run_literal(struct writer *writer, const char *text); /* as it is, like visible text */
void run_literal_slice(struct writer *writer, struct slice text);
void run_break(struct writer *writer);            /* <br> */
void run_begin(struct writer *writer, char next); /* what is due before a visible character */
void run_finish(struct writer *writer);           /* closes what is open */
void run_clear(struct writer *writer);
void run_enter_link(struct writer *writer, const struct node *link);
void run_leave_link(struct writer *writer);
void run_code_character(struct writer *writer, const char *bytes, size_t length); /* in a code span */
void run_flush_code(struct writer *writer);
static inline bool run_is_empty(const struct writer *writer)
{
	return !buffer_length(&writer->run.text) && !buffer_length(&writer->run.code);
}
/* escape.c: whether the character at `at` would be markup where it is to be written. */
bool escape_needed(const struct writer *writer, const char *at, const char *end);

/* character.c: the number of bytes of the well-formed, visible character at `at`, into *length, and what is
 * to be written: the slice. Empty: nothing; " ": white space. */
struct slice writer_character(const char *at, const char *end, size_t *taken);

/* blocks.c */
void write_node(struct writer *writer, const struct node *node);
void write_children(struct writer *writer, const struct node *node);
/* Text of a node in one line, for short things: at most `size` - 1 bytes, always ended by NUL. The length. */
size_t node_line(const struct node *node, char *to, size_t size);

/* inlines.c: false if the element is not for it. */
bool write_inline(struct writer *writer, const struct node *node);
/* media.c: the same */
bool write_media(struct writer *writer, const struct node *node);
void write_math(struct writer *writer, const struct node *node);
/* lists.c */
void write_list(struct writer *writer, const struct node *list);
void write_item(struct writer *writer, const struct node *item, const char *marker);
void write_definitions(struct writer *writer, const struct node *list);
/* tables.c */
void write_table(struct writer *writer, const struct node *table);
/* code.c */
void write_code(struct writer *writer, const struct node *pre);
bool table_is_code(const struct node *table);
/* language.c: the language that classes name, in lower case, or "". */
#define LANGUAGE_BYTES 24
void code_language(const struct node *node, char language[LANGUAGE_BYTES]);
/* notes.c: footnotes */
void notes_find(struct writer *writer);
/* The label if the link refers to a footnote, or if the node is one; NULL: it is none. */
const char *note_reference(const struct writer *writer, const struct node *link);
const char *note_definition(const struct writer *writer, const struct node *node);
/* Whether the link in a footnote leads back to where it is referred to. */
bool note_is_backlink(const struct writer *writer, const struct node *link);

#endif
