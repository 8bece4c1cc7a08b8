/* SPDX-License-Identifier: Apache-2.0 */
/* Resources: a text, bytes, one that is watched, and a template. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/conformance/fixture.h"

#define TEMPLATE_BEGIN "test://template/"
#define TEMPLATE_END   "/data"

int fixture_resources(void *context, struct buffer *out)
{
	return buffer_append_text(out, "{\"uri\":\"test://static-text\",\"name\":\"Static "
				       "text\",\"description\":\"A text\",\"mimeType\":\"text/"
				       "plain\"},"
				       "{\"uri\":\"test://static-binary\",\"name\":\"Static "
				       "binary\",\"description\":\"An image\",\"mimeType\":"
				       "\"image/png\"},"
				       "{\"uri\":\"test://watched-resource\",\"name\":\"Watched "
				       "resource\",\"description\":\"Changes when "
				       "told to\",\"mimeType\":\"text/plain\"}");
}

int fixture_resource_templates(void *context, struct buffer *out)
{
	return buffer_append_text(out,
				  "{\"uriTemplate\":\"" TEMPLATE_BEGIN "{id}" TEMPLATE_END
				  "\",\"name\":\"Template\",\"description\":\"Data by its id\",\"mimeType\":"
				  "\"application/json\"}");
}

static void answer(struct mcp_call *call, const char *uri, const char *type, const char *key,
		   const char *content)
{
	struct json_writer *writer;

	mcp_result_begin(call);
	writer = mcp_result_writer(call);
	json_object(writer);
	json_key_text(writer, "uri", uri);
	json_key_text(writer, "mimeType", type);
	json_key_text(writer, key, content);
	json_object_end(writer);
	mcp_call_finish(call, NULL);
}

/* Two files of a directory, say. */
static void answer_twice(struct mcp_call *call)
{
	struct json_writer *writer;

	mcp_result_begin(call);
	for (int i = 1; i <= 2; i++) {
		writer = mcp_result_writer(call);
		json_object(writer);
		json_key_text(writer, "uri", i == 1 ? "test://several/1" : "test://several/2");
		json_key_text(writer, "text", i == 1 ? "one" : "two");
		json_object_end(writer);
	}
	mcp_call_finish(call, NULL);
}

static void ask_word(struct mcp_call *call, const char *uri)
{
	static const char schema[] = "{\"type\":\"object\",\"properties\":{\"word\":{\"type\":\"string\"}}}";
	const cJSON *given = mcp_call_input(call, "word", MCP_ELICIT_FORM);
	struct json_writer *writer;

	if (given) {
		answer(call, uri, "text/plain", "text",
		       fixture_text(cJSON_GetObjectItemCaseSensitive(given, "content"), "word", "nothing"));
		return;
	}
	writer = mcp_ask(call, "word", MCP_ELICIT_FORM);
	json_key_text(writer, "message", "The word?");
	json_key(writer, "requestedSchema");
	json_raw(writer, schema, sizeof schema - 1);
	mcp_ask_end(call, "asked");
}

void fixture_read(void *context, struct mcp_call *call, const char *uri)
{
	size_t length = strlen(uri), begin = sizeof TEMPLATE_BEGIN - 1, end = sizeof TEMPLATE_END - 1;
	char text[200];

	if (strcmp(uri, "test://static-text") == 0) {
		answer(call, uri, "text/plain", "text", "This is the content of the static text resource.");
	} else if (strcmp(uri, "test://static-binary") == 0) {
		answer(call, uri, "image/png", "blob", FIXTURE_PNG);
	} else if (strcmp(uri, "test://watched-resource") == 0) {
		answer(call, uri, "text/plain", "text", "Watched resource content");
	} else if (strcmp(uri, "test://several") == 0) {
		answer_twice(call);
	} else if (strcmp(uri, "test://asks") == 0) {
		ask_word(call, uri);
	} else if (strcmp(uri, "test://broken") == 0) {
		mcp_call_fail(call, "It cannot be read, as ever", NULL);
	} else if (length > begin + end && length < 100 && strncmp(uri, TEMPLATE_BEGIN, begin) == 0 &&
		   strcmp(uri + length - end, TEMPLATE_END) == 0 && !strpbrk(uri, "\"\\")) {
		snprintf(text, sizeof text, "{\"id\":\"%.*s\",\"templateTest\":true}",
			 (int)(length - begin - end), uri + begin);
		answer(call, uri, "application/json", "text", text);
	} else {
		mcp_call_not_found(call);
	}
}

int fixture_watch(void *context, const char *uri)
{
	return strcmp(uri, "test://watched-resource") == 0 ? 0 : -ENOENT;
}

void fixture_unwatch(void *context, const char *uri)
{
}
