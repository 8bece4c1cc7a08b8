/* SPDX-License-Identifier: Apache-2.0 */
/* Odd names: what is quoted and how, and that whatever is shown reads back as what it was. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/files/quote.h"

static const struct {
	const char *name, *shown;
} names[] = {
	{"plain", "plain"},
	{"with space ", "with space "},
	{"in\"side", "in\"side"},
	{"back\\slash", "back\\slash"},
	{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
	{"\"front", "\"\\\"front\""},
	{"\"both\"", "\"\\\"both\\\"\""},
	{"a\nb", "\"a\\nb\""},
	{"\a\b\t\v\f\r", "\"\\a\\b\\t\\v\\f\\r\""},
	{"\x01\x1b\x7f", "\"\\001\\033\\177\""},
	{"a\\\n", "\"a\\\\\\n\""},
	{"\xff", "\"\\377\""},
	{"\xc3\xbc\xff\xc3\xbc", "\"\xc3\xbc\\377\xc3\xbc\""},
	{"\xc3", "\"\\303\""},
	{"\xc0\x80", "\"\\300\\200\""},
	{"\xed\xa0\x80", "\"\\355\\240\\200\""},
	{"\xc2\x9b", "\"\\302\\233\""}, /* a terminal's escape sequences begin so */
	{"\xc2\xa0", "\xc2\xa0"},
};

static void test_names(void **state)
{
	static char room[QUOTE_BYTES], back[LIMIT_PATH_BYTES];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *shown = quote_show(names[i].name, room);

		assert_string_equal(shown, names[i].shown);
		assert_int_equal(shown == room, quote_needed(names[i].name, strlen(names[i].name)));
		assert_string_equal(quote_read(shown, back), names[i].name);
	}
}

/* What is not well quoted is a name like any other. */
static void test_literal(void **state)
{
	static const char *const typed[] = {"",          "\"",        "\"\"",      "\"a",      "a\"",
					    "\"a\"b\"",  "\"a\\\"",   "\"\\x41\"", "\"\\12\"", "\"\\000\"",
					    "\"\\400\"", "\"\\389\"", "\"\\\""};
	static char room[LIMIT_PATH_BYTES];

	for (size_t i = 0; i < sizeof typed / sizeof *typed; i++)
		assert_ptr_equal(quote_read(typed[i], room), typed[i]);
	assert_string_equal(quote_read("\"a b\"", room), "a b"); /* quoted for nothing */
	assert_string_equal(quote_read("\"\\101\"", room), "A");
}

static void test_random(void **state)
{
	static char name[LIMIT_PATH_BYTES], room[QUOTE_BYTES], back[LIMIT_PATH_BYTES];

	srand(1);
	for (int round = 0; round < 20000; round++) {
		size_t length = (size_t)(rand() % 12);
		const char *shown;

		for (size_t i = 0; i < length; i++) /* every byte but NUL; quotes and backslashes often */
			name[i] = rand() % 3 ? (char)(1 + rand() % 255) : "\"\\n0"[rand() % 4];
		name[length] = '\0';
		shown = quote_show(name, room);
		assert_false(strchr(shown, '\n'));
		assert_string_equal(quote_read(shown, back), name);
	}
}

static void test_longest(void **state)
{
	static char name[LIMIT_PATH_BYTES + 10], room[QUOTE_BYTES], back[LIMIT_PATH_BYTES];
	struct buffer small;

	memset(name, 0xff, LIMIT_PATH_BYTES - 1);
	assert_ptr_equal(quote_show(name, room), room);
	assert_int_equal(strlen(room), QUOTE_BYTES - 5); /* a byte less than a path's room, and no NUL */
	assert_string_equal(quote_read(room, back), name);
	memset(room, 'a', LIMIT_PATH_BYTES + 2);
	room[0] = room[LIMIT_PATH_BYTES + 1] = '"';
	room[LIMIT_PATH_BYTES + 2] = '\0';
	assert_ptr_equal(quote_read(room, back), room); /* longer than any path */
	buffer_init(&small, 8);
	assert_int_equal(quote_append(&small, "ok", 2), 0);
	assert_int_equal(quote_append(&small, "\xff\xff", 2), -EMSGSIZE);
	assert_int_equal(buffer_length(&small), 2); /* as before */
	buffer_deinit(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_literal),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
