# SPDX-License-Identifier: Apache-2.0
"""Checks what the server says against the protocol's own JSON Schemas (build/schema, made by scripts/test)."""

import functools
import json
import os

import jsonschema

BUILD = os.environ.get("SALLYPORT_SCHEMAS") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "build", "schema")

# The oldest revision has no schema of its own there: its messages are those of the next one without additions.
STANDS_FOR = {"2024-11-05": "2025-03-26"}

RESULTS = {
    "completion/complete": "CompleteResult",
    "initialize": "InitializeResult",
    "ping": "EmptyResult",
    "logging/setLevel": "EmptyResult",
    "resources/list": "ListResourcesResult",
    "resources/read": "ReadResourceResult",
    "resources/subscribe": "EmptyResult",
    "resources/templates/list": "ListResourceTemplatesResult",
    "resources/unsubscribe": "EmptyResult",
    "tools/list": "ListToolsResult",
    "tools/call": "CallToolResult",
    "server/discover": "DiscoverResult",
    "subscriptions/listen": "SubscriptionsListenResult",
}


@functools.cache
def _validator(version, name):
    with open(os.path.join(BUILD, STANDS_FOR.get(version, version) + ".json"), encoding="utf-8") as file:
        schema = json.load(file)
    place = "$defs" if "$defs" in schema else "definitions"
    if name not in schema[place]:
        return None
    return jsonschema.validators.validator_for(schema)({**schema, "$ref": f"#/{place}/{name}"})


def _check(version, names, value):
    for name in names:
        validator = _validator(version, name)
        if validator is None:
            continue
        error = jsonschema.exceptions.best_match(validator.iter_errors(value))
        assert error is None, f"not a {name} of {version}: {error.message} at {error.json_path}: {str(value)[:600]}"
        return
    raise AssertionError(f"{version} has none of {names}")


def check_message(message, version, method):
    """One message of the server; `method` is that of the request it answers, if it is an answer."""
    if "method" in message:
        if "id" in message:
            raise AssertionError(f"the server asked the client something: {message}")
        _check(version, ["ServerNotification"], message)
    elif "error" in message:
        _check(version, ["JSONRPCErrorResponse", "JSONRPCError"], message) if "id" in message and message["id"] is not None \
            else _check_error_without_id(message)
    else:
        _check(version, ["JSONRPCResultResponse", "JSONRPCResponse"], message)
        if method in RESULTS:
            _check(version, [RESULTS[method]], message["result"])


def _check_error_without_id(message):
    """JSON-RPC 2.0 wants `"id": null` where the id could not be read; MCP 2026-07-28 leaves it out."""
    assert message["jsonrpc"] == "2.0" and isinstance(message["error"]["code"], int), message
    assert isinstance(message["error"]["message"], str) and message["error"]["message"], message


def check_tool(tool):
    """A tool's own schemas are valid schemas."""
    for key in ("inputSchema", "outputSchema"):
        if key in tool:
            jsonschema.Draft202012Validator.check_schema(tool[key])


def check_structured(tool, result):
    """The structured content is what the tool's output schema promises."""
    if "outputSchema" in tool and not result.get("isError"):
        jsonschema.Draft202012Validator(tool["outputSchema"]).validate(result["structuredContent"])
    if "outputSchema" not in tool:
        assert "structuredContent" not in result
