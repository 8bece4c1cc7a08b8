/* SPDX-License-Identifier: Apache-2.0 */
/* MCP in both eras, message by message: what comes in, and exactly what goes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "protocol/cleanup.h"
#include "tests/support/mcp_host.h"

#define SERVER "\"io.modelcontextprotocol/serverInfo\":{\"name\":\"sallyport\",\"version\":\"1.2.3\"}"
#define MODERN                                                                                               \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                             \
	"\"io.modelcontextprotocol/clientCapabilities\":{}}"
#define TAIL       ",\"_meta\":{" SERVER "},\"resultType\":\"complete\"}}\n"
#define TOOL(name) "{\"name\":\"" name "\",\"inputSchema\":{\"type\":\"object\"}}"
#define TOOLS      "[" TOOL("echo") "," TOOL("error") "," TOOL("fail") "," TOOL("hold") "," TOOL("large") "]"

/* Gives it `in` in memory that ends there, and compares all that was sent since with `out`. */
static void say(struct test_host *host, const char *in, const char *out)
{
	size_t length = strlen(in);
	_cleanup_free_ char *copy = malloc(length ? length : 1);

	memcpy(copy, in, length);
	buffer_clear(&host->sent, SIZE_MAX);
	assert_int_equal(mcp_receive(host->peer, copy, length), 0);
	assert_int_equal(buffer_append(&host->sent, "", 1), 0);
	assert_string_equal(buffer_data(&host->sent), out);
	buffer_clear(&host->sent, SIZE_MAX);
}

static void say_error(struct test_host *host, const char *in, const char *id, int code, const char *words)
{
	char start[700];

	size_t length = strlen(in);
	_cleanup_free_ char *copy = malloc(length ? length : 1);

	memcpy(copy, in, length);
	buffer_clear(&host->sent, SIZE_MAX);
	assert_int_equal(mcp_receive(host->peer, copy, length), 0);
	assert_int_equal(buffer_append(&host->sent, "", 1), 0);
	snprintf(start, sizeof start, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":%d,\"message\":\"",
		 id, code);
	if (strncmp(buffer_data(&host->sent), start, strlen(start)) != 0 ||
	    !strstr(buffer_data(&host->sent), words))
		fail_msg("%.300s\nwas answered %s\nnot %s..%s", in, buffer_data(&host->sent), start, words);
	assert_ptr_equal(strchr(buffer_data(&host->sent), '\n') + 1,
			 buffer_data(&host->sent) + strlen(buffer_data(&host->sent)));
	buffer_clear(&host->sent, SIZE_MAX);
}

static void sent(struct test_host *host, const char *out)
{
	assert_int_equal(buffer_append(&host->sent, "", 1), 0);
	assert_string_equal(buffer_data(&host->sent), out);
	buffer_clear(&host->sent, SIZE_MAX);
}

static int setup(void **state)
{
	struct test_host *host = malloc(sizeof *host);

	*state = host;
	return host ? test_host_init(host) : -1;
}

static int teardown(void **state)
{
	test_host_deinit(*state);
	free(*state);
	return 0;
}

static void initialize(struct test_host *host, const char *version)
{
	char text[400], answer[400];
	bool title = strcmp(version, "2025-03-26") > 0;

	snprintf(text, sizeof text,
		 "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"%"
		 "s\","
		 "\"capabilities\":{},\"clientInfo\":{\"name\":\"tester\",\"version\":\"0\"}}}",
		 version);
	snprintf(answer, sizeof answer,
		 "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"%s\",\"capabilities\":{"
		 "\"logging\":{},"
		 "\"tools\":{\"listChanged\":true}},\"serverInfo\":{\"name\":\"sallyport\",%s\"version\":\"1."
		 "2.3\"},"
		 "\"instructions\":\"Be careful.\"}}\n",
		 version, title ? "\"title\":\"Sallyport\"," : "");
	say(host, text, answer);
	say(host, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", "");
	assert_string_equal(host->client, "tester");
}

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
		    "\"logging\":{},\"tools\":{\"listChanged\":true}},\"serverInfo\":{\"name\":\"sallyport\","
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
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"resources/list\"}", "7", -32601,
		  "resources/list");
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

/* ---- ids ---- */

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
					  "0.5",
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

	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", "null", -32600,
		  "id must be");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"ping\"}", "null", -32600,
		  "id must be");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"ping\"}", "null", -32600,
		  "id must be");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", "null", -32600,
		  "id must be");
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
			say_error(*state, text.bytes, "null", -32600, "too many bytes");
		}
	}
	buffer_deinit(&text);
}

static void hold(struct test_host *host, const char *id)
{
	char text[700];
	unsigned before = host->held_count;

	snprintf(text, sizeof text,
		 "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"}}",
		 id);
	say(host, text, "");
	assert_int_equal(host->held_count, before + 1);
}

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

/* ---- what is not a request ---- */

static void test_malformed(void **state)
{
	static const char *const nothing[] = {
		"",     " ", "{",    "nonsense",   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"",
		"\x80", "[", "[1,2", "{\"id\":1}}"};

	for (size_t i = 0; i < ARRAY_SIZE(nothing); i++)
		say_error(*state, nothing[i], "null", -32700, "Parse error");
	say_error(*state, "1", "null", -32600, "object");
	say_error(*state, "\"ping\"", "null", -32600, "object");
	say_error(*state, "null", "null", -32600, "object");
	say_error(*state, "{}", "null", -32600, "method");
	say_error(*state, "{\"foo\":\"boo\"}", "null", -32600, "method");
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"method\":1,\"params\":\"bar\"}", "null", -32600, "method");
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
	sent(host, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"Message "
		   "refused: it is longer than "
		   "the 16777216 bytes that are accepted\"}}\n");
}

/* ---- cancellation and progress ---- */

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
	assert_int_equal(mcp_peer_new(&recorder.peer, &callbacks, &sink), 0);
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

/* ---- results ---- */

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

/* ---- modern ---- */

static void test_discover(void **state)
{
	say(*state,
	    "{\"jsonrpc\":\"2.0\",\"id\":\"d\",\"method\":\"server/discover\",\"params\":{" MODERN "}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":\"d\",\"result\":{\"supportedVersions\":[\"2026-07-28\",\"2025-11-"
	    "25\",\"2025-06-18\","
	    "\"2025-03-26\",\"2024-11-05\"],\"capabilities\":{\"tools\":{\"listChanged\":true}},"
	    "\"instructions\":\"Be careful.\","
	    "\"ttlMs\":3600000,\"cacheScope\":\"public\"" TAIL);
	assert_string_equal(((struct test_host *)*state)->client, "");
}

static void test_modern_methods(void **state)
{
	static const char *const gone[] = {"initialize",
					   "ping",
					   "logging/setLevel",
					   "resources/subscribe",
					   "resources/unsubscribe",
					   "prompts/list",
					   "unknown/method",
					   ""};

	for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
		char text[400];

		snprintf(text, sizeof text,
			 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{" MODERN "}}", gone[i]);
		say_error(*state, text, "1", -32601, gone[i]);
	}
	say(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" MODERN "}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":" TOOLS
	    ",\"ttlMs\":3600000,\"cacheScope\":\"public\"" TAIL);
	say(*state, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/list\",\"params\":{" MODERN "}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"tools\":" TOOLS
	    ",\"ttlMs\":3600000,\"cacheScope\":\"public\"" TAIL);
	say(*state,
	    "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"tools/"
	    "call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"text\":\"x\"}," MODERN "}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"x\"}],"
	    "\"structuredContent\":{\"bytes\":1},"
	    "\"_meta\":{" SERVER ",\"sallyport.dev/result\":{}},\"resultType\":\"complete\"}}\n");
	say(*state,
	    "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/call\",\"params\":{\"name\":\"fail\"," MODERN
	    "}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"Error: it "
	    "did not work\"}],"
	    "\"isError\":true" TAIL);
	/* stateless: that makes no legacy session */
	say_error(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}", "1", -32600,
		  "send initialize first");
}

/* Both eras on one connection, request by request. */
static void test_both_eras(void **state)
{
	initialize(*state, "2025-11-25");
	say(*state,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"fail\"," MODERN
	    "}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"Error: it "
	    "did not work\"}],"
	    "\"isError\":true" TAIL);
	say(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"fail\"}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"Error: it "
	    "did not work\"}],"
	    "\"isError\":true}}\n");
}

static void modern_meta(struct test_host *host, const char *meta, int code, const char *words)
{
	char text[500];

	snprintf(text, sizeof text,
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{\"_meta\":%s}}",
		 meta);
	say_error(host, text, "1", code, words);
}

#define VERSION      "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\""
#define CAPABILITIES "\"io.modelcontextprotocol/clientCapabilities\":{}"

static void test_modern_meta(void **state)
{
	struct test_host *host = *state;

	say_error(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\"}", "1", -32602,
		  "protocolVersion");
	modern_meta(host, "{}", -32602, "protocolVersion");
	modern_meta(host, "null", -32602, "_meta");
	modern_meta(host, "{" CAPABILITIES "}", -32602, "protocolVersion");
	modern_meta(host, "{\"io.modelcontextprotocol/protocolVersion\":20260728," CAPABILITIES "}", -32602,
		    "protocolVersion");
	modern_meta(host, "{" VERSION "}", -32602, "clientCapabilities");
	modern_meta(host, "{" VERSION ",\"io.modelcontextprotocol/clientCapabilities\":[]}", -32602,
		    "clientCapabilities");
	modern_meta(host, "{" VERSION "," CAPABILITIES ",\"io.modelcontextprotocol/clientInfo\":\"x\"}",
		    -32602, "clientInfo");
	modern_meta(host,
		    "{" VERSION "," CAPABILITIES ",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"x\"}}",
		    -32602, "clientInfo");
	modern_meta(host, "{" VERSION "," CAPABILITIES ",\"io.modelcontextprotocol/logLevel\":\"loud\"}",
		    -32602, "logLevel");
	modern_meta(host, "{" VERSION "," CAPABILITIES ",\"io.modelcontextprotocol/logLevel\":3}", -32602,
		    "logLevel");
	modern_meta(host, "{\"io.modelcontextprotocol/protocolVersion\":\"v999.0.0\"," CAPABILITIES "}",
		    -32022, "\"data\":{\"supported\":[\"2026-07-28\"],\"requested\":\"v999.0.0\"}}}");
	modern_meta(host, "{\"io.modelcontextprotocol/protocolVersion\":\"2025-11-25\"}", -32022,
		    "\"requested\":\"2025-11-25\"");
	assert_string_equal(host->client, "");
	buffer_clear(&host->sent, SIZE_MAX);
	static const char good[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":{" VERSION
		"," CAPABILITIES
		",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"me\",\"version\":\"1\"},"
		"\"io.modelcontextprotocol/logLevel\":\"info\",\"traceparent\":\"00-x\"}}}";

	assert_int_equal(mcp_receive(host->peer, good, strlen(good)), 0);
	assert_string_equal(host->client, "me");
}

/* ---- lists ---- */

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

/* ---- subscriptions ---- */

#define LISTEN(id, filter)                                                                                   \
	"{\"jsonrpc\":\"2.0\",\"id\":" id                                                                    \
	",\"method\":\"subscriptions/listen\",\"params\":{\"notifications\":" filter "," MODERN "}}"
#define SUBSCRIPTION(id) "\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":" id "}"

static void test_subscriptions(void **state)
{
	struct test_host *host = *state;

	say(host,
	    LISTEN("1", "{\"toolsListChanged\":true,\"promptsListChanged\":true,\"resourceSubscriptions\":["
			"\"file:///x\"]}"),
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/"
	    "acknowledged\",\"params\":{" SUBSCRIPTION(
		    "1") ",\"notifications\":{\"toolsListChanged\":true}}}\n");
	say(host, LISTEN("\"\\u0061\"", "{\"toolsListChanged\":false}"),
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/"
	    "acknowledged\",\"params\":{" SUBSCRIPTION("\"\\u0061\"") ",\"notifications\":{}}}\n");
	say(host, LISTEN("9007199254740993", "{\"toolsListChanged\":true}"),
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/"
	    "acknowledged\",\"params\":{" SUBSCRIPTION(
		    "9007199254740993") ",\"notifications\":{\"toolsListChanged\":true}}}\n");
	say_error(host, LISTEN("1", "{}"), "1", -32600, "in flight");
	assert_int_equal(mcp_in_flight(host->peer), 0); /* nothing to wait for */
	mcp_tools_changed(host->peer);
	sent(host,
	     "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{" SUBSCRIPTION(
		     "9007199254740993") "}}\n"
					 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/"
					 "list_changed\",\"params\":{" SUBSCRIPTION("1") "}}\n");
	say(host,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
	    "cancelled\",\"params\":{\"requestId\":9007199254740993}}",
	    "");
	mcp_tools_changed(host->peer);
	sent(host,
	     "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{" SUBSCRIPTION(
		     "1") "}}\n");
	say(host,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"a\"}}",
	    "");
	mcp_close(host->peer);
	sent(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"_meta\":{\"io.modelcontextprotocol/"
		   "subscriptionId\":1," SERVER "},\"resultType\":\"complete\"}}\n"
		   "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{" SUBSCRIPTION(
			   "1") ",\"requestId\":1}}\n");
	mcp_close(host->peer);
	mcp_tools_changed(host->peer);
	sent(host, "");
}

static void test_subscription_parameters(void **state)
{
	struct test_host *host = *state;
	char text[400];

	say_error(host,
		  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscriptions/listen\",\"params\":{" MODERN
		  "}}",
		  "1", -32602, "notifications");
	say_error(host, LISTEN("1", "[]"), "1", -32602, "notifications");
	say_error(host, LISTEN("1", "{\"toolsListChanged\":1}"), "1", -32602, "notifications");
	say_error(host, LISTEN("1", "{\"resourceSubscriptions\":\"x\"}"), "1", -32602, "notifications");
	say_error(host, LISTEN("1", "{\"resourceSubscriptions\":[1]}"), "1", -32602, "notifications");
	for (unsigned i = 0; i < LIMIT_SUBSCRIPTIONS; i++) {
		snprintf(text, sizeof text, LISTEN("%u", "{}"), i);
		assert_int_equal(mcp_receive(host->peer, text, strlen(text)), 0);
	}
	say_error(host, LISTEN("\"more\"", "{}"), "\"more\"", -32603, "subscriptions are open");
	say(host, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":5}}",
	    "");
	assert_int_equal(mcp_receive(host->peer, text, strlen(text)),
			 0); /* id of the last: still in flight */
	say(host, LISTEN("\"more\"", "{}"),
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/"
	    "acknowledged\",\"params\":{" SUBSCRIPTION("\"more\"") ",\"notifications\":{}}}\n");
}

/* Legacy clients hear of changes without asking, once they are initialized. */
static void test_legacy_list_changed(void **state)
{
	struct test_host *host = *state;

	mcp_tools_changed(host->peer);
	sent(host, "");
	initialize(host, "2024-11-05");
	mcp_tools_changed(host->peer);
	sent(host, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n");
}

/* ---- batches ---- */

static void test_batches_refused(void **state)
{
	static const char *const versions[] = {NULL, "2024-11-05", "2025-06-18", "2025-11-25"};

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		if (versions[i])
			initialize(*state, versions[i]);
		say_error(*state, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", "null", -32600,
			  "batches exist only in");
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_versions),
		TEST(test_unknown_version),
		TEST(test_before_initialize),
		TEST(test_legacy_methods),
		TEST(test_call_parameters),
		TEST(test_ids_come_back_as_they_came),
		TEST(test_bad_ids),
		TEST(test_id_in_flight),
		TEST(test_thousands_in_flight),
		TEST(test_malformed),
		TEST(test_depth),
		TEST(test_notifications_are_never_answered),
		TEST(test_oversized),
		TEST(test_cancel),
		TEST(test_answer_after_cancel),
		TEST(test_progress),
		TEST(test_result_pieces),
		TEST(test_result_then_failure),
		TEST(test_result_too_large),
		TEST(test_discover),
		TEST(test_modern_methods),
		TEST(test_both_eras),
		TEST(test_modern_meta),
		TEST(test_pages),
		TEST(test_subscriptions),
		TEST(test_subscription_parameters),
		TEST(test_legacy_list_changed),
		TEST(test_batches_refused),
		TEST(test_batch),
		TEST(test_batch_gathers),
		TEST(test_batch_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
