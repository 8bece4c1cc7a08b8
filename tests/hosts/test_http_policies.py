# SPDX-License-Identifier: Apache-2.0
"""Tokens with a policy of their own: what one may the other may not, in every kind of tool; limits; reloading."""

import json
import subprocess

import pytest
from client import PATIENCE, text_of
from conftest import PROGRAM, clean_environment
from test_http_metrics import Metrics

NARROW = {"filesystem": {"denyRead": ["WORKSPACE/secret"], "denyWrite": ["WORKSPACE/kept"]}, "limits": {"commandSeconds": 2}}


@pytest.fixture
def narrow(tmp_path, workspace):
    path = tmp_path / "narrow.json"
    path.write_text(json.dumps(NARROW).replace("WORKSPACE", str(workspace)))
    (workspace / "secret").mkdir()
    (workspace / "secret/file").write_text("needle\n")
    (workspace / "kept").mkdir()
    (workspace / "kept/file").write_text("kept\n")
    return path


def call(server, token, name, **arguments):
    return server.request("tools/call", {"name": name, "arguments": arguments}, token=token).last()["result"]


ATTEMPTS = [("read_file", {"path": "secret/file"}), ("search_files", {"pattern": "needle", "path": "secret"}), ("write_file", {"path": "kept/file", "content": "x"}),
            ("run_command", {"command": "cat secret/file"}), ("run_command", {"command": "echo y > kept/file"}), ("run_command", {"command": "sleep 30"})]


def test_each_has_its_own(serve_http, narrow, workspace):
    """bob is refused what his policy refuses, whatever tool he takes; alice has the server's."""
    server = serve_http(policies={"bob": narrow})
    for name, arguments in ATTEMPTS:
        refused = call(server, "bob", name, **arguments)
        assert refused.get("isError") or refused["structuredContent"].get("exit_code") != 0, (name, arguments, refused)
        assert "needle" not in text_of(refused)
    assert (workspace / "kept/file").read_text() == "kept\n"
    assert call(server, "bob", "run_command", command="echo mine")["structuredContent"]["stdout"] == "mine\n"
    for name, arguments in ATTEMPTS[:-1]:
        assert not call(server, "alice", name, **arguments).get("isError"), (name, arguments)
    assert (workspace / "kept/file").read_text() == "y\n"
    refused, permitted = (call(server, token, "explain_access", path="secret/file", operation="read") for token in ("bob", "alice"))
    assert text_of(refused) != text_of(permitted)
    metrics = Metrics(server)  # of all together
    assert sum(metrics.calls("run_command").values()) == 6 and sum(metrics.calls("explain_access").values()) == 2
    assert server.finish() == 0, server.log


def test_background_commands_are_apart(serve_http, narrow):
    """A handle of one realm is nothing in the other, and both end with the server."""
    server = serve_http(policies={"bob": narrow})
    begun = {token: call(server, token, "run_command", command="echo up; sleep 300", wait_ms=0)["structuredContent"]["id"] for token in ("alice", "bob")}
    assert call(server, "bob", "read_output", id=begun["alice"])["isError"] and call(server, "alice", "read_output", id=begun["bob"])["isError"]
    for token, handle in begun.items():
        assert [one["id"] for one in call(server, token, "list_commands")["structuredContent"]["commands"]] == [handle]
    assert server.finish() == 0, server.log


def test_limits_are_those_of_the_token(serve_http, tmp_path):
    path = tmp_path / "slow.json"
    path.write_text(json.dumps({"http": {"requestsPerSecond": 0.1}}))
    server = serve_http(policies={"bob": path})
    said = [server.request("server/discover", token="bob").status for _ in range(3)]
    assert said == [200, 429, 429]
    assert [server.request("server/discover", token="alice").status for _ in range(20)] == [200] * 20


def test_reloading(serve_http, narrow, tmp_path):
    """A token may come to a policy that is there, or leave it; one that was not there at the start changes nothing."""
    server = serve_http(tokens=("alice", "bob", "carol"), policies={"bob": narrow})
    assert call(server, "carol", "read_file", path="secret/file").get("isError") is not True
    server.policies = {"carol": narrow}
    server.write_tokens()
    server.reload("reloaded: tokens")
    assert call(server, "carol", "read_file", path="secret/file")["isError"]
    assert call(server, "bob", "read_file", path="secret/file").get("isError") is not True
    other = tmp_path / "other.json"
    other.write_text("{}")
    server.policies = {"alice": other}
    server.write_tokens()
    server.reload("was not there when the server started")
    assert call(server, "carol", "read_file", path="secret/file")["isError"]
    assert call(server, "alice", "read_file", path="secret/file").get("isError") is not True


@pytest.mark.parametrize("line, said", [
    ("policy=relative.json", "policy=/PATH"),
    ("anything", "policy=/PATH"),
    ("policy=/nowhere/policy.json", "/nowhere/policy.json"),
    ("policy=BROKEN", "filesystem"),
])
def test_what_is_wrong_at_the_start(tmp_path, workspace, line, said):
    broken = tmp_path / "broken.json"
    broken.write_text('{"filesystem": 7}')
    file = tmp_path / "tokens"
    file.write_text(f"alice {'a' * 40} {line.replace('BROKEN', str(broken))}\n")
    file.chmod(0o600)
    done = subprocess.run([PROGRAM, "http", "--workspace", workspace, "--listen", "127.0.0.1:0", "--token-file", file], capture_output=True, text=True,
                          timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL, env=clean_environment())
    assert done.returncode == 1 and said in done.stderr, done
