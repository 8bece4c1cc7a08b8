# SPDX-License-Identifier: Apache-2.0
"""Attacks through the real server: what one is, and the scene it plays in.

An attack is a function that gets a scene, tries something there and returns whether it succeeded. It is played twice: on a stage
without a sandbox, where it must succeed (or the check would prove nothing), and through `run_command` and the other tools of a real
server, where it must not. The scene is one machine in small: a home with keys, a workspace in it, a victim that holds a secret.
Everything in it is open to everybody by its modes, so that it is never the ordinary permissions that stop an attack.
"""

import ctypes
import json
import os
import secrets
import select
import shlex
import shutil
import signal
import stat
import subprocess
import tempfile
import time

from harness import BUILD, PATIENCE, ROOT, children

ATTACKS = []
NOBODY = 61183  # who commands act as where root starts the server and the workspace is root's (sandbox/spawner/spawner.h)
TRIED = "the attack was tried"  # what every payload says first: one that could not even start has not been stopped by us


class Refused(Exception):
    """The server would not run it at all, since it cannot keep what the policy promises there."""


class Attack:
    def __init__(self, name, kind, wall, play, root_only):
        self.name, self.kind, self.wall, self.play, self.root_only = name, kind, wall, play, root_only


def attack(kind, wall, *, root_only=False, name=None):
    """Registers one. `wall` is what stops it; `root_only` when the kernel refuses it to unconfined ordinary users as well."""
    def register(play):
        ATTACKS.append(Attack(name or play.__name__.replace("_", " "), kind, wall, play, root_only))
        return play
    return register


class Said:
    """What came back of a command or a tool."""

    def __init__(self, text, code=None):
        self.text, self.code = text, code

    def __contains__(self, text):
        return text in self.text


class Unconfined:
    """What a server without a sandbox does."""

    def __init__(self, scene, **_):
        self.scene = scene

    def run(self, command, *, cwd=None, env=None, stdin=None):
        # into a file: what a command leaves behind would hold a pipe open
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as given:
            given.write((stdin or "").encode())
            given.seek(0)
            process = subprocess.Popen(["/bin/bash", "-c", command], cwd=cwd or self.scene.workspace, env={**self.scene.environment, **(env or {})},
                                       stdin=given, stdout=output, stderr=subprocess.STDOUT, pass_fds=self.scene.descriptors,
                                       start_new_session=True)
            code = process.wait(PATIENCE)
            output.seek(0)
            return Said(output.read().decode("utf-8", "replace"), code)

    def read_file(self, path):
        try:
            with open(os.path.join(self.scene.workspace, path.split("\0")[0]), encoding="utf-8", errors="replace") as file:
                return Said(file.read())
        except OSError as error:
            return Said(str(error))

    def write_file(self, path, content):
        try:
            with open(os.path.join(self.scene.workspace, path.split("\0")[0]), "w", encoding="utf-8") as file:
                file.write(content)
        except OSError as error:
            return Said(str(error))
        return Said("written")

    def list_directory(self, path):
        return Said(" ".join(os.listdir(os.path.join(self.scene.workspace, path))))

    def still_serves(self):
        return True

    def close(self):
        end_children({self.scene.victim.pid} if self.scene.victim else set())


class Served:
    """A real server over stdio."""

    def __init__(self, scene, *, policy=None, roots=None, wrapper=()):
        self.scene = scene
        if scene.mode.policy:
            policy = {**(policy or {}), **scene.mode.policy}
        command = [*wrapper, os.path.join(scene.programs, "sallyport"), "stdio", "--answer-within", str(2 * PATIENCE)]
        for root in roots or [scene.workspace]:
            command += ["--workspace", root]
        if policy is not None:
            path = os.path.join(scene.tmp, f"policy-{secrets.token_hex(4)}.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(policy, file)
            command += ["--policy", path]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=scene.workspace,
                                        env=scene.environment, pass_fds=scene.descriptors, bufsize=0)
        self.number, self.partial = 0, b""
        self.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {"roots": {"listChanged": True}},
                                    "clientInfo": {"name": "attacks", "version": "1"}})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message):
        self.process.stdin.write(json.dumps(message).encode() + b"\n")

    def receive(self):
        deadline = time.monotonic() + 3 * PATIENCE
        while b"\n" not in self.partial:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            assert ready, "the server does not answer"
            data = os.read(self.process.stdout.fileno(), 1 << 20)
            assert data, f"the server ended: {self.process.stderr.read()[-500:]}"
            self.partial += data
        line, self.partial = self.partial.split(b"\n", 1)
        return json.loads(line)

    def start(self, method, params):
        self.number += 1
        self.send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        return self.number

    def answer(self, number):
        while True:
            message = self.receive()
            if message.get("method") == "roots/list":  # whoever believes the client shows everything
                self.send({"jsonrpc": "2.0", "id": message["id"], "result": {"roots": [{"uri": "file:///", "name": "all"}]}})
            elif message.get("id") == number and "method" not in message:
                return message

    def request(self, method, params):
        return self.answer(self.start(method, params))

    def call(self, tool, **arguments):
        message = self.request("tools/call", {"name": tool, "arguments": arguments})
        if "error" in message:
            return Said(json.dumps(message["error"]))
        result = message["result"]
        facts = result.get("structuredContent") or {}
        text = "".join(block.get("text", "") for block in result["content"])
        return Said(facts["stdout"] + facts["stderr"] if "stdout" in facts else text, facts.get("exit_code"))

    def run(self, command, **arguments):
        return self.call("run_command", command=command, max_bytes=1000000, **arguments)

    def read_file(self, path):
        return self.call("read_file", path=path)

    def write_file(self, path, content):
        return self.call("write_file", path=path, content=content)

    def list_directory(self, path):
        return self.call("list_directory", path=path)

    def still_serves(self):
        # what an attack has killed of its own sandbox may cost the calls that run meanwhile, and is told
        return any("it serves" in self.run("echo it serves") for _ in range(20))

    def close(self):
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)


def reap():
    """Who has ended elsewhere and was left to this process counts against the user's limits until it is waited for."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def end_children(spared):
    """Ends what an attack left behind where nothing confined it: this process is its subreaper."""
    while True:
        left = {pid for pids in children(os.getpid()).values() for pid in pids} - spared
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        if not left:
            return


class Scene:
    def __init__(self, stage, mode):
        self.stage, self.mode = stage, mode
        self.tmp = tempfile.mkdtemp(prefix="sallyport-attack-")
        self.programs = BUILD
        self.secret = secrets.token_hex(16)
        self.descriptors = ()
        self.home = self.directory("home")
        self.workspace = self.directory("home/project")
        self.directory("home/bin")
        self.key = self.file("home/.ssh/id_ed25519", self.secret)
        self.outside = self.file("outside/secret", self.secret)
        self.environment = {"HOME": self.home, "PATH": f"{self.home}/bin:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8",
                            "SSH_AUTH_SOCK": f"{self.tmp}/agent"}
        self.victim = None
        self.opened = []
        self._server = None

    # ---- what stands around ----

    def directory(self, name):
        path = os.path.join(self.tmp, name)
        os.makedirs(path, exist_ok=True)
        while len(path) >= len(self.tmp):
            os.chmod(path, 0o777)
            path = os.path.dirname(path)
        return os.path.join(self.tmp, name)

    def file(self, name, content="", mode=0o666):
        path = os.path.join(self.tmp, name)
        self.directory(os.path.dirname(name))
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(path, mode)
        return path

    def in_workspace(self, name, content="", mode=0o666):
        return self.file(os.path.join("home/project", name), content, mode)

    def text(self, path):
        """What stands in a file now; nothing when there is none."""
        try:
            with open(os.path.join(self.tmp, path), encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def start_victim(self):
        """A process of the person's own, with the secret in its memory, its environment and an open file; it lets anybody trace it."""
        self.victim = subprocess.Popen([os.path.join(BUILD, "escape-helper"), "victim", self.outside], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, cwd=os.path.dirname(self.outside), env={"VICTIM_TOKEN": self.secret})
        assert self.victim.stdout.readline() == b"ready\n"
        return self.victim.pid

    def hold(self, opened):
        """Something to close at the end."""
        self.opened.append(opened)
        return opened

    # ---- trying ----

    def serve(self, **options):
        """The server that the attack goes through, started by the first use with what it wants."""
        if self._server is None:
            self._server = (Unconfined if self.stage == "unconfined" else Served)(self, **({**self.mode.options, **options}))
        return self._server

    def run(self, line, **arguments):
        said = self.serve().run(f"echo {shlex.quote(TRIED)}; {line}", **arguments)
        if "cannot be confined" in said and TRIED not in said:
            raise Refused(said.text)
        assert TRIED in said, f"it was not even tried: {said.text[:500]}"
        return said

    def python(self, code, **arguments):
        said = self.run(f"/usr/bin/python3 -c {shlex.quote('print(7 * 191, flush=True)' + chr(10) + code)}", **arguments)
        assert "1337" in said, f"it was not even tried: {said.text[:500]}"
        return said

    def helper(self, *words):
        """The C program beside this file, out of the workspace."""
        path = os.path.join(self.workspace, "helper")
        if not os.path.exists(path):
            shutil.copy(os.path.join(BUILD, "escape-helper"), path)
            os.chmod(path, 0o755)
        return shlex.join(["./helper", *map(str, words)])

    def close(self):
        try:
            if self._server:
                self._server.close()
        finally:
            if self.victim:
                self.victim.stdin.close()
                self.victim.kill()
                self.victim.wait()
                self.victim.stdout.close()
            for opened in self.opened:
                opened.close()
            if self.stage == "unconfined":
                end_children(set())
            else:
                reap()
            shutil.rmtree(self.tmp, ignore_errors=True)


def become_subreaper():
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def is_set_uid(path):
    return bool(os.lstat(path).st_mode & (stat.S_ISUID | stat.S_ISGID))


def play(one, stage, mode):
    """Whether it succeeded on that stage."""
    def give_up(number, frame):
        raise TimeoutError(f"{stage}: it hangs")

    scene = Scene(stage, mode)
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(4 * PATIENCE)
    try:
        succeeded = bool(one.play(scene))
        assert stage == "unconfined" or one.name not in mode.refused, "it was tried, though modes.py says that the server refuses it"
        if stage != "unconfined":
            assert scene.serve().still_serves(), "after it the server serves no command any more"
        return succeeded
    except Refused:
        if one.name not in mode.refused:
            raise
        return False
    finally:
        signal.alarm(0)
        scene.close()


__all__ = ["ATTACKS", "NOBODY", "ROOT", "Refused", "Scene", "Served", "attack", "become_subreaper", "is_set_uid", "play"]
