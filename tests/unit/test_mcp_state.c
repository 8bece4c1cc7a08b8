/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a question (2026-07-28, basic/patterns/mrtr) has its time. */
#include <time.h>

#include "tests/support/mcp_say.h"

static time_t now;

/* In place of the C library's, so that an hour passes at once. */
time_t time(time_t *out)
{
	if (out)
		*out = now;
	return now;
}

#define META                                                                                                 \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                             \
	"\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{}}}"
#define CALL(more)                                                                                           \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"ask\"," META more "}}"

static char *ask(struct test_host *host)
{
	static const char *const path[] = {"result", "requestState", NULL};
	struct json_span span;

	assert_int_equal(mcp_receive(host->peer, CALL(""), strlen(CALL(""))), 0);
	assert_int_equal(json_locate(buffer_data(&host->sent), buffer_length(&host->sent), path, &span, NULL),
			 0);
	return strndup(buffer_data(&host->sent) + span.start, span.length);
}

static void test_expiry(void **unused)
{
	struct test_host host;
	char text[900];

	now = 1800000000;
	assert_int_equal(test_host_begin(&host, true), 0);
	_cleanup_free_ char *state = ask(&host);

	snprintf(text, sizeof text, CALL(",\"requestState\":%s"), state);
	now += LIMIT_STATE_S;
	buffer_clear(&host.sent, SIZE_MAX);
	assert_int_equal(mcp_receive(host.peer, text, strlen(text)), 0);
	assert_int_equal(buffer_append(&host.sent, "", 1), 0);
	assert_non_null(strstr(buffer_data(&host.sent), "input_required"));
	now++;
	say_error(&host, text, "1", -32602, "it has expired");
	test_host_deinit(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_expiry)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
