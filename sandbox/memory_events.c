/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's own count (memory_events.h). Read by position: whoever else has the file open changes nothing.
 */
#include "sandbox/memory_events.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int memory_events_find(const char *text, const char *key, uint64_t *number)
{
	size_t length = strlen(key);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, length) && line[length] == ' ' &&
		    isdigit((unsigned char)line[length + 1])) {
			*number = strtoull(line + length + 1, NULL, 10);
			return 0;
		}
	}
	return -ENOENT;
}

int memory_events_killed(int fd, uint64_t *killed)
{
	char text[512];
	ssize_t got = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);

	if (got < 0)
		return fd < 0 ? -EBADF : -errno;
	text[got] = '\0';
	return memory_events_find(text, "oom_kill", killed);
}
