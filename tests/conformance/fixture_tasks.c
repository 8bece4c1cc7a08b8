/* SPDX-License-Identifier: Apache-2.0 */
/* Tools that take their time: as tasks where the client knows them. */
#include <stdio.h>
#include <string.h>

#include "tests/conformance/fixture.h"

#define TTL_MS  300000
#define POLL_MS 100

/* True: it is one now, or needs to be none. Else the call was answered. */
static bool become_task(struct mcp_call *call, bool required)
{
	if (!mcp_call_may_be_task(call)) {
		if (!required)
			return true;
		mcp_call_require_task(call);
		return false;
	}
	if (mcp_call_become_task(call, TTL_MS, POLL_MS) == 0)
		return true;
	mcp_call_error(call, MCP_INTERNAL_ERROR, "Internal error: no more tasks");
	return false;
}

static void greet(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	char text[300];

	snprintf(text, sizeof text, "Hello, %.200s!", fixture_text(arguments, "name", "World"));
	fixture_say(call, text);
}

static void computed(struct mcp_call *call, const char *label)
{
	char text[100];

	snprintf(text, sizeof text, "computed %.60s", label);
	fixture_say(call, text);
}

static void slow_compute(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	const cJSON *seconds = cJSON_GetObjectItemCaseSensitive(arguments, "seconds");
	double milliseconds = cJSON_IsNumber(seconds) ? seconds->valuedouble * 1000 : 0;

	if (become_task(call, false))
		fixture_later(fixture, call,
			      milliseconds > 0 && milliseconds < 600000 ? (unsigned)milliseconds : 0,
			      computed, fixture_text(arguments, "label", ""));
}

static void failed(struct mcp_call *call, const char *label)
{
	mcp_call_fail(call, "The job failed, as it always does", NULL);
}

static void failing_job(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	if (become_task(call, true))
		fixture_later(fixture, call, 100, failed, "");
}

static void broken(struct mcp_call *call, const char *label)
{
	mcp_call_error(call, MCP_INTERNAL_ERROR, "The job broke, as it always does");
}

static void protocol_error_job(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	if (become_task(call, false))
		fixture_later(fixture, call, 0, broken, "");
}

#define CONFIRM "{\"type\":\"object\",\"properties\":{\"confirm\":{\"type\":\"boolean\"}}}"
#define NAME    "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}},\"required\":[\"name\"]}"

static void confirm_delete(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	char text[300];

	if (mcp_call_input(call, "confirm", MCP_ELICIT_FORM)) {
		snprintf(text, sizeof text, "Deleted %.200s", fixture_text(arguments, "filename", "it"));
		fixture_say(call, text);
		return;
	}
	if (!become_task(call, false))
		return;
	snprintf(text, sizeof text, "Delete %.200s?", fixture_text(arguments, "filename", "it"));
	fixture_ask(call, "confirm", text, CONFIRM);
	mcp_ask_end(call, NULL);
}

static void multi_input(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	bool first = mcp_call_input(call, "first", MCP_ELICIT_FORM),
	     second = mcp_call_input(call, "second", MCP_ELICIT_FORM);

	if (first && second) {
		fixture_say(call, "Both were answered");
		return;
	}
	if (!become_task(call, false))
		return;
	if (!first)
		fixture_ask(call, "first", "The first?", NAME);
	if (!second)
		fixture_ask(call, "second", "The second?", NAME);
	mcp_ask_end(call, NULL);
}

static void greeted(struct mcp_call *call, const char *label)
{
	char text[100];

	snprintf(text, sizeof text, "Hello, %.60s", label);
	fixture_say(call, text);
}

/* What it needs is asked before it becomes a task. */
static void with_task(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments)
{
	const cJSON *answer = mcp_call_input(call, "user_name", MCP_ELICIT_FORM);

	if (!mcp_call_may_be_task(call)) {
		mcp_call_require_task(call);
	} else if (!answer) {
		fixture_ask(call, "user_name", "What is your name?", NAME);
		mcp_ask_end(call, NULL);
	} else if (become_task(call, true)) {
		fixture_later(
			fixture, call, 50, greeted,
			fixture_text(cJSON_GetObjectItemCaseSensitive(answer, "content"), "name", "nobody"));
	}
}

const struct fixture_tool task_tools[] = {
	{"greet", "Greets", "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}}", greet},
	{"slow_compute", "Takes its time",
	 "{\"type\":\"object\",\"properties\":{\"seconds\":{\"type\":\"number\"},\"label\":{\"type\":"
	 "\"string\"}}}",
	 slow_compute},
	{"failing_job", "A task that fails", NULL, failing_job},
	{"protocol_error_job", "Ends in a protocol error", NULL, protocol_error_job},
	{"confirm_delete", "Asks before it deletes nothing",
	 "{\"type\":\"object\",\"properties\":{\"filename\":{\"type\":\"string\"}}}", confirm_delete},
	{"multi_input", "Asks two things at once", NULL, multi_input},
	{"test_tool_with_task", "Asks, and goes on as a task", NULL, with_task},
	{NULL},
};
