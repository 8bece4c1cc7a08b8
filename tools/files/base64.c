/* SPDX-License-Identifier: Apache-2.0 */
/* base64 to bytes. The text is the model's: everything in it may be wrong. */
#include "tools/files/base64.h"

#include <errno.h>
#include <stdint.h>

/* The value of a character, -1 for one that has none. */
static int value_of(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

static int is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

int base64_decode(const char *text, size_t length, char *to, size_t *count)
{
	size_t written = 0, digits = 0, padding = 0;
	uint32_t bits = 0;

	for (size_t i = 0; i < length; i++) {
		int value = value_of((unsigned char)text[i]);

		if (is_space(text[i]))
			continue;
		if (text[i] == '=' && digits % 4 >= 2 && padding < 2) {
			padding++;
			continue;
		}
		if (value < 0 || padding) {
			*count = i;
			return -EINVAL;
		}
		bits = bits << 6 | (uint32_t)value;
		if (digits++ % 4 != 0)
			to[written++] = (char)(bits >> (6 - 2 * ((digits - 1) % 4)));
	}
	*count = written;
	/* one digit alone is no byte; padding, if any, fills the last group */
	if (digits % 4 == 1 || (padding && (digits + padding) % 4 != 0)) {
		*count = length;
		return -EINVAL;
	}
	return 0;
}
