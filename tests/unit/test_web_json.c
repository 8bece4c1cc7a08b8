/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as it is laid out for a reader; what is no JSON stays away from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/web/content/json.h"

#define TEN       "1234567890"
#define LONG_TEXT "\"" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "\""

static const struct {
	const char *json, *text; /* NULL: no JSON */
	unsigned flags;
} cases[] = {
	{"1", "1\n"},
	{" \"a\" ", "\"a\"\n"},
	{"{}", "{}\n"},
	{"[ ]", "[]\n"},
	{"{\"a\":1,\"b\":[true,null]}", "{\n  \"a\": 1,\n  \"b\": [true, null]\n}\n"},
	{"{\"a\" : 1 ,\n\"b\":-1.50e+3}", "{\"a\": 1, \"b\": -1.50e+3}\n"},
	{"[[],{}]", "[\n  [],\n  {}\n]\n"},
	{"[[1,2],[3,4]]", "[\n  [1, 2],\n  [3, 4]\n]\n"},
	{"[" LONG_TEXT ",2]", "[\n  " LONG_TEXT ",\n  2\n]\n"},
	{"[1234567890123456789012345678901234567890,1234567890123456789012345678901234567890,"
	 "1234567890123456789012345678901234567890]",
	 "[\n  1234567890123456789012345678901234567890, 1234567890123456789012345678901234567890,\n"
	 "  1234567890123456789012345678901234567890\n]\n"},
	/* strings: as written, but for characters that read better */
	{"\"\\u00e4\\u20AC\\ud83d\\ude00\"", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"\n"},
	{"\"\\u0041\\u0000\\u00a0\\u200b\\u202e\\ud83d\\udfff0\\ufeff\"",
	 "\"\\u0041\\u0000\\u00a0\\u200b\\u202e\xf0\x9f\x9f\xbf"
	 "0\\ufeff\"\n"},
	{"\"\\ud83d\\u0041\\udc00\"", "\"\\ud83d\\u0041\\udc00\"\n"},
	{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"\n"},
	{"{\"a\":\"x\xc3\xa4\"}", "{\"a\": \"x\xc3\xa4\"}\n"},
	/* several */
	{"{\"a\":1}\n{\"a\":2}\n", "{\"a\": 1}\n{\"a\": 2}\n", JSON_LINES},
	{"\0361\n\0362\n", "1\n2\n", JSON_LINES},
	{"1 2", NULL},
	{"{\"a\":1}\nx", NULL, JSON_LINES},
	/* ends early */
	{"{\"a\":[1,2", "{\n  \"a\": [\n    1, 2", JSON_PARTIAL},
	{"{\"a\":\"xy", "{\n  \"a\": \"xy", JSON_PARTIAL},
	{"[{\"a\":tru", "[\n  {\n    \"a\": tru", JSON_PARTIAL},
	{"{\"a\":[1,2", NULL},
	{"{\"a\":x, \"b\": 1234567890123456789}", NULL, JSON_PARTIAL},
	/* none */
	{"", NULL},
	{"  ", NULL},
	{"hello", NULL},
	{"{a:1}", NULL},
	{"{'a':1}", NULL},
	{"[1,]", NULL},
	{"{\"a\":1,}", NULL},
	{"[1 2]", NULL},
	{"{\"a\" 1}", NULL},
	{"[01]", NULL},
	{"[1.]", NULL},
	{"[.5]", NULL},
	{"[+1]", NULL},
	{"[1e]", NULL},
	{"[-]", NULL},
	{"[NaN]", NULL},
	{"\"a\nb\"", NULL},
	{"\"\\x\"", NULL},
	{"\"\\u12g4\"", NULL},
	{"\"a", NULL},
	{"[1]]", NULL},
	{"callback([1])", NULL},
};

static void layouts(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(buffer_deinit) struct buffer text = {.max = 1 << 16};
		int result = json_indent(&text, cases[i].json, strlen(cases[i].json), cases[i].flags);

		assert_int_equal(buffer_append(&text, "", 1), 0);
		if (!cases[i].text) {
			if (result != 1 || buffer_length(&text) != 1)
				fail_msg("%s: taken as \"%s\"", cases[i].json, buffer_data(&text));
		} else if (result != 0 || strcmp(buffer_data(&text), cases[i].text) != 0) {
			fail_msg("%s: %d, \"%s\"", cases[i].json, result, buffer_data(&text));
		}
	}
}

/* Pieces repeated to 4 MB, among them those that would be looked at again and again. */
static void linear_and_bounded(void **state)
{
	static const char *const pieces[] = {"[",           "[ ",  "{\"a\":",    "[1,", "\"\\u00e4\",",
					     "{\"a\":[{},", "[\n", "\"aaaaaaaa", "1,",  "[[1],{",
					     "[[[[[[[[1]",  "]"};
	size_t length = 4u << 20;
	char *json = malloc(length);

	assert_non_null(json);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		for (unsigned inside = 0; inside < 2; inside++) {
			_cleanup_(buffer_deinit) struct buffer text = {.max = LIMIT_WEB_TEXT_BYTES};
			clock_t begin = clock();

			for (size_t at = 0; at < length; at++)
				json[at] = pieces[i][at % strlen(pieces[i])];
			if (inside)
				json[0] = '[';
			assert_true(json_indent(&text, json, length, JSON_PARTIAL) >= 0);
			assert_true(buffer_length(&text) <= 6 * length + 4096);
			if (clock() - begin > 4 * CLOCKS_PER_SEC)
				fail_msg("4 MB of \"%s\" took %ld ms", pieces[i],
					 (long)((clock() - begin) * 1000 / CLOCKS_PER_SEC));
		}
	free(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts),
		cmocka_unit_test(linear_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
