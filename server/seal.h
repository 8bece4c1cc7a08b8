/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_SEAL_H
#define SALLYPORT_SERVER_SEAL_H

#include "protocol/error.h"
#include "sandbox/filter/filter.h"

/*
 * Seals the frontend for good: no new privileges, no capability, and the filter of its transport, which knows
 * no open, no execute, no fork, no connect (architecture.md, invariant 1). Nothing from the host has been
 * read before. 0 or -errno.
 */
int seal_frontend(enum filter_name filter, struct err *err);

#endif
