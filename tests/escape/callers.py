# SPDX-License-Identifier: Apache-2.0
"""A server with many callers (many_callers.c), as a test drives it: any caller calls, answers come in any order."""

import json
import os
import select
import subprocess
import time

from harness import BUILD, PATIENCE, children, status_of


class Server:
    def __init__(self, tmp, *options, program=os.path.join(BUILD, "many-callers"), policy=None, preexec=None):
        self.workspace = os.path.join(tmp, "workspace")
        os.makedirs(self.workspace, exist_ok=True)
        os.chmod(tmp, 0o755)
        if policy:
            with open(os.path.join(tmp, "policy.json"), "w", encoding="utf-8") as file:
                json.dump(policy, file)
            options = ["--policy", os.path.join(tmp, "policy.json"), *options]
        self.process = subprocess.Popen([program, "--workspace", self.workspace, "--answer-within", str(3 * PATIENCE), *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, preexec_fn=preexec)
        self.known, self.answers, self.partial, self.last = set(), {}, b"", 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0, "the server did not survive"
        self.process.stdout.close()

    def send(self, lines):
        data = "".join(lines).encode()
        while data:
            data = data[os.write(self.process.stdin.fileno(), data[:65536]):]

    def start(self, caller, line, **arguments):
        """Begins a command of `caller`; returns what answer() takes."""
        return self.call(caller, "run_command", command=line, **arguments)

    def call(self, caller, tool, **arguments):
        """The same of any tool."""
        lines = []
        if caller not in self.known:
            self.known.add(caller)
            hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "many", "version": "1"}}
            for message in ({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello},
                            {"jsonrpc": "2.0", "method": "notifications/initialized"}):
                lines.append(f"{caller} {json.dumps(message)}\n")
        self.last += 1
        message = {"jsonrpc": "2.0", "id": self.last, "method": "tools/call",
                   "params": {"name": tool, "arguments": arguments}}
        self.send([*lines, f"{caller} {json.dumps(message)}\n"])
        return caller, self.last

    def leave(self, caller):
        self.known.discard(caller)
        self.send([f"{caller}\n"])

    def take(self, seconds):
        """Reads what comes within that time; False when nothing did."""
        if not select.select([self.process.stdout], [], [], max(seconds, 0))[0]:
            return False
        data = os.read(self.process.stdout.fileno(), 1 << 20)
        assert data, f"the server ended: {self.process.wait(PATIENCE)}"
        *lines, self.partial = (self.partial + data).split(b"\n")
        for line in lines:
            caller, message = line.split(b" ", 1)
            message = json.loads(message)
            if message.get("id"):
                key = int(caller), message["id"]
                assert key not in self.answers, f"answered twice: {key}"
                self.answers[key] = message["result"]
        return True

    def answer(self, call):
        """(is it an error, structured content or text)"""
        deadline = time.monotonic() + PATIENCE
        while call not in self.answers:
            assert self.take(deadline - time.monotonic()), f"no answer to {call}"
        result = self.answers[call]
        return result.get("isError", False), result.get("structuredContent") or result["content"][0]["text"]

    def run(self, caller, line, **arguments):
        return self.answer(self.start(caller, line, **arguments))

    def output(self, caller, line, **arguments):
        error, content = self.run(caller, line, **arguments)
        assert not error and isinstance(content, dict), content
        return content["stdout"]

    def tree(self):
        return children(self.process.pid)

    def keepers(self):
        """One for each sandbox, the one that is built ahead among them when it stands. Nannies that were only just forked have the name
        too, but not the parent."""
        tree = self.tree()
        found = [(pid, status_of(pid)) for name in ("sallyport-keepe", "sallyport-nanny") for pid in tree.get(name, [])]
        parents = {int(status["PPid"]) for _, status in found if status}
        return [pid for pid, status in found if status and int(status["PPid"]) in tree["sallyport-spawn"] and pid in parents]


class Gate:
    """Two pipes in the workspace: commands say "up" on one and wait for a line on the other."""

    LINE = "echo up > up; read line < gate"

    def __init__(self, server):
        self.pipes = []
        for name in ("up", "gate"):
            path = os.path.join(server.workspace, name)
            os.mkfifo(path)
            os.chmod(path, 0o666)
            self.pipes.append(os.open(path, os.O_RDWR))

    def wait(self, server, count):
        """Until so many are up; answers that come meanwhile are kept, unless they say that one will not come up."""
        up, before = 0, set(server.answers)
        while up < count:
            ready = select.select([self.pipes[0], server.process.stdout], [], [], PATIENCE)[0]
            assert ready, f"{up} of {count} commands are up"
            if server.process.stdout in ready:
                server.take(0)
                refused = [result for call, result in server.answers.items() if call not in before and result.get("isError")]
                assert not refused, f"{up} of {count} commands are up, {len(refused)} refused: {refused[0]}"
            if self.pipes[0] in ready:
                up += os.read(self.pipes[0], 4096).count(b"\n")

    def open(self, count):
        os.write(self.pipes[1], b"go\n" * count)

    def close(self):
        for pipe in self.pipes:
            os.close(pipe)
