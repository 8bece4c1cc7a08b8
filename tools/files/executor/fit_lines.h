/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_FIT_LINES_H
#define SALLYPORT_TOOLS_FILES_FIT_LINES_H

/* Lines of a file and of a hunk, to be compared: what fit.c and fit_near.c share. */

#include "tools/files/executor/fit.h"
#include "tools/files/executor/text.h"

struct fit_line {
	size_t at;       /* in the bytes */
	uint32_t length; /* without CR and line end */
	uint32_t hash;   /* of that */
	uint8_t cr;      /* bytes of a CR before the line end */
	uint8_t end;     /* bytes of the line end behind that; 0: the last line has none */
};

/* A file, or the lines of a hunk in the file's encoding (each a line of its own bytes). */
struct fit_text {
	const uint8_t *bytes;
	struct fit_line *lines;
	size_t count;
};

struct fit {
	const struct patch *patch;
	const struct patch_file *file;
	const char *path;
	struct text text; /* of the file */
	struct fit_text have;
	uint64_t compared;   /* places looked at, of all hunks */
	size_t cursor;       /* lines before it are done */
	struct fit_text old; /* of the hunk at hand; parallel to it: */
	const struct patch_line **said;
	struct buffer encoded;
};

/* Do they say the same, but for a CR? */
bool fit_same(const struct fit_text *left, size_t at, const struct fit_text *right, size_t other);

/* Do all old lines of the hunk stand at line `at` of the file? */
bool fit_here(const struct fit *fit, size_t at);

/* "hunk 2 of `PATH` (line 14 of the patch)" in `to`, which is returned. */
const char *fit_hunk_name(const struct fit *fit, const struct patch_hunk *hunk, size_t number, char *to,
			  size_t size);

/* Where the hunk goes, when those before it were `delta` lines off: 0 and the line in *place, or a refusal.
 */
int fit_place(struct fit *fit, const struct patch_hunk *hunk, size_t number, int64_t delta, size_t *place,
	      struct refusal *refusal);

/* The refusal of a hunk that fits nowhere: where it nearly would, and what differs there. */
int fit_near(const struct fit *fit, const struct patch_hunk *hunk, size_t number, struct refusal *refusal);

#endif
