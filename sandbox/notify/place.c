/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths, resolved as the kernel would for the caller (place.h). One openat2 does it, but for two things that
 * are different for everybody: /proc/self, which would be this process, and the magic links of /proc, which
 * are followed nowhere by accident. A path that meets either, or fails, is walked by its components.
 *
 * This process's own directory in /proc is closed to callers as it is to them by the kernel (it is not
 * dumpable): its links would be our descriptors.
 */
#include "sandbox/notify/place.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/layers/calls.h"

#define DIRECTORY (O_PATH | O_DIRECTORY | O_CLOEXEC)

void place_init(struct place *place)
{
	place->parent = -1;
	place->name[0] = '\0';
	place->text[0] = '\0';
}

void place_deinit(struct place *place)
{
	close_fd(&place->parent);
}

int place_text(const struct notify_call *call, int fd, char text[PATH_MAX])
{
	char number[16];
	ssize_t length;

	snprintf(number, sizeof number, "%d", fd);
	length = readlinkat(call->notify->descriptors, number, text, PATH_MAX);
	if (length < 0 || length == PATH_MAX)
		return length < 0 ? -errno : -ENAMETOOLONG;
	text[length] = '\0';
	return 0;
}

/* The verdict on a directory above that it can spell holds for it too. */
int place_text_above(const struct notify_call *call, int fd, char text[PATH_MAX])
{
	_cleanup_fd_ int at = -1;
	int result = place_text(call, fd, text);

	for (int i = 0; i < PATH_MAX && result == -ENAMETOOLONG; i++) {
		int up = openat(at < 0 ? fd : at, "..", DIRECTORY);

		close_fd(&at);
		at = up;
		if (at < 0) /* no directory, or one that must not be searched */
			break;
		result = place_text(call, at, text);
	}
	return result;
}

static bool is_in_proc(const char *text)
{
	return !strncmp(text, "/proc", 5) && (text[5] == '/' || text[5] == '\0');
}

static bool is_ours(const char *text)
{
	char own[32];
	int length = snprintf(own, sizeof own, "/proc/%d", (int)getpid());

	return !strncmp(text, own, (size_t)length) && (text[length] == '/' || text[length] == '\0');
}

static bool is_directory(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

/* ---- by components ---- */

struct walk {
	const struct notify_call *call;
	int at; /* O_PATH */
	int links;
	char rest[2 * PATH_MAX];
};

static bool at_proc_root(int directory)
{
	struct statfs fs;
	struct stat status;

	return fstatfs(directory, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC &&
	       fstat(directory, &status) == 0 && status.st_ino == 1;
}

static bool at_proc(int directory)
{
	struct statfs fs;

	return fstatfs(directory, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* What the link says; the caller's own place for the two that say who asks. 0 or -errno. */
static int read_link(struct walk *walk, const char *name, char target[PATH_MAX])
{
	bool self = !strcmp(name, "self"), thread = !strcmp(name, "thread-self");
	ssize_t length;

	if ((self || thread) && at_proc_root(walk->at)) {
		int process = target_process(walk->call);

		if (process < 0)
			return process;
		snprintf(target, PATH_MAX, thread ? "%d/task/%d" : "%d", process, (int)walk->call->thread);
		return 0;
	}
	length = readlinkat(walk->at, name, target, PATH_MAX);
	if (length < 0 || length == PATH_MAX)
		return length < 0 ? -errno : -ENAMETOOLONG;
	target[length] = '\0';
	return length ? 0 : -ENOENT;
}

/* The links of processes' directories lead to things, not to names. */
static int jump(struct walk *walk, const char *name)
{
	char text[PATH_MAX];
	int result = place_text(walk->call, walk->at, text);

	if (result == 0 && is_ours(text))
		return -EACCES;
	if (result < 0)
		return result;
	result = openat(walk->at, name, O_PATH | O_CLOEXEC);
	return result < 0 ? -errno : result;
}

/* Puts a link's target before what is left of the path. */
static int follow(struct walk *walk, const char *name)
{
	char target[PATH_MAX], joined[sizeof walk->rest];
	int result = read_link(walk, name, target), length;

	if (result < 0)
		return result;
	if (++walk->links > LIMIT_NOTIFY_LINKS)
		return -ELOOP;
	length = snprintf(joined, sizeof joined, "%s%s%s", target, walk->rest[0] ? "/" : "", walk->rest);
	if (length >= (int)sizeof joined)
		return -ENAMETOOLONG;
	memcpy(walk->rest, joined, (size_t)length + 1);
	if (target[0] == '/') {
		close_fd(&walk->at);
		walk->at = fcntl(walk->call->notify->root, F_DUPFD_CLOEXEC, 0);
		if (walk->at < 0)
			return -errno;
	}
	return 0;
}

static int step(struct walk *walk, const char *name)
{
	_cleanup_fd_ int next = -1;
	struct stat status;

	next = openat(walk->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (next < 0 || fstat(next, &status) < 0)
		return -errno;
	if (S_ISLNK(status.st_mode)) {
		if (!at_proc(walk->at) || at_proc_root(walk->at))
			return follow(walk, name);
		close_fd(&next);
		next = jump(walk, name);
		if (next < 0)
			return next;
		if (++walk->links > LIMIT_NOTIFY_LINKS)
			return -ELOOP;
	}
	close_fd(&walk->at);
	walk->at = steal_fd(&next);
	return 0;
}

/* From `base` (ours, borrowed) along `path`, following every link. O_PATH or -errno. */
static int walk_path(const struct notify_call *call, int base, const char *path)
{
	struct walk walk = {.call = call};
	int result = 0;

	walk.at = fcntl(path[0] == '/' ? call->notify->root : base, F_DUPFD_CLOEXEC, 0);
	if (walk.at < 0)
		return -errno;
	snprintf(walk.rest, sizeof walk.rest, "%s", path);
	while (result == 0) {
		char name[NAME_MAX + 1];
		size_t start = strspn(walk.rest, "/"), length = strcspn(walk.rest + start, "/");

		if (length == 0) { /* slashes behind the last name want a directory */
			result = start > 0 && !is_directory(walk.at) ? -ENOTDIR : 0;
			break;
		}
		if (length > NAME_MAX) {
			result = -ENAMETOOLONG;
			break;
		}
		memcpy(name, walk.rest + start, length);
		name[length] = '\0';
		memmove(walk.rest, walk.rest + start + length, strlen(walk.rest + start + length) + 1);
		result = step(&walk, name);
	}
	if (result == 0)
		return walk.at;
	close_fd(&walk.at);
	return result;
}

/* ---- places ---- */

/* The directory before the last component. */
static int open_parent(const struct notify_call *call, int base, const char *path, char text[PATH_MAX])
{
	_cleanup_fd_ int parent = call_openat2(base, path, DIRECTORY, RESOLVE_NO_MAGICLINKS);
	int result = parent < 0 ? -errno : place_text_above(call, parent, text);

	if (result == 0 && !is_in_proc(text))
		return steal_fd(&parent);
	close_fd(&parent);
	parent = walk_path(call, base, path);
	if (parent < 0)
		return parent;
	if (!is_directory(parent))
		return -ENOTDIR;
	result = place_text_above(call, parent, text);
	if (result == 0 && is_ours(text))
		result = -EACCES;
	return result < 0 ? result : steal_fd(&parent);
}

int place_find_from(const struct notify_call *call, int base, const char *path, struct place *place)
{
	size_t end = strlen(path), start, bare;
	char way[PATH_MAX], text[PATH_MAX];
	int parent;

	for (bare = end; bare > 0 && path[bare - 1] == '/'; bare--)
		;
	for (start = bare; start > 0 && path[start - 1] != '/'; start--)
		;
	/* also where it is the root itself: its parent is itself, and "/" its name */
	snprintf(way, sizeof way, "%.*s", (int)start, path);
	parent = open_parent(call, base, bare == 0 ? "/" : start == 0 ? "." : way, text);
	if (parent < 0)
		return parent;
	close_fd(&place->parent);
	place->parent = parent;
	snprintf(place->name, sizeof place->name, "%s", bare == 0 ? "/" : path + start);
	place->plain = bare > 0 && bare == end && strcmp(place->name, ".") && strcmp(place->name, "..");
	place->proc = is_in_proc(text);
	snprintf(place->text, sizeof place->text, "%s/%.*s", text[1] ? text : "", (int)(bare - start),
		 path + start);
	return 0;
}

/* The most frequent case: a name alone, in a directory that is open already. 1: it was not that. */
static int find_here(const struct notify_call *call, int *base, const char *name, struct place *place)
{
	char text[PATH_MAX];

	if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ||
	    place_text(call, *base, text) < 0 || is_in_proc(text))
		return 1;
	close_fd(&place->parent);
	place->parent = steal_fd(base);
	snprintf(place->name, sizeof place->name, "%s", name);
	place->plain = true;
	place->proc = false;
	snprintf(place->text, sizeof place->text, "%s/%s", text[1] ? text : "", name);
	return 0;
}

int place_find(const struct notify_call *call, int directory, const char *path, struct place *place)
{
	_cleanup_fd_ int base = path[0] == '/' ? -1 : target_directory(call, directory);

	if (path[0] != '/' && base < 0)
		return base;
	if (base >= 0 && find_here(call, &base, path, place) == 0)
		return 0;
	return place_find_from(call, base, path, place);
}

int place_object(const struct notify_call *call, const struct place *place)
{
	char text[PATH_MAX];
	int fd = -1;

	if (!place->proc)
		fd = call_openat2(place->parent, place->name, O_PATH | O_CLOEXEC, RESOLVE_NO_MAGICLINKS);
	if (fd >= 0 && (place_text(call, fd, text) < 0 || is_in_proc(text)))
		close_fd(&fd);
	if (fd < 0)
		fd = walk_path(call, place->parent, place->name);
	if (fd >= 0 && place_text(call, fd, text) == 0 && is_ours(text)) {
		close_fd(&fd);
		fd = -EACCES;
	}
	if (fd >= 0 && !place->plain && !is_directory(fd)) {
		close_fd(&fd);
		fd = -ENOTDIR;
	}
	return fd;
}
