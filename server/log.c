/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: one write each, so that lines of several processes do not mix. */
#include "server/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int log_fd = STDERR_FILENO;

void log_init(void)
{
	struct stat status;
	int own;

	/* only a pipe can make us wait; a terminal or a file is its owner's business */
	if (fstat(STDERR_FILENO, &status) < 0 || !S_ISFIFO(status.st_mode))
		return;
	own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (own >= 0)
		log_fd = own;
}

void log_line(const char *format, ...)
{
	char line[1024] = "sallyport: ";
	const size_t prefix = sizeof "sallyport: " - 1;
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
	if (write(log_fd, line, prefix + (size_t)length + 1) < 0)
		return; /* there is nobody to tell */
}

void log_text(const char *text)
{
	log_line("%s", text);
}
