/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_FIT_H
#define SALLYPORT_TOOLS_FILES_FIT_H

/*
 * The hunks of a patch on the bytes of a file. What no hunk says stays byte for byte: encoding, byte-order
 * mark, line ends, and whether the last line has one. Pure.
 *
 * A hunk fits where its old lines stand, all of them, one behind the other. CR at the end of lines is let
 * pass where one side has none, and new lines then get the line ends of the file; so is a last line without
 * an end, which the new last line then has not either. Nothing else is let pass. A hunk that does not fit at
 * its line is taken elsewhere only if there is one single such place behind the hunk before it. One of `***
 * Begin Patch` must have one single place too, unless `@@` names a line: then the first behind that.
 */

#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "tools/files/executor/patch.h"
#include "tools/files/executor/refusal.h"

struct fit_notes {
	uint64_t added, removed; /* lines */
	uint32_t moved;          /* hunks that were not at their line */
	int64_t offset;          /* of the last such: lines further down (or up, below 0) */
};

/*
 * Appends the new content of `file` to `out`. `path` is for words, as are the numbers of hunks in the
 * refusal. 0, or a refusal (ESTALE where the file is not as the patch has it).
 */
int fit_apply(const struct patch *patch, const struct patch_file *file, const char *path,
	      const uint8_t *bytes, size_t length, struct buffer *out, struct fit_notes *notes,
	      struct refusal *refusal);

#endif
