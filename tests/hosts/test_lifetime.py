# SPDX-License-Identifier: Apache-2.0
"""How the server begins and ends, and what it does while the host does not read."""

import os
import selectors
import signal
import time

import pytest
from client import PATIENCE, Watch, compact, text_of

ENDINGS = ["end of input", signal.SIGTERM, signal.SIGINT, signal.SIGKILL]


def busy(start):
    """A server with commands of the stubborn kind running, and files and spawner started."""
    server = start()
    server.call("list_directory")
    calls = [server.start_command("trap '' TERM HUP INT; setsid sleep 300 & (sleep 301 &) ; echo up; sleep 302") for _ in range(3)]
    for call in calls:
        server.wait_said(call, "up")
    return server


def end(server, ending):
    begin = time.monotonic()
    if ending == "end of input":
        server.close_input()
    else:
        server.process.send_signal(ending)
    return begin


@pytest.mark.parametrize("ending", ENDINGS, ids=str)
def test_nothing_is_left_alive(start, ending):
    server = busy(start)
    watch = Watch(server.tree())
    assert len(watch.descriptors) > 8
    end(server, ending)
    watch.wait_ended(PATIENCE)
    watch.close()


@pytest.mark.measured
@pytest.mark.parametrize("ending", ENDINGS, ids=str)
def test_nothing_is_left_alive_after_100_ms(start, ending):
    """The machine may be busy with something else for a moment: the best of three counts."""
    took = []
    for _ in range(3):
        server = busy(start)
        watch = Watch(server.tree())
        begin = end(server, ending)
        watch.wait_ended(PATIENCE)
        watch.close()
        took.append(time.monotonic() - begin)
        if took[-1] < 0.1:
            break
    assert min(took) < 0.1, took


@pytest.mark.parametrize("ending", ["end of input", signal.SIGTERM, signal.SIGINT], ids=str)
def test_exit_status(start, ending):
    server = start()
    server.call("list_directory")
    end(server, ending)
    assert server.process.wait(PATIENCE) == 0


def test_answers_that_are_ready_are_flushed_at_the_end_of_input(start, workspace):
    """As a person tries it: printf … | sallyport stdio."""
    (workspace / "a.txt").write_text("alpha\n")
    server = start(version=None)
    server.era, server.version = "legacy", "2025-11-25"
    lines = [{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
                 "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "printf", "version": "1"}}},
             {"jsonrpc": "2.0", "method": "notifications/initialized"},
             {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}]
    server.methods = {"1": "initialize", "2": "tools/list"}
    server.send_raw(b"".join(compact(line) + b"\n" for line in lines))
    assert server.finish() == 0
    assert sorted(message["id"] for message in server.waiting) == [1, 2]


def test_a_probe_that_ends_at_once(start):
    """TypeScript hosts start a process only to ask server/discover and end it 5 ms later."""
    for _ in range(20):
        server = start(version="2026-07-28")
        number = server.start("server/discover")
        server.response(number)
        watch = Watch(server.tree())
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0
        watch.wait_ended(PATIENCE)
        watch.close()


def test_input_that_is_at_its_end_already(start):
    server = start(version=None)
    assert server.finish() == 0
    assert server.waiting == [] and server.partial == b""


@pytest.mark.measured
def test_a_host_that_stops_reading(start, workspace):
    """A thousand big answers are due and the host does not read: memory stays bounded, other calls still end, and when the
    host reads again every answer comes."""
    text = "".join(f"line {i} of a file that is large enough\n" for i in range(800))
    (workspace / "big.txt").write_text(text)
    os.mkfifo(workspace / "fifo")
    server = start()
    server.call("read_file", path="big.txt")
    reader = os.open(workspace / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    server.reading = False
    marker = server.start_call("run_command", command="echo ended > fifo")
    numbers = {marker}
    for i in range(1000):
        numbers.add(server.next_id)
        message = {"jsonrpc": "2.0", "id": server.next_id, "method": "tools/call",
                   "params": {"name": "read_file", "arguments": {"path": "big.txt"}}}
        server.methods[str(server.next_id)] = "tools/call"
        server.next_id += 1
        server.pending += compact(message) + b"\n"
    # What the server takes now it takes; the rest waits in the pipe.
    server.pump(time.monotonic() + 2, lambda: not server.pending)
    with selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        assert selector.select(PATIENCE), "a command does not end while the host does not read"
    assert os.read(reader, 100) == b"ended\n"
    os.close(reader)
    memory = 0
    for pid in server.tree()[:1]:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            memory += next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
    assert memory < 100 * 1024, f"{memory} kB in the frontend"
    server.reading = True
    while numbers:
        message = server.receive(lambda m: "id" in m, 3 * PATIENCE)
        numbers.remove(message["id"])
        if message["id"] != marker:
            assert text_of(message["result"]).startswith("line 0 ")
    server.nothing_more()


def test_a_host_that_goes_away_without_reading(start, workspace):
    (workspace / "big.txt").write_text("x" * 30000)
    server = start()
    server.reading = False
    for _ in range(200):
        server.pending += compact({"jsonrpc": "2.0", "id": server.next_id, "method": "tools/call",
                                   "params": {"name": "read_file", "arguments": {"path": "big.txt"}}}) + b"\n"
        server.next_id += 1
    server.pump(time.monotonic() + 1, lambda: not server.pending)
    watch = Watch(server.tree())
    server.process.stdout.close()
    server.close_input()
    watch.wait_ended(PATIENCE)
    watch.close()


def test_stdout_that_is_closed_by_the_host(start):
    server = start()
    watch = Watch(server.tree())
    server.process.stdout.close()
    try:
        os.write(server.process.stdin.fileno(), compact({"jsonrpc": "2.0", "id": 1, "method": "ping"}) + b"\n")
    except BrokenPipeError:
        pass  # it has noticed by itself
    watch.wait_ended(PATIENCE)
    watch.close()


def test_quiet(start, workspace):
    """A session without trouble writes nothing to stderr, and to stdout only its answers (the client checks each line)."""
    (workspace / "a.txt").write_text("alpha\n")
    server = start()
    server.call("read_file", path="a.txt")
    server.call("run_command", command="echo out; echo err >&2")
    assert server.finish() == 0
    assert server.stderr() == ""


def test_twenty_at_once_leave_nothing(start):
    servers = [start() for _ in range(20)]
    watches = [Watch(server.tree()) for server in servers]
    for server in servers:
        server.close_input()
    for watch in watches:
        watch.wait_ended(PATIENCE)
        watch.close()
