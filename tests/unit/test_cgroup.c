/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel's files say of groups. Making groups is tested under a kernel that has them
 * (tests/kernels). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "sandbox/memory_events.h"
#include "sandbox/spawner/cgroup.h"

static void test_own_path(void **state)
{
	static const struct {
		const char *text, *path; /* NULL: there is none */
	} cases[] = {
		{"0::/\n", "/"},
		{"0::/user.slice/a b.scope\n", "/user.slice/a b.scope"},
		{"4:memory:/old\n1:name=systemd:/x\n0::/new\n", "/new"}, /* v1 beside v2 */
		{"4:memory:/old\n", NULL},
		{"", NULL},
		{"0::/../../x\n", NULL}, /* outside the cgroup namespace */
		{"0::/gone (deleted)\n", NULL},
		/* a server of ours stands in its own group's "server"; the one around it is meant */
		{"0::/a/sallyport.12/server\n", "/a"},
		{"0::/sallyport.12/server\n", "/"},
		{"0::/a/sallyport.12\n", "/a/sallyport.12"},
		{"0::/a/sallyport./server\n", "/a/sallyport./server"},
		{"0::/a/sallyport.1x/server\n", "/a/sallyport.1x/server"},
		{"0::/a/mysallyport.12/server\n", "/a/mysallyport.12/server"},
		{"0::/a/sallyport.12/server/b\n", "/a/sallyport.12/server/b"},
		{"0::/server\n", "/server"},
		{"0::/12/server\n", "/12/server"},
	};
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int result = cgroup_own_path(cases[i].text, path, sizeof path);

		assert_int_equal(result, cases[i].path ? 0 : -ENOENT);
		if (cases[i].path)
			assert_string_equal(path, cases[i].path);
	}
	assert_int_equal(cgroup_own_path("0::/12345678\n", path, 8), -ENAMETOOLONG);
}

static void test_find_mount(void **state)
{
	static const char whole[] =
		"25 1 0:22 / /sys rw - sysfs sysfs rw\n"
		"30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
	static const char part[] = "30 25 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
	static const char mixed[] = "31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
				    "32 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
	static const struct {
		const char *text, *own, *path;
	} cases[] = {
		{whole, "/", "/sys/fs/cgroup"},
		{whole, "/user.slice/x", "/sys/fs/cgroup/user.slice/x"},
		{part, "/docker/abc", "/sys/fs/cgroup"},
		{part, "/docker/abc/d", "/sys/fs/cgroup/d"},
		{part, "/docker/abcd", NULL}, /* only looks like it */
		{part, "/", NULL},
		{mixed, "/a", "/sys/fs/cgroup/unified/a"},
		{"30 25 0:26 / /with\\040blank rw - cgroup2 cgroup2 rw\n", "/a", NULL},
		{"30 25 0:26\n - cgroup2 \n\n", "/a", NULL},
		{"", "/a", NULL},
	};
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int result = cgroup_find_mount(cases[i].text, cases[i].own, path, sizeof path);

		assert_int_equal(result, cases[i].path ? 0 : -ENOENT);
		if (cases[i].path)
			assert_string_equal(path, cases[i].path);
	}
	assert_int_equal(cgroup_find_mount(whole, "/long", path, 12), -ENAMETOOLONG);
}

static void test_numbers(void **state)
{
	static const char events[] = "low 0\nhigh 0\nmax 17\noom 3\noom_kill 2\noom_group_kill 0\n";
	uint64_t number = 99;

	assert_int_equal(memory_events_find(events, "oom_kill", &number), 0);
	assert_int_equal(number, 2);
	assert_int_equal(memory_events_find(events, "oom", &number), 0);
	assert_int_equal(number, 3);
	assert_int_equal(memory_events_find(events, "kill", &number), -ENOENT);
	assert_int_equal(memory_events_find("oom_kill\n", "oom_kill", &number), -ENOENT);
	assert_int_equal(memory_events_find("oom_kill x\n", "oom_kill", &number), -ENOENT);
	assert_int_equal(memory_events_find("", "oom_kill", &number), -ENOENT);
	assert_int_equal(number, 3);
	assert_int_equal(cgroup_read_bound("max\n", &number), 0);
	assert_true(number == UINT64_MAX);
	assert_int_equal(cgroup_read_bound("536870912\n", &number), 0);
	assert_int_equal(number, 536870912);
	assert_int_equal(cgroup_read_bound("", &number), -EINVAL);
	assert_int_equal(cgroup_read_bound("-1\n", &number), -EINVAL);
}

static void test_words(void **state)
{
	assert_true(cgroup_has_word("cpuset cpu io memory\n", "cpu"));
	assert_true(cgroup_has_word("cpuset cpu io memory\n", "memory"));
	assert_true(cgroup_has_word("memory\n", "memory"));
	assert_false(cgroup_has_word("cpuset io memory\n", "cpu"));
	assert_false(cgroup_has_word("memory\n", "mem"));
	assert_false(cgroup_has_word("\n", "cpu"));
	assert_false(cgroup_has_word("", "cpu"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_path),
		cmocka_unit_test(test_find_mount),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
