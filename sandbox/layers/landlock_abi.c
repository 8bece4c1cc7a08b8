/* SPDX-License-Identifier: Apache-2.0 */
/* Which Landlock this kernel has: the layers build on it, doctor tells it. */
#include "sandbox/layers/layer.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CREATE_RULESET_VERSION 1

int landlock_abi(void)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	return abi < 0 ? -errno : abi;
}
