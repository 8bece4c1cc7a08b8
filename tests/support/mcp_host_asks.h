/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_MCP_HOST_ASKS_H
#define SALLYPORT_TESTS_MCP_HOST_ASKS_H

/* The part of the made-up host (mcp_host.h) that asks its client. */

#include <stdio.h>
#include <string.h>

#include "protocol/mcp.h"
#include "protocol/mcp_input.h"
#include "protocol/mcp_tasks.h"

/* "NAME, sampled, N roots", in the result or as the only message of a prompt. */
static void test_host_tell(struct mcp_call *call, const cJSON *form, const cJSON *roots, bool prompt)
{
	const char *name = cJSON_GetStringValue(
		cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(form, "content"), "name"));
	char text[100];
	struct json_writer *writer;

	snprintf(text, sizeof text, "%.40s, sampled, %d roots, state %.20s", name ? name : "nobody",
		 cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(roots, "roots")),
		 mcp_call_state(call) ? mcp_call_state(call) : "none");
	mcp_result_begin(call);
	writer = mcp_result_writer(call);
	json_object(writer);
	if (prompt) {
		json_key_text(writer, "role", "user");
		json_key(writer, "content");
		json_object(writer);
	}
	json_key_text(writer, "type", "text");
	json_key_text(writer, "text", text);
	json_object_end(writer);
	if (prompt)
		json_object_end(writer);
	mcp_call_finish(call, NULL);
}

static void test_host_ask(struct mcp_call *call, const char *what, bool prompt)
{
	const cJSON *form = mcp_call_input(call, "name", MCP_ELICIT_FORM);
	const cJSON *roots = mcp_call_input(call, "roots", MCP_ROOTS);
	struct json_writer *writer;

	if (!form) {
		writer = mcp_ask(call, "name", MCP_ELICIT_FORM);
		json_key_text(writer, "message", "Who?");
		if (what && strcmp(what, "url") == 0)
			json_key_text(mcp_ask(call, "page", MCP_ELICIT_URL), "url", "https://example.com/");
		mcp_ask_end(call, "one");
	} else if (!roots || !mcp_call_input(call, "sample", MCP_SAMPLE)) {
		if (!roots)
			mcp_ask(call, "roots", MCP_ROOTS);
		json_key_int(mcp_ask(call, "sample", MCP_SAMPLE), "maxTokens", 5);
		mcp_ask_end(call, "two");
	} else {
		test_host_tell(call, form, roots, prompt);
	}
}

#endif
