/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_CLEANUP_H
#define SALLYPORT_PROTOCOL_CLEANUP_H

/* Ownership on the stack: every owning local carries one of these, and ownership leaves through steal_*(). */

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_fd_        _cleanup_(cleanup_fd)
#define _cleanup_free_      _cleanup_(cleanup_free)

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define steal_pointer(pointer)                                                                               \
	({                                                                                                   \
		__typeof__(pointer) *steal_from = &(pointer);                                                \
		__typeof__(pointer) stolen = *steal_from;                                                    \
		*steal_from = NULL;                                                                          \
		stolen;                                                                                      \
	})

/* Closes and forgets: for descriptors that live in structures. */
static inline void close_fd(int *fd)
{
	cleanup_fd(fd);
	*fd = -1;
}

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
