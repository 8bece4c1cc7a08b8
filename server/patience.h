/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_PATIENCE_H
#define SALLYPORT_SERVER_PATIENCE_H

/*
 * How long a host waits for an answer, by the name it gives itself (clientInfo.name). A call that answers too
 * late is lost to the model, one that answers too early costs it another call; so the known patient are given
 * more time, and everybody else what the most impatient bear.
 */

#include <stddef.h>
#include <stdint.h>

struct patience_host {
	const char *name;   /* clientInfo.name as seen on the wire */
	uint8_t prefix;     /* 1: any name that begins so */
	uint16_t waits_s;   /* seconds that it was seen to wait at least */
	const char *detail; /* who that is, and what was measured */
};

/* Sorted by name; ends with a name of NULL. All wait a minute or more. */
extern const struct patience_host patience_hosts[];

/* Milliseconds within which this host's calls are answered, unless --answer-within or the policy say. NULL
 * is a host without a name. */
uint32_t patience_of(const char *name);

#endif
