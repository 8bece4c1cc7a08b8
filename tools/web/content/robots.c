/* SPDX-License-Identifier: Apache-2.0 */
/* robots.txt (robots.h). Strict: what RFC 9309's grammar does not have is passed over, whatever it meant. */
#include "tools/web/content/robots.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

enum robots_verdict robots_from_status(long status)
{
	if (status >= 200 && status < 300)
		return ROBOTS_PARSE;
	return status >= 300 && status < 500 ? ROBOTS_ALLOW : ROBOTS_DISALLOW;
}

static bool is_unreserved(unsigned char c)
{
	return isalnum(c) || (c && strchr("-._~", c));
}

static int hex(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

/*
 * Section 2.2.2: one spelling of octets. Encoded letters, digits and "-._~" become themselves, everything
 * that is no ASCII or no part of a URI becomes %XX. `encode` names further characters to encode: in a path,
 * "*" and "$" are no wildcards and compare as a pattern's "%2A" and "%24".
 */
static int normalise(struct buffer *out, const char *text, size_t length, const char *encode)
{
	static const char digits[] = "0123456789ABCDEF";
	int result = 0;

	for (size_t i = 0; i < length && result == 0; i++) {
		unsigned char c = (unsigned char)text[i];
		bool escape = c == '%' && length - i > 2 && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;

		if (escape) {
			c = (unsigned char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
			i += 2;
		}
		if (is_unreserved(c) ||
		    (!escape && c > ' ' && c < 0x7f && !strchr("\"%<>\\^`{|}", c) && !strchr(encode, c))) {
			result = buffer_append(out, &c, 1);
		} else {
			char written[3] = {'%', digits[c >> 4], digits[c & 15]};

			result = buffer_append(out, written, 3);
		}
	}
	return result;
}

/* ---- parsing ---- */

struct parser {
	struct robots own, all; /* of groups that name the agent, and of those for "*" */
	const char *product;
	bool in_own, in_all; /* the group at hand is one of these */
	bool rules_seen;     /* in it: the next user-agent line begins another */
	bool own_found;
};

static int add_rule(struct robots *robots, bool allow, const char *value, size_t length)
{
	struct robots_rule rule = {.allow = allow, .pattern = (uint32_t)buffer_length(&robots->text)};
	int result = normalise(&robots->text, value, length, "");

	if (robots->count == robots->size) {
		size_t size = robots->size ? 2 * robots->size : 16;
		struct robots_rule *grown = realloc(robots->rules, size * sizeof *grown);

		if (!grown)
			return -ENOMEM;
		robots->rules = grown;
		robots->size = size;
	}
	rule.length = (uint32_t)buffer_length(&robots->text) - rule.pattern;
	rule.line = (uint32_t)buffer_length(&robots->text);
	if (result == 0)
		result = buffer_append_text(&robots->text, allow ? "Allow: " : "Disallow: ");
	if (result == 0)
		result = buffer_append(&robots->text, value, length);
	if (result == 0)
		result = buffer_append(&robots->text, "", 1);
	if (result == 0)
		robots->rules[robots->count++] = rule;
	return result;
}

/* Section 2.2.1: the product token, without the version or words behind it. */
static void take_agent(struct parser *parser, const char *value, size_t length)
{
	size_t token = 0;

	if (parser->rules_seen)
		parser->in_own = parser->in_all = parser->rules_seen = false;
	while (token < length &&
	       (isalpha((unsigned char)value[token]) || value[token] == '_' || value[token] == '-'))
		token++;
	if (token > 0 && token == strlen(parser->product) && strncasecmp(value, parser->product, token) == 0)
		parser->in_own = parser->own_found = true;
	if (length > 0 && value[0] == '*' && (length == 1 || isspace((unsigned char)value[1])))
		parser->in_all = true;
}

static void take_delay(struct parser *parser, const char *value, size_t length)
{
	char text[16] = "";
	double seconds;

	memcpy(text, value, length < sizeof text ? length : sizeof text - 1);
	seconds = strtod(text, NULL);
	if (!(seconds > 0))
		return;
	uint32_t ms = seconds < 86400 ? (uint32_t)(seconds * 1000) : 86400000;

	if (parser->in_own)
		parser->own.crawl_delay_ms = ms;
	if (parser->in_all)
		parser->all.crawl_delay_ms = ms;
}

static int take_rule(struct parser *parser, bool allow, const char *value, size_t length)
{
	int result = 0;

	parser->rules_seen = true;
	if (length > 0 && parser->in_own) /* an empty path matches nothing */
		result = add_rule(&parser->own, allow, value, length);
	if (length > 0 && parser->in_all && result == 0)
		result = add_rule(&parser->all, allow, value, length);
	return result;
}

static bool is_word(const char *word, const char *text, size_t length)
{
	return strlen(word) == length && strncasecmp(word, text, length) == 0;
}

static void trim(const char **text, size_t *length)
{
	while (*length > 0 && isspace((unsigned char)**text)) {
		(*text)++;
		(*length)--;
	}
	while (*length > 0 && isspace((unsigned char)(*text)[*length - 1]))
		(*length)--;
}

static int take_line(struct parser *parser, const char *line, size_t length)
{
	const char *comment = memchr(line, '#', length), *colon, *value;
	size_t key, rest;

	if (comment)
		length = (size_t)(comment - line);
	colon = memchr(line, ':', length);
	if (!colon)
		return 0;
	value = colon + 1;
	rest = length - (size_t)(value - line);
	key = (size_t)(colon - line);
	trim(&line, &key);
	trim(&value, &rest);
	if (is_word("user-agent", line, key))
		take_agent(parser, value, rest);
	else if (is_word("allow", line, key) || is_word("disallow", line, key))
		return take_rule(parser, key == 5, value, rest);
	else if (is_word("crawl-delay", line, key))
		take_delay(parser, value, rest);
	return 0;
}

static void robots_init(struct robots *robots)
{
	*robots = (struct robots){0};
	buffer_init(&robots->text, 6u * LIMIT_ROBOTS_BYTES); /* a rule twice, once with each byte as %XX */
}

int robots_parse(struct robots *robots, const char *bytes, size_t length, const char *product)
{
	struct parser parser = {.product = product};
	size_t at = length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	int result = 0;

	robots_init(&parser.own);
	robots_init(&parser.all);
	if (length > LIMIT_ROBOTS_BYTES) /* half a rule would be another one */
		for (length = LIMIT_ROBOTS_BYTES; length > at && !strchr("\r\n", bytes[length - 1]);)
			length--;
	while (at < length && result == 0) {
		size_t line = 0;

		while (at + line < length && bytes[at + line] != '\n' && bytes[at + line] != '\r')
			line++;
		result = take_line(&parser, bytes + at, line);
		at += line + 1;
	}
	*robots = parser.own_found ? parser.own : parser.all;
	robots_deinit(parser.own_found ? &parser.all : &parser.own);
	if (result < 0)
		robots_deinit(robots);
	return result;
}

void robots_forbid(struct robots *robots)
{
	robots_init(robots);
	robots->disallows_all = true;
}

void robots_deinit(struct robots *robots)
{
	free(robots->rules);
	buffer_deinit(&robots->text);
	*robots = (struct robots){0};
}

/* ---- matching ---- */

/* Section 2.2.3: "*" takes any run of characters, a final "$" is the path's end, else a prefix is enough.
 * What stands between two stars is looked for from the left once: leaving room for the rest can never hurt.
 */
static bool matches(const char *pattern, size_t length, const char *path, size_t path_length)
{
	const char *end = path + path_length, *pattern_end;
	bool anchored = length > 0 && pattern[length - 1] == '$', first = true;

	pattern_end = pattern + length - anchored;
	for (;; first = false) {
		const char *star = memchr(pattern, '*', (size_t)(pattern_end - pattern));
		size_t piece = (size_t)((star ? star : pattern_end) - pattern);
		const char *found = path;

		if (!star && anchored && !first) { /* the last piece is the end */
			return (size_t)(end - path) >= piece && memcmp(end - piece, pattern, piece) == 0;
		}
		if (first) {
			if ((size_t)(end - path) < piece || memcmp(path, pattern, piece) != 0)
				return false;
		} else {
			found = memmem(path, (size_t)(end - path), pattern, piece);
		}
		if (!found)
			return false;
		path = found + piece;
		if (!star)
			return !anchored || path == end;
		pattern = star + 1;
	}
}

bool robots_allows(const struct robots *robots, const char *path, const char **line)
{
	_cleanup_(buffer_deinit) struct buffer normal = {.max = 3u * LIMIT_URL_BYTES};
	const struct robots_rule *best = NULL;

	*line = NULL;
	if (!path[0])
		path = "/";
	if (strcmp(path, "/robots.txt") == 0)
		return true;
	if (robots->disallows_all || normalise(&normal, path, strlen(path), "*$") < 0)
		return false;
	for (size_t i = 0; i < robots->count; i++) {
		const struct robots_rule *rule = &robots->rules[i];

		if (best && (rule->length < best->length || (rule->length == best->length && !rule->allow)))
			continue;
		if (matches(buffer_data(&robots->text) + rule->pattern, rule->length, buffer_data(&normal),
			    buffer_length(&normal)))
			best = rule;
	}
	if (best)
		*line = buffer_data(&robots->text) + best->line;
	return !best || best->allow;
}
