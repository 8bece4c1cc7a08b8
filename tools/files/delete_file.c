/* SPDX-License-Identifier: Apache-2.0 */
/* delete_file: a file, a link, an empty directory; with `recursive` a directory and all that is in it. */
#include <errno.h>
#include <inttypes.h>

#include "protocol/frame.h"
#include "protocol/limits.h"
#include "tools/files/tools.h"
#include "tools/files/wire.h"

struct arguments {
	const char *path;
	bool recursive;
};

static const struct field input[] = {
	PATH_FIELD(path),
	{.name = "recursive", .type = FIELD_BOOLEAN, .offset = offsetof(struct arguments, recursive)},
	{0},
};

static const struct field output[] = {
	{.name = "path", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "deleted", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "bytes", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{0},
};

static int pack(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct arguments *arguments = from;
	int result;

	if ((result = frame_put_text(payload, arguments->path)) < 0 ||
	    (result = frame_put_u32(payload, arguments->recursive ? FILES_RECURSIVE : 0)) < 0)
		return err_set(err, result, "the request could not be packed: %s", err_name(result));
	return 0;
}

static int unpack(struct tool_result *result, const void *payload, size_t length)
{
	char path[LIMIT_PATH_BYTES];
	struct frame_reader reader;
	struct json_writer *writer;
	uint64_t count, bytes;

	frame_read(&reader, payload, length);
	count = frame_get_u64(&reader);
	bytes = frame_get_u64(&reader);
	frame_get_text(&reader, path, sizeof path);
	if (frame_done(&reader) < 0)
		return -EPROTO;
	result_textf(result, "%s: ", path);
	result_textf(result, "%" PRIu64 " %s deleted, %" PRIu64 " bytes", count,
		     count == 1 ? "entry" : "entries", bytes);
	writer = result_structured(result);
	json_key_text(writer, "path", path);
	json_key_int(writer, "deleted", (int64_t)count);
	json_key_int(writer, "bytes", (int64_t)bytes);
	result_structured_end(result, writer);
	return writer->result;
}

const struct tool delete_file_tool = {
	.name = "delete_file",
	.title = "Delete a file or directory",
	.description = "Delete a file, a directory, or a link itself.",
	.route = TOOL_FILES,
	.hints = TOOL_CLOSED_WORLD,
	.operation = FILES_DELETE,
	.input = input,
	.output = output,
	.arguments_bytes = sizeof(struct arguments),
	.pack = pack,
	.unpack = unpack,
};
