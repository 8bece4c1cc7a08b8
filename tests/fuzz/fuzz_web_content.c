/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body from a stranger's server, with a Content-Type of the stranger's: the first line of the input, the
 * rest is the body. The text stays within its bound, and pages joined at the cuts are the whole.
 */
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tests/fuzz/fuzz.h"
#include "tools/web/content/cut.h"
#include "tools/web/executor/read.h"

static void join_parts(const struct content *content)
{
	const char *text = buffer_data(&content->text);
	size_t length = buffer_length(&content->text), at = 0, pages = 0;

	while (at < length && ++pages < 1000) {
		size_t most = text_offset(text + at, length - at, 70), end;

		FUZZ_CHECK(most > 0);
		end = cut_page(text, length, at, most, content->markdown);
		FUZZ_CHECK(end > at && end <= at + most);
		at = end;
	}
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
	for (uint32_t format = 0; format < WEB_FORMATS; format++) {
		struct body given = {.type = type,
				     .url = "http://example.org/a/b",
				     .bytes = size ? body : "",
				     .length = size};
		struct content content;

		FUZZ_CHECK(read_body(&content, format, &given) == 0);
		FUZZ_CHECK(memchr(content.title, '\0', sizeof content.title));
		if (buffer_length(&content.text))
			join_parts(&content);
		buffer_deinit(&content.text);
	}
	return 0;
}
