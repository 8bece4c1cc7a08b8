/* SPDX-License-Identifier: Apache-2.0 */
/* Text of errors for people. See error.h for how code and people get different channels. */
#include "protocol/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A cut may have fallen inside a UTF-8 sequence: drop the started one. */
static void trim_partial_character(char *text)
{
	size_t length = strlen(text), start = length;

	while (start > 0 && length - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return;
	unsigned char lead = (unsigned char)text[start - 1];
	size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;

	if (want > 1 && length - (start - 1) < want)
		text[start - 1] = '\0';
}

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list arguments;

	if (!err)
		return code;
	va_start(arguments, format);
	vsnprintf(err->text, sizeof err->text, format, arguments);
	va_end(arguments);
	trim_partial_character(err->text);
	return code;
}

int err_wrap(struct err *err, int code, const char *format, ...)
{
	struct err inner;
	va_list arguments;
	int used;

	if (!err)
		return code;
	inner = *err;
	va_start(arguments, format);
	used = vsnprintf(err->text, sizeof err->text, format, arguments);
	va_end(arguments);
	if (used >= 0 && (size_t)used < sizeof err->text)
		snprintf(err->text + used, sizeof err->text - (size_t)used, ": %s", inner.text);
	trim_partial_character(err->text);
	return code;
}

const char *err_name(int number)
{
	const char *name = strerrorname_np(number < 0 ? -number : number);

	return name ? name : "E?";
}
