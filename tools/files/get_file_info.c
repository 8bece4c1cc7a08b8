/* SPDX-License-Identifier: Apache-2.0 */
/* get_file_info: what is at a path. Data: text and structured content each say it all. */
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
	bool sha256;
};

static const struct field input[] = {
	PATH_FIELD(path),
	{.name = "sha256", .type = FIELD_BOOLEAN, .offset = offsetof(struct arguments, sha256)},
	{0},
};

static const char *const types[] = {"none",   "file",   "directory", "link", "fifo",
				    "socket", "device", "other",     NULL};

_Static_assert(ARRAY_SIZE(types) == FILES_TYPES + 1, "a word for each type");

static const struct field output[] = {
	{.name = "path", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "type", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .choices = types + 1},
	{.name = "link_target", .type = FIELD_STRING},
	{.name = "size", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "disk_bytes", .type = FIELD_INTEGER},
	{.name = "mode", .type = FIELD_STRING},
	{.name = "uid", .type = FIELD_INTEGER},
	{.name = "gid", .type = FIELD_INTEGER},
	{.name = "hard_links", .type = FIELD_INTEGER},
	{.name = "modified", .type = FIELD_STRING},
	{.name = "accessed", .type = FIELD_STRING},
	{.name = "changed", .type = FIELD_STRING},
	{.name = "content", .type = FIELD_STRING},
	{.name = "encoding", .type = FIELD_STRING},
	{.name = "line_ends", .type = FIELD_STRING},
	{.name = "lines", .type = FIELD_INTEGER},
	{.name = "last_line_open", .type = FIELD_BOOLEAN},
	{.name = "looked_at_bytes", .type = FIELD_INTEGER},
	{.name = "sha256", .type = FIELD_STRING},
	{0},
};

static int pack(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct arguments *arguments = from;
	int result;

	if ((result = frame_put_text(payload, arguments->path)) < 0 ||
	    (result = frame_put_u32(payload, arguments->sha256 ? FILES_HASH : 0)) < 0)
		return err_set(err, result, "the request could not be packed: %s", err_name(result));
	return 0;
}

/* RESULT of FILES_INFO (wire.h). */
struct facts {
	uint32_t type, flags, uid, gid, hard_links;
	uint64_t size, disk, lines;
	char mode[8], modified[32], accessed[32], changed[32];
	char target[QUOTE_BYTES], kind[128], encoding[64], ends[16];
	char sha256[2 * FILES_SHA256_BYTES + 1], path[LIMIT_PATH_BYTES];
};

static void get_time(struct frame_reader *reader, char *text, size_t size)
{
	time_text_write(text, size, (int64_t)frame_get_u64(reader));
}

/* As it would be typed. */
static void get_target(struct frame_reader *reader, char shown[QUOTE_BYTES])
{
	char target[LIMIT_PATH_BYTES], room[QUOTE_BYTES];

	frame_get_text(reader, target, sizeof target);
	snprintf(shown, QUOTE_BYTES, "%s", quote_show(target, room));
}

static int decode(struct facts *facts, const void *payload, size_t length)
{
	struct frame_reader reader;
	const void *sha256;
	size_t sha256_length;

	frame_read(&reader, payload, length);
	facts->type = frame_get_u32(&reader);
	facts->flags = frame_get_u32(&reader);
	facts->size = frame_get_u64(&reader);
	facts->disk = frame_get_u64(&reader);
	snprintf(facts->mode, sizeof facts->mode, "%04o", frame_get_u32(&reader) & 07777);
	facts->uid = frame_get_u32(&reader);
	facts->gid = frame_get_u32(&reader);
	facts->hard_links = frame_get_u32(&reader);
	get_time(&reader, facts->modified, sizeof facts->modified);
	get_time(&reader, facts->accessed, sizeof facts->accessed);
	get_time(&reader, facts->changed, sizeof facts->changed);
	facts->lines = frame_get_u64(&reader);
	get_target(&reader, facts->target);
	frame_get_text(&reader, facts->kind, sizeof facts->kind);
	frame_get_text(&reader, facts->encoding, sizeof facts->encoding);
	frame_get_text(&reader, facts->ends, sizeof facts->ends);
	sha256 = frame_get_bytes(&reader, &sha256_length);
	frame_get_text(&reader, facts->path, sizeof facts->path);
	if (frame_done(&reader) < 0 || facts->type == FILES_NONE || facts->type >= FILES_TYPES ||
	    (facts->flags & ~FILES_INFO_FLAGS) || (sha256_length && sha256_length != FILES_SHA256_BYTES))
		return -EPROTO;
	result_hex(facts->sha256, sha256, sha256_length);
	return 0;
}

static void write_content_text(struct tool_result *result, const struct facts *facts)
{
	const char *most = facts->flags & FILES_INFO_PART ? " in its first 64 MB" : "";

	if (facts->kind[0])
		result_textf(result, "\ncontent: %s", facts->kind);
	if (facts->flags & FILES_INFO_TEXT)
		result_textf(result, "\nencoding: %s\nline ends: %s\nlines: %" PRIu64 "%s%s", facts->encoding,
			     facts->ends, facts->lines, most,
			     facts->flags & FILES_INFO_OPEN_END ? ", the last without an end" : "");
	if (facts->flags & FILES_INFO_UNREADABLE)
		result_textf(result, facts->type == FILES_LINK
					     ? "\n[It leads to nothing that may be looked at.]"
					     : "\n[Its content may not be read.]");
	if (facts->sha256[0])
		result_textf(result, "\nsha256: %s", facts->sha256);
}

static void write_text(struct tool_result *result, const struct facts *facts)
{
	result_textf(result, "%s: %s", facts->path, types[facts->type]);
	if (facts->target[0]) {
		result_textf(result, "\nlink target: ");
		result_text(result, facts->target, strlen(facts->target));
	}
	result_textf(result,
		     "\nsize: %" PRIu64 " bytes (%" PRIu64
		     " on the disk)\nmode: %s, user %u, group %u, hard links %u\nmodified: %s\naccessed: "
		     "%s\nchanged: %s",
		     facts->size, facts->disk, facts->mode, facts->uid, facts->gid, facts->hard_links,
		     facts->modified, facts->accessed, facts->changed);
	write_content_text(result, facts);
}

static void write_content(struct json_writer *writer, const struct facts *facts)
{
	if (facts->kind[0])
		json_key_text(writer, "content", facts->kind);
	if (facts->flags & FILES_INFO_TEXT) {
		json_key_text(writer, "encoding", facts->encoding);
		json_key_text(writer, "line_ends", facts->ends);
		json_key_int(writer, "lines", (int64_t)facts->lines);
		json_key_bool(writer, "last_line_open", facts->flags & FILES_INFO_OPEN_END);
	}
	if (facts->flags & FILES_INFO_PART)
		json_key_int(writer, "looked_at_bytes", LIMIT_INFO_TEXT_BYTES);
	if (facts->sha256[0])
		json_key_text(writer, "sha256", facts->sha256);
}

static int unpack(struct tool_result *result, const void *payload, size_t length)
{
	struct json_writer *writer;
	struct facts facts;

	if (decode(&facts, payload, length) < 0)
		return -EPROTO;
	write_text(result, &facts);
	writer = result_structured(result);
	json_key_text(writer, "path", facts.path);
	json_key_text(writer, "type", types[facts.type]);
	if (facts.target[0])
		json_key_text(writer, "link_target", facts.target);
	json_key_int(writer, "size", (int64_t)facts.size);
	json_key_int(writer, "disk_bytes", (int64_t)facts.disk);
	json_key_text(writer, "mode", facts.mode);
	json_key_int(writer, "uid", facts.uid);
	json_key_int(writer, "gid", facts.gid);
	json_key_int(writer, "hard_links", facts.hard_links);
	json_key_text(writer, "modified", facts.modified);
	json_key_text(writer, "accessed", facts.accessed);
	json_key_text(writer, "changed", facts.changed);
	write_content(writer, &facts);
	result_structured_end(result, writer);
	return writer->result;
}

const struct tool get_file_info_tool = {
	.name = "get_file_info",
	.title = "Facts about a file",
	.description = "Type, size, mode, owner, times, encoding, line ends, lines.",
	.route = TOOL_FILES,
	.hints = TOOL_READ_ONLY | TOOL_CLOSED_WORLD,
	.operation = FILES_INFO,
	.input = input,
	.output = output,
	.arguments_bytes = sizeof(struct arguments),
	.pack = pack,
	.unpack = unpack,
};
