/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_FILES_OLD_SYSTEM_H
#define SALLYPORT_TESTS_FILES_OLD_SYSTEM_H

/* Kernels and file systems that can less than this one, or give less, by seccomp filters that answer as they
 * would. For harness->prepare. */

/* Before Linux 6.10: a file without a name gets none without a privilege. */
void old_system_kernel(void);
/* No hard links at all, nor RENAME_NOREPLACE or the like: FAT, some network file systems. */
void old_system_no_links(void);

/* A quota that no more than 4,096 bytes at once fit into. */
void old_system_quota(void);

#endif
