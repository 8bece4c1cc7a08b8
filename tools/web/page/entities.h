/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_ENTITIES_H
#define SALLYPORT_TOOLS_WEB_PAGE_ENTITIES_H

/* Character references: WHATWG HTML 13.2.5.72 to 13.2.5.80. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than any reference becomes, and never more than 6/5 of what it was. */
#define ENTITY_BYTES 8

/* The reference at `at`, which is a '&': its text as UTF-8 into `to`, how long that is returned, and how many
 * bytes it took into *used. 0: it is no reference, but text. */
size_t entity_decode(const char *at, const char *end, bool in_attribute, char to[ENTITY_BYTES], size_t *used);

/* entities.py writes these: "name\0text\0" for each, and where each begins. Sorted. The legacy ones need no
 * ';'. */
extern const char entity_bytes[];
extern const uint16_t entity_at[], entity_legacy_at[];
extern const size_t entity_count, entity_legacy_count;

#endif
