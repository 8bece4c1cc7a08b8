/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a nanny to a running command: vfork, the few calls that make the process the command's own, execve.
 * The child shares the nanny's memory until execve, so a failure is simply left in `launch`. Everything that
 * every command has in common (limits, umask, signals, confinement) it inherits.
 */
#include "sandbox/filter/filter.h"
#include "sandbox/keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *find_search_path(char *const *envp)
{
	for (; *envp; envp++)
		if (!strncmp(*envp, "PATH=", 5))
			return *envp + 5;
	return "/usr/local/bin:/usr/bin:/bin";
}

/* Along PATH as execvp does: what is not there or not ours to execute is passed over, EACCES is remembered.
 */
static int execute_along_path(const struct request *request)
{
	const char *name = request->argv[0], *part = find_search_path(request->envp);
	size_t name_length = strlen(name);
	bool refused = false;
	char path[PATH_MAX];

	while (*part) {
		size_t length = strcspn(part, ":");

		if (length > 0 && length + name_length + 2 <= sizeof path) {
			memcpy(path, part, length);
			path[length] = '/';
			memcpy(path + length + 1, name, name_length + 1);
			execve(path, request->argv, request->envp);
			if (errno == EACCES)
				refused = true;
			else if (errno != ENOENT && errno != ENOTDIR)
				return errno;
		}
		part += length + (part[length] == ':');
	}
	return refused ? EACCES : ENOENT;
}

/* Runs in the child. Returns errno with the step noted. */
static int become_command(const struct request *request, struct launch *launch)
{
	sigset_t none;

	launch->target = "";
	if (launch->ruleset >= 0) {
		launch->step = "landlock_restrict_self";
		/* a help; what it misses falls to the nanny or whoever is above it */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (syscall(SYS_landlock_restrict_self, launch->ruleset, 0) < 0)
			return errno;
	}
	launch->step = "setsid";
	if (setsid() < 0)
		return errno;
	if (launch->terminal) {
		launch->step = "terminal";
		if (ioctl(launch->input, TIOCSCTTY, 0) < 0)
			return errno;
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	launch->step = "descriptors";
	/* the nanny's own 0 is /dev/null */
	if ((launch->input >= 0 && dup2(launch->input, STDIN_FILENO) < 0) ||
	    dup2(launch->output, STDOUT_FILENO) < 0 || dup2(launch->errors, STDERR_FILENO) < 0 ||
	    syscall(SYS_close_range, 3u, ~0u, 0) < 0)
		return errno;
	launch->step = "chdir";
	launch->target = request->cwd;
	if (chdir(request->cwd) < 0)
		return errno;
	if (launch->look)
		_exit(look_answer(request, find_search_path(request->envp)));
	launch->step = "execve";
	launch->target = request->argv[0];
	if (!strchr(request->argv[0], '/'))
		return request->argv[0][0] ? execute_along_path(request) : ENOENT;
	execve(request->argv[0], request->argv, request->envp);
	return errno;
}

pid_t launch_command(const struct request *request, struct launch *launch)
{
	/* volatile: the child writes it in shared memory, behind the compiler's back */
	struct launch *volatile shared = launch;
	pid_t pid = vfork();

	if (pid == 0) {
		shared->error = become_command(request, shared);
		_exit(127);
	}
	if (pid < 0)
		return -errno;
	/* execve succeeded, or there is an error: nothing else ends a vfork */
	if (!shared->error)
		shared->step = NULL;
	return pid;
}
