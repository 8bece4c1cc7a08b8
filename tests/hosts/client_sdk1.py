# SPDX-License-Identifier: Apache-2.0
"""The 1.x Python SDK as a client. argv: MODE (ignored), CALLS as JSON, COMMAND... or URL TOKEN; prints JSON."""

import asyncio
import json
import sys

from calls import converse
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client


def text_of(result):
    return "".join(block.text for block in result.content if block.type == "text")


def reach(command):
    if not command[0].startswith("http:"):
        return stdio_client(StdioServerParameters(command=command[0], args=command[1:]))
    return streamablehttp_client(command[0], headers={"Authorization": f"Bearer {command[1]}"})


async def main(calls, command):
    found = {"results": {}}
    async with reach(command) as (read, write, *_):
        async with ClientSession(read, write) as session:
            found["version"] = (await session.initialize()).protocolVersion
            found["tools"] = [tool.name for tool in (await session.list_tools()).tools]
            for name, arguments in calls.items():
                result = await session.call_tool(name, arguments)
                found["results"][name] = {"error": bool(result.isError), "structured": result.structuredContent,
                                          "text": text_of(result)}

            async def call(name, arguments):
                return text_of(await session.call_tool(name, arguments))

            found["conversation"] = await converse(call)
            failed = await session.call_tool("read_file", {"path": "missing.txt"})
            found["failure"] = {"error": bool(failed.isError), "text": failed.content[0].text}
            many = await asyncio.gather(*[session.call_tool("read_file", {"path": "a.txt"}) for _ in range(100)])
            found["many"] = sum(result.content[0].text.startswith("alpha") for result in many)
    print(json.dumps(found))


asyncio.run(main(json.loads(sys.argv[2]), sys.argv[3:]))
