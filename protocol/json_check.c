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

_Static_assert(LIMIT_JSON_DEPTH <= 64, "one bit a level says what is open");

int json_fault(struct json_reader *reader, int code, const char *what)
{
	unsigned line, column;

	if (!reader->err)
		return code;
	json_position(reader->text, reader->at, &line, &column);
	return err_set(reader->err, code, "line %u, column %u: %s", line, column, what);
}

void json_skip_space(struct json_reader *reader)
{
	while (reader->at < reader->length) {
		char byte = reader->text[reader->at];

		if (byte != ' ' && byte != '\n' && byte != '\r' && byte != '\t')
			return;
		reader->at++;
	}
}

int json_count_value(struct json_reader *reader)
{
	if (++reader->values > LIMIT_JSON_VALUES)
		return json_fault(reader, -E2BIG, "too many values in one message");
	return 0;
}

static int hex4(const char *at, size_t available)
{
	int value = 0;

	if (available < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = at[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* `at` stands on the backslash. */
static int read_escape(struct json_reader *reader)
{
	const char *at = reader->text + reader->at;
	size_t left = reader->length - reader->at;
	int unit, low;

	if (left < 2)
		return json_fault(reader, -EINVAL, "the text ends inside a string");
	if (at[1] != 'u') {
		if (at[1] == '\0' || !strchr("\"\\/bfnrt", at[1]))
			return json_fault(reader, -EINVAL, "no such escape in a string");
		reader->at += 2;
		return 0;
	}
	unit = hex4(at + 2, left - 2);
	if (unit < 0)
		return json_fault(reader, -EINVAL, "\\u needs four hexadecimal digits");
	if (unit == 0)
		return json_fault(reader, -EILSEQ, "\\u0000 in a string is refused");
	if (unit < 0xd800 || unit > 0xdfff) {
		reader->at += 6;
		return 0;
	}
	low = left >= 12 && at[6] == '\\' && at[7] == 'u' ? hex4(at + 8, left - 8) : -1;
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

	while (reader->at < reader->length && text[reader->at] >= 0x80) {
		int size = json_utf8(json_load4(text + reader->at, reader->length - reader->at));

		if (size < 0)
			return json_fault(reader, -EILSEQ, "the text is not UTF-8");
		reader->at += (size_t)size;
	}
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
			result = read_escape(reader);
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

static void put_utf8(char **to, unsigned code)
{
	char *out = *to;

	if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
		*out++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*out++ = (char)(0xe0 | code >> 12);
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else {
		*out++ = (char)(0xf0 | code >> 18);
		*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	}
	*to = out;
}

size_t json_unescape(const char *text, const struct json_string *string, char *to)
{
	const char *at = text + string->start, *end = at + string->length, *begin = to;

	while (at < end) {
		const char *backslash = memchr(at, '\\', (size_t)(end - at));
		size_t plain = (size_t)((backslash ? backslash : end) - at);

		memcpy(to, at, plain);
		to += plain;
		at += plain;
		if (!backslash)
			break;
		if (at[1] == 'u') {
			unsigned code = (unsigned)hex4(at + 2, 4);

			at += 6;
			if (code >= 0xd800 && code <= 0xdbff) {
				code = 0x10000 + ((code & 0x3ff) << 10) + ((unsigned)hex4(at + 2, 4) & 0x3ff);
				at += 6;
			}
			put_utf8(&to, code);
		} else {
			static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
			const char *known = strchr(from, at[1]);

			*to++ = known ? into[known - from] : at[1];
			at += 2;
		}
	}
	return (size_t)(to - begin);
}
