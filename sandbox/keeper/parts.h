/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_KEEPER_PARTS_H
#define SALLYPORT_SANDBOX_KEEPER_PARTS_H

/* What the keeper's own files share: main.c stands and waits, nannies.c has the nannies and what they leave.
 */

#include "sandbox/keeper/keeper.h"
#include "sandbox/notify/notify.h"

struct keeper {
	struct nanny nanny;           /* what each is forked with */
	pid_t nannies[LIMIT_NANNIES]; /* 0: no nanny in this slot */
	uint32_t dead[LIMIT_NANNIES]; /* requests whose nannies died, until that was told */
	size_t dead_count;
	unsigned deaths; /* of nannies at the door, with none that served in between */
	bool namespaced; /* pid 1 of a PID namespace of its own */
	struct notify notify;
	int epoll, signals;
	int64_t retried; /* when calls that would block were last tried, in ms */
};

/* What an event is about; the nanny's slot stands beside it. */
enum watched { WATCH_END, WATCH_KICK, WATCH_SIGNALS, WATCH_NANNY, WATCH_CALLS, WATCH_BROKER };

/* 0 or -errno. */
int keeper_watch(const struct keeper *keeper, int fd, uint32_t events, enum watched what, size_t slot);

/* ---- nannies.c ---- */

/* Forks one into a free slot. 0 or -errno. */
int nannies_add(struct keeper *keeper, size_t slot);
/* Sees to it that somebody waits. With all slots busy requests wait at the door until a nanny is back. */
void nannies_keep_one_waiting(struct keeper *keeper);
/* Collects the dead, kills and reaps what they have left, and then tells the frontend whose that was. */
void nannies_bury(struct keeper *keeper);
/* Everything, before a keeper goes that is nobody's pid 1. */
void nannies_end(struct keeper *keeper);

#endif
