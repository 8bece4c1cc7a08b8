/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request may be (methods.h). Trusts the plan; method, header names and values are the model's, or
 * those of a page that has talked it into them.
 */
#include "sandbox/egress/methods.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "protocol/cleanup.h"

const char *const plan_methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", NULL};

/* "POST, PUT" */
static void list_methods(uint32_t methods, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < PLAN_METHODS && used < size; i++)
		if (methods & 1u << i)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
						 plan_methods[i]);
}

static void entry_text(const struct plan_rule *rule, char *text, size_t size)
{
	bool brackets = strchr(rule->host, ':') != NULL;

	if (rule->port)
		snprintf(text, size, brackets ? "[%.80s]:%u" : "%.80s:%u", rule->host, rule->port);
	else
		snprintf(text, size, "%.80s", rule->host);
}

/* What may be asked at that host, and the first entries that allow more elsewhere. */
static void write_reach(const struct plan *plan, uint32_t here, char *text, size_t size)
{
	char methods[64], entry[100];
	size_t used;

	list_methods(here, methods, sizeof methods);
	used = (size_t)snprintf(text, size, "GET and HEAD without headers or a body of your own%s%s%s",
				here ? ", and with them " : "", methods, here ? " there" : "");
	for (size_t i = 0; i < plan->method_count; i++) {
		entry_text(&plan->methods[i].rule, entry, sizeof entry);
		list_methods(plan->methods[i].methods, methods, sizeof methods);
		if (used + strlen(entry) + strlen(methods) + 32 >= size) {
			snprintf(text + used, size - used, "; and %zu more", plan->method_count - i);
			return;
		}
		used += (size_t)snprintf(text + used, size - used, "; %s at %s", methods, entry);
	}
}

bool rules_names(const struct plan_rule *rule, const char *host, uint16_t port)
{
	return (rule->port ? rule->port == port : port == 80 || port == 443) &&
	       rules_host_matches(rule->host, host);
}

static bool refuse(const struct plan *plan, const char *host, uint16_t port, enum plan_method method,
		   uint32_t here, struct rules_answer *answer)
{
	bool brackets = strchr(host, ':') != NULL, usual = port == 80 || port == 443;
	char wanted[140];

	snprintf(wanted, sizeof wanted, brackets ? "[%.120s]:%u" : "%.120s:%u", host, port);
	if (usual)
		snprintf(wanted, sizeof wanted, "%.120s", host);
	if (here)
		snprintf(answer->rule, sizeof answer->rule, "network.methods");
	else
		snprintf(answer->rule, sizeof answer->rule,
			 "default: GET and HEAD, without headers or a body");
	if (method <= PLAN_METHOD_HEAD)
		snprintf(answer->reason, sizeof answer->reason,
			 "%s to %.120s with headers or a body of your own is not among the allowed",
			 plan_methods[method], host);
	else
		snprintf(answer->reason, sizeof answer->reason, "%s to %.120s is not among the allowed",
			 plan_methods[method], host);
	snprintf(answer->remedy, sizeof answer->remedy,
		 "Add {\"domain\": \"%s\", \"methods\": [\"%s\"]} to network.methods in the policy.", wanted,
		 plan_methods[method]);
	if (rules_inside(plan, host, port))
		snprintf(answer->reach, sizeof answer->reach,
			 "GET and HEAD; and anything by curl in run_command, beside the server");
	else
		write_reach(plan, here, answer->reach, sizeof answer->reach);
	return false;
}

bool rules_method(const struct plan *plan, const char *host, uint16_t port, enum plan_method method,
		  bool more, struct rules_answer *answer)
{
	char entry[100];
	uint32_t here = 0;

	*answer = (struct rules_answer){.allowed = true};
	if (rules_inside(plan, host, port) && method <= PLAN_METHOD_HEAD) {
		snprintf(answer->rule, sizeof answer->rule, RULES_INSIDE);
		return true;
	}
	for (size_t i = 0; i < plan->method_count; i++) {
		const struct plan_methods *at = &plan->methods[i];

		if (!rules_names(&at->rule, host, port))
			continue;
		here |= at->methods;
		if (at->methods & 1u << method) {
			entry_text(&at->rule, entry, sizeof entry);
			snprintf(answer->rule, sizeof answer->rule, "network.methods: %s", entry);
			return true;
		}
	}
	if (method <= PLAN_METHOD_HEAD && !more) {
		snprintf(answer->rule, sizeof answer->rule, "default: GET and HEAD");
		return true;
	}
	answer->allowed = false;
	return refuse(plan, host, port, method, here, answer);
}

/* ---- headers ---- */

/*
 * Names that neither model nor policy say; one that ends in a hyphen stands for all that begin so. Framing
 * and connection: RFC 9110 section 7.6.1, RFC 9112. What libcurl adds beside them (Accept-Encoding) decides
 * how the body is read. Sec-* and Proxy-*: fetch.spec.whatwg.org, "forbidden request-header".
 */
static const char *const reserved[] = {"accept-encoding",
				       "connection",
				       "content-length",
				       "expect",
				       "host",
				       "http2-settings",
				       "keep-alive",
				       "proxy-",
				       "sec-",
				       "te",
				       "trailer",
				       "transfer-encoding",
				       "upgrade",
				       "user-agent",
				       "via",
				       NULL};

static bool is_token(const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!(isascii((unsigned char)name[i]) && isalnum((unsigned char)name[i])) &&
		    (!name[i] || !strchr("!#$%&'*+-.^_`|~", name[i])))
			return false;
	return length > 0;
}

static bool is_named(const char *pattern, const char *name, size_t length)
{
	size_t wanted = strlen(pattern);

	if (pattern[wanted - 1] == '-')
		return length >= wanted && strncasecmp(pattern, name, wanted) == 0;
	return length == wanted && strncasecmp(pattern, name, length) == 0;
}

static bool is_value(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (((unsigned char)value[i] < 0x20 && value[i] != '\t') || value[i] == 0x7f)
			return false;
	return true;
}

static const char *judge_name(const char *name, size_t length)
{
	if (!is_token(name, length))
		return "is not the name of a header";
	for (size_t i = 0; reserved[i]; i++)
		if (is_named(reserved[i], name, length))
			return "is set by this program and cannot be given";
	return NULL;
}

const char *rules_header_of_policy(const char *name)
{
	return !judge_name(name, strlen(name)) ? NULL
					       : "header must be a header's name that this program does "
						 "not set itself";
}

const char *rules_header(const struct plan *plan, const char *host, uint16_t port, const char *name,
			 size_t name_length, const char *value, size_t value_length)
{
	const char *why = judge_name(name, name_length);

	if (why)
		return why;
	if (!is_value(value, value_length))
		return "has a value with control characters in it";
	for (size_t i = 0; i < plan->inject_count; i++)
		if (rules_names(&plan->injects[i].rule, host, port) &&
		    is_named(plan->injects[i].header, name, name_length))
			return "is set by the policy for this host and cannot be given";
	return NULL;
}
