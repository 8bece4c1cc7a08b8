/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON. json_escape is where the bytes of every large answer pass: eight at a time, straight out of
 * memory that an executor may still be writing, so each decision and each byte written come from the same
 * load.
 */
#include "protocol/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "protocol/json_scan.h"

#define ESCAPE_STEP 16 /* more than one step of escaping writes: a word of eight bytes, or \u00XX */

static const char hexadecimal[] = "0123456789abcdef";

static char *put_control(char *to, uint8_t byte)
{
	static const char letters[0x20] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};

	*to++ = '\\';
	if (byte == '"' || byte == '\\') {
		*to++ = (char)byte;
	} else if (letters[byte]) {
		*to++ = letters[byte];
	} else {
		memcpy(to, "u00", 3);
		to[3] = hexadecimal[byte >> 4];
		to[4] = hexadecimal[byte & 0xf];
		to += 5;
	}
	return to;
}

/* What stands at `from` and cannot be copied as it is. One load decides and is written. */
static char *put_special(char *to, const uint8_t **from, const uint8_t *end, uint64_t *replaced)
{
	uint32_t bytes = json_load4(*from, (size_t)(end - *from));
	uint8_t first = (uint8_t)bytes;
	int size;

	if (first < 0x80) {
		++*from;
		if (first >= 0x20 && first != '"' && first != '\\')
			*to++ = (char)first; /* somebody changed it since it looked special */
		else
			to = put_control(to, first);
		return to;
	}
	size = json_utf8(bytes);
	if (size < 0) {
		memcpy(to, "\xef\xbf\xbd", 3);
		++*replaced;
		*from += -size;
		return to + 3;
	}
	bytes = htole32(bytes);
	memcpy(to, &bytes, 4); /* room is there; only `size` of them count */
	*from += size;
	return to + size;
}

/* Copies sequences above ASCII while they are well-formed at one look, and while `to` is below `limit`. */
static char *copy_utf8_runs(char *to, const char *limit, const uint8_t **source, const uint8_t *end)
{
	const uint8_t *from = *source;

	while (to < limit && end - from >= 8) {
		uint64_t word = json_load8(from), bytes = htole64(word);
		unsigned run = json_utf8_run(word);

		if (!run)
			break;
		memcpy(to, &bytes, 8);
		to += run;
		from += run;
	}
	*source = from;
	return to;
}

/* Escapes up to `end`, or until `to` reaches `limit`, behind which there is room for one step more. */
static char *escape(char *to, const char *limit, const uint8_t **source, const uint8_t *end,
		    uint64_t *replaced)
{
	const uint8_t *from = *source;

	while (from < end && to < limit) {
		if (end - from >= 8) {
			uint64_t word = json_load8(from), mask = json_special(word), bytes = htole64(word);
			unsigned plain = mask ? json_first(mask) : 8;

			memcpy(to, &bytes, 8);
			to += plain;
			from += plain;
			if (!mask || to >= limit)
				continue;
			if (word >> 8 * plain & 0x80) {
				const uint8_t *before = from;

				to = copy_utf8_runs(to, limit, &from, end);
				if (from != before)
					continue;
			}
		}
		to = put_special(to, &from, end, replaced);
	}
	*source = from;
	return to;
}

int json_escape(struct buffer *out, const void *bytes, size_t length, uint64_t *replaced)
{
	const uint8_t *from = bytes, *end = length ? from + length : from;
	size_t before = buffer_length(out);
	uint64_t count = 0;
	int result = 0;

	while (from < end) {
		size_t left = (size_t)(end - from), room = out->max - buffer_length(out);
		size_t wanted =
			left + left / 8 + 2 * ESCAPE_STEP; /* most text needs little more than its length */

		if (wanted > room)
			wanted = room;
		if (wanted > ESCAPE_STEP) {
			result = buffer_reserve(out, wanted);
			if (result < 0)
				break;
			char *to = out->bytes + out->end;

			out->end += (size_t)(escape(to, out->bytes + out->size - ESCAPE_STEP, &from, end,
						    &count) -
					     to);
		} else { /* the last bytes of the maximum: step by step, as they turn out */
			char step[2 * ESCAPE_STEP];
			char *to = escape(step, step + 1, &from, end, &count);

			result = buffer_append(out, step, (size_t)(to - step));
			if (result < 0)
				break;
		}
	}
	if (result < 0)
		out->end = out->start + before;
	else if (replaced)
		*replaced += count;
	return result;
}

/* ---- the writer ---- */

void json_writer_init(struct json_writer *writer, struct buffer *out)
{
	*writer = (struct json_writer){.out = out};
}

static void append(struct json_writer *writer, const char *bytes, size_t length)
{
	if (writer->result == 0)
		writer->result = buffer_append(writer->out, bytes, length);
}

/* A value begins. */
static void separate(struct json_writer *writer)
{
	if (writer->comma)
		append(writer, ",", 1);
	writer->comma = true;
}

static void open(struct json_writer *writer, const char *bracket)
{
	separate(writer);
	append(writer, bracket, 1);
	writer->comma = false;
}

static void end(struct json_writer *writer, const char *bracket)
{
	append(writer, bracket, 1);
	writer->comma = true;
}

void json_object(struct json_writer *writer)
{
	open(writer, "{");
}

void json_object_end(struct json_writer *writer)
{
	end(writer, "}");
}

void json_array(struct json_writer *writer)
{
	open(writer, "[");
}

void json_array_end(struct json_writer *writer)
{
	end(writer, "]");
}

void json_key(struct json_writer *writer, const char *key)
{
	size_t length = strlen(key);

	if (writer->result == 0)
		writer->result = buffer_reserve(writer->out, length + 4);
	if (writer->result < 0)
		return;
	char *to = writer->out->bytes + writer->out->end;

	if (writer->comma)
		*to++ = ',';
	*to++ = '"';
	memcpy(to, key, length);
	memcpy(to + length, "\":", 2);
	writer->out->end = (size_t)(to - writer->out->bytes) + length + 2;
	writer->comma = false;
}

void json_bytes(struct json_writer *writer, const void *bytes, size_t length)
{
	separate(writer);
	append(writer, "\"", 1);
	if (writer->result == 0)
		writer->result = json_escape(writer->out, bytes, length, NULL);
	append(writer, "\"", 1);
}

void json_text(struct json_writer *writer, const char *text)
{
	json_bytes(writer, text, strlen(text));
}

static void write_number(struct json_writer *writer, uint64_t value, bool negative)
{
	char digits[24], *at = digits + sizeof digits;

	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	if (negative)
		*--at = '-';
	separate(writer);
	append(writer, at, (size_t)(digits + sizeof digits - at));
}

void json_int(struct json_writer *writer, int64_t value)
{
	write_number(writer, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0);
}

void json_uint(struct json_writer *writer, uint64_t value)
{
	write_number(writer, value, false);
}

void json_number(struct json_writer *writer, double value)
{
	char text[32];

	if (!isfinite(value)) {
		json_null(writer);
	} else if (fabs(value) < 9007199254740992.0 && value == (double)(int64_t)value) {
		json_int(writer, (int64_t)value);
	} else {
		int length = snprintf(text, sizeof text, "%.15g", value);

		json_raw(writer, text, (size_t)length);
	}
}

void json_bool(struct json_writer *writer, bool value)
{
	json_raw(writer, value ? "true" : "false", value ? 4 : 5);
}

void json_null(struct json_writer *writer)
{
	json_raw(writer, "null", 4);
}

void json_raw(struct json_writer *writer, const char *json, size_t length)
{
	separate(writer);
	append(writer, json, length);
}

void json_base64(struct json_writer *writer, const void *bytes, size_t length)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *from = bytes, *stop = from + length;

	separate(writer);
	append(writer, "\"", 1);
	if (writer->result == 0 && length > SIZE_MAX / 2)
		writer->result = -EMSGSIZE;
	if (writer->result == 0)
		writer->result = buffer_reserve(writer->out, (length + 2) / 3 * 4);
	if (writer->result < 0)
		return;
	char *to = writer->out->bytes + writer->out->end;

	for (; stop - from >= 3; from += 3, to += 4) {
		uint32_t group = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];

		to[0] = letters[group >> 18];
		to[1] = letters[group >> 12 & 0x3f];
		to[2] = letters[group >> 6 & 0x3f];
		to[3] = letters[group & 0x3f];
	}
	if (from < stop) {
		uint32_t group = (uint32_t)from[0] << 16 | (stop - from == 2 ? (uint32_t)from[1] << 8 : 0);

		to[0] = letters[group >> 18];
		to[1] = letters[group >> 12 & 0x3f];
		to[2] = stop - from == 2 ? letters[group >> 6 & 0x3f] : '=';
		to[3] = '=';
		to += 4;
	}
	writer->out->end = (size_t)(to - writer->out->bytes);
	append(writer, "\"", 1);
}

void json_key_text(struct json_writer *writer, const char *key, const char *text)
{
	json_key(writer, key);
	json_text(writer, text);
}

void json_key_int(struct json_writer *writer, const char *key, int64_t value)
{
	json_key(writer, key);
	json_int(writer, value);
}

void json_key_bool(struct json_writer *writer, const char *key, bool value)
{
	json_key(writer, key);
	json_bool(writer, value);
}
