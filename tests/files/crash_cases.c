/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/files/crash_cases.h"

#include <stdio.h>
#include <sys/stat.h>

#include "tests/files/receive.h"
#include "tests/files/requests.h"
#include "tests/files/small_disk.h"

static const char patch[] = "--- a/one\n+++ b/one\n@@ -1 +1 @@\n-one\n+ONE\n"
			    "--- a/two\n+++ b/two\n@@ -1,2 +1,2 @@\n two\n-2\n+II\n"
			    "--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n"
			    "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+new\n"
			    "--- /dev/null\n+++ b/made/up/deep\n@@ -0,0 +1 @@\n+deep\n"
			    "diff --git a/old b/renamed\nrename from old\nrename to renamed\n"
			    "--- a/old\n+++ b/renamed\n@@ -1 +1 @@\n-old\n+renamed\n";

void crash_set_up(struct harness *harness)
{
	char path[256];

	make_directory(harness, "disk");
	small_disk_mount(inside(harness, "disk"), 1 << 20, 100);
	add_workspace(harness, "disk", true);
	make_directory(harness, "ws/tree");
	make_directory(harness, "ws/tree/b");
	make_text(harness, "ws/one", "one\n");
	make_text(harness, "ws/two", "two\n2\n");
	make_text(harness, "ws/gone", "gone\n");
	make_text(harness, "ws/old", "old\n");
	make_text(harness, "ws/tree/a", "a\n");
	make_text(harness, "ws/tree/b/c", "c\n");
	make_text(harness, "disk/one", "one elsewhere\n");
	snprintf(path, sizeof path, "%s/two", harness->workspace);
	assert_int_equal(chmod(path, 0751), 0);
}

static void pack_all(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_PATCH;
	pack_patch(payload, patch, 0);
}

static void pack_single(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_PATCH;
	pack_patch(payload, "*** Begin Patch\n*** Update File: two\n-2\n+II\n*** End Patch\n", 0);
}

static void pack_replacing(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_WRITE;
	pack_write(payload, "two", "replaced\n", 9, 0, "");
}

static void pack_appending(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_WRITE;
	pack_write(payload, "two", "3\n", 2, FILES_APPEND, "");
}

static void pack_creating(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_WRITE;
	pack_write(payload, "new", "new\n", 4, 0, "");
}

static void pack_editing(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_EDIT;
	pack_edit(payload, "two", "2", "II", 0);
}

static void pack_pair(struct buffer *payload, const char *source, const char *destination, uint32_t flags)
{
	buffer_init(payload, 1u << 20);
	frame_put_text(payload, source);
	frame_put_text(payload, destination);
	assert_int_equal(frame_put_u32(payload, flags), 0);
}

static void pack_move(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_MOVE;
	pack_pair(payload, "two", "renamed", 0);
}

static void pack_move_over(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_MOVE;
	pack_pair(payload, "two", "one", FILES_OVERWRITE);
}

static void pack_move_away(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_MOVE;
	pack_pair(payload, "two", inside(harness, "disk/moved"), 0);
}

static void pack_move_away_over(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_MOVE;
	pack_pair(payload, "two", inside(harness, "disk/one"), FILES_OVERWRITE);
}

static void pack_move_tree_away(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_MOVE;
	pack_pair(payload, "tree", inside(harness, "disk/moved"), 0);
}

static void pack_copy(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_COPY;
	pack_pair(payload, "two", "renamed", 0);
}

static void pack_copy_over(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_COPY;
	pack_pair(payload, "two", "one", FILES_OVERWRITE);
}

static void pack_copy_tree(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_COPY;
	pack_pair(payload, "tree", "copy", 0);
}

static void pack_make(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_MAKE;
	buffer_init(payload, 1u << 20);
	assert_int_equal(frame_put_text(payload, "fresh"), 0);
}

static void pack_delete(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_DELETE;
	buffer_init(payload, 1u << 20);
	frame_put_text(payload, "gone");
	assert_int_equal(frame_put_u32(payload, 0), 0);
}

static void pack_delete_tree(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_DELETE;
	buffer_init(payload, 1u << 20);
	frame_put_text(payload, "tree");
	assert_int_equal(frame_put_u32(payload, FILES_RECURSIVE), 0);
}

static void pack_received(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_RECEIVE;
	pack_receive(payload, "new", 0, "", 100);
	receive_pass(harness, 0, "new\n", 4);
}

static void pack_received_over(const struct harness *harness, struct buffer *payload, uint16_t *type)
{
	*type = FILES_RECEIVE;
	pack_receive(payload, "two", FILES_OVERWRITE, "", 100);
	receive_pass(harness, 0, "new\n", 4);
}

static void say_received(struct harness *harness)
{
	struct buffer payload;

	buffer_init(&payload, 100);
	assert_int_equal(frame_put_u64(&payload, 4), 0);
	harness_send(harness, FILES_RECEIVED, 0, &payload);
	buffer_deinit(&payload);
}

const struct crash_case crash_cases[] = {
	{"receive a file", pack_received, NOTHING, say_received, true},
	{"receive over a file", pack_received_over, NOTHING, say_received, true},
	{"patch of several files", pack_all, NOTHING, NULL, true},
	{"patch of one file", pack_single, NOTHING, NULL, true},
	{"write over a file", pack_replacing, NOTHING, NULL, true},
	{"append", pack_appending, NOTHING, NULL, true},
	{"write a new file", pack_creating, NOTHING, NULL, true},
	{"edit", pack_editing, NOTHING, NULL, true},
	{"move", pack_move, NOTHING, NULL, false},
	{"move over a file", pack_move_over, NOTHING, NULL, false},
	{"move to another file system", pack_move_away, BOTH, NULL, false},
	{"move over a file of another file system", pack_move_away_over, BOTH, NULL, false},
	{"move a tree to another file system", pack_move_tree_away, BOTH, NULL, false},
	{"copy", pack_copy, NOTHING, NULL, false},
	{"copy over a file", pack_copy_over, NOTHING, NULL, false},
	{"copy a tree", pack_copy_tree, NOTHING, NULL, false},
	{"make a directory", pack_make, NOTHING, NULL, false},
	{"delete", pack_delete, NOTHING, NULL, false},
	{"delete a tree", pack_delete_tree, PIECES, NULL, false},
	{0},
};
