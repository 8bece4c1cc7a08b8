/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One ignore file: its lines as rules. Which corner is cut how, and when a pattern is a name or a path, is
 * git's (gitignore(5) where it says, else what git does; tests compare with `git check-ignore`). Most rules
 * are a name, the end of one or the beginning of one: those are compared; the rest runs as a glob.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/buffer.h"
#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/glob.h"
#include "tools/files/executor/ignore.h"

#define WORD 64 /* bits */

enum rule_kind {
	RULE_EXACT,  /* the literal itself */
	RULE_SUFFIX, /* ends with the literal */
	RULE_GLOB,   /* begins with the literal, and the rest matches the program */
};

struct rule {
	uint32_t literal, length; /* in rules->texts */
	uint32_t program;         /* in rules->programs */
	uint8_t kind;             /* enum rule_kind */
	bool kept;                /* "!": matches are not left out */
	bool directory;           /* only directories */
	bool whole;               /* of paths; else of names */
	uint8_t last;             /* byte that every match ends with; 0: any */
};

struct ignore_rules {
	struct buffer texts, programs;
	struct rule *rules;
	size_t count, size;
	uint64_t *candidates; /* for each last byte of a path, a bit for each rule that may match it */
	size_t words;         /* of each */
};

/* ---- reading ---- */

static bool is_special(char byte)
{
	return byte == '*' || byte == '?' || byte == '[' || byte == '\\';
}

static size_t literal_length(const char *pattern, size_t length)
{
	size_t at = 0;

	while (at < length && !is_special(pattern[at]))
		at++;
	return at;
}

/* The line without the spaces behind it, unless the first of them is escaped. */
static size_t trim_spaces(const char *line, size_t length)
{
	size_t end = length;
	bool trailing = false;

	for (size_t at = 0; at < length; at++) {
		if (line[at] == ' ') {
			end = trailing ? end : at;
			trailing = true;
			continue;
		}
		trailing = false;
		if (line[at] == '\\' && ++at == length)
			return length;
	}
	return trailing ? end : length;
}

/* What stands in a rule's pattern as it is, and the program for the rest. 0, -EINVAL (it matches nothing) or
 * -ENOMEM. */
static int compile(struct ignore_rules *rules, struct rule *rule, const char *pattern, size_t length)
{
	size_t literal = literal_length(pattern, length);
	int result = 0;

	if (length == 0)
		return -EINVAL;
	if (!strchr("*?]/\\", pattern[length - 1]) && (length < 2 || pattern[length - 2] != '\\'))
		rule->last = (uint8_t)pattern[length - 1];
	rule->kind = RULE_EXACT;
	if (!rule->whole && pattern[0] == '*' && literal_length(pattern + 1, length - 1) == length - 1) {
		rule->kind = RULE_SUFFIX;
		pattern++;
		literal = length - 1;
	} else if (literal < length) {
		rule->kind = RULE_GLOB;
		rule->program = (uint32_t)rules->programs.end;
		/* from here on, as git has it: so in `a` and `**` and `/b` the stars count as a whole name */
		result = glob_compile(&rules->programs, pattern + literal, length - literal, GLOB_GIT, NULL);
	}
	rule->literal = (uint32_t)rules->texts.end;
	rule->length = (uint32_t)literal;
	if (result == 0)
		result = buffer_append(&rules->texts, pattern, literal);
	return result;
}

static int grow(struct ignore_rules *rules)
{
	size_t size = rules->size ? rules->size * 2 : 16;
	struct rule *grown;

	if (rules->count < rules->size)
		return 0;
	grown = realloc(rules->rules, size * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	rules->rules = grown;
	rules->size = size;
	return 0;
}

/* One line without its end. 0 or -ENOMEM. */
static int add_line(struct ignore_rules *rules, const char *line, size_t length)
{
	struct rule rule = {0};
	size_t programs = rules->programs.end;
	int result = grow(rules);

	if (result < 0)
		return result;
	length = trim_spaces(line, length);
	rule.kept = length > 0 && line[0] == '!';
	line += rule.kept;
	length -= rule.kept;
	rule.directory = length > 0 && line[length - 1] == '/';
	length -= rule.directory;
	rule.whole = memchr(line, '/', length) != NULL;
	if (rule.whole && line[0] == '/') {
		line++;
		length--;
	}
	result = compile(rules, &rule, line, length);
	if (result == 0)
		rules->rules[rules->count++] = rule;
	else
		rules->programs.end = programs;
	return result == -ENOMEM ? result : 0;
}

/* Which rules may match a path that ends with this or that byte: of a hundred rules about five. */
static int index_rules(struct ignore_rules *rules)
{
	rules->words = (rules->count + WORD - 1) / WORD;
	rules->candidates = calloc(256 * rules->words + 1, sizeof *rules->candidates);
	if (!rules->candidates)
		return -ENOMEM;
	for (size_t i = 0; i < rules->count; i++) {
		unsigned last = rules->rules[i].last;

		for (unsigned byte = last; byte < (last ? last + 1 : 256); byte++)
			rules->candidates[byte * rules->words + i / WORD] |= UINT64_C(1) << i % WORD;
	}
	return 0;
}

static int add_lines(struct ignore_rules *rules, const char *text, size_t length)
{
	const char *end = text + length, *next;

	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	for (; text < end && rules->count < LIMIT_IGNORE_RULES; text = next + 1) {
		size_t size;
		int result;

		next = memchr(text, '\n', (size_t)(end - text));
		next = next ? next : end;
		size = (size_t)(next - text);
		if (size == 0 || text[0] == '#')
			continue;
		size -= text[size - 1] == '\r';
		result = add_line(rules, text, strnlen(text, size));
		if (result < 0)
			return result;
	}
	return 0;
}

struct ignore_rules *ignore_parse(const char *text, size_t length)
{
	struct ignore_rules *rules = calloc(1, sizeof *rules);

	if (!rules)
		return NULL;
	buffer_init(&rules->texts, LIMIT_IGNORE_BYTES);
	buffer_init(&rules->programs, LIMIT_IGNORE_PROGRAM_BYTES);
	if (add_lines(rules, text, length) < 0 || index_rules(rules) < 0) {
		ignore_rules_free(rules);
		return NULL;
	}
	return rules;
}

void ignore_rules_free(struct ignore_rules *rules)
{
	if (!rules)
		return;
	buffer_deinit(&rules->texts);
	buffer_deinit(&rules->programs);
	free(rules->rules);
	free(rules->candidates);
	free(rules);
}

/* ---- judging ---- */

static bool matches(const struct ignore_rules *rules, const struct rule *rule, const char *text,
		    size_t length)
{
	const char *literal = rules->texts.bytes + rule->literal;

	if (rule->length == 0) /* nothing may have been reserved */
		literal = text;
	switch (rule->kind) {
	case RULE_EXACT:
		return length == rule->length && memcmp(text, literal, length) == 0;
	case RULE_SUFFIX:
		return length >= rule->length &&
		       memcmp(text + length - rule->length, literal, rule->length) == 0;
	default:
		return length >= rule->length && memcmp(text, literal, rule->length) == 0 &&
		       glob_run((const uint8_t *)rules->programs.bytes + rule->program,
				text + rule->length) == GLOB_YES;
	}
}

enum ignore_verdict ignore_judge(const struct ignore_rules *rules, const char *path, size_t length,
				 const char *name, bool directory)
{
	const uint64_t *candidates;
	size_t name_length = length - (size_t)(name - path);

	if (length == 0)
		return IGNORE_SILENT;
	candidates = rules->candidates + (uint8_t)path[length - 1] * rules->words;
	for (size_t word = rules->words; word-- > 0;)
		for (uint64_t left = candidates[word]; left;) {
			unsigned bit = WORD - 1 - (unsigned)__builtin_clzll(left);
			const struct rule *rule = &rules->rules[word * WORD + bit];

			left &= ~(UINT64_C(1) << bit);
			if (rule->directory && !directory)
				continue;
			if (rule->whole ? matches(rules, rule, path, length)
					: matches(rules, rule, name, name_length))
				return rule->kept ? IGNORE_KEPT : IGNORE_OUT;
		}
	return IGNORE_SILENT;
}
