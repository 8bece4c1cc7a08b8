/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-keeper: pid 1 of a caller's sandbox. It puts itself under every layer, keeps nannies waiting at
 * the door, and ends when the frontend or the spawner does; its end is that of everything in the sandbox.
 *
 * Orphans of a nanny that died fall to it, and it kills every child that is not a nanny of its own.
 *
 * Without a PID namespace it is a subreaper, so that they fall to it all the same, and its end is nobody
 * else's: it kills all it has before it goes. If it is killed itself, nannies and commands die by the
 * kernel's hand, and what has left them falls to the spawner, which is a subreaper too (spawner/orphans.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/executor.h"
#include "sandbox/keeper/keeper.h"
#include "sandbox/keeper/wire.h"
#include "sandbox/profile.h"
#include "sandbox/spawner/setup.h"

struct keeper {
	struct nanny nanny;           /* what each is forked with */
	pid_t nannies[LIMIT_NANNIES]; /* 0: no nanny in this slot */
	uint32_t dead[LIMIT_NANNIES]; /* requests whose nannies died, until that was told */
	size_t dead_count;
	unsigned deaths; /* of nannies at the door, with none that served in between */
	bool namespaced; /* pid 1 of a PID namespace of its own */
};

/*
 * Forked with a signal other than SIGCHLD at its end, so that a plain wait means orphans only (sweep.c). The
 * keeper is pid 1, which SIGUSR1 cannot harm.
 */
static int add_nanny(struct keeper *keeper, size_t slot)
{
	pid_t pid;

	keeper->nanny.slot = slot;
	keeper->nanny.nursery->waiting[slot] = 1;
	pid = (pid_t)syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
	if (pid == 0) {
		close(SETUP_SOCKET);
		nanny_run(&keeper->nanny);
	}
	keeper->nannies[slot] = pid < 0 ? 0 : pid;
	if (pid < 0)
		keeper->nanny.nursery->waiting[slot] = 0;
	return pid < 0 ? -errno : 0;
}

/* Sees to it that somebody waits. With all slots busy requests wait at the door until a nanny is back. */
static void keep_one_waiting(struct keeper *keeper)
{
	size_t unused = LIMIT_NANNIES;

	for (size_t i = 0; i < LIMIT_NANNIES; i++) {
		if (!keeper->nannies[i])
			unused = unused == LIMIT_NANNIES ? i : unused;
		else if (keeper->nanny.nursery->waiting[i])
			return;
	}
	if (unused < LIMIT_NANNIES)
		add_nanny(keeper, unused);
}

static void collect_nannies(struct keeper *keeper)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG | __WCLONE)) > 0)
		for (size_t i = 0; i < LIMIT_NANNIES; i++)
			if (keeper->nannies[i] == pid) {
				const struct nursery *nursery = keeper->nanny.nursery;

				keeper->nannies[i] = 0;
				if (keeper->dead_count < LIMIT_NANNIES)
					keeper->dead[keeper->dead_count++] =
						nursery->waiting[i] ? 0 : nursery->call[i];
				keeper->deaths = keeper->nanny.nursery->waiting[i] ? keeper->deaths + 1 : 0;
				keeper->nanny.nursery->waiting[i] = 0;
			}
}

/*
 * Without a PID namespace there is no such stroke: kill(-1) would mean the person's every process. A bomb is
 * swept for as long as it takes; its size has a limit.
 */
static void sweep_for_long(struct keeper *keeper)
{
	struct sweep sweep = {.keep = keeper->nannies, .keep_count = LIMIT_NANNIES};

	while (sweep_children(&sweep) == -EBUSY)
		;
}

/*
 * Orphans are what a nanny that died, or could not do its work, has left. If they cannot be swept one by one,
 * all but this process die at one stroke: the kernel signals them under one lock, and none forks away from
 * it. Other calls of this caller are lost then, which is told; the sandbox goes on.
 */
static void sweep_orphans(struct keeper *keeper)
{
	struct sweep sweep = {.keep = keeper->nannies, .keep_count = LIMIT_NANNIES};

	if (!keeper->namespaced) {
		sweep_for_long(keeper);
	} else if (sweep_children(&sweep) < 0) {
		kill(-1, SIGKILL);
		while (waitpid(-1, NULL, 0) > 0)
			;
	}
}

/*
 * What the dead nannies had fell to us before they could be collected, and is swept now: whoever waits for
 * them may know. If the door has no room, the frontend does without the word and ends the sandbox.
 */
static void tell_swept(struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->dead_count; i++) {
		struct frame_header header = {.type = KEEPER_SWEPT, .call = keeper->dead[i]};

		frame_send(keeper->nanny.door, &header, NULL, 0, NULL, 0, MSG_DONTWAIT);
	}
	keeper->dead_count = 0;
}

/* Runs until the sandbox is to end. */
static void keep(struct keeper *keeper)
{
	struct pollfd watched[] = {{.fd = SETUP_SOCKET},
				   {.fd = keeper->nanny.door},
				   {.fd = keeper->nanny.kick, .events = POLLIN}};
	eventfd_t ignored;
	sigset_t none;

	sigemptyset(&none);
	/* nannies that cannot live, or are not let, would be forked for ever: the frontend asks for a new
	 * sandbox */
	while (keeper->deaths < LIMIT_NANNY_DEATHS) {
		keep_one_waiting(keeper);
		if (ppoll(watched, ARRAY_SIZE(watched), NULL, &none) > 0) {
			if (watched[0].revents ||
			    watched[1].revents) /* hang-ups: nothing else was asked for */
				return;
			if (watched[2].revents) {
				eventfd_read(keeper->nanny.kick, &ignored);
				keeper->deaths = 0;
			}
		}
		collect_nannies(keeper);
		sweep_orphans(keeper);
		tell_swept(keeper);
	}
}

/* Everything, before a keeper goes that is nobody's pid 1. */
static void end_all(struct keeper *keeper)
{
	for (size_t i = 0; i < LIMIT_NANNIES; i++)
		if (keeper->nannies[i])
			kill(keeper->nannies[i], SIGKILL);
	for (size_t i = 0; i < LIMIT_NANNIES; i++)
		if (keeper->nannies[i])
			waitpid(keeper->nannies[i], NULL, __WCLONE);
	memset(keeper->nannies, 0, sizeof keeper->nannies);
	sweep_for_long(keeper);
}

static void interrupt(int number)
{
	(void)number; /* only there so that ppoll returns */
}

/* PATH of commands that bring none: what the plan shows of the person's own. */
static char *search_path(const struct plan *plan)
{
	char *path;

	return asprintf(&path, "PATH=%s",
			plan->search_path ? plan->search_path : "/usr/local/bin:/usr/bin:/bin") < 0
		       ? NULL
		       : path;
}

/* "NAME=value/below" for the environment; NULL without memory. */
static const char *variable(const char *name, const char *value, const char *below)
{
	char *text;

	return asprintf(&text, "%s=%s%s", name, value, below) < 0 ? NULL : text;
}

/* What stands for the namespaces that are not there. */
static int prepare_unnamespaced(struct keeper *keeper, struct executor *executor)
{
	struct nanny *nanny = &keeper->nanny;

	/* stopped by somebody, it is to wake, hear of the spawner's end from its socket, and sweep */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGCONT) < 0)
		return -errno;
	nanny->keeper = getpid();
	nanny->ruleset = executor->command_ruleset;
	executor->command_ruleset = -1; /* the nannies' from here */
	nanny->replaced[0] = "TMPDIR=/tmp";
	nanny->replacing[0] = variable("TMPDIR", executor->private, "/tmp");
	if (executor->plan.home) {
		nanny->replaced[1] = variable("HOME", executor->plan.home, "");
		nanny->replacing[1] = variable("HOME", executor->private, "/home");
	}
	return nanny->replacing[0] && (!executor->plan.home || (nanny->replaced[1] && nanny->replacing[1]))
		       ? 0
		       : -ENOMEM;
}

static int prepare(struct keeper *keeper, struct executor *executor)
{
	struct sigaction action = {.sa_handler = interrupt};
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	sigaction(SIGCHLD, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	keeper->nanny.door = EXECUTOR_CHANNEL;
	keeper->nanny.kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	keeper->nanny.path = search_path(&executor->plan);
	if (!keeper->nanny.path)
		return -ENOMEM;
	keeper->nanny.shell = access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
	keeper->nanny.nursery =
		mmap(NULL, sizeof(struct nursery), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (keeper->nanny.kick < 0 || keeper->nanny.nursery == MAP_FAILED ||
	    fcntl(EXECUTOR_CHANNEL, F_SETFD, FD_CLOEXEC) < 0 || fcntl(SETUP_SOCKET, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return keeper->namespaced ? 0 : prepare_unnamespaced(keeper, executor);
}

int main(void)
{
	struct keeper keeper = {.nanny = {.ruleset = -1}};
	struct executor executor;
	struct err err = {""};

	prctl(PR_SET_NAME, "sallyport-keeper");
	if (executor_receive(EXECUTOR_SANDBOX, &executor, &err) < 0 || executor_enter(&executor, &err) < 0) {
		if (!executor.confinement) /* started by hand: nobody else would say so */
			fprintf(stderr, "sallyport-keeper: %s\n", err.text);
		return 1;
	}
	keeper.namespaced = profile_find(EXECUTOR_SANDBOX, executor.confinement)->namespaces & CLONE_NEWPID;
	if (prepare(&keeper, &executor) < 0)
		return 1;
	executor_deinit(&executor);
	keep(&keeper);
	if (!keeper.namespaced)
		end_all(&keeper);
	return 0;
}
