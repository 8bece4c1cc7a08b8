/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses are public: first and last of every special range, and their neighbours outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "sandbox/egress/addresses.h"

static const struct {
	const char *text, *special; /* NULL: public */
} cases[] = {
	{"0.0.0.0", "this network"},
	{"0.255.255.255", "this network"},
	{"1.0.0.0", NULL},
	{"1.1.1.1", NULL},
	{"9.255.255.255", NULL},
	{"10.0.0.0", "private"},
	{"10.255.255.255", "private"},
	{"11.0.0.0", NULL},
	{"100.63.255.255", NULL},
	{"100.64.0.0", "shared by a provider (CGNAT)"},
	{"100.100.100.200", "shared by a provider (CGNAT)"},
	{"100.127.255.255", "shared by a provider (CGNAT)"},
	{"100.128.0.0", NULL},
	{"126.255.255.255", NULL},
	{"127.0.0.0", "loopback"},
	{"127.0.0.1", "loopback"},
	{"127.255.255.255", "loopback"},
	{"128.0.0.0", NULL},
	{"168.63.129.15", NULL},
	{"168.63.129.16", "a cloud platform's own"},
	{"168.63.129.17", NULL},
	{"169.253.255.255", NULL},
	{"169.254.0.0", "link-local"},
	{"169.254.169.254", "link-local"},
	{"169.254.255.255", "link-local"},
	{"169.255.0.0", NULL},
	{"172.15.255.255", NULL},
	{"172.16.0.0", "private"},
	{"172.31.255.255", "private"},
	{"172.32.0.0", NULL},
	{"191.255.255.255", NULL},
	{"192.0.0.0", "reserved for protocols"},
	{"192.0.0.192", "reserved for protocols"},
	{"192.0.1.0", NULL},
	{"192.0.2.255", "for documentation"},
	{"192.0.3.0", NULL},
	{"192.88.99.1", "a 6to4 relay"},
	{"192.167.255.255", NULL},
	{"192.168.0.0", "private"},
	{"192.168.255.255", "private"},
	{"192.169.0.0", NULL},
	{"198.17.255.255", NULL},
	{"198.18.0.0", "for benchmarks"},
	{"198.19.255.255", "for benchmarks"},
	{"198.20.0.0", NULL},
	{"198.51.100.1", "for documentation"},
	{"203.0.113.1", "for documentation"},
	{"203.0.114.0", NULL},
	{"223.255.255.255", NULL},
	{"224.0.0.0", "multicast"},
	{"239.255.255.255", "multicast"},
	{"240.0.0.0", "reserved"},
	{"255.255.255.254", "reserved"},
	{"255.255.255.255", "broadcast"},
	{"::", "unspecified"},
	{"::1", "loopback"},
	{"::2", "IPv4-compatible"},
	{"::7f00:1", "IPv4-compatible"},
	{"::ffff:127.0.0.1", "IPv4-mapped"},
	{"::ffff:8.8.8.8", "IPv4-mapped"},
	{"::ffff:0:127.0.0.1", "IPv4-translated"},
	{"64:ff9b::7f00:1", "NAT64"},
	{"64:ff9b::808:808", "NAT64"},
	{"64:ff9b:1::1", "NAT64"},
	{"64:ff9b:2::1", "reserved"},
	{"100::1", "discard-only"},
	{"1fff:ffff::1", "reserved"},
	{"2000::1", NULL},
	{"2001::1", "Teredo"},
	{"2001:0:7f00:1::", "Teredo"},
	{"2001:2::1", "for benchmarks"},
	{"2001:10::1", "reserved for protocols"},
	{"2001:1ff:ffff::1", "reserved for protocols"},
	{"2001:200::1", NULL},
	{"2001:db7::1", NULL},
	{"2001:db8::1", "for documentation"},
	{"2001:db8:ffff::1", "for documentation"},
	{"2001:db9::1", NULL},
	{"2001:4860:4860::8888", NULL},
	{"2002:7f00:1::1", "6to4"},
	{"2002:808:808::1", "6to4"},
	{"2003::1", NULL},
	{"2a00:1450:4001::1", NULL},
	{"3fff::1", "for documentation"},
	{"3fff:1000::1", NULL},
	{"3ffe::1", NULL},
	{"4000::1", "reserved"},
	{"5f00::1", "reserved"},
	{"fbff::1", "reserved"},
	{"fc00::1", "private (unique local)"},
	{"fd00:ec2::254", "private (unique local)"},
	{"fdff::1", "private (unique local)"},
	{"fe7f::1", "reserved"},
	{"fe80::1", "link-local"},
	{"febf::1", "link-local"},
	{"fec0::1", "site-local"},
	{"feff::1", "site-local"},
	{"ff00::1", "multicast"},
	{"ff02::1", "multicast"},
};

static void special_ranges(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct address address;
		const char *special;

		assert_int_equal(address_parse(&address, cases[i].text), 0);
		special = address_special(&address);
		if (!cases[i].special != !special || (special && strcmp(special, cases[i].special) != 0))
			fail_msg("%s: %s, expected %s", cases[i].text, special ? special : "public",
				 cases[i].special ? cases[i].special : "public");
	}
}

static void only_strict_text(void **state)
{
	static const char *const bad[] = {"",
					  "1",
					  "127.1",
					  "0x7f.0.0.1",
					  "127.0.0.1 ",
					  " 1.1.1.1",
					  "1.1.1.1.",
					  "1.1.1.256",
					  "01.1.1.1",
					  "[::1]",
					  "::1%lo",
					  "::g",
					  "1:2:3:4:5:6:7:8:9",
					  "fe80::1%1"};
	struct address address;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (address_parse(&address, bad[i]) == 0)
			fail_msg("\"%s\" was read as an address", bad[i]);
}

static void text_and_back(void **state)
{
	struct address address, again;
	char text[ADDRESS_TEXT_BYTES];

	assert_int_equal(address_parse(&address, "2001:0DB8:0:0::1"), 0);
	address_text(&address, text);
	assert_string_equal(text, "2001:db8::1");
	assert_int_equal(address_parse(&again, text), 0);
	assert_true(address_equal(&address, &again));
	assert_int_equal(address_parse(&again, "10.0.0.1"), 0);
	assert_false(address_equal(&address, &again));
}

static void from_sockets(void **state)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f000001)}};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_addr = {{{[15] = 1}}}};
	struct sockaddr other = {.sa_family = AF_UNIX};
	struct address address;

	assert_int_equal(address_from_socket(&address, (struct sockaddr *)&ipv4), 0);
	assert_true(address_is_loopback(&address));
	assert_int_equal(address_from_socket(&address, (struct sockaddr *)&ipv6), 0);
	assert_true(address_is_loopback(&address));
	assert_true(address_from_socket(&address, &other) < 0);
	address_parse(&address, "128.0.0.1");
	assert_false(address_is_loopback(&address));
	assert_int_equal(address_parse(&address, "7f00::1"), 0); /* begins as 127.0.0.1 does */
	assert_false(address_is_loopback(&address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(special_ranges),
		cmocka_unit_test(only_strict_text),
		cmocka_unit_test(text_and_back),
		cmocka_unit_test(from_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
