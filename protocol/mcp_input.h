/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_MCP_INPUT_H
#define SALLYPORT_PROTOCOL_MCP_INPUT_H

/*
 * What a host may ask of the client while it serves a tools/call, prompts/get or resources/read: elicitation,
 * sampling and roots. The host asks and returns, and is called anew when the answers are there, in one way
 * whatever becomes of the questions:
 *
 *   modern  the request is answered "input_required"; the client sends it again with the answers
 *           (2026-07-28, basic/patterns/mrtr), maybe to another process
 *   legacy  requests go to the client, and the call waits for their responses
 *   tasks   tasks/get shows the questions, tasks/update brings the answers
 *
 * So a host keeps nothing between: it looks for each answer it needs and asks for those that are not there.
 * What it wants to remember it gives as a state.
 */

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "protocol/json.h"

struct mcp_call;

enum mcp_input {
	MCP_ELICIT_FORM, /* elicitation/create */
	MCP_ELICIT_URL,
	MCP_SAMPLE, /* sampling/createMessage */
	MCP_ROOTS,  /* roots/list */
	MCP_INPUTS
};

/* Has the client said that it can do that? */
bool mcp_call_can(const struct mcp_call *call, enum mcp_input input);
/* The answer to the question of this key, an object of the right kind, or NULL: it was not asked, not
 * answered, or not so. */
const cJSON *mcp_call_input(const struct mcp_call *call, const char *key, enum mcp_input input);
/* What mcp_ask_end() was given the last time, or NULL. */
const char *mcp_call_state(const struct mcp_call *call);

/* One question, whose key no other question of this call has or had. Returns a writer that stands in its
 * params; members are written until the next question, or the end. */
struct json_writer *mcp_ask(struct mcp_call *call, const char *key, enum mcp_input input);
/* The questions go out, and the call is given back: what was set as its user pointer is forgotten, and the
 * host hears of it again by a new call of mcp_host.call, .read or .prompt, or not at all. `state`, or NULL,
 * is what mcp_call_state() will say then. It passes through a modern client, who can read it but not alter
 * it, nor use it for another request or after LIMIT_STATE_S. Where the client cannot do what is asked it is
 * told so, and the call ends. */
int mcp_ask_end(struct mcp_call *call, const char *state);

#endif
