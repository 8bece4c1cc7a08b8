/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a command's connection is for. In a network of its own it says so by the address that it connected to;
 * elsewhere its keeper has said so before (reach.c). An address of the synthetic range stands for the name
 * that it was given out for, every other for itself.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "sandbox/egress/broker.h"
#include "sandbox/egress/listeners.h"
#include "sandbox/egress/names.h"

static uint32_t number(const struct address *address)
{
	return (uint32_t)address->bytes[0] << 24 | (uint32_t)address->bytes[1] << 16 |
	       (uint32_t)address->bytes[2] << 8 | address->bytes[3];
}

bool destination_is_synthetic(const struct address *address)
{
	return address->family == AF_INET && number(address) >> (32 - SYNTHETIC_PREFIX_BITS) ==
						     SYNTHETIC_NETWORK >> (32 - SYNTHETIC_PREFIX_BITS);
}

bool destination_address(struct network *network, int accepted, const struct sockaddr_storage *from,
			 struct address *address, uint16_t *port)
{
	struct sockaddr_storage local;
	socklen_t length = sizeof local;

	if (network->reach)
		return reach_accepted(network->reach, from, address, port);
	if (getsockname(accepted, (struct sockaddr *)&local, &length) < 0 ||
	    address_from_socket(address, (struct sockaddr *)&local) < 0)
		return false;
	*port = ntohs(((const struct sockaddr_in *)&local)->sin_port); /* at the same place for IPv6 */
	return true;
}

/* An address of the loopback is what localhost names, if that is what the policy says. */
static void literal(const struct plan *plan, const struct address *address, uint16_t port,
		    char host[HOST_TEXT_BYTES])
{
	struct rules_answer ignored;

	if (address_is_loopback(address) && rules_host(plan, "localhost", port, &ignored))
		snprintf(host, HOST_TEXT_BYTES, "localhost");
	else
		address_text(address, host);
}

bool destination_host(struct network *network, const struct address *address, uint16_t port,
		      char host[HOST_TEXT_BYTES])
{
	const struct rules_answer unknown = {
		.rule = "network.allowedDomains",
		.reason = "no name that was looked up has this address (any more)",
		.remedy = "Look the name up again and connect to what it has now."};
	const char *name;

	if (!destination_is_synthetic(address)) {
		literal(network->broker->plan, address, port, host);
		return true;
	}
	name = names_host(network->names, number(address));
	snprintf(host, HOST_TEXT_BYTES, "%s", name ? name : "");
	if (!name) {
		address_text(address, host);
		network_deny(network, "connect", host, port, &unknown);
	}
	return name != NULL;
}

bool destination_is_question(const struct network *network, const struct address *address, uint16_t port)
{
	char host[HOST_TEXT_BYTES];
	struct rules_answer ignored;

	if (port != LISTENERS_DNS_PORT || destination_is_synthetic(address))
		return false;
	if (!network->reach) /* the address that the sandbox's resolv.conf names */
		return address->family == AF_INET && number(address) == INADDR_LOOPBACK;
	/* its name servers are the machine's, whose addresses we do not know: all but what policy names */
	literal(network->broker->plan, address, port, host);
	return !rules_connect(network->broker->plan, host, port, &ignored);
}
