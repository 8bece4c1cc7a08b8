/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written into a sandbox's group, where the machine that runs the tests may have none to give: a
 * directory stands for this server's group, and what would be written is kept. That the kernel obeys it is
 * held against a real one in tests/kernels.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "sandbox/spawner/cgroup.h"

static char written[1024]; /* "NAME=VALUE\n" for each */

int cgroup_write(int directory, const char *name, const char *text)
{
	size_t used = strlen(written);

	(void)directory;
	snprintf(written + used, sizeof written - used, "%s=%s\n", name, text);
	return 0;
}

void cgroups_open(struct cgroups *cgroups)
{
	(void)cgroups;
}

void cgroups_close(struct cgroups *cgroups)
{
	(void)cgroups;
}

static char top[] = "/tmp/sallyport-groups-XXXXXX";

static int setup(void **state)
{
	struct cgroups *cgroups = calloc(1, sizeof *cgroups);

	snprintf(top, sizeof top, "/tmp/sallyport-groups-XXXXXX");
	assert_non_null(mkdtemp(top));
	*cgroups = CGROUPS_NONE;
	cgroups->base = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cgroups->memory = cgroups->pids = cgroups->cpu = true;
	written[0] = '\0';
	*state = cgroups;
	return 0;
}

static int teardown(void **state)
{
	struct cgroups *cgroups = *state;

	close(cgroups->base);
	free(cgroups);
	return rmdir(top);
}

static void make(struct cgroups *cgroups, const struct plan *plan, struct cgroup *group)
{
	assert_int_equal(cgroup_make(cgroups, 7, plan, group), 0);
	assert_true(group->directory >= 0);
	close_fd(&group->directory);
	cgroup_remove(cgroups, 7);
}

static void test_bounds(void **state)
{
	struct plan plan = {.memory_bytes = 64u << 20, .command_processes = 33, .cpu_thousandths = 1500};
	struct cgroup group;

	make(*state, &plan, &group);
	assert_int_equal(group.memory, 64u << 20);
	assert_string_equal(written,
			    "memory.max=67108864\nmemory.swap.max=0\npids.max=33\ncpu.max=150000 100000\n");
}

/* Without a word of the policy's: three quarters of what there is, and all processors. */
static void test_without_a_word(void **state)
{
	struct cgroups *cgroups = *state;
	struct plan plan = {.command_processes = 5};
	struct cgroup group;

	cgroups->bound = 4096 * 100;
	make(cgroups, &plan, &group);
	assert_string_equal(written, "memory.max=307200\nmemory.swap.max=0\npids.max=5\n");
}

/* Nobody is promised more than there is. */
static void test_more_than_there_is(void **state)
{
	struct plan plan = {.memory_bytes = UINT64_MAX / 2};
	struct sysinfo machine;
	struct cgroup group;

	assert_int_equal(sysinfo(&machine), 0);
	make(*state, &plan, &group);
	assert_int_equal(group.memory, (uint64_t)machine.totalram * machine.mem_unit);
}

static void test_controllers_that_are_not_there(void **state)
{
	struct cgroups *cgroups = *state;
	struct plan plan = {.memory_bytes = 64u << 20, .command_processes = 33, .cpu_thousandths = 1500};
	struct cgroup group;

	cgroups->memory = cgroups->pids = cgroups->cpu = false;
	make(cgroups, &plan, &group);
	assert_string_equal(written, "");
}

static void test_kill(void **state)
{
	char expected[64];

	cgroup_kill(*state, 9);
	snprintf(expected, sizeof expected, "%d-9/cgroup.kill=1\n", (int)getpid());
	assert_string_equal(written, expected);
}

/* What is left of others is killed at the beginning, and nothing but what has a name of ours. */
static void test_sweep(void **state)
{
	struct cgroups *cgroups = *state;

	assert_int_equal(mkdirat(cgroups->base, "12-3", 0755), 0);
	assert_int_equal(mkdirat(cgroups->base, "server", 0755), 0);
	cgroups_sweep(cgroups, false);
	assert_string_equal(written, "");
	assert_int_equal(mkdirat(cgroups->base, "12-3", 0755), 0);
	cgroups_sweep(cgroups, true);
	assert_string_equal(written, "12-3/cgroup.kill=1\n");
	assert_int_equal(unlinkat(cgroups->base, "12-3", AT_REMOVEDIR), -1);
	assert_int_equal(unlinkat(cgroups->base, "server", AT_REMOVEDIR), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_a_word, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_than_there_is, setup, teardown),
		cmocka_unit_test_setup_teardown(test_controllers_that_are_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kill, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sweep, setup, teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
