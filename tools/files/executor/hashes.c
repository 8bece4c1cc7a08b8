/* SPDX-License-Identifier: Apache-2.0 */
/* The hashes of files that have not changed. One slot an inode's number, the latest wins. */
#include "tools/files/executor/hashes.h"

#include <string.h>
#include <time.h>

#define SETTLED_SECONDS 3 /* the coarsest times are those of FAT: 2 s */

static struct hashes_slot *slot_of(const struct hashes *hashes, const struct stat *status)
{
	return (struct hashes_slot *)&hashes->slots[status->st_ino % HASHES_SLOTS];
}

static bool same_time(const struct timespec *left, const struct timespec *right)
{
	return left->tv_sec == right->tv_sec && left->tv_nsec == right->tv_nsec;
}

bool hashes_same(const struct stat *left, const struct stat *right)
{
	return left->st_ino == right->st_ino && left->st_dev == right->st_dev &&
	       left->st_size == right->st_size && same_time(&left->st_mtim, &right->st_mtim) &&
	       same_time(&left->st_ctim, &right->st_ctim);
}

bool hashes_settled(const struct stat *status)
{
	struct timespec now;

	/* a time in the future, or none, settles nothing */
	return clock_gettime(CLOCK_REALTIME_COARSE, &now) == 0 &&
	       status->st_mtim.tv_sec < now.tv_sec - SETTLED_SECONDS &&
	       status->st_ctim.tv_sec < now.tv_sec - SETTLED_SECONDS;
}

const uint8_t *hashes_find(const struct hashes *hashes, const struct stat *status)
{
	const struct hashes_slot *slot = slot_of(hashes, status);

	return slot->status.st_nlink && hashes_same(&slot->status, status) ? slot->sha256 : NULL;
}

void hashes_keep(struct hashes *hashes, const struct stat *status, const uint8_t sha256[SHA256_DIGEST_SIZE])
{
	struct hashes_slot *slot = slot_of(hashes, status);

	slot->status = *status;
	memcpy(slot->sha256, sha256, SHA256_DIGEST_SIZE);
}
