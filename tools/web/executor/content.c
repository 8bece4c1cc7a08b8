/* SPDX-License-Identifier: Apache-2.0 */
/* What a body is, and how it becomes text. Everything in it is a stranger's. */
#include "tools/web/executor/content.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "protocol/cleanup.h"

#define SNIFF_BYTES 1024 /* WHATWG HTML, "prescan a byte stream to determine its encoding" */

/* Types outside text/ that are text all the same. */
static const char *const text_types[] = {
	"application/atom+xml",
	"application/ecmascript",
	"application/graphql",
	"application/javascript",
	"application/json",
	"application/sql",
	"application/toml",
	"application/x-javascript",
	"application/x-ndjson",
	"application/x-sh",
	"application/x-www-form-urlencoded",
	"application/x-yaml",
	"application/xhtml+xml",
	"application/xml",
	"application/yaml",
};

static const char *const image_types[] = {"image/gif", "image/jpeg", "image/png", "image/webp"};

static bool listed(const char *const *types, size_t count, const char *type)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), wanted = strlen(end);

	return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool looks_like_text(const char *body, size_t length)
{
	size_t looked = min_size(length, SNIFF_BYTES);

	if (length >= 2 && (memcmp(body, "\xff\xfe", 2) == 0 || memcmp(body, "\xfe\xff", 2) == 0))
		return true;
	for (size_t i = 0; i < looked; i++) {
		unsigned char c = (unsigned char)body[i];

		if ((c < ' ' && !strchr("\t\n\f\r\033", c)) ||
		    c == 0) /* WHATWG MIME Sniffing, "binary data byte" */
			return false;
	}
	return true;
}

static bool looks_like_html(const char *body, size_t length)
{
	size_t at = 0;

	while (at < length && isspace((unsigned char)body[at]))
		at++;
	return (length - at >= 14 && strncasecmp(body + at, "<!doctype html", 14) == 0) ||
	       (length - at >= 5 && strncasecmp(body + at, "<html", 5) == 0);
}

enum content_kind content_kind(const char *content_type, const char *body, size_t length,
			       char media_type[WEB_MEDIA_TYPE_BYTES])
{
	size_t end = strcspn(content_type, "; \t");

	snprintf(media_type, WEB_MEDIA_TYPE_BYTES, "%.*s", (int)min_size(end, WEB_MEDIA_TYPE_BYTES - 1),
		 content_type);
	for (char *c = media_type; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!media_type[0] || strcmp(media_type, "application/octet-stream") == 0) {
		if (!looks_like_text(body, length))
			return CONTENT_BINARY;
		if (!media_type[0])
			snprintf(media_type, WEB_MEDIA_TYPE_BYTES, "%s",
				 looks_like_html(body, length) ? "text/html" : "text/plain");
		return CONTENT_TEXT;
	}
	if (listed(image_types, ARRAY_SIZE(image_types), media_type))
		return CONTENT_IMAGE;
	if (strncmp(media_type, "text/", 5) == 0 || ends_with(media_type, "+json") ||
	    ends_with(media_type, "+xml") || listed(text_types, ARRAY_SIZE(text_types), media_type))
		return CONTENT_TEXT;
	return CONTENT_BINARY;
}

/* The value behind "charset" in [at, end): a parameter or an attribute. False if there is none. */
static bool find_charset(const char *at, const char *end, char *name, size_t size)
{
	static const char word[] = "charset";
	size_t length = sizeof word - 1;

	for (; (size_t)(end - at) > length; at++) {
		const char *value = at + length;
		size_t used = 0;

		if (strncasecmp(at, word, length) != 0)
			continue;
		while (value < end && isspace((unsigned char)*value))
			value++;
		if (value == end || *value++ != '=')
			continue;
		while (value < end && (isspace((unsigned char)*value) || *value == '"' || *value == '\''))
			value++;
		while (value < end && (isalnum((unsigned char)*value) || *value == '-' || *value == '_') &&
		       used + 1 < size)
			name[used++] = *value++;
		name[used] = '\0';
		return used > 0;
	}
	return false;
}

/* <meta charset=...> or <meta http-equiv ... content="...charset=..."> in the first KB. */
static bool find_meta_charset(const char *body, size_t length, char *name, size_t size)
{
	const char *end = body + min_size(length, SNIFF_BYTES), *at = body;

	while ((at = memchr(at, '<', (size_t)(end - at)))) {
		const char *close;

		if (end - at > 6 && strncasecmp(at, "<meta", 5) == 0) {
			close = memchr(at, '>', (size_t)(end - at));
			if (find_charset(at, close ? close : end, name, size))
				return strncasecmp(name, "utf-16", 6) != 0; /* it was read as ASCII: a lie */
		}
		at++;
	}
	return false;
}

static bool is_html(const char *media_type)
{
	return strcmp(media_type, "text/html") == 0 || strcmp(media_type, "application/xhtml+xml") == 0;
}

/* Brings the body to UTF-8 in `text`; a body that is UTF-8 already is borrowed instead. */
static int decode(struct buffer *text, const char *content_type, bool html, const char **body, size_t *length)
{
	char name[40] = "";
	int result;

	if (*length >= 3 && memcmp(*body, "\xef\xbb\xbf", 3) == 0) {
		*body += 3;
		*length -= 3;
		return 0;
	}
	if (*length >= 2 && memcmp(*body, "\xff\xfe", 2) == 0)
		snprintf(name, sizeof name, "utf-16le");
	else if (*length >= 2 && memcmp(*body, "\xfe\xff", 2) == 0)
		snprintf(name, sizeof name, "utf-16be");
	if (name[0]) {
		*body += 2;
		*length -= 2;
	} else if (!find_charset(content_type, content_type + strlen(content_type), name, sizeof name) &&
		   !(html && find_meta_charset(*body, *length, name, sizeof name))) {
		return 0;
	}
	if (strcasecmp(name, "utf-8") == 0 || strcasecmp(name, "utf8") == 0)
		return 0;
	result = charset_convert(text, name, *body, *length);
	if (result == -ENOENT) /* unknown: shown as if UTF-8, with U+FFFD, which the answer counts */
		return 0;
	if (result == 0) {
		*body = buffer_data(text);
		*length = buffer_length(text);
	}
	return result;
}

int content_text(struct buffer *text, char title[WEB_TITLE_BYTES], const char *content_type,
		 const char *media_type, uint32_t format, const char *body, size_t length)
{
	struct buffer decoded __attribute__((cleanup(buffer_deinit)));
	bool html = is_html(media_type);
	int result;

	title[0] = '\0';
	buffer_init(&decoded, text->max);
	result = decode(&decoded, content_type, html, &body, &length);
	if (result < 0)
		return result;
	if (html && format != WEB_RAW)
		return html_text(text, title, body, length);
	if (body == buffer_data(&decoded)) { /* converted: it is the text itself */
		struct buffer swapped = *text;

		*text = decoded;
		decoded = swapped;
		return 0;
	}
	return buffer_append(text, body, length);
}

uint64_t text_characters(const char *text, size_t length)
{
	uint64_t count = 0;

	for (size_t i = 0; i < length; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

size_t text_offset(const char *text, size_t length, uint64_t count)
{
	for (size_t i = 0; i < length; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80 && count-- == 0)
			return i;
	return length;
}

size_t text_cut(const char *text, size_t most)
{
	const char *line = memrchr(text, '\n', most);
	size_t cut = most;

	if (line && (size_t)(line - text) >= most / 2)
		return (size_t)(line - text) + 1;
	while (cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--;
	return cut ? cut : most; /* continuation bytes only: not UTF-8, so any place is as good */
}
