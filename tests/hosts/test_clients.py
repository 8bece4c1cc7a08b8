# SPDX-License-Identifier: Apache-2.0
"""Clients written by others: each lists the tools and calls each of them."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile

import pytest
from calls import HANDLES, calls, check_conversation, converse
from client import MODERN, PATIENCE, text_of
from conftest import PROGRAM, TOP, clean_environment
from http_client import HttpServer
from schemas import check_structured
from web import GATED

HERE = os.path.dirname(os.path.abspath(__file__))
NEWEST = sys.executable
ONE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(sys.executable)))), "python-mcp1", "bin", "python")
MODULES = os.path.join(TOP, "build/node/node_modules")
INSPECTOR = os.path.join(MODULES, "@modelcontextprotocol/inspector/clients")


@pytest.fixture
def served(workspace, policy, site):
    """The command of a server that may fetch from the site, with a file in its workspace."""
    (workspace / "a.txt").write_text("alpha\n")
    return [PROGRAM, "stdio", "--workspace", str(workspace), "--policy", policy({"network": {"allowedDomains": [site.address]}})]


@pytest.fixture
def reached(tmp_path, workspace, policy, site):
    """URL and token of the same over HTTP."""
    (workspace / "a.txt").write_text("alpha\n")
    server = HttpServer(tmp_path, "--policy", policy({"network": {"allowedDomains": [site.address]}}))
    yield [server.url, server.tokens["alice"]]
    assert server.finish() == 0, server.log


def run(command, timeout=6 * PATIENCE, **environment):
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL,
                          env=clean_environment(**environment))
    assert done.returncode == 0, (command[:4], done.returncode, done.stdout[-1500:], done.stderr[-3000:])
    return done.stdout


def test_there_is_a_call_for_each_tool(tools, site):
    assert sorted([*calls(site), *HANDLES]) == sorted(tools)


def test_each_call_in_each_revision(start, policy, workspace, site, tools):
    """The raw client first: every result is what its tool's schema promises, in every revision."""
    (workspace / "a.txt").write_text("alpha\n")
    for version in ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", MODERN):
        server = start("--policy", policy({"network": {"allowedDomains": [site.address]}}), version=version)
        for name, (arguments, expected) in calls(site).items():
            result = server.call(name, **arguments)
            assert not result.get("isError") and expected in text_of(result), (version, name, result)
            assert len(result["content"]) == 1
            check_structured(tools[name], result)


PYTHON_CLIENTS = pytest.mark.parametrize("python,script,mode,version", [
    (NEWEST, "client_sdk.py", "auto", MODERN),
    (NEWEST, "client_sdk.py", MODERN, MODERN),
    (NEWEST, "client_sdk.py", "legacy", "2025-11-25"),
    (ONE, "client_sdk1.py", "legacy", "2025-11-25"),
    (ONE, "client_langchain.py", "legacy", None),
], ids=["sdk-auto", "sdk-modern", "sdk-legacy", "sdk1", "langchain"])


def check_python_client(site, tools, python, script, mode, version, reached, **environment):
    check_client(site, tools, [python, os.path.join(HERE, script), mode], version, reached, **environment)


def check_client(site, tools, client, version, reached, **environment):
    """`client` is told the calls and where to make them, and prints what it heard."""
    wanted = calls(site)
    arguments = json.dumps({name: arguments for name, (arguments, _) in wanted.items()})
    found = json.loads(run([*client, arguments, *reached], **environment).splitlines()[-1])
    assert found["version"] == version
    assert sorted(found["tools"]) == sorted(tools)
    for name, (_, expected) in wanted.items():
        result = found["results"][name]
        assert not result["error"] and expected in result["text"], (name, result)
        if "client_langchain.py" not in client[1]:
            check_structured(tools[name], {"structuredContent": result["structured"]} if result["structured"] is not None else {})
    assert "missing.txt" in found["failure"]["text"] and found["failure"]["text"].startswith("Error: ")
    assert found["many"] == 100
    if "downloaded" in found:
        assert found["downloaded"]["structured"]["bytes"] == len(GATED), found["downloaded"]
        done, totals, words = zip(*found["downloaded"]["told"])
        assert list(done) == sorted(set(done)) and len(GATED) // 2 in done and set(totals) == {len(GATED)}, found["downloaded"]
        assert f"{len(GATED) // 2} of {len(GATED)} bytes (50 %)" in words[0]
    if "followed" in found:
        assert found["followed"]["text"].startswith("over\n[exit 0") and found["followed"]["updates"] <= 2
    check_conversation(found["conversation"])
    assert "No command runs" in found.get("left", "No command runs")


@pytest.mark.clients
@PYTHON_CLIENTS
def test_python_clients(served, site, tools, python, script, mode, version):
    check_python_client(site, tools, python, script, mode, version, served)


@pytest.mark.clients
@PYTHON_CLIENTS
def test_python_clients_over_http(reached, site, tools, python, script, mode, version):
    check_python_client(site, tools, python, script, mode, version, reached)


@pytest.mark.clients
@pytest.mark.parametrize("mode,version", [("1", "2025-11-25"), ("legacy", "2025-11-25"), ("auto", MODERN), (MODERN, MODERN)])
def test_typescript_clients_over_http(reached, site, tools, node, mode, version):
    check_client(site, tools, [node, os.path.join(HERE, "client_typescript.mjs"), MODULES, mode], version, reached)


@pytest.mark.clients
@PYTHON_CLIENTS
def test_python_clients_behind_mcp_remote(reached, site, tools, node, tmp_path, python, script, mode, version):
    """A bridge from stdio to us, for hosts that start programs only."""
    url, token = reached
    bridge = [node, f"{MODULES}/mcp-remote/dist/proxy.js", url, "--header", f"Authorization: Bearer {token}"]
    check_python_client(site, tools, python, script, mode, version, bridge, HOME=str(tmp_path))


@pytest.mark.clients
@pytest.mark.parametrize("era", ["legacy", "modern", "auto"])
def test_inspector_over_http(reached, site, tools, node, tmp_path, era):
    url, token = reached
    options = ["--protocol-era", era, "-q", "--format", "json", "--transport", "http", "--server-url", url, "--header", f"Authorization: Bearer {token}"]
    home = {"HOME": str(tmp_path)}
    launcher = [node, f"{INSPECTOR}/launcher/build/index.js", "--cli"]
    listed = json.loads(run([*launcher, *options, "--method", "tools/list", "--strict"], **home))
    assert [tool["name"] for tool in listed.get("result", listed)["tools"]] == sorted(tools)
    read = json.loads(run([*launcher, *options, "--method", "tools/call", "--tool-name", "read_file", "--tool-args-json", '{"path": "a.txt"}'], **home))
    assert "alpha" in text_of(read.get("result", read))


@pytest.mark.clients
@pytest.mark.parametrize("era", ["legacy", "modern", "auto"])
def test_inspector(served, site, tools, node, tmp_path, era):
    options = ["--protocol-era", era, "-q", "--format", "json"]
    home = {"HOME": str(tmp_path)}
    listed = json.loads(run([node, f"{INSPECTOR}/launcher/build/index.js", "--cli", *options, "--method", "tools/list", "--strict", "--", *served], **home))
    listed = listed.get("result", listed)
    assert [tool["name"] for tool in listed["tools"]] == sorted(tools)
    wanted = calls(site)
    asked = [[*options, "--method", "tools/call", "--tool-name", name, "--tool-args-json", json.dumps(arguments), "--", *served]
             for name, (arguments, _) in wanted.items()]
    answers = json.loads(run([node, os.path.join(HERE, "client_inspector.mjs"), f"{INSPECTOR}/cli/build/index.js", json.dumps(asked)], **home))
    assert len(answers) == len(wanted)
    for (name, (_, expected)), answer in zip(wanted.items(), answers):
        result = json.loads(answer)
        result = result.get("result", result)
        assert expected in text_of(result) and not result.get("isError"), (name, result)


@pytest.mark.clients
@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_inspector_that_holds_a_connection(served, node, tmp_path, era):
    """`inspector --cli` has a server for each call, which takes its commands along. mcpdo comes with it: a process a call too, but the
    connection stays, in a daemon."""
    with tempfile.TemporaryDirectory() as place:  # of its socket, whose path must be short
        def mcpdo(*arguments):
            return json.loads(run([node, f"{INSPECTOR}/mcpdo/build/mcp-bin.js", "--format", "json", *arguments], HOME=str(tmp_path), MCP_INSPECTOR_DAEMON_DIR=place,
                                  NODE_COMPILE_CACHE=str(tmp_path)))

        async def call(name, arguments):
            result = mcpdo("--connection", "tested", "tools/call", name, "--tool-args-json", json.dumps(arguments))
            return text_of(result.get("result", result))

        try:
            mcpdo("--connection", "tested", "connect", "--era", era, "--", *served)
            check_conversation(asyncio.run(converse(call)))
        finally:
            mcpdo("daemon", "stop")
