# SPDX-License-Identifier: Apache-2.0
"""What the specification says of servers that ask, and of those who listen: MRTR, requests of older revisions, subscriptions, logging
(docs/conformance.md). Against the fixture: the server itself asks nothing."""

import json

import pytest
from client import LEGACY, MODERN
from http_client import Session
from link import EVERYTHING, REVISIONS, SUBSCRIPTION, TRANSPORTS

LOG_LEVEL = "io.modelcontextprotocol/logLevel"
LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]
OVER = pytest.mark.parametrize("transport", TRANSPORTS)
NAME = {"action": "accept", "content": {"name": "Ann"}}


@pytest.fixture(params=TRANSPORTS)
def link(connect, request):
    """Modern, and can do everything."""
    return connect("fixture", request.param, MODERN, EVERYTHING)


def text(result):
    return result["content"][0]["text"]


def required(result, *keys):
    """What was asked; interim results carry no caching hints."""
    assert result["resultType"] == "input_required" and sorted(result["inputRequests"]) == sorted(keys)
    assert not {"ttlMs", "cacheScope", "content", "contents", "messages"} & set(result)
    return result["inputRequests"]


# ---- multi round-trip requests ----

def test_resources_read(link):
    asked = link.result("resources/read", {"uri": "test://asks"})
    question = required(asked, "word")["word"]
    assert question["method"] == "elicitation/create" and question["params"]["message"]
    given = {"inputResponses": {"word": {"action": "accept", "content": {"word": "sesame"}}}, "requestState": asked["requestState"]}
    found = link.result("resources/read", {"uri": "test://asks", **given})
    assert found["contents"] == [{"uri": "test://asks", "mimeType": "text/plain", "text": "sesame"}]
    assert (found["resultType"], found["cacheScope"], found["ttlMs"]) == ("complete", "private", 0)
    assert link.error("resources/read", {"uri": "test://static-text", **given})["code"] == -32602


def test_prompts_get(link):
    asked = link.result("prompts/get", {"name": "test_input_required_result_prompt"})
    required(asked, "user_context")
    given = {"inputResponses": {"user_context": {"action": "accept", "content": {"context": "cats"}}}}
    assert "cats" in str(link.result("prompts/get", {"name": "test_input_required_result_prompt", **given})["messages"])


@pytest.mark.parametrize("mode", ["form", "url"])
def test_what_becomes_of_a_question(link, mode):
    """Accepted, declined, cancelled; anything else is asked again."""
    params = {"name": "test_actions", "arguments": {"mode": mode}}
    asked = link.result("tools/call", params)
    question = required(asked, "question")["question"]["params"]
    assert question.get("mode", "form") == mode and question["message"]
    assert ("url" in question, "requestedSchema" in question) == (mode == "url", mode == "form")

    def answer(given):
        return link.result("tools/call", {**params, "inputResponses": {"question": given}, "requestState": asked["requestState"]})

    assert text(answer(NAME if mode == "form" else {"action": "accept"})) == "accept"
    assert [text(answer({"action": action})) for action in ("decline", "cancel")] == ["decline", "cancel"]
    for wrong in ({"action": "perhaps"}, {}, [], "accept", {"action": "accept", "content": 5}, None, {"roots": []}):
        required(answer(wrong), "question")
    assert mode == "url" or required(answer({"action": "accept"}), "question")


def test_only_what_the_client_can_do_is_asked(link):
    for can, mode, missing in (({}, "form", {"form": {}}), ({}, "url", {"url": {}}), ({"elicitation": {}}, "url", {"url": {}}),
                               ({"elicitation": {"form": {}}}, "url", {"url": {}}), ({"elicitation": {"url": {}}}, "form", {"form": {}})):
        asked = link.start("tools/call", {"name": "test_actions", "arguments": {"mode": mode}}, capabilities=can)
        error = asked.end()["error"]
        assert error["code"] == -32021 and error["data"]["requiredCapabilities"] == {"elicitation": missing}
        assert getattr(asked, "status", 400) == 400
    for can, mode in (({"elicitation": {}}, "form"), ({"elicitation": {"form": {}}}, "form"), ({"elicitation": {"url": {}}}, "url")):
        required(link.call("test_actions", {"mode": mode}, capabilities=can), "question")


def test_what_is_missing_is_asked_again(link):
    """And what was not asked for is passed over."""
    asked = link.call("test_input_required_result_multiple_inputs")
    required(asked, "user_name", "greeting", "client_roots")
    params = {"name": "test_input_required_result_multiple_inputs", "requestState": asked["requestState"]}
    again = link.result("tools/call", {**params, "inputResponses": {"user_name": NAME, "strange": {"a": 1}}})
    required(again, "greeting", "client_roots")
    sampled = {"role": "assistant", "model": "m", "content": {"type": "text", "text": "hi"}}
    done = link.result("tools/call", {**params, "inputResponses": {"user_name": NAME, "greeting": sampled, "client_roots": {"roots": []}}})
    assert text(done) == "Hello, Ann"


def test_a_state_is_bound(connect, link):
    """To the request, to the key of its principal, and as it was (its expiry: unit/mcp_state)."""
    name = "test_input_required_result_request_state"
    state = link.call(name, {"a": [1, {"b": None}]})["requestState"]
    given = {"inputResponses": {"user_name": NAME}, "requestState": state}
    assert text(link.result("tools/call", {"name": name, "arguments": {"a": [1, {"b": None}]}, **given})) == "Hello, Ann"
    for method, params in (("tools/call", {"name": name, "arguments": {"a": [1, {"b": 1}]}}), ("tools/call", {"name": name}),
                           ("tools/call", {"name": "test_actions", "arguments": {"a": [1, {"b": None}]}}), ("resources/read", {"uri": "test://asks"}),
                           ("prompts/get", {"name": "test_input_required_result_prompt"})):
        asked = link.start(method, {**params, **given})
        assert asked.end()["error"]["code"] == -32602 and getattr(asked, "status", 400) == 400
    right = {"name": name, "arguments": {"a": [1, {"b": None}]}, "inputResponses": {"user_name": NAME}}
    for wrong in ("", "x", 5, None, [], state + "A", state[:-4], state[4:], "A" + state[1:], state[:20] + ("A" if state[20] != "A" else "B") + state[21:]):
        assert link.error("tools/call", {**right, "requestState": wrong})["code"] == -32602, wrong
    other = connect("fixture", "stdio", MODERN, EVERYTHING)  # another process: another key, as another principal has
    assert other.error("tools/call", {**right, "requestState": state})["code"] == -32602


def test_no_other_request_asks(link):
    for method in ("server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list"):
        assert link.result(method, {"inputResponses": {"user_name": NAME}})["resultType"] == "complete"


# ---- older revisions: requests of the server ----

@OVER
@pytest.mark.parametrize("version", LEGACY)
def test_requests_to_the_client(connect, transport, version):
    """Elicitation (2025-06-18 and later), sampling and roots: each is a valid request of its revision, answered, declined or failed."""
    asking = [("test_sampling", {"prompt": "Hi"}, "sampling/createMessage", {"role": "assistant", "model": "m", "content": {"type": "text", "text": "x"}}),
              ("test_input_required_result_list_roots", {}, "roots/list", {"roots": [{"uri": "file:///a"}]})]
    if version >= "2025-06-18":
        asking += [("test_elicitation", {"message": "Well?"}, "elicitation/create", {"action": "accept", "content": {"response": "yes"}}),
                   ("test_elicitation", {}, "elicitation/create", {"action": "decline"}), ("test_elicitation", {}, "elicitation/create", {"action": "cancel"})]
    if version >= "2025-11-25":
        asking += [("test_actions", {"mode": "url"}, "elicitation/create", {"action": "accept"})]
    link, seen = connect("fixture", transport, version, EVERYTHING), set()
    for tool, arguments, method, answer in asking:
        for outcome in ({"result": answer}, {"error": {"code": -1, "message": "not now"}}):
            call = link.start("tools/call", {"name": tool, "arguments": arguments})
            question = call.next()
            assert question["method"] == method and question["id"] not in seen
            seen.add(question["id"])
            link.reply(question, **outcome)
            result = call.end()["result"]
            assert "resultType" not in result and bool(result.get("isError")) == ("error" in outcome)
            assert "error" not in outcome or "not now" in text(result)
    link.quiet()


@OVER
@pytest.mark.parametrize("version", LEGACY)
def test_who_cannot_answer_is_not_asked(connect, transport, version):
    link = connect("fixture", transport, version)
    for tool in ("test_sampling", "test_elicitation", "test_input_required_result_list_roots"):
        call = link.start("tools/call", {"name": tool})
        assert call.end()["result"]["isError"] is True and call.notes == []


def test_who_takes_no_events_cannot_be_asked(connect):
    """It is told so at once: the question has no way to it."""
    session = Session(connect("fixture", "http", "2025-11-25", EVERYTHING).server, capabilities=EVERYTHING)
    answer = session.request("tools/call", {"name": "test_sampling", "arguments": {}}, Accept="application/json")
    assert answer.status == 200 and "could not be sent" in answer.last()["error"]["message"]


# ---- subscriptions ----

@pytest.mark.parametrize("number", ["s", "7", 7, 0, "", 9007199254740993])
def test_what_is_acknowledged(link, number):
    """"The subset the server agreed to honor", under an id of the same value and type, to the end."""
    listening, kept = link.listen(number, toolsListChanged=True, promptsListChanged=False, resourcesListChanged=True,
                                  resourceSubscriptions=["test://watched-resource", "test://none"])
    assert kept == {"toolsListChanged": True, "resourcesListChanged": True, "resourceSubscriptions": ["test://watched-resource"]}
    link.call("test_trigger_prompt_change")
    link.call("test_trigger_resource_change")
    link.call("test_trigger_tool_change")
    heard = [listening.next() for _ in range(3)]
    assert [one["method"] for one in heard] == ["notifications/resources/list_changed", "notifications/resources/updated", "notifications/tools/list_changed"]
    assert heard[1]["params"]["uri"] == "test://watched-resource"
    assert {json.dumps(one["params"]["_meta"][SUBSCRIPTION]) for one in heard} == {json.dumps(number)}
    listening.cancel()
    link.call("test_trigger_tool_change")
    link.quiet()


@OVER
def test_what_is_not_supported_is_not_acknowledged(connect, transport):
    """The server has no prompts, and a list of resources whose changes it does not tell."""
    link = connect("server", transport)
    listening, kept = link.listen(toolsListChanged=True, promptsListChanged=True, resourcesListChanged=True, strange=True, resourceSubscriptions=["test://none"])
    assert kept == {"toolsListChanged": True}
    listening.cancel()
    listening, kept = link.listen()
    assert kept == {}
    listening.cancel()


def test_several_at_once(link):
    """Each hears what it asked for, once; one that is cancelled does not disturb the others."""
    first, second, third = (link.listen(**wanted)[0] for wanted in ({"toolsListChanged": True}, {"toolsListChanged": True, "promptsListChanged": True},
                                                                     {"promptsListChanged": True}))
    link.call("test_trigger_tool_change")
    first.cancel()
    link.call("test_trigger_prompt_change")
    assert [one.next()["method"] for one in (second, second, third)] == ["notifications/tools/list_changed"] + ["notifications/prompts/list_changed"] * 2
    link.call("test_trigger_tool_change")
    assert second.next()["method"] == "notifications/tools/list_changed"
    third.cancel()
    second.cancel()


def test_nothing_else_on_the_stream(link):
    """No progress and no log of other requests: the next thing that is heard is what was asked for."""
    listening, _ = link.listen(toolsListChanged=True)
    logged = link.start("tools/call", {"name": "test_logging_tool"}, progress="p", more={LOG_LEVEL: "debug"})
    assert logged.end()["result"] and {note["method"] for note in logged.notes} == {"notifications/message"}
    told = link.start("tools/call", {"name": "test_tool_with_progress"}, progress="q")
    assert told.end()["result"] and {note["method"] for note in told.notes} == {"notifications/progress"}
    link.call("test_trigger_tool_change")
    assert listening.next()["method"] == "notifications/tools/list_changed" and len(listening.notes) == 2
    listening.cancel()


@OVER
@pytest.mark.parametrize("version", LEGACY)
def test_changes_in_older_revisions(connect, transport, version):
    """Lists unasked, resources as subscribed to."""
    link = connect("fixture", transport, version)
    for tool, method in (("test_trigger_tool_change", "tools"), ("test_trigger_prompt_change", "prompts"), ("test_trigger_resource_change", "resources")):
        assert link.call(tool)["content"]
        assert link.hear() == {"jsonrpc": "2.0", "method": f"notifications/{method}/list_changed"}
    for subscribed in (True, False):
        assert link.result("resources/subscribe" if subscribed else "resources/unsubscribe", {"uri": "test://watched-resource"}) == {}
        link.call("test_trigger_resource_change")
        assert link.hear()["method"] == "notifications/resources/list_changed"
        if subscribed:
            assert link.hear() == {"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": "test://watched-resource"}}
    link.call("test_trigger_tool_change")  # and nothing before it
    assert link.hear()["method"] == "notifications/tools/list_changed"
    assert link.error("resources/subscribe", {"uri": "test://none"})["code"] == -32002


# ---- logging ----

@OVER
@pytest.mark.parametrize("version", REVISIONS)
def test_levels(connect, transport, version):
    """Told from the level on that was asked for, by the request (modern) or the session, whose beginning is "info"; the fixture logs
    one message of debug, two of info, one of warning."""
    link = connect("fixture", transport, version)

    def told(**more):
        call = link.start("tools/call", {"name": "test_tool_with_logging"}, **more)
        assert call.end()["result"]
        assert {note["method"] for note in call.notes} <= {"notifications/message"}
        return [note["params"]["level"] for note in call.notes]

    assert told() == ([] if link.modern else ["info", "info", "warning"])
    for level in LEVELS:
        expected = [one for one in ("debug", "info", "info", "warning") if LEVELS.index(one) >= LEVELS.index(level)]
        if link.modern:
            assert told(more={LOG_LEVEL: level}) == expected
        else:
            assert link.result("logging/setLevel", {"level": level}) == {} and told() == expected
    for wrong in ("loud", "", 5, None, "DEBUG"):
        error = (link.error("tools/call", {"name": "test_tool_with_logging"}, more={LOG_LEVEL: wrong}) if link.modern
                 else link.error("logging/setLevel", {"level": wrong}))
        assert error["code"] == -32602
    assert told() == []
