/* SPDX-License-Identifier: Apache-2.0 */
/* Several conversations of one caller, and answers that go back where the request came from. */
#include "tests/support/mcp_say.h"

#define CALL(id)                                                                                             \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"," MODERN \
	"}}"
#define LISTEN(id, filter)                                                                                   \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"subscriptions/listen\",\"params\":{"                \
	"\"notifications\":" filter "," MODERN "}}"

static char left, right; /* two routes */

static void receive(struct test_host *host, struct mcp_peer *peer, void *route, const char *text)
{
	buffer_clear(&host->sent, SIZE_MAX);
	host->sends = 0;
	assert_int_equal(mcp_receive_from(peer, route, NULL, text, strlen(text)), 0);
}

/* The last message went there. */
static void went(const struct test_host *host, const void *route, bool last, int code)
{
	assert_ptr_equal(host->delivery.route, route);
	assert_int_equal(host->delivery.last, last);
	assert_int_equal(host->delivery.code, code);
}

static struct mcp_peer *another(struct test_host *host)
{
	struct mcp_sink sink = {host, test_host_send};
	struct mcp_peer *peer;

	assert_int_equal(mcp_peer_new(&peer, host->caller, &sink), 0);
	return peer;
}

static void test_answers_go_back(void **state)
{
	struct test_host *host = *state;

	receive(host, host->peer, &left, CALL("1"));
	receive(host, host->peer, &right, CALL("2"));
	assert_int_equal(host->sends, 0);
	assert_true(mcp_route_waits(host->peer, &left) && mcp_route_waits(host->peer, &right));
	mcp_call_finish(host->held[1], NULL);
	went(host, &right, true, 0);
	assert_false(mcp_route_waits(host->peer, &right));
	mcp_call_fail(host->held[0], "Error: no", NULL); /* a result all the same */
	went(host, &left, true, 0);
	receive(host, host->peer, &left, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"no/such\"}");
	went(host, &left, true, MCP_METHOD_NOT_FOUND);
	receive(host, host->peer, &right, "{");
	went(host, &right, true, MCP_PARSE_ERROR);
	receive(host, host->peer, &left, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
	assert_int_equal(host->sends, 0);
	assert_false(mcp_route_waits(host->peer, &left));
}

static void test_progress_goes_with_its_call(void **state)
{
	struct test_host *host = *state;

	receive(host, host->peer, &left,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		"call\",\"params\":{\"name\":\"hold\",\"_meta\":{"
		"\"progressToken\":1,\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
		"\"io.modelcontextprotocol/clientCapabilities\":{}}}}");
	mcp_call_progress(host->held[0], 1, "x", 1);
	went(host, &left, false, 0);
	mcp_call_error(host->held[0], MCP_INTERNAL_ERROR, "no");
	went(host, &left, true, MCP_INTERNAL_ERROR);
}

static void test_a_batch_is_one_answer(void **state)
{
	struct test_host *host = *state;

	initialize(host, "2025-03-26");
	receive(host, host->peer, &left,
		"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"},"
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"}}]");
	assert_int_equal(host->sends, 0);
	assert_true(mcp_route_waits(host->peer, &left));
	mcp_call_finish(host->held[0], NULL);
	assert_int_equal(host->sends, 1);
	went(host, &left, true, 0);
}

/* What one client calls 1 is not what another calls 1. */
static void test_ids_are_a_conversation_s_own(void **state)
{
	struct test_host *host = *state;
	struct mcp_peer *peer = another(host);

	receive(host, host->peer, &left, CALL("1"));
	receive(host, peer, &right, CALL("1"));
	assert_int_equal(host->held_count, 2);
	receive(host, peer, &right, CALL("1"));
	went(host, &right, true, MCP_INVALID_REQUEST);
	receive(host, peer, &right,
		"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}");
	assert_int_equal(host->cancelled, 1);
	assert_int_equal(mcp_in_flight(host->peer), 1);
	mcp_call_finish(host->held[0], NULL);
	went(host, &left, true, 0);
	mcp_peer_free(peer);
}

static void test_a_route_that_is_gone(void **state)
{
	struct test_host *host = *state;

	receive(host, host->peer, &left, CALL("1"));
	receive(host, host->peer, &right, CALL("2"));
	receive(host, host->peer, &left, LISTEN("3", "{\"resourceSubscriptions\":[\"test:a\"]}"));
	went(host, &left, false, 0);
	mcp_route_gone(host->peer, &left);
	assert_int_equal(host->cancelled, 1);
	assert_string_equal(host->unwatched, "test:a");
	assert_false(mcp_route_waits(host->peer, &left));
	mcp_call_finish(host->held[0], NULL);
	went(host, &right, true, 0);
}

/* Who waits for its answer learns that there will be none; of several in a batch, when all are settled. */
static void test_cancelled(void **state)
{
	static const char cancel[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
				     "cancelled\",\"params\":{\"requestId\":1}}";
	static const char batch[] = "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
				    "call\",\"params\":{\"name\":\"hold\"}}]";
	struct test_host *host = *state;

	initialize(host, "2025-03-26");
	for (unsigned i = 0; i < 2; i++) {
		host->held_count = host->cancelled = 0;
		receive(host, host->peer, &left, i ? batch : CALL("1"));
		receive(host, host->peer, &right, cancel);
		assert_int_equal(host->cancelled, 1);
		assert_int_equal(host->sends, 1);
		went(host, &left, true, 0);
		assert_true(host->delivery.none && buffer_length(&host->sent) == 0);
		assert_false(mcp_route_waits(host->peer, &left));
	}
	/* where nothing waits, nothing is said */
	host->held_count = 0;
	receive(host, host->peer, NULL, CALL("1"));
	receive(host, host->peer, NULL, cancel);
	assert_int_equal(host->sends, 0);
}

/* As a client that leaves: all of its conversation ends, and nothing of another's. */
static void test_a_conversation_that_is_gone(void **state)
{
	struct test_host *host = *state;
	struct mcp_peer *peer = another(host);

	initialize(host, "2025-11-25");
	say(host,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/"
	    "subscribe\",\"params\":{\"uri\":\"test:a\"}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
	receive(host, peer, &right, LISTEN("1", "{\"resourceSubscriptions\":[\"test:a\",\"test:b\"]}"));
	receive(host, peer, &right, CALL("2"));
	mcp_route_gone(peer, NULL);
	assert_int_equal(host->cancelled, 1);
	assert_int_equal(host->unwatch_calls, 1); /* of test:b only: the session still wants test:a */
	mcp_peer_free(peer);
	buffer_clear(&host->sent, SIZE_MAX);
	host->sends = 0;
	mcp_resource_updated(host->caller, "test:a");
	assert_int_equal(host->sends, 1);
	went(host, NULL, false, 0);
	mcp_route_gone(host->peer, NULL);
	assert_string_equal(host->unwatched, "test:a");
}

/* What changes is told to each who wants to hear, where it wants to. */
static void test_changes_are_told_to_all(void **state)
{
	struct test_host *host = *state;
	struct mcp_peer *peer = another(host);

	initialize(host, "2025-11-25");
	receive(host, peer, &right, LISTEN("1", "{\"toolsListChanged\":true}"));
	host->sends = 0;
	mcp_list_changed(host->caller, MCP_LIST_TOOLS);
	assert_int_equal(host->sends, 2);
	receive(host, peer, &right, LISTEN("2", "{\"resourceSubscriptions\":[\"test:later\"]}"));
	say(host,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/"
	    "subscribe\",\"params\":{\"uri\":\"test:later\"}}",
	    "");
	host->sends = 0;
	mcp_resource_watched(host->caller, "test:later", NULL);
	assert_int_equal(host->sends, 2);
	mcp_close(peer);
	went(host, &right, true, 0); /* the answer, behind notifications/cancelled: it ends the route */
	mcp_peer_free(peer);
}

/* Bounds are the caller's: a second conversation does not double them. */
static void test_bounds_are_the_caller_s(void **state)
{
	struct test_host *host = *state;
	struct mcp_peer *peer = another(host);
	char text[300];

	for (unsigned i = 0; i < LIMIT_CALLS_IN_FLIGHT; i++) {
		snprintf(text, sizeof text, CALL("%u"), i);
		receive(host, i % 2 ? host->peer : peer, &left, text);
	}
	assert_int_equal(host->held_count, LIMIT_CALLS_IN_FLIGHT);
	receive(host, peer, &right, CALL("\"more\""));
	went(host, &right, true, 0);
	assert_true(host->delivery.crowded);
	assert_non_null(memmem(buffer_data(&host->sent), buffer_length(&host->sent), "too many calls", 14));
	receive(host, peer, &right, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"no/such\"}");
	assert_false(host->delivery.crowded);
	mcp_route_gone(peer, NULL);
	mcp_peer_free(peer);
	assert_int_equal(mcp_in_flight(host->peer), LIMIT_CALLS_IN_FLIGHT / 2);
	receive(host, host->peer, &right, CALL("\"more\""));
	assert_int_equal(host->held_count, LIMIT_CALLS_IN_FLIGHT / 2 + 1);
}

/* What a message was is told to who asks, and no more of it than has room. */
static void test_what_was_heard(void **state)
{
	struct test_host *host = *state;
	struct mcp_heard heard = {""};
	struct mcp_headers headers = {.heard = &heard};
	char text[2 * LIMIT_TOOL_NAME_BYTES + 200], name[2 * LIMIT_TOOL_NAME_BYTES];

	initialize(host, "2025-11-25");
	memset(name, 'n', sizeof name);
	snprintf(text, sizeof text,
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"%.*s\"}}",
		 (int)sizeof name, name);
	assert_int_equal(mcp_receive_from(host->peer, &left, &headers, text, strlen(text)), 0);
	assert_string_equal(heard.method, "tools/call");
	assert_int_equal(strlen(heard.tool), LIMIT_TOOL_NAME_BYTES);
	heard = (struct mcp_heard){""};
	snprintf(text, sizeof text,
		 "{\"jsonrpc\":\"2.0\",\"method\":\"%.200s\",\"params\":{\"name\":\"argument\"}}", name);
	assert_int_equal(mcp_receive_from(host->peer, &left, &headers, text, strlen(text)), 0);
	assert_int_equal(strlen(heard.method), LIMIT_METHOD_NAME_BYTES);
	assert_string_equal(heard.tool, "");
	assert_int_equal(mcp_receive_from(host->peer, &left, &headers, "[", 1), 0); /* no message */
	assert_int_equal(mcp_receive_from(host->peer, &left, &headers, "{\"id\":1}", 8), 0);
}

/* How long a client waits is known of each call. */
static void test_patience_is_a_conversation_s_own(void **state)
{
	struct test_host *host = *state;
	struct mcp_peer *peer = another(host);

	initialize(host, "2025-11-25"); /* its name is "tester" */
	hold(host, "1");
	receive(host, peer, NULL, CALL("1"));
	assert_int_equal(mcp_call_patience(host->held[0]), 1006);
	assert_int_equal(mcp_call_patience(host->held[1]), 1000);
	mcp_peer_free(peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAY_TEST(test_answers_go_back),
		SAY_TEST(test_progress_goes_with_its_call),
		SAY_TEST(test_a_batch_is_one_answer),
		SAY_TEST(test_ids_are_a_conversation_s_own),
		SAY_TEST(test_a_route_that_is_gone),
		SAY_TEST(test_cancelled),
		SAY_TEST(test_a_conversation_that_is_gone),
		SAY_TEST(test_changes_are_told_to_all),
		SAY_TEST(test_bounds_are_the_caller_s),
		SAY_TEST(test_what_was_heard),
		SAY_TEST(test_patience_is_a_conversation_s_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
