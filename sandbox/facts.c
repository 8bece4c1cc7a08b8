/* SPDX-License-Identifier: Apache-2.0 */
/* The part of /proc that is everybody's (facts.h). */
#include "sandbox/facts.h"
#include "protocol/path.h"

#include <stddef.h>
#include <string.h>

const char *const facts_paths[] = {"/proc/cpuinfo",     "/proc/meminfo", "/proc/stat",
				   "/proc/loadavg",     "/proc/uptime",  "/proc/version",
				   "/proc/filesystems", "/proc/sys",     NULL};

bool facts_forbid(const char *path)
{
	for (size_t i = 0; facts_paths[i]; i++)
		if (path_within(path, facts_paths[i]))
			return false;
	return path_within(path, "/proc");
}
