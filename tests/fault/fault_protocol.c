/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation failure over the peer of protocol/: each conversation below is held again and again, with its
 * first allocation failing, then its second, and so on until none fails, once alone and once with every later
 * one. Whatever fails: nothing crashes or leaks (the sanitizer's business), what is sent is JSON, no request
 * is answered twice or not at all without mcp_receive saying so, and afterwards the peer serves as ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "protocol/cleanup.h"
#include "protocol/json.h"
#include "tests/fault/allocator.h"
#include "tests/support/mcp_host.h"

#define MODERN                                                                                               \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                             \
	"\"io.modelcontextprotocol/clientInfo\":{\"name\":\"x\",\"version\":\"1\"},"                         \
	"\"io.modelcontextprotocol/clientCapabilities\":{},\"progressToken\":1}"
#define PING "{\"jsonrpc\":\"2.0\",\"id\":\"ping\",\"method\":\"ping\"}"

/* Where the lines go while memory fails: room of its own, so that the test's memory never does. */
static char room[1 << 20];

static void prepare(struct test_host *host)
{
	fault_disarm();
	assert_int_equal(test_host_begin(host, true), 0);
	assert_int_equal(buffer_reserve(&host->sent, sizeof room), 0);
}

/* How many answers have this id, of all that was sent; each line must be JSON. */
static unsigned count_answers(struct test_host *host, const char *id)
{
	char *line = buffer_data(&host->sent), *end = line + buffer_length(&host->sent);
	char pattern[64];
	unsigned count = 0;

	snprintf(pattern, sizeof pattern, "\"id\":%s,", id);
	while (line < end) {
		char *stop = memchr(line, '\n', (size_t)(end - line));

		assert_non_null(stop);
		assert_int_equal(json_check(line, (size_t)(stop - line), NULL, NULL), 0);
		for (char *at = line; (at = memmem(at, (size_t)(stop - at), pattern, strlen(pattern))); at++)
			count++;
		line = stop + 1;
	}
	return count;
}

#define ABLE                                                                                                 \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                             \
	"\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{},\"roots\":{},\"sampling\":{},"   \
	"\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}}"

struct exchange {
	const char *before; /* sent while memory is plenty, or NULL */
	const char *text;
	const char *ids[4];                    /* each must be answered exactly once */
	void (*after)(struct test_host *host); /* while memory fails, or NULL */
};

static void finish_held(struct test_host *host)
{
	while (host->held_count) {
		struct mcp_call *call = host->held[--host->held_count];

		mcp_call_progress(call, 1, "some words", 10);
		mcp_result_begin(call);
		mcp_result_text_begin(call);
		for (unsigned i = 0; i < 64; i++) /* far more than the room that was reserved */
			mcp_result_text(call, room, 1000, NULL);
		json_key_bool(mcp_result_members(call), "isError", false);
		mcp_call_finish(call, NULL);
	}
}

static void fail_held(struct test_host *host)
{
	while (host->held_count)
		mcp_call_fail(host->held[--host->held_count], room, NULL);
}

static void refuse_held(struct test_host *host)
{
	while (host->held_count)
		mcp_call_error(host->held[--host->held_count], MCP_INTERNAL_ERROR, room);
}

static void close_all(struct test_host *host)
{
	mcp_list_changed(host->caller, MCP_LIST_TOOLS);
	mcp_close(host->peer);
}

static void watched(struct test_host *host)
{
	mcp_resource_watched(host->caller, "test:later", NULL);
	mcp_resource_updated(host->caller, "test:later");
}

static void refused(struct test_host *host)
{
	mcp_resource_watched(host->caller, "test:later", room);
}

static void change(struct test_host *host)
{
	mcp_resource_updated(host->caller, "test:a");
	mcp_resource_updated(host->caller, "test:final");
	mcp_resource_gone(host->caller, "test:b");
}

/* Sends it, whatever comes of it. */
static void give(struct test_host *host, const char *text)
{
	int result = mcp_receive(host->peer, text, strlen(text));

	assert_true(result == 0 || result == -ENOMEM);
}

#define NAME   "\"name\":{\"action\":\"accept\",\"content\":{\"name\":\"Ann\"}}"
#define SAMPLE "{\"role\":\"assistant\",\"model\":\"m\",\"content\":[]}"

/* The client answers what it was asked, then leaves: an answer that was lost for lack of memory leaves its
 * call waiting. */
static void answer_questions(struct test_host *host)
{
	give(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"action\":\"accept\",\"content\":{}}}");
	give(host, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":" SAMPLE "}");
	give(host, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"roots\":[]}}");
	mcp_route_gone(host->peer, NULL);
}

static void refuse_question(struct test_host *host)
{
	give(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,\"message\":\"no\"}}");
	mcp_route_gone(host->peer, NULL);
}

/* The task that was begun, if one was, is answered, looked at and cancelled. */
static void serve_task(struct test_host *host)
{
	static const char *const methods[] = {"update", "get", "cancel", "get"};
	const char *at = memmem(buffer_data(&host->sent), buffer_length(&host->sent), "\"taskId\":\"", 10);
	char id[33] = "", text[900];

	if (at)
		snprintf(id, sizeof id, "%.32s", at + 10);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		snprintf(
			text, sizeof text,
			"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tasks/%s\",\"params\":{\"taskId\":\"%s\","
			"\"inputResponses\":{" NAME "}," ABLE "}}",
			methods[i], id);
		give(host, text);
	}
}

#define RESOURCE(method, params)                                                                             \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/" method "\",\"params\":{" params "}}"
#define CALL(id, name, more)                                                                                 \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"name\":\"" name          \
	"\",\"arguments\":{\"text\":\"some \\u00e9 text\",\"more\":[1,2,{\"a\":\"b\"}]}" more "}}"
#define INITIALIZE(version)                                                                                  \
	"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"" version \
	"\",\"clientInfo\":{\"name\":\"a "                                                                   \
	"client\"},\"capabilities\":{\"elicitation\":{},\"roots\":{},\"sampling\":{}}}}"
#define LONG_ID "\"0123456789012345678901234567890123456789012345678901234567890123456789\""

static const struct exchange exchanges[] = {
	{NULL, PING, {"\"ping\""}},
	{NULL, INITIALIZE("2025-11-25"), {"0"}},
	{NULL,
	 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{" MODERN "}}",
	 {"1"}},
	{NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" MODERN "}}", {"1"}},
	{NULL,
	 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":\"t2\"," MODERN "}}",
	 {"1"}},
	{NULL,
	 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/"
	 "protocolVersion\":\"y\"}}}",
	 {"1"}},
	{NULL, CALL("1", "echo", "," MODERN), {"1"}},
	{NULL, CALL("1", "hold", "," MODERN), {"1"}, finish_held},
	{NULL, CALL(LONG_ID, "hold", "," MODERN), {LONG_ID}, finish_held},
	{NULL, CALL("1", "hold", "," MODERN), {"1"}, fail_held},
	{NULL, CALL(LONG_ID, "hold", "," MODERN), {LONG_ID}, refuse_held},
	{INITIALIZE("2025-06-18"), CALL("1", "hold", ""), {"0", "1"}, finish_held},
	{INITIALIZE("2025-06-18"), CALL("1", "error", ""), {"0", "1"}},
	{INITIALIZE("2025-03-26"),
	 "[" PING
	 "," CALL("1", "hold", "") "," CALL("2", "echo", "") ",7,{\"jsonrpc\":\"2.0\",\"method\":\"n\"}]",
	 {"\"ping\"", "1", "2", "null"},
	 finish_held},
	{NULL,
	 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscriptions/"
	 "listen\",\"params\":{\"notifications\":{\"toolsListChanged\":true}," MODERN "}}",
	 {NULL},
	 close_all},
	{NULL,
	 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":5}}",
	 {NULL}},
	{NULL, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"p\",\"params\":{\"a\":\"\\ud800\"}}", {"3"}},
	{NULL, RESOURCE("list", MODERN), {"1"}},
	{NULL, RESOURCE("templates/list", MODERN), {"1"}},
	{NULL, RESOURCE("read", "\"uri\":\"test:a\"," MODERN), {"1"}},
	{NULL, RESOURCE("read", "\"uri\":\"test:none\"," MODERN), {"1"}},
	{NULL, RESOURCE("read", "\"uri\":\"test:hold\"," MODERN), {"1"}, finish_held},
	{NULL, RESOURCE("read", "\"uri\":\"test:hold\"," MODERN), {"1"}, fail_held},
	{INITIALIZE("2025-11-25"), RESOURCE("read", "\"uri\":\"test:none\""), {"0", "1"}},
	{INITIALIZE("2025-11-25"), RESOURCE("subscribe", "\"uri\":\"test:final\""), {"0", "1"}, change},
	{INITIALIZE("2025-11-25"), RESOURCE("subscribe", "\"uri\":\"test:none\""), {"0", "1"}, change},
	{INITIALIZE("2025-11-25"), RESOURCE("subscribe", "\"uri\":\"test:later\""), {"0", "1"}, watched},
	{INITIALIZE("2025-11-25"), RESOURCE("subscribe", "\"uri\":\"test:later\""), {"0", "1"}, refused},
	{NULL,
	 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscriptions/"
	 "listen\",\"params\":{\"notifications\":{\"resourceSubscriptions\":[\"test:later\",\"test:final\"]}"
	 "," MODERN "}}",
	 {NULL},
	 watched},
	{NULL,
	 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"completion/complete\",\"params\":{\"ref\":{\"type\":"
	 "\"ref/resource\",\"uri\":\"test:{name}\"},\"argument\":{\"name\":\"name\",\"value\":\"x\"}," MODERN
	 "}}",
	 {"1"}},
	{NULL, CALL("1", "ask", "," ABLE), {"1"}},
	{NULL, CALL("1", "ask", ",\"inputResponses\":{" NAME "}," ABLE), {"1"}},
	{NULL, CALL("1", "ask", ",\"requestState\":\"x\"," ABLE), {"1"}},
	{NULL, CALL("1", "ask", "," MODERN), {"1"}},
	{INITIALIZE("2025-11-25"), CALL("1", "ask", ""), {"0"}, answer_questions},
	{INITIALIZE("2025-11-25"), CALL("1", "ask", ""), {"0"}, refuse_question},
	{NULL, CALL("1", "task", "," ABLE), {"1"}, serve_task},
	{NULL, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"prompts/list\",\"params\":{" MODERN "}}", {"1"}},
	{NULL,
	 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"prompts/get\",\"params\":{\"name\":\"test\"," ABLE "}}",
	 {"1"}},
	{INITIALIZE("2025-11-25"), RESOURCE("unsubscribe", "\"uri\":\"test:a\""), {"0", "1"}, change},
	{NULL,
	 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscriptions/"
	 "listen\",\"params\":{\"notifications\":{\"resourceSubscriptions\":[\"test:a\",\"test:final\","
	 "\"test:b\"]}," MODERN "}}",
	 {NULL},
	 change},
};

/* Returns whether an allocation failed; if none did, all have had their turn. */
static bool hold_exchange(const struct exchange *exchange, unsigned at, bool lasting)
{
	struct test_host host;
	int result;
	bool failed;

	prepare(&host);
	host.page = 2;
	if (exchange->before)
		assert_int_equal(mcp_receive(host.peer, exchange->before, strlen(exchange->before)), 0);
	fault_arm(at, lasting);
	result = mcp_receive(host.peer, exchange->text, strlen(exchange->text));
	if (exchange->after)
		exchange->after(&host);
	fault_disarm();
	failed = fault_happened();
	assert_true(result == 0 || (failed && result == -ENOMEM));
	assert_int_equal(mcp_in_flight(host.peer), 0);
	for (size_t i = 0; i < 4 && exchange->ids[i]; i++) {
		unsigned answers = count_answers(&host, exchange->ids[i]);

		/* An answer may be lost only where nothing at all could be done; then mcp_receive says so.
		 * What has no id of its own may go unanswered. */
		bool lost = answers == 0 && (result == -ENOMEM || strcmp(exchange->ids[i], "null") == 0);

		if (answers != 1 && !lost)
			fail_msg("%.60s: %u answers to %s with allocation %u failing", exchange->text,
				 answers, exchange->ids[i], at);
	}
	buffer_clear(&host.sent, SIZE_MAX);
	assert_int_equal(mcp_receive(host.peer, PING, strlen(PING)), 0);
	assert_int_equal(count_answers(&host, "\"ping\""), 1);
	test_host_deinit(&host);
	return failed;
}

static void test_exchanges(void **state)
{
	memset(room, 'x', 2000);
	for (size_t i = 0; i < ARRAY_SIZE(exchanges); i++)
		for (unsigned lasting = 0; lasting < 2; lasting++) {
			unsigned at = 1;

			while (hold_exchange(&exchanges[i], at, lasting))
				assert_true(++at < 500);
			assert_true(at > 1 || i == 15); /* each exchange but a cancellation needs memory */
		}
}

static void test_new_peer(void **state)
{
	unsigned at = 1;

	for (;; at++) {
		struct test_host host;
		int result;

		fault_arm(at, false);
		result = test_host_init(&host);
		fault_disarm();
		if (result == 0) {
			assert_false(fault_happened());
			test_host_deinit(&host);
			break;
		}
		assert_int_equal(result, -ENOMEM);
		assert_null(host.peer);
		buffer_deinit(&host.sent);
	}
	assert_true(at > 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_peer),
		cmocka_unit_test(test_exchanges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
