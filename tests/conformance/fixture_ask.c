/* SPDX-License-Identifier: Apache-2.0 */
/* Tools that ask the client: once, several things at once, twice. */
#include <stdio.h>
#include <string.h>

#include "tests/conformance/fixture.h"

#define OBJECT(properties) "{\"type\":\"object\",\"properties\":{" properties "}}"
#define NAME_SCHEMA                                                                                          \
	"{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}},\"required\":[\"name\"]}"

static void ask_sample(struct mcp_call *call, const char *key, const char *prompt)
{
	struct json_writer *writer = mcp_ask(call, key, MCP_SAMPLE);

	json_key(writer, "messages");
	json_array(writer);
	json_object(writer);
	json_key_text(writer, "role", "user");
	json_key(writer, "content");
	json_object(writer);
	json_key_text(writer, "type", "text");
	json_key_text(writer, "text", prompt);
	json_object_end(writer);
	json_object_end(writer);
	json_array_end(writer);
	json_key_int(writer, "maxTokens", 100);
}

/* An accepted form's text. */
static const char *find_text(const struct mcp_call *call, const char *key, const char *member)
{
	const cJSON *answer = mcp_call_input(call, key, MCP_ELICIT_FORM);

	return fixture_text(cJSON_GetObjectItemCaseSensitive(answer, "content"), member, NULL);
}

static void say(struct mcp_call *call, const char *before, const char *word)
{
	char text[300];

	snprintf(text, sizeof text, "%s%.200s", before, word ? word : "nobody");
	fixture_say(call, text);
}

/* "state" or NULL is what passes through the client. */
static void ask_name(struct mcp_call *call, const char *state)
{
	if (mcp_call_input(call, "user_name", MCP_ELICIT_FORM)) {
		say(call, "Hello, ", find_text(call, "user_name", "name"));
		return;
	}
	fixture_ask(call, "user_name", "What is your name?", NAME_SCHEMA);
	mcp_ask_end(call, state);
}

static void elicitation(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	ask_name(call, NULL);
}

static void request_state(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	ask_name(call, "asked");
}

static void sampling(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	if (mcp_call_input(call, "capital_question", MCP_SAMPLE)) {
		fixture_say(call, "sampled");
		return;
	}
	ask_sample(call, "capital_question",
		   fixture_text(arguments, "prompt", "What is the capital of France?"));
	mcp_ask_end(call, NULL);
}

static void list_roots(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	if (mcp_call_input(call, "client_roots", MCP_ROOTS)) {
		fixture_say(call, "rooted");
		return;
	}
	mcp_ask(call, "client_roots", MCP_ROOTS);
	mcp_ask_end(call, NULL);
}

static void multiple_inputs(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	bool name = mcp_call_input(call, "user_name", MCP_ELICIT_FORM);
	bool greeting = mcp_call_input(call, "greeting", MCP_SAMPLE);
	bool roots = mcp_call_input(call, "client_roots", MCP_ROOTS);

	if (name && greeting && roots) {
		say(call, "Hello, ", find_text(call, "user_name", "name"));
		return;
	}
	if (!name)
		fixture_ask(call, "user_name", "What is your name?", NAME_SCHEMA);
	if (!greeting)
		ask_sample(call, "greeting", "Generate a greeting");
	if (!roots)
		mcp_ask(call, "client_roots", MCP_ROOTS);
	mcp_ask_end(call, "multiple");
}

/* Where it stands is in the state alone: the client repeats only the answers of the last round. */
static void multi_round(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	const char *state = mcp_call_state(call);
	char next[120];

	if (state && strncmp(state, "two:", 4) == 0 && mcp_call_input(call, "step2", MCP_ELICIT_FORM)) {
		say(call, "Well met, ", state + 4);
		return;
	}
	if (state && strcmp(state, "one") == 0 && mcp_call_input(call, "step1", MCP_ELICIT_FORM)) {
		snprintf(next, sizeof next, "two:%.100s",
			 find_text(call, "step1", "name") ? find_text(call, "step1", "name") : "");
		fixture_ask(call, "step2", "Step 2: What is your favorite color?",
			    OBJECT("\"color\":{\"type\":\"string\"}"));
		mcp_ask_end(call, next);
		return;
	}
	fixture_ask(call, "step1", "Step 1: What is your name?", NAME_SCHEMA);
	mcp_ask_end(call, "one");
}

/* What the client can answer, and no more. */
static void capabilities(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	bool form = mcp_call_can(call, MCP_ELICIT_FORM);

	if (!form && !mcp_call_can(call, MCP_SAMPLE))
		fixture_say(call, "nothing to ask");
	else if (form)
		ask_name(call, NULL);
	else
		sampling(fixture, call, arguments);
}

/* What becomes of a question: "accept", "decline" or "cancel". */
static void actions(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	bool url = strcmp(fixture_text(arguments, "mode", "form"), "url") == 0;
	enum mcp_input input = url ? MCP_ELICIT_URL : MCP_ELICIT_FORM;
	const cJSON *answer = mcp_call_input(call, "question", input);
	struct json_writer *writer;

	if (answer) {
		fixture_say(call, fixture_text(answer, "action", ""));
		return;
	}
	if (url) {
		writer = mcp_ask(call, "question", MCP_ELICIT_URL);
		json_key_text(writer, "message", "Please sign in");
		json_key_text(writer, "url", "https://example.com/sign-in");
		json_key_text(writer, "elicitationId", "sign-in-1");
	} else {
		fixture_ask(call, "question", "What is your name?", NAME_SCHEMA);
	}
	mcp_ask_end(call, "asked");
}

static void legacy_elicitation(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	if (mcp_call_input(call, "response", MCP_ELICIT_FORM)) {
		say(call, "User response: ", find_text(call, "response", "response"));
		return;
	}
	fixture_ask(call, "response", fixture_text(arguments, "message", "Please answer"),
		    OBJECT("\"response\":{\"type\":\"string\",\"description\":\"Your answer\"}"));
	mcp_ask_end(call, NULL);
}

static void ask_once(struct mcp_call *call, const char *schema)
{
	if (mcp_call_input(call, "form", MCP_ELICIT_FORM)) {
		fixture_say(call, "Elicitation completed");
		return;
	}
	fixture_ask(call, "form", "Please fill this in", schema);
	mcp_ask_end(call, NULL);
}

static void defaults(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	ask_once(call,
		 OBJECT("\"name\":{\"type\":\"string\",\"default\":\"John Doe\"},"
			"\"age\":{\"type\":\"integer\",\"default\":30},"
			"\"score\":{\"type\":\"number\",\"default\":95.5},"
			"\"status\":{\"type\":\"string\",\"enum\":[\"active\",\"inactive\",\"pending\"],"
			"\"default\":\"active\"},"
			"\"verified\":{\"type\":\"boolean\",\"default\":true}"));
}

#define TITLED                                                                                               \
	"[{\"const\":\"value1\",\"title\":\"First\"},{\"const\":\"value2\",\"title\":\"Second\"},{"          \
	"\"const\":\"value3\","                                                                              \
	"\"title\":\"Third\"}]"

static void enums(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	ask_once(call,
		 OBJECT("\"untitledSingle\":{\"type\":\"string\",\"enum\":[\"option1\",\"option2\","
			"\"option3\"]},"
			"\"titledSingle\":{\"type\":\"string\",\"oneOf\":" TITLED "},"
			"\"legacyEnum\":{\"type\":\"string\",\"enum\":[\"opt1\",\"opt2\",\"opt3\"],"
			"\"enumNames\":[\"Option One\",\"Option Two\",\"Option Three\"]},"
			"\"untitledMulti\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":["
			"\"option1\",\"option2\",\"option3\"]}},"
			"\"titledMulti\":{\"type\":\"array\",\"items\":{\"anyOf\":" TITLED "}}"));
}

const struct fixture_tool asking_tools[] = {
	{"test_input_required_result_elicitation", "Asks for a name", NULL, elicitation},
	{"test_input_required_result_sampling", "Asks for a completion", NULL, sampling},
	{"test_input_required_result_list_roots", "Asks for the roots", NULL, list_roots},
	{"test_input_required_result_request_state", "Asks, and gives a state", NULL, request_state},
	{"test_input_required_result_tampered_state", "Asks, and gives a state", NULL, request_state},
	{"test_input_required_result_multiple_inputs", "Asks for three things at once", NULL,
	 multiple_inputs},
	{"test_input_required_result_multi_round", "Asks twice", NULL, multi_round},
	{"test_input_required_result_capabilities", "Asks what the client can answer", NULL, capabilities},
	{"test_actions", "Says what became of its question", OBJECT("\"mode\":{\"type\":\"string\"}"),
	 actions},
	{"test_missing_capability", "Needs sampling", NULL, sampling},
	{"test_streaming_elicitation", "Asks for a name", NULL, elicitation},
	{"test_sampling", "Asks for a completion", OBJECT("\"prompt\":{\"type\":\"string\"}"), sampling},
	{"test_elicitation", "Asks for an answer", OBJECT("\"message\":{\"type\":\"string\"}"),
	 legacy_elicitation},
	{"test_elicitation_sep1034_defaults", "Asks with defaults", NULL, defaults},
	{"test_elicitation_sep1330_enums", "Asks to choose", NULL, enums},
	{NULL},
};
