/* SPDX-License-Identifier: Apache-2.0 */
/* The network policy as a table: policy, host and port, what an address would say, and by which rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "sandbox/egress/rules.h"

#define ENTRIES 5

struct entry {
	const char *host;
	uint16_t port;
};

struct policy {
	bool listed;
	struct entry allowed[ENTRIES], denied[ENTRIES];
};

static const struct policy open_policy = {0};
static const struct policy nothing = {.listed = true};
static const struct policy denies = {.denied = {{"bad.example", 0},
						{"*.evil.example", 0},
						{"1.2.3.4", 0},
						{"slow.example", 443},
						{"5.6.7.8", 443}}};
static const struct policy lists = {.listed = true,
				    .allowed = {{"example.org", 0},
						{"*.example.net", 0},
						{"api.example", 8443},
						{"93.184.216.34", 0},
						{"*.100.7", 0}},
				    .denied = {{"no.example.net", 0}, {"localhost", 0}}};
static const struct policy inner = {
	.listed = true,
	.allowed = {{"127.0.0.1", 5432}, {"db.example", 5432}, {"10.0.0.5", 5432}, {"fd00::1", 0}}};
static const struct policy denied_four = {.denied = {{"127.0.0.1", 3000}}};
static const struct policy local = {.listed = true, .allowed = {{"localhost", 3000}, {"::1", 80}}};

static const struct {
	const struct policy *policy;
	const char *host;
	uint16_t port;
	const char *address; /* what the host stands for; NULL: it is refused before that is asked */
	bool allowed;
	const char *rule;
} cases[] = {
	/* no list: public addresses on 80 and 443 */
	{&open_policy, "example.org", 80, "93.184.216.34", true, "default: public addresses"},
	{&open_policy, "example.org", 443, "2606:2800:220:1::1", true, "default: public addresses"},
	{&open_policy, "example.org", 8080, NULL, false, "default: ports 80 and 443"},
	{&open_policy, "example.org", 22, NULL, false, "default: ports 80 and 443"},
	{&open_policy, "example.org", 443, "10.0.0.1", false, "only public addresses"},
	{&open_policy, "example.org", 443, "127.0.0.1", false, "only public addresses"},
	{&open_policy, "example.org", 443, "::1", false, "only public addresses"},
	{&open_policy, "example.org", 443, "::ffff:93.184.216.34", false, "only public addresses"},
	{&open_policy, "example.org", 443, "64:ff9b::5db8:d822", false, "only public addresses"},
	{&open_policy, "localhost", 80, "127.0.0.1", false, "only public addresses"},
	{&open_policy, "93.184.216.34", 443, "93.184.216.34", true, "default: public addresses"},
	{&open_policy, "169.254.169.254", 80, "169.254.169.254", false, "only public addresses"},
	/* an empty list means nothing, not everything */
	{&nothing, "example.org", 443, NULL, false, "network.allowedDomains"},
	{&nothing, "93.184.216.34", 80, NULL, false, "network.allowedDomains"},
	{&nothing, "localhost", 80, NULL, false, "network.allowedDomains"},
	/* denied wins, by name and by address */
	{&denies, "bad.example", 443, NULL, false, "network.deniedDomains: bad.example"},
	{&denies, "bad.example", 8080, NULL, false, "network.deniedDomains: bad.example"},
	{&denies, "sub.bad.example", 443, "93.184.216.34", true, "default"},
	{&denies, "a.evil.example", 443, NULL, false, "network.deniedDomains: *.evil.example"},
	{&denies, "a.b.evil.example", 80, NULL, false, "network.deniedDomains: *.evil.example"},
	{&denies, "evil.example", 443, "93.184.216.34", true, "default"},
	{&denies, "notevil.example", 443, "93.184.216.34", true, "default"},
	{&denies, "1.2.3.4", 443, NULL, false, "network.deniedDomains: 1.2.3.4"},
	{&denies, "fine.example", 443, "1.2.3.4", false, "network.deniedDomains: 1.2.3.4"},
	{&denies, "fine.example", 443, "::ffff:1.2.3.4", false, "network.deniedDomains: 1.2.3.4"},
	{&denies, "fine.example", 443, "5.6.7.8", false, "network.deniedDomains: 5.6.7.8:443"},
	{&denies, "fine.example", 80, "5.6.7.8", true, "default"},
	{&denies, "slow.example", 443, NULL, false, "network.deniedDomains: slow.example:443"},
	{&denies, "slow.example", 80, "93.184.216.34", true, "default"},
	/* a list */
	{&lists, "example.org", 443, "93.184.216.34", true, "network.allowedDomains: example.org"},
	{&lists, "example.org", 80, "8.8.8.8", true, "network.allowedDomains: example.org"},
	{&lists, "example.org", 8080, NULL, false, "network.allowedDomains"},
	{&lists, "www.example.org", 443, NULL, false, "network.allowedDomains"},
	{&lists, "example.net", 443, NULL, false, "network.allowedDomains"},
	{&lists, "a.example.net", 443, "8.8.8.8", true, "network.allowedDomains: *.example.net"},
	{&lists, "a.b.example.net", 443, "8.8.8.8", true, "network.allowedDomains: *.example.net"},
	{&lists, "no.example.net", 443, NULL, false, "network.deniedDomains: no.example.net"},
	{&lists, "xexample.net", 443, NULL, false, "network.allowedDomains"},
	{&lists, "example.net.evil.example", 443, NULL, false, "network.allowedDomains"},
	{&lists, "example.org.evil.example", 443, NULL, false, "network.allowedDomains"},
	{&lists, "api.example", 8443, "8.8.8.8", true, "network.allowedDomains: api.example:8443"},
	{&lists, "api.example", 443, NULL, false, "network.allowedDomains"},
	{&lists, "93.184.216.34", 443, "93.184.216.34", true, "network.allowedDomains: 93.184.216.34"},
	{&lists, "8.8.8.8", 443, NULL, false, "network.allowedDomains"},
	{&lists, "8.8.100.7", 443, NULL, false, "network.allowedDomains"}, /* is no name below 100.7 */
	{&lists, "example.org", 443, "192.168.1.1", false, "only public addresses"},
	{&lists, "example.org", 443, "127.0.0.1", false, "network.deniedDomains: localhost"},
	{&lists, "example.org", 443, "127.9.9.9", false, "network.deniedDomains: localhost"},
	{&lists, "localhost", 80, NULL, false, "network.deniedDomains: localhost"},
	{&lists, "127.0.0.1", 80, NULL, false, "network.deniedDomains: localhost"},
	/* what is not public is reached where exactly it is named, with its port */
	{&inner, "127.0.0.1", 5432, "127.0.0.1", true, "network.allowedDomains: 127.0.0.1:5432"},
	{&inner, "127.0.0.1", 80, NULL, false, "network.allowedDomains"},
	{&inner, "127.0.0.2", 5432, NULL, false, "network.allowedDomains"},
	{&inner, "localhost", 5432, "127.0.0.1", true, "network.allowedDomains: 127.0.0.1:5432"},
	{&inner, "localhost", 5432, "::1", false, "only public addresses"},
	{&inner, "localhost", 80, NULL, false, "network.allowedDomains"},
	{&inner, "db.example", 5432, "10.0.0.5", true, "network.allowedDomains: 10.0.0.5:5432"},
	{&inner, "db.example", 5432, "10.0.0.6", false, "only public addresses"},
	{&inner, "db.example", 5432, "8.8.8.8", true, "network.allowedDomains: db.example:5432"},
	{&inner, "::ffff:127.0.0.1", 5432, NULL, false, "network.allowedDomains"},
	{&inner, "fd00::1", 443, "fd00::1", true, "network.allowedDomains: fd00::1"},
	{&inner, "fd00::2", 443, NULL, false, "network.allowedDomains"},
	{&local, "localhost", 3000, "127.0.0.1", true, "network.allowedDomains: localhost:3000"},
	{&local, "localhost", 3000, "::1", true, "network.allowedDomains: localhost:3000"},
	{&local, "127.0.0.1", 3000, "127.0.0.1", true, "network.allowedDomains: localhost:3000"},
	{&local, "127.0.0.2", 3000, NULL, false, "network.allowedDomains"},
	{&local, "localhost", 3001, NULL, false, "network.allowedDomains"},
	{&local, "a.localhost", 3000, NULL, false, "network.allowedDomains"},
	{&local, "::1", 80, "::1", true, "network.allowedDomains: [::1]:80"},
};

static size_t copy_entries(struct plan_rule *rules, const struct entry *entries)
{
	size_t count = 0;

	for (; count < ENTRIES && entries[count].host; count++)
		rules[count] =
			(struct plan_rule){(char *)(uintptr_t)entries[count].host, entries[count].port};
	return count;
}

/* `rules` holds the entries as long as the plan is used. */
static struct plan make_plan(const struct policy *policy, struct plan_rule rules[2 * ENTRIES])
{
	return (struct plan){.network_listed = policy->listed,
			     .allowed = rules,
			     .allowed_count = copy_entries(rules, policy->allowed),
			     .denied = rules + ENTRIES,
			     .denied_count = copy_entries(rules + ENTRIES, policy->denied)};
}

static void table(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct plan_rule rules[2 * ENTRIES];
		struct plan plan = make_plan(cases[i].policy, rules);
		struct rules_answer answer;
		bool allowed = rules_host(&plan, cases[i].host, cases[i].port, &answer);

		if (allowed != (cases[i].address != NULL))
			fail_msg("case %zu: %s:%u: by its name %s (%s)", i, cases[i].host, cases[i].port,
				 allowed ? "allowed" : "refused", answer.rule);
		if (cases[i].address) {
			struct address address;

			assert_int_equal(address_parse(&address, cases[i].address), 0);
			allowed = rules_address(&plan, cases[i].host, cases[i].port, &address, &answer);
		}
		if (allowed != cases[i].allowed || allowed != answer.allowed ||
		    strncmp(answer.rule, cases[i].rule, strlen(cases[i].rule)) != 0)
			fail_msg("case %zu: %s:%u at %s: %s by \"%s\", expected \"%s\"", i, cases[i].host,
				 cases[i].port, cases[i].address ? cases[i].address : "-",
				 allowed ? "allowed" : "refused", answer.rule, cases[i].rule);
		assert_true(answer.reason[0] != '\0');
		assert_true(answer.reach[0] != '\0');
		assert_true((answer.remedy[0] == '\0') == answer.allowed);
	}
}

static void explained(void **state)
{
	struct plan_rule rules[2 * ENTRIES], loop_rules[2 * ENTRIES];
	struct plan plan = make_plan(&open_policy, rules), loop = make_plan(&local, loop_rules);
	struct rules_answer answer;

	assert_true(rules_explain(&plan, "example.org", 443, &answer));
	assert_non_null(strstr(answer.reason, "public"));
	assert_false(rules_explain(&plan, "10.0.0.1", 443, &answer));
	assert_non_null(strstr(answer.reason, "private"));
	assert_non_null(strstr(answer.remedy, "\"10.0.0.1:443\""));
	assert_false(rules_explain(&plan, "fd00::1", 80, &answer));
	assert_non_null(strstr(answer.remedy, "\"[fd00::1]:80\""));
	assert_true(rules_explain(&plan, "localhost", 3000, &answer));
	assert_string_equal(answer.rule, RULES_INSIDE);
	assert_true(rules_explain(&loop, "localhost", 3000, &answer));
	assert_true(rules_explain(&loop, "localhost", 80, &answer)); /* by ::1 */
	assert_string_equal(answer.rule, "network.allowedDomains: [::1]:80");
}

/* What means the sandbox's own loopback, and what takes it from there. */
static const struct {
	const struct policy *policy;
	const char *host;
	uint16_t port;
	bool inside;
	uint32_t place;
	const char *rule; /* by which it is judged, NULL: as ever */
} loopbacks[] = {
	{&open_policy, "localhost", 3000, true, 0, RULES_INSIDE},
	{&open_policy, "LOCALHOST", 80, true, 0, RULES_INSIDE},
	{&open_policy, "app.localhost", 80, true, 0, RULES_INSIDE},
	{&open_policy, "a.b.localhost", 443, true, 0, RULES_INSIDE},
	{&open_policy, "127.0.0.1", 65535, true, 0x7f000001, RULES_INSIDE},
	{&open_policy, "127.8.9.10", 1, true, 0x7f08090a, RULES_INSIDE},
	{&open_policy, "::1", 3000, true, 1, RULES_INSIDE},
	{&open_policy, "::ffff:127.0.0.2", 3000, true, 0x7f000002, RULES_INSIDE},
	{&open_policy, "0.0.0.0", 8000, true, 0, RULES_INSIDE},
	{&open_policy, "::", 8000, true, 0, RULES_INSIDE},
	{&open_policy, "::ffff:0.0.0.0", 8000, true, 0, RULES_INSIDE},
	{&open_policy, "localhost.example", 80, false, 0, NULL},
	{&open_policy, "notlocalhost", 80, false, 0, NULL},
	{&open_policy, "localhost.localdomain", 80, false, 0, NULL},
	{&open_policy, ".localhost", 80, false, 0, NULL},
	{&open_policy, "128.0.0.1", 80, false, 0, NULL},
	{&open_policy, "0.0.0.1", 80, false, 0, NULL},
	{&open_policy, "::2", 80, false, 0, NULL},
	{&open_policy, "::127.0.0.1", 80, false, 0, NULL},
	{&open_policy, "64:ff9b::7f00:1", 80, false, 0, NULL},
	{&open_policy, "10.0.0.1", 80, false, 0, NULL},
	/* an empty list forbids nothing that stays inside */
	{&nothing, "localhost", 3000, true, 0, RULES_INSIDE},
	/* denied in any spelling */
	{&lists, "localhost", 3000, false, 0, "network.deniedDomains: localhost"},
	{&lists, "app.localhost", 3000, false, 0, "network.deniedDomains: localhost"},
	{&lists, "127.0.0.1", 3000, false, 0, "network.deniedDomains: localhost"},
	{&lists, "127.9.9.9", 3000, false, 0, "network.deniedDomains: localhost"},
	{&lists, "::1", 3000, false, 0, "network.deniedDomains: localhost"},
	{&lists, "0.0.0.0", 3000, false, 0, "network.deniedDomains: localhost"},
	{&denied_four, "localhost", 3000, false, 0, "network.deniedDomains: 127.0.0.1:3000"},
	{&denied_four, "127.0.0.1", 3000, false, 0, "network.deniedDomains: 127.0.0.1:3000"},
	{&denied_four, "::ffff:127.0.0.1", 3000, false, 0, "network.deniedDomains: 127.0.0.1:3000"},
	{&denied_four, "::1", 3000, true, 1, RULES_INSIDE},
	{&denied_four, "127.0.0.2", 3000, true, 0x7f000002, RULES_INSIDE},
	{&denied_four, "localhost", 3001, true, 0, RULES_INSIDE},
	/* named with its port it is the machine's */
	{&local, "localhost", 3000, false, 0, "network.allowedDomains: localhost:3000"},
	{&local, "127.0.0.1", 3000, false, 0, "network.allowedDomains: localhost:3000"},
	{&local, "::1", 3000, false, 0, "network.allowedDomains: localhost:3000"},
	{&local, "127.0.0.2", 3000, true, 0x7f000002, RULES_INSIDE},
	{&local, "localhost", 3001, true, 0, RULES_INSIDE},
	{&local, "app.localhost", 3000, true, 0, RULES_INSIDE},
	{&inner, "localhost", 5432, false, 0, "network.allowedDomains: 127.0.0.1:5432"},
	{&inner, "127.0.0.1", 80, true, 0x7f000001, RULES_INSIDE},
};

static void inside(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(loopbacks); i++) {
		struct plan_rule rules[2 * ENTRIES];
		struct plan plan = make_plan(loopbacks[i].policy, rules);
		struct rules_answer answer;
		bool is = rules_inside(&plan, loopbacks[i].host, loopbacks[i].port);

		if (is != loopbacks[i].inside)
			fail_msg("case %zu: %s:%u is %s", i, loopbacks[i].host, loopbacks[i].port,
				 is ? "inside" : "outside");
		if (is)
			assert_int_equal(rules_inside_place(loopbacks[i].host), loopbacks[i].place);
		rules_explain(&plan, loopbacks[i].host, loopbacks[i].port, &answer);
		if (loopbacks[i].rule && strcmp(answer.rule, loopbacks[i].rule) != 0)
			fail_msg("case %zu: %s:%u by \"%s\"", i, loopbacks[i].host, loopbacks[i].port,
				 answer.rule);
		assert_true((answer.remedy[0] == '\0') == answer.allowed);
	}
}

/* Many and long entries: cut, counted, and never past the buffer. */
static void reach_is_bounded(void **state)
{
	struct plan_rule rules[50];
	struct plan plan = {.network_listed = true, .allowed = rules, .allowed_count = ARRAY_SIZE(rules)};
	struct rules_answer answer;
	char name[254], entry[] = "a-name.example.org";

	memset(name, 'a', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i] = (struct plan_rule){entry, (uint16_t)(i + 1)};
	assert_false(rules_host(&plan, name, 443, &answer));
	assert_non_null(strstr(answer.reach, " and 40 more"));
	rules[0].host = name;
	assert_true(rules_host(&plan, name, 1, &answer));
	assert_non_null(strstr(answer.reach, " and 50 more"));
}

/* What a name is looked up for: some port of it must be allowed. */
static void names(void **state)
{
	struct plan_rule allowed[] = {{(char *)"a.example", 0}, {(char *)"b.example", 8443}};
	struct plan_rule denied[] = {{(char *)"a.example", 443}, {(char *)"c.example", 0}};
	struct plan plan = {.network_listed = true,
			    .allowed = allowed,
			    .allowed_count = ARRAY_SIZE(allowed),
			    .denied = denied,
			    .denied_count = ARRAY_SIZE(denied)};
	struct rules_answer answer;

	assert_true(rules_name(&plan, "a.example", &answer)); /* for port 80 */
	assert_true(rules_name(&plan, "b.example", &answer));
	assert_false(rules_name(&plan, "c.example", &answer));
	assert_false(rules_name(&plan, "d.example", &answer));
	denied[0].port = 80;
	assert_true(rules_name(&plan, "a.example", &answer)); /* for port 443 */
}

static void for_commands(void **state)
{
	struct plan_rule rules[2 * ENTRIES];
	struct plan open = make_plan(&open_policy, rules);

	assert_false(rules_for_commands(&open));
	open = make_plan(&nothing, rules);
	assert_false(rules_for_commands(&open));
	open = make_plan(&lists, rules);
	assert_true(rules_for_commands(&open));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table), cmocka_unit_test(explained),    cmocka_unit_test(reach_is_bounded),
		cmocka_unit_test(names), cmocka_unit_test(for_commands), cmocka_unit_test(inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
