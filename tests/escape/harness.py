# SPDX-License-Identifier: Apache-2.0
"""What the tests in this folder share: a sandbox without the server, and looking at processes from outside.

Every file test_*.py here is found by run.py; a function test_*(tmp) in it is a test. It gets an empty directory of its own, fails by
an exception, and returns a reason when it must be skipped.
"""

import os
import re
import select
import subprocess

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.abspath(os.environ.get("SALLYPORT_BUILD", os.path.join(TOP, "build")))  # run.py sets it
ROOT = os.getuid() == 0
PATIENCE = 30 * int(os.environ.get("SALLYPORT_TEST_SLOWNESS", "1"))  # seconds until what is waited for is taken for lost


class Sandbox:
    """sandbox-run with a workspace of its own."""

    def __init__(self, tmp, *options, owner=None):
        self.workspace = os.path.join(tmp, "workspace")
        os.makedirs(self.workspace, exist_ok=True)
        os.chmod(tmp, 0o755)
        if owner is not None:
            os.chown(self.workspace, owner, owner)
        self.command = [os.path.join(BUILD, "sandbox-run"), "--workspace", self.workspace, "--home", "/home/sandboxed", *options]

    def start(self, line, **more):
        return subprocess.Popen([*self.command, "-c", line], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **more)

    def run(self, line):
        """(stdout, the outcome lines)"""
        process = self.start(line)
        output, errors = process.communicate(timeout=PATIENCE * 3)
        return output, errors

    def attempts(self, *words):
        command = [*self.command, "--extra", BUILD, "--", os.path.join(BUILD, "escape-attempts"), *words]
        return parse(subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout)


def parse(text):
    return dict(line.split(" ", 1) for line in text.splitlines())


def parse_status(text):
    """/proc/PID/status"""
    return {line.split(":", 1)[0]: line.split(":", 1)[1].strip() for line in text.splitlines()}


def status_of(pid):
    """The same of a process, or None when it is gone: between listing and reading anybody may end."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            return parse_status(file.read())
    except OSError:
        return None


def children(pid):
    """All descendants as {name: [pids]}, by what the kernel says of parents."""
    processes = {int(entry): status_of(entry) for entry in os.listdir("/proc") if entry.isdigit()}
    found, fresh = {}, {pid}
    while fresh:
        fresh = {child for child, status in processes.items() if status and int(status["PPid"]) in fresh}
        for child in fresh:
            found.setdefault(processes[child]["Name"], []).append(child)
    return found


def wait_for_line(process, text):
    """Reads stdout up to a line with `text`. Byte by byte, past the buffer: what it holds no select would tell."""
    line = b""
    while True:
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
        assert ready, f"{text!r} did not come"
        byte = os.read(process.stdout.fileno(), 1)
        assert byte, f"ended before {text!r}: {process.stderr.read()}"
        line += byte
        if byte == b"\n":
            if text.encode() in line:
                return
            line = b""


def wait_for_end(pipe):
    """Until nobody holds the other end: every process that inherited it is gone."""
    while True:
        ready, _, _ = select.select([pipe], [], [], PATIENCE)
        assert ready, "somebody is left alive"
        if not os.read(pipe.fileno(), 65536):
            return
