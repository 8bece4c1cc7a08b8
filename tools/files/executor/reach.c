/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths to descriptors. The kernel alone resolves (openat2 beneath a workspace); what text says is used to
 * choose the workspace, to follow absolute links into one, and to explain a refusal. Trusts the plan; not the
 * path, not the tree, which others rename while we look.
 */
#include "tools/files/executor/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/error.h"
#include "sandbox/rule.h"
#include "tools/files/executor/links.h"
#include "tools/files/executor/near.h"
#include "tools/files/quote.h"

#define LINKS 40 /* as many as the kernel follows */
#define RETRIES                                                                                              \
	64 /* EAGAIN: the kernel could not tell whether ".." stayed inside while something was renamed */

static int add_rule(struct reach *reach, size_t root, const char *below, const char *text, bool hide)
{
	struct reach_rule *rules = realloc(reach->rules, (reach->rule_count + 1) * sizeof *rules);
	char *copy;

	if (!rules)
		return -ENOMEM;
	reach->rules = rules;
	copy = strdup(below);
	if (!copy)
		return -ENOMEM;
	rules[reach->rule_count++] =
		(struct reach_rule){.root = root, .below = copy, .text = text, .hide = hide};
	reach->hides |= hide;
	return 0;
}

/* What stands below `root` in an absolute path: "a/b", "." for the root itself, NULL if the path is
 * elsewhere. */
static const char *below_root(const struct reach_root *root, const char *path)
{
	size_t length = root->length;

	if (strncmp(path, root->path, length) != 0)
		return NULL;
	if (length == 1) /* the root directory: refused as a workspace, but arithmetic should hold */
		length = 0;
	if (path[length] != '\0' && path[length] != '/')
		return NULL;
	while (path[length] == '/')
		length++;
	return path[length] ? path + length : ".";
}

/* One rule for each workspace that the absolute path lies in, since a workspace may lie in another. */
static int add_absolute(struct reach *reach, const char *path, const char *text, bool hide)
{
	for (size_t i = 0; i < reach->count; i++) {
		const char *below = below_root(&reach->roots[i], path);
		int result;

		if (!below)
			continue;
		result = add_rule(reach, i, below, text, hide);
		if (result < 0)
			return result;
	}
	return 0;
}

static int add_protected(struct reach *reach, const char *text)
{
	char path[2 * LIMIT_PATH_BYTES];
	int result = 0;

	if (text[0] == '/')
		return add_absolute(reach, text, text, false);
	for (size_t i = 0; i < reach->count && result == 0; i++) {
		snprintf(path, sizeof path, "%s/%s", reach->roots[i].path, text);
		result = add_absolute(reach, path, text, false);
	}
	return result;
}

/* A read-only workspace inside a writable one is protected from there. */
static int add_nested(struct reach *reach)
{
	int result = 0;

	for (size_t i = 0; i < reach->count && result == 0; i++)
		for (size_t j = 0; j < reach->count && result == 0; j++) {
			const char *below = below_root(&reach->roots[j], reach->roots[i].path);

			if (i != j && below && strcmp(below, ".") != 0 && !reach->roots[i].write)
				result = add_rule(reach, j, below, RULE_READ_ONLY, false);
		}
	return result;
}

int reach_init(struct reach *reach, const struct plan *plan, const int *descriptors)
{
	int result = 0;

	*reach = (struct reach){.roots = calloc(plan->workspace_count + 1, sizeof *reach->roots)};
	if (!reach->roots)
		return -ENOMEM;
	for (size_t i = 0; i < plan->workspace_count; i++) {
		struct reach_root *root = &reach->roots[reach->count++];
		struct stat status;

		*root = (struct reach_root){.path = plan->workspaces[i].path,
					    .length = strlen(plan->workspaces[i].path),
					    .fd = descriptors[i],
					    .write = plan->workspaces[i].write};
		if (root->fd >= 0 && fstat(root->fd, &status) == 0) {
			root->device = status.st_dev;
			root->inode = status.st_ino;
		}
	}
	for (size_t i = 0; i < plan->protect_count && result == 0; i++)
		result = add_protected(reach, plan->protect[i]);
	for (size_t i = 0; i < plan->hide_count && result == 0; i++)
		result = add_absolute(reach, plan->hide[i], plan->hide[i], true);
	return result == 0 ? add_nested(reach) : result;
}

void reach_deinit(struct reach *reach)
{
	for (size_t i = 0; i < reach->rule_count; i++)
		free(reach->rules[i].below);
	free(reach->rules);
	free(reach->roots);
	ignore_release(reach->everywhere);
	*reach = (struct reach){0};
}

void reach_absolute(const struct place *place, char *to, size_t size)
{
	if (strcmp(place->below, ".") == 0)
		snprintf(to, size, "%s", place->root->path);
	else
		snprintf(to, size, "%s/%s", place->root->path, place->below);
}

/* "paths in `/a` and `/b` (read-only)" */
static void list_roots(const struct reach *reach, char *to, size_t size)
{
	size_t used = (size_t)snprintf(to, size, "paths in");

	for (size_t i = 0; i < reach->count && used < size; i++)
		used += (size_t)snprintf(to + used, size - used, "%s `%s`%s",
					 i == 0                  ? ""
					 : i + 1 == reach->count ? " and"
								 : ",",
					 reach->roots[i].path, reach->roots[i].write ? "" : " (read-only)");
}

int reach_deny_outside(const struct reach *reach, const char *operation, const char *target,
		       struct refusal *refusal)
{
	char allowed[512];

	list_roots(reach, allowed, sizeof allowed);
	return refuse_denied(refusal, operation, target, RULE_WORKSPACE, allowed);
}

int reach_find(const struct reach *reach, const char *path, const char *operation, struct place *place,
	       struct refusal *refusal)
{
	char room[LIMIT_PATH_BYTES];
	const char *below = NULL;

	place->root = NULL;
	path = quote_read(path, room);
	if (reach->count == 0)
		return reach_deny_outside(reach, operation, path, refusal);
	if (path[0] != '/') {
		place->root = &reach->roots[0];
		below = path[0] ? path : ".";
	} else {
		while (path[1] == '/')
			path++;
		for (size_t i = 0; i < reach->count; i++) {
			const char *candidate = below_root(&reach->roots[i], path);

			if (candidate && (!place->root || reach->roots[i].length > place->root->length)) {
				place->root = &reach->roots[i];
				below = candidate;
			}
		}
		if (!place->root)
			return reach_deny_outside(reach, operation, path, refusal);
	}
	if (strlen(below) >= sizeof place->below)
		return refuse_errno(refusal, ENAMETOOLONG, operation, path);
	memmove(place->below, below, strlen(below) + 1);
	if (place->root->fd < 0)
		return refuse(refusal, ENOENT,
			      "cannot %s `%.400s`: the workspace `%s` was not there when the server looked; "
			      "make it and start the server again",
			      operation, path, place->root->path);
	return 0;
}

static int open_beneath(int directory, const char *below, int flags, mode_t mode)
{
	struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC,
			       .mode = mode,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	int fd, tries = 0;

	do
		fd = (int)syscall(SYS_openat2, directory, below, &how, sizeof how);
	while (fd < 0 && (errno == EINTR || (errno == EAGAIN && tries++ < RETRIES)));
	return fd < 0 ? -errno : fd;
}

int reach_open_below(int directory, const char *below, int flags)
{
	return open_beneath(directory, below, flags, 0);
}

int reach_create(int directory, const char *name, mode_t mode)
{
	return open_beneath(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
}

int reach_name(int fd, int directory, const char *name)
{
	return linkat(fd, "", directory, name, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

int reach_create_unnamed(int directory, mode_t mode)
{
	_cleanup_fd_ int fd = open_beneath(directory, ".", O_WRONLY | O_TMPFILE, mode);

	if (fd == -EISDIR || fd == -EINVAL ||
	    fd == -ENOENT) /* a kernel or file system that has no O_TMPFILE */
		return -EOPNOTSUPP;
	if (fd < 0)
		return fd;
	/* Linux 6.10 lets who made it name it; before, that took a privilege. "." exists: when that is what
	 * is wrong, nothing else was. */
	if (reach_name(fd, directory, ".") != -EEXIST)
		return -EOPNOTSUPP;
	return steal_fd(&fd);
}

/* As far as links go that the kernel does not follow beneath a workspace. A descriptor, or -errno. */
static int open_through_links(const struct reach *reach, struct place *place, int flags,
			      const char *operation, struct refusal *refusal)
{
	char typed[512];

	snprintf(typed, sizeof typed, "%s", place->below);
	for (int links = 0; links < LINKS; links++) {
		int result = links_follow(reach, place, typed, operation, refusal);

		if (result < 0)
			return result;
		result = reach_open_below(place->root->fd, place->below, flags);
		if (result != -EXDEV)
			return result;
	}
	return -ELOOP;
}

int reach_open(const struct reach *reach, struct place *place, int flags, const char *operation,
	       struct refusal *refusal)
{
	int result;

	refusal->told = false;
	/* a FIFO or a device must not make us wait; fstat then says what it is */
	if (!(flags & O_PATH))
		flags |= O_NONBLOCK | O_NOCTTY;
	result = reach_open_below(place->root->fd, place->below, flags);
	if (result == -EXDEV)
		result = open_through_links(reach, place, flags, operation, refusal);
	if (result >= 0 || refusal->told)
		return result;
	if (result == -ENOENT)
		return near_refuse(place, operation, refusal);
	if (result == -ENXIO)
		return refuse(refusal, ENXIO,
			      "cannot %s `%.600s`: it is a socket, and only regular files hold data",
			      operation, place->below);
	return refuse_errno(refusal, result, operation, place->below);
}

enum files_type files_type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return FILES_FILE;
	case S_IFDIR:
		return FILES_DIRECTORY;
	case S_IFLNK:
		return FILES_LINK;
	case S_IFIFO:
		return FILES_FIFO;
	case S_IFSOCK:
		return FILES_SOCKET;
	case S_IFCHR:
	case S_IFBLK:
		return FILES_DEVICE;
	default:
		return FILES_OTHER;
	}
}
