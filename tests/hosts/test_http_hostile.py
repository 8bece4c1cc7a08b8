# SPDX-License-Identifier: Apache-2.0
"""Streamable HTTP as it should not be used: each wrong request has its status, and none disturbs the next."""

import http.client
import socket
import time

import pytest
from client import MODERN, PATIENCE, Watch, compact, meta
from http_client import CUT, Answer, HttpServer, Session

LIMIT = 16 << 20
DISCOVER = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta()}}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@pytest.fixture(scope="module", params=["clear", "tls"])
def server(tmp_path_factory, request):
    place = tmp_path_factory.mktemp("http")
    (place / "workspace").mkdir()
    server = HttpServer(place, tls=request.param == "tls")
    yield server
    assert server.request("server/discover").status == 200
    watch = Watch(server.tree())
    assert server.finish() == 0, server.log
    watch.wait_ended(PATIENCE)
    watch.close()


@pytest.mark.parametrize("changes,status", [
    ({"path": "/"}, 404),
    ({"path": "/mcp/"}, 404),
    ({"path": "/mcp/../mcp"}, 404),
    ({"path": "http://localhost/mcp"}, 404),
    ({"path": "/mcp?x=1"}, 200),
    ({"token": None}, 401),
    ({"Authorization": "Bearer wrong"}, 401),
    ({"Authorization": "Basic YWxpY2U6eA=="}, 401),
    ({"Authorization": "Bearer"}, 401),
    ({"Authorization": ""}, 401),
    ({"Host": None}, 400),
    ({"Host": "evil.example"}, 403),
    ({"Host": "localhost.evil.example"}, 403),
    ({"Host": "127.0.0.1.evil.example:80"}, 403),
    ({"Host": "localhost:99999999"}, 200),
    ({"Host": "localhost:x"}, 403),
    ({"Host": "LOCALHOST"}, 200),
    ({"Host": "[::1]:80"}, 200),
    ({"Host": ""}, 403),
    ({"Origin": "http://evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "http://localhost"}, 200),
    ({"Origin": "https://127.0.0.1:3000"}, 200),
    ({"Origin": "http://localhost@evil.example"}, 403),
    ({"Origin": "file://localhost"}, 403),
    ({"Content-Type": None}, 415),
    ({"Content-Type": "text/plain"}, 415),
    ({"Content-Type": "application/jsonx"}, 415),
    ({"Content-Type": "application/json; charset=utf-8"}, 200),
    ({"Content-Type": "APPLICATION/JSON"}, 200),
    ({"Accept": "text/html"}, 406),
    ({"Accept": "text/event-stream"}, 406),
    ({"Accept": "*/*"}, 200),
    ({"Accept": None}, 200),
    ({"Content-Length": "-1"}, 400),
    ({"Content-Length": "1x"}, 400),
    ({"Content-Length": "99999999999999999999"}, None),
    ({"Transfer-Encoding": "chunked"}, 400),  # beside a Content-Length
    ({"Transfer-Encoding": "gzip", "Content-Length": None}, 501),
    ({"Transfer-Encoding": "chunked, chunked", "Content-Length": None}, 501),
    ({"Mcp-Session-Id": "whatever"}, 200),  # "ignore it"
    ({"Last-Event-ID": "0-1"}, 200),
    ({"Expect": "100-continue"}, 200),
    ({"method": "PUT"}, 405),
    ({"method": "OPTIONS"}, 405),
    ({"method": "PATCH"}, 405),
    ({"method": "post"}, 405),
    ({"method": "MCP"}, 405),
    ({"method": "GET"}, 405),
    ({"method": "DELETE"}, 405),
])
def test_status(server, changes, status):
    body = compact(DISCOVER)
    more = {"Content-Length": len(body), "MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover", **changes}
    try:
        answer = server.talk(server.head(**more) + body)
    except (*CUT, http.client.HTTPException):
        assert status is None
        return
    assert answer.status == status or (status is None and answer.status in (400, 413)), (changes, answer.status, answer.body())
    if answer.status not in (200, 400) and answer.header("Content-Type"):
        assert answer.message()["error"]["message"]
    if answer.status == 401:
        assert answer.header("WWW-Authenticate").startswith("Bearer")
    if answer.status == 405:
        assert answer.header("Allow") == "POST"


def test_head_has_no_body(server):
    answer = server.talk(server.head(method="HEAD", **{"Content-Length": None, "Content-Type": None}))
    assert answer.status == 405


@pytest.mark.parametrize("body,code", [
    (b"", -32700), (b"{", -32700), (b"\xff\xfe{}", -32700), (b"null", -32600), (b"[]", -32600), (b"1", -32600), (b"{}", -32600),
    (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600), (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
    (compact([DISCOVER]), -32600), (b"[" * 1000, -32700), (b'{"a":' * 1000, -32700), (b"\0" * 100, -32700),
])
def test_bodies(server, body, code):
    answer = server.ask(body, **{"MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover"})
    assert (answer.status, answer.message()["error"]["code"]) == (400, code) or (answer.status == 400 and body.startswith((b"[", b'{"a"')))


def test_header_checks(server):
    wrong = server.request("tools/list", **{"Mcp-Method": "tools/call"})
    assert (wrong.status, wrong.code()) == (400, -32020)
    missing = server.request("tools/list", **{"MCP-Protocol-Version": None})
    assert (missing.status, missing.code()) == (400, -32020)
    unknown = server.post({**DISCOVER, "params": {"_meta": meta(version="v999")}}, **{"MCP-Protocol-Version": "v999"})
    assert unknown.status == 400
    error = unknown.last()["error"]
    assert error["code"] == -32022 and error["data"]["requested"] == "v999" and error["data"]["supported"] == [MODERN]
    gone = server.request("no/such")
    assert (gone.status, gone.code()) == (404, -32601)


def test_twice_what_may_be_there_once(server):
    body = compact(DISCOVER)
    for line in (b"Host: evil.example", b"Content-Length: 1", b"Authorization: Bearer x", b"MCP-Protocol-Version: 2025-11-25", b"Mcp-Method: tools/call",
                 b"Mcp-Session-Id: x", b"Origin: http://localhost\r\nOrigin: http://evil.example"):
        head = server.head(**{"Content-Length": len(body), "MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover", "Mcp-Session-Id": "y"})
        assert server.talk(head[:-2] + line + b"\r\n\r\n" + body).status == 400, line


def test_too_long(server):
    """Before it is read where the length is told, and while it is read where it is not; never kept."""
    assert server.talk(server.head(**{"Content-Length": LIMIT + 1})).status == 413
    with server.connect() as connection:
        connection.sendall(server.head(**{"Transfer-Encoding": "chunked"}))
        chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
        try:
            for _ in range(18):
                connection.sendall(chunk)
            connection.sendall(b"0\r\n\r\n")
            assert Answer(connection).status == 413
        except CUT:
            pass


def test_a_refusal_leaves_the_connection(server):
    """What is refused is read to its end, so that what follows is understood; but not for ever."""
    body = compact(DISCOVER)
    right = {"Content-Length": len(body), "MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover"}
    with server.connect() as connection:
        for changes, status in (({"token": None}, 401), ({}, 200), ({"Host": "evil.example"}, 403), ({"Content-Type": "text/plain"}, 415), ({}, 200)):
            connection.sendall(server.head(**{**right, **changes}) + body)
            answer = Answer(connection)
            assert answer.status == status and answer.body()
    with server.connect() as connection:
        connection.sendall(server.head(token=None, **{"Transfer-Encoding": "chunked"}))
        with pytest.raises(CUT):
            for _ in range(1000):
                connection.sendall(b"100000\r\n" + b" " * (1 << 20) + b"\r\n")


def test_a_head_without_end(server):
    for filler in (b"X: " + b"a" * 100000, b"".join(b"X-%d: y\r\n" % i for i in range(20000))):
        with server.connect() as connection:
            try:
                connection.sendall(server.head()[:-2] + filler)
                answer = Answer(connection)
                assert answer.status in (400, 413, 431)
            except (*CUT, http.client.HTTPException):
                pass


@pytest.mark.parametrize("raw", [
    b"GET\r\n\r\n", b"POST /mcp HTTP/9.9\r\nHost: localhost\r\n\r\n", b"POST /mcp HTTP/1.1\nHost: localhost\n\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
    b"\0" * 5000, b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n continued: x\r\n\r\n", b"POST /mcp HTTP/1.1\r\nHost : localhost\r\n\r\n",
    b"POST /mcp HTTP/1.1\r\n: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"{}\n{}\n",
])
def test_what_is_no_http(server, raw):
    with server.connect() as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65536)
        assert answer == b"" or not answer.startswith(b"HTTP/1.1 2"), answer
    assert server.request("server/discover").status == 200


def test_chunks(server):
    body = compact(DISCOVER)
    head = server.head(**{"Transfer-Encoding": "chunked", "MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover"})
    assert server.talk(head + b"".join(b"1;ext=%d\r\n%c\r\n" % (i, one) for i, one in enumerate(body)) + b"0\r\n\r\n").status == 200
    for wrong in (b"x\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n", b"2\r\n{}x"):
        with server.connect() as connection:
            connection.sendall(head + wrong)
            connection.shutdown(socket.SHUT_WR)
            assert not connection.recv(65536).startswith(b"HTTP/1.1 2"), wrong


def test_one_request_is_not_two(server):
    """What follows a body is the next request, and nothing of a body is: no smuggling in either direction."""
    inner = server.head(method="DELETE", path="/smuggled") + b""
    body = compact(DISCOVER)
    right = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover"}
    with server.connect() as connection:  # pipelined: answered one after the other
        connection.sendall((server.head(**{"Content-Length": len(body), **right}) + body) * 3)
        said = b""
        while said.count(b'"resultType":"complete"}}') < 3:
            said += connection.recv(65536)
        assert said.count(b"HTTP/1.1 200 OK\r\n") == 3
    with server.connect() as connection:  # both lengths: refused, and what follows is not read
        connection.sendall(server.head(**{"Content-Length": 5, "Transfer-Encoding": "chunked"}) + b"0\r\n\r\n" + inner)
        assert Answer(connection).status == 400
        assert not connection.recv(65536).startswith(b"HTTP/1.1 404")


def test_http_1_0(server):
    body = compact(DISCOVER)
    head = server.head(**{"Content-Length": len(body), "MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover"}).replace(b"HTTP/1.1", b"HTTP/1.0")
    answer = server.talk(head + body)
    assert answer.status == 200 and answer.message()["result"]
    head = server.head(Host=None, **{"Content-Length": len(body), "MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover"})
    assert server.talk(head.replace(b"HTTP/1.1", b"HTTP/1.0") + body).status == 400  # for whom is it?


def test_expect_continue(server):
    body = compact(DISCOVER)
    with server.connect() as connection:
        connection.sendall(server.head(**{"Content-Length": len(body), "Expect": "100-continue", "MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover"}))
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        assert Answer(connection).status == 200
    with server.connect() as connection:  # refused before the body is sent
        connection.sendall(server.head(token=None, **{"Content-Length": LIMIT, "Expect": "100-continue"}))
        assert Answer(connection).status == 401


def test_half_of_everything(server):
    """Connections that stop in the middle, or leave: others do not notice, and nothing of them stays."""
    body = compact(DISCOVER)
    whole = server.head(**{"Content-Length": len(body), "MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover"}) + body
    held = []
    for end in range(0, len(whole), max(1, len(whole) // 50)):
        connection = server.connect()
        connection.sendall(whole[:end])
        held.append(connection)
    begun = time.monotonic()
    assert server.request("server/discover").status == 200
    assert time.monotonic() - begun < PATIENCE / 2
    for connection in held:
        connection.close()
    assert server.request("server/discover").status == 200


@pytest.mark.long
def test_many_streams(server):
    """Many that only listen, and the others' answers meanwhile."""
    streams = [server.request("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, number=n) for n in range(300)]
    for stream in streams:
        assert stream.next_message()["method"] == "notifications/subscriptions/acknowledged"
    assert server.request("server/discover").status == 200
    for stream in streams:
        stream.close()


def test_a_session_cannot_be_guessed_or_kept(server):
    session = Session(server)
    listening = session.listen()
    assert listening.next_event()[1] is None
    assert session.delete().status == 204
    assert listening.next_event() is None  # its stream ends with it
    assert session.request("ping").status == 404


def test_many_long_messages_at_once(server):
    """What is being read is bounded, all connections together; who is refused may come again."""
    held, said = [], set()
    for _ in range(20):
        connection = server.connect()
        connection.sendall(server.head(**{"Content-Length": LIMIT}))
        try:
            connection.sendall(b" " * (LIMIT - 1))
        except CUT:
            pass
        held.append(connection)
    for connection in held:
        try:
            connection.sendall(b" ")
            said.add(Answer(connection).status)
        except (*CUT, http.client.HTTPException):
            pass
        connection.close()
    assert said == {400, 503}, said  # spaces are no message
    assert server.request("server/discover").status == 200
