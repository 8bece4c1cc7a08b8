# SPDX-License-Identifier: Apache-2.0
"""What the specification says of stdio, Streamable HTTP, authorization, cancellation and progress (docs/conformance.md)."""

import base64
import signal

import pytest
from client import LEGACY, MODERN, PATIENCE, Watch, compact, meta, name_of
from http_client import Answer
from link import EVERYTHING, REVISIONS, SUBSCRIPTION, TRANSPORTS

OVER = pytest.mark.parametrize("transport", TRANSPORTS)
ERAS = pytest.mark.parametrize("version", ["2024-11-05", "2025-11-25", MODERN])
EACH = pytest.mark.parametrize("version", REVISIONS)
DISCOVER = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta()}}
RIGHT = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "server/discover"}


def commands(server):
    return [pid for pid in server.tree() if not name_of(pid).startswith("sallyport")]


def encoded(text):
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


# ---- stdio ----

def test_all_share_one_channel(connect):
    """Subscriptions, calls and their progress interleaved: each message says by id, token or subscription what it belongs to."""
    link = connect("fixture", "stdio", MODERN, EVERYTHING)
    wanted = {1: {"toolsListChanged": True}, "1": {"toolsListChanged": True, "promptsListChanged": True}, "none": {}}
    listening = {number: link.start("subscriptions/listen", {"notifications": one}, number=number) for number, one in wanted.items()}
    slow = link.start("tools/call", {"name": "slow_compute", "arguments": {"seconds": 0.2, "label": "x"}}, number="slow", capabilities={})
    told = [link.start("tools/call", {"name": "test_tool_with_progress"}, progress=token) for token in ("t", 1, "1")]
    link.call("test_trigger_tool_change")
    link.call("test_trigger_prompt_change")
    for one in reversed(told):
        assert one.end()["result"]["content"] and [note["params"]["progress"] for note in one.notes] == [0, 50, 100]
        assert {type(note["params"]["progressToken"]) for note in one.notes} == {type(one.progress)}
    heard = {number: [one.next() for _ in range(1 + len(wanted[number]))] for number, one in listening.items()}
    assert [note["method"] for note in heard["1"]] == ["notifications/subscriptions/acknowledged", "notifications/tools/list_changed",
                                                       "notifications/prompts/list_changed"]
    for number, notes in heard.items():
        assert notes[0]["params"]["notifications"] == wanted[number]
        assert [(note["params"]["_meta"][SUBSCRIPTION], type(note["params"]["_meta"][SUBSCRIPTION])) for note in notes] == [(number, type(number))] * len(notes)
    assert slow.end()["result"]["content"][0]["text"] == "computed x"
    link.quiet()


@EACH
def test_stdin_ends(connect, version):
    """What was asked before is answered, then it exits; nothing but messages came on stdout (client.py)."""
    link = connect("server", "stdio", version)
    asked = [link.start("tools/list") for _ in range(5)]
    assert link.server.finish() == 0
    assert all(one.end()["result"]["tools"] for one in asked) and link.server.waiting == []


# ---- cancellation ----

@OVER
@ERAS
def test_cancelled(connect, transport, version):
    """It ends, and no more is said of it; of what is answered, unknown or malformed, nothing comes."""
    link = connect("server", transport, version)
    number = "to be cancelled"
    asked = link.start("tools/call", {"name": "run_command", "arguments": {"command": "while :; do echo on; sleep 0.1; done"}},
                       number=number, progress="p")
    assert asked.next()["method"] == "notifications/progress"
    while not (running := commands(link.server)):  # it may be told of before it runs
        assert asked.next()["method"] == "notifications/progress"
    watch = Watch(running)
    asked.cancel()
    if transport == "http" and not link.modern:
        while (message := asked.next()) is not None:  # its stream ends without an answer
            assert message.get("method") == "notifications/progress"
    for wrong in ({"requestId": number}, {"requestId": "never"}, {}, {"requestId": []}, {"requestId": None}, {"reason": 5, "requestId": {}}):
        link.notify("notifications/cancelled", wrong)
    assert watch.descriptors
    watch.wait_ended(PATIENCE)
    watch.close()
    if transport == "stdio":
        link.server.waiting.clear()  # progress that was under way
    link.quiet()
    assert link.ask("tools/list", number=number)["result"]["tools"]


@pytest.mark.parametrize("version", LEGACY)
def test_cancelled_before_anything_was_said(connect, version):
    """Over HTTP nobody is left waiting for an answer that will not come; a batch of 2025-03-26 neither."""
    link = connect("server", "http", version)
    message = link.message("tools/call", {"name": "run_command", "arguments": {"command": "sleep 300"}}, 5)
    for body in [message] + [[message]] * (version == "2025-03-26"):
        body = compact(body)
        with link.server.connect() as connection:
            connection.sendall(link.server.head(**{"Content-Length": len(body), "MCP-Protocol-Version": version, "Mcp-Session-Id": link.session.id}) + body)
            while not (running := commands(link.server)):
                pass
            watch = Watch(running)
            link.notify("notifications/cancelled", {"requestId": 5})
            answer = Answer(connection)
            assert (answer.status, answer.body()) == (202, b"")
            watch.wait_ended(PATIENCE)
            watch.close()
    if version == "2025-03-26":
        answer = link.server.ask([{"jsonrpc": "2.0", "method": "notifications/x"}] * 2, **{"Mcp-Session-Id": link.session.id})
        assert (answer.status, answer.body()) == (202, b"")
    assert link.result("tools/list", number=5)["tools"]


@OVER
def test_a_question_is_withdrawn_with_its_call(connect, transport):
    """Legacy: the server's own request is cancelled, too; its late answer is noise."""
    link = connect("fixture", transport, LEGACY[-1], EVERYTHING)
    asked = link.start("tools/call", {"name": "test_elicitation"})
    question = asked.next()
    link.notify("notifications/cancelled", {"requestId": asked.number})
    withdrawn = asked.next()
    assert (withdrawn["method"], withdrawn["params"]["requestId"]) == ("notifications/cancelled", question["id"])
    link.reply(question, result={"action": "accept", "content": {"response": "late"}})
    link.quiet()
    assert link.call("test_simple_text")["content"]


# ---- progress ----

@OVER
@ERAS
def test_progress_grows_and_ends_with_the_answer(connect, transport, version):
    for program, params, count in (("server", {"name": "run_command", "arguments": {"command": "for i in 1 2 3; do echo $i; sleep 0.25; done"}}, 1),
                                   ("fixture", {"name": "test_tool_with_progress"}, 3)):
        link = connect(program, transport, version)
        for token in ("p", 7, 0, "", 9007199254740993)[:1 if program == "server" else 5]:
            asked = link.start("tools/call", params, progress=token)
            assert asked.end()["result"]["content"]
            assert len(asked.notes) >= count and {note["method"] for note in asked.notes} == {"notifications/progress"}
            assert all((note["params"]["progressToken"], type(note["params"]["progressToken"])) == (token, type(token)) for note in asked.notes)
            values = [note["params"]["progress"] for note in asked.notes]
            assert all(before < after for before, after in zip(values, values[1:])), values
            link.quiet()


@OVER
@ERAS
def test_no_progress_without_a_token(connect, transport, version):
    link = connect("fixture", transport, version)
    asked = link.start("tools/call", {"name": "test_tool_with_progress"})
    assert asked.end()["result"] and asked.notes == []
    for token in (1.5, True, {}, []):
        assert link.error("tools/call", {"name": "test_tool_with_progress"}, progress=token)["code"] == -32602
    link.quiet()


# ---- Streamable HTTP ----

@pytest.fixture
def http(connect):
    """The real server; connect.servers keeps it."""
    return connect.http("server")


def test_host_and_origin_apart(http):
    for method in ("POST", "GET", "DELETE"):
        for wrong in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Host": "evil.example", "Origin": "http://localhost"},
                      {"Host": "localhost", "Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": ""}):
            answer = http.ask(DISCOVER, method=method, **{**RIGHT, **wrong})
            assert answer.status == 403 and "id" not in answer.message(), (method, wrong)


def test_a_notification_that_cannot_be_accepted(http):
    """An error status, and an error without id."""
    for body, status in ((b'{"jsonrpc":"2.0","method":"notifications/x"', 400), (b'{"jsonrpc":"2.0","method":5}', 400),
                         (b'[{"jsonrpc":"2.0","method":"notifications/x"}]', 400), (b'{"jsonrpc":"2.0"}', 400)):
        answer = http.ask(body, **RIGHT)
        answer.version = MODERN
        assert answer.status == status and "id" not in answer.message()
    for wrong, status in (({"Content-Type": "text/plain"}, 415), ({"Accept": "text/html"}, 406), ({"token": None}, 401)):
        answer = http.post({"jsonrpc": "2.0", "method": "notifications/x"}, **wrong)
        assert answer.status == status and "id" not in answer.message()


def test_headers_that_are_missing(connect):
    link = connect("fixture", "http")
    for method, params in (("tools/call", {"name": "test_simple_text"}), ("prompts/get", {"name": "test_simple_prompt"}),
                           ("resources/read", {"uri": "test://static-text"})):
        for header in ("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"):
            for value in (None, "something else", ""):
                asked = link.start(method, params, **{header: value})
                assert (asked.status, asked.end()["error"]["code"]) == (400, -32020), (method, header)
        assert link.result(method, params)


def test_names_in_base64(connect):
    """Where they need it and where they do not; decoded before they are compared; in no other header."""
    link = connect("fixture", "http")
    for method, params, name in (("tools/call", {"name": "test_simple_text"}, "test_simple_text"),
                                 ("prompts/get", {"name": "test_simple_prompt"}, "test_simple_prompt"),
                                 ("resources/read", {"uri": "test://template/\u00fc \u4e16/data"}, "test://template/\u00fc \u4e16/data")):
        assert link.result(method, params, **{"Mcp-Name": encoded(name)})
        for wrong in (encoded(name + " "), encoded("other"), "=?base64?%%%?=", "=?BASE64?" + encoded(name)[9:], encoded(name)[:-3] + "?="):
            asked = link.start(method, params, **{"Mcp-Name": wrong})
            assert (asked.status, asked.end()["error"]["code"]) == (400, -32020), wrong
        asked = link.start(method, params, **{"Mcp-Method": encoded(method)})
        assert (asked.status, asked.end()["error"]["code"]) == (400, -32020)
    assert "\u00fc" in link.result("resources/read", {"uri": "test://template/\u00fc/data"})["contents"][0]["text"]


@pytest.mark.parametrize("arguments,headers,right", [
    ({"count": 42}, {"Count": "42"}, True), ({"count": 42}, {"Count": "42.0"}, True), ({"count": -7}, {"Count": encoded("-7")}, True),
    ({"count": 42}, {"Count": "43"}, False), ({"count": 42}, {"Count": "-nan"}, False), ({"count": 42}, {}, False), ({"count": 42}, {"Count": ""}, False),
    ({"flag": True}, {"Flag": "true"}, True), ({"flag": False}, {"Flag": "false"}, True), ({"flag": True}, {"Flag": "True"}, False),
    ({"flag": True}, {"Flag": "1"}, False), ({"flag": False}, {}, False),
    ({"outer": {"inner": "deep"}}, {"Inner": "deep"}, True), ({"outer": {"inner": " padded "}}, {"Inner": encoded(" padded ")}, True),
    ({"outer": {"inner": "\u4e16"}}, {"Inner": encoded("\u4e16")}, True), ({"outer": {"inner": "a\nb"}}, {"Inner": encoded("a\nb")}, True),
    ({"outer": {"inner": "=?base64?x?="}}, {"Inner": encoded("=?base64?x?=")}, True), ({"outer": {"inner": "deep"}}, {}, False),
    ({"outer": {"inner": "deep"}}, {"Inner": "deeper"}, False), ({"outer": {"inner": "\u00fc"}}, {"Inner": "\u00fc"}, False),
    ({"count": None, "flag": None, "outer": None}, {}, True), ({"outer": {"inner": None}}, {}, True), ({"outer": {}}, {}, True), (None, {}, True),
    ({"count": None}, {"Count": "0"}, False), ({}, {"Flag": "false"}, False), ({}, {"Unknown": "x"}, True),
])
def test_arguments_in_headers(connect, arguments, headers, right):
    link = connect("fixture", "http")
    params = {"name": "test_headers", **({} if arguments is None else {"arguments": arguments})}
    asked = link.start("tools/call", params, **{f"Mcp-Param-{name}": value.encode().decode("latin-1") for name, value in headers.items()})
    answer = asked.end()
    assert (asked.status, answer.get("error", {}).get("code")) == ((200, None) if right else (400, -32020)), answer


def test_nothing_of_the_sessions_of_older_revisions(connect):
    """GET and DELETE are refused, ids of sessions and events ignored, none given."""
    session = connect("server", "http", "2025-11-25").session
    http = session.server
    old = {"Mcp-Session-Id": session.id, "Last-Event-ID": "0-0"}
    for method in ("GET", "DELETE"):
        for headers in (RIGHT, {**RIGHT, **old}, {}):
            answer = http.ask(method=method, **{"Content-Length": None, "Content-Type": None, **headers})
            assert (answer.status, answer.header("Allow")) == (405, "POST"), (method, headers)
    for headers in ({}, old, {**old, "Mcp-Session-Id": "nonsense"}):
        answer = http.request("server/discover", **headers)
        assert answer.status == 200 and answer.header("Mcp-Session-Id") is None and answer.message()["result"]
        stream = http.request("tools/call", {"name": "run_command", "arguments": {"command": "echo a; sleep 0.3"}}, progress=1, **headers)
        assert stream.is_stream and stream.header("Mcp-Session-Id") is None and stream.last()["result"]
        assert {name for name, _ in stream.events} == {None}
    assert session.request("ping").message()["result"] == {}


def test_streams(connect):
    """Not buffered, not kept by caches, kept alive by comments, with one message an event and no end of their own."""
    link = connect("fixture", "http")
    listening, _ = link.listen(toolsListChanged=True)
    assert listening.http.header("X-Accel-Buffering") == "no" and listening.http.header("Cache-Control").startswith("no-cache")
    link.server.process.send_signal(signal.SIGUSR1)  # instead of waiting for 25 s
    assert listening.http.response.readline() == b":\n" and listening.http.response.readline() == b"\n"
    link.call("test_trigger_tool_change")
    assert listening.next()["method"] == "notifications/tools/list_changed"


@pytest.mark.parametrize("version", LEGACY)
def test_streams_of_sessions_are_kept_alive(connect, version):
    link = connect("fixture", "http", version)
    if version == "2025-11-25":
        assert link.ear.next_event() == ("0-0", None)
    link.server.process.send_signal(signal.SIGUSR1)
    assert link.ear.response.readline() == b":\n" and link.ear.response.readline() == b"\n"
    link.call("test_trigger_tool_change")
    assert link.hear()["method"] == "notifications/tools/list_changed"


def test_the_transport_of_2024_11_05_is_not_offered(http):
    """HTTP+SSE: no GET opens an SSE stream that names an endpoint; that revision is spoken over Streamable HTTP and stdio."""
    for path, status in (("/mcp", 405), ("/sse", 404), ("/", 404), ("/messages", 404)):
        answer = http.ask(method="GET", path=path, **{"Accept": "text/event-stream", "Content-Length": None, "Content-Type": None})
        assert answer.status == status and not answer.is_stream


@pytest.mark.parametrize("version", LEGACY)
def test_sessions_that_are_not(connect, version):
    session = connect("server", "http", version).session
    assert session.delete().status == 204
    for wrong in (session.id, "x" * len(session.id), "nonsense"):
        session.id = wrong
        for answer in (session.request("tools/list"), session.listen(), session.delete()):
            assert answer.status == 404 and "id" not in answer.message()
    assert session.request("tools/list", **{"Mcp-Session-Id": None}).status == 400
    assert session.request("tools/list", **{"Mcp-Session-Id": None, "MCP-Protocol-Version": "2024-01-01"}).status == 400


# ---- authorization: bearer tokens that are known beforehand; no OAuth ----

@EACH
def test_who_has_no_token(connect, version):
    """401 and how to ask, for each request: neither a session nor an earlier request on the connection is one."""
    link = connect("server", "http", version)
    session = {"Mcp-Session-Id": link.session.id} if link.session else {}
    body = compact(link.message("tools/list", {}, 1))
    right = {"MCP-Protocol-Version": version, "Mcp-Method": "tools/list", **session}
    assert link.server.ask(body, **right).status == 200
    for method in ("POST", "GET", "DELETE"):
        for wrong in (None, "Bearer", "Bearer ", "Bearer wrong", "Basic YWxpY2U6eA==", link.server.tokens["alice"], "Bearer " + link.server.tokens["alice"][:-1]):
            answer = link.server.ask(body, method=method, **{**right, "Authorization": wrong})
            assert answer.status == 401 and answer.header("WWW-Authenticate") == 'Bearer realm="sallyport"'
            assert "id" not in answer.message() and answer.header("Mcp-Session-Id") is None
    assert link.server.ask(body, path="/mcp?access_token=" + link.server.tokens["alice"], **{**right, "Authorization": None}).status == 401
    if link.session:  # another's session is none
        assert link.server.ask(body, token="bob", **right).status == 404


def test_no_metadata_of_an_authorization_server(http):
    for path in ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server"):
        for token in (None, "alice"):
            assert http.ask(method="GET", path=path, token=token, **{"Content-Length": None, "Content-Type": None}).status == 404
