/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the smaller file tools, for tests. */
#include "tests/files/requests.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/clock.h"

const char *inside(const struct harness *harness, const char *below)
{
	static char paths[4][4200];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", harness->directory, below);
	return path;
}

void add_workspace(struct harness *harness, const char *below, bool write)
{
	assert_int_equal(plan_add_path(&harness->plan.workspaces, &harness->plan.workspace_count,
				       below[0] == '/' ? below : inside(harness, below), write),
			 0);
}

void protect(struct harness *harness, const char *path)
{
	assert_int_equal(plan_add_text(&harness->plan.protect, &harness->plan.protect_count, path), 0);
}

void hide(struct harness *harness, const char *below)
{
	assert_int_equal(
		plan_add_text(&harness->plan.hide, &harness->plan.hide_count, inside(harness, below)), 0);
}

static struct answer *ask(struct harness *harness, uint16_t type, struct buffer *payload)
{
	harness_answer(harness, 0);
	harness_send(harness, type, 0, payload);
	buffer_deinit(payload);
	return harness_wait(harness, 0);
}

struct answer *request_transfer(struct harness *harness, uint16_t type, const char *source,
				const char *destination, uint32_t flags)
{
	struct buffer payload;

	buffer_init(&payload, 1u << 20);
	frame_put_text(&payload, source);
	frame_put_text(&payload, destination);
	assert_int_equal(frame_put_u32(&payload, flags), 0);
	return ask(harness, type, &payload);
}

void pack_search(struct buffer *payload, const char *path, const char *pattern, uint64_t limit,
		 uint64_t offset, uint32_t within_ms)
{
	buffer_init(payload, 1u << 20);
	frame_put_text(payload, pattern);
	frame_put_text(payload, path);
	frame_put_text(payload, "");
	frame_put_u32(payload, 0);
	frame_put_u32(payload, FILES_SEARCH_CONTENT);
	frame_put_u32(payload, 0);
	frame_put_u64(payload, limit);
	frame_put_u64(payload, offset);
	frame_put_u64(payload, 1u << 20);
	assert_int_equal(frame_put_u64(payload, (uint64_t)clock_ms() + within_ms), 0);
}

struct answer *request_search(struct harness *harness, const char *path, const char *pattern)
{
	struct buffer payload;

	pack_search(&payload, path, pattern, 100, 0, 60000);
	return ask(harness, FILES_SEARCH, &payload);
}

static struct answer *ask_path(struct harness *harness, uint16_t type, const char *path, uint32_t flags)
{
	struct buffer payload;

	buffer_init(&payload, 1u << 20);
	frame_put_text(&payload, path);
	assert_int_equal(frame_put_u32(&payload, flags), 0);
	return ask(harness, type, &payload);
}

struct answer *request_delete(struct harness *harness, const char *path, uint32_t flags)
{
	return ask_path(harness, FILES_DELETE, path, flags);
}

struct answer *request_info(struct harness *harness, const char *path, uint32_t flags)
{
	return ask_path(harness, FILES_INFO, path, flags);
}

struct answer *request_make(struct harness *harness, const char *path)
{
	struct buffer payload;

	buffer_init(&payload, 1u << 20);
	assert_int_equal(frame_put_text(&payload, path), 0);
	return ask(harness, FILES_MAKE, &payload);
}

static void open_result(const struct answer *answer, struct frame_reader *reader)
{
	if (answer->type != REPLY_RESULT)
		fail_msg("no result: %s", answer_text(answer, answer->type == REPLY_DENIED ? 3 : 0));
	frame_read(reader, buffer_data(&answer->payload), buffer_length(&answer->payload));
}

uint64_t assert_transferred(const struct answer *answer, uint32_t outcome, uint32_t flags)
{
	struct frame_reader reader;
	char path[4096];
	uint64_t count;

	open_result(answer, &reader);
	assert_int_equal(frame_get_u32(&reader), outcome);
	assert_int_equal(frame_get_u32(&reader), flags);
	count = frame_get_u64(&reader);
	frame_get_u64(&reader);
	frame_get_text(&reader, path, sizeof path);
	frame_get_text(&reader, path, sizeof path);
	assert_int_equal(frame_done(&reader), 0);
	return count;
}

void assert_deleted(const struct answer *answer, uint64_t count, uint64_t bytes)
{
	struct frame_reader reader;
	char path[4096];

	open_result(answer, &reader);
	assert_int_equal(frame_get_u64(&reader), count);
	assert_int_equal(frame_get_u64(&reader), bytes);
	frame_get_text(&reader, path, sizeof path);
	assert_int_equal(frame_done(&reader), 0);
}

void assert_made(const struct answer *answer, bool made)
{
	struct frame_reader reader;
	char path[4096];

	open_result(answer, &reader);
	assert_int_equal(frame_get_u32(&reader), made);
	frame_get_text(&reader, path, sizeof path);
	assert_int_equal(frame_done(&reader), 0);
}

void assert_content(struct harness *harness, const char *path, const char *expected)
{
	char *content = take_file(harness, path, NULL);

	if (!expected) {
		assert_null(content);
		return;
	}
	if (!content)
		fail_msg("%s is not there", path);
	assert_string_equal(content, expected);
	free(content);
}

int entries(struct harness *harness, const char *path)
{
	DIR *directory = opendir(inside(harness, path));
	struct dirent *entry;
	int count = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory)))
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(directory);
	return count;
}
