/* SPDX-License-Identifier: Apache-2.0 */
/* Which sockets a plan needs inside a sandbox (listeners.h). Trusts the plan. */
#include "sandbox/egress/listeners.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

struct listeners {
	struct listener *list;
	size_t count, max;
};

static bool is_any(const struct listener *listener)
{
	static const uint8_t zero[16];

	return memcmp(listener->address.bytes, zero, sizeof zero) == 0;
}

/* One of any address takes the place of all others of its port. */
static void remove_port(struct listeners *listeners, int family, uint16_t port)
{
	size_t kept = 0;

	for (size_t i = 0; i < listeners->count; i++)
		if (listeners->list[i].port != port || listeners->list[i].address.family != family)
			listeners->list[kept++] = listeners->list[i];
	listeners->count = kept;
}

static int add(struct listeners *listeners, const struct address *address, uint16_t port)
{
	struct listener wanted = {*address, port};
	size_t others = 0;

	for (size_t i = 0; i < listeners->count; i++) {
		const struct listener *at = &listeners->list[i];

		if (at->port != port || at->address.family != address->family)
			continue;
		if (is_any(at) || address_equal(&at->address, address))
			return 0;
		others++;
	}
	if (others == LIMIT_LISTENERS_PORT)
		memset(wanted.address.bytes, 0, sizeof wanted.address.bytes);
	if (is_any(&wanted))
		remove_port(listeners, address->family, port);
	if (listeners->count == listeners->max)
		return -E2BIG;
	listeners->list[listeners->count++] = wanted;
	return 0;
}

static int add_ports(struct listeners *listeners, const struct plan_rule *rule, const struct address *address)
{
	int result;

	if (rule->port)
		return add(listeners, address, rule->port);
	result = add(listeners, address, 80);
	return result < 0 ? result : add(listeners, address, 443);
}

static int add_rule(struct listeners *listeners, const struct plan_rule *rule)
{
	static const struct address any = {AF_INET, {0}}, loopback = {AF_INET, {127, 0, 0, 1}},
				    loopback6 = {AF_INET6, {[15] = 1}};
	struct address address;
	int result;

	if (address_parse(&address, rule->host) == 0)
		return add_ports(listeners, rule, &address);
	if (strcmp(rule->host, "localhost") != 0)
		return add_ports(listeners, rule, &any);
	result = add_ports(listeners, rule, &loopback);
	return result < 0 ? result : add_ports(listeners, rule, &loopback6);
}

int listeners_list(const struct plan *plan, struct listener *list, size_t max)
{
	static const struct address dns = {AF_INET, {127, 0, 0, 1}};
	struct listeners listeners = {.list = list, .max = max};
	int result = add(&listeners, &dns, LISTENERS_DNS_PORT);

	for (size_t i = 0; i < plan->allowed_count && result == 0; i++)
		result = add_rule(&listeners, &plan->allowed[i]);
	return result < 0 ? result : (int)listeners.count;
}

bool listeners_local(const struct plan_rule *rule, struct address *address)
{
	return address_parse(address, rule->host) == 0 && !address_is_loopback(address);
}
