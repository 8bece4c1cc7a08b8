/* SPDX-License-Identifier: Apache-2.0 */
/* MCP, message by message. Resources in both eras: lists, reading, and who is told of which change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "protocol/cleanup.h"
#include "tests/support/mcp_say.h"

#define LEGACY(id, method, params)                                                                           \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"resources/" method "\",\"params\":{" params "}}"
#define URI(name)  "\"uri\":\"test:" name "\""
#define LIST       "[{\"uri\":\"test:a\",\"name\":\"a\"},{\"uri\":\"test:b\",\"name\":\"b\"}]"
#define TEMPLATES  "[{\"uriTemplate\":\"test:{name}\",\"name\":\"test\"}]"
#define RESULT(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":"
#define EMPTY(id)  RESULT(id) "{}}\n"
#define CONTENTS(name)                                                                                       \
	"{\"contents\":[{\"uri\":\"test:" name                                                               \
	"\",\"mimeType\":\"text/plain\",\"text\":\"a\\n\xef\xbf\xbd\"}]"
#define NOT_FOUND(id, code, uri)                                                                             \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" code                                       \
	",\"message\":\"Resource not found\",\"data\":{\"uri\":\"" uri "\"}}}\n"
#define UPDATED(name)                                                                                        \
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{" URI(name) "}}\n"
#define LISTEN(id, uris)                                                                                     \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"subscriptions/"                                     \
	"listen\",\"params\":{\"notifications\":{\"resourceSubscriptions\":" uris "}," MODERN "}}"
#define SUBSCRIPTION(id) "\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":" id "}"
#define ACKNOWLEDGED(id, filter)                                                                             \
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/"                                     \
	"acknowledged\",\"params\":{" SUBSCRIPTION(id) ",\"notifications\":" filter "}}\n"
#define UPDATED_MODERN(id, name)                                                                             \
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{" SUBSCRIPTION(     \
		id) "," URI(name) "}}\n"
#define CANCEL(id)                                                                                           \
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":" id "}}"

static void test_lists(void **state)
{
	static const char *const lists[] = {"list", "templates/list"};
	static const char *const cursors[] = {"\"t2\"", "\"\"", "5", "{}"};
	struct test_host *host = *state;
	char text[200];

	say(host, LEGACY("1", "list", MODERN),
	    RESULT("1") "{\"resources\":" LIST ",\"ttlMs\":0,\"cacheScope\":\"private\"" TAIL);
	say(host, LEGACY("1", "templates/list", MODERN),
	    RESULT("1") "{\"resourceTemplates\":" TEMPLATES
			",\"ttlMs\":3600000,\"cacheScope\":\"public\"" TAIL);
	say_error(host, LEGACY("1", "list", ""), "1", -32600, "initialize");
	initialize(host, "2024-11-05");
	say(host, LEGACY("1", "list", ""), RESULT("1") "{\"resources\":" LIST "}}\n");
	say(host, LEGACY("1", "list", "\"cursor\":null"), RESULT("1") "{\"resources\":" LIST "}}\n");
	say(host, LEGACY("1", "templates/list", ""), RESULT("1") "{\"resourceTemplates\":" TEMPLATES "}}\n");
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (size_t j = 0; j < ARRAY_SIZE(cursors); j++) {
			snprintf(text, sizeof text, LEGACY("1", "%s", "\"cursor\":%s"), lists[i], cursors[j]);
			say_error(host, text, "1", -32602, "cursor");
		}
}

static void test_read(void **state)
{
	struct test_host *host = *state;

	say(host, LEGACY("1", "read", URI("a") "," MODERN),
	    RESULT("1") CONTENTS("a") ",\"ttlMs\":0,\"cacheScope\":\"private\",\"_meta\":{" SERVER
				      ",\"sallyport.dev/result\":{}},\"resultType\":\"complete\"}}\n");
	say(host, LEGACY("\"x\"", "read", "\"uri\":\"file:///no \\\"\"," MODERN),
	    NOT_FOUND("\"x\"", "-32602", "file:///no \\\""));
	say(host, LEGACY("1", "read", URI("fail") "," MODERN),
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32603,\"message\":\"Error: it cannot be "
	    "read\"}}\n");
	initialize(host, "2025-06-18");
	say(host, LEGACY("1", "read", URI("b")),
	    RESULT("1") CONTENTS("b") ",\"_meta\":{\"sallyport.dev/result\":{}}}}\n");
	say(host, LEGACY("1", "read", URI("none")), NOT_FOUND("1", "-32002", "test:none"));
	assert_int_equal(mcp_in_flight(host->peer), 0);
}

/* A read is a call: answered later, cancelled, counted. */
static void test_read_later(void **state)
{
	struct test_host *host = *state;

	initialize(host, "2025-11-25");
	say(host, LEGACY("1", "read", URI("hold")), "");
	say(host, LEGACY("2", "read", URI("hold")), "");
	assert_int_equal(mcp_in_flight(host->peer), 2);
	say_error(host, LEGACY("1", "read", URI("a")), "1", -32600, "in flight");
	say(host, CANCEL("1"), "");
	assert_int_equal(host->cancelled, 1);
	assert_int_equal(host->held_count, 1);
	assert_int_equal(mcp_call_not_found(host->held[--host->held_count]), 0);
	sent(host, NOT_FOUND("2", "-32002", "test:hold"));
}

static void test_too_many_reads(void **state)
{
	struct test_host *host = *state;
	char text[200];

	initialize(host, "2025-11-25");
	for (unsigned i = 0; i < LIMIT_CALLS_IN_FLIGHT; i++) {
		snprintf(text, sizeof text, LEGACY("%u", "read", URI("hold")), i + 1);
		say(host, text, "");
	}
	say_error(host, LEGACY("\"more\"", "read", URI("a")), "\"more\"", -32603, "too many");
	while (host->held_count)
		mcp_call_drop(host->held[--host->held_count]);
	say(host, LEGACY("1", "read", URI("b")),
	    RESULT("1") CONTENTS("b") ",\"_meta\":{\"sallyport.dev/result\":{}}}}\n");
}

static void test_malformed(void **state)
{
	static const char *const methods[] = {"read", "subscribe", "unsubscribe"};
	static const char *const params[] = {"", "\"uri\":null", "\"uri\":5", "\"uri\":[\"test:a\"]",
					     "\"URI\":\"test:a\""};
	struct test_host *host = *state;
	_cleanup_free_ char *text = malloc(LIMIT_RESOURCE_URI_BYTES + 200);
	int length;

	initialize(host, "2025-11-25");
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(params); j++) {
			snprintf(text, 200, LEGACY("1", "%s", "%s"), methods[i], params[j]);
			say_error(host, text, "1", -32602, "uri");
		}
		length = snprintf(text, 200,
				  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/%s\","
				  "\"params\":{\"uri\":\"",
				  methods[i]);
		memset(text + length, 'a', LIMIT_RESOURCE_URI_BYTES + 1);
		snprintf(text + length + LIMIT_RESOURCE_URI_BYTES + 1, 100, "\"}}");
		say_error(host, text, "1", -32602, "at most 16384 bytes");
	}
	say_error(host, LEGACY("1", "read", URI("a") ",\"_meta\":{\"progressToken\":{}}"), "1", -32602,
		  "progressToken");
	assert_int_equal(host->watch_calls, 0);
	assert_int_equal(mcp_in_flight(host->peer), 0);
}

static void test_legacy_subscriptions(void **state)
{
	struct test_host *host = *state;

	say_error(host, LEGACY("1", "subscribe", URI("a")), "1", -32600, "initialize");
	initialize(host, "2024-11-05");
	mcp_resource_updated(host->caller, "test:a");
	sent(host, "");
	say(host, LEGACY("1", "subscribe", URI("a")), EMPTY("1"));
	say(host, LEGACY("2", "subscribe", URI("a")), EMPTY("2")); /* once more is not twice */
	say(host, LEGACY("3", "subscribe", URI("b")), EMPTY("3"));
	mcp_resource_updated(host->caller, "test:a");
	mcp_resource_updated(host->caller, "test:ab");
	sent(host, UPDATED("a"));
	say(host, LEGACY("4", "unsubscribe", URI("a")), EMPTY("4"));
	assert_int_equal(host->unwatch_calls, 1);
	assert_string_equal(host->unwatched, "test:a");
	mcp_resource_updated(host->caller, "test:a");
	sent(host, "");
	mcp_resource_updated(host->caller, "test:b");
	sent(host, UPDATED("b"));
	say(host, LEGACY("5", "unsubscribe", URI("a")), EMPTY("5"));
	say(host, LEGACY("6", "subscribe", URI("none")), NOT_FOUND("6", "-32002", "test:none"));
	say(host, LEGACY("7", "subscribe", URI("final")), EMPTY("7") UPDATED("final"));
	say(host, LEGACY("8", "subscribe", URI("final")), EMPTY("8") UPDATED("final"));
	/* what is gone is forgotten without a word */
	mcp_resource_gone(host->caller, "test:b");
	mcp_resource_updated(host->caller, "test:b");
	sent(host, "");
	assert_int_equal(host->unwatch_calls, 1);
	/* a session that begins anew has none */
	initialize(host, "2025-11-25");
	assert_int_equal(host->unwatch_calls, 2);
	mcp_resource_updated(host->caller, "test:final");
	sent(host, "");
}

static void test_modern_subscriptions(void **state)
{
	struct test_host *host = *state;

	say(host, LISTEN("1", "[\"test:a\",\"test:none\",\"test:b\",\"test:a\"]"),
	    ACKNOWLEDGED("1", "{\"resourceSubscriptions\":[\"test:a\",\"test:b\"]}"));
	say(host, LISTEN("\"\\u0061\"", "[\"test:a\"]"),
	    ACKNOWLEDGED("\"\\u0061\"", "{\"resourceSubscriptions\":[\"test:a\"]}"));
	say(host, LISTEN("3", "[\"file:///x\"]"), ACKNOWLEDGED("3", "{}"));
	say(host, LISTEN("4", "[]"), ACKNOWLEDGED("4", "{}"));
	/* "MUST NOT send any notification on the subscription before" the acknowledgement */
	say(host, LISTEN("5", "[\"test:final\",\"test:b\"]"),
	    ACKNOWLEDGED("5", "{\"resourceSubscriptions\":[\"test:final\",\"test:b\"]}")
		    UPDATED_MODERN("5", "final"));
	mcp_resource_updated(host->caller, "test:a");
	sent(host, UPDATED_MODERN("1", "a") UPDATED_MODERN("\"\\u0061\"", "a"));
	say(host, CANCEL("1"), "");
	assert_int_equal(host->unwatch_calls, 0);
	mcp_resource_updated(host->caller, "test:a");
	mcp_resource_updated(host->caller, "test:b");
	sent(host, UPDATED_MODERN("\"\\u0061\"", "a") UPDATED_MODERN("5", "b"));
	say(host, CANCEL("\"a\""), "");
	assert_int_equal(host->unwatch_calls, 1);
	assert_string_equal(host->unwatched, "test:a");
	mcp_resource_gone(host->caller, "test:b");
	mcp_resource_updated(host->caller, "test:b");
	sent(host, "");
}

/* Both eras on one connection: each is told in its own words. */
static void test_both(void **state)
{
	struct test_host *host = *state;

	initialize(host, "2025-11-25");
	say(host, LEGACY("1", "subscribe", URI("a")), EMPTY("1"));
	say(host, LISTEN("2", "[\"test:a\"]"), ACKNOWLEDGED("2", "{\"resourceSubscriptions\":[\"test:a\"]}"));
	mcp_resource_updated(host->caller, "test:a");
	sent(host, UPDATED("a") UPDATED_MODERN("2", "a"));
	say(host, LEGACY("3", "unsubscribe", URI("a")), EMPTY("3"));
	assert_int_equal(host->unwatch_calls, 0);
	mcp_close(host->peer);
	assert_int_equal(host->unwatch_calls, 1);
	buffer_clear(&host->sent, SIZE_MAX);
	mcp_resource_updated(host->caller, "test:a");
	sent(host, "");
	say(host, LEGACY("4", "subscribe", URI("a")), EMPTY("4")); /* freed with the peer */
}

/* The host says later whether it can be watched: nothing is answered or told before. */
static void test_watched_later(void **state)
{
	struct test_host *host = *state;

	initialize(host, "2025-11-25");
	say(host, LEGACY("1", "subscribe", URI("later")), "");
	say(host, LEGACY("\"twice\"", "subscribe", URI("later")), "");
	say(host, LISTEN("2", "[\"test:a\",\"test:later\",\"test:final\"]"), "");
	assert_int_equal(mcp_in_flight(host->peer), 2);
	mcp_resource_updated(host->caller, "test:a"); /* told behind the acknowledgement */
	sent(host, "");
	mcp_resource_watched(host->caller, "test:later", NULL);
	sent(host, EMPTY("\"twice\"") EMPTY("1") ACKNOWLEDGED(
			   "2", "{\"resourceSubscriptions\":[\"test:a\",\"test:later\","
				"\"test:final\"]}") UPDATED_MODERN("2", "a") UPDATED_MODERN("2", "final"));
	mcp_resource_updated(host->caller, "test:later");
	sent(host, UPDATED("later") UPDATED_MODERN("2", "later"));
	assert_int_equal(mcp_in_flight(host->peer), 0);
}

static void test_refused_later(void **state)
{
	struct test_host *host = *state;

	initialize(host, "2025-11-25");
	say(host, LEGACY("1", "subscribe", URI("later")), "");
	say(host, LISTEN("2", "[\"test:later\",\"test:b\"]"), "");
	say(host, LISTEN("3", "[\"test:later\"]"), "");
	say(host, CANCEL("3"), "");
	mcp_resource_watched(host->caller, "test:later", "Error: \"no\"");
	sent(host, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32603,\"message\":\"Error: "
		   "\\\"no\\\"\"}}\n" ACKNOWLEDGED("2", "{\"resourceSubscriptions\":[\"test:b\"]}"));
	assert_int_equal(host->unwatch_calls, 0);
	mcp_resource_updated(host->caller, "test:later");
	sent(host, "");
}

/* Whoever does not want it any more before it is known is answered all the same. */
static void test_given_up_before_it_is_known(void **state)
{
	struct test_host *host = *state;

	initialize(host, "2025-11-25");
	say(host, LEGACY("1", "subscribe", URI("later")), "");
	say(host, LEGACY("2", "unsubscribe", URI("later")), EMPTY("1") EMPTY("2"));
	assert_int_equal(host->unwatch_calls, 1);
	say(host, LEGACY("3", "subscribe", URI("later")), "");
	say(host, CANCEL("3"), "");
	assert_int_equal(host->cancelled, 1);
	assert_int_equal(mcp_in_flight(host->peer), 0);
	mcp_resource_watched(host->caller, "test:later", NULL);
	sent(host, "");
	say(host, LISTEN("4", "[\"test:later\"]"), "");
	mcp_close(host->peer);
	buffer_clear(&host->sent, SIZE_MAX);
	say(host, LEGACY("5", "subscribe", URI("later")), ""); /* freed with the peer */
}

static void test_bounds(void **state)
{
	struct test_host *host = *state;
	char text[400], answer[100];

	initialize(host, "2025-11-25");
	for (unsigned i = 0; i < LIMIT_RESOURCE_SUBSCRIPTIONS; i++) {
		snprintf(text, sizeof text, LEGACY("%u", "subscribe", URI("%u")), i, i);
		snprintf(answer, sizeof answer, EMPTY("%u"), i);
		say(host, text, answer);
	}
	say_error(host, LEGACY("1", "subscribe", URI("a")), "1", -32603, "2048 resources");
	say(host, LEGACY("1", "subscribe", URI("7")), EMPTY("1"));
	say(host, LISTEN("1", "[\"test:a\"]"), ACKNOWLEDGED("1", "{}"));
	say(host, LEGACY("2", "unsubscribe", URI("7")), EMPTY("2"));
	say(host, LISTEN("2", "[\"test:a\",\"test:b\"]"),
	    ACKNOWLEDGED("2", "{\"resourceSubscriptions\":[\"test:a\"]}"));
	say(host, CANCEL("2"), "");
	mcp_resource_gone(host->caller, "test:8");
	say(host, LISTEN("3", "[\"test:a\",\"test:b\"]"),
	    ACKNOWLEDGED("3", "{\"resourceSubscriptions\":[\"test:a\",\"test:b\"]}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAY_TEST(test_lists),
		SAY_TEST(test_read),
		SAY_TEST(test_read_later),
		SAY_TEST(test_too_many_reads),
		SAY_TEST(test_malformed),
		SAY_TEST(test_legacy_subscriptions),
		SAY_TEST(test_modern_subscriptions),
		SAY_TEST(test_both),
		SAY_TEST(test_watched_later),
		SAY_TEST(test_refused_later),
		SAY_TEST(test_given_up_before_it_is_known),
		SAY_TEST(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
