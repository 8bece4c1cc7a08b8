/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_QUOTE_H
#define SALLYPORT_TOOLS_FILES_QUOTE_H

/*
 * Names that text cannot show: with a control character (a newline above all), with bytes that are not UTF-8,
 * or with a `"` in front, which would look like a quoted one. They are shown as git shows them
 * (git-config(1), core.quotePath): `"a\nb\377"`, with \a \b \t \n \v \f \r \" \\ and three octal digits for
 * any other byte. What is well-formed above ASCII stays as it is. A path that is given so is taken so:
 * whatever is shown can be typed again. Pure; used wherever a path goes in or out.
 */

#include <stdbool.h>
#include <stddef.h>

#include "protocol/buffer.h"
#include "protocol/limits.h"

/* Room for any path shown, its NUL included: each byte as four, two quotes. */
#define QUOTE_BYTES (4 * LIMIT_PATH_BYTES + 3)

/* Bytes of the well-formed character at `at`, or 0 when what begins there cannot be shown. C1 controls
 * (U+0080 to U+009F) count with the others: terminals obey them. */
size_t quote_shown(const unsigned char *at, size_t left);

/* Must it be quoted to be shown? */
bool quote_needed(const char *name, size_t length);

/* Appends a name as it is shown. 0, or what the buffer says. */
int quote_append(struct buffer *to, const char *name, size_t length);

/* A path as it is shown: `path` itself where nothing needs quoting, else `room`, which has QUOTE_BYTES; the
 * end of a path longer than that is cut. */
const char *quote_show(const char *path, char *room);

/*
 * The path that is meant by what was typed: `typed` itself, unless it begins and ends with `"` and is well
 * quoted between, then `room`, which has LIMIT_PATH_BYTES. What is quoted badly, holds a NUL (\000) or is
 * too long for `room` is taken as it stands: there may be a file of that name.
 */
const char *quote_read(const char *typed, char *room);

#endif
