# SPDX-License-Identifier: Apache-2.0
"""The modern era, 2026-07-28: no handshake, every request carries its _meta."""

import pytest
from client import LEGACY, MODERN, compact, meta, text_of

VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
INFO = "io.modelcontextprotocol/clientInfo"
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"


@pytest.fixture
def modern(start):
    return start(version=MODERN)


def test_discover(modern):
    result = modern.request("server/discover")["result"]
    assert result["resultType"] == "complete"
    assert MODERN in result["supportedVersions"]
    assert "tools" in result["capabilities"]
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"]
    assert isinstance(result["ttlMs"], int) and result["cacheScope"] in ("public", "private")


def test_list(modern, tools):
    result = modern.request("tools/list")["result"]
    assert result["resultType"] == "complete"
    assert [tool["name"] for tool in result["tools"]] == sorted(tools)
    assert isinstance(result["ttlMs"], int) and result["cacheScope"] in ("public", "private")


def test_call(modern, workspace):
    (workspace / "a.txt").write_text("alpha\n")
    result = modern.call("read_file", path="a.txt")
    assert result["resultType"] == "complete"
    assert text_of(result).startswith("alpha\n")


def test_an_error_result_has_its_type_too(modern):
    result = modern.call("read_file", path="missing.txt")
    assert result["isError"] is True and result["resultType"] == "complete"


@pytest.mark.parametrize("missing", [VERSION, CAPABILITIES])
def test_a_request_without_its_meta_is_invalid(start, missing):
    server = start(version=None)
    server.version = MODERN
    fields = meta()
    del fields[missing]
    for method in ("server/discover", "tools/list"):
        server.send({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"_meta": fields}})
        assert server.receive()["error"]["code"] in ((-32602,) if missing == CAPABILITIES or method == "server/discover"
                                                     else (-32602, -32600))


def test_client_info_may_be_missing(start):
    server = start(version=None)
    server.version = MODERN
    fields = meta()
    del fields[INFO]
    server.send({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": fields}})
    assert server.receive()["result"]["tools"]


@pytest.mark.parametrize("fields", [{VERSION: 5}, {CAPABILITIES: 5}, {CAPABILITIES: []}, {VERSION: None}])
def test_meta_of_a_wrong_type_is_invalid(start, fields):
    server = start(version=None)
    server.version = MODERN
    server.send({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": {**meta(), **fields}}})
    assert server.receive()["error"]["code"] == -32602


@pytest.mark.parametrize("version", ["2099-01-01", "1.0", ""])
def test_a_version_that_is_not_spoken_is_answered_with_the_list(start, version):
    server = start(version=None)
    server.version = MODERN
    server.send({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta(version)}})
    error = server.receive()["error"]
    assert error["code"] == -32022
    assert MODERN in error["data"]["supported"] and error["data"]["requested"] == version


@pytest.mark.parametrize("method", ["initialize2", "prompts/list", "resources/subscribe", "resources/unsubscribe", "ping", "logging/setLevel"])
def test_a_method_that_this_era_does_not_have(modern, method):
    assert modern.request(method)["error"]["code"] == -32601


def test_eras_may_follow_each_other_on_one_connection(start, workspace):
    """The Go SDK discovers first and falls back to initialize; a probe must not spoil what follows."""
    server = start(version=MODERN)
    assert server.request("server/discover")["result"]["supportedVersions"]
    server.handshake("2025-06-18")
    assert server.request("tools/list")["result"]["tools"]


def test_discover_names_the_legacy_versions_or_not_at_all(modern):
    versions = modern.request("server/discover")["result"]["supportedVersions"]
    assert set(versions) <= {MODERN, *LEGACY} and len(versions) == len(set(versions))


def test_listen_is_acknowledged_and_stays_open(modern):
    number = modern.start("subscriptions/listen", {"notifications": {"toolsListChanged": True, "promptsListChanged": True}})
    note = modern.receive(lambda m: m.get("method") == "notifications/subscriptions/acknowledged")
    assert note["params"]["_meta"][SUBSCRIPTION] == number
    assert note["params"]["notifications"] == {"toolsListChanged": True}
    modern.nothing_more()


def test_several_subscriptions_and_their_ids(modern):
    for number in ("listen-1", 9007199254740993):
        modern.start("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, number=number)
    seen = [modern.receive(lambda m: "method" in m)["params"]["_meta"][SUBSCRIPTION] for _ in range(2)]
    assert seen == ["listen-1", 9007199254740993]


def test_a_cancelled_subscription_is_not_answered(modern):
    number = modern.start("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
    modern.receive(lambda m: "method" in m)
    modern.notify("notifications/cancelled", {"requestId": number})
    modern.nothing_more()


def test_subscriptions_end_gracefully_with_the_server(modern):
    number = modern.start("subscriptions/listen", {"notifications": {}})
    note = modern.receive(lambda m: "method" in m)
    assert note["params"]["notifications"] == {}
    assert modern.finish() == 0
    answer = modern.response(number)
    assert answer["result"]["resultType"] == "complete" and answer["result"]["_meta"][SUBSCRIPTION] == number


@pytest.mark.parametrize("notifications", [5, [], "x", None, {"toolsListChanged": "yes"}])
def test_a_filter_that_is_none_is_invalid(modern, notifications):
    assert modern.request("subscriptions/listen", {"notifications": notifications})["error"]["code"] == -32602


def test_subscriptions_are_bounded(modern):
    for _ in range(200):
        modern.start("subscriptions/listen", {"notifications": {}})
    refused = modern.receive(lambda m: "error" in m)
    assert refused["error"]["message"]
    assert modern.request("server/discover")["result"]


def test_no_batch(start):
    server = start(version=MODERN)
    server.send_raw(compact([{"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta()}}]) + b"\n")
    assert server.receive()["error"]["code"] == -32600


def test_progress_token_in_meta(modern):
    number = modern.start("tools/call", {"name": "run_command", "arguments": {"command": "sleep 1.5"}}, progress="p1")
    note = modern.receive(lambda m: m.get("method") == "notifications/progress")
    assert note["params"]["progressToken"] == "p1"
    assert modern.response(number)["result"]["resultType"] == "complete"
