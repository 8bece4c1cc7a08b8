/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON: escaping is exact for any bytes at any place, and bounds hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/json.h"
#include "protocol/limits.h"

/* A copy that ends where the text ends, so that the sanitizer sees every step past it. */
static char *exact(const char *text, size_t length)
{
	char *copy = malloc(length ? length : 1);

	assert_non_null(copy);
	memcpy(copy, text, length);
	return copy;
}

/* The obvious way, byte by byte, from the table of well-formed sequences (Unicode, table 3-7). */
static size_t utf8_slowly(const uint8_t *at, size_t left, bool *good)
{
	static const struct {
		uint8_t first, last, low, high;
		size_t length;
	} rows[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	*good = false;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (at[0] < rows[i].first || at[0] > rows[i].last)
			continue;
		if (left < 2 || at[1] < rows[i].low || at[1] > rows[i].high)
			return 1;
		for (size_t k = 2; k < rows[i].length; k++)
			if (left <= k || at[k] < 0x80 || at[k] > 0xbf)
				return k;
		*good = true;
		return rows[i].length;
	}
	return 1;
}

static uint64_t escape_slowly(struct buffer *out, const uint8_t *at, size_t length)
{
	uint64_t replaced = 0;

	for (size_t i = 0; i < length;) {
		char text[16];
		bool good;

		if (at[i] >= 0x80) {
			size_t size = utf8_slowly(at + i, length - i, &good);

			assert_int_equal(buffer_append(out, good ? (const char *)at + i : "\xef\xbf\xbd",
						       good ? size : 3),
					 0);
			replaced += !good;
			i += size;
			continue;
		}
		const char *known = at[i] ? strchr("\"\"\\\\\bb\ff\nn\rr\tt", at[i]) : NULL;

		if (at[i] == '"' || at[i] == '\\' || (at[i] < 0x20 && known))
			snprintf(text, sizeof text, "\\%c", known[1]);
		else if (at[i] < 0x20)
			snprintf(text, sizeof text, "\\u%04x", at[i]);
		else
			snprintf(text, sizeof text, "%c", at[i]);
		assert_int_equal(buffer_append_text(out, text), 0);
		i++;
	}
	return replaced;
}

static void compare_escaped(const uint8_t *bytes, size_t length)
{
	_cleanup_free_ char *copy = exact((const char *)bytes, length);
	_cleanup_(buffer_deinit) struct buffer fast, slow;
	uint64_t replaced = 5, expected;

	buffer_init(&fast, length * 6 + 64);
	buffer_init(&slow, length * 6 + 64);
	expected = escape_slowly(&slow, bytes, length);
	assert_int_equal(json_escape(&fast, copy, length, &replaced), 0);
	assert_int_equal(buffer_length(&fast), buffer_length(&slow));
	if (length)
		assert_memory_equal(fast.bytes, slow.bytes, slow.end);
	assert_int_equal(replaced, expected + 5);
}

/* Unicode's own examples of maximal subparts (section 3.9, tables 3-8 to 3-11). */
static void test_escape_subparts(void **state)
{
	static const struct {
		const char *bytes;
		unsigned replacements;
	} cases[] = {
		{"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", 8},
		{"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", 8},
		{"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", 7},
		{"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", 4},
		{"\xe4\xb8", 1},
		{"\xf0\x9f\x98", 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(buffer_deinit) struct buffer out;
		uint64_t replaced = 0;

		buffer_init(&out, 256);
		assert_int_equal(json_escape(&out, cases[i].bytes, strlen(cases[i].bytes), &replaced), 0);
		assert_int_equal(replaced, cases[i].replacements);
		compare_escaped((const uint8_t *)cases[i].bytes, strlen(cases[i].bytes));
	}
}

static uint32_t random_state = 1;

static uint32_t next_random(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state >> 8;
}

static void test_escape_random(void **state)
{
	static const char *const pieces[] = {"a",           "plain text ",  "\"",
					     "\\",          "\n",           "\x01",
					     "\xc3\xa9",    "\xe4\xb8\xad", "\xf0\x9f\x98\x80",
					     "\xff",        "\xe4",         "\xf0\x9f",
					     "\xed\xa0\x80"};
	uint8_t bytes[64];

	for (unsigned round = 0; round < 20000; round++) {
		size_t length = next_random() % sizeof bytes;

		for (size_t i = 0; i < length; i++)
			bytes[i] = (uint8_t)(round % 2 ? next_random() : 0x60 | (next_random() & 0x9f));
		compare_escaped(bytes, length);
	}
	for (unsigned round = 0; round < 20000; round++) {
		size_t length = 0;

		while (length < 40) {
			const char *piece = pieces[next_random() % ARRAY_SIZE(pieces)];

			memcpy(bytes + length, piece, strlen(piece));
			length += strlen(piece);
		}
		compare_escaped(bytes, length);
	}
}

/* Across the strides in which room is made. */
static void test_escape_long(void **state)
{
	_cleanup_free_ uint8_t *bytes = malloc(40000);

	for (unsigned shift = 0; shift < 8; shift++) {
		for (size_t i = 0; i < 40000; i += 4)
			memcpy(bytes + i, i % 100 ? "\xf0\x9f\x98\x80" : "ab\n\"", 4);
		compare_escaped(bytes + shift, 40000 - shift);
	}
}

static void test_escape_bounds(void **state)
{
	_cleanup_(buffer_deinit) struct buffer out;
	char text[300];

	memset(text, 'x', sizeof text);
	buffer_init(&out, 400);
	assert_int_equal(buffer_append(&out, "keep", 4), 0);
	assert_int_equal(json_escape(&out, text, 300, NULL),
			 0); /* fits, though six times as much would not */
	assert_int_equal(json_escape(&out, text, 300, NULL), -EMSGSIZE);
	assert_int_equal(buffer_length(&out), 304); /* as before */
	assert_memory_equal(out.bytes, "keepx", 5);
}

/* It fits exactly when its escaped form does, to the byte. */
static void test_escape_every_maximum(void **state)
{
	static const char text[] = "plain words, \"quotes\" and\n\x01\x02 controls \xe4\xb8\xad\xe6\x96\x87 "
				   "\xd0\xb4\xd0\xb0 \xff\xf0\x9f\x98\x80 end";
	_cleanup_(buffer_deinit) struct buffer slow;

	buffer_init(&slow, 1000);
	escape_slowly(&slow, (const uint8_t *)text, sizeof text);
	for (size_t max = 0; max < slow.end + 100; max++) {
		_cleanup_(buffer_deinit) struct buffer out;
		uint64_t replaced = 0;
		int result;

		buffer_init(&out, max);
		result = json_escape(&out, text, sizeof text, &replaced);
		assert_int_equal(result, max < slow.end ? -EMSGSIZE : 0);
		assert_int_equal(buffer_length(&out), max < slow.end ? 0 : slow.end);
		assert_int_equal(replaced, max < slow.end ? 0 : 1);
		if (result == 0)
			assert_memory_equal(out.bytes, slow.bytes, slow.end);
	}
}

/* ---- writer ---- */

static void test_writer(void **state)
{
	_cleanup_(buffer_deinit) struct buffer out;
	struct json_writer writer;

	buffer_init(&out, 4096);
	json_writer_init(&writer, &out);
	json_object(&writer);
	json_key_text(&writer, "text", "a\"b");
	json_key_int(&writer, "least", INT64_MIN);
	json_key_bool(&writer, "no", false);
	json_key(&writer, "list");
	json_array(&writer);
	json_uint(&writer, UINT64_MAX);
	json_int(&writer, 0);
	json_null(&writer);
	json_array(&writer);
	json_array_end(&writer);
	json_object(&writer);
	json_object_end(&writer);
	json_raw(&writer, "1e3", 3);
	json_number(&writer, 0.5);
	json_number(&writer, 1234567);
	json_number(&writer, NAN);
	json_array_end(&writer);
	json_key(&writer, "last");
	json_bytes(&writer, "\xff", 1);
	json_object_end(&writer);
	assert_int_equal(writer.result, 0);
	assert_int_equal(buffer_append(&out, "", 1), 0);
	assert_string_equal(
		out.bytes,
		"{\"text\":\"a\\\"b\",\"least\":-9223372036854775808,\"no\":false,\"list\":["
		"18446744073709551615,0,null,[],{},1e3,0.5,1234567,null],\"last\":\"\xef\xbf\xbd\"}");
}

static void test_writer_sticks(void **state)
{
	_cleanup_(buffer_deinit) struct buffer out;
	struct json_writer writer;

	buffer_init(&out, 8);
	json_writer_init(&writer, &out);
	json_text(&writer, "far too long for eight bytes");
	assert_int_equal(writer.result, -EMSGSIZE);
	json_null(&writer);
	assert_int_equal(writer.result, -EMSGSIZE);
	assert_true(buffer_length(&out) <= 8);
}

static void test_base64(void **state)
{
	static const char *const cases[][2] = {{"", ""},
					       {"f", "Zg=="},
					       {"fo", "Zm8="},
					       {"foo", "Zm9v"},
					       {"foob", "Zm9vYg=="},
					       {"fooba", "Zm9vYmE="},
					       {"foobar", "Zm9vYmFy"},
					       {"\xff\xfe\xfb", "//77"}}; /* RFC 4648, 10 */

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(buffer_deinit) struct buffer out;
		struct json_writer writer;
		char expected[32];

		buffer_init(&out, 64);
		json_writer_init(&writer, &out);
		json_base64(&writer, cases[i][0], strlen(cases[i][0]));
		snprintf(expected, sizeof expected, "\"%s\"", cases[i][1]);
		assert_int_equal(buffer_length(&out), strlen(expected));
		assert_memory_equal(out.bytes, expected, strlen(expected));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape_subparts),      cmocka_unit_test(test_escape_random),
		cmocka_unit_test(test_escape_long),          cmocka_unit_test(test_escape_bounds),
		cmocka_unit_test(test_escape_every_maximum), cmocka_unit_test(test_writer),
		cmocka_unit_test(test_writer_sticks),        cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
