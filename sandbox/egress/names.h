/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_EGRESS_NAMES_H
#define SALLYPORT_SANDBOX_EGRESS_NAMES_H

/*
 * The names that one sandbox has asked for and the synthetic addresses that stand for them there. Bounded:
 * the oldest of LIMIT_BROKER_NAMES gives its place up, and its address stays unused until all others were
 * given out, so that an address which somebody still remembers never stands for another name meanwhile.
 */

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/egress/host.h"

struct names;

/* `begin`: any number; with which address it begins, so that what a former broker gave out means nothing
 * here.
 */
struct names *names_new(uint32_t begin);
void names_free(struct names *names);

/* The address (host order) of a name in its one spelling, the same as last time; 0 when there is no memory.
 */
uint32_t names_address(struct names *names, const char *host);
/* The name that it stands for; NULL: none (any more). Borrowed until the next names_address(). */
const char *names_host(const struct names *names, uint32_t address);

#endif
