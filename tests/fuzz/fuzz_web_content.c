/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body from a stranger's server, with a Content-Type of the stranger's: the first line of the input, the
 * rest is the body. The text stays within its bound, and pages joined at the cuts are the whole.
 */
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tests/fuzz/fuzz.h"
#include "tools/web/executor/content.h"

static void join_parts(const char *text, size_t length)
{
	size_t at = 0;
	uint64_t characters = 0;

	while (at < length) {
		size_t most = text_offset(text + at, length - at, 7);

		FUZZ_CHECK(most > 0);
		if (most < length - at)
			most = text_cut(text + at, most);
		FUZZ_CHECK(most > 0 && most <= length - at);
		characters += text_characters(text + at, most);
		at += most;
	}
	FUZZ_CHECK(at == length && characters == text_characters(text, length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
	char type[WEB_MEDIA_TYPE_BYTES] = "", media_type[WEB_MEDIA_TYPE_BYTES], title[WEB_TITLE_BYTES];
	const char *body = (const char *)data;

	if (line && (size_t)(line - data) < sizeof type && !memchr(data, '\0', (size_t)(line - data))) {
		memcpy(type, data, (size_t)(line - data));
		body = (const char *)line + 1;
		size -= (size_t)(line + 1 - data);
	}
	content_kind(type, size ? body : "", size, media_type);
	for (uint32_t format = 0; format < WEB_FORMATS; format++) {
		_cleanup_(buffer_deinit) struct buffer text = {.max = LIMIT_WEB_TEXT_BYTES};

		FUZZ_CHECK(content_text(&text, title, type, media_type, format, size ? body : "", size) == 0);
		FUZZ_CHECK(memchr(title, '\0', sizeof title));
		FUZZ_CHECK(buffer_length(&text) <= 3 * size + 16);
		if (buffer_length(&text))
			join_parts(buffer_data(&text), buffer_length(&text));
	}
	return 0;
}
