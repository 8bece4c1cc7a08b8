# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: tokens that vanished, changed, came and stayed; what is wrong; a terminal that goes. TLS: test_http_tls.py."""

import os
import pty
import signal
import subprocess
import time

import pytest
from client import PATIENCE, Watch, compact, name_of
from conftest import PROGRAM, clean_environment
from http_client import Answer, Session
from test_http_metrics import Metrics


@pytest.fixture
def server(serve_http):
    return serve_http()


def change(server, said="reloaded: tokens", **tokens):
    """Takes names away (None) and gives others these tokens."""
    server.tokens = {name: token for name, token in {**server.tokens, **tokens}.items() if token}
    server.write_tokens()
    server.reload(said)


def test_who_lost_his_token_goes_with_all_that_was_his(server, workspace):
    """Calls, streams and sessions of bob end, and on connections that stay open he is a stranger; alice sees nothing of it."""
    os.mkfifo(workspace / "quiet")
    held, silent, body = {}, {}, compact({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "run_command", "arguments": {"command": "echo x > quiet; sleep 1", "wait_ms": 30000}}})
    for name in ("alice", "bob"):
        mine = Session(server, token=name)
        call = server.request("tools/call", {"name": "run_command", "arguments": {"command": "echo up; sleep 300"}}, progress=1, token=name)
        assert call.next_message()["method"] == "notifications/progress"
        modern = server.request("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, token=name)
        assert modern.next_message()["method"] == "notifications/subscriptions/acknowledged"
        legacy = mine.listen()
        assert legacy.next_event()[1] is None
        held[name] = (mine, call, modern, legacy, server.connect())
        silent[name] = server.connect()  # nothing is sent before its answer
        silent[name].sendall(server.head(token=name, **{"Content-Length": len(body), "MCP-Protocol-Version": "2025-11-25", "Mcp-Session-Id": mine.id}) + body)
        assert (workspace / "quiet").read_text() == "x\n"
    heads = {name: server.head(token=name, method="GET", **{"Content-Length": None, "Content-Type": None}) for name in held}
    bobs_token = server.tokens["bob"]
    assert Metrics(server).total("sallyport_sessions") == 2
    change(server, bob=None)
    assert Metrics(server).total("sallyport_sessions") == 1
    server.tokens["bob"] = bobs_token
    mine, *streams, kept = held["bob"]
    for stream in streams:
        while (event := stream.next_event()) is not None:
            assert not event[1] or "result" not in event[1], event  # cut, not finished
    assert Answer(silent["bob"]).status == 401
    assert mine.request("ping").status == 401 and server.request("server/discover", token="bob").status == 401
    kept.sendall(heads["bob"])
    assert Answer(kept).status == 401
    mine, call, modern, legacy, kept = held["alice"]
    assert Answer(silent["alice"]).last()["result"]["structuredContent"]["exit_code"] == 0
    assert mine.request("ping").status == 200
    kept.sendall(heads["alice"])
    assert Answer(kept).status == 405
    uri = f"file://{workspace}/a.txt"
    assert mine.request("resources/subscribe", {"uri": uri}).message()["result"] == {}
    (workspace / "a.txt").write_text("x")
    assert legacy.next_event()[1]["params"] == {"uri": uri}
    server.process.send_signal(signal.SIGTERM)
    assert modern.next_message()["method"] == "notifications/cancelled"


def sleeping(server, seconds, count):
    """So many commands, once they are there."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = [pid for pid in server.tree() if command_line_of(pid) == f"sleep {seconds} "]
        if len(found) == count:
            return found
    raise AssertionError(f"there are no {count} of sleep {seconds}")


def command_line_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="ascii") as file:
            return file.read().replace("\0", " ")
    except OSError:
        return None


def test_nothing_of_his_stays_alive(server):
    """In the background, and with a handle that he would have come back with."""
    server.call("run_command", {"command": "sleep 300", "wait_ms": 0}, token="alice")
    server.call("run_command", {"command": "sleep 301 & sleep 301", "wait_ms": 0}, token="bob")
    watch = Watch(sleeping(server, 301, 2))
    change(server, bob=None)
    watch.wait_ended(PATIENCE)
    watch.close()
    assert len(sleeping(server, 300, 1)) == 1
    assert server.call("list_commands", token="alice")["structuredContent"]["commands"][0]["state"] == "running"


def test_another_token_is_another_caller(server):
    """Under the same name too: what the old one had is gone, but a session of that name may be gone on with."""
    session = Session(server, token="bob")
    server.call("run_command", {"command": "sleep 300", "wait_ms": 0}, token="bob")
    old = server.tokens["bob"]
    change(server, bob="bob-another-0123456789abcdef", carol="carol-0123456789abcdef")
    assert server.request("server/discover", token=None, Authorization=f"Bearer {old}").status == 401
    assert server.call("list_commands", token="bob")["structuredContent"]["commands"] == []
    assert server.call("run_command", {"command": "echo x"}, token="carol")["structuredContent"]["stdout"] == "x\n"
    assert session.request("ping").status == 200
    session.token = "carol"
    assert session.request("ping").status == 404


def test_another_name_is_another_caller(server):
    """With the same token too: what is signed and counted for a name is that name's."""
    session = Session(server, token="bob")
    server.call("run_command", {"command": "sleep 300", "wait_ms": 0}, token="bob")
    change(server, bob=None, carol=server.tokens["bob"])
    assert server.call("list_commands", token="carol")["structuredContent"]["commands"] == []
    session.token = "carol"
    assert session.request("ping").status == 404


def test_what_is_wrong_changes_nothing(server):
    tokens, file = dict(server.tokens), server.place / "tokens"
    for text, mode, words in (("alice short\n", 0o600, f"{file}:1"), ("", 0o600, "no token"), ("alice alice-0123456789abcdef-new\n", 0o644, "chmod 600"),
                              ("x\0y", 0o600, "NAME TOKEN")):
        file.write_text(text)
        file.chmod(mode)
        server.reload("nothing was reloaded: ")
        server.wait_said(words)
        server.wait_said("\n")
        assert all(server.request("server/discover", token=name).status == 200 for name in tokens)
    file.unlink()
    server.reload("No such file")
    os.mkfifo(file)  # nobody waits for a writer
    server.reload("chmod 600")
    assert server.request("server/discover").status == 200


def test_a_link_that_is_swapped(server):
    """As containers mount secrets: the path leads elsewhere."""
    file = server.place / "tokens"
    for name in ("one", "two"):
        (server.place / name).write_text(f"{name} {name}-0123456789abcdef\n")
        (server.place / name).chmod(0o600)
        (server.place / "link").symlink_to(server.place / name)
        (server.place / "link").rename(file)
        server.reload("reloaded: tokens")
        assert server.request("server/discover", token=None, Authorization=f"Bearer {name}-0123456789abcdef").status == 200
    assert server.request("server/discover", token=None, Authorization="Bearer one-0123456789abcdef").status == 401


def test_session_keys(serve_http, tmp_path):
    """A key that became the one before still serves; one that is gone does not."""
    def write(*keys):
        (tmp_path / "session").write_text("".join(f"{key * 64}\n" for key in keys))
        (tmp_path / "session").chmod(0o600)
    write("1")
    server = serve_http("--session-key-file", str(tmp_path / "session"))
    session = Session(server)
    write("2", "1")
    server.reload("reloaded: tokens session-key")
    newer = Session(server)
    assert session.request("ping").status == 200
    write("3", "2")
    server.reload("reloaded: tokens session-key")
    assert session.request("ping").status == 404 and newer.request("ping").status == 200


def test_without_files(serve_http):
    server = serve_http(tokens=())
    server.reload("nothing was reloaded: no files were named")
    assert server.request("server/discover", token=None).status == 401


def test_many_signals(server):
    """However many come, to all that there is before the first call: the last change is in force."""
    for number in range(50):
        server.tokens = {"alice": server.tokens["alice"], f"n{number}": f"n-0123456789abcdef-{number}"}
        server.write_tokens()
        for pid in server.tree():
            os.kill(pid, signal.SIGHUP)
    server.reload()
    while server.request("server/discover", token="n49").status != 200:
        server.reload()
    assert server.request("server/discover", token=None, Authorization="Bearer n-0123456789abcdef-3").status == 401
    result = server.call("run_command", {"command": "echo x"})
    assert not result.get("isError"), result


def test_the_opener_is_killed(server):
    deadline = time.monotonic() + PATIENCE
    while not (opener := [pid for pid in server.tree() if name_of(pid) == "sallyport-open"]):  # it takes that name itself
        assert time.monotonic() < deadline, [name_of(pid) for pid in server.tree()]
    assert len(opener) == 1
    os.kill(opener[0], signal.SIGKILL)
    server.wait_said("cannot be reloaded any more")
    server.reload("nobody is left to open them")
    assert server.request("server/discover").status == 200


def test_a_terminal_that_goes(workspace):
    """Its SIGHUP is no wish for other tokens, but the end."""
    above, below = pty.openpty()
    server = subprocess.Popen([PROGRAM, "http", "--workspace", str(workspace), "--listen", "127.0.0.1:0"], stdin=below, stdout=below, stderr=below,
                              env=clean_environment(), preexec_fn=lambda: (os.setsid(), __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0)))
    os.close(below)
    said = b""
    while b"listening on" not in said:
        said += os.read(above, 4096)
    os.close(above)
    assert server.wait(PATIENCE) == 0
