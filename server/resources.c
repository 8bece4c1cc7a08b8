/* SPDX-License-Identifier: Apache-2.0 */
/* Which kind of resource a URI names (resources.h). What comes in is the client's: any text. */
#include "server/resources.h"

#include <errno.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/mcp.h"

static const struct resource_kind *const kinds[] = {&command_resources, &file_resources};

/* NULL: we have no such kind. */
static const struct resource_kind *find_kind(const char *uri, const char **rest)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t length = strlen(kinds[i]->prefix);

		*rest = uri + length;
		if (strncmp(uri, kinds[i]->prefix, length) == 0)
			return kinds[i];
	}
	return NULL;
}

int resources_list(const struct caller *caller, struct buffer *out)
{
	struct json_writer writer;

	json_writer_init(&writer, out);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		kinds[i]->list(caller, &writer);
	return writer.result;
}

int resources_templates(struct buffer *out)
{
	struct json_writer writer;

	json_writer_init(&writer, out);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		json_object(&writer);
		json_key_text(&writer, "uriTemplate", kinds[i]->uri_template);
		json_key_text(&writer, "name", kinds[i]->name);
		json_key_text(&writer, "title", kinds[i]->title);
		json_key_text(&writer, "description", kinds[i]->description);
		if (kinds[i]->media_type)
			json_key_text(&writer, "mimeType", kinds[i]->media_type);
		json_object_end(&writer);
	}
	return writer.result;
}

void resources_read(struct calls *calls, struct caller *caller, struct mcp_call *call, const char *uri)
{
	const char *rest;
	const struct resource_kind *kind = find_kind(uri, &rest);

	if (kind)
		kind->read(calls, caller, call, rest);
	else
		mcp_call_not_found(call);
}

void resources_complete(struct calls *calls, struct caller *caller, struct mcp_call *call,
			const struct mcp_completion *asked)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds) && !asked->prompt; i++)
		if (strcmp(kinds[i]->uri_template, asked->ref) == 0 &&
		    strcmp(kinds[i]->argument, asked->argument) == 0) {
			kinds[i]->complete(calls, caller, call, asked);
			return;
		}
	mcp_call_unknown_completion(call); /* there are no prompts */
}

int resources_watch(struct calls *calls, struct caller *caller, const char *uri)
{
	const char *rest;
	const struct resource_kind *kind = find_kind(uri, &rest);

	return kind ? kind->watch(calls, caller, rest) : -ENOENT;
}

void resources_unwatch(struct calls *calls, struct caller *caller, const char *uri)
{
	const char *rest;
	const struct resource_kind *kind = find_kind(uri, &rest);

	if (kind)
		kind->unwatch(calls, caller, rest);
}
