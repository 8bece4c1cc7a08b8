/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_FIND_H
#define SALLYPORT_TOOLS_FILES_FIND_H

/* find_files as an operation that any program with the loop can hold. */

#include "tools/files/executor/job.h"

extern const struct operation find_operation;

/* Releases what files->unfinished keeps. */
void find_forget(struct files *files);

#endif
