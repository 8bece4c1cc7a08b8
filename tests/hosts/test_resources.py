# SPDX-License-Identifier: Apache-2.0
"""Output of background commands as resources: learnt without polling, in both eras."""

import os

import pytest
from client import LEGACY, MODERN, PATIENCE

SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
FACTS = "sallyport.dev/result"
UPDATED = "notifications/resources/updated"
ERAS = pytest.mark.parametrize("version", ["2024-11-05", "2025-11-25", MODERN])


@pytest.fixture
def gate(workspace):
    """A FIFO that a command reads a line from, so that the test says when it goes on."""
    path = workspace / "gate"
    os.mkfifo(path)
    return path


def uri_of(handle):
    return f"sallyport://command/{handle}/output"


def begin(server, line):
    """Starts it in the background; the URI of its output."""
    said = server.call("run_command", command=line, wait_ms=0)["structuredContent"]
    assert said["status"] == "running", said
    return uri_of(said["id"])


def subscribe(server, *uris):
    """Asks to hear of them; what updates carry beside the uri."""
    if server.era == "legacy":
        for uri in uris:
            assert server.request("resources/subscribe", {"uri": uri})["result"] == {}
        return {}
    number = server.start("subscriptions/listen", {"notifications": {"resourceSubscriptions": list(uris)}})
    note = server.receive(lambda m: m.get("method") == "notifications/subscriptions/acknowledged")
    assert note["params"] == {"_meta": {SUBSCRIPTION: number}, "notifications": {"resourceSubscriptions": list(uris)}}
    return {"_meta": {SUBSCRIPTION: number}}


def hear(server):
    """The next update."""
    return server.receive(lambda m: m.get("method") == UPDATED)["params"]


def read(server, uri):
    """The text and the facts of a resource."""
    result = server.request("resources/read", {"uri": uri})["result"]
    (content,) = result["contents"]
    assert content["uri"] == uri and content["mimeType"] == "text/plain"
    if server.era == "modern":
        assert result["ttlMs"] == 0 and result["cacheScope"] == "private"
    return content["text"], result["_meta"][FACTS]


def hear_end(server, uri, more):
    """Until it has ended, learnt by updates alone; text, facts, and how many updates that took.

    The end can be told between an update and the read that it caused: then both came before the answer.
    """
    text, facts, heard = "", {"status": "running"}, 0
    while facts["status"] == "running" or server.waiting:
        assert hear(server) == {"uri": uri, **more}
        heard += 1
        text, facts = read(server, uri)
    return text, facts, heard


@ERAS
def test_the_end_is_learnt_without_polling(start, gate, version):
    server = start(version=version)
    uri = begin(server, "read line < gate; echo $line; exit 3")
    more = subscribe(server, uri)
    server.nothing_more()
    gate.write_text("on\n")
    text, facts, heard = hear_end(server, uri, more)
    assert heard <= 2  # one for the output, unless the end comes first; and one for the end
    assert facts == {"status": "exited", "exit_code": 3, "next": 3, "unread_bytes": 0}
    assert text.startswith("on\n[exit 3 · ") and text.endswith("s]")
    server.nothing_more()
    # what it said is still new to read_output
    assert server.call("read_output", id=uri.split("/")[3])["structuredContent"]["stdout"] == "on\n"


@ERAS
def test_a_command_without_output_is_told_of_exactly_once(start, gate, version):
    server = start(version=version)
    uri = begin(server, "read line < gate")
    more = subscribe(server, uri)
    gate.write_text("\n")
    assert hear(server) == {"uri": uri, **more}
    assert read(server, uri)[1] == {"status": "exited", "exit_code": 0, "next": 0, "unread_bytes": 0}
    server.nothing_more()


@ERAS
def test_output_is_told_while_it_runs(start, gate, version):
    server = start(version=version)
    uri = begin(server, "while read line; do echo $line; done < gate")
    more = subscribe(server, uri)
    with open(gate, "w", encoding="ascii") as lines:
        for number in range(1, 4):
            print(f"line {number}", file=lines, flush=True)
            assert hear(server)["uri"] == uri
            text, facts = read(server, uri)
            assert text.splitlines()[:-1] == [f"line {n}" for n in range(1, number + 1)]
            assert text.splitlines()[-1].startswith("[running · ") and facts["status"] == "running"
            server.nothing_more()
    text, facts, heard = hear_end(server, uri, more)
    assert heard == 1 and facts["exit_code"] == 0 and text.startswith("line 1\nline 2\nline 3\n[exit 0")


@ERAS
def test_output_is_folded(start, gate, version):
    """A hundred pieces, each read as it comes: four updates a second, and one for the end."""
    server = start(version=version)
    uri = begin(server, "read line < gate; for i in $(seq 100); do echo $i; sleep 0.01; done")
    more = subscribe(server, uri)
    gate.write_text("\n")
    text, facts, heard = hear_end(server, uri, more)
    seconds = float(text.splitlines()[-1].split(" · ")[1].split()[0])
    assert 2 <= heard <= 2 + 4 * seconds
    assert text.splitlines()[:-1] == [str(n) for n in range(1, 101)] and facts["unread_bytes"] == 0
    server.nothing_more()


def test_more_than_one_read_gives(any_server, gate):
    """What is missing is told, and where read_output has it."""
    server = any_server
    uri = begin(server, "read line < gate; seq 1 300000")
    more = subscribe(server, uri)
    gate.write_text("\n")
    text, facts, _ = hear_end(server, uri, more)
    lines = text.splitlines()
    assert lines[:3] == ["1", "2", "3"] and facts["exit_code"] == 0
    assert facts["next"] <= 32000 and facts["next"] + facts["unread_bytes"] == sum(len(str(n)) + 1 for n in range(1, 300001))
    assert f"read_output with since {facts['next']}" in lines[-1]
    rest = server.call("read_output", id=uri.split("/")[3], since=facts["next"])["structuredContent"]
    assert int(rest["stdout"].split("\n")[0]) == int(lines[-2]) + 1


def test_who_comes_too_late_learns_it_at_once(any_server, gate):
    server = any_server
    uri = begin(server, "read line < gate; echo done")
    gate.write_text("\n")
    server.call("read_output", id=uri.split("/")[3], wait_ms=4000)
    while read(server, uri)[1]["status"] == "running":
        server.call("read_output", id=uri.split("/")[3], wait_ms=4000)
    more = subscribe(server, uri)
    assert hear(server) == {"uri": uri, **more}
    server.nothing_more()


def test_several_subscribers(start, gate):
    """Each listen request hears in its own name, the legacy session in none, of what it asked for."""
    server = start(version="2025-11-25")
    uri = begin(server, "read line < gate")
    other = begin(server, "sleep 300")
    subscribe(server, uri, other)
    server.era, server.version = "modern", MODERN
    first, second = subscribe(server, uri), subscribe(server, uri, other)
    third = subscribe(server, other)
    server.notify("notifications/cancelled", {"requestId": first["_meta"][SUBSCRIPTION]})
    gate.write_text("\n")
    assert [hear(server), hear(server)] == [{"uri": uri}, {"uri": uri, **second}]
    server.nothing_more()
    server.call("stop_command", id=other.split("/")[3])
    assert [hear(server) for _ in range(3)] == [{"uri": other}, {"uri": other, **second}, {"uri": other, **third}]
    server.nothing_more()


def test_unsubscribed(server, gate):
    """Neither of what one never asked for, nor of what one does not want any more."""
    uri = begin(server, "read line < gate; echo $line")
    never = begin(server, "echo here; read line < gate")
    subscribe(server, uri)
    assert server.request("resources/unsubscribe", {"uri": uri})["result"] == {}
    gate.write_text("a\nb\n")
    for one in (uri, never):
        while read(server, one)[1]["status"] == "running":
            server.call("stop_command", id=one.split("/")[3])
    server.nothing_more()
    assert server.request("resources/unsubscribe", {"uri": uri})["result"] == {}


def test_a_cancelled_subscription(start, gate):
    server = start(version=MODERN)
    uri = begin(server, "read line < gate")
    more = subscribe(server, uri)
    server.notify("notifications/cancelled", {"requestId": more["_meta"][SUBSCRIPTION]})
    server.call("stop_command", id=uri.split("/")[3])
    server.nothing_more()


def test_what_is_not_there(any_server):
    server = any_server
    code = -32602 if server.era == "modern" else -32002
    for uri in (uri_of("0" * 32), uri_of(""), "sallyport://command", "files:///etc/passwd", "nonsense", ""):
        error = server.request("resources/read", {"uri": uri})["error"]
        assert error["code"] == code and error["data"] == {"uri": uri}
        if server.era == "legacy":
            assert server.request("resources/subscribe", {"uri": uri})["error"]["code"] == code
    if server.era == "modern":
        server.start("subscriptions/listen", {"notifications": {"resourceSubscriptions": [uri_of("0" * 32)]}})
        assert server.receive(lambda m: "method" in m)["params"]["notifications"] == {}
    for uri in (None, 5, []):
        assert server.request("resources/read", {"uri": uri})["error"]["code"] == -32602


def test_lists(any_server):
    server = any_server
    assert server.request("resources/list")["result"]["resources"] == []
    uri = begin(server, "sleep 300")
    result = server.request("resources/list")["result"]
    assert result["resources"] == [{"uri": uri, "name": "sleep 300", "description": "running", "mimeType": "text/plain"}]
    templates = server.request("resources/templates/list")["result"]["resourceTemplates"]
    (template,) = (one for one in templates if one["name"] == "command-output")
    assert template["uriTemplate"].replace("{id}", uri.split("/")[3]) == uri
    assert server.request("resources/list", {"cursor": "x"})["error"]["code"] == -32602
    while "waits for its turn" in read(server, uri)[0]:
        pass  # what is stopped before it has begun was not signaled
    server.call("stop_command", id=uri.split("/")[3])
    assert server.request("resources/list")["result"]["resources"][0]["description"] == "signaled"


@pytest.mark.parametrize("version", [LEGACY[-1], MODERN])
def test_the_capability_is_told(start, version):
    server = start(version=None)
    found = server.handshake(version) or server.request("server/discover")["result"]
    assert found["capabilities"]["resources"] == {"subscribe": True}


def test_subscriptions_are_bounded(start):
    """One that was let go of makes room; the host's own commands are bounded before."""
    server = start(version=MODERN)
    uri = begin(server, "sleep 300")
    for _ in range(64):
        subscribe(server, uri)
    server.start("subscriptions/listen", {"notifications": {"resourceSubscriptions": [uri]}})
    assert server.receive(lambda m: "error" in m)["error"]["code"] == -32603
    server.call("stop_command", id=uri.split("/")[3])
    assert len([hear(server) for _ in range(64)]) == 64
    server.nothing_more()


def test_subscriptions_end_with_the_server(start):
    server = start(version="2025-11-25")
    uri = begin(server, "sleep 300")
    subscribe(server, uri)
    assert server.finish(PATIENCE) == 0
