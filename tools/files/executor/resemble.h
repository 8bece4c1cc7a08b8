/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_RESEMBLE_H
#define SALLYPORT_TOOLS_FILES_RESEMBLE_H

/*
 * Where a text that is not in a file would nearly be, and what differs, in words: for whoever looked for it
 * and must find out why it is not there. First without regard to spaces, blank lines, case and typography;
 * then by the lines that are there; then by the line that has most in common with its longest one. Pure, in
 * steps; needs about as much memory again as the file has bytes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "tools/files/executor/text.h"

/* Characters in one spelling: no spaces nor blank lines, plain quotes and dashes, small letters. */
struct resemble_fold {
	size_t at;     /* in what is folded */
	uint64_t line; /* LFs before that */
	bool begun;    /* this line has something in it */
	bool pending;  /* a line end is due before the next character */
	bool vague;    /* the wanted text has U+FFFD: what is not ASCII is all the same */
};

struct resemble_search; /* resemble.c */

struct resemble {
	const struct text *text; /* of the file; borrowed, as the following */
	const uint8_t *bytes;    /* the file, without its byte-order mark; line ends as they are, or LF */
	size_t length;
	const char *wanted; /* UTF-8 */
	size_t wanted_length;
	struct resemble_fold fold;
	struct resemble_search *search;

	/* once resemble_step() has returned 0: */
	bool found;
	bool whole;          /* it is there but for spaces, blank lines, case and typography */
	size_t begin, end;   /* offsets of the place */
	uint64_t first_line; /* number of the line that it begins in, from 1 */
};

/* 0 or -ENOMEM (then there is nothing to end). */
int resemble_begin(struct resemble *resemble, const struct text *text, const uint8_t *bytes, size_t length,
		   const char *wanted, size_t wanted_length);
/* 1 while there is more to look through, 0 when it is known, or -ENOMEM. */
int resemble_step(struct resemble *resemble);
void resemble_end(struct resemble *resemble);

/*
 * Appends the place with line numbers and what differs, as lines without a line end behind the last; `name`
 * is what the wanted text is called ("`old`"). Nothing unless found. About 2 KB at most. 0, or as
 * buffer_append.
 */
int resemble_tell(const struct resemble *resemble, const char *name, struct buffer *out);

/* How one line of a file differs from one that was wanted, both UTF-8, as one clause; "" when they are equal.
 * A wanted line may be `part` of the file's: then what the file has behind it does not count. */
void resemble_line(const char *file, size_t file_length, const char *wanted, size_t wanted_length, bool part,
		   const char *name, char *words, size_t size);

/* The character that stands for `character` when spelling does not count: 0 for what is left out. "…" is left
 * to the caller. */
uint32_t resemble_plain(uint32_t character);
/* A space of any kind (not LF); one that takes no room. */
bool resemble_space(uint32_t character);
bool resemble_invisible(uint32_t character);

#endif
