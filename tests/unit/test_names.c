/* SPDX-License-Identifier: Apache-2.0 */
/* Names and their synthetic addresses, and which sockets a policy needs inside a sandbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "sandbox/egress/listeners.h"
#include "sandbox/egress/names.h"

#define RANGE (1u << (32 - SYNTHETIC_PREFIX_BITS))

static void test_stable(void **state)
{
	struct names *names = names_new(5);
	uint32_t first = names_address(names, "a.example"), second = names_address(names, "b.example");

	assert_int_not_equal(first, second);
	assert_int_equal(names_address(names, "a.example"), first);
	assert_string_equal(names_host(names, first), "a.example");
	assert_string_equal(names_host(names, second), "b.example");
	assert_null(names_host(names, second + 1));
	assert_null(names_host(names, SYNTHETIC_NETWORK));
	assert_null(names_host(names, SYNTHETIC_OWN));
	assert_null(names_host(names, SYNTHETIC_NETWORK + RANGE - 1));
	assert_null(names_host(names, first + LIMIT_BROKER_NAMES)); /* the same place in the ring */
	assert_null(names_host(names, 0));
	assert_null(names_host(names, UINT32_MAX));
	names_free(names);
	names_free(NULL);
}

/* More names than there is room for, once around all addresses and again: each lookup is right at once, the
 * newest stay, none has an address outside the range, and no address stands for two. */
static void test_many(void **state)
{
	static const uint32_t begins[] = {0, 1, RANGE - 4, UINT32_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
		struct names *names = names_new(begins[i]);
		char name[32];
		uint32_t addresses[100];

		for (uint32_t n = 0; n < 2 * RANGE + 77; n++) {
			snprintf(name, sizeof name, "n%u.example", n);
			uint32_t address = names_address(names, name);

			assert_true(address > SYNTHETIC_OWN && address < SYNTHETIC_NETWORK + RANGE - 1);
			assert_string_equal(names_host(names, address), name);
			if (n >=
			    ARRAY_SIZE(addresses)) { /* what was given out a hundred names ago still holds */
				snprintf(name, sizeof name, "n%u.example",
					 n - (uint32_t)ARRAY_SIZE(addresses));
				assert_string_equal(names_host(names, addresses[n % ARRAY_SIZE(addresses)]),
						    name);
			}
			addresses[n % ARRAY_SIZE(addresses)] = address;
		}
		names_free(names);
	}
}

struct entry {
	const char *host;
	uint16_t port;
};

/* "address:port ..." in the order of the list. */
static void check(const struct entry *entries, size_t count, const char *expected)
{
	struct plan plan;
	struct listener list[LIMIT_LISTENERS];
	char text[4096] = "";
	int listeners;

	plan = (struct plan){.network_listed = true};
	for (size_t i = 0; i < count; i++) {
		plan.allowed = realloc(plan.allowed, (i + 1) * sizeof *plan.allowed);
		plan.allowed[plan.allowed_count++] =
			(struct plan_rule){(char *)entries[i].host, entries[i].port};
	}
	listeners = listeners_list(&plan, list, ARRAY_SIZE(list));
	assert_true(listeners >= 0);
	for (int i = 0; i < listeners; i++) {
		char address[ADDRESS_TEXT_BYTES];
		size_t used = strlen(text);

		address_text(&list[i].address, address);
		snprintf(text + used, sizeof text - used, "%s%s %u", i ? ", " : "", address, list[i].port);
	}
	assert_string_equal(text, expected);
	free(plan.allowed);
}

#define CHECK(expected, ...)                                                                                 \
	check((const struct entry[]){__VA_ARGS__}, ARRAY_SIZE(((const struct entry[]){__VA_ARGS__})),        \
	      expected)

static void test_listeners(void **state)
{
	CHECK("127.0.0.1 53, 0.0.0.0 80, 0.0.0.0 443", {"example.org", 0}, {"*.example.net", 0},
	      {"a.example", 443});
	CHECK("127.0.0.1 53, 0.0.0.0 8443", {"example.org", 8443});
	CHECK("127.0.0.1 53, 127.0.0.1 5432", {"127.0.0.1", 5432});
	CHECK("127.0.0.1 53, 127.0.0.1 3000, ::1 3000", {"localhost", 3000});
	CHECK("127.0.0.1 53, 93.184.216.34 80, 93.184.216.34 443, 2001:db8::1 80, 2001:db8::1 443",
	      {"93.184.216.34", 0}, {"2001:db8::1", 0});
	/* a name on the same port takes all addresses of the family, whichever comes first */
	CHECK("127.0.0.1 53, 0.0.0.0 3000, ::1 3000", {"example.org", 3000}, {"localhost", 3000});
	CHECK("127.0.0.1 53, ::1 3000, 0.0.0.0 3000", {"localhost", 3000}, {"example.org", 3000});
	CHECK("0.0.0.0 53", {"example.org", 53});
	/* many addresses of one port */
	CHECK("127.0.0.1 53, 0.0.0.0 99", {"10.0.0.1", 99}, {"10.0.0.2", 99}, {"10.0.0.3", 99},
	      {"10.0.0.4", 99}, {"10.0.0.5", 99}, {"10.0.0.6", 99}, {"10.0.0.7", 99}, {"10.0.0.8", 99},
	      {"10.0.0.9", 99}, {"10.0.0.10", 99});
}

static void test_too_many(void **state)
{
	struct plan_rule rules[LIMIT_LISTENERS];
	struct plan plan = {.network_listed = true, .allowed = rules, .allowed_count = ARRAY_SIZE(rules)};
	struct listener list[LIMIT_LISTENERS];

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i] = (struct plan_rule){(char *)"example.org", (uint16_t)(1000 + i)};
	assert_int_equal(listeners_list(&plan, list, ARRAY_SIZE(list)), -E2BIG);
	plan.allowed_count--;
	assert_int_equal(listeners_list(&plan, list, ARRAY_SIZE(list)), LIMIT_LISTENERS);
}

static void test_local(void **state)
{
	struct address address;

	assert_true(listeners_local(&(struct plan_rule){(char *)"10.0.0.5", 80}, &address));
	assert_int_equal(address.family, AF_INET);
	assert_true(listeners_local(&(struct plan_rule){(char *)"2001:db8::1", 80}, &address));
	for (size_t i = 0; i < 4; i++) {
		const char *const hosts[] = {"localhost", "127.0.0.1", "::1", "example.org"};

		assert_false(listeners_local(&(struct plan_rule){(char *)hosts[i], 80}, &address));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stable),    cmocka_unit_test(test_many),
		cmocka_unit_test(test_listeners), cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
