/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Landlock layer alone, in a child that has neither mounts nor a filter nor another uid: in a sandbox
 * those stand before it, and would hide what it lets through. What the present kernel's ABI does not know is
 * not asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "sandbox/layers/layer.h"

struct scene {
	char top[64];                          /* holds all of it; not in /tmp, which is the commands' */
	char outside[96], work[96], fixed[96]; /* a file; two workspaces, the second read-only */
	struct sockaddr_un abstract;
	int listener;
};

static void put(char path[96], const char *top, const char *name)
{
	snprintf(path, 96, "%s/%s", top, name);
}

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	char inner[128];
	int file;

	snprintf(scene->top, sizeof scene->top, "/var/tmp/sallyport-landlock-XXXXXX");
	assert_non_null(mkdtemp(scene->top));
	put(scene->outside, scene->top, "outside");
	put(scene->work, scene->top, "work");
	put(scene->fixed, scene->top, "fixed");
	file = creat(scene->outside, 0666);
	assert_true(file >= 0 && close(file) == 0 && mkdir(scene->work, 0777) == 0 &&
		    mkdir(scene->fixed, 0777) == 0);
	for (const char *const *name = (const char *const[]){"a", "b", NULL}; *name; name++) {
		snprintf(inner, sizeof inner, "%s/%s", scene->work, *name);
		assert_int_equal(mkdir(inner, 0777), 0);
	}
	scene->abstract = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(scene->abstract.sun_path + 1, sizeof scene->abstract.sun_path - 1, "%s", scene->top);
	scene->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(scene->listener, (struct sockaddr *)&scene->abstract, sizeof scene->abstract),
			 0);
	assert_int_equal(listen(scene->listener, 1), 0);
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;
	char command[128];

	close(scene->listener);
	snprintf(command, sizeof command, "%s", scene->top);
	if (fork() == 0) {
		execl("/bin/rm", "rm", "-rf", command, NULL);
		_exit(127);
	}
	wait(NULL);
	free(scene);
	return 0;
}

/* In a child: puts itself under the layer of that row. 0 or -errno. */
static int confine(const struct scene *scene, enum executor_profile kind)
{
	struct executor executor = {.profile = kind, .command_ruleset = -1};
	struct layer_context context = {.profile = profile_find(kind, CONFINEMENT_FULL),
					.executor = &executor};

	plan_init(&executor.plan);
	if (plan_add_path(&executor.plan.workspaces, &executor.plan.workspace_count, scene->work, true) < 0 ||
	    plan_add_path(&executor.plan.workspaces, &executor.plan.workspace_count, scene->fixed, false) < 0)
		return -ENOMEM;
	executor.plan.home = strdup("/nonesuch");
	executor.workspaces = (int[]){open(scene->work, O_PATH | O_DIRECTORY | O_CLOEXEC),
				      open(scene->fixed, O_PATH | O_DIRECTORY | O_CLOEXEC)};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return layer_landlock(&context);
}

/* What a child under the layer says: 0 for all as it should be, else the number of what was not. */
static void play(void **state, enum executor_profile kind, int (*try)(const struct scene *scene))
{
	const struct scene *scene = *state;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (confine(scene, kind) < 0)
			_exit(255);
		_exit(try(scene));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* 0, or the errno of what is refused. */
static int opened(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0666);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int in(const char *folder, const char *name, int flags)
{
	char path[160];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return opened(path, flags);
}

static int at_port(const struct sockaddr_in *address, int (*act)(int, const struct sockaddr *, socklen_t))
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result = act(fd, (const struct sockaddr *)address, sizeof *address) < 0 ? errno : 0;

	close(fd);
	return result;
}

static int commands(const struct scene *scene)
{
	int abi = landlock_abi(), fd;
	char from[160], to[160];

	if (opened(scene->outside, O_RDONLY) != 0)
		return 1;
	if (opened(scene->outside, O_WRONLY) != EACCES || in(scene->top, "new", O_CREAT | O_WRONLY) != EACCES)
		return 2;
	if (in(scene->work, "a/new", O_CREAT | O_WRONLY) != 0 ||
	    in(scene->fixed, "new", O_CREAT | O_WRONLY) != EACCES)
		return 3;
	snprintf(from, sizeof from, "%s/a/new", scene->work);
	snprintf(to, sizeof to, "%s/b/new", scene->work);
	if (abi >= 2 && rename(from, to) < 0)
		return 4;
	if (abi >= 3 && (truncate(scene->outside, 0) == 0 || errno != EACCES))
		return 5;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (abi >= 6 &&
	    (connect(fd, (const struct sockaddr *)&scene->abstract, sizeof scene->abstract) == 0 ||
	     errno != EPERM))
		return 6;
	if (abi >= LANDLOCK_ABI_SIGNALS && (kill(getppid(), 0) == 0 || errno != EPERM))
		return 7;
	return 0;
}

static void test_commands(void **state)
{
	play(state, EXECUTOR_SANDBOX, commands);
}

static int files(const struct scene *scene)
{
	if (opened(scene->outside, O_RDONLY) != EACCES)
		return 1;
	if (in(scene->work, "a/made", O_CREAT | O_WRONLY) != 0 || in(scene->work, "a/made", O_RDONLY) != 0)
		return 2;
	if (in(scene->fixed, "made", O_CREAT | O_WRONLY) != EACCES || opened(scene->fixed, O_RDONLY) != 0)
		return 3;
	return 0;
}

static void test_files(void **state)
{
	play(state, EXECUTOR_FILES, files);
}

static int search(const struct scene *scene)
{
	if (opened(scene->outside, O_RDONLY) != EACCES || opened(scene->work, O_RDONLY) != 0)
		return 1;
	if (in(scene->work, "a/made", O_CREAT | O_WRONLY) != EACCES)
		return 2;
	return opened(scene->fixed, O_RDONLY) == 0 ? 0 : 3;
}

static void test_search(void **state)
{
	play(state, EXECUTOR_SEARCH, search);
}

static int web(const struct scene *scene)
{
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	if (opened(scene->outside, O_RDONLY) != EACCES)
		return 1;
	if (landlock_abi() >= 4 &&
	    (at_port(&address, bind) != EACCES || at_port(&address, connect) != EACCES))
		return 2;
	return 0;
}

static void test_web(void **state)
{
	play(state, EXECUTOR_WEB, web);
}

static int broker(const struct scene *scene)
{
	const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	if (opened(scene->outside, O_RDONLY) != EACCES)
		return 1;
	if (landlock_abi() >= 4 &&
	    (at_port(&address, bind) != EACCES || at_port(&address, connect) == EACCES))
		return 2;
	return 0;
}

static void test_broker(void **state)
{
	play(state, EXECUTOR_BROKER, broker);
}

/* A device beside /dev may be opened where it can be read, and not be told anything. */
static int device(const struct scene *scene)
{
	char path[160];
	struct termios ignored;

	snprintf(path, sizeof path, "%s/zero", scene->top);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 1;
	return ioctl(fd, TCGETS, &ignored) < 0 && errno == EACCES ? 0 : 2;
}

static void test_device(void **state)
{
	const struct scene *scene = *state;
	char path[160];

	snprintf(path, sizeof path, "%s/zero", scene->top);
	if (landlock_abi() < 5 || mknod(path, S_IFCHR | 0666, makedev(1, 5)) < 0 ||
	    opened(path, O_RDONLY) != 0)
		skip(); /* an old kernel, or nobody who can make one */
	play(state, EXECUTOR_SANDBOX, device);
}

/* What was a workspace when the plan was made and is a link now is somebody else's choice. */
static void test_a_link_in_the_place_of_a_workspace(void **state)
{
	const struct scene *scene = *state;
	int status;
	pid_t pid;

	assert_int_equal(rmdir(scene->fixed), 0);
	assert_int_equal(symlink("/", scene->fixed), 0);
	pid = fork();
	if (pid == 0) {
		struct executor executor = {.profile = EXECUTOR_SANDBOX, .command_ruleset = -1};
		struct layer_context context = {.profile = profile_find(EXECUTOR_SANDBOX, CONFINEMENT_FULL),
						.executor = &executor};

		plan_init(&executor.plan);
		plan_add_path(&executor.plan.workspaces, &executor.plan.workspace_count, scene->fixed, true);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		_exit(layer_landlock(&context) == -ELOOP ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_commands, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_search, setup, teardown),
		cmocka_unit_test_setup_teardown(test_web, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broker, setup, teardown),
		cmocka_unit_test_setup_teardown(test_device, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_link_in_the_place_of_a_workspace, setup, teardown)};

	if (landlock_abi() < 1) {
		print_message("[  SKIPPED  ] this kernel has no Landlock\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
