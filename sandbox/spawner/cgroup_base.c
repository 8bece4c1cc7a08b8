/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This server's group (cgroup.h). None of this is on the path of a command, and its failure is none of a
 * sandbox: what cannot be had is told by doctor. Only our own processes are ever moved, and what is moved is
 * moved back; names beside ours are read as anybody's might be.
 */
#include "sandbox/spawner/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

#define PREFIX "sallyport."

static const char *const controllers[] = {"memory", "pids", "cpu"};

/* ---- our own processes ---- */

static pid_t parent_of(pid_t pid)
{
	char path[64], text[512];
	const char *end;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (cgroup_read(AT_FDCWD, path, text, sizeof text) < 0 || !(end = strrchr(text, ')')))
		return -1;
	return (pid_t)strtol(end + 3, NULL, 10);
}

/* The frontend and what it has started, spawners and spares; and what we have: executors. */
static bool is_ours(const struct cgroups *cgroups, pid_t pid)
{
	pid_t parent = parent_of(pid);

	return pid == getpid() || parent == getpid() || pid == cgroups->frontend ||
	       parent == cgroups->frontend;
}

/*
 * Moves our processes. With `alone` nobody else's may be there: -EBUSY, and none is moved. A process that has
 * ended meanwhile is none any more.
 */
static int move_ours(const struct cgroups *cgroups, int from, int to, bool alone)
{
	char text[4096], number[16];

	for (int round = 0; round < LIMIT_CGROUP_ROUNDS; round++) { /* a spare may be born meanwhile */
		int result = cgroup_read(from, "cgroup.procs", text, sizeof text), moved = 0;

		if (result < 0 || !text[0])
			return result;
		for (int moving = !alone; moving < 2; moving++) {
			for (char *at = text, *end; *at; at = end + (*end == '\n')) {
				pid_t pid = (pid_t)strtol(at, &end, 10);

				if (end == at || (!moving && !is_ours(cgroups, pid)))
					return -EBUSY;
				if (!moving || !is_ours(cgroups, pid))
					continue;
				moved++;
				snprintf(number, sizeof number, "%d", (int)pid);
				result = cgroup_write(to, "cgroup.procs", number);
				if (result < 0 && result != -ESRCH)
					return result;
			}
		}
		if (!alone && !moved)
			return 0;
	}
	return -EBUSY;
}

/* ---- controllers ---- */

/* Hands down what there is to be had, and notes in `handed` what was not before. */
static int hand_down(int group, char *handed, size_t size)
{
	char there[256], already[256], word[16];
	int result = cgroup_read(group, "cgroup.controllers", there, sizeof there);

	if (result == 0)
		result = cgroup_read(group, "cgroup.subtree_control", already, sizeof already);
	for (size_t i = 0; i < ARRAY_SIZE(controllers) && result == 0; i++) {
		if (!cgroup_has_word(there, controllers[i]) || cgroup_has_word(already, controllers[i]))
			continue;
		snprintf(word, sizeof word, "+%s", controllers[i]);
		result = cgroup_write(group, "cgroup.subtree_control", word);
		if (result == 0 && handed)
			snprintf(handed + strlen(handed), size - strlen(handed), "%s ", controllers[i]);
	}
	return result;
}

static void take_back(int group, const char *handed)
{
	char word[16];

	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		snprintf(word, sizeof word, "-%s", controllers[i]);
		if (cgroup_has_word(handed, controllers[i]))
			cgroup_write(group, "cgroup.subtree_control", word);
	}
}

/* ---- making and leaving ---- */

static int open_directory(int at, const char *name)
{
	int directory = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return directory < 0 ? -errno : directory;
}

static const char *name_of(const struct cgroups *cgroups, char name[64])
{
	snprintf(name, 64, PREFIX "%d", (int)cgroups->frontend);
	return name;
}

/*
 * Groups of servers that are dead: nobody holds the lock, and removing them tells whether there is a process.
 * None is killed; sandboxes die with their spawner.
 */
static void bury_dead(int parent)
{
	DIR *list = fdopendir(fcntl(parent, F_DUPFD_CLOEXEC, 0));

	if (!list)
		return;
	rewinddir(list);
	for (struct dirent *entry; (entry = readdir(list));) {
		if (entry->d_type != DT_DIR || strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		_cleanup_fd_ int group = open_directory(parent, entry->d_name);
		struct cgroups dead = {.base = group};

		if (group < 0 || flock(group, LOCK_EX | LOCK_NB) < 0)
			continue;
		cgroups_sweep(&dead, false);
		unlinkat(group, "server", AT_REMOVEDIR);
		unlinkat(parent, entry->d_name, AT_REMOVEDIR);
	}
	closedir(list);
}

/* Undoes make_base(), however far that came. */
static void leave_base(struct cgroups *cgroups)
{
	char name[64];

	if (cgroups->base >= 0) {
		cgroups_sweep(cgroups, false);
		take_back(cgroups->base, "memory pids cpu");
		take_back(cgroups->parent, cgroups->handed);
		_cleanup_fd_ int server = open_directory(cgroups->base, "server");

		if (server >= 0)
			move_ours(cgroups, server, cgroups->parent, false);
		unlinkat(cgroups->base, "server", AT_REMOVEDIR);
		unlinkat(cgroups->parent, name_of(cgroups, name), AT_REMOVEDIR);
	}
	close_fd(&cgroups->base);
	close_fd(&cgroups->parent);
	cgroups->handed[0] = '\0';
	cgroups->memory = cgroups->pids = cgroups->cpu = false;
}

static void interrupt(int number)
{
	(void)number; /* only there so that flock returns */
}

/* A spawner that rests is still giving things back when the next one is wanted: that is waited for. */
static int lock(int directory)
{
	struct sigaction action = {.sa_handler = interrupt}, before;
	int result;

	sigaction(SIGALRM, &action, &before);
	alarm(LIMIT_CGROUP_LOCK_S);
	result = flock(directory, LOCK_EX) < 0 ? -errno : 0;
	alarm(0);
	sigaction(SIGALRM, &before, NULL);
	return result == -EINTR ? -ETIMEDOUT : result;
}

/* Makes the directory and locks it; whoever had the lock may have taken the directory away by then. */
static int take_base(struct cgroups *cgroups)
{
	char name[64], there[256];

	for (int round = 0; round < LIMIT_CGROUP_ROUNDS; round++) {
		bool made = mkdirat(cgroups->parent, name_of(cgroups, name), 0755) == 0;
		struct stat held, named;

		if (!made && errno != EEXIST)
			return -errno;
		_cleanup_fd_ int base = open_directory(cgroups->parent, name);
		int result = base < 0 ? base : lock(base);

		if (result < 0 && result != -ENOENT)
			return result;
		if (result < 0 || fstat(base, &held) < 0 || fstatat(cgroups->parent, name, &named, 0) < 0 ||
		    held.st_ino != named.st_ino)
			continue;
		/* what an earlier spawner handed down and did not live to take back */
		if (!made && !cgroups->top &&
		    cgroup_read(cgroups->parent, "cgroup.subtree_control", there, sizeof there) == 0)
			snprintf(cgroups->handed, sizeof cgroups->handed, "%s", there);
		cgroups->base = steal_fd(&base);
		return 0;
	}
	return -EBUSY;
}

/* This server's group in `parent`, its processes in order, its controllers. A spawner before us may have made
 * it. */
static int make_base(struct cgroups *cgroups)
{
	char there[256];
	int result;

	bury_dead(cgroups->parent);
	result = take_base(cgroups);
	if (result < 0)
		return result;
	cgroups_sweep(cgroups, true);
	if (!cgroups->top) {
		if (mkdirat(cgroups->base, "server", 0755) < 0 && errno != EEXIST)
			return -errno;
		_cleanup_fd_ int server = open_directory(cgroups->base, "server");

		result = server < 0 ? server : move_ours(cgroups, cgroups->parent, server, true);
		if (result < 0)
			return result;
	}
	result = hand_down(cgroups->parent, cgroups->handed, sizeof cgroups->handed);
	if (result == 0)
		result = hand_down(cgroups->base, NULL, 0);
	if (result == 0)
		result = cgroup_read(cgroups->base, "cgroup.subtree_control", there, sizeof there);
	if (result < 0)
		return result;
	cgroups->memory = cgroup_has_word(there, "memory");
	cgroups->pids = cgroup_has_word(there, "pids");
	cgroups->cpu = cgroup_has_word(there, "cpu");
	return 0;
}

/* ---- where ---- */

static int why(struct cgroups *cgroups, int code, const char *text, const char *path)
{
	snprintf(cgroups->why, sizeof cgroups->why, "%s%s%.120s (%s)", text, path[0] ? " " : "", path,
		 err_name(code));
	return code;
}

/* In the group at `path`. */
static int try_parent(struct cgroups *cgroups, const char *path)
{
	char type[64];
	int result;

	cgroups->parent = open_directory(AT_FDCWD, path);
	if (cgroups->parent < 0)
		return why(cgroups, cgroups->parent, "cannot open", path);
	if (cgroup_read(cgroups->parent, "memory.max", type, sizeof type) < 0 ||
	    cgroup_read_bound(type, &cgroups->bound) < 0)
		cgroups->bound = UINT64_MAX;
	/* the top of the whole hierarchy, which may have processes and groups, is the one without a type */
	cgroups->top = faccessat(cgroups->parent, "cgroup.type", F_OK, 0) < 0;
	if (!cgroups->top && (cgroup_read(cgroups->parent, "cgroup.type", type, sizeof type) < 0 ||
			      strcmp(type, "domain\n") != 0))
		result = why(cgroups, -EOPNOTSUPP, "not a group of the usual type:", path);
	else if ((result = make_base(cgroups)) == -EBUSY)
		why(cgroups, result, "programs that are not ours share our group", path);
	else if (result < 0)
		why(cgroups, result, "our group is not delegated to us:", path);
	else
		snprintf(cgroups->why, sizeof cgroups->why, "groups in %.160s", path);
	if (result < 0)
		leave_base(cgroups);
	return result;
}

void cgroups_open(struct cgroups *cgroups)
{
	_cleanup_free_ char *mounts = NULL;
	char text[4096], own[LIMIT_PATH_BYTES], path[2 * LIMIT_PATH_BYTES];
	int result;

	if (cgroups->tried)
		return;
	*cgroups = CGROUPS_NONE;
	cgroups->tried = true;
	cgroups->frontend = getppid();
	mounts = malloc(LIMIT_MOUNTINFO_BYTES);
	result = mounts ? cgroup_read(AT_FDCWD, "/proc/self/cgroup", text, sizeof text) : -ENOMEM;
	if (result == 0)
		result = cgroup_own_path(text, own, sizeof own);
	if (result < 0) {
		why(cgroups, result, "no group of cgroup v2 is to be seen", "");
		return;
	}
	result = cgroup_read(AT_FDCWD, "/proc/self/mountinfo", mounts, LIMIT_MOUNTINFO_BYTES);
	if (result == 0)
		result = cgroup_find_mount(mounts, own, path, sizeof path);
	if (result < 0) {
		why(cgroups, result, "cgroup v2 is not mounted for our group", own);
		return;
	}
	result = try_parent(cgroups, path);
	/* root's own group is most often a login's, shared with a shell; the top is nobody's */
	if (result < 0 && geteuid() == 0 && cgroup_find_mount(mounts, "/", path, sizeof path) == 0)
		result = try_parent(cgroups, path);
	if (result ==
	    0) /* woken instead of killed when the frontend has died: there is something to put back */
		prctl(PR_SET_PDEATHSIG, SIGCONT);
}

void cgroups_outlive(const struct cgroups *cgroups)
{
	if (cgroups->base >= 0)
		alarm(LIMIT_CGROUP_END_S);
}

void cgroups_close(struct cgroups *cgroups)
{
	if (cgroups->tried)
		leave_base(cgroups);
}
