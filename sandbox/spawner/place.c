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

/* All but those. Before anything is duplicated, so that placing needs no more of RLIMIT_NOFILE than is placed
 * twice, whatever the process that forked us holds. */
static int close_others(const int *kept, size_t count)
{
	for (unsigned low = 0;;) {
		unsigned next = ~0u;

		for (size_t i = 0; i < count; i++)
			if ((unsigned)kept[i] >= low && (unsigned)kept[i] < next)
				next = (unsigned)kept[i];
		if (next > low && syscall(SYS_close_range, low, next - (next != ~0u), 0) < 0)
			return -errno;
		if (next == ~0u)
			return 0;
		low = next + 1;
	}
}

int descriptors_place(const int *from, size_t count)
{
	int high[LIMIT_PLACED_DESCRIPTORS];
	int result;

	if (count > LIMIT_PLACED_DESCRIPTORS)
		return -EINVAL;
	result = close_others(from, count);
	if (result < 0)
		return result;
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
