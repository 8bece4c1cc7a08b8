/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which addresses are public. One table, first match wins, and for IPv6 what no line names is not public:
 * only 2000::/3 has been given out. Trusts nothing, decides everything: the broker asks it for every address
 * it is about to connect to.
 */
#include "sandbox/egress/addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

struct range {
	const char *prefix;
	unsigned bits;
	const char *what; /* NULL: public */
};

/* https://www.iana.org/assignments/iana-ipv4-special-registry */
static const struct range ranges_ipv4[] = {
	{"0.0.0.0", 8, "this network"},
	{"10.0.0.0", 8, "private"},
	{"100.64.0.0", 10, "shared by a provider (CGNAT)"},
	{"127.0.0.0", 8, "loopback"},
	{"168.63.129.16", 32,
	 "a cloud platform's own"},        /* Azure: looks public, answers only inside a machine */
	{"169.254.0.0", 16, "link-local"}, /* also where clouds keep credentials */
	{"172.16.0.0", 12, "private"},
	{"192.0.0.0", 24, "reserved for protocols"},
	{"192.0.2.0", 24, "for documentation"},
	{"192.88.99.0", 24, "a 6to4 relay"},
	{"192.168.0.0", 16, "private"},
	{"198.18.0.0", 15, "for benchmarks"}, /* and the names that sandboxes see */
	{"198.51.100.0", 24, "for documentation"},
	{"203.0.113.0", 24, "for documentation"},
	{"224.0.0.0", 4, "multicast"},
	{"255.255.255.255", 32, "broadcast"},
	{"240.0.0.0", 4, "reserved"},
	{"0.0.0.0", 0, NULL},
};

/* https://www.iana.org/assignments/iana-ipv6-special-registry */
static const struct range ranges_ipv6[] = {
	{"::", 128, "unspecified"},
	{"::1", 128, "loopback"},
	{"::ffff:0:0", 96, "IPv4-mapped"},
	{"::ffff:0:0:0", 96, "IPv4-translated"},
	{"::", 96, "IPv4-compatible"},
	{"64:ff9b::", 96, "NAT64"},
	{"64:ff9b:1::", 48, "NAT64"},
	{"100::", 64, "discard-only"},
	{"2001::", 32, "Teredo"},
	{"2001:2::", 48, "for benchmarks"},
	{"2001::", 23, "reserved for protocols"},
	{"2001:db8::", 32, "for documentation"},
	{"2002::", 16, "6to4"},
	{"3fff::", 20, "for documentation"},
	{"fc00::", 7, "private (unique local)"},
	{"fe80::", 10, "link-local"},
	{"fec0::", 10, "site-local"},
	{"ff00::", 8, "multicast"},
	{"2000::", 3, NULL},
	{"::", 0, "reserved"},
};

static size_t address_length(const struct address *address)
{
	return address->family == AF_INET ? 4 : 16;
}

int address_parse(struct address *address, const char *text)
{
	struct address parsed = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};

	if (inet_pton(parsed.family, text, parsed.bytes) != 1)
		return -EINVAL;
	*address = parsed;
	return 0;
}

int address_from_socket(struct address *address, const struct sockaddr *from)
{
	*address = (struct address){.family = from->sa_family};
	if (from->sa_family == AF_INET) {
		memcpy(address->bytes, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
		return 0;
	}
	if (from->sa_family == AF_INET6) {
		memcpy(address->bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
		return 0;
	}
	return -EAFNOSUPPORT;
}

void address_text(const struct address *address, char text[ADDRESS_TEXT_BYTES])
{
	if (!inet_ntop(address->family, address->bytes, text, ADDRESS_TEXT_BYTES))
		text[0] = '\0';
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, address_length(a)) == 0;
}

static bool in_range(const struct address *address, const struct range *range)
{
	struct address prefix;
	unsigned whole = range->bits / 8, rest = range->bits % 8;

	if (address_parse(&prefix, range->prefix) < 0 || prefix.family != address->family)
		return false;
	if (memcmp(address->bytes, prefix.bytes, whole) != 0)
		return false;
	return rest == 0 || ((address->bytes[whole] ^ prefix.bytes[whole]) >> (8 - rest)) == 0;
}

bool address_is_loopback(const struct address *address)
{
	static const struct range loopback[] = {{"127.0.0.0", 8, ""}, {"::1", 128, ""}};

	return in_range(address, &loopback[0]) || in_range(address, &loopback[1]);
}

const char *address_special(const struct address *address)
{
	const struct range *ranges = address->family == AF_INET ? ranges_ipv4 : ranges_ipv6;

	if (address->family != AF_INET && address->family != AF_INET6)
		return "of an unknown family";
	while (!in_range(address, ranges)) /* the last line of each table takes all */
		ranges++;
	return ranges->what;
}
