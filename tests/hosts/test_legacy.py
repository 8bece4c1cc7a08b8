# SPDX-License-Identifier: Apache-2.0
"""The legacy era: initialize with its four dates, and JSON-RPC 2.0 as those revisions use it."""

import json

import pytest
from client import LEGACY, compact

LATEST = LEGACY[-1]


@pytest.mark.parametrize("version", LEGACY)
def test_initialize_echoes_a_version_that_is_known(start, version):
    server = start(version=None)
    result = server.handshake(version)
    assert result["protocolVersion"] == version
    assert result["serverInfo"]["name"] and result["serverInfo"]["version"]
    assert "tools" in result["capabilities"]
    assert len(result["instructions"]) < 2000


@pytest.mark.parametrize("version", ["2026-07-28", "2023-01-01", "2099-12-31", "nonsense"])
def test_initialize_with_another_version_offers_the_newest_legacy_one(start, version):
    server = start(version=None)
    server.era = "legacy"
    server.version = LATEST
    answer = server.request("initialize", {"protocolVersion": version, "capabilities": {},
                                           "clientInfo": {"name": "t", "version": "1"}})
    assert answer["result"]["protocolVersion"] == LATEST


@pytest.mark.parametrize("params", [None, {}, {"protocolVersion": 5, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}])
def test_initialize_without_its_parameters_is_invalid(start, params):
    server = start(version=None)
    assert server.request("initialize", params)["error"]["code"] == -32602
    assert server.handshake()["protocolVersion"] == LATEST


@pytest.mark.parametrize("version", LEGACY)
def test_ping_and_list(start, version, tools):
    server = start(version=version)
    assert server.request("ping")["result"] == {}
    listed = server.request("tools/list")["result"]
    assert [tool["name"] for tool in listed["tools"]] == sorted(tools)
    assert "nextCursor" not in listed and "resultType" not in listed


def test_a_cursor_that_was_not_given_is_invalid(server):
    assert server.request("tools/list", {"cursor": "nonsense"})["error"]["code"] == -32602
    assert server.request("tools/list", {"cursor": 5})["error"]["code"] == -32602


@pytest.mark.parametrize("level", ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"])
def test_logging_level(server, level):
    assert server.request("logging/setLevel", {"level": level})["result"] == {}


@pytest.mark.parametrize("params", [None, {}, {"level": "loud"}, {"level": 3}])
def test_logging_level_that_does_not_exist(server, params):
    assert server.request("logging/setLevel", params)["error"]["code"] == -32602


@pytest.mark.parametrize("text", ["0", "1", "-1", "9007199254740993", "-9007199254740993", "18446744073709551616", "1.0", "-0",
                                  '"1"', '""', '"a b"', '"\\u00e9\\ud83d\\ude00"', '"' + "x" * 500 + '"'])
def test_an_id_comes_back_as_it_was(server, text):
    server.send_raw(b'{"jsonrpc":"2.0","id":' + text.encode() + b',"method":"ping"}\n')
    answer = server.receive()
    assert answer["result"] == {}
    assert json.dumps(answer["id"]) == json.dumps(json.loads(text))


@pytest.mark.parametrize("text", ["null", "true", "{}", "[]", "[1]"])
def test_an_id_that_is_none(server, text):
    server.send_raw(b'{"jsonrpc":"2.0","id":' + text.encode() + b',"method":"ping"}\n')
    answer = server.receive()
    assert answer["error"]["code"] == -32600 and answer.get("id") is None
    server.nothing_more()


def test_an_id_that_is_too_long_is_refused(server):
    server.send({"jsonrpc": "2.0", "id": "x" * 100000, "method": "ping"})
    assert server.receive()["error"]["code"] == -32600
    server.nothing_more()


@pytest.mark.parametrize("message", [
    {"jsonrpc": "2.0", "method": "notifications/unheard_of"},
    {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}},
    {"jsonrpc": "2.0", "method": "notifications/cancelled"},
    {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": {"a": 1}}},
    {"jsonrpc": "2.0", "method": "notifications/roots/list_changed"},
    {"jsonrpc": "2.0", "method": "tools/list"},
    {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "read_file", "arguments": {"path": "x"}}},
    {"jsonrpc": "2.0", "method": "no/such/method"},
    {"jsonrpc": "2.0", "method": "initialize", "params": 5},
])
def test_a_notification_is_never_answered(server, message):
    server.send(message)
    server.nothing_more()


@pytest.mark.parametrize("message", [{"jsonrpc": "2.0", "id": 77, "result": {}},
                                     {"jsonrpc": "2.0", "id": "x", "error": {"code": -32601, "message": "no"}}])
def test_an_answer_to_nothing_is_ignored(server, message):
    server.send(message)
    server.nothing_more()


@pytest.mark.parametrize("method", ["prompts/list", "resources/List", "resources/templates", "completion/completes", "nonsense", "",
                                    "server/discover2", "tools/List", "rpc.discover"])
def test_a_method_that_is_not_offered(server, method):
    assert server.request(method)["error"]["code"] == -32601


@pytest.mark.parametrize("message,code", [
    ({"id": 1, "method": "ping"}, -32600),
    ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, -32600),
    ({"jsonrpc": 2.0, "id": 1, "method": "ping"}, -32600),
    ({"jsonrpc": "2.0", "id": 1, "method": 5}, -32600),
    ({"jsonrpc": "2.0", "id": 1}, -32600),
    ({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": 5}, -32602),
    ({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": "x"}, -32602),
    (5, -32600), ("x", -32600), (None, -32600), (True, -32600), ({}, -32600),
])
def test_a_message_that_is_no_request(server, message, code):
    server.send_raw(compact(message) + b"\n")
    answer = server.receive()
    assert answer["error"]["code"] == code
    assert answer["error"]["message"]
    server.nothing_more()


@pytest.mark.parametrize("params", [None, {}, {"name": 5}, {"arguments": {}}, {"name": None}, {"name": "read_file", "arguments": []},
                                    {"name": "read_file", "arguments": "x"}, {"name": "no_such_tool"}, {"name": ""},
                                    {"name": "x" * 5000}])
def test_a_call_of_nothing_is_a_protocol_error(server, params):
    assert server.request("tools/call", params)["error"]["code"] == -32602
    server.nothing_more()


def test_an_unknown_tool_is_named(server):
    assert "read_fil" in server.request("tools/call", {"name": "read_fil", "arguments": {}})["error"]["message"]


def test_a_request_before_initialize(start):
    server = start(version=None)
    server.era = "legacy"
    error = server.request("tools/list")["error"]
    assert error["code"] in (-32600, -32602) and "initialize" in error["message"]
    error = server.request("tools/call", {"name": "read_file", "arguments": {"path": "x"}})["error"]
    assert error["code"] in (-32600, -32602)
    server.handshake()
    assert server.request("tools/list")["result"]["tools"]


def test_ping_before_initialize_is_answered(start):
    server = start(version=None)
    server.era = "legacy"
    assert server.request("ping")["result"] == {}


def test_requests_right_after_initialize_need_not_wait(start):
    """Hosts send notifications/initialized and the first request in one write, some forget the notification."""
    server = start(version=None)
    server.era = "legacy"
    server.start("initialize", {"protocolVersion": LATEST, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}, number=1)
    server.start("tools/list", number=2)
    assert server.response(1)["result"]["protocolVersion"] == LATEST
    assert server.response(2)["result"]["tools"]


# ---- batches: 2025-03-26 and no other ----

def test_a_batch_is_answered_as_one(start):
    server = start(version="2025-03-26")
    server.send([{"jsonrpc": "2.0", "id": 1001, "method": "ping"},
                 {"jsonrpc": "2.0", "method": "notifications/unheard_of"},
                 {"jsonrpc": "2.0", "id": "b", "method": "tools/list"},
                 {"jsonrpc": "2.0", "id": 1003, "method": "no/such"},
                 7])
    answers = server.receive(lambda message: isinstance(message, list))
    assert len(answers) == 4
    by_id = {json.dumps(answer.get("id")): answer for answer in answers}
    assert by_id["1001"]["result"] == {}
    assert by_id['"b"']["result"]["tools"]
    assert by_id["1003"]["error"]["code"] == -32601
    assert by_id["null"]["error"]["code"] == -32600
    server.nothing_more()


def test_a_batch_waits_for_its_calls(start, workspace):
    (workspace / "a.txt").write_text("alpha\n")
    server = start(version="2025-03-26")
    server.send([{"jsonrpc": "2.0", "id": 1001, "method": "tools/call",
                  "params": {"name": "run_command", "arguments": {"argv": ["true"]}}},
                 {"jsonrpc": "2.0", "id": 1002, "method": "tools/call",
                  "params": {"name": "read_file", "arguments": {"path": "a.txt"}}}])
    answers = server.receive(lambda message: isinstance(message, list))
    assert sorted(answer["id"] for answer in answers) == [1001, 1002]
    assert all("result" in answer for answer in answers)


def test_a_batch_of_notifications_is_not_answered(start):
    server = start(version="2025-03-26")
    server.send([{"jsonrpc": "2.0", "method": "notifications/unheard_of"}] * 3)
    server.nothing_more()


def test_an_empty_batch_is_an_error(start):
    server = start(version="2025-03-26")
    server.send_raw(b"[]\n")
    assert server.receive(lambda m: isinstance(m, dict))["error"]["code"] == -32600


def test_initialize_may_not_be_in_a_batch(start):
    server = start(version=None)
    server.send([{"jsonrpc": "2.0", "id": 1, "method": "initialize",
                  "params": {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}])
    answer = server.receive()
    assert "error" in (answer[0] if isinstance(answer, list) else answer)


@pytest.mark.parametrize("version", [version for version in LEGACY if version != "2025-03-26"])
def test_no_batch_in_other_revisions(start, version):
    server = start(version=version)
    server.send([{"jsonrpc": "2.0", "id": 1, "method": "ping"}])
    assert server.receive()["error"]["code"] == -32600
    server.nothing_more()
