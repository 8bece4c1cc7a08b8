/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_JSON_CHECK_H
#define SALLYPORT_PROTOCOL_JSON_CHECK_H

/* The pieces of reading that json_check.c and json_parse.c share; nobody else includes this. */

#include "protocol/json.h"

/* A string that passed: its raw inside, without the quotes. */
struct json_string {
	size_t start, length;
	bool escaped; /* there is a backslash in it */
};

/* A number that passed. */
struct json_number {
	size_t start, length;
	bool integer; /* no fraction, no exponent */
};

struct json_reader {
	const char *text;
	size_t length, at;
	unsigned values, depth;
	struct err *err;
};

static inline void json_skip_space(struct json_reader *reader)
{
	while (reader->at < reader->length && (unsigned char)reader->text[reader->at] <= ' ') {
		char byte = reader->text[reader->at];

		if (byte != ' ' && byte != '\n' && byte != '\r' && byte != '\t')
			return;
		reader->at++;
	}
}

/* `at` stands on the opening quote (the digit, the letter); afterwards behind the value. 0 or -errno as
 * json_parse. */
int json_read_string(struct json_reader *reader, struct json_string *string);
int json_read_number(struct json_reader *reader, struct json_number *number);
int json_read_word(struct json_reader *reader, const char *word);
/* "line 1, column 7: WHAT" for the place `at`. */
int json_fault(struct json_reader *reader, int code, const char *what);

/* Decodes the inside of a string that passed into `to`, which has room for its raw length; returns the
 * length. */
size_t json_unescape(const char *text, const struct json_string *string, char *to);

/* Offset of the key of member `index` (from 0) of the object that `text` begins with; the object was read. */
size_t json_member_offset(const char *text, unsigned index);

#endif
