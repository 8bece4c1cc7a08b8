/* SPDX-License-Identifier: Apache-2.0 */
/* edit_file: exact replacements in a text file, all or none, answered by what has changed. */
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
	const char *path, *expected_sha256;
	const cJSON *edits;
	bool dry_run;
};

static const struct field edit_fields[] = {
	{.name = "old", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .min = 1},
	{.name = "new", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "all", .type = FIELD_BOOLEAN, .description = "Each place, not the only one"},
	{0},
};

static const struct field input[] = {
	PATH_FIELD(path),
	{.name = "edits",
	 .type = FIELD_OBJECTS,
	 .flags = FIELD_REQUIRED,
	 .offset = offsetof(struct arguments, edits),
	 .inner = edit_fields},
	{.name = "dry_run", .type = FIELD_BOOLEAN, .offset = offsetof(struct arguments, dry_run)},
	{.name = "expected_sha256",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct arguments, expected_sha256)},
	{0},
};

static const struct field output[] = {
	{.name = "path", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "diff", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "cut_at_line",
	 .type = FIELD_INTEGER,
	 .description = "From here on changes are not in the diff"},
	{.name = "replacements",
	 .type = FIELD_INTEGERS,
	 .flags = FIELD_REQUIRED,
	 .description = "Of each edit"},
	{.name = "bytes", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "sha256", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "written", .type = FIELD_BOOLEAN, .flags = FIELD_REQUIRED},
	{.name = "other_links", .type = FIELD_INTEGER},
	{0},
};

/* ---- the request ---- */

static int check(const struct arguments *arguments, struct err *err)
{
	int result = expected_sha256_check(arguments->expected_sha256, err);
	int count = cJSON_GetArraySize(arguments->edits);

	if (result < 0)
		return result;
	if (count == 0)
		return err_set(err, -EINVAL, "edits: there is none; each is {\"old\": .., \"new\": ..}");
	if (count > LIMIT_EDITS)
		return err_set(err, -EINVAL,
			       "edits: %d at once, and at most %d are taken; send them in several calls, or "
			       "use write_file",
			       count, LIMIT_EDITS);
	return 0;
}

static int pack_edits(const cJSON *edits, struct buffer *payload)
{
	int result = frame_put_u32(payload, (uint32_t)cJSON_GetArraySize(edits));

	for (const cJSON *edit = edits->child; edit && result == 0; edit = edit->next) {
		const char *old = cJSON_GetObjectItemCaseSensitive(edit, "old")->valuestring;
		const char *new = cJSON_GetObjectItemCaseSensitive(edit, "new")->valuestring;

		if ((result = frame_put_text(payload, old)) == 0 &&
		    (result = frame_put_text(payload, new)) == 0)
			result = frame_put_u32(payload,
					       cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(edit, "all")));
	}
	return result;
}

static int pack(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct arguments *arguments = from;
	int result = check(arguments, err);

	if (result < 0)
		return result;
	/* the diff stands in the text and beside it: together within what a result may have */
	if ((result = frame_put_text(payload, arguments->path)) == 0 &&
	    (result = frame_put_u32(payload, arguments->dry_run ? FILES_DRY_RUN : 0)) == 0 &&
	    (result = frame_put_text(payload, arguments->expected_sha256)) == 0 &&
	    (result = frame_put_u64(payload, context->result_bytes / 2)) == 0)
		result = pack_edits(arguments->edits, payload);
	if (result < 0)
		return err_set(err, result, "the request could not be packed: %s", err_name(result));
	return 0;
}

/* ---- the answer ---- */

struct answer {
	char path[QUOTE_BYTES], kind[128], hex[2 * FILES_SHA256_BYTES + 1];
	uint32_t flags, links, count;
	uint64_t bytes, cut, replaced; /* replaced: the sum */
	const uint8_t *counts;         /* u64 each */
	const char *diff;
	size_t diff_length;
};

static int decode(struct answer *answer, const void *payload, size_t length)
{
	struct frame_reader reader;
	const void *sha256;
	size_t sha256_length;

	frame_read(&reader, payload, length);
	frame_get_text(&reader, answer->path, sizeof answer->path);
	answer->flags = frame_get_u32(&reader);
	answer->bytes = frame_get_u64(&reader);
	sha256 = frame_get_bytes(&reader, &sha256_length);
	answer->links = frame_get_u32(&reader);
	answer->cut = frame_get_u64(&reader);
	frame_get_text(&reader, answer->kind, sizeof answer->kind);
	answer->count = frame_get_u32(&reader);
	answer->counts = reader.at;
	answer->replaced = 0;
	if (answer->count > LIMIT_EDITS)
		return -EPROTO;
	for (uint32_t i = 0; i < answer->count; i++)
		answer->replaced += frame_get_u64(&reader);
	answer->diff = frame_get_bytes(&reader, &answer->diff_length);
	if (frame_done(&reader) < 0 || sha256_length != FILES_SHA256_BYTES ||
	    (answer->flags & ~FILES_EDIT_FLAGS))
		return -EPROTO;
	result_hex(answer->hex, sha256, FILES_SHA256_BYTES);
	return 0;
}

static bool written(const struct answer *answer)
{
	return answer->flags == 0;
}

static void write_text(struct tool_result *result, const struct answer *answer)
{
	struct frame_reader counts;

	result_textf(result, "%s: %s, %" PRIu64 " replacement%s", answer->path,
		     answer->flags & FILES_EDIT_SAME ? "nothing has changed, so nothing was written"
		     : written(answer)               ? "edited"
						     : "would be edited (dry run: nothing was written)",
		     answer->replaced, answer->replaced == 1 ? "" : "s");
	frame_read(&counts, answer->counts, 8 * (size_t)answer->count);
	for (uint32_t i = 0; answer->count > 1 && i < answer->count; i++)
		result_textf(result, "%s%" PRIu64 "%s", i ? ", " : " (", frame_get_u64(&counts),
			     i + 1 == answer->count ? ")" : "");
	result_textf(result, ", %" PRIu64 " bytes%s%s, sha256 %s\n", answer->bytes,
		     *answer->kind ? " of " : "", answer->kind, answer->hex);
	result_text(result, answer->diff, answer->diff_length);
	if (answer->links)
		result_textf(result, "[The old file had %u more hard link%s: there the old content stays.]\n",
			     answer->links, answer->links == 1 ? "" : "s");
	if (answer->cut && written(answer))
		result_textf(result,
			     "[Changes from line %" PRIu64 " on are not shown: read_file with offset %" PRIu64
			     " shows the file]\n",
			     answer->cut, answer->cut);
	else if (answer->cut)
		result_textf(result,
			     "[Changes from line %" PRIu64
			     " on are not shown: a dry run of the last edits alone shows them]\n",
			     answer->cut);
}

static int unpack(struct tool_result *result, const void *payload, size_t length)
{
	struct frame_reader counts;
	struct json_writer *writer;
	struct answer answer;

	if (decode(&answer, payload, length) < 0)
		return -EPROTO;
	write_text(result, &answer);
	writer = result_structured(result);
	json_key_text(writer, "path", answer.path);
	json_key(writer, "diff");
	json_bytes(writer, answer.diff, answer.diff_length);
	if (answer.cut)
		json_key_int(writer, "cut_at_line", (int64_t)answer.cut);
	json_key(writer, "replacements");
	json_array(writer);
	frame_read(&counts, answer.counts, 8 * (size_t)answer.count);
	for (uint32_t i = 0; i < answer.count; i++)
		json_int(writer, (int64_t)frame_get_u64(&counts));
	json_array_end(writer);
	json_key_int(writer, "bytes", (int64_t)answer.bytes);
	json_key_text(writer, "sha256", answer.hex);
	json_key_bool(writer, "written", written(&answer));
	if (answer.links)
		json_key_int(writer, "other_links", answer.links);
	result_structured_end(result, writer);
	return writer->result;
}

const struct tool edit_file_tool = {
	.name = "edit_file",
	.title = "Edit a file",
	.description =
		"Replace exact text, which must be there once unless all; all edits or none, in order. "
		"Line ends and encoding stay.",
	.route = TOOL_FILES,
	.hints = TOOL_CLOSED_WORLD,
	.operation = FILES_EDIT,
	.input = input,
	.output = output,
	.arguments_bytes = sizeof(struct arguments),
	.pack = pack,
	.unpack = unpack,
};
