/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies, read (read.h). Everything in them is a stranger's. */
#include "tools/web/executor/read.h"

#include <stdio.h>

#include "protocol/limits.h"
#include "tools/web/page/page.h"

struct reading {
	const struct body *body;
	enum page_format format;
};

static int read_html(void *context, struct buffer *out, char title[WEB_TITLE_BYTES], const char *html,
		     size_t length)
{
	const struct reading *reading = context;
	struct page_options options = {.url = reading->body->url,
				       .format = reading->format,
				       .ms = LIMIT_WEB_CONVERT_MS,
				       .memory = LIMIT_WEB_CONVERT_BYTES};
	struct page_facts facts;
	int result = page_convert(out, &facts, &options, html, length);

	if (result == 0 && title)
		snprintf(title, WEB_TITLE_BYTES, "%s", facts.title);
	return result;
}

int read_body(struct content *content, uint32_t format, const struct body *body)
{
	struct reading reading = {.body = body, .format = format == WEB_MARKDOWN ? PAGE_MARKDOWN : PAGE_TEXT};
	struct content_request request = {.bytes = body->bytes,
					  .length = body->length,
					  .cut = body->cut,
					  .content_type = body->type,
					  .url = body->url,
					  .format = format == WEB_MARKDOWN ? CONTENT_MARKDOWN
						    : format == WEB_TEXT   ? CONTENT_PLAIN
									   : CONTENT_RAW,
					  .html = read_html,
					  .context = &reading};

	*content = (struct content){0};
	buffer_init(&content->text, LIMIT_WEB_TEXT_BYTES);
	return content_read(&request, content);
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
