/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-broker: the only process that resolves names and connects. Reads resolv.conf and hosts, is sealed
 * (no file, no exec), and serves web executors by the plan's network rules.
 */
#include <stdio.h>

#include "protocol/cleanup.h"
#include "sandbox/egress/broker.h"
#include "sandbox/executor.h"

int main(void)
{
	_cleanup_(executor_deinit) struct executor executor = {0};
	struct resolver *resolver = NULL;
	struct broker broker;
	struct err err = {0};
	size_t relays = broker_relays();
	int result = executor_receive(EXECUTOR_BROKER, &executor, &err);

	if (result == 0 && (result = resolver_new(&resolver, &err)) < 0)
		executor_fail("names", "resolv.conf", result, err.text);
	if (result == 0)
		result = executor_enter(&executor, &err);
	if (result == 0) {
		result = broker_init(&broker, &executor.plan, resolver, EXECUTOR_CHANNEL,
				     EXECUTOR_CHANNEL + 1, relays, &err);
		resolver = NULL; /* the broker's */
		if (result == 0)
			result = broker_run(&broker, &err);
		broker_deinit(&broker);
	}
	resolver_free(resolver);
	if (result < 0)
		fprintf(stderr, "sallyport-broker: %s\n", err.text);
	return result < 0;
}
