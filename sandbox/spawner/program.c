/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding our own programs. Where they are is told by the name of the directory alone: from bin they are in
 * ../libexec/sallyport, from anywhere else (libexec/sallyport, a build folder) they are beside the running
 * one. Nothing else is looked at, no PATH, no environment, and above all no second place when the first has
 * nothing: what is absent there could be put there by a command, if the server was installed in a workspace.
 */
#include "sandbox/spawner/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const program_names[] = {
	"sallyport-broker", "sallyport-files",   "sallyport-http", "sallyport-keeper",
	"sallyport-search", "sallyport-spawner", "sallyport-web",  NULL};

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

bool program_installed(const char *directory)
{
	const char *slash = strrchr(directory, '/');

	return slash && strcmp(slash, "/bin") == 0;
}

int program_open(const char *name, struct err *err)
{
	char directory[PATH_MAX], path[PATH_MAX + 64];
	int result = program_directory(directory, err);

	if (result < 0)
		return result;
	snprintf(path, sizeof path, "%s%s/%s", directory,
		 program_installed(directory) ? "/" PROGRAM_LIBEXEC : "", name);
	result = open(path, O_PATH | O_CLOEXEC);
	if (result >= 0)
		return result;
	result = -errno;
	return err_set(err, result,
		       "%s: %s: the installation is incomplete (what lies in a directory named bin has its "
		       "programs in " PROGRAM_LIBEXEC ")",
		       path, err_name(result));
}
