/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals that the supervisor judges (sandbox/notify/signals.c), which the product does only on a kernel
 * whose Landlock is older than ABI 6: here a keeper, a nanny and a command are played on whatever kernel
 * there is. The keeper is the test itself, the command tries, and strangers must live.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "sandbox/keeper/keeper.h"
#include "sandbox/notify/notify.h"
#include "sandbox/plan.h"

struct scene {
	pid_t keeper, nanny, stranger; /* that leads a group of its own */
	volatile pid_t sender;         /* of the last signal that the command heard */
	volatile int code;             /* its si_code */
	int results[64]; /* errno of each attempt, or 0; the end of a process where that is asked */
	unsigned count;
	bool missed; /* the last attempt */
};

static struct scene *scene; /* shared by all of them */

static void note(long result)
{
	scene->missed = result < 0;
	scene->results[scene->count++] = result < 0 ? errno : 0;
}

static void hear(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	scene->sender = info->si_pid;
	scene->code = info->si_code;
}

/* A child that waits for its end, and ends with its parent if `bound`. In a group of `group`: 0 its own, -1
 * its parent's. */
static pid_t start_child(pid_t group, bool bound)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (bound)
			prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	if (group >= 0)
		setpgid(pid, group);
	return pid;
}

static pid_t start(pid_t group)
{
	return start_child(group, true);
}

/* Which signal ended it; one that was not reached is ended by the test. */
static void note_end(pid_t pid)
{
	int status = 0;

	if (!scene->missed)
		waitpid(pid, &status, 0);
	scene->results[scene->count++] = WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

/* What was daemonised is no child any more, and the command's all the same. */
static pid_t start_daemon(void)
{
	int told[2];
	pid_t daemon = 0, between;

	if (pipe(told) < 0)
		return -1;
	between = fork();
	if (between == 0) {
		setsid();
		daemon = start_child(-1, false);
		if (write(told[1], &daemon, sizeof daemon) != sizeof daemon)
			_exit(1);
		_exit(0);
	}
	waitpid(between, NULL, 0);
	if (read(told[0], &daemon, sizeof daemon) != sizeof daemon)
		daemon = -1;
	close(told[0]);
	close(told[1]);
	return daemon;
}

static long queue(pid_t process, int number)
{
	siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE};

	info.si_pid = getpid();
	return syscall(SYS_rt_sigqueueinfo, process, number, &info);
}

static long queue_to_thread(pid_t process, int number)
{
	siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE};

	info.si_pid = getpid();
	return syscall(SYS_rt_tgsigqueueinfo, process, process, number, &info);
}

static long send_by_pidfd(pid_t process, int number, void *info)
{
	int fd = (int)syscall(SYS_pidfd_open, process, 0);
	long result = syscall(SYS_pidfd_send_signal, fd, number, info, 0);
	int error = errno;

	close(fd);
	errno = error;
	return result;
}

/* What must not be reached, by every call that there is. */
static void try_others(void)
{
	const pid_t others[] = {scene->stranger, scene->nanny, scene->keeper};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		siginfo_t info = {.si_signo = SIGKILL, .si_code = SI_QUEUE};

		note(kill(others[i], SIGKILL));
		note(syscall(SYS_tkill, others[i], SIGKILL));
		note(syscall(SYS_tgkill, others[i], others[i], SIGKILL));
		note(queue(others[i], SIGKILL));
		note(send_by_pidfd(others[i], SIGKILL, NULL));
		note(send_by_pidfd(others[i], SIGKILL, &info));
	}
	note(kill(-scene->stranger, SIGKILL));
}

#define OTHERS (3 * 6 + 1)

static void try_own(void)
{
	struct sigaction action = {.sa_sigaction = hear, .sa_flags = SA_SIGINFO};
	pid_t child = start(-1), first, second, gone;

	sigaction(SIGUSR1, &action, NULL);
	note(kill(child, 0));
	note(kill(child, SIGTERM));
	note_end(child);
	gone = child;
	note(kill(gone, 0));
	note(kill(-gone, 0));
	note(send_by_pidfd(child = start(-1), SIGINT, NULL));
	note_end(child);
	note(syscall(SYS_tkill, child = start(-1), SIGHUP));
	note_end(child);
	child = start(-1);
	note(syscall(SYS_tgkill, child, child, SIGQUIT));
	note_end(child);
	first = start(0);
	second = start(first);
	child = start(-1);
	note(kill(-first, SIGALRM));
	note_end(first);
	note_end(second);
	note(kill(child, 0));
	note(kill(start_daemon(), SIGKILL));
	note(kill(-1, SIGKILL));
	note_end(child);
	note(syscall(SYS_pidfd_send_signal, STDIN_FILENO, 0, NULL, 0));
}

static const int own[] = {0,       0, SIGTERM, ESRCH,   ESRCH, 0, SIGINT, 0,       SIGHUP, 0,
			  SIGQUIT, 0, SIGALRM, SIGALRM, 0,     0, 0,      SIGKILL, EBADF};

/* To itself: it hears who sent it. */
static void try_itself(void)
{
	note(kill(getpid(), SIGUSR1));
	scene->results[scene->count++] = scene->sender == getpid() && scene->code == SI_USER;
	note(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1));
	scene->results[scene->count++] = scene->sender == getpid() && scene->code == SI_TKILL;
	note(syscall(SYS_tkill, gettid(), SIGUSR1));
	scene->results[scene->count++] = scene->sender == getpid() && scene->code == SI_TKILL;
	note(queue(getpid(), SIGUSR1));
	scene->results[scene->count++] = scene->sender == getpid() && scene->code == SI_QUEUE;
	note(queue_to_thread(getpid(), SIGUSR1));
	scene->results[scene->count++] = scene->sender == getpid() && scene->code == SI_QUEUE;
	note(kill(getpid(), 200));
	note(kill(0, 0));
}

static const int itself[] = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, EINVAL, 0, /* the nanny's own: */ 0};

static _Noreturn void be_nanny(int supervisor)
{
	pid_t command;
	int status = 0;

	int nowhere = open("/dev/null", O_RDWR);

	scene->nanny = getpid();
	/* what a failure leaves behind is to hold nothing of the test's */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(nowhere, STDOUT_FILENO);
	dup2(nowhere, STDERR_FILENO);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    notify_enter(supervisor, FILTER_NOTIFY_SIGNALS, false) < 0)
		_exit(1);
	command = fork();
	if (command == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setsid();
		try_others();
		try_own();
		try_itself();
		_exit(0);
	}
	waitpid(command, &status, 0);
	note(kill(scene->stranger, 0)); /* its own calls are let through */
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
}

/* Answers until the nanny ends; its exit status. (The listener tells of the last that goes, but before Linux
 * 6.11 only when it was waited for.) */
static int keep(struct notify *notify, pid_t nanny)
{
	struct pollfd watched[] = {{.events = POLLIN},
				   {.fd = (int)syscall(SYS_pidfd_open, nanny, 0), .events = POLLIN}};
	const char *step;
	int status;

	assert_int_equal(notify_receive(notify, 0, &step), 1);
	watched[0].fd = notify->clients[0].listener;
	do {
		assert_true(poll(watched, ARRAY_SIZE(watched), 30000) > 0);
		if (watched[0].revents & POLLIN)
			notify_serve(notify, 0);
	} while (!watched[1].revents);
	close(watched[1].fd);
	assert_int_equal(waitpid(nanny, &status, 0), nanny);
	return status;
}

static void test_signals(void **state)
{
	static const int mortal[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGALRM};
	struct nursery nursery = {.waiting = {0}};
	struct notify notify;
	struct plan plan;
	int sockets[2];
	pid_t nanny;
	unsigned at = 0;

	(void)state;
	scene = mmap(NULL, sizeof *scene, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(scene != MAP_FAILED);
	scene->keeper = getpid();
	/* who started the test may ignore what its children are to die of (nohup does) */
	for (size_t i = 0; i < ARRAY_SIZE(mortal); i++)
		signal(mortal[i], SIG_DFL);
	scene->stranger = start(0);
	plan_init(&plan);
	assert_int_equal(
		notify_init(&notify, &(const struct notify_duty){.plan = &plan, .signals = true}, &nursery),
		0);
	assert_int_equal(notify.filter, FILTER_NOTIFY_SIGNALS);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	nanny = fork();
	if (nanny == 0) {
		close(sockets[0]);
		be_nanny(sockets[1]);
	}
	close(sockets[1]);
	notify_add(&notify, 0, nanny, sockets[0]);
	assert_int_equal(keep(&notify, nanny), 0);
	for (; at < OTHERS; at++)
		assert_int_equal(scene->results[at], EPERM);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		assert_int_equal(scene->results[at++], own[i]);
	for (size_t i = 0; i < ARRAY_SIZE(itself); i++)
		assert_int_equal(scene->results[at++], itself[i]);
	assert_int_equal(at, scene->count);
	assert_int_equal(waitpid(scene->stranger, NULL, WNOHANG), 0);
	kill(scene->stranger, SIGKILL);
	waitpid(scene->stranger, NULL, 0);
	notify_close(&notify);
	rules_deinit(&notify.rules);
	free(notify.later);
	munmap(scene, sizeof *scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_signals)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
