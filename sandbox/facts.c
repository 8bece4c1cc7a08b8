/* SPDX-License-Identifier: Apache-2.0 */
/* The part of /proc that is everybody's (facts.h). */
#include "sandbox/facts.h"

#include <stddef.h>
#include <string.h>

const char *const facts_paths[] = {"/proc/cpuinfo",     "/proc/meminfo", "/proc/stat",
				   "/proc/loadavg",     "/proc/uptime",  "/proc/version",
				   "/proc/filesystems", "/proc/sys",     NULL};

static bool is_within(const char *path, const char *top)
{
	size_t length = strlen(top);

	return !strncmp(path, top, length) && (path[length] == '/' || path[length] == '\0');
}

bool facts_forbid(const char *path)
{
	for (size_t i = 0; facts_paths[i]; i++)
		if (is_within(path, facts_paths[i]))
			return false;
	return is_within(path, "/proc");
}
