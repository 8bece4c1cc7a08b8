/* SPDX-License-Identifier: Apache-2.0 */
/* move_file and copy_file: what they do, what they keep, what they refuse, and what is left when they fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/files/requests.h"

static struct answer *move(struct harness *harness, const char *source, const char *destination)
{
	return request_transfer(harness, FILES_MOVE, source, destination, 0);
}

static struct answer *copy(struct harness *harness, const char *source, const char *destination)
{
	return request_transfer(harness, FILES_COPY, source, destination, 0);
}

static void make_tree(struct harness *harness, const char *path)
{
	char name[256];

	make_directory(harness, path);
	snprintf(name, sizeof name, "%s/file", path);
	make_text(harness, name, "content");
	snprintf(name, sizeof name, "%s/deep", path);
	make_directory(harness, name);
	snprintf(name, sizeof name, "%s/deep/link", path);
	make_link(harness, name, "../../nowhere");
	snprintf(name, sizeof name, "%s/deep/er", path);
	make_directory(harness, name);
	snprintf(name, sizeof name, "%s/deep/er/file", path);
	make_text(harness, name, "deep");
}

static void assert_tree(struct harness *harness, const char *path)
{
	char name[256], target[64] = "";

	snprintf(name, sizeof name, "%s/file", path);
	assert_content(harness, name, "content");
	snprintf(name, sizeof name, "%s/deep/er/file", path);
	assert_content(harness, name, "deep");
	snprintf(name, sizeof name, "%s/deep/link", path);
	assert_int_equal(readlink(inside(harness, name), target, sizeof target - 1), 13);
	assert_string_equal(target, "../../nowhere");
}

static void test_move(void **state)
{
	struct harness *harness = harness_new();

	make_text(harness, "ws/a", "a");
	make_text(harness, "ws/b", "b");
	make_tree(harness, "ws/tree");
	make_directory(harness, "ws/empty");
	make_link(harness, "ws/link", "a");
	harness_start(harness);
	assert_transferred(move(harness, "a", "new/place/a"), FILES_TRANSFER_MADE, 0);
	assert_content(harness, "ws/a", NULL);
	assert_content(harness, "ws/new/place/a", "a");
	assert_failure(move(harness, "b", "new/place/a"), "exists already (1 bytes); overwrite: true");
	assert_failure(move(harness, "b", "empty"), "give `empty/NAME`");
	assert_failure(move(harness, "b", "empty/"), "give `empty/NAME`");
	assert_failure(move(harness, "b", "."), "is a directory");
	assert_failure(move(harness, "none", "x"), "there is no `none`");
	assert_failure(move(harness, "b", "b"), "the same file");
	assert_failure(move(harness, "tree", "tree/deep/x"), "into itself");
	assert_failure(move(harness, ".", "x"), "without a name");
	assert_transferred(request_transfer(harness, FILES_MOVE, "b", "new/place/a", FILES_OVERWRITE),
			   FILES_TRANSFER_REPLACED, 0);
	assert_content(harness, "ws/new/place/a", "b");
	assert_failure(request_transfer(harness, FILES_MOVE, "new/place/a", "tree", FILES_OVERWRITE),
		       "never replaced");
	assert_failure(request_transfer(harness, FILES_MOVE, "tree", "new/place/a", FILES_OVERWRITE),
		       "delete the file first");
	assert_transferred(move(harness, "tree/", "new/tree"), FILES_TRANSFER_MADE, 0);
	assert_tree(harness, "ws/new/tree");
	/* the link, not what it leads to (which is gone) */
	assert_transferred(move(harness, "link", "link2"), FILES_TRANSFER_MADE, 0);
	assert_failure(move(harness, "new/place/a", "link2"), "exists already");
	assert_int_equal(entries(harness, "ws"), 3);
	harness_stop(harness);
}

/* A second name of a file: rename(2) would do nothing and call it done. */
static void test_hard_links(void **state)
{
	struct harness *harness = harness_new();

	make_text(harness, "ws/a", "a");
	assert_int_equal(link(inside(harness, "ws/a"), inside(harness, "ws/b")), 0);
	harness_start(harness);
	assert_failure(request_transfer(harness, FILES_MOVE, "a", "b", FILES_OVERWRITE), "the same file");
	assert_failure(request_transfer(harness, FILES_COPY, "a", "b", FILES_OVERWRITE), "the same file");
	assert_int_equal(entries(harness, "ws"), 2);
	harness_stop(harness);
}

static void test_copy(void **state)
{
	struct harness *harness = harness_new();
	struct timespec times[2] = {{1000000000, 1}, {1234567890, 123456789}};
	struct stat status;
	char value[8];
	bool attributes;

	make_tree(harness, "ws/tree");
	make_text(harness, "ws/old", "old");
	assert_int_equal(chmod(inside(harness, "ws/tree/file"), 04751), 0);
	assert_int_equal(chmod(inside(harness, "ws/tree/deep"), 0555), 0);
	attributes = setxattr(inside(harness, "ws/tree/file"), "user.note", "kept", 4, 0) == 0;
	if (!attributes)
		print_message("no extended attributes here: that they are kept is not tested\n");
	assert_int_equal(utimensat(AT_FDCWD, inside(harness, "ws/tree/file"), times, 0), 0);
	assert_int_equal(
		utimensat(AT_FDCWD, inside(harness, "ws/tree/deep/link"), times, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(utimensat(AT_FDCWD, inside(harness, "ws/tree"), times, 0), 0);
	harness_start(harness);
	assert_int_equal(assert_transferred(copy(harness, "tree", "copy"), FILES_TRANSFER_MADE, 0), 6);
	assert_tree(harness, "ws/copy");
	assert_tree(harness, "ws/tree");
	assert_int_equal(stat(inside(harness, "ws/copy/file"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0751); /* not set-uid: it is another's file now */
	assert_int_equal(status.st_mtim.tv_sec, 1234567890);
	assert_int_equal(status.st_mtim.tv_nsec, 123456789);
	assert_int_equal(stat(inside(harness, "ws/copy"), &status), 0);
	assert_int_equal(status.st_mtim.tv_sec, 1234567890);
	assert_int_equal(lstat(inside(harness, "ws/copy/deep/link"), &status), 0);
	assert_int_equal(status.st_mtim.tv_sec, 1234567890);
	assert_int_equal(stat(inside(harness, "ws/copy/deep"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0555);
	if (attributes)
		assert_int_equal(getxattr(inside(harness, "ws/copy/file"), "user.note", value, sizeof value),
				 4);
	assert_failure(copy(harness, "tree", "copy"), "never replaced");
	assert_failure(copy(harness, "old", "copy/file"), "exists already");
	assert_failure(copy(harness, "tree", "tree/x"), "into itself");
	assert_transferred(request_transfer(harness, FILES_COPY, "old", "copy/file", FILES_OVERWRITE),
			   FILES_TRANSFER_REPLACED, 0);
	assert_content(harness, "ws/copy/file", "old");
	assert_int_equal(entries(harness, "ws"), 3);
	assert_int_equal(entries(harness, "ws/copy"), 2);
	/* so that everything can be removed */
	assert_int_equal(chmod(inside(harness, "ws/copy/deep"), 0755), 0);
	assert_int_equal(chmod(inside(harness, "ws/tree/deep"), 0755), 0);
	harness_stop(harness);
}

/* Holes stay holes, in the middle and at the end, and what is between them is the same. */
static void test_sparse(void **state)
{
	struct harness *harness = harness_new();
	char bytes[8] = "", *small = calloc(1, 700001);
	struct stat status;
	int fd;

	make_text(harness, "ws/sparse", "begin");
	fd = open(inside(harness, "ws/sparse"), O_RDWR);
	assert_int_equal(pwrite(fd, "middle", 6, (off_t)1 << 30), 6);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	close(fd);
	for (int i = 0; i < 700001; i++)
		small[i] = (char)(i * 7 + i / 1000);
	make_file(harness, "ws/odd", small, 700001);
	harness_start(harness);
	assert_transferred(copy(harness, "sparse", "copy"), FILES_TRANSFER_MADE, 0);
	assert_int_equal(stat(inside(harness, "ws/copy"), &status), 0);
	assert_int_equal(status.st_size, (off_t)1 << 40);
	assert_true(status.st_blocks < 1000);
	fd = open(inside(harness, "ws/copy"), O_RDONLY);
	assert_int_equal(pread(fd, bytes, 5, 0), 5);
	assert_string_equal(bytes, "begin");
	assert_int_equal(pread(fd, bytes, 6, (off_t)1 << 30), 6);
	assert_string_equal(bytes, "middle");
	close(fd);
	assert_transferred(copy(harness, "odd", "even"), FILES_TRANSFER_MADE, 0);
	size_t length;
	char *found = take_file(harness, "ws/even", &length);

	assert_int_equal(length, 700001);
	assert_memory_equal(found, small, length);
	free(found);
	free(small);
	harness_stop(harness);
}

/* What is no data fails the whole, and nothing is left of it. */
static void test_special(void **state)
{
	struct harness *harness = harness_new();

	make_tree(harness, "ws/tree");
	assert_int_equal(mkfifo(inside(harness, "ws/tree/deep/er/fifo"), 0644), 0);
	harness_start(harness);
	assert_failure(copy(harness, "tree", "copy"), "it is a FIFO");
	assert_failure(copy(harness, "tree/deep/er/fifo", "copy"), "it is a FIFO");
	assert_int_equal(entries(harness, "ws"), 1);
	assert_failure(move(harness, "tree/deep/er/fifo", "fifo"), "it is a FIFO");
	/* with what holds it, it goes along */
	assert_transferred(move(harness, "tree", "moved"), FILES_TRANSFER_MADE, 0);
	harness_stop(harness);
}

static void test_protected(void **state)
{
	struct harness *harness = harness_new();

	make_directory(harness, "ws/.git");
	make_directory(harness, "ws/.git/hooks");
	make_text(harness, "ws/.git/hooks/pre-commit", "hook");
	make_text(harness, "ws/.git/HEAD", "head");
	make_text(harness, "ws/evil", "evil");
	make_directory(harness, "ws/a");
	make_directory(harness, "ws/a/b");
	make_directory(harness, "ws/a/b/c");
	make_tree(harness, "ws/tree");
	make_link(harness, "ws/way", "a");
	protect(harness, ".git/hooks");
	protect(harness, ".vscode/tasks.json");
	protect(harness, "a/b/c");
	protect(harness, "way/b/absent");
	harness_start(harness);
	/* into it, over it, out of it */
	assert_denied(move(harness, "evil", ".git/hooks/post-commit"), "protected:.git/hooks");
	assert_denied(copy(harness, "evil", ".git/hooks/post-commit"), "protected:.git/hooks");
	assert_denied(request_transfer(harness, FILES_COPY, "evil", ".git/hooks/pre-commit", FILES_OVERWRITE),
		      "protected:.git/hooks");
	assert_denied(move(harness, ".git/hooks/pre-commit", "x"), "protected:.git/hooks");
	assert_denied(move(harness, ".git/hooks", "x"), "protected:.git/hooks");
	assert_denied(request_delete(harness, ".git/hooks/pre-commit", 0), "protected:.git/hooks");
	/* what holds it, at any height */
	assert_denied(move(harness, ".git", "x"), "protected:.git/hooks");
	assert_denied(request_delete(harness, ".git", FILES_RECURSIVE), "protected:.git/hooks");
	assert_denied(move(harness, "a", "x"), "protected:a/b/c");
	assert_denied(move(harness, "way/b", "x"), "protected:a/b/c");
	assert_denied(request_delete(harness, "a", FILES_RECURSIVE), "protected:a/b/c");
	/* what leads there by a link */
	assert_denied(move(harness, "way", "x"), "protected:way/b/absent");
	/* what does not exist, by a directory that would hold it, or stand in its place */
	assert_denied(move(harness, "tree", ".vscode"), "protected:.vscode/tasks.json");
	assert_denied(copy(harness, "tree", ".vscode"), "protected:.vscode/tasks.json");
	assert_denied(copy(harness, "evil", ".vscode"), "protected:.vscode/tasks.json");
	/* reading is allowed, and so is what lies beside it */
	assert_transferred(copy(harness, ".git/hooks", "hooks"), FILES_TRANSFER_MADE, 0);
	assert_transferred(copy(harness, ".git", "git"), FILES_TRANSFER_MADE, 0);
	assert_transferred(move(harness, ".git/HEAD", "HEAD"), FILES_TRANSFER_MADE, 0);
	assert_made(request_make(harness, ".vscode"), true);
	assert_denied(move(harness, ".vscode", "x"), "protected:.vscode/tasks.json");
	assert_content(harness, "ws/.git/hooks/pre-commit", "hook");
	assert_content(harness, "ws/git/hooks/pre-commit", "hook");
	harness_stop(harness);
}

static void test_workspaces(void **state)
{
	struct harness *harness = harness_new();

	make_directory(harness, "other");
	make_text(harness, "other/a", "a");
	make_directory(harness, "ws/holds");
	make_directory(harness, "ws/holds/inner");
	make_text(harness, "ws/holds/inner/a", "inner");
	make_text(harness, "ws/secret", "secret");
	make_directory(harness, "ws/d");
	make_text(harness, "ws/d/secret", "secret");
	make_text(harness, "outside", "outside");
	make_link(harness, "ws/out", "..");
	add_workspace(harness, "other", false);
	add_workspace(harness, "ws/holds/inner", true);
	hide(harness, "ws/secret");
	hide(harness, "ws/d/secret");
	harness_start(harness);
	assert_denied(move(harness, inside(harness, "other/a"), "x"), "read-only workspace");
	assert_transferred(copy(harness, inside(harness, "other/a"), "x"), FILES_TRANSFER_MADE, 0);
	assert_denied(copy(harness, "x", inside(harness, "other/x")), "read-only workspace");
	assert_denied(copy(harness, "../outside", "y"), "workspace");
	assert_denied(copy(harness, "out/outside", "y"), "workspace");
	assert_denied(move(harness, "x", "out/x"), "workspace");
	assert_denied(request_delete(harness, "out/outside", 0), "workspace");
	/* a workspace, and what holds one */
	assert_denied(move(harness, "holds", "y"), "workspace");
	assert_denied(request_delete(harness, "holds/inner", FILES_RECURSIVE), "workspace");
	assert_denied(request_delete(harness, inside(harness, "ws/holds/inner"), FILES_RECURSIVE),
		      "workspace");
	assert_denied(request_delete(harness, inside(harness, "ws"), FILES_RECURSIVE), "workspace");
	assert_transferred(copy(harness, "holds", "copy"), FILES_TRANSFER_MADE, 0);
	/* what is hidden does not come to light as a copy, nor go with what holds it */
	assert_int_equal(copy(harness, "secret", "y")->type, REPLY_DENIED);
	assert_int_equal(copy(harness, "d", "y")->type, REPLY_DENIED);
	assert_int_equal(move(harness, "d", "y")->type, REPLY_DENIED);
	assert_int_equal(request_delete(harness, "d", FILES_RECURSIVE)->type, REPLY_DENIED);
	assert_content(harness, "ws/d/secret", "secret");
	assert_content(harness, "outside", "outside");
	harness_stop(harness);
}

/* To another file system: copied whole, then removed; nothing is left where that fails. */
static void test_across(void **state)
{
	char other[] = "/dev/shm/sallyport-files-XXXXXX", path[256], target[256];
	struct harness *harness = harness_new();
	struct stat one, two;

	assert_non_null(mkdtemp(other));
	assert_int_equal(stat(other, &one), 0);
	assert_int_equal(stat(harness->directory, &two), 0);
	assert_int_not_equal(one.st_dev, two.st_dev);
	add_workspace(harness, other, true);
	make_tree(harness, "ws/tree");
	assert_int_equal(chmod(inside(harness, "ws/tree/file"), 0640), 0);
	harness_start(harness);
	snprintf(path, sizeof path, "%s/tree", other);
	assert_transferred(move(harness, "tree", path), FILES_TRANSFER_MADE, FILES_TRANSFER_COPIED);
	assert_int_equal(entries(harness, "ws"), 0);
	snprintf(target, sizeof target, "%s/tree/file", other);
	assert_int_equal(stat(target, &one), 0);
	assert_int_equal(one.st_mode & 07777, 0640);
	assert_transferred(move(harness, path, "back"), FILES_TRANSFER_MADE, FILES_TRANSFER_COPIED);
	assert_tree(harness, "ws/back");
	assert_int_equal(mkfifo(inside(harness, "ws/back/fifo"), 0644), 0);
	assert_failure(move(harness, "back", path), "it is a FIFO");
	assert_tree(harness, "ws/back");
	assert_int_equal(rmdir(other), 0); /* nothing half is left in it */
	harness_stop(harness);
}

/* Files that say they are empty and are not, devices that never end. */
static void test_lying(void **state)
{
	struct harness *harness = harness_new();
	struct read_facts facts;

	add_workspace(harness, "/proc/sys/kernel", false);
	add_workspace(harness, "/dev", false);
	harness_start(harness);
	decode_read(harness_read(harness, "/proc/sys/kernel/ostype", 1, 10, 1000, 0), &facts);
	assert_int_equal(buffer_length(&harness->answers[0].text), 6);
	assert_transferred(copy(harness, "/proc/sys/kernel/ostype", "ostype"), FILES_TRANSFER_MADE, 0);
	assert_content(harness, "ws/ostype", "Linux\n");
	assert_int_equal(request_info(harness, "/proc/sys/kernel/ostype", FILES_HASH)->type, REPLY_RESULT);
	assert_failure(harness_read(harness, "/dev/zero", 1, 10, 1000, 0), "it is a device");
	assert_failure(copy(harness, "/dev/zero", "zero"), "it is a device");
	assert_int_equal(request_info(harness, "/dev/zero", FILES_HASH)->type, REPLY_RESULT);
	assert_int_equal(entries(harness, "ws"), 1);
	harness_stop(harness);
}

/* A copy that is cancelled leaves nothing, and the executor serves others while it clears away. */
static void test_cancel(void **state)
{
	struct harness *harness = harness_new();
	struct buffer payload, nothing;
	char name[64], *content = malloc(1 << 20);

	memset(content, 'x', 1 << 20);
	make_directory(harness, "ws/many");
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "ws/many/%d", i);
		make_file(harness, name, content, 1 << 20);
	}
	free(content);
	harness_start(harness);
	buffer_init(&payload, 1u << 16);
	buffer_init(&nothing, 1u << 16);
	frame_put_text(&payload, "many");
	frame_put_text(&payload, "copy");
	assert_int_equal(frame_put_u32(&payload, 0), 0);
	harness_answer(harness, 1);
	harness_send(harness, FILES_COPY, 1, &payload);
	/* it has begun when something stands in the workspace */
	while (entries(harness, "ws") < 2)
		assert_int_equal(harness_list(harness, ".", 1, 0, 0, 1)->type, REPLY_RESULT);
	harness_send(harness, REPLY_CANCEL, 1, &nothing);
	assert_failure(harness_wait(harness, 1), "cancelled");
	while (entries(harness, "ws") > 1)
		assert_int_equal(harness_list(harness, ".", 1, 0, 0, 1)->type, REPLY_RESULT);
	assert_content(harness, "ws/copy/0", NULL);
	buffer_deinit(&payload);
	harness_stop(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_move),       cmocka_unit_test(test_hard_links),
		cmocka_unit_test(test_copy),       cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_special),    cmocka_unit_test(test_protected),
		cmocka_unit_test(test_workspaces), cmocka_unit_test(test_across),
		cmocka_unit_test(test_lying),      cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
