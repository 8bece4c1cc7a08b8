# SPDX-License-Identifier: Apache-2.0
"""The command line: what it prints, and its exit codes: 0, 1 failure, 2 usage, 3 confinement unavailable."""

import json
import os
import pty
import re
import selectors
import subprocess
import sys

import pytest
from client import PATIENCE, Server
from conftest import PROGRAM, clean_environment
from schemas import check_tool

COMMANDS = ["stdio", "call", "tools", "doctor", "explain path", "explain host", "explain command", "policy show", "policy check", "policy schema"]


def on_a_terminal(*arguments):
    """Output and exit status of the program with a terminal for stdin, stdout and stderr."""
    parent, child = pty.openpty()
    process = subprocess.Popen([PROGRAM, *arguments], stdin=child, stdout=child, stderr=child, env=clean_environment(TERM="xterm"))
    os.close(child)
    output = b""
    with selectors.DefaultSelector() as selector:
        selector.register(parent, selectors.EVENT_READ)
        while selector.select(PATIENCE):
            try:
                data = os.read(parent, 65536)
            except OSError:  # EIO: everybody on the other side has gone
                break
            if not data:
                break
            output += data
    os.close(parent)
    return output.decode(), process.wait(PATIENCE)


def test_version(command_line):
    done = command_line("--version")
    assert done.returncode == 0 and re.search(r"\d+\.\d+", done.stdout) and done.stderr == ""


def test_help(command_line):
    done = command_line("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert command.split()[0] in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_has_an_example(command_line, command):
    done = command_line(*command.split(), "--help")
    assert done.returncode == 0 and "xample" in done.stdout and "sallyport " + command in done.stdout


@pytest.mark.parametrize("arguments", [["nonsense"], ["stdoi"], ["stdio", "--nonsense"], ["stdio", "extra"], ["call"], ["policy"], ["--nonsense"],
                                       ["policy", "nonsense"], ["call", "no_such_tool", "{}"], ["call", "list_directory", "{"],
                                       ["call", "list_directory", "[]"], ["stdio", "--workspace"], ["stdio", "--answer-within", "soon"],
                                       ["stdio", "--result-limit", "-1"], ["stdio", "--workspace", "/no/such/directory"],
                                       ["stdio", "--workspace", "/"], ["stdio", "--workspace", "/etc/passwd"],
                                       ["call", "list_directory", "{}", "--workspace", "/"], ["stdio", "--workspace", ""],
                                       ["policy", "check"], ["policy", "check", "/no/such/policy.json"]])
def test_usage_errors(command_line, arguments):
    done = command_line(*arguments)
    assert done.returncode == 2, done
    assert done.stdout == "" and len(done.stderr) > 10


def test_a_near_miss_is_helped(command_line):
    assert "stdio" in command_line("stdoi").stderr
    assert "read_file" in command_line("call", "read_fil", "{}").stderr
    assert "--workspace" in command_line("stdio", "--workspaec", "x").stderr


def test_a_workspace_that_is_root_or_missing_says_why(command_line):
    assert "/" in command_line("stdio", "--workspace", "/").stderr
    assert "/no/such" in command_line("stdio", "--workspace", "/no/such").stderr


def test_on_a_terminal_without_arguments_it_explains_itself():
    output, status = on_a_terminal()
    assert status == 0
    assert "stdio" in output and "doctor" in output


def test_without_arguments_and_without_a_terminal(command_line):
    """A host that was configured without `stdio` must see an error at once, not hang."""
    done = command_line()
    assert done.returncode in (0, 2) and "stdio" in done.stdout + done.stderr


def test_stdio_on_a_terminal_says_what_it_waits_for(workspace):
    parent, child = pty.openpty()
    process = subprocess.Popen([PROGRAM, "stdio", "--workspace", str(workspace)], stdin=child, stdout=child, stderr=subprocess.DEVNULL,
                               env=clean_environment(TERM="xterm"))
    os.close(child)
    os.write(parent, b"\x04")  # end of input, as a person types it
    assert process.wait(PATIENCE) in (0, 2)
    os.close(parent)


def test_tools_as_json_are_what_hosts_get(command_line, server):
    listed = json.loads(command_line("tools", "--json").stdout)
    listed = listed["tools"] if isinstance(listed, dict) else listed
    assert listed == server.request("tools/list")["result"]["tools"]
    for tool in listed:
        check_tool(tool)


def test_tools_for_people(command_line, tools):
    done = command_line("tools")
    assert done.returncode == 0
    for name in tools:
        assert name in done.stdout
    assert "\x1b" not in done.stdout


def test_call(command_line, workspace):
    (workspace / "a.txt").write_text("alpha\n")
    done = command_line("call", "read_file", '{"path":"a.txt"}', "--workspace", str(workspace))
    assert done.returncode == 0 and done.stdout == "alpha\n" and done.stderr == ""
    done = command_line("call", "run_command", '{"command":"echo out; exit 3"}', "--workspace", str(workspace))
    assert done.returncode in (0, 1, 3) and "out" in done.stdout
    done = command_line("call", "read_file", '{"path":"missing.txt"}', "--workspace", str(workspace))
    assert done.returncode == 1 and "missing.txt" in done.stdout + done.stderr
    done = command_line("call", "list_directory", "{}", cwd=str(workspace))
    assert done.returncode == 0 and "a.txt" in done.stdout


def test_call_json(command_line, workspace):
    (workspace / "a.txt").write_text("alpha\n")
    done = command_line("call", "list_directory", "{}", "--json", "--workspace", str(workspace))
    assert done.returncode == 0
    result = json.loads(done.stdout)
    assert result["structuredContent"]["entries"][0]["name"] == "a.txt"


def test_call_takes_arguments_from_stdin(command_line, workspace):
    done = command_line("call", "write_file", "-", "--workspace", str(workspace), input='{"path":"b.txt","content":"beta"}')
    assert done.returncode == 0 and (workspace / "b.txt").read_text() == "beta"


def test_explain(command_line, policy, workspace):
    (workspace / "a.txt").write_text("alpha\n")
    where = ("--workspace", str(workspace))
    for question, passes, rule in ((("path", "a.txt"), True, "workspace"), (("path", "a.txt", "write"), True, "workspace"),
                                   (("path", ".git/hooks/x", "write"), False, "protected:.git/hooks"),
                                   (("path", "/etc/passwd"), False, "workspace"), (("host", "example.org"), True, "default"),
                                   (("host", "10.0.0.1:80"), False, "only public addresses"),
                                   (("host", "127.0.0.1:80"), True, "default: a sandbox's own loopback")):
        done = command_line("explain", *question, *where)
        assert done.returncode == (0 if passes else 1), (question, done)
        assert ("would pass" if passes else "would be refused") in done.stdout and rule in done.stdout, (question, done)
        assert "\x1b" not in done.stdout
        facts = json.loads(command_line("explain", *question, *where, "--json").stdout)["structuredContent"]
        assert facts["allowed"] is passes and facts["rule"].startswith(rule)
    listed = policy({"network": {"allowedDomains": ["example.net:8080"]}})
    assert command_line("explain", "host", "example.net:8080", *where, "--policy", listed).returncode == 0
    assert command_line("explain", "host", "example.org", *where, "--policy", listed).returncode == 1
    for words, code in ((["sh"], 0), (["no-such-program"], 1), (["cp", "new", "write"], 0), (["cp", "/usr/new", "write"], 1)):
        assert command_line("explain", "command", *words, *where).returncode == code, words
    slip = command_line("explain", "path", "README", "wriet", *where)
    assert slip.returncode == 2 and "expected read, write or execute" in slip.stderr and not slip.stdout
    output, status = on_a_terminal("explain", "path", "/etc/passwd", *where)
    assert status == 1 and "\x1b[1;31mwould be refused" in output


def test_doctor(command_line, workspace):
    done = command_line("doctor", "--workspace", str(workspace))
    assert done.returncode == 0, done
    for word in ("seccomp", "Landlock", "namespace"):
        assert word.lower() in done.stdout.lower(), done.stdout
    whole = json.loads(command_line("doctor", "--json", "--workspace", str(workspace)).stdout)
    assert isinstance(whole, dict) and whole
