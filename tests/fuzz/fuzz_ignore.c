/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ignore files: one, a NUL, and paths, one a line. Every path gets an answer, the same each time; a last line
 * that keeps everything makes it "kept", one that leaves everything out "left out".
 */
#include <string.h>

#include "protocol/limits.h"
#include "tests/fuzz/fuzz.h"
#include "tools/files/executor/ignore.h"

static enum ignore_verdict ask(const struct ignore_rules *rules, const char *path, bool directory)
{
	const char *slash = strrchr(path, '/');

	return ignore_judge(rules, path, strlen(path), slash ? slash + 1 : path, directory);
}

/* The same rules with one more line. */
static struct ignore_rules *with_line(const uint8_t *text, size_t length, const char *line)
{
	size_t more = strlen(line);
	char *whole = malloc(length + more);
	struct ignore_rules *rules;

	FUZZ_CHECK(whole);
	if (length)
		memcpy(whole, text, length);
	memcpy(whole + length, line, more);
	rules = ignore_parse(whole, length + more);
	FUZZ_CHECK(rules);
	free(whole);
	return rules;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *split = size ? memchr(data, '\0', size) : NULL;
	size_t length = split ? (size_t)(split - data) : size;
	struct ignore_rules *rules, *kept, *out;
	char *paths, *rest;

	if (size > LIMIT_PATH_BYTES)
		return 0;
	rules = with_line(data, length, "");
	kept = with_line(data, length, "\n!*\n");
	out = with_line(data, length, "\r\n*\r\n");
	paths = rest = calloc(1, size - length + 1);
	FUZZ_CHECK(paths);
	if (split)
		memcpy(paths, split + 1, size - length - 1);
	for (char *path; (path = strsep(&rest, "\n"));) {
		enum ignore_verdict verdict = ask(rules, path, false);

		FUZZ_CHECK(verdict == ask(rules, path, false));
		ask(rules, path, true);
		if (!*path || path[strlen(path) - 1] == '/')
			continue; /* no name */
		FUZZ_CHECK(ask(kept, path, false) == IGNORE_KEPT && ask(kept, path, true) == IGNORE_KEPT);
		FUZZ_CHECK(ask(out, path, false) == IGNORE_OUT && ask(out, path, true) == IGNORE_OUT);
	}
	free(paths);
	ignore_rules_free(rules);
	ignore_rules_free(kept);
	ignore_rules_free(out);
	return 0;
}
