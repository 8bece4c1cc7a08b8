/* SPDX-License-Identifier: Apache-2.0 */
/* Where paths lead: workspaces, links, read-only ones, protected and hidden places; and what explain says. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/files/harness.h"

static const char *inside(struct harness *harness, const char *below)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", harness->directory, below);
	return path;
}

static void add_workspace(struct harness *harness, const char *below, bool write)
{
	assert_int_equal(plan_add_path(&harness->plan.workspaces, &harness->plan.workspace_count,
				       inside(harness, below), write),
			 0);
}

static void protect(struct harness *harness, const char *path)
{
	assert_int_equal(plan_add_text(&harness->plan.protect, &harness->plan.protect_count, path), 0);
}

static struct answer *read_path(struct harness *harness, const char *path)
{
	return harness_read(harness, path, 1, 10, 1000, 0);
}

static struct answer *write_path(struct harness *harness, const char *path)
{
	return harness_write(harness, path, "new", 3, 0, "");
}

static void assert_text(const struct answer *answer, const char *text)
{
	if (answer->type != REPLY_RESULT)
		fail_msg("expected \"%s\": %s", text, answer_text(answer, 0));
	assert_int_equal(buffer_length(&answer->text), strlen(text));
	assert_memory_equal(buffer_data(&answer->text), text, strlen(text));
}

static void test_workspaces(void **state)
{
	struct harness *harness = harness_new();

	make_directory(harness, "other");
	make_directory(harness, "ws/inner");
	make_text(harness, "ws/a", "first");
	make_text(harness, "other/a", "second");
	make_text(harness, "ws/inner/a", "inner");
	make_text(harness, "secret", "secret");
	make_text(harness, "ws2", "a name that begins like the workspace's");
	add_workspace(harness, "other", false);
	add_workspace(harness, "gone", true);
	harness_start(harness);
	assert_text(read_path(harness, "a"), "first");
	assert_text(read_path(harness, "./inner/../a"), "first");
	assert_text(read_path(harness, inside(harness, "ws/a")), "first");
	assert_text(read_path(harness, inside(harness, "ws//inner///a")), "inner");
	assert_text(read_path(harness, inside(harness, "other/a")), "second");
	assert_denied(read_path(harness, inside(harness, "secret")), "workspace");
	assert_denied(read_path(harness, inside(harness, "ws2")), "workspace");
	assert_denied(read_path(harness, "../secret"), "workspace");
	assert_denied(read_path(harness, inside(harness, "ws/../secret")), "workspace");
	assert_denied(read_path(harness, "/etc/passwd"), "workspace");
	assert_denied(write_path(harness, "/etc/sallyport-test"), "workspace");
	assert_denied(write_path(harness, "../new"), "workspace");
	assert_denied(write_path(harness, inside(harness, "other/a")), "read-only workspace");
	assert_failure(read_path(harness, inside(harness, "gone/a")), "was not there");
	assert_null(take_file(harness, "new", NULL));
	harness_stop(harness);
}

static void test_links(void **state)
{
	struct harness *harness = harness_new();

	make_directory(harness, "ws/d");
	make_text(harness, "ws/d/a", "inside");
	make_text(harness, "secret", "secret");
	make_link(harness, "ws/relative", "d/a");
	make_link(harness, "ws/d/up", "../d/a");
	make_link(harness, "ws/absolute", inside(harness, "ws/d"));
	make_link(harness, "ws/out", "../secret");
	make_link(harness, "ws/etc", "/etc");
	make_link(harness, "ws/far", "absolute/up");
	make_link(harness, "ws/round", inside(harness, "ws/round"));
	harness_start(harness);
	assert_text(read_path(harness, "relative"), "inside");
	assert_text(read_path(harness, "d/up"), "inside");
	assert_text(read_path(harness, "absolute/a"), "inside");
	assert_text(read_path(harness, "far"), "inside");
	assert_denied(read_path(harness, "out"), "workspace");
	assert_denied(read_path(harness, "etc/passwd"), "workspace");
	assert_failure(read_path(harness, "round"), "ELOOP");
	assert_denied(write_path(harness, "out"), "workspace");
	assert_denied(write_path(harness, "etc/new"), "workspace");
	assert_failure(write_path(harness, "round"), "ELOOP");
	assert_int_equal(write_path(harness, "absolute/a")->type, REPLY_RESULT);
	assert_text(read_path(harness, "d/a"), "new");
	char *secret = take_file(harness, "secret", NULL);

	assert_string_equal(secret, "secret");
	free(secret);
	harness_stop(harness);
}

static void test_protected(void **state)
{
	struct harness *harness = harness_new();

	make_directory(harness, "ws/.git");
	make_directory(harness, "ws/.git/hooks");
	make_text(harness, "ws/.git/hooks/a", "hook");
	make_directory(harness, "ws/plain");
	make_link(harness, "ws/plain/hooks", "../.git/hooks");
	make_link(harness, "ws/plain/mcp", "../.mcp.json");
	make_link(harness, "ws/git", ".git");
	make_link(harness, "ws/top", ".");
	protect(harness, ".git/hooks");
	protect(harness, ".git/config");
	protect(harness, ".mcp.json");
	protect(harness, ".vscode/tasks.json");
	protect(harness, inside(harness, "ws/plain/absolute"));
	harness_start(harness);
	assert_text(read_path(harness, ".git/hooks/a"), "hook");
	assert_denied(write_path(harness, ".git/hooks/a"), "protected:.git/hooks");
	assert_denied(write_path(harness, ".git/hooks/deep/er/a"), "protected:.git/hooks");
	assert_denied(write_path(harness, "plain/hooks/new"), "protected:.git/hooks");
	assert_denied(write_path(harness, "plain/hooks/made/new"), "protected:.git/hooks");
	assert_denied(write_path(harness, "./plain/../.git//hooks/a"), "protected:.git/hooks");
	/* also what is not there yet, by any spelling */
	assert_denied(write_path(harness, ".git/config"), "protected:.git/config");
	assert_denied(write_path(harness, "git/config"), "protected:.git/config");
	/* a file where a rule's path has a directory would lead elsewhere */
	assert_denied(write_path(harness, ".vscode"), "protected:.vscode/tasks.json");
	assert_denied(write_path(harness, "top/.VSCode"), "protected:.vscode/tasks.json");
	assert_denied(write_path(harness, ".mcp.json"), "protected:.mcp.json");
	assert_denied(write_path(harness, "plain/mcp"), "protected:.mcp.json");
	assert_denied(write_path(harness, "top/top/.mcp.json"), "protected:.mcp.json");
	assert_denied(write_path(harness, ".MCP.json"), "protected:.mcp.json");
	assert_denied(write_path(harness, "top/.vscode/tasks.json"), "protected:.vscode/tasks.json");
	assert_int_equal(write_path(harness, "plain/absolute/x")->type, REPLY_DENIED);
	/* beside them all is free */
	assert_int_equal(write_path(harness, ".git/hooksaw")->type, REPLY_RESULT);
	assert_int_equal(write_path(harness, ".git/index")->type, REPLY_RESULT);
	assert_int_equal(write_path(harness, "plain/.mcp.json")->type, REPLY_RESULT);
	assert_null(take_file(harness, "ws/.git/config", NULL));
	assert_null(take_file(harness, "ws/.mcp.json", NULL));
	harness_stop(harness);
}

static void test_nested_and_hidden(void **state)
{
	struct harness *harness = harness_new();

	make_directory(harness, "ws/inner");
	make_text(harness, "ws/inner/a", "inner");
	make_directory(harness, "ws/keys");
	make_text(harness, "ws/keys/key", "key");
	make_link(harness, "ws/link", "keys/key");
	make_link(harness, "ws/in", "inner");
	add_workspace(harness, "ws/inner", false);
	assert_int_equal(
		plan_add_text(&harness->plan.hide, &harness->plan.hide_count, inside(harness, "ws/keys")), 0);
	harness_start(harness);
	assert_denied(write_path(harness, "inner/a"), "read-only workspace");
	assert_denied(write_path(harness, "in/a"), "read-only workspace");
	assert_denied(write_path(harness, inside(harness, "ws/inner/a")), "read-only workspace");
	assert_text(read_path(harness, "inner/a"), "inner");
	assert_int_equal(read_path(harness, "keys/key")->type, REPLY_DENIED);
	assert_int_equal(read_path(harness, "link")->type, REPLY_DENIED);
	assert_int_equal(write_path(harness, "keys/key")->type, REPLY_DENIED);
	assert_int_equal(harness_list(harness, "keys", 1, 0, 0, 10)->type, REPLY_DENIED);
	harness_stop(harness);
}

static struct answer *explain(struct harness *harness, const char *path, uint32_t access, bool *allowed)
{
	struct frame_reader reader;
	struct buffer payload;
	struct answer *answer;

	buffer_init(&payload, 10000);
	frame_put_text(&payload, path);
	assert_int_equal(frame_put_u32(&payload, access), 0);
	answer = harness_answer(harness, 1);
	harness_send(harness, FILES_EXPLAIN, 1, &payload);
	buffer_deinit(&payload);
	answer = harness_wait(harness, 1);
	assert_int_equal(answer->type, REPLY_RESULT);
	frame_read(&reader, buffer_data(&answer->payload), buffer_length(&answer->payload));
	*allowed = frame_get_u32(&reader);
	return answer;
}

static void check_explained(struct harness *harness, const char *path, uint32_t access, bool allowed,
			    const char *rule)
{
	struct frame_reader reader;
	bool verdict;
	struct answer *answer = explain(harness, path, access, &verdict);
	char text[128];

	frame_read(&reader, buffer_data(&answer->payload), buffer_length(&answer->payload));
	frame_get_u32(&reader);
	frame_get_text(&reader, text, sizeof text);
	if (verdict != allowed || strcmp(text, rule) != 0)
		fail_msg("%s (%u): %d by \"%s\"", path, access, verdict, text);
}

static void test_explain(void **state)
{
	struct harness *harness = harness_new();

	make_text(harness, "ws/a", "a");
	make_link(harness, "ws/out", "/etc/passwd");
	protect(harness, ".git/hooks");
	harness_start(harness);
	check_explained(harness, "a", FILES_ACCESS_READ, true, "workspace");
	check_explained(harness, "a", FILES_ACCESS_WRITE, true, "workspace");
	check_explained(harness, "new/dir/file", FILES_ACCESS_WRITE, true, "workspace");
	check_explained(harness, "new", FILES_ACCESS_READ, false, "the file itself");
	check_explained(harness, "out", FILES_ACCESS_READ, false, "workspace");
	check_explained(harness, "/etc/passwd", FILES_ACCESS_READ, false, "workspace");
	check_explained(harness, ".git/hooks/x", FILES_ACCESS_WRITE, false, "protected:.git/hooks");
	assert_null(take_file(harness, "ws/new", NULL));
	harness_stop(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_workspaces), cmocka_unit_test(test_links),
		cmocka_unit_test(test_protected),  cmocka_unit_test(test_nested_and_hidden),
		cmocka_unit_test(test_explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
