/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON strictly: the scanners for strings, numbers and words that json_parse.c builds trees with, and
 * json_check, which only checks. Trusts nothing about the bytes. Strings, where nearly all bytes are, are
 * looked at eight at a time.
 */
#include "protocol/json_check.h"

#include <errno.h>

#include "protocol/json_scan.h"
#include "protocol/limits.h"
#include "protocol/utf8.h"

_Static_assert(LIMIT_JSON_DEPTH <= 64, "one bit a level says what is open");

int json_fault(struct json_reader *reader, int code, const char *what)
{
	unsigned line, column;

	if (!reader->err)
		return code;
	json_position(reader->text, reader->at, &line, &column);
	return err_set(reader->err, code, "line %u, column %u: %s", line, column, what);
}

/* The value of a hexadecimal digit, or a negative one. */
static const int8_t digits[256] = {
	[0 ... '0' - 1] = -1,
	['0'] = 0,
	['1'] = 1,
	['2'] = 2,
	['3'] = 3,
	['4'] = 4,
	['5'] = 5,
	['6'] = 6,
	['7'] = 7,
	['8'] = 8,
	['9'] = 9,
	['9' + 1 ... 'A' - 1] = -1,
	['A'] = 10,
	['B'] = 11,
	['C'] = 12,
	['D'] = 13,
	['E'] = 14,
	['F'] = 15,
	['F' + 1 ... 'a' - 1] = -1,
	['a'] = 10,
	['b'] = 11,
	['c'] = 12,
	['d'] = 13,
	['e'] = 14,
	['f'] = 15,
	['f' + 1 ... 255] = -1,
};

/* Four of them, or a negative value. */
static inline int hex4(const char *text)
{
	const uint8_t *at = (const uint8_t *)text;
	int one = digits[at[0]], two = digits[at[1]], three = digits[at[2]], four = digits[at[3]];

	return (one | two | three | four) < 0 ? -1 : one << 12 | two << 8 | three << 4 | four;
}

/* What a letter behind a backslash stands for, 0 where there is no such escape. */
static const char letters[256] = {
	['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
	['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

/* `at` stands on the backslash. */
static int read_escape(struct json_reader *reader)
{
	const char *at = reader->text + reader->at;
	size_t left = reader->length - reader->at;
	int unit, low;

	if (left < 2)
		return json_fault(reader, -EINVAL, "the text ends inside a string");
	if (letters[(uint8_t)at[1]]) {
		reader->at += 2;
		return 0;
	}
	if (at[1] != 'u')
		return json_fault(reader, -EINVAL, "no such escape in a string");
	unit = left >= 6 ? hex4(at + 2) : -1;
	if (unit < 0)
		return json_fault(reader, -EINVAL, "\\u needs four hexadecimal digits");
	if (unit == 0)
		return json_fault(reader, -EILSEQ, "\\u0000 in a string is refused");
	if (unit < 0xd800 || unit > 0xdfff) {
		reader->at += 6;
		return 0;
	}
	low = left >= 12 && at[6] == '\\' && at[7] == 'u' ? hex4(at + 8) : -1;
	if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return json_fault(reader, -EILSEQ, "half of a surrogate pair in a string");
	reader->at += 12;
	return 0;
}

/* Skips what is plain; `at` then stands on a quote, a backslash, a control, a byte above ASCII, or the end.
 */
static void skip_plain(struct json_reader *reader)
{
	const char *text = reader->text;
	size_t at = reader->at, length = reader->length;

	while (length - at >= 8) {
		uint64_t mask = json_special(json_load8(text + at));

		if (mask) {
			reader->at = at + json_first(mask);
			return;
		}
		at += 8;
	}
	while (at < length) {
		uint8_t byte = (uint8_t)text[at];

		if (byte < 0x20 || byte == '"' || byte == '\\' || byte >= 0x80)
			break;
		at++;
	}
	reader->at = at;
}

/* Skips sequences above ASCII. */
static int skip_utf8(struct json_reader *reader)
{
	const uint8_t *text = (const uint8_t *)reader->text;
	size_t at = reader->at, length = reader->length;

	while (at < length && text[at] >= 0x80) {
		unsigned run = length - at >= 8 ? json_utf8_run(json_load8(text + at)) : 0;
		int size = run ? (int)run : json_utf8(json_load4(text + at, length - at));

		if (size < 0) {
			reader->at = at;
			return json_fault(reader, -EILSEQ, "the text is not UTF-8");
		}
		at += (size_t)size;
	}
	reader->at = at;
	return 0;
}

int json_read_string(struct json_reader *reader, struct json_string *string)
{
	int result = 0;

	string->start = ++reader->at;
	string->escaped = false;
	for (;;) {
		skip_plain(reader);
		if (reader->at == reader->length)
			return json_fault(reader, -EINVAL, "the text ends inside a string");
		uint8_t byte = (uint8_t)reader->text[reader->at];

		if (byte == '"')
			break;
		if (byte == '\\') {
			string->escaped = true;
			do /* one escape is often followed by another */
				result = read_escape(reader);
			while (result == 0 && reader->at < reader->length &&
			       reader->text[reader->at] == '\\');
		} else if (byte >= 0x80) {
			result = skip_utf8(reader);
		} else {
			result = json_fault(reader, -EINVAL,
					    "a control character in a string must be escaped");
		}
		if (result < 0)
			return result;
	}
	string->length = reader->at - string->start;
	reader->at++;
	return 0;
}

static size_t skip_digits(struct json_reader *reader)
{
	size_t start = reader->at;

	while (reader->at < reader->length && reader->text[reader->at] >= '0' &&
	       reader->text[reader->at] <= '9')
		reader->at++;
	return reader->at - start;
}

static char peek(const struct json_reader *reader)
{
	return reader->at < reader->length ? reader->text[reader->at] : '\0';
}

int json_read_number(struct json_reader *reader, struct json_number *number)
{
	number->start = reader->at;
	number->integer = true;
	if (peek(reader) == '-')
		reader->at++;
	if (peek(reader) == '0')
		reader->at++;
	else if (!skip_digits(reader))
		return json_fault(reader, -EINVAL, "a digit was expected");
	if (peek(reader) == '.') {
		number->integer = false;
		reader->at++;
		if (!skip_digits(reader))
			return json_fault(reader, -EINVAL, "a digit was expected after the point");
	}
	if (peek(reader) == 'e' || peek(reader) == 'E') {
		number->integer = false;
		reader->at++;
		if (peek(reader) == '+' || peek(reader) == '-')
			reader->at++;
		if (!skip_digits(reader))
			return json_fault(reader, -EINVAL, "a digit was expected in the exponent");
	}
	number->length = reader->at - number->start;
	if (number->length > LIMIT_JSON_NUMBER_BYTES)
		return json_fault(reader, -E2BIG, "a number with too many digits");
	return 0;
}

int json_read_word(struct json_reader *reader, const char *word)
{
	size_t length = strlen(word);

	if (reader->length - reader->at < length || memcmp(reader->text + reader->at, word, length) != 0)
		return json_fault(reader, -EINVAL, "a value was expected");
	reader->at += length;
	return 0;
}

/* Copies up to the next backslash or the end. */
static const char *copy_plain(const char *at, const char *end, char **to)
{
	char *out = *to;

	/* escapes often stand close together, so a word is looked at before memchr is asked */
	while (end - at >= 8) {
		uint64_t word = json_load8(at), marks = word ^ JSON_EVERY_BYTE('\\');
		uint64_t mask = (marks - JSON_EVERY_BYTE(1)) & ~marks & JSON_EVERY_BYTE(0x80);

		memcpy(out, at, 8); /* room is there: what is decoded is never longer than what was read */
		if (mask) {
			*to = out + json_first(mask);
			return at + json_first(mask);
		}
		out += 8;
		at += 8;
	}
	while (at < end && *at != '\\')
		*out++ = *at++;
	*to = out;
	return at;
}

size_t json_unescape(const char *text, const struct json_string *string, char *to)
{
	const char *at = text + string->start, *end = at + string->length, *begin = to;

	for (;;) {
		if (at < end && *at != '\\')
			at = copy_plain(at, end, &to);
		if (at == end)
			return (size_t)(to - begin);
		if (at[1] == 'u') {
			unsigned code = (unsigned)hex4(at + 2);

			at += 6;
			if (code >= 0xd800 && code <= 0xdbff) {
				code = 0x10000 + ((code & 0x3ff) << 10) + ((unsigned)hex4(at + 2) & 0x3ff);
				at += 6;
			}
			to += utf8_encode(code, to);
		} else {
			*to++ = letters[(uint8_t)at[1]];
			at += 2;
		}
	}
}
