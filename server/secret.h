/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_SECRET_H
#define SALLYPORT_SERVER_SECRET_H

/* Files that hold secrets: tokens, keys. Read once, before the first byte from anybody. */

#include "protocol/buffer.h"
#include "protocol/error.h"

/* The file as text with a NUL behind it, in `text`, which is initialised by this with
 * LIMIT_SECRET_FILE_BYTES. A file that others may read, or the group may write, is no place for one: -EPERM.
 * 0 or -errno, each with a sentence. */
int secret_read(struct buffer *text, const char *path, struct err *err);
/* Overwrites and frees it. */
void secret_forget(struct buffer *text);

#endif
