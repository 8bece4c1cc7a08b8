/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What completion/complete asks of the template file://{+path}: which paths begin so. No tool of the table,
 * but a call of the files executor like one.
 */
#include <errno.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "tools/files/tools.h"
#include "tools/files/uri.h"
#include "tools/files/wire.h"

struct arguments {
	const char *path;
};

static const struct field input[] = {
	{.name = "path",
	 .type = FIELD_STRING,
	 .flags = FIELD_REQUIRED,
	 .offset = offsetof(struct arguments, path),
	 .max = LIMIT_PATH_BYTES - 1},
	{0},
};

static int pack(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct arguments *arguments = from;
	int result = frame_put_text(payload, arguments->path);

	return result < 0 ? err_set(err, result, "the request could not be packed: %s", err_name(result)) : 0;
}

/* One value: the directory as it was typed, so that what a client shows still begins with that. */
static int write_value(struct tool_result *result, const char *typed, size_t directory, const char *name)
{
	_cleanup_(buffer_deinit) struct buffer value;
	int code;

	buffer_init(&value, LIMIT_RESOURCE_URI_BYTES + 3 * LIMIT_PATH_BYTES);
	code = buffer_append(&value, typed, directory);
	if (code == 0)
		code = uri_append_path(&value, name);
	if (code < 0)
		return code;
	json_bytes(mcp_result_writer(result->call), buffer_data(&value), buffer_length(&value));
	return mcp_result_writer(result->call)->result;
}

static int unpack(struct tool_result *result, const void *payload, size_t length)
{
	const struct mcp_completion *asked = mcp_call_completion(result->call);
	char name[LIMIT_PATH_BYTES + 1];
	struct frame_reader reader;
	uint32_t flags, count;
	uint64_t total;
	int code = 0;

	frame_read(&reader, payload, length);
	flags = frame_get_u32(&reader);
	total = frame_get_u64(&reader);
	count = frame_get_u32(&reader);
	if (reader.failed || (flags & ~(uint32_t)FILES_COMPLETE_FLAGS) || count > LIMIT_COMPLETIONS ||
	    count > total || total > LIMIT_LIST_VISITED)
		return -EPROTO;
	result->out = mcp_result_begin(result->call);
	for (uint32_t i = 0; i < count && code == 0; i++) {
		frame_get_text(&reader, name, sizeof name);
		code = reader.failed
			       ? -EPROTO
			       : write_value(result, asked->value,
					     flags & FILES_COMPLETE_WHOLE ? 0 : uri_directory(asked->value),
					     name);
	}
	if (code == 0 && frame_done(&reader) < 0)
		code = -EPROTO;
	if (code < 0)
		return code;
	mcp_completion_end(result->call, total, !(flags & FILES_COMPLETE_AT_LEAST),
			   count < total || (flags & FILES_COMPLETE_AT_LEAST));
	return 0;
}

const struct tool complete_path_tool = {
	.name = "completion",
	.route = TOOL_FILES,
	.operation = FILES_COMPLETE,
	.input = input,
	.arguments_bytes = sizeof(struct arguments),
	.pack = pack,
	.unpack = unpack,
};
