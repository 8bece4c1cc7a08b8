/* SPDX-License-Identifier: Apache-2.0 */
/* find_files: paths that a glob takes. Data: text and structured content each say it all. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "tools/files/quote.h"
#include "tools/files/tools.h"
#include "tools/files/wire.h"

struct arguments {
	const char *pattern, *path, *type, *sort;
	int64_t limit, offset;
	bool ignored;
};

static const char *const types[] = {"file", "directory", "link", NULL};
static const char *const sorts[] = {"name", "modified", "size", NULL};

static const struct field input[] = {
	{.name = "pattern",
	 .type = FIELD_STRING,
	 .flags = FIELD_REQUIRED,
	 .offset = offsetof(struct arguments, pattern),
	 .min = 1,
	 .max = LIMIT_GLOB_BYTES,
	 .description = "Without / names at any depth"},
	{.name = "path",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct arguments, path),
	 .min = 1,
	 .max = LIMIT_PATH_BYTES - 1},
	{.name = "ignored",
	 .type = FIELD_BOOLEAN,
	 .offset = offsetof(struct arguments, ignored),
	 .description = "Also hidden and .gitignored"},
	{.name = "type", .type = FIELD_STRING, .offset = offsetof(struct arguments, type), .choices = types},
	{.name = "sort", .type = FIELD_STRING, .offset = offsetof(struct arguments, sort), .choices = sorts},
	{.name = "limit",
	 .type = FIELD_INTEGER,
	 .offset = offsetof(struct arguments, limit),
	 .min = 1,
	 .max = LIMIT_FIND_PATHS_MAX,
	 .preset = LIMIT_FIND_PATHS},
	{.name = "offset",
	 .type = FIELD_INTEGER,
	 .offset = offsetof(struct arguments, offset),
	 .min = 0,
	 .max = INT32_MAX},
	{0},
};

static const struct field output[] = {
	{.name = "paths", .type = FIELD_STRINGS, .flags = FIELD_REQUIRED},
	{.name = "total", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "complete", .type = FIELD_BOOLEAN, .flags = FIELD_REQUIRED},
	{.name = "next_offset", .type = FIELD_INTEGER},
	{0},
};

/* The number of a word among its choices, from 1; 0 where it is not given. */
static uint32_t number_of(const char *const *choices, const char *word)
{
	for (uint32_t i = 0; word && choices[i]; i++)
		if (strcmp(choices[i], word) == 0)
			return i + 1;
	return 0;
}

/*
 * Models write absolute patterns too. `/a/b` and `*.c` and so on: what stands before the first special
 * character becomes the path, and `./` keeps the rest where it was meant to be. False: too long.
 */
static bool split_absolute(const char *pattern, char *path, char *rest)
{
	size_t literal = strcspn(pattern, "*?[{\\"), length;

	while (pattern[literal - 1] != '/') /* it begins with one */
		literal--;
	length = literal > 1 ? literal - 1 : 1;
	if (length >= LIMIT_PATH_BYTES || strlen(pattern + literal) + 2 > LIMIT_GLOB_BYTES)
		return false;
	memcpy(path, pattern, length);
	path[length] = '\0';
	snprintf(rest, LIMIT_GLOB_BYTES + 1, "./%s", pattern + literal);
	return true;
}

static int pack(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct arguments *arguments = from;
	const char *path = arguments->path ? arguments->path : ".", *pattern = arguments->pattern;
	char room[LIMIT_PATH_BYTES], rest[LIMIT_GLOB_BYTES + 1];
	uint32_t sort = number_of(sorts, arguments->sort);
	int result;

	if (pattern[0] == '/' && !arguments->path && split_absolute(pattern, room, rest)) {
		path = room;
		pattern = rest;
	} else {
		path = quote_read(path, room);
	}
	if ((result = frame_put_text(payload, path)) < 0 || (result = frame_put_text(payload, pattern)) < 0 ||
	    (result = frame_put_u32(payload, arguments->ignored ? FILES_IGNORED : 0)) < 0 ||
	    (result = frame_put_u32(payload, number_of(types, arguments->type))) < 0 ||
	    (result = frame_put_u32(payload, sort ? sort - 1 : FILES_BY_NAME)) < 0 ||
	    (result = frame_put_u64(payload, (uint64_t)arguments->offset)) < 0 ||
	    (result = frame_put_u64(payload, (uint64_t)arguments->limit)) < 0 ||
	    (result = frame_put_u64(payload, context->result_bytes)) < 0 ||
	    (result = frame_put_u64(payload, tool_answer_by(context))) < 0)
		return err_set(err, result, "the request could not be packed: %s", err_name(result));
	return 0;
}

_Static_assert(FILES_NONE == 0 && FILES_FILE == 1 && FILES_DIRECTORY == 2 && FILES_LINK == 3 &&
		       FILES_BY_MODIFIED == 1 && FILES_BY_SIZE == 2,
	       "the order of the words, from 1 and from 0");

/* RESULT of FILES_FIND (wire.h); the paths follow, and are read twice: once for text, once for data. */
struct found {
	uint64_t total, first, next, ignored, hidden, unreadable;
	uint32_t flags, count;
	struct frame_reader paths;
};

static int decode(struct found *found, const void *payload, size_t length)
{
	struct frame_reader reader;

	frame_read(&reader, payload, length);
	found->total = frame_get_u64(&reader);
	found->first = frame_get_u64(&reader);
	found->next = frame_get_u64(&reader);
	found->ignored = frame_get_u64(&reader);
	found->hidden = frame_get_u64(&reader);
	found->unreadable = frame_get_u64(&reader);
	found->flags = frame_get_u32(&reader);
	found->count = frame_get_u32(&reader);
	found->paths = reader;
	return reader.failed || (found->flags & ~FILES_FIND_FLAGS) ? -EPROTO : 0;
}

/* The next path as it is shown, in memory of `shown`'s. */
static int next_path(struct frame_reader *reader, struct buffer *shown)
{
	char path[2 * LIMIT_PATH_BYTES + 2];
	int result;

	frame_get_text(reader, path, sizeof path);
	if (reader->failed)
		return -EPROTO;
	buffer_clear(shown, shown->max);
	result = quote_append(shown, path, strlen(path));
	return result < 0 ? result : buffer_append(shown, "", 1);
}

/* What was not looked at, said where nothing was found, and what makes the answer less than the whole. */
static int write_notes(struct tool_result *result, const struct found *found)
{
	int code = 0;

	if (found->total == 0 && (found->ignored || found->hidden))
		code = result_textf(result,
				    "[Not looked at: %" PRIu64 " ignored and %" PRIu64
				    " hidden names. ignored: true looks at them too.]\n",
				    found->ignored, found->hidden);
	if (code == 0 && (found->flags & FILES_FIND_SET))
		code = result_textf(result, "[In a pattern `[` begins a set of characters; `\\[` is the "
					    "character.]\n");
	if (code == 0 && found->unreadable)
		code = result_textf(result, "[%" PRIu64 " directories may not be read.]\n",
				    found->unreadable);
	if (code == 0 && (found->flags & FILES_FIND_CUT))
		code = result_textf(result, "[Not looked at: directories with too many names, or too deep; "
					    "give one of those as path.]\n");
	if (code == 0 && (found->flags & FILES_FIND_UNFINISHED))
		code = result_textf(result,
				    "[Not done in time. The same call with offset: %" PRIu64 " goes on.]",
				    found->next);
	else if (code == 0 && found->next)
		code = result_textf(result,
				    "[Cut: paths %" PRIu64 " to %" PRIu64 " of %" PRIu64
				    ". Continue with offset: %" PRIu64 ".]",
				    found->first + 1, found->first + found->count, found->total, found->next);
	return code;
}

static int write_text(struct tool_result *result, const struct found *found, struct buffer *shown)
{
	struct frame_reader reader = found->paths;
	int code = result_textf(result, "%s%" PRIu64 " %s\n",
				found->flags & FILES_FIND_UNFINISHED ? "at least " : "", found->total,
				found->total == 1 ? "path" : "paths");

	for (uint32_t i = 0; i < found->count && code == 0; i++) {
		code = next_path(&reader, shown);
		if (code == 0)
			code = result_textf(result, "%s\n", buffer_data(shown));
	}
	if (code == 0)
		code = frame_done(&reader);
	return code == 0 ? write_notes(result, found) : code;
}

static int write_result(struct tool_result *result, struct found *found, struct buffer *shown)
{
	struct json_writer *writer;
	int code = write_text(result, found, shown);

	if (code < 0)
		return code;
	writer = result_structured(result);
	json_key(writer, "paths");
	json_array(writer);
	for (uint32_t i = 0; i < found->count; i++) {
		code = next_path(&found->paths, shown);
		if (code < 0)
			return code;
		json_text(writer, buffer_data(shown));
	}
	json_array_end(writer);
	json_key_int(writer, "total", (int64_t)found->total);
	json_key_bool(writer, "complete", !(found->flags & (FILES_FIND_UNFINISHED | FILES_FIND_CUT)));
	if (found->next || (found->flags & FILES_FIND_UNFINISHED))
		json_key_int(writer, "next_offset", (int64_t)found->next);
	result_structured_end(result, writer);
	return writer->result;
}

static int unpack(struct tool_result *result, const void *payload, size_t length)
{
	struct found found;
	struct buffer shown;
	int code = decode(&found, payload, length);

	if (code < 0)
		return code;
	buffer_init(&shown, 2 * QUOTE_BYTES);
	code = write_result(result, &found, &shown);
	buffer_deinit(&shown);
	return code;
}

const struct tool find_files_tool = {
	.name = "find_files",
	.title = "Find files",
	.description = "Paths by glob (**, {a,b}).",
	.route = TOOL_SEARCH,
	.hints = TOOL_READ_ONLY | TOOL_CLOSED_WORLD,
	.operation = FILES_FIND,
	.input = input,
	.output = output,
	.arguments_bytes = sizeof(struct arguments),
	.pack = pack,
	.unpack = unpack,
};
