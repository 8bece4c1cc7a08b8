/* SPDX-License-Identifier: Apache-2.0 */
/*
 * download_file: the body of a URL as a file of a workspace. The web executor fetches and has no files, the
 * files executor writes and has no network; this says what each is asked, and what is made of their answers,
 * neither of which is trusted.
 */
#include "tools/web/download_file.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "tools/files/tools.h"
#include "tools/web/tools.h"
#include "tools/web/url.h"

static const struct field input[] = {
	{.name = "url",
	 .type = FIELD_STRING,
	 .flags = FIELD_REQUIRED,
	 .offset = offsetof(struct download_arguments, url),
	 .min = 1,
	 .max = LIMIT_URL_BYTES},
	{.name = "path",
	 .type = FIELD_STRING,
	 .flags = FIELD_REQUIRED,
	 .offset = offsetof(struct download_arguments, path),
	 .min = 1,
	 .max = LIMIT_PATH_BYTES - 1},
	{.name = "expected_sha256",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct download_arguments, expected_sha256),
	 .description = "Write only what has it"},
	{.name = "overwrite",
	 .type = FIELD_BOOLEAN,
	 .offset = offsetof(struct download_arguments, overwrite)},
	{0},
};

/* The first two in the order of enum files_outcome. */
static const char *const statuses[] = {"created", "replaced", "downloading", NULL};
#define DOWNLOADING (ARRAY_SIZE(statuses) - 2)

static const struct field output[] = {
	{.name = "status", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .choices = statuses},
	{.name = "path", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "bytes", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "url", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "sha256", .type = FIELD_STRING},
	{.name = "type", .type = FIELD_STRING},
	{.name = "total_bytes", .type = FIELD_INTEGER},
	{0},
};

int download_pack(const struct download_arguments *arguments, const struct tool_context *context,
		  struct buffer *receive, struct buffer *fetch, struct err *err)
{
	struct url url;
	uint64_t most = context->plan->download_bytes;
	int result = url_check(&url, arguments->url, strlen(arguments->url), err);

	if (result < 0)
		return err_wrap(err, result, "url");
	result = expected_sha256_check(arguments->expected_sha256, err);
	if (result < 0)
		return result;
	if ((result = frame_put_text(receive, arguments->path)) < 0 ||
	    (result = frame_put_u32(receive, arguments->overwrite ? FILES_OVERWRITE : 0)) < 0 ||
	    (result = frame_put_text(receive, arguments->expected_sha256)) < 0 ||
	    (result = frame_put_u64(receive, most)) < 0 || (result = frame_put_text(fetch, url.text)) < 0 ||
	    (result = frame_put_u32(fetch, context->caller)) < 0 || (result = frame_put_u64(fetch, most)) < 0)
		return err_set(err, result, "the request could not be packed: %s", err_name(result));
	return 0;
}

int download_read_fetched(struct download_fetched *fetched, const void *payload, size_t length)
{
	struct frame_reader reader;

	frame_read(&reader, payload, length);
	frame_get_text(&reader, fetched->url, sizeof fetched->url);
	fetched->status = frame_get_u32(&reader);
	frame_get_text(&reader, fetched->type, sizeof fetched->type);
	fetched->bytes = frame_get_u64(&reader);
	fetched->redirects = frame_get_u32(&reader);
	fetched->resumed = frame_get_u32(&reader);
	return frame_done(&reader);
}

int download_read_received(struct download_received *received, const void *payload, size_t length)
{
	struct frame_reader reader;
	const void *sha256;
	size_t size;

	frame_read(&reader, payload, length);
	received->bytes = frame_get_u64(&reader);
	sha256 = frame_get_bytes(&reader, &size);
	received->outcome = frame_get_u32(&reader);
	received->links = frame_get_u32(&reader);
	frame_get_text(&reader, received->path, sizeof received->path);
	if (frame_done(&reader) < 0 || size != sizeof received->sha256 || received->outcome >= DOWNLOADING)
		return -EPROTO;
	memcpy(received->sha256, sha256, size);
	return 0;
}

int download_write_line(const struct download_progress *progress, struct buffer *line)
{
	double percent = progress->total ? 100.0 * (double)progress->bytes / (double)progress->total : 0;
	int result;

	if (progress->storing)
		return buffer_printf(line, "%" PRIu64 " bytes, all; they go to the disk", progress->bytes);
	result = buffer_printf(line, "%" PRIu64, progress->bytes);
	if (result == 0 && progress->total)
		result = buffer_printf(line, " of %" PRIu64 " bytes (%.0f %%)", progress->total, percent);
	else if (result == 0)
		result = buffer_printf(line, " bytes");
	if (result == 0 && progress->rate)
		result = buffer_printf(line, " · %.1f MB/s", (double)progress->rate / 1e6);
	return result;
}

int download_write_running(struct tool_result *result, const struct download_progress *progress)
{
	_cleanup_(buffer_deinit) struct buffer line = {.max = LIMIT_FRAME_BYTES};
	struct json_writer *writer;
	int code = download_write_line(progress, &line);

	if (code == 0)
		code = result_textf(result, "%s: %.*s. It goes on: the same call again waits for it.",
				    progress->path, (int)buffer_length(&line),
				    (const char *)buffer_data(&line));
	if (code < 0)
		return code;
	writer = result_structured(result);
	json_key_text(writer, "status", statuses[DOWNLOADING]);
	json_key_text(writer, "path", progress->path);
	json_key_int(writer, "bytes", (int64_t)progress->bytes);
	json_key_text(writer, "url", progress->url);
	if (progress->total)
		json_key_int(writer, "total_bytes", (int64_t)progress->total);
	result_structured_end(result, writer);
	return writer->result;
}

int download_write_done(struct tool_result *result, const struct download_fetched *fetched,
			const struct download_received *received)
{
	char hex[2 * FILES_SHA256_BYTES + 1];
	struct json_writer *writer;

	result_hex(hex, received->sha256, sizeof received->sha256);
	result_textf(result, "%s: %s, %" PRIu64 " bytes%s%s, sha256 %s\n%s", received->path,
		     statuses[received->outcome], received->bytes, fetched->type[0] ? " of " : "",
		     fetched->type, hex, fetched->url);
	if (received->links)
		result_textf(result, "\n[The old file had %u more hard link%s: there the old content stays.]",
			     received->links, received->links == 1 ? "" : "s");
	if (fetched->resumed)
		result_textf(result, "\n[The connection broke %u time%s; what was missing was fetched then.]",
			     fetched->resumed, fetched->resumed == 1 ? "" : "s");
	writer = result_structured(result);
	json_key_text(writer, "status", statuses[received->outcome]);
	json_key_text(writer, "path", received->path);
	json_key_int(writer, "bytes", (int64_t)received->bytes);
	json_key_text(writer, "url", fetched->url);
	json_key_text(writer, "sha256", hex);
	if (fetched->type[0])
		json_key_text(writer, "type", fetched->type);
	result_structured_end(result, writer);
	return writer->result;
}

const struct tool download_file_tool = {
	.name = "download_file",
	.title = "Download a file",
	.description = "GET a URL into a file, complete or not at all.",
	.route = TOOL_DOWNLOAD,
	.input = input,
	.output = output,
	.arguments_bytes = sizeof(struct download_arguments),
};
