/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_ALLOCATOR_H
#define SALLYPORT_TESTS_ALLOCATOR_H

/*
 * An allocator that fails on request (the linker puts it in the place of malloc and its kin, --wrap).
 * Counting begins with fault_arm: the allocation number `at` (from 1) fails, and all after it too if
 * `lasting`. at 0: none.
 */

#include <stdbool.h>

void fault_arm(unsigned at, bool lasting);
/* Stops failing. Returns how many allocations there were since fault_arm. */
unsigned fault_disarm(void);
/* True if one was refused since fault_arm. */
bool fault_happened(void);

#endif
