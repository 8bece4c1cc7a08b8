/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_EXECUTOR_CONTENT_H
#define SALLYPORT_TOOLS_WEB_EXECUTOR_CONTENT_H

/* How a body becomes the text that is shown. Pure: bytes in, bytes out, in linear time. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "tools/web/wire.h"

enum content_kind {
	CONTENT_TEXT,
	CONTENT_IMAGE,  /* one that hosts can show */
	CONTENT_BINARY, /* anything else */
};

/* What the Content-Type header says, and where it says nothing, what the bytes look like. `media_type` gets
 * the type in lower case without parameters. */
enum content_kind content_kind(const char *content_type, const char *body, size_t length,
			       char media_type[WEB_MEDIA_TYPE_BYTES]);

/*
 * The body as text: its character set brought to UTF-8 (UTF-8 stays as it is, and whoever shows it
 * replaces what is not UTF-8), and for WEB_TEXT an HTML page without its markup. `title` gets an HTML page's
 * title
 * ("" for others). 0, -ENOMEM or -EMSGSIZE.
 */
int content_text(struct buffer *text, char title[WEB_TITLE_BYTES], const char *content_type,
		 const char *media_type, uint32_t format, const char *body, size_t length);

/* html.c: an HTML page, in any superset of ASCII, as text: blocks on lines of their own, list items marked,
 * entities decoded, scripts, styles and comments dropped. 0, -ENOMEM or -EMSGSIZE. */
int html_text(struct buffer *text, char title[WEB_TITLE_BYTES], const char *html, size_t length);

/* Characters: what is not a continuation byte of UTF-8 begins one. */
uint64_t text_characters(const char *text, size_t length);
/* The byte at which character `count` begins; `length` if there are fewer. */
size_t text_offset(const char *text, size_t length, uint64_t count);
/* Where to cut, at or before byte `most` (inside the text): behind a line's end if one lies in the second
 * half, else between characters. Above 0. */
size_t text_cut(const char *text, size_t most);

#endif
