/* SPDX-License-Identifier: Apache-2.0 */
/* Files on the way, directories when they are left empty. What is gone already is as good as removed. */
#include "tools/files/executor/removal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "protocol/limits.h"

void removal_init(struct removal *removal, int directory, const char *name, bool force)
{
	*removal = (struct removal){.force = force};
	tree_init(&removal->tree, directory, name, true);
}

void removal_deinit(struct removal *removal)
{
	tree_deinit(&removal->tree);
}

static int take_away(struct removal *removal, int flags, uint64_t bytes)
{
	if (unlinkat(removal->tree.at, removal->tree.name, flags) < 0)
		return errno == ENOENT ? 0 : -errno;
	removal->count++;
	removal->bytes += bytes;
	return 0;
}

static int remove_entry(struct removal *removal)
{
	struct stat status;
	int result;

	if (fstatat(removal->tree.at, removal->tree.name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	result = take_away(removal, 0,
			   S_ISREG(status.st_mode) && status.st_nlink == 1 ? (uint64_t)status.st_size : 0);
	return result == -EISDIR ? -ESTALE : result; /* it was none a moment ago */
}

int removal_step(struct removal *removal)
{
	int result = 0;

	for (int budget = LIMIT_TREE_STEP; budget > 0 && result >= 0; budget--) {
		result = tree_step(&removal->tree);
		switch (result) {
		case TREE_ENTRY:
			result = remove_entry(removal);
			break;
		case TREE_ENTER:
			result = removal->force && fchmod(removal->tree.at, 0700) < 0 ? -errno : 0;
			break;
		case TREE_LEAVE:
			result = take_away(removal, AT_REMOVEDIR, 0);
			break;
		case TREE_END:
			return 1;
		case TREE_MORE: /* a batch of names was read: as much work as some entries */
			budget -= LIMIT_TREE_STEP / 4;
			break;
		}
	}
	return result < 0 ? result : 0;
}
