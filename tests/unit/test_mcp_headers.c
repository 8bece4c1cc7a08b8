/* SPDX-License-Identifier: Apache-2.0 */
/* What headers say must be what the message says; and which era a request is of where they say it. */
#include "tests/support/mcp_say.h"

/* What is given as headers: pairs, ended by NULL. */
struct given {
	const char *pairs[17];
};

static const char *find(void *context, const char *name)
{
	const struct given *given = context;

	for (size_t i = 0; given->pairs[i]; i += 2)
		if (strcasecmp(given->pairs[i], name) == 0)
			return given->pairs[i + 1];
	return NULL;
}

/* Sends it with these headers; returns the code of the error that came, 0 for a result. */
static int receive(struct test_host *host, const struct given *given, const char *message)
{
	struct mcp_headers headers = {.version = find((void *)given, "MCP-Protocol-Version"),
				      .method = find((void *)given, "Mcp-Method"),
				      .name = find((void *)given, "Mcp-Name"),
				      .find = find,
				      .context = (void *)given};

	buffer_clear(&host->sent, SIZE_MAX);
	host->delivery = (struct mcp_delivery){.code = -1};
	assert_int_equal(mcp_receive_from(host->peer, host, &headers, message, strlen(message)), 0);
	return host->delivery.code;
}

#define VERSION "MCP-Protocol-Version", "2026-07-28"
#define REQUEST(method, params)                                                                              \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":{" params MODERN "}}"

struct row {
	struct given given;
	const char *message;
	int code;
};

static void check_rows(struct test_host *host, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int code = receive(host, &rows[i].given, rows[i].message);

		if (code != rows[i].code)
			fail_msg("row %zu: %s\nhad %d for %d: %.*s", i, rows[i].message, code, rows[i].code,
				 (int)buffer_length(&host->sent), buffer_data(&host->sent));
	}
}

#define CHECK(host, rows) check_rows(host, rows, ARRAY_SIZE(rows))

static void test_method_and_version(void **state)
{
	static const struct row rows[] = {
		{{{VERSION, "Mcp-Method", "tools/list"}}, REQUEST("tools/list", ""), 0},
		{{{VERSION, "mcp-method", " tools/list\t"}}, REQUEST("tools/list", ""), 0},
		{{{VERSION, "Mcp-Method", "tools/call"}}, REQUEST("tools/list", ""), MCP_HEADER_MISMATCH},
		{{{VERSION, "Mcp-Method", "TOOLS/LIST"}}, REQUEST("tools/list", ""), MCP_HEADER_MISMATCH},
		/* names and arguments may be encoded, these may not */
		{{{VERSION, "Mcp-Method", "=?base64?dG9vbHMvbGlzdA==?="}},
		 REQUEST("tools/list", ""),
		 MCP_HEADER_MISMATCH},
		{{{"MCP-Protocol-Version", "=?base64?MjAyNi0wNy0yOA==?=", "Mcp-Method", "tools/list"}},
		 REQUEST("tools/list", ""),
		 MCP_HEADER_MISMATCH},
		{{{VERSION}}, REQUEST("tools/list", ""), MCP_HEADER_MISMATCH},
		{{{"Mcp-Method", "tools/list"}}, REQUEST("tools/list", ""), MCP_HEADER_MISMATCH},
		{{{"MCP-Protocol-Version", "2025-11-25", "Mcp-Method", "tools/list"}},
		 REQUEST("tools/list", ""),
		 MCP_HEADER_MISMATCH},
		{{{VERSION, "Mcp-Method", "tools/list\x01"}}, REQUEST("tools/list", ""), MCP_HEADER_MISMATCH},
		{{{VERSION, "Mcp-Method", "no/such"}}, REQUEST("no/such", ""), MCP_METHOD_NOT_FOUND},
		{{{VERSION, "Mcp-Method", "initialize"}}, REQUEST("initialize", ""), MCP_METHOD_NOT_FOUND},
		{{{VERSION, "Mcp-Method", "ping"}}, REQUEST("ping", ""), MCP_METHOD_NOT_FOUND},
	};

	CHECK((struct test_host *)*state, rows);
}

#define UNKNOWN                                                                                              \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{\"_meta\":{"               \
	"\"io.modelcontextprotocol/protocolVersion\":\"v999.0.0\","                                          \
	"\"io.modelcontextprotocol/clientCapabilities\":{}}}}"

/* basic/versioning, and what the official suite probes */
static void test_which_fault_is_told(void **state)
{
	static const struct row rows[] = {
		{{{VERSION, "Mcp-Method", "server/discover"}},
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{}}",
		 MCP_INVALID_PARAMS},
		{{{VERSION, "Mcp-Method", "server/discover"}},
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{\"_meta\":{"
		 "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}}}",
		 MCP_INVALID_PARAMS},
		{{{"MCP-Protocol-Version", "v999.0.0", "Mcp-Method", "server/discover"}},
		 UNKNOWN,
		 MCP_UNSUPPORTED_VERSION},
		{{{VERSION, "Mcp-Method", "server/discover"}}, UNKNOWN, MCP_HEADER_MISMATCH},
		{{{"MCP-Protocol-Version", "v999.0.0", "Mcp-Method", "tools/list"}},
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}",
		 MCP_UNSUPPORTED_VERSION},
		{{{"MCP-Protocol-Version", "2025-06-18"}},
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}",
		 MCP_INVALID_REQUEST}, /* no session */
	};

	CHECK((struct test_host *)*state, rows);
}

#define READ(uri)  REQUEST("resources/read", "\"uri\":\"" uri "\",")
#define CALL(name) REQUEST("tools/call", "\"name\":\"" name "\",")

static void test_names(void **state)
{
	static const struct row rows[] = {
		{{{VERSION, "Mcp-Method", "tools/call", "Mcp-Name", "echo"}}, CALL("echo"), 0},
		{{{VERSION, "Mcp-Method", "tools/call", "Mcp-Name", "  echo "}}, CALL("echo"), 0},
		{{{VERSION, "Mcp-Method", "tools/call", "Mcp-Name", "Echo"}},
		 CALL("echo"),
		 MCP_HEADER_MISMATCH},
		{{{VERSION, "Mcp-Method", "tools/call"}}, CALL("echo"), MCP_HEADER_MISMATCH},
		{{{VERSION, "Mcp-Method", "tools/call", "Mcp-Name", "=?base64?ZWNobw==?="}}, CALL("echo"), 0},
		{{{VERSION, "Mcp-Method", "tools/call", "Mcp-Name", "=?base64?ZWNob==?="}},
		 CALL("echo"),
		 MCP_HEADER_MISMATCH},
		{{{VERSION, "Mcp-Method", "tools/call", "Mcp-Name", "=?base64?ZWN\tobw==?="}},
		 CALL("echo"),
		 MCP_HEADER_MISMATCH},
		{{{VERSION, "Mcp-Method", "tools/call", "Mcp-Name", "=?BASE64?ZWNobw==?="}},
		 CALL("echo"),
		 MCP_HEADER_MISMATCH},
		{{{VERSION, "Mcp-Method", "tools/call", "Mcp-Name", "=?base64?ZWNobwA=?="}}, /* "echo\0" */
		 CALL("echo"),
		 MCP_HEADER_MISMATCH},
		{{{VERSION, "Mcp-Method", "resources/read", "Mcp-Name", "test:a"}}, READ("test:a"), 0},
		{{{VERSION, "Mcp-Method", "resources/read", "Mcp-Name", "test:b"}},
		 READ("test:a"),
		 MCP_HEADER_MISMATCH},
		/* bytes that are no ASCII must be encoded */
		{{{VERSION, "Mcp-Method", "resources/read", "Mcp-Name", "=?base64?dGVzdDrDpA==?="}},
		 READ("test:\xc3\xa4"),
		 MCP_INVALID_PARAMS}, /* there is no such resource */
		{{{VERSION, "Mcp-Method", "resources/read", "Mcp-Name", "test:\xc3\xa4"}},
		 READ("test:\xc3\xa4"),
		 MCP_HEADER_MISMATCH},
		{{{VERSION, "Mcp-Method", "tools/call", "Mcp-Name", "1"}},
		 REQUEST("tools/call", "\"name\":1,"),
		 MCP_INVALID_PARAMS},
	};

	CHECK((struct test_host *)*state, rows);
}

#define ECHO(arguments) REQUEST("tools/call", "\"name\":\"echo\",\"arguments\":{" arguments "},")
#define HEAD            VERSION, "Mcp-Method", "tools/call", "Mcp-Name", "echo"

static void test_arguments(void **state)
{
	static const struct row rows[] = {
		{{{HEAD, "Mcp-Param-Text", "Hello"}}, ECHO("\"text\":\"Hello\""), 0},
		{{{HEAD, "mcp-param-TEXT", "=?base64?SGVsbG8=?="}}, ECHO("\"text\":\"Hello\""), 0},
		{{{HEAD, "Mcp-Param-Text", "SGVsbG8="}}, ECHO("\"text\":\"SGVsbG8=\""), 0},
		{{{HEAD, "Mcp-Param-Text", "=?base64?SGVsbG8="}}, ECHO("\"text\":\"=?base64?SGVsbG8=\""), 0},
		{{{HEAD, "Mcp-Param-Text", "=?base64?SGVsbG8?="}},
		 ECHO("\"text\":\"Hello\""),
		 MCP_HEADER_MISMATCH},
		{{{HEAD, "Mcp-Param-Text", "=?base64?SGVs!G8=?="}},
		 ECHO("\"text\":\"Hello\""),
		 MCP_HEADER_MISMATCH},
		{{{HEAD}}, ECHO("\"text\":\"Hello\""), MCP_HEADER_MISMATCH},
		{{{HEAD}}, ECHO("\"text\":null"), 0},
		{{{HEAD}}, ECHO(""), 0},
		{{{HEAD, "Mcp-Param-Text", "x"}}, ECHO(""), MCP_HEADER_MISMATCH},
		{{{HEAD, "Mcp-Param-Count", "42"}}, ECHO("\"count\":42"), 0},
		{{{HEAD, "Mcp-Param-Count", "42.0"}}, ECHO("\"count\":42"), 0},
		{{{HEAD, "Mcp-Param-Count", "0x2a"}}, ECHO("\"count\":42"), MCP_HEADER_MISMATCH},
		{{{HEAD, "Mcp-Param-Count", "nan"}}, ECHO("\"count\":42"), MCP_HEADER_MISMATCH},
		{{{HEAD, "Mcp-Param-Count", "-nan"}}, ECHO("\"count\":42"), MCP_HEADER_MISMATCH},
		{{{HEAD, "Mcp-Param-Count", "-nan(1)"}}, ECHO("\"count\":42"), MCP_HEADER_MISMATCH},
		{{{HEAD, "Mcp-Param-Count", "-"}}, ECHO("\"count\":0"), MCP_HEADER_MISMATCH},
		{{{HEAD, "Mcp-Param-Count", "43"}}, ECHO("\"count\":42"), MCP_HEADER_MISMATCH},
		{{{HEAD, "Mcp-Param-Count", ""}}, ECHO("\"count\":0"), MCP_HEADER_MISMATCH},
		{{{HEAD, "Mcp-Param-Count", "-7"}}, ECHO("\"count\":-7"), 0},
		{{{HEAD, "Mcp-Param-Flag", "true"}}, ECHO("\"inner\":{\"flag\":true}"), 0},
		{{{HEAD, "Mcp-Param-Flag", "True"}}, ECHO("\"inner\":{\"flag\":true}"), MCP_HEADER_MISMATCH},
		{{{HEAD, "Mcp-Param-Flag", "false"}}, ECHO("\"inner\":{\"flag\":true}"), MCP_HEADER_MISMATCH},
		{{{HEAD}}, ECHO("\"inner\":{\"flag\":false}"), MCP_HEADER_MISMATCH},
		{{{HEAD, "Mcp-Param-Other", "whatever"}}, ECHO(""), 0},
	};

	CHECK((struct test_host *)*state, rows);
}

/* Neither header says the era of initialize, and a legacy session has its version. */
static void test_legacy(void **state)
{
	static const struct given modern = {{VERSION, "Mcp-Method", "something/else"}}, none = {{NULL}};
	static const struct given legacy = {{"MCP-Protocol-Version", "2025-06-18"}};
	struct test_host *host = *state;

	assert_int_equal(receive(host, &modern,
				 "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
				 "\"protocolVersion\":\"2025-06-18\"}}"),
			 0);
	assert_string_equal(mcp_peer_version(host->peer), "2025-06-18");
	assert_int_equal(receive(host, &legacy, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}"),
			 0);
	assert_int_equal(receive(host, &none, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}"), 0);
}

/* A session begun elsewhere goes on here. */
static void test_resume(void **state)
{
	struct test_host *host = *state;

	assert_null(mcp_peer_version(host->peer));
	assert_int_equal(mcp_peer_resume(host->peer, "2026-07-28", NULL, 0), -EINVAL);
	assert_int_equal(mcp_peer_resume(host->peer, "", NULL, 0), -EINVAL);
	assert_null(mcp_peer_version(host->peer));
	assert_int_equal(mcp_peer_resume(host->peer, "2025-11-25", "elsewhere", 0), 0);
	assert_string_equal(mcp_peer_version(host->peer), "2025-11-25");
	assert_string_equal(host->client, "elsewhere");
	hold(host, "1");
	mcp_call_finish(host->held[0], NULL);
	host->sends = 0;
	mcp_list_changed(host->caller, MCP_LIST_TOOLS);
	assert_int_equal(host->sends, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAY_TEST(test_method_and_version),
		SAY_TEST(test_which_fault_is_told),
		SAY_TEST(test_names),
		SAY_TEST(test_arguments),
		SAY_TEST(test_legacy),
		SAY_TEST(test_resume),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
