/* SPDX-License-Identifier: Apache-2.0 */
/* In the order that each leaves the next alone: attributes (access lists change the mode), owner (clears bits
 * of the mode), mode, times. */
#include "tools/files/executor/copy_attributes.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/files/executor/attributes.h"

static enum attribute_fate fate_of_copied(const char *name)
{
	return strncmp(name, "user.", 5) == 0 || strncmp(name, "system.posix_acl_", 17) == 0 ? ATTRIBUTE_TRIED
											     : ATTRIBUTE_LEFT;
}

/* A file system that has none of a kind, or no room, is no reason not to copy. */
static int copy_extended(int from, int to, bool *lost)
{
	char name[256];
	int result = attributes_carry(from, to, fate_of_copied, lost, name);

	*lost |= result < 0;
	return result == -ENOMEM ? result : 0;
}

int copy_attributes(int from, int to, const struct stat *status, bool owner, bool *lost)
{
	struct timespec times[2] = {status->st_atim, status->st_mtim};
	mode_t mode = status->st_mode & (S_ISDIR(status->st_mode) ? 07777 : 01777);
	int result = copy_extended(from, to, lost);
	struct stat made;

	if (result < 0)
		return result;
	if (owner && fstat(to, &made) == 0 &&
	    (made.st_uid != status->st_uid || made.st_gid != status->st_gid) &&
	    fchown(to, status->st_uid, status->st_gid) < 0)
		*lost = true;
	if (fchmod(to, mode) < 0 || futimens(to, times) < 0)
		return -errno;
	return 0;
}
