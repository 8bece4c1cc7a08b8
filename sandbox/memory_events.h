/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_MEMORY_EVENTS_H
#define SALLYPORT_SANDBOX_MEMORY_EVENTS_H

/* memory.events of a group of cgroup v2, as far as anybody here wants to know. */

#include <stdint.h>

/*
 * How many processes in the group the kernel has killed for want of memory so far, from the file that is open
 * as `fd` (-1: there is none). 0, -ENODEV when the group is gone, or another -errno; then *killed is
 * unchanged.
 */
int memory_events_killed(int fd, uint64_t *killed);

/* The number beside `key` in lines of "key number". 0 or -ENOENT. */
int memory_events_find(const char *text, const char *key, uint64_t *number);

#endif
