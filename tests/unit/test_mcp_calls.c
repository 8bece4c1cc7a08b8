/* SPDX-License-Identifier: Apache-2.0 */
/* MCP, message by message. Calls in flight: ids, cancellation, progress, and how results are put together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "protocol/cleanup.h"
#include "tests/support/mcp_say.h"

static void test_id_in_flight(void **state)
{
	struct test_host *host = *state;

	initialize(host, "2025-11-25");
	hold(host, "1");
	hold(host, "\"1\""); /* another id: a string */
	hold(host, "9007199254740992");
	hold(host, "9007199254740993");
	hold(host, "\"a\"");
	say_error(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", "1", -32600, "in flight");
	say_error(host, "{\"jsonrpc\":\"2.0\",\"id\":1.0,\"method\":\"tools/list\"}", "1.0", -32600,
		  "in flight");
	say_error(host, "{\"jsonrpc\":\"2.0\",\"id\":10e-1,\"method\":\"tools/list\"}", "10e-1", -32600,
		  "in flight");
	say_error(host,
		  "{\"jsonrpc\":\"2.0\",\"id\":\"\\u0061\",\"method\":\"tools/"
		  "call\",\"params\":{\"name\":\"hold\"}}",
		  "\"\\u0061\"", -32600, "in flight");
	mcp_call_finish(host->held[0], NULL);
	sent(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[]}}\n");
	say(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
	for (unsigned i = 1; i < 5; i++)
		mcp_call_fail(host->held[i], "Error", NULL);
	assert_int_equal(mcp_in_flight(host->peer), 0);
}

static void test_thousands_in_flight(void **state)
{
	struct test_host *host = *state;
	char text[200];

	initialize(host, "2025-11-25");
	for (unsigned i = 0; i < LIMIT_CALLS_IN_FLIGHT; i++) {
		snprintf(text, sizeof text, "%u", i * 1000003u);
		hold(host, text);
	}
	assert_int_equal(mcp_in_flight(host->peer), LIMIT_CALLS_IN_FLIGHT);
	say(host,
	    "{\"jsonrpc\":\"2.0\",\"id\":\"one "
	    "more\",\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":\"one "
	    "more\",\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"Error: too many "
	    "calls are in flight. Nothing was done. Wait for some to end, then try "
	    "again.\"}],\"isError\":true}}\n");
	for (unsigned i = 0; i < LIMIT_CALLS_IN_FLIGHT;
	     i += 2) { /* every other one, out of order; teardown drops the rest */
		unsigned index = i * 2731 % LIMIT_CALLS_IN_FLIGHT;

		mcp_call_finish(host->held[index], NULL);
		snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"result\":{\"content\":[]}}\n",
			 index * 1000003u);
		sent(host, text);
	}
	assert_int_equal(mcp_in_flight(host->peer), LIMIT_CALLS_IN_FLIGHT / 2);
}

static void test_cancel(void **state)
{
	struct test_host *host = *state;

	initialize(host, "2025-11-25");
	hold(host, "1");
	hold(host, "\"\\u0061\"");
	hold(host, "9007199254740993");
	say(host,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
	    "cancelled\",\"params\":{\"requestId\":9007199254740992}}",
	    "");
	assert_int_equal(host->cancelled, 0);
	say(host,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
	    "cancelled\",\"params\":{\"requestId\":9007199254740993,\"reason\":\"x\"}}",
	    "");
	assert_int_equal(host->cancelled, 1);
	say(host,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"a\"}}",
	    "");
	assert_int_equal(host->cancelled, 2);
	say(host,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"a\"}}",
	    "");
	assert_int_equal(host->cancelled, 2);
	say(host,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"1\"}}",
	    "");
	assert_int_equal(host->cancelled, 2);
	assert_int_equal(mcp_in_flight(host->peer), 1);
	hold(host, "\"a\""); /* the id is free again */
	for (unsigned i = 0; i < 2; i++)
		mcp_call_finish(host->held[i], NULL);
	assert_int_equal(mcp_in_flight(host->peer), 0);
}

/* A host that answers a cancelled call all the same is not heard. */
static struct mcp_call *late;

static void keep_cancelled(void *context, struct mcp_call *call)
{
	late = call;
}

static void test_answer_after_cancel(void **state)
{
	struct test_host recorder;
	struct mcp_host callbacks = {.context = &recorder,
				     .name = "n",
				     .version = "v",
				     .tools = test_host_tools,
				     .tool_known = test_host_tool_known,
				     .call = test_host_call,
				     .cancel = keep_cancelled};
	struct mcp_sink sink = {&recorder, test_host_send};

	memset(&recorder, 0, sizeof recorder);
	buffer_init(&recorder.sent, 1 << 20);
	assert_int_equal(mcp_caller_new(&recorder.caller, &callbacks), 0);
	assert_int_equal(mcp_peer_new(&recorder.peer, recorder.caller, &sink), 0);
	for (unsigned way = 0; way < 4; way++) {
		recorder.held_count = 0;
		say(&recorder,
		    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		    "call\",\"params\":{\"name\":\"hold\"," MODERN "}}",
		    "");
		say(&recorder,
		    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
		    "cancelled\",\"params\":{\"requestId\":1}}",
		    "");
		assert_ptr_equal(late, recorder.held[0]);
		assert_false(mcp_call_wants_progress(late));
		assert_int_equal(mcp_in_flight(recorder.peer), 1); /* the host has not let go of it */
		if (way == 0)
			mcp_call_finish(late, NULL);
		else if (way == 1)
			mcp_call_fail(late, "Error", NULL);
		else if (way == 2)
			mcp_call_error(late, -1, "x");
		else
			mcp_call_drop(late);
		sent(&recorder, "");
		assert_int_equal(mcp_in_flight(recorder.peer), 0);
	}
	test_host_deinit(&recorder);
}

static void test_progress(void **state)
{
	static const char *const tokens[] = {"7", "9007199254740993", "\"t\\u0041\\\"\"", "1.0", "\"\""};
	struct test_host *host = *state;
	char text[400];

	initialize(host, "2025-03-26");
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		host->held_count = 0;
		snprintf(text, sizeof text,
			 "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"tools/"
			 "call\",\"params\":{\"_meta\":{\"progressToken\":%s},"
			 "\"name\":\"hold\"}}",
			 i, tokens[i]);
		say(host, text, "");
		assert_true(mcp_call_wants_progress(host->held[0]));
		mcp_call_progress(host->held[0], 100, NULL, 0);
		snprintf(text, sizeof text,
			 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
			 "progress\",\"params\":{\"progressToken\":%s,\"progress\":100}}\n",
			 tokens[i]);
		sent(host, text);
		mcp_call_progress(host->held[0], 100, "again", 5); /* MUST increase */
		mcp_call_progress(host->held[0], 99, "back", 4);
		mcp_call_progress(host->held[0], 0.0 / 0.0, NULL, 0);
		sent(host, "");
		mcp_call_progress(host->held[0], 100.5, "a\nb", 3);
		snprintf(text, sizeof text,
			 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
			 "progress\",\"params\":{\"progressToken\":%s,\"progress\":100.5,"
			 "\"message\":\"a\\nb\"}}\n",
			 tokens[i]);
		sent(host, text);
		mcp_call_drop(host->held[0]);
	}
	host->held_count = 0;
	say(host,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
	    "call\",\"params\":{\"_meta\":{\"progressToken\":null},\"name\":\"hold\"}}",
	    "");
	assert_false(mcp_call_wants_progress(host->held[0]));
	mcp_call_progress(host->held[0], 1, "x", 1); /* nobody asked */
	sent(host, "");
}

static void test_result_pieces(void **state)
{
	struct test_host *host = *state;
	uint64_t replaced = 0;
	struct json_writer *writer;

	say(host,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"," MODERN
	    "}}",
	    "");
	mcp_call_set_user(host->held[0], host);
	assert_ptr_equal(mcp_call_user(host->held[0]), host);
	mcp_result_begin(host->held[0]);
	mcp_result_text_begin(host->held[0]);
	assert_int_equal(mcp_result_text(host->held[0], "wrong", 5, NULL), 0);
	mcp_result_restart(host->held[0]);
	writer = mcp_result_writer(host->held[0]);
	json_object(writer);
	json_key_text(writer, "type", "image");
	json_key(writer, "data");
	json_base64(writer, "foo", 3);
	json_key_text(writer, "mimeType", "image/png");
	json_object_end(writer);
	mcp_result_text_begin(host->held[0]);
	assert_int_equal(mcp_result_text(host->held[0], "a\xff", 2, &replaced), 0);
	assert_int_equal(mcp_result_text(host->held[0], "b", 1, &replaced), 0);
	assert_int_equal(replaced, 1);
	json_key_bool(mcp_result_members(host->held[0]), "isError", false); /* ends the text by itself */
	assert_int_equal(mcp_call_finish(host->held[0], NULL), 0);
	sent(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"image\",\"data\":"
		   "\"Zm9v\",\"mimeType\":"
		   "\"image/png\"},{\"type\":\"text\",\"text\":\"a\xef\xbf\xbd"
		   "b\"}],\"isError\":false" TAIL);
}

static void test_result_then_failure(void **state)
{
	struct test_host *host = *state;
	struct buffer meta;

	say(host,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"," MODERN
	    "}}",
	    "");
	mcp_result_begin(host->held[0]);
	mcp_result_text_begin(host->held[0]);
	mcp_result_text(host->held[0], "half of", 7, NULL);
	buffer_init(&meta, 64);
	buffer_append_text(&meta, "\"a/b\":1");
	assert_int_equal(mcp_call_fail(host->held[0], "Error: gone", &meta), 0);
	buffer_deinit(&meta);
	sent(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":"
		   "\"Error: gone\"}],\"isError\":true,"
		   "\"_meta\":{" SERVER ",\"a/b\":1},\"resultType\":\"complete\"}}\n");
}

static void test_result_too_large(void **state)
{
	say(*state,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"large\"," MODERN
	    "}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"Error: the "
	    "result is too large to be "
	    "sent. Ask for less of it.\"}],\"isError\":true" TAIL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAY_TEST(test_id_in_flight),
		SAY_TEST(test_thousands_in_flight),
		SAY_TEST(test_cancel),
		SAY_TEST(test_answer_after_cancel),
		SAY_TEST(test_progress),
		SAY_TEST(test_result_pieces),
		SAY_TEST(test_result_then_failure),
		SAY_TEST(test_result_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
