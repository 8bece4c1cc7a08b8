/* SPDX-License-Identifier: Apache-2.0 */
/* Names in the text of a hosts file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "protocol/cleanup.h"
#include "sandbox/egress/resolver.h"

static const char file[] = "# comment 1.2.3.4 commented\n"
			   "127.0.0.1\tlocalhost localhost.localdomain # the loopback\n"
			   "\n"
			   "   10.0.0.1   Inner.Example inner#not\n"
			   "fd00::1 inner.example\n"
			   "300.0.0.1 wrong.example\n"
			   "fe80::1%lo zone.example\n"
			   "10.0.0.2\n"
			   "nonsense\r\n"
			   "10.0.0.3 carriage.example\r\n"
			   "10.0.0.4 last.example";

static size_t find(const char *name, struct address *addresses, size_t max)
{
	return hosts_find(file, sizeof file - 1, name, addresses, max);
}

static void names(void **state)
{
	struct address addresses[4];
	char text[ADDRESS_TEXT_BYTES];

	assert_int_equal(find("localhost.localdomain", addresses, 4), 1);
	address_text(&addresses[0], text);
	assert_string_equal(text, "127.0.0.1");
	assert_int_equal(find("inner.example", addresses, 4), 2);
	address_text(&addresses[1], text);
	assert_string_equal(text, "fd00::1");
	assert_int_equal(find("inner.example", addresses, 1), 1);
	assert_int_equal(find("carriage.example", addresses, 4), 1);
	assert_int_equal(find("last.example", addresses, 4), 1);
	assert_int_equal(find("inner", addresses, 4), 1);
}

static void nothing(void **state)
{
	static const char *const absent[] = {
		"commented",    "the",      "#",        "not",         "inner#not",   "wrong.example",
		"zone.example", "10.0.0.2", "nonsense", "ast.example", "last.exampl", ""};
	struct address addresses[4];

	for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
		if (find(absent[i], addresses, 4))
			fail_msg("\"%s\" was found", absent[i]);
	assert_int_equal(hosts_find("", 0, "x", addresses, 4), 0);
}

/* What stands before a search domain. */
static size_t stem(const char *text, const char *name)
{
	return hosts_search(text, strlen(text), name);
}

static void searching(void **state)
{
	static const char resolv[] = "# search no.example\nnameserver 10.0.0.1\n"
				     "search first.example second.example. # third.example\n"
				     "options ndots:5\ndomain fourth.example";

	assert_int_equal(stem(resolv, "a.b.first.example"), 3);
	assert_int_equal(stem(resolv, "a.SECOND.example"), 1);
	assert_int_equal(stem(resolv, "host.fourth.example"), 4);
	assert_int_equal(stem(resolv, "a.third.example"), 0);
	assert_int_equal(stem(resolv, "a.no.example"), 0);
	assert_int_equal(stem(resolv, "first.example"), 0);
	assert_int_equal(stem(resolv, ".first.example"), 0);
	assert_int_equal(stem(resolv, "afirst.example"), 0);
	assert_int_equal(stem("", "a.example"), 0);
	assert_int_equal(stem("search", "a.example"), 0);
	assert_int_equal(stem("search .", "a."), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(nothing),
		cmocka_unit_test(searching),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
