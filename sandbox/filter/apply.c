/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a filter: the whole of it is data (filter.h). */
#include "sandbox/filter/filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

int filter_apply(enum filter_name name)
{
	const struct filter_program *filter = &filter_programs[name];
	struct sock_fprog program = {.len = filter->length, .filter = (struct sock_filter *)filter->code};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}
