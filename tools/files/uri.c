/* SPDX-License-Identifier: Apache-2.0 */
/* Paths in file URIs (uri.h). What is read comes from a client, what is written from an executor: any bytes.
 */
#include "tools/files/uri.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "tools/files/quote.h"

#define LOCAL "localhost"

static int hexadecimal(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit |= 0x20;
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

int uri_read_path(const char *from, char path[LIMIT_PATH_BYTES])
{
	size_t length = 0;

	if (*from != '/')
		return -EINVAL;
	for (; *from; from++) {
		int high, low = 0, byte = (unsigned char)*from;

		if (byte == '?' || byte == '#')
			return -EINVAL;
		if (byte == '%') {
			high = hexadecimal(from[1]);
			low = high < 0 ? -1 : hexadecimal(from[2]);
			if (low < 0 || (byte = high * 16 + low) == 0)
				return -EINVAL;
			from += 2;
		}
		if (length + 1 == LIMIT_PATH_BYTES)
			return -EINVAL;
		path[length++] = (char)byte;
	}
	path[length] = '\0';
	return 0;
}

int uri_read(const char *from, char path[LIMIT_PATH_BYTES])
{
	if (strncmp(from, LOCAL "/", sizeof LOCAL) == 0)
		from += strlen(LOCAL);
	return uri_read_path(from, path);
}

int uri_append_path(struct buffer *to, const char *path)
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char *at = (const unsigned char *)path;
	int result = 0;

	for (size_t left = strlen(path), size; left && result == 0; at += size, left -= size) {
		size = strchr("%?#", *at) ? 0 : quote_shown(at, left);
		if (size) {
			result = buffer_append(to, at, size);
		} else {
			result = buffer_append(to, (char[]){'%', digits[*at >> 4], digits[*at & 15]}, 3);
			size = 1;
		}
	}
	return result;
}

size_t uri_directory(const char *value)
{
	size_t end = 0;

	for (size_t at = 0; value[at]; at++) {
		if (value[at] == '/')
			end = at + 1;
		else if (strncasecmp(value + at, "%2f", 3) == 0)
			end = at + 3;
	}
	return end;
}
