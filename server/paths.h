/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_PATHS_H
#define SALLYPORT_SERVER_PATHS_H

/*
 * Paths that a person named, before the first byte from the host: in the command line and in the policy. The
 * paths a model names are never resolved in this process.
 */

#include <stdbool.h>

#include "protocol/error.h"

/*
 * `text` with ~ for `home` (may be NULL: then ~ is an error), made canonical as far as it exists: links
 * resolved, no "." or "..". A last part that does not exist yet is kept, unless `must_exist`. Returns 0 with
 * *canonical (owned by the caller), or -errno with a sentence that names the path.
 */
int path_canonical(const char *text, const char *home, bool must_exist, char **canonical, struct err *err);

/*
 * Follows `path` as the kernel would, link by link, and tells whether the walk passes through `root` (a
 * canonical directory): whether something that may write below `root` decides where `path` leads. 1, 0, or
 * -errno.
 */
int path_passes(const char *path, const char *root);

#endif
