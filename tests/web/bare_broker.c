/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker without its confinement, so that a test needs no spawner.
 * usage: bare-broker CONTROL [WORD]...     number of its descriptor, the policy (words.h)
 */
#include <stdio.h>
#include <stdlib.h>

#include "protocol/cleanup.h"
#include "sandbox/egress/broker.h"
#include "tests/web/words.h"

int main(int argc, char **argv)
{
	_cleanup_(plan_deinit) struct plan plan;
	struct resolver *resolver = NULL;
	struct broker broker;
	struct err err = {0};
	int result;

	plan_init(&plan);
	if (argc < 2 || words_read(&plan, argv + 2) < 0)
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
