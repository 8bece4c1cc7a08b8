/* SPDX-License-Identifier: Apache-2.0 */
/* The table of profiles (profile.h). Who wants to know what an executor is given reads its row, and its
 * filter. */
#include "sandbox/profile.h"

#include <sched.h>

#include "protocol/cleanup.h"

#define ISOLATED (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS)

static const struct profile profiles[CONFINEMENT_COUNT][EXECUTOR_COUNT] = {
	[CONFINEMENT_FULL] =
		{
			[EXECUTOR_SANDBOX] = {.executor = EXECUTOR_SANDBOX,
					      .name = "sandbox",
					      .program = "sallyport-keeper",
					      .confinement = CONFINEMENT_FULL,
					      .layers = LAYER_NETWORK | LAYER_MOUNTS | LAYER_NAMESPACES,
					      .namespaces = ISOLATED | CLONE_NEWNET,
					      .view = VIEW_SYSTEM,
					      .filter = FILTER_COMMAND,
					      .workspace_owner = true,
					      .keep_setup = true,
					      .command_limits = true,
					      .channels = 1},
			/* its filter has no socket call at all, so a network namespace would cost 1.2 ms and
			   give nothing */
			[EXECUTOR_FILES] = {.executor = EXECUTOR_FILES,
					    .name = "files",
					    .program = "sallyport-files",
					    .confinement = CONFINEMENT_FULL,
					    .layers = LAYER_MOUNTS | LAYER_NAMESPACES,
					    .namespaces = ISOLATED,
					    .view = VIEW_WORKSPACES,
					    .filter = FILTER_FILES,
					    .workspace_owner = true,
					    .keep_stderr = true,
					    .channels = 4},
			[EXECUTOR_WEB] = {.executor = EXECUTOR_WEB,
					  .name = "web",
					  .program = "sallyport-web",
					  .confinement = CONFINEMENT_FULL,
					  .layers = LAYER_MOUNTS | LAYER_NAMESPACES,
					  .namespaces = ISOLATED | CLONE_NEWNET,
					  .view = VIEW_NOTHING,
					  .filter = FILTER_WEB,
					  .keep_stderr = true,
					  .channels = 2},
			/* the one that connects: it stays in the host's network */
			[EXECUTOR_BROKER] = {.executor = EXECUTOR_BROKER,
					     .name = "broker",
					     .program = "sallyport-broker",
					     .confinement = CONFINEMENT_FULL,
					     .layers = LAYER_MOUNTS | LAYER_NAMESPACES,
					     .namespaces = ISOLATED,
					     .view = VIEW_NOTHING,
					     .filter = FILTER_BROKER,
					     .keep_stderr = true,
					     .channels = 1},
		},
};

const struct profile *profile_find(enum executor_profile executor, enum confinement confinement)
{
	if ((size_t)executor >= EXECUTOR_COUNT || (size_t)confinement >= CONFINEMENT_COUNT)
		return NULL;
	return profiles[confinement][executor].name ? &profiles[confinement][executor] : NULL;
}
