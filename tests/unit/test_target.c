/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a call still waits (target_valid() of sandbox/notify/target.c): its number says nothing of who has
 * it, and what was read of a process that is gone may have been another's.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "sandbox/notify/notify.h"
#include "sandbox/notify/wire.h"

/* Shares the test's descriptors: says which is its listener, and makes a call that nobody answers. */
static _Noreturn void call_and_wait(int say)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {ARRAY_SIZE(code), code};
	int listener;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(1);
	listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
				&program);
	if (write(say, &listener, sizeof listener) == sizeof listener && listener >= 0)
		syscall(SYS_getppid);
	_exit(1);
}

static void test_who_is_gone(void **state)
{
	union {
		struct seccomp_notif notification;
		char room[NOTIFY_RECEIVE_BYTES];
	} heard;
	struct notify_client client = {.listener = -1};
	struct notify_call call = {.client = &client};
	int pipes[2];
	pid_t caller;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	caller = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_FILES, 0, 0, 0, 0);
	if (caller == 0)
		call_and_wait(pipes[1]);
	assert_true(caller > 0);
	assert_int_equal(read(pipes[0], &client.listener, sizeof client.listener), sizeof client.listener);
	assert_true(client.listener >= 0);
	memset(&heard, 0, sizeof heard);
	assert_int_equal(ioctl(client.listener, SECCOMP_IOCTL_NOTIF_RECV, &heard), 0);
	call.id = heard.notification.id;
	assert_int_equal(target_valid(&call), 0);
	kill(caller, SIGKILL);
	assert_int_equal(waitpid(caller, NULL, 0), caller);
	assert_int_equal(target_valid(&call), NOTIFY_ANSWERED);
	close(client.listener);
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_who_is_gone)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
