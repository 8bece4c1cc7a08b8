# SPDX-License-Identifier: Apache-2.0
"""Three replicas with one token file and one key for sessions, behind nginx: what any of them can go on with, and what only one can."""

import concurrent.futures
import json
import re

import pytest
from client import MODERN, PATIENCE, Watch, text_of
from http_client import HttpServer, Session
from proxies import Nginx, for_replicas

NAMES = ("one", "two", "three")


class Replicas:
    def __init__(self, place):
        key = place / "key"
        key.write_text("5" * 64 + "\n")
        key.chmod(0o600)
        self.all = [HttpServer(place, "--session-key-file", str(key), "--instance", name, "--answer-within", "20") for name in NAMES]
        self.fronts = []

    def front(self, change=lambda text: text):
        self.fronts.append(Nginx(*self.all, change=change))
        return self.fronts[-1]

    def kill(self):
        for front in self.fronts:
            front.kill()
        for server in self.all:
            watch = Watch(server.tree() if server.process.poll() is None else [])
            server.kill()
            watch.wait_ended(PATIENCE)
            watch.close()


@pytest.fixture
def replicas(tmp_path, workspace):
    replicas = Replicas(tmp_path)
    yield replicas
    replicas.kill()


@pytest.fixture
def front(replicas):
    """Each request at the next of the three."""
    return replicas.front()


def begin(server, command="sleep 1000", **more):
    return server.call("run_command", {"command": command, "wait_ms": 0}, **more)["structuredContent"]["id"]


def test_modern_requests_go_anywhere(front, workspace):
    (workspace / "a.txt").write_text("alpha\n")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: text_of(front.call("read_file", {"path": "a.txt"})), range(60)))
    assert found == ["alpha\n"] * 60
    assert {begin(front).split(".")[0] for _ in range(3)} == set(NAMES)


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-11-25"])
def test_one_session_at_all_of_them(front, workspace, version):
    session = Session(front, version)
    for n in range(9):
        assert not session.call("write_file", {"path": f"{n}.txt", "content": f"{n}"}).get("isError")
        assert session.request("ping").message()["result"] == {}
    assert sorted(path.name for path in workspace.iterdir()) == [f"{n}.txt" for n in range(9)]
    stream = session.listen()
    assert stream.status == 200 and stream.is_stream
    stream.close()


def test_a_lost_stream_is_where_it_was(replicas):
    """The replica that had it gives back the rest. Another does not take it for one of its own, and what it then streams is its own."""
    session = Session(replicas.all[0])
    assert session.call("run_command", {"command": "mkfifo go-a go-b"})["structuredContent"]["exit_code"] == 0
    numbers = []
    for server, identity in zip(replicas.all[:2], "ab"):
        session.server = server
        answer = session.request("tools/call", {"name": "run_command", "arguments": {"command": f"echo {identity}; cat go-{identity}"}}, progress=1, number=identity)
        numbers.append(answer.next_event()[0])
        answer.next_event()
        answer.close()
    assert numbers[0] != numbers[1]
    elsewhere = session.listen(last_event=numbers[0])
    assert elsewhere.next_event() == ("0-0", None)
    elsewhere.close()
    for server, number, identity in zip(replicas.all[:2], numbers, "ab"):
        session.server = server
        rest = session.listen(last_event=number)
        assert session.call("run_command", {"command": f"echo over > go-{identity}"})["structuredContent"]["exit_code"] == 0
        answer = rest.last()
        assert answer["id"] == identity and identity in answer["result"]["structuredContent"]["stdout"]


def test_a_deleted_session_is_deleted_where_that_was_said(replicas):
    """The others have only its id, which is good: they go on with it until it is too old. Nothing is gained by that: whoever has it has
    the token too."""
    one, two, _ = replicas.all
    session = Session(one)
    session.server = two
    assert session.request("ping").status == 200
    session.server = one
    assert session.delete().status == 204
    assert [session.request("ping").status, session.listen().status, session.delete().status] == [404, 404, 404]
    session.server = two
    assert session.request("ping").status == 200
    assert session.delete().status == 204
    assert session.request("ping").status == 404


def test_who_subscribes_is_told_where_he_subscribed(replicas, workspace):
    (workspace / "a.txt").write_text("1")
    uri = f"file://{workspace}/a.txt"
    session = Session(replicas.all[0])
    stream = session.listen()
    assert stream.next_event()[1] is None
    assert session.request("resources/subscribe", {"uri": uri}).message()["result"] == {}
    session.server = replicas.all[1]
    assert session.call("write_file", {"path": "a.txt", "content": "2"})["structuredContent"]
    assert stream.next_event()[1]["params"] == {"uri": uri}  # whichever replica changed it


def test_a_command_is_with_one_of_them(replicas):
    """Another says with which; for who is no caller of that name's it is as if there were no command."""
    one, two, _ = replicas.all
    handle = begin(one)
    assert re.fullmatch("one[.][0-9a-f]{32}", handle)
    for tool in ("read_output", "write_input", "stop_command"):
        told = two.call(tool, {"id": handle, **({"text": "x"} if tool == "write_input" else {})})
        assert told["isError"] and '"one"' in text_of(told) and '"two"' in text_of(told) and "docs/proxies.md" in text_of(told), told
    assert "no command of yours" in text_of(one.call("read_output", {"id": handle}, token="bob"))
    for unknown in ("one." + "0" * 32, "x", "", ".", "." * 200, "x" * 200 + ".", "\u20ac" * 100 + "."):
        assert "no command of yours" in text_of(one.call("read_output", {"id": unknown})) or unknown[0] in ".\u20ac"
    uri = f"sallyport://command/{handle}/output"
    assert uri in [found["uri"] for found in one.request("resources/list").message()["result"]["resources"]]
    assert one.request("resources/read", {"uri": uri}).message()["result"]["contents"][0]["uri"] == uri
    assert two.request("resources/read", {"uri": uri}).code() == -32602
    assert one.call("stop_command", {"id": handle})["structuredContent"]["status"] == "signaled"


def test_callers_that_stay_where_they_are(replicas):
    """With the line for several replicas everything of a caller is at one, so commands and /tmp are as if there were one server."""
    front = replicas.front(for_replicas)
    for name in ("alice", "bob"):
        handle = begin(front, f"echo {name} > /tmp/mine; echo up; sleep 1000", token=name)
        session = Session(front, token=name)
        for _ in range(6):
            assert not front.call("read_output", {"id": handle, "wait_ms": 0}, token=name).get("isError")
            assert not session.call("read_output", {"id": handle, "wait_ms": 0}).get("isError")
        assert session.call("stop_command", {"id": handle})["structuredContent"]["status"] == "signaled"


def test_one_after_the_other_ends(replicas):
    """Who asks one that is about to end may be told so (503); once it has ended the others have its callers, and sessions go on."""
    front = replicas.front(for_replicas)
    session = Session(front)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for server in replicas.all[:-1]:
            asked = [pool.submit(lambda: front.request("server/discover").status) for _ in range(40)]
            assert server.finish() == 0
            statuses = {one.result(PATIENCE) for one in asked}
            assert statuses <= {200, 502, 503}, statuses
            assert session.request("ping").status == 200
