/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals, where neither a PID namespace nor Landlock (before ABI 6) keeps them in (notify.h). A command may
 * signal what its own call has started, as it may under a newer Landlock, and nobody else: what descends from
 * its nanny, which is a subreaper, so that nothing of a call ever leaves it.
 *
 * A number may be another's a moment later. So a process is first held by a pidfd, then judged, then
 * signalled by what is held: if the number has changed hands meanwhile, the signal meets nobody. Only the
 * caller's own number is sure, while it waits for us: then the kernel does it. Of others' signals the keeper
 * is the sender.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/keeper/keeper.h"
#include "sandbox/notify/notify.h"

static pid_t parent_of(const struct notify_call *call, pid_t process)
{
	return (pid_t)target_status(call->notify, process, "\nPPid:", 10);
}

/*
 * One look at who is above it: 1 when the nanny is, 0 when not, -EAGAIN when that changed meanwhile. Read
 * upwards, then downwards again: who is still the parent then was alive all the while, and its number nobody
 * else's.
 */
static int look_up(const struct notify_call *call, pid_t process)
{
	pid_t chain[LIMIT_NOTIFY_ANCESTORS + 1];
	size_t length = 0;

	for (chain[0] = process; chain[length] != call->client->nanny; length++) {
		if (chain[length] <= 1 || length == LIMIT_NOTIFY_ANCESTORS)
			return 0;
		chain[length + 1] = parent_of(call, chain[length]);
	}
	for (size_t i = length; i-- > 0;)
		if (parent_of(call, chain[i]) != chain[i + 1])
			return -EAGAIN;
	return length > 0;
}

static bool is_of_this_call(const struct notify_call *call, pid_t process)
{
	int result = -EAGAIN;

	for (int i = 0; i < LIMIT_NOTIFY_LOOKS && result == -EAGAIN; i++)
		result = look_up(call, process);
	return result == 1;
}

static bool is_in_group(const struct notify_call *call, pid_t process, pid_t group)
{
	return !group || target_status(call->notify, process, "\nNSpgid:", 10) == group;
}

/* The process itself, not one of its threads; `group` 0: whatever it is in. */
static long send_signal(const struct notify_call *call, pid_t process, pid_t group, int number)
{
	_cleanup_fd_ int held = (int)syscall(SYS_pidfd_open, process, 0);

	if (held < 0)
		return errno == ESRCH ? -ESRCH : -EPERM;
	if (!is_of_this_call(call, process) || !is_in_group(call, process, group))
		return -EPERM;
	return syscall(SYS_pidfd_send_signal, held, number, NULL, 0) < 0 ? -errno : 0;
}

/*
 * To the caller itself: after its answer. What is pending while it waits would, before Linux 5.19, make it
 * ask again, and again.
 */
static long signal_caller(struct notify_call *call, pid_t self, pid_t group, int number)
{
	notify_answer(call, 0);
	send_signal(call, self, group, number);
	return NOTIFY_ANSWERED;
}

static long signal_one(struct notify_call *call, pid_t target, int number)
{
	pid_t self = target_process(call);
	/* of a thread too: its process */
	long process = target_status(call->notify, target, "\nTgid:", 10);

	if (process < 0)
		return process == -ENOENT || process == -ESRCH ? -ESRCH : -EPERM;
	if (target_valid(call) != 0)
		return NOTIFY_ANSWERED;
	return process == self ? signal_caller(call, self, 0, number)
			       : send_signal(call, (pid_t)process, 0, number);
}

static bool is_known(const struct sweep_found *known, pid_t process)
{
	for (size_t i = 0; i < known->count; i++)
		if (known->list[i] == process)
			return true;
	return false;
}

/* Adds those of the call that are in the group, and not known yet. The list may miss some while others come
 * and go: so until there are no more. */
static void find_members(const struct notify_call *call, pid_t group, struct sweep_found *known)
{
	struct sweep_found found;
	size_t before;

	for (int round = 0; round < LIMIT_NOTIFY_LOOKS; round++) {
		before = known->count;
		sweep_find(call->client->nanny, &found);
		for (size_t i = 0; i < found.count && known->count < ARRAY_SIZE(known->list); i++)
			if (is_in_group(call, found.list[i], group) && !is_known(known, found.list[i]))
				known->list[known->count++] = found.list[i];
		if (known->count == before)
			return;
	}
}

/* A group (0: all of the call but the caller's process, which is how the kernel has it). */
static long signal_many(struct notify_call *call, pid_t group, int number)
{
	pid_t self = target_process(call);
	struct sweep_found known = {.count = 0};
	bool own = false, sent = false;

	if (target_valid(call) != 0)
		return NOTIFY_ANSWERED;
	for (size_t next = 0;;) {
		find_members(call, group, &known);
		if (next == known.count)
			break;
		for (; next < known.count; next++) {
			if (known.list[next] == self)
				own = group != 0;
			else if (send_signal(call, known.list[next], group, number) == 0)
				sent = true;
		}
		if (number != SIGKILL) /* who is born of a handler is not meant */
			break;
	}
	if (own)
		return signal_caller(call, self, group, number);
	if (sent)
		return 0;
	return group && kill(-group, 0) == 0 ? -EPERM : -ESRCH;
}

static bool is_signal(uint64_t number)
{
	return (unsigned)number <= (unsigned)SIGRTMAX;
}

long call_kill(struct notify_call *call)
{
	pid_t target = (pid_t)call->arguments[0];
	int number = (int)call->arguments[1];

	if (!is_signal(call->arguments[1]))
		return -EINVAL;
	if (target > 0)
		return target == target_process(call) ? NOTIFY_GO_ON : signal_one(call, target, number);
	/* 0 is not asked (filter/notify.c) */
	return target == INT_MIN ? -ESRCH : signal_many(call, target == -1 ? 0 : -target, number);
}

/* A thread of another process: that process. */
long call_tgkill(struct notify_call *call)
{
	pid_t process = (pid_t)call->arguments[0];

	if (process == target_process(call))
		return NOTIFY_GO_ON; /* the kernel sees to it that it is a thread of it */
	if (process <= 0 || (pid_t)call->arguments[1] <= 0 || !is_signal(call->arguments[2]))
		return -EINVAL;
	return signal_one(call, process, (int)call->arguments[2]);
}

long call_tkill(struct notify_call *call)
{
	pid_t thread = (pid_t)call->arguments[0], self = target_process(call);

	if (thread == call->thread)
		return NOTIFY_GO_ON;
	if (thread <= 0 || !is_signal(call->arguments[1]))
		return -EINVAL;
	if (target_status(call->notify, thread, "\nTgid:", 10) != self)
		return signal_one(call, thread, (int)call->arguments[1]);
	if (target_valid(call) != 0)
		return NOTIFY_ANSWERED;
	return syscall(SYS_tgkill, self, thread, (int)call->arguments[1]) < 0 ? -errno : 0;
}

/* With data in memory: to oneself alone, which is all that C libraries need. */
long call_sigqueue(struct notify_call *call)
{
	return (pid_t)call->arguments[0] == target_process(call) ? NOTIFY_GO_ON : -EPERM;
}

/* The descriptor may be another a moment later, so what it stands for now is found out. */
long call_pidfd_send_signal(struct notify_call *call)
{
	char path[64];
	long target;

	if (!is_signal(call->arguments[1]) || (unsigned)call->arguments[3])
		return -EINVAL;
	if (call->arguments[2])
		return -EPERM;
	snprintf(path, sizeof path, "%d/fdinfo/%d", (int)call->thread, (int)call->arguments[0]);
	target = target_number(call->notify, path, "\nPid:", 10);
	if (target == -ENOENT || target == -ENODATA)
		return -EBADF;
	return target > 0 ? signal_one(call, (pid_t)target, (int)call->arguments[1]) : -ESRCH;
}
