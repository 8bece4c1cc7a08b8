/* SPDX-License-Identifier: Apache-2.0 */
/* read_files: several files in one answer, a block each; what cannot be read fails only its own. */
#include <errno.h>
#include <string.h>

#include "protocol/frame.h"
#include "protocol/limits.h"
#include "tools/files/read_notes.h"
#include "tools/files/tools.h"
#include "tools/files/wire.h"
#include "tools/reply.h"

struct arguments {
	struct field_strings paths;
};

static const struct field input[] = {
	{.name = "paths",
	 .type = FIELD_STRINGS,
	 .flags = FIELD_REQUIRED,
	 .offset = offsetof(struct arguments, paths)},
	{0},
};

static int pack(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct arguments *arguments = from;
	const cJSON *path;
	int result;

	if (arguments->paths.count == 0 || arguments->paths.count > LIMIT_READ_FILES)
		return err_set(err, -EINVAL, "paths: expected 1 to %u paths, got %zu", LIMIT_READ_FILES,
			       arguments->paths.count);
	if ((result = frame_put_u64(payload, context->result_bytes)) < 0 ||
	    (result = frame_put_u32(payload, (uint32_t)arguments->paths.count)) < 0)
		return err_set(err, result, "the request could not be packed: %s", err_name(result));
	cJSON_ArrayForEach(path, arguments->paths.array)
	{
		size_t length = strlen(path->valuestring);

		if (length == 0 || length >= LIMIT_PATH_BYTES)
			return err_set(err, -EINVAL, "paths: a path has 1 to %u bytes, one has %zu",
				       LIMIT_PATH_BYTES - 1, length);
		result = frame_put_text(payload, path->valuestring);
		if (result < 0)
			return err_set(err, result, "the request could not be packed: %s", err_name(result));
	}
	return 0;
}

static int write_failure(struct tool_result *result, const void *payload, size_t length)
{
	struct frame_reader reader;
	const char *message;
	size_t size;

	frame_read(&reader, payload, length);
	message = frame_get_bytes(&reader, &size);
	if (frame_done(&reader) < 0)
		return -EPROTO;
	result_textf(result, "Error: ");
	return result_text(result, message, size);
}

static int write_denial(struct tool_result *result, const void *payload, size_t length)
{
	struct denial denial;
	char text[DENIAL_TEXT_BYTES];

	if (denial_decode(&denial, payload, length) < 0)
		return -EPROTO;
	denial_text(&denial, text);
	return result_text(result, text, strlen(text));
}

static int part(struct tool_result *result, uint16_t type, const void *payload, size_t length)
{
	int code = type == REPLY_RESULT    ? read_notes_write(result, payload, length)
		   : type == REPLY_FAILURE ? write_failure(result, payload, length)
		   : type == REPLY_DENIED  ? write_denial(result, payload, length)
					   : -EPROTO;

	result->replaced = 0;
	result_block_end(result);
	return code;
}

static int unpack(struct tool_result *result, const void *payload, size_t length)
{
	struct frame_reader reader;
	uint32_t count, refused;
	int code;

	frame_read(&reader, payload, length);
	count = frame_get_u32(&reader);
	refused = frame_get_u32(&reader);
	if (frame_done(&reader) < 0 || refused > count)
		return -EPROTO;
	code = result_meta_int(result, "files", count);
	return code == 0 && refused ? result_meta_int(result, "refused", refused) : code;
}

const struct tool read_files_tool = {
	.name = "read_files",
	.title = "Read several files",
	.description = "Read several files in one answer.",
	.route = TOOL_FILES,
	.hints = TOOL_READ_ONLY | TOOL_CLOSED_WORLD,
	.operation = FILES_READ_SEVERAL,
	.input = input,
	.arguments_bytes = sizeof(struct arguments),
	.pack = pack,
	.unpack = unpack,
	.part = part,
};
