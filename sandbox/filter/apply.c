/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a filter: the whole of it is data (filter.h). */
#include "sandbox/filter/filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

static int load(enum filter_name name, unsigned flags)
{
	const struct filter_program *filter = &filter_programs[name];
	struct sock_fprog program = {.len = filter->length, .filter = (struct sock_filter *)filter->code};
	int result = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);

	return result < 0 ? -errno : result;
}

int filter_apply(enum filter_name name)
{
	return load(name, 0);
}

int filter_listen(enum filter_name name, unsigned flags)
{
	return load(name, SECCOMP_FILTER_FLAG_NEW_LISTENER | flags);
}
