#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bombs: one caller's commands want everything there is, and another caller's go on.

usage: bombs.py BUILD [--table] [WORD]...     only the bombs whose name contains one of the words

Two real servers. While a bomb goes off in the first, the second is asked, call after call, and so is the first one's own frontend.
What must hold: every call is answered, the bomb came to the wall, its own sandbox serves afterwards, nothing of it
is alive. How long calls take is no verdict on a machine that others use too: --table prints it, beside the same calls before.
"""

import os
import select
import sys
import tempfile
import time
import types

import program

LIMITS = {"processes": 200, "files": 256, "dataBytes": 256 << 20, "fileBytes": 64 << 20, "temporaryBytes": 16 << 20,
          "temporaryFiles": 2000, "memoryBytes": 512 << 20}
SECONDS = 0.7  # that is asked beside it

# What goes off. Each says so through the pipe `up` when it has come to the wall, and goes on.
BOMBS = {
    "fork": """(bomb() { bomb | bomb & }; bomb) 2>/dev/null &
python3 -c '
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
  try:
    if os.fork() == 0: signal.pause()
  except OSError: break
open("up", "w").write("wall")'
while :; do :; done""",
    "memory": """python3 -c '
x = []
while True:
  try: x.append(bytearray(4 << 20))
  except MemoryError: break'
echo wall > up  # also when the kernel has taken it
while :; do tail /dev/zero; done 2>/dev/null""",
    "disk": """while :; do
  for at in /tmp /dev/shm ~ .; do head -c 100000000 /dev/zero > $at/big || echo wall > up; done
  rm -f /tmp/big
done 2>/dev/null""",
    "inodes": """python3 -c '
import os
for at in ("/tmp", "/dev/shm"):
  try:
    for i in range(1 << 30): os.close(os.open(f"{at}/{i}", os.O_CREAT))
  except OSError: pass
open("up", "w").write("wall")
while True:
  try: os.open("/tmp/more", os.O_CREAT)
  except OSError: pass'""",
    "descriptors": """python3 -c '
import os
up = open("up", "w")
for _ in range(20):
  if os.fork() == 0: break
held = []
while True:
  try:
    held += os.pipe()
    os.set_blocking(held[-1], False)
    os.write(held[-1], bytes(65536))
  except OSError: break
up.write("wall")
up.flush()
while True: pass'""",
    "output": "yes & yes >&2 & echo wall > up; wait",
    "processors": "for i in 1 2 3 4 5 6 7 8; do while :; do :; done & done; echo wall > up; wait",
}
CALLS = {
    "read_file": {"name": "read_file", "arguments": {"path": "small"}},
    "run_command": {"name": "run_command", "arguments": {"argv": ["/bin/true"]}},
}


def start(tmp, name, *, policy=None, wrapper=()):
    """A server with a workspace of its own."""
    from attack import Served  # pylint: disable=import-outside-toplevel
    from modes import MODES  # pylint: disable=import-outside-toplevel

    workspace = os.path.join(tmp, name)
    os.makedirs(workspace, exist_ok=True)
    os.chmod(workspace, 0o777)
    with open(os.path.join(workspace, "small"), "w", encoding="ascii") as file:
        file.write("x" * 4000)
    scene = types.SimpleNamespace(mode=MODES["full"], programs=os.environ["SALLYPORT_BUILD"], workspace=workspace, tmp=tmp, descriptors=(),
                                  environment={"HOME": tmp, "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"})
    server = Served(scene, policy=policy or {"limits": LIMITS}, wrapper=wrapper)
    said = server.run("echo ready")
    assert "ready" in said, f"it does not serve: {said.text}"
    return server


def ask(server, seconds):
    """Latencies of as many calls as fit, each answered and none an error: {tool: [seconds]}"""
    times = {tool: [] for tool in CALLS}
    end = time.monotonic() + seconds
    while time.monotonic() < end or not all(times.values()):
        for tool, params in CALLS.items():
            begin = time.monotonic()
            result = server.request("tools/call", params)["result"]
            times[tool].append(time.monotonic() - begin)
            assert not result.get("isError"), result
    return times


def median(values):
    return sorted(values)[len(values) // 2]


def go_off(server, name):
    """Starts one and waits until it has come to the wall; its number, or None when it has ended (the kernel took it for its memory)."""
    from harness import PATIENCE  # pylint: disable=import-outside-toplevel

    path = os.path.join(server.scene.workspace, "up")
    os.mkfifo(path)
    os.chmod(path, 0o666)
    up = os.open(path, os.O_RDWR)  # for writing too: no end of file before the first writer
    try:
        number = server.start("tools/call", {"name": "run_command", "arguments": {"command": BOMBS[name]}})
        ready, _, _ = select.select([up, server.process.stdout], [], [], 2 * PATIENCE)
        assert ready, "it does not come to the wall"
        if up in ready:
            return number
        result = server.answer(number)["result"]
        assert result.get("isError") or result["structuredContent"]["status"] == "out_of_memory", result
        return None
    finally:
        os.close(up)


def explode(name, first, second, table):
    """The whole of it."""
    from harness import PATIENCE, children  # pylint: disable=import-outside-toplevel

    before = ask(second, SECONDS / 2)
    bomb = go_off(first, name)
    during = ask(second, SECONDS)
    assert not first.request("tools/call", CALLS["read_file"])["result"].get("isError"), "its own frontend does not answer"
    if bomb is not None:
        first.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": bomb}})
    deadline = time.monotonic() + PATIENCE  # what was cancelled is not answered when it is gone
    while left := [kind for kind in children(first.process.pid) if not kind.startswith("sallyport")]:
        assert time.monotonic() < deadline, f"alive: {left}"
    assert first.still_serves(), "its own sandbox serves no more"
    first.run("rm -rf /tmp/* /dev/shm/* ~/* big")
    if table:
        for tool in CALLS:
            quiet, loud = median(before[tool]), median(during[tool])
            print(f"{name:12} {tool:12} {quiet * 1e6:8.0f} us before {loud * 1e6:8.0f} us beside it {loud / quiet:6.2f} x of {len(during[tool])} calls")


def main():
    options = program.begin(__doc__, table={"action": "store_true"})
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="sallyport-bombs-") as tmp:
        os.chmod(tmp, 0o755)
        second = start(tmp, "second")
        for name in BOMBS:
            if name == "memory" and os.environ.get("SALLYPORT_SANITIZED"):
                print("SKIPPED memory: a sanitizer's shadow is terabytes of private memory, so nothing bounds it in this build", flush=True)
                continue
            if not program.is_wanted(options, name):
                continue
            first = start(tmp, name)
            try:
                explode(name, first, second, options.table)
                print(f"ok      {name}", flush=True)
                passed += 1
            except Exception as error:  # pylint: disable=broad-except
                print(f"FAILED  {name}: {type(error).__name__}: {error}", flush=True)
                failed += 1
            finally:
                first.close()
        second.close()
    return program.end(passed, failed)


if __name__ == "__main__":
    sys.exit(main())
