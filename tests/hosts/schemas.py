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

MODERN = "2026-07-28"
# "Implementations MUST NOT emit" others of the reserved ones (2026-07-28 basic, "Error Codes"); each that has a type of its own.
MODERN_ERRORS = {-32700: None, -32600: None, -32601: None, -32602: None, -32603: None, -32020: "HeaderMismatchError",
                 -32021: "MissingRequiredClientCapabilityError", -32022: "UnsupportedProtocolVersionError"}
# What one of these methods may be answered besides its own result: by resultType.
OTHER_RESULTS = {"input_required": ("InputRequiredResult", {"tools/call", "prompts/get", "resources/read"}),
                 "task": ("Result", {"tools/call"})}  # of an extension: the core schema has no type for it

RESULTS = {
    "completion/complete": "CompleteResult",
    "initialize": "InitializeResult",
    "ping": "EmptyResult",
    "logging/setLevel": "EmptyResult",
    "prompts/get": "GetPromptResult",
    "prompts/list": "ListPromptsResult",
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


def check_message(message, version, method, asks=False):
    """One message of the server; `method` is that of the request it answers, if it is an answer. `asks`: it may ask something, where
    the revision lets it."""
    if "method" in message:
        assert "id" not in message or (asks and version != MODERN), f"the server asked the client something: {message}"
        _check(version, ["ServerRequest" if "id" in message else "ServerNotification"], message)
    elif "error" in message:
        _check_error(version, message)
    else:
        _check(version, ["JSONRPCResultResponse", "JSONRPCResponse"], message)
        _check_result(version, method, message["result"])


def _check_result(version, method, result):
    name, may = OTHER_RESULTS.get(result.get("resultType"), (RESULTS.get(method), None))
    if version == MODERN:
        assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], result
        assert may is None or method is None or method in may, f"{method} was answered {result}"
        assert name != "InputRequiredResult" or {"inputRequests", "requestState"} & set(result), result
    if name:
        _check(version, [name], result)


def _check_error(version, message):
    """Where the id could not be read, JSON-RPC 2.0 has null; schemas leave it out from 2025-11-25 on, and do not know of that before."""
    if version < "2025-11-25" and message.get("id") is None:
        message = {**message, "id": 0}
    _check(version, ["JSONRPCErrorResponse", "JSONRPCError"], message)
    assert message["error"]["message"], message
    if version == MODERN:
        assert message["error"]["code"] in MODERN_ERRORS, message
        if MODERN_ERRORS[message["error"]["code"]]:
            _check(version, [MODERN_ERRORS[message["error"]["code"]]], message)


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
