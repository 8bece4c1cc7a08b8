/* SPDX-License-Identifier: Apache-2.0 */
/* Workspaces: what --workspace names. See workspaces.h. */
#include "server/workspaces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/cleanup.h"
#include "protocol/path.h"
#include "server/paths.h"

/* Directories of the system, which a sandbox shows read-only or makes anew. */
static const char *const system_places[] = {"/bin",    "/boot", "/dev", "/etc",  "/lib", "/lib32", "/lib64",
					    "/libx32", "/proc", "/run", "/sbin", "/sys", "/usr",   "/var"};
/* The kernel's own trees: nothing in them is a file of anybody's. */
static const char *const kernel_places[] = {"/proc", "/sys"};

bool workspaces_system(const char *path)
{
	if (strcmp(path, "/") == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(system_places); i++)
		if (strcmp(path, system_places[i]) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(kernel_places); i++)
		if (path_within(path, kernel_places[i]))
			return true;
	return false;
}

/* Splits "DIR:ro"; a directory whose name ends so can be written with a slash: "DIR:ro/". */
static int split(const char *text, char **path, bool *write)
{
	size_t length = strlen(text);

	*write = true;
	if (length > 3 && (strcmp(text + length - 3, ":ro") == 0 || strcmp(text + length - 3, ":rw") == 0)) {
		*write = text[length - 1] == 'w';
		length -= 3;
	}
	*path = strndup(text, length);
	return *path ? 0 : -ENOMEM;
}

static int check_place(const char *path, const char *text, struct err *err)
{
	struct stat status;
	int result;

	if (strcmp(path, "/") == 0)
		return err_set(err, -EINVAL,
			       "workspace %s is the whole file system; name a directory of yours", text);
	if (workspaces_system(path))
		return err_set(err, -EINVAL, "workspace %s is a directory of the system; name one of yours",
			       text);
	if (stat(path, &status) < 0) {
		result = -errno;
		return err_set(err, result, "workspace %s: %s", text, strerror(-result));
	}
	if (!S_ISDIR(status.st_mode))
		return err_set(err, -ENOTDIR, "workspace %s is not a directory", text);
	return 0;
}

static int check_others(const struct plan *plan, const char *path, struct err *err)
{
	for (size_t i = 0; i < plan->workspace_count; i++) {
		const char *other = plan->workspaces[i].path;

		if (strcmp(path, other) == 0)
			return err_set(err, -EEXIST, "workspace %s is named twice", path);
		if (path_within(path, other))
			return err_set(err, -EEXIST,
				       "workspace %s lies inside workspace %s; name only the outer one", path,
				       other);
		if (path_within(other, path))
			return err_set(err, -EEXIST,
				       "workspace %s lies inside workspace %s; name only the outer one",
				       other, path);
	}
	return 0;
}

/* A home holds keys and start files: whoever names it means it, and is told what it means. */
static int note_home(const char *path, const char *home, struct buffer *notes)
{
	if (!home || !path_within(home, path))
		return 0;
	return buffer_printf(notes,
			     "workspace %s holds your whole home directory: commands see all of it, keys and "
			     "passwords included; filesystem.denyRead of a policy hides what you name\n",
			     path);
}

static int add_one(struct plan *plan, const char *text, const char *home, struct buffer *notes,
		   struct err *err)
{
	_cleanup_free_ char *given = NULL, *path = NULL;
	bool write;
	int result = split(text, &given, &write);

	if (result < 0)
		return err_set(err, result, "no memory");
	result = path_canonical(given, home, true, &path, err);
	if (result < 0)
		return err_wrap(err, result, "workspace");
	result = check_place(path, given, err);
	if (result == 0)
		result = check_others(plan, path, err);
	if (result == 0 && (note_home(path, home, notes) < 0 ||
			    plan_add_path(&plan->workspaces, &plan->workspace_count, path, write) < 0))
		result = err_set(err, -ENOMEM, "no memory");
	return result;
}

/* Hosts on a desktop start servers in "/" or in the home: neither was meant. */
static int add_current(struct plan *plan, bool optional, const char *home, struct err *err)
{
	_cleanup_free_ char *path = realpath(".", NULL);
	int result;

	if (!path) {
		result = -errno;
		return err_set(err, result, "the current directory: %s; name one with --workspace DIR",
			       strerror(-result));
	}
	if (workspaces_system(path) || (home && path_within(home, path)))
		return optional ? 0
				: err_set(err, -EINVAL,
					  "the current directory is %s, which is not taken for a workspace "
					  "unasked; name one "
					  "with --workspace DIR",
					  path);
	if (plan_add_path(&plan->workspaces, &plan->workspace_count, path, true) < 0)
		return err_set(err, -ENOMEM, "no memory");
	return 0;
}

int workspaces_add(struct plan *plan, const struct options *options, const char *home, struct buffer *notes,
		   struct err *err)
{
	int result = 0;

	if (options->workspace_count == 0)
		return add_current(plan, options->workspace_optional, home, err);
	for (size_t i = 0; i < options->workspace_count && result == 0; i++)
		result = add_one(plan, options->workspaces[i], home, notes, err);
	return result;
}
