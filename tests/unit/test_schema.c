/* SPDX-License-Identifier: Apache-2.0 */
/* Field tables: the schema they become, what is decoded, and what a model is told when it is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/json.h"
#include "protocol/schema.h"

struct arguments {
	const char *path, *mode;
	int64_t offset, limit;
	bool numbers, hidden;
	struct field_strings names;
	const cJSON *env, *edits;
	double ratio;
};

static const char *const modes[] = {"head", "tail", "both", NULL};
static const struct field edit_fields[] = {
	{"old", FIELD_STRING, FIELD_REQUIRED, .min = 1},
	{"all", FIELD_BOOLEAN},
	{NULL},
};
static const struct field fields[] = {
	{"path", FIELD_STRING, FIELD_REQUIRED, offsetof(struct arguments, path), .min = 1, .max = 20,
	 .description = "where"},
	{"mode", FIELD_STRING, 0, offsetof(struct arguments, mode), .choices = modes},
	{"offset", FIELD_INTEGER, 0, offsetof(struct arguments, offset), .preset = 1},
	{"limit", FIELD_INTEGER, 0, offsetof(struct arguments, limit), .min = 1, .max = 5000, .preset = 2000},
	{"numbers", FIELD_BOOLEAN, 0, offsetof(struct arguments, numbers), .preset = 1},
	{"hidden", FIELD_BOOLEAN, 0, offsetof(struct arguments, hidden)},
	{"names", FIELD_STRINGS, 0, offsetof(struct arguments, names)},
	{"env", FIELD_STRING_MAP, 0, offsetof(struct arguments, env)},
	{"edits", FIELD_OBJECTS, 0, offsetof(struct arguments, edits), .inner = edit_fields},
	{"ratio", FIELD_NUMBER, 0, offsetof(struct arguments, ratio)},
	{NULL},
};
static const struct field result_fields[] = {
	{"count", FIELD_INTEGER, FIELD_REQUIRED},
	{"inner", FIELD_OBJECT, 0, .inner = edit_fields, .description = "nested"},
	{NULL},
};
static const struct field no_fields[] = {{NULL}};

static void check_schema(const struct field *table, bool input, const char *expected)
{
	_cleanup_(buffer_deinit) struct buffer out;
	_cleanup_(json_free) cJSON *tree = NULL;

	buffer_init(&out, 8192);
	assert_int_equal(schema_write(&out, table, input), 0);
	assert_int_equal(json_parse(out.bytes, out.end, &tree, NULL, NULL), 0);
	assert_int_equal(buffer_append(&out, "", 1), 0);
	assert_string_equal(out.bytes, expected);
}

/* Objects whose members are not told. */
static const struct field open_fields[] = {
	{.name = "some", .type = FIELD_OBJECT},
	{.name = "more", .type = FIELD_OBJECTS},
	{0},
};

static void test_schemas(void **state)
{
	struct buffer small;

	check_schema(fields, true,
		     "{\"type\":\"object\",\"properties\":{\"path\":{\"type\":\"string\",\"description\":"
		     "\"where\"},"
		     "\"mode\":{\"type\":\"string\",\"enum\":[\"head\",\"tail\",\"both\"]},"
		     "\"offset\":{\"type\":\"integer\"},\"limit\":{\"type\":\"integer\"},"
		     "\"numbers\":{\"type\":\"boolean\"},\"hidden\":{\"type\":\"boolean\"},"
		     "\"names\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
		     "\"env\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
		     "\"edits\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"old\":{"
		     "\"type\":\"string\"},"
		     "\"all\":{\"type\":\"boolean\"}},\"required\":[\"old\"]}},"
		     "\"ratio\":{\"type\":\"number\"}},\"required\":[\"path\"]}");
	check_schema(result_fields, false,
		     "{\"type\":\"object\",\"properties\":{\"count\":{\"type\":\"integer\"},\"inner\":{"
		     "\"type\":\"object\","
		     "\"properties\":{\"old\":{\"type\":\"string\"},\"all\":{\"type\":\"boolean\"}},"
		     "\"required\":[\"old\"],"
		     "\"description\":\"nested\"}},\"required\":[\"count\"]}");
	check_schema(no_fields, true, "{\"type\":\"object\",\"properties\":{}}");
	check_schema(open_fields, false,
		     "{\"type\":\"object\",\"properties\":{\"some\":{\"type\":\"object\"},"
		     "\"more\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}}}");
	buffer_init(&small, 50);
	assert_int_equal(schema_write(&small, fields, true), -EMSGSIZE);
	buffer_deinit(&small);
}

/* Decodes; the trees are freed by the caller. */
static int decode(const char *text, struct arguments *values, cJSON **tree, cJSON **scratch, struct err *err)
{
	*scratch = *tree = NULL;
	if (text)
		assert_int_equal(json_parse(text, strlen(text), tree, NULL, NULL), 0);
	memset(values, 0x5a, sizeof *values); /* decoding sets it whole */
	return schema_decode(fields, *tree, values, scratch, err);
}

static void test_presets(void **state)
{
	_cleanup_(json_free) cJSON *tree = NULL, *scratch = NULL;
	struct arguments values;
	struct err err;

	assert_int_equal(decode("{\"path\":\"a\"}", &values, &tree, &scratch, &err), 0);
	assert_string_equal(values.path, "a");
	assert_null(values.mode);
	assert_int_equal(values.offset, 1);
	assert_int_equal(values.limit, 2000);
	assert_true(values.numbers);
	assert_false(values.hidden);
	assert_null(values.names.array);
	assert_int_equal(values.names.count, 0);
	assert_null(values.env);
	assert_null(values.edits);
	assert_true(values.ratio == 0);
	assert_null(scratch);
	assert_true(schema_given(tree, "path"));
	assert_false(schema_given(tree, "mode"));
	assert_false(schema_given(NULL, "mode"));
}

static void test_values(void **state)
{
	_cleanup_(json_free) cJSON *tree = NULL, *scratch = NULL;
	struct arguments values;
	struct err err;

	assert_int_equal(decode("{\"path\":\"a\",\"mode\":\"tail\",\"offset\":-5.0,\"limit\":5000,"
				"\"numbers\":false,\"hidden\":true,"
				"\"names\":[\"x\",\"y\"],\"env\":{\"A\":\"1\"},\"edits\":[{\"old\":\"o\","
				"\"all\":null}],\"ratio\":0.5}",
				&values, &tree, &scratch, &err),
			 0);
	assert_string_equal(values.mode, "tail");
	assert_int_equal(values.offset, -5);
	assert_int_equal(values.limit, 5000);
	assert_false(values.numbers);
	assert_true(values.hidden);
	assert_int_equal(values.names.count, 2);
	assert_string_equal(values.names.array->child->valuestring, "x");
	assert_string_equal(values.env->child->string, "A");
	assert_int_equal(cJSON_GetArraySize(values.edits), 1);
	assert_true(values.ratio == 0.5);
}

/* null is absence; a string that is JSON of the wanted type is that value (tools.md). */
static void test_kindness(void **state)
{
	_cleanup_(json_free) cJSON *tree = NULL, *scratch = NULL;
	struct arguments values;
	struct err err;

	assert_int_equal(decode("{\"path\":\"12\",\"mode\":null,\"offset\":\" 10 "
				"\",\"limit\":null,\"numbers\":\"false\","
				"\"names\":\"[\\\"x\\\"]\",\"env\":\"{\\\"A\\\":\\\"1\\\"}\",\"edits\":\"[{"
				"\\\"old\\\":\\\"o\\\"}]\",\"ratio\":\"1e-1\"}",
				&values, &tree, &scratch, &err),
			 0);
	assert_string_equal(values.path, "12"); /* a string stays one */
	assert_null(values.mode);
	assert_int_equal(values.offset, 10);
	assert_int_equal(values.limit, 2000);
	assert_false(values.numbers);
	assert_int_equal(values.names.count, 1);
	assert_string_equal(values.env->child->valuestring, "1");
	assert_int_equal(cJSON_GetArraySize(values.edits), 1);
	assert_true(values.ratio == 0.1);
	assert_false(schema_given(tree, "mode"));
	assert_int_equal(cJSON_GetArraySize(scratch), 6);
}

static void test_wrong(void **state)
{
	static const struct {
		const char *text, *told;
	} cases[] = {
		{NULL, "argument \"path\" is missing; it must be a string"},
		{"{}", "argument \"path\" is missing"},
		{"{\"path\":null}", "argument \"path\" is missing"},
		{"{\"path\":7}", "argument \"path\" must be a string, not the number 7"},
		{"{\"path\":\"\"}", "argument \"path\" must not be empty"},
		{"{\"path\":\"123456789012345678901\"}",
		 "argument \"path\" has 21 bytes; at most 20 are accepted"},
		{"{\"path\":\"a\",\"pth\":1}", "unknown argument \"pth\"; did you mean \"path\"?"},
		{"{\"path\":\"a\",\"file_path\":1}",
		 "unknown argument \"file_path\"; did you mean \"path\"?"},
		{"{\"path\":\"a\",\"Limit\":1}", "unknown argument \"Limit\"; did you mean \"limit\"?"},
		{"{\"path\":\"a\",\"zzzzzz\":1}",
		 "unknown argument \"zzzzzz\"; there are: path, mode, offset"},
		{"{\"path\":\"a\",\"mode\":\"tial\"}",
		 "one of \"head\", \"tail\", \"both\"; did you mean \"tail\" by \"tial\"?"},
		{"{\"path\":\"a\",\"mode\":\"sideways\"}",
		 "must be one of \"head\", \"tail\", \"both\", not \"sideways\""},
		{"{\"path\":\"a\",\"offset\":1.5}",
		 "argument \"offset\" must be an integer, not the number 1.5"},
		{"{\"path\":\"a\",\"offset\":1e999}", "argument \"offset\" must be an integer"},
		{"{\"path\":\"a\",\"offset\":9223372036854775808}", "argument \"offset\" must be an integer"},
		{"{\"path\":\"a\",\"offset\":\"ten\"}",
		 "argument \"offset\" must be an integer, not the string \"ten\""},
		{"{\"path\":\"a\",\"offset\":\"1.5\"}",
		 "argument \"offset\" must be an integer, not the string \"1.5\""},
		{"{\"path\":\"a\",\"limit\":0}", "argument \"limit\" must be from 1 to 5000, not 0"},
		{"{\"path\":\"a\",\"limit\":5001}", "argument \"limit\" must be from 1 to 5000, not 5001"},
		{"{\"path\":\"a\",\"limit\":\"5001\"}",
		 "argument \"limit\" must be from 1 to 5000, not 5001"},
		{"{\"path\":\"a\",\"numbers\":1}",
		 "argument \"numbers\" must be true or false, not the number 1"},
		{"{\"path\":\"a\",\"numbers\":\"yes\"}", "must be true or false, not the string \"yes\""},
		{"{\"path\":\"a\",\"names\":{}}",
		 "argument \"names\" must be an array of strings, not an object"},
		{"{\"path\":\"a\",\"names\":[\"x\",2]}", "argument \"names\": element 1 is not a string"},
		{"{\"path\":\"a\",\"env\":{\"A\":1}}",
		 "argument \"env\": the value of \"A\" is not a string"},
		{"{\"path\":\"a\",\"env\":[]}",
		 "argument \"env\" must be an object whose values are strings, not an array"},
		{"{\"path\":\"a\",\"edits\":[1]}",
		 "argument \"edits\", element 0: this element is not an object"},
		{"{\"path\":\"a\",\"edits\":[{\"old\":\"o\"},{}]}",
		 "argument \"edits\", element 1: argument \"old\" is missing"},
		{"{\"path\":\"a\",\"edits\":[{\"old\":\"\"}]}",
		 "argument \"edits\", element 0: argument \"old\" must not be empty"},
		{"{\"path\":\"a\",\"edits\":[{\"olt\":\"o\"}]}",
		 "argument \"edits\", element 0: unknown argument \"olt\"; did you mean \"old\"?"},
		{"{\"path\":\"a\",\"edits\":[{\"old\":null}]}",
		 "argument \"old\" must be a string, not null"},
		{"{\"path\":\"a\",\"ratio\":1e999}", "argument \"ratio\" must be a number"},
		{"{\"path\":\"a\",\"hidden\":[]}", "argument \"hidden\" must be true or false, not an array"},
		{"{\"path\":true}", "argument \"path\" must be a string, not true"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(json_free) cJSON *tree = NULL, *scratch = NULL;
		struct arguments values;
		struct err err = {0};

		assert_int_equal(decode(cases[i].text, &values, &tree, &scratch, &err), -EINVAL);
		if (!strstr(err.text, cases[i].told))
			fail_msg("%s: %s", cases[i].text, err.text);
	}
}

static void test_no_arguments(void **state)
{
	_cleanup_(json_free) cJSON *tree = cJSON_Parse("{\"a\":1}");
	cJSON *scratch = NULL;
	struct err err = {0};
	char nothing;

	assert_int_equal(schema_decode(no_fields, NULL, &nothing, &scratch, &err), 0);
	assert_int_equal(schema_decode(no_fields, tree, &nothing, &scratch, &err), -EINVAL);
	assert_string_equal(err.text, "unknown argument \"a\"; there are no arguments");
}

static void test_nearest(void **state)
{
	static const char *const words[] = {"path",      "offset",          "limit", "timeout_ms",
					    "max_bytes", "expected_sha256", NULL};
	char endless[200];

	assert_string_equal(schema_nearest("paht", words), "path");
	assert_string_equal(schema_nearest("PATH", words), "path");
	assert_string_equal(schema_nearest("timeout", words), "timeout_ms");
	assert_string_equal(schema_nearest("timeoutMs", words), "timeout_ms");
	assert_string_equal(schema_nearest("maxBytes", words), "max_bytes");
	assert_string_equal(schema_nearest("sha256", words), "expected_sha256");
	assert_string_equal(schema_nearest("ofset", words), "offset");
	assert_null(schema_nearest("zebra", words));
	assert_null(schema_nearest("", words));
	assert_null(schema_nearest("x", words));
	memset(endless, 'p', sizeof endless - 1);
	endless[sizeof endless - 1] = '\0';
	assert_null(schema_nearest(endless, words));
	assert_null(schema_nearest("path", (const char *const[]){NULL}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schemas), cmocka_unit_test(test_presets),
		cmocka_unit_test(test_values),  cmocka_unit_test(test_kindness),
		cmocka_unit_test(test_wrong),   cmocka_unit_test(test_no_arguments),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
