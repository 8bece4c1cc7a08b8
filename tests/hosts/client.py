# SPDX-License-Identifier: Apache-2.0
"""A raw client: lines of JSON over pipes, answers in any order, every wait with an end, nothing hidden.

Whatever the server writes to stdout must be one JSON message a line, or the test that reads it fails. While it waits for one
answer it keeps what else arrives. It never sleeps: it waits for bytes, or for a process to end.
"""

import json
import os
import selectors
import signal
import subprocess
import time

from schemas import check_message

MODERN = "2026-07-28"
LEGACY = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
PATIENCE = 20 * float(os.environ.get("SALLYPORT_TEST_SLOWNESS", "1"))
CHECKED_A_KIND = 40  # answers of one kind checked against the schema by one client: checking 1,000 takes longer than answering


class Gone(Exception):
    """The server ended its output while something was awaited."""


def meta(version=MODERN, capabilities=None, name="raw-test-client", **more):
    """The _meta of a modern request."""
    return {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": {"name": name, "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": capabilities or {},
        **more,
    }


def compact(message):
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


class Result(dict):
    """A tool's result; a member that is missed tells what there was in its place."""

    def __missing__(self, name):
        raise KeyError(f"there is no {name} in {dict(self)}")


class Server:
    """One server process. `era` decides what request() adds: "legacy" nothing, "modern" the _meta."""

    def __init__(self, command, *, cwd=None, env=None, user=None):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        cwd=cwd, env=env, bufsize=0, user=user, group=user, extra_groups=[] if user else None)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            os.set_blocking(pipe.fileno(), False)
        self.era = None
        self.version = None
        self.asks = False  # it may send requests
        self.next_id = 1
        self.pending = bytearray()  # to be written
        self.partial = b""  # of a line that was read
        self.errors = b""  # stderr
        self.waiting = []  # messages that nobody asked for yet
        self.methods = {}  # id as JSON -> method, to know the result's schema
        self.checked = {}
        self.reading = True
        self.ended = False

    # ---- bytes ----

    def pump(self, deadline, done):
        """Moves bytes until done() is true. False when the deadline passed; Gone when the server's output ended."""
        with selectors.DefaultSelector() as selector:
            if self.reading and not self.ended:
                selector.register(self.process.stdout, selectors.EVENT_READ)
            selector.register(self.process.stderr, selectors.EVENT_READ)
            writing = False
            while not done():
                if self.ended:
                    raise Gone(f"the server's output ended (exit {self.process.poll()}): {self.stderr()[-800:]}")
                if bool(self.pending) != writing:
                    writing = bool(self.pending)
                    (selector.register(self.process.stdin, selectors.EVENT_WRITE) if writing
                     else selector.unregister(self.process.stdin))
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                for key, _ in selector.select(left):
                    self._move(key.fileobj, selector)
        return True

    def _move(self, pipe, selector):
        if pipe is self.process.stdin:
            try:
                with memoryview(self.pending) as view:
                    written = os.write(pipe.fileno(), view[: 1 << 20])
                del self.pending[:written]  # moves no bytes: a bytearray keeps a hole at its front
            except BrokenPipeError:
                self.pending.clear()
            return
        data = os.read(pipe.fileno(), 1 << 20)
        if pipe is self.process.stderr:
            self.errors += data
            if not data:
                selector.unregister(pipe)
        elif not data:
            self.ended = True
            assert self.partial == b"", f"output ends in the middle of a line: {self.partial[-200:]!r}"
        else:
            *lines, self.partial = (self.partial + data).split(b"\n")
            self.waiting.extend(self._message(line) for line in lines)

    def _message(self, line):
        assert not line.endswith(b"\r"), f"a line ends in CR: {line[:200]!r}"
        message = json.loads(line.decode("utf-8"))
        for one in message if isinstance(message, list) else [message]:
            asked = None if "method" in one else self.methods.pop(json.dumps(one.get("id")), None)
            kind = asked or one.get("method")
            self.checked[kind] = self.checked.get(kind, 0) + 1
            if self.checked[kind] <= CHECKED_A_KIND:
                check_message(one, self.version or "2025-11-25", asked, self.asks)
        return message

    def stderr(self):
        return self.errors.decode("utf-8", "replace")

    def send_raw(self, data, timeout=PATIENCE):
        """Bytes as they are; returns when the server has taken them all."""
        self.pending += data
        assert self.pump(time.monotonic() + timeout, lambda: not self.pending), "the server does not read"

    def send(self, message):
        for one in message if isinstance(message, list) else [message]:
            if isinstance(one, dict) and "id" in one and "method" in one:
                self.methods[json.dumps(one["id"])] = one["method"]
        self.send_raw(compact(message) + b"\n")

    # ---- messages ----

    def receive(self, wanted=lambda message: True, timeout=PATIENCE):
        """The first message that is wanted; the others wait. TimeoutError when there is none in time."""
        found = []

        def look():
            found[:] = [i for i, message in enumerate(self.waiting) if wanted(message)][:1]
            return bool(found)

        if not self.pump(time.monotonic() + timeout, look):
            raise TimeoutError(f"nothing came in {timeout} s; waiting: {str(self.waiting)[:500]}; stderr: {self.stderr()[-800:]}")
        return self.waiting.pop(found[0])

    def response(self, number, timeout=PATIENCE):
        """The answer to a request, by an id that is equal in JSON (1 and 1.0 differ)."""
        text = json.dumps(number)
        return self.receive(lambda m: isinstance(m, dict) and "method" not in m and "id" in m and json.dumps(m["id"]) == text,
                            timeout)

    def nothing_more(self):
        """Shows that no message is on its way that nobody asked for: a ping's answer comes, and nothing before it."""
        if self.era == "legacy":
            number = self.start("ping")
        else:
            number = self.start("server/discover")
        self.response(number)
        assert self.waiting == []

    def start(self, method, params=None, number=None, progress=None):
        """Sends a request and returns its id."""
        if number is None:
            number, self.next_id = self.next_id, self.next_id + 1
        message = {"jsonrpc": "2.0", "id": number, "method": method}
        if self.era == "modern":
            params = {**(params or {}), "_meta": {**meta(), **(params or {}).get("_meta", {})}}
        if progress is not None:
            params = {**(params or {}), "_meta": {**(params or {}).get("_meta", {}), "progressToken": progress}}
        if params is not None:
            message["params"] = params
        self.send(message)
        return number

    def start_command(self, line):
        """Starts a command whose progress is told; returns the call's id, which is its progress token too."""
        return self.start("tools/call", {"name": "run_command", "arguments": {"command": line}}, progress=self.next_id)

    def wait_said(self, number, text):
        """Until a command of start_command() has said it. Progress alone may be told before it runs."""
        self.receive(lambda m: m.get("method") == "notifications/progress" and m["params"]["progressToken"] == number
                     and text in m["params"].get("message", ""))

    def request(self, method, params=None, timeout=PATIENCE, **more):
        return self.response(self.start(method, params, **more), timeout)

    def notify(self, method, params=None):
        message = {"jsonrpc": "2.0", "method": method}
        if self.era == "modern":
            params = {**(params or {}), "_meta": meta()}
        if params is not None:
            message["params"] = params
        self.send(message)

    def start_call(self, tool, **arguments):
        return self.start("tools/call", {"name": tool, "arguments": arguments})

    def call(self, tool, timeout=PATIENCE, **arguments):
        """A tool's result; a protocol error fails the test."""
        answer = self.response(self.start_call(tool, **arguments), timeout)
        assert "result" in answer, answer
        return Result(answer["result"])

    def handshake(self, version="2025-11-25", name="raw-test-client", capabilities=None):
        """The legacy one, or none in the modern era."""
        if version == MODERN:
            self.era, self.version = "modern", MODERN
            return None
        self.era, self.version = "legacy", version
        answer = self.request("initialize", {"protocolVersion": version, "capabilities": capabilities or {},
                                             "clientInfo": {"name": name, "version": "1"}})
        self.notify("notifications/initialized")
        return answer["result"]

    # ---- the process and those it started ----

    @property
    def pid(self):
        return self.process.pid

    def tree(self):
        """Pids of the server and everything it started, the server first. None when it has ended: the number may be another's by then."""
        return descendants(self.pid) if self.process.poll() is None else []

    def close_input(self):
        self.process.stdin.close()

    def finish(self, timeout=PATIENCE):
        """Closes its input and returns its exit status, having read everything it still says."""
        if not self.process.stdin.closed:
            self.close_input()
        deadline = time.monotonic() + timeout
        try:
            self.pump(deadline, lambda: False)
        except Gone:
            return self.process.wait(max(0.1, deadline - time.monotonic()))
        raise AssertionError("the server does not end")

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if not pipe.closed:
                pipe.close()


def parents():
    """pid -> parent of every process there is."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if fields[0] != "Z":
                found[int(name)] = int(fields[1])
    return found


def descendants(root):
    of = parents()
    found = [root] if root in of else []
    for pid in found:
        found.extend(child for child, parent in of.items() if parent == pid)
    return found


class Watch:
    """Processes by descriptor, so that a pid used again is not taken for the same process."""

    def __init__(self, pids):
        self.descriptors = {}
        for pid in pids:
            try:
                self.descriptors[pid] = os.pidfd_open(pid)
            except ProcessLookupError:
                pass

    def wait_ended(self, timeout):
        """Seconds until all of them have ended; fails the test when some live on."""
        begin = time.monotonic()
        left = dict(self.descriptors)
        with selectors.DefaultSelector() as selector:
            for pid, descriptor in left.items():
                selector.register(descriptor, selectors.EVENT_READ, pid)
            while left and time.monotonic() - begin < timeout:
                for key, _ in selector.select(max(0, timeout - (time.monotonic() - begin))):
                    selector.unregister(key.fd)
                    left.pop(key.data, None)
        assert not left, f"still alive after {timeout} s: {[describe(pid) for pid in left]}"
        return time.monotonic() - begin

    def close(self):
        for descriptor in self.descriptors.values():
            os.close(descriptor)
        self.descriptors = {}


def describe(pid):
    """A process for a person who reads a failure."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            command = file.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return f"{pid} ({file.read().strip()}) {command[:80]}"
    except OSError:
        return f"{pid} (gone)"


def name_of(pid):
    """What a process calls itself: sallyport, sallyport-spare, -spawn, -keepe (the kernel keeps 15
    characters), -nanny, -files, -web, -broker, or the command's own name."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def text_of(result):
    """The text a model would see."""
    return "".join(block["text"] for block in result["content"] if block["type"] == "text")
