/* SPDX-License-Identifier: Apache-2.0 */
/* move_file and copy_file: the same arguments and the same answer. */
#include <errno.h>
#include <inttypes.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "tools/files/tools.h"
#include "tools/files/wire.h"

struct arguments {
	const char *source, *destination;
	bool overwrite;
};

static const struct field input[] = {
	PATH_FIELD(source),
	PATH_FIELD(destination),
	{.name = "overwrite", .type = FIELD_BOOLEAN, .offset = offsetof(struct arguments, overwrite)},
	{0},
};

static const char *const outcomes[] = {"made", "replaced", NULL};

_Static_assert(ARRAY_SIZE(outcomes) == FILES_TRANSFER_OUTCOMES + 1, "a word for each outcome");

static const struct field moved[] = {
	{.name = "source", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "destination", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "outcome", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .choices = outcomes},
	{0},
};

static const struct field copied[] = {
	{.name = "source", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "destination", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "outcome", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .choices = outcomes},
	{.name = "copied", .type = FIELD_INTEGER},
	{.name = "bytes", .type = FIELD_INTEGER},
	{0},
};

static int pack(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct arguments *arguments = from;
	int result;

	if ((result = frame_put_text(payload, arguments->source)) < 0 ||
	    (result = frame_put_text(payload, arguments->destination)) < 0 ||
	    (result = frame_put_u32(payload, arguments->overwrite ? FILES_OVERWRITE : 0)) < 0)
		return err_set(err, result, "the request could not be packed: %s", err_name(result));
	return 0;
}

/* RESULT of FILES_MOVE and FILES_COPY (wire.h). */
struct transferred {
	uint32_t outcome, flags;
	uint64_t count, bytes;
	char source[LIMIT_PATH_BYTES], destination[LIMIT_PATH_BYTES];
};

static int decode(struct transferred *done, const void *payload, size_t length)
{
	struct frame_reader reader;

	frame_read(&reader, payload, length);
	done->outcome = frame_get_u32(&reader);
	done->flags = frame_get_u32(&reader);
	done->count = frame_get_u64(&reader);
	done->bytes = frame_get_u64(&reader);
	frame_get_text(&reader, done->source, sizeof done->source);
	frame_get_text(&reader, done->destination, sizeof done->destination);
	if (done->outcome >= FILES_TRANSFER_OUTCOMES || (done->flags & ~FILES_TRANSFER_FLAGS))
		return -EPROTO;
	return frame_done(&reader);
}

static void write_text(struct tool_result *result, const struct transferred *done, bool copy)
{
	result_textf(result, "%s -> ", done->source);
	result_textf(result, "%s: ", done->destination);
	result_textf(result, "%s%s", copy ? "copied" : "moved",
		     done->outcome == FILES_TRANSFER_REPLACED ? ", a file replaced" : "");
	if (copy)
		result_textf(result, " (%" PRIu64 " %s, %" PRIu64 " bytes)", done->count,
			     done->count == 1 ? "entry" : "entries", done->bytes);
	if (done->flags & FILES_TRANSFER_COPIED)
		result_textf(result, "\n[Copied to another file system and removed here.]");
	if (done->flags & FILES_TRANSFER_LOST)
		result_textf(result, "\n[Some extended attributes or owners could not be kept there.]");
}

static int write_result(struct tool_result *result, const void *payload, size_t length, bool copy)
{
	struct json_writer *writer;
	struct transferred done;

	if (decode(&done, payload, length) < 0)
		return -EPROTO;
	write_text(result, &done, copy);
	writer = result_structured(result);
	json_key_text(writer, "source", done.source);
	json_key_text(writer, "destination", done.destination);
	json_key_text(writer, "outcome", outcomes[done.outcome]);
	if (copy) {
		json_key_int(writer, "copied", (int64_t)done.count);
		json_key_int(writer, "bytes", (int64_t)done.bytes);
	}
	result_structured_end(result, writer);
	return writer->result;
}

static int unpack_move(struct tool_result *result, const void *payload, size_t length)
{
	return write_result(result, payload, length, false);
}

static int unpack_copy(struct tool_result *result, const void *payload, size_t length)
{
	return write_result(result, payload, length, true);
}

const struct tool move_file_tool = {
	.name = "move_file",
	.title = "Move or rename",
	.description = "Move or rename a file or directory.",
	.route = TOOL_FILES,
	.hints = TOOL_CLOSED_WORLD,
	.operation = FILES_MOVE,
	.input = input,
	.output = moved,
	.arguments_bytes = sizeof(struct arguments),
	.pack = pack,
	.unpack = unpack_move,
};

const struct tool copy_file_tool = {
	.name = "copy_file",
	.title = "Copy",
	.description = "Copy a file or directory.",
	.route = TOOL_FILES,
	.hints = TOOL_CLOSED_WORLD,
	.operation = FILES_COPY,
	.input = input,
	.output = copied,
	.arguments_bytes = sizeof(struct arguments),
	.pack = pack,
	.unpack = unpack_copy,
};
