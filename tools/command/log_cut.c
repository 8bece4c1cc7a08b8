/* SPDX-License-Identifier: Apache-2.0 */
/* Where a reader of a command's log should stop (command_log_cut). */
#include "tools/command/log.h"

#include <string.h>

#define BEGUN_BYTES_MOST 3 /* of a character of UTF-8 that is not complete */

struct ending {
	size_t length;        /* bytes seen */
	size_t after_newline; /* of them, up to the last newline, that included */
	int stream;           /* of the last piece */
	size_t last_length;   /* the last bytes that this stream wrote without a word of the other between */
	unsigned char last[BEGUN_BYTES_MOST];
};

static int look(void *context, int stream, const char *bytes, size_t length)
{
	struct ending *ending = context;
	const char *newline = memrchr(bytes, '\n', length);

	if (newline)
		ending->after_newline = ending->length + (size_t)(newline + 1 - bytes);
	ending->length += length;
	if (stream != ending->stream)
		ending->last_length = 0;
	ending->stream = stream;
	if (length > BEGUN_BYTES_MOST) {
		bytes += length - BEGUN_BYTES_MOST;
		length = BEGUN_BYTES_MOST;
	}
	for (; length > 0; length--, bytes++) {
		if (ending->last_length == BEGUN_BYTES_MOST)
			memmove(ending->last, ending->last + 1, --ending->last_length);
		ending->last[ending->last_length++] = (unsigned char)*bytes;
	}
	return 0;
}

/* How many bytes at the end are a character that has only begun. */
static size_t count_begun(const struct ending *ending)
{
	for (size_t back = 1; back <= ending->last_length; back++) {
		unsigned char byte = ending->last[ending->last_length - back];

		if ((byte & 0xc0) == 0x80)
			continue;
		return byte >= (back == 1 ? 0xc0 : back == 2 ? 0xe0 : 0xf0) ? back : 0;
	}
	return 0;
}

size_t command_log_cut(struct command_log *log, uint64_t since, size_t most, bool ended)
{
	struct ending ending = {.stream = -1};
	uint64_t next, lost;
	size_t whole;

	if (command_log_read(log, since, most, look, &ending, &next, &lost) < 0)
		return 0;
	whole = ending.length - count_begun(&ending);
	if (next == log->total)
		return ended ? ending.length : whole;
	if (ending.length < most) /* what would follow is gone */
		return ending.length;
	if (ending.after_newline > ending.length / 2)
		return ending.after_newline;
	return whole > 0 ? whole : ending.length;
}
