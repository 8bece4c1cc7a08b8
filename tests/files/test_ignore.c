/* SPDX-License-Identifier: Apache-2.0 */
/* Ignore files: single lines as gitignore(5) has them, which file is stronger, and files that are no such
 * files. The corners are compare_ignore.py's, which asks git. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tests/files/harness.h"
#include "tools/files/executor/ignore.h"

static const struct {
	const char *text, *path;
	bool directory;
	enum ignore_verdict verdict;
} lines[] = {
	{"*.o\n", "a.o", false, IGNORE_OUT},
	{"*.o\n", "x/y/a.o", false, IGNORE_OUT},
	{"*.o\n!a.o\n", "x/a.o", false, IGNORE_KEPT},
	{"!a.o\n*.o\n", "a.o", false, IGNORE_OUT},
	{"*.o\n", "a.oo", false, IGNORE_SILENT},
	{"/a\n", "a", false, IGNORE_OUT},
	{"/a\n", "x/a", false, IGNORE_SILENT},
	{"x/a\n", "x/a", false, IGNORE_OUT},
	{"x/a\n", "y/x/a", false, IGNORE_SILENT},
	{"build/\n", "build", true, IGNORE_OUT},
	{"build/\n", "build", false, IGNORE_SILENT},
	{"# a\n\\#b\n", "#b", false, IGNORE_OUT},
	{"# a\n", "# a", false, IGNORE_SILENT},
	{"a  \n", "a", false, IGNORE_OUT},
	{"a\\ \n", "a ", false, IGNORE_OUT},
	{"a\r\n", "a", false, IGNORE_OUT},
	{"\xef\xbb\xbf"
	 "a\n",
	 "a", false, IGNORE_OUT},
	{"a", "a", false, IGNORE_OUT},
	{"", "a", false, IGNORE_SILENT},
	{"/\n", "a", true, IGNORE_SILENT},
	{"[a\n", "[a", false, IGNORE_SILENT},
	{"foo**/bar\n", "foobar", false,
	 IGNORE_OUT}, /* git cuts off what is literal before it looks at stars */
	{"a/**\n", "a/b/c", false, IGNORE_OUT},
	{"**/c\n", "c", false, IGNORE_OUT},
};

static enum ignore_verdict ask(const struct ignore_rules *rules, const char *path, bool directory)
{
	const char *slash = strrchr(path, '/');

	return ignore_judge(rules, path, strlen(path), slash ? slash + 1 : path, directory);
}

static void test_lines(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct ignore_rules *rules = ignore_parse(lines[i].text, strlen(lines[i].text));

		assert_non_null(rules);
		if (ask(rules, lines[i].path, lines[i].directory) != lines[i].verdict)
			fail_msg("\"%s\" and %s: not %d", lines[i].text, lines[i].path, lines[i].verdict);
		ignore_rules_free(rules);
	}
}

/* Of very many rules the first count; a rule behind each possible last byte is found. */
static void test_many(void **state)
{
	static char text[LIMIT_IGNORE_RULES * 8 + 64];
	struct ignore_rules *rules;
	size_t length = 0;
	char name[16];

	for (unsigned i = 0; i < LIMIT_IGNORE_RULES; i++)
		length += (size_t)snprintf(text + length, sizeof text - length, "n%u\n", i);
	length += (size_t)snprintf(text + length, sizeof text - length, "beyond\n");
	rules = ignore_parse(text, length);
	assert_non_null(rules);
	for (unsigned i = 0; i < LIMIT_IGNORE_RULES; i += 7) {
		snprintf(name, sizeof name, "n%u", i);
		assert_int_equal(ask(rules, name, false), IGNORE_OUT);
	}
	assert_int_equal(ask(rules, "beyond", false), IGNORE_SILENT);
	assert_int_equal(ask(rules, "n", false), IGNORE_SILENT);
	ignore_rules_free(rules);
}

static bool is_out(struct harness *harness, const char *path)
{
	char above[LIMIT_PATH_BYTES];
	const char *slash = strrchr(path, '/');
	struct ignore *ignore;
	_cleanup_fd_ int root = open(harness->workspace, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool out;

	/* the rules above a directory are those that its own name is under */
	assert_true(ignore_above(NULL, root, path, above, &ignore) >= 0);
	out = ignore_names(ignore, path, strlen(path), slash ? slash + 1 : path, true);
	ignore_release(ignore);
	return out;
}

/* Names are directories here: ignore_above() asks for nothing else. */
static void test_files(void **state)
{
	static const char *const made[] = {"ws/a",   "ws/a/x",    "ws/a/y",         "ws/a/z",
					   "ws/n",   "ws/n/.git", "ws/n/.git/info", "ws/n/x",
					   "ws/n/e", "ws/f",      "ws/f/x"};
	struct harness *harness = harness_new();
	static char large[LIMIT_IGNORE_BYTES + 16];
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		make_directory(harness, made[i]);
	make_text(harness, "ws/.gitignore", "x\ny\n");
	make_text(harness, "ws/.ignore", "!y\nz\n");
	make_text(harness, "ws/a/.gitignore", "!x\n!z\n");
	make_text(harness, "ws/n/.git/info/exclude", "e\n");
	assert_false(is_out(harness, "a/x")); /* the deeper file is stronger */
	assert_false(is_out(harness, "a/y")); /* .ignore is stronger than .gitignore */
	assert_true(is_out(harness, "a/z"));  /* also than a deeper one */
	assert_false(is_out(harness, "n/x")); /* a repository begins anew */
	assert_true(is_out(harness, "n/e"));
	/* no ignore file: nobody waits for a FIFO, follows a link or reads a directory */
	snprintf(path, sizeof path, "%s/f/.gitignore", harness->workspace);
	assert_int_equal(mkfifo(path, 0644), 0);
	make_link(harness, "ws/f/.ignore", "../rules");
	make_text(harness, "ws/rules", "!x\n");
	assert_true(is_out(harness, "f/x"));
	assert_int_equal(unlink(path), 0);
	make_directory(harness, "ws/f/.gitignore");
	assert_true(is_out(harness, "f/x"));
	assert_int_equal(rmdir(path), 0);
	/* what is beyond the bound does not count, nor does the line that it cuts */
	memset(large, '#', sizeof large);
	memcpy(large, "!x\n", 3);
	memcpy(large + LIMIT_IGNORE_BYTES - 3, "\nx\nx\n", 5);
	make_file(harness, "ws/f/.gitignore", large, sizeof large);
	assert_true(is_out(harness, "f/x")); /* "x" stands whole before it */
	memcpy(large + LIMIT_IGNORE_BYTES - 3, "\nxxx\n", 5);
	make_file(harness, "ws/f/.gitignore", large, sizeof large);
	assert_false(is_out(harness, "f/x"));
	harness_stop(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
