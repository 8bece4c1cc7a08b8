/* SPDX-License-Identifier: Apache-2.0 */
/* Where a reader of a command's log should stop (command_log_cut). */
#include "tools/command/log.h"

#include <string.h>

#include "tools/command/output.h"

struct ending {
	size_t length;        /* bytes seen */
	size_t after_newline; /* of them, up to the last newline, that included */
	int stream;           /* of the last piece */
	size_t last_length;   /* the last bytes that this stream wrote without a word of the other between */
	char last[OUTPUT_BEGUN_MOST];
};

static int look(void *context, int stream, const char *bytes, size_t length)
{
	struct ending *ending = context;
	const char *newline = memrchr(bytes, '\n', length);
	size_t kept = length < sizeof ending->last ? length : sizeof ending->last, left;

	if (newline)
		ending->after_newline = ending->length + (size_t)(newline + 1 - bytes);
	ending->length += length;
	if (stream != ending->stream)
		ending->last_length = 0;
	ending->stream = stream;
	left = sizeof ending->last - kept; /* of those before */
	if (left > ending->last_length)
		left = ending->last_length;
	memmove(ending->last, ending->last + ending->last_length - left, left);
	memcpy(ending->last + left, bytes + length - kept, kept);
	ending->last_length = left + kept;
	return 0;
}

size_t command_log_begun(struct command_log *log)
{
	uint64_t total = command_log_total(log), next, lost;
	struct ending ending = {.stream = -1};

	if (command_log_read(log, total < OUTPUT_BEGUN_MOST ? 0 : total - OUTPUT_BEGUN_MOST,
			     OUTPUT_BEGUN_MOST, look, &ending, &next, &lost) < 0)
		return 0;
	return output_begun(ending.last, ending.last_length);
}

size_t command_log_cut(struct command_log *log, uint64_t since, size_t most, bool ended)
{
	struct ending ending = {.stream = -1};
	uint64_t next, lost;
	size_t whole;

	if (command_log_read(log, since, most, look, &ending, &next, &lost) < 0)
		return 0;
	whole = ending.length - output_begun(ending.last, ending.last_length);
	if (next == log->total)
		return ended ? ending.length : whole;
	if (ending.length < most) /* what would follow is gone */
		return ending.length;
	if (ending.after_newline > ending.length / 2)
		return ending.after_newline;
	return whole > 0 ? whole : ending.length;
}
