/* SPDX-License-Identifier: Apache-2.0 */
/* Header and payload fields of frames, to and from bytes. Reads are bounded and failures are sticky
 * (frame.h). */
#include "protocol/frame.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void frame_encode(const struct frame_header *header, uint8_t bytes[FRAME_HEADER_BYTES])
{
	uint32_t length = htole32(header->length), call = htole32(header->call),
		 value = htole32(header->value);
	uint16_t type = htole16(header->type), flags = htole16(header->flags);

	memcpy(bytes, &length, 4);
	memcpy(bytes + 4, &type, 2);
	memcpy(bytes + 6, &flags, 2);
	memcpy(bytes + 8, &call, 4);
	memcpy(bytes + 12, &value, 4);
}

int frame_decode(struct frame_header *header, const uint8_t bytes[FRAME_HEADER_BYTES], uint32_t max)
{
	memcpy(&header->length, bytes, 4);
	memcpy(&header->type, bytes + 4, 2);
	memcpy(&header->flags, bytes + 6, 2);
	memcpy(&header->call, bytes + 8, 4);
	memcpy(&header->value, bytes + 12, 4);
	header->length = le32toh(header->length);
	header->type = le16toh(header->type);
	header->flags = le16toh(header->flags);
	header->call = le32toh(header->call);
	header->value = le32toh(header->value);
	if (header->length > max || (header->flags & ~FRAME_FLAGS))
		return -EPROTO;
	return 0;
}

int frame_put_u32(struct buffer *payload, uint32_t value)
{
	value = htole32(value);
	return buffer_append(payload, &value, sizeof value);
}

void frame_set_u32(void *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof value);
}

int frame_put_u64(struct buffer *payload, uint64_t value)
{
	value = htole64(value);
	return buffer_append(payload, &value, sizeof value);
}

int frame_put_bytes(struct buffer *payload, const void *bytes, size_t length)
{
	int result;

	if (length > UINT32_MAX)
		return -EMSGSIZE;
	result = buffer_reserve(payload, length + 4);
	if (result < 0)
		return result;
	frame_put_u32(payload, (uint32_t)length);
	return buffer_append(payload, bytes, length);
}

int frame_put_text(struct buffer *payload, const char *text)
{
	return frame_put_bytes(payload, text ? text : "", text ? strlen(text) : 0);
}

void frame_read(struct frame_reader *reader, const void *payload, size_t length)
{
	const uint8_t *at =
		payload ? payload : (const uint8_t *)""; /* an empty buffer's data is no address */

	*reader = (struct frame_reader){.at = at, .end = at + length};
}

static const uint8_t *take(struct frame_reader *reader, size_t length)
{
	const uint8_t *at = reader->at;

	if (reader->failed || (size_t)(reader->end - reader->at) < length) {
		reader->failed = true;
		return NULL;
	}
	if (length)
		reader->at += length;
	return at;
}

uint32_t frame_get_u32(struct frame_reader *reader)
{
	const uint8_t *at = take(reader, 4);
	uint32_t value = 0;

	if (at)
		memcpy(&value, at, 4);
	return le32toh(value);
}

uint64_t frame_get_u64(struct frame_reader *reader)
{
	const uint8_t *at = take(reader, 8);
	uint64_t value = 0;

	if (at)
		memcpy(&value, at, 8);
	return le64toh(value);
}

const void *frame_get_bytes(struct frame_reader *reader, size_t *length)
{
	uint32_t size = frame_get_u32(reader);
	const uint8_t *at = take(reader, size);

	*length = at ? size : 0;
	return at;
}

void frame_get_text(struct frame_reader *reader, char *to, size_t size)
{
	size_t length;
	const char *bytes = frame_get_bytes(reader, &length);

	to[0] = '\0';
	if (!bytes)
		return;
	if (length >= size || memchr(bytes, '\0', length)) {
		reader->failed = true;
		return;
	}
	memcpy(to, bytes, length);
	to[length] = '\0';
}

char *frame_take_text(struct frame_reader *reader, size_t max)
{
	size_t length;
	const char *bytes = frame_get_bytes(reader, &length);
	char *text;

	if (!bytes)
		return NULL;
	if (length > max || memchr(bytes, '\0', length) || !(text = malloc(length + 1))) {
		reader->failed = true;
		return NULL;
	}
	memcpy(text, bytes, length);
	text[length] = '\0';
	return text;
}

int frame_done(const struct frame_reader *reader)
{
	return reader->failed || reader->at != reader->end ? -EPROTO : 0;
}
