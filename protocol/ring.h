/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_RING_H
#define SALLYPORT_PROTOCOL_RING_H

/*
 * A pair of rings of frames in shared memory, between two processes of different trust, one producer and one
 * consumer each. Measured against sockets in docs/performance.md: half the cost of a small answer, and large
 * ones are escaped straight out of the ring.
 *
 * The memory is a sealed memfd (it cannot shrink, so a touch never faults): one page of control, then the two
 * rings. Each ring is mapped twice in a row, so a frame is always contiguous. Frames stand at multiples of 8.
 *
 * Trust: positions that a side owns live in its private memory and are only published, never read back; the
 * other side's position is checked to lie within the ring; headers are copied out once and checked in the
 * copy. Payload bytes may change while they are read: read each once, or copy them out first. A ring that
 * lies (-EPROTO) ends the process behind it.
 *
 * Waking: the consumer announces that it is about to sleep, looks once more, and sleeps on a descriptor of
 * its own; the producer writes there only if the announcement stands. Both call these at the turn of their
 * event loops, so that a whole batch costs one wake. The descriptor must be one on which the consumer cannot
 * make the producer wait: O_NONBLOCK belongs to the open file, so an eventfd will not do if it is less
 * trusted.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/error.h"
#include "protocol/frame.h"

struct ring_control; /* the shared page */

struct ring {
	uint8_t *data; /* 2 x size bytes of address space */
	uint32_t size; /* a power of two, a multiple of the page size */
	uint32_t mine; /* this side's position: bytes produced or consumed so far, modulo 2^32 */
	_Atomic uint32_t *published; /* where this side publishes `mine` */
	_Atomic uint32_t *theirs;    /* where the other side publishes its own */
	_Atomic uint32_t *sleeping;  /* the consumer's announcement */
	_Atomic uint32_t *starved;   /* the producer's: it waits for room */
};

struct ring_pair {
	void *base; /* NULL: not mapped */
	size_t mapped;
	struct ring in;  /* frames to this process */
	struct ring out; /* frames from this process */
};

/* A sealed memfd of the right size for rings of LIMIT_RING_BYTES each way; returns the descriptor or -errno.
 */
int ring_create(struct err *err);

/*
 * Maps the rings of `memfd`; the two sides pass different values of `first`. The memfd may be closed
 * afterwards. Returns 0 or -errno (-EPROTO: the memfd has the wrong size or can still shrink).
 */
int ring_map(struct ring_pair *pair, int memfd, bool first, struct err *err);
void ring_unmap(struct ring_pair *pair);

/* ---- producer ---- */

/* Room for a payload of `length` bytes (at most LIMIT_FRAME_BYTES), to be filled in place; NULL while the
 * ring is too full. *lied is set when the consumer's position is impossible. */
void *ring_reserve(struct ring *ring, uint32_t length, bool *lied);
/* Publishes what was reserved. header->length may be less than was reserved, never more. */
void ring_commit(struct ring *ring, const struct frame_header *header);
/* The two halves of it: the frame is complete, but the consumer sees it with the next one that is committed,
 * or with ring_publish. */
void ring_hold(struct ring *ring, const struct frame_header *header);
void ring_publish(struct ring *ring);
/* The largest payload for which ring_reserve would give room now. */
uint32_t ring_room(const struct ring *ring);
/* True (once) when the consumer sleeps and must be woken. Call after a batch of commits.
 */
bool ring_should_wake(struct ring *ring);
/* Announces that this producer waits until there is room for `length` bytes. Returns true if there is none
 * yet, so that the caller may wait to be woken; false: there is room after all. */
bool ring_starve(struct ring *ring, uint32_t length);

/* ---- consumer ---- */

/* The oldest frame: 1 with *header (checked) and *payload, 0 when there is none, -EPROTO when the ring lies.
 * The payload stays until ring_release. */
int ring_peek(struct ring *ring, struct frame_header *header, const uint8_t **payload);
void ring_release(struct ring *ring, const struct frame_header *header);
/* Announces sleep. Returns true if there is nothing to read, so that the caller may wait; false: read on. */
bool ring_prepare_sleep(struct ring *ring);
/* Takes the announcement back; call when awake again, before reading. */
void ring_awake(struct ring *ring);
/* True (once) when the producer waits for room and must be woken. Call after a batch of
 * releases. */
bool ring_should_feed(struct ring *ring);

#endif
