# SPDX-License-Identifier: Apache-2.0
"""What the specification says of server features: discover, caching, tools, resources, prompts, pagination, completion (docs/conformance.md)."""

import base64

import jsonschema
import pytest
from client import LEGACY, MODERN, text_of
from link import EVERYTHING, REVISIONS, TRANSPORTS
from schemas import check_structured

OVER = pytest.mark.parametrize("transport", TRANSPORTS)
EACH = pytest.mark.parametrize("version", REVISIONS)
READERS = {"explain_access", "fetch_url", "find_files", "get_file_info", "list_commands", "list_directory", "read_file", "read_files", "read_output", "search_files"}
LISTS = {"tools/list": "tools", "resources/list": "resources", "resources/templates/list": "resourceTemplates", "prompts/list": "prompts"}


# ---- discover, caching ----

@OVER
@EACH
def test_instructions_and_capabilities(connect, transport, version):
    """Discover says what initialize says; both say what there is, and no more."""
    for program in ("server", "fixture"):
        link = connect(program, transport, version)
        said = link.result("server/discover") if link.modern else link.started
        assert len(said["instructions"]) < 2000 and said["instructions"] == connect(program, "stdio", LEGACY[-1]).started["instructions"]
        capabilities = said["capabilities"]
        assert capabilities["tools"] == {"listChanged": True} and capabilities["resources"]["subscribe"] is True
        assert ("prompts" in capabilities) == (program == "fixture") == ("result" in link.ask("prompts/list"))
        assert ("completions" in capabilities) == (version > "2024-11-05")
        assert "tasks" not in capabilities
        assert ("extensions" in capabilities) == (program == "fixture" and link.modern)
        assert ("resourcesListChanged" in said) is False and ("listChanged" in capabilities["resources"]) == (program == "fixture")


@OVER
def test_caching_hints(connect, transport):
    """On discover, lists and reads, on no other result; what depends on the caller is private."""
    for program, uri in (("server", None), ("fixture", "test://static-text")):
        link = connect(program, transport)
        scopes = {method: "private" if method == "resources/list" else "public" for method in ("server/discover", *LISTS)}
        if program == "server":
            del scopes["prompts/list"]
        for method, scope in scopes.items():
            found = link.result(method)
            assert isinstance(found["ttlMs"], int) and found["ttlMs"] >= 0 and found["cacheScope"] == scope
        if uri:
            found = link.result("resources/read", {"uri": uri})
            assert (found["ttlMs"], found["cacheScope"]) == (0, "private")
            assert not {"ttlMs", "cacheScope"} & (set(link.call("test_simple_text")) | set(link.result("prompts/get", {"name": "test_simple_prompt"})))


# ---- tools ----

@OVER
@EACH
def test_structured_content(connect, workspace, tools, transport, version):
    """Of each tool that promises it, also over HTTP (test_clients.py has all tools over stdio)."""
    (workspace / "a.txt").write_text("alpha\n")
    link = connect("server", transport, version)
    listed = {tool["name"]: tool for tool in link.result("tools/list")["tools"]}
    assert [name for name, tool in tools.items() if "outputSchema" in tool] and set(listed) == set(tools)
    for name, arguments in (("run_command", {"command": "echo x"}), ("list_commands", {}), ("get_file_info", {"path": "a.txt"}),
                            ("read_file", {"path": "a.txt"}), ("explain_access", {"path": "a.txt"}), ("list_directory", {})):
        result = link.call(name, arguments)
        assert not result.get("isError") and [block["type"] for block in result["content"]] == ["text"]
        check_structured(tools[name], result)
        failed = link.call(name, {**arguments, "no_such_argument": 1})
        assert failed["isError"] is True and "structuredContent" not in failed


@OVER
@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25", MODERN])
def test_what_a_tool_may_bear(connect, transport, version):
    """Title, annotations, icons and an output schema; structured content beside its text, and a link to a resource that can be read."""
    link = connect("fixture", transport, version)
    tool, = (one for one in link.result("tools/list")["tools"] if one["name"] == "test_structured")
    assert tool["title"] and tool["annotations"]["readOnlyHint"] is True and tool["icons"][0]["src"].startswith("data:image/png;base64,")
    result = link.call("test_structured")
    jsonschema.Draft202012Validator(tool["outputSchema"]).validate(result["structuredContent"])
    serialized, there = result["content"]
    assert (serialized["text"], there["type"]) == ('{"answer":42}', "resource_link")
    assert link.result("resources/read", {"uri": there["uri"]})["contents"][0]["mimeType"] == there["mimeType"]


def test_annotations_of_our_tools(tools):
    """Those that only read say so, for some hosts run no others without a person; none has icons."""
    for name, tool in tools.items():
        hints = tool.get("annotations", {})
        assert tool["title"] and {type(hint) for hint in hints.values()} <= {bool} and "icons" not in tool, name
        assert hints.get("readOnlyHint", False) == (name in READERS) and not (hints.get("readOnlyHint") and "destructiveHint" in hints), name


@OVER
@EACH
def test_protocol_errors_and_errors_of_tools(connect, transport, version):
    """Unknown tools and malformed requests are the client's; wrong arguments are for the model to mend."""
    link = connect("server", transport, version)
    for params in ({"name": "no_such_tool"}, {"name": ""}, {"name": "READ_FILE", "arguments": {}}, {"name": "read_file", "arguments": []},
                   {"name": "read_file", "arguments": "x"}, {"name": "read_file", "arguments": 5}, {"name": 5}, {"name": None}, {"arguments": {}}, {}):
        asked = link.start("tools/call", params)
        assert asked.end()["error"]["code"] == -32602, params
        assert getattr(asked, "status", None) in (None, 400 if link.modern else 200)
    for arguments in ({}, {"path": 5}, {"path": "a", "limit": "many"}, {"path": "a", "limit": -1}, {"path": "a", "strange": 1}, {"path": "\ud7ff" * 5000},
                      {"path": "missing"}, {"path": "../../etc/passwd"}, None):
        asked = link.start("tools/call", {"name": "read_file", "arguments": arguments})
        result = asked.end()["result"]
        assert result["isError"] is True and text_of(result).startswith(("Error: ", "Denied: ")) and getattr(asked, "status", 200) == 200


# ---- resources ----

@OVER
@EACH
def test_resources_of_the_fixture(connect, transport, version):
    """A template's contents, several contents, bytes, and the errors: not found, internal."""
    link = connect("fixture", transport, version)
    template, = link.result("resources/templates/list")["resourceTemplates"]
    uri = template["uriTemplate"].replace("{id}", "a b")
    content, = link.result("resources/read", {"uri": uri})["contents"]
    assert content == {"uri": uri, "mimeType": template["mimeType"], "text": '{"id":"a b","templateTest":true}'}
    assert [one["text"] for one in link.result("resources/read", {"uri": "test://several"})["contents"]] == ["one", "two"]
    assert base64.b64decode(link.result("resources/read", {"uri": "test://static-binary"})["contents"][0]["blob"], validate=True).startswith(b"\x89PNG")
    for uri in ("test://none", "", "nonsense", "test://template/x"):
        error = link.error("resources/read", {"uri": uri})
        assert (error["code"], error["data"]) == (-32602 if link.modern else -32002, {"uri": uri})
    for wrong in ({}, {"uri": 5}, {"uri": None}, {"uri": []}):
        assert link.error("resources/read", wrong)["code"] == -32602
    long = link.start("resources/read", {"uri": "test:" + "x" * 20000})
    if transport == "http" and link.modern:
        assert long.status == 431  # a header repeats it
    else:
        assert long.end()["error"]["code"] == -32602
    broken = link.start("resources/read", {"uri": "test://broken"})
    assert broken.end()["error"]["code"] == -32603 and getattr(broken, "status", 200) == 200


@OVER
@EACH
def test_no_resource_outside(connect, workspace, transport, version):
    """Traversal in every spelling; what is refused or is no file is an error, never empty contents."""
    (workspace.parent / "outside").write_text("secret")
    (workspace / "link").symlink_to("../outside")
    (workspace / "a.txt").write_text("alpha\n")
    link, here = connect("server", transport, version), f"file://{workspace}"
    assert link.result("resources/read", {"uri": f"{here}/a.txt"})["contents"][0]["text"] == "alpha\n"
    for path in ("/../outside", "/%2e%2e/outside", "/..%2foutside", "/%2E%2E%2Foutside", "/link", "/sub/../../outside", "//../outside", "/.", ""):
        error = link.error("resources/read", {"uri": here + path})
        assert error["code"] in (-32603, -32602 if link.modern else -32002) and "secret" not in str(error), path
    for uri in ("file:///etc/passwd", "file:///proc/self/environ", f"file://..{workspace}/a.txt", "file://evil.example/etc/passwd"):
        assert "error" in link.ask("resources/read", {"uri": uri})


# ---- prompts ----

@OVER
@EACH
def test_prompts(connect, transport, version):
    link = connect("fixture", transport, version)
    listed = {one["name"]: one for one in link.result("prompts/list")["prompts"]}
    assert [one["required"] for one in listed["test_prompt_with_arguments"]["arguments"]] == [True, True]
    message, = link.result("prompts/get", {"name": "test_prompt_with_arguments", "arguments": {"arg1": "\u00fc", "arg2": "\""}})["messages"]
    assert message["role"] == "user" and message["content"]["text"].endswith("arg1='\u00fc', arg2='\"'")
    for wrong in ({"name": "no_such"}, {"name": ""}, {"name": 5}, {}, {"name": "test_prompt_with_arguments"}, {"name": "test_simple_prompt", "arguments": []},
                  {"name": "test_prompt_with_arguments", "arguments": {"arg1": "x"}}, {"name": "test_prompt_with_arguments", "arguments": {"arg1": 5, "arg2": "x"}}):
        asked = link.start("prompts/get", wrong)
        assert asked.end()["error"]["code"] == -32602, wrong
        assert getattr(asked, "status", None) in (None, 400 if link.modern else 200)


# ---- pagination ----

@OVER
@EACH
def test_cursors(connect, transport, version):
    """All there is fits one page, so every cursor is a bad one; null is none (pages of tools: unit/mcp)."""
    for program in ("server", "fixture"):
        link = connect(program, transport, version)
        for method, key in LISTS.items():
            if (program, method) == ("server", "prompts/list"):
                continue
            found = link.result(method)
            assert "nextCursor" not in found and isinstance(found[key], list)
            assert link.result(method, {"cursor": None}) == found
            for cursor in ("", "x", "t0", "t999", "t-1", "eyJwYWdlIjogM30=", 5, [], {}, "\u0000" * 9):
                asked = link.start(method, {"cursor": cursor})
                assert asked.end()["error"]["code"] in (-32602, -32700 if cursor == "\u0000" * 9 else -32602), (method, cursor)
                assert getattr(asked, "status", None) in (None, 400 if link.modern else 200)


# ---- completion ----

@OVER
@EACH
def test_completion(connect, workspace, transport, version):
    """Of prompts and of templates; what was settled before counts; 100 values at most, and how many more there are."""
    link, prompt = connect("fixture", transport, version, EVERYTHING), {"type": "ref/prompt", "name": "test_prompt_with_arguments"}

    def complete(link, ref, name, value, **more):
        return link.result("completion/complete", {"ref": ref, "argument": {"name": name, "value": value}, **more})["completion"]

    assert complete(link, prompt, "arg1", "par") == {"values": ["paris", "park", "party"], "total": 3, "hasMore": False}
    assert complete(link, prompt, "arg1", "x") == {"values": [], "total": 0, "hasMore": False}
    assert complete(link, prompt, "arg2", "", context={"arguments": {"arg1": "paris"}})["values"] == ["paris and more"]
    assert complete(link, prompt, "arg2", "par", context={})["values"] == complete(link, prompt, "arg2", "par", context={"arguments": {}})["values"]
    many = complete(link, prompt, "arg1", "0")
    assert len(many["values"]) == 100 and (many["total"], many["hasMore"]) == (300, True)
    assert complete(link, {"type": "ref/resource", "uri": "test://template/{id}/data"}, "id", "") == {"values": [], "total": 0, "hasMore": False}
    for name in (f"{i:03}" for i in range(150)):
        (workspace / name).touch()
    server, files = connect("server", transport, version), {"type": "ref/resource", "uri": "file://{+path}"}
    found = complete(server, files, "path", f"{workspace}/")
    assert found == {"values": [f"{workspace}/{i:03}" for i in range(100)], "total": 150, "hasMore": True}
    right = {"ref": prompt, "argument": {"name": "arg1", "value": "p"}}
    for wrong in ({"ref": {"type": "ref/prompt", "name": "none"}}, {"ref": {"type": "ref/resource", "uri": "test://none/{id}"}}, {"ref": {"type": "ref/tool", "name": "x"}},
                  {"ref": {"type": "ref/prompt"}}, {"ref": 5}, {"argument": {"name": "none", "value": ""}}, {"argument": {"name": "arg1"}}, {"argument": 5},
                  {"context": 5}, {"context": {"arguments": []}}, {"context": {"arguments": {"arg1": 5}}}):
        assert link.error("completion/complete", {**right, **wrong})["code"] == -32602, wrong
