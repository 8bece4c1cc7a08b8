/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC 2.0 (https://www.jsonrpc.org/specification) with MCP's narrowing: ids are strings or integers,
 * never null (MCP basic, "Requests"); params are an object. Trusts nothing in the text.
 */
#include "protocol/jsonrpc.h"

#include <errno.h>
#include <math.h>
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

/* The members that JSON-RPC knows. */
struct members {
	const cJSON *id, *method, *params, *version, *outcome;
};

static void find_members(const cJSON *object, struct members *members)
{
	*members = (struct members){0};
	for (const cJSON *item = object->child; item; item = item->next) {
		if (strcmp(item->string, "id") == 0)
			members->id = item;
		else if (strcmp(item->string, "method") == 0)
			members->method = item;
		else if (strcmp(item->string, "params") == 0)
			members->params = item;
		else if (strcmp(item->string, "jsonrpc") == 0)
			members->version = item;
		else if (strcmp(item->string, "result") == 0 || strcmp(item->string, "error") == 0)
			members->outcome = item;
	}
}

/* "Requests MUST include a string or integer ID" (MCP basic, "Requests"). */
static bool is_integer(const cJSON *number)
{
	return cJSON_IsNumber(number) && number->valuedouble == trunc(number->valuedouble);
}

/* What is wrong with a request, or NULL. Requests that are invalid have their id, as far as it is one. */
static const char *find_fault(struct jsonrpc_message *message, const struct members *members,
			      const char *text, struct json_span id)
{
	if (members->id && !cJSON_IsString(members->id) && !is_integer(members->id))
		return "Invalid Request: id must be a string or an integer";
	if (id.length > LIMIT_ID_BYTES)
		return "Invalid Request: id has too many bytes";
	message->id = (struct jsonrpc_id){text + id.start, id.length};
	if (!cJSON_IsString(members->method))
		return "Invalid Request: method must be a string";
	if (!cJSON_IsString(members->version) || strcmp(members->version->valuestring, "2.0") != 0)
		return "Invalid Request: jsonrpc must be \"2.0\"";
	return NULL;
}

int jsonrpc_read(struct jsonrpc_message *message, const char *text, size_t length, struct err *err)
{
	struct members members;
	struct json_span span;
	const char *fault;
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
	find_members(message->tree, &members);
	message->kind = JSONRPC_RESPONSE;
	if (!members.method && members.outcome)
		return 0;
	if (cJSON_IsObject(members.params))
		message->params = members.params;
	if (cJSON_IsString(members.method))
		message->method = members.method->valuestring;
	message->kind = JSONRPC_NOTIFICATION;
	if (message->method && !members.id)
		return 0;
	fault = find_fault(message, &members, text, span);
	if (fault) {
		err_set(err, 0, "%s", fault);
		return invalid(message, MCP_INVALID_REQUEST);
	}
	if (members.params && !message->params && !cJSON_IsNull(members.params)) {
		err_set(err, 0, "Invalid params: params must be an object");
		return invalid(message, MCP_INVALID_PARAMS);
	}
	message->kind = JSONRPC_REQUEST;
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

int jsonrpc_write_result(struct buffer *out, struct jsonrpc_id id)
{
	static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":", tail[] = ",\"result\":";
	int result = buffer_reserve(out, sizeof head + id.length + sizeof tail);

	if (result < 0)
		return result;
	buffer_append(out, head, sizeof head - 1);
	buffer_append(out, id.raw, id.length);
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
	if (id.length) {
		json_key(&writer, "id");
		json_raw(&writer, id.raw, id.length);
	}
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
