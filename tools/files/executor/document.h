/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_DOCUMENT_H
#define SALLYPORT_TOOLS_FILES_DOCUMENT_H

/*
 * A text file while it is edited: its bytes as they are, but every line end one LF, so that what a model
 * wrote can be found whatever the file's line ends; which ones they were stands beside, and each comes back
 * as it was. Pure. Memory: the content, and a byte for each line where line ends are mixed.
 *
 * Which line end a new line gets: lines that the replacement leaves as they were (at its beginning and end)
 * keep theirs, others take that of the line they replace, or else of a neighbour.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/files/executor/text.h"

struct document {
	const struct text *text; /* of the file; borrowed */
	uint8_t mark[4];         /* the byte-order mark, text->mark bytes: not part of the content */
	uint8_t *bytes;          /* the content with LF alone */
	size_t length;
	uint8_t *ends; /* one for each LF of the content, 1: CRLF. NULL unless line ends are mixed */
	size_t lines;  /* LFs in the content; counted only where they are mixed */
};

/* Takes a file's bytes. 0 or -ENOMEM (then there is nothing to close). */
int document_open(struct document *document, const struct text *text, const uint8_t *bytes, size_t length);
/* The file's bytes as they are now, *bytes to be freed. 0 or -ENOMEM. */
int document_save(const struct document *document, uint8_t **bytes, size_t *length);
void document_close(struct document *document);

/* Something to look for or put in: what text_encode makes of it. */
struct document_part {
	const uint8_t *bytes;
	size_t length;
};

/*
 * The first place at or behind `from` where `part` (not empty) stands whole, looking at no more than `most`
 * positions: true with its offset in *at; false with *at where to go on (document->length: there is none).
 * Never in the middle of a code unit, nor, where the encoding is not known, where it may be half of a
 * character.
 */
bool document_find(const struct document *document, const struct document_part *part, size_t from,
		   size_t most, size_t *at);

/* The line in which `at` lies: its number from 1, with where it begins and ends (without its LF). */
uint64_t document_line(const struct document *document, size_t at, size_t *begin, size_t *end);

/* Puts `new` in place of `old` at each of `count` offsets, which ascend and do not overlap. 0 or -ENOMEM:
 * then nothing has changed. */
int document_replace(struct document *document, const size_t *places, size_t count,
		     const struct document_part *old, const struct document_part *new);

#endif
