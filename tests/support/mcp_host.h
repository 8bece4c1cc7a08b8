/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_MCP_HOST_H
#define SALLYPORT_TESTS_MCP_HOST_H

/*
 * A host for the protocol with five made-up tools, for unit tests, fuzz targets and fault injection:
 * everything that is sent is gathered in `sent`.
 *
 *   echo   answers at once: its "text", escaped; structuredContent, isError false, _meta
 *   fail   answers at once with an error result
 *   error  answers at once with a protocol error
 *   hold   is kept in held[] until the test does something with it
 *   large  answers with more than a message may have
 *   ask    asks for "name" (a form), then for "more" (sampling and roots), then says what it was told; its
 * "text" names what else to ask for: "url". A host whose tests say `asks` has it. task   (the same) goes on
 * as a task where the client knows them, and does then what "ask" does
 *
 * and with made-up resources:
 *
 *   test:a, test:b  a text; nothing changes unless the test says so
 *   test:final      a text that will not change any more
 *   test:hold       is kept in held[]; test:fail: cannot be read
 *   test:N          (a digit, then anything) can be watched, as many as there are
 *   test:later      whether it can be watched the test says (mcp_resource_watched)
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"
#include "protocol/mcp.h"
#include "tests/support/mcp_host_asks.h"

#define HOST_HELD (LIMIT_CALLS_IN_FLIGHT + 1)

struct test_host {
	struct mcp_caller *caller;
	struct mcp_peer *peer;
	struct buffer sent;
	struct mcp_call *held[HOST_HELD];
	unsigned held_count, cancelled, called, sends;
	unsigned watch_calls, unwatch_calls;
	char unwatched[64]; /* the last one */
	unsigned page;      /* tools a page; 0: all */
	bool no_large;      /* that tool is unknown: a fuzzer would call nothing else */
	bool asks;          /* it has the tools ask and task, the prompt "test", and tells logs */
	char client[64];
	int send_result;              /* what the sink returns */
	struct mcp_delivery delivery; /* of the message sent last */
};

static int test_host_tools(void *context, unsigned begin, struct buffer *out)
{
	static const char *const names[] = {"echo", "error", "fail", "hold", "large"};
	struct test_host *host = context;
	unsigned end = 5;
	struct json_writer writer;

	json_writer_init(&writer, out);
	if (host->page && begin + host->page < end)
		end = begin + host->page;
	for (unsigned i = begin; i < end; i++) {
		json_object(&writer);
		json_key_text(&writer, "name", names[i]);
		json_key(&writer, "inputSchema");
		json_object(&writer);
		json_key_text(&writer, "type", "object");
		json_object_end(&writer);
		json_object_end(&writer);
	}
	return writer.result < 0 ? writer.result : end < 5 ? (int)end : 0;
}

static bool test_host_tool_known(void *context, const char *name)
{
	static const char *const names[] = {"echo", "error", "fail", "hold", "large"};

	const struct test_host *host = context;

	for (size_t i = 0; i < (host->no_large ? 4 : 5); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	if (host->asks && (strcmp(name, "ask") == 0 || strcmp(name, "task") == 0))
		return true;
	return false;
}

/* echo's: text, count and inner.flag */
static const struct mcp_tool_header *test_host_headers(void *context, const char *name)
{
	static const struct mcp_tool_header headers[] = {
		{"Mcp-Param-Text", {"text"}},
		{"Mcp-Param-Count", {"count"}},
		{"Mcp-Param-Flag", {"inner", "flag"}},
		{NULL, {NULL}},
	};

	return strcmp(name, "echo") == 0 ? headers : NULL;
}

static void test_host_echo(struct mcp_call *call, const cJSON *arguments)
{
	const cJSON *text = cJSON_GetObjectItemCaseSensitive(arguments, "text");
	const char *bytes = cJSON_IsString(text) ? text->valuestring : "nothing";
	struct json_writer *writer;
	struct buffer meta;

	buffer_init(&meta, 256);
	mcp_call_progress(call, 0.5, "half", 4);
	mcp_result_begin(call);
	mcp_result_text_begin(call);
	mcp_result_text(call, bytes, strlen(bytes), NULL);
	mcp_result_text_end(call);
	writer = mcp_result_members(call);
	json_key(writer, "structuredContent");
	json_object(writer);
	json_key_int(writer, "bytes", (int64_t)strlen(bytes));
	json_object_end(writer);
	buffer_append_text(&meta, "\"sallyport.dev/result\":{}");
	mcp_call_finish(call, &meta);
	buffer_deinit(&meta);
}

static void test_host_large(struct mcp_call *call)
{
	static char controls[1 << 20]; /* NUL bytes: each becomes six */

	mcp_result_begin(call);
	mcp_result_text_begin(call);
	for (size_t sent = 0; sent <= LIMIT_ANSWER_BYTES / 6; sent += sizeof controls)
		mcp_result_text(call, controls, sizeof controls, NULL);
	mcp_call_finish(call, NULL);
}

static void test_host_prompt(void *context, struct mcp_call *call, const char *name, const cJSON *arguments)
{
	struct test_host *host = context;

	host->called++;
	if (strcmp(name, "test") == 0)
		test_host_ask(call, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(arguments, "text")),
			      true);
	else if (strcmp(name, "hold") == 0 && host->held_count < HOST_HELD)
		host->held[host->held_count++] = call;
	else
		mcp_call_error(call, MCP_INVALID_PARAMS, "Unknown prompt");
}

static int test_host_prompts(void *context, struct buffer *out)
{
	return buffer_append_text(out, "{\"name\":\"test\"}");
}

static void test_host_call(void *context, struct mcp_call *call, const char *name, const cJSON *arguments)
{
	struct test_host *host = context;

	host->called++;
	if (strcmp(name, "echo") == 0)
		test_host_echo(call, arguments);
	else if (strcmp(name, "fail") == 0)
		mcp_call_fail(call, "Error: it did not work", NULL);
	else if (strcmp(name, "error") == 0)
		mcp_call_error(call, MCP_INTERNAL_ERROR, "Internal error: on purpose");
	else if (strcmp(name, "large") == 0)
		test_host_large(call);
	else if (strcmp(name, "task") == 0 && mcp_call_may_be_task(call) &&
		 mcp_call_become_task(call, 60000, 50) < 0)
		mcp_call_fail(call, "Error: no task", NULL);
	else if (strcmp(name, "ask") == 0 || strcmp(name, "task") == 0)
		test_host_ask(call, cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(arguments, "text")),
			      false);
	else if (host->held_count == HOST_HELD)
		mcp_call_fail(call, "Error: full", NULL);
	else
		host->held[host->held_count++] = call;
}

static void test_host_forget(struct test_host *host, struct mcp_call *call)
{
	for (unsigned i = 0; i < host->held_count; i++)
		if (host->held[i] == call)
			host->held[i--] = host->held[--host->held_count];
}

static void test_host_cancel(void *context, struct mcp_call *call)
{
	struct test_host *host = context;

	host->cancelled++;
	test_host_forget(host, call);
	mcp_call_drop(call);
}

static int test_host_resources(void *context, struct buffer *out)
{
	static const char *const names[] = {"a", "b"};
	struct json_writer writer;

	json_writer_init(&writer, out);
	for (size_t i = 0; i < 2; i++) {
		char uri[8];

		snprintf(uri, sizeof uri, "test:%s", names[i]);
		json_object(&writer);
		json_key_text(&writer, "uri", uri);
		json_key_text(&writer, "name", names[i]);
		json_object_end(&writer);
	}
	return writer.result;
}

static int test_host_templates(void *context, struct buffer *out)
{
	return buffer_append_text(out, "{\"uriTemplate\":\"test:{name}\",\"name\":\"test\"}");
}

static int test_host_watch(void *context, const char *uri)
{
	struct test_host *host = context;

	host->watch_calls++;
	if (strcmp(uri, "test:final") == 0)
		return 1;
	if (strcmp(uri, "test:later") == 0)
		return -EINPROGRESS;
	if (strcmp(uri, "test:a") == 0 || strcmp(uri, "test:b") == 0)
		return 0;
	return strncmp(uri, "test:", 5) == 0 && uri[5] >= '0' && uri[5] <= '9' ? 0 : -ENOENT;
}

static void test_host_unwatch(void *context, const char *uri)
{
	struct test_host *host = context;

	host->unwatch_calls++;
	snprintf(host->unwatched, sizeof host->unwatched, "%s", uri);
}

static void test_host_read(void *context, struct mcp_call *call, const char *uri)
{
	struct test_host *host = context;
	struct buffer meta;

	host->called++;
	if (strcmp(uri, "test:hold") == 0 && host->held_count < HOST_HELD) {
		host->held[host->held_count++] = call;
	} else if (strcmp(uri, "test:fail") == 0) {
		mcp_call_fail(call, "Error: it cannot be read", NULL);
	} else if (strncmp(uri, "test:", 5) != 0 || !strchr("abf", uri[5])) {
		mcp_call_not_found(call);
	} else {
		buffer_init(&meta, 256);
		mcp_result_begin(call);
		mcp_result_text_begin(call);
		mcp_result_text(call, "a\n\xff", 3, NULL);
		mcp_result_text_end(call);
		buffer_append_text(&meta, "\"sallyport.dev/result\":{}");
		mcp_call_finish(call, &meta);
		buffer_deinit(&meta);
	}
}

/* completes test:{name}, and the argument "name" of the prompt "test": the value with "a" and "b" behind */
static void test_host_complete(void *context, struct mcp_call *call, const struct mcp_completion *asked)
{
	struct test_host *host = context;
	char value[64];

	host->called++;
	if (strcmp(asked->ref, asked->prompt ? "test" : "test:{name}") != 0 ||
	    strcmp(asked->argument, "name") != 0) {
		mcp_call_unknown_completion(call);
	} else if (strcmp(asked->value, "hold") == 0 && host->held_count < HOST_HELD) {
		host->held[host->held_count++] = call;
	} else if (strcmp(asked->value, "fail") == 0) {
		mcp_call_fail(call, "Error: nothing comes to mind", NULL);
	} else {
		mcp_result_begin(call);
		for (const char *end = asked->prompt ? "a" : "ab"; *end; end++) {
			snprintf(value, sizeof value, "%.60s%c", asked->value, *end);
			json_text(mcp_result_writer(call), value);
		}
		mcp_completion_end(call, 2, !asked->prompt, asked->prompt);
		mcp_call_finish(call, NULL);
	}
}

static uint32_t test_host_client(void *context, const char *name)
{
	struct test_host *host = context;

	snprintf(host->client, sizeof host->client, "%s", name ? name : "");
	return name ? 1000 + (uint32_t)strlen(name) : 1000;
}

static int test_host_send(void *context, const struct mcp_delivery *delivery, struct buffer *message)
{
	struct test_host *host = context;

	host->sends++;
	host->delivery = *delivery;
	if (host->send_result < 0)
		return host->send_result;
	return buffer_append(&host->sent, buffer_data(message), buffer_length(message));
}

/* `asks`: struct test_host. 0, or -ENOMEM. */
static inline int test_host_begin(struct test_host *host, bool asks)
{
	struct mcp_host callbacks = {
		.context = host,
		.name = "sallyport",
		.title = "Sallyport",
		.version = "1.2.3",
		.instructions = "Be careful.",
		.tools = test_host_tools,
		.tool_known = test_host_tool_known,
		.tool_headers = test_host_headers,
		.call = test_host_call,
		.resources = test_host_resources,
		.resource_templates = test_host_templates,
		.read = test_host_read,
		.complete = test_host_complete,
		.watch = test_host_watch,
		.unwatch = test_host_unwatch,
		.cancel = test_host_cancel,
		.client = test_host_client,
	};
	struct mcp_sink sink = {host, test_host_send};
	int result;

	if (asks) {
		callbacks.prompts = test_host_prompts;
		callbacks.prompt = test_host_prompt;
		callbacks.logs = callbacks.tasks = callbacks.resources_change = true;
	}
	*host = (struct test_host){.asks = asks};
	buffer_init(&host->sent, 256u << 20);
	result = mcp_caller_new(&host->caller, &callbacks);
	if (result < 0)
		return result;
	result = mcp_peer_new(&host->peer, host->caller, &sink);
	if (result < 0)
		mcp_caller_free(host->caller);
	return result;
}

static inline int test_host_init(struct test_host *host)
{
	return test_host_begin(host, false);
}

static void test_host_deinit(struct test_host *host)
{
	mcp_peer_free(host->peer);
	mcp_caller_free(host->caller);
	buffer_deinit(&host->sent);
}

#endif
