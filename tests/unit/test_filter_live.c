/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that put themselves under a filter of ours and then try what it is there to refuse: what the
 * interpreter in test_filter.c says of the code, the kernel must do.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "sandbox/filter/filter.h"

#define ENDED (-1) /* by SIGSYS */
#ifdef SALLYPORT_SANITIZED
#define ENDED_OPEN EACCES /* reports of sanitizers look for files of their own */
#else
#define ENDED_OPEN ENDED
#endif

/* What a process under the filter gets of the call: its errno, 0, or ENDED. */
static int attempt(enum filter_name filter, long number, const long *arguments)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || filter_apply(filter) < 0)
			_exit(255);
		long result = syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
				      arguments[4], arguments[5]);

		syscall(SYS_exit_group, result < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGSYS);
		return ENDED;
	}
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

#define ARGUMENTS(...) ((const long[6]){__VA_ARGS__})

static void test_attempts(void **state)
{
	const long path = (long)(intptr_t) "/dev/null", page = 4096;
	const struct {
		enum filter_name filter;
		long number;
		const long *arguments;
		int answer;
	} list[] = {
		{FILTER_FRONTEND, SYS_openat, ARGUMENTS(AT_FDCWD, path, O_RDONLY), ENOENT},
		{FILTER_FRONTEND, SYS_openat2, ARGUMENTS(AT_FDCWD, path), ENDED},
		{FILTER_FRONTEND, SYS_socket, ARGUMENTS(AF_INET, SOCK_STREAM), ENDED},
		{FILTER_FRONTEND, SYS_connect, ARGUMENTS(0), ENDED},
		{FILTER_FRONTEND, SYS_execve, ARGUMENTS(path), ENDED},
		{FILTER_FRONTEND, SYS_kill, ARGUMENTS(0, 0), ENDED},
		{FILTER_FRONTEND, SYS_mmap, ARGUMENTS(0, page, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1),
		 ENDED},
		{FILTER_HTTP, SYS_openat, ARGUMENTS(AT_FDCWD, path, O_RDONLY), ENOENT},
		{FILTER_HTTP, SYS_socket, ARGUMENTS(AF_UNIX, SOCK_DGRAM), ENDED},
		{FILTER_HTTP, SYS_connect, ARGUMENTS(0), ENDED},
		{FILTER_OPENER, SYS_openat,
		 ARGUMENTS(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), 0},
		{FILTER_OPENER, SYS_openat, ARGUMENTS(AT_FDCWD, path, O_RDWR), ENDED_OPEN},
		{FILTER_OPENER, SYS_openat2, ARGUMENTS(AT_FDCWD, path), ENDED},
		{FILTER_OPENER, SYS_socket, ARGUMENTS(AF_UNIX, SOCK_STREAM), ENDED},
		{FILTER_OPENER, SYS_execve, ARGUMENTS(path), ENDED},
		{FILTER_FILES, SYS_openat, ARGUMENTS(AT_FDCWD, path, O_RDONLY), ENDED_OPEN},
		{FILTER_FILES, SYS_socket, ARGUMENTS(AF_UNIX, SOCK_STREAM), ENDED},
		{FILTER_FILES, SYS_socketpair, ARGUMENTS(AF_UNIX, SOCK_STREAM), ENDED},
		{FILTER_FILES, SYS_sendmsg, ARGUMENTS(0), ENDED},
		{FILTER_FILES, SYS_execve, ARGUMENTS(path), ENDED},
		{FILTER_FILES, SYS_memfd_create, ARGUMENTS(path), ENDED},
		{FILTER_WEB, SYS_openat, ARGUMENTS(AT_FDCWD, path, O_RDONLY), ENOENT},
		{FILTER_WEB, SYS_openat2, ARGUMENTS(AT_FDCWD, path), ENDED},
		{FILTER_WEB, SYS_socket, ARGUMENTS(AF_INET, SOCK_STREAM), ENDED},
		{FILTER_WEB, SYS_socket, ARGUMENTS(AF_UNIX, SOCK_STREAM), ENDED},
		{FILTER_WEB, SYS_connect, ARGUMENTS(0), 0}, /* said to have worked, and nothing happened */
		{FILTER_WEB, SYS_sendmsg, ARGUMENTS(0), ENDED},
		{FILTER_WEB, SYS_execve, ARGUMENTS(path), ENDED},
		{FILTER_BROKER, SYS_openat, ARGUMENTS(AT_FDCWD, path, O_RDONLY), ENOENT},
		{FILTER_BROKER, SYS_openat2, ARGUMENTS(AT_FDCWD, path), ENDED},
		{FILTER_BROKER, SYS_bind, ARGUMENTS(0), ENDED},
		{FILTER_BROKER, SYS_listen, ARGUMENTS(0), ENDED},
		{FILTER_BROKER, SYS_socket, ARGUMENTS(AF_UNIX, SOCK_STREAM), EAFNOSUPPORT},
		{FILTER_BROKER, SYS_execve, ARGUMENTS(path), ENDED},
		{FILTER_SPAWNER, SYS_ptrace, ARGUMENTS(PTRACE_TRACEME), EPERM},
		{FILTER_SPAWNER, SYS_bpf, ARGUMENTS(0), EPERM},
		{FILTER_SPAWNER, SYS_perf_event_open, ARGUMENTS(0), EPERM},
		{FILTER_SPAWNER, SYS_io_uring_setup, ARGUMENTS(0), EPERM},
		{FILTER_SPAWNER, SYS_socket, ARGUMENTS(AF_INET, SOCK_RAW), EPERM},
		{FILTER_SPAWNER, SYS_socket, ARGUMENTS(AF_UNIX, SOCK_STREAM), 0},
		{FILTER_COMMAND, SYS_unshare, ARGUMENTS(CLONE_NEWUSER), EPERM},
		{FILTER_COMMAND, SYS_clone3, ARGUMENTS(0), ENOSYS},
		{FILTER_COMMAND, SYS_ptrace, ARGUMENTS(PTRACE_TRACEME), EPERM},
	};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		int answer = attempt(list[i].filter, list[i].number, list[i].arguments);

		if (answer != list[i].answer)
			fail_msg("row %zu, filter %d, call %ld: %d, expected %d", i, list[i].filter,
				 list[i].number, answer, list[i].answer);
	}
}

/* Under the spawner's filter, commands' own still decides, and with its own errno. */
static void test_stacked(void **state)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || filter_apply(FILTER_SPAWNER) < 0 ||
		    filter_apply(FILTER_COMMAND) < 0)
			_exit(1);
		if (syscall(SYS_clone3, NULL, 0) >= 0 || errno != ENOSYS || unshare(CLONE_NEWUSER) >= 0 ||
		    errno != EPERM || socket(AF_UNIX, SOCK_STREAM, 0) < 0)
			_exit(2);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_attempts), cmocka_unit_test(test_stacked)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
