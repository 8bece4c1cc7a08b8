/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an expression as PCRE2 does, as far as it takes to know what must stand in a match (literal.h). A
 * recursive descent: alternatives of sequences of quantified atoms. Everything that is not plainly understood
 * ends the reading, and then nothing is claimed; the compiled expression alone decides what matches.
 */
#include "tools/files/search/literal.h"

#include <string.h>

#include "tools/files/search/literal_reader.h"

#define DEPTH 32 /* groups in groups */

static struct piece read_alternatives(struct reader *reader, int depth);

static unsigned weigh(const struct literals *need)
{
	unsigned least = 0;

	for (size_t i = 0; i < need->count; i++) {
		struct needle needle;
		unsigned weight;

		needle_init(&needle, need->any[i].bytes, need->any[i].length, false);
		weight = needle_rarity(&needle);
		if (i == 0 || weight < least)
			least = weight;
	}
	/* each string more costs a pass of its own */
	return least > 4 * (unsigned)need->count ? least - 4 * (unsigned)need->count : 0;
}

/* Keeps the better of two things that are both needed. */
static void prefer(struct literals *best, const struct literals *other)
{
	if (other->count && (!best->count || weigh(other) > weigh(best)))
		*best = *other;
}

static void prefer_run(struct literals *best, struct literal *run)
{
	struct literals one = {.count = 1};

	if (run->length) {
		one.any[0] = *run;
		prefer(best, &one);
	}
	run->length = 0;
}

/* Behind "(?": what kind of group it is. False: none that is understood. */
static bool read_group_kind(struct reader *reader, bool *assertion, bool *closed)
{
	*assertion = *closed = false;
	if (reader_take(reader, ":"))
		return true;
	if (reader_take(reader, "=") || reader_take(reader, "<="))
		return *assertion = true;
	if (reader_take(reader, "!") || reader_take(reader, "<!"))
		return *assertion = *closed = true;
	if (reader_take(reader, ">"))
		return *closed = true;
	reader_take(reader, "P");
	if (reader_take(reader, "<")) {
		while (reader->at < reader->end && *reader->at != '>')
			reader->at++;
		return reader_take(reader, ">");
	}
	return false;
}

static struct piece read_group(struct reader *reader, int depth)
{
	bool assertion = false, closed = false;
	unsigned newlines = reader->newlines;
	struct piece piece;

	if (reader_peek(reader, "*") || depth == DEPTH ||
	    (reader_take(reader, "?") && !read_group_kind(reader, &assertion, &closed))) {
		reader->lost = true;
		return reader_anything(reader, true);
	}
	piece = read_alternatives(reader, depth + 1);
	if (!reader_take(reader, ")"))
		reader->lost = true;
	/* what tries no second way (atomic groups, and what must not match) must see the same in one line */
	if (closed && reader->newlines != newlines)
		reader->unsafe = true;
	return assertion ? reader_nothing() : piece;
}

static struct piece read_atom(struct reader *reader, int depth)
{
	char byte = *reader->at++;

	if (reader->literal)
		return reader_byte(reader, (uint8_t)byte);
	switch (byte) {
	case '\\':
		return reader_escape(reader);
	case '[':
		return reader_set(reader);
	case '(':
		return read_group(reader, depth);
	case '.':
		return reader_anything(reader, reader->dotall);
	case '^':
	case '$':
		return reader_nothing();
	case '*':
	case '+':
	case '?':
		reader->lost = true; /* PCRE2 says what is wrong */
		return reader_nothing();
	default:
		reader->newlines += byte == '\n';
		return reader_byte(reader, (uint8_t)byte);
	}
}

/* "{2,5}" at reader->at: its least. False: no quantifier, the brace is itself. */
static bool read_braces(struct reader *reader, unsigned *least)
{
	const char *at = reader->at + 1;
	unsigned digits = 0;

	for (*least = 0; at < reader->end && *at >= '0' && *at <= '9'; at++, digits++)
		*least = *least < 65536 ? *least * 10 + (unsigned)(*at - '0') : *least;
	if (at < reader->end && *at == ',') {
		for (at++; at < reader->end && *at >= '0' && *at <= '9'; at++)
			digits++;
	}
	/* newer PCRE2 reads spaces and {,n} too: either way nothing may be claimed */
	if (!digits || at == reader->end || *at != '}') {
		reader->lost = true;
		return false;
	}
	reader->at = at + 1;
	return true;
}

/* A quantifier behind an atom that began with `newlines` seen. True if there was one; *least its least. */
static bool read_quantifier(struct reader *reader, unsigned newlines, unsigned *least)
{
	*least = 1;
	if (reader_take(reader, "*") || reader_take(reader, "?"))
		*least = 0;
	else if (!reader_take(reader, "+") && !(reader_peek(reader, "{") && read_braces(reader, least)))
		return false;
	if (reader_take(reader, "+") && reader->newlines != newlines) /* takes all and gives nothing back */
		reader->unsafe = true;
	else
		reader_take(reader, "?");
	return true;
}

static struct piece read_sequence(struct reader *reader, int depth)
{
	struct literal run = {.length = 0};
	struct piece whole = {.exact = true};

	while (reader->at < reader->end && !reader->lost &&
	       (reader->literal || (*reader->at != '|' && *reader->at != ')'))) {
		unsigned newlines = reader->newlines, least;
		struct piece piece = read_atom(reader, depth);
		bool quantified = !reader->literal && read_quantifier(reader, newlines, &least);

		if (quantified && least == 0) {
			prefer_run(&whole.need, &run);
			whole.exact = false;
			continue;
		}
		if (piece.exact && run.length + piece.need.any[0].length <= NEEDLE_BYTES) {
			memcpy(run.bytes + run.length, piece.need.any[0].bytes, piece.need.any[0].length);
			run.length += piece.need.any[0].length;
			if (!quantified)
				continue;
			prefer_run(&whole.need, &run);
			whole.exact = false;
			continue;
		}
		prefer_run(&whole.need, &run);
		if (piece.need.any[0].length)
			prefer(&whole.need, &piece.need);
		whole.exact = false;
	}
	if (whole.exact) {
		whole.need.count = 1;
		whole.need.any[0] = run;
	} else {
		prefer_run(&whole.need, &run);
	}
	return whole;
}

static struct piece read_alternatives(struct reader *reader, int depth)
{
	struct piece whole = read_sequence(reader, depth);

	while (!reader->lost && reader_take(reader, "|")) {
		struct piece other = read_sequence(reader, depth);

		whole.exact = false;
		if (!whole.need.count || !other.need.count || !whole.need.any[0].length ||
		    !other.need.any[0].length || whole.need.count + other.need.count > LITERAL_COUNT) {
			whole.need.count = 0;
			continue;
		}
		memcpy(whole.need.any + whole.need.count, other.need.any,
		       other.need.count * sizeof *other.need.any);
		whole.need.count += other.need.count;
	}
	return whole;
}

void literals_find(struct literals *literals, const char *pattern, size_t length, bool fold, bool literal)
{
	struct reader reader = {.at = pattern, .end = pattern + length, .fold = fold, .literal = literal};
	struct piece piece;

	*literals = (struct literals){.may_take_newline = true};
	if (literal) {
		/* no letter of it means anything else */
	} else if (reader_take(&reader, "(?i)")) {
		/* only in front: anywhere else it holds for a part */
		reader.fold = true;
	} else if (reader_take(&reader, "(?s)")) {
		reader.dotall = true;
	}
	piece = read_alternatives(&reader, 0);
	if (reader.lost || reader.at != reader.end)
		return;
	if (piece.need.count && piece.need.any[0].length) {
		literals->count = piece.need.count;
		literals->fold = reader.fold;
		memcpy(literals->any, piece.need.any, sizeof piece.need.any);
	}
	literals->may_take_newline = reader.newlines > 0;
	literals->spans_safely = !reader.unsafe && !reader.anchored_text;
}
