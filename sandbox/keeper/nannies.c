/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's nannies: one always waits, and what the dead have left is swept before that is told. */
#include "sandbox/keeper/parts.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/keeper/wire.h"
#include "sandbox/spawner/setup.h"

/*
 * Forked with a signal other than SIGCHLD at its end, so that a plain wait means orphans only (sweep.c). The
 * keeper is pid 1, which SIGUSR1 cannot harm.
 */
int nannies_add(struct keeper *keeper, size_t slot)
{
	int sockets[2] = {-1, -1};
	pid_t pid;

	if (keeper->notify.needed && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	keeper->nanny.slot = slot;
	keeper->nanny.supervisor = sockets[1];
	keeper->nanny.nursery->waiting[slot] = 1;
	pid = (pid_t)syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
	if (pid == 0) {
		close(SETUP_SOCKET);
		close(keeper->epoll);
		close(keeper->signals);
		close_fd(&sockets[0]);
		notify_close(&keeper->notify);
		nanny_run(&keeper->nanny);
	}
	close_fd(&sockets[1]);
	if (pid < 0) {
		keeper->nanny.nursery->waiting[slot] = 0;
		close_fd(&sockets[0]);
		return -errno;
	}
	keeper->nannies[slot] = pid;
	notify_add(&keeper->notify, slot, pid, sockets[0]);
	return sockets[0] < 0 ? 0 : keeper_watch(keeper, sockets[0], EPOLLIN, WATCH_NANNY, slot);
}

void nannies_keep_one_waiting(struct keeper *keeper)
{
	size_t unused = LIMIT_NANNIES;

	for (size_t i = 0; i < LIMIT_NANNIES; i++) {
		if (!keeper->nannies[i])
			unused = unused == LIMIT_NANNIES ? i : unused;
		else if (keeper->nanny.nursery->waiting[i])
			return;
	}
	if (unused < LIMIT_NANNIES)
		nannies_add(keeper, unused);
}

static void collect_nannies(struct keeper *keeper)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG | __WCLONE)) > 0)
		for (size_t i = 0; i < LIMIT_NANNIES; i++)
			if (keeper->nannies[i] == pid) {
				const struct nursery *nursery = keeper->nanny.nursery;

				keeper->nannies[i] = 0;
				notify_drop(&keeper->notify, i);
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

void nannies_bury(struct keeper *keeper)
{
	collect_nannies(keeper);
	sweep_orphans(keeper);
	tell_swept(keeper);
}

void nannies_end(struct keeper *keeper)
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
