# SPDX-License-Identifier: Apache-2.0
"""The newest Python SDK as a client. argv: MODE (auto, legacy, a modern version), CALLS as JSON, COMMAND... or URL TOKEN; prints JSON."""

import asyncio
import json
import sys
import urllib.request

from calls import converse
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp_types import ResourceTemplateReference, ResourceUpdatedNotification


async def follow(client, updates):
    """Begins a command, and learns by notifications alone that it has ended: its output, and the number of notifications."""
    begun = await client.call_tool("run_command", {"command": "read line; echo $line", "stdin": "", "wait_ms": 0})
    handle = begun.structured_content["id"]
    uri = f"sallyport://command/{handle}/output"
    assert uri in [str(one.uri) for one in (await client.list_resources()).resources]
    assert {one.name for one in (await client.list_resource_templates()).resource_templates} == {"command-output", "file"}

    completed = await client.complete(ResourceTemplateReference(uri="sallyport://command/{id}/output"), {"name": "id", "value": handle[:4]})
    assert (completed.completion.values, completed.completion.has_more) == ([handle], False)

    async def until_ended(next_update):
        await client.call_tool("write_input", {"id": handle, "text": "over\n", "wait_ms": 0})
        for count in range(1, 10):
            assert await next_update() == uri
            result = await client.read_resource(uri)
            if result.meta["sallyport.dev/result"]["status"] == "exited":
                return {"text": result.contents[0].text, "updates": count}

    if client.protocol_version.startswith("2026"):
        async with client.listen(resource_subscriptions=[uri]) as subscription:
            events = aiter(subscription)

            async def next_event():
                return (await anext(events)).uri
            return await until_ended(next_event)
    await client.subscribe_resource(uri)
    return await until_ended(updates.get)


async def download(client, site):
    """A file that comes in two halves, the second once progress tells of the first: the last result, and what was told."""
    told = []

    async def hear(progress, total, message):
        told.append([progress, total, message])
        await asyncio.to_thread(lambda: urllib.request.urlopen(f"{site}/open").read())

    while True:
        result = await client.call_tool("download_file", {"url": f"{site}/gated", "path": "gated.bin"}, progress_callback=hear)
        if result.is_error or result.structured_content["status"] != "downloading":
            return {"structured": result.structured_content, "told": told}


def reach(command):
    if not command[0].startswith(("http:", "https:")):
        return StdioServerParameters(command=command[0], args=command[1:])
    return streamable_http_client(command[0], http_client=create_mcp_http_client(headers={"Authorization": f"Bearer {command[1]}"}))


def text_of(result):
    return "".join(block.text for block in result.content if block.type == "text")


async def main(mode, calls, command):
    found = {"results": {}}
    updates = asyncio.Queue()

    async def hear(message):
        if isinstance(message, ResourceUpdatedNotification):
            updates.put_nowait(str(message.params.uri))

    async with Client(reach(command), mode=mode, message_handler=hear) as client:
        found["version"] = client.protocol_version
        found["tools"] = [tool.name for tool in (await client.list_tools()).tools]
        for name, arguments in calls.items():
            result = await client.call_tool(name, arguments)
            found["results"][name] = {"error": bool(result.is_error), "structured": result.structured_content,
                                      "text": text_of(result)}

        async def call(name, arguments):
            return text_of(await client.call_tool(name, arguments))

        found["conversation"] = await converse(call)
        failed = await client.call_tool("read_file", {"path": "missing.txt"})
        found["failure"] = {"error": bool(failed.is_error), "text": failed.content[0].text}
        many = await asyncio.gather(*[client.call_tool("read_file", {"path": "a.txt"}) for _ in range(100)])
        found["followed"] = await follow(client, updates)
        found["downloaded"] = await download(client, calls["download_file"]["url"].rpartition("/")[0])
        found["many"] = sum(result.content[0].text.startswith("alpha") for result in many)
    print(json.dumps(found))


asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]))
