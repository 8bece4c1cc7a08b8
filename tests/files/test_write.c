/* SPDX-License-Identifier: Apache-2.0 */
/* write_file's executor side: complete or not at all, what is kept, what is refused. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "tests/files/harness.h"
#include "tests/files/old_system.h"

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC_SHA256   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

struct written {
	uint64_t bytes;
	char sha256[65];
	uint32_t outcome, links;
};

static void decode(const struct answer *answer, struct written *written)
{
	struct frame_reader reader;
	const uint8_t *sha256;
	char path[4096];
	size_t length;

	if (answer->type != REPLY_RESULT)
		fail_msg("no result: %s", answer_text(answer, 0));
	frame_read(&reader, buffer_data(&answer->payload), buffer_length(&answer->payload));
	written->bytes = frame_get_u64(&reader);
	sha256 = frame_get_bytes(&reader, &length);
	assert_int_equal(length, 32);
	for (size_t i = 0; i < 32; i++)
		snprintf(written->sha256 + 2 * i, 3, "%02x", sha256[i]);
	written->outcome = frame_get_u32(&reader);
	written->links = frame_get_u32(&reader);
	frame_get_text(&reader, path, sizeof path);
	assert_int_equal(frame_done(&reader), 0);
}

static void assert_content(struct harness *harness, const char *path, const char *expected)
{
	size_t length;
	char *content = take_file(harness, path, &length);

	assert_non_null(content);
	assert_int_equal(length, strlen(expected));
	assert_string_equal(content, expected);
	free(content);
}

/* Entries of a directory; with temporary files left behind there would be more than expected. */
static int entries(struct harness *harness, const char *path)
{
	char name[256];
	struct dirent *entry;
	int count = 0;

	snprintf(name, sizeof name, "%s/%s", harness->directory, path);
	DIR *directory = opendir(name);

	assert_non_null(directory);
	while ((entry = readdir(directory)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(directory);
	return count;
}

static void test_outcomes(void **state)
{
	struct harness *harness = harness_new();
	struct written written;

	harness_start(harness);
	decode(harness_write(harness, "a", "abc", 3, 0, ""), &written);
	assert_int_equal(written.outcome, FILES_CREATED);
	assert_string_equal(written.sha256, ABC_SHA256);
	decode(harness_write(harness, "a", "", 0, 0, ABC_SHA256), &written);
	assert_int_equal(written.outcome, FILES_REPLACED);
	assert_string_equal(written.sha256, EMPTY_SHA256);
	decode(harness_write(harness, "a", "ab", 2, FILES_APPEND, ""), &written);
	decode(harness_write(harness, "a", "c", 1, FILES_APPEND, ""), &written);
	assert_int_equal(written.outcome, FILES_APPENDED);
	assert_int_equal(written.bytes, 3);
	assert_string_equal(written.sha256, ABC_SHA256);
	assert_content(harness, "ws/a", "abc");
	decode(harness_write(harness, "deep/er/file", "x", 1, FILES_CREATE_ONLY, ""), &written);
	decode(harness_write(harness, "new", "x", 1, FILES_APPEND, ""), &written);
	assert_int_equal(written.outcome, FILES_CREATED);
	assert_int_equal(entries(harness, "ws"), 3);
	harness_stop(harness);
}

static void test_refusals(void **state)
{
	struct harness *harness = harness_new();
	char path[256];

	make_text(harness, "ws/a", "old");
	make_directory(harness, "ws/directory");
	snprintf(path, sizeof path, "%s/fifo", harness->workspace);
	assert_int_equal(mkfifo(path, 0644), 0);
	harness_start(harness);
	assert_failure(harness_write(harness, "a", "new", 3, FILES_CREATE_ONLY, ""), "exists already");
	assert_failure(harness_write(harness, "a", "new", 3, 0, ABC_SHA256), "not as expected");
	assert_failure(harness_write(harness, "a", "new", 3, FILES_APPEND, ABC_SHA256), "not as expected");
	assert_failure(harness_write(harness, "none", "new", 3, 0, ABC_SHA256), "does not exist");
	assert_failure(harness_write(harness, "no/ne", "new", 3, 0, ABC_SHA256), "`no/ne`: there is no `no`");
	assert_failure(harness_write(harness, "directory", "new", 3, 0, ""), "directory");
	assert_failure(harness_write(harness, "directory/", "new", 3, 0, ""), "directory");
	assert_failure(harness_write(harness, ".", "new", 3, 0, ""), "directory");
	assert_failure(harness_write(harness, "fifo", "new", 3, 0, ""), "no regular file");
	assert_failure(harness_write(harness, "a/b", "new", 3, 0, ""), "ENOTDIR");
	assert_content(harness, "ws/a", "old");
	assert_int_equal(entries(harness, "ws"), 3);
	harness_stop(harness);
}

static void test_kept(void **state)
{
	struct harness *harness = harness_new();
	struct written written;
	struct stat status;
	char path[256], other[256];

	make_text(harness, "ws/a", "old");
	make_directory(harness, "ws/d");
	make_link(harness, "ws/link", "d/target");
	snprintf(path, sizeof path, "%s/a", harness->workspace);
	snprintf(other, sizeof other, "%s/hard", harness->workspace);
	assert_int_equal(chmod(path, 0751), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, 1234, 4321), 0);
	assert_int_equal(link(path, other), 0);
	harness_start(harness);
	decode(harness_write(harness, "a", "new", 3, 0, ""), &written);
	assert_int_equal(written.links, 1);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0751);
	if (geteuid() == 0) {
		assert_int_equal(status.st_uid, 1234);
		assert_int_equal(status.st_gid, 4321);
	}
	assert_content(harness, "ws/hard", "old");
	/* through a link: the target is written (or made), the link stays */
	decode(harness_write(harness, "link", "one", 3, 0, ""), &written);
	assert_int_equal(written.outcome, FILES_CREATED);
	decode(harness_write(harness, "link", "two", 3, 0, ""), &written);
	assert_int_equal(written.outcome, FILES_REPLACED);
	assert_content(harness, "ws/d/target", "two");
	snprintf(path, sizeof path, "%s/link", harness->workspace);
	assert_int_equal(lstat(path, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	harness_stop(harness);
}

/* A write that fails half-way leaves the old content and nothing else. */
static void test_out_of_space(void **state)
{
	struct harness *harness = harness_new();
	struct rlimit limit = {1u << 20, RLIM_INFINITY}, before;
	char *content = calloc(1, 3u << 20);

	make_text(harness, "ws/a", "old");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit.rlim_max = before.rlim_max;
	signal(SIGXFSZ, SIG_IGN); /* as the executor's main() does */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	harness_start(harness);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_failure(harness_write(harness, "a", content, 3u << 20, 0, ""), "EFBIG");
	assert_failure(harness_write(harness, "new", content, 3u << 20, 0, ""), "EFBIG");
	assert_content(harness, "ws/a", "old");
	assert_int_equal(entries(harness, "ws"), 1);
	harness_stop(harness);
	free(content);
}

static void test_large(void **state)
{
	struct harness *harness = harness_new();
	size_t length = LIMIT_MESSAGE_BYTES - 1000, got;
	char *content = malloc(length), *found;
	struct written written;
	struct buffer payload;

	for (size_t i = 0; i < length; i++)
		content[i] = (char)(i * 31 + (i >> 13));
	harness_start(harness);
	decode(harness_write(harness, "big", content, length, 0, ""), &written);
	assert_int_equal(written.bytes, length);
	found = take_file(harness, "ws/big", &got);
	assert_int_equal(got, length);
	assert_memory_equal(found, content, length);
	free(found);
	/* more than may come in at once: some are refused, none is lost, and later ones pass */
	pack_write(&payload, "big", content, length, 0, "");
	for (uint32_t call = 0; call < 5; call++) {
		harness_answer(harness, call);
		harness_send(harness, FILES_WRITE, call, &payload);
	}
	for (uint32_t call = 0; call < 5; call++)
		harness_wait(harness, call);
	buffer_deinit(&payload);
	decode(harness_write(harness, "big", content, length, 0, ""), &written);
	/* above the message's own limit */
	content = realloc(content, LIMIT_MESSAGE_BYTES + 100000);
	assert_failure(harness_write(harness, "big", content, LIMIT_MESSAGE_BYTES + 100000, 0, ""),
		       "too much is being written");
	harness_stop(harness);
	free(content);
}

static void path_in(const struct harness *harness, const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", harness->workspace, name);
}

/* user.* and the access control list go along; a list that the directory gives new files does not come in. */
static void test_attributes(void **state)
{
	/* version 2; owner rw-, user 1234 r--, group r--, mask r--, others --- : linux/posix_acl_xattr.h */
	static const unsigned char list[] = {2,    0,    0,    0,    1,    0,    6,  0,    0xff, 0xff, 0xff,
					     0xff, 2,    0,    4,    0,    0xd2, 4,  0,    0,    4,    0,
					     4,    0,    0xff, 0xff, 0xff, 0xff, 16, 0,    4,    0,    0xff,
					     0xff, 0xff, 0xff, 32,   0,    0,    0,  0xff, 0xff, 0xff, 0xff};
	struct harness *harness = harness_new();
	char path[256], plain[256], value[128];
	struct written written;

	make_text(harness, "ws/a", "old");
	make_text(harness, "ws/plain", "old");
	path_in(harness, "a", path);
	path_in(harness, "plain", plain);
	assert_int_equal(setxattr(path, "user.colour", "blue", 4, 0), 0);
	assert_int_equal(setxattr(path, "user.empty", "", 0, 0), 0);
	assert_int_equal(setxattr(path, "system.posix_acl_access", list, sizeof list, 0), 0);
	assert_int_equal(setxattr(harness->workspace, "system.posix_acl_default", list, sizeof list, 0), 0);
	harness_start(harness);
	decode(harness_write(harness, "a", "new", 3, 0, ""), &written);
	decode(harness_write(harness, "plain", "new", 3, 0, ""), &written);
	assert_int_equal(getxattr(path, "user.colour", value, sizeof value), 4);
	assert_memory_equal(value, "blue", 4);
	assert_int_equal(getxattr(path, "user.empty", value, sizeof value), 0);
	assert_int_equal(getxattr(path, "system.posix_acl_access", value, sizeof value), sizeof list);
	assert_memory_equal(value, list, sizeof list);
	assert_int_equal(getxattr(plain, "system.posix_acl_access", value, sizeof value), -1);
	assert_int_equal(errno, ENODATA);
	assert_content(harness, "ws/a", "new");
	harness_stop(harness);
}

/* What was a hole is one afterwards; what was not is none; and no byte differs. */
static void test_holes(void **state)
{
	struct harness *harness = harness_new();
	size_t size = (4u << 20) + 100, length;
	char *content = calloc(1, size), *found, path[256];
	struct written written;
	struct stat status;

	memcpy(content, "head", 4);
	memcpy(content + (2u << 20) + 10, "middle", 6);
	make_text(harness, "ws/dense", "x");
	make_text(harness, "ws/sparse", "x");
	path_in(harness, "sparse", path);
	assert_int_equal(truncate(path, 8 << 20), 0);
	harness_start(harness);
	decode(harness_write(harness, "sparse", content, size, 0, ""), &written);
	assert_int_equal(written.bytes, size);
	assert_int_equal(stat(path, &status), 0);
	assert_true(status.st_blocks * 512 <= 64 << 10);
	found = take_file(harness, "ws/sparse", &length);
	assert_int_equal(length, size);
	assert_memory_equal(found, content, size);
	free(found);
	decode(harness_write(harness, "sparse", "tail", 4, FILES_APPEND, ""), &written);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, size + 4);
	assert_true(status.st_blocks * 512 <= 64 << 10);
	decode(harness_write(harness, "dense", content, size, 0, ""), &written);
	path_in(harness, "dense", path);
	assert_int_equal(stat(path, &status), 0);
	assert_true(status.st_blocks * 512 >= (off_t)size);
	harness_stop(harness);
	free(content);
}

/* Systems that cannot do without names for temporary files, or without links: the same outcomes. */
static void test_old_systems(void **state)
{
	void (*const systems[])(void) = {old_system_kernel, old_system_no_links};

	for (size_t i = 0; i < 2; i++) {
		struct harness *harness = harness_new();
		struct written written;

		make_text(harness, "ws/a", "old");
		harness->prepare = systems[i];
		harness_start(harness);
		decode(harness_write(harness, "a", "new", 3, 0, ""), &written);
		decode(harness_write(harness, "d/new", "new", 3, 0, ""), &written);
		assert_failure(harness_write(harness, "a", "x", 1, 0, ABC_SHA256), "not as expected");
		assert_content(harness, "ws/a", "new");
		assert_content(harness, "ws/d/new", "new");
		assert_int_equal(entries(harness, "ws"), 2);
		assert_int_equal(entries(harness, "ws/d"), 1);
		harness_stop(harness);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcomes), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_kept),     cmocka_unit_test(test_out_of_space),
		cmocka_unit_test(test_large),    cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_holes),    cmocka_unit_test(test_old_systems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
