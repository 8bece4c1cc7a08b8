/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_SEARCH_LINES_H
#define SALLYPORT_TOOLS_FILES_SEARCH_LINES_H

/*
 * Looks through one file after another and writes what matches into a sheet, as grep -n would print it:
 * "path:line:text", lines around a match "path-line-text". One a thread.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/files/search/pattern.h"
#include "tools/files/search/sheet.h"
#include "tools/files/search/source.h"

enum lines_mode { LINES_CONTENT, LINES_FILES, LINES_COUNT, LINES_MODES };

struct lines_facts {
	uint64_t files;      /* looked through */
	uint64_t binary;     /* left out, since they are no text */
	uint64_t unreadable; /* could not be opened or read */
	uint64_t pieces;     /* looked through in pieces: a line or a text longer than may be held */
	uint64_t holes;      /* had holes that were passed over */
	uint64_t overruns;   /* lines that were too much for the expression */
};

struct lines {
	struct matcher matcher;
	struct source source;
	struct sheet sheet;
	struct lines_facts facts;
	enum lines_mode mode;
	unsigned context;
	const atomic_bool *stop; /* asked between lines that match, and between windows */
	/* Called when the sheet has LIMIT_SEARCH_SHEET_BYTES: empties it. False: stop. */
	bool (*full)(struct lines *lines);

	/* the file at hand */
	const char *path; /* as it is shown */
	size_t path_length;
	size_t from;    /* where matching goes on in the window */
	size_t shown;   /* lines before it were shown, or are not to be */
	bool any, gap;  /* something was shown; something before `shown` was not */
	unsigned after; /* lines behind a match that are still to be shown */
	bool inside;    /* of a line shown in part: the rest of it is passed over */
	uint64_t line;  /* newlines before `counted` */
	size_t counted;
	uint64_t matches; /* in this file */
};

/* 0 or -ENOMEM. */
int lines_init(struct lines *lines, const struct pattern *pattern, enum lines_mode mode, unsigned context,
	       const atomic_bool *stop);
void lines_deinit(struct lines *lines);
/* Looks through `fd`, which stays the caller's. */
void lines_search(struct lines *lines, int fd, const char *path, size_t path_length);

#endif
