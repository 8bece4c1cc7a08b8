/* SPDX-License-Identifier: Apache-2.0 */
/* Lines, characters and encodings in bytes that nobody vouches for. */
#include "tools/files/executor/scan.h"

#include <string.h>

#include "protocol/utf8.h"

/* GCC and clang turn this into whatever vectors the processor has, and into plain code where it has none. */
typedef uint8_t lanes __attribute__((vector_size(16)));

#define LANES sizeof(lanes)

/* Newlines in at most 255 pairs of vectors (a lane's counter is a byte), with the sum of all bits in *all. */
static size_t count_pairs(const uint8_t *bytes, size_t pairs, lanes *all)
{
	lanes left = {0}, right = {0}, bits = *all, one, two;
	size_t sum = 0;

	for (const uint8_t *end = bytes + pairs * 2 * LANES; bytes < end; bytes += 2 * LANES) {
		memcpy(&one, bytes, LANES);
		memcpy(&two, bytes + LANES, LANES);
		left -= (lanes)(one == '\n'); /* true is all ones, that is -1 */
		right -= (lanes)(two == '\n');
		bits |= one | two;
	}
	*all = bits;
	for (size_t i = 0; i < LANES; i++)
		sum += (size_t)left[i] + right[i];
	return sum;
}

size_t scan_lines(const uint8_t *bytes, size_t length, bool *high)
{
	size_t count = 0, at = 0;
	lanes seen = {0};
	uint8_t all = 0;

	while (length - at >= 2 * LANES) {
		size_t pairs = (length - at) / (2 * LANES);

		if (pairs > 255)
			pairs = 255;
		count += count_pairs(bytes + at, pairs, &seen);
		at += pairs * 2 * LANES;
	}
	for (; at < length; at++) {
		uint8_t byte = bytes[at];

		count += byte == '\n';
		all |= byte;
	}
	for (size_t i = 0; i < LANES; i++)
		all |= seen[i];
	if (all & 0x80)
		*high = true;
	return count;
}

size_t scan_to_line(const uint8_t *bytes, size_t length, uint64_t wanted)
{
	size_t at = 0;

	while (wanted--) {
		const uint8_t *newline = memchr(bytes + at, '\n', length - at);

		if (!newline)
			return 0;
		at = (size_t)(newline - bytes) + 1;
	}
	return at;
}

size_t scan_back_to_line(const uint8_t *bytes, size_t length, uint64_t wanted, uint64_t *found)
{
	size_t at = length;

	*found = 0;
	while (*found < wanted) {
		const uint8_t *newline = memrchr(bytes, '\n', at);

		if (!newline)
			return SIZE_MAX;
		at = (size_t)(newline - bytes);
		++*found;
	}
	return length - at - 1;
}

size_t scan_whole_characters(const uint8_t *bytes, size_t length)
{
	for (size_t back = 1; back <= 3 && back < length; back++) {
		uint8_t byte = bytes[length - back];

		if ((byte & 0xc0) != 0x80)
			return utf8_size(byte) > back ? length - back : length;
	}
	return length;
}

const char *scan_encoding(const uint8_t *bytes, size_t length)
{
	size_t at = 0;

	while (at < length) {
		uint64_t word;

		if (length - at >= sizeof word) {
			memcpy(&word, bytes + at, sizeof word);
			if (!(word & 0x8080808080808080u)) {
				at += sizeof word;
				continue;
			}
		}
		size_t used;

		if (utf8_decode(bytes + at, length - at, &used) == UTF8_NONE)
			return utf8_guess_other(bytes, length);
		at += used;
	}
	return NULL;
}
