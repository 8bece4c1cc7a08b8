/* SPDX-License-Identifier: Apache-2.0 */
/* Private places (sandbox/spawner/private.c): who may enter one, and which are taken away. */
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
#include <unistd.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "sandbox/spawner/spawner.h"

static char scratch[64];

static int setup(void **state)
{
	(void)state;
	snprintf(scratch, sizeof scratch, "/tmp/sallyport-scratch-XXXXXX");
	assert_non_null(mkdtemp(scratch));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	private_remove(scratch);
	return access(scratch, F_OK) == 0 ? -1 : 0;
}

static mode_t mode_of(const char *path, const char *below)
{
	char whole[256];
	struct stat status;

	snprintf(whole, sizeof whole, "%s%s", path, below);
	assert_int_equal(stat(whole, &status), 0);
	return status.st_mode & 07777;
}

static void test_nobody_else_enters(void **state)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_fd_ int lock = private_make(scratch, geteuid(), getegid(), &path);

	(void)state;
	assert_true(lock >= 0);
	assert_int_equal(mode_of(path, ""), 0700);
	assert_int_equal(mode_of(path, "/tmp"), 0700);
	assert_int_equal(mode_of(path, "/home"), 0700);
}

/* Commands of another uid go through, and look at nothing on the way. */
static void test_for_another_uid(void **state)
{
	_cleanup_free_ char *path = NULL;

	(void)state;
	if (geteuid() != 0)
		skip();
	_cleanup_fd_ int lock = private_make(scratch, 1777, 1777, &path);
	assert_true(lock >= 0);
	assert_int_equal(mode_of(path, ""), 0711);
	assert_int_equal(mode_of(path, "/tmp"), 0700);
}

/* What is held stays, what nobody holds goes, with all that is in it and nothing that it points at. */
static void test_stale(void **state)
{
	_cleanup_free_ char *held = NULL, *left = NULL;
	_cleanup_fd_ int lock = private_make(scratch, geteuid(), getegid(), &held);
	int other = private_make(scratch, geteuid(), getegid(), &left);
	char inside[256], outside[128], kept[160];

	(void)state;
	snprintf(outside, sizeof outside, "%s/outside", scratch);
	snprintf(kept, sizeof kept, "%s/kept", outside);
	snprintf(inside, sizeof inside, "%s/home/link", left);
	assert_int_equal(mkdir(outside, 0755), 0);
	assert_int_equal(mkdir(kept, 0755), 0);
	assert_int_equal(symlink(outside, inside), 0);
	snprintf(inside, sizeof inside, "%s/home/deep", left);
	assert_int_equal(mkdir(inside, 0), 0);
	close(other);
	private_remove_stale(scratch);
	assert_int_equal(access(held, F_OK), 0);
	assert_int_equal(access(left, F_OK), -1);
	assert_int_equal(access(kept, F_OK), 0);
}

/* A link with such a name, and a directory of somebody else's, are nothing of ours. */
static void test_of_others(void **state)
{
	char link[160], foreign[160], outside[128], kept[160];

	(void)state;
	snprintf(outside, sizeof outside, "%s/outside", scratch);
	snprintf(kept, sizeof kept, "%s/kept", outside);
	snprintf(link, sizeof link, "%s/sallyport-%u-linked", scratch, (unsigned)geteuid());
	snprintf(foreign, sizeof foreign, "%s/sallyport-%u-others", scratch, (unsigned)geteuid());
	assert_int_equal(mkdir(outside, 0755), 0);
	assert_int_equal(mkdir(kept, 0755), 0);
	assert_int_equal(symlink(outside, link), 0);
	if (geteuid() == 0) {
		assert_int_equal(mkdir(foreign, 0777), 0);
		assert_int_equal(chown(foreign, 4242, 4242), 0);
	}
	private_remove_stale(scratch);
	assert_int_equal(access(kept, F_OK), 0);
	if (geteuid() == 0)
		assert_int_equal(access(foreign, F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nobody_else_enters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_for_another_uid, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale, setup, teardown),
		cmocka_unit_test_setup_teardown(test_of_others, setup, teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
