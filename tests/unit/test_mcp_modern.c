/* SPDX-License-Identifier: Apache-2.0 */
/* MCP, message by message. The modern era: per-request _meta, discovery, results, subscriptions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "protocol/cleanup.h"
#include "tests/support/mcp_say.h"

static void test_discover(void **state)
{
	say(*state,
	    "{\"jsonrpc\":\"2.0\",\"id\":\"d\",\"method\":\"server/discover\",\"params\":{" MODERN "}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":\"d\",\"result\":{\"supportedVersions\":[\"2026-07-28\",\"2025-11-"
	    "25\",\"2025-06-18\","
	    "\"2025-03-26\",\"2024-11-05\"],\"capabilities\":{\"completions\":{},\"resources\":{"
	    "\"subscribe\":true},\"tools\":{"
	    "\"listChanged\":true}},"
	    "\"instructions\":\"Be careful.\","
	    "\"ttlMs\":3600000,\"cacheScope\":\"public\"" TAIL);
	assert_string_equal(((struct test_host *)*state)->client, "");
}

/* "Servers MUST apply the same cacheScope to all response pages" (server/utilities/caching). */
static void test_pages(void **state)
{
	static const char *const pages[][2] = {
		{"", TOOL("echo") "," TOOL("error") "],\"nextCursor\":\"t2\""},
		{"\"cursor\":\"t2\",", TOOL("fail") "," TOOL("hold") "],\"nextCursor\":\"t4\""},
		{"\"cursor\":\"t4\",", TOOL("large") "]"},
	};
	struct test_host *host = *state;

	host->page = 2;
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		char text[400], answer[600];

		snprintf(text, sizeof text,
			 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{%s" MODERN "}}",
			 pages[i][0]);
		snprintf(answer, sizeof answer,
			 "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[%s,\"ttlMs\":3600000,"
			 "\"cacheScope\":\"public\"" TAIL,
			 pages[i][1]);
		say(host, text, answer);
	}
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
	mcp_list_changed(host->caller, MCP_LIST_TOOLS);
	sent(host,
	     "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{" SUBSCRIPTION(
		     "9007199254740993") "}}\n"
					 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/"
					 "list_changed\",\"params\":{" SUBSCRIPTION("1") "}}\n");
	say(host,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
	    "cancelled\",\"params\":{\"requestId\":9007199254740993}}",
	    "");
	mcp_list_changed(host->caller, MCP_LIST_TOOLS);
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
	mcp_list_changed(host->caller, MCP_LIST_TOOLS);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAY_TEST(test_discover),
		SAY_TEST(test_modern_methods),
		SAY_TEST(test_pages),
		SAY_TEST(test_both_eras),
		SAY_TEST(test_modern_meta),
		SAY_TEST(test_subscriptions),
		SAY_TEST(test_subscription_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
