# SPDX-License-Identifier: Apache-2.0
"""Commands in the background and what they leave: however they end, and whoever of ours is killed, nothing of them stays."""

import os
import signal

import pytest
from client import PATIENCE, Watch, descendants, name_of, parents, text_of
from holdings import descriptors, settle
from survivors import SURVIVORS
from test_commands import begin, read, read_until
from test_profiles import REFUSED, serve, workspace  # noqa: F401  (fixtures)
from test_taken_over import processes

ALL = {"all of them": "\n".join(SURVIVORS.values())}
ENDS = {  # how it goes on after what it leaves, what run_command takes more, and what then becomes of it
    "by itself": ("read line; exit 3", {"stdin": ""}, ("exited", "exit_code", 3)),
    "stopped": ("sleep 1001", {}, ("signaled", "signal", "SIGTERM")),
    "stopped, and deaf": ("trap '' TERM; sleep 1001; sleep 1001", {}, ("signaled", "signal", "SIGKILL")),
    "too long": ("sleep 1001", {"timeout_ms": 700}, ("timed_out", "signal", "SIGKILL")),
    "on a terminal": ("sleep 1001", {"tty": True}, ("signaled", "signal", "SIGHUP")),
}
OURS = ("sallyport", "sallyport-spare", "sallyport-spawn", "sallyport-keepe", "sallyport-nanny", "sallyport-files", "sallyport-searc",
        "sallyport-web",         "sallyport-broke")


def of_commands(server):
    """Processes that are no program of ours. What is just being born has still its nanny's name."""
    return [pid for pid in server.tree() if name_of(pid) not in (*OURS, "")]


@pytest.mark.parametrize("wrapper", [[], REFUSED], ids=["full", "container"])
@pytest.mark.parametrize("end", ENDS)
def test_nothing_is_alive_after_the_answer(serve, wrapper, end):  # noqa: F811
    server = serve(wrapper, {})
    works(server)
    before = descriptors(server.pid)
    line, more, (status, field, expected) = ENDS[end]
    for name, leaves in (ALL if "deaf" in end or "long" in end else SURVIVORS).items():  # those take their time
        handle = begin(server, f"{leaves}\necho here; {line}", **more)
        results = read_until(server, handle, lambda r: "here" in r["stdout"] or r["status"] != "running")
        if results[-1]["status"] == "running":
            assert len(of_commands(server)) >= 2, f"{name}: nothing is there to be left over"
        if end == "by itself":
            server.call("write_input", id=handle, text="go\n", wait_ms=0)
        elif end == "on a terminal":
            server.call("stop_command", id=handle, signal="HUP")
        elif end.startswith("stopped"):
            server.call("stop_command", id=handle)
        facts = read_until(server, handle, lambda r: r["status"] != "running")[-1]
        left = [name_of(pid) for pid in of_commands(server)]
        assert not left, f"{name}: {left}"
        assert (facts["status"], facts[field]) == (status, expected), (name, facts)
    assert descriptors(server.pid) == before


@pytest.fixture
def busy(start, policy, tmp_path):
    """A server with a directory for what it puts on disk, and three commands: of a flood, of a log in a file, on a terminal."""
    scratch = tmp_path / "scratch"
    scratch.mkdir(mode=0o777)
    scratch.chmod(0o1777)
    server = start("--policy", policy({"limits": {"outputBytes": 8 << 20}}), env={"TMPDIR": str(scratch)})
    server.call("run_command", command="true")
    server.scratch = scratch
    server.before = settle(server, scratch)[0]
    leaves = ALL["all of them"]
    server.handles = [begin(server, "yes"), begin(server, f"{leaves}\nsleep 0.3; seq 200000; echo quiet; sleep 1001"),
                      begin(server, f"{leaves}\nsleep 0.3; echo quiet; sleep 1001", tty=True)]
    for handle in server.handles[1:]:
        read_until(server, handle, lambda r: "quiet" in r["stdout"])
    while not any(where.startswith(str(scratch)) for where in descriptors(server.pid)):
        read(server, server.handles[0])
    return server


def works(server):
    told = server.call("run_command", command="echo works")
    assert text_of(told).startswith("works\n"), told


def is_as_before(server, *but):
    """All that they held has been given back, and what is on the disk has no name. How many nannies wait is no matter."""
    now, before = settle(server, server.scratch)[0], server.before
    assert {what: value for what, value in now.items() if what not in ("nannies", *but)} == \
        {what: value for what, value in before.items() if what not in ("nannies", *but)}


def kill_and_watch(server, victims):
    """Kills them; all that they had below is to end, but for a spare, which is the next spawner."""
    below = {pid for victim in victims for pid in descendants(victim) if name_of(pid) != "sallyport-spare"} | set(victims)
    watch = Watch(below)
    assert len(watch.descriptors) == len(below)
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    watch.wait_ended(PATIENCE)
    watch.close()


def test_killed_frontend(busy):
    kill_and_watch(busy, [busy.pid])
    assert os.listdir(busy.scratch) == []


def test_killed_spare(busy):
    """Nobody notices."""
    kill_and_watch(busy, processes(busy, "sallyport-spare"))
    works(busy)
    assert read(busy, busy.handles[1], since=0, max_bytes=10)["stdout"] == "1\n2\n3\n4\n5\n"
    for handle in busy.handles:
        assert busy.call("stop_command", id=handle)["structuredContent"]["status"] == "signaled"
    assert not of_commands(busy)
    is_as_before(busy)


def all_are_lost(server, kill, how, *but):
    """Who waits for one of its commands is told, and who asks later too; the next command runs."""
    waiting = server.start_call("read_output", id=server.handles[1])
    server.request("ping")
    kill()
    assert server.response(waiting)["result"]["isError"]
    for handle in server.handles:
        told = server.call("read_output", id=handle)
        assert told["isError"] and how in text_of(told), told
    works(server)
    assert not of_commands(server)
    is_as_before(server, *but)


@pytest.mark.parametrize("victim", ["sallyport-spawn", "sallyport-keepe"])
def test_killed_with_the_whole_sandbox(busy, victim):
    def kill():
        above, pids = parents(), processes(busy, victim)
        kill_and_watch(busy, [pid for pid in pids if above.get(pid) not in pids])  # a nanny may still have its keeper's name
    all_are_lost(busy, kill, "the sandbox ended", "processes", "spawner")  # the next is built ahead, or the spawner is another


def test_killed_nannies(busy):
    """Only their commands are lost; the sandbox goes on."""
    def kill():
        above = parents()
        nannies = {above.get(pid) for pid in of_commands(busy)}
        kill_and_watch(busy, [pid for pid in processes(busy, "sallyport-nanny") if pid in nannies])
    works(busy)
    all_are_lost(busy, kill, "watches over it ended")
