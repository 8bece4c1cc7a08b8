/* SPDX-License-Identifier: Apache-2.0 */
/* What would be read as markup where it stands, and nothing else: escapes cost the reader. */
#include <string.h>

#include "tools/web/page/writer.h"

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (unsigned char)c >= 0x80;
}

static bool is_punctuation(char c)
{
	return c > ' ' && c < 0x7f && !is_word(c);
}

/* '\0': the node ends, and what follows is not known. */
static char behind(const char *at, const char *end)
{
	return at + 1 < end ? at[1] : '\0';
}

static bool is_blank(char c)
{
	return c == '\0' || is_space(c);
}

/* What begins a block of another kind (CommonMark 0.31.2 chapter 4 and 5). `line`: what stands on this line
 * already. */
static bool begins_block(struct slice line, const char *at, const char *end)
{
	char next = behind(at, end);

	switch (*at) {
	case '#':
		return line.length < 6 && (next == '#' || is_blank(next)) &&
		       strspn("######", "#") >= line.length && (!line.length || line.bytes[0] == '#');
	case '>':
		return !line.length;
	case '-':
	case '=':
		return !line.length && (is_blank(next) || next == *at);
	case '+':
		return !line.length && is_blank(next);
	case '~':
		return !line.length && next == '~';
	case '.':
	case ')':
		if (!line.length || line.length > 9 || !is_blank(next))
			return false;
		for (size_t i = 0; i < line.length; i++)
			if (line.bytes[i] < '0' || line.bytes[i] > '9')
				return false;
		return true;
	default:
		return false;
	}
}

/* "<b", "</b", "<!": a tag; "&lt;", "&#60;": a character reference. */
static bool begins_html(const char *at, const char *end)
{
	char next = behind(at, end);

	if (*at == '<')
		return next == '\0' || next == '/' || next == '!' || next == '?' || (next | 0x20) == 'a' ||
		       ((next | 0x20) > 'a' && (next | 0x20) <= 'z');
	if (next == '#')
		return end - at > 2 && (is_word(at[2]));
	for (at++; at < end && is_word(*at); at++)
		;
	return at < end && *at == ';' && is_word(next);
}

bool escape_needed(const struct writer *writer, const char *at, const char *end)
{
	const struct run *run = &writer->run;
	size_t length = buffer_length(&run->text) - run->line;
	struct slice line = {length ? buffer_data(&run->text) + run->line : "", length};
	char next = behind(at, end), before = line.length ? line.bytes[line.length - 1] : ' ';

	if (!is_punctuation(*at))
		return false;
	/* only the beginning of a line matters */
	if (run->mode == RUN_BLOCKS && line.length < 10 && begins_block(line, at, end))
		return true;
	switch (*at) {
	case '\\':
		return next == '\0' || is_punctuation(next);
	case '`':
		return true;
	case '*':
		return !is_space(before) || !is_blank(next) || !line.length;
	case '_':
		return !(is_word(before) && is_word(next)) && !(is_space(before) && is_blank(next));
	case '~':
		return next == '~' || before == '~';
	case '<':
	case '&':
		return begins_html(at, end);
	case '[':
		/* "[ ]" begins a task */
		return run->link_open ||
		       (!line.length && end - at > 2 && strchr(" xX", at[1]) && at[2] == ']');
	case ']':
		return run->link_open || next == '(' || next == '[' ||
		       (next == ':' && line.length && line.bytes[0] == '[');
	case '|':
		return run->mode == RUN_CELL || (!line.length && next == '-');
	default:
		return false;
	}
}
