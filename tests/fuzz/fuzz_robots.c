/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A robots.txt; its last line is the path that is asked for. The rule that is told matches by the definition
 * of RFC 9309 section 2.2.3, tried here in the slow way, and no longer one does.
 */
#include <string.h>

#include "protocol/cleanup.h"
#include "tests/fuzz/fuzz.h"
#include "tools/web/content/robots.h"

/* The definition, by a table of which prefixes of the path a prefix of the pattern can take. */
static bool slowly(const char *pattern, size_t length, const char *path)
{
	bool anchored = length > 0 && pattern[length - 1] == '$';
	static bool can[4096];
	size_t path_length = strlen(path);

	memset(can, 0, path_length + 1);
	can[0] = true;
	for (size_t i = 0; i < length - anchored; i++) {
		if (pattern[i] == '*') {
			for (size_t at = 1; at <= path_length; at++)
				can[at] = can[at] || can[at - 1];
			continue;
		}
		for (size_t at = path_length; at > 0; at--)
			can[at] = can[at - 1] && path[at - 1] == pattern[i];
		can[0] = false;
	}
	for (size_t at = 0; at <= path_length && !anchored; at++)
		if (can[at])
			return true;
	return can[path_length];
}

/* Only paths that mean themselves: what normalising does is the unit test's. */
static bool is_plain(const char *path)
{
	return path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/?=&")] ==
	       '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *last = size ? memrchr(data, '\n', size) : NULL;
	size_t length = last ? (size_t)(last - data) : 0, longest = 0;
	_cleanup_(robots_deinit) struct robots robots;
	char path[2000] = "/";
	const char *line;
	bool allowed, allow = true;

	if (size - length > sizeof path - 2)
		return 0;
	memcpy(path + 1, data + length + (last != NULL), size - length - (last != NULL));
	FUZZ_CHECK(robots_parse(&robots, (const char *)data, length, "sallyport") == 0);
	allowed = robots_allows(&robots, path, &line);
	FUZZ_CHECK(line || allowed);
	if (!is_plain(path) || strcmp(path, "/robots.txt") == 0)
		return 0;
	for (size_t i = 0; i < robots.count; i++) {
		const struct robots_rule *rule = &robots.rules[i];

		if (rule->length < longest || !slowly(robots.text.bytes + rule->pattern, rule->length, path))
			continue;
		allow = rule->allow || (rule->length == longest && allow && longest);
		longest = rule->length;
	}
	FUZZ_CHECK(allowed == (longest == 0 || allow));
	return 0;
}
