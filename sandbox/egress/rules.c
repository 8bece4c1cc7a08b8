/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network rules (rules.h says what they mean). Every way out of the two deciding functions goes through
 * refuse() or permit(), so that no answer leaves without its rule. Trusts the plan; the host and the address
 * come from hostile places but are already in their one spelling.
 */
#include "sandbox/egress/rules.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "protocol/cleanup.h"

#define LOCALHOST "localhost"

static bool is_default_port(uint16_t port)
{
	return port == 80 || port == 443;
}

static void entry_text(const struct plan_rule *rule, char *text, size_t size)
{
	bool brackets = strchr(rule->host, ':') != NULL;

	if (rule->port)
		snprintf(text, size, brackets ? "[%s]:%u" : "%s:%u", rule->host, rule->port);
	else
		snprintf(text, size, "%s", rule->host);
}

static void write_reach(const struct plan *plan, char *text, size_t size)
{
	size_t used = 0;

	if (!plan->network_listed) {
		snprintf(text, size, "public addresses on ports 80 and 443");
		return;
	}
	if (plan->allowed_count == 0) {
		snprintf(text, size, "nothing (network.allowedDomains is empty)");
		return;
	}
	text[0] = '\0';
	for (size_t i = 0; i < plan->allowed_count; i++) {
		char entry[300];
		size_t tail = i + 1 < plan->allowed_count ? 20 : 0; /* room for "and N more" */

		entry_text(&plan->allowed[i], entry, sizeof entry);
		if (used + strlen(entry) + 2 + tail >= size) {
			snprintf(text + used, size - used, " and %zu more", plan->allowed_count - i);
			return;
		}
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", entry);
	}
}

static bool permit(struct rules_answer *answer, const struct plan_rule *rule, const char *reason)
{
	char entry[100];

	answer->allowed = true;
	if (rule) {
		entry_text(rule, entry, sizeof entry);
		snprintf(answer->rule, sizeof answer->rule, "network.allowedDomains: %s", entry);
	} else {
		snprintf(answer->rule, sizeof answer->rule, "default: public addresses on ports 80 and 443");
	}
	snprintf(answer->reason, sizeof answer->reason, "%s", reason);
	return true;
}

static bool refuse_denied(struct rules_answer *answer, const struct plan_rule *rule, const char *what)
{
	char entry[100];

	entry_text(rule, entry, sizeof entry);
	snprintf(answer->rule, sizeof answer->rule, "network.deniedDomains: %s", entry);
	snprintf(answer->reason, sizeof answer->reason, "%.180s is denied", what);
	snprintf(answer->remedy, sizeof answer->remedy,
		 "Remove \"%s\" from network.deniedDomains in the policy.", entry);
	return false;
}

static bool __attribute__((format(printf, 6, 7)))
refuse(struct rules_answer *answer, const struct plan *plan, const char *host, uint16_t port,
       const char *rule, const char *format, ...)
{
	bool brackets = strchr(host, ':') != NULL;
	char wanted[160];
	va_list arguments;

	snprintf(wanted, sizeof wanted, brackets ? "[%.120s]:%u" : "%.120s:%u", host, port);
	snprintf(answer->rule, sizeof answer->rule, "%s", rule);
	va_start(arguments, format);
	vsnprintf(answer->reason, sizeof answer->reason, format, arguments);
	va_end(arguments);
	snprintf(answer->remedy, sizeof answer->remedy,
		 "Add \"%s\" to network.allowedDomains in the policy%s.", wanted,
		 plan->network_listed ? "" : " (once that list is given, only what it names is reached)");
	return false;
}

/* "*.example.org" takes every name below example.org; other entries are compared whole, addresses as such. */
bool rules_host_matches(const char *entry, const char *host)
{
	struct address wanted, given;
	size_t host_length = strlen(host), suffix;

	if (address_parse(&wanted, entry) == 0)
		return address_parse(&given, host) == 0 && address_equal(&wanted, &given);
	if (strncmp(entry, "*.", 2) != 0)
		return strcasecmp(entry, host) == 0;
	suffix = strlen(entry + 1);
	return address_parse(&given, host) < 0 && host_length > suffix &&
	       strcasecmp(host + host_length - suffix, entry + 1) == 0;
}

/* 127.0.0.1 and ::1, which the name localhost stands for. */
static bool is_localhost(const struct address *address)
{
	static const struct address ipv4 = {AF_INET, {127, 0, 0, 1}}, ipv6 = {AF_INET6, {[15] = 1}};

	return address_equal(address, &ipv4) || address_equal(address, &ipv6);
}

static bool names_address(const char *entry, const struct address *address)
{
	struct address wanted;

	if (strcasecmp(entry, LOCALHOST) == 0)
		return is_localhost(address);
	return address_parse(&wanted, entry) == 0 && address_equal(&wanted, address);
}

static bool port_allowed(const struct plan_rule *rule, uint16_t port)
{
	return rule->port ? rule->port == port : is_default_port(port);
}

static const struct plan_rule *find_denied(const struct plan *plan, const char *host, uint16_t port)
{
	for (size_t i = 0; i < plan->denied_count; i++)
		if ((!plan->denied[i].port || plan->denied[i].port == port) &&
		    rules_host_matches(plan->denied[i].host, host))
			return &plan->denied[i];
	return NULL;
}

/* An IPv4 address in IPv6 clothes is still that address to whoever denied it. */
static struct address undress(const struct address *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct address bare = *address;

	if (address->family == AF_INET6 && memcmp(address->bytes, mapped, sizeof mapped) == 0) {
		bare = (struct address){.family = AF_INET};
		memcpy(bare.bytes, address->bytes + 12, 4);
	}
	return bare;
}

static const struct plan_rule *find_denied_address(const struct plan *plan, const struct address *address,
						   uint16_t port)
{
	struct address bare = undress(address);

	for (size_t i = 0; i < plan->denied_count; i++) {
		const struct plan_rule *rule = &plan->denied[i];

		if (rule->port && rule->port != port)
			continue;
		if (names_address(rule->host, &bare) ||
		    (strcasecmp(rule->host, LOCALHOST) == 0 && address_is_loopback(&bare)))
			return rule;
	}
	return NULL;
}

static const struct plan_rule *find_allowed_address(const struct plan *plan, const struct address *address,
						    uint16_t port)
{
	for (size_t i = 0; i < plan->allowed_count; i++)
		if (port_allowed(&plan->allowed[i], port) && names_address(plan->allowed[i].host, address))
			return &plan->allowed[i];
	return NULL;
}

/* An entry that lets `host` be tried: by its name, or for localhost and addresses by what they stand for. */
static const struct plan_rule *find_allowed_host(const struct plan *plan, const char *host, uint16_t port,
						 bool *other_port)
{
	struct address address, entry;
	bool literal = address_parse(&address, host) == 0, localhost = strcmp(host, LOCALHOST) == 0;

	*other_port = false;
	for (size_t i = 0; i < plan->allowed_count; i++) {
		const struct plan_rule *rule = &plan->allowed[i];
		bool match = rules_host_matches(rule->host, host) ||
			     (literal && names_address(rule->host, &address)) ||
			     (localhost && address_parse(&entry, rule->host) == 0 && is_localhost(&entry));

		if (match && port_allowed(rule, port))
			return rule;
		*other_port = *other_port || match;
	}
	return NULL;
}

/* ---- the sandbox's own loopback ---- */

/* localhost and what is below it; the dot at its end is gone (host_normalise). */
static bool is_loopback_name(const char *host)
{
	size_t length = strlen(host), tail = strlen("." LOCALHOST);

	return strcasecmp(host, LOCALHOST) == 0 ||
	       (length > tail && strcasecmp(host + length - tail, "." LOCALHOST) == 0);
}

static bool is_unspecified(const struct address *address)
{
	static const uint8_t zero[sizeof address->bytes];

	return memcmp(address->bytes, zero, sizeof zero) == 0;
}

static bool means_loopback(const char *host)
{
	struct address address;

	if (address_parse(&address, host) < 0)
		return is_loopback_name(host);
	address = undress(&address);
	return address_is_loopback(&address) || is_unspecified(&address);
}

/* Who denies localhost denies every spelling of it, and who denies one of its addresses the names too. */
static const struct plan_rule *find_denied_loopback(const struct plan *plan, const char *host, uint16_t port)
{
	const struct plan_rule *rule = find_denied(plan, host, port);
	struct address address;

	if (!rule && address_parse(&address, host) == 0 && !is_unspecified(&address))
		return find_denied_address(plan, &address, port);
	if (!rule)
		rule = find_denied(plan, LOCALHOST, port);
	if (!rule)
		rule = find_denied(plan, "127.0.0.1", port);
	return rule ? rule : find_denied(plan, "::1", port);
}

bool rules_host(const struct plan *plan, const char *host, uint16_t port, struct rules_answer *answer)
{
	const struct plan_rule *rule =
		means_loopback(host) ? find_denied_loopback(plan, host, port) : find_denied(plan, host, port);
	struct address address;
	bool other_port;

	*answer = (struct rules_answer){0};
	write_reach(plan, answer->reach, sizeof answer->reach);
	if (!rule && address_parse(&address, host) == 0)
		rule = find_denied_address(plan, &address, port);
	if (rule)
		return refuse_denied(answer, rule, host);
	rule = find_allowed_host(plan, host, port, &other_port);
	if (rule)
		return permit(answer, rule, "an entry names it");
	if (plan->network_listed && other_port)
		return refuse(answer, plan, host, port, "network.allowedDomains",
			      "port %u of %.180s is not among the allowed", port, host);
	if (plan->network_listed)
		return refuse(answer, plan, host, port, "network.allowedDomains",
			      "%.180s is not among the allowed", host);
	if (!is_default_port(port))
		return refuse(answer, plan, host, port, "default: ports 80 and 443",
			      "port %u needs an entry of its own", port);
	return permit(answer, NULL, "it is allowed if its address is public");
}

bool rules_address(const struct plan *plan, const char *host, uint16_t port, const struct address *address,
		   struct rules_answer *answer)
{
	const struct plan_rule *rule = find_denied_address(plan, address, port);
	const char *special = address_special(address);
	char text[ADDRESS_TEXT_BYTES];

	*answer = (struct rules_answer){0};
	write_reach(plan, answer->reach, sizeof answer->reach);
	address_text(address, text);
	if (rule)
		return refuse_denied(answer, rule, text);
	if (!special) {
		bool other_port;

		/* the entry that let the host pass; NULL where the default did */
		return permit(answer, find_allowed_host(plan, host, port, &other_port),
			      "the address is public");
	}
	rule = find_allowed_address(plan, address, port);
	if (rule)
		return permit(answer, rule, "an entry names this address");
	if (strcmp(host, text) == 0)
		return refuse(answer, plan, text, port, "only public addresses, unless named",
			      "%s is not a public address (%s)", text, special);
	return refuse(answer, plan, text, port, "only public addresses, unless named",
		      "%.120s stands for %s, which is not a public address (%s)", host, text, special);
}

bool rules_inside(const struct plan *plan, const char *host, uint16_t port)
{
	bool other_port, below = strcasecmp(host, LOCALHOST) != 0 && is_loopback_name(host);

	return means_loopback(host) && !find_denied_loopback(plan, host, port) &&
	       (below || !find_allowed_host(plan, host, port, &other_port));
}

uint32_t rules_inside_place(const char *host)
{
	struct address address;

	if (address_parse(&address, host) < 0)
		return 0;
	address = undress(&address);
	if (is_unspecified(&address))
		return 0;
	if (address.family == AF_INET6)
		return 1;
	return (uint32_t)address.bytes[0] << 24 | (uint32_t)address.bytes[1] << 16 |
	       (uint32_t)address.bytes[2] << 8 | address.bytes[3];
}

bool rules_for_commands(const struct plan *plan)
{
	return plan->network_listed && plan->allowed_count > 0;
}

bool rules_name(const struct plan *plan, const char *host, struct rules_answer *answer)
{
	static const uint16_t usual[] = {443, 80};

	for (size_t i = 0; i < plan->allowed_count; i++)
		if (plan->allowed[i].port && rules_host(plan, host, plan->allowed[i].port, answer))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		if (rules_host(plan, host, usual[i], answer))
			return true;
	return false;
}

bool rules_connect(const struct plan *plan, const char *host, uint16_t port, struct rules_answer *answer)
{
	struct rules_answer second;
	struct address address;

	if (!rules_host(plan, host, port, answer))
		return false;
	if (strcmp(host, LOCALHOST) == 0) {
		/* either of its two addresses will do */
		address_parse(&address, "127.0.0.1");
		if (!rules_address(plan, host, port, &address, answer)) {
			address_parse(&address, "::1");
			if (rules_address(plan, host, port, &address, &second))
				*answer = second;
		}
	} else if (address_parse(&address, host) == 0) {
		rules_address(plan, host, port, &address, answer);
	} else {
		size_t used = strlen(answer->reason);

		snprintf(answer->reason + used, sizeof answer->reason - used, "%s",
			 answer->rule[0] == 'd' ? "" : ", and its address must be public or named");
	}
	return answer->allowed;
}

bool rules_explain(const struct plan *plan, const char *host, uint16_t port, struct rules_answer *answer)
{
	if (rules_inside(plan, host, port)) {
		*answer = (struct rules_answer){.allowed = true, .rule = RULES_INSIDE};
		write_reach(plan, answer->reach, sizeof answer->reach);
		snprintf(answer->reason, sizeof answer->reason,
			 "it is your sandbox's own loopback, where your commands listen");
		return true;
	}
	return rules_connect(plan, host, port, answer);
}
