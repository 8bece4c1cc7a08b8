/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What HTTP headers repeat of a request (2026-07-28, basic/transports/streamable-http, "Request Metadata"),
 * so that intermediaries may act on it: it must be what the body says. The headers are the client's: any
 * bytes without NUL.
 */
#include <errno.h>
#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

#define HEADER_VERSION "MCP-Protocol-Version"
#define HEADER_METHOD  "Mcp-Method"

/* ---- values ("Value Encoding") ---- */

#define ENCODED_BEGIN "=?base64?"
#define ENCODED_END   "?="

/* Visible ASCII, spaces and tabs; `value` without those around it. */
static bool is_plain(const char **value, size_t *length)
{
	while (**value == ' ' || **value == '\t')
		++*value;
	*length = strlen(*value);
	while (*length && ((*value)[*length - 1] == ' ' || (*value)[*length - 1] == '\t'))
		--*length;
	for (size_t i = 0; i < *length; i++)
		if ((*value)[i] != '\t' && ((*value)[i] < 0x20 || (*value)[i] > 0x7e))
			return false;
	return true;
}

/* What a header's value stands for: in *value and *length; *decoded, which the caller frees, where it had to
 * be decoded. -EINVAL: it is not well-formed, -ENOMEM. Only names and arguments may be encoded: a version or
 * a method that is could be read by us alone. */
static int decode(const char **value, size_t *length, bool encodable, char **decoded)
{
	static const size_t begin = sizeof ENCODED_BEGIN - 1, end = sizeof ENCODED_END - 1;
	struct base64_decode_ctx context;
	const char *encoded;
	size_t left;

	if (!is_plain(value, length))
		return -EINVAL;
	if (!encodable || *length < begin + end || memcmp(*value, ENCODED_BEGIN, begin) != 0 ||
	    memcmp(*value + *length - end, ENCODED_END, end) != 0)
		return 0;
	encoded = *value + begin;
	left = *length - begin - end;
	*decoded = malloc(BASE64_DECODE_LENGTH(left) + 1);
	if (!*decoded)
		return -ENOMEM;
	base64_decode_init(&context);
	*length = BASE64_DECODE_LENGTH(left);
	/* nettle skips white space, which this alphabet does not have */
	if (memchr(encoded, ' ', left) || memchr(encoded, '\t', left) ||
	    !base64_decode_update(&context, length, (uint8_t *)*decoded, left, encoded) ||
	    !base64_decode_final(&context) || memchr(*decoded, '\0', *length))
		return -EINVAL;
	*value = *decoded;
	return 0;
}

/* ---- comparing ---- */

/* 0; 1 when it was refused and answered; -ENOMEM. */
static int refuse(struct mcp_incoming *incoming, const char *header, const char *why)
{
	int result =
		mcp_reply_error(incoming, MCP_HEADER_MISMATCH, "Header mismatch: %.80s: %s", header, why);

	return result < 0 ? result : 1;
}

static bool is_text(const char *bytes, size_t length, const char *text)
{
	return strlen(text) == length && memcmp(bytes, text, length) == 0;
}

/* Do they say the same? Integers are compared as numbers. */
static bool same(const char *bytes, size_t length, const cJSON *value)
{
	char text[LIMIT_JSON_NUMBER_BYTES + 1], *end;
	double number;

	if (cJSON_IsString(value))
		return is_text(bytes, length, value->valuestring);
	if (cJSON_IsBool(value))
		return is_text(bytes, length, cJSON_IsTrue(value) ? "true" : "false");
	if (!cJSON_IsNumber(value) || length == 0 || length >= sizeof text)
		return false;
	memcpy(text, bytes, length);
	text[length] = '\0';
	/* strtod() takes more for a number than what is written in decimal: 0x10, -nan, -inf */
	if (text[strspn(text, "-.0123456789eE")])
		return false;
	number = strtod(text, &end);
	return *end == '\0' && !(number < value->valuedouble) && !(number > value->valuedouble);
}

/* A header that must be there if the body has the value, and not be there if it has not. As refuse().
 */
static int compare(struct mcp_incoming *incoming, const char *header, const char *given, const cJSON *value)
{
	_cleanup_free_ char *decoded = NULL;
	bool wanted = value && !cJSON_IsNull(value);
	bool encodable = strcmp(header, HEADER_VERSION) != 0 && strcmp(header, HEADER_METHOD) != 0;
	size_t length;
	int result;

	if (!given)
		return wanted ? refuse(incoming, header, "the header is missing") : 0;
	result = decode(&given, &length, encodable, &decoded);
	if (result == -EINVAL)
		return refuse(incoming, header, "its value is not well-formed");
	if (result < 0)
		return result;
	if (!wanted)
		return refuse(incoming, header, "the body has no such value");
	return same(given, length, value) ? 0 : refuse(incoming, header, "it is not what the body says");
}

/* The value that Mcp-Name repeats. NULL: the method has none. */
static const char *name_member(const char *method)
{
	static const char *const members[][2] = {
		{"prompts/get", "name"}, {"resources/read", "uri"},  {"tasks/cancel", "taskId"},
		{"tasks/get", "taskId"}, {"tasks/update", "taskId"}, {"tools/call", "name"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (strcmp(members[i][0], method) == 0)
			return members[i][1];
	return NULL;
}

static int compare_name(struct mcp_incoming *incoming)
{
	const char *member = name_member(incoming->message.method);
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(incoming->message.params, member ? member : "");

	/* what is no string the method itself refuses */
	return member && cJSON_IsString(value) ? compare(incoming, "Mcp-Name", incoming->headers->name, value)
					       : 0;
}

int mcp_headers_check_version(struct mcp_incoming *incoming, const cJSON *version)
{
	return incoming->headers ? compare(incoming, HEADER_VERSION, incoming->headers->version, version) : 0;
}

int mcp_headers_check(struct mcp_incoming *incoming)
{
	const cJSON method = {.type = cJSON_String, .valuestring = (char *)incoming->message.method};
	int result;

	if (!incoming->headers)
		return 0;
	result = compare(incoming, HEADER_METHOD, incoming->headers->method, &method);
	return result ? result : compare_name(incoming);
}

int mcp_headers_check_arguments(struct mcp_incoming *incoming, const char *tool, const cJSON *arguments)
{
	const struct mcp_host *host = &incoming->origin.peer->caller->host;
	const struct mcp_tool_header *header =
		incoming->headers && host->tool_headers ? host->tool_headers(host->context, tool) : NULL;
	int result = 0;

	for (; header && header->name && result == 0; header++) {
		const cJSON *value = arguments;

		for (size_t i = 0; header->path[i]; i++)
			value = cJSON_GetObjectItemCaseSensitive(value, header->path[i]);
		result = compare(incoming, header->name,
				 incoming->headers->find(incoming->headers->context, header->name), value);
	}
	return result;
}
