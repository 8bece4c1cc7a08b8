/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines: one write each, so that lines of several processes do not mix. A pipe that poll() calls writable
 * has room for PIPE_BUF bytes, more than a line, so the write does not wait.
 */
#include "server/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void log_line(const char *format, ...)
{
	char line[1024] = "sallyport: ";
	const size_t prefix = sizeof "sallyport: " - 1;
	struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line + prefix, sizeof line - prefix - 1, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	if ((size_t)length > sizeof line - prefix - 2)
		length = (int)(sizeof line - prefix - 2);
	line[prefix + (size_t)length] = '\n';
	if (poll(&room, 1, 0) != 1 || !(room.revents & POLLOUT))
		return;
	if (write(STDERR_FILENO, line, prefix + (size_t)length + 1) < 0)
		return; /* there is nobody to tell */
}

void log_text(const char *text)
{
	log_line("%s", text);
}
