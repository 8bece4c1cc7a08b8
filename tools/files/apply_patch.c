/* SPDX-License-Identifier: Apache-2.0 */
/* apply_patch: the patch goes to the executor as it is, which alone knows what it means there. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "tools/files/quote.h"
#include "tools/files/tools.h"
#include "tools/files/wire.h"

struct arguments {
	const char *patch;
	bool dry_run;
};

static const struct field input[] = {
	{.name = "patch",
	 .type = FIELD_STRING,
	 .flags = FIELD_REQUIRED,
	 .offset = offsetof(struct arguments, patch),
	 .min = 1},
	{.name = "dry_run", .type = FIELD_BOOLEAN, .offset = offsetof(struct arguments, dry_run)},
	{0},
};

static const char *const outcomes[] = {"created", "updated", "deleted", "renamed", "copied", NULL};

_Static_assert(ARRAY_SIZE(outcomes) == FILES_PATCH_OUTCOMES + 1, "a word for each outcome");

static const struct field file[] = {
	{.name = "path", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "outcome", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .choices = outcomes},
	{.name = "from", .type = FIELD_STRING},
	{.name = "added", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "removed", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "offset", .type = FIELD_INTEGER, .description = "Lines that hunks were off"},
	{0},
};

static const struct field output[] = {
	{.name = "files", .type = FIELD_OBJECTS, .flags = FIELD_REQUIRED, .inner = file},
	{.name = "dry_run", .type = FIELD_BOOLEAN, .flags = FIELD_REQUIRED},
	{0},
};

static int pack(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct arguments *arguments = from;
	int result = frame_put_u32(payload, arguments->dry_run ? FILES_DRY_RUN : 0);

	if (result == 0)
		result = frame_put_bytes(payload, arguments->patch, strlen(arguments->patch));
	return result < 0 ? err_set(err, result, "the request could not be packed: %s", err_name(result)) : 0;
}

/* One file of the result (wire.h). */
struct item {
	char path[QUOTE_BYTES], from[QUOTE_BYTES];
	uint32_t outcome, moved;
	uint64_t added, removed;
	int64_t offset;
};

static int next_item(struct frame_reader *reader, struct item *item)
{
	frame_get_text(reader, item->path, sizeof item->path);
	frame_get_text(reader, item->from, sizeof item->from);
	item->outcome = frame_get_u32(reader);
	item->added = frame_get_u64(reader);
	item->removed = frame_get_u64(reader);
	item->moved = frame_get_u32(reader);
	item->offset = (int64_t)frame_get_u64(reader);
	return reader->failed || item->outcome >= FILES_PATCH_OUTCOMES ? -EPROTO : 0;
}

static void write_line(struct tool_result *result, const struct item *item)
{
	result_textf(result, "\n%s: %s", item->path, outcomes[item->outcome]);
	if (item->from[0])
		result_textf(result, " from %s", item->from);
	result_textf(result, ", +%" PRIu64 " -%" PRIu64, item->added, item->removed);
	if (item->moved)
		result_textf(result, " (%u hunk%s not at the line given: %+" PRId64 " lines)", item->moved,
			     item->moved == 1 ? "" : "s", item->offset);
}

static void write_item(struct json_writer *writer, const struct item *item)
{
	json_object(writer);
	json_key_text(writer, "path", item->path);
	json_key_text(writer, "outcome", outcomes[item->outcome]);
	if (item->from[0])
		json_key_text(writer, "from", item->from);
	json_key_int(writer, "added", (int64_t)item->added);
	json_key_int(writer, "removed", (int64_t)item->removed);
	if (item->moved)
		json_key_int(writer, "offset", item->offset);
	json_object_end(writer);
}

static int unpack(struct tool_result *result, const void *payload, size_t length)
{
	struct frame_reader reader, again;
	struct json_writer *writer;
	struct item item;
	uint32_t flags, count;

	frame_read(&reader, payload, length);
	flags = frame_get_u32(&reader);
	count = frame_get_u32(&reader);
	again = reader;
	result_textf(result,
		     "%s %u file%s:", flags & FILES_DRY_RUN ? "Fits (nothing was written)" : "Patched", count,
		     count == 1 ? "" : "s");
	for (uint32_t i = 0; i < count; i++) {
		if (next_item(&reader, &item) < 0)
			return -EPROTO;
		write_line(result, &item);
	}
	if (frame_done(&reader) < 0)
		return -EPROTO;
	writer = result_structured(result);
	json_key(writer, "files");
	json_array(writer);
	for (uint32_t i = 0; i < count && next_item(&again, &item) == 0; i++)
		write_item(writer, &item);
	json_array_end(writer);
	json_key_bool(writer, "dry_run", flags & FILES_DRY_RUN);
	result_structured_end(result, writer);
	return writer->result;
}

const struct tool apply_patch_tool = {
	.name = "apply_patch",
	.title = "Apply a patch",
	.description =
		"Apply a unified diff (git's or plain) or a `*** Begin Patch` patch; all its files or none.",
	.route = TOOL_FILES,
	.hints = TOOL_CLOSED_WORLD,
	.operation = FILES_PATCH,
	.input = input,
	.output = output,
	.arguments_bytes = sizeof(struct arguments),
	.pack = pack,
	.unpack = unpack,
};
