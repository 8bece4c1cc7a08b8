/* SPDX-License-Identifier: Apache-2.0 */
/* The fixture as a host: which tools there are, and who serves a call. */
#include <stdio.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tests/conformance/fixture.h"

static const struct fixture_tool *const tables[] = {content_tools, asking_tools, task_tools};

static const struct fixture_tool *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct fixture_tool *tool = tables[i]; tool->name; tool++)
			if (strcmp(tool->name, name) == 0)
				return tool;
	return NULL;
}

static int list(void *context, unsigned begin, struct buffer *out)
{
	struct json_writer writer;

	if (begin) /* all are on the first page: suites ask for no other */
		return 0;
	json_writer_init(&writer, out);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct fixture_tool *tool = tables[i]; tool->name; tool++) {
			const char *schema =
				tool->schema ? tool->schema : "{\"type\":\"object\",\"properties\":{}}";

			json_object(&writer);
			json_key_text(&writer, "name", tool->name);
			json_key_text(&writer, "description", tool->description);
			json_key(&writer, "inputSchema");
			json_raw(&writer, schema, strlen(schema));
			if (tool->members)
				json_raw(&writer, tool->members, strlen(tool->members));
			json_object_end(&writer);
		}
	return writer.result;
}

static bool known(void *context, const char *name)
{
	return find(name);
}

static const struct mcp_tool_header *headers(void *context, const char *name)
{
	return find(name)->headers;
}

static void call_tool(void *context, struct mcp_call *call, const char *name, const cJSON *arguments)
{
	find(name)->run(context, call, arguments);
}

static void cancel(void *context, struct mcp_call *call)
{
	fixture_cancel(context, call);
	mcp_call_drop(call);
}

void fixture_say(struct mcp_call *call, const char *text)
{
	mcp_result_begin(call);
	mcp_result_text_begin(call);
	mcp_result_text(call, text, strlen(text), NULL);
	mcp_call_finish(call, NULL);
}

void fixture_ask(struct mcp_call *call, const char *key, const char *message, const char *schema)
{
	struct json_writer *writer = mcp_ask(call, key, MCP_ELICIT_FORM);

	json_key_text(writer, "message", message);
	json_key(writer, "requestedSchema");
	json_raw(writer, schema, strlen(schema));
}

const char *fixture_text(const cJSON *arguments, const char *key, const char *otherwise)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(arguments, key));

	return text ? text : otherwise;
}

void fixture_host(struct fixture *fixture, struct mcp_host *host)
{
	*host = (struct mcp_host){
		.context = fixture,
		.name = "sallyport-conformance",
		.title = "Sallyport's conformance fixture",
		.version = "1",
		.instructions = "For conformance suites.",
		.logs = true,
		.tasks = true,
		.resources_change = true,
		.tools = list,
		.tool_known = known,
		.tool_headers = headers,
		.call = call_tool,
		.resources = fixture_resources,
		.resource_templates = fixture_resource_templates,
		.read = fixture_read,
		.prompts = fixture_prompts,
		.prompt = fixture_prompt,
		.complete = fixture_complete,
		.watch = fixture_watch,
		.unwatch = fixture_unwatch,
		.cancel = cancel,
	};
}
