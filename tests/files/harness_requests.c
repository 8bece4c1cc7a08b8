/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as the tools pack them, and what is answered. */
#include <string.h>

#include "protocol/clock.h"
#include "tests/files/harness.h"

void pack_read(struct buffer *payload, const char *path, int64_t offset, uint64_t limit, uint64_t bytes,
	       uint32_t flags)
{
	buffer_init(payload, 1u << 20);
	frame_put_text(payload, path);
	frame_put_u64(payload, (uint64_t)offset);
	frame_put_u64(payload, limit);
	frame_put_u64(payload, bytes);
	assert_int_equal(frame_put_u32(payload, flags), 0);
}

void pack_write(struct buffer *payload, const char *path, const void *content, size_t length, uint32_t flags,
		const char *expected)
{
	buffer_init(payload, 32u << 20);
	frame_put_text(payload, path);
	frame_put_u32(payload, flags);
	frame_put_text(payload, expected);
	assert_int_equal(frame_put_bytes(payload, content, length), 0);
}

void pack_patch(struct buffer *payload, const char *patch, uint32_t flags)
{
	buffer_init(payload, 32u << 20);
	frame_put_u32(payload, flags);
	assert_int_equal(frame_put_bytes(payload, patch, strlen(patch)), 0);
}

void pack_edit(struct buffer *payload, const char *path, const char *old, const char *new, uint32_t flags)
{
	buffer_init(payload, 32u << 20);
	frame_put_text(payload, path);
	frame_put_u32(payload, flags);
	frame_put_text(payload, "");
	frame_put_u64(payload, 16000);
	frame_put_u32(payload, 1);
	frame_put_text(payload, old);
	frame_put_text(payload, new);
	assert_int_equal(frame_put_u32(payload, 0), 0);
}

static struct answer *ask(struct harness *harness, uint16_t type, struct buffer *payload)
{
	harness_answer(harness, 0);
	harness_send(harness, type, 0, payload);
	buffer_deinit(payload);
	return harness_wait(harness, 0);
}

struct answer *harness_read(struct harness *harness, const char *path, int64_t offset, uint64_t limit,
			    uint64_t bytes, uint32_t flags)
{
	struct buffer payload;

	pack_read(&payload, path, offset, limit, bytes, flags);
	return ask(harness, FILES_READ, &payload);
}

struct answer *harness_write(struct harness *harness, const char *path, const void *content, size_t length,
			     uint32_t flags, const char *expected)
{
	struct buffer payload;

	pack_write(&payload, path, content, length, flags, expected);
	return ask(harness, FILES_WRITE, &payload);
}

struct answer *harness_patch(struct harness *harness, const char *patch, uint32_t flags)
{
	struct buffer payload;

	pack_patch(&payload, patch, flags);
	return ask(harness, FILES_PATCH, &payload);
}

struct answer *harness_edit(struct harness *harness, const char *path, const char *old, const char *new,
			    uint32_t flags)
{
	struct buffer payload;

	pack_edit(&payload, path, old, new, flags);
	return ask(harness, FILES_EDIT, &payload);
}

struct answer *harness_read_several(struct harness *harness, const char *const *paths, uint32_t count)
{
	struct buffer payload;

	buffer_init(&payload, 1u << 20);
	frame_put_u64(&payload, 1u << 20);
	frame_put_u32(&payload, count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(frame_put_text(&payload, paths[i]), 0);
	return ask(harness, FILES_READ_SEVERAL, &payload);
}

struct answer *harness_list(struct harness *harness, const char *path, uint32_t depth, uint32_t flags,
			    uint64_t offset, uint64_t limit)
{
	struct buffer payload;

	buffer_init(&payload, 1u << 20);
	frame_put_text(&payload, path);
	frame_put_u32(&payload, depth);
	frame_put_u32(&payload, flags);
	frame_put_u64(&payload, offset);
	frame_put_u64(&payload, limit);
	assert_int_equal(frame_put_u64(&payload, 1u << 20), 0);
	return ask(harness, FILES_LIST, &payload);
}

void pack_find(struct buffer *payload, const char *path, const char *pattern, uint32_t sort, uint64_t offset,
	       uint64_t limit, uint64_t milliseconds)
{
	buffer_init(payload, 16u << 10);
	frame_put_text(payload, path);
	frame_put_text(payload, pattern);
	frame_put_u32(payload, 0);
	frame_put_u32(payload, FILES_NONE);
	frame_put_u32(payload, sort);
	frame_put_u64(payload, offset);
	frame_put_u64(payload, limit);
	frame_put_u64(payload, 1u << 20);
	assert_int_equal(frame_put_u64(payload, (uint64_t)clock_ms() + milliseconds), 0);
}

struct answer *harness_find(struct harness *harness, const char *path, const char *pattern, uint32_t sort,
			    uint64_t offset, uint64_t limit, uint64_t milliseconds)
{
	struct buffer payload;

	pack_find(&payload, path, pattern, sort, offset, limit, milliseconds);
	return ask(harness, FILES_FIND, &payload);
}

void decode_read(const struct answer *answer, struct read_facts *facts)
{
	struct frame_reader reader;
	size_t length;

	if (answer->type != REPLY_RESULT)
		fail_msg("no result: %s", answer_text(answer, 0));
	frame_read(&reader, buffer_data(&answer->payload), buffer_length(&answer->payload));
	facts->flags = frame_get_u32(&reader);
	facts->size = frame_get_u64(&reader);
	facts->first = frame_get_u64(&reader);
	facts->lines = frame_get_u64(&reader);
	facts->next = (int64_t)frame_get_u64(&reader);
	facts->end = frame_get_u64(&reader);
	frame_get_text(&reader, facts->kind, sizeof facts->kind);
	frame_get_bytes(&reader, &length);
	assert_true(length == 0 || length == FILES_SHA256_BYTES);
	facts->hashed = length;
	assert_int_equal(frame_done(&reader), 0);
}
