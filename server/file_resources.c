/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the workspaces as resources: file:///PATH (RFC 8089). A read is a call of read_file, so policy,
 * bounds and confinement are those of the tool.
 */
#include <errno.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/mcp.h"
#include "server/calls.h"
#include "server/resources.h"
#include "tools/files/tools.h"
#include "tools/files/uri.h"

#define PREFIX "file://"

static void read_file(struct calls *calls, struct caller *caller, struct mcp_call *call, const char *rest)
{
	_cleanup_(json_free) cJSON *arguments = cJSON_CreateObject();
	char path[LIMIT_PATH_BYTES];

	if (uri_read(rest, path) < 0) {
		mcp_call_not_found(call);
		return;
	}
	if (!cJSON_AddStringToObject(arguments, "path", path) ||
	    !cJSON_AddNumberToObject(arguments, "limit", LIMIT_READ_LINES_MAX)) {
		mcp_call_error(call, MCP_INTERNAL_ERROR, "Internal error: out of memory");
		return;
	}
	calls_begin(calls, caller, call, "read_file", arguments);
}

/* tools/files/complete_path.c does the rest, from what stands in the call. */
static void complete(struct calls *calls, struct caller *caller, struct mcp_call *call,
		     const struct mcp_completion *asked)
{
	_cleanup_(json_free) cJSON *arguments = cJSON_CreateObject();
	char path[LIMIT_PATH_BYTES] = "";

	if (*asked->value && uri_read_path(asked->value, path) < 0) {
		mcp_result_begin(call);
		mcp_completion_end(call, 0, true, false);
		mcp_call_finish(call, NULL);
		return;
	}
	if (!cJSON_AddStringToObject(arguments, "path", path)) {
		mcp_call_error(call, MCP_INTERNAL_ERROR, "Internal error: out of memory");
		return;
	}
	calls_begin_as(calls, caller, call, &complete_path_tool, arguments);
}

/* They are as many as there are files: list_directory and find_files know them. */
static void list(const struct caller *caller, struct json_writer *writer)
{
}

/* What stands at the path need not exist: that it is made is heard. `rest` is the end of the whole URI. */
static int watch(struct calls *calls, struct caller *caller, const char *rest)
{
	char path[LIMIT_PATH_BYTES];

	return uri_read(rest, path) < 0 ? -ENOENT
					: file_watch_begin(calls, caller, rest - strlen(PREFIX), path);
}

static void unwatch(struct calls *calls, struct caller *caller, const char *rest)
{
	file_watch_end(calls, caller, rest - strlen(PREFIX));
}

const struct resource_kind file_resources = {
	.prefix = PREFIX,
	.uri_template = PREFIX "{+path}",
	.name = "file",
	.title = "File of a workspace",
	.description = "A text file, image or audio, by its absolute path.",
	.argument = "path",
	.list = list,
	.read = read_file,
	.complete = complete,
	.watch = watch,
	.unwatch = unwatch,
};
