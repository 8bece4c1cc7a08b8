/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Killing what a call left behind. This process is a subreaper (or pid 1), so whatever the call's processes
 * did - daemonise, start sessions, stop, ignore signals, fork as fast as they can - falls to it when its
 * parent dies. So: kill every descendant, wait until one is dead, look again. A process that has a deadly
 * signal pending cannot fork, so each round leaves only what was born during it.
 *
 * A fork bomb that gets more of the processors than we do may refill as fast. The rounds are counted, and the
 * last resort is the kernel's: one kill(-1) by the keeper, which nothing forks away from.
 *
 * The kernel's list of children may miss some while they change, but wait4() does not: there are none left
 * when it says ECHILD. Nannies are created with another signal than SIGCHLD, which makes them invisible to a
 * plain wait, so the keeper may rely on it too.
 */
#include "sandbox/keeper/keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/cleanup.h"

static bool is_kept(const struct sweep *sweep, pid_t pid)
{
	for (size_t i = 0; i < sweep->keep_count; i++)
		if (sweep->keep[i] == pid)
			return true;
	return false;
}

/* Adds what one of the kernel's lists of children says: decimal numbers with a space after each. */
static void add_listed(const struct sweep *sweep, struct sweep_found *found, const char *path)
{
	_cleanup_fd_ int list = open(path, O_RDONLY | O_CLOEXEC);
	char bytes[1024];
	pid_t pid = 0;
	ssize_t got;

	while (list >= 0 && (got = read(list, bytes, sizeof bytes)) > 0)
		for (ssize_t i = 0; i < got; i++) {
			if (bytes[i] >= '0' && bytes[i] <= '9') {
				pid = pid * 10 + (bytes[i] - '0');
				continue;
			}
			if (!is_kept(sweep, pid) && found->count < LIMIT_SWEEP_PROCESSES)
				found->list[found->count++] = pid;
			pid = 0;
		}
}

/* Children belong to the thread that forked them. */
static void add_children(const struct sweep *sweep, struct sweep_found *found, pid_t pid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *tasks = opendir(path);
	if (!tasks)
		return; /* it is gone, and its children are ours now */
	for (const struct dirent *entry; (entry = readdir(tasks));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/%d/task/%.20s/children", (int)pid, entry->d_name);
		add_listed(sweep, found, path);
	}
	closedir(tasks);
}

void sweep_find(pid_t process, struct sweep_found *found)
{
	const struct sweep all = {.keep = NULL};

	found->count = 0;
	add_children(&all, found, process);
	for (size_t i = 0; i < found->count; i++)
		add_children(&all, found, found->list[i]);
}

size_t sweep_kill(const struct sweep *sweep)
{
	struct sweep_found found = {.count = 0};

	add_listed(sweep, &found, "/proc/thread-self/children");
	for (size_t i = 0; i < found.count; i++) {
		add_children(sweep, &found, found.list[i]);
		kill(found.list[i], SIGKILL);
	}
	return found.count;
}

/* Reaps what is dead, and waits for one if `wait`. 1, or 0 when no child is left, or -errno. */
static int reap(struct sweep *sweep, bool wait)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, wait ? 0 : WNOHANG, &usage)) > 0) {
		wait = false;
		if (sweep->reaped)
			sweep->reaped(sweep->context, pid, status, &usage);
	}
	if (pid < 0 && errno != EINTR)
		return errno == ECHILD ? 0 : -errno;
	return 1;
}

int sweep_children(struct sweep *sweep)
{
	siginfo_t info;

	/* nearly always there is nothing, and this one call says so */
	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
		return 0;
	for (unsigned round = 0; round < LIMIT_SWEEP_ROUNDS; round++) {
		/* with nobody found the list was read amid a change: look again, do not wait for the living
		 */
		int result = reap(sweep, sweep_kill(sweep) > 0);

		if (result <= 0)
			return result;
	}
	return -EBUSY;
}
