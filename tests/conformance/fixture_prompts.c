/* SPDX-License-Identifier: Apache-2.0 */
/* Prompts, and completion of their arguments. */
#include <stdio.h>
#include <string.h>

#include "protocol/limits.h"
#include "tests/conformance/fixture.h"

int fixture_prompts(void *context, struct buffer *out)
{
	return buffer_append_text(
		out,
		"{\"name\":\"test_simple_prompt\",\"description\":\"A text\"},"
		"{\"name\":\"test_prompt_with_arguments\",\"description\":\"A text with two "
		"words\",\"arguments\":["
		"{\"name\":\"arg1\",\"description\":\"The first\",\"required\":true},"
		"{\"name\":\"arg2\",\"description\":\"The second\",\"required\":true}]},"
		"{\"name\":\"test_prompt_with_embedded_resource\",\"description\":\"A "
		"resource\",\"arguments\":["
		"{\"name\":\"resourceUri\",\"description\":\"Which\",\"required\":true}]},"
		"{\"name\":\"test_prompt_with_image\",\"description\":\"An image\"},"
		"{\"name\":\"test_input_required_result_prompt\",\"description\":\"Asks what it is about\"}");
}

/* One more message; `content` is its writer's next value. */
static struct json_writer *begin_message(struct mcp_call *call)
{
	struct json_writer *writer = mcp_result_writer(call);

	json_object(writer);
	json_key_text(writer, "role", "user");
	json_key(writer, "content");
	json_object(writer);
	return writer;
}

static void end_message(struct json_writer *writer)
{
	json_object_end(writer);
	json_object_end(writer);
}

static void say(struct mcp_call *call, const char *text)
{
	struct json_writer *writer;

	mcp_result_begin(call);
	writer = begin_message(call);
	json_key_text(writer, "type", "text");
	json_key_text(writer, "text", text);
	end_message(writer);
	mcp_call_finish(call, NULL);
}

static void say_resource(struct mcp_call *call, const char *uri)
{
	struct json_writer *writer;

	mcp_result_begin(call);
	writer = begin_message(call);
	json_key_text(writer, "type", "resource");
	json_key(writer, "resource");
	json_object(writer);
	json_key_text(writer, "uri", uri);
	json_key_text(writer, "mimeType", "text/plain");
	json_key_text(writer, "text", "Embedded resource content for testing.");
	json_object_end(writer);
	end_message(writer);
	mcp_call_finish(call, NULL);
}

static void say_image(struct mcp_call *call)
{
	struct json_writer *writer;

	mcp_result_begin(call);
	writer = begin_message(call);
	json_key_text(writer, "type", "image");
	json_key_text(writer, "data", FIXTURE_PNG);
	json_key_text(writer, "mimeType", "image/png");
	end_message(writer);
	mcp_call_finish(call, NULL);
}

static void ask_context(struct mcp_call *call)
{
	static const char schema[] = "{\"type\":\"object\",\"properties\":{\"context\":{\"type\":\"string\"}}"
				     ",\"required\":[\"context\"]}";
	const cJSON *answer = mcp_call_input(call, "user_context", MCP_ELICIT_FORM);

	if (answer) {
		say(call,
		    fixture_text(cJSON_GetObjectItemCaseSensitive(answer, "content"), "context", "nothing"));
		return;
	}
	fixture_ask(call, "user_context", "What is it about?", schema);
	mcp_ask_end(call, NULL);
}

void fixture_prompt(void *context, struct mcp_call *call, const char *name, const cJSON *arguments)
{
	const char *first = fixture_text(arguments, "arg1", NULL),
		   *second = fixture_text(arguments, "arg2", NULL);
	const char *uri = fixture_text(arguments, "resourceUri", NULL);
	char text[400];

	if (strcmp(name, "test_simple_prompt") == 0) {
		say(call, "This is a simple prompt for testing.");
	} else if (strcmp(name, "test_prompt_with_arguments") == 0 && first && second) {
		snprintf(text, sizeof text, "Prompt with arguments: arg1='%.150s', arg2='%.150s'", first,
			 second);
		say(call, text);
	} else if (strcmp(name, "test_prompt_with_embedded_resource") == 0 && uri) {
		say_resource(call, uri);
	} else if (strcmp(name, "test_prompt_with_image") == 0) {
		say_image(call);
	} else if (strcmp(name, "test_input_required_result_prompt") == 0) {
		ask_context(call);
	} else {
		snprintf(text, sizeof text,
			 "Invalid params: there is no prompt \"%.100s\", or an argument is missing", name);
		mcp_call_error(call, MCP_INVALID_PARAMS, text);
	}
}

void fixture_complete(void *context, struct mcp_call *call, const struct mcp_completion *asked)
{
	static const char *const words[] = {"paris", "park", "party"};
	bool ours = strcmp(asked->ref,
			   asked->prompt ? "test_prompt_with_arguments" : "test://template/{id}/data") == 0 &&
		    (asked->prompt ? strncmp(asked->argument, "arg", 3) == 0
				   : strcmp(asked->argument, "id") == 0);
	const char *first = fixture_text(asked->arguments, "arg1", NULL);
	unsigned count = 0;
	char text[100];

	if (!ours) {
		mcp_call_unknown_completion(call);
		return;
	}
	mcp_result_begin(call);
	if (first) { /* what was settled before is known */
		snprintf(text, sizeof text, "%.80s and more", first);
		json_text(mcp_result_writer(call), text);
		mcp_completion_end(call, 1, true, false);
		mcp_call_finish(call, NULL);
		return;
	}
	if (asked->prompt && asked->value[0] == '0') {
		for (unsigned i = 0; i < LIMIT_COMPLETIONS; i++) {
			snprintf(text, sizeof text, "0%02u", i);
			json_text(mcp_result_writer(call), text);
		}
		mcp_completion_end(call, 300, true, true);
		mcp_call_finish(call, NULL);
		return;
	}
	for (size_t i = 0; asked->prompt && i < 3; i++)
		if (strncmp(words[i], asked->value, strlen(asked->value)) == 0) {
			json_text(mcp_result_writer(call), words[i]);
			count++;
		}
	mcp_completion_end(call, count, true, false);
	mcp_call_finish(call, NULL);
}
