/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_SECRET_H
#define SALLYPORT_SERVER_SECRET_H

/* Files that hold secrets: tokens, keys; and those whose content decides as much, and is none: certificates.
 * Read before the first byte from anybody, and again when the person says so (reload.h). */

#include <stdbool.h>

#include "protocol/buffer.h"
#include "protocol/error.h"

/* Opens for secret_read(), without waiting for a FIFO's writer. The descriptor, or -errno. */
int secret_open(const char *path);
/*
 * What secret_open() gave, a descriptor at its beginning or an error, becomes text with a NUL behind it, in
 * `text`, which is initialised by this with LIMIT_SECRET_FILE_BYTES. A file that others may write is believed
 * in nothing, and one that others may read is no place for a `secret`: -EPERM. 0 or -errno, each with a
 * sentence that begins with `path`.
 */
int secret_read(struct buffer *text, int fd, const char *path, bool secret, struct err *err);
/* Overwrites and frees it. */
void secret_forget(struct buffer *text);

#endif
