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
} order[] = {
	{"parent", layer_parent},           {"session", layer_session},
	{"network", layer_network},         {"mounts", layer_mounts},
	{"identity", layer_identity},       {"parent", layer_parent}, /* the change of identity cleared it */
	{"descriptors", layer_descriptors}, {"resources", layer_resources},
	{"privileges", layer_privileges},   {"landlock", layer_landlock},
	{"seccomp", layer_filter},
};

int build_confinement(struct layer_context *context, const char **layer)
{
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		*layer = order[i].name;
		context->failure = (struct layer_failure){.step = "", .detail = ""};
		int result = order[i].apply(context);

		if (result < 0)
			return result;
	}
	return 0;
}
