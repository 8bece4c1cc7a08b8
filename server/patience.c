/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patience of hosts. Not in the table, on purpose: "mcp" (the Python SDK's own name: LangChain, which waits
 * for ever, but also OpenAI Agents, AutoGen and kagent, which wait 5 s), "google-adk" (5 s), and hosts that
 * send the server's own name (OpenAI Agents JS, Mastra).
 */
#include "server/patience.h"

#include <string.h>

#include "protocol/limits.h"

const struct patience_host patience_hosts[] = {
	{"@cline/core", 0, 60, "Cline: the TypeScript client's minute"},
	{"ai-sdk-mcp-client", 0, 60, "Vercel AI SDK: the TypeScript client's minute"},
	{"claude-ai", 0, 240, "Claude Desktop: about four minutes"},
	{"claude-code", 0, 60, "Claude Code: a minute over HTTP, no less over stdio"},
	{"codex-mcp-client", 0, 60, "Codex: at least a minute"},
	{"continue-cli-client", 0, 60, "Continue: the TypeScript client's minute"},
	{"copilot-cli", 0, 60, "GitHub Copilot CLI: at least a minute"},
	{"fast-agent-mcp", 0, 60, "fast-agent: at least a minute"},
	{"fastmcp", 0, 60, "FastMCP's client, also inside pydantic-ai: at least a minute"},
	{"gemini-cli-mcp-client", 0, 60, "Gemini CLI: at least a minute"},
	{"inspector-cli", 0, 60, "the inspector's command line: the TypeScript client's minute"},
	{"mcporter", 0, 60, "mcporter: the TypeScript client's minute"},
	{"opencode", 0, 60, "opencode: a minute over HTTP, no less over stdio"},
	{"qwen-cli-mcp-client-", 1, 60, "Qwen Code: at least a minute; the rest of the name is the server's"},
	{"zeroclaw", 0, 60, "ZeroClaw: at least a minute"},
	{NULL},
};

uint32_t patience_of(const char *name)
{
	for (const struct patience_host *host = patience_hosts; name && host->name; host++)
		if (host->prefix ? strncmp(name, host->name, strlen(host->name)) == 0
				 : strcmp(name, host->name) == 0)
			return LIMIT_ANSWER_WITHIN_KNOWN_MS;
	return LIMIT_ANSWER_WITHIN_MS;
}
