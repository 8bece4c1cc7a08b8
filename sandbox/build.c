/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which a process confines itself, and nothing else. Each layer needs what those above it left
 * and takes away what those below it no longer need:
 *
 *   mounts and network need privilege; identity gives it up; Landlock must see the final mounts and needs
 *   no_new_privs; the filter comes last because it refuses most of what the others did.
 */
#include "sandbox/build.h"

#include "protocol/cleanup.h"

static const struct {
	const char *name;
	int (*apply)(struct layer_context *context);
	unsigned layer; /* LAYER_* without which it is passed over; 0: every profile has it */
} order[] = {
	{"parent", layer_parent, 0},
	{"session", layer_session, 0},
	{"network", layer_network, LAYER_NETWORK},
	{"network", layer_reach, LAYER_REACH},
	{"mounts", layer_mounts, LAYER_MOUNTS},
	{"workspaces", layer_workspaces, LAYER_WORKSPACES},
	{"namespaces", layer_namespaces, LAYER_NAMESPACES},
	{"identity", layer_identity, 0},
	{"parent", layer_parent, 0}, /* the change of identity cleared it */
	{"descriptors", layer_descriptors, 0},
	{"resources", layer_resources, 0},
	{"privileges", layer_privileges, 0},
	{"landlock", layer_landlock, 0},
	{"seccomp", layer_gaps, LAYER_GAPS},
	{"seccomp", layer_filter, 0},
};

int build_confinement(struct layer_context *context, const char **layer)
{
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		if (order[i].layer && !(context->profile->layers & order[i].layer))
			continue;
		*layer = order[i].name;
		context->failure = (struct layer_failure){.step = "", .detail = ""};
		int result = order[i].apply(context);

		if (result < 0)
			return result;
	}
	return 0;
}
