# SPDX-License-Identifier: Apache-2.0
"""Clients that take their time: each part of a request has a bound that a byte now and then does not move, and so has an answer that
nobody reads."""

import json
import select
import socket
import time

import pytest
from client import MODERN, PATIENCE, Watch, compact, meta
from http_client import CUT, Answer, HttpServer, Session

DISCOVER = compact({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta()}})
RIGHT = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover", "Content-Length": len(DISCOVER)}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Impatient: nothing may take longer than half a second."""
    place = tmp_path_factory.mktemp("http")
    (place / "workspace").mkdir()
    server = HttpServer(place, "--request-timeout", "0.5", "--result-limit", "8388608")
    yield server
    assert server.request("server/discover").status == 200
    watch = Watch(server.tree())
    assert server.finish() == 0, server.log
    watch.wait_ended(PATIENCE)
    watch.close()


def drip(connection, data):
    """Sends `data` a byte at a time, each well within any bound, until the server says something or ends it; what it said."""
    for byte in data:
        try:
            connection.sendall(bytes([byte]))
        except (BrokenPipeError, ConnectionResetError):
            break
        if select.select([connection], [], [], 0.05)[0]:
            break
    else:
        raise AssertionError("it took all of it")
    said = b""
    try:
        while part := connection.recv(65536):
            said += part
    except ConnectionResetError:
        pass
    return said


def is_open(server, connection):
    """Does the server still have its end? The kernel's own word: its socket belongs to a descriptor."""
    ours, its = connection.getsockname()[1], int(server.address.rsplit(":", 1)[1])
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table]
    return any(row[1].endswith(f":{its:04X}") and row[2].endswith(f":{ours:04X}") and row[9] != "0" for row in rows[1:])


def test_a_head_that_drips(server):
    with server.connect() as connection:
        assert drip(connection, server.head(**RIGHT, **{"X-Long": "a" * 4000})) == b""


def test_the_head_of_a_later_request(server):
    """A connection that has had an answer may rest longer, and no longer for what it sends meanwhile."""
    with server.connect() as connection:
        connection.sendall(server.head(**RIGHT) + DISCOVER)
        answer = Answer(connection)
        assert answer.status == 200 and answer.body()
        assert drip(connection, server.head(**RIGHT, **{"X-Long": "a" * 4000})) == b""


def test_a_body_that_drips(server):
    with server.connect() as connection:
        connection.sendall(server.head(**{**RIGHT, "Content-Length": 4000}))
        said = drip(connection, b" " * 4000)
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ") and b"Connection: close" in head, said
    assert f"Content-Length: {len(body)}".encode() in head and json.loads(body)["error"]["message"]


def test_chunks_that_drip(server):
    with server.connect() as connection:
        connection.sendall(server.head(**{**RIGHT, "Content-Length": None, "Transfer-Encoding": "chunked"}))
        assert drip(connection, b"1\r\n \r\n" * 1000).startswith(b"HTTP/1.1 408 ")


def test_nothing_at_all(server):
    with server.connect() as connection:
        assert connection.recv(1) == b""


def test_who_has_an_answer_and_says_no_more(server):
    with server.connect() as connection:
        connection.sendall(server.head(**RIGHT) + DISCOVER)
        assert Answer(connection).body()
        assert connection.recv(1) == b""


def test_a_long_body_at_a_fair_speed_is_taken(server):
    """A second more for each 64 KB: this one takes longer than half a second, and its speed is fair."""
    body = DISCOVER + b" " * (1 << 20)
    begun = time.monotonic()
    with server.connect() as connection:
        connection.sendall(server.head(**{**RIGHT, "Content-Length": len(body)}))
        for at in range(0, len(body), 1 << 15):
            connection.sendall(body[at:at + (1 << 15)])
            assert at + (1 << 15) >= len(body) or not select.select([connection], [], [], 0.05)[0], connection.recv(65536)
        assert Answer(connection).status == 200
    assert time.monotonic() - begun > 1


def test_our_own_time_does_not_count(server):
    """A call that takes longer than the client may, and a stream on which nothing happens meanwhile."""
    session = Session(server)
    listening = session.listen()
    assert listening.next_event()[1] is None
    assert session.call("run_command", {"command": "sleep 3; echo x"})["structuredContent"]["stdout"] == "x\n"
    (server.workspace / "a.txt").write_text("x")
    session.request("resources/subscribe", {"uri": f"file://{server.workspace}/a.txt"})
    (server.workspace / "a.txt").write_text("y")
    assert listening.next_message()["method"] == "notifications/resources/updated"
    listening.close()


@pytest.mark.parametrize("name,arguments,more", [
    ("read_file", {"path": "large", "limit": 1000000}, {}),
    ("run_command", {"command": "echo up; sleep 1; cat large"}, {"progressToken": 1}),
], ids=["message", "stream"])
def test_who_does_not_read(server, name, arguments, more):
    """An answer that nobody takes is given up long before its last byte could be due."""
    (server.workspace / "large").write_text("0123456789abcde\n" * (7 << 16))
    held = []
    for _ in range(4):
        connection = socket.create_connection(tuple(server.address.rsplit(":", 1)), PATIENCE)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        body = compact({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments, "_meta": meta(**more)}})
        connection.sendall(server.head(**{**RIGHT, "Mcp-Method": "tools/call", "Mcp-Name": name, "Content-Length": len(body)}) + body)
        held.append(connection)
    deadline, seen = time.monotonic() + PATIENCE, set()
    while (now := {connection for connection in held if is_open(server, connection)}) or len(seen) < len(held):
        seen |= now
        assert time.monotonic() < deadline, "the server still waits for who does not read"
        assert server.request("server/discover").status == 200
    for connection in held:
        connection.close()


def test_over_tls(serve_http):
    """A handshake that is not finished, and a body: nothing is said past TLS, and the connection ends."""
    server = serve_http("--request-timeout", "0.5", tls=True)
    with server.connect_plain() as connection:
        connection.sendall(b"\x16\x03\x01")
        assert connection.recv(1) == b""
    with server.connect() as connection:
        connection.sendall(server.head(**{**RIGHT, "Content-Length": 4000}) + b" " * 10)
        try:
            assert connection.recv(65536) == b""
        except CUT:
            pass
    assert server.request("server/discover").status == 200
