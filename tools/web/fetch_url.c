/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch_url: a page from the web. Bulk: head and content are streamed by the executor; what is left to do
 * here is the last line, which says what is missing and how to get it, and the facts.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/egress/methods.h"
#include "tools/web/tools.h"
#include "tools/web/url.h"
#include "tools/web/wire.h"

struct arguments {
	const char *url, *format, *method, *body;
	int64_t offset, max_length;
	const cJSON *headers;
};

/* In the order of enum web_format. */
static const char *const formats[] = {"markdown", "text", "raw", NULL};

static const struct field input[] = {
	{.name = "url",
	 .type = FIELD_STRING,
	 .flags = FIELD_REQUIRED,
	 .offset = offsetof(struct arguments, url),
	 .min = 1,
	 .max = LIMIT_URL_BYTES},
	{.name = "format",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct arguments, format),
	 .choices = formats,
	 .description = "markdown (default): the main content; text: all; raw: source"},
	{.name = "offset",
	 .type = FIELD_INTEGER,
	 .offset = offsetof(struct arguments, offset),
	 .min = 0,
	 .max = LIMIT_WEB_TEXT_BYTES},
	{.name = "max_length",
	 .type = FIELD_INTEGER,
	 .offset = offsetof(struct arguments, max_length),
	 .min = 1,
	 .max = LIMIT_WEB_LENGTH_MAX,
	 .preset = LIMIT_WEB_LENGTH_DEFAULT,
	 .description = "Characters, default 20000"},
	{.name = "method",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct arguments, method),
	 .max = LIMIT_METHOD_BYTES},
	{.name = "headers", .type = FIELD_STRING_MAP, .offset = offsetof(struct arguments, headers)},
	{.name = "body",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct arguments, body),
	 .max = LIMIT_WEB_REQUEST_BODY},
	{0},
};

/* ---- what the request is to be ---- */

/* PLAN_METHODS: it is none that policy could allow. Not in the schema as an enumeration, which everybody
 * would pay for. */
static enum plan_method method_of(const struct arguments *arguments)
{
	enum plan_method method = PLAN_METHOD_GET;

	while (arguments->method && method < PLAN_METHODS &&
	       strcasecmp(arguments->method, plan_methods[method]) != 0)
		method++;
	return method;
}

/* Does policy allow it? Of a URL and a method that cannot be read pack() tells. */
static bool judge(const struct arguments *arguments, const struct plan *plan, struct url *url,
		  struct rules_answer *answer)
{
	bool more = arguments->body || (arguments->headers && arguments->headers->child);

	return method_of(arguments) == PLAN_METHODS ||
	       url_check(url, arguments->url, strlen(arguments->url), &(struct err){""}) < 0 ||
	       rules_method(plan, url->host, url->port, method_of(arguments), more, answer);
}

/* What its method forbids is answered here; the executor judges the rest, and every hop anew. */
static enum tool_route choose(const void *arguments, const struct tool_context *context)
{
	struct rules_answer answer;
	struct url url;

	return judge(arguments, context->plan, &url, &answer) ? TOOL_WEB : TOOL_LOCAL;
}

static void refuse(struct tool_result *result, const void *arguments)
{
	struct denial denial = {.layer = "network", .operation = "fetch"};
	struct rules_answer answer;
	struct url url;

	judge(arguments, result->context->plan, &url, &answer);
	snprintf(denial.target, sizeof denial.target, "%.200s: %s", url.text, answer.reason);
	snprintf(denial.rule, sizeof denial.rule, "%s", answer.rule);
	snprintf(denial.remedy, sizeof denial.remedy, "%s", answer.remedy);
	snprintf(denial.allowed, sizeof denial.allowed, "%s", answer.reach);
	result_deny(result, &denial);
}

/* A body's type, where the model does not say it: an API that is sent JSON wants to hear so. */
static const char *type_of_body(const char *body)
{
	body += strspn(body, " \t\r\n");
	return *body == '{' || *body == '[' ? "application/json" : "text/plain; charset=utf-8";
}

/* The headers as lines, each checked. 0 or -errno with a sentence. */
static int list_headers(const struct arguments *arguments, const struct plan *plan, const struct url *url,
			struct buffer *lines, struct err *err)
{
	const cJSON *header;
	bool typed = false;
	int result = 0;

	cJSON_ArrayForEach(header, arguments->headers)
	{
		const char *name = header->string, *value = header->valuestring;
		const char *why =
			rules_header(plan, url->host, url->port, name, strlen(name), value, strlen(value));

		if (why)
			return err_set(err, -EINVAL, "headers: \"%.60s\" %s", name, why);
		typed = typed || strcasecmp(name, "content-type") == 0;
		if (result == 0)
			result = buffer_printf(lines, "%s: %s\n", name, value);
	}
	if (result == 0 && arguments->body && !typed)
		result = buffer_printf(lines, "Content-Type: %s\n", type_of_body(arguments->body));
	return result == -EMSGSIZE ? err_set(err, result, "headers: they are longer than %u bytes together",
					     LIMIT_WEB_REQUEST_HEADERS)
				   : result;
}

static int pack_request(const struct arguments *arguments, const struct plan *plan, const struct url *url,
			struct buffer *payload, struct err *err)
{
	_cleanup_(buffer_deinit) struct buffer lines = {.max = LIMIT_WEB_REQUEST_HEADERS - 1};
	const char *body = arguments->body ? arguments->body : "";
	enum plan_method method = method_of(arguments);
	int result;

	if (method == PLAN_METHODS)
		return err_set(err, -EINVAL,
			       "method: it must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
	result = list_headers(arguments, plan, url, &lines, err);
	if (result == 0 && arguments->body && method <= PLAN_METHOD_HEAD)
		return err_set(err, -EINVAL, "body: %s has none; give a method such as POST",
			       plan_methods[method]);
	if (result == 0)
		result = frame_put_text(payload, method == PLAN_METHOD_GET ? "" : plan_methods[method]);
	if (result == 0)
		result = frame_put_bytes(payload, buffer_data(&lines), buffer_length(&lines));
	return result < 0 ? result : frame_put_bytes(payload, body, strlen(body));
}

static int pack(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct arguments *arguments = from;
	uint32_t format = WEB_MARKDOWN;
	struct url url;
	int result = url_check(&url, arguments->url, strlen(arguments->url), err);

	if (result < 0)
		return err_wrap(err, result, "url");
	while (arguments->format && strcmp(arguments->format, formats[format]) != 0)
		format++; /* one of them: the field table has seen to that */
	if ((result = frame_put_text(payload, url.text)) < 0 ||
	    (result = frame_put_u32(payload, context->caller)) < 0 ||
	    (result = frame_put_u32(payload, format)) < 0 ||
	    (result = frame_put_u64(payload, (uint64_t)arguments->offset)) < 0 ||
	    (result = frame_put_u64(payload, (uint64_t)arguments->max_length)) < 0 ||
	    (result = frame_put_u64(payload, context->result_bytes)) < 0 ||
	    (result = frame_put_u64(payload, tool_answer_by(context))) < 0)
		return err_set(err, result, "the request could not be packed: %s", err_name(result));
	result = pack_request(arguments, context->plan, &url, payload, err);
	return result < 0 && !err->text[0]
		       ? err_set(err, result, "the request could not be packed: %s", err_name(result))
		       : result;
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

/* It only reads, unless policy allows another method somewhere. */
static unsigned hint(const struct plan *plan)
{
	uint32_t methods = 0;

	for (size_t i = 0; i < plan->method_count; i++)
		methods |= plan->methods[i].methods;
	return methods >> (PLAN_METHOD_HEAD + 1) ? 0 : TOOL_READ_ONLY;
}

const struct tool fetch_url_tool = {
	.name = "fetch_url",
	.title = "Fetch a web page",
	.description = "Fetch a URL. Redirects are followed. A cut answer says how to go on.",
	.route = TOOL_WEB,
	.hint = hint,
	.operation = WEB_FETCH,
	.input = input,
	.arguments_bytes = sizeof(struct arguments),
	.choose = choose,
	.local = refuse,
	.pack = pack,
	.unpack = unpack,
};
