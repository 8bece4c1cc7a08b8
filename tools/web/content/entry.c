/* SPDX-License-Identifier: Apache-2.0 */
/* A feed's head and items, collected and written (feed.h). */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/web/content/feed.h"

void feed_entry_init(struct feed_entry *entry)
{
	*entry = (struct feed_entry){0};
	for (size_t i = 0; i < FIELDS; i++)
		buffer_init(&entry->fields[i], LIMIT_WEB_TEXT_BYTES);
}

void feed_entry_deinit(struct feed_entry *entry)
{
	for (size_t i = 0; i < FIELDS; i++)
		buffer_deinit(&entry->fields[i]);
}

static struct slice field(const struct feed_entry *entry, enum feed_field which)
{
	const struct buffer *buffer = &entry->fields[which];
	size_t length = buffer_length(buffer);

	return xml_trim((struct slice){length ? buffer_data(buffer) : "", length});
}

void feed_copy_title(char *title, size_t size, struct slice text)
{
	size_t used = 0;

	for (size_t i = 0; i < text.length && used + 1 < size; i++) {
		bool space = (unsigned char)text.at[i] <= ' ' || text.at[i] == 0x7f;

		if (!space || (used > 0 && title[used - 1] != ' '))
			title[used++] = space ? ' ' : text.at[i];
	}
	if (used + 1 == size) /* not inside a character */
		while (used > 0 && ((unsigned char)title[used - 1] & 0xc0) == 0x80)
			used--;
	if (used > 0 && ((unsigned char)title[used - 1] & 0xc0) == 0xc0)
		used--;
	title[used] = '\0';
}

int feed_put_link(struct buffer *out, const struct feed_style *style, struct slice link)
{
	struct url base, url;
	char reference[LIMIT_URL_BYTES];

	if (link.length < sizeof reference) {
		snprintf(reference, sizeof reference, "%.*s", (int)link.length, link.at);
		if (url_check(&base, style->url, strlen(style->url), NULL) == 0 &&
		    url_resolve(&url, &base, reference, NULL) == 0)
			return buffer_append_text(out, url.text);
	}
	return buffer_append(out, link.at, link.length);
}

/* One line of text; in Markdown without what would end a link's text or begin markup. */
static int put_line(struct buffer *out, struct slice text, bool markdown)
{
	int result = 0;

	for (size_t i = 0; i < text.length && result == 0; i++) {
		bool space = isspace((unsigned char)text.at[i]);

		if (markdown && text.at[i] && strchr("\\[]`*_<", text.at[i]))
			result = buffer_append(out, "\\", 1);
		if (result == 0 && (!space || !isspace((unsigned char)text.at[i - 1])))
			result = buffer_append(out, space ? " " : text.at + i, 1);
	}
	return result;
}

/* A link's target: what would end it is encoded. */
static int put_target(struct buffer *out, struct slice link)
{
	int result = 0;

	for (size_t i = 0; i < link.length && result == 0; i++) {
		char c = link.at[i];

		if (c == '(' || c == ')' || (unsigned char)c <= ' ' || c == '<' || c == '>')
			result = buffer_printf(out, "%%%02X", (unsigned char)c);
		else
			result = buffer_append(out, &c, 1);
	}
	return result;
}

static int put_text(struct buffer *out, const char *text)
{
	return buffer_append_text(out, text);
}

/* "## [Title](link)"; without markup the link on a line of its own. */
static int put_heading(struct buffer *out, const struct feed_style *style, const struct feed_entry *entry,
		       bool head)
{
	struct slice title = field(entry, FIELD_TITLE), link = field(entry, FIELD_LINK);
	bool linked = link.length > 0 && style->markdown, named = title.length > 0;
	int result = style->markdown ? put_text(out, head ? "# " : "## ") : 0;

	if (!named && link.length == 0)
		title = (struct slice){"(untitled)", sizeof "(untitled)" - 1};
	if (result == 0 && linked && named)
		result = put_text(out, "[");
	if (result == 0 && (named || link.length == 0))
		result = put_line(out, title, style->markdown && named);
	if (result == 0 && linked)
		result = put_text(out, named ? "](" : "<");
	else if (result == 0 && link.length > 0)
		result = named ? put_text(out, "\n") : 0;
	if (result == 0 && link.length > 0)
		result = linked ? put_target(out, link) : put_line(out, link, false);
	if (result == 0 && linked)
		result = put_text(out, named ? ")" : ">");
	return result == 0 ? put_text(out, "\n") : result;
}

/* "2 May 2024 · Author" */
static int put_facts(struct buffer *out, const struct feed_style *style, const struct feed_entry *entry)
{
	struct slice date = field(entry, FIELD_DATE), author = field(entry, FIELD_AUTHOR);
	int result = put_line(out, date, style->markdown);

	if (date.length == 0 && author.length == 0)
		return 0;
	if (result == 0 && date.length > 0 && author.length > 0)
		result = put_text(out, " · ");
	if (result == 0)
		result = put_line(out, author, style->markdown);
	return result == 0 ? put_text(out, "\n") : result;
}

/* The text of a field; the callback decides what HTML becomes. */
static int put_body(struct buffer *out, const struct feed_style *style, const struct feed_entry *entry,
		    enum feed_field which)
{
	struct slice text = field(entry, which);
	size_t before;
	int result;

	if (text.length == 0)
		return 0;
	result = put_text(out, "\n");
	before = out->end;
	if (result == 0 && entry->html[which] && style->html)
		result = style->html(style->context, out, text.at, text.length);
	else if (result == 0)
		result = buffer_append(out, text.at, text.length);
	while (result == 0 && out->end > before && isspace((unsigned char)out->bytes[out->end - 1]))
		out->end--;
	return result == 0 ? put_text(out, "\n") : result;
}

int feed_entry_write(struct buffer *out, const struct feed_style *style, struct feed_entry *entry, bool head)
{
	bool whole = field(entry, FIELD_CONTENT).length > 0;
	int result = buffer_length(out) > 0 ? put_text(out, "\n") : 0;

	if (result == 0)
		result = put_heading(out, style, entry, head);
	if (result == 0)
		result = put_facts(out, style, entry);
	if (result == 0) /* a summary only where there is nothing longer */
		result = put_body(out, style, entry, whole ? FIELD_CONTENT : FIELD_SUMMARY);
	for (size_t i = 0; i < FIELDS; i++) {
		buffer_clear(&entry->fields[i], 4096);
		entry->html[i] = false;
	}
	return result;
}
