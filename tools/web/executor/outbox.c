/* SPDX-License-Identifier: Apache-2.0 */
/* Queued frames: headers and payloads one after the other, as they will leave. */
#include "tools/web/executor/outbox.h"

#include <errno.h>
#include <sys/socket.h>

#include "protocol/limits.h"

#define KEPT_BYTES (64u << 10) /* of an empty queue's allocation */

void outbox_init(struct outbox *outbox, int socket, size_t max)
{
	outbox->socket = socket;
	buffer_init(&outbox->frames, max);
}

void outbox_deinit(struct outbox *outbox)
{
	buffer_deinit(&outbox->frames);
}

static int put(struct outbox *outbox, const struct frame_header *header, const void *payload)
{
	uint8_t head[FRAME_HEADER_BYTES];
	int result;

	if (header->length > LIMIT_FRAME_BYTES)
		return -EMSGSIZE;
	result = buffer_reserve(&outbox->frames, sizeof head + header->length);
	if (result < 0)
		return result;
	frame_encode(header, head);
	buffer_append(&outbox->frames, head, sizeof head);
	return buffer_append(&outbox->frames, payload, header->length);
}

int outbox_put(struct outbox *outbox, uint16_t type, uint32_t call, uint32_t value, const void *payload,
	       size_t length)
{
	struct frame_header header = {.length = (uint32_t)length, .type = type, .call = call, .value = value};

	return put(outbox, &header, payload);
}

int outbox_put_piece(struct outbox *outbox, uint16_t type, uint32_t call, const void *payload, size_t length,
		     bool more)
{
	struct frame_header header = {
		.length = (uint32_t)length, .type = type, .flags = more ? FRAME_MORE : 0, .call = call};

	return put(outbox, &header, payload);
}

bool outbox_fits(const struct outbox *outbox, size_t length)
{
	size_t room = outbox->frames.max - buffer_length(&outbox->frames);

	return length + (length / LIMIT_FRAME_BYTES + 1) * FRAME_HEADER_BYTES <= room;
}

int outbox_flush(struct outbox *outbox)
{
	while (!outbox_empty(outbox)) {
		const char *frame = buffer_data(&outbox->frames);
		struct frame_header header;
		int result;

		/* our own bytes: they decode */
		frame_decode(&header, (const uint8_t *)frame, LIMIT_FRAME_BYTES);
		result = frame_send_encoded(outbox->socket, frame, FRAME_HEADER_BYTES + header.length,
					    MSG_DONTWAIT);
		if (result == -EAGAIN)
			return 0;
		if (result < 0)
			return result;
		buffer_consume(&outbox->frames, FRAME_HEADER_BYTES + header.length);
	}
	buffer_clear(&outbox->frames, KEPT_BYTES);
	return 0;
}
