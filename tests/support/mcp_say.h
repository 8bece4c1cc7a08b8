/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_MCP_SAY_H
#define SALLYPORT_TESTS_MCP_SAY_H

/* For tests of the protocol: a message in, and exactly what must come out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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
static inline void say(struct test_host *host, const char *in, const char *out)
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

/* `id` is that of the error, NULL if it is to have none. */
static inline void say_error(struct test_host *host, const char *in, const char *id, int code,
			     const char *words)
{
	char start[700];

	size_t length = strlen(in);
	_cleanup_free_ char *copy = malloc(length ? length : 1);

	memcpy(copy, in, length);
	buffer_clear(&host->sent, SIZE_MAX);
	assert_int_equal(mcp_receive(host->peer, copy, length), 0);
	assert_int_equal(buffer_append(&host->sent, "", 1), 0);
	snprintf(start, sizeof start, "{\"jsonrpc\":\"2.0\",%s%s%s\"error\":{\"code\":%d,\"message\":\"",
		 id ? "\"id\":" : "", id ? id : "", id ? "," : "", code);
	if (strncmp(buffer_data(&host->sent), start, strlen(start)) != 0 ||
	    !strstr(buffer_data(&host->sent), words))
		fail_msg("%.300s\nwas answered %s\nnot %s..%s", in, buffer_data(&host->sent), start, words);
	assert_ptr_equal(strchr(buffer_data(&host->sent), '\n') + 1,
			 buffer_data(&host->sent) + strlen(buffer_data(&host->sent)));
	buffer_clear(&host->sent, SIZE_MAX);
}

static inline void sent(struct test_host *host, const char *out)
{
	assert_int_equal(buffer_append(&host->sent, "", 1), 0);
	assert_string_equal(buffer_data(&host->sent), out);
	buffer_clear(&host->sent, SIZE_MAX);
}

static inline int setup(void **state)
{
	struct test_host *host = malloc(sizeof *host);

	*state = host;
	return host ? test_host_init(host) : -1;
}

static inline int teardown(void **state)
{
	test_host_deinit(*state);
	free(*state);
	return 0;
}

static inline void initialize(struct test_host *host, const char *version)
{
	char text[400], answer[460];
	bool title = strcmp(version, "2025-03-26") > 0, completions = strcmp(version, "2024-11-05") > 0;

	snprintf(text, sizeof text,
		 "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"%"
		 "s\","
		 "\"capabilities\":{},\"clientInfo\":{\"name\":\"tester\",\"version\":\"0\"}}}",
		 version);
	snprintf(answer, sizeof answer,
		 "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"%s\",\"capabilities\":{%s"
		 "\"logging\":{},"
		 "\"resources\":{\"subscribe\":true},"
		 "\"tools\":{\"listChanged\":true}},\"serverInfo\":{\"name\":\"sallyport\",%s\"version\":\"1."
		 "2.3\"},"
		 "\"instructions\":\"Be careful.\"}}\n",
		 version, completions ? "\"completions\":{}," : "", title ? "\"title\":\"Sallyport\"," : "");
	say(host, text, answer);
	say(host, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", "");
	assert_string_equal(host->client, "tester");
}

static inline void hold(struct test_host *host, const char *id)
{
	char text[700];
	unsigned before = host->held_count;

	snprintf(text, sizeof text,
		 "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"tools/call\",\"params\":{\"name\":\"hold\"}}",
		 id);
	say(host, text, "");
	assert_int_equal(host->held_count, before + 1);
}

/* Each test has a host of its own, as *state. */
#define SAY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
