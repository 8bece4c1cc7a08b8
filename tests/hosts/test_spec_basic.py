# SPDX-License-Identifier: Apache-2.0
"""What the specification says of every message, over both transports: basic, versioning (docs/conformance.md)."""

import json

import jsonschema
import pytest
from client import LEGACY, MODERN, compact, meta
from link import EVERYTHING, REVISIONS, SUBSCRIPTION, TRANSPORTS

VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
INFO = "io.modelcontextprotocol/clientInfo"
LOG_LEVEL = "io.modelcontextprotocol/logLevel"
SERVER_INFO = "io.modelcontextprotocol/serverInfo"
OVER = pytest.mark.parametrize("transport", TRANSPORTS)
EACH = pytest.mark.parametrize("version", REVISIONS)
CHEAP = {"resources/list": {}, "resources/templates/list": {}, "tools/list": {}}  # what each revision has


def raw(link, text, method=None):
    """The answer to bytes, and over HTTP its status (stdio: None)."""
    if link.modern or not hasattr(link, "session"):
        headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method or "server/discover"}
    else:
        headers = {"MCP-Protocol-Version": link.version, "Mcp-Session-Id": link.session.id}
    if not hasattr(link, "session"):
        link.server.send_raw(text + b"\n")
        return link.server.receive(lambda m: "error" in m or "result" in m), None
    answer = link.server.ask(text, **headers)
    answer.version = link.version
    return answer.message(), answer.status


# ---- messages ----

WITHOUT_ID = [(b"{", -32700), (b'{"a":"\xff"}', -32700), (b"nonsense", -32700), (b"7", -32600), (b"{}", -32600),
              (b'{"jsonrpc":"2.0","id":true,"method":"tools/list"}', -32600), (b'{"jsonrpc":"2.0","id":null,"method":"tools/list"}', -32600),
              (b'{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}', -32600), (b'{"jsonrpc":"1.0","method":"tools/list","id":null}', -32600)]


@OVER
@EACH
def test_what_has_no_id_is_answered_without_one(connect, transport, version):
    """The schema allows no null from 2025-11-25 on; before, JSON-RPC 2.0 decides."""
    link = connect("server", transport, version)
    for text, code in WITHOUT_ID:
        answer, status = raw(link, text)
        assert answer["error"]["code"] == code, text
        assert answer.get("id", "none") == ("none" if version >= "2025-11-25" else None)
        assert status in (None, 400 if link.modern else 200)
    assert link.result("tools/list")["tools"]


@OVER
@EACH
def test_an_id_comes_back_as_it_was(connect, transport, version):
    link = connect("server", transport, version)
    for number in (0, -1, 9007199254740993, "", "a b", "1", "\u00e9\U0001f600", "x" * 500):
        answer = link.ask("resources/templates/list", number=number)
        assert json.dumps(answer["id"]) == json.dumps(number) and "result" in answer


@OVER
@pytest.mark.parametrize("version", [LEGACY[-1], MODERN])
def test_an_id_used_twice_in_flight(connect, transport, version):
    """On one channel, or in one session, it is refused; modern HTTP requests have nothing to do with each other."""
    link = connect("fixture", transport, version, {"elicitation": {}})
    if version == MODERN:
        first, _ = link.listen(number=7)
    else:
        first = link.start("tools/call", {"name": "test_elicitation"}, number=7)
        question = first.next()
    again = link.ask("tools/list", number=7)
    if version == MODERN and transport == "http":
        assert again["result"]["tools"]
    else:
        assert again["error"]["code"] == -32600 and "in flight" in again["error"]["message"]
    if version == MODERN:
        first.cancel()
    else:
        link.reply(question, result={"action": "decline"})
        assert "result" in first.end()
    assert link.ask("tools/list", number=7)["result"]["tools"]


@OVER
@EACH
def test_a_notification_is_never_answered(connect, transport, version):
    link = connect("server", transport, version)
    for method in ("notifications/unheard_of", "notifications/cancelled", "tools/list", "tools/call", "initialize", "no/such"):
        link.notify(method, {"_meta": meta()} if link.modern else None)
    link.quiet()


@OVER
@pytest.mark.parametrize("version", [one for one in REVISIONS if one != "2025-03-26"])
def test_there_are_no_batches(connect, transport, version):
    link = connect("server", transport, version)
    answer, _ = raw(link, compact([link.message("tools/list", {}, 1), link.message("tools/list", {}, 2)]), "tools/list")
    assert answer["error"]["code"] == -32600 and "2025-03-26" in answer["error"]["message"]


@OVER
@pytest.mark.parametrize("version", ["2025-11-25", MODERN])
def test_what_is_too_deep_or_has_too_many_values(connect, transport, version):
    link = connect("server", transport, version)
    for inside in (b"[" * 100000 + b"]" * 100000, b'{"a":' * 100000 + b"1" + b"}" * 100000, b"[" + b"1," * 2000000 + b"1]"):
        answer, status = raw(link, b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"x":' + inside + b"}}", "tools/list")
        assert answer["error"]["code"] in (-32700, -32600) and status in (None, 200, 400)
    assert link.result("tools/list")["tools"]


# ---- _meta, statelessness ----

@OVER
def test_every_result_says_whose_it_is(connect, transport):
    """Beyond server/discover: also what is no success, and what asks for more (each result is held to it by schemas.py)."""
    link = connect("fixture", transport, MODERN, EVERYTHING)
    listening, _ = link.listen(toolsListChanged=True)
    found = [link.result(method) for method in ("server/discover", "prompts/list", *CHEAP)]
    found += [link.call(name, {}) for name in ("test_simple_text", "test_error_handling", "test_input_required_result_elicitation", "failing_job")]
    found.append(link.result("resources/read", {"uri": "test://static-text"}))
    found.append(link.result("prompts/get", {"name": "test_simple_prompt"}))
    found.append(link.result("completion/complete", {"ref": {"type": "ref/prompt", "name": "test_prompt_with_arguments"},
                                                     "argument": {"name": "arg1", "value": ""}}))
    assert {json.dumps(one["_meta"][SERVER_INFO]) for one in found} == {json.dumps({"name": "sallyport-conformance", "version": "1"})}
    assert [one["resultType"] for one in found[4:9]] == ["complete", "complete", "complete", "input_required", "task"]
    listening.cancel()


@OVER
def test_meta_of_a_wrong_type(connect, transport):
    link = connect("server", transport)
    for fields in ({CAPABILITIES: 5}, {CAPABILITIES: []}, {CAPABILITIES: None}, {CAPABILITIES: "x"}, {INFO: 5}, {INFO: {"name": 5, "version": "1"}},
                   {INFO: {"name": "x"}}, {INFO: []}, {LOG_LEVEL: 5}, {LOG_LEVEL: "loud"}, {LOG_LEVEL: None}, {LOG_LEVEL: "WARNING"}):
        for method in ("tools/list", "server/discover"):
            asked = link.start(method, more=fields)
            assert asked.end()["error"]["code"] == -32602, fields
            assert transport == "stdio" or asked.status == 400


@OVER
def test_no_meta(connect, transport):
    link = connect("server", transport)
    for params in ([], 5, "x", {"_meta": []}, {"_meta": 5}, {"_meta": "x"}, {}, {"_meta": {}}, {"_meta": None}):
        answer, status = raw(link, compact({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": params}))
        assert answer["error"]["code"] == -32602 and answer["id"] == 1 and status in (None, 400), params


@OVER
@EACH
def test_trace_context_is_let_pass(connect, transport, version):
    """`traceparent` and its kind have no prefix; neither they nor what is unknown disturb, well-formed or not."""
    link = connect("server", transport, version)
    for value in ("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01", "nonsense", 5, {"a": []}):
        assert link.result("tools/list", more={"traceparent": value, "tracestate": "a=b", "baggage": "c=d", "com.example/x": value})["tools"]


@OVER
def test_requests_do_not_influence_each_other(connect, transport):
    """What one says it can do, wants to hear, and by whom it is, is said for that request."""
    link = connect("fixture", transport)
    for _ in range(2):
        assert link.call("test_sampling", {}, capabilities=EVERYTHING)["resultType"] == "input_required"
        assert link.error("tools/call", {"name": "test_sampling"})["code"] == -32021
        logged = link.start("tools/call", {"name": "test_logging_tool"}, more={LOG_LEVEL: "debug"})
        assert "result" in logged.end() and len(logged.notes) == 4
        quiet = link.start("tools/call", {"name": "test_logging_tool"})
        assert "result" in quiet.end() and quiet.notes == []
        told = link.start("tools/call", {"name": "test_tool_with_progress"}, progress="p")
        assert "result" in told.end() and told.notes
        quiet = link.start("tools/call", {"name": "test_tool_with_progress"})
        assert "result" in quiet.end() and quiet.notes == []


@OVER
@EACH
def test_lists_are_alike_on_every_connection(connect, transport, version):
    """In every order of requests, whoever asks, whatever he can; and the same order of tools."""
    for program in ("server", "fixture"):
        first, second = connect(program, transport, version), connect(program, transport, version, EVERYTHING)
        before = {method: first.result(method, params) for method, params in CHEAP.items()}
        second.ask("tools/call", {"name": "no_such"})
        for link in (second, first):
            for method, params in reversed(CHEAP.items()):
                assert link.result(method, params) == before[method]
        if version == MODERN:
            named = {INFO: {"name": "claude-code", "version": "9"}}
            assert {method: second.result(method, params, more=named) for method, params in CHEAP.items()} == before
            assert first.result("server/discover") == second.result("server/discover", more=named)


# ---- JSON Schema: the server takes none from anybody, so this is about those it gives ----

def parts(schema, depth=0):
    """Every schema inside, and how deep it lies."""
    if isinstance(schema, dict):
        yield schema, depth
        for value in schema.values():
            yield from parts(value, depth + 1)
    elif isinstance(schema, list):
        for value in schema:
            yield from parts(value, depth + 1)


def test_schemas_of_tools_are_plain(tools):
    """Of the default dialect or named to be, complete without a network, small and shallow."""
    for name, tool in tools.items():
        for key in ("inputSchema", "outputSchema"):
            schema = tool.get(key, {"type": "object"})
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object" and schema.get("$schema", "https://json-schema.org/draft/2020-12/schema").endswith("2020-12/schema")
            found = list(parts(schema))
            assert len(found) < 100 and max(depth for _, depth in found) <= 10, name
            assert not [one for one, _ in found if {"$ref", "$dynamicRef", "$id"} & set(one)], name


# ---- versioning ----

@OVER
def test_an_unknown_version_in_meta(connect, transport):
    link = connect("server", transport)
    for wanted in ("2099-01-01", "1900-01-01", "2025-11-25", "", "x" * 5000):
        asked = link.start("tools/list", more={VERSION: wanted}, **{"MCP-Protocol-Version": wanted})
        error = asked.end()["error"]
        assert error["code"] == -32022 and error["data"]["supported"] == [MODERN]
        assert error["data"]["requested"] == wanted or (len(wanted) > 1000 and wanted.startswith(error["data"]["requested"]))
        assert transport == "stdio" or asked.status == 400


@OVER
@pytest.mark.parametrize("wanted", ["2026-07-28", "2023-01-01", "2099-12-31"])
def test_initialize_with_another_version(connect, transport, wanted):
    """"The latest version" of those that know it: it is served, not refused, whatever it asks for."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize",
               "params": {"protocolVersion": wanted, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}
    link = connect("server", transport)
    link.version = LEGACY[-1]
    if transport == "stdio":
        link.server.version = LEGACY[-1]
        answer, _ = raw(link, compact(message))
    else:
        got = link.server.post(message, version=None)
        got.version, got.method = LEGACY[-1], "initialize"
        answer = got.message()
    assert answer["result"]["protocolVersion"] == LEGACY[-1]


@OVER
def test_initialize_is_no_modern_request(connect, transport):
    link = connect("server", transport)
    for method in ("initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"):
        asked = link.start(method, {"protocolVersion": MODERN})
        assert asked.end()["error"]["code"] == -32601
        assert transport == "stdio" or asked.status == 404


def test_both_eras_side_by_side_over_http(connect):
    """One process, one endpoint, at the same time; each hears of changes in its own way."""
    links = {version: connect("fixture", "http", version) for version in REVISIONS}
    listening, _ = links[MODERN].listen(toolsListChanged=True)
    for link in links.values():
        assert link.call("test_simple_text")["content"][0]["text"]
    links["2025-06-18"].call("test_trigger_tool_change")
    for version, link in links.items():
        told = listening.next() if version == MODERN else link.hear()
        assert told["method"] == "notifications/tools/list_changed"
        assert ("_meta" in told.get("params", {})) == (version == MODERN)
    for link in links.values():
        assert ("resultType" in link.result("tools/list")) == link.modern


def test_both_eras_side_by_side_over_stdio(connect):
    link = connect("fixture", "stdio", "2025-06-18")
    modern = connect("fixture", "stdio")
    modern.server, own = link.server, modern.server
    modern.numbers = 1000
    for _ in range(2):
        link.server.version = "2025-06-18"
        assert "resultType" not in link.result("tools/list")
        link.server.version = MODERN
        assert modern.result("tools/list")["resultType"] == "complete"
    listening, _ = modern.listen(number="both", toolsListChanged=True)
    modern.call("test_trigger_tool_change")
    assert listening.next()["params"]["_meta"][SUBSCRIPTION] == "both"
    assert link.hear() == {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
    modern.server = own


@OVER
@EACH
def test_extensions_fall_back(connect, transport, version):
    """"Revert to core protocol behavior or reject the request": tasks are for those who say they know them, unknown ones for nobody."""
    strange = {"extensions": {"com.example/strange": {"a": 1}, "io.modelcontextprotocol/ui": {}}}
    link = connect("fixture", transport, version, strange)
    assert "isError" not in link.call("slow_compute", {"seconds": 0, "label": "x"})
    answer = link.ask("tools/call", {"name": "failing_job"})
    if link.modern:
        assert answer["error"]["code"] == -32021
        assert answer["error"]["data"]["requiredCapabilities"] == {"extensions": {"io.modelcontextprotocol/tasks": {}}}
        task = link.call("slow_compute", {"seconds": 0}, capabilities=EVERYTHING)
        assert task["resultType"] == "task"
        assert link.error("tasks/get", {"taskId": task["taskId"]})["code"] == -32021
        assert link.result("tasks/get", {"taskId": task["taskId"]}, capabilities=EVERYTHING)["taskId"] == task["taskId"]
    else:
        assert answer["result"]["isError"] is True
        assert link.error("tasks/get", {"taskId": "x"})["code"] in (-32601, -32602)
