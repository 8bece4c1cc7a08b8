/* SPDX-License-Identifier: Apache-2.0 */
/* What the protocol asks of one caller (client.h). Each `context` is a struct client. */
#include "server/client.h"

#include <stdio.h>
#include <string.h>

#include "config.h"
#include "server/patience.h"
#include "server/policy/compile.h"
#include "server/resources.h"

static int list_tools(void *context, unsigned begin, struct buffer *out)
{
	struct client *client = context;

	return tools_write(begin, client->calls->context.plan, out);
}

static bool know_tool(void *context, const char *name)
{
	struct client *client = context;
	bool known = tool_find(name) != NULL;

	client->calls->metrics.unknown += !known;
	return known;
}

static void begin_call(void *context, struct mcp_call *call, const char *name, const cJSON *arguments)
{
	struct client *client = context;

	calls_begin(client->calls, &client->caller, call, name, arguments);
}

static void cancel_call(void *context, struct mcp_call *call)
{
	struct client *client = context;

	calls_cancel(client->calls, call);
}

static int list_resources(void *context, struct buffer *out)
{
	return resources_list(&((struct client *)context)->caller, out);
}

static int list_templates(void *context, struct buffer *out)
{
	return resources_templates(out);
}

static void read_resource(void *context, struct mcp_call *call, const char *uri)
{
	struct client *client = context;

	resources_read(client->calls, &client->caller, call, uri);
}

static void complete(void *context, struct mcp_call *call, const struct mcp_completion *asked)
{
	struct client *client = context;

	resources_complete(client->calls, &client->caller, call, asked);
}

static int watch_resource(void *context, const char *uri)
{
	struct client *client = context;

	return resources_watch(client->calls, &client->caller, uri);
}

static void unwatch_resource(void *context, const char *uri)
{
	struct client *client = context;

	resources_unwatch(client->calls, &client->caller, uri);
}

/* What is known of the profile, before the first call only what policy says. */
static void name_profile(const struct client *client, char *text, size_t size)
{
	const struct confinement_found *found = client->calls->context.found;
	enum confinement least = client->settings->plan.require_profile;

	if (found->profile || least == CONFINEMENT_FULL)
		snprintf(text, size, "profile %s",
			 confinement_name(found->profile ? found->profile : CONFINEMENT_FULL));
	else
		snprintf(text, size, "profile full where this system gives it, at least %s",
			 confinement_name(least));
}

static void write_instructions(struct client *client)
{
	const struct plan *plan = &client->settings->plan;
	char *text = client->instructions, profile[64];
	size_t size = sizeof client->instructions;
	int used;

	client->told = client->calls->context.found->profile;
	name_profile(client, profile, sizeof profile);
	used = snprintf(text, size,
			"Commands, files and web fetches, each confined by the kernel (%s). Workspace%s:",
			profile, plan->workspace_count == 1 ? "" : "s");
	for (size_t i = 0; i < plan->workspace_count && used > 0 && (size_t)used < size - 256; i++)
		used += snprintf(text + used, size - (size_t)used, "%s %s%s", i ? "," : "",
				 plan->workspaces[i].path, plan->workspaces[i].write ? "" : " (read only)");
	if (used > 0 && (size_t)used < size)
		snprintf(text + used, size - (size_t)used,
			 ". Relative paths start in the first. What is refused says by which rule; "
			 "explain_access tells before "
			 "you try. Policy %.12s.",
			 plan->policy_sha256);
}

/* Its own name decides how long a host program waits, unless the person has said. */
static uint32_t know_name(void *context, const char *name)
{
	struct client *client = context;
	uint32_t said = client->settings->answer_within_ms;

	/* whoever comes later reads what has been found since */
	if (name && client->told != client->calls->context.found->profile)
		write_instructions(client);
	return said ? said : patience_of(name);
}

int client_init(struct client *client, struct calls *calls, const struct settings *settings,
		unsigned in_flight, unsigned subscriptions, struct err *err)
{
	struct mcp_host host = {.context = client,
				.name = "sallyport",
				.title = "Sallyport",
				.version = SALLYPORT_VERSION,
				.instructions = client->instructions,
				.subscriptions = subscriptions,
				.calls = in_flight,
				.tools = list_tools,
				.tool_known = know_tool,
				.call = begin_call,
				.resources = list_resources,
				.resource_templates = list_templates,
				.read = read_resource,
				.complete = complete,
				.watch = watch_resource,
				.unwatch = unwatch_resource,
				.cancel = cancel_call,
				.client = know_name};
	int result;

	client->calls = calls;
	client->settings = settings;
	caller_init(&client->caller, calls->sandboxes);
	write_instructions(client);
	result = mcp_caller_new(&client->caller.mcp, &host);
	return result < 0 ? err_set(err, result, "out of memory") : 0;
}

void client_deinit(struct client *client)
{
	struct mcp_caller *mcp = client->caller.mcp;

	file_watches_end(client->calls, &client->caller);
	downloads_leave(client->calls, &client->caller);
	caller_deinit(&client->caller);
	mcp_caller_free(mcp);
}
