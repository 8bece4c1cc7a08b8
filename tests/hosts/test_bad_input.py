# SPDX-License-Identifier: Apache-2.0
"""Anything malformed gets one clear error, and the next line is served."""

import pytest
from client import text_of

MEGABYTE = 1 << 20


def served(server):
    """One error came for what was sent, and the server goes on."""
    error = server.receive(lambda m: isinstance(m, dict) and "error" in m)["error"]
    assert len(error["message"]) > 10
    server.nothing_more()
    return error


def peak_memory(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))


@pytest.mark.parametrize("line", [
    b"nonsense", b"{", b"}", b'{"jsonrpc":"2.0","id":1,"method":"ping"', b'{"jsonrpc":"2.0","id":1,"method":"ping"}}', b"\xff\xfe", b"[1,",
    b"{'jsonrpc':'2.0'}", b'{"jsonrpc":"2.0","id":01,"method":"ping"}', b'{"jsonrpc":"2.0","id":1,"method":"ping",}', b"NaN", b"\0",
    b'{"jsonrpc":"2.0","id":1,"method":"ping"} {}', b'{"jsonrpc":"2.0","id":1,"method":"pi\tng"}', b'{"a":tru}', b'{"a":1e}', b'"\\x"',
])
def test_what_is_no_json(server, line):
    server.send_raw(line + b"\n")
    assert served(server)["code"] == -32700


@pytest.mark.parametrize("piece", [
    b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xff",
    b"\\ud83d", b"\\udc00", b"\\ud83dx", b"\\u0000", b"\\u12", b"\\ud83d\\ud83d",
])
def test_half_a_character_a_lone_surrogate_and_nul(server, piece):
    server.send_raw(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","arguments":{"path":"'
                    + piece + b'"}}}\n')
    assert served(server)["code"] in (-32700, -32600)


@pytest.mark.parametrize("line", [
    b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","name":"write_file","arguments":{}}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","arguments":{"path":"a","p\\u0061th":"b"}}}',
])
def test_a_key_given_twice(server, line):
    server.send_raw(line + b"\n")
    assert served(server)["code"] in (-32700, -32600)


@pytest.mark.parametrize("opening,closing", [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth_of_a_hundred_thousand(server, opening, closing):
    server.send_raw(b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":' + opening * 100000 + b"1" + closing * 100000 + b"}}\n")
    assert served(server)["code"] in (-32700, -32600)


def test_many_values_do_not_become_much_memory(server):
    server.send_raw(b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":[' + b"1," * (4 * MEGABYTE) + b"1]}}\n")
    assert served(server)["code"] in (-32700, -32600)


@pytest.mark.measured
def test_a_line_of_64_megabytes_is_refused_and_not_kept(server):
    server.send_raw(b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"' + b"x" * (64 * MEGABYTE) + b'"}}\n')
    assert served(server)["code"] in (-32700, -32600)
    assert peak_memory(server.pid) < 48 * MEGABYTE


def test_a_line_of_64_megabytes(server):
    server.send_raw(b"x" * (64 * MEGABYTE) + b"\n")
    served(server)


def test_a_line_without_end_is_refused_before_its_end(server):
    """Whoever sends for ever is told so; nobody waits for the newline to say it, or says it more than once."""
    server.send_raw(b"x" * (40 * MEGABYTE))
    server.send_raw(b"\n")
    served(server)


def test_an_empty_line_is_nothing(server):
    server.send_raw(b"\n\n\r\n")
    server.nothing_more()


def test_a_line_may_end_in_carriage_return(server):
    server.send_raw(b'{"jsonrpc":"2.0","id":123,"method":"ping"}\r\n')
    assert server.response(123)["result"] == {}


def test_lines_may_come_in_pieces(server):
    for byte in b'{"jsonrpc":"2.0","id":123,"method":"ping"}\n{"jsonrpc":"2.0","id":124,':
        server.send_raw(bytes([byte]))
    assert server.response(123)["result"] == {}
    server.send_raw(b'"method":"ping"}\n')
    assert server.response(124)["result"] == {}


def test_input_that_ends_inside_a_line(start):
    server = start()
    server.send_raw(b'{"jsonrpc":"2.0","id":5,"method":"pi')
    assert server.finish() == 0
    assert [message["error"]["code"] for message in server.waiting] in ([], [-32700])


def test_a_last_line_without_its_newline_is_a_line(start):
    server = start()
    server.send_raw(b'{"jsonrpc":"2.0","id":123,"method":"ping"}')
    assert server.finish() == 0
    assert server.response(123)["result"] == {}


def test_an_id_used_twice_in_flight(server):
    server.start("tools/call", {"name": "run_command", "arguments": {"command": "sleep 0.5; echo first"}}, number=7)
    server.start("ping", number=7)
    refused = server.receive(lambda m: "error" in m)
    assert refused["error"]["code"] == -32600
    first = server.receive(lambda m: "result" in m)
    assert first["id"] == 7 and "first" in text_of(first["result"])
    server.nothing_more()
    assert server.request("ping", number=7)["result"] == {}


# ---- arguments: error results, never protocol errors ----

@pytest.mark.parametrize("tool,arguments,words", [
    ("read_file", {"pth": "a.txt"}, ["pth", "path"]),
    ("read_file", {"path": "a.txt", "limt": 5}, ["limt", "limit"]),
    ("read_file", {}, ["path"]),
    ("read_file", {"path": 5}, ["path", "string"]),
    ("read_file", {"path": None}, ["path"]),
    ("read_file", {"path": "a.txt", "limit": "many"}, ["limit"]),
    ("read_file", {"path": "a.txt", "limit": 0}, ["limit"]),
    ("read_file", {"path": "a.txt", "limit": -5}, ["limit"]),
    ("read_file", {"path": "a.txt", "limit": 1.5}, ["limit"]),
    ("read_file", {"path": "a.txt", "limit": 1e30}, ["limit"]),
    ("read_file", {"path": "a.txt", "numbers": "perhaps"}, ["numbers"]),
    ("write_file", {"path": "a.txt"}, ["content"]),
    ("write_file", {"path": "a.txt", "content": "x", "encoding": "utf8"}, ["encoding", "utf-8"]),
    ("write_file", {"path": "a.txt", "content": "%%%", "encoding": "base64"}, ["base64"]),
    ("write_file", {"path": "a.txt", "contents": "x"}, ["contents", "content"]),
    ("list_directory", {"depht": 2}, ["depht", "depth"]),
    ("run_command", {}, ["command", "argv"]),
    ("run_command", {"command": "true", "argv": ["true"]}, ["command", "argv"]),
    ("run_command", {"argv": []}, ["argv"]),
    ("run_command", {"argv": "true"}, ["argv"]),
    ("run_command", {"argv": [1]}, ["argv"]),
    ("run_command", {"command": "true", "env": {"A": 1}}, ["env"]),
    ("run_command", {"command": "true", "env": ["A=1"]}, ["env"]),
    ("run_command", {"command": "true", "keep": "middle"}, ["keep", "head"]),
    ("run_command", {"command": "true", "wait_ms": -1}, ["wait_ms"]),
    ("run_command", {"command": "true", "cwd": "missing"}, ["missing"]),
    ("run_command", {"argv": ["no-such-program-here"]}, ["no-such-program-here"]),
    ("fetch_url", {"url": "ftp://example.org/"}, ["http"]),
    ("fetch_url", {"url": "not a url"}, ["url"]),
    ("fetch_url", {"uri": "http://example.org/"}, ["uri", "url"]),
    ("explain_access", {"pat": "x"}, ["pat", "path"]),
])
def test_a_bad_argument_is_an_error_result_that_helps(server, tool, arguments, words):
    result = server.call(tool, **arguments)
    assert result["isError"] is True
    text = text_of(result)
    assert text.startswith("Error: ") and len(result["content"]) == 1
    for word in words:
        assert word in text


def test_strings_that_hold_the_wanted_type_are_taken(server, workspace):
    (workspace / "a.txt").write_text("one\ntwo\nthree\n")
    assert text_of(server.call("read_file", path="a.txt", offset="2", limit="1")).startswith("two\n")
    result = server.call("run_command", argv='["echo", "taken"]')
    assert result["structuredContent"]["stdout"] == "taken\n"


def test_null_for_an_optional_argument_is_absence(server, workspace):
    (workspace / "a.txt").write_text("one\n")
    assert text_of(server.call("read_file", path="a.txt", offset=None, limit=None, numbers=None)) == "one\n"
    result = server.call("run_command", command="echo x", argv=None, cwd=None, env=None, stdin=None)
    assert result["structuredContent"]["stdout"] == "x\n"


@pytest.mark.parametrize("path", ["../outside.txt", "/etc/shadow", "link", "directory/../../outside.txt", "/proc/1/environ", "/proc/self/root"])
def test_no_path_leaves_the_workspace(server, workspace, path):
    (workspace.parent / "outside.txt").write_text("outside")
    (workspace / "directory").mkdir()
    (workspace / "link").symlink_to("../outside.txt")
    for tool, more in (("read_file", {}), ("write_file", {"content": "x"}), ("list_directory", {})):
        result = server.call(tool, path=path, **more)
        assert result["isError"] is True, (tool, result)
    assert (workspace.parent / "outside.txt").read_text() == "outside"
