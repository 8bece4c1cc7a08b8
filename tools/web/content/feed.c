/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds in XML (feed.h). Elements are known by the prefixes that everybody uses (dc:, content:), the root's
 * own prefix is taken off; what is inside elements that are not known does not count.
 */
#include "tools/web/content/feed.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

/* Which element fills which field; the first that comes wins. HTML_ALWAYS: what RSS has in it is HTML. */
static const struct {
	const char *name;
	enum feed_field field;
	enum { TEXT, HTML_ALWAYS } kind;
} elements[] = {
	{"title", FIELD_TITLE, TEXT},
	{"link", FIELD_LINK, TEXT},
	{"guid", FIELD_LINK, TEXT},
	{"pubDate", FIELD_DATE, TEXT},
	{"published", FIELD_DATE, TEXT},
	{"issued", FIELD_DATE, TEXT},
	{"updated", FIELD_DATE, TEXT},
	{"modified", FIELD_DATE, TEXT},
	{"lastBuildDate", FIELD_DATE, TEXT},
	{"dc:date", FIELD_DATE, TEXT},
	{"author", FIELD_AUTHOR, TEXT},
	{"dc:creator", FIELD_AUTHOR, TEXT},
	{"description", FIELD_SUMMARY, HTML_ALWAYS},
	{"subtitle", FIELD_SUMMARY, TEXT},
	{"tagline", FIELD_SUMMARY, TEXT},
	{"summary", FIELD_SUMMARY, TEXT},
	{"content:encoded", FIELD_CONTENT, HTML_ALWAYS},
	{"content", FIELD_CONTENT, TEXT},
};

/* What has fields of its own that are not the item's. */
static const char *const strangers[] = {"image", "textInput", "textinput", "source"};

struct feed {
	struct buffer *out;
	const struct feed_style *style;
	struct slice prefix; /* the root's, with its colon */
	unsigned depth;
	unsigned item;     /* depth of the item at hand; 0: none */
	unsigned stranger; /* depth of what is passed over; 0: nothing */
	unsigned capture;  /* depth of the element whose content is a field's; 0: none */
	enum feed_field field;
	bool markup, muted; /* in the capture: nested elements are part of it; this text is not */
	bool head_written;
	struct feed_entry entry;
	char *title;
	size_t title_size;
};

static struct slice local(const struct feed *feed, struct slice name)
{
	size_t length = feed->prefix.length;

	if (length > 0 && name.length > length && memcmp(name.at, feed->prefix.at, length) == 0)
		return (struct slice){name.at + length, name.length - length};
	return name;
}

enum feed_kind feed_kind(const char *text, size_t length)
{
	static const struct {
		const char *name;
		enum feed_kind kind;
	} roots[] = {
		{"rss", FEED_RSS},
		{"RDF", FEED_RSS},
		{"feed", FEED_RSS},
		{"urlset", FEED_SITEMAP},
		{"sitemapindex", FEED_SITEMAP},
		{"opml", FEED_OPML},
		{"html", FEED_HTML},
		{"svg", FEED_SVG},
	};
	enum xml_token token;
	struct xml xml;

	xml_init(&xml, text, length);
	while ((token = xml_next(&xml)) != XML_OPEN)
		if (token == XML_END || (token != XML_OTHER && xml_trim(xml.inside).length > 0))
			return FEED_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		const char *colon = memchr(xml.name.at, ':', xml.name.length);
		struct slice name = xml.name;

		if (colon)
			name = (struct slice){colon + 1, xml.name.length - (size_t)(colon + 1 - xml.name.at)};
		if (xml_is(name, roots[i].name))
			return roots[i].kind;
	}
	return FEED_NONE;
}

/* The head goes out when the first item begins: title and description stand before it in every feed. */
static int write_entry(struct feed *feed)
{
	bool head = !feed->head_written;

	if (head)
		feed_copy_title(feed->title, feed->title_size,
				(struct slice){buffer_data(&feed->entry.fields[FIELD_TITLE]),
					       buffer_length(&feed->entry.fields[FIELD_TITLE])});
	feed->head_written = true;
	return feed_entry_write(feed->out, feed->style, &feed->entry, head);
}

static bool has_field(const struct feed *feed, enum feed_field field)
{
	return buffer_length(&feed->entry.fields[field]) > 0;
}

/* Atom's <link href rel>: the page, not the feed itself nor an enclosure. */
static int take_href(struct feed *feed, const struct xml *xml)
{
	_cleanup_(buffer_deinit) struct buffer link = {.max = LIMIT_WEB_TEXT_BYTES};
	struct slice rel, href;
	int result;

	if (!xml_attribute(xml, "href", &href) || has_field(feed, FIELD_LINK) ||
	    (xml_attribute(xml, "rel", &rel) && !xml_is(rel, "alternate")))
		return 0;
	result = xml_decode(&link, xml_trim(href));
	if (result < 0 || buffer_length(&link) == 0)
		return result;
	return feed_put_link(&feed->entry.fields[FIELD_LINK], feed->style,
			     (struct slice){buffer_data(&link), buffer_length(&link)});
}

/* An element of the feed or of an item begins: is it a field's? */
static int begin_field(struct feed *feed, const struct xml *xml, struct slice name)
{
	struct slice type = {"", 0}, permanent;

	if (xml_is(name, "link") && xml_attribute(xml, "href", &type))
		return take_href(feed, xml);
	if (xml_is(name, "guid") && xml_attribute(xml, "isPermaLink", &permanent) &&
	    xml_is(permanent, "false"))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(elements); i++) {
		if (!xml_is(name, elements[i].name) || xml->empty || has_field(feed, elements[i].field))
			continue;
		xml_attribute(xml, "type", &type);
		feed->capture = feed->depth;
		feed->field = elements[i].field;
		feed->muted = false;
		feed->markup = xml_is(type, "xhtml") || xml_is(type, "application/xhtml+xml");
		feed->entry.html[feed->field] = elements[i].kind == HTML_ALWAYS || feed->markup ||
						xml_is(type, "html") || xml_is(type, "text/html");
	}
	return 0;
}

static int open_element(struct feed *feed, const struct xml *xml)
{
	struct slice name = local(feed, xml->name);

	feed->depth++;
	if (feed->depth == 1) {
		const char *colon = memchr(xml->name.at, ':', xml->name.length);

		if (colon)
			feed->prefix = (struct slice){xml->name.at, (size_t)(colon + 1 - xml->name.at)};
		return 0;
	}
	if (feed->stranger)
		return 0;
	if (feed->capture) {
		if (feed->field == FIELD_AUTHOR) { /* Atom's has a name, an address, a page */
			feed->muted = !xml_is(name, "name");
			if (!feed->muted)
				buffer_clear(&feed->entry.fields[FIELD_AUTHOR], 4096);
		}
		return feed->markup ? buffer_append(&feed->entry.fields[feed->field], xml->whole.at,
						    xml->whole.length)
				    : 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(strangers); i++)
		if (xml_is(name, strangers[i]))
			feed->stranger = feed->depth;
	if (!feed->item && (xml_is(name, "item") || xml_is(name, "entry")) && !xml->empty) {
		feed->item = feed->depth;
		return feed->head_written ? 0 : write_entry(feed);
	}
	/* RSS has its head in <channel>, others beside the items */
	if (!feed->stranger && (feed->item ? feed->depth == feed->item + 1 : feed->depth <= 3))
		return begin_field(feed, xml, name);
	return 0;
}

/* A field is complete. */
static int end_field(struct feed *feed)
{
	struct buffer *value = &feed->entry.fields[feed->field];
	_cleanup_(buffer_deinit) struct buffer text = *value;
	struct slice trimmed;

	buffer_init(value, LIMIT_WEB_TEXT_BYTES);
	feed->capture = 0;
	if (buffer_length(&text) == 0)
		return 0;
	trimmed = xml_trim((struct slice){buffer_data(&text), buffer_length(&text)});
	if (feed->field == FIELD_LINK)
		return trimmed.length ? feed_put_link(value, feed->style, trimmed) : 0;
	if (feed->field == FIELD_TITLE) /* many write HTML in titles: entities twice */
		return xml_decode(value, trimmed);
	return buffer_append(value, trimmed.at, trimmed.length);
}

static int close_element(struct feed *feed, const struct xml *xml)
{
	unsigned depth = feed->depth;
	int result = 0;

	feed->depth -= depth > 0;
	if (feed->stranger) {
		feed->stranger = depth == feed->stranger ? 0 : feed->stranger;
	} else if (feed->capture) {
		feed->muted = feed->field == FIELD_AUTHOR;
		if (depth <= feed->capture)
			result = end_field(feed);
		else if (feed->markup && !xml->empty)
			result = buffer_append(&feed->entry.fields[feed->field], xml->whole.at,
					       xml->whole.length);
	}
	if (result == 0 && feed->item && depth <= feed->item) {
		feed->item = 0;
		result = write_entry(feed);
	}
	return result;
}

static int take_text(struct feed *feed, const struct xml *xml, enum xml_token token)
{
	struct buffer *field = &feed->entry.fields[feed->field];

	if (!feed->capture || feed->muted || feed->stranger)
		return 0;
	if (token == XML_TEXT && !feed->markup)
		return xml_decode(field, xml->inside);
	return buffer_append(field, xml->inside.at, xml->inside.length);
}

static int write_feed(struct feed *feed, struct xml *xml)
{
	enum xml_token token;
	int result = 0;

	while (result == 0 && (token = xml_next(xml)) != XML_END) {
		if (token == XML_OPEN) {
			result = open_element(feed, xml);
			if (result == 0 && xml->empty)
				result = close_element(feed, xml);
		} else if (token == XML_CLOSE) {
			result = close_element(feed, xml);
		} else if (token != XML_OTHER) {
			result = take_text(feed, xml, token);
		}
	}
	if (result == 0 && feed->capture)
		result = end_field(feed);
	/* no item at all, or the last one cut off */
	return result == 0 && (feed->item || !feed->head_written) ? write_entry(feed) : result;
}

/* ---- lists ---- */

/* <loc> of a sitemap and the <lastmod> beside it. */
static int write_sitemap(struct buffer *out, const struct feed_style *style, struct xml *xml)
{
	bool loc = false, lastmod = false;
	enum xml_token token;
	int result = 0;

	while (result == 0 && (token = xml_next(xml)) != XML_END) {
		struct slice text = xml_trim(xml->inside);

		if (token == XML_OPEN) {
			const char *colon = memchr(xml->name.at, ':', xml->name.length);

			loc = xml_is(xml->name, "loc");
			lastmod = xml_is(xml->name, "lastmod");
			if (colon) /* image:loc, video:...: not pages */
				loc = lastmod = false;
		} else if (token == XML_CLOSE) {
			loc = lastmod = false;
		} else if (token != XML_OTHER && text.length > 0 && (loc || lastmod)) {
			result = buffer_append_text(out, !loc ? " (" : style->markdown ? "\n- " : "\n");
			if (result == 0)
				result = xml_decode(out, text);
			if (result == 0 && lastmod)
				result = buffer_append(out, ")", 1);
		}
	}
	return result == 0 ? buffer_append(out, "\n", 1) : result;
}

/* One <outline>: its text, linked to the feed or page it names. */
static int write_outline(struct buffer *out, const struct feed_style *style, const struct xml *xml,
			 unsigned depth)
{
	static const char spaces[] = "                                                                ";
	_cleanup_(buffer_deinit) struct buffer link = {.max = LIMIT_WEB_TEXT_BYTES};
	struct slice text = {"", 0}, address = {"", 0};
	size_t indent = 2 * (size_t)(depth < 32 ? depth : 32);
	int result = buffer_append(out, "\n", 1);

	if (!xml_attribute(xml, "text", &text))
		xml_attribute(xml, "title", &text);
	if (!xml_attribute(xml, "xmlUrl", &address) && !xml_attribute(xml, "htmlUrl", &address))
		xml_attribute(xml, "url", &address);
	if (result == 0)
		result = buffer_append(out, spaces, indent);
	if (result == 0 && style->markdown)
		result = buffer_append_text(out, "- ");
	if (result == 0)
		result = xml_decode(out, xml_trim(text));
	if (result == 0 && address.length > 0)
		result = xml_decode(&link, xml_trim(address));
	if (result < 0 || buffer_length(&link) == 0)
		return result;
	result = buffer_append_text(out, text.length ? ": " : "");
	if (result == 0)
		result = feed_put_link(out, style, (struct slice){buffer_data(&link), buffer_length(&link)});
	return result;
}

static int write_opml(struct buffer *out, const struct feed_style *style, struct xml *xml)
{
	unsigned depth = 0;
	enum xml_token token;
	int result = 0;

	while (result == 0 && (token = xml_next(xml)) != XML_END) {
		if (!xml_is(xml->name, "outline"))
			continue;
		if (token == XML_OPEN) {
			result = write_outline(out, style, xml, depth);
			depth += !xml->empty;
		} else if (token == XML_CLOSE) {
			depth -= depth > 0;
		}
	}
	return result == 0 ? buffer_append(out, "\n", 1) : result;
}

int feed_write(struct buffer *out, const struct feed_style *style, enum feed_kind kind, const char *text,
	       size_t length, char *title, size_t size)
{
	struct feed feed = {.out = out, .style = style, .title = title, .title_size = size};
	struct xml xml;
	int result;

	title[0] = '\0';
	xml_init(&xml, text, length);
	if (kind == FEED_SITEMAP || kind == FEED_OPML) {
		const char *name = kind == FEED_SITEMAP ? "Sitemap" : "Outline";

		result = buffer_append_text(out, style->markdown ? "# " : "");
		if (result == 0)
			result = buffer_append_text(out, name);
		if (result == 0)
			result = buffer_append_text(out, "\n");
		if (result < 0)
			return result;
		return kind == FEED_SITEMAP ? write_sitemap(out, style, &xml) : write_opml(out, style, &xml);
	}
	feed_entry_init(&feed.entry);
	result = write_feed(&feed, &xml);
	feed_entry_deinit(&feed.entry);
	return result;
}
