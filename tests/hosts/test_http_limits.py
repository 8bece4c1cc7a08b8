# SPDX-License-Identifier: Apache-2.0
"""What one caller may have at a time over HTTP, what all may have together, and what is said to who wants more."""

import json

import pytest
from client import PATIENCE
from http_client import Answer, Session

LISTEN = {"notifications": {"toolsListChanged": True}}


@pytest.fixture
def serve(serve_http, policy):
    return lambda limits=None, *arguments, **more: serve_http(*(["--policy", policy({"http": limits})] if limits else []), *arguments, **more)


def check_refused(answer, status=429, least=1, most=1):
    """A refusal that says what is too much, and when to come again."""
    assert answer.status == status, answer.body()
    assert least <= int(answer.header("Retry-After")) <= most
    message = json.loads(answer.body())
    assert message["jsonrpc"] == "2.0" and message["error"]["message"]
    return message["error"]["message"]


def probe(server, path="/healthz"):
    return server.talk(server.head(method="GET", path=path, token=None, **{"Content-Type": None})).status


def test_rate(serve):
    """One in ten seconds, and nothing ahead: the second has to wait; the other caller and probes have not."""
    server = serve({"requestsPerSecond": 0.1})
    assert server.request("server/discover").status == 200
    said = check_refused(server.request("server/discover"), most=10)
    assert "http.requestsPerSecond" in said
    assert check_refused(server.ask(method="GET"), most=10)
    assert server.request("server/discover", token=None).status == 401
    assert server.request("server/discover", token="bob").status == 200
    assert [probe(server), probe(server, "/readyz")] * 3 == [200, 200] * 3


def test_rate_allows_a_burst(serve):
    """What ten seconds may have at once, and no more than comes in meanwhile."""
    server = serve({"requestsPerSecond": 2})
    said = [server.request("server/discover").status for _ in range(20)]
    assert said == [200] * 20
    said = []
    while 429 not in said:
        said.append(server.request("server/discover").status)
    assert len(said) <= 2 * PATIENCE


def test_rate_comes_back(serve):
    """Who comes again is served again, when its time has come."""
    server = serve({"requestsPerSecond": 1})
    while (answer := server.request("server/discover")).status == 200:
        pass
    check_refused(answer, most=2)
    while (answer := server.request("server/discover")).status == 429:
        pass
    assert answer.status == 200


@pytest.mark.parametrize("legacy", [False, True])
def test_calls_in_flight(serve, legacy):
    """The call beyond the bound is refused as it is over stdio, with HTTP's own status."""
    server = serve({"callsInFlight": 2})
    session = Session(server) if legacy else server
    waiting = [session.request("tools/call", {"name": "run_command", "arguments": {"command": "echo up; sleep 300"}}, progress=n, number=n)
               for n in range(2)]
    for stream in waiting:  # they are under way
        assert stream.next_message()["method"] == "notifications/progress"
    refused = session.request("tools/call", {"name": "list_commands", "arguments": {}}, number=7)
    assert (refused.status, refused.header("Retry-After")) == (429, "1")
    message = refused.last()
    assert message["id"] == 7 and message["result"]["isError"] and "too many calls" in message["result"]["content"][0]["text"]
    refused = session.request("resources/read", {"uri": "file:///x"}, number=8)
    assert (refused.status, refused.header("Retry-After"), refused.last()["id"]) == (429, "1", 8)
    assert session.request("tools/list", number=9).status == 200
    assert server.call("list_commands", token="bob")["structuredContent"]["commands"] == []
    waiting[0].close()
    if legacy:
        session.notify("notifications/cancelled", {"requestId": 0})
    while (answer := session.request("tools/call", {"name": "list_commands", "arguments": {}}, number=10)).status == 429:
        pass
    assert answer.status == 200 and not answer.last()["result"].get("isError")


def test_who_queues_makes_nobody_else_wait(serve_http, policy):
    """A caller's commands wait for one another. Of who is told its place, the last is told that all others are before it."""
    server = serve_http("--policy", policy({"limits": {"commandsAtOnce": 2}}))
    begun = [server.call("run_command", {"command": "echo up; sleep 300", "wait_ms": 0}) for _ in range(20)]
    last = server.request("tools/call", {"name": "run_command", "arguments": {"command": "echo last"}}, progress=1, number=99)
    assert last.next_message()["params"]["message"].endswith("waits for its turn: place 19")
    assert server.call("run_command", {"command": "echo mine"}, token="bob")["structuredContent"]["stdout"] == "mine\n"
    assert len(server.call("list_commands")["structuredContent"]["commands"]) == 20
    for one in begun:
        server.call("stop_command", {"id": one["structuredContent"]["id"]})
    assert last.last()["result"]["structuredContent"]["stdout"] == "last\n"


def test_streams(serve):
    server = serve({"streams": 2})
    streams = [server.request("subscriptions/listen", LISTEN, number=n) for n in range(2)]
    for stream in streams:
        assert stream.next_message()["method"] == "notifications/subscriptions/acknowledged"
    assert "http.streams" in check_refused(server.request("subscriptions/listen", LISTEN))
    session = Session(server)
    assert "http.streams" in check_refused(session.listen())
    assert server.request("subscriptions/listen", LISTEN, token="bob").is_stream
    assert server.call("list_commands")["structuredContent"]["commands"] == []
    streams.pop().close()
    while (answer := session.listen()).status == 429:
        pass
    assert answer.is_stream
    check_refused(server.request("subscriptions/listen", LISTEN))


def test_sessions(serve):
    """One that is idle gives way, and is made again when it comes back; one that is listened to does not."""
    server = serve({"sessions": 2})
    first, second, third = [Session(server) for _ in range(3)]
    for session in (first, second, third):
        assert session.request("ping").status == 200
    held = [first.listen(), second.listen()]
    assert all(stream.next_event()[1] is None for stream in held)
    assert "http.sessions" in check_refused(third.request("ping"))
    begun = server.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}}, version=None)
    check_refused(begun)
    assert Session(server, token="bob").request("ping").status == 200
    held[0].close()
    while (answer := third.request("ping")).status == 429:
        pass
    assert answer.status == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_body(serve, chunked):
    server = serve({"bodyBytes": 65536})
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()
    for length, status in ((65536, 200), (65537, 413)):
        whole = body.ljust(length)
        framed = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": length}
        session = Session(server)
        answer = server.talk(server.head(**framed, **{"Mcp-Session-Id": session.id}) + (b"%x\r\n%s\r\n0\r\n\r\n" % (length, whole) if chunked else whole))
        assert answer.status == status


def test_head(serve):
    """More than a connection's memory holds: told so, whatever is too long."""
    server = serve()
    for changes in ({"X-Long": "a" * 10000}, {f"X-{n}": "a" * 100 for n in range(100)}, {"Mcp-Session-Id": "a" * 10000}):
        with server.connect() as connection:
            connection.sendall(server.head(**{"Content-Length": 0}, **changes))
            assert Answer(connection).status == 431, changes
    with server.connect() as connection:
        connection.sendall(server.head(path="/" + "a" * 10000))
        assert Answer(connection).status in (414, 431)
    assert server.request("server/discover").status == 200


def test_connections(serve):
    """The last ones there are serve to say that there are no more, and for probes."""
    server = serve(files=512)
    ping = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    held = []
    while len(held) < 512:
        held.append(server.connect())
        held[-1].sendall(server.head(**{"Content-Length": len(ping)}) + ping)
        answer = Answer(held[-1])
        if answer.status == 503:
            break
        assert answer.body()
    assert "connections" in check_refused(answer, status=503) and answer.header("Connection") == "close"
    assert held.pop().recv(1) == b""
    assert probe(server) == 200
    for connection in held:
        connection.close()
    while (answer := server.request("server/discover")).status == 503:
        pass
    assert answer.status == 200
