/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_PEERS_H
#define SALLYPORT_SERVER_PEERS_H

/* Who may connect to a Unix socket, by the uid that the kernel tells of who connected (SO_PEERCRED, unix(7)):
 * whatever the socket's permissions have become. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "protocol/error.h"
#include "server/options.h"

struct peers {
	uid_t uids[2 + OPTIONS_NAMES];
	size_t count;
	bool others; /* some beside ourselves and root */
};

/* Ourselves, root, and those of `names`: users by number or name, ended by NULL. 0, or -errno with a
 * sentence. */
int peers_init(struct peers *peers, const char *const *names, struct err *err);
/* Is it one of them who has connected, by a Unix socket? */
bool peers_permit(const struct peers *peers, int socket);

#endif
