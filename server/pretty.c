/* SPDX-License-Identifier: Apache-2.0 */
/* Layout of what people read on a terminal. See pretty.h. */
#include "server/pretty.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int new_line(struct buffer *out, unsigned depth)
{
	int result = buffer_append(out, "\n", 1);

	for (unsigned i = 0; i < depth && result == 0; i++)
		result = buffer_append(out, "  ", 2);
	return result;
}

/* The end of the string that begins at `at`, one past its quote. */
static size_t string_end(const char *json, size_t length, size_t at)
{
	for (at++; at < length && json[at] != '"'; at++)
		if (json[at] == '\\')
			at++;
	return at < length ? at + 1 : length;
}

static size_t skip_space(const char *json, size_t length, size_t at)
{
	while (at < length && strchr(" \t\r\n", json[at]) && json[at])
		at++;
	return at;
}

/* One token: a string, a mark, or what stands up to the next mark. */
static size_t token_end(const char *json, size_t length, size_t at)
{
	if (json[at] == '"')
		return string_end(json, length, at);
	if (memchr("{}[],:", json[at], 6))
		return at + 1;
	while (at < length && !memchr("{}[],: \t\r\n\"", json[at], 11))
		at++;
	return at;
}

int pretty_json(struct buffer *out, const char *json, size_t length)
{
	unsigned depth = 0;
	size_t at = skip_space(json, length, 0), end;
	int result = 0;

	for (; at < length && result == 0; at = skip_space(json, length, end)) {
		char mark = json[at];
		char last = buffer_length(out) ? out->bytes[out->end - 1] : '\0';
		bool empty = (mark == '}' && last == '{') || (mark == ']' && last == '[');

		end = token_end(json, length, at);
		if (mark == '}' || mark == ']') {
			depth -= depth > 0;
			if (!empty)
				result = new_line(out, depth);
		} else if (last == '{' || last == '[' || last == ',') {
			if (depth)
				result = new_line(out, depth);
		} else if (last == ':') {
			result = buffer_append(out, " ", 1);
		}
		if (result == 0)
			result = buffer_append(out, json + at, end - at);
		depth += mark == '{' || mark == '[';
	}
	return result < 0 ? result : buffer_append(out, "\n", 1);
}

bool pretty_colour(int fd)
{
	const char *none = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(fd) && !(none && *none) && terminal && strcmp(terminal, "dumb") != 0;
}

const char *pretty_style(bool colour, enum pretty_style style)
{
	static const char *const sequences[] = {
		[PRETTY_PLAIN] = "\033[0m",  [PRETTY_BOLD] = "\033[1m",  [PRETTY_GOOD] = "\033[32m",
		[PRETTY_BAD] = "\033[1;31m", [PRETTY_WARN] = "\033[33m", [PRETTY_FAINT] = "\033[2m",
	};

	return colour ? sequences[style] : "";
}
