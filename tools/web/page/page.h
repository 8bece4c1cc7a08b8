/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_PAGE_PAGE_H
#define SALLYPORT_TOOLS_WEB_PAGE_PAGE_H

/*
 * HTML pages as Markdown (GFM) that a model reads well, or as text. Pure: bytes in, bytes out, in time and
 * memory that grow with the page's length only, no global state, no files. Safe in several threads at once.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"

enum page_format {
	PAGE_MARKDOWN, /* the main content */
	PAGE_TEXT,     /* all visible text without markup, navigation and banners too */
};

struct page_options {
	const char *url; /* absolute: what links are resolved against (a <base> in the page comes between);
			  * NULL: they stay as they are */
	enum page_format format;
	bool whole;    /* Markdown of all that is seen, not of the main content only */
	uint32_t ms;   /* it may take; 0: as long as it takes */
	size_t memory; /* bytes that the tree may take: 10 times the page is enough for almost all */
};

enum page_cut {
	PAGE_WHOLE,
	PAGE_CUT_TIME,   /* page_options.ms */
	PAGE_CUT_MEMORY, /* page_options.memory */
	PAGE_CUT_SIZE,   /* text->max */
};

#define PAGE_TITLE_BYTES 256

struct page_facts {
	char title[PAGE_TITLE_BYTES]; /* one line of well-formed UTF-8; "" if there is none */
	enum page_cut cut;            /* why the end is missing */
};

/* Appends the page's text to *text: well-formed UTF-8, lines ended by "\n", blocks set apart by one blank
 * line. `html` is UTF-8, or should be: what is ill-formed becomes U+FFFD. A page that is too much for its
 * bounds is written as far as it goes (facts->cut). 0 or -ENOMEM. */
int page_convert(struct buffer *text, struct page_facts *facts, const struct page_options *options,
		 const char *html, size_t length);

#endif
