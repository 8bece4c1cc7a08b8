/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body in any format. The first line is its Content-Type. Whatever it is: text is UTF-8 and bounded, pages
 * put together are the text, and JSON that was laid out stays as it is when laid out again.
 */
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tests/fuzz/fuzz.h"
#include "tools/web/content/charset.h"
#include "tools/web/content/content.h"
#include "tools/web/content/cut.h"
#include "tools/web/content/json.h"

static int take_html(void *context, struct buffer *out, char title[WEB_TITLE_BYTES], const char *html,
		     size_t length)
{
	if (title)
		title[0] = '\0';
	return buffer_append(out, html, length);
}

static void check_pages(const char *text, size_t length, bool markdown)
{
	for (size_t at = 0, pages = 0; at < length && pages < 50; pages++) {
		size_t most = length - at < 60 ? length - at : 60;
		size_t cut = cut_page(text, length, at, most, markdown);

		FUZZ_CHECK(cut > at && cut - at <= most);
		FUZZ_CHECK(cut == length || ((unsigned char)text[cut] & 0xc0) != 0x80);
		at = cut;
	}
}

static void check_utf8(const char *text, size_t length)
{
	for (const char *at = text, *end = text + length; at < end;) {
		const char *before = at;

		FUZZ_CHECK(charset_next(&at, end) != 0xfffd || memcmp(before, "\xef\xbf\xbd", 3) == 0);
	}
}

static void check_json(const char *text, size_t length)
{
	_cleanup_(buffer_deinit) struct buffer first = {.max = LIMIT_WEB_TEXT_BYTES};
	_cleanup_(buffer_deinit) struct buffer second = {.max = LIMIT_WEB_TEXT_BYTES};
	int result = json_indent(&first, text, length, 0);

	FUZZ_CHECK(result >= 0);
	if (result != 0) {
		FUZZ_CHECK(buffer_length(&first) == 0);
		return;
	}
	FUZZ_CHECK(buffer_length(&first) <= 6 * length + 4096);
	result = json_indent(&second, first.bytes, first.end, 0);
	FUZZ_CHECK(result == 0 && second.end == first.end &&
		   memcmp(first.bytes, second.bytes, first.end) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
	char type[WEB_MEDIA_TYPE_BYTES] = "";
	const char *body = (const char *)data;

	if (line && (size_t)(line - data) < sizeof type && !memchr(data, '\0', (size_t)(line - data))) {
		memcpy(type, data, (size_t)(line - data));
		body = (const char *)line + 1;
		size -= (size_t)(line + 1 - data);
	}
	for (unsigned variant = 0; variant < 6; variant++) {
		struct content_request request = {.bytes = size ? body : "",
						  .length = size,
						  .cut = variant & 1,
						  .content_type = type,
						  .url = "http://a.example/b/c.json",
						  .format = (enum content_format)(variant / 2),
						  .html = take_html};
		struct content content = {.text.max = LIMIT_WEB_TEXT_BYTES};

		FUZZ_CHECK(content_read(&request, &content) == 0);
		FUZZ_CHECK(memchr(content.title, '\0', sizeof content.title));
		FUZZ_CHECK(memchr(content.media_type, '\0', sizeof content.media_type));
		FUZZ_CHECK(buffer_length(&content.text) <= 80 * size + 4096);
		if (content.text.end && content.kind == CONTENT_TEXT) {
			check_utf8(content.text.bytes, content.text.end);
			check_pages(content.text.bytes, content.text.end, content.markdown);
		}
		buffer_deinit(&content.text);
	}
	check_json(size ? body : "", size);
	return 0;
}
