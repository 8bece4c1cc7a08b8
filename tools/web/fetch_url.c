/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch_url: a page from the web. Bulk: head and content are streamed by the executor; what is left to do
 * here is the last line, which says what is missing and how to get it, and the facts.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/frame.h"
#include "protocol/limits.h"
#include "tools/web/tools.h"
#include "tools/web/url.h"
#include "tools/web/wire.h"

struct arguments {
	const char *url, *format;
	int64_t offset, max_length;
};

/* In the order of enum web_format. */
static const char *const formats[] = {"markdown", "text", "raw", NULL};

static const struct field input[] = {
	{.name = "url",
	 .type = FIELD_STRING,
	 .flags = FIELD_REQUIRED,
	 .offset = offsetof(struct arguments, url),
	 .min = 1,
	 .max = LIMIT_URL_BYTES,
	 .description = "http or https"},
	{.name = "format",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct arguments, format),
	 .choices = formats,
	 .description = "markdown (default): what the page is about; text: all of it; raw: its source"},
	{.name = "offset",
	 .type = FIELD_INTEGER,
	 .offset = offsetof(struct arguments, offset),
	 .min = 0,
	 .max = LIMIT_WEB_TEXT_BYTES,
	 .description = "First character, from 0"},
	{.name = "max_length",
	 .type = FIELD_INTEGER,
	 .offset = offsetof(struct arguments, max_length),
	 .min = 1,
	 .max = LIMIT_WEB_LENGTH_MAX,
	 .preset = LIMIT_WEB_LENGTH_DEFAULT,
	 .description = "Characters, default 20000"},
	{0},
};

static int pack(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct arguments *arguments = from;
	uint32_t within = context->answer_within_ms, format = WEB_MARKDOWN;
	struct url url;
	int result = url_check(&url, arguments->url, strlen(arguments->url), err);

	if (result < 0)
		return err_wrap(err, result, "url");
	while (arguments->format && strcmp(arguments->format, formats[format]) != 0)
		format++; /* one of them: the field table has seen to that */
	within = within > 2 * LIMIT_WEB_MARGIN_MS ? within - LIMIT_WEB_MARGIN_MS : within / 2;
	if ((result = frame_put_text(payload, url.text)) < 0 ||
	    (result = frame_put_u32(payload, context->caller)) < 0 ||
	    (result = frame_put_u32(payload, format)) < 0 ||
	    (result = frame_put_u64(payload, (uint64_t)arguments->offset)) < 0 ||
	    (result = frame_put_u64(payload, (uint64_t)arguments->max_length)) < 0 ||
	    (result = frame_put_u64(payload, context->result_bytes)) < 0 ||
	    (result = frame_put_u32(payload, within)) < 0 || (result = frame_put_text(payload, "")) < 0 ||
	    (result = frame_put_text(payload, "")) < 0 || (result = frame_put_bytes(payload, "", 0)) < 0)
		return err_set(err, result, "the request could not be packed: %s", err_name(result));
	return 0;
}

/* RESULT of WEB_FETCH (wire.h). */
struct facts {
	char url[LIMIT_URL_BYTES], type[WEB_MEDIA_TYPE_BYTES], title[WEB_TITLE_BYTES], broke[256];
	uint32_t status, redirects, flags, ms;
	uint64_t bytes, characters, shown, next;
};

static int decode(struct facts *facts, const void *payload, size_t length)
{
	struct frame_reader reader;

	frame_read(&reader, payload, length);
	frame_get_text(&reader, facts->url, sizeof facts->url);
	facts->status = frame_get_u32(&reader);
	frame_get_text(&reader, facts->type, sizeof facts->type);
	frame_get_text(&reader, facts->title, sizeof facts->title);
	facts->bytes = frame_get_u64(&reader);
	facts->characters = frame_get_u64(&reader);
	facts->shown = frame_get_u64(&reader);
	facts->next = frame_get_u64(&reader);
	facts->redirects = frame_get_u32(&reader);
	facts->flags = frame_get_u32(&reader);
	facts->ms = frame_get_u32(&reader);
	frame_get_text(&reader, facts->broke, sizeof facts->broke);
	if ((facts->flags & ~WEB_FLAGS) || facts->characters > LIMIT_WEB_TEXT_BYTES ||
	    facts->bytes > LIMIT_WEB_BODY_BYTES || facts->next > facts->characters ||
	    facts->shown > facts->characters)
		return -EPROTO;
	return frame_done(&reader);
}

/* The body itself is not whole: why, and what would help. */
static int write_cut(struct tool_result *result, const struct facts *facts)
{
	if (facts->flags & WEB_CUT_SIZE)
		return result_textf(
			result, "[Only the first %u bytes of the body were read; it goes on past them.]\n",
			LIMIT_WEB_BODY_BYTES);
	if (facts->flags & WEB_LOADING)
		return result_textf(
			result,
			"[Still loading after %.1f s: %s. The same call again waits for the rest of it.]\n",
			facts->ms / 1000.0, facts->broke);
	if (facts->flags & WEB_CUT_BREAK)
		return result_textf(result, "[Incomplete: %s after %" PRIu64 " bytes of the body.]\n",
				    facts->broke, facts->bytes);
	return facts->broke[0] ? result_textf(result, "[%s]\n", facts->broke) : 0;
}

static int write_notes(struct tool_result *result, const struct facts *facts)
{
	int code;

	if (facts->flags & WEB_MEDIA)
		code = result_textf(result, "%s\n%u · %s · %" PRIu64 " bytes\n", facts->url, facts->status,
				    facts->type, facts->bytes);
	else
		code = facts->shown || (facts->flags & WEB_BINARY) ? result_textf(result, "\n") : 0;
	if (code == 0 && result->replaced)
		code = result_textf(result, "[%" PRIu64 " bytes were not text and are shown as U+FFFD.]\n",
				    result->replaced);
	if (code == 0)
		code = write_cut(result, facts);
	if (code == 0 && (facts->flags & WEB_AGAIN))
		code = result_textf(result,
				    "[Downloaded again: the page may have changed since the part before.]\n");
	if (code == 0 && facts->next)
		code = result_textf(result,
				    "[Cut: %" PRIu64 " of %" PRIu64
				    " characters are left. Continue with offset: %" PRIu64 ".]",
				    facts->characters - facts->next, facts->characters, facts->next);
	return code;
}

static int write_facts(struct tool_result *result, const struct facts *facts)
{
	int code = result_meta_text(result, "url", facts->url);

	if (code == 0 && facts->status)
		code = result_meta_int(result, "status", facts->status);
	if (code == 0)
		code = result_meta_text(result, "mediaType", facts->type);
	if (code == 0)
		code = result_meta_int(result, "bytes", (int64_t)facts->bytes);
	if (code == 0 && (facts->flags & WEB_LOADING))
		code = result_meta_text(result, "loading", facts->broke);
	if (code == 0 && !(facts->flags & (WEB_MEDIA | WEB_BINARY)))
		code = result_meta_int(result, "characters", (int64_t)facts->characters);
	if (code == 0 && facts->next)
		code = result_meta_int(result, "nextOffset", (int64_t)facts->next);
	if (code == 0 && facts->redirects)
		code = result_meta_int(result, "redirects", facts->redirects);
	if (code == 0)
		code = result_meta_int(result, "durationMs", facts->ms);
	return code;
}

static int unpack(struct tool_result *result, const void *payload, size_t length)
{
	struct facts facts;
	int code = decode(&facts, payload, length);

	if (code == 0)
		code = write_notes(result, &facts);
	return code < 0 ? code : write_facts(result, &facts);
}

const struct tool fetch_url_tool = {
	.name = "fetch_url",
	.title = "Fetch a web page",
	.description = "GET a URL. Redirects are followed. A cut answer says how to go on.",
	.route = TOOL_WEB,
	.hints = TOOL_READ_ONLY,
	.operation = WEB_FETCH,
	.input = input,
	.arguments_bytes = sizeof(struct arguments),
	.pack = pack,
	.unpack = unpack,
};
