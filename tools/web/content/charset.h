/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_CONTENT_CHARSET_H
#define SALLYPORT_TOOLS_WEB_CONTENT_CHARSET_H

/* Character sets as the WHATWG Encoding standard has them. Pure: every table is part of the program. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"

struct charset; /* one of the standard's encodings; constant, lives for ever */

/* By any of its labels, in any case, white space around it ignored. NULL: there is none of this name. */
const struct charset *charset_find(const char *label, size_t length);
/* The standard's name for it, such as "Shift_JIS". */
const char *charset_name(const struct charset *charset);

/*
 * Appends `bytes` as UTF-8 to `text`: what is ill-formed becomes U+FFFD as the standard says, each counted in
 * `replaced`. Linear. 0, -ENOMEM or -EMSGSIZE.
 */
int charset_decode(const struct charset *charset, struct buffer *text, const char *bytes, size_t length,
		   uint64_t *replaced);

/* Is all of it well-formed UTF-8? Then nobody needs a copy of it. */
bool charset_is_utf8(const char *bytes, size_t length);

/* Appends one code point as UTF-8. 0, -ENOMEM or -EMSGSIZE. */
int charset_put(struct buffer *text, uint32_t code);
/* The next code point of UTF-8, moving `at`, which is before `end`; ill-formed: U+FFFD. */
uint32_t charset_next(const char **at, const char *end);

enum sniff {
	SNIFF_TEXT, /* no declaration inside */
	SNIFF_HTML, /* <meta>: HTML standard, "prescan a byte stream to determine its encoding" */
	SNIFF_XML,  /* the XML declaration */
};

/*
 * What the bytes are written in: byte-order mark (whose length goes to `mark`), charset parameter of the
 * Content-Type header, a declaration inside, UTF-8 if they are that, UTF-16 by where its NULs are, else a
 * guess. Never NULL.
 */
const struct charset *charset_sniff(enum sniff sniff, const char *content_type, const char *bytes,
				    size_t length, size_t *mark);

/* guess.c: by how well the bytes decode and by which letters come out. windows-1252 if nothing fits better.
 */
const struct charset *charset_guess(const char *bytes, size_t length);

#endif
