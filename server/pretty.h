/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_PRETTY_H
#define SALLYPORT_SERVER_PRETTY_H

/* Text for people: indented JSON, and colour where a terminal shows it. */

#include <stdbool.h>
#include <stddef.h>

#include "protocol/buffer.h"

/* Appends one JSON value, which is well-formed, on lines of their own, two spaces a level, with a newline at
 * the end; empty arrays and objects stay on their line. 0, -ENOMEM, -EMSGSIZE. */
int pretty_json(struct buffer *out, const char *json, size_t length);

/* True if `fd` is a terminal that may be coloured: NO_COLOR unset, TERM not "dumb". */
bool pretty_colour(int fd);

enum pretty_style { PRETTY_PLAIN, PRETTY_BOLD, PRETTY_GOOD, PRETTY_BAD, PRETTY_WARN, PRETTY_FAINT };
/* The sequence that begins a style, or "" without colour. PRETTY_PLAIN ends one. */
const char *pretty_style(bool colour, enum pretty_style style);

#endif
