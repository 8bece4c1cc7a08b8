/* SPDX-License-Identifier: Apache-2.0 */
/* Seals the frontend (seal.h). The spare was forked before: what this process gives up, it can never have
 * again. */
#include "server/seal.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"

/* Started by root, this process keeps root's uid, but nothing of its power. */
static int drop_capabilities(struct err *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	/* nor could it get any back; an ordinary user may not say so, and need not */
	for (int number = 0; prctl(PR_CAPBSET_DROP, number) == 0; number++)
		;
	if (syscall(SYS_capset, &header, none) < 0)
		return err_set(err, -errno, "the frontend cannot drop its capabilities: capset: %s",
			       err_name(errno));
	return 0;
}

int seal_frontend(enum filter_name filter, struct err *err)
{
	int result = drop_capabilities(err);

	if (result == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		result = err_set(err, -errno, "the frontend cannot be sealed: no_new_privs: %s",
				 err_name(errno));
	if (result == 0) {
		result = filter_apply(filter);
		if (result < 0)
			err_set(err, result, "the frontend cannot be sealed: seccomp: %s", err_name(result));
	}
	return result;
}
