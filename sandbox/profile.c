/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of profiles (profile.h). Who wants to know what an executor is given reads its row, and its
 * filter. First what an executor of a kind has always, then what each confinement gives it.
 */
#include "sandbox/profile.h"

#include <sched.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

#define SANDBOX                                                                                              \
	.executor = EXECUTOR_SANDBOX, .name = "sandbox", .program = "sallyport-keeper", .view = VIEW_SYSTEM, \
	.workspace_owner = true, .keep_setup = true, .command_limits = true, .channels = 1

#define FILES                                                                                                \
	.executor = EXECUTOR_FILES, .name = "files", .program = "sallyport-files", .view = VIEW_WORKSPACES,  \
	.workspace_owner = true, .keep_stderr = true, .channels = 4, .files = LIMIT_EXECUTOR_FILES

/* finds and searches: the same without a right to change anything, so that a regular expression engine has
 * none */
#define SEARCH                                                                                               \
	.executor = EXECUTOR_SEARCH, .name = "search", .program = "sallyport-search",                        \
	.view = VIEW_WORKSPACES, .read_only = true, .workspace_owner = true, .keep_stderr = true,            \
	.channels = 4, .files = LIMIT_SEARCH_FILES

#define WEB                                                                                                  \
	.executor = EXECUTOR_WEB, .name = "web", .program = "sallyport-web", .view = VIEW_NOTHING,           \
	.keep_stderr = true, .channels = 3, .files = LIMIT_EXECUTOR_FILES

#define BROKER                                                                                               \
	.executor = EXECUTOR_BROKER, .name = "broker", .program = "sallyport-broker", .view = VIEW_NOTHING,  \
	.keep_stderr = true, .channels = 2, .files = LIMIT_BROKER_FILES

#define ISOLATED (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS)

/* clang-format off */
static const struct profile profiles[CONFINEMENT_COUNT][EXECUTOR_COUNT] = {
	[CONFINEMENT_FULL] = {
		{SANDBOX, .confinement = CONFINEMENT_FULL,
		 .layers = LAYER_NETWORK | LAYER_MOUNTS | LAYER_NAMESPACES | LAYER_SUPERVISOR,
		 .namespaces = ISOLATED | CLONE_NEWNET, .filter = FILTER_COMMAND},
		/* its filter has no socket call at all, so a network namespace would cost 1.2 ms and give
		   nothing */
		{FILES, .confinement = CONFINEMENT_FULL,
		 .layers = LAYER_MOUNTS | LAYER_NAMESPACES,
		 .namespaces = ISOLATED, .filter = FILTER_FILES},
		{SEARCH, .confinement = CONFINEMENT_FULL,
		 .layers = LAYER_MOUNTS | LAYER_NAMESPACES,
		 .namespaces = ISOLATED, .filter = FILTER_SEARCH},
		{WEB, .confinement = CONFINEMENT_FULL,
		 .layers = LAYER_MOUNTS | LAYER_NAMESPACES,
		 .namespaces = ISOLATED | CLONE_NEWNET, .filter = FILTER_WEB},
		/* the one that connects: it stays in the host's network */
		{BROKER, .confinement = CONFINEMENT_FULL,
		 .layers = LAYER_MOUNTS | LAYER_NAMESPACES,
		 .namespaces = ISOLATED, .filter = FILTER_BROKER},
	},
	/* No namespace and no mount: Landlock decides about reading too, and seccomp about what it leaves open. */
	[CONFINEMENT_CONTAINER] = {
		{SANDBOX, .confinement = CONFINEMENT_CONTAINER,
		 .layers = LAYER_PRIVATE | LAYER_GAPS | LAYER_SIGNALS | LAYER_SUPERVISOR | LAYER_REACH,
		 .filter = FILTER_CONTAINER},
		{FILES, .confinement = CONFINEMENT_CONTAINER, .layers = LAYER_WORKSPACES,
		 .filter = FILTER_FILES},
		{SEARCH, .confinement = CONFINEMENT_CONTAINER, .layers = LAYER_WORKSPACES,
		 .filter = FILTER_SEARCH},
		{WEB, .confinement = CONFINEMENT_CONTAINER, .filter = FILTER_WEB},
		{BROKER, .confinement = CONFINEMENT_CONTAINER, .filter = FILTER_BROKER},
	},
	/* The same without a place for temporary files and without the supervisor, so that commands write
	   protected paths, and with signals to whoever has the same uid. */
	[CONFINEMENT_MINIMAL] = {
		{SANDBOX, .confinement = CONFINEMENT_MINIMAL, .layers = LAYER_GAPS,
		 .filter = FILTER_CONTAINER},
		{FILES, .confinement = CONFINEMENT_MINIMAL, .layers = LAYER_WORKSPACES,
		 .filter = FILTER_FILES},
		{SEARCH, .confinement = CONFINEMENT_MINIMAL, .layers = LAYER_WORKSPACES,
		 .filter = FILTER_SEARCH},
		{WEB, .confinement = CONFINEMENT_MINIMAL, .filter = FILTER_WEB},
		{BROKER, .confinement = CONFINEMENT_MINIMAL, .filter = FILTER_BROKER},
	},
};
/* clang-format on */

const struct profile *profile_find(enum executor_profile executor, enum confinement confinement)
{
	if ((size_t)executor >= EXECUTOR_COUNT || (size_t)confinement >= CONFINEMENT_COUNT)
		return NULL;
	return profiles[confinement][executor].name ? &profiles[confinement][executor] : NULL;
}

bool profile_has(enum confinement confinement, const char *layer)
{
	const struct profile *row = profile_find(EXECUTOR_SANDBOX, confinement);
	const struct {
		const char *name;
		bool has;
	} optional[] = {
		{"namespaces", row->namespaces != 0},           {"network", row->layers & LAYER_NETWORK},
		{"mounts", row->layers & LAYER_MOUNTS},         {"private", row->layers & LAYER_PRIVATE},
		{"supervisor", row->layers & LAYER_SUPERVISOR},
	};

	for (size_t i = 0; i < ARRAY_SIZE(optional); i++)
		if (!strcmp(layer, optional[i].name))
			return optional[i].has;
	return true;
}
