/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_SEARCH_SOURCE_H
#define SALLYPORT_TOOLS_FILES_SEARCH_SOURCE_H

/*
 * The text of one file, piece by piece in one buffer that serves file after file. Holes of sparse files are
 * passed over; UTF-16 with a byte-order mark comes as UTF-8; a byte-order mark is no text.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source {
	uint8_t *bytes; /* what is there: [0, length) */
	size_t length, room;
	int fd; /* borrowed */
	uint64_t position, size;
	bool sparse, eof, first;
	bool wide, big; /* UTF-16, its high byte first */
	bool holes;     /* some were passed over */
	uint8_t odd[4]; /* of UTF-16: the beginning of a character whose rest is still in the file */
	size_t odd_length;
};

/* 0 or -ENOMEM. */
int source_init(struct source *source);
void source_deinit(struct source *source);

/* Another file. 0; 1 when it is no regular file or is empty; or -errno. */
int source_open(struct source *source, int fd);
/* Reads until the buffer is full or the file ends (source->eof). 0 or -errno. */
int source_fill(struct source *source);
/* Room for twice as much. False: it has the most it may have, or there is no memory. */
bool source_grow(struct source *source);
/* Drops the first `count` bytes. */
void source_drop(struct source *source, size_t count);
/* After the first source_fill: are these bytes no text? */
bool source_is_binary(const struct source *source);

#endif
