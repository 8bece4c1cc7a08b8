/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_CONFORMANCE_FIXTURE_H
#define SALLYPORT_TESTS_CONFORMANCE_FIXTURE_H

/*
 * A server for conformance suites: the tools, prompts and resources that the official one asks for by name,
 * on the protocol and transports of the real server. What they do is fixed; what is under test is how it is
 * said.
 */

#include <cjson/cJSON.h>

#include "protocol/mcp.h"
#include "protocol/mcp_input.h"
#include "protocol/mcp_tasks.h"
#include "server/loop.h"

struct fixture {
	struct loop loop;
	struct mcp_caller *caller;
	struct work *works; /* calls that something is done for later */
};

struct fixture_tool {
	const char *name, *description;
	const char *schema; /* of its arguments: JSON; NULL: it has none */
	void (*run)(struct fixture *fixture, struct mcp_call *call, const cJSON *arguments);
	const struct mcp_tool_header *headers; /* or NULL */
	const char *members;                   /* JSON: more of its descriptor; or NULL */
};

/* Ended by one without a name. */
extern const struct fixture_tool content_tools[], asking_tools[], task_tools[];

/* fixture_host.c */
void fixture_host(struct fixture *fixture, struct mcp_host *host);
/* The whole answer: one text. */
void fixture_say(struct mcp_call *call, const char *text);
/* One more question: a form. */
void fixture_ask(struct mcp_call *call, const char *key, const char *message, const char *schema);
/* A string of the arguments, or `otherwise`. */
const char *fixture_text(const cJSON *arguments, const char *key, const char *otherwise);

/* fixture_later.c: `done` is called with the call after so many milliseconds, unless it is cancelled before.
 */
void fixture_later(struct fixture *fixture, struct mcp_call *call, unsigned milliseconds,
		   void (*done)(struct mcp_call *call, const char *label), const char *label);
/* True: it was cancelled, and is ours no more. */
bool fixture_cancel(struct fixture *fixture, struct mcp_call *call);
void fixture_forget(struct fixture *fixture);

/* fixture_prompts.c, fixture_resources.c: parts of struct mcp_host */
int fixture_prompts(void *context, struct buffer *out);
void fixture_prompt(void *context, struct mcp_call *call, const char *name, const cJSON *arguments);
void fixture_complete(void *context, struct mcp_call *call, const struct mcp_completion *asked);
int fixture_resources(void *context, struct buffer *out);
int fixture_resource_templates(void *context, struct buffer *out);
void fixture_read(void *context, struct mcp_call *call, const char *uri);
int fixture_watch(void *context, const char *uri);
void fixture_unwatch(void *context, const char *uri);

/* A picture of one red pixel, and a sound of no length, in base64. */
#define FIXTURE_PNG                                                                                          \
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
#define FIXTURE_WAV "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="

#endif
