/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, one character at a time: every code point, every sequence that is none, and what one U+FFFD stands
 * for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "protocol/utf8.h"

static void test_every_code_point(void **state)
{
	for (uint32_t code = 0; code <= 0x10ffff; code++) {
		bool surrogate = code >= 0xd800 && code < 0xe000;
		char bytes[4];
		size_t size = utf8_encode(code, bytes), used;

		assert_int_equal(utf8_size((uint8_t)bytes[0]), size);
		assert_int_equal(utf8_decode(bytes, size, &used), surrogate ? UTF8_NONE : code);
		assert_int_equal(used, surrogate ? 1 : size);
		for (size_t cut = 1; cut < size && !surrogate; cut++) {
			assert_int_equal(utf8_decode(bytes, cut, &used), UTF8_NONE);
			assert_int_equal(used, cut);
		}
	}
}

/* Whatever is read must be what the encoder, which is simpler, writes for it: nothing has a second spelling.
 */
static void test_every_sequence(void **state)
{
	size_t good = 0;

	for (uint32_t word = 0; word < 1u << 24; word++) {
		/* bytes that continue differ in nothing but their low bits, so a few of the fourth are enough
		 */
		static const uint8_t fourth[] = {0x7f, 0x80, 0xbf, 0xc0};
		uint8_t bytes[4] = {(uint8_t)(word >> 16), (uint8_t)(word >> 8), (uint8_t)word,
				    fourth[word & 3]};
		char again[4];
		size_t used;
		uint32_t code = utf8_decode(bytes, sizeof bytes, &used);

		if (code == UTF8_NONE) {
			assert_in_range(used, 1, 3);
			continue;
		}
		good++;
		assert_true(code < 0xd800 || (code > 0xdfff && code <= 0x10ffff));
		assert_int_equal(utf8_encode(code, again), used);
		assert_memory_equal(bytes, again, used);
	}
	/* by the first three bytes: ASCII, two of them, three; and of four, half of what may follow is one */
	assert_int_equal(good, 128 * 65536 + 1920 * 256 + (65536 - 2048 - 2048) + 0x100000 / 64 / 2);
}

/* The examples of the Unicode standard, tables 3-8 to 3-11. */
static void test_what_one_replacement_stands_for(void **state)
{
	static const struct {
		const char *bytes, *parts; /* of each part how many bytes: a digit */
	} cases[] = {
		{"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", "111111111"},
		{"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", "111111111"},
		{"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", "111111111"},
		{"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", "21321"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t length = strlen(cases[i].bytes), at = 0, used;

		for (const char *part = cases[i].parts; *part; part++, at += used) {
			uint32_t code = utf8_decode(cases[i].bytes + at, length - at, &used);

			assert_int_equal(used, *part - '0');
			assert_true(code == UTF8_NONE || code == 0x41 || code == 0x42);
		}
		assert_int_equal(at, length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code_point),
		cmocka_unit_test(test_every_sequence),
		cmocka_unit_test(test_what_one_replacement_stands_for),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
