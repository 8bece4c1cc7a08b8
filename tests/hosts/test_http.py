# SPDX-License-Identifier: Apache-2.0
"""Streamable HTTP as it should be used: both eras, streams, sessions, callers."""

import concurrent.futures
import contextlib
import functools
import json
import os
import signal
import time

import pytest
from client import LEGACY, MODERN, PATIENCE, Watch, compact, meta, name_of, text_of
from http_client import Answer, Session


@pytest.fixture(params=["clear", "tls"])
def serve(request, serve_http):
    """A server in clear, and over TLS."""
    return functools.partial(serve_http, tls=request.param == "tls")


@pytest.fixture
def server(serve):
    return serve()


def commands(server):
    return [pid for pid in server.tree() if not name_of(pid).startswith("sallyport")]


# ---- modern ----

def test_discover_and_tools(server):
    found = server.request("server/discover")
    assert found.status == 200 and found.header("Mcp-Session-Id") is None and found.header("Cache-Control") == "no-store"
    assert MODERN in found.message()["result"]["supportedVersions"]
    assert "read_file" in [tool["name"] for tool in server.request("tools/list").message()["result"]["tools"]]


def test_call_as_one_message(server, workspace):
    (workspace / "a.txt").write_text("alpha\n")
    answer = server.request("tools/call", {"name": "read_file", "arguments": {"path": "a.txt"}})
    assert answer.status == 200 and not answer.is_stream
    assert text_of(answer.message()["result"]) == "alpha\n"


def test_call_with_progress_is_a_stream(server):
    answer = server.request("tools/call", {"name": "run_command", "arguments": {"command": "for i in 1 2 3 4 5 6; do echo $i; sleep 0.2; done"}}, progress="p")
    assert answer.status == 200 and answer.is_stream and answer.header("X-Accel-Buffering") == "no"
    assert answer.last()["result"]["structuredContent"]["stdout"] == "1\n2\n3\n4\n5\n6\n"
    told = [message for _, message in answer.events if message.get("method") == "notifications/progress"]
    assert told and all(one["params"]["progressToken"] == "p" for one in told)
    assert [name for name, _ in answer.events] == [None] * len(answer.events)  # "Resumable SSE streams .. are not supported"
    assert answer.next_event() is None


def test_who_takes_no_stream_gets_the_answer_alone(server):
    answer = server.request("tools/call", {"name": "run_command", "arguments": {"command": "sleep 0.6; echo x"}}, progress=1, Accept="application/json")
    assert not answer.is_stream and answer.message()["result"]["structuredContent"]["stdout"] == "x\n"


def test_notifications_and_responses_are_accepted(server):
    for message in ({"jsonrpc": "2.0", "method": "notifications/whatever", "params": {"_meta": meta()}}, {"jsonrpc": "2.0", "id": 1, "result": {}}):
        answer = server.post(message)
        assert (answer.status, answer.body()) == (202, b"")


def test_equal_ids_of_different_clients(server):
    """Ids mean something within one request only; nobody is told that one is in flight already."""
    arguments = {"name": "run_command", "arguments": {"command": "sleep 0.3; echo x"}}
    with server.connect() as first, server.connect() as second:
        for connection in (first, second):
            message = compact({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {**arguments, "_meta": meta()}})
            connection.sendall(server.head(**{"Content-Length": len(message), "MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call",
                                              "Mcp-Name": "run_command"}) + message)
        for connection in (first, second):
            assert Answer(connection).message()["result"]["structuredContent"]["stdout"] == "x\n"


def test_who_leaves_cancels(server):
    """Closing the stream of a request is its cancellation: nothing of it is left."""
    answer = server.request("tools/call", {"name": "run_command", "arguments": {"command": "echo up; sleep 300"}}, progress=1)
    assert answer.next_message()["method"] == "notifications/progress"
    watch = Watch(commands(server))
    answer.close()
    watch.wait_ended(PATIENCE)
    watch.close()
    assert server.call("list_commands")["structuredContent"]["commands"] == []


def test_subscription(server, workspace):
    (workspace / "a.txt").write_text("1")
    uri = f"file://{workspace}/a.txt"
    stream = server.request("subscriptions/listen", {"notifications": {"resourceSubscriptions": [uri], "toolsListChanged": True}}, number="s")
    assert stream.is_stream
    assert stream.next_message()["method"] == "notifications/subscriptions/acknowledged"
    (workspace / "a.txt").write_text("2")
    told = stream.next_message()
    assert told["method"] == "notifications/resources/updated" and told["params"]["uri"] == uri
    assert told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == "s"
    stream.close()
    assert server.request("server/discover").status == 200


def test_two_callers_and_one_file(server, workspace):
    (workspace / "a.txt").write_text("1")
    uri = f"file://{workspace}/a.txt"
    streams = [server.request("subscriptions/listen", {"notifications": {"resourceSubscriptions": [uri]}}, token=token) for token in ("alice", "bob")]
    for stream in streams:
        assert stream.next_message()["method"] == "notifications/subscriptions/acknowledged"
    (workspace / "a.txt").write_text("2")
    for stream in streams:
        assert stream.next_message()["params"]["uri"] == uri


def test_a_subscription_is_a_stream(server):
    """Who takes no events is told so, and does not wait for ever."""
    wanted = {"notifications": {"toolsListChanged": True}}
    assert server.request("subscriptions/listen", wanted, Accept="application/json").status == 406
    for accepted in (None, "*/*", "application/json, text/event-stream"):
        stream = server.request("subscriptions/listen", wanted, Accept=accepted)
        assert stream.is_stream and stream.next_message()["method"] == "notifications/subscriptions/acknowledged"
        stream.close()


def test_the_end_is_told_to_who_listens(server):
    stream = server.request("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, number=7)
    assert stream.next_message()["method"] == "notifications/subscriptions/acknowledged"
    server.process.send_signal(signal.SIGTERM)
    rest = []
    while (message := stream.next_message()) is not None:
        rest.append(message)
    assert rest[-1]["id"] == 7 and rest[-1]["result"]["resultType"] == "complete"
    assert [message.get("method") for message in rest] == ["notifications/cancelled", None]
    assert server.process.wait(PATIENCE) == 0


def test_what_runs_may_end_before_the_server_does(server):
    """SIGTERM: a call that is all but done is answered, and nothing is left alive."""
    answer = server.request("tools/call", {"name": "run_command", "arguments": {"command": "echo up; sleep 0.5; echo done"}}, progress=1)
    assert answer.next_message()["method"] == "notifications/progress"
    watch = Watch(server.tree())
    server.process.send_signal(signal.SIGTERM)
    assert answer.last()["result"]["structuredContent"]["stdout"] == "up\ndone\n"
    watch.wait_ended(PATIENCE)
    watch.close()
    assert server.process.wait(PATIENCE) == 0


def test_who_comes_when_it_is_about_to_end(server, workspace):
    """Is refused at once, and may ask another; who came before is still answered."""
    os.mkfifo(workspace / "go", 0o666)
    answer = server.request("tools/call", {"name": "run_command", "arguments": {"command": "echo up; cat go"}}, progress=1)
    while "up" not in answer.next_message()["params"].get("message", ""):
        pass
    server.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    with pytest.raises(ConnectionRefusedError):
        while time.monotonic() < deadline:
            with contextlib.suppress(ConnectionResetError):  # it came in the moment itself
                server.connect().close()
    (workspace / "go").write_text("over\n")
    assert answer.last()["result"]["structuredContent"]["stdout"] == "up\nover\n"
    assert server.process.wait(PATIENCE) == 0


# ---- legacy ----

@pytest.mark.parametrize("version", LEGACY)
def test_session(server, workspace, version):
    (workspace / "a.txt").write_text("alpha\n")
    session = Session(server, version)
    assert session.id and all(0x21 <= ord(one) <= 0x7e for one in session.id)
    assert "read_file" in [tool["name"] for tool in session.request("tools/list").message()["result"]["tools"]]
    assert text_of(session.call("read_file", {"path": "a.txt"})) == "alpha\n"
    assert session.request("ping").message()["result"] == {}
    missing = session.request("no/such")
    assert missing.status == 200 and missing.code() == -32601  # another status is the transport's failure to such clients
    assert session.delete().status == 204
    assert session.request("ping").status == 404
    assert session.delete().status == 404 and session.listen().status == 404


def test_sessions_are_whose_they_are(server):
    session = Session(server, token="alice")
    session.token = "bob"
    assert session.request("ping").status == 404
    session.token = "alice"
    session.id, right = session.id[:-1] + ("A" if session.id[-1] != "A" else "B"), session.id
    assert session.request("ping").status == 404
    for wrong in ("", "x", "A" * 100, "A" * 5000, "\u00e4".encode("latin-1").decode("latin-1")):
        session.id = wrong
        assert session.request("ping").status in (404, 431), wrong
    session.id = right
    assert session.request("ping").status == 200


def test_legacy_without_a_session(server):
    for method in ("tools/list", "ping"):
        answer = server.post({"jsonrpc": "2.0", "id": 1, "method": method}, version=None)
        assert (answer.status, method) == ((400, method) if method != "ping" else (200, method))


def test_batch(server):
    """Of 2025-03-26 only: one answer, an array."""
    session = Session(server, "2025-03-26")
    answer = session.server.ask([{"jsonrpc": "2.0", "id": 1, "method": "ping"}, {"jsonrpc": "2.0", "method": "notifications/x"},
                                 {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "run_command", "arguments": {"command": "echo x"}}}],
                                **{"Mcp-Session-Id": session.id})
    found = json.loads(answer.body())
    assert answer.status == 200 and sorted(one["id"] for one in found) == [1, 2]


def test_what_a_session_says_unasked(server, workspace):
    (workspace / "a.txt").write_text("1")
    session = Session(server)
    uri = f"file://{workspace}/a.txt"
    stream = session.listen()
    assert stream.is_stream
    name, message = stream.next_event()
    assert message is None and name == "0-0"  # "prime the client to reconnect"
    assert session.request("resources/subscribe", {"uri": uri}).message()["result"] == {}
    (workspace / "a.txt").write_text("2")
    name, message = stream.next_event()
    assert message["method"] == "notifications/resources/updated" and message["params"] == {"uri": uri}
    stream.close()
    again = session.listen(last_event="0-0")
    assert again.next_event() == (name, message)
    once_more = session.listen(last_event=name)  # the one before is ended: its client came again
    (workspace / "a.txt").write_text("3")
    assert once_more.next_event()[1]["params"] == {"uri": uri}


def test_a_lost_stream_is_resumed(server):
    """A legacy client that loses its connection has not cancelled: it comes back with Last-Event-ID and gets the rest."""
    session = Session(server)
    assert session.call("run_command", {"command": "mkfifo go"})["structuredContent"]["exit_code"] == 0
    answer = session.request("tools/call", {"name": "run_command", "arguments": {"command": "echo up; cat go"}}, progress=1, number="lost")
    assert answer.next_event()[1] is None  # where to come back to
    name, message = answer.next_event()
    assert message["method"] == "notifications/progress"
    answer.close()
    assert session.call("run_command", {"command": "echo over > go"})["structuredContent"]["exit_code"] == 0
    rest = session.listen(last_event=name)
    final = rest.last()
    assert final["id"] == "lost" and final["result"]["structuredContent"]["stdout"] == "up\nover\n"
    assert rest.next_event() is None


def test_another_replica_goes_on_with_a_session(serve, tmp_path, workspace):
    """Whoever has the key knows the session: its revision, its caller and how long its client waits; also after the key was changed."""
    (workspace / "a.txt").write_text("alpha\n")
    old, new = "0" * 64, "1" * 64
    for name, text in (("old", f"{old}\n"), ("both", f"{new}\n{old}\n"), ("new", f"{new}\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    first, second, third = (serve("--session-key-file", str(tmp_path / name)) for name in ("old", "both", "new"))
    session = Session(first, "2025-03-26")
    for server in (second, first, second):
        session.server = server
        assert text_of(session.call("read_file", {"path": "a.txt"})) == "alpha\n"
    assert len(json.loads(server.ask([{"jsonrpc": "2.0", "id": 1, "method": "ping"}], **{"Mcp-Session-Id": session.id}).body())) == 1
    session.token = "bob"
    assert session.request("ping").status == 404
    session.token, session.server = "alice", third
    assert session.request("ping").status == 404
    session.server = serve()
    assert session.request("ping").status == 404


@pytest.mark.parametrize("progress", [None, 1], ids=["alone", "stream"])
def test_a_cancelled_call_keeps_no_connection(server, progress):
    """It has no answer, but its request ends; legacy clients may leave the connection as it is."""
    session = Session(server)
    assert session.call("run_command", {"command": "mkfifo up"})["structuredContent"]["exit_code"] == 0
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(session.request, "tools/call", {"name": "run_command", "arguments": {"command": "echo > up; sleep 1000"}}, progress=progress, number="c")
        assert session.call("run_command", {"command": "cat up"})["structuredContent"]["exit_code"] == 0
        if progress:
            while asked.result(PATIENCE).next_event()[1] is None:
                pass
        watch = Watch(commands(server))
        assert session.notify("notifications/cancelled", {"requestId": "c"}).status == 202
        answer = asked.result(PATIENCE)
        if progress:
            while answer.next_event():
                pass
            assert all("result" not in message for _, message in answer.events if message)
        else:
            assert (answer.status, answer.body()) == (202, b"")
    watch.wait_ended(PATIENCE)
    watch.close()


def test_who_leaves_is_forgotten(server):
    """Also beside connections that stay: the daemon would keep what it was told to break off (docs/architecture.md, HTTP)."""
    body = compact({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta()}})
    kept = [server.connect() for _ in range(2)]
    for connection in kept:
        connection.sendall(server.head(**{"Content-Length": len(body), "MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover"}) + body)
        assert Answer(connection).message()["result"]
    before = len(os.listdir(f"/proc/{server.pid}/fd"))
    streams = [server.request("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, number=n) for n in range(3)]
    for stream in streams:
        assert stream.next_message()["method"] == "notifications/subscriptions/acknowledged"
        stream.close()
    deadline = time.monotonic() + PATIENCE
    while len(os.listdir(f"/proc/{server.pid}/fd")) > before:
        assert time.monotonic() < deadline
    for connection in kept:
        connection.close()


# ---- callers ----

def test_callers_share_nothing(server):
    begun = server.call("run_command", {"command": "echo secret > /tmp/mine; sleep 300", "wait_ms": 0}, token="alice")["structuredContent"]
    assert server.call("list_commands", token="bob")["structuredContent"]["commands"] == []
    other = server.call("read_output", {"id": begun["id"]}, token="bob")
    assert other["isError"] and "no command of yours" in text_of(other)
    assert server.call("run_command", {"command": "cat /tmp/mine"}, token="bob")["structuredContent"]["exit_code"] != 0
    assert server.call("run_command", {"command": "cat /tmp/mine"}, token="alice")["structuredContent"]["stdout"] == "secret\n"
    stopped = server.call("stop_command", {"id": begun["id"]}, token="alice")["structuredContent"]
    assert stopped["status"] == "signaled"


def test_many_at_once(server, workspace):
    (workspace / "a.txt").write_text("alpha\n" * 1000)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda n: text_of(server.call("read_file", {"path": "a.txt"}, token=("alice", "bob")[n % 2])), range(200)))
    assert all(text.startswith("alpha\n") for text in found)


# ---- who keeps watch ----

def test_probes(server):
    """By any name, without a token, and nothing is said but that."""
    for path in ("/healthz", "/readyz"):
        answer = server.ask(method="GET", path=path, token=None, **{"Host": "10.1.2.3:80", "Content-Length": None, "Content-Type": None})
        assert (answer.status, answer.body()) == (200, b"ok\n")
        assert server.ask(path=path).status == 404


def test_any_name_but_not_any_page(serve):
    """--host '*' is for those who sit behind a proxy: it does not let web pages in."""
    server = serve("--host", "*", "--origin", "https://app.example")
    for headers, status in (({"Host": "tools.example:8443"}, 200), ({"Host": "tools.example", "Origin": "http://evil.example"}, 403),
                            ({"Host": "tools.example", "Origin": "http://tools.example"}, 403), ({"Host": "x", "Origin": "https://app.example"}, 200),
                            ({"Host": "x", "Origin": "http://localhost:3000"}, 200)):
        assert server.request("server/discover", **headers).status == status, headers


# ---- beginning ----

def test_unix_socket(serve, tmp_path):
    place = f"unix:{tmp_path}/socket"
    server = serve(listen=place)
    assert os.stat(tmp_path / "socket").st_mode & 0o777 == 0o600
    assert server.request("server/discover").status == 200
    assert server.finish() == 0
    assert serve(listen=place).request("server/discover").status == 200  # what the last one left is replaced


def test_a_token_for_this_run(serve):
    server = serve(tokens=())
    token = server.log.decode().split("Bearer ")[1].split()[0]
    assert server.request("server/discover", token=None).status == 401
    assert server.request("server/discover", token=None, Authorization=f"Bearer {token}").status == 200


def test_without_a_token_where_the_policy_says_so(serve, policy):
    server = serve("--policy", policy({"http": {"withoutToken": True}}), tokens=())
    assert server.request("server/discover", token=None).status == 200
