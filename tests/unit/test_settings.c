/* SPDX-License-Identifier: Apache-2.0 */
/* Command line and policy put together: workspaces, paths, home, and where a policy may lie. Everything
 * happens below a directory of the test's own. */
#include "tests/support/settings.h"

#include "protocol/path.h"
#include "server/paths.h"
#include "server/workspaces.h"

static bool has(char **list, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

/* ---- paths ---- */

static void test_within(void **state)
{
	assert_true(path_within("/a/b", "/a"));
	assert_true(path_within("/a", "/a"));
	assert_true(path_within("/a", "/"));
	assert_false(path_within("/ab", "/a")); /* a peer's hole: CVE-2025-53110 */
	assert_false(path_within("/a", "/a/b"));
}

static void test_canonical(void **state)
{
	char *path = NULL;
	struct err err;

	assert_int_equal(symlink(below("home"), below("link")), 0);
	assert_int_equal(path_canonical(below("link/project/../bin"), NULL, true, &path, &err), 0);
	assert_string_equal(path, below("home/bin"));
	free(path);
	assert_int_equal(path_canonical("~/bin", below("home"), true, &path, &err), 0);
	assert_string_equal(path, below("home/bin"));
	free(path);
	assert_int_equal(path_canonical("~", "/", true, &path, &err), 0);
	assert_string_equal(path, "/");
	free(path);
	assert_int_equal(path_canonical("~/x", NULL, false, &path, &err), -ENOENT);
	assert_int_equal(path_canonical(below("nothing"), NULL, true, &path, &err), -ENOENT);
	assert_int_equal(path_canonical(below("link/no/such//thing/"), NULL, false, &path, &err), 0);
	assert_string_equal(path, below("home/no/such//thing"));
	free(path);
	assert_int_equal(path_canonical(below("no/../../x"), NULL, false, &path, &err), -EINVAL);
	assert_int_equal(path_canonical(below("file/x"), NULL, false, &path, &err), -ENOTDIR);
	assert_int_equal(path_canonical("/nonesuch", NULL, false, &path, &err), 0);
	assert_string_equal(path, "/nonesuch");
	free(path);
}

static void test_passes(void **state)
{
	char *root = strdup(below("home/project"));

	assert_int_equal(path_passes(below("home/project/p"), root), 1);
	assert_int_equal(path_passes(below("home/p"), root), 0);
	/* a link inside that leads out, and a link outside that leads in and out again */
	assert_int_equal(symlink(below("policy.json"), below("home/project/inner")), 0);
	assert_int_equal(path_passes(below("home/project/inner"), root), 1);
	assert_int_equal(symlink(below("home/project/inner"), below("outer")), 0);
	assert_int_equal(path_passes(below("outer"), root), 1);
	assert_int_equal(symlink("home/project", below("directory")), 0);
	assert_int_equal(path_passes(below("directory/../p"), root), 1);
	assert_int_equal(symlink("loop", below("loop")), 0);
	assert_int_equal(path_passes(below("loop"), root), -ELOOP);
	assert_int_equal(path_passes("../policy.json", root), 0);
	assert_int_equal(path_passes("../home/project/x", root), 1);
	free(root);
}

/* ---- workspaces ---- */

static void test_default_workspace(void **state)
{
	struct options options = {0};
	struct settings settings;
	struct err err;

	assert_int_equal(load(&settings, &options, &err), 0);
	assert_int_equal(settings.plan.workspace_count, 1);
	assert_string_equal(settings.plan.workspaces[0].path, below("other"));
	assert_true(settings.plan.workspaces[0].write);
	assert_string_equal(settings.plan.home, below("home"));
	assert_int_equal(strlen(settings.plan.policy_sha256), 64);
	assert_int_equal(settings.answer_within_ms, 0);
	settings_deinit(&settings);
}

static void test_default_refused(void **state)
{
	struct options options = {0};

	assert_int_equal(chdir("/"), 0);
	refused(&options, -EINVAL, "the current directory is /,");
	assert_int_equal(chdir(below("home")), 0);
	refused(&options, -EINVAL, "name one with --workspace DIR");
	assert_int_equal(chdir(top), 0); /* holds the home */
	refused(&options, -EINVAL, "name one with --workspace DIR");
	assert_int_equal(chdir("/usr"), 0);
	refused(&options, -EINVAL, "name one with --workspace DIR");
}

static void test_optional_workspace(void **state)
{
	struct options options = {.workspace_optional = true};
	struct settings settings;
	struct err err;

	assert_int_equal(chdir("/"), 0);
	assert_int_equal(load(&settings, &options, &err), 0);
	assert_int_equal(settings.plan.workspace_count, 0);
	settings_deinit(&settings);
	options.workspaces[options.workspace_count++] = "/"; /* but what is named must be fit */
	refused(&options, -EINVAL, "is the whole file system");
}

static void test_workspaces(void **state)
{
	struct options options = {.workspaces = {below("home/project/"), below("other:ro")},
				  .workspace_count = 2};
	struct settings settings;
	struct err err;

	assert_int_equal(load(&settings, &options, &err), 0);
	assert_string_equal(settings.plan.workspaces[0].path, below("home/project"));
	assert_true(settings.plan.workspaces[0].write);
	assert_string_equal(settings.plan.workspaces[1].path, below("other"));
	assert_false(settings.plan.workspaces[1].write);
	assert_int_equal(buffer_length(&settings.notes), 0);
	settings_deinit(&settings);
}

static void test_home_workspace(void **state)
{
	struct options options = {.workspaces = {below("home")}, .workspace_count = 1};
	struct settings settings;
	struct err err;

	assert_int_equal(load(&settings, &options, &err), 0);
	assert_int_equal(buffer_append(&settings.notes, "", 1), 0);
	assert_non_null(strstr(buffer_data(&settings.notes), "holds your whole home directory"));
	settings_deinit(&settings);
}

static void test_workspaces_refused(void **state)
{
	static const struct {
		const char *first, *second; /* below the test's directory unless absolute */
		int code;
		const char *says;
	} cases[] = {
		{"nothing", NULL, -ENOENT, "No such file"},
		{"file", NULL, -ENOTDIR, "is not a directory"},
		{"/", NULL, -EINVAL, "is the whole file system"},
		{"/usr/../", NULL, -EINVAL, "is the whole file system"},
		{"/etc", NULL, -EINVAL, "is a directory of the system"},
		{"/proc/self", NULL, -EINVAL, "is a directory of the system"},
		{"/sys/kernel", NULL, -EINVAL, "is a directory of the system"},
		{"other", "other", -EEXIST, "is named twice"},
		{"other", "other/../other:ro", -EEXIST, "is named twice"},
		{"home/project", "home/project/sub", -EEXIST, "sub lies inside workspace"},
		{"home/project/sub:ro", "home/project", -EEXIST, "sub lies inside workspace"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct options options = {.workspace_count = cases[i].second ? 2 : 1};

		options.workspaces[0] = cases[i].first[0] == '/' ? cases[i].first : below(cases[i].first);
		if (cases[i].second)
			options.workspaces[1] = below(cases[i].second);
		refused(&options, cases[i].code, cases[i].says);
	}
}

static void test_odd_home(void **state)
{
	struct options options = {0};
	struct settings settings;
	struct err err;
	static const char *const homes[] = {"/", "/nonesuch", "relative", ""};

	for (size_t i = 0; i < sizeof homes / sizeof *homes; i++) {
		setenv("HOME", homes[i], 1);
		assert_int_equal(load(&settings, &options, &err), 0);
		assert_int_equal(settings.plan.home[0], '/');
		assert_string_not_equal(settings.plan.home, "/");
		settings_deinit(&settings);
	}
}

/* ---- policy into plan ---- */

static void test_compiled(void **state)
{
	struct options options = {
		.workspaces = {below("home/project")}, .workspace_count = 1, .policy = below("policy.json")};
	struct settings settings;
	struct err err;
	char text[1024];

	snprintf(text, sizeof text,
		 "{\"answerWithin\": 7, \"resultLimit\": 2000, \"limits\": {\"processes\": 99, \"files\": 77,"
		 " \"fileBytes\": 0, \"dataBytes\": 33554432, \"temporaryBytes\": 2097152,"
		 " \"temporaryFiles\": 500, \"memoryBytes\": 100000000, \"cpus\": 1.5,"
		 " \"networkBytes\": 70000, \"commands\": 5, \"commandsAtOnce\": 4, \"commandSeconds\": 60.5,"
		 " \"commandKeptSeconds\": 9, \"outputBytes\": 123456, \"downloadBytes\": 54321},"
		 " \"terminal\": {\"rows\": 50, \"columns\": 100},"
		 " \"sandbox\": {\"lifetime\": \"call\", \"maximum\": 3, \"idleSeconds\": 2.5},"
		 " \"filesystem\": {\"allowWrite\": [\"~/bin\", \"~/project/sub\", \"%s\"],"
		 " \"denyRead\": [\"~/.ssh\"], \"denyWrite\": [\"~/project/keep\"]},"
		 " \"network\": {\"allowedDomains\": [\"*.Example.org:8443\", \"[::1]:80\"], "
		 "\"deniedDomains\": [\"a.org\"]}}",
		 below("home/../other"));
	put("policy.json", text);
	if (load(&settings, &options, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(settings.answer_within_ms, 7000);
	assert_int_equal(settings.plan.result_bytes, 2000);
	assert_int_equal(settings.plan.command_processes, 99);
	assert_int_equal(settings.plan.command_files, 77);
	assert_int_equal(settings.plan.command_file_bytes, 0);
	assert_int_equal(settings.plan.command_data_bytes, 33554432);
	assert_int_equal(settings.plan.temporary_bytes, 2097152);
	assert_int_equal(settings.plan.temporary_files, 500);
	assert_int_equal(settings.plan.network_bytes, 70000);
	assert_int_equal(settings.plan.command_count, 5);
	assert_int_equal(settings.plan.commands_at_once, 4);
	assert_int_equal(settings.plan.command_ms, 60500);
	assert_int_equal(settings.plan.command_kept_ms, 9000);
	assert_int_equal(settings.plan.output_bytes, 123456);
	assert_int_equal(settings.plan.download_bytes, 54321);
	assert_int_equal(settings.plan.terminal_rows, 50);
	assert_int_equal(settings.plan.terminal_columns, 100);
	assert_true(settings.plan.sandbox_per_call);
	assert_int_equal(settings.plan.sandbox_maximum, 3);
	assert_int_equal(settings.plan.sandbox_idle_ms, 2500);
	assert_int_equal(settings.plan.memory_bytes, 100000000);
	assert_int_equal(settings.plan.cpu_thousandths, 1500);
	assert_int_equal(settings.plan.extra_count, 2); /* what lies in a writable workspace is no extra */
	assert_string_equal(settings.plan.extra[0].path, below("home/bin"));
	assert_true(settings.plan.extra[0].write);
	assert_string_equal(settings.plan.extra[1].path, below("other"));
	assert_true(has(settings.plan.hide, settings.plan.hide_count, below("home/.ssh")));
	assert_true(has(settings.plan.protect, settings.plan.protect_count, below("home/project/keep")));
	assert_true(has(settings.plan.protect, settings.plan.protect_count, ".git/hooks"));
	assert_true(has(settings.plan.protect, settings.plan.protect_count, ".git/config"));
	assert_true(settings.plan.network_listed);
	assert_int_equal(settings.plan.allowed_count, 2);
	assert_string_equal(settings.plan.allowed[0].host, "*.example.org");
	assert_int_equal(settings.plan.allowed[0].port, 8443);
	assert_string_equal(settings.plan.allowed[1].host, "::1");
	assert_int_equal(settings.plan.allowed[1].port, 80);
	assert_int_equal(settings.plan.denied_count, 1);
	settings_deinit(&settings);

	/* the command line wins */
	options.answer_within_ms = 3000;
	options.result_bytes = 4000;
	assert_int_equal(load(&settings, &options, &err), 0);
	assert_int_equal(settings.answer_within_ms, 3000);
	assert_int_equal(settings.plan.result_bytes, 4000);
	settings_deinit(&settings);
}

static void test_too_many_ports(void **state)
{
	struct options options = {.policy = below("policy.json")};
	struct settings settings;
	struct err err;

	for (unsigned ports = 63; ports <= 64; ports++) {
		char text[4096] = "{\"network\": {\"allowedDomains\": [";

		for (unsigned i = 0; i < ports; i++)
			snprintf(text + strlen(text), sizeof text - strlen(text), "%s\"a.example:%u\"",
				 i ? ", " : "", 1000 + i);
		snprintf(text + strlen(text), sizeof text - strlen(text), "]}}");
		put("policy.json", text);
		if (ports == 63) {
			assert_int_equal(load(&settings, &options, &err), 0);
			settings_deinit(&settings);
			continue;
		}
		assert_true(load(&settings, &options, &err) < 0);
		assert_non_null(strstr(err.text, "more different ports than commands can be given (63)"));
	}
}

static void test_git_config(void **state)
{
	struct options options = {.policy = below("policy.json")};
	struct settings settings;
	struct err err;

	put("policy.json", "{\"filesystem\": {\"allowGitConfig\": true}}");
	assert_int_equal(load(&settings, &options, &err), 0);
	assert_false(has(settings.plan.protect, settings.plan.protect_count, ".git/config"));
	assert_true(has(settings.plan.protect, settings.plan.protect_count, ".git/hooks"));
	settings_deinit(&settings);
}

static void test_compile_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *says;
	} cases[] = {
		{"{\"filesystem\": {\"allowWrite\": [\"~/nothing\"]}}", -ENOENT,
		 "filesystem.allowWrite: ~/nothing: No such"},
		{"{\"filesystem\": {\"allowWrite\": [\"/etc/passwd\"]}}", -ENOTDIR, "is not a directory"},
		{"{\"filesystem\": {\"allowWrite\": [\"/\"]}}", -EINVAL, "is a directory of the system"},
		{"{\"filesystem\": {\"allowWrite\": [\"/usr/../etc\"]}}", -EINVAL,
		 "is a directory of the system"},
		{"{\"filesystem\": {\"denyRead\": [\"/\"]}}", -EINVAL, "would leave nothing"},
		{"{\"filesystem\": {\"denyWrite\": [\"/no/such/../x\"]}}", -EINVAL, "without . and .."},
	};
	struct options options = {.policy = below("policy.json")};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		put("policy.json", cases[i].text);
		refused(&options, cases[i].code, cases[i].says);
	}
}

/* File tools and commands would disagree about such a directory. */
static void test_writable_in_read_only(void **state)
{
	struct options options = {.workspaces = {below("home/project:ro")},
				  .workspace_count = 1,
				  .policy = below("policy.json")};

	put("policy.json", "{\"filesystem\": {\"allowWrite\": [\"~/project/sub\"]}}");
	refused(&options, -EINVAL, "which was named read-only");
	put("policy.json", "{\"filesystem\": {\"allowWrite\": [\"~/project\"]}}");
	refused(&options, -EINVAL, "which was named read-only");
}

/* A command must not be able to write what the next start reads. */
static void test_policy_inside(void **state)
{
	struct options options = {.workspaces = {below("other")}, .workspace_count = 1};
	struct settings settings;
	struct err err;

	put("other/policy.json", "{}");
	options.policy = "policy.json"; /* relative to the current directory, which is the workspace */
	refused(&options, -EPERM, "lies inside");
	options.workspaces[0] = below("other:ro");
	assert_int_equal(load(&settings, &options, &err), 0);
	settings_deinit(&settings);

	/* through a link in the workspace to a file outside */
	options.workspaces[0] = below("other");
	assert_int_equal(symlink(below("policy.json"), below("other/link.json")), 0);
	options.policy = below("other/link.json");
	refused(&options, -EPERM, "lies inside");
	assert_int_equal(symlink(below("other/link.json"), below("far.json")), 0);
	options.policy = below("far.json");
	refused(&options, -EPERM, "lies inside");

	/* in a directory that the policy itself makes writable */
	put("tools/policy.json", "{\"filesystem\": {\"allowWrite\": [\"~/../tools\"]}}");
	options.policy = below("tools/policy.json");
	refused(&options, -EPERM, "lies inside");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_within),
		CASE(test_canonical),
		CASE(test_passes),
		CASE(test_default_workspace),
		CASE(test_default_refused),
		CASE(test_optional_workspace),
		CASE(test_workspaces),
		CASE(test_home_workspace),
		CASE(test_workspaces_refused),
		CASE(test_odd_home),
		CASE(test_compiled),
		CASE(test_too_many_ports),
		CASE(test_git_config),
		CASE(test_compile_refused),
		CASE(test_writable_in_read_only),
		CASE(test_policy_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
