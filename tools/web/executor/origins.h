/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_EXECUTOR_ORIGINS_H
#define SALLYPORT_TOOLS_WEB_EXECUTOR_ORIGINS_H

/* What the origins that were asked say in their robots.txt (RFC 9309), for as long as it counts. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/limits.h"
#include "tools/web/url.h"

struct load;
struct origin;
struct web;

struct origins {
	struct origin *all; /* the one used last is the first */
	size_t count;
};

enum origin_answer {
	ORIGIN_ALLOWS,
	ORIGIN_REFUSES,
	ORIGIN_FAILED, /* robots.txt could not be had, and neither can the page: why is in its load's verdict
			*/
	ORIGIN_ASKED,  /* it is being asked; who waits is told */
};

/* May `load` fetch its present URL? `why` (256 bytes) gets the line that refuses it. */
enum origin_answer origins_ask(struct load *load, char *why, size_t size);
/* What `load` waits for, which stays the origin's; NULL: nothing. */
const struct load *origins_load(const struct load *load);
/* A load of LOAD_ROBOTS has ended: those that wait for it go on. */
void origins_answered(struct load *load);
void origins_deinit(struct origins *origins);

#endif
