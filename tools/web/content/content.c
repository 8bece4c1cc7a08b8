/* SPDX-License-Identifier: Apache-2.0 */
/* A body becomes text (content.h): what it is, its character set, then by its syntax. */
#include "tools/web/content/content.h"

#include <errno.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/web/content/charset.h"
#include "tools/web/content/feed.h"
#include "tools/web/content/json.h"

/* The body as UTF-8. */
struct source {
	const char *text;
	size_t length;
};

static int fragment(void *context, struct buffer *out, const char *html, size_t length)
{
	const struct content_request *request = context;

	return request->html(request->context, out, NULL, html, length);
}

static int take_page(const struct content_request *request, struct content *content, struct source source)
{
	if (!request->html)
		return buffer_append(&content->text, source.text, source.length);
	content->markdown = request->format == CONTENT_MARKDOWN;
	return request->html(request->context, &content->text, content->title, source.text, source.length);
}

/* A picture in words: who wants its source asks for it raw. */
static int take_svg(struct content *content, struct source source)
{
	struct slice title = {"", 0};
	enum xml_token token;
	struct xml xml;
	int result;

	xml_init(&xml, source.text, source.length);
	while ((token = xml_next(&xml)) != XML_END && title.length == 0)
		if (token == XML_OPEN && xml_is(xml.name, "title") && xml_next(&xml) == XML_TEXT)
			title = xml_trim(xml.inside);
	feed_copy_title(content->title, sizeof content->title, title);
	result = buffer_printf(&content->text, "An SVG image, %zu bytes. format: raw gives its source.\n",
			       source.length);
	if (result == 0 && title.length > 0)
		result = buffer_printf(&content->text, "\nTitle: %s\n", content->title);
	return result;
}

static struct feed_style style_of(const struct content_request *request)
{
	return (struct feed_style){.markdown = request->format == CONTENT_MARKDOWN,
				   .url = request->url,
				   .html = request->html ? fragment : NULL,
				   .context = (void *)request};
}

static int take_json(const struct content_request *request, struct content *content, struct source source,
		     unsigned flags)
{
	const struct feed_style style = style_of(request);
	int result = json_indent(&content->text, source.text, source.length, flags);

	if (result != 0 || !feed_is_json(source.text, source.length))
		return result;
	buffer_clear(&content->text, 0);
	content->markdown = style.markdown;
	return feed_write_json(&content->text, &style, source.text, source.length, content->title,
			       sizeof content->title);
}

static int take_xml(const struct content_request *request, struct content *content, struct source source)
{
	const struct feed_style style = style_of(request);
	enum feed_kind kind = feed_kind(source.text, source.length);

	switch (kind) {
	case FEED_RSS:
	case FEED_SITEMAP:
	case FEED_OPML:
		content->markdown = style.markdown;
		return feed_write(&content->text, &style, kind, source.text, source.length, content->title,
				  sizeof content->title);
	case FEED_HTML:
		return take_page(request, content, source);
	case FEED_SVG:
		return take_svg(content, source);
	case FEED_NONE:
		break;
	}
	return style.markdown ? xml_indent(&content->text, source.text, source.length)
			      : xml_plain(&content->text, source.text, source.length);
}

/* By syntax; 1: it stays as it is. */
static int take_format(const struct content_request *request, struct content *content, struct source source)
{
	enum content_syntax syntax = content_syntax_of(content->media_type, request->url);
	unsigned flags = (syntax == SYNTAX_JSON_LINES ? JSON_LINES : 0) | (request->cut ? JSON_PARTIAL : 0);

	if (request->format == CONTENT_RAW)
		return 1;
	switch (syntax) {
	case SYNTAX_HTML:
		return take_page(request, content, source);
	case SYNTAX_JSON:
	case SYNTAX_JSON_LINES:
		return take_json(request, content, source, flags);
	case SYNTAX_XML:
		return take_xml(request, content, source);
	case SYNTAX_MARKDOWN:
		content->markdown = true;
		return 1;
	case SYNTAX_OTHER:
		break;
	}
	return 1;
}

static int take_text(const struct content_request *request, struct content *content)
{
	_cleanup_(buffer_deinit) struct buffer decoded = {.max = content->text.max};
	enum content_syntax syntax = content_syntax_of(content->media_type, request->url);
	enum sniff sniff = syntax == SYNTAX_HTML ? SNIFF_HTML : syntax == SYNTAX_XML ? SNIFF_XML : SNIFF_TEXT;
	const struct charset *charset;
	struct source source;
	bool borrowed;
	size_t mark;
	int result;

	charset = charset_sniff(sniff, request->content_type, request->bytes, request->length, &mark);
	content->charset = charset_name(charset);
	source = (struct source){request->bytes + mark, request->length - mark};
	borrowed = strcmp(content->charset, "UTF-8") == 0 && charset_is_utf8(source.text, source.length);
	if (!borrowed) {
		result = charset_decode(charset, &decoded, source.text, source.length, &content->replaced);
		if (result < 0)
			return result;
		source = (struct source){buffer_length(&decoded) ? buffer_data(&decoded) : "",
					 buffer_length(&decoded)};
	}
	result = take_format(request, content, source);
	if (result == -EMSGSIZE) { /* laid out it would be too large: as it is */
		buffer_clear(&content->text, 0);
		content->markdown = false;
		result = 1;
	}
	if (result > 0 && borrowed)
		return buffer_append(&content->text, source.text, source.length);
	if (result > 0) { /* the text itself, without a second copy */
		struct buffer unused = content->text;

		content->text = decoded;
		decoded = unused;
		result = 0;
	}
	return result;
}

int content_read(const struct content_request *request, struct content *content)
{
	content->charset = "";
	content->title[0] = '\0';
	content->replaced = 0;
	content->markdown = false;
	content->kind = content_kind_of(request, content->media_type);
	if (content->kind == CONTENT_TEXT)
		return take_text(request, content);
	if (content->kind == CONTENT_IMAGE)
		return 0;
	return content_describe(&content->text, content->media_type, request->bytes, request->length,
				request->cut);
}
