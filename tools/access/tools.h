/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_ACCESS_TOOLS_H
#define SALLYPORT_TOOLS_ACCESS_TOOLS_H

/* explain_access, for the table; and the parts it is made of. */

#include "tools/tool.h"

extern const struct tool explain_access_tool;

/* The words for what is done to a path; ends with NULL. In the order of enum files_access. */
extern const char *const access_operations[];

struct explain_arguments {
	const char *path, *operation, *url;
	struct field_strings argv;
};

/* One answer: would it pass? Texts are borrowed. */
struct access_answer {
	bool allowed;
	const char *target; /* as the judge understood it; "" if it leads nowhere */
	const char *rule, *layer, *reason, *remedy;
	const char *note; /* a sentence for the text alone, or NULL */
};

/* Text and structured content of an answer, without finishing the result. 0 or -errno. */
int access_write_answer(struct tool_result *result, const struct access_answer *answer);

/* Whether commands have a network: policy names what they reach, and the profile is not minimal. */
bool access_commands_reach(const struct tool_context *context);

/* Text and structured content of the whole picture: workspaces, views, network, limits, policy. 0 or -errno.
 */
int access_write_picture(struct tool_result *result);

/* ---- commands.c: TOOL_LOOK, with argv ---- */

int access_ask(const void *arguments, const struct tool_context *context, struct buffer *payload,
	       struct err *err);
int access_looked(struct tool_result *result, const void *answer, size_t length);

#endif
