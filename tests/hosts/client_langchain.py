# SPDX-License-Identifier: Apache-2.0
"""LangChain's adapter as a client: a new server process for every tool call, but for the conversation. argv: MODE (ignored), CALLS as JSON, COMMAND...
or URL TOKEN, over which it has a session for each call."""

import asyncio
import json
import sys

from calls import converse
from langchain_core.tools import ToolException
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools


def text_of(content):
    if isinstance(content, str):
        return content
    return "".join(block if isinstance(block, str) else block.get("text", "") for block in content)


def reach(command):
    if not command[0].startswith("http:"):
        return {"transport": "stdio", "command": command[0], "args": command[1:]}
    return {"transport": "streamable_http", "url": command[0], "headers": {"Authorization": f"Bearer {command[1]}"}}


async def main(calls, command):
    client = MultiServerMCPClient({"sallyport": reach(command)})
    tools = {tool.name: tool for tool in await client.get_tools()}
    found = {"version": None, "tools": sorted(tools), "results": {}}
    for name, arguments in calls.items():
        found["results"][name] = {"error": False, "structured": None, "text": text_of(await tools[name].ainvoke(arguments))}
    async with client.session("sallyport") as session:
        held = {tool.name: tool for tool in await load_mcp_tools(session)}

        async def call(name, arguments):
            return text_of(await held[name].ainvoke(arguments))

        found["conversation"] = await converse(call)
    try:
        found["failure"] = {"error": False, "text": text_of(await tools["read_file"].ainvoke({"path": "missing.txt"}))}
    except ToolException as error:
        found["failure"] = {"error": True, "text": str(error)}
    many = await asyncio.gather(*[tools["read_file"].ainvoke({"path": "a.txt"}) for _ in range(10)])
    found["many"] = 10 * sum(text_of(text).startswith("alpha") for text in many)
    print(json.dumps(found))


asyncio.run(main(json.loads(sys.argv[2]), sys.argv[3:]))
