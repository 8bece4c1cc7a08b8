/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_LAYERS_LANDLOCK_H
#define SALLYPORT_SANDBOX_LAYERS_LANDLOCK_H

/* What landlock.c and landlock_reading.c share: a ruleset while it is being made. */

#include <stdint.h>

#include "sandbox/layers/layer.h"

/* The numbers are the kernel's interface; the headers of Debian 12 end at ABI 2. */
enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13,     /* ABI 2 */
	FS_TRUNCATE = 1 << 14,  /* ABI 3 */
	FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
};

#define FS_READ (FS_READ_FILE | FS_READ_DIR)
#define FS_CHANGE                                                                                            \
	(FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SYM |          \
	 FS_REFER | FS_TRUNCATE)
/* a place of the commands' own */
#define FS_OWN (FS_CHANGE | FS_MAKE_SOCK | FS_MAKE_FIFO)

struct landlock {
	struct layer_context *context;
	int ruleset;
	uint64_t known; /* file system rights of this kernel's ABI */
};

/* One more rule; rights that the ABI or the kind of file does not know are left out. 0 or -errno. */
int landlock_allow(struct landlock *landlock, const char *path, uint64_t rights);

/* ---- landlock_reading.c: where there are no mounts ---- */

/* All that a command may read, execute and write. */
int landlock_allow_commands(struct landlock *landlock);
/* What makes terminals for commands, and opens them again for those whose they are: for us alone. */
int landlock_allow_terminals(struct landlock *landlock);

#endif
