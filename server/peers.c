/* SPDX-License-Identifier: Apache-2.0 */
/* Who may connect to a Unix socket (peers.h). */
#include "server/peers.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* (uid_t)-1 is nobody's. */
static int find_user(const char *name, uid_t *uid, struct err *err)
{
	size_t digits = strspn(name, "0123456789");
	unsigned long number = digits && digits < 11 && !name[digits] ? strtoul(name, NULL, 10) : (uid_t)-1;
	const struct passwd *user = number < (uid_t)-1 ? NULL : getpwnam(name);

	if (!user && number >= (uid_t)-1)
		return err_set(err, -EINVAL,
			       "--allow-uid needs a user of this system, by number or name, not \"%.60s\"",
			       name);
	*uid = user ? user->pw_uid : (uid_t)number;
	return 0;
}

int peers_init(struct peers *peers, const char *const *names, struct err *err)
{
	int result = 0;

	*peers = (struct peers){.uids = {0, geteuid()}, .count = 2};
	for (; result == 0 && *names; names++) {
		result = find_user(*names, &peers->uids[peers->count], err);
		peers->count++;
		peers->others = true;
	}
	return result;
}

bool peers_permit(const struct peers *peers, int socket)
{
	struct ucred peer;
	socklen_t length = sizeof peer;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 || length != sizeof peer)
		return false;
	for (size_t i = 0; i < peers->count; i++)
		if (peers->uids[i] == peer.uid)
			return true;
	return false;
}
