/* SPDX-License-Identifier: Apache-2.0 */
/* MCP, message by message. The legacy era, ids, and whatever is malformed: what comes in, and exactly what
 * goes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "protocol/cleanup.h"
#include "tests/support/mcp_say.h"

static void test_versions(void **state)
{
	initialize(*state, "2024-11-05");
	initialize(*state, "2025-03-26");
	initialize(*state, "2025-06-18");
	initialize(*state, "2025-11-25");
}

/* "Otherwise, the server MUST respond with another protocol version it supports .. the latest" */
static void test_unknown_version(void **state)
{
	static const char *const wanted[] = {"2026-07-28", "1999-01-01", "", "2025-11-25\\u0020"};

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		char text[200];

		snprintf(text, sizeof text,
			 "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"initialize\",\"params\":{"
			 "\"protocolVersion\":\"%s\"}}",
			 wanted[i]);
		say(*state, text,
		    "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{\"protocolVersion\":\"2025-11-25\","
		    "\"capabilities\":{"
		    "\"completions\":{},\"logging\":{},\"resources\":{\"subscribe\":true},\"tools\":{"
		    "\"listChanged\":true}},"
		    "\"serverInfo\":{\"name\":\"sallyport\","
		    "\"title\":"
		    "\"Sallyport\",\"version\":\"1.2.3\"},\"instructions\":\"Be careful.\"}}\n");
	}
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}", "1", -32602,
		  "protocolVersion");
	say_error(
		*state,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":1}}",
		"1", -32602, "protocolVersion");
	say_error(*state,
		  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
		  "\"2025-11-25\","
		  "\"clientInfo\":3}}",
		  "1", -32602, "clientInfo");
}

static void test_before_initialize(void **state)
{
	say(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}", "1", -32600,
		  "send initialize first");
	say_error(*state,
		  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\"}}",
		  "1", -32600, "send initialize first");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"prompts/list\"}", "1", -32601,
		  "prompts/list");
	say(*state, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", "");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}", "1", -32600,
		  "send initialize first");
}

static void test_legacy_methods(void **state)
{
	initialize(*state, "2025-11-25");
	say(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
	say(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":null}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
	say(*state,
	    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"logging/setLevel\",\"params\":{\"level\":\"debug\"}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n");
	say_error(*state,
		  "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"logging/"
		  "setLevel\",\"params\":{\"level\":\"loud\"}}",
		  "2", -32602, "level");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"logging/setLevel\"}", "2", -32602,
		  "level");
	say(*state, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/list\"}",
	    "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"tools\":" TOOLS "}}\n");
	say(*state,
	    "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/"
	    "call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"text\":\"a\\n\\u00e9\"}}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"content\":[{\"type\":\"text\",\"text\":"
	    "\"a\\n\xc3\xa9\"}],"
	    "\"structuredContent\":{\"bytes\":4},\"_meta\":{\"sallyport.dev/result\":{}}}}\n");
	say(*state,
	    "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/"
	    "call\",\"params\":{\"name\":\"fail\",\"arguments\":null}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"Error: it "
	    "did not work\"}],"
	    "\"isError\":true}}\n");
	say_error(*state,
		  "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"tools/call\",\"params\":{\"name\":\"error\"}}",
		  "6", -32603, "on purpose");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"subscriptions/listen\"}", "7", -32602,
		  "_meta");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"server/discover\"}", "7", -32602,
		  "protocolVersion");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"prompts/list\"}", "7", -32601,
		  "prompts/list");
}

static void test_call_parameters(void **state)
{
	initialize(*state, "2025-06-18");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}", "1", -32602, "name");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":7}}",
		  "1", -32602, "name");
	say_error(*state,
		  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"nope\"}}",
		  "1", -32602, "Unknown tool: nope");
	say_error(*state,
		  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		  "call\",\"params\":{\"name\":\"echo\",\"arguments\":[]}}",
		  "1", -32602, "arguments");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":[\"echo\"]}",
		  "1", -32602, "params");
	say_error(*state,
		  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		  "call\",\"params\":{\"name\":\"hold\",\"_meta\":{\"progressToken\":{}}}}",
		  "1", -32602, "progressToken");
	say_error(*state,
		  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		  "call\",\"params\":{\"name\":\"hold\",\"_meta\":{\"progressToken\":1.5}}}",
		  "1", -32602, "progressToken");
	say_error(*state,
		  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		  "call\",\"params\":{\"name\":\"hold\",\"_meta\":3}}",
		  "1", -32602, "_meta");
	assert_int_equal(mcp_in_flight(((struct test_host *)*state)->peer), 0);
	assert_int_equal(((struct test_host *)*state)->called, 0);
}

static void test_ids_come_back_as_they_came(void **state)
{
	static const char *const ids[] = {"0",
					  "-1",
					  "9007199254740993",
					  "1.0",
					  "1e3",
					  "123456789012345678901234567890",
					  "\"\"",
					  "\"a\"",
					  "\"\\u0061\\/\"",
					  "\"\xe4\xb8\xad\\ud83d\\ude00\"",
					  "-0",
					  "\"null\""};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		char in[300], out[300];

		snprintf(in, sizeof in, "{\"method\":\"ping\",\"id\": %s ,\"jsonrpc\":\"2.0\"}", ids[i]);
		snprintf(out, sizeof out, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}\n", ids[i]);
		say(*state, in, out);
	}
}

static void test_bad_ids(void **state)
{
	struct buffer text;

	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", NULL, -32600,
		  "id must be");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"ping\"}", NULL, -32600,
		  "id must be");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"ping\"}", NULL, -32600, "id must be");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", NULL, -32600, "id must be");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":0.5,\"method\":\"ping\"}", NULL, -32600, "an integer");
	buffer_init(&text, 4096);
	for (unsigned length = LIMIT_ID_BYTES - 2; length <= LIMIT_ID_BYTES - 1; length++) {
		char answer[LIMIT_ID_BYTES + 100], id[LIMIT_ID_BYTES + 4];

		memset(id, 'i', sizeof id);
		id[0] = id[length + 1] = '"';
		id[length + 2] = '\0';
		buffer_clear(&text, SIZE_MAX);
		assert_int_equal(
			buffer_printf(&text, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"ping\"}", id), 0);
		assert_int_equal(buffer_append(&text, "", 1), 0);
		if (length == LIMIT_ID_BYTES - 2) {
			snprintf(answer, sizeof answer, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}\n",
				 id);
			say(*state, text.bytes, answer);
		} else {
			say_error(*state, text.bytes, NULL, -32600, "too many bytes");
		}
	}
	buffer_deinit(&text);
}

static void test_malformed(void **state)
{
	static const char *const nothing[] = {
		"",     " ", "{",    "nonsense",   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"",
		"\x80", "[", "[1,2", "{\"id\":1}}"};

	for (size_t i = 0; i < ARRAY_SIZE(nothing); i++)
		say_error(*state, nothing[i], NULL, -32700, "Parse error");
	say_error(*state, "1", NULL, -32600, "object");
	say_error(*state, "\"ping\"", NULL, -32600, "object");
	say_error(*state, "null", NULL, -32600, "object");
	say_error(*state, "{}", NULL, -32600, "method");
	say_error(*state, "{\"foo\":\"boo\"}", NULL, -32600, "method");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"method\":1,\"params\":\"bar\"}", NULL, -32600, "method");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":1}", "3", -32600, "method");
	say_error(*state, "{\"id\":3,\"method\":\"ping\"}", "3", -32600, "jsonrpc");
	say_error(*state, "{\"jsonrpc\":\"1.0\",\"id\":3,\"method\":\"ping\"}", "3", -32600, "jsonrpc");
	say_error(*state, "{\"jsonrpc\":2.0,\"id\":3,\"method\":\"ping\"}", "3", -32600, "jsonrpc");
	/* JSON, but refused: the sender learns which request it was */
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"method\":\"ping\",\"params\":{\"a\":\"\\ud800\"},\"id\":4}",
		  "4", -32700, "surrogate");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\",\"params\":{\"a\":\"\xff\"}}",
		  "5", -32700, "UTF-8");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"ping\",\"params\":{\"a\":\"\\u0000\"}}",
		  "6", -32700, "u0000");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\",\"params\":{\"a\":1,\"a\":2}}",
		  "7", -32700, "duplicate");
	/* the next line is served as ever */
	say(*state, "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"ping\"}",
	    "{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":{}}\n");
}

/* An id that could not be read: revisions whose schema demands one have JSON-RPC's null. */
static void test_no_id(void **state)
{
	static const char *const versions[] = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"};

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		initialize(*state, versions[i]);
		say_error(*state, "{", i < 3 ? "null" : NULL, -32700, "Parse error");
	}
}

static void test_depth(void **state)
{
	struct buffer text;

	buffer_init(&text, 1 << 20);
	assert_int_equal(
		buffer_append_text(&text,
				   "{\"jsonrpc\":\"2.0\",\"id\":\"deep\",\"method\":\"ping\",\"params\":"),
		0);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(buffer_append(&text, "[", 1), 0);
	assert_int_equal(buffer_append(&text, "", 1), 0);
	say_error(*state, text.bytes, "\"deep\"", -32600, "nested too deeply");
	buffer_deinit(&text);
}

static void test_notifications_are_never_answered(void **state)
{
	static const char *const messages[] = {
		"{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"initialize\"}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"tools/call\",\"params\":{\"name\":\"echo\"}}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"unknown\"}",
		"{\"jsonrpc\":\"1.0\",\"method\":\"unknown\"}",
		"{\"method\":\"unknown\",\"params\":7}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\"}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":[]}}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":77}}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":[]}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/roots/"
		"list_changed\",\"params\":{\"_meta\":5}}",
		/* responses: there was no request */
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-1,\"message\":\"x\"}}",
	};

	initialize(*state, "2025-11-25");
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		say(*state, messages[i], "");
	assert_int_equal(((struct test_host *)*state)->called, 0);
}

static void test_oversized(void **state)
{
	struct test_host *host = *state;

	assert_int_equal(mcp_refuse_oversized(host->peer), 0);
	sent(host, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"Message "
		   "refused: it is longer than "
		   "the 16777216 bytes that are accepted\"}}\n");
}

static void test_pages(void **state)
{
	struct test_host *host = *state;

	host->page = 2;
	initialize(host, "2025-11-25");
	for (unsigned round = 0; round < 2; round++)
		say(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{}}",
		    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[" TOOL("echo") "," TOOL(
			    "error") "],\"nextCursor\":\"t2\"}}\n");
	say(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":\"t2\"}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[" TOOL("fail") "," TOOL(
		    "hold") "],\"nextCursor\":\"t4\"}}\n");
	say(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":\"t4\"}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[" TOOL("large") "]}}\n");
	static const char *const wrong[] = {"\"t5\"", "\"t0\"",  "\"\"",
					    "\"2\"",  "\"t2x\"", "\"t99999999999999999999\"",
					    "3",      "[]",      "\"t-1\""};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		char text[200];

		snprintf(
			text, sizeof text,
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":%s}}",
			wrong[i]);
		say_error(host, text, "1", -32602, "cursor");
	}
}

/* Legacy clients hear of changes without asking, once they are initialized. */
static void test_legacy_list_changed(void **state)
{
	struct test_host *host = *state;

	mcp_list_changed(host->caller, MCP_LIST_TOOLS);
	sent(host, "");
	initialize(host, "2024-11-05");
	mcp_list_changed(host->caller, MCP_LIST_TOOLS);
	sent(host, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAY_TEST(test_versions),
		SAY_TEST(test_unknown_version),
		SAY_TEST(test_before_initialize),
		SAY_TEST(test_legacy_methods),
		SAY_TEST(test_call_parameters),
		SAY_TEST(test_ids_come_back_as_they_came),
		SAY_TEST(test_bad_ids),
		SAY_TEST(test_malformed),
		SAY_TEST(test_no_id),
		SAY_TEST(test_depth),
		SAY_TEST(test_notifications_are_never_answered),
		SAY_TEST(test_oversized),
		SAY_TEST(test_pages),
		SAY_TEST(test_legacy_list_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
