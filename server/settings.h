/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_SETTINGS_H
#define SALLYPORT_SERVER_SETTINGS_H

/*
 * What the server was told, complete: command line and policy together. Loaded once, before anything else;
 * constant from then on.
 */

#include "protocol/buffer.h"
#include "protocol/error.h"
#include "sandbox/plan.h"
#include "server/options.h"
#include "server/policy/policy.h"

struct settings {
	struct policy policy;      /* as it stands in the file, or the defaults */
	struct plan plan;          /* what the sandboxes are told */
	uint32_t answer_within_ms; /* --answer-within, else policy; 0: patience_of(clientInfo.name) */
	const char *instance;      /* --instance, or NULL */
	int secrets;               /* of network.inject, sealed (policy/secrets.h); -1: none, or given away */
	struct buffer notes;       /* sentences for the person, a line each; not errors */
};

/*
 * Reads the policy that `options` names (or takes the defaults), checks the workspaces, compiles the plan.
 * What stands on the command line wins over the policy. Returns 0, or -errno with a sentence; all of them
 * mean that the person has to change something (EXIT_USAGE). On failure nothing is held.
 */
int settings_load(struct settings *settings, const struct options *options, struct err *err);
void settings_deinit(struct settings *settings);

#endif
