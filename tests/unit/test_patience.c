/* SPDX-License-Identifier: Apache-2.0 */
/* The table of hosts: its order, and what it says about names that are and are not in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/limits.h"
#include "server/patience.h"

static void test_sorted(void **state)
{
	for (const struct patience_host *host = patience_hosts; host->name; host++) {
		assert_true(*host->name && *host->detail);
		/* the answer must come before the host gives up, with room for a slow machine */
		assert_true(host->waits_s * 1000u > LIMIT_ANSWER_WITHIN_KNOWN_MS + 10000);
		if (host[1].name)
			assert_true(strcmp(host->name, host[1].name) < 0);
	}
}

static void test_known(void **state)
{
	static const char *const known[] = {
		"claude-code",         "claude-ai", "codex-mcp-client",
		"@cline/core",         "zeroclaw",  "qwen-cli-mcp-client-sallyport",
		"qwen-cli-mcp-client-"};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		assert_int_equal(patience_of(known[i]), LIMIT_ANSWER_WITHIN_KNOWN_MS);
}

static void test_strangers(void **state)
{
	/* "mcp" is LangChain and OpenAI Agents alike; a prefix must not make a stranger known */
	static const char *const strangers[] = {
		"mcp",         "google-adk",          "",         "claude-code2", "claude",
		"Claude-Code", "qwen-cli-mcp-client", "sallyport"};
	for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
		assert_int_equal(patience_of(strangers[i]), LIMIT_ANSWER_WITHIN_MS);
	assert_int_equal(patience_of(NULL), LIMIT_ANSWER_WITHIN_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
