/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write_file: a whole file or an addition to one, complete or not at all. base64 is decoded here, so that a
 * slip in it is told as one of the argument and the executor sees only bytes.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "tools/files/base64.h"
#include "tools/files/quote.h"
#include "tools/files/tools.h"
#include "tools/files/wire.h"

struct arguments {
	const char *path, *content, *encoding, *expected_sha256;
	bool create_only, append;
};

static const char *const encodings[] = {"utf-8", "base64", NULL};

static const struct field input[] = {
	PATH_FIELD(path),
	{.name = "content",
	 .type = FIELD_STRING,
	 .flags = FIELD_REQUIRED,
	 .offset = offsetof(struct arguments, content)},
	{.name = "encoding",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct arguments, encoding),
	 .choices = encodings},
	{.name = "expected_sha256",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct arguments, expected_sha256),
	 .description = "Write only if the file still has this hash"},
	{.name = "create_only",
	 .type = FIELD_BOOLEAN,
	 .offset = offsetof(struct arguments, create_only),
	 .description = "Fail if it exists"},
	{.name = "append", .type = FIELD_BOOLEAN, .offset = offsetof(struct arguments, append)},
	{0},
};

static const char *const outcomes[] = {"created", "replaced", "appended", NULL};

_Static_assert(ARRAY_SIZE(outcomes) == FILES_OUTCOMES + 1, "a word for each outcome");

static const struct field output[] = {
	{.name = "path", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "bytes", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "sha256", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "outcome", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .choices = outcomes},
	{.name = "other_links",
	 .type = FIELD_INTEGER,
	 .description = "Hard links of the old file: they keep its content"},
	{0},
};

/* A SHA-256 as people write it: 64 hexadecimal digits of either case. */
int expected_sha256_check(const char *text, struct err *err)
{
	if (text && (strlen(text) != 2 * FILES_SHA256_BYTES ||
		     strspn(text, "0123456789abcdefABCDEF") != 2 * FILES_SHA256_BYTES))
		return err_set(err, -EINVAL, "expected_sha256: expected 64 hexadecimal digits");
	return 0;
}

/* The content field: length, then bytes, decoded in place of a copy of its own. */
static int pack_content(const struct arguments *arguments, struct buffer *payload, struct err *err)
{
	size_t length = strlen(arguments->content), at = buffer_length(payload), decoded = length;
	int result;

	if (!arguments->encoding || strcmp(arguments->encoding, "base64") != 0)
		return frame_put_bytes(payload, arguments->content, length);
	result = frame_put_u32(payload, 0);
	if (result == 0)
		result = buffer_reserve(payload, length);
	if (result < 0)
		return result;
	result = base64_decode(arguments->content, length, payload->bytes + payload->end, &decoded);
	if (result < 0)
		return err_set(err, result, "content: not base64 from character %zu on", decoded + 1);
	payload->end += decoded;
	frame_set_u32(buffer_data(payload) + at, (uint32_t)decoded);
	return 0;
}

static int pack(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct arguments *arguments = from;
	uint32_t flags =
		(arguments->create_only ? FILES_CREATE_ONLY : 0) | (arguments->append ? FILES_APPEND : 0);
	int result = expected_sha256_check(arguments->expected_sha256, err);

	if (result < 0)
		return result;
	if (arguments->create_only && (arguments->append || arguments->expected_sha256))
		return err_set(err, -EINVAL,
			       "create_only: means that there is no file yet, so it cannot go with %s",
			       arguments->append ? "append" : "expected_sha256");
	err_set(err, 0, "%s", "");
	if ((result = frame_put_text(payload, arguments->path)) == 0 &&
	    (result = frame_put_u32(payload, flags)) == 0 &&
	    (result = frame_put_text(payload, arguments->expected_sha256)) == 0)
		result = pack_content(arguments, payload, err);
	if (result < 0 && err && !err->text[0])
		return err_set(err, result, "the request could not be packed: %s", err_name(result));
	return result;
}

static int unpack(struct tool_result *result, const void *payload, size_t length)
{
	char path[QUOTE_BYTES], hex[2 * FILES_SHA256_BYTES + 1];
	struct frame_reader reader;
	struct json_writer *writer;
	const void *sha256;
	size_t sha256_length;
	uint64_t bytes;
	uint32_t outcome, links;

	frame_read(&reader, payload, length);
	bytes = frame_get_u64(&reader);
	sha256 = frame_get_bytes(&reader, &sha256_length);
	outcome = frame_get_u32(&reader);
	links = frame_get_u32(&reader);
	frame_get_text(&reader, path, sizeof path);
	if (frame_done(&reader) < 0 || sha256_length != FILES_SHA256_BYTES || outcome >= FILES_OUTCOMES)
		return -EPROTO;
	result_hex(hex, sha256, FILES_SHA256_BYTES);
	result_textf(result, "%s: %s, %" PRIu64 " bytes, sha256 %s", path, outcomes[outcome], bytes, hex);
	if (links)
		result_textf(result, "\n[The old file had %u more hard link%s: there the old content stays.]",
			     links, links == 1 ? "" : "s");
	writer = result_structured(result);
	json_key_text(writer, "path", path);
	json_key_int(writer, "bytes", (int64_t)bytes);
	json_key_text(writer, "sha256", hex);
	json_key_text(writer, "outcome", outcomes[outcome]);
	if (links)
		json_key_int(writer, "other_links", links);
	result_structured_end(result, writer);
	return writer->result;
}

const struct tool write_file_tool = {
	.name = "write_file",
	.title = "Write a file",
	.description = "Create, replace or append to a file; complete or not at all. Makes parents.",
	.route = TOOL_FILES,
	.hints = TOOL_CLOSED_WORLD,
	.operation = FILES_WRITE,
	.input = input,
	.output = output,
	.arguments_bytes = sizeof(struct arguments),
	.pack = pack,
	.unpack = unpack,
};
