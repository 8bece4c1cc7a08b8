/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker without its confinement, so that a test needs no spawner.
 * usage: bare-broker CONTROL [listed] [allow|deny HOST PORT]...     CONTROL: number of its descriptor
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "sandbox/egress/broker.h"

#define RULES 64

static int parse(struct plan *plan, char **words)
{
	while (*words) {
		if (strcmp(*words, "listed") == 0) {
			plan->network_listed = true;
			words++;
			continue;
		}
		bool allow = strcmp(*words, "allow") == 0;

		if (!words[1] || !words[2] || plan->allowed_count == RULES || plan->denied_count == RULES)
			return -1;
		struct plan_rule rule = {words[1], (uint16_t)strtoul(words[2], NULL, 10)};

		if (allow)
			plan->allowed[plan->allowed_count++] = rule;
		else
			plan->denied[plan->denied_count++] = rule;
		words += 3;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct plan_rule allowed[RULES], denied[RULES];
	struct plan plan = {.allowed = allowed, .denied = denied};
	struct resolver *resolver = NULL;
	struct broker broker;
	struct err err = {0};
	int result;

	if (argc < 2 || parse(&plan, argv + 2) < 0)
		return 2;
	result = resolver_new(&resolver, &err);
	if (result == 0) {
		result = broker_init(&broker, &plan, resolver, (int)strtol(argv[1], NULL, 10), -1,
				     broker_relays(), &err);
		if (result == 0)
			result = broker_run(&broker, &err);
		broker_deinit(&broker);
	}
	if (result < 0)
		fprintf(stderr, "bare-broker: %s\n", err.text);
	return result < 0;
}
