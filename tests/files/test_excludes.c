/* SPDX-License-Identifier: Apache-2.0 */
/* The person's own ignore rules: what git's configuration says of them, and whose files are not believed.
 * What the rules do, and that git finds the same, is compare_ignore.py's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tests/files/requests.h"
#include "tools/files/executor/excludes.h"

static const struct {
	const char *text, *value; /* NULL: nothing is said */
} configurations[] = {
	{"[core]\nexcludesFile = ~/mine\n", "~/mine"},
	{"[core]excludesfile=~/mine", "~/mine"},
	{"\xef\xbb\xbf[CORE]\r\n\tEXCLUDESFILE = /a b\t \r\n", "/a b"},
	{"[core]\nexcludesFile = a\nexcludesFile = b\n", "b"},
	{"[core]\nexcludesFile = \"a # b \" c # d\n", "a # b  c"},
	{"[core]\nexcludesFile = a\\\n\\tb\n", "a\tb"},
	{"[core]\nexcludesFile =\n", ""},
	{"[core]\nexcludesFile = a ; b\nx\n", "a"},
	{"# [core]\n[other]\nexcludesFile = a\n", NULL},
	{"[core \"x\"]\nexcludesFile = a\n", NULL},
	{"[core.x]\nexcludesFile = a\n", NULL},
	{"[core]\nexcludesFileX = a\n", NULL},
	/* what git refuses to read says nothing */
	{"[core]\nexcludesFile\n", NULL},
	{"[core]\nexcludesFile = \"a\n", NULL},
	{"[core]\nexcludesFile = \\a\n", NULL},
	{"[core\nexcludesFile = a\n", NULL},
	{"[core]\nexcludesFile = a\n= b\n", NULL},
	{"", NULL},
};

static void test_configured(void **state)
{
	char value[LIMIT_PATH_BYTES];

	for (size_t i = 0; i < ARRAY_SIZE(configurations); i++) {
		const char *text = configurations[i].text, *expected = configurations[i].value;
		bool said = excludes_configured(text, strlen(text), value, sizeof value);

		if (said != (expected != NULL) || (said && strcmp(value, expected) != 0))
			fail_msg("\"%s\": %s", text, said ? value : "nothing");
	}
	/* what does not fit is not cut into another name */
	assert_false(excludes_configured("[core]\nexcludesFile = abc", 26, value, 3));
	assert_true(excludes_configured("[core]\nexcludesFile = ab", 24, value, 3));
}

static bool leaves_out(const struct executor *executor, const char *name)
{
	struct ignore *everywhere;
	bool out;

	assert_int_equal(excludes_read(executor, &everywhere), 0);
	out = ignore_names(everywhere, name, strlen(name), name, false);
	ignore_release(everywhere);
	return out;
}

static void test_files(void **state)
{
	struct harness *harness = harness_new();
	struct executor executor = {.plan.home = strdup(inside(harness, "home"))};
	struct plan *plan = &executor.plan;

	assert_false(leaves_out(&executor, "a")); /* no home at all */
	make_directory(harness, "home");
	make_directory(harness, "home/.config");
	make_directory(harness, "home/.config/git");
	make_directory(harness, "xdg");
	make_directory(harness, "xdg/git");
	make_text(harness, "home/.config/git/ignore", "a\n");
	make_text(harness, "xdg/git/ignore", "b\n");
	make_text(harness, "home/mine", "c\n");
	assert_true(leaves_out(&executor, "a"));
	plan->config_home = strdup(inside(harness, "xdg"));
	assert_true(leaves_out(&executor, "b"));
	assert_false(leaves_out(&executor, "a"));
	make_text(harness, "home/.gitconfig", "[core]\nexcludesFile = ~/mine\n");
	assert_true(leaves_out(&executor, "c"));
	assert_false(leaves_out(&executor, "b"));
	/* root that serves somebody else reads none of his; what he owns says who he is */
	executor.privileged = true;
	assert_int_equal(leaves_out(&executor, "c"), geteuid() == 0);
	executor.privileged = false;

	/* a link leads where it leads: into what commands may write, or what nobody may read */
	make_directory(harness, "ws/dot");
	make_text(harness, "ws/dot/mine", "d\n");
	assert_int_equal(remove(inside(harness, "home/mine")), 0);
	make_link(harness, "home/mine", "../ws/dot/mine");
	assert_true(leaves_out(&executor, "d"));
	assert_int_equal(
		plan_add_path(&plan->workspaces, &plan->workspace_count, inside(harness, "ws"), false), 0);
	assert_true(leaves_out(&executor, "d")); /* of what is only read nobody here has made a trap */
	plan->workspaces[0].write = true;
	assert_false(leaves_out(&executor, "d"));
	plan->workspaces[0].write = false;
	assert_int_equal(plan_add_text(&plan->hide, &plan->hide_count, inside(harness, "ws/dot")), 0);
	assert_false(leaves_out(&executor, "d"));

	/* too long is no part of it, and nobody waits for what is no file */
	static char large[LIMIT_IGNORE_BYTES];
	memset(large, '\n', sizeof large);
	large[0] = 'e';
	assert_int_equal(remove(inside(harness, "home/mine")), 0);
	make_file(harness, "home/mine", large, sizeof large);
	assert_false(leaves_out(&executor, "e"));
	make_file(harness, "home/mine", large, sizeof large - 1);
	assert_true(leaves_out(&executor, "e"));
	assert_int_equal(remove(inside(harness, "home/mine")), 0);
	assert_int_equal(mkfifo(inside(harness, "home/mine"), 0644), 0);
	assert_false(leaves_out(&executor, "e"));
	plan_deinit(plan);
	harness_start(harness);
	harness_stop(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_configured), cmocka_unit_test(test_files)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
