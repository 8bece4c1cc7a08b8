/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC 2.0 (https://www.jsonrpc.org/specification) with MCP's narrowing: ids are strings or numbers,
 * never null (MCP basic, "Requests"); params are an object. Trusts nothing in the text.
 */
#include "protocol/jsonrpc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/json.h"
#include "protocol/json_check.h"
#include "protocol/mcp.h"

static int invalid(struct jsonrpc_message *message, int code)
{
	message->kind = JSONRPC_INVALID;
	message->code = code;
	return 0;
}

/* The text could not be read. Its id is echoed where that is certain: the grammar was right, the content not.
 */
static int unreadable(struct jsonrpc_message *message, const char *text, size_t length, int reason,
		      struct err *err)
{
	if (reason != -EINVAL) {
		struct json_span id = json_find_id(text, length);

		if (id.length <= LIMIT_ID_BYTES)
			message->id = (struct jsonrpc_id){text + id.start, id.length};
	}
	err_wrap(err, 0, reason == -E2BIG ? "Message refused" : "Parse error");
	return invalid(message, reason == -E2BIG ? MCP_INVALID_REQUEST : MCP_PARSE_ERROR);
}

int jsonrpc_read(struct jsonrpc_message *message, const char *text, size_t length, struct err *err)
{
	const cJSON *id, *method, *params, *version;
	struct json_span span;
	int result;

	*message = (struct jsonrpc_message){0};
	result = json_parse(text, length, &message->tree, &span, err);
	if (result == -ENOMEM)
		return result;
	if (result < 0)
		return unreadable(message, text, length, result, err);
	if (!cJSON_IsObject(message->tree)) {
		err_set(err, 0, "Invalid Request: a message is an object");
		return invalid(message, MCP_INVALID_REQUEST);
	}
	id = cJSON_GetObjectItemCaseSensitive(message->tree, "id");
	method = cJSON_GetObjectItemCaseSensitive(message->tree, "method");
	params = cJSON_GetObjectItemCaseSensitive(message->tree, "params");
	version = cJSON_GetObjectItemCaseSensitive(message->tree, "jsonrpc");
	if (!method &&
	    (cJSON_HasObjectItem(message->tree, "result") || cJSON_HasObjectItem(message->tree, "error"))) {
		message->kind = JSONRPC_RESPONSE;
		return 0;
	}
	if (cJSON_IsString(method) && !id) {
		message->kind = JSONRPC_NOTIFICATION;
		message->method = method->valuestring;
		message->params = cJSON_IsObject(params) ? params : NULL;
		return 0;
	}
	if (id && !cJSON_IsString(id) && !cJSON_IsNumber(id)) {
		err_set(err, 0, "Invalid Request: id must be a string or a number");
		return invalid(message, MCP_INVALID_REQUEST);
	}
	if (span.length > LIMIT_ID_BYTES) {
		err_set(err, 0, "Invalid Request: id has %zu bytes; at most %d are accepted", span.length,
			LIMIT_ID_BYTES);
		return invalid(message, MCP_INVALID_REQUEST);
	}
	message->id = (struct jsonrpc_id){text + span.start, span.length};
	if (!cJSON_IsString(method)) {
		err_set(err, 0, "Invalid Request: method must be a string");
		return invalid(message, MCP_INVALID_REQUEST);
	}
	if (!cJSON_IsString(version) || strcmp(version->valuestring, "2.0") != 0) {
		err_set(err, 0, "Invalid Request: jsonrpc must be \"2.0\"");
		return invalid(message, MCP_INVALID_REQUEST);
	}
	if (params && !cJSON_IsObject(params) && !cJSON_IsNull(params)) {
		err_set(err, 0, "Invalid params: params must be an object");
		return invalid(message, MCP_INVALID_PARAMS);
	}
	message->kind = JSONRPC_REQUEST;
	message->method = method->valuestring;
	message->params = cJSON_IsObject(params) ? params : NULL;
	return 0;
}

void jsonrpc_message_deinit(struct jsonrpc_message *message)
{
	cJSON_Delete(message->tree);
	message->tree = NULL;
}

bool jsonrpc_is_batch(const char *text, size_t length)
{
	size_t at = 0;

	while (at < length && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n'))
		at++;
	return at < length && text[at] == '[';
}

size_t jsonrpc_id_key(struct jsonrpc_id id, char *key)
{
	struct json_string inside = {.start = 1, .length = id.length - 2};

	if (id.raw[0] == '"' && memchr(id.raw, '\\', id.length)) {
		key[0] = '"';
		return 1 + json_unescape(id.raw, &inside, key + 1);
	}
	if (id.raw[0] == '"') {
		memcpy(key, id.raw, id.length - 1);
		return id.length - 1; /* the closing quote says nothing */
	}
	if (id.length < 64 && (memchr(id.raw, '.', id.length) || memchr(id.raw, 'e', id.length) ||
			       memchr(id.raw, 'E', id.length))) {
		char copy[64];
		double value;

		memcpy(copy, id.raw, id.length);
		copy[id.length] = '\0';
		value = strtod(copy, NULL);
		/* past 2^53 a double no longer tells neighbours apart: the spelling has to do */
		if (value > -9007199254740992.0 && value < 9007199254740992.0 &&
		    value == (double)(int64_t)value)
			return (size_t)snprintf(key, 64, "%lld", (long long)value);
	}
	memcpy(key, id.raw, id.length);
	return id.length;
}

static int write_id(struct buffer *out, struct jsonrpc_id id)
{
	return id.length ? buffer_append(out, id.raw, id.length) : buffer_append(out, "null", 4);
}

int jsonrpc_write_result(struct buffer *out, struct jsonrpc_id id)
{
	static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":", tail[] = ",\"result\":";
	int result = buffer_reserve(out, sizeof head + id.length + 4 + sizeof tail);

	if (result < 0)
		return result;
	buffer_append(out, head, sizeof head - 1);
	write_id(out, id);
	return buffer_append(out, tail, sizeof tail - 1);
}

int jsonrpc_write_error(struct buffer *out, struct jsonrpc_id id, int code, const char *message,
			const char *data)
{
	struct json_writer writer;
	size_t before = buffer_length(out);

	json_writer_init(&writer, out);
	json_object(&writer);
	json_key_text(&writer, "jsonrpc", "2.0");
	json_key(&writer, "id");
	json_raw(&writer, id.length ? id.raw : "null", id.length ? id.length : 4);
	json_key(&writer, "error");
	json_object(&writer);
	json_key_int(&writer, "code", code);
	json_key_text(&writer, "message", message);
	if (data) {
		json_key(&writer, "data");
		json_raw(&writer, data, strlen(data));
	}
	json_object_end(&writer);
	json_object_end(&writer);
	if (writer.result < 0)
		out->end = out->start + before;
	return writer.result;
}

int jsonrpc_write_notification(struct buffer *out, const char *method)
{
	struct json_writer writer;

	json_writer_init(&writer, out);
	json_object(&writer);
	json_key_text(&writer, "jsonrpc", "2.0");
	json_key_text(&writer, "method", method);
	json_key(&writer, "params");
	json_object(&writer);
	return writer.result;
}
