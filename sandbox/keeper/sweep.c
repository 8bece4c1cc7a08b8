/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Killing what a call left behind. This process is a subreaper (or pid 1), so whatever the call's processes
 * did - daemonise, start sessions, stop, ignore signals, fork as fast as they can - falls to it when its
 * parent dies. So: kill every child, wait until those are dead, look again. A process that has a deadly
 * signal pending cannot fork, so each round leaves only what was born during it; the limit on processes
 * bounds a round.
 *
 * The kernel's list of children may miss some while they change, but waitid() does not: there are none left
 * when it says ECHILD. Nannies are created with another signal than SIGCHLD, which makes them invisible to a
 * plain waitid(), so the keeper may rely on it too.
 */
#include "sandbox/keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
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

/* Kills all children that the kernel lists now; returns how many, or -errno. The list is decimal numbers with
 * a space after each. */
static int kill_listed(const struct sweep *sweep, int list)
{
	char bytes[1024];
	pid_t pid = 0;
	ssize_t got;
	int killed = 0;

	if (lseek(list, 0, SEEK_SET) < 0)
		return -errno;
	while ((got = read(list, bytes, sizeof bytes)) > 0)
		for (ssize_t i = 0; i < got; i++) {
			if (bytes[i] >= '0' && bytes[i] <= '9') {
				pid = pid * 10 + (bytes[i] - '0');
				continue;
			}
			if (pid > 0 && !is_kept(sweep, pid) && kill(pid, SIGKILL) == 0)
				killed++;
			pid = 0;
		}
	return got < 0 ? -errno : killed;
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
	_cleanup_fd_ int list = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	if (list < 0)
		return -errno;
	for (;;) {
		int killed = kill_listed(sweep, list), result;

		if (killed < 0)
			return killed;
		/* with nobody killed the list was read amid a change: look again, do not wait for the living
		 */
		result = reap(sweep, killed > 0);
		if (result <= 0)
			return result;
	}
}
