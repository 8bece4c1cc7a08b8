/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_URI_H
#define SALLYPORT_TOOLS_FILES_URI_H

/* Paths of this machine in file URIs (RFC 8089, RFC 3986), and in the variable of the template
 * file://{+path}. */

#include "protocol/buffer.h"
#include "protocol/limits.h"

/* The path of what stands behind "file://": with or without localhost, percent-encoded or not. -EINVAL: it is
 * none of this machine. */
int uri_read(const char *from, char path[LIMIT_PATH_BYTES]);
/* The same of the template's variable alone. */
int uri_read_path(const char *from, char path[LIMIT_PATH_BYTES]);
/*
 * Appends a path so that it can stand in that variable, whoever expands the template (RFC 6570, 3.2.3): what
 * an expansion would leave although it means something (`%`, `?`, `#`), control characters and what is not
 * UTF-8 are percent-encoded. 0 or -errno.
 */
int uri_append_path(struct buffer *to, const char *path);
/* Bytes of such a variable up to its last slash, with it; 0: it has none. */
size_t uri_directory(const char *value);

#endif
