/* SPDX-License-Identifier: Apache-2.0 */
/* list_directory: entries of a directory or of a tree. Data: text and structured content each say it all. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "tools/files/quote.h"
#include "tools/files/time_text.h"
#include "tools/files/tools.h"
#include "tools/files/wire.h"

struct arguments {
	const char *path;
	int64_t depth, limit, offset;
	bool hidden, ignored;
};

static const struct field input[] = {
	{.name = "path",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct arguments, path),
	 .min = 1,
	 .max = LIMIT_PATH_BYTES - 1,
	 .description = "Default: the first workspace"},
	{.name = "depth",
	 .type = FIELD_INTEGER,
	 .offset = offsetof(struct arguments, depth),
	 .min = 1,
	 .max = LIMIT_LIST_DEPTH,
	 .preset = 1,
	 .description = "Default 1; more shows the tree"},
	{.name = "hidden",
	 .type = FIELD_BOOLEAN,
	 .offset = offsetof(struct arguments, hidden),
	 .description = "Also dot files"},
	{.name = "ignored",
	 .type = FIELD_BOOLEAN,
	 .offset = offsetof(struct arguments, ignored),
	 .description = "Also .gitignored"},
	{.name = "limit",
	 .type = FIELD_INTEGER,
	 .offset = offsetof(struct arguments, limit),
	 .min = 1,
	 .max = LIMIT_LIST_ENTRIES_MAX,
	 .preset = LIMIT_LIST_ENTRIES},
	{.name = "offset",
	 .type = FIELD_INTEGER,
	 .offset = offsetof(struct arguments, offset),
	 .min = 0,
	 .max = INT32_MAX},
	{0},
};

static const char *const types[] = {"none",   "file",   "directory", "link", "fifo",
				    "socket", "device", "other",     NULL};

_Static_assert(ARRAY_SIZE(types) == FILES_TYPES + 1, "a word for each type");

static const struct field entry[] = {
	{.name = "name", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "type", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .choices = types + 1},
	{.name = "size", .type = FIELD_INTEGER},
	{.name = "modified", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "target", .type = FIELD_STRING},
	{0},
};

static const struct field output[] = {
	{.name = "path", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "entries", .type = FIELD_OBJECTS, .flags = FIELD_REQUIRED, .inner = entry},
	{.name = "total", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "hidden", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "ignored", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "next_offset", .type = FIELD_INTEGER},
	{0},
};

static int pack(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct arguments *arguments = from;
	uint32_t flags = (arguments->hidden ? FILES_HIDDEN : 0) | (arguments->ignored ? FILES_IGNORED : 0);
	char room[LIMIT_PATH_BYTES];
	int result;

	if ((result = frame_put_text(payload, arguments->path ? quote_read(arguments->path, room) : ".")) <
		    0 ||
	    (result = frame_put_u32(payload, (uint32_t)arguments->depth)) < 0 ||
	    (result = frame_put_u32(payload, flags)) < 0 ||
	    (result = frame_put_u64(payload, (uint64_t)arguments->offset)) < 0 ||
	    (result = frame_put_u64(payload, (uint64_t)arguments->limit)) < 0 ||
	    (result = frame_put_u64(payload, context->result_bytes)) < 0)
		return err_set(err, result, "the request could not be packed: %s", err_name(result));
	return 0;
}

/* RESULT of FILES_LIST (wire.h); the entries follow, and are read twice: once for text, once for data. */
struct listing {
	char path[LIMIT_PATH_BYTES];
	uint64_t total, first, next, hidden, ignored;
	uint32_t flags, count;
	struct frame_reader entries;
};

struct item {
	char name[QUOTE_BYTES], target[QUOTE_BYTES], modified[32]; /* names as they are shown */
	uint32_t type;
	uint64_t size;
};

static int decode(struct listing *listing, const void *payload, size_t length)
{
	struct frame_reader reader;

	frame_read(&reader, payload, length);
	frame_get_text(&reader, listing->path, sizeof listing->path);
	listing->total = frame_get_u64(&reader);
	listing->first = frame_get_u64(&reader);
	listing->next = frame_get_u64(&reader);
	listing->hidden = frame_get_u64(&reader);
	listing->ignored = frame_get_u64(&reader);
	listing->flags = frame_get_u32(&reader);
	listing->count = frame_get_u32(&reader);
	listing->entries = reader;
	return reader.failed || (listing->flags & ~FILES_LIST_FLAGS) ? -EPROTO : 0;
}

/* A name, as it is shown, into `to`, which has QUOTE_BYTES. */
static void next_name(struct frame_reader *reader, char *to)
{
	char name[LIMIT_PATH_BYTES];

	frame_get_text(reader, name, sizeof name);
	if (quote_show(name, to) == name)
		memcpy(to, name, strlen(name) + 1);
}

static int next_item(struct frame_reader *reader, struct item *item)
{
	int64_t modified;

	next_name(reader, item->name);
	item->type = frame_get_u32(reader);
	item->size = frame_get_u64(reader);
	modified = (int64_t)frame_get_u64(reader);
	next_name(reader, item->target);
	if (reader->failed || item->type == FILES_NONE || item->type >= FILES_TYPES)
		return -EPROTO;
	time_text_write(item->modified, sizeof item->modified, modified);
	return 0;
}

/* One line: name (a slash behind directories), size or kind, time. */
static int write_line(struct tool_result *result, const struct item *item)
{
	switch (item->type) {
	case FILES_DIRECTORY:
		return result_textf(result, "%s/\n", item->name);
	case FILES_FILE:
		return result_textf(result, "%s  %" PRIu64 "  %s\n", item->name, item->size, item->modified);
	case FILES_LINK:
		result_textf(result, "%s -> ", item->name);
		return result_textf(result, "%s\n", item->target);
	default:
		return result_textf(result, "%s  (%s)\n", item->name, types[item->type]);
	}
}

static int write_text(struct tool_result *result, const struct listing *listing)
{
	struct frame_reader reader = listing->entries;
	const char *bound = listing->flags & FILES_LIST_AT_LEAST ? "at least " : "";
	struct item item;
	char room[QUOTE_BYTES];
	int code = result_textf(result, "%s: %s%" PRIu64 " %s", quote_show(listing->path, room), bound,
				listing->total, listing->total == 1 ? "entry" : "entries");

	if (code == 0 && listing->hidden)
		code = result_textf(result, " and %" PRIu64 " hidden (hidden: true shows them)",
				    listing->hidden);
	if (code == 0 && listing->ignored)
		code = result_textf(result, " and %" PRIu64 " ignored (ignored: true shows them)",
				    listing->ignored);
	if (code == 0)
		code = result_textf(result, "\n");
	for (uint32_t i = 0; i < listing->count && code == 0; i++) {
		code = next_item(&reader, &item);
		if (code == 0)
			code = write_line(result, &item);
	}
	if (code == 0)
		code = frame_done(&reader);
	if (code == 0 && listing->next)
		code = result_textf(result,
				    "[Cut: entries %" PRIu64 " to %" PRIu64 " of %s%" PRIu64
				    ". Continue with offset: %" PRIu64 ".]",
				    listing->first + 1, listing->first + listing->count, bound,
				    listing->total, listing->next);
	return code;
}

static void write_entry(struct json_writer *writer, const struct item *item)
{
	json_object(writer);
	json_key_text(writer, "name", item->name);
	json_key_text(writer, "type", types[item->type]);
	if (item->type == FILES_FILE)
		json_key_int(writer, "size", (int64_t)item->size);
	json_key_text(writer, "modified", item->modified);
	if (item->type == FILES_LINK)
		json_key_text(writer, "target", item->target);
	json_object_end(writer);
}

static int unpack(struct tool_result *result, const void *payload, size_t length)
{
	struct listing listing;
	struct json_writer *writer;
	char room[QUOTE_BYTES];
	struct item item;
	int code = decode(&listing, payload, length);

	if (code == 0)
		code = write_text(result, &listing);
	if (code < 0)
		return code;
	writer = result_structured(result);
	json_key_text(writer, "path", quote_show(listing.path, room));
	json_key(writer, "entries");
	json_array(writer);
	for (uint32_t i = 0; i < listing.count; i++) {
		code = next_item(&listing.entries, &item);
		if (code < 0)
			return code;
		write_entry(writer, &item);
	}
	json_array_end(writer);
	json_key_int(writer, "total", (int64_t)listing.total);
	json_key_int(writer, "hidden", (int64_t)listing.hidden);
	json_key_int(writer, "ignored", (int64_t)listing.ignored);
	if (listing.next)
		json_key_int(writer, "next_offset", (int64_t)listing.next);
	result_structured_end(result, writer);
	return writer->result;
}

const struct tool list_directory_tool = {
	.name = "list_directory",
	.title = "List a directory",
	.description = "Names, types, sizes, times of a directory's entries.",
	.route = TOOL_FILES,
	.hints = TOOL_READ_ONLY | TOOL_CLOSED_WORLD,
	.operation = FILES_LIST,
	.input = input,
	.output = output,
	.arguments_bytes = sizeof(struct arguments),
	.pack = pack,
	.unpack = unpack,
};
