/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_file: text by lines, images and audio as such. Bulk: the text is streamed by the executor straight
 * into the answer; what is left to do here is the last line, which says what is missing, and the facts.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "protocol/frame.h"
#include "protocol/limits.h"
#include "tools/files/read_notes.h"
#include "tools/files/tools.h"
#include "tools/files/wire.h"

struct arguments {
	const char *path;
	int64_t offset, limit;
	bool numbers;
};

static const struct field input[] = {
	PATH_FIELD(path),
	{.name = "offset",
	 .type = FIELD_INTEGER,
	 .offset = offsetof(struct arguments, offset),
	 .preset = 1,
	 .description = "First line, from 1; negative counts from the end"},
	{.name = "limit",
	 .type = FIELD_INTEGER,
	 .offset = offsetof(struct arguments, limit),
	 .min = 1,
	 .max = LIMIT_READ_LINES_MAX,
	 .preset = LIMIT_READ_LINES,
	 .description = "Lines, default 2000"},
	{.name = "numbers",
	 .type = FIELD_BOOLEAN,
	 .offset = offsetof(struct arguments, numbers),
	 .description = "Show line numbers"},
	{0},
};

static int pack(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct arguments *arguments = from;
	int result;

	if (arguments->offset == 0)
		return err_set(err, -EINVAL,
			       "offset: 0 is no line. Lines count from 1, or from the end when negative");
	if ((result = frame_put_text(payload, arguments->path)) < 0 ||
	    (result = frame_put_u64(payload, (uint64_t)arguments->offset)) < 0 ||
	    (result = frame_put_u64(payload, (uint64_t)arguments->limit)) < 0 ||
	    (result = frame_put_u64(payload, context->result_bytes)) < 0 ||
	    (result = frame_put_u32(payload, arguments->numbers ? FILES_NUMBERS : 0)) < 0)
		return err_set(err, result, "the request could not be packed: %s", err_name(result));
	return 0;
}

/* RESULT of FILES_READ (wire.h). */
struct facts {
	uint32_t flags;
	uint64_t size, first, lines;
	int64_t next;
	uint64_t end; /* bytes of the file up to the last one shown */
	char kind[64];
	const uint8_t *sha256; /* NULL: none */
};

static int decode(struct facts *facts, const void *payload, size_t length)
{
	struct frame_reader reader;
	size_t sha256_length;

	frame_read(&reader, payload, length);
	facts->flags = frame_get_u32(&reader);
	facts->size = frame_get_u64(&reader);
	facts->first = frame_get_u64(&reader);
	facts->lines = frame_get_u64(&reader);
	facts->next = (int64_t)frame_get_u64(&reader);
	facts->end = frame_get_u64(&reader);
	frame_get_text(&reader, facts->kind, sizeof facts->kind);
	facts->sha256 = frame_get_bytes(&reader, &sha256_length);
	if (sha256_length == 0)
		facts->sha256 = NULL;
	else if (sha256_length != FILES_SHA256_BYTES)
		return -EPROTO;
	return (facts->flags & ~FILES_READ_FLAGS) ? -EPROTO : frame_done(&reader);
}

/* The last line of a cut text: what is missing, and the argument that gets it (tools.md, "Cut results"). */
static int write_cut(struct tool_result *result, const struct facts *facts)
{
	char lines[96];

	if (facts->first == 0)
		snprintf(lines, sizeof lines, "%" PRIu64 " line%s", facts->lines,
			 facts->lines == 1 ? "" : "s");
	else if (facts->lines == 1)
		snprintf(lines, sizeof lines, "line %" PRIu64, facts->first);
	else
		snprintf(lines, sizeof lines, "lines %" PRIu64 " to %" PRIu64, facts->first,
			 facts->first + facts->lines - 1);
	if (facts->flags & FILES_READ_LINE_CUT)
		return result_textf(result,
				    "\n[Cut inside %s, of a file of %" PRIu64
				    " bytes. For the rest of the line: run_command with `tail -c +%" PRIu64
				    " FILE | head -c %" PRIu64 "`%s",
				    lines, facts->size, facts->end + 1, result->context->result_bytes,
				    facts->next ? "; " : ".]");
	return result_textf(result, "\n[Cut: %s shown of a file of %" PRIu64 " bytes. ", lines, facts->size);
}

static int write_notes(struct tool_result *result, const struct facts *facts, bool several)
{
	uint64_t replaced = result->replaced;
	int code = 0;

	if (facts->flags & FILES_READ_EMPTY)
		return result_textf(result, "[The file is empty.]");
	if (facts->flags & FILES_READ_MEDIA)
		return result_textf(result, "[%s, %" PRIu64 " bytes]", facts->kind, facts->size);
	if (facts->next || (facts->flags & FILES_READ_LINE_CUT))
		code = write_cut(result, facts);
	if (code == 0 && facts->next)
		code = result_textf(result, "%s offset: %" PRId64 ".]",
				    facts->flags & FILES_READ_LINE_CUT ? "the next line:"
				    : several                          ? "Continue with read_file,"
								       : "Continue with",
				    facts->next);
	if (code == 0 && replaced)
		code = result_textf(result,
				    "\n[Not UTF-8, probably %s: %" PRIu64
				    " places shown as U+FFFD. Writing this text back would change the file.]",
				    facts->kind[0] ? facts->kind : "another encoding", replaced);
	return code;
}

static int write_facts(struct tool_result *result, const struct facts *facts)
{
	char hex[2 * FILES_SHA256_BYTES + 1];
	int code = result_meta_int(result, "bytes", (int64_t)facts->size);

	if (code == 0 && !(facts->flags & FILES_READ_MEDIA))
		code = result_meta_int(result, "lines", (int64_t)facts->lines);
	if (code == 0 && facts->kind[0])
		code = result_meta_text(result, facts->flags & FILES_READ_MEDIA ? "mediaType" : "encoding",
					facts->kind);
	if (code == 0 && facts->next)
		code = result_meta_int(result, "nextOffset", facts->next);
	if (code == 0 && facts->sha256) {
		result_hex(hex, facts->sha256, FILES_SHA256_BYTES);
		code = result_meta_text(result, "sha256", hex);
	}
	return code;
}

static int unpack(struct tool_result *result, const void *payload, size_t length)
{
	struct facts facts;
	int code = decode(&facts, payload, length);

	if (code == 0)
		code = write_notes(result, &facts, false);
	return code < 0 ? code : write_facts(result, &facts);
}

int read_notes_write(struct tool_result *result, const void *payload, size_t length)
{
	struct facts facts;
	int code = decode(&facts, payload, length);

	return code < 0 ? code : write_notes(result, &facts, true);
}

const struct tool read_file_tool = {
	.name = "read_file",
	.title = "Read a file",
	.description = "Read a text file, see an image or hear audio. A cut answer says how to go on.",
	.route = TOOL_FILES,
	.hints = TOOL_READ_ONLY | TOOL_CLOSED_WORLD,
	.operation = FILES_READ,
	.input = input,
	.arguments_bytes = sizeof(struct arguments),
	.pack = pack,
	.unpack = unpack,
};
