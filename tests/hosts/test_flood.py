# SPDX-License-Identifier: Apache-2.0
"""A gigabyte of output: the frontend's memory stays small, and all of it can be read.

The suite reads some pages of it; with SALLYPORT_SOAK set (test_soak.py) every one of them."""

import os
import time

import pytest
from client import PATIENCE
from holdings import sizes_of
from test_commands import begin, read

GIGABYTE = 1 << 30
LINE = "head -c 1G /dev/zero | tr '\\0' x"
MOST_KB = 8 << 10
PAGE = 100000
pytestmark = [pytest.mark.measured, pytest.mark.long]


class Memory:
    """The frontend's proportional share, at its highest."""

    def __init__(self, server):
        self.server, self.most = server, 0

    def look_often(self, done):
        """Until done(), and not as fast as a processor can: that would be the test's own flood."""
        deadline = time.monotonic() + 6 * PATIENCE
        while not done():
            assert time.monotonic() < deadline
            self.server.pump(time.monotonic() + 0.02, lambda: bool(self.server.waiting))
            self.look()

    def look(self):
        self.most = max(self.most, sizes_of(self.server.pid)["Pss"])
        assert self.most < MOST_KB, f"{self.most} kB"


@pytest.fixture
def patient(start, tmp_path):
    """A server that waits long, with a directory for what it puts on disk."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    scratch.chmod(0o1777)
    return start("--answer-within", "300", env={"TMPDIR": str(scratch)})


def read_pages(server, handle, memory):
    every = 1 if os.environ.get("SALLYPORT_SOAK") else 500
    pages = range(0, GIGABYTE, PAGE)
    for since in {*pages[::every], pages[-1]}:
        facts = read(server, handle, since=since, max_bytes=PAGE)
        size = min(PAGE, GIGABYTE - since)
        assert facts["stdout"] == "x" * size and facts["next"] == since + size and "lost_bytes" not in facts, (since, facts["next"])
        memory.look()


def test_in_the_background(patient):
    memory = Memory(patient)
    handle = begin(patient, LINE)
    memory.look_often(lambda: read(patient, handle, since=0, wait_ms=0, max_bytes=1)["status"] != "running")
    assert read(patient, handle, since=0, max_bytes=1)["exit_code"] == 0
    read_pages(patient, handle, memory)
    print(f"\n{memory.most} kB at most")


def test_in_the_foreground(patient):
    memory = Memory(patient)
    call = patient.start_call("run_command", command=LINE)
    memory.look_often(lambda: bool(patient.waiting))
    facts = patient.response(call)["result"]["structuredContent"]
    assert facts["exit_code"] == 0
    shown = facts["stdout"].count("x")
    assert shown >= 7000 and facts["omitted_bytes"]["stdout"] == GIGABYTE - shown, facts["omitted_bytes"]
    read_pages(patient, facts["id"], memory)
    print(f"\n{memory.most} kB at most, {facts['duration_ms']} ms")
