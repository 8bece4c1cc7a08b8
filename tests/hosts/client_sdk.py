# SPDX-License-Identifier: Apache-2.0
"""The newest Python SDK as a client. argv: MODE (auto, legacy, a modern version), CALLS as JSON, COMMAND...; prints JSON."""

import asyncio
import json
import sys

from mcp import Client
from mcp.client.stdio import StdioServerParameters


async def main(mode, calls, command):
    found = {"results": {}}
    async with Client(StdioServerParameters(command=command[0], args=command[1:]), mode=mode) as client:
        found["version"] = client.protocol_version
        found["tools"] = [tool.name for tool in (await client.list_tools()).tools]
        for name, arguments in calls.items():
            result = await client.call_tool(name, arguments)
            found["results"][name] = {"error": bool(result.is_error), "structured": result.structured_content,
                                      "text": "".join(block.text for block in result.content if block.type == "text")}
        failed = await client.call_tool("read_file", {"path": "missing.txt"})
        found["failure"] = {"error": bool(failed.is_error), "text": failed.content[0].text}
        many = await asyncio.gather(*[client.call_tool("read_file", {"path": "a.txt"}) for _ in range(100)])
        found["many"] = sum(result.content[0].text.startswith("alpha") for result in many)
    print(json.dumps(found))


asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]))
