/* SPDX-License-Identifier: Apache-2.0 */
/* Tools that answer at once: each kind of content, progress, logs, lists that change. */
#include <stdio.h>
#include <string.h>

#include "tests/conformance/fixture.h"

#define RESOURCE                                                                                             \
	"{\"type\":\"resource\",\"resource\":{\"uri\":\"test://embedded-resource\",\"mimeType\":\"text/"     \
	"plain\","                                                                                           \
	"\"text\":\"This is an embedded resource content.\"}}"
#define LINK                                                                                                 \
	"{\"type\":\"resource_link\",\"uri\":\"test://static-text\",\"name\":\"Static text\","               \
	"\"mimeType\":\"text/plain\",\"annotations\":{\"audience\":[\"user\"],\"priority\":0.5}}"
#define TEXT(text) "{\"type\":\"text\",\"text\":\"" text "\"}"
#define IMAGE      "{\"type\":\"image\",\"data\":\"" FIXTURE_PNG "\",\"mimeType\":\"image/png\"}"
#define AUDIO      "{\"type\":\"audio\",\"data\":\"" FIXTURE_WAV "\",\"mimeType\":\"audio/wav\"}"

/* Blocks, ready made. */
static void answer(struct mcp_call *call, const char *blocks)
{
	mcp_result_begin(call);
	json_raw(mcp_result_writer(call), blocks, strlen(blocks));
	mcp_call_finish(call, NULL);
}

static void simple_text(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	fixture_say(call, "This is a simple text response for testing.");
}

static void image(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	answer(call, IMAGE);
}

static void audio(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	answer(call, AUDIO);
}

static void embedded(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	answer(call, RESOURCE);
}

static void mixed(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	answer(call, TEXT("Multiple content types test:") "," IMAGE "," RESOURCE);
}

static void failure(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	mcp_call_fail(call, "This tool intentionally returns an error for testing", NULL);
}

static void progress(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	for (int percent = 0; percent <= 100; percent += 50)
		mcp_call_progress(call, percent, "on it", 5);
	mcp_call_progress(call, 100, "again", 5); /* is not told */
	mcp_call_progress(call, 10, "back", 4);
	fixture_say(call, "done");
}

static void log_text(struct mcp_call *call, enum mcp_log_level level, const char *text)
{
	struct json_writer writer;
	struct buffer data;

	buffer_init(&data, 1024);
	json_writer_init(&writer, &data);
	json_text(&writer, text);
	if (writer.result == 0)
		mcp_call_log(call, level, "fixture", &data);
	buffer_deinit(&data);
}

static void logs(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	log_text(call, MCP_LOG_DEBUG, "in detail");
	log_text(call, MCP_LOG_INFO, "started");
	log_text(call, MCP_LOG_INFO, "processing");
	log_text(call, MCP_LOG_WARNING, "completed");
	fixture_say(call, "logged");
}

static void reconnection(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	mcp_call_leave(call);
	fixture_later(fixture, call, 100, fixture_say, "Reconnection test completed successfully.");
}

static void tools_changed(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	mcp_list_changed(fixture->caller, MCP_LIST_TOOLS);
	fixture_say(call, "told");
}

static void prompts_changed(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	mcp_list_changed(fixture->caller, MCP_LIST_PROMPTS);
	fixture_say(call, "told");
}

static void resources_changed(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	mcp_list_changed(fixture->caller, MCP_LIST_RESOURCES);
	mcp_resource_updated(fixture->caller, "test://watched-resource");
	fixture_say(call, "told");
}

static void region(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	fixture_say(call, fixture_text(arguments, "region", "nowhere"));
}

static void structured(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	struct json_writer *writer;

	mcp_result_begin(call);
	json_raw(mcp_result_writer(call), TEXT("{\\\"answer\\\":42}") "," LINK,
		 sizeof(TEXT("{\\\"answer\\\":42}") "," LINK) - 1);
	writer = mcp_result_members(call);
	json_key(writer, "structuredContent");
	json_object(writer);
	json_key_int(writer, "answer", 42);
	json_object_end(writer);
	mcp_call_finish(call, NULL);
}

static const char schema_2020_12[] =
	"{\"$schema\":\"https://json-schema.org/draft/2020-12/"
	"schema\",\"type\":\"object\",\"$defs\":{\"address\":{"
	"\"$anchor\":\"addressDef\",\"type\":\"object\",\"properties\":{\"street\":{\"type\":\"string\"},"
	"\"city\":{"
	"\"type\":\"string\"}}}},\"properties\":{\"name\":{\"type\":\"string\"},\"address\":{\"$ref\":\"#/"
	"$defs/"
	"address\"},\"contactMethod\":{\"type\":\"string\",\"enum\":[\"phone\",\"email\"]},\"phone\":{"
	"\"type\":"
	"\"string\"},\"email\":{\"type\":\"string\"}},\"allOf\":[{\"anyOf\":[{\"required\":[\"phone\"]},{"
	"\"required\":["
	"\"email\"]}]}],\"if\":{\"properties\":{\"contactMethod\":{\"const\":\"phone\"}},\"required\":["
	"\"contactMethod\"]},\"then\":{\"required\":[\"phone\"]},\"else\":{\"required\":[\"email\"]},"
	"\"additionalProperties\":false}";

static const struct mcp_tool_header region_headers[] = {{"Mcp-Param-Region", {"region"}}, {NULL, {NULL}}};

static const struct mcp_tool_header all_headers[] = {{"Mcp-Param-Count", {"count"}},
						     {"Mcp-Param-Flag", {"flag"}},
						     {"Mcp-Param-Inner", {"outer", "inner"}},
						     {NULL, {NULL}}};
static const char headers_schema[] =
	"{\"type\":\"object\",\"properties\":{\"count\":{\"type\":\"integer\",\"x-mcp-header\":\"Count\"},"
	"\"flag\":{\"type\":\"boolean\",\"x-mcp-header\":\"Flag\"},\"outer\":{\"type\":\"object\","
	"\"properties\":"
	"{\"inner\":{\"type\":\"string\",\"x-mcp-header\":\"Inner\"}}}}}";
static const char structured_members[] =
	"\"title\":\"Structured\",\"annotations\":{\"title\":\"Structured\",\"readOnlyHint\":true},"
	"\"icons\":[{\"src\":\"data:image/png;base64," FIXTURE_PNG
	"\",\"mimeType\":\"image/png\",\"sizes\":[\"1x1\"]}],"
	"\"outputSchema\":{\"type\":\"object\",\"properties\":{\"answer\":{\"type\":\"integer\"}},"
	"\"required\":[\"answer\"]}";

const struct fixture_tool content_tools[] = {
	{"test_simple_text", "Answers with a text", NULL, simple_text},
	{"test_image_content", "Answers with an image", NULL, image},
	{"test_audio_content", "Answers with a sound", NULL, audio},
	{"test_embedded_resource", "Answers with a resource", NULL, embedded},
	{"test_multiple_content_types", "Answers with a text, an image and a resource", NULL, mixed},
	{"test_error_handling", "Fails", NULL, failure},
	{"test_tool_with_progress", "Tells how far it is", NULL, progress},
	{"test_tool_with_logging", "Logs to the client", NULL, logs},
	{"test_logging_tool", "Logs to the client", NULL, logs},
	{"test_reconnection", "Answers when the client has come back", NULL, reconnection},
	{"test_trigger_tool_change", "Tells that the tools have changed", NULL, tools_changed},
	{"test_trigger_prompt_change", "Tells that the prompts have changed", NULL, prompts_changed},
	{"test_trigger_resource_change", "Tells that the resources have changed", NULL, resources_changed},
	{"test_region", "Answers with an argument that headers repeat",
	 "{\"type\":\"object\",\"properties\":{\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"}}"
	 "}",
	 region, region_headers},
	{"test_headers", "Has arguments of other types that headers repeat", headers_schema, simple_text,
	 all_headers},
	{"test_structured", "Answers with structured content and a link", NULL, structured, NULL,
	 structured_members},
	{"json_schema_2020_12_tool", "Has a schema with much in it", schema_2020_12, simple_text},
	{NULL},
};
