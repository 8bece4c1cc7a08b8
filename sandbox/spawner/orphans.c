/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where there is no PID namespace, what a keeper leaves behind when it is killed falls to this process, which
 * is a subreaper for that. Every child that is no executor is killed with all below it, whenever a child has
 * died: one more death follows from each kill, so this goes on until none is left. Only then is the sandbox's
 * end told, and its private directory removed, in a process of its own, since commands may have filled it.
 */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/keeper/keeper.h"
#include "sandbox/layers/layer.h"

/* Kills what is not ours any more. True when nothing was found. */
static bool kill_strangers(const struct spawner *spawner)
{
	pid_t keep[LIMIT_INSTANCES + 1];
	struct sweep sweep = {.keep = keep};

	for (size_t i = 0; i < spawner->count; i++)
		if (spawner->instances[i].pid > 0)
			keep[sweep.keep_count++] = spawner->instances[i].pid;
	if (spawner->remover > 0)
		keep[sweep.keep_count++] = spawner->remover;
	return sweep_kill(&sweep) == 0;
}

static char *take_removal(struct spawner *spawner)
{
	return spawner->removal_count ? spawner->removals[--spawner->removal_count] : NULL;
}

/* One at a time; the next when that has ended. */
static void start_remover(struct spawner *spawner)
{
	/* at the end they are removed by this very process, which then is in no hurry */
	char *path = spawner->remover || spawner->ending ? NULL : take_removal(spawner);

	if (!path)
		return;
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		private_remove(path);
		_exit(0);
	}
	spawner->remover = pid > 0 ? pid : 0;
	free(path);
}

/* The private directory of an instance that is gone. Without memory the next start finds it. */
void orphans_remove_private(struct spawner *spawner, struct instance *instance)
{
	char **grown = instance->private
			       ? reallocarray(spawner->removals, spawner->removal_count + 1, sizeof *grown)
			       : NULL;

	if (grown) {
		spawner->removals = grown;
		grown[spawner->removal_count++] = steal_pointer(instance->private);
	}
	close_fd(&instance->lock);
	start_remover(spawner);
}

bool orphans_settle(struct spawner *spawner)
{
	return kill_strangers(spawner);
}

bool orphans_reaped(struct spawner *spawner, pid_t pid)
{
	if (pid != spawner->remover)
		return false;
	spawner->remover = 0;
	start_remover(spawner);
	return true;
}

int orphans_adopt(void)
{
	/* a stopped spawner must wake when the frontend has died, and clear up; being killed would spare the
	 * orphans */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGCONT) < 0)
		return -errno;
	return 0;
}

void orphans_end(struct spawner *spawner)
{
	struct sweep all_others = {.keep = &spawner->remover, .keep_count = spawner->remover > 0};

	while (sweep_children(&all_others) == -EBUSY)
		;
	while (spawner->remover > 0 && waitpid(spawner->remover, NULL, 0) < 0 && errno == EINTR)
		;
	for (char *path; (path = take_removal(spawner)); free(path))
		private_remove(path);
	free(spawner->removals);
}
