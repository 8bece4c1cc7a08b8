/* SPDX-License-Identifier: Apache-2.0 */
/* MCP, message by message. What a host asks its client: in answers (modern), in requests (legacy). */
#include "tests/support/mcp_say.h"

#define CAN "{\"elicitation\":{\"form\":{},\"url\":{}},\"roots\":{},\"sampling\":{}}"
#define META(can)                                                                                            \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                             \
	"\"io.modelcontextprotocol/clientCapabilities\":" can "}"
#define CALL(id, more)                                                                                       \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{\"name\":\"ask\"" more "}" \
	"}"
#define NAME  "\"name\":{\"action\":\"accept\",\"content\":{\"name\":\"Ann\"}}"
#define ROOTS "\"roots\":{\"roots\":[{\"uri\":\"file:///a\"},{\"uri\":\"file:///b\"}]}"
#define SAMPLE                                                                                               \
	"\"sample\":{\"role\":\"assistant\",\"model\":\"m\",\"content\":{\"type\":\"text\",\"text\":\"x\"}}"
#define FORM "\"name\":{\"method\":\"elicitation/create\",\"params\":{\"message\":\"Who?\"}}"
#define MORE                                                                                                 \
	"\"roots\":{\"method\":\"roots/list\",\"params\":{}},"                                               \
	"\"sample\":{\"method\":\"sampling/createMessage\",\"params\":{\"maxTokens\":5}}"
#define SAMPLE_ASKED "\"sample\":{\"method\":\"sampling/createMessage\",\"params\":{\"maxTokens\":5}}"
#define TOLD(text)                                                                                           \
	"{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"" text "\"}]"

static int setup_asking(void **state)
{
	struct test_host *host = malloc(sizeof *host);

	*state = host;
	return host ? test_host_begin(host, true) : -1;
}

#define ASK_TEST(name) cmocka_unit_test_setup_teardown(name, setup_asking, teardown)

static void give(struct test_host *host, const char *text)
{
	buffer_clear(&host->sent, SIZE_MAX);
	assert_int_equal(mcp_receive(host->peer, text, strlen(text)), 0);
	assert_int_equal(buffer_append(&host->sent, "", 1), 0);
}

/* Says it, expects to be asked `requests`, and returns the requestState, which the caller frees. */
static char *asked(struct test_host *host, const char *text, const char *requests)
{
	static const char *const path[] = {"result", "requestState", NULL};
	static const char end[] = "\"},\"resultType\":\"input_required\"}}\n";
	struct json_span span;
	char start[600], *state;
	const char *sent_text;

	give(host, text);
	sent_text = buffer_data(&host->sent);
	snprintf(start, sizeof start, "\"result\":{\"inputRequests\":{%s},\"requestState\":\"", requests);
	if (!strstr(sent_text, start) || !strstr(sent_text, "\"resultType\":\"input_required\"}}\n"))
		fail_msg("%s\nwas answered %s\nnot %s..%s", text, sent_text, start, end);
	assert_int_equal(json_locate(sent_text, strlen(sent_text), path, &span, NULL), 0);
	state = strndup(sent_text + span.start, span.length);
	buffer_clear(&host->sent, SIZE_MAX);
	assert_int_equal(mcp_in_flight(host->peer), 0);
	return state;
}

static char *retry(const char *id, const char *responses, const char *state)
{
	char *text = NULL;

	assert_true(asprintf(&text, CALL("%s", "," META(CAN) ",\"inputResponses\":%s,\"requestState\":%s"),
			     id, responses, state) > 0);
	return text;
}

/* Each round is a request of its own, with all answers so far; the state says where the host was. */
static void test_rounds(void **state)
{
	struct test_host *host = *state;
	_cleanup_free_ char *one = asked(host, CALL("1", "," META(CAN)), FORM);
	_cleanup_free_ char *second = retry("2", "{" NAME "}", one);
	_cleanup_free_ char *two = asked(host, second, MORE);
	_cleanup_free_ char *third = retry("3", "{" NAME "," ROOTS "," SAMPLE ",\"unknown\":7}", two);

	assert_string_not_equal(one, two);
	say(host, third, TOLD("Ann, sampled, 2 roots, state two") TAIL);
}

/* Who has not said that it can do that is told what is missing, and what is asked. */
static void test_capabilities(void **state)
{
	struct test_host *host = *state;
	static const char missing[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32021,\"message\":"
				      "\"Missing required client "
				      "capability\",\"data\":{\"requiredCapabilities\":";
	static const char *const cases[][3] = {
		{"{}", "", "{\"elicitation\":{\"form\":{}}}}}}\n"},
		{"{\"elicitation\":{\"url\":{}}}", "", "{\"elicitation\":{\"form\":{}}}}}}\n"},
		{"{\"elicitation\":{}}", ",\"arguments\":{\"text\":\"url\"}",
		 "{\"elicitation\":{\"url\":{}}}}}}\n"},
		{"{\"elicitation\":{}}", ",\"inputResponses\":{" NAME "}",
		 "{\"roots\":{},\"sampling\":{}}}}}\n"},
		{"{\"elicitation\":{},\"roots\":{}}", ",\"inputResponses\":{" NAME "," ROOTS "}",
		 "{\"sampling\":{}}}}}\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[700], answer[400];

		snprintf(text, sizeof text, CALL("1", "%s," META("%s")), cases[i][1], cases[i][0]);
		snprintf(answer, sizeof answer, "%s%s", missing, cases[i][2]);
		say(host, text, answer);
	}
	free(asked(host, CALL("1", "," META("{\"elicitation\":{}}")), FORM));
	assert_int_equal(mcp_in_flight(host->peer), 0);
}

/* What is no answer to what was asked is asked for again; what is no map of answers is refused. */
static void test_answers(void **state)
{
	static const char *const none[] = {
		"null",
		"{}",
		"{\"name\":12345}",
		"{\"name\":null}",
		"{\"name\":{}}",
		"{\"name\":{\"action\":\"agree\"}}",
		"{\"name\":{\"action\":\"accept\"}}",
		"{\"name\":{\"action\":\"accept\",\"content\":7}}",
		"{\"other\":{\"action\":\"cancel\"}}",
	};
	static const char *const partial[] = {
		"{" NAME "," ROOTS ",\"sample\":{\"role\":\"assistant\",\"model\":\"m\"}}",
		"{" NAME "," ROOTS ",\"sample\":{\"role\":\"assistant\",\"content\":{}}}",
		"{" NAME "," ROOTS ",\"sample\":[]}",
	};
	struct test_host *host = *state;
	char text[700];

	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		snprintf(text, sizeof text, CALL("1", "," META(CAN) ",\"inputResponses\":%s"), none[i]);
		free(asked(host, text, FORM));
	}
	for (size_t i = 0; i < ARRAY_SIZE(partial); i++) {
		snprintf(text, sizeof text, CALL("1", "," META(CAN) ",\"inputResponses\":%s"), partial[i]);
		free(asked(host, text, SAMPLE_ASKED));
	}
	say_error(host, CALL("1", "," META(CAN) ",\"inputResponses\":[]"), "1", -32602, "inputResponses");
	say_error(host, CALL("1", "," META(CAN) ",\"inputResponses\":7"), "1", -32602, "inputResponses");
	snprintf(text, sizeof text, CALL("3", "," META(CAN) ",\"inputResponses\":%s"),
		 "{\"name\":{\"action\":\"decline\"}," ROOTS "," SAMPLE "}");
	say(host, text, TOLD("nobody, sampled, 2 roots, state none") TAIL);
}

/* A state is good for the request it was given for, and for nobody else's. */
static void test_state(void **state)
{
	struct test_host *host = *state, other;
	_cleanup_free_ char *sealed = asked(host, CALL("1", "," META(CAN)), FORM);
	char text[900];

	static const char *const forged[] = {
		"\"\"", "\"x\"", "7", "null",
		"\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""};

	for (size_t i = 0; i < ARRAY_SIZE(forged); i++) {
		snprintf(text, sizeof text, CALL("1", "," META(CAN) ",\"requestState\":%s"), forged[i]);
		say_error(host, text, "1", -32602, "requestState");
	}
	/* each character of it counts, and none may be added */
	for (size_t i = 1; i + 1 < strlen(sealed); i++) {
		char before = sealed[i];

		sealed[i] = before == 'A' ? 'B' : 'A';
		snprintf(text, sizeof text, CALL("1", "," META(CAN) ",\"requestState\":%s"), sealed);
		if (i + 4 < strlen(sealed)) /* bits of the last one may mean nothing */
			say_error(host, text, "1", -32602, "requestState");
		sealed[i] = before;
	}
	snprintf(text, sizeof text, CALL("1", "," META(CAN) ",\"requestState\":\"%.*s-TAMPERED\""),
		 (int)strlen(sealed) - 2, sealed + 1);
	say_error(host, text, "1", -32602, "requestState");
	/* another request: other arguments, another method */
	snprintf(text, sizeof text,
		 CALL("1", ",\"arguments\":{\"text\":\"url\"}," META(CAN) ",\"requestState\":%s"), sealed);
	say_error(host, text, "1", -32602, "requestState");
	snprintf(text, sizeof text,
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"prompts/"
		 "get\",\"params\":{\"name\":\"test\"," META(CAN) ",\"requestState\":%s}}",
		 sealed);
	say_error(host, text, "1", -32602, "requestState");
	/* another caller: its key is its own */
	assert_int_equal(test_host_begin(&other, true), 0);
	snprintf(text, sizeof text, CALL("1", "," META(CAN) ",\"requestState\":%s"), sealed);
	say_error(&other, text, "1", -32602, "requestState");
	test_host_deinit(&other);
	/* ... and here it is good */
	free(asked(host, text, FORM));
}

/* Prompts ask in the same way. */
static void test_prompt(void **state)
{
	struct test_host *host = *state;

	free(asked(host,
		   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"prompts/"
		   "get\",\"params\":{\"name\":\"test\"," META(CAN) "}}",
		   FORM));
	say(host,
	    "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"prompts/get\",\"params\":{\"name\":\"test\"," META(
		    CAN) ",\"inputResponses\":{" NAME "," ROOTS "," SAMPLE "}}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"messages\":[{\"role\":\"user\",\"content\":{"
	    "\"type\":"
	    "\"text\","
	    "\"text\":\"Ann, sampled, 2 roots, state none\"}}]" TAIL);
}

/* ---- legacy ---- */

static void initialize_asking(struct test_host *host, const char *can)
{
	char text[400];

	snprintf(text, sizeof text,
		 "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
		 "\"2025-"
		 "11-25\",\"capabilities\":%s}}",
		 can);
	give(host, text);
	say(host, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", "");
}

#define REQUEST(id, method, params)                                                                          \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}\n"
#define RESPONSE(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"
#define FORM_REQUEST(id)     REQUEST(id, "elicitation/create", "{\"message\":\"Who?\"}")
#define ANN                  "{\"action\":\"accept\",\"content\":{\"name\":\"Ann\"}}"

/* Requests of ours, answered in any order; the host is called anew when all are. */
static void test_legacy(void **state)
{
	struct test_host *host = *state;

	initialize_asking(host, CAN);
	say(host, CALL("3", ""), FORM_REQUEST("1"));
	assert_int_equal(mcp_in_flight(host->peer), 1);
	say(host, RESPONSE("1", ANN),
	    REQUEST("2", "roots/list", "{}") REQUEST("3", "sampling/createMessage", "{\"maxTokens\":5}"));
	say(host, RESPONSE("1", ANN), ""); /* again */
	say(host, RESPONSE("9", ANN), "");
	say(host, RESPONSE("\"2\"", ANN), "");
	say(host, RESPONSE("3", "{\"role\":\"assistant\",\"model\":\"m\",\"content\":[]}"), "");
	say(host, RESPONSE("2", "{\"roots\":[]}"), TOLD("Ann, sampled, 0 roots, state two") "}}\n");
	assert_int_equal(mcp_in_flight(host->peer), 0);
	say(host, RESPONSE("2", "{\"roots\":[]}"), "");
}

#define FAILED(id, why)                                                                                      \
	"{\"jsonrpc\":\"2.0\",\"id\":" id                                                                    \
	",\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"Error: " why "\"}],\"isError\":true}}\n"
#define WITHDRAWN(id)                                                                                        \
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":" id "}}\n"

/* A client that refuses, or answers nonsense, ends the call; what else was asked is withdrawn. */
static void test_legacy_refused(void **state)
{
	struct test_host *host = *state;

	initialize_asking(host, CAN);
	say(host, CALL("5", ""), FORM_REQUEST("1"));
	say(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-1,\"message\":\"not \\\"now\\\"\"}}",
	    FAILED("5", "the client was asked (elicitation/create), and answered: not \\\"now\\\""));
	say(host, CALL("6", ",\"arguments\":{\"text\":\"url\"}"),
	    FORM_REQUEST("2") REQUEST("3", "elicitation/create",
				      "{\"mode\":\"url\",\"url\":\"https://example.com/\"}"));
	say(host, RESPONSE("3", "{}"),
	    WITHDRAWN("2")
		    FAILED("6", "the client was asked (elicitation/create), and answered: something that is "
				"no answer to that"));
	assert_int_equal(mcp_in_flight(host->peer), 0);
	say(host, RESPONSE("2", ANN), "");
}

/* A call that waits for its client is cancelled like any other; the host has no more to do with it. */
static void test_legacy_cancelled(void **state)
{
	struct test_host *host = *state;

	initialize_asking(host, CAN);
	say(host, CALL("5", ""), FORM_REQUEST("1"));
	say(host, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":5}}",
	    WITHDRAWN("1"));
	assert_int_equal(mcp_in_flight(host->peer), 0);
	assert_int_equal(host->cancelled, 0);
	say(host, RESPONSE("1", ANN), "");
	say(host, CALL("5", ""), FORM_REQUEST("2"));
	buffer_clear(&host->sent, SIZE_MAX);
	mcp_route_gone(host->peer, NULL); /* nothing is sent for them */
	sent(host, "");
	assert_int_equal(mcp_in_flight(host->peer), 0);
	say(host, CALL("5", ""), FORM_REQUEST("3")); /* and what is left ends with the conversation */
}

static void test_legacy_incapable(void **state)
{
	struct test_host *host = *state;

	initialize_asking(host, "{\"sampling\":{}}");
	give(host, CALL("5", ""));
	assert_non_null(strstr(buffer_data(&host->sent), "which this client has not said it can"));
	assert_non_null(strstr(buffer_data(&host->sent), "\"isError\":true"));
	assert_int_equal(mcp_in_flight(host->peer), 0);
	assert_int_equal(mcp_peer_capabilities(host->peer), 1u << MCP_SAMPLE);
}

/* ---- logs ---- */

static void log_once(struct test_host *host, enum mcp_log_level level)
{
	struct buffer data;

	buffer_init(&data, 100);
	buffer_append_text(&data, "{\"a\":1}");
	mcp_call_log(host->held[0], level, "unit", &data);
	buffer_deinit(&data);
}

#define LOGGED(level)                                                                                        \
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"" level           \
	"\",\"logger\":"                                                                                     \
	"\"unit\",\"data\":{\"a\":1}}}\n"

static void test_logs(void **state)
{
	struct test_host *host = *state;

	/* modern: none, unless the request asks for it */
	say(host,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"," MODERN
	    "}}",
	    "");
	log_once(host, MCP_LOG_EMERGENCY);
	sent(host, "");
	mcp_call_finish(host->held[0], NULL);
	host->held_count = 0;
	say(host,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
	    "call\",\"params\":{\"name\":\"hold\",\"_meta\":{"
	    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
	    "\"io.modelcontextprotocol/clientCapabilities\":{},\"io.modelcontextprotocol/"
	    "logLevel\":\"warning\"}}}",
	    "");
	log_once(host, MCP_LOG_NOTICE);
	sent(host, "");
	log_once(host, MCP_LOG_WARNING);
	sent(host, LOGGED("warning"));
	mcp_call_finish(host->held[0], NULL);
	host->held_count = 0;
	initialize_asking(host, "{}");
	say(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"}}",
	    "");
	log_once(host, MCP_LOG_DEBUG);
	sent(host, "");
	log_once(host, MCP_LOG_INFO);
	sent(host, LOGGED("info"));
	mcp_call_finish(host->held[0], NULL);
	host->held_count = 0;
	say(host,
	    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"logging/setLevel\",\"params\":{\"level\":\"debug\"}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n");
	say(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"}}",
	    "");
	log_once(host, MCP_LOG_DEBUG);
	sent(host, LOGGED("debug"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ASK_TEST(test_rounds),           ASK_TEST(test_capabilities),
		ASK_TEST(test_answers),          ASK_TEST(test_state),
		ASK_TEST(test_prompt),           ASK_TEST(test_legacy),
		ASK_TEST(test_legacy_refused),   ASK_TEST(test_legacy_cancelled),
		ASK_TEST(test_legacy_incapable), ASK_TEST(test_logs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
