/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_SEALED_H
#define SALLYPORT_SANDBOX_SEALED_H

/* Bytes that processes pass on and that none of them can change: a memfd with every seal. */

#include <stddef.h>

#include "protocol/error.h"

/* `name` for who looks at /proc. The descriptor (CLOEXEC) or -errno. */
int sealed_open(const char *name, const void *bytes, size_t length, struct err *err);
/* All of it, at most `most` bytes, with a NUL behind them that does not count; *bytes is to be freed. 0 or
 * -errno; -EPROTO: it is not sealed, or has an impossible size. */
int sealed_read(int memfd, size_t most, char **bytes, size_t *length, struct err *err);

#endif
