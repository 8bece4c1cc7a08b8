/* SPDX-License-Identifier: Apache-2.0 */
/* Copies by descriptors. Sizes are hints: what a call returns counts, and a source without end is bounded. */
#include "tools/files/executor/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "protocol/limits.h"

void clone_init(struct clone *clone, int from, int to, uint64_t size)
{
	*clone = (struct clone){.from = from, .to = to, .size = size};
}

/* The next stretch of data from `position` on. 1 when there is none, 0, or -errno. */
static int find_data(struct clone *clone)
{
	off_t data, hole;

	if (clone->size == 0) {
		clone->data_end = LIMIT_COPY_UNSIZED_BYTES + 1;
		return 0;
	}
	if (clone->position >= clone->size)
		return 1;
	data = lseek(clone->from, (off_t)clone->position, SEEK_DATA);
	if (data < 0 && errno == ENXIO)
		return 1;
	hole = data < 0 ? -1 : lseek(clone->from, data, SEEK_HOLE);
	if (data < 0 || hole <= data) { /* a file system that does not know */
		clone->data_end = clone->size;
		return 0;
	}
	if ((uint64_t)data >= clone->size)
		return 1;
	clone->position = (uint64_t)data;
	clone->data_end = (uint64_t)hole < clone->size ? (uint64_t)hole : clone->size;
	return 0;
}

/* One piece through `scratch`. Bytes, 0 at the end, or -errno. */
static ssize_t copy_by_hand(struct clone *clone, size_t length, uint8_t *scratch)
{
	ssize_t got = pread(clone->from, scratch, length < LIMIT_FRAME_BYTES ? length : LIMIT_FRAME_BYTES,
			    (off_t)clone->position);

	if (got <= 0)
		return got < 0 ? -errno : 0;
	if (lseek(clone->to, (off_t)clone->position, SEEK_SET) < 0)
		return -errno;
	for (ssize_t done = 0; done < got;) {
		ssize_t written = write(clone->to, scratch + done, (size_t)(got - done));

		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		done += written;
	}
	return got;
}

static ssize_t copy_piece(struct clone *clone, size_t length, uint8_t *scratch)
{
	off_t from = (off_t)clone->position, to = from;
	ssize_t copied;

	if (clone->by_hand || clone->size == 0)
		return copy_by_hand(clone, length, scratch);
	copied = copy_file_range(clone->from, &from, clone->to, &to, length, 0);
	if (copied > 0)
		return copied;
	if (copied < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO))
		return -errno;
	/* another file system, one that cannot, or one that says 0 for what only reading gives */
	clone->by_hand = true;
	return copy_by_hand(clone, length, scratch);
}

/* A hole at the end is in no stretch of data. */
static int finish(struct clone *clone)
{
	return ftruncate(clone->to, (off_t)(clone->size ? clone->size : clone->position)) < 0 ? -errno : 1;
}

int clone_step(struct clone *clone, uint8_t *scratch)
{
	size_t budget = LIMIT_FILES_SLICE_BYTES;

	if (!clone->tried) {
		clone->tried = true;
		clone->shared = clone->size && ioctl(clone->to, FICLONE, clone->from) == 0;
		if (clone->shared)
			return 1;
	}
	while (budget > 0) {
		if (clone->position >= clone->data_end) {
			int result = find_data(clone);

			if (result != 0)
				return result < 0 ? result : finish(clone);
		}
		uint64_t left = clone->data_end - clone->position;
		ssize_t copied = copy_piece(clone, left < budget ? (size_t)left : budget, scratch);

		if (copied < 0)
			return (int)copied;
		if (copied == 0) { /* it is shorter than it was */
			clone->size = clone->position;
			return finish(clone);
		}
		clone->position += (uint64_t)copied;
		budget -= (size_t)copied < budget ? (size_t)copied : budget;
		if (clone->size == 0 && clone->position > LIMIT_COPY_UNSIZED_BYTES)
			return -EFBIG;
	}
	return 0;
}
