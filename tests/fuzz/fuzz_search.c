/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An expression (the first line, a byte of options in front) and a text. The fast ways find exactly the lines
 * that the expression finds in each alone.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tools/files/search/pattern.h"

static void compare(const struct pattern *pattern, const uint8_t *text, size_t length)
{
	struct pattern alone = *pattern;
	struct matcher fast, slow;
	struct match found = {.line = 0}, expected = {.line = 0};
	size_t from = 0;
	enum matched result;

	alone.way = pattern->code ? PATTERN_LINES : pattern->way;
	FUZZ_CHECK(matcher_init(&fast, pattern) == 0 && matcher_init(&slow, &alone) == 0);
	/* catastrophes end soon: this is not about them */
	if (pattern->code) {
		pcre2_set_match_limit(fast.context, 20000);
		pcre2_set_match_limit(slow.context, 20000);
	}
	matcher_begin(&fast, text, length);
	matcher_begin(&slow, text, length);
	do {
		enum matched wanted = matcher_next(&slow, text, from, length, &expected);

		result = matcher_next(&fast, text, from, length, &found);
		FUZZ_CHECK(result == MATCHED_NOTHING ||
			   (found.line_end <= length && found.line <= found.line_end));
		if (result == MATCHED_TOO_MUCH || wanted == MATCHED_TOO_MUCH)
			break;
		FUZZ_CHECK(result == wanted);
		FUZZ_CHECK(result == MATCHED_NOTHING ||
			   (found.line == expected.line && found.line_end == expected.line_end));
		from = found.line_end + 1;
	} while (result != MATCHED_NOTHING && from < length);
	matcher_deinit(&fast);
	matcher_deinit(&slow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
	struct pattern pattern;
	struct refusal refusal;
	size_t length;

	if (!line || line == data + 1 || (size_t)(line - data) > 200)
		return 0;
	length = (size_t)(line - data) - 1;
	if (pattern_init(&pattern, (const char *)data + 1, length, data[0] & (PATTERN_LITERAL | PATTERN_FOLD),
			 &refusal) == 0)
		compare(&pattern, line + 1, size - length - 2);
	pattern_deinit(&pattern);
	return 0;
}
