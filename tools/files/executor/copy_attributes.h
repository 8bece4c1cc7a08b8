/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_COPY_ATTRIBUTES_H
#define SALLYPORT_TOOLS_FILES_COPY_ATTRIBUTES_H

/*
 * What a copy keeps of a file or directory beside its content: mode, times, extended attributes and access
 * lists. Not kept: set-uid and set-gid of files, and what the kernel's security modules attach, since a copy
 * is another's file than what those were given to; the owner, unless asked for.
 */

#include <stdbool.h>
#include <sys/stat.h>

/* `status` is that of `from`; both are open for reading or writing. `owner`: it is to stay who it was, where
 * that may be. *lost is set (never cleared) when an attribute could not be kept. 0 or -errno. */
int copy_attributes(int from, int to, const struct stat *status, bool owner, bool *lost);

#endif
