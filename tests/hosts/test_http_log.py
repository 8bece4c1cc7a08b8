# SPDX-License-Identifier: Apache-2.0
"""A line for each request: what it says, what it never says, and that nobody can write a line of his own into it."""

import datetime
import fcntl
import json
import os
import re
import time

import pytest
from client import MODERN, PATIENCE, Watch, meta
from http_client import HttpServer, Session

SECRET = "never-in-the-log"
DISCOVER = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta()}}


@pytest.fixture(params=["text", "json"])
def server(request, tmp_path, workspace):
    server = HttpServer(tmp_path, "--log-requests", "--log-format", request.param)
    server.format = request.param
    yield server
    watch = Watch(server.tree() if server.process.poll() is None else [])
    server.kill()
    watch.wait_ended(PATIENCE)
    watch.close()


def line_of(server, name):
    """The request's line, as a dictionary of texts."""
    server.wait_said(f'"id":"{name}"' if server.format == "json" else f" id={name} ")
    lines = [line for line in server.log.decode().splitlines() if re.search(rf'id(=|":"){re.escape(name)}[ "]', line)]
    assert len(lines) == 1, lines
    if server.format == "json":
        found = {key: str(value) for key, value in json.loads(lines[0]).items()}
    else:
        prefix, *words = lines[0].split(" ")
        assert prefix == "sallyport:"
        found = dict(word.split("=") for word in words)
    assert datetime.datetime.fromisoformat(found["time"]).tzinfo and float(found["ms"]) >= 0
    return found


def facts(line):
    return {key: value for key, value in line.items() if key not in ("time", "ms")}


def test_a_call(server, workspace):
    (workspace / SECRET).write_text(SECRET)
    body = {"name": "read_file", "arguments": {"path": SECRET}}
    answer = server.request("tools/call", body, **{"X-Request-Id": "one-1.A_~:"})
    assert answer.header("X-Request-Id") == "one-1.A_~:"
    length = len(answer.body())
    line = line_of(server, "one-1.A_~:")
    assert int(line.pop("in")) > 50
    assert facts(line) == {"id": "one-1.A_~:", "caller": "alice", "http": "POST", "path": "/mcp", "method": "tools/call", "tool": "read_file",
                           "status": "200", "out": str(length)}


def test_legacy(server):
    """The method and the tool stand in the body only."""
    session = Session(server, token="bob")
    session.call("list_commands", **{"X-Request-Id": "two"})
    line = line_of(server, "two")
    assert (line["caller"], line["method"], line["tool"]) == ("bob", "tools/call", "list_commands")


def test_names_of_ours(server):
    """Made where the client's is missing or no name, and never the same."""
    answers = [server.request("server/discover", **changes) for changes in (
        {}, {}, {"X-Request-Id": ""}, {"X-Request-Id": "a b"}, {"X-Request-Id": "a" * 65}, {"X-Request-Id": 'a"'}, {"X-Request-Id": "\u00e4"})]
    names = [answer.header("X-Request-Id") for answer in answers]
    assert len(set(names)) == len(names) and all(re.fullmatch("[0-9a-f]{16}", name) for name in names), names
    for name in names:
        assert line_of(server, name)["method"] == "server/discover"
    head = server.head(method="GET", path="/healthz", **{"X-Request-Id": "first"})[:-2] + b"X-Request-Id: second\r\n\r\n"
    answer = server.talk(head)
    assert (answer.status, answer.header("X-Request-Id")) == (200, "first")


def test_what_is_refused(server):
    for name, changes, status in (("r1", {"token": None}, "401"), ("r2", {"path": f"/{SECRET}"}, "404"), ("r3", {"Host": "evil"}, "403"),
                                  ("r4", {"method": "BREW"}, "405"), ("r5", {"path": f"/mcp?{SECRET}"}, "200")):
        server.ask(DISCOVER, **{"MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover", "X-Request-Id": name}, **changes)
        line = line_of(server, name)
        assert line["status"] == status and line["path"] == ("other" if name == "r2" else "/mcp")
        assert ("caller" in line) == (name in ("r4", "r5"))


def test_who_leaves(server):
    answer = server.request("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, **{"X-Request-Id": "stream"})
    assert answer.next_message()["method"] == "notifications/subscriptions/acknowledged"
    answer.close()
    line = line_of(server, "stream")
    assert line["status"] == "200" and line["method"] == "subscriptions/listen" and int(line["out"]) > 100
    connection = server.connect()
    connection.sendall(server.head(**{"Content-Length": 10, "X-Request-Id": "left"}) + b"12345")
    connection.close()
    line = line_of(server, "left")
    assert line["status"] == "none" and (line["in"], line["out"]) in (("5", "0"), ("0", "0"))


def test_nobody_writes_lines_of_his_own(server):
    evil = f'x\n{{"time":"\u001b[2J\r\n sallyport: status=200 id=evil \u0085\u009b31m\u202e"\\'
    server.ask({"jsonrpc": "2.0", "id": 1, "method": evil}, **{"X-Request-Id": "e1"})
    session = Session(server)
    session.request("tools/call", {"name": evil, "arguments": {}}, **{"X-Request-Id": "e2"})
    session.request("tools/call", {"name": "a" * 1000, "arguments": {}}, **{"X-Request-Id": "e3"})
    line_of(server, "e3")
    one, two, three = [line_of(server, name) for name in ("e1", "e2", "e3")]
    for text in (one["method"], two["tool"]):
        assert text.startswith("x?{") and re.fullmatch(r"[!-~]*", text) and not set(text) & set('"\\='), text
    assert three["tool"] == "a" * 128
    for line in server.log.splitlines():
        assert re.fullmatch(rb"[ -~]*", line), line


def test_what_is_never_said(server, workspace):
    (workspace / "a.txt").write_text(SECRET)
    session = Session(server)
    session.call("read_file", {"path": "a.txt"})
    session.call("run_command", {"command": f"echo {SECRET}"})
    session.request("resources/read", {"uri": f"file:///{SECRET}"}).last()
    server.request("server/discover", Authorization=f"Bearer {SECRET}", **{"Mcp-Session-Id": SECRET, "X-Request-Id": "end"})
    line_of(server, "end")
    for word in (SECRET, session.id, *server.tokens.values()):
        assert word.encode() not in server.log


def test_a_log_that_nobody_reads(server):
    """Lines are lost then, and nothing else is."""
    fcntl.fcntl(server.process.stderr.fileno(), fcntl.F_SETPIPE_SZ, 4096)
    for _ in range(200):
        assert server.request("server/discover").status == 200
    deadline = time.monotonic() + PATIENCE
    while b"again" not in os.read(server.process.stderr.fileno(), 65536):  # it has room again
        assert time.monotonic() < deadline
        server.request("server/discover", **{"X-Request-Id": "again"})


def test_every_line_is_json(tmp_path, workspace):
    server = HttpServer(tmp_path, "--log-format", "json", "--log-requests")
    assert server.request("server/discover").status == 200
    assert server.finish() == 0
    lines = [json.loads(line) for line in server.log.decode().splitlines()]
    assert [line["message"] for line in lines if "message" in line] == [f"listening on {server.url}"]
    assert [line["status"] for line in lines if "status" in line] == [200]


def test_quiet_unless_asked(tmp_path, workspace):
    server = HttpServer(tmp_path)
    assert server.request("server/discover").header("X-Request-Id")
    assert server.finish() == 0
    assert server.log.count(b"\n") == 1
