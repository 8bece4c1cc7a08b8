/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_EXECUTOR_OUTBOX_H
#define SALLYPORT_TOOLS_WEB_EXECUTOR_OUTBOX_H

/* Frames that wait for a socket that does not take them yet; without descriptors. */

#include <stdbool.h>

#include "protocol/buffer.h"
#include "protocol/frame.h"

struct outbox {
	int socket; /* borrowed */
	struct buffer frames;
};

void outbox_init(struct outbox *outbox, int socket, size_t max);
void outbox_deinit(struct outbox *outbox);
/* Queues one frame of at most LIMIT_FRAME_BYTES. 0, -ENOMEM or -EMSGSIZE (full); then nothing was queued. */
int outbox_put(struct outbox *outbox, uint16_t type, uint32_t call, uint32_t value, const void *payload,
	       size_t length);
/* One piece of a longer payload; `more`: another follows (FRAME_MORE). */
int outbox_put_piece(struct outbox *outbox, uint16_t type, uint32_t call, const void *payload, size_t length,
		     bool more);
/* Room for `length` more bytes of payload in one piece or many? */
bool outbox_fits(const struct outbox *outbox, size_t length);
/* Sends what the socket takes. 0 (all or some), or -errno when the socket is done for. */
int outbox_flush(struct outbox *outbox);

static inline bool outbox_empty(const struct outbox *outbox)
{
	return buffer_length(&outbox->frames) == 0;
}

#endif
