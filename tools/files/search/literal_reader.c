/* SPDX-License-Identifier: Apache-2.0 */
/* Characters, escapes and sets, as PCRE2 reads them (literal_reader.h). */
#include "tools/files/search/literal_reader.h"

#include <string.h>

bool reader_peek(const struct reader *reader, const char *text)
{
	size_t length = strlen(text);

	return (size_t)(reader->end - reader->at) >= length && memcmp(reader->at, text, length) == 0;
}

bool reader_take(struct reader *reader, const char *text)
{
	if (!reader_peek(reader, text))
		return false;
	reader->at += strlen(text);
	return true;
}

struct piece reader_byte(struct reader *reader, uint8_t byte)
{
	struct piece piece = {.exact = false};
	struct literal *literal = &piece.need.any[0];
	uint8_t small = byte | 0x20;

	literal->bytes[literal->length++] = byte;
	while (byte >= 0x80 && reader->at < reader->end && (*reader->at & 0xc0) == 0x80 &&
	       literal->length < 4)
		literal->bytes[literal->length++] = (uint8_t)*reader->at++;
	if (reader->fold && (byte >= 0x80 || small == 'k' || small == 's'))
		return (struct piece){.exact = false};
	piece.exact = true;
	piece.need.count = 1;
	return piece;
}

struct piece reader_anything(struct reader *reader, bool newline)
{
	reader->newlines += newline;
	return (struct piece){.exact = false};
}

struct piece reader_nothing(void)
{
	return (struct piece){.exact = true, .need = {.count = 1}};
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit |= 0x20;
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* \xHH alone; \x{...} and shorter ones are left to PCRE2. */
static struct piece read_hex(struct reader *reader)
{
	int high = reader->end - reader->at >= 2 ? hex_digit(reader->at[0]) : -1;
	int low = high >= 0 ? hex_digit(reader->at[1]) : -1;

	if (low < 0 || high >= 8) {
		reader->lost = true;
		return reader_anything(reader, true);
	}
	reader->at += 2;
	if (high * 16 + low == '\n')
		reader->newlines++;
	return reader_byte(reader, (uint8_t)(high * 16 + low));
}

struct piece reader_escape(struct reader *reader)
{
	static const char plain[] = "nrtfea", means[] = "\n\r\t\f\x1b\a";
	const char *found;
	char letter;

	if (reader->at == reader->end) {
		reader->lost = true;
		return reader_nothing();
	}
	letter = *reader->at++;
	if (!((letter | 0x20) >= 'a' && (letter | 0x20) <= 'z')) {
		if ((letter >= '0' && letter <= '9') || (uint8_t)letter >= 0x80) /* a reference, or octal */
			reader->lost = true;
		return reader_byte(reader, (uint8_t)letter);
	}
	found = strchr(plain, letter);
	if (found) {
		reader->newlines += letter == 'n';
		return reader_byte(reader, (uint8_t)means[found - plain]);
	}
	switch (letter) {
	case 'x':
		return read_hex(reader);
	case 'b':
	case 'B':
		return reader_nothing();
	case 'A':
	case 'z':
	case 'Z':
	case 'G':
		reader->anchored_text = true;
		return reader_nothing();
	case 'd':
	case 'w':
	case 'h':
	case 'S':
	case 'V':
	case 'N':
		return reader_anything(reader, false);
	case 's':
	case 'v':
	case 'D':
	case 'W':
	case 'H':
		return reader_anything(reader, true);
	default:
		reader->lost = true;
		return reader_anything(reader, true);
	}
}

struct piece reader_set(struct reader *reader)
{
	bool negated = reader_take(reader, "^"), newline = negated, first = true;
	const char *begin = reader->at;

	for (; reader->at < reader->end; first = false) {
		char byte = *reader->at++;

		if (byte == ']' && !first) {
			if (!negated && reader->at - begin == 2 && (uint8_t)*begin < 0x80 && *begin != '\n')
				return reader_byte(reader, (uint8_t)*begin);
			return reader_anything(reader, newline);
		}
		if (byte == '[' &&
		    (reader_peek(reader, ":") || reader_peek(reader, ".") || reader_peek(reader, "=")))
			break; /* a class by name */
		if (byte == '\\') {
			if (reader->at == reader->end)
				break;
			byte = *reader->at++;
			if (strchr("QEpPxocgkNRX0123456789", byte))
				break;
			newline |= strchr("nsvDWH", byte) || reader_peek(reader, "-");
		} else {
			newline |= byte == '\n';
		}
		/* a range that begins below the newline may go past it */
		if (reader_peek(reader, "-") && (uint8_t)byte <= '\n')
			newline = true;
	}
	reader->lost = true;
	return reader_anything(reader, true);
}
