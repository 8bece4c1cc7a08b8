/* SPDX-License-Identifier: Apache-2.0 */
/* Rings of frames in shared memory; what is trusted and what is not stands in ring.h. */
#include "protocol/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

/* Each position has a cache line of its own: two processes write here all the time. */
struct ring_control {
	struct {
		_Alignas(64) _Atomic uint32_t produced;
		_Alignas(64) _Atomic uint32_t consumed;
		_Alignas(64) _Atomic uint32_t sleeping;
		_Alignas(64) _Atomic uint32_t starved;
	} ring[2];
};

_Static_assert((LIMIT_RING_BYTES & (LIMIT_RING_BYTES - 1)) == 0, "ring positions wrap by masking");
_Static_assert(LIMIT_RING_BYTES % 65536 == 0, "rings are mapped page by page, and pages may have 64 KB");
_Static_assert(LIMIT_RING_BYTES >= 2 * LIMIT_FRAME_BYTES, "a full frame fits beside the one being read");

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static size_t control_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static uint32_t frame_bytes(uint32_t length)
{
	return (FRAME_HEADER_BYTES + length + 7) & ~7u;
}

int ring_create(struct err *err)
{
	_cleanup_fd_ int memfd = memfd_create("sallyport-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (memfd < 0)
		return err_set(err, -errno, "shared memory for a ring: memfd_create: %s", err_name(errno));
	if (ftruncate(memfd, (off_t)(control_bytes() + 2 * LIMIT_RING_BYTES)) < 0 ||
	    fcntl(memfd, F_ADD_SEALS, SEALS) < 0)
		return err_set(err, -errno, "shared memory for a ring: %s", err_name(errno));
	return steal_fd(&memfd);
}

/* Maps one ring twice in a row at `where`, so that no frame wraps. */
static int map_twice(uint8_t *where, int memfd, off_t offset)
{
	for (int copy = 0; copy < 2; copy++)
		if (mmap(where + (size_t)copy * LIMIT_RING_BYTES, LIMIT_RING_BYTES, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, memfd, offset) == MAP_FAILED)
			return -errno;
	return 0;
}

int ring_map(struct ring_pair *pair, int memfd, bool first, struct err *err)
{
	size_t control = control_bytes(), total = control + 4 * (size_t)LIMIT_RING_BYTES;
	struct stat status;
	int result = 0;

	*pair = (struct ring_pair){0};
	if (fstat(memfd, &status) < 0)
		return err_set(err, -errno, "ring: fstat: %s", err_name(errno));
	if ((size_t)status.st_size != control + 2 * LIMIT_RING_BYTES ||
	    (fcntl(memfd, F_GET_SEALS) & (F_SEAL_SHRINK | F_SEAL_GROW)) != (F_SEAL_SHRINK | F_SEAL_GROW))
		return err_set(err, -EPROTO, "ring: shared memory of a wrong size or without its seals");
	uint8_t *base = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return err_set(err, -errno, "ring: mmap: %s", err_name(errno));
	if (mmap(base, control, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memfd, 0) == MAP_FAILED)
		result = -errno;
	for (int i = 0; i < 2 && result == 0; i++)
		result = map_twice(base + control + (size_t)i * 2 * LIMIT_RING_BYTES, memfd,
				   (off_t)(control + (size_t)i * LIMIT_RING_BYTES));
	if (result < 0) {
		munmap(base, total);
		return err_set(err, result, "ring: mmap: %s", err_name(result));
	}

	struct ring_control *shared = (struct ring_control *)base;
	int in = first ? 1 : 0, out = first ? 0 : 1;

	pair->base = base;
	pair->mapped = total;
	pair->in = (struct ring){.data = base + control + (size_t)in * 2 * LIMIT_RING_BYTES,
				 .size = LIMIT_RING_BYTES,
				 .published = &shared->ring[in].consumed,
				 .theirs = &shared->ring[in].produced,
				 .sleeping = &shared->ring[in].sleeping,
				 .starved = &shared->ring[in].starved};
	pair->out = (struct ring){.data = base + control + (size_t)out * 2 * LIMIT_RING_BYTES,
				  .size = LIMIT_RING_BYTES,
				  .published = &shared->ring[out].produced,
				  .theirs = &shared->ring[out].consumed,
				  .sleeping = &shared->ring[out].sleeping,
				  .starved = &shared->ring[out].starved};
	return 0;
}

void ring_unmap(struct ring_pair *pair)
{
	if (pair->base)
		munmap(pair->base, pair->mapped);
	*pair = (struct ring_pair){0};
}

/* Bytes of the ring in use as the producer sees it; above `size` when the consumer's position is impossible.
 */
static uint32_t used(const struct ring *ring)
{
	return ring->mine - atomic_load_explicit(ring->theirs, memory_order_acquire);
}

uint32_t ring_room(const struct ring *ring)
{
	uint32_t taken = used(ring), left;

	if (taken > ring->size)
		return 0;
	left = ring->size - taken;
	if (left < FRAME_HEADER_BYTES)
		return 0;
	left -= FRAME_HEADER_BYTES;
	return left < LIMIT_FRAME_BYTES ? left : LIMIT_FRAME_BYTES;
}

void *ring_reserve(struct ring *ring, uint32_t length, bool *lied)
{
	uint32_t taken = used(ring);

	*lied = taken > ring->size;
	if (*lied || length > LIMIT_FRAME_BYTES || frame_bytes(length) > ring->size - taken)
		return NULL;
	return ring->data + (ring->mine & (ring->size - 1)) + FRAME_HEADER_BYTES;
}

void ring_hold(struct ring *ring, const struct frame_header *header)
{
	frame_encode(header, ring->data + (ring->mine & (ring->size - 1)));
	ring->mine += frame_bytes(header->length);
}

void ring_publish(struct ring *ring)
{
	atomic_store_explicit(ring->published, ring->mine, memory_order_release);
}

void ring_commit(struct ring *ring, const struct frame_header *header)
{
	ring_hold(ring, header);
	ring_publish(ring);
}

/* Takes the other side's announcement. Order: our publication comes before this look; the announcing side
 * announces first and then looks at our position, so one of the two always sees the other. */
static bool take_announcement(_Atomic uint32_t *announcement)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(announcement, memory_order_relaxed))
		return false;
	return atomic_exchange_explicit(announcement, 0, memory_order_relaxed) != 0;
}

bool ring_should_wake(struct ring *ring)
{
	return take_announcement(ring->sleeping);
}

bool ring_starve(struct ring *ring, uint32_t length)
{
	atomic_store_explicit(ring->starved, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (ring_room(ring) < length)
		return true;
	atomic_store_explicit(ring->starved, 0, memory_order_relaxed);
	return false;
}

int ring_peek(struct ring *ring, struct frame_header *header, const uint8_t **payload)
{
	uint32_t available = atomic_load_explicit(ring->theirs, memory_order_acquire) - ring->mine;
	const uint8_t *at = ring->data + (ring->mine & (ring->size - 1));
	uint8_t head[FRAME_HEADER_BYTES];

	if (available == 0)
		return 0;
	if (available > ring->size || available < FRAME_HEADER_BYTES)
		return -EPROTO;
	memcpy(head, at, sizeof head);
	if (frame_decode(header, head, LIMIT_FRAME_BYTES) < 0 || frame_bytes(header->length) > available)
		return -EPROTO;
	*payload = at + FRAME_HEADER_BYTES;
	return 1;
}

void ring_release(struct ring *ring, const struct frame_header *header)
{
	ring->mine += frame_bytes(header->length);
	atomic_store_explicit(ring->published, ring->mine, memory_order_release);
}

bool ring_prepare_sleep(struct ring *ring)
{
	atomic_store_explicit(ring->sleeping, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(ring->theirs, memory_order_acquire) == ring->mine)
		return true;
	ring_awake(ring);
	return false;
}

bool ring_should_feed(struct ring *ring)
{
	return take_announcement(ring->starved);
}

void ring_awake(struct ring *ring)
{
	atomic_store_explicit(ring->sleeping, 0, memory_order_relaxed);
}
