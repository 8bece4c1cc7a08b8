/* SPDX-License-Identifier: Apache-2.0 */
/* Bearer tokens: the file, and what a header bears. */
#include <errno.h>
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

#include "server/access.h"
#include "server/secret.h"

#define ALICE "alice-0123456789abcdef"
#define BOB   "bob-0123456789abcdef"

static char path[32];

static int make_file(void **state)
{
	int fd;

	snprintf(path, sizeof path, "/tmp/sallyport-access-XXXXXX");
	fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	return unlink(path);
}

static int read_path(struct access *access, const char *name, struct err *err)
{
	int fd = secret_open(name), result = access_read(access, fd, name, err);

	if (fd >= 0)
		close(fd);
	return result;
}

/* Reads a file with this content; the sentence is in *err. */
static int read_text(struct access *access, const char *text, struct err *err)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	*err = (struct err){""};
	return read_path(access, path, err);
}

static void test_file(void **state)
{
	struct access access;
	struct err err;

	assert_int_equal(read_text(&access, "# who\n\nalice " ALICE "\nbob\t" BOB " \r\n", &err), 0);
	assert_int_equal(access.count, 2);
	assert_string_equal(access.rows[0].name, "alice");
	assert_int_equal(access_find(&access, "Bearer " ALICE), 0);
	assert_int_equal(access_find(&access, "bearer   " BOB), 1);
	access_deinit(&access);
}

static void test_header(void **state)
{
	static const char *const wrong[] = {NULL,
					    "",
					    ALICE,
					    "Bearer",
					    "Bearer ",
					    "Basic " ALICE,
					    "Bearer " ALICE "x",
					    "Bearer alice",
					    "Bearer " ALICE " ",
					    "Bearer\t" ALICE};
	struct access access;
	struct err err;

	assert_int_equal(read_text(&access, "alice " ALICE "\n", &err), 0);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(access_find(&access, wrong[i]), -1);
	access_deinit(&access);
	assert_int_equal(access_find(&access, "Bearer " ALICE), -1);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"", "no token"},
		{"# only\n", "no token"},
		{"alice\n", "NAME TOKEN"},
		{"al/ice " ALICE "\n", "NAME TOKEN"},
		{"alice short\n", "needs 16 to"},
		{"alice 0123456789\"abcdef\n", "needs 16 to"},
		{"alice 0123456789abcdef0123\"\n", "needs 16 to"},
		{"alice " ALICE " policy=relative.json\n", "policy=/PATH"},
		{"alice " ALICE " anything\n", "policy=/PATH"},
		{"alice " ALICE "\nalice " BOB "\n", ":2: there is another"},
		{"alice " ALICE "\nbob " ALICE "\n", ":2: there is another"},
	};
	struct access access;
	struct err err;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(read_text(&access, rows[i].text, &err), -EINVAL);
		if (!strstr(err.text, rows[i].says) || strncmp(err.text, path, strlen(path)) != 0)
			fail_msg("%s: %s", rows[i].text, err.text);
		assert_null(strstr(err.text, ALICE));
		assert_int_equal(access.count, 0);
	}
}

/* A secret that others can read, or write, is none. */
static void test_modes(void **state)
{
	static const mode_t open[] = {0604, 0620, 0602, 0666};
	struct access access;
	struct err err;

	for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
		assert_int_equal(chmod(path, open[i]), 0);
		assert_int_equal(read_text(&access, "alice " ALICE "\n", &err), -EPERM);
		assert_non_null(strstr(err.text, "chmod 600"));
	}
	assert_int_equal(chmod(path, 0640), 0); /* a group may read it: containers mount secrets so */
	assert_int_equal(read_text(&access, "alice " ALICE "\n", &err), 0);
	access_deinit(&access);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(read_path(&access, "/nowhere/tokens", &err), -ENOENT);
	assert_int_equal(read_path(&access, "/dev/null", &err), -EPERM);
}

static void test_made(void **state)
{
	char token[ACCESS_TOKEN_TEXT + 1], header[ACCESS_TOKEN_TEXT + 8];
	struct access access, other;
	struct err err;

	assert_int_equal(access_make(&access, "default", token, &err), 0);
	assert_int_equal(strlen(token), ACCESS_TOKEN_TEXT);
	snprintf(header, sizeof header, "Bearer %s", token);
	assert_int_equal(access_find(&access, header), 0);
	assert_int_equal(access_make(&other, "default", token, &err), 0);
	assert_int_equal(access_find(&other, header), -1);
	access_deinit(&access);
	access_deinit(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_file, make_file, remove_file),
		cmocka_unit_test_setup_teardown(test_header, make_file, remove_file),
		cmocka_unit_test_setup_teardown(test_mistakes, make_file, remove_file),
		cmocka_unit_test_setup_teardown(test_modes, make_file, remove_file),
		cmocka_unit_test(test_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
