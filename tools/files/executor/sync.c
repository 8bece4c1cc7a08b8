/* SPDX-License-Identifier: Apache-2.0 */
/* fsync in the background, by the kernel's own asynchronous I/O: no thread, no wait. */
#include "tools/files/executor/sync.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "protocol/cleanup.h"

int sync_init(struct sync *sync)
{
	*sync = (struct sync){.done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	return sync->done < 0 ? -errno : 0;
}

void sync_deinit(struct sync *sync)
{
	close_fd(&sync->done);
}

bool sync_pending(const struct sync *sync)
{
	return sync->pending > 0;
}

static bool ready(struct sync *sync)
{
	if (!sync->context && !sync->refused)
		sync->refused = syscall(SYS_io_setup, SYNC_SLOTS, &sync->context) < 0;
	return !sync->refused;
}

int sync_begin(struct sync *sync, int fd)
{
	struct iocb request = {.aio_lio_opcode = IOCB_CMD_FSYNC, .aio_fildes = (uint32_t)fd};
	struct iocb *requests[] = {&request};
	int slot = 0;

	while (slot < SYNC_SLOTS && sync->slots[slot].used)
		slot++;
	if (slot == SYNC_SLOTS || !ready(sync))
		return -ENOSYS;
	request.aio_data = (uint64_t)slot;
	request.aio_flags = IOCB_FLAG_RESFD;
	request.aio_resfd = (uint32_t)sync->done;
	if (syscall(SYS_io_submit, sync->context, 1, requests) != 1)
		return -ENOSYS; /* a file system without it: fsync says what is wrong */
	sync->slots[slot] = (struct sync_slot){.used = true};
	sync->pending++;
	return slot;
}

void sync_collect(struct sync *sync)
{
	struct io_event events[SYNC_SLOTS];
	struct timespec now = {0};
	eventfd_t ignored;
	long count;

	if (!sync->pending)
		return;
	eventfd_read(sync->done, &ignored); /* before the look: what ends behind it is written anew */
	count = syscall(SYS_io_getevents, sync->context, 0, SYNC_SLOTS, events, &now);
	for (long i = 0; i < count; i++) {
		struct sync_slot *slot = &sync->slots[events[i].data % SYNC_SLOTS];

		slot->done = true;
		slot->result = (int)events[i].res;
		slot->used = !slot->abandoned;
		sync->pending--;
	}
}

bool sync_done(struct sync *sync, int slot, int *result)
{
	if (!sync->slots[slot].done)
		return false;
	*result = sync->slots[slot].result;
	sync->slots[slot].used = false;
	return true;
}

bool sync_run(struct sync *sync, int *slot, int fd, int *result)
{
	if (*slot < 0) {
		*slot = sync_begin(sync, fd);
		if (*slot >= 0)
			return false;
		*result = fsync(fd) < 0 ? -errno : 0;
		return true;
	}
	if (!sync_done(sync, *slot, result))
		return false;
	*slot = -1;
	return true;
}

void sync_abandon(struct sync *sync, int slot)
{
	if (slot < 0)
		return;
	sync->slots[slot].abandoned = true;
	sync->slots[slot].used = !sync->slots[slot].done;
}
