/* SPDX-License-Identifier: Apache-2.0 */
/* Media types: what the header says, and where it says nothing or lies, what the bytes are. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "protocol/cleanup.h"
#include "tools/web/content/charset.h"
#include "tools/web/content/content.h"

#define SNIFF_BYTES 1445 /* WHATWG MIME Sniffing, "resource header" */

/* Types outside text/ that are text all the same, beside +json, +xml and +yaml. */
static const char *const text_types[] = {
	"application/ecmascript",
	"application/graphql",
	"application/javascript",
	"application/json",
	"application/json-seq",
	"application/json5",
	"application/jsonl",
	"application/ld-json",
	"application/ndjson",
	"application/rss",
	"application/rtf",
	"application/sql",
	"application/toml",
	"application/x-httpd-php",
	"application/x-javascript",
	"application/x-jsonlines",
	"application/x-ndjson",
	"application/x-perl",
	"application/x-python",
	"application/x-ruby",
	"application/x-sh",
	"application/x-subrip",
	"application/x-tex",
	"application/x-www-form-urlencoded",
	"application/x-yaml",
	"application/xml",
	"application/xml-dtd",
	"application/yaml",
	"message/http",
	"message/rfc822",
	"model/step",
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

	return length >= wanted && strcasecmp(text + length - wanted, end) == 0;
}

/* MIME Sniffing has one "binary data byte" decide. Text with a stray control among much else is text to us,
 * unless it is a NUL. */
static bool is_binary(const char *body, size_t length)
{
	size_t looked = length < SNIFF_BYTES ? length : SNIFF_BYTES, controls = 0;

	for (size_t i = 0; i < looked; i++) {
		unsigned char c = (unsigned char)body[i];

		if (c == '\0')
			return true;
		controls += c < ' ' && c != '\t' && c != '\n' && c != '\f' && c != '\r' && c != '\033';
	}
	return controls > looked / 64;
}

static bool looks_like_text(const struct content_request *request)
{
	size_t mark;
	const struct charset *charset;

	if (!is_binary(request->bytes, request->length))
		return true;
	charset = charset_sniff(SNIFF_TEXT, request->content_type, request->bytes, request->length, &mark);
	return strncmp(charset_name(charset), "UTF-16", 6) == 0 ||
	       (mark && !content_magic(request->bytes, request->length));
}

/* What text is when nothing says so: only what cannot be mistaken. */
static const char *text_type(const char *body, size_t length)
{
	static const struct {
		const char *begin, *type;
	} begins[] = {
		{"<!doctype html", "text/html"}, {"<html", "text/html"},    {"<head", "text/html"},
		{"<body", "text/html"},          {"<?xml", "text/xml"},     {"<rss", "text/xml"},
		{"<feed", "text/xml"},           {"<svg", "image/svg+xml"},
	};
	size_t at = length >= 3 && memcmp(body, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	while (at < length && isspace((unsigned char)body[at]))
		at++;
	for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
		size_t begin = strlen(begins[i].begin);

		if (length - at >= begin && strncasecmp(body + at, begins[i].begin, begin) == 0)
			return begins[i].type;
	}
	return at < length && (body[at] == '{' || body[at] == '[') ? "application/json" : "text/plain";
}

static bool is_text_type(const char *type)
{
	return strncmp(type, "text/", 5) == 0 || ends_with(type, "+json") || ends_with(type, "+xml") ||
	       ends_with(type, "+yaml") || listed(text_types, ARRAY_SIZE(text_types), type);
}

static void set_type(char media_type[WEB_MEDIA_TYPE_BYTES], const char *type)
{
	snprintf(media_type, WEB_MEDIA_TYPE_BYTES, "%s", type);
}

enum content_kind content_kind_of(const struct content_request *request,
				  char media_type[WEB_MEDIA_TYPE_BYTES])
{
	const char *header = request->content_type + strspn(request->content_type, " \t");
	const char *magic = content_magic(request->bytes, request->length);
	size_t end = strcspn(header, ";, \t");

	snprintf(media_type, WEB_MEDIA_TYPE_BYTES, "%.*s",
		 (int)(end < WEB_MEDIA_TYPE_BYTES ? end : WEB_MEDIA_TYPE_BYTES - 1), header);
	for (char *c = media_type; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (magic && listed(image_types, ARRAY_SIZE(image_types), magic) && !is_text_type(media_type)) {
		set_type(media_type, magic); /* hosts refuse an image that is not what it is called */
		return CONTENT_IMAGE;
	}
	if (is_text_type(media_type)) {
		/* other text types are believed unless the bytes say what else they are */
		if (request->length == 0 || looks_like_text(request) ||
		    (!magic && strcmp(media_type, "text/plain") != 0))
			return CONTENT_TEXT;
		set_type(media_type, magic ? magic : "application/octet-stream");
		return listed(image_types, ARRAY_SIZE(image_types), media_type) ? CONTENT_IMAGE
										: CONTENT_BINARY;
	}
	if (magic) {
		if (!media_type[0] || !strchr(media_type, '/') ||
		    strcmp(media_type, "application/octet-stream") == 0 ||
		    strncmp(media_type, "image/", 6) == 0)
			set_type(media_type, magic);
		return CONTENT_BINARY;
	}
	if (!looks_like_text(request))
		return CONTENT_BINARY;
	if (!media_type[0] || !strchr(media_type, '/') || strcmp(media_type, "application/unknown") == 0)
		set_type(media_type, text_type(request->bytes, request->length));
	else if (strcmp(media_type, "application/octet-stream") == 0)
		set_type(media_type, "text/plain");
	return CONTENT_TEXT; /* whatever it is called: words are read */
}

enum content_syntax content_syntax_of(const char *media_type, const char *url)
{
	static const struct {
		const char *type;
		enum content_syntax syntax;
	} types[] =
		{
			{"application/geojson", SYNTAX_JSON},
			{"application/json", SYNTAX_JSON},
			{"application/json-seq", SYNTAX_JSON_LINES},
			{"application/jsonl", SYNTAX_JSON_LINES},
			{"application/ndjson", SYNTAX_JSON_LINES},
			{"application/x-jsonlines", SYNTAX_JSON_LINES},
			{"application/x-ndjson", SYNTAX_JSON_LINES},
			{"application/xhtml+xml", SYNTAX_HTML},
			{"application/xml", SYNTAX_XML},
			{"application/rss", SYNTAX_XML},
			{"text/html", SYNTAX_HTML},
			{"text/json", SYNTAX_JSON},
			{"text/markdown", SYNTAX_MARKDOWN},
			{"text/x-json", SYNTAX_JSON},
			{"text/x-markdown", SYNTAX_MARKDOWN},
			{"text/x-opml", SYNTAX_XML},
			{"text/xml", SYNTAX_XML},
		},
	  names[] = {
		  /* of files that many servers send as text/plain */
		  {".geojson", SYNTAX_JSON}, {".json", SYNTAX_JSON},         {".jsonl", SYNTAX_JSON_LINES},
		  {".md", SYNTAX_MARKDOWN},  {".ndjson", SYNTAX_JSON_LINES},
	  };
	size_t path = strcspn(url, "?#");

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i].type, media_type) == 0)
			return types[i].syntax;
	if (ends_with(media_type, "+json"))
		return SYNTAX_JSON;
	if (ends_with(media_type, "+xml"))
		return SYNTAX_XML;
	for (size_t i = 0; i < ARRAY_SIZE(names) && strcmp(media_type, "text/plain") == 0; i++) {
		size_t length = strlen(names[i].type);

		if (path > length && strncasecmp(url + path - length, names[i].type, length) == 0)
			return names[i].syntax;
	}
	return SYNTAX_OTHER;
}
