/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a path to inotify watches (watch.h). inotify takes paths only: the directory is reached beneath its
 * workspace like any other, becomes the working directory, and is watched as "." or by a name in it that is
 * not followed. So nothing outside is ever watched, and what is hidden neither. A directory is watched before
 * what is in it is looked at: what changes in between is heard.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "tools/files/executor/job.h"
#include "tools/files/executor/watch_parts.h"

/* IN_MASK_ADD: whoever holds the same inode as something else keeps what he asked for. */
#define DIRECTORY_EVENTS                                                                                     \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |   \
	 IN_ONLYDIR | IN_MASK_ADD)
#define FILE_EVENTS (IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_DONT_FOLLOW | IN_MASK_ADD)

struct watch_hold **watch_bucket(struct watches *watches, int wd, const char *name)
{
	uint32_t hash = 2166136261u ^ (uint32_t)wd; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return &watches->holds[(hash ^ hash >> 12) % WATCH_BUCKETS];
}

static struct watch_node **find_node(struct watches *watches, int wd)
{
	struct watch_node **at = &watches->nodes[(unsigned)wd % WATCH_BUCKETS];

	while (*at && (*at)->wd != wd)
		at = &(*at)->next;
	return at;
}

/* One fewer holds it; the kernel may have forgotten it already (then it is gone, and so is its wd). */
static void drop_node(struct watches *watches, int wd)
{
	struct watch_node **at = find_node(watches, wd), *node = *at;

	if (!node || --node->holds)
		return;
	inotify_rm_watch(watches->fd, wd);
	*at = node->next;
	watches->node_count--;
	free(node);
}

void watch_release(struct watches *watches, struct watch_hold *holds)
{
	while (holds) {
		struct watch_hold *hold = holds;

		holds = hold->next;
		*hold->link = hold->same;
		if (hold->same)
			hold->same->link = hold->link;
		drop_node(watches, hold->wd);
		free(hold);
	}
}

/* Notes that `name` of `wd` is news. 0 or -ENOMEM. */
static int note(struct watches *watches, struct watch *watch, int wd, const char *name)
{
	struct watch_hold *hold = malloc(sizeof *hold + strlen(name) + 1), **bucket;
	struct watch_node **node = find_node(watches, wd);

	if (hold && !*node) {
		*node = calloc(1, sizeof **node);
		if (*node) {
			(*node)->wd = wd;
			watches->node_count++;
		}
	}
	if (!hold || !*node) {
		if (!*node) /* just added, and nobody would let go of it */
			inotify_rm_watch(watches->fd, wd);
		free(hold);
		return -ENOMEM;
	}
	(*node)->holds++;
	bucket = watch_bucket(watches, wd, name);
	*hold = (struct watch_hold){
		.next = watch->holds, .same = *bucket, .link = bucket, .watch = watch, .wd = wd};
	memcpy(hold->name, name, strlen(name) + 1);
	if (*bucket)
		(*bucket)->link = &hold->same;
	*bucket = hold;
	watch->holds = hold;
	return 0;
}

static int refuse_more(struct refusal *refusal, const struct watch *watch, int error)
{
	if (error == ENOSPC)
		return refuse(refusal, ENOSPC,
			      "cannot watch `%.600s`: the kernel's inotify watches are used up; raise the "
			      "sysctl fs.inotify.max_user_watches, or end other subscriptions",
			      watch->path);
	return refuse_errno(refusal, error, "watch", watch->path);
}

/*
 * Has inotify watch `name` ("." is itself) of a directory. Its wd; -ENOENT where there is nothing to be
 * watched, or nothing that may be; or a refusal.
 */
static int add(struct files *files, const struct watch *watch, int directory, const char *name,
	       uint32_t events, struct refusal *refusal)
{
	struct watches *watches = files->watches;
	int wd;

	if (watches->node_count >= LIMIT_WATCH_NODES)
		return refuse(
			refusal, ENOSPC,
			"cannot watch `%.600s`: %u files and directories are watched already; end other "
			"subscriptions",
			watch->path, watches->node_count);
	if (fchdir(directory) < 0)
		return -ENOENT;
	wd = inotify_add_watch(watches->fd, name, events);
	if (wd < 0 && (errno == ENOSPC || errno == ENOMEM))
		return refuse_more(refusal, watch, errno);
	return wd < 0 ? -ENOENT : wd;
}

/* Watches a directory on the way: that `name` in it stays what it is, and it itself. 0 or a refusal. */
static int hold_directory(struct files *files, struct watch *watch, const struct place *place, int directory,
			  const char *name, struct refusal *refusal)
{
	int wd;

	if (files->reach.hides && reach_judge(&files->reach, place, directory, "", false, refusal) < 0)
		return -EPERM;
	wd = add(files, watch, directory, ".", DIRECTORY_EVENTS, refusal);
	if (wd < 0)
		return wd == -ENOENT ? 0
				     : wd; /* one that may be gone through and not be read tells nothing */
	if (note(files->watches, watch, wd, name) < 0 || note(files->watches, watch, wd, WATCH_SELF) < 0)
		return refuse_more(refusal, watch, ENOMEM);
	return 0;
}

/* The directories on the way as it was typed, as far as there are. 0 or a refusal. */
static int hold_way(struct files *files, struct watch *watch, const struct place *place,
		    struct refusal *refusal)
{
	const char *at = place->below;
	char way[LIMIT_PATH_BYTES], name[256];
	int result = 0;

	for (unsigned depth = 0; *at && result == 0; depth++) {
		size_t length = strcspn(at, "/"), before = (size_t)(at - place->below);
		_cleanup_fd_ int directory = -1;

		if (depth == LIMIT_WATCH_DEPTH)
			return refuse(refusal, ENAMETOOLONG,
				      "cannot watch `%.600s`: it lies more than %u directories deep",
				      watch->path, LIMIT_WATCH_DEPTH);
		if (length >= sizeof name)
			return refuse_errno(refusal, ENAMETOOLONG, "watch", watch->path);
		snprintf(way, sizeof way, "%.*s", before ? (int)before : 1, before ? place->below : ".");
		snprintf(name, sizeof name, "%.*s", (int)length, at);
		directory = reach_open_below(place->root->fd, way, O_PATH | O_DIRECTORY);
		if (directory < 0)
			return 0; /* its name is held above */
		result = hold_directory(files, watch, place, directory, name, refusal);
		at += length;
		at += strspn(at, "/");
	}
	return result;
}

/* What stands at the end of the way, links followed. 0 or a refusal; nothing there is no reason for one. */
static int hold_end(struct files *files, struct watch *watch, struct place place, struct refusal *refusal)
{
	_cleanup_fd_ int directory = -1;
	struct refusal why = {0};
	struct stat status;
	char name[256];
	int wd;

	directory = reach_parent(&files->reach, &place, false, "watch", name, &why);
	if (directory == -EISDIR) { /* no name of its own */
		directory = reach_open(&files->reach, &place, O_PATH | O_DIRECTORY, "watch", &why);
		snprintf(name, sizeof name, ".");
	}
	if (directory < 0 && why.denied) {
		*refusal = why;
		return -EPERM;
	}
	if (directory < 0)
		return 0;
	if (strcmp(name, ".") != 0) {
		int result = hold_directory(files, watch, &place, directory, name, refusal);

		if (result < 0)
			return result;
	}
	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)))
		return 0;
	wd = add(files, watch, directory, name,
		 S_ISDIR(status.st_mode) ? DIRECTORY_EVENTS | IN_DONT_FOLLOW : FILE_EVENTS, refusal);
	if (wd < 0)
		return wd == -ENOENT ? 0 : wd;
	if (note(files->watches, watch, wd, WATCH_SELF) < 0 ||
	    (S_ISDIR(status.st_mode) && note(files->watches, watch, wd, WATCH_INSIDE) < 0))
		return refuse_more(refusal, watch, ENOMEM);
	return 0;
}

int watch_hold(struct files *files, struct watch *watch, struct refusal *refusal)
{
	struct watch_hold *before = steal_pointer(watch->holds);
	struct place place;
	int result = reach_find(&files->reach, watch->path, "watch", &place, refusal);

	if (result == 0 && files->reach.hides)
		result = reach_judge_read(&files->reach, &place, "read", refusal);
	if (result == 0)
		result = hold_way(files, watch, &place, refusal);
	if (result == 0)
		result = hold_end(files, watch, place, refusal);
	/* only now, so that what is held still was never let go of */
	watch_release(files->watches, before);
	return result;
}
