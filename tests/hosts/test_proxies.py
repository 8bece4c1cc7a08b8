# SPDX-License-Identifier: Apache-2.0
"""Streamable HTTP through proxies: nginx as docs/proxies.md configures it, and one that does all that a proxy may do."""

import concurrent.futures
import http.client
import os

import pytest
from client import MODERN, PATIENCE, Watch, compact, meta, name_of, text_of
from http_client import Answer, HttpServer, Session
from proxies import Mangler, Nginx

MESSAGE_LIMIT = 16 << 20


@pytest.fixture
def stand(tmp_path, workspace):
    """stand(Server, *arguments): one of them, which ends with the test; what was started last ends first."""
    standing = []

    def begin(kind, *arguments, **more):
        standing.append(kind(*arguments, **more))
        return standing[-1]

    yield begin
    for one in reversed(standing):
        watch = Watch(one.tree() if isinstance(one, HttpServer) and type(one) is HttpServer else [])
        one.kill()
        watch.wait_ended(PATIENCE)
        watch.close()


@pytest.fixture
def server(stand, tmp_path):
    return stand(HttpServer, tmp_path, "--host", "tools.example", "--answer-within", "20")


@pytest.fixture
def nginx(stand, server):
    return stand(Nginx, server)


def without(*lines):
    def change(text):
        for line in lines:
            assert line in text
            text = text.replace(line, "")
        return text
    return change


def as_people_forget(text):
    """No more than where to: HTTP/1.0 behind it, a connection for each request, the upstream's name as Host, a megabyte of body."""
    return without("keepalive 32;", "proxy_http_version 1.1;", 'proxy_set_header Connection "";', "proxy_set_header Host $http_host;",
                   "client_max_body_size 16m;")(text)


def commands(server):
    return [pid for pid in server.tree() if not name_of(pid).startswith("sallyport")]


@pytest.fixture(params=["TCP", "a Unix socket", "one line of configuration", "the mangler"])
def front(request, stand, tmp_path):
    """A proxy of each kind, with a server behind it (front.behind)."""
    listen = f"unix:{tmp_path}/socket" if request.param == "a Unix socket" else "127.0.0.1:0"
    server = stand(HttpServer, tmp_path, "--host", "sallyport", "--answer-within", "20", listen=listen)
    if request.param == "the mangler":
        front = stand(Mangler, server)
    else:
        front = stand(Nginx, server, change=as_people_forget if "line" in request.param else lambda text: text)
    front.behind = server
    return front


# ---- what passes each of them ----

def test_messages(front, workspace):
    (workspace / "a.txt").write_text("alpha\n" * 5000)
    assert MODERN in front.request("server/discover").message()["result"]["supportedVersions"]
    assert text_of(front.call("read_file", {"path": "a.txt"})).startswith("alpha\nalpha\n")
    session = Session(front, "2025-11-25")
    assert text_of(session.call("read_file", {"path": "a.txt", "limit": 1})).startswith("alpha\n")
    assert front.request("no/such").status == 404
    assert front.request("server/discover", token=None).status == 401
    assert session.request("no/such").status == 200


def test_progress_is_not_held_back(front):
    """Each piece comes while the call goes on: the command ends only after its first progress was heard."""
    assert front.call("run_command", {"command": "mkfifo go"})["structuredContent"]["exit_code"] == 0
    answer = front.request("tools/call", {"name": "run_command", "arguments": {"command": "echo up; cat go"}}, progress="p")
    assert answer.is_stream
    while "up" not in answer.next_message()["params"].get("message", ""):
        pass
    assert front.call("run_command", {"command": "echo over > go"})["structuredContent"]["exit_code"] == 0
    assert answer.last()["result"]["structuredContent"]["stdout"] == "up\nover\n"


def test_long_poll(front):
    """An answer that takes its time, and nothing before it."""
    begun = front.call("run_command", {"command": "read line; echo $line", "stdin": "", "wait_ms": 0})["structuredContent"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(front.call, "read_output", {"id": begun["id"], "wait_ms": 3000})
        front.call("write_input", {"id": begun["id"], "text": "over\n", "wait_ms": 0})
        assert "over" in text_of(waiting.result(PATIENCE)) + text_of(front.call("read_output", {"id": begun["id"], "since": 0}))


def test_subscription(front, workspace):
    (workspace / "a.txt").write_text("1")
    uri = f"file://{workspace}/a.txt"
    stream = front.request("subscriptions/listen", {"notifications": {"resourceSubscriptions": [uri]}}, number="s")
    assert stream.next_message()["method"] == "notifications/subscriptions/acknowledged"
    for text in "23":
        (workspace / "a.txt").write_text(text)
        assert stream.next_message()["params"]["uri"] == uri
    stream.close()


def test_a_long_message(front, workspace):
    """3 MB, unless the proxy takes a megabyte at most: that is then its own 413."""
    text = "0123456789abcde\n" * (3 << 16)
    message = {"name": "write_file", "arguments": {"path": "long.txt", "content": text}}
    answer = front.request("tools/call", message)
    if answer.status == 413:
        assert "client_max_body_size 16m" not in front.text
        return
    assert not answer.last()["result"].get("isError")
    assert (workspace / "long.txt").read_text() == text


# ---- nginx ----

def test_sessions_stream(nginx, workspace):
    (workspace / "a.txt").write_text("1")
    session = Session(nginx)
    stream = session.listen()
    assert stream.next_event()[1] is None
    assert session.request("resources/subscribe", {"uri": f"file://{workspace}/a.txt"}).message()["result"] == {}
    (workspace / "a.txt").write_text("2")
    assert stream.next_event()[1]["method"] == "notifications/resources/updated"
    assert session.delete().status == 204
    assert stream.next_event() is None


@pytest.mark.parametrize("token", [None, 1], ids=["before anything", "in a stream"])
def test_who_leaves_cancels(server, nginx, token):
    """Whoever leaves the proxy leaves us: nothing of the command is left."""
    message = compact({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "run_command", "arguments": {"command": "touch begun; sleep 1000"}, "_meta": meta(**({"progressToken": token} if token else {}))}})
    connection = nginx.connect()
    connection.sendall(nginx.head(**{"Content-Length": len(message), "MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "run_command"})
                       + message)
    while server.call("find_files", {"pattern": "begun"})["structuredContent"]["total"] == 0:
        pass
    watch = Watch(commands(server))
    assert watch.descriptors
    connection.close()
    watch.wait_ended(PATIENCE)
    watch.close()
    assert nginx.call("list_commands")["structuredContent"]["commands"] == []


def test_connections_are_used_again(server, nginx):
    """Of different clients, one after the other: who somebody is stands in each request, never in a connection."""
    for n in range(40):
        name = ("alice", "bob")[n % 2]
        assert nginx.call("run_command", {"command": f"echo {n} >> /tmp/mine; wc -l < /tmp/mine"}, token=name)["structuredContent"]["stdout"] == f"{n // 2 + 1}\n"
        assert nginx.request("server/discover", token=None).status == 401
    sockets = [where for where in map(os.readlink, fds(server.pid)) if where.startswith("socket:")]
    assert len(sockets) < 20, sockets


def fds(pid):
    return [f"/proc/{pid}/fd/{number}" for number in os.listdir(f"/proc/{pid}/fd")]


def test_which_name_is_asked_for(nginx, stand, server):
    """Host goes through as it came; without that line it is the upstream's name, which --host would have to know."""
    assert nginx.request("server/discover", Host="tools.example").status == 200
    assert nginx.request("server/discover", Host="evil.example").status == 403
    forgetful = stand(Nginx, server, change=as_people_forget)
    refused = forgetful.request("server/discover", Host="tools.example")
    assert refused.status == 403 and "--host" in refused.last()["error"]["message"]


def test_too_long(server, nginx, stand):
    """nginx refuses what its configuration bounds. Where it does not we do, at once: whoever still writes may not read it, and nginx does not."""
    assert nginx.talk(nginx.head(**{"Content-Length": MESSAGE_LIMIT + 1})).status == 413
    for change in (lambda text: text.replace("16m", "0"), lambda text: text.replace("client_max_body_size 16m;", "client_max_body_size 0; proxy_request_buffering off;")):
        unbounded = stand(Nginx, server, change=change)
        assert unbounded.ask(b" " * (MESSAGE_LIMIT + 1)).status in (413, 502)
        assert unbounded.request("server/discover").status == 200


@pytest.mark.parametrize("changes,status", [({"token": None}, 401), ({"Host": "evil.example"}, 403), ({"Content-Type": "text/plain"}, 415)])
def test_why_a_long_message_is_refused(nginx, changes, status):
    """nginx makes a 502 of what is refused while it still writes."""
    for _ in range(5):
        assert nginx.ask(b" " * (3 << 20), **changes).status == status


def test_a_server_that_comes_back(stand, tmp_path):
    """Kept connections to one that is gone do not disturb the next."""
    listen = f"unix:{tmp_path}/socket"
    first = stand(HttpServer, tmp_path, listen=listen)
    nginx = stand(Nginx, first)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: nginx.request("server/discover").status == 200, range(32)))
    assert first.finish() == 0
    assert nginx.request("server/discover").status == 502
    stand(HttpServer, tmp_path, listen=listen)
    assert nginx.request("server/discover").status == 200


# ---- the mangler ----

def test_mangled(stand, server, workspace):
    """Connections used by different clients in turn, whatever the cut."""
    (workspace / "a.txt").write_text("alpha\n" * 100)
    for piece, chunk in ((1, 1), (2, 1000), (4096, 3)):
        mangler = stand(Mangler, server, piece=piece, chunk=chunk)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda n: mangler.call("read_file", {"path": "a.txt"}, token=("alice", "bob")[n % 2]), range(32)))
        assert all(text_of(one).startswith("alpha\n") for one in found)
        for n in range(10):
            assert mangler.request("server/discover", token=("alice", None)[n % 2]).status == (200, 401)[n % 2]
        assert mangler.opened <= 9, mangler.opened
