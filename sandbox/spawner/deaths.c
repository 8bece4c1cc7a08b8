/* SPDX-License-Identifier: Apache-2.0 */
/* How executors end: one is told of when it was reaped and nothing it left behind is alive. */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* All of it is gone, what it left behind too. */
static void finish(struct spawner *spawner, size_t index)
{
	report_died(spawner, &spawner->instances[index]);
	instance_remove(spawner, index);
}

/* One child ended. */
static void ended(struct spawner *spawner, size_t index, int status)
{
	struct instance *instance = &spawner->instances[index];
	uint32_t id = instance->id;
	const bool served = instance->profile == EXECUTOR_BROKER && instance->state == INSTANCE_READY;

	/* one that stood and waited for its broker was not announced: nobody would hear of its end */
	if (instance->state == INSTANCE_STARTING || (instance->call && !instance->told)) {
		char how[64];

		instance_serve(spawner, index); /* its last words */
		instance = &spawner->instances[index];
		snprintf(how, sizeof how, "%s %d", WIFSIGNALED(status) ? "killed by signal" : "exit status",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		instance_fail_at(spawner, instance, -ECHILD, "start", instance_profile(instance)->program,
				 how);
		instance = &spawner->instances[index];
	}
	if (instance->profile == EXECUTOR_BROKER) /* its clients' sockets died with it */
		for (size_t i = 0; i < spawner->count; i++)
			if (spawner->instances[i].broker == id &&
			    spawner->instances[i].profile == EXECUTOR_WEB)
				instance_end(spawner, &spawner->instances[i]);
	if (instance->profile == EXECUTOR_SANDBOX)
		cgroup_kill(&spawner->cgroups, id);
	instance->status = status;
	instance->pid = 0;
	instance->state = INSTANCE_ENDING;
	/* with its namespace everything in it has ended; without one somebody may be left */
	if (instance_profile(instance)->namespaces)
		finish(spawner, index);
	egress_rest(spawner);
	if (served) /* one that could not even start would not do better a second time */
		egress_restart(spawner);
}

void instances_reap(struct spawner *spawner)
{
	struct signalfd_siginfo ignored;
	int status;
	pid_t pid;

	while (read(spawner->signals, &ignored, sizeof ignored) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (orphans_reaped(spawner, pid))
			continue;
		for (size_t i = 0; i < spawner->count; i++)
			if (spawner->instances[i].pid == pid) {
				ended(spawner, i, status);
				break;
			}
	}
	if (spawner->confinement == CONFINEMENT_FULL && !spawner->probe.trying)
		return;
	if (orphans_settle(spawner))
		for (size_t i = spawner->count; i-- > 0;)
			if (spawner->instances[i].state == INSTANCE_ENDING)
				finish(spawner, i);
}

void instances_end(struct spawner *spawner)
{
	spawner->ending = true;
	for (size_t i = 0; i < spawner->count; i++)
		instance_end(spawner, &spawner->instances[i]);
	for (size_t i = 0; i < spawner->count; i++)
		while (spawner->instances[i].pid > 0 && waitpid(spawner->instances[i].pid, NULL, 0) < 0 &&
		       errno == EINTR)
			;
	if (spawner->confinement == CONFINEMENT_FULL && !spawner->probe.trying)
		return;
	for (size_t i = 0; i < spawner->count; i++)
		orphans_remove_private(spawner, &spawner->instances[i]);
	orphans_end(spawner);
}
