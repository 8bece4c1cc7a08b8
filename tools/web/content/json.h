/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_CONTENT_JSON_H
#define SALLYPORT_TOOLS_WEB_CONTENT_JSON_H

/* JSON laid out for a reader. */

#include <stdbool.h>
#include <stddef.h>

#include "protocol/buffer.h"

#define JSON_LINES   0x1 /* several values one after the other: JSON lines, JSON text sequences */
#define JSON_PARTIAL 0x2 /* the text may end before the value does */

/*
 * Appends `json` (UTF-8) with line breaks and indentation; a container of scalars that fits stays on one
 * line, and long lists of numbers fill theirs. Strings and numbers stay byte for byte, except that \uXXXX of
 * a printable character beyond ASCII becomes the character. Strict (RFC 8259) and linear.
 * 0; 1: it is no JSON, too deep, or would grow out of proportion, and nothing was appended; -ENOMEM.
 */
int json_indent(struct buffer *text, const char *json, size_t length, unsigned flags);

#endif
