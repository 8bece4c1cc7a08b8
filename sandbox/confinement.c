/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the profiles, as policy, doctor and refusals spell them. */
#include "sandbox/confinement.h"

#include <stddef.h>

const char *const confinement_layers[] = {"namespaces",  "network",   "mounts",     "identity",
					  "descriptors", "resources", "privileges", "landlock",
					  "seccomp",     "cgroup",    NULL};

const char *confinement_name(enum confinement confinement)
{
	static const char *const names[CONFINEMENT_COUNT] = {[CONFINEMENT_FULL] = "full",
							     [CONFINEMENT_CONTAINER] = "container",
							     [CONFINEMENT_MINIMAL] = "minimal"};

	return (size_t)confinement < CONFINEMENT_COUNT && names[confinement] ? names[confinement] : "none";
}
