/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_CONTENT_FEED_H
#define SALLYPORT_TOOLS_WEB_CONTENT_FEED_H

/* Feeds and lists as Markdown: RSS 0.9x, 1.0 and 2.0, Atom, JSON Feed, sitemaps, OPML. Pure. */

#include "tools/web/content/xml.h"
#include "tools/web/url.h"

/* How it is written. What is HTML goes through `html`, which appends it as text in the form wanted. */
struct feed_style {
	bool markdown;   /* else plain text */
	const char *url; /* where it came from: what links are relative to */
	int (*html)(void *context, struct buffer *out, const char *html, size_t length);
	void *context;
};

enum feed_kind {
	FEED_NONE, /* other XML */
	FEED_RSS,  /* also Atom */
	FEED_SITEMAP,
	FEED_OPML,
	FEED_HTML, /* XHTML: no feed */
	FEED_SVG,  /* no feed either */
};

/* What the first element says. */
enum feed_kind feed_kind(const char *xml, size_t length);

/*
 * Appends the feed (of one of the first three kinds; UTF-8). `title` gets its title, cut to `size`.
 * 0, -ENOMEM, -EMSGSIZE or what `html` returned.
 */
int feed_write(struct buffer *out, const struct feed_style *style, enum feed_kind kind, const char *xml,
	       size_t length, char *title, size_t size);

/* jsonfeed.c: JSON Feed, of text that is JSON. Does it say that it is one? The rest as with feed_write(). */
bool feed_is_json(const char *json, size_t length);
int feed_write_json(struct buffer *out, const struct feed_style *style, const char *json, size_t length,
		    char *title, size_t size);

/* ---- entry.c: what both make ---- */

enum feed_field {
	FIELD_TITLE,
	FIELD_LINK,
	FIELD_DATE,
	FIELD_AUTHOR,
	FIELD_SUMMARY,
	FIELD_CONTENT,
	FIELDS,
};

/* A feed's head or one of its items. */
struct feed_entry {
	struct buffer fields[FIELDS];
	bool html[FIELDS]; /* as which it is written */
};

void feed_entry_init(struct feed_entry *entry);
void feed_entry_deinit(struct feed_entry *entry);
/* Writes it, the head as a title with description, and empties it. */
int feed_entry_write(struct buffer *out, const struct feed_style *style, struct feed_entry *entry, bool head);
/* Appends `link` as seen from the feed, in its one spelling where it leads to the web. */
int feed_put_link(struct buffer *out, const struct feed_style *style, struct slice link);
/* `text` on one line, cut between characters to fit `size`. */
void feed_copy_title(char *title, size_t size, struct slice text);

#endif
