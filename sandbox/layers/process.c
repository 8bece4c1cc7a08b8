/* SPDX-License-Identifier: Apache-2.0 */
/* The layers that are a call or two each: parent, session, descriptors, privileges. */
#include "sandbox/layers/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/spawner/setup.h"

int layer_failed(struct layer_failure *failure, const char *step, const char *detail)
{
	int code = -errno;

	failure->step = step;
	snprintf(failure->detail, sizeof failure->detail, "%s", detail ? detail : "");
	return code;
}

int layer_parent(struct layer_context *context)
{
	struct pollfd spawner = {.fd = SETUP_SOCKET, .events = POLLRDHUP};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return layer_failed(&context->failure, "PR_SET_PDEATHSIG", NULL);
	/* getppid() is 0 in a PID namespace of its own, so the socket says whether the signal came too late
	 */
	if (poll(&spawner, 1, 0) > 0 && (spawner.revents & (POLLHUP | POLLRDHUP))) {
		errno = EPIPE;
		return layer_failed(&context->failure, "the spawner is gone", NULL);
	}
	return 0;
}

int layer_session(struct layer_context *context)
{
	sigset_t none;

	/* the spawner has set every signal to its default, but waits for its children with one blocked */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (setsid() < 0)
		return layer_failed(&context->failure, "setsid", NULL);
	umask(022);
	return 0;
}

int layer_descriptors(struct layer_context *context)
{
	struct executor *executor = context->executor;
	int next = EXECUTOR_CHANNEL + (int)context->profile->channels;

	if (!context->profile->keep_stderr && dup2(STDIN_FILENO, STDERR_FILENO) < 0)
		return layer_failed(&context->failure, "dup2", "stderr");
	for (size_t i = 0; executor->workspaces && i < executor->plan.workspace_count; i++) {
		if (executor->workspaces[i] < 0)
			continue;
		/* they were opened in order and stand at or above their final places */
		if (executor->workspaces[i] != next && dup3(executor->workspaces[i], next, O_CLOEXEC) < 0)
			return layer_failed(&context->failure, "dup3", "workspace");
		executor->workspaces[i] = next++;
	}
	if (executor->reach >= 0) {
		if (executor->reach != next && dup3(executor->reach, next, O_CLOEXEC) < 0)
			return layer_failed(&context->failure, "dup3", "broker");
		executor->reach = next++;
	}
	if (next < executor->keep_below)
		next = executor->keep_below;
	if (syscall(SYS_close_range, (unsigned)next, ~0u, 0) < 0)
		return layer_failed(&context->failure, "close_range", NULL);
	return 0;
}

int layer_privileges(struct layer_context *context)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return layer_failed(&context->failure, "PR_SET_NO_NEW_PRIVS", NULL);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return layer_failed(&context->failure, "PR_SET_DUMPABLE", NULL);
	return 0;
}
