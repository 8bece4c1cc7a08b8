/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One glob as a program, and its run over a text. Patterns come from the model and from files of the
 * workspace. A run never looks further back than to the last `*` and the last `**`: what an earlier one could
 * take instead, the later one can take as well, since a `*` never takes a slash and a `**` begins and ends at
 * one. So its time is bounded by text times pattern for each directory in the text.
 */
#include "tools/files/executor/glob.h"

#include <errno.h>
#include <string.h>

#define SET_BYTES 32 /* a bit for each byte */

enum operation {
	END,
	LITERAL,   /* and the byte */
	BYTE,      /* any but a slash */
	CHARACTER, /* a whole one */
	SET,       /* and SET_BYTES */
	SET_CHARACTER,
	STAR,
	DEEP,   /* nothing, or all up to and with a slash */
	DEEPER, /* all up to and with a slash */
	ALL,    /* whatever is left */
};

/* ---- compiling ---- */

struct source {
	const char *pattern;
	size_t length, at;
	enum glob_dialect dialect;
	const char *problem;
};

static int fault(struct source *source, const char *problem)
{
	source->problem = problem;
	return -EINVAL;
}

static unsigned char peek(const struct source *source, size_t ahead)
{
	return source->at + ahead < source->length ? (unsigned char)source->pattern[source->at + ahead] : 0;
}

static void add(uint8_t *set, unsigned first, unsigned last)
{
	for (unsigned byte = first; byte <= last; byte++)
		set[byte / 8] |= (uint8_t)(1u << byte % 8);
}

/* The classes as git has them, which for one are not the C library's: no \v and \f among the spaces. */
static bool add_class(uint8_t *set, const char *name, size_t length)
{
	static const struct {
		const char *name;
		struct {
			unsigned char first, last;
		} ranges[4];
	} classes[] = {
		{"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
		{"alpha", {{'A', 'Z'}, {'a', 'z'}}},
		{"blank", {{' ', ' '}, {'\t', '\t'}}},
		{"cntrl", {{1, 0x1f}, {0x7f, 0x7f}}},
		{"digit", {{'0', '9'}}},
		{"graph", {{0x21, 0x7e}}},
		{"lower", {{'a', 'z'}}},
		{"print", {{0x20, 0x7e}}},
		{"punct", {{0x21, 0x2f}, {0x3a, 0x40}, {0x5b, 0x60}, {0x7b, 0x7e}}},
		{"space", {{'\t', '\n'}, {'\r', '\r'}, {' ', ' '}}},
		{"upper", {{'A', 'Z'}}},
		{"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
	};

	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		if (strlen(classes[i].name) != length || memcmp(classes[i].name, name, length) != 0)
			continue;
		for (size_t j = 0; j < 4 && classes[i].ranges[j].first; j++)
			add(set, classes[i].ranges[j].first, classes[i].ranges[j].last);
		return true;
	}
	return false;
}

/* "[:NAME:]", at its first bracket. 1 when it was one (then `at` is on its last bracket), 0, or -EINVAL. */
static int parse_class(struct source *source, uint8_t *set)
{
	const char *name = source->pattern + source->at + 2;
	const char *end = memchr(name, ']', source->length - source->at - 2);

	if (!end)
		return fault(source, "`[` is never closed; `\\[` means the character");
	if (end == name || end[-1] != ':')
		return 0;
	if (!add_class(set, name, (size_t)(end - 1 - name)))
		return fault(source, "no such class; there are alnum, alpha, blank, cntrl, digit, graph, "
				     "lower, print, punct, space, upper and xdigit");
	source->at = (size_t)(end - source->pattern);
	return 1;
}

/* The members of a set, from its first to behind its last bracket. 0 or -EINVAL. */
static int parse_members(struct source *source, uint8_t *set)
{
	unsigned char previous = 0; /* what a `-` would begin a range with */
	bool first = true;

	for (;; source->at++, first = false) {
		unsigned char byte = peek(source, 0);
		int result = 0;

		if (byte == ']' && !first)
			break;
		if (byte == '[' && peek(source, 1) == ':')
			result = parse_class(source, set);
		if (result < 0)
			return result;
		if (result > 0) {
			previous = 0;
			continue;
		}
		if (byte == '-' && previous && peek(source, 1) && peek(source, 1) != ']') {
			source->at++;
			byte = peek(source, 0);
			if (byte == '\\')
				source->at++, byte = peek(source, 0);
			add(set, previous, byte);
			previous = 0;
		} else {
			if (byte == '\\')
				source->at++, byte = peek(source, 0);
			add(set, byte, byte);
			previous = byte;
		}
		if (!byte)
			return fault(source, "`[` is never closed; `\\[` means the character");
		if (byte >= 0x80 && source->dialect == GLOB_FIND)
			return fault(source, "between `[` and `]` only ASCII can stand; write `{x,y}`");
	}
	source->at++;
	return 0;
}

static int parse_set(struct source *source, struct buffer *program)
{
	uint8_t set[1 + SET_BYTES] = {source->dialect == GLOB_FIND ? SET_CHARACTER : SET};
	bool negated;
	int result;

	source->at++;
	negated = peek(source, 0) == '!' || peek(source, 0) == '^';
	source->at += negated;
	result = parse_members(source, set + 1);
	if (result < 0)
		return result;
	for (size_t i = 1; negated && i <= SET_BYTES; i++)
		set[i] = (uint8_t)~set[i];
	set[1] &= 0xfe; /* the end of the text is no character */
	set[1 + '/' / 8] &= (uint8_t) ~(1u << '/' % 8);
	return buffer_append(program, set, sizeof set);
}

static int put(struct buffer *program, uint8_t operation)
{
	return buffer_append(program, &operation, 1);
}

static int parse_stars(struct source *source, struct buffer *program)
{
	size_t start = source->at;
	bool begins = start == 0 || source->pattern[start - 1] == '/';

	while (peek(source, 0) == '*')
		source->at++;
	if (source->at - start >= 2 && begins) {
		if (source->at == source->length)
			return put(program, ALL);
		if (peek(source, 0) == '/') {
			source->at++;
			return put(program, DEEP);
		}
		if (peek(source, 0) == '\\' &&
		    peek(source, 1) == '/') { /* wildmatch wants a directory here */
			source->at += 2;
			return put(program, DEEPER);
		}
	}
	return put(program, STAR);
}

static int parse_one(struct source *source, struct buffer *program)
{
	uint8_t literal[2] = {LITERAL};

	switch (source->pattern[source->at]) {
	case '*':
		return parse_stars(source, program);
	case '[':
		return parse_set(source, program);
	case '?':
		source->at++;
		return put(program, source->dialect == GLOB_FIND ? CHARACTER : BYTE);
	case '\\':
		if (++source->at == source->length)
			return fault(source,
				     "nothing stands behind the last `\\`; `\\\\` means the character");
		break;
	}
	literal[1] = (uint8_t)source->pattern[source->at++];
	return buffer_append(program, literal, sizeof literal);
}

int glob_compile(struct buffer *program, const char *pattern, size_t length, enum glob_dialect dialect,
		 const char **problem)
{
	struct source source = {.pattern = pattern, .length = length, .dialect = dialect};
	int result = 0;

	while (source.at < length && result == 0)
		result = parse_one(&source, program);
	if (result == 0)
		result = put(program, END);
	if (problem)
		*problem = source.problem;
	return result;
}

/* ---- running ---- */

static const char *skip_continuation(const char *text)
{
	while (((unsigned char)*text & 0xc0) == 0x80)
		text++;
	return text;
}

static bool holds(const uint8_t *set, unsigned char byte)
{
	return set[byte / 8] >> byte % 8 & 1;
}

/* One operation that takes exactly one byte or character, at *program. False: it does not fit. */
static bool take(const uint8_t **program, const char **text)
{
	const uint8_t *at = *program;
	unsigned char byte = (unsigned char)**text;
	bool fits = false;

	switch (*at++) {
	case LITERAL:
		fits = *at++ == byte;
		break;
	case BYTE:
	case CHARACTER:
		fits = byte != '/';
		break;
	case SET:
	case SET_CHARACTER:
		fits = holds(at, byte);
		at += SET_BYTES;
		break;
	}
	*text += 1;
	if (byte >= 0x80 && (**program == CHARACTER || **program == SET_CHARACTER))
		*text = skip_continuation(*text);
	*program = at;
	return fits;
}

enum glob_match glob_run(const uint8_t *program, const char *text)
{
	const uint8_t *star = NULL, *deep = NULL;        /* what follows the last of each */
	const char *star_text = NULL, *deep_text = NULL; /* how far it has taken the text */

	for (;;) {
		bool fits = false;

		switch (*program) {
		case ALL:
			return GLOB_YES;
		case STAR:
			star = ++program;
			star_text = text;
			continue;
		case DEEP:
			deep = ++program;
			deep_text = text;
			star = NULL;
			continue;
		case DEEPER:
			deep = program + 1;
			deep_text = text;
			star = NULL;
			break;
		case END:
			if (!*text)
				return GLOB_YES;
			break;
		default:
			/* Starting later only reaches the end earlier: so nothing that was passed could
			 * match. */
			if (!*text)
				return GLOB_BELOW;
			fits = take(&program, &text);
			break;
		}
		if (fits)
			continue;
		if (star) {
			if (!*star_text)
				return GLOB_BELOW;
			if (*star_text != '/') {
				text = ++star_text;
				program = star;
				continue;
			}
		}
		if (!deep)
			return GLOB_NO;
		deep_text = strchr(deep_text, '/');
		if (!deep_text)
			return GLOB_BELOW;
		text = ++deep_text;
		program = deep;
		star = NULL;
	}
}
