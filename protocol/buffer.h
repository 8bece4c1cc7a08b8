/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_BUFFER_H
#define SALLYPORT_PROTOCOL_BUFFER_H

/*
 * A growing byte buffer that cannot grow past the maximum it was given: there is no buffer without one.
 * Embedded; init/deinit. Functions return 0, -ENOMEM (no memory) or -EMSGSIZE (past the maximum); on failure
 * the content is as before. `start` lets a consumer take bytes from the front without moving the rest each
 * time.
 */

#include <stddef.h>
#include <string.h>

struct buffer {
	char *bytes;  /* allocation, NULL while nothing was reserved */
	size_t start; /* first byte that counts */
	size_t end;   /* one past the last */
	size_t size;  /* of the allocation */
	size_t max;   /* most bytes it may ever hold */
};

void buffer_init(struct buffer *buffer, size_t max);
void buffer_deinit(struct buffer *buffer);

static inline size_t buffer_length(const struct buffer *buffer)
{
	return buffer->end - buffer->start;
}

static inline char *buffer_data(const struct buffer *buffer)
{
	/* nothing may be added to NULL, not even 0 */
	return buffer->start ? buffer->bytes + buffer->start : buffer->bytes;
}

/* Makes room for `more` bytes behind the end, at bytes + end; the caller writes there and adds to end. */
int buffer_grow(struct buffer *buffer, size_t more);

static inline int buffer_reserve(struct buffer *buffer, size_t more)
{
	return buffer->size - buffer->end >= more ? 0 : buffer_grow(buffer, more);
}

static inline int buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
	int result = buffer_reserve(buffer, length);

	if (result < 0)
		return result;
	if (length) /* memcpy(NULL, .., 0) is undefined */
		memcpy(buffer->bytes + buffer->end, bytes, length);
	buffer->end += length;
	return 0;
}

int buffer_append_text(struct buffer *buffer, const char *text);
int buffer_printf(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes `length` bytes (at most what is there) from the front. */
void buffer_consume(struct buffer *buffer, size_t length);

/* Empties it; an allocation larger than `keep` bytes is given back. */
void buffer_clear(struct buffer *buffer, size_t keep);

#endif
