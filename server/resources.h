/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_RESOURCES_H
#define SALLYPORT_SERVER_RESOURCES_H

/*
 * A caller's resources, by what their URIs begin with: mcp_host's callbacks about resources end here, and one
 * table says which kind of resource answers. A caller's `mcp` hears of changes.
 */

#include "protocol/buffer.h"
#include "protocol/json.h"

struct caller;
struct calls;
struct mcp_call;
struct mcp_completion;

/* One kind of resource; `rest` is what stands behind the prefix of a URI. */
struct resource_kind {
	const char *prefix;
	const char *uri_template, *name, *title, *description; /* in resources/templates/list */
	const char *media_type;                                /* there; NULL: it depends */
	const char *argument;                                  /* the variable of the template */
	/* Writes those there are, as objects. */
	void (*list)(const struct caller *caller, struct json_writer *writer);
	/* As mcp_host.complete: about `argument`. */
	void (*complete)(struct calls *calls, struct caller *caller, struct mcp_call *call,
			 const struct mcp_completion *asked);
	/* As mcp_host.read, .watch and .unwatch. */
	void (*read)(struct calls *calls, struct caller *caller, struct mcp_call *call, const char *rest);
	int (*watch)(struct calls *calls, struct caller *caller, const char *rest);
	void (*unwatch)(struct calls *calls, struct caller *caller, const char *rest);
};

extern const struct resource_kind command_resources, file_resources;

/* See the members of struct mcp_host of these names. */
int resources_list(const struct caller *caller, struct buffer *out);
int resources_templates(struct buffer *out);
void resources_read(struct calls *calls, struct caller *caller, struct mcp_call *call, const char *uri);
void resources_complete(struct calls *calls, struct caller *caller, struct mcp_call *call,
			const struct mcp_completion *asked);
int resources_watch(struct calls *calls, struct caller *caller, const char *uri);
void resources_unwatch(struct calls *calls, struct caller *caller, const char *uri);

#endif
