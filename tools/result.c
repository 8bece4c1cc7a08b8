/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results in the making: content, structured content, the facts in _meta, failures and denials, written over
 * the call's outgoing message in the order that protocol/mcp.h asks for. What tools hand in may come from an
 * executor, so every text is escaped; nothing here believes a length beyond the buffer it came with.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/json.h"
#include "protocol/limits.h"
#include "tools/tool.h"

/* The content array, begun with the first thing that is written. */
static struct buffer *begin(struct tool_result *result)
{
	if (!result->out)
		result->out = mcp_result_begin(result->call);
	return result->out;
}

int result_text(struct tool_result *result, const void *bytes, size_t length)
{
	if (!result->text_open) {
		begin(result);
		mcp_result_text_begin(result->call);
		result->text_open = true;
	}
	result->text_bytes += length;
	return mcp_result_text(result->call, bytes, length, &result->replaced);
}

int result_textf(struct tool_result *result, const char *format, ...)
{
	char text[2048];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return -EINVAL;
	return result_text(result, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

static void end_text(struct tool_result *result)
{
	if (result->text_open)
		mcp_result_text_end(result->call);
	result->text_open = false;
}

void result_block_end(struct tool_result *result)
{
	end_text(result);
}

int result_media(struct tool_result *result, const char *media_type, const void *bytes, size_t length)
{
	begin(result);
	end_text(result); /* whoever sent the media may have sent text before it */
	mcp_result_media(result->call, strncmp(media_type, "audio/", 6) == 0 ? "audio" : "image", media_type,
			 bytes, length);
	return mcp_result_writer(result->call)->result;
}

struct json_writer *result_structured(struct tool_result *result)
{
	begin(result);
	end_text(result);
	result->members = mcp_result_members(result->call);
	json_key(result->members, "structuredContent");
	json_object(result->members);
	return result->members;
}

void result_structured_end(struct tool_result *result, struct json_writer *writer)
{
	json_object_end(writer);
}

/* The key of the next fact, behind what stands there. */
static struct json_writer meta_key(struct tool_result *result, const char *key)
{
	struct json_writer writer;

	json_writer_init(&writer, result->meta);
	if (buffer_length(result->meta) == 0) {
		json_key(&writer, "sallyport.dev/result");
		json_object(&writer);
	} else {
		writer.comma = true;
	}
	json_key(&writer, key);
	return writer;
}

int result_meta_int(struct tool_result *result, const char *key, int64_t value)
{
	struct json_writer writer = meta_key(result, key);

	json_int(&writer, value);
	return writer.result;
}

int result_meta_text(struct tool_result *result, const char *key, const char *value)
{
	struct json_writer writer = meta_key(result, key);

	json_text(&writer, value);
	return writer.result;
}

/* Ends the object of facts; the meta of the answer, or NULL when there are none. */
static const struct buffer *meta_end(struct tool_result *result)
{
	if (!result->meta || buffer_length(result->meta) == 0)
		return NULL;
	/* the reserved byte cannot fail in practice; without facts the answer is still whole */
	return buffer_append(result->meta, "}", 1) < 0 ? NULL : result->meta;
}

void result_error(struct tool_result *result)
{
	result->outcome = TOOL_FAILED;
	json_key_bool(mcp_result_members(result->call), "isError", true);
}

/* The facts and the denial, both. Without memory for them the answer is still whole. */
static const struct buffer *meta_with_denial(struct tool_result *result, struct buffer *both)
{
	const struct buffer *facts = meta_end(result);
	int code = facts ? buffer_append(both, buffer_data(facts), buffer_length(facts)) : 0;

	if (code == 0 && facts)
		code = buffer_append(both, ",", 1);
	if (code == 0)
		code = denial_write_meta(result->denial, result->context->plan->policy_sha256, both);
	return code < 0 ? facts : both;
}

int result_finish(struct tool_result *result)
{
	struct buffer both __attribute__((cleanup(buffer_deinit)));

	if (result->outcome == TOOL_UNANSWERED)
		result->outcome = TOOL_SUCCEEDED;
	else if (result->denial)
		result->outcome = TOOL_DENIED;
	begin(result);
	end_text(result);
	if (!result->members)
		result->members = mcp_result_members(result->call);
	buffer_init(&both, LIMIT_DENIAL_BYTES + LIMIT_FRAME_BYTES);
	return mcp_call_finish(result->call,
			       result->denial ? meta_with_denial(result, &both) : meta_end(result));
}

void result_hex(char *to, const void *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = bytes;

	for (size_t i = 0; i < length; i++) {
		to[2 * i] = digits[from[i] >> 4];
		to[2 * i + 1] = digits[from[i] & 15];
	}
	to[2 * length] = '\0';
}

int result_fail(struct tool_result *result, const char *format, ...)
{
	char text[2048] = "Error: ";
	va_list arguments;
	size_t used = strlen(text);

	va_start(arguments, format);
	vsnprintf(text + used, sizeof text - used, format, arguments);
	va_end(arguments);
	result->outcome = TOOL_FAILED;
	return mcp_call_fail(result->call, text, meta_end(result));
}

int result_deny(struct tool_result *result, const struct denial *denial)
{
	struct buffer meta __attribute__((cleanup(buffer_deinit)));
	char text[DENIAL_TEXT_BYTES];
	int code;

	buffer_init(&meta, LIMIT_DENIAL_BYTES);
	code = denial_write_meta(denial, result->context->plan->policy_sha256, &meta);
	denial_text(denial, text);
	result->outcome = TOOL_DENIED;
	return mcp_call_fail(result->call, text, code < 0 ? NULL : &meta);
}
