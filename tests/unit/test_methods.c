/* SPDX-License-Identifier: Apache-2.0 */
/* Which methods and headers policy allows where, as a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "sandbox/egress/methods.h"

#define BIT(method) (1u << PLAN_METHOD_##method)

static struct plan_methods entries[] = {
	{{(char *)"api.example", 0}, BIT(POST) | BIT(PUT)},
	{{(char *)"api.example", 8443}, BIT(DELETE)},
	{{(char *)"*.open.example", 0},
	 BIT(GET) | BIT(HEAD) | BIT(POST) | BIT(PUT) | BIT(PATCH) | BIT(DELETE) | BIT(OPTIONS)},
	{{(char *)"headers.example", 0}, BIT(GET)},
	{{(char *)"2001:db8::1", 8080}, BIT(POST)},
};
static struct plan_inject injects[] = {{{(char *)"api.example", 0}, (char *)"Authorization", false}};
static struct plan_rule denied[] = {{(char *)"localhost", 4000}};
static const struct plan with = {.methods = entries,
				 .method_count = ARRAY_SIZE(entries),
				 .injects = injects,
				 .inject_count = ARRAY_SIZE(injects),
				 .denied = denied,
				 .denied_count = ARRAY_SIZE(denied)};
static const struct plan without = {.method_count = 0};

static void methods(void **state)
{
	static const struct {
		const struct plan *plan;
		const char *host;
		uint16_t port;
		enum plan_method method;
		bool more, allowed;
		const char *rule;
	} cases[] = {
		{&without, "example.org", 443, PLAN_METHOD_GET, false, true, "default: GET and HEAD"},
		{&without, "example.org", 443, PLAN_METHOD_HEAD, false, true, "default: GET and HEAD"},
		{&without, "example.org", 443, PLAN_METHOD_GET, true, false, "default: GET and HEAD"},
		{&without, "example.org", 443, PLAN_METHOD_POST, false, false, "default: GET and HEAD"},
		{&without, "example.org", 443, PLAN_METHOD_OPTIONS, false, false, "default: GET and HEAD"},
		{&with, "api.example", 443, PLAN_METHOD_POST, true, true, "network.methods: api.example"},
		{&with, "api.example", 80, PLAN_METHOD_PUT, false, true, "network.methods: api.example"},
		{&with, "api.example", 443, PLAN_METHOD_DELETE, false, false, "network.methods"},
		{&with, "api.example", 8443, PLAN_METHOD_DELETE, false, true,
		 "network.methods: api.example:8443"},
		{&with, "api.example", 8443, PLAN_METHOD_POST, false, false, "network.methods"},
		{&with, "api.example", 443, PLAN_METHOD_GET, false, true, "default: GET and HEAD"},
		{&with, "api.example", 443, PLAN_METHOD_GET, true, false, "network.methods"},
		{&with, "www.api.example", 443, PLAN_METHOD_POST, false, false, "default: GET and HEAD"},
		{&with, "a.open.example", 443, PLAN_METHOD_PATCH, true, true,
		 "network.methods: *.open.example"},
		{&with, "a.open.example", 8080, PLAN_METHOD_PATCH, true, false, "default: GET and HEAD"},
		{&with, "open.example", 443, PLAN_METHOD_POST, false, false, "default: GET and HEAD"},
		{&with, "headers.example", 443, PLAN_METHOD_GET, true, true,
		 "network.methods: headers.example"},
		{&with, "headers.example", 443, PLAN_METHOD_HEAD, true, false, "network.methods"},
		{&with, "2001:db8::1", 8080, PLAN_METHOD_POST, true, true,
		 "network.methods: [2001:db8::1]:8080"},
		/* nothing leaves the sandbox */
		{&without, "localhost", 3000, PLAN_METHOD_GET, true, true, RULES_INSIDE},
		{&without, "localhost", 3000, PLAN_METHOD_DELETE, false, false, "default: GET and HEAD"},
		{&without, "127.0.0.1", 80, PLAN_METHOD_HEAD, true, true, RULES_INSIDE},
		{&with, "localhost", 4000, PLAN_METHOD_POST, true, false, "default: GET and HEAD"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rules_answer answer;
		bool allowed = rules_method(cases[i].plan, cases[i].host, cases[i].port, cases[i].method,
					    cases[i].more, &answer);

		if (allowed != cases[i].allowed || answer.allowed != allowed ||
		    strncmp(answer.rule, cases[i].rule, strlen(cases[i].rule)) != 0)
			fail_msg("case %zu: %s by \"%s\"", i, allowed ? "allowed" : "refused", answer.rule);
		assert_true((answer.remedy[0] == '\0') == allowed);
		assert_true(allowed || (answer.reason[0] && answer.reach[0]));
	}
}

static void words(void **state)
{
	struct rules_answer answer;

	rules_method(&with, "api.example", 8443, PLAN_METHOD_PATCH, true, &answer);
	assert_string_equal(answer.remedy,
			    "Add {\"domain\": \"api.example:8443\", \"methods\": [\"PATCH\"]} to "
			    "network.methods in the policy.");
	assert_string_equal(answer.reason, "PATCH to api.example is not among the allowed");
	assert_non_null(strstr(answer.reach, "DELETE there; POST, PUT at api.example; DELETE at "));
	rules_method(&with, "2001:db8::2", 80, PLAN_METHOD_GET, true, &answer);
	assert_non_null(strstr(answer.remedy, "\"2001:db8::2\""));
	assert_non_null(strstr(answer.reason, "GET to 2001:db8::2 with headers or a body of your own"));
}

static void headers(void **state)
{
	static const struct {
		const char *host, *name, *value;
		bool refused;
	} cases[] = {
		{"api.example", "Accept", "text/html, */*;q=0.1", false},
		{"api.example", "X-Request-Id", "", false},
		{"api.example", "Cookie", "a=b; c=\"d\"", false},
		{"api.example", "a!#$%&'*+-.^_`|~9", "tab\tand \xc3\xa9", false},
		{"other.example", "Authorization", "Bearer x", false},
		{"api.example", "Authorization", "Bearer x", true},
		{"api.example", "authorization", "Bearer x", true},
		{"api.example", "", "x", true},
		{"api.example", "two words", "x", true},
		{"api.example", "Name:", "x", true},
		{"api.example", "\xc3\xa9", "x", true},
		{"api.example", "Name", "a\r\nb: c", true},
		{"api.example", "Name", "a\nb", true},
		{"api.example", "Name", "a\x7f", true},
		{"api.example", "Host", "x", true},
		{"api.example", "hOST", "x", true},
		{"api.example", "Content-Length", "1", true},
		{"api.example", "Transfer-Encoding", "chunked", true},
		{"api.example", "Connection", "close", true},
		{"api.example", "Keep-Alive", "1", true},
		{"api.example", "Upgrade", "h2c", true},
		{"api.example", "HTTP2-Settings", "x", true},
		{"api.example", "Proxy-Authorization", "x", true},
		{"api.example", "Proxy-", "x", true},
		{"api.example", "Sec-Fetch-Site", "x", true},
		{"api.example", "Expect", "100-continue", true},
		{"api.example", "TE", "trailers", true},
		{"api.example", "Trailer", "x", true},
		{"api.example", "Via", "x", true},
		{"api.example", "Accept-Encoding", "x", true},
		{"api.example", "User-Agent", "x", true},
		{"api.example", "Hosts", "x", false},
		{"api.example", "Secret", "x", false},
		{"api.example", "Content-Type", "application/json", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *why = rules_header(&with, cases[i].host, 443, cases[i].name,
					       strlen(cases[i].name), cases[i].value, strlen(cases[i].value));

		if ((why != NULL) != cases[i].refused)
			fail_msg("case %zu: %s: %s", i, cases[i].name, why ? why : "allowed");
	}
	assert_non_null(rules_header(&with, "api.example", 443, "Name", 4, "a\0b", 3));
	assert_non_null(rules_header(&with, "api.example", 443, "Na\0me", 5, "b", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(methods), cmocka_unit_test(words),
					   cmocka_unit_test(headers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
