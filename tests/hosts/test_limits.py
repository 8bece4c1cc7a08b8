# SPDX-License-Identifier: Apache-2.0
"""No key of a policy does nothing: each limit is seen from inside a command, or felt."""

import subprocess

import pytest
from client import Server, text_of
from conftest import PROGRAM, SANITIZED, clean_environment

data_limit = pytest.mark.skipif(SANITIZED, reason="a sanitizer's shadow leaves no room for a limit of private memory; run without them")


def shell(server, line, **more):
    result = server.call("run_command", command=line, **more)
    assert not result.get("isError"), result
    return result["structuredContent"]


@data_limit
def test_limits_are_those_of_the_policy(start, policy):
    server = start("--policy", policy({"limits": {"processes": 120, "files": 77, "fileBytes": 1 << 20, "dataBytes": 64 << 20,
                                                  "temporaryBytes": 4 << 20}}))
    seen = shell(server, "ulimit -n; ulimit -f; ulimit -d; df -k --output=size /tmp | tail -1")["stdout"].split()
    # bash shows sizes in units of 1024 bytes
    assert seen == ["77", "1024", str(64 << 10), "4096"]


@data_limit
def test_default_limits(server):
    seen = shell(server, "ulimit -n; ulimit -f; ulimit -d; df -k --output=size /tmp | tail -1")["stdout"].split()
    assert seen == ["4096", str(8 << 20), str(16 << 20), str(1 << 20)]


def test_a_file_ends_at_its_limit(start, policy, workspace):
    server = start("--policy", policy({"limits": {"fileBytes": 1 << 20}}))
    done = shell(server, "head -c 3000000 /dev/zero > big")
    assert done.get("exit_code") != 0 and (workspace / "big").stat().st_size == 1 << 20


def test_temporary_files_end_at_their_limit(start, policy):
    server = start("--policy", policy({"limits": {"temporaryBytes": 2 << 20}}))
    done = shell(server, "head -c 5000000 /dev/zero > /tmp/big")
    assert done["exit_code"] != 0 and "space" in done["stderr"].lower()


@data_limit
def test_memory_ends_at_its_limit(start, policy):
    server = start("--policy", policy({"limits": {"dataBytes": 64 << 20}}))
    done = shell(server, "head -c 200000000 /dev/zero | tail -c 190000000 | wc -c")
    assert done["stdout"].strip() != "190000000"


def test_processes_end_at_their_limit(start, policy):
    server = start("--policy", policy({"limits": {"processes": 40}}))
    done = shell(server, "for i in $(seq 100); do sleep 60 & done 2>/dev/null; jobs -p | wc -l; kill $(jobs -p)", timeout_ms=3000)
    assert int(done["stdout"].split()[0] if done["stdout"].split() else 0) < 40
    assert text_of(server.call("run_command", command="echo alive")).startswith("alive")


def test_result_limit(start, policy, workspace):
    (workspace / "long").write_text("0123456789abcdef\n" * 1000)
    short = text_of(start("--policy", policy({"resultLimit": 1000})).call("read_file", path="long"))
    longer = text_of(start("--policy", policy({"resultLimit": 1000}), "--result-limit", "5000").call("read_file", path="long"))
    assert len(short) < 1600 and 4000 < len(longer) < 5600


def test_answer_within(start, policy):
    """What runs longer goes on; the answer comes in time."""
    for server in (start("--policy", policy({"answerWithin": 0.6})), start("--answer-within", "0.6")):
        said = server.call("run_command", command="while :; do :; done")["structuredContent"]
        assert said["status"] == "running", said
        assert server.call("stop_command", id=said["id"])["structuredContent"]["signal"] == "SIGTERM"


def test_commands_have_fewer_files_than_who_sends_them_some(workspace):
    """What is on its way counts for the uid: with less than the server may have, none of theirs can keep it from sending."""
    done = subprocess.run(["sh", "-c", 'ulimit -n 4096; exec "$@"', "sh", PROGRAM, "call", "run_command", '{"command": "ulimit -Hn"}', "--workspace",
                           str(workspace)], env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    assert 1024 <= int(done.stdout.splitlines()[0]) <= 4096 - 1024, done  # LIMIT_FILES_AHEAD


def test_few_descriptors(workspace):
    """Commands wait for one another's descriptors; none is refused, and the spawner, which needs some 36, does not pay for it."""
    (workspace / "a.txt").write_text("alpha\n")
    server = Server(["sh", "-c", 'ulimit -n 40; exec "$@"', "sh", PROGRAM, "stdio", "--workspace", str(workspace)],
                    env=clean_environment())
    try:
        server.handshake()
        expected = {}
        for i in range(30):
            expected[server.start_call("run_command", command=f"echo said {i}")] = f"said {i}\n"
            expected[server.start_call("read_file", path="a.txt")] = "alpha\n"
        while expected:
            message = server.receive(lambda m: "id" in m)
            assert text_of(message["result"]).startswith(expected.pop(message["id"])), message
        assert server.errors == b""
    finally:
        server.kill()
