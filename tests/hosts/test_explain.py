# SPDX-License-Identifier: Apache-2.0
"""explain_access: first ask, then try. What it foretells and what happens must agree, for file tools and for fetch_url."""

import json
import os

import pytest
from client import text_of


def foretold(server, **arguments):
    result = server.call("explain_access", **arguments)
    assert not result.get("isError"), result
    facts = result["structuredContent"]
    assert len(facts["policy_sha256"]) == 64 and facts["rule"] and facts["layer"]
    assert text_of(result).startswith("Would pass: " if facts["allowed"] else "Would be refused: ")
    if not facts["allowed"]:
        assert facts["reason"] or facts["remedy"]
    return facts


@pytest.fixture
def full_workspace(workspace, tmp_path):
    """Files of each kind that a path can lead to."""
    (workspace / "file").write_text("x\n")
    (workspace / "directory").mkdir()
    (workspace / "directory" / "inner").write_text("x\n")
    (workspace / ".git" / "hooks").mkdir(parents=True)
    (workspace / ".git" / "config").write_text("[core]\n")
    (workspace / ".git" / "hooks" / "pre-commit").write_text("#!/bin/sh\n")
    (workspace / ".mcp.json").write_text("{}\n")
    (workspace / "secret").mkdir()
    (workspace / "secret" / "key").write_text("secret\n")
    (workspace / "kept").write_text("kept\n")
    (tmp_path / "outside").write_text("outside\n")
    os.symlink("file", workspace / "link-inside")
    os.symlink(tmp_path / "outside", workspace / "link-outside")
    os.symlink("secret/key", workspace / "link-secret")
    os.symlink(".git/hooks/pre-commit", workspace / "link-hook")
    os.symlink("nowhere", workspace / "link-nowhere")
    os.mkfifo(workspace / "fifo")
    return workspace


PATHS = ["file", "./file", "directory/inner", "directory/../file", ".git/hooks/pre-commit", ".git/config", ".git/HEAD", ".mcp.json",
         "secret/key", "kept", "link-inside", "link-outside", "link-secret", "link-hook", "fifo", "../outside", "/etc/passwd",
         "/proc/self/status", "no/such/file", "new-file", "file/below", ".git/hooks/new", ".vscode/tasks.json", ".bashrc", ".bashrc2"]


@pytest.mark.parametrize("path", PATHS)
def test_paths(start, policy, full_workspace, path):
    server = start("--policy", policy({"filesystem": {"denyRead": [f"{full_workspace}/secret"], "denyWrite": [f"{full_workspace}/kept"]}}))
    facts = foretold(server, path=path)
    read = server.call("read_file", path=path)
    assert facts["allowed"] is not bool(read.get("isError")), (facts, read)
    facts = foretold(server, path=path, operation="write")
    before = (full_workspace / ".git" / "hooks" / "pre-commit").read_text()
    written = server.call("write_file", path=path, content="written\n")
    assert facts["allowed"] is not bool(written.get("isError")), (facts, written)
    assert (full_workspace / ".git" / "hooks" / "pre-commit").read_text() == before


def test_absolute_paths_mean_the_same(start, full_workspace):
    server = start()
    for operation in ("read", "write"):
        relative = foretold(server, path=".git/config", operation=operation)
        assert relative == foretold(server, path=str(full_workspace / ".git" / "config"), operation=operation)
        assert relative["target"] == str(full_workspace / ".git" / "config")


def test_a_read_only_workspace(start, full_workspace):
    server = start("--workspace", f"{full_workspace}:ro", roots=[])
    assert foretold(server, path="file")["allowed"] is True
    assert foretold(server, path="file", operation="write")["allowed"] is False
    assert server.call("write_file", path="file", content="x")["isError"]


URLS = ["http://{site}/plain", "http://127.0.0.1:{port}/plain", "http://localhost:{port}/plain", "http://10.0.0.1/", "http://[::1]/",
        "http://2130706433/", "http://0x7f.1:{port}/", "ftp://{site}/", "file:///etc/passwd", "http://user@{site}/", "http://{host}:1/"]


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("url", URLS)
def test_urls(start, policy, site, url, listed):
    host, port = site.address.rsplit(":", 1)
    url = url.format(site=site.address, host=host, port=port)
    server = start("--policy", policy({"network": {"allowedDomains": [site.address]}} if listed else {}))
    facts = foretold(server, url=url)
    assert site.asked == []
    result = server.call("fetch_url", url=url)
    if facts["rule"] == "default: a sandbox's own loopback":  # where nothing listens
        assert facts["allowed"] and result["isError"] and "in your sandbox" in result["content"][0]["text"], (facts, result)
        assert site.asked == []
    elif facts["allowed"]:
        assert not result.get("isError"), (facts, result)
    else:
        assert result["isError"], (facts, result)
        assert site.asked == []
        denial = result.get("_meta", {}).get("sallyport.dev/denial")
        if denial:
            assert denial["rule"] == facts["rule"]


def test_the_whole_picture(start, policy, workspace, tmp_path, command_line):
    (tmp_path / "cache").mkdir()
    path = policy({"filesystem": {"allowWrite": [str(tmp_path / "cache")], "denyRead": [str(workspace / "secret")],
                                  "denyWrite": [str(workspace / "kept")]},
                   "network": {"allowedDomains": ["*.example.org", "[::1]:8080"], "deniedDomains": ["bad.example.org"]},
                   "limits": {"files": 100}, "resultLimit": 5000, "answerWithin": 7})
    server = start("--policy", path)
    result = server.call("explain_access")
    facts = result["structuredContent"]
    assert facts["workspaces"] == [{"path": str(workspace), "write": True}]
    assert facts["writable"] == [str(tmp_path / "cache")]
    assert facts["hidden"] == [str(workspace / "secret")]
    assert str(workspace / "kept") in facts["protected"] and ".git/hooks" in facts["protected"]
    assert facts["network"] == {"allowed": ["*.example.org", "[::1]:8080"], "denied": ["bad.example.org"]}
    assert facts["limits"]["files"] == 100 and facts["limits"]["result_bytes"] == 5000 and facts["limits"]["answer_within_ms"] == 7000
    assert facts["policy_sha256"] in command_line("policy", "check", path).stdout
    for part in (str(workspace), str(tmp_path / "cache"), "*.example.org", "[::1]:8080", "bad.example.org", ".git/hooks", "100 open files",
                 facts["policy_sha256"]):
        assert part in text_of(result), part
    plain = start().call("explain_access")["structuredContent"]
    assert "allowed" not in plain["network"] and plain["network"]["denied"] == []


def test_questions_that_make_no_sense(server):
    for arguments in ({"path": "a", "url": "http://example.org/"}, {"operation": "read"}, {"path": ""}, {"path": "a", "operation": "delete"},
                      {"url": ""}):
        result = server.call("explain_access", **arguments)
        assert result["isError"] is True and text_of(result).startswith("Error: "), (arguments, result)
    assert json.dumps(server.call("explain_access", path="a", operation=None))
