/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protected paths of the repositories that a workspace's .git holds beside its own: those of linked work
 * trees, whose `commondir` says where a work tree somewhere else on the machine takes its configuration and
 * hooks from, and those of submodules, into which git looks whenever it runs in the workspace.
 *
 * Looked for once, at the start: what is made later by a command must stay writable (`git worktree add`).
 * What lies there may be a command's work of an earlier day: links are not followed, and all is bounded.
 * Where there is more than the bound nothing below is written.
 */
#include "server/policy/compile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

/* As in protect.h, of each repository. */
static const char *const names[] = {"commondir", "config", "config.worktree", "hooks"};

struct search {
	struct plan *plan;
	bool config; /* this name too */
	size_t seen; /* entries of all directories */
};

static void cleanup_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

static int open_directory(int above, const char *name)
{
	return openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* By any of its files: a command of an earlier day may have removed those that are not protected. */
static bool is_repository(int fd)
{
	static const char *const files[] = {"HEAD", "commondir", "config"};
	struct stat status;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (fstatat(fd, files[i], &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode))
			return true;
	return false;
}

static int protect(struct search *search, const char *path)
{
	char text[LIMIT_PATH_BYTES + 32];
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names) && result == 0; i++) {
		if (!search->config && strcmp(names[i], "config") == 0)
			continue;
		snprintf(text, sizeof text, "%s/%s", path, names[i]);
		result = plan_add_text(&search->plan->protect, &search->plan->protect_count, text);
	}
	return result;
}

static int look(struct search *search, int above, const char *name, const char *path, int depth);

/* An entry of the directory at `path`: a repository, which may have submodules, or what such are sorted into.
 */
static int judge(struct search *search, int directory, const char *name, const char *path, int depth)
{
	char below[LIMIT_PATH_BYTES];
	struct stat status;
	_cleanup_fd_ int fd = -1;
	int length, result;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	length = snprintf(below, sizeof below, "%s/%s", path, name);
	if (++search->seen > LIMIT_REPOSITORIES || length + sizeof "/modules" > sizeof below)
		return -E2BIG;
	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(status.st_mode))
		return 0;
	fd = open_directory(directory, name);
	if (!is_repository(fd))
		return look(search, directory, name, below, depth - 1);
	result = protect(search, below);
	memcpy(below + length, "/modules", sizeof "/modules");
	return result < 0 ? result : look(search, fd, "modules", below, depth - 1);
}

/* Those in the directory `name` of `above`, which is at `path` below the workspace. 0, -E2BIG or -ENOMEM. */
static int look(struct search *search, int above, const char *name, const char *path, int depth)
{
	_cleanup_fd_ int fd = open_directory(above, name);
	_cleanup_(cleanup_directory) DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	int result = 0;

	if (!directory)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -E2BIG;
	fd = -1; /* the directory's */
	if (depth == 0)
		return -E2BIG;
	for (const struct dirent *entry; result == 0 && (entry = readdir(directory));)
		result = judge(search, dirfd(directory), entry->d_name, path, depth);
	return result;
}

int policy_repositories(struct plan *plan, bool config)
{
	static const char *const places[] = {"worktrees", "modules"};
	struct search search = {.plan = plan, .config = config};
	int result = 0;

	for (size_t i = 0; i < plan->workspace_count; i++) {
		_cleanup_fd_ int top =
			plan->workspaces[i].write ? open_directory(AT_FDCWD, plan->workspaces[i].path) : -1;
		_cleanup_fd_ int git = top >= 0 ? open_directory(top, ".git") : -1;

		for (size_t j = 0; git >= 0 && j < ARRAY_SIZE(places) && result == 0; j++) {
			char path[32];

			snprintf(path, sizeof path, ".git/%s", places[j]);
			result = look(&search, git, places[j], path, LIMIT_REPOSITORY_DEPTH);
			if (result == -E2BIG)
				result = plan_add_text(&plan->protect, &plan->protect_count, path);
		}
	}
	return result;
}
