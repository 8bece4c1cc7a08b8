/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON: what is accepted, what is refused and how it is told, and finding places in it. */
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

static int parse(const char *text, size_t length, cJSON **tree, struct err *err)
{
	_cleanup_free_ char *copy = exact(text, length);
	int checked = json_check(copy, length, NULL, NULL);
	int result = json_parse(copy, length, tree, NULL, err);

	if (checked != result) /* only duplicates tell the two apart */
		assert_true(checked == 0 && result == -EILSEQ && strstr(err->text, "duplicate"));
	return result;
}

static void test_accepted(void **state)
{
	static const char *const texts[] = {
		"0",
		"-0",
		"-0.0e-1",
		"1e5",
		"1E+5",
		"123456789012345",
		"1234567890123456789012345678901234567890",
		"1e999",
		"true",
		"false",
		"null",
		"\"\"",
		" \t\r\n[ ]\n",
		"{}",
		"{\"\":{}}",
		"[[],{},[[]],1,\"a\"]",
		"{\"a\":1,\"b\":[1,2,{\"c\":null}],\"d\":\"e\"}",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\\uFFFF\"",
		"\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"
		"\"",
		"{\"a\":1,\"A\":2}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(json_free) cJSON *tree = NULL;
		_cleanup_(json_free) cJSON *other = cJSON_ParseWithLength(texts[i], strlen(texts[i]));
		struct err err = {0};

		if (parse(texts[i], strlen(texts[i]), &tree, &err) != 0)
			fail_msg("%s: %s", texts[i], err.text);
		if (!strstr(texts[i], "999")) /* infinity is not equal to itself for cJSON_Compare */
			assert_true(cJSON_Compare(tree, other, true));
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *reason;
	} cases[] = {
		{"", -EINVAL, "line 1, column 1: a value was expected"},
		{"  ", -EINVAL, "line 1, column 3: a value was expected"},
		{"nul", -EINVAL, "a value was expected"},
		{"True", -EINVAL, "a value was expected"},
		{"NaN", -EINVAL, "a value was expected"},
		{"01", -EINVAL, "something stands behind"},
		{"+1", -EINVAL, "a value was expected"},
		{".5", -EINVAL, "a value was expected"},
		{"1.", -EINVAL, "after the point"},
		{"1e", -EINVAL, "in the exponent"},
		{"-", -EINVAL, "a digit was expected"},
		{"1 2", -EINVAL, "line 1, column 3: something stands behind"},
		{"[1,]", -EINVAL, "line 1, column 4: a value was expected"},
		{"[1", -EINVAL, "',' or ']' was expected"},
		{"[1}", -EINVAL, "',' or ']' was expected"},
		{"{\"a\":1]", -EINVAL, "',' or '}' was expected"},
		{"{\"a\":1,}", -EINVAL, "a key in quotes was expected"},
		{"{a:1}", -EINVAL, "a key in quotes was expected"},
		{"{\"a\"}", -EINVAL, "':' was expected"},
		{"{\"a\":}", -EINVAL, "a value was expected"},
		{"{", -EINVAL, "a key in quotes was expected"},
		{"\"a", -EINVAL, "the text ends inside a string"},
		{"\"\\", -EINVAL, "the text ends inside a string"},
		{"\"\\x\"", -EINVAL, "no such escape"},
		{"\"\\u12\"", -EINVAL, "four hexadecimal digits"},
		{"\"\\u12g4\"", -EINVAL, "four hexadecimal digits"},
		{"\"a\nb\"", -EINVAL, "line 1, column 3: a control character"},
		{"\n\n  \"\x1f\"", -EINVAL, "line 3, column 4: a control character"},
		{"'a'", -EINVAL, "a value was expected"},
		{"/**/1", -EINVAL, "a value was expected"},
		{"\xef\xbb\xbf{}", -EINVAL, "a value was expected"},
		{"\"\\u0000\"", -EILSEQ, "\\u0000"},
		{"\"\\ud800\"", -EILSEQ, "half of a surrogate pair"},
		{"\"\\ud800\\u0041\"", -EILSEQ, "half of a surrogate pair"},
		{"\"\\udc00\"", -EILSEQ, "half of a surrogate pair"},
		{"\"\\udc00\\ud800\"", -EILSEQ, "half of a surrogate pair"},
		{"\"\\ud83d\\ude0\"", -EILSEQ, "half of a surrogate pair"},
		{"\"\x80\"", -EILSEQ, "not UTF-8"},
		{"\"\xc0\xaf\"", -EILSEQ, "not UTF-8"},
		{"\"\xc3\"", -EILSEQ, "not UTF-8"},
		{"\"\xe0\x80\x80\"", -EILSEQ, "not UTF-8"},
		{"\"\xed\xa0\x80\"", -EILSEQ, "not UTF-8"},
		{"\"\xf0\x80\x80\x80\"", -EILSEQ, "not UTF-8"},
		{"\"\xf4\x90\x80\x80\"", -EILSEQ, "not UTF-8"},
		{"\"abcdefgh\xe4\xb8", -EILSEQ, "not UTF-8"},
		{"{\"a\":1,\"b\":2,\"a\":3}", -EILSEQ, "line 1, column 14: duplicate key \"a\""},
		{"{\"a\":{\"b\":1,\"\\u0062\":2}}", -EILSEQ, "line 1, column 13: duplicate key \"b\""},
		{"[{\"\":1,\"\":2}]", -EILSEQ, "duplicate key \"\""},
		{"1234567890123456789012345678901234567890123456789012345678901234", -E2BIG,
		 "too many digits"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cJSON *tree = NULL;
		struct err err = {0};
		int result = parse(cases[i].text, strlen(cases[i].text), &tree, &err);

		if (result != cases[i].code || !strstr(err.text, cases[i].reason))
			fail_msg("%s: %d %s", cases[i].text, result, err.text);
		assert_null(tree);
	}
	cJSON *tree = NULL;
	struct err err = {0};

	assert_int_equal(parse("\"a\0b\"", 5, &tree, &err), -EINVAL);
	assert_int_equal(parse("1\0", 2, &tree, &err), -EINVAL);
	assert_int_equal(parse("[\"\\", 3, &tree, &err), -EINVAL);
	assert_int_equal(parse("\"\\\0\"", 4, &tree, &err), -EINVAL);
}

/* Every way to cut a valid text is refused, with and without a tree, and never read past. */
static void test_every_prefix(void **state)
{
	static const char text[] =
		"{\"id\":\"\\u0041\\ud83d\\ude00\xe4\xb8\xad\",\"a\":[1.5e+3,-2,true,false,null,{\"b\":{}}]}";
	cJSON *tree = NULL;
	struct err err;

	for (size_t length = 0; length < sizeof text - 1; length++)
		assert_int_not_equal(parse(text, length, &tree, &err), 0);
	assert_int_equal(parse(text, sizeof text - 1, &tree, &err), 0);
	cJSON_Delete(tree);
}

static char *nested(unsigned depth, const char *open, const char *close)
{
	struct buffer text;

	buffer_init(&text, 1 << 20);
	for (unsigned i = 0; i < depth; i++)
		assert_int_equal(buffer_append_text(&text, open), 0);
	for (unsigned i = 0; i < depth; i++)
		assert_int_equal(buffer_append_text(&text, close), 0);
	assert_int_equal(buffer_append(&text, "", 1), 0);
	return text.bytes;
}

static void test_depth(void **state)
{
	_cleanup_free_ char *most = nested(LIMIT_JSON_DEPTH, "[", "]");
	_cleanup_free_ char *more = nested(LIMIT_JSON_DEPTH + 1, "[", "]");
	_cleanup_free_ char *much = nested(100000, "[", "]");
	struct err err = {0};
	cJSON *tree = NULL;

	assert_int_equal(parse(most, strlen(most), &tree, &err), 0);
	json_free(&tree);
	assert_int_equal(parse(more, strlen(more), &tree, &err), -E2BIG);
	assert_int_equal(parse(much, strlen(much), &tree, &err), -E2BIG);
	assert_non_null(strstr(err.text, "nested too deeply"));
}

static void test_value_count(void **state)
{
	struct buffer text;
	struct err err = {0};
	cJSON *tree = NULL;

	buffer_init(&text, 4 << 20);
	assert_int_equal(buffer_append(&text, "[", 1), 0);
	for (unsigned i = 2; i < LIMIT_JSON_VALUES; i++)
		assert_int_equal(buffer_append(&text, "1,", 2), 0);
	assert_int_equal(buffer_append(&text, "1]", 2), 0);
	assert_int_equal(parse(text.bytes, text.end, &tree, &err), 0);
	json_free(&tree);
	text.end--;
	assert_int_equal(buffer_append(&text, ",1]", 3), 0);
	assert_int_equal(parse(text.bytes, text.end, &tree, &err), -E2BIG);
	buffer_deinit(&text);
}

/* A hundred thousand keys are looked through without comparing each with each: that would take minutes. */
static void test_many_keys(void **state)
{
	struct buffer text;
	struct err err = {0};
	cJSON *tree = NULL;

	buffer_init(&text, 4 << 20);
	assert_int_equal(buffer_append(&text, "{", 1), 0);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(buffer_printf(&text, "%s\"key%u\":0", i ? "," : "", i * 7919 % 100000), 0);
	assert_int_equal(buffer_append(&text, "}", 1), 0);
	assert_int_equal(parse(text.bytes, text.end, &tree, &err), 0);
	json_free(&tree);
	text.end--;
	assert_int_equal(buffer_append_text(&text, ",\"key5\":1}"), 0);
	assert_int_equal(parse(text.bytes, text.end, &tree, &err), -EILSEQ);
	assert_non_null(strstr(err.text, "duplicate key \"key5\""));
	buffer_deinit(&text);
}

static void test_values(void **state)
{
	static const char text[] = "{\"i\":-42,\"big\":9007199254740993,\"f\":0.1,\"huge\":1e300,"
				   "\"s\":\"a\\n\\u00e9\\ud83d\\ude00z\",\"t\":true,\"\\u006b\":[1]}";
	_cleanup_(json_free) cJSON *tree = NULL;

	assert_int_equal(json_parse(text, strlen(text), &tree, NULL, NULL), 0);
	assert_int_equal(cJSON_GetObjectItemCaseSensitive(tree, "i")->valueint, -42);
	assert_true(cJSON_GetObjectItemCaseSensitive(tree, "big")->valuedouble == 9007199254740992.0);
	assert_true(cJSON_GetObjectItemCaseSensitive(tree, "f")->valuedouble == 0.1);
	assert_int_equal(cJSON_GetObjectItemCaseSensitive(tree, "huge")->valueint, INT32_MAX);
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(tree, "s")->valuestring,
			    "a\n\xc3\xa9\xf0\x9f\x98\x80z");
	assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(tree, "t")));
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(tree, "k")), 1);
	/* the list is what cJSON expects of one: a printed copy says the same */
	_cleanup_free_ char *printed = cJSON_PrintUnformatted(tree);
	_cleanup_(json_free) cJSON *again = cJSON_Parse(printed);

	assert_true(cJSON_Compare(tree, again, true));
	_cleanup_(json_free) cJSON *copy = cJSON_Duplicate(tree, true);

	cJSON_DeleteItemFromObjectCaseSensitive(copy, "k");
	assert_int_equal(cJSON_GetArraySize(copy), 6);
}

static void check_id(const char *text, const char *id)
{
	struct json_span span;
	cJSON *tree = NULL;

	assert_int_equal(json_parse(text, strlen(text), &tree, &span, NULL), 0);
	json_free(&tree);
	assert_int_equal(span.length, strlen(id));
	assert_memory_equal(text + span.start, id, span.length);
}

static void test_id_span(void **state)
{
	struct json_span span;

	check_id("{\"id\":1}", "1");
	check_id("{ \"id\" : 9007199254740993 , \"a\":1}", "9007199254740993");
	check_id("{\"a\":{\"id\":2},\"id\": 1.0}", "1.0");
	check_id("{\"id\":\"\\u0041\",\"b\":[{\"id\":3}]}", "\"\\u0041\"");
	check_id("{\"\\u0069d\":7}", "7");
	check_id("{\"\\u0069\\u0064\":7}", "7");
	check_id("{\"id\":{\"id\":2,\"x\":[]},\"z\":1}", "{\"id\":2,\"x\":[]}");
	check_id("{\"id\":null}", "null");
	check_id("{\"i\":1,\"idd\":2}", "");
	check_id("[{\"id\":1}]", "");
	check_id("\"id\"", "");
	assert_int_equal(json_check("{\"id\":1,", 8, &span, NULL), -EINVAL);
	assert_int_equal(span.length, 0);
}

static void check_found(const char *text, const char *id)
{
	_cleanup_free_ char *copy = exact(text, strlen(text));
	struct json_span span = json_find_id(copy, strlen(text));

	assert_int_equal(span.length, strlen(id));
	assert_memory_equal(copy + span.start, id, span.length);
}

static void test_find_id(void **state)
{
	check_found("{\"params\":{\"id\":5,\"a\":\"\\ud800\"},\"id\":12,\"x\":1}", "12");
	check_found("{\"id\":\"a\\\"b\",\"params\":\"\xff\"}", "\"a\\\"b\"");
	check_found("{\"id\":\"\\ud800\"}", "");
	check_found("{\"id\":[1]}", "");
	check_found("{\"id\":", "");
	check_found("{\"id", "");
	check_found("{", "");
	check_found("", "");
	check_found("[1", "");
	check_found("}{", "");
	check_found("{\"a\":}}}}", "");
	check_found("{\"a\" 1 2 3", "");
}

static void check_located(const char *text, const char *const *path, const char *expected)
{
	struct json_span value, key;

	if (!expected) {
		assert_int_equal(json_locate(text, strlen(text), path, &value, &key), -ENOENT);
		return;
	}
	assert_int_equal(json_locate(text, strlen(text), path, &value, &key), 0);
	assert_int_equal(value.length, strlen(expected));
	assert_memory_equal(text + value.start, expected, value.length);
}

#define PATH(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_locate(void **state)
{
	static const char text[] =
		" { \"a\" : [ 1 , {\"b\\u0063\":\"x,}\\\"]\" } , [ ] ], \"d\":{},\n\"e\" : 12 } ";
	struct json_span value, key;
	unsigned line, column;

	check_located(text, PATH("a"), "[ 1 , {\"b\\u0063\":\"x,}\\\"]\" } , [ ] ]");
	check_located(text, PATH("a", "0"), "1");
	check_located(text, PATH("a", "1", "bc"), "\"x,}\\\"]\"");
	check_located(text, PATH("a", "2"), "[ ]");
	check_located(text, PATH("d"), "{}");
	check_located(text, PATH("e"), "12");
	check_located(text, PATH("a", "3"), NULL);
	check_located(text, PATH("a", "x"), NULL);
	check_located(text, PATH("a", ""), NULL);
	check_located(text, PATH("e", "f"), NULL);
	check_located(text, PATH("f"), NULL);
	check_located("7", (const char *const[]){NULL}, "7");
	assert_int_equal(json_locate(text, strlen(text), PATH("e"), &value, &key), 0);
	assert_memory_equal(text + key.start, "\"e\"", 3);
	json_position(text, key.start, &line, &column);
	assert_int_equal(line, 2);
	assert_int_equal(column, 1);
	json_position("\xc3\xa9\xc3\xa9x", 4, &line, &column);
	assert_int_equal(column, 3);
}

static void test_elements(void **state)
{
	static const char text[] = " [ 1 , \"a,]\" ,{\"b\":[2,3]} , [ ] ] ";
	static const char *const expected[] = {"1", "\"a,]\"", "{\"b\":[2,3]}", "[ ]"};
	struct json_span element;
	size_t offset = 0;

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_int_equal(json_next_element(text, strlen(text), &offset, &element), 1);
		assert_int_equal(element.length, strlen(expected[i]));
		assert_memory_equal(text + element.start, expected[i], element.length);
	}
	assert_int_equal(json_next_element(text, strlen(text), &offset, &element), 0);
	offset = 0;
	assert_int_equal(json_next_element("[ ]", 3, &offset, &element), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_every_prefix), cmocka_unit_test(test_depth),
		cmocka_unit_test(test_value_count),  cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_values),       cmocka_unit_test(test_id_span),
		cmocka_unit_test(test_find_id),      cmocka_unit_test(test_locate),
		cmocka_unit_test(test_elements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
