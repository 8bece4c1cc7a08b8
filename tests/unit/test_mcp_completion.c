/* SPDX-License-Identifier: Apache-2.0 */
/* MCP, message by message. completion/complete in both eras. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "protocol/cleanup.h"
#include "tests/support/mcp_say.h"

#define COMPLETE(params)                                                                                     \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"completion/complete\",\"params\":{" params "}}"
#define TEMPLATE        "\"ref\":{\"type\":\"ref/resource\",\"uri\":\"test:{name}\"}"
#define PROMPT          "\"ref\":{\"type\":\"ref/prompt\",\"name\":\"test\"}"
#define ARGUMENT(value) "\"argument\":{\"name\":\"name\",\"value\":\"" value "\"}"
#define RESULT          "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"completion\":{\"values\":"

static void test_both_eras(void **state)
{
	struct test_host *host = *state;

	say(host, COMPLETE(TEMPLATE "," ARGUMENT("x\\\"") "," MODERN),
	    RESULT "[\"x\\\"a\",\"x\\\"b\"],\"total\":2,\"hasMore\":false}" TAIL);
	say_error(host, COMPLETE(TEMPLATE "," ARGUMENT("")), "1", -32600, "initialize");
	initialize(host, "2025-06-18");
	say(host, COMPLETE(TEMPLATE "," ARGUMENT("")),
	    RESULT "[\"a\",\"b\"],\"total\":2,\"hasMore\":false}}}\n");
	say(host, COMPLETE(PROMPT "," ARGUMENT("") ",\"context\":{\"arguments\":{\"other\":\"x\"}}"),
	    RESULT "[\"a\"],\"hasMore\":true}}}\n");
	say(host, COMPLETE(PROMPT "," ARGUMENT("") ",\"context\":{}"),
	    RESULT "[\"a\"],\"hasMore\":true}}}\n");
	assert_int_equal(mcp_in_flight(host->peer), 0);
}

/* It is a call: answered later, cancelled; what fails is a protocol error. */
static void test_later(void **state)
{
	struct test_host *host = *state;

	initialize(host, "2025-11-25");
	say(host, COMPLETE(TEMPLATE "," ARGUMENT("hold")), "");
	assert_int_equal(mcp_in_flight(host->peer), 1);
	assert_non_null(mcp_call_completion(host->held[0]));
	say(host, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}",
	    "");
	assert_int_equal(host->cancelled, 1);
	assert_int_equal(mcp_in_flight(host->peer), 0);
	say_error(host, COMPLETE(TEMPLATE "," ARGUMENT("fail")), "1", -32603, "nothing comes to mind");
}

/* A host that has nothing to say has no values. */
static void test_nothing(void **state)
{
	struct test_host *host = *state;

	say(host, COMPLETE(TEMPLATE "," ARGUMENT("hold") "," MODERN), "");
	mcp_call_finish(host->held[0], NULL);
	sent(host, RESULT "[],\"hasMore\":false}" TAIL);
}

static void test_unknown(void **state)
{
	struct test_host *host = *state;

	initialize(host, "2025-11-25");
	say_error(host,
		  COMPLETE("\"ref\":{\"type\":\"ref/resource\",\"uri\":\"test:{other}\"}," ARGUMENT("x")),
		  "1", -32602, "no resource template \\\"test:{other}\\\"");
	say_error(host, COMPLETE("\"ref\":{\"type\":\"ref/prompt\",\"name\":\"no\"}," ARGUMENT("x")), "1",
		  -32602, "no prompt \\\"no\\\" with an argument \\\"name\\\"");
	say_error(host, COMPLETE(TEMPLATE ",\"argument\":{\"name\":\"no\",\"value\":\"\"}"), "1", -32602,
		  "an argument \\\"no\\\"");
	assert_int_equal(mcp_in_flight(host->peer), 0);
}

static void test_malformed(void **state)
{
	static const char *const params[][2] = {
		{"", "ref.type"},
		{ARGUMENT("x"), "ref.type"},
		{"\"ref\":5," ARGUMENT("x"), "ref.type"},
		{"\"ref\":{\"type\":\"ref/tool\",\"name\":\"test\"}," ARGUMENT("x"), "ref.type"},
		{"\"ref\":{\"type\":\"ref/resource\",\"name\":\"test\"}," ARGUMENT("x"), "ref must"},
		{"\"ref\":{\"type\":\"ref/prompt\",\"uri\":\"test\"}," ARGUMENT("x"), "ref must"},
		{"\"ref\":{\"type\":\"ref/prompt\",\"name\":7}," ARGUMENT("x"), "ref must"},
		{TEMPLATE, "argument must"},
		{TEMPLATE ",\"argument\":\"x\"", "argument must"},
		{TEMPLATE ",\"argument\":{\"name\":\"name\"}", "argument must"},
		{TEMPLATE ",\"argument\":{\"name\":\"name\",\"value\":1}", "argument must"},
		{TEMPLATE ",\"argument\":{\"name\":null,\"value\":\"\"}", "argument must"},
		{TEMPLATE "," ARGUMENT("x") ",\"context\":[]", "context"},
		{TEMPLATE "," ARGUMENT("x") ",\"context\":{\"arguments\":[]}", "context"},
		{TEMPLATE "," ARGUMENT("x") ",\"context\":{\"arguments\":{\"a\":1}}", "context"},
	};
	struct test_host *host = *state;
	_cleanup_free_ char *text = malloc(LIMIT_RESOURCE_URI_BYTES + 400);
	int length;

	initialize(host, "2025-11-25");
	for (size_t i = 0; i < ARRAY_SIZE(params); i++) {
		snprintf(text, 400, COMPLETE("%s"), params[i][0]);
		say_error(host, text, "1", -32602, params[i][1]);
	}
	length = snprintf(
		text, 400, "%s",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"completion/complete\",\"params\":{" TEMPLATE
		",\"argument\":{\"name\":\"name\",\"value\":\"");
	memset(text + length, 'a', LIMIT_RESOURCE_URI_BYTES + 1);
	snprintf(text + length + LIMIT_RESOURCE_URI_BYTES + 1, 100, "\"}}}");
	say_error(host, text, "1", -32602, "argument must");
	assert_int_equal(host->called, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAY_TEST(test_both_eras), SAY_TEST(test_later),     SAY_TEST(test_nothing),
		SAY_TEST(test_unknown),   SAY_TEST(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
