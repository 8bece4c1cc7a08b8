/* SPDX-License-Identifier: Apache-2.0 */
/* Completion of paths, the executor's side: which names, in which order, how many, and which never. */
#include <stdio.h>
#include <string.h>

#include "protocol/limits.h"
#include "tests/files/harness.h"
#include "tests/files/requests.h"

struct completed {
	uint32_t flags, count;
	uint64_t total;
	char names[LIMIT_COMPLETIONS][300];
};

/* What is behind harness->directory; a path that begins otherwise as it is. */
static const struct completed *complete(struct harness *harness, const char *path)
{
	static struct completed completed;
	struct frame_reader reader;
	struct answer *answer = harness_answer(harness, 1);
	struct buffer payload;

	buffer_init(&payload, 1u << 20);
	assert_int_equal(frame_put_text(&payload, path[0] == '/' || !*path ? path : inside(harness, path)),
			 0);
	harness_send(harness, FILES_COMPLETE, 1, &payload);
	buffer_deinit(&payload);
	harness_wake(harness);
	harness_wait(harness, 1);
	assert_int_equal(answer->type, REPLY_RESULT);
	frame_read(&reader, buffer_data(&answer->payload), buffer_length(&answer->payload));
	completed.flags = frame_get_u32(&reader);
	completed.total = frame_get_u64(&reader);
	completed.count = frame_get_u32(&reader);
	assert_in_range(completed.count, 0, LIMIT_COMPLETIONS);
	for (uint32_t i = 0; i < completed.count; i++)
		frame_get_text(&reader, completed.names[i], sizeof completed.names[i]);
	assert_int_equal(frame_done(&reader), 0);
	return &completed;
}

/* `expected`: names with a blank between. */
static void assert_names(struct harness *harness, const char *path, uint32_t flags, const char *expected)
{
	const struct completed *completed = complete(harness, path);
	char found[2000] = "";

	for (uint32_t i = 0; i < completed->count; i++)
		snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", i ? " " : "",
			 completed->names[i]);
	assert_string_equal(found, expected);
	assert_int_equal(completed->flags, flags);
	assert_int_equal(completed->total, completed->count);
}

static void test_names(void **state)
{
	struct harness *harness = harness_new();

	make_directory(harness, "ws/sub");
	make_directory(harness, "ws/.git");
	make_text(harness, "ws/sub/deep", "");
	make_text(harness, "ws/sum", "");
	make_text(harness, "ws/Sum", "");
	make_text(harness, "ws/.gitignore", "sum\n");
	make_link(harness, "ws/to-directory", "sub");
	make_link(harness, "ws/to-file", "sum");
	make_link(harness, "ws/to-nothing", "none");
	make_link(harness, "ws/to-outside", "/");
	harness_start(harness);
	assert_names(harness, "ws/", 0, "Sum sub/ sum to-directory/ to-file to-nothing to-outside");
	assert_names(harness, "ws/su", 0, "sub/ sum");
	assert_names(harness, "ws/sum", 0, "sum");
	assert_names(harness, "ws/sub/", 0, "deep");
	assert_names(harness, "ws/to-directory/d", 0, "deep");
	assert_names(harness, "ws/.", 0, ".git/ .gitignore");
	assert_names(harness, "ws/.gitig", 0, ".gitignore");
	/* nothing, and no word of why */
	assert_names(harness, "ws/none", 0, "");
	assert_names(harness, "ws/none/x", 0, "");
	assert_names(harness, "ws/sum/x", 0, "");
	assert_names(harness, "ws/to-outside/e", 0, "");
	assert_names(harness, "ws/../", 0, "");
	assert_names(harness, "/etc/pass", FILES_COMPLETE_WHOLE, "");
	harness_stop(harness);
}

static void test_workspaces(void **state)
{
	struct harness *harness = harness_new();
	char first[300], both[600];

	make_directory(harness, "ws2");
	add_workspace(harness, "ws2", false);
	make_text(harness, "ws2/x", "");
	make_text(harness, "beside", "");
	harness_start(harness);
	snprintf(first, sizeof first, "%s/ws/", harness->directory);
	snprintf(both, sizeof both, "%s %s/ws2/", first, harness->directory);
	assert_names(harness, "", FILES_COMPLETE_WHOLE, both);
	assert_names(harness, "/", FILES_COMPLETE_WHOLE, both);
	assert_names(harness, "w", FILES_COMPLETE_WHOLE, both);
	assert_names(harness, "ws", FILES_COMPLETE_WHOLE, both);
	assert_names(harness, "ws2", FILES_COMPLETE_WHOLE, strchr(both, ' ') + 1);
	assert_names(harness, "b", FILES_COMPLETE_WHOLE, "");
	assert_names(harness, "ws2/", 0, "x");
	harness_stop(harness);
}

static void test_hidden(void **state)
{
	struct harness *harness = harness_new();

	make_directory(harness, "ws/keys");
	make_text(harness, "ws/keys/private", "");
	make_text(harness, "ws/key.txt", "");
	make_text(harness, "ws/kept", "");
	make_link(harness, "ws/way", "keys");
	hide(harness, "ws/keys");
	hide(harness, "ws/key.txt");
	harness_start(harness);
	assert_names(harness, "ws/", 0, "kept way/");
	assert_names(harness, "ws/k", 0, "kept");
	assert_names(harness, "ws/keys/", 0, "");
	assert_names(harness, "ws/way/", 0, "");
	assert_names(harness, "ws/sub/../keys/p", 0, "");
	harness_stop(harness);
}

static void test_many(void **state)
{
	struct harness *harness = harness_new();
	const struct completed *completed;
	char name[300];

	make_directory(harness, "ws/many");
	for (int i = 0; i < 250; i++) {
		snprintf(name, sizeof name, "ws/many/%03d%.*s", i, i == 7 ? 252 : 0,
			 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			 "aaaaaa"
			 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			 "aaaaa"
			 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
		make_text(harness, name, "");
	}
	harness_start(harness);
	completed = complete(harness, "ws/many/");
	assert_int_equal(completed->count, LIMIT_COMPLETIONS);
	assert_int_equal(completed->total, 250);
	assert_int_equal(completed->flags, 0);
	for (unsigned i = 0; i < LIMIT_COMPLETIONS; i++) {
		snprintf(name, sizeof name, "%03u", i);
		assert_int_equal(strncmp(completed->names[i], name, 3), 0);
	}
	assert_int_equal(strlen(completed->names[7]), 255);
	completed = complete(harness, "ws/many/1");
	assert_int_equal(completed->total, 100);
	harness_stop(harness);
}

static void test_malformed(void **state)
{
	struct harness *harness = harness_new();
	struct buffer payload;

	harness_start(harness);
	buffer_init(&payload, 1u << 20);
	assert_int_equal(frame_put_text(&payload, "/"), 0);
	assert_int_equal(frame_put_u32(&payload, 0), 0);
	harness_answer(harness, 1);
	harness_send(harness, FILES_COMPLETE, 1, &payload);
	buffer_deinit(&payload);
	harness_wake(harness);
	harness_join(harness, 4);
	harness_stop(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),     cmocka_unit_test(test_workspaces),
		cmocka_unit_test(test_hidden),    cmocka_unit_test(test_many),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
