/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames and rings from a hostile process: any bytes as a payload, and any bytes as the shared memory of a
 * ring, its positions included. Nothing is read outside what is there, and what is accepted is consistent.
 */
#include <stdatomic.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "protocol/ring.h"
#include "tests/fuzz/fuzz.h"

/* The bytes say which fields are expected of the bytes. */
static void try_fields(const uint8_t *data, size_t size)
{
	struct frame_reader reader;
	char text[16];
	size_t length;

	frame_read(&reader, data, size);
	for (size_t i = 0; i < size && i < 64; i++) {
		const uint8_t *bytes;
		char *owned;

		switch (data[i] % 5) {
		case 0:
			frame_get_u32(&reader);
			break;
		case 1:
			frame_get_u64(&reader);
			break;
		case 2:
			bytes = frame_get_bytes(&reader, &length);
			FUZZ_CHECK(!bytes == reader.failed);
			FUZZ_CHECK(!bytes || (bytes >= data && bytes + length <= data + size));
			break;
		case 3:
			frame_get_text(&reader, text, sizeof text);
			FUZZ_CHECK(memchr(text, '\0', sizeof text));
			break;
		default:
			owned = frame_take_text(&reader, 32);
			FUZZ_CHECK(!owned || strlen(owned) <= 32);
			free(owned);
		}
	}
	FUZZ_CHECK((frame_done(&reader) == 0) == (!reader.failed && reader.at == reader.end));
}

static uint32_t take32(const uint8_t **at, const uint8_t *end)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < 4 && *at < end; i++)
		value |= (uint32_t) * (*at)++ << (8 * i);
	return value;
}

/* Commands to the liar: scribble somewhere, publish a position; between them the honest side works. */
static void try_ring(const uint8_t *data, size_t size)
{
	static struct ring_pair honest, liar;
	const uint8_t *end = data + size, *payload;
	struct frame_header header;
	struct err err;
	bool lied;

	if (!honest.base) {
		_cleanup_fd_ int memfd = ring_create(&err);

		FUZZ_CHECK(memfd >= 0 && ring_map(&honest, memfd, true, &err) == 0 &&
			   ring_map(&liar, memfd, false, &err) == 0);
	}
	honest.in.mine = honest.out.mine = 0;
	atomic_store(honest.in.published, 0);
	atomic_store(honest.out.published, 0);
	atomic_store(liar.in.published, 0);
	atomic_store(liar.out.published, 0);
	for (unsigned step = 0; data < end && step < 64; step++) {
		uint8_t command = *data++;
		uint32_t value = take32(&data, end), length = command >> 3;

		if (command & 1) {
			uint32_t at = value % LIMIT_RING_BYTES;

			length = length < (size_t)(end - data) ? length : (uint32_t)(end - data);
			memcpy(liar.out.data + at, data, length);
			data += length;
		} else {
			atomic_store(command & 2 ? liar.out.published : liar.in.published, value);
		}
		for (unsigned i = 0; i < 32 && ring_peek(&honest.in, &header, &payload) == 1; i++) {
			volatile uint8_t sum = 0;

			FUZZ_CHECK(header.length <= LIMIT_FRAME_BYTES);
			for (uint32_t k = 0; k < header.length; k += 61)
				sum = (uint8_t)(sum + payload[k]);
			if (header.length)
				sum = (uint8_t)(sum + payload[header.length - 1]);
			ring_release(&honest.in, &header);
		}
		length = ring_room(&honest.out);
		FUZZ_CHECK(length <= LIMIT_FRAME_BYTES);
		uint8_t *room = ring_reserve(&honest.out, value % (LIMIT_FRAME_BYTES + 2), &lied);

		FUZZ_CHECK(!lied || (!room && length == 0));
		if (room) {
			header = (struct frame_header){.length = value % (LIMIT_FRAME_BYTES + 2), .type = 1};
			FUZZ_CHECK(header.length <= length);
			memset(room, 1, header.length);
			ring_commit(&honest.out, &header);
		}
		ring_should_wake(&honest.out);
		ring_should_feed(&honest.in);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct frame_header header;
	uint8_t again[FRAME_HEADER_BYTES];

	if (size >= FRAME_HEADER_BYTES && frame_decode(&header, data, LIMIT_MESSAGE_FRAME_BYTES) == 0) {
		FUZZ_CHECK(header.length <= LIMIT_MESSAGE_FRAME_BYTES);
		frame_encode(&header, again);
		FUZZ_CHECK(memcmp(again, data, sizeof again) == 0);
	}
	try_fields(data, size);
	try_ring(data, size);
	return 0;
}
