/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_POLICY_SECRETS_H
#define SALLYPORT_SERVER_POLICY_SECRETS_H

/* The secrets of network.inject: read once, at the start, into a sealed memfd that the spawner keeps and web
 * executors alone get. Nothing else of ours holds one from then on. */

#include <sys/types.h>

#include "sandbox/plan.h"
#include "server/policy/policy.h"

/*
 * Reads those of a policy that was compiled into `plan`, in the order of plan->injects, each as prefix and
 * secret. `home` as policy_compile()'s; `owner`: as whom commands run. 0 with the descriptor in *memfd, -1
 * where there are none; or -errno with a sentence that names entry and place and holds no secret: a file that
 * others can read or write, or that commands could; a variable that is not set; a value that no header can
 * have; a host that is the sandboxes' own loopback.
 */
int policy_secrets_open(const struct policy *policy, const struct plan *plan, const char *home, uid_t owner,
			int *memfd, struct err *err);
/* Takes the variables with secrets out of this process's environment, and overwrites them, so that neither
 * /proc/PID/environ nor a child shows them. After all policies that may name them were read. */
void policy_secrets_forget(const struct policy *policy);

#endif
