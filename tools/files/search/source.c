/* SPDX-License-Identifier: Apache-2.0 */
/* Files as text (source.h). Nothing is believed of a file but what read() gives. */
#include "tools/files/search/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "protocol/utf8.h"

#define RAW_BYTES 32768 /* of UTF-16 turned at once */

int source_init(struct source *source)
{
	*source = (struct source){.fd = -1, .room = LIMIT_SEARCH_WINDOW_BYTES};
	source->bytes = malloc(source->room);
	return source->bytes ? 0 : -ENOMEM;
}

void source_deinit(struct source *source)
{
	free(source->bytes);
	source->bytes = NULL;
}

int source_open(struct source *source, int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return 1;
	source->fd = fd;
	source->length = source->odd_length = 0;
	source->position = 0;
	source->size = (uint64_t)status.st_size;
	source->sparse = (uint64_t)status.st_blocks * 512 < source->size && source->size > source->room;
	source->eof = source->wide = source->holes = false;
	source->first = true;
	return 0;
}

bool source_grow(struct source *source)
{
	size_t room = source->room * 2;
	uint8_t *grown;

	if (room > LIMIT_SEARCH_WINDOW_MAX_BYTES)
		return false;
	grown = realloc(source->bytes, room);
	if (!grown)
		return false;
	source->bytes = grown;
	source->room = room;
	return true;
}

void source_drop(struct source *source, size_t count)
{
	memmove(source->bytes, source->bytes + count, source->length - count);
	source->length -= count;
}

bool source_is_binary(const struct source *source)
{
	size_t length =
		source->length < LIMIT_SEARCH_BINARY_BYTES ? source->length : LIMIT_SEARCH_BINARY_BYTES;

	return memchr(source->bytes, '\0', length) != NULL;
}

/* Up to `most` bytes of the file, over a hole if there is one. Their number, 0 at the end, or -errno. */
static ssize_t read_some(struct source *source, uint8_t *to, size_t most)
{
	ssize_t got;

	if (source->sparse) {
		off_t data = lseek(source->fd, (off_t)source->position, SEEK_DATA);

		if (data < 0 && errno == ENXIO) {
			source->holes |= source->position < source->size;
			return 0;
		}
		if (data < 0) /* a file system that cannot tell: its holes are read */
			source->sparse = false;
		if (data > (off_t)source->position) {
			source->holes = true;
			source->position = (uint64_t)data;
		}
	}
	do
		got = read(source->fd, to, most);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		source->position += (uint64_t)got;
	return got < 0 ? -errno : got;
}

/* ---- UTF-16 ---- */

static uint32_t unit(const struct source *source, const uint8_t *at)
{
	return source->big ? (uint32_t)at[0] << 8 | at[1] : (uint32_t)at[1] << 8 | at[0];
}

/* Turns raw[0, length) and keeps what is not whole; half a pair alone becomes U+FFFD. */
static void turn(struct source *source, const uint8_t *raw, size_t length)
{
	size_t at = 0;

	while (length - at >= 2) {
		uint32_t character = unit(source, raw + at);

		if ((character & 0xfc00) == 0xd800) {
			uint32_t low;

			if (length - at < 4)
				break;
			low = unit(source, raw + at + 2);
			if ((low & 0xfc00) == 0xdc00) {
				character = 0x10000 + ((character & 0x3ff) << 10) + (low & 0x3ff);
				at += 2;
			} else {
				character = 0xfffd;
			}
		} else if ((character & 0xfc00) == 0xdc00) {
			character = 0xfffd;
		}
		at += 2;
		source->length += utf8_encode(character, (char *)source->bytes + source->length);
	}
	source->odd_length = length - at;
	memcpy(source->odd, raw + at, source->odd_length);
}

static int fill_wide(struct source *source)
{
	uint8_t raw[sizeof source->odd + RAW_BYTES];

	/* each unit of two bytes becomes three at most */
	while (!source->eof && source->room - source->length >= 3 * sizeof raw / 2) {
		ssize_t got;

		memcpy(raw, source->odd, source->odd_length);
		got = read_some(source, raw + source->odd_length, RAW_BYTES);
		if (got < 0)
			return (int)got;
		source->eof = got == 0;
		if (got > 0)
			turn(source, raw, source->odd_length + (size_t)got);
	}
	return 0;
}

/* What a file begins with says how it is read. */
static int begin(struct source *source)
{
	const uint8_t *bytes = source->bytes;

	source->first = false;
	if (source->length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		source_drop(source, 3);
	if (source->length < 2 || (memcmp(bytes, "\xff\xfe", 2) != 0 && memcmp(bytes, "\xfe\xff", 2) != 0))
		return 0;
	source->wide = true;
	source->big = bytes[0] == 0xfe;
	/* from the beginning again, behind the mark: the text needs more room than it has here */
	source->length = 0;
	source->eof = false;
	source->position = 2;
	return lseek(source->fd, 2, SEEK_SET) < 0 ? -errno : fill_wide(source);
}

int source_fill(struct source *source)
{
	if (source->wide)
		return fill_wide(source);
	while (!source->eof && source->length < source->room) {
		ssize_t got =
			read_some(source, source->bytes + source->length, source->room - source->length);

		if (got < 0)
			return (int)got;
		source->length += (size_t)got;
		/* one read is enough for most: no second one that says 0 */
		source->eof = got == 0 || (source->position == source->size && source->length < source->room);
	}
	return source->first ? begin(source) : 0;
}
