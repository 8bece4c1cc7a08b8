# SPDX-License-Identifier: Apache-2.0
"""Files of the workspaces as resources, in both eras."""

import base64
import os
import signal
import time
import urllib.parse

import client
import pytest
from client import LEGACY, MODERN

ERAS = pytest.mark.parametrize("version", ["2024-11-05", "2025-11-25", MODERN])
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def uri_of(path):
    return "file://" + urllib.parse.quote(os.fsencode(path))


def read(server, uri):
    return server.request("resources/read", {"uri": uri})


@ERAS
def test_text(start, workspace, version):
    server = start(version=version)
    path = workspace / "a name with spaces, ü and %41.txt"
    path.write_text("one\r\ntwo\n\n\tlast")
    result = read(server, uri_of(path))["result"]
    assert result["contents"] == [{"uri": uri_of(path), "mimeType": "text/plain", "text": "one\r\ntwo\n\n\tlast"}]
    assert result["_meta"]["sallyport.dev/result"]["bytes"] == 15
    again = read(server, uri_of(path).replace("file://", "file://localhost"))["result"]["contents"][0]
    assert again["text"] == "one\r\ntwo\n\n\tlast" and again["uri"].startswith("file://localhost/")


def test_all_of_a_long_file(any_server, workspace):
    """read_file shows 2,000 lines unless asked for more; a resource is read whole, within the result limit."""
    text = "".join(f"{i}\n" for i in range(5000))
    (workspace / "long").write_text(text)
    assert read(any_server, uri_of(workspace / "long"))["result"]["contents"][0]["text"] == text


def test_an_image(any_server, workspace):
    path = workspace / "picture"
    path.write_bytes(PNG)
    content = read(any_server, uri_of(path))["result"]["contents"][0]
    assert content == {"uri": uri_of(path), "mimeType": "image/png", "blob": base64.b64encode(PNG).decode()}


def test_what_is_not_there(any_server, workspace):
    server = any_server
    code = -32602 if server.era == "modern" else -32002
    (workspace / "x").write_text("x")
    here = str(workspace)
    for uri in (uri_of(workspace / "nothing"), "file://", "file://other.example" + here + "/x", "file:" + here + "/x", f"file://{here}/x?y",
                f"file://{here}/x#y", f"file://{here}/x%00", f"file://{here}/%", f"file://{here}/%4", f"file://{here}/%zz", f"file://{here}/%7\x18", "file://x",
                "file:///" + "a" * 5000):
        error = read(server, uri)["error"]
        assert error["code"] == code and error["data"] == {"uri": uri}, error


def test_the_policy_of_read_file(start, workspace, tmp_path, policy):
    (tmp_path / "outside").write_text("secret")
    (workspace / "hidden").write_text("secret")
    (workspace / "link").symlink_to(tmp_path / "outside")
    os.mkfifo(workspace / "fifo")
    server = start("--policy", policy({"filesystem": {"denyRead": [str(workspace / "hidden")]}}))
    for path, word in ((tmp_path / "outside", "Denied"), (workspace / "link", "Denied"), (workspace / "hidden", "Denied"), ("/etc/passwd", "Denied"),
                       (workspace / "../outside", "Denied"), (workspace, "directory"), (workspace / "fifo", "FIFO")):
        error = read(server, uri_of(path))["error"]
        assert word in error["message"] and "secret" not in str(error), (path, error)


@pytest.mark.parametrize("version", [LEGACY[-1], MODERN])
def test_the_template(start, version):
    server = start(version=version)
    templates = {one["name"]: one for one in server.request("resources/templates/list")["result"]["resourceTemplates"]}
    assert templates["file"]["uriTemplate"] == "file://{+path}"
    assert "mimeType" not in templates["file"] and templates["command-output"]["mimeType"] == "text/plain"


def complete(server, value, ref=None, argument="path"):
    """The completion, or the protocol error."""
    answer = server.request("completion/complete", {"ref": ref or {"type": "ref/resource", "uri": "file://{+path}"},
                                                    "argument": {"name": argument, "value": value}})
    return answer["result"]["completion"] if "result" in answer else answer["error"]


def values(*found):
    return {"values": list(found), "total": len(found), "hasMore": False}


@ERAS
def test_completion(start, workspace, version):
    server = start(version=version)
    here = str(workspace)
    (workspace / "sub").mkdir()
    for name in ("sum", "sub/100% a?b#c ü", ".hidden"):
        (workspace / name).write_text("content of " + name)
    (workspace / os.fsdecode(b"sub/\xff\n")).write_text("odd")
    assert complete(server, "") == values(here + "/")
    assert complete(server, here) == values(here + "/")
    assert complete(server, here + "/s") == values(here + "/sub/", here + "/sum")
    assert complete(server, here + "/.") == values(here + "/.hidden")
    odd = complete(server, here + "/sub/")["values"]
    assert odd == [here + "/sub/100%25 a%3Fb%23c ü", here + "/sub/%FF%0A"]
    assert [read(server, "file://" + one)["result"]["contents"][0]["text"] for one in odd] == ["content of sub/100% a?b#c ü", "odd"]
    encoded = here + "/s%75b/"  # what was typed stays as it was typed
    assert complete(server, encoded + "100%25%20a") == values(encoded + "100%25 a%3Fb%23c ü")
    for nothing in ("/etc/pass", here + "/../", here + "/none/", "sub", here + "/%", here + "/?", "/" * 4097, here + "/x" * 5000):
        assert complete(server, nothing) == values(), nothing


@ERAS
def test_completion_of_many(start, workspace, version):
    server = start(version=version)
    for i in range(300):
        (workspace / f"{i:03}").touch()
    found = complete(server, f"{workspace}/")
    assert found == {"values": [f"{workspace}/{i:03}" for i in range(100)], "total": 300, "hasMore": True}


def test_completion_names_nothing_hidden(start, workspace, policy):
    (workspace / "secrets").mkdir()
    (workspace / "secrets" / "key").write_text("secret")
    (workspace / "seen").write_text("")
    server = start("--policy", policy({"filesystem": {"denyRead": [str(workspace / "secrets")]}}))
    assert complete(server, f"{workspace}/se") == values(f"{workspace}/seen")
    assert complete(server, f"{workspace}/secrets/") == values()


@ERAS
def test_completion_of_nothing_there_is(start, version):
    server = start(version=version)
    for ref, argument, words in (({"type": "ref/resource", "uri": "file://{path}"}, "path", "no resource template"),
                                 ({"type": "ref/resource", "uri": "file://{+path}"}, "name", "no resource template"),
                                 ({"type": "ref/prompt", "name": "any"}, "path", "no prompt"),
                                 ({"type": "ref/tool", "name": "any"}, "path", "ref.type"),
                                 ({"type": "ref/resource"}, "path", "uri")):
        error = complete(server, "", ref, argument)
        assert error["code"] == -32602 and words in error["message"], error


@ERAS
def test_completion_of_commands(start, version):
    server = start(version=version)
    ref = {"type": "ref/resource", "uri": "sallyport://command/{id}/output"}
    assert complete(server, "", ref, "id") == values()
    one = server.call("run_command", command="sleep 100", wait_ms=0)["structuredContent"]["id"]
    assert complete(server, one[:3], ref, "id") == values(one)
    assert complete(server, "x" + one, ref, "id") == values()


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", MODERN])
def test_the_capability(start, version):
    if version == MODERN:
        capabilities = start(version=version).request("server/discover")["result"]["capabilities"]
    else:
        capabilities = start(version=None).handshake(version)["capabilities"]
    assert capabilities.get("completions") == (None if version == "2024-11-05" else {})


# ---- subscriptions ----

def subscribe(server, *uris):
    """Asks to hear of them."""
    if server.era == "legacy":
        for answer in [server.response(number) for number in [server.start("resources/subscribe", {"uri": uri}) for uri in uris]]:
            assert answer["result"] == {}
        return
    server.start("subscriptions/listen", {"notifications": {"resourceSubscriptions": list(uris)}})
    note = server.receive(lambda m: m.get("method") == "notifications/subscriptions/acknowledged")
    assert note["params"]["notifications"] == {"resourceSubscriptions": list(uris)}


def hear(server):
    """What the next update is about."""
    return server.receive(lambda m: m.get("method") == "notifications/resources/updated")["params"]["uri"]


def fence(server, workspace):
    """Which URIs were told of before a change that is made now."""
    uri = uri_of(workspace / "fence")
    if not hasattr(server, "fenced"):
        server.fenced = subscribe(server, uri) or True
    heard = []
    for _ in range(2):  # what is told at the same time comes in any order
        (workspace / "fence").write_text(str(os.urandom(8)))
        while (one := hear(server)) != uri:
            heard.append(one)
    return heard


@ERAS
def test_changes_are_told(start, workspace, version):
    server = start(version=version)
    path = workspace / "a name with spaces, ü and %41.txt"
    uri, other = uri_of(path), uri_of(workspace / "new" / "file")
    path.write_text("one")
    subscribe(server, uri, other)
    assert fence(server, workspace) == []
    path.write_text("two")
    assert fence(server, workspace) == [uri]
    assert read(server, uri)["result"]["contents"][0]["text"] == "two"
    server.call("write_file", path=str(path), content="three")  # a temporary file and a rename
    assert fence(server, workspace) == [uri]
    server.call("write_file", path=str(workspace / "new" / "file"), content="made")  # with its directory
    assert fence(server, workspace) == [other]
    (workspace / "new").rename(workspace / "away")
    assert fence(server, workspace) == [other]
    assert "error" in read(server, other)
    (workspace / "away").rename(workspace / "new")
    assert fence(server, workspace) == [other]
    path.unlink()
    assert fence(server, workspace) == [uri]
    path.write_text("again")
    assert fence(server, workspace) == [uri]
    assert fence(server, workspace) == []


def test_no_longer(start, workspace):
    """Nothing is told of what was unsubscribed from; of the rest it is."""
    one, two = uri_of(workspace / "one"), uri_of(workspace / "two")
    server = start()
    subscribe(server, one, two)
    assert server.request("resources/unsubscribe", {"uri": one})["result"] == {}
    (workspace / "one").write_text("1")
    (workspace / "two").write_text("2")
    assert fence(server, workspace) == [two]
    modern = start(version=MODERN)
    subscribe(modern, one)
    number = modern.next_id - 1
    subscribe(modern, two)
    modern.notify("notifications/cancelled", {"requestId": number})
    (workspace / "one").write_text("3")
    (workspace / "two").write_text("4")
    assert fence(modern, workspace) == [two]


def test_both_eras_hear(start, workspace):
    """The legacy session and a modern subscription on one connection, and two of the latter."""
    server = start()
    uri = uri_of(workspace / "x")
    subscribe(server, uri)
    meta = {"_meta": {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}}
    server.version = MODERN  # by whose schema messages are checked from here
    for number in ("m1", "m2"):
        server.start("subscriptions/listen", {"notifications": {"resourceSubscriptions": [uri]}, **meta}, number=number)
        server.receive(lambda m: m.get("method") == "notifications/subscriptions/acknowledged")
    (workspace / "x").write_text("x")
    heard = [server.receive(lambda m: m.get("method") == "notifications/resources/updated")["params"] for _ in range(3)]
    assert [one.get("_meta", {}).get("io.modelcontextprotocol/subscriptionId") for one in heard] == [None, "m1", "m2"]


@ERAS
def test_what_is_refused_is_not_watched(start, workspace, tmp_path, policy, version):
    (tmp_path / "outside").write_text("secret")
    (workspace / "hidden").mkdir()
    (workspace / "link").symlink_to(tmp_path / "outside")
    server = start("--policy", policy({"filesystem": {"denyRead": [str(workspace / "hidden")]}}), version=version)
    refused = [uri_of(path) for path in (tmp_path / "outside", workspace / "link", workspace / "hidden" / "x", "/etc/passwd")]
    if server.era == "legacy":
        for uri in refused:
            error = server.request("resources/subscribe", {"uri": uri})["error"]
            assert error["code"] == -32603 and "Denied" in error["message"], error
        error = server.request("resources/subscribe", {"uri": "file://other/x"})["error"]
        assert error["code"] == -32002 and error["data"] == {"uri": "file://other/x"}
        subscribe(server, uri_of(workspace / "x"))
    else:
        server.start("subscriptions/listen", {"notifications": {"resourceSubscriptions": [*refused, uri_of(workspace / "x"), "file://other/x"]}})
        note = server.receive(lambda m: "method" in m)["params"]["notifications"]
        assert note == {"resourceSubscriptions": [uri_of(workspace / "x")]}
    (tmp_path / "outside").write_text("changed")
    (workspace / "hidden" / "x").write_text("changed")
    assert fence(server, workspace) == []
    (workspace / "x").write_text("x")
    assert fence(server, workspace) == [uri_of(workspace / "x")]


def files_executor(server):
    return [pid for pid in server.tree() if client.name_of(pid) == "sallyport-files"]


@ERAS
def test_an_executor_that_is_killed(start, workspace, version):
    """Another takes its place by itself; everybody is told once, since something may have been missed."""
    server = start(version=version)
    uris = [uri_of(workspace / str(i)) for i in range(5)]
    subscribe(server, *uris)
    assert fence(server, workspace) == []
    (pid,) = files_executor(server)
    os.kill(pid, signal.SIGKILL)
    heard = sorted(hear(server) for _ in range(6))
    assert heard == sorted([*uris, uri_of(workspace / "fence")])
    (workspace / "3").write_text("x")
    assert fence(server, workspace) == [uris[3]]


def test_one_in_use_does_not_go(start, workspace, policy):
    """A subscription keeps the executor; without it idle time ends it."""
    server = start("--policy", policy({"sandbox": {"idleSeconds": 1}}))
    uri = uri_of(workspace / "x")
    subscribe(server, uri)
    (pid,) = files_executor(server)
    watch = client.Watch([pid])
    with pytest.raises(AssertionError):
        watch.wait_ended(2.5)
    (workspace / "x").write_text("x")
    assert hear(server) == uri
    server.request("resources/unsubscribe", {"uri": uri})
    watch.wait_ended(client.PATIENCE)
    watch.close()


@ERAS
def test_a_thousand(start, workspace, version):
    server = start(version=version)
    uris = [uri_of(workspace / f"d{i % 50}" / str(i)) for i in range(1000)]
    for i in range(50):
        (workspace / f"d{i}").mkdir()
    subscribe(server, *uris)
    (workspace / "d7" / "507").write_text("x")
    assert fence(server, workspace) == [uris[507]]
    for i in range(1000):
        (workspace / f"d{i % 50}" / str(i)).write_text("y")
    assert sorted(hear(server) for _ in range(1000)) == sorted(uris)


def test_too_many(start, workspace):
    server = start()
    for i in range(2048):
        server.start("resources/subscribe", {"uri": uri_of(workspace / str(i))})
    error = server.request("resources/subscribe", {"uri": uri_of(workspace / "more")})["error"]
    assert error["code"] == -32603 and "2048 resources are subscribed to already" in error["message"]


@ERAS
def test_a_neighbour_who_writes_at_full_speed(start, workspace, version):
    """Updates come at a bounded rate, and others are served meanwhile."""
    server = start("--answer-within", "60", version=version)
    uri = uri_of(workspace / "busy")
    subscribe(server, uri)
    busy = server.start_command("while :; do echo x > busy; mv busy other; mv other busy; done")
    began = time.monotonic()
    for _ in range(8):
        assert hear(server) == uri
        (workspace / "quiet").write_text("q")
        assert read(server, uri_of(workspace / "quiet"))["result"]["contents"][0]["text"] == "q"
    assert time.monotonic() - began >= 7 * 0.25
    server.notify("notifications/cancelled", {"requestId": busy})
