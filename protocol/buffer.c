/* SPDX-License-Identifier: Apache-2.0 */
/* Growing byte buffers with a maximum. Trusts nothing: every length is checked before it is reserved. */
#include "protocol/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_BYTES 512 /* of an allocation: most messages fit */

void buffer_init(struct buffer *buffer, size_t max)
{
	*buffer = (struct buffer){.max = max};
}

void buffer_deinit(struct buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct buffer){.max = buffer->max};
}

int buffer_grow(struct buffer *buffer, size_t more)
{
	size_t length = buffer_length(buffer), size;
	char *bytes;

	if (more > buffer->max || length > buffer->max - more)
		return -EMSGSIZE;
	/* What was consumed in front is room too; moving is cheap while little is left, and needed near the
	 * maximum. */
	if (buffer->start > 0 && (length <= buffer->start || buffer->end > buffer->max - more)) {
		memmove(buffer->bytes, buffer->bytes + buffer->start, length);
		buffer->start = 0;
		buffer->end = length;
	}
	if (buffer->size - buffer->end >= more)
		return 0;
	size = buffer->size ? buffer->size : FIRST_BYTES;
	while (size - buffer->end < more)
		size = size > buffer->max / 2 ? buffer->max : size * 2;
	if (size > buffer->max)
		size = buffer->max; /* never more, so that what fits the allocation fits the maximum */
	bytes = realloc(buffer->bytes, size);
	if (!bytes)
		return -ENOMEM;
	buffer->bytes = bytes;
	buffer->size = size;
	return 0;
}

int buffer_append_text(struct buffer *buffer, const char *text)
{
	return buffer_append(buffer, text, strlen(text));
}

int buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;
	int length, result;

	va_start(arguments, format);
	/* what there is room for anyway is usually enough */
	length = vsnprintf(buffer->bytes ? buffer->bytes + buffer->end : NULL, buffer->size - buffer->end,
			   format, arguments);
	va_end(arguments);
	if (length < 0)
		return -EINVAL;
	if ((size_t)length < buffer->size - buffer->end) {
		buffer->end += (size_t)length;
		return 0;
	}
	result = buffer_reserve(buffer, (size_t)length + 1);
	if (result < 0)
		return result;
	va_start(arguments, format);
	vsnprintf(buffer->bytes + buffer->end, (size_t)length + 1, format, arguments);
	va_end(arguments);
	buffer->end += (size_t)length;
	return 0;
}

void buffer_consume(struct buffer *buffer, size_t length)
{
	if (length >= buffer_length(buffer))
		buffer->start = buffer->end = 0;
	else
		buffer->start += length;
}

void buffer_clear(struct buffer *buffer, size_t keep)
{
	buffer->start = buffer->end = 0;
	if (buffer->size > keep) {
		free(buffer->bytes);
		buffer->bytes = NULL;
		buffer->size = 0;
	}
}
