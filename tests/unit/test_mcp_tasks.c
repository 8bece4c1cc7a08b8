/* SPDX-License-Identifier: Apache-2.0 */
/* MCP, message by message. Tasks: calls that are asked for later. */
#include "tests/support/mcp_say.h"

#define META(can)                                                                                            \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                             \
	"\"io.modelcontextprotocol/"                                                                         \
	"clientCapabilities\":{\"elicitation\":{},\"roots\":{},\"sampling\":{}" can "}}"
#define TASKS META(",\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}")
#define REQUEST(method, params)                                                                              \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":{" params "}}"
#define NAME   "\"name\":{\"action\":\"accept\",\"content\":{\"name\":\"Ann\"}}"
#define ROOTS  "\"roots\":{\"roots\":[]}"
#define SAMPLE "\"sample\":{\"role\":\"assistant\",\"model\":\"m\",\"content\":[]}"
#define ACKNOWLEDGED                                                                                         \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"_meta\":{" SERVER "},\"resultType\":\"complete\"}}\n"

static int setup_tasks(void **state)
{
	struct test_host *host = malloc(sizeof *host);

	*state = host;
	return host ? test_host_begin(host, true) : -1;
}

#define TASK_TEST(name) cmocka_unit_test_setup_teardown(name, setup_tasks, teardown)

/* Says it; what was sent, as text until the next. */
static const char *give(struct test_host *host, const char *text)
{
	buffer_clear(&host->sent, SIZE_MAX);
	assert_int_equal(mcp_receive(host->peer, text, strlen(text)), 0);
	assert_int_equal(buffer_append(&host->sent, "", 1), 0);
	return buffer_data(&host->sent);
}

static void expect(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("%s\nhas no %s", text, part);
}

/* Begins one by its tool; its id. */
static void begin(struct test_host *host, const char *tool, char id[33])
{
	char text[600];
	const char *told, *at;

	snprintf(text, sizeof text, REQUEST("tools/call", "\"name\":\"%s\"," TASKS), tool);
	told = give(host, text);
	expect(told, "\"resultType\":\"task\"}}\n");
	assert_null(strstr(told, "\"result\":{\"result\""));
	at = strstr(told, "\"taskId\":\"");
	assert_non_null(at);
	snprintf(id, 33, "%.32s", at + 10);
	expect(told, "\"ttlMs\":60000,\"pollIntervalMs\":50,");
	assert_int_equal(mcp_in_flight(host->peer), 0); /* the conversation may end, the task goes on */
}

static const char *ask(struct test_host *host, const char *method, const char *id, const char *more)
{
	char text[900];

	snprintf(text, sizeof text, REQUEST("%s", "\"taskId\":\"%s\"%s," TASKS), method, id, more);
	return give(host, text);
}

static void test_whole_life(void **state)
{
	struct test_host *host = *state;
	char id[33];
	const char *told;

	begin(host, "task", id);
	told = ask(host, "tasks/get", id, "");
	expect(told, "\"status\":\"input_required\"");
	expect(told, "\"inputRequests\":{\"name\":{\"method\":\"elicitation/"
		     "create\",\"params\":{\"message\":\"Who?\"}}}");
	expect(told, "\"resultType\":\"complete\"}}\n");
	assert_string_equal(ask(host, "tasks/update", id, ",\"inputResponses\":{\"no\":1,\"name\":7}"),
			    ACKNOWLEDGED);
	expect(ask(host, "tasks/get", id, ""), "\"inputRequests\":{\"name\":");
	assert_string_equal(ask(host, "tasks/update", id, ",\"inputResponses\":{" NAME "}"), ACKNOWLEDGED);
	/* one of two: the other is left open */
	assert_string_equal(ask(host, "tasks/update", id, ",\"inputResponses\":{" SAMPLE "," NAME "}"),
			    ACKNOWLEDGED);
	told = ask(host, "tasks/get", id, "");
	expect(told, "\"inputRequests\":{\"roots\":{\"method\":\"roots/list\",\"params\":{}}}");
	assert_string_equal(ask(host, "tasks/update", id, ",\"inputResponses\":{" ROOTS "}"), ACKNOWLEDGED);
	told = ask(host, "tasks/get", id, "");
	expect(told, "\"status\":\"completed\"");
	expect(told,
	       "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"Ann, sampled, 0 roots, state two\"}]");
	assert_null(strstr(told, "requestState"));
	/* ended: nothing changes any more, and it can be fetched again */
	assert_string_equal(ask(host, "tasks/update", id, ",\"inputResponses\":{" NAME "}"), ACKNOWLEDGED);
	assert_string_equal(ask(host, "tasks/cancel", id, ""), ACKNOWLEDGED);
	expect(ask(host, "tasks/get", id, ""), "\"status\":\"completed\"");
}

/* The conversation in which it began ends, and another asks. */
static void test_outlives_its_conversation(void **state)
{
	struct test_host *host = *state;
	struct mcp_sink sink = {host, test_host_send};
	char id[33];

	begin(host, "task", id);
	mcp_peer_free(host->peer);
	assert_int_equal(mcp_peer_new(&host->peer, host->caller, &sink), 0);
	expect(ask(host, "tasks/get", id, ""), "\"status\":\"input_required\"");
	assert_string_equal(ask(host, "tasks/cancel", id, ""), ACKNOWLEDGED);
	expect(ask(host, "tasks/get", id, ""), "\"status\":\"cancelled\"");
	assert_int_equal(host->cancelled, 0); /* the host had given it back */
	begin(host, "task", id);              /* left as it is at the end */
}

/* Calls that the host holds become tasks, end in each way, and are cancelled. */
static void test_ends(void **state)
{
	struct test_host *host = *state;
	char ids[4][33];

	for (size_t i = 0; i < 4; i++) {
		const char *told =
			give(host, REQUEST("tools/call",
					   "\"name\":\"hold\",\"_meta\":{\"progressToken\":1,"
					   "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
					   "\"io.modelcontextprotocol/clientCapabilities\":{"
					   "\"extensions\":{\"io.modelcontextprotocol/"
					   "tasks\":{}}}}"));

		assert_string_equal(told, "");
		assert_true(mcp_call_wants_progress(host->held[i]));
		buffer_clear(&host->sent, SIZE_MAX);
		assert_int_equal(mcp_call_become_task(host->held[i], 60000, 50), 0);
		assert_int_equal(mcp_call_become_task(host->held[i], 60000, 50), -EOPNOTSUPP);
		assert_int_equal(buffer_append(&host->sent, "", 1), 0);
		snprintf(ids[i], 33, "%.32s", strstr(buffer_data(&host->sent), "\"taskId\":\"") + 10);
		buffer_clear(&host->sent, SIZE_MAX);
		mcp_call_progress(host->held[i], 5, NULL, 0); /* nobody hears of it */
		sent(host, "");
		expect(ask(host, "tasks/get", ids[i], ""), "\"status\":\"working\"");
	}
	assert_string_equal(ask(host, "tasks/update", ids[0], ",\"inputResponses\":{" NAME "}"),
			    ACKNOWLEDGED);
	buffer_clear(&host->sent, SIZE_MAX);
	mcp_call_fail(host->held[0], "Error: no", NULL);
	mcp_call_error(host->held[1], MCP_INTERNAL_ERROR, "Internal error: \"x\"");
	mcp_call_drop(host->held[2]);
	sent(host, "");
	expect(ask(host, "tasks/get", ids[0], ""), "\"status\":\"completed\"");
	expect(ask(host, "tasks/get", ids[0], ""), "\"isError\":true");
	expect(ask(host, "tasks/get", ids[1], ""), "\"status\":\"failed\"");
	expect(ask(host, "tasks/get", ids[1], ""),
	       "\"statusMessage\":\"Internal error: "
	       "\\\"x\\\"\",\"error\":{\"code\":-32603,\"message\":\"Internal error: \\\"x\\\"\"}");
	expect(ask(host, "tasks/get", ids[2], ""), "\"status\":\"failed\"");
	assert_string_equal(ask(host, "tasks/cancel", ids[3], ""), ACKNOWLEDGED);
	assert_int_equal(host->cancelled, 1);
	expect(ask(host, "tasks/get", ids[3], ""), "\"status\":\"cancelled\"");
}

/* Who does not know tasks gets none, and is told so. */
static void test_undeclared(void **state)
{
	static const char missing[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32021,\"message\":\"Missing required "
		"client "
		"capability\",\"data\":{\"requiredCapabilities\":{\"extensions\":{\"io.modelcontextprotocol/"
		"tasks\":{}}}}}}\n";
	struct test_host *host = *state;

	expect(give(host, REQUEST("tools/call", "\"name\":\"task\"," META(""))),
	       "\"resultType\":\"input_required\"");
	say(host, REQUEST("tasks/get", "\"taskId\":\"x\"," META("")), missing);
	say(host, REQUEST("tasks/update", "\"taskId\":\"x\"," META("")), missing);
	say(host, REQUEST("tasks/cancel", "\"taskId\":\"x\"," META("")), missing);
	say(host, REQUEST("subscriptions/listen", "\"notifications\":{\"taskIds\":[\"x\"]}," META("")),
	    missing);
	say(host, REQUEST("tools/call", "\"name\":\"hold\"," META("")), "");
	assert_false(mcp_call_may_be_task(host->held[0]));
	assert_int_equal(mcp_call_become_task(host->held[0], 1, 1), -EOPNOTSUPP);
	buffer_clear(&host->sent, SIZE_MAX);
	mcp_call_require_task(host->held[0]);
	sent(host, missing);
}

static void test_malformed(void **state)
{
	struct test_host *host = *state;
	char id[33];

	begin(host, "task", id);
	say_error(host, REQUEST("tasks/get", TASKS), "1", -32602, "taskId");
	say_error(host, REQUEST("tasks/get", "\"taskId\":7," TASKS), "1", -32602, "taskId");
	say_error(host, REQUEST("tasks/get", "\"taskId\":\"\"," TASKS), "1", -32602, "Task not found");
	say_error(host, REQUEST("tasks/update", "\"taskId\":\"x\",\"inputResponses\":{}," TASKS), "1", -32602,
		  "Task not found");
	say_error(host, REQUEST("tasks/cancel", "\"taskId\":\"x\"," TASKS), "1", -32602, "Task not found");
	say_error(host, REQUEST("tasks/result", "\"taskId\":\"x\"," TASKS), "1", -32601, "tasks/result");
	say_error(host, REQUEST("tasks/list", TASKS), "1", -32601, "tasks/list");
	expect(ask(host, "tasks/update", id, ""), "-32602");
	expect(ask(host, "tasks/update", id, ",\"inputResponses\":[]"), "-32602");
	say_error(host, REQUEST("subscriptions/listen", "\"notifications\":{\"taskIds\":7}," TASKS), "1",
		  -32602, "taskIds");
}

/* So many are kept; the oldest that have ended make room. */
static void test_bound(void **state)
{
	struct test_host *host = *state;
	char first[33], id[33], text[600];

	begin(host, "task", first);
	ask(host, "tasks/cancel", first, "");
	for (unsigned i = 1; i < LIMIT_TASKS; i++)
		begin(host, "task", id);
	expect(ask(host, "tasks/get", first, ""), "cancelled");
	begin(host, "task", id);
	expect(ask(host, "tasks/get", first, ""), "Task not found");
	snprintf(text, sizeof text, "%s", REQUEST("tools/call", "\"name\":\"task\"," TASKS));
	expect(give(host, text), "Error: no task");
	ask(host, "tasks/cancel", id, "");
	begin(host, "task", id);
}

/* ---- prompts, and lists that change: what a host like this one also has ---- */

static void test_prompts(void **state)
{
	struct test_host *host = *state;

	say(host, REQUEST("prompts/list", MODERN),
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"prompts\":[{\"name\":\"test\"}],\"ttlMs\":3600000,"
	    "\"cacheScope\":\"public\"" TAIL);
	say_error(host, REQUEST("prompts/list", "\"cursor\":\"x\"," MODERN), "1", -32602, "cursor");
	say_error(host, REQUEST("prompts/get", "\"name\":7," MODERN), "1", -32602, "name");
	say_error(host, REQUEST("prompts/get", MODERN), "1", -32602, "name");
	say_error(host, REQUEST("prompts/get", "\"name\":\"test\",\"arguments\":[]," MODERN), "1", -32602,
		  "arguments");
	say_error(host, REQUEST("prompts/get", "\"name\":\"test\",\"arguments\":{\"a\":1}," MODERN), "1",
		  -32602, "arguments");
	say_error(host, REQUEST("prompts/get", "\"name\":\"no\"," MODERN), "1", -32602, "Unknown prompt");
	say(host, REQUEST("prompts/get", "\"name\":\"hold\"," MODERN), "");
	buffer_clear(&host->sent, SIZE_MAX);
	mcp_call_fail(host->held[0], "it broke", NULL); /* such results have no isError */
	sent(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32603,\"message\":\"it broke\"}}\n");
	expect(give(host, REQUEST("server/discover", MODERN)),
	       "\"capabilities\":{\"completions\":{},\"extensions\":{\"io.modelcontextprotocol/"
	       "tasks\":{}},\"logging\":{},"
	       "\"prompts\":{\"listChanged\":true},\"resources\":{\"subscribe\":true,\"listChanged\":true},"
	       "\"tools\":{\"listChanged\":true}}");
}

#define CHANGED(list)                                                                                        \
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/" list                                              \
	"/list_changed\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":1}}}\n"

static void test_lists(void **state)
{
	struct test_host *host = *state;

	expect(give(host,
		    REQUEST("subscriptions/listen",
			    "\"notifications\":{\"promptsListChanged\":true,\"resourcesListChanged\":true,"
			    "\"toolsListChanged\":false,\"taskIds\":[]}," TASKS)),
	       "\"notifications\":{\"promptsListChanged\":true,\"resourcesListChanged\":true}");
	buffer_clear(&host->sent, SIZE_MAX);
	mcp_list_changed(host->caller, MCP_LIST_TOOLS);
	sent(host, "");
	mcp_list_changed(host->caller, MCP_LIST_PROMPTS);
	sent(host, CHANGED("prompts"));
	mcp_list_changed(host->caller, MCP_LIST_RESOURCES);
	sent(host, CHANGED("resources"));
}

/* A host that has none of it has no such methods, and honours no such wish. */
static void test_a_host_without(void **state)
{
	struct test_host host;

	assert_int_equal(test_host_init(&host), 0);
	say_error(&host, REQUEST("prompts/list", MODERN), "1", -32601, "prompts/list");
	say_error(&host, REQUEST("prompts/get", "\"name\":\"test\"," MODERN), "1", -32601, "prompts/get");
	say_error(&host, REQUEST("tasks/get", "\"taskId\":\"x\"," TASKS), "1", -32601, "tasks/get");
	expect(give(&host, REQUEST("subscriptions/listen", "\"notifications\":{\"promptsListChanged\":true,"
							   "\"resourcesListChanged\":true}," MODERN)),
	       "\"notifications\":{}");
	mcp_peer_free(host.peer);
	host.peer = NULL;
	test_host_deinit(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TASK_TEST(test_whole_life),
		TASK_TEST(test_outlives_its_conversation),
		TASK_TEST(test_ends),
		TASK_TEST(test_undeclared),
		TASK_TEST(test_malformed),
		TASK_TEST(test_bound),
		TASK_TEST(test_prompts),
		TASK_TEST(test_lists),
		cmocka_unit_test(test_a_host_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
