/* SPDX-License-Identifier: Apache-2.0 */
/* PATH: what of it commands get, and what tools need beside them. */
#include "tests/support/settings.h"

static void test_search_path(void **state)
{
	struct options options = {.workspaces = {below("home/project")}, .workspace_count = 1};
	struct settings settings;
	struct err err;
	char path[2048], wanted[2048];

	assert_int_equal(symlink(below("tools"), below("tools-link")), 0);
	/* relative, empty, missing, no directory, the home, what is above the workspace and the root are left
	 * out */
	snprintf(path, sizeof path, ".:bin::%s:%s:%s:%s:%s:/:/proc:%s:%s:/bin:%s", below("nothing"),
		 below("file"), below("home"), top, below("home/bin"), below("home/project/sub"),
		 below("tools-link"), below("tools"));
	setenv("PATH", path, 1);
	assert_int_equal(load(&settings, &options, &err), 0);
	assert_int_equal(policy_complete(&settings.plan), 0);
	snprintf(wanted, sizeof wanted, "%s:%s:%s:", below("home/bin"), below("home/project/sub"),
		 below("tools"));
	assert_int_equal(strncmp(settings.plan.search_path, wanted, strlen(wanted)), 0);
	assert_non_null(strstr(settings.plan.search_path, "/usr/bin"));
	assert_non_null(strstr(settings.plan.search_path, "/usr/local/bin"));
	assert_null(strstr(settings.plan.search_path, "::"));
	assert_int_equal(settings.plan.extra_count, 2);
	assert_string_equal(settings.plan.extra[0].path, below("home/bin"));
	assert_false(settings.plan.extra[0].write);
	assert_string_equal(settings.plan.extra[1].path, below("tools"));
	settings_deinit(&settings);
}

/* A read-only mount of bin inside a directory that may be written would take that away. */
static void test_search_path_in_writable(void **state)
{
	struct options options = {
		.workspaces = {below("home/project")}, .workspace_count = 1, .policy = below("policy.json")};
	struct settings settings;
	struct err err;

	put("policy.json", "{\"filesystem\": {\"allowWrite\": [\"~/bin\"]}}");
	make("home/bin/more");
	setenv("PATH", below("home/bin/more"), 1);
	assert_int_equal(load(&settings, &options, &err), 0);
	assert_int_equal(policy_complete(&settings.plan), 0);
	assert_non_null(strstr(settings.plan.search_path, below("home/bin/more")));
	assert_int_equal(settings.plan.extra_count, 1);
	assert_true(settings.plan.extra[0].write);
	settings_deinit(&settings);
}

/* A directory below the test's own, with all above it. */
static void make_path(const char *path)
{
	const char *whole = below(path);
	char command[PATH_MAX];

	snprintf(command, sizeof command, "%s", whole);
	for (char *at = command + strlen(top) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(command, 0755);
		*at = '/';
	}
	mkdir(command, 0755);
}

static bool shows(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->extra_count; i++)
		if (strcmp(plan->extra[i].path, path) == 0)
			return !plan->extra[i].write;
	return false;
}

static void test_what_tools_need_beside_them(void **state)
{
	struct options options = {.workspaces = {below("home/project")}, .workspace_count = 1};
	struct settings settings;
	struct err err;
	char path[4096];

	make_path("home/.pyenv/shims");
	make_path("home/.cargo/bin");
	make_path("home/.rustup");
	make_path("home/.nvm/v20/bin");
	make_path("home/.nvm/v20/lib");
	make_path("home/.local/bin");
	make_path("home/.local/lib");
	make_path("home/go/bin");
	snprintf(path, sizeof path, "%s", below("home/.pyenv/shims"));
	for (const char *const *at = (const char *const[]){"home/.cargo/bin", "home/.nvm/v20/bin",
							   "home/.local/bin", "home/go/bin", NULL};
	     *at; at++)
		snprintf(path + strlen(path), sizeof path - strlen(path), ":%s", below(*at));
	setenv("PATH", path, 1);
	assert_int_equal(load(&settings, &options, &err), 0);
	assert_int_equal(policy_complete(&settings.plan), 0);
	assert_true(shows(&settings.plan, below("home/.pyenv")));
	assert_true(shows(&settings.plan, below("home/.rustup")));
	assert_true(shows(&settings.plan, below("home/.nvm/v20")));
	assert_true(shows(&settings.plan, below("home/.local/bin")));
	assert_true(shows(&settings.plan, below("home/go/bin")));
	assert_false(shows(&settings.plan, below("home/.cargo"))); /* credentials */
	assert_false(shows(&settings.plan, below("home/.local"))); /* keyrings */
	assert_false(shows(&settings.plan, below("home/go")));
	assert_false(shows(&settings.plan, below("home")));
	settings_deinit(&settings);
}

static void test_no_search_path(void **state)
{
	struct options options = {0};
	struct settings settings;
	struct err err;

	unsetenv("PATH");
	assert_int_equal(load(&settings, &options, &err), 0);
	assert_int_equal(policy_complete(&settings.plan), 0);
	assert_non_null(strstr(settings.plan.search_path, "/usr/bin"));
	assert_int_equal(settings.plan.extra_count, 0);
	settings_deinit(&settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_search_path),
		CASE(test_search_path_in_writable),
		CASE(test_no_search_path),
		CASE(test_what_tools_need_beside_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
