/* SPDX-License-Identifier: Apache-2.0 */
/* Protected paths by their text (sandbox/notify/rules.c), on file systems that the test makes believe in. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cmocka.h>

static long type;   /* of every file system */
static int folding; /* FS_CASEFOLD_FL of every directory */

static int pretended_fstatfs(int fd, struct statfs *fs)
{
	*fs = (struct statfs){.f_type = type};
	return fd < 0 ? -1 : 0;
}

static int pretended_flags(int fd, unsigned long request, int *flags)
{
	(void)fd, (void)request;
	*flags = folding;
	return 0;
}

/* The module itself, with the two calls by which it looks at a file system. */
#define fstatfs pretended_fstatfs
#define ioctl   pretended_flags
#include "sandbox/notify/rules.c"
#undef fstatfs
#undef ioctl

static char top[64], path[128];

static const char *at(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", top, name);
	return path;
}

static int setup(void **state)
{
	struct rules *rules = calloc(1, sizeof *rules);
	struct plan plan = {.workspaces = NULL};
	char hidden[128];

	snprintf(top, sizeof top, "/tmp/sallyport-rules-XXXXXX");
	assert_non_null(mkdtemp(top));
	snprintf(hidden, sizeof hidden, "%s/dark", top);
	type = 0xef53; /* ext4 */
	folding = 0;
	assert_int_equal(plan_add_path(&plan.workspaces, &plan.workspace_count, top, true), 0);
	assert_int_equal(plan_add_text(&plan.protect, &plan.protect_count, ".git/config"), 0);
	assert_int_equal(plan_add_text(&plan.hide, &plan.hide_count, hidden), 0);
	for (const char *const *one =
		     (const char *const[]){"/usr/x", "/etc/x", "/opt/x", "/bin/x", "/sbin/x", "/lib/x",
					   "/lib32/x", "/lib64/x", "/libx32/x", "/nowhere/x", NULL};
	     *one; one++)
		assert_int_equal(plan_add_text(&plan.hide, &plan.hide_count, *one), 0);
	assert_int_equal(rules_make(rules, &plan), 0);
	plan_deinit(&plan);
	*state = rules;
	return 0;
}

static int teardown(void **state)
{
	rules_deinit(*state);
	free(*state);
	return rmdir(top);
}

static void test_judging(void **state)
{
	const struct rules_path *rule = NULL;

	assert_int_equal(rules_judge(*state, at("free"), &rule), RULES_FREE);
	assert_int_equal(rules_judge(*state, at(".git"), &rule), RULES_ABOVE);
	assert_int_equal(rules_judge(*state, at(".git/config"), &rule), RULES_PROTECTED);
	assert_int_equal(rules_judge(*state, at(".git/config/below"), &rule), RULES_PROTECTED);
	assert_string_equal(rule->text, ".git/config");
	assert_int_equal(rules_judge(*state, at(".git/config2"), &rule), RULES_FREE);
	assert_int_equal(rules_judge(*state, at(".git/confi"), &rule), RULES_FREE);
	assert_int_equal(rules_judge(*state, at("dark"), &rule), RULES_HIDDEN);
	assert_int_equal(rules_judge(*state, at("dark/er"), &rule), RULES_HIDDEN);
}

/* What the view does not show needs no rule; what it shows of the system does. */
static void test_what_is_shown(void **state)
{
	static const char *const shown[] = {"/usr/x", "/etc/x",   "/opt/x",   "/bin/x",   "/sbin/x",
					    "/lib/x", "/lib32/x", "/lib64/x", "/libx32/x"};

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
		assert_int_equal(rules_judge(*state, shown[i], NULL), RULES_HIDDEN);
	assert_int_equal(rules_judge(*state, "/nowhere/x", NULL), RULES_FREE);
}

static void test_letters(void **state)
{
	static const long types[] = {0x4d44,     0x2011bab0, 0x7366746e, 0x5346544e, 0xff534d42,
				     0xfe534d42, 0x482b,     0x4244,     0x65735546, 0x01021997};

	assert_int_equal(rules_judge(*state, at(".GIT"), NULL), RULES_FREE);
	folding = 0x40000000;
	assert_int_equal(rules_judge(*state, at(".GIT"), NULL), RULES_ABOVE);
	folding = 0;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		type = types[i];
		if (rules_judge(*state, at(".Git"), NULL) != RULES_ABOVE)
			fail_msg("a file system of type %#lx", types[i]);
	}
}

/* In doubt they are the same: a directory that cannot be opened says nothing. */
static void test_doubt(void **state)
{
	assert_int_equal(rules_judge(*state, at(".GIT/CONFIG"), NULL), RULES_PROTECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_judging, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_letters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_doubt, setup, teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
