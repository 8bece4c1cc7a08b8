/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors at the numbers that the next program expects (setup.h). */
#include "sandbox/spawner/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/limits.h"

#ifdef SALLYPORT_SANITIZED
/* the leak checker stops threads with ptrace, which no sealed process may */
const char *const executor_environment[] = {"ASAN_OPTIONS=detect_leaks=0", NULL};
#else
const char *const executor_environment[] = {NULL};
#endif

int descriptors_place(const int *from, size_t count)
{
	int high[LIMIT_PLACED_DESCRIPTORS];

	if (count > LIMIT_PLACED_DESCRIPTORS)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) { /* out of the way first, so that nothing is overwritten */
		high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, LIMIT_PLACED_DESCRIPTORS);
		if (high[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < count; i++)
		if (dup3(high[i], (int)i, i < 3 ? 0 : O_CLOEXEC) < 0)
			return -errno;
	if (syscall(SYS_close_range, (unsigned)count, ~0u, 0) < 0)
		return -errno;
	return 0;
}
