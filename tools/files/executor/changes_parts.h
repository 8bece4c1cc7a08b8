/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_CHANGES_PARTS_H
#define SALLYPORT_TOOLS_FILES_CHANGES_PARTS_H

/* Between changes.c and changes_journal.c. */

#include "tools/files/executor/changes.h"

/* The refusal of something that failed, about the first file. */
int changes_fail(const struct changes *changes, int result, struct refusal *refusal);
/* Adds what stands in changes->records from `from` on to the journal, if `result` is 0. 0 or a refusal. */
int changes_tell(struct changes *changes, size_t from, int result, struct refusal *refusal);
/* CHANGES_PREPARE and CHANGES_SEAL: CHANGES_AGAIN or a refusal. */
int changes_prepare(struct files *files, struct changes *changes, struct refusal *refusal);
int changes_seal(struct changes *changes, struct refusal *refusal);

#endif
