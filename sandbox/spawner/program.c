/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding our own programs: beside the running one (build folder, libexec/sallyport), or in libexec/sallyport
 * beside its bin. Nothing else is looked at: no PATH, no environment.
 */
#include "sandbox/spawner/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int program_directory(char *directory, struct err *err)
{
	ssize_t length = readlink("/proc/self/exe", directory, (size_t)PATH_MAX - 1);
	char *slash;

	if (length < 0)
		return err_set(err, -errno, "where this program stands: /proc/self/exe: %s", err_name(errno));
	directory[length] = '\0';
	slash = strrchr(directory, '/');
	if (!slash)
		return err_set(err, -ENOENT, "where this program stands is not known: %s", directory);
	*slash = '\0';
	return 0;
}

int program_open(const char *name, struct err *err)
{
	static const char *const places[] = {"", "/../libexec/sallyport"};
	char directory[PATH_MAX], path[PATH_MAX + 64];
	int result = program_directory(directory, err);

	if (result < 0)
		return result;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		int fd;

		snprintf(path, sizeof path, "%s%s/%s", directory, places[i], name);
		fd = open(path, O_PATH | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return err_set(err, -ENOENT,
		       "%s is neither in %s nor in %s/../libexec/sallyport: the installation is incomplete",
		       name, directory, directory);
}
