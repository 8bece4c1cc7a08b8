/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_MCP_TASKS_H
#define SALLYPORT_PROTOCOL_MCP_TASKS_H

/*
 * Tasks (extension io.modelcontextprotocol/tasks, SEP-2663): a tools/call that the client is told of at once
 * and asks for later. The host serves the call as any other; its answer is kept until the client has fetched
 * it, at least until the task's time is over. Modern clients only.
 */

#include <stdbool.h>
#include <stdint.h>

struct mcp_call;

/* Can this call go on as a task? */
bool mcp_call_may_be_task(const struct mcp_call *call);
/* It goes on as one: the client is told. `ttl_ms` are those for which its result is kept, from now on;
 * `poll_ms` how often the client is to ask. 0; -EOPNOTSUPP: this client knows no tasks; -ENOSPC: the caller
 * has too many; -ENOMEM: then nothing has happened. */
int mcp_call_become_task(struct mcp_call *call, uint32_t ttl_ms, uint32_t poll_ms);
/* This call cannot be served otherwise: the client is told what it lacks, and the call ends. */
int mcp_call_require_task(struct mcp_call *call);

#endif
