/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_FILES_SMALL_DISK_H
#define SALLYPORT_TESTS_FILES_SMALL_DISK_H

/* File systems of a test's own, in a mount namespace of its own: to be full, and to be another one. */

#include <stdbool.h>
#include <stddef.h>

/* Once, in main(), before anything else: a mount namespace, as a user in a user namespace. False where the
 * system gives none, and then it has said why. */
bool small_disk_begin(void);
/* A tmpfs of so many bytes and names over the directory `path`. Asserts. */
void small_disk_mount(const char *path, size_t bytes, unsigned names);
void small_disk_unmount(const char *path);

#endif
