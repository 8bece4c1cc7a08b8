/* SPDX-License-Identifier: Apache-2.0 */
/* Policies as files: which are taken, and the hash that says which one it was. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/limits.h"
#include "server/policy/policy.h"

static char directory[64];

static int make_directory(void **state)
{
	snprintf(directory, sizeof directory, "/tmp/sallyport-policy-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	return rmdir(directory);
}

static void write_file(const char *path, const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), length);
	close(fd);
}

static void refused(const char *path, int code, const char *says)
{
	struct policy policy;
	struct err err = {""};

	policy_init(&policy);
	assert_int_equal(policy_read(&policy, path, NULL, &err), code);
	if (!strstr(err.text, says) || strncmp(err.text, path, strlen(path)) != 0)
		fail_msg("\"%s\" does not say \"%s\"", err.text, says);
	policy_deinit(&policy);
}

static void test_files(void **state)
{
	/* sha256sum of "{}\n" */
	static const char hash[] = "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356";
	static char big[LIMIT_POLICY_BYTES + 1];
	char path[128];
	struct policy policy;
	struct err err = {""};

	snprintf(path, sizeof path, "%s/p", directory);
	refused(path, -ENOENT, "No such file");
	refused(directory, -EINVAL, "is a directory");
	refused("/dev/zero", -EINVAL, "is a device");
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(path, -EINVAL, "a FIFO"); /* without waiting for a writer */
	unlink(path);
	memset(big, ' ', sizeof big);
	big[0] = '{';
	big[1] = '}';
	write_file(path, big, sizeof big);
	refused(path, -EFBIG, "bytes");
	write_file(path, "{}\0", 3);
	refused(path, -EINVAL, ":1:3: ");
	write_file(path, "", 0);
	refused(path, -EINVAL, ":1:1: ");
	write_file(path, big, sizeof big - 1);
	policy_init(&policy);
	assert_int_equal(policy_read(&policy, path, NULL, &err), 0);
	policy_deinit(&policy);
	write_file(path, "{}\n", 3);
	assert_int_equal(policy_read(&policy, path, NULL, &err), 0);
	assert_string_equal(policy.sha256, hash);
	policy_deinit(&policy);
	unlink(path);
}

static void test_default_hash(void **state)
{
	struct policy policy, read;
	struct buffer text;
	struct err err = {""};
	char path[128];

	/* the constant is what a file with that very text has */
	policy_default(&policy);
	policy_init(&read);
	buffer_init(&text, LIMIT_POLICY_BYTES);
	assert_int_equal(policy_show(&policy, &text), 0);
	snprintf(path, sizeof path, "%s/p", directory);
	write_file(path, buffer_data(&text), buffer_length(&text));
	assert_int_equal(policy_read(&read, path, NULL, &err), 0);
	assert_string_equal(policy.sha256, read.sha256);
	buffer_deinit(&text);
	policy_deinit(&policy);
	policy_deinit(&read);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_files, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_default_hash, make_directory, remove_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
