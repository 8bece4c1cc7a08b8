/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command may read and write where there is no view of its own: the same places, said to Landlock
 * alone. Landlock only adds, so what lies inside an allowed place and must not be seen or written cannot be
 * taken out again. In places that are only read, everything but the hidden path is allowed one by one. In
 * places that are written new names must work: there the supervisor keeps what is hidden and what is only
 * read, and where there is none such a policy is refused here and never half obeyed.
 *
 * Not allowed: other homes, /proc/PID of anybody (the kernel cannot tell one's own from another's), /run,
 * /sys, the machine's /tmp and /dev/shm.
 */
#include "sandbox/layers/landlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/path.h"
#include "sandbox/facts.h"
#include "sandbox/layers/mounts.h"

#define LOOK (FS_READ | FS_EXECUTE)

static int refuse(struct landlock *landlock, const char *step, const char *path)
{
	errno = EOPNOTSUPP;
	return layer_failed(&landlock->context->failure, step, path);
}

/* True when `path` lies in something hidden. */
static bool is_hidden(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->hide_count; i++)
		if (plan->hide[i][0] == '/' && path_within(path, plan->hide[i]))
			return true;
	return false;
}

/* Something hidden that lies in `path`, or NULL. */
static const char *hidden_in(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->hide_count; i++)
		if (plan->hide[i][0] == '/' && path_within(plan->hide[i], path))
			return plan->hide[i];
	return NULL;
}

/* `path` is canonical. Whoever hides something deep makes this walk down to it, one directory at a time. */
static int allow_reading(struct landlock *landlock, const char *path)
{
	const struct plan *plan = &landlock->context->executor->plan;
	char child[LIMIT_PATH_BYTES + NAME_MAX + 2];
	int result = 0;

	if (is_hidden(plan, path))
		return 0;
	if (!hidden_in(plan, path))
		return landlock_allow(landlock, path, LOOK);
	DIR *directory = opendir(path);
	if (!directory)
		return layer_failed(&landlock->context->failure, "opendir", path);
	for (const struct dirent *entry; result == 0 && (entry = readdir(directory));) {
		/* a link is a name, and where it leads has rules of its own */
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || entry->d_type == DT_LNK)
			continue;
		snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
		if (strlen(child) < LIMIT_PATH_BYTES)
			result = allow_reading(landlock, child);
	}
	closedir(directory);
	return result;
}

/* A place of the system, or one that PATH names; what is not there needs no rule. */
static int allow_place(struct landlock *landlock, const char *path)
{
	char canonical[PATH_MAX];

	if (!realpath(path, canonical))
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES
			       ? 0
			       : layer_failed(&landlock->context->failure, "realpath", path);
	return allow_reading(landlock, canonical);
}

/* Without a supervisor: nothing in it may be hidden, or be a place that is only read. */
static int refuse_exceptions(struct landlock *landlock, const char *path)
{
	const struct plan *plan = &landlock->context->executor->plan;

	if (hidden_in(plan, path))
		return refuse(landlock, "filesystem.denyRead inside a writable place", hidden_in(plan, path));
	for (size_t i = 0; i < plan->protect_count; i++)
		if (plan->protect[i][0] == '/' && path_within(plan->protect[i], path) &&
		    access(plan->protect[i], F_OK) == 0)
			return refuse(landlock, "a path that must not be written inside a writable place",
				      plan->protect[i]);
	for (size_t i = 0; i < plan->workspace_count; i++)
		if (!plan->workspaces[i].write && path_within(plan->workspaces[i].path, path))
			return refuse(landlock, "a read-only workspace inside a writable one", path);
	return 0;
}

/* Where this place, to be written, lies in a workspace that is only read and itself lies in one to be
 * written: the supervisor's rules know no exception from an exception. */
static const char *read_only_between(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->workspace_count; i++) {
		const struct plan_path *between = &plan->workspaces[i];

		if (between->write || !path_within(path, between->path))
			continue;
		for (size_t j = 0; j < plan->workspace_count; j++)
			if (plan->workspaces[j].write && path_within(between->path, plan->workspaces[j].path))
				return between->path;
		for (size_t j = 0; j < plan->extra_count; j++)
			if (plan->extra[j].write && path_within(between->path, plan->extra[j].path))
				return between->path;
	}
	return NULL;
}

static int allow_writing(struct landlock *landlock, const char *path)
{
	const struct plan *plan = &landlock->context->executor->plan;
	const char *between = read_only_between(plan, path);
	int result = 0;

	if (is_hidden(plan, path))
		return 0;
	if (between)
		return refuse(landlock, "a writable place inside a read-only workspace inside a writable one",
			      between);
	if (!(landlock->context->profile->layers & LAYER_SUPERVISOR))
		result = refuse_exceptions(landlock, path);
	return result == 0 ? landlock_allow(landlock, path, LOOK | FS_OWN) : result;
}

static int allow_plan(struct landlock *landlock, const struct plan_path *list, size_t count)
{
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++)
		result = list[i].write ? allow_writing(landlock, list[i].path)
				       : allow_place(landlock, list[i].path);
	return result;
}

/* What the commands have instead of the machine's /tmp and the person's home. */
static int allow_private(struct landlock *landlock)
{
	static const char *const names[] = {"tmp", "home"};
	char path[LIMIT_PATH_BYTES + 8];
	int result = 0;

	if (!(landlock->context->profile->layers & LAYER_PRIVATE))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(names) && result == 0; i++) {
		snprintf(path, sizeof path, "%s/%s", landlock->context->executor->private, names[i]);
		result = landlock_allow(landlock, path, LOOK | FS_OWN);
	}
	return result;
}

int landlock_allow_commands(struct landlock *landlock)
{
	static const char *const devices[] = {"/dev/null",   "/dev/zero",    "/dev/full",
					      "/dev/random", "/dev/urandom", "/dev/tty"};
	const struct plan *plan = &landlock->context->executor->plan;
	int result = 0;

	for (size_t i = 0; system_directories[i] && result == 0; i++)
		result = allow_place(landlock, system_directories[i]);
	for (size_t i = 0; facts_paths[i] && result == 0; i++)
		result = landlock_allow(landlock, facts_paths[i], FS_READ);
	for (size_t i = 0; i < ARRAY_SIZE(devices) && result == 0; i++)
		result = landlock_allow(landlock, devices[i],
					FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV);
	if (result == 0)
		result = allow_plan(landlock, plan->extra, plan->extra_count);
	if (result == 0)
		result = allow_plan(landlock, plan->workspaces, plan->workspace_count);
	return result == 0 ? allow_private(landlock) : result;
}

/* /dev/ptmx is a link in containers. Where it is absent no command gets a terminal, and is told so. */
int landlock_allow_terminals(struct landlock *landlock)
{
	static const char *const places[] = {"/dev/ptmx", "/dev/pts"};
	char canonical[PATH_MAX];
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places) && result == 0; i++)
		if (realpath(places[i], canonical))
			result = landlock_allow(landlock, canonical,
						FS_READ_FILE | FS_WRITE_FILE | FS_IOCTL_DEV);
	return result;
}
