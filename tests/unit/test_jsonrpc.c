/* SPDX-License-Identifier: Apache-2.0 */
/* JSON-RPC 2.0: which kind of message it is, and which spellings of an id mean the same one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/jsonrpc.h"
#include "protocol/mcp.h"

static void test_kinds(void **state)
{
	static const struct {
		const char *text;
		enum jsonrpc_kind kind;
		int code;
		const char *id;
	} cases[] = {
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}", JSONRPC_REQUEST, 0, "1"},
		{"{\"jsonrpc\":\"2.0\",\"id\":\"\",\"method\":\"\",\"params\":null}", JSONRPC_REQUEST, 0,
		 "\"\""},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"a\"}", JSONRPC_NOTIFICATION, 0, ""},
		{"{\"method\":\"a\",\"params\":[]}", JSONRPC_NOTIFICATION, 0, ""},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}", JSONRPC_RESPONSE, 0, ""},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{}}", JSONRPC_RESPONSE, 0, ""},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"result\":{}}", JSONRPC_REQUEST, 0, "1"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1}", JSONRPC_INVALID, MCP_INVALID_REQUEST, "1"},
		{"{\"jsonrpc\":\"2.0\",\"Id\":1,\"method\":7}", JSONRPC_INVALID, MCP_INVALID_REQUEST, ""},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":\"b\"}", JSONRPC_INVALID,
		 MCP_INVALID_PARAMS, "1"},
		{"[]", JSONRPC_INVALID, MCP_INVALID_REQUEST, ""},
		{"{\"id\":1,", JSONRPC_INVALID, MCP_PARSE_ERROR, ""},
		{"{\"id\":1,\"a\":\"\\udc00\"}", JSONRPC_INVALID, MCP_PARSE_ERROR, "1"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(jsonrpc_message_deinit) struct jsonrpc_message message;
		struct err err = {0};

		assert_int_equal(jsonrpc_read(&message, cases[i].text, strlen(cases[i].text), &err), 0);
		if (message.kind != cases[i].kind || message.code != cases[i].code)
			fail_msg("%s: %d %d %s", cases[i].text, message.kind, message.code, err.text);
		assert_int_equal(message.kind == JSONRPC_INVALID, err.text[0] != '\0');
		if (message.kind == JSONRPC_REQUEST || message.kind == JSONRPC_INVALID) {
			assert_int_equal(message.id.length, strlen(cases[i].id));
			assert_memory_equal(message.id.length ? message.id.raw : "", cases[i].id,
					    message.id.length);
		}
	}
	assert_true(jsonrpc_is_batch(" \t\r\n[", 5));
	assert_false(jsonrpc_is_batch(" {[", 3));
	assert_false(jsonrpc_is_batch("", 0));
}

static bool same(const char *one, const char *other)
{
	char keys[2][JSONRPC_KEY_BYTES];
	size_t lengths[2] = {jsonrpc_id_key((struct jsonrpc_id){one, strlen(one)}, keys[0]),
			     jsonrpc_id_key((struct jsonrpc_id){other, strlen(other)}, keys[1])};

	return lengths[0] == lengths[1] && memcmp(keys[0], keys[1], lengths[0]) == 0;
}

static void test_keys(void **state)
{
	assert_true(same("1", "1.0"));
	assert_true(same("100", "1e2"));
	assert_true(same("1E2", "1e2"));
	assert_true(same("\"a\"", "\"\\u0061\""));
	assert_true(same("\"/\"", "\"\\/\""));
	assert_true(same("\"\xf0\x9f\x98\x80\"", "\"\\ud83d\\ude00\""));
	assert_false(same("1", "\"1\""));
	assert_false(same("1", "10"));
	assert_false(same("9007199254740992", "9007199254740993"));
	assert_false(same("1.5", "1"));
	assert_false(same("\"a\"", "\"a\\u0022\""));
	assert_false(same("\"\"", "0"));
}

static void test_longest_key(void **state)
{
	char id[LIMIT_ID_BYTES], key[JSONRPC_KEY_BYTES];

	memset(id, 'x', sizeof id);
	id[0] = id[sizeof id - 1] = '"';
	memcpy(id + 1, "\\n", 2);
	assert_int_equal(jsonrpc_id_key((struct jsonrpc_id){id, sizeof id}, key), sizeof id - 2);
}

static void test_errors_fit(void **state)
{
	_cleanup_(buffer_deinit) struct buffer out;
	char id[LIMIT_ID_BYTES], text[257];

	memset(id, '1', sizeof id);
	memset(text, 1, 256);
	text[256] = '\0';
	buffer_init(&out, JSONRPC_ERROR_BYTES); /* what the header promises */
	assert_int_equal(jsonrpc_write_error(&out, (struct jsonrpc_id){id, sizeof id}, -32768, text, NULL),
			 0);
	buffer_clear(&out, SIZE_MAX);
	assert_int_equal(jsonrpc_write_error(&out, (struct jsonrpc_id){0}, 1, "m", "[1]"), 0);
	assert_int_equal(buffer_append(&out, "", 1), 0);
	assert_string_equal(out.bytes,
			    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":\"m\",\"data\":[1]}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_longest_key),
		cmocka_unit_test(test_errors_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
