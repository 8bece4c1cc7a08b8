/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_CONTENT_CONTENT_H
#define SALLYPORT_TOOLS_WEB_CONTENT_CONTENT_H

/*
 * What a fetched body is, and how it becomes the text that is shown. Pure, without globals (a thread of its
 * own may do it), linear: bytes in, bytes out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "tools/web/wire.h"

enum content_format {
	CONTENT_MARKDOWN, /* HTML and feeds as Markdown, JSON and XML laid out, other text as it is */
	CONTENT_PLAIN,    /* the same without markup */
	CONTENT_RAW,      /* the text of the body, whatever it is */
};

struct content_request {
	const char *bytes;
	size_t length;
	bool cut;                 /* the body goes on, but not here */
	const char *content_type; /* the header, "" if there is none */
	const char *url;          /* where it came from, as url_check() writes it */
	enum content_format format;
	/*
	 * Appends HTML (UTF-8) in the format wanted. `title` is NULL for a fragment, as in a feed's item;
	 * else it takes a page's title. 0 or an error, which content_read() forwards.
	 */
	int (*html)(void *context, struct buffer *out, char title[WEB_TITLE_BYTES], const char *html,
		    size_t length);
	void *context;
};

enum content_kind {
	CONTENT_TEXT,
	CONTENT_IMAGE,  /* one that hosts can show: the bytes are its content, `text` is empty */
	CONTENT_BINARY, /* anything else: `text` says what it is and how to get it */
};

struct content {
	enum content_kind kind;
	char media_type[WEB_MEDIA_TYPE_BYTES]; /* lower case, without parameters; of an image what it really
						  is */
	const char *charset;                   /* what a text was decoded from, "" for others */
	char title[WEB_TITLE_BYTES];
	uint64_t replaced;  /* ill-formed sequences, each now a U+FFFD */
	bool markdown;      /* `text` is Markdown: cut_page() keeps its blocks together */
	struct buffer text; /* the caller has set its maximum, and deinits it also after an error */
};

/* 0, -ENOMEM, -EMSGSIZE (the text is larger than its maximum) or what `html` returned. */
int content_read(const struct content_request *request, struct content *content);

/* ---- parts, for tests ---- */

/* kind.c: the media type by header and bytes (WHATWG MIME Sniffing, with fewer guesses). */
enum content_kind content_kind_of(const struct content_request *request,
				  char media_type[WEB_MEDIA_TYPE_BYTES]);

enum content_syntax {
	SYNTAX_OTHER,
	SYNTAX_HTML,
	SYNTAX_JSON,
	SYNTAX_JSON_LINES,
	SYNTAX_XML,
	SYNTAX_MARKDOWN,
};

enum content_syntax content_syntax_of(const char *media_type, const char *url);

/* magic.c: the media type by the first bytes, NULL if they say nothing. */
const char *content_magic(const char *bytes, size_t length);
/* A sentence or two: "A PDF document (version 1.7, 12 pages), 1234 bytes. ..." */
int content_describe(struct buffer *text, const char *media_type, const char *bytes, size_t length, bool cut);

#endif
