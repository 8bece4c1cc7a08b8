/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles and runs what is searched for (pattern.h). The expression is the model's and the text is
 * anybody's: PCRE2 is bounded in steps, stack and heap, and what it cannot finish is told as such.
 */
#include "tools/files/search/pattern.h"

#include <errno.h>
#include <string.h>

#include "protocol/limits.h"

static uint32_t options_of(unsigned flags)
{
	/* lines as grep has them: a newline ends one, \r is a letter like others */
	uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;

	options |= flags & PATTERN_FOLD ? PCRE2_CASELESS : 0;
	/* PCRE2_LITERAL goes with few others */
	options |= flags & PATTERN_LITERAL ? PCRE2_LITERAL : PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
	return options;
}

/* PCRE2's words, and where. Offsets count bytes. */
static int refuse_pattern(struct refusal *refusal, const char *text, size_t length, int code, size_t offset)
{
	char words[256] = "";

	pcre2_get_error_message(code, (PCRE2_UCHAR *)words, sizeof words);
	if (offset > length)
		offset = length;
	return refuse(refusal, EINVAL,
		      "pattern: %s at offset %zu, behind `%.*s`. For a text as it stands: literal: true",
		      words, offset, (int)(offset < 60 ? offset : 60),
		      text + (offset < 60 ? 0 : offset - 60));
}

static void choose_way(struct pattern *pattern, const char *text, size_t length, unsigned flags)
{
	struct literals literals;
	bool frequent = false;

	literals_find(&literals, text, length, flags & PATTERN_FOLD, flags & PATTERN_LITERAL);
	for (size_t i = 0; i < literals.count; i++)
		needle_init(&pattern->needles[i], literals.any[i].bytes, literals.any[i].length,
			    literals.fold);
	pattern->count = literals.count;
	pattern->verify = literals.may_take_newline;
	for (size_t i = 0; i < pattern->count; i++)
		frequent |= needle_rarity(&pattern->needles[i]) < NEEDLE_RARE;
	/* what stands in most lines saves nothing */
	if (literals.count && !(frequent && literals.spans_safely))
		pattern->way = PATTERN_NEEDLES;
	else
		pattern->way = literals.spans_safely ? PATTERN_WHOLE : PATTERN_LINES;
}

int pattern_init(struct pattern *pattern, const char *text, size_t length, unsigned flags,
		 struct refusal *refusal)
{
	pcre2_compile_context *context;
	size_t offset = 0;
	int code = 0;

	*pattern = (struct pattern){.multiline = flags & PATTERN_MULTILINE};
	if (flags & PATTERN_LITERAL && !(flags & (PATTERN_FOLD | PATTERN_MULTILINE)) &&
	    length <= NEEDLE_BYTES && !memchr(text, '\n', length)) {
		pattern->way = PATTERN_BYTES;
		pattern->count = 1;
		needle_init(&pattern->needles[0], (const uint8_t *)text, length, false);
		return 0;
	}
	context = pcre2_compile_context_create(NULL);
	if (!context)
		return refuse_errno(refusal, ENOMEM, "compile", "the pattern");
	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	pattern->code = pcre2_compile((PCRE2_SPTR)text, length, options_of(flags), &code, &offset, context);
	pcre2_compile_context_free(context);
	if (!pattern->code)
		return refuse_pattern(refusal, text, length, code, offset);
	/* without memory for machine code it is interpreted */
	pattern->compiled = pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE) == 0;
	choose_way(pattern, text, length, flags);
	return 0;
}

void pattern_deinit(struct pattern *pattern)
{
	pcre2_code_free(pattern->code);
	pattern->code = NULL;
}

int matcher_init(struct matcher *matcher, const struct pattern *pattern)
{
	*matcher = (struct matcher){.pattern = pattern};
	if (!pattern->code)
		return 0;
	matcher->data = pcre2_match_data_create(1, NULL);
	matcher->context = pcre2_match_context_create(NULL);
	matcher->stack =
		pattern->compiled ? pcre2_jit_stack_create(32u << 10, LIMIT_SEARCH_STACK_BYTES, NULL) : NULL;
	if (!matcher->data || !matcher->context || (pattern->compiled && !matcher->stack)) {
		matcher_deinit(matcher);
		return -ENOMEM;
	}
	pcre2_set_match_limit(matcher->context, LIMIT_SEARCH_STEPS);
	pcre2_set_heap_limit(matcher->context, LIMIT_SEARCH_HEAP_KB);
	if (matcher->stack)
		pcre2_jit_stack_assign(matcher->context, NULL, matcher->stack);
	return 0;
}

void matcher_deinit(struct matcher *matcher)
{
	pcre2_match_data_free(matcher->data);
	pcre2_match_context_free(matcher->context);
	pcre2_jit_stack_free(matcher->stack);
	*matcher = (struct matcher){.pattern = NULL};
}

void matcher_begin(struct matcher *matcher, const uint8_t *text, size_t length)
{
	for (size_t i = 0; i < matcher->pattern->count; i++)
		matcher->next[i] = needle_find(&matcher->pattern->needles[i], text, text + length);
	matcher->text = text;
}

/* ---- one run of the expression ---- */

/* Over text[from, end). */
static enum matched run(struct matcher *matcher, const uint8_t *text, size_t from, size_t end,
			struct match *match)
{
	const struct pattern *pattern = matcher->pattern;
	const PCRE2_SIZE *found;
	int code =
		pattern->compiled
			? pcre2_jit_match(pattern->code, text, end, from, 0, matcher->data, matcher->context)
			: pcre2_match(pattern->code, text, end, from, 0, matcher->data, matcher->context);

	if (code == PCRE2_ERROR_NOMATCH)
		return MATCHED_NOTHING;
	if (code < 0)
		return MATCHED_TOO_MUCH;
	found = pcre2_get_ovector_pointer(matcher->data);
	match->start = found[0];
	/* \K in a lookahead: PCRE2 lets a match end before it begins */
	match->end = found[1] < found[0] ? found[0] : found[1];
	return MATCHED;
}

static size_t line_begin(const uint8_t *text, size_t from, size_t at)
{
	const uint8_t *newline = at > from ? memrchr(text + from, '\n', at - from) : NULL;

	return newline ? (size_t)(newline + 1 - text) : from;
}

static size_t line_end(const uint8_t *text, size_t at, size_t length)
{
	const uint8_t *newline = at < length ? memchr(text + at, '\n', length - at) : NULL;

	return newline ? (size_t)(newline - text) : length;
}

/* The lines from `start` to `end` of the match; a newline that ends the match belongs to its last line. */
static void frame(const uint8_t *text, size_t from, size_t length, struct match *match)
{
	size_t last = match->end > match->start ? match->end - 1 : match->end;

	match->line = line_begin(text, from, match->start);
	match->line_end = line_end(text, last, length);
}

/* Nothing, behind the last newline: where no line is. */
static bool is_behind(const uint8_t *text, size_t length, const struct match *match)
{
	return match->start >= length && text[length - 1] == '\n';
}

/* ---- the ways ---- */

/* The first place of any needle from `from`, or SIZE_MAX. */
static size_t next_needle(struct matcher *matcher, const uint8_t *text, size_t from, size_t length)
{
	const struct pattern *pattern = matcher->pattern;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < pattern->count; i++) {
		if (matcher->next[i] && matcher->next[i] < text + from)
			matcher->next[i] = needle_find(&pattern->needles[i], text + from, text + length);
		if (matcher->next[i] && (size_t)(matcher->next[i] - text) < least)
			least = (size_t)(matcher->next[i] - text);
	}
	return least;
}

/* One line alone: as if there were no other. */
static enum matched try_line(struct matcher *matcher, const uint8_t *text, struct match *match)
{
	struct match inside = {.line = 0};
	enum matched result = run(matcher, text + match->line, 0, match->line_end - match->line, &inside);

	match->start = match->line + inside.start;
	match->end = match->line + inside.end;
	return result;
}

static enum matched next_by_needles(struct matcher *matcher, const uint8_t *text, size_t from, size_t length,
				    struct match *match)
{
	for (;;) {
		size_t at = next_needle(matcher, text, from, length);
		enum matched result;

		if (at == SIZE_MAX)
			return MATCHED_NOTHING;
		match->line = line_begin(text, from, at);
		match->line_end = line_end(text, at, length);
		if (matcher->pattern->way == PATTERN_BYTES) {
			match->start = at;
			match->end = at + matcher->pattern->needles[0].length;
			return MATCHED;
		}
		result = try_line(matcher, text, match);
		if (result != MATCHED_NOTHING)
			return result;
		if (match->line_end >= length)
			return MATCHED_NOTHING;
		from = match->line_end + 1;
	}
}

static enum matched next_by_lines(struct matcher *matcher, const uint8_t *text, size_t from, size_t length,
				  struct match *match)
{
	for (; from < length; from = match->line_end + 1) {
		enum matched result;

		match->line = from;
		match->line_end = line_end(text, from, length);
		result = try_line(matcher, text, match);
		if (result != MATCHED_NOTHING)
			return result;
	}
	return MATCHED_NOTHING;
}

static enum matched next_by_whole(struct matcher *matcher, const uint8_t *text, size_t from, size_t length,
				  struct match *match)
{
	while (from < length) {
		enum matched result = run(matcher, text, from, length, match);

		if (result == MATCHED_TOO_MUCH) /* by how many lines? each alone says */
			return next_by_lines(matcher, text, from, length, match);
		if (result == MATCHED_NOTHING || is_behind(text, length, match))
			return MATCHED_NOTHING;
		match->line = line_begin(text, from, match->start);
		match->line_end = line_end(text, match->start, length);
		if (!matcher->pattern->verify)
			return MATCHED;
		result = try_line(matcher, text, match);
		if (result != MATCHED_NOTHING)
			return result;
		from = match->line_end + 1;
	}
	return MATCHED_NOTHING;
}

/* Matches may span lines: the text is all there is. */
static enum matched next_by_text(struct matcher *matcher, const uint8_t *text, size_t from, size_t length,
				 struct match *match)
{
	enum matched result;

	if (matcher->pattern->count && next_needle(matcher, text, from, length) == SIZE_MAX)
		return MATCHED_NOTHING;
	result = run(matcher, text, from, length, match);
	if (result == MATCHED_TOO_MUCH) {
		match->line = from;
		match->line_end = length;
		return result;
	}
	if (result == MATCHED_NOTHING || is_behind(text, length, match))
		return MATCHED_NOTHING;
	frame(text, from, length, match);
	return MATCHED;
}

enum matched matcher_next(struct matcher *matcher, const uint8_t *text, size_t from, size_t length,
			  struct match *match)
{
	if (from >= length)
		return MATCHED_NOTHING;
	if (matcher->pattern->multiline)
		return next_by_text(matcher, text, from, length, match);
	switch (matcher->pattern->way) {
	case PATTERN_BYTES:
	case PATTERN_NEEDLES:
		return next_by_needles(matcher, text, from, length, match);
	case PATTERN_WHOLE:
		return next_by_whole(matcher, text, from, length, match);
	case PATTERN_LINES:
		return next_by_lines(matcher, text, from, length, match);
	}
	return MATCHED_NOTHING;
}
