/* SPDX-License-Identifier: Apache-2.0 */
/* create_directory: with all that is missing on the way. */
#include <errno.h>

#include "protocol/frame.h"
#include "protocol/limits.h"
#include "tools/files/tools.h"
#include "tools/files/wire.h"

struct arguments {
	const char *path;
};

static const struct field input[] = {
	PATH_FIELD(path),
	{0},
};

static const struct field output[] = {
	{.name = "path", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "created", .type = FIELD_BOOLEAN, .flags = FIELD_REQUIRED},
	{0},
};

static int pack(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct arguments *arguments = from;
	int result = frame_put_text(payload, arguments->path);

	return result < 0 ? err_set(err, result, "the request could not be packed: %s", err_name(result)) : 0;
}

static int unpack(struct tool_result *result, const void *payload, size_t length)
{
	char path[LIMIT_PATH_BYTES];
	struct frame_reader reader;
	struct json_writer *writer;
	uint32_t made;

	frame_read(&reader, payload, length);
	made = frame_get_u32(&reader);
	frame_get_text(&reader, path, sizeof path);
	if (frame_done(&reader) < 0 || made > 1)
		return -EPROTO;
	result_textf(result, "%s: ", path);
	result_textf(result, "%s", made ? "created" : "was there already");
	writer = result_structured(result);
	json_key_text(writer, "path", path);
	json_key_bool(writer, "created", made);
	result_structured_end(result, writer);
	return writer->result;
}

const struct tool create_directory_tool = {
	.name = "create_directory",
	.title = "Create a directory",
	.description = "Make a directory, with its parents.",
	.route = TOOL_FILES,
	.hints = TOOL_NOT_DESTRUCTIVE | TOOL_IDEMPOTENT | TOOL_CLOSED_WORLD,
	.operation = FILES_MAKE,
	.input = input,
	.output = output,
	.arguments_bytes = sizeof(struct arguments),
	.pack = pack,
	.unpack = unpack,
};
