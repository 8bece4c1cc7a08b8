/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_HASHES_H
#define SALLYPORT_TOOLS_FILES_HASHES_H

/*
 * SHA-256 of files that were read whole and have not changed since: hashing 4 KB costs as much as opening and
 * reading them (2.9 us with the processor's own instructions, ten times that without). What tells "not
 * changed" is what git trusts: inode, size and both times, and only for files whose last change was some
 * seconds ago, so that another one could not bear the same time.
 */

#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define HASHES_SLOTS 64 /* 6 KB; which files are read again and again is a short list */

struct hashes {
	struct hashes_slot {
		struct stat status; /* st_nlink 0: empty */
		uint8_t sha256[SHA256_DIGEST_SIZE];
	} slots[HASHES_SLOTS];
};

/* The hash of the file of which `status` tells, or NULL. */
const uint8_t *hashes_find(const struct hashes *hashes, const struct stat *status);
/* Is it the same file, unchanged? */
bool hashes_same(const struct stat *left, const struct stat *right);
/* Did it last change long enough ago for its times to tell the next change? */
bool hashes_settled(const struct stat *status);
/* Keeps the hash of a settled file, in place of another. */
void hashes_keep(struct hashes *hashes, const struct stat *status, const uint8_t sha256[SHA256_DIGEST_SIZE]);

#endif
