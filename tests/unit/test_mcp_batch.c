/* SPDX-License-Identifier: Apache-2.0 */
/* MCP, message by message. Batches, which only 2025-03-26 has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "protocol/cleanup.h"
#include "tests/support/mcp_say.h"

static void test_batches_refused(void **state)
{
	static const char *const versions[] = {NULL, "2024-11-05", "2025-06-18", "2025-11-25"};

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		if (versions[i])
			initialize(*state, versions[i]);
		say_error(*state, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]",
			  versions[i] && i < 3 ? "null" : NULL, -32600, "batches exist only in");
	}
}

static void test_batch(void **state)
{
	struct test_host *host = *state;

	initialize(host, "2025-03-26");
	say_error(host, " []", "null", -32600, "empty");
	say_error(host, "[1", "null", -32700, "Parse error");
	say(host, "[{\"jsonrpc\":\"2.0\",\"method\":\"x\"},{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}]",
	    "");
	say(host,
	    "[1,{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"},{\"jsonrpc\":\"2.0\",\"id\":1,"
	    "\"method\":\"nope\"}]",
	    "[{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"Invalid Request: a "
	    "message is an object\"}},"
	    "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}},"
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"Method not found: "
	    "nope\"}}]\n");
	say(host,
	    "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-"
	    "03-26\"}}]",
	    "[{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32600,\"message\":\"Invalid Request: "
	    "initialize in a batch\"}}]\n");
	say(host, "[[]]",
	    "[{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"Invalid Request: a "
	    "message is an object\"}}]\n");
	say(host, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" MODERN "}}]",
	    "[{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32600,\"message\":\"Invalid Request: there "
	    "are no batches in 2026-07-28\"}}]\n");
}

static void test_batch_gathers(void **state)
{
	struct test_host *host = *state;
	static const char batch[] =
		"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"}},"
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"}},"
		"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"},"
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}]";

	initialize(host, "2025-03-26");
	say(host, batch, "");
	assert_int_equal(host->held_count, 2);
	mcp_call_finish(host->held[1], NULL);
	sent(host, "");
	mcp_call_fail(host->held[0], "Error", NULL);
	sent(host, "[{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}},{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{"
		   "\"code\":-32600,\"message\":"
		   "\"Invalid Request: a request with this id is still in flight\"}},"
		   "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[]}},"
		   "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":"
		   "\"Error\"}],\"isError\":true}}]\n");
	host->held_count = 0;
	say(host, batch, "");
	/* a cancelled one is not waited for */
	mcp_call_finish(host->held[0], NULL);
	test_host_forget(host, host->held[0]);
	say(host, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":2}}",
	    "[{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}},{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":"
	    "-32600,\"message\":"
	    "\"Invalid Request: a request with this id is still in "
	    "flight\"}},{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[]}}]\n");
	/* all cancelled: nothing at all */
	say(host, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"}}]",
	    "");
	say(host, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}",
	    "");
	say(host, batch, ""); /* and one is left to teardown */
}

static void test_batch_bound(void **state)
{
	struct test_host *host = *state;
	struct buffer text;

	initialize(host, "2025-03-26");
	buffer_init(&text, 1 << 20);
	assert_int_equal(buffer_append_text(&text, "["), 0);
	for (unsigned i = 0; i < LIMIT_BATCH_MESSAGES + 1; i++)
		assert_int_equal(buffer_printf(&text, "%s{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"ping\"}",
					       i ? "," : "", i),
				 0);
	assert_int_equal(buffer_append(&text, "]", 2), 0);
	say_error(host, text.bytes, "null", -32600, "too many messages");
	buffer_deinit(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAY_TEST(test_batches_refused),
		SAY_TEST(test_batch),
		SAY_TEST(test_batch_gathers),
		SAY_TEST(test_batch_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
