# SPDX-License-Identifier: Apache-2.0
"""Walls between callers of one server: what each sees of the other, what a keeper that was taken over can do, and how many fit."""

import json
import os
import resource
import select
import shutil
import signal
import time

from callers import Gate, Server
from harness import BUILD, PATIENCE, ROOT

# ---- what one caller sees of another ----

# Leaves a trace in every place there is, says so, and stays until it is told to go.
VICTIM = """
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
for path in ("/tmp/mark", os.path.expanduser("~/mark"), "/dev/shm/mark", "/var/tmp/mark"):
    try:
        with open(path, "w") as file:
            file.write("left behind")
    except OSError:
        pass
secret = ctypes.create_string_buffer(b"left behind in memory")
libc.prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0)  # whoever wants may trace this
unlinked = os.memfd_create("left-behind")
os.write(unlinked, b"left behind")
abstract = socket.socket(socket.AF_UNIX)
abstract.bind(chr(0) + "left-behind")
abstract.listen()
tcp = socket.socket()
tcp.bind(("127.0.0.1", 4711))
tcp.listen()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 4712))
memory = libc.shmget(4711, 4096, 0o1666)
libc.prctl(15, b"left-behind", 0, 0, 0)
open("address", "w").write(f"{ctypes.addressof(secret)} {unlinked}")
with open("up", "w") as up:
    up.write("up\\n")
open("gate", "rb", buffering=0).read(3)
"""

# Looks for all of it, and says what it found.
INTRUDER = """
import ctypes, json, os, signal, socket
libc = ctypes.CDLL(None, use_errno=True)
address, unlinked = open("address").read().split()
found = {}
def attempt(name, act):
    try:
        found[name] = bool(act())
    except OSError:
        found[name] = False
for name, path in (("tmp", "/tmp/mark"), ("home", os.path.expanduser("~/mark")), ("shm", "/dev/shm/mark")):
    attempt("file in " + name, lambda: open(path).read() == "left behind")
def pids():
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and open(f"/proc/{entry}/comm").read() == "left-behind\\n":
                yield int(entry)
        except OSError:
            pass
attempt("process", lambda: list(pids()))
attempt("signal", lambda: [os.kill(pid, 0) for pid in pids()])
attempt("pidfd", lambda: [os.pidfd_open(pid) for pid in pids()])
attempt("environment", lambda: [open(f"/proc/{pid}/environ").read() for pid in pids()])
attempt("descriptor", lambda: [open(f"/proc/{pid}/fd/{unlinked}").read() == "left behind" for pid in pids()])
def peek(pid):
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(int(address))
        return memory.read(11) == b"left behind"
attempt("memory", lambda: [peek(pid) for pid in pids()])
def connect(family, address):
    with socket.socket(family) as one:
        one.connect(address)
    return True
attempt("abstract socket", lambda: connect(socket.AF_UNIX, chr(0) + "left-behind"))
attempt("loopback", lambda: connect(socket.AF_INET, ("127.0.0.1", 4711)))
def datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.connect(("127.0.0.1", 4712))
        one.send(b"x")
        one.send(b"x")  # the first one's refusal is told by now
        return True
attempt("datagram", datagram)
attempt("System V memory", lambda: libc.shmget(4711, 4096, 0o666) >= 0)
attempt("namespace", lambda: any(os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt") for pid in pids()))
print(json.dumps(found))
"""


def test_one_caller_sees_nothing_of_another(tmp):
    """The same intruder finds everything when it is the victim's own caller: none of its questions is vacuous."""
    with Server(tmp) as server:
        for name, text in (("victim.py", VICTIM), ("intruder.py", INTRUDER)):
            with open(os.path.join(server.workspace, name), "w", encoding="utf-8") as file:
                file.write(text)
        os.chmod(server.workspace, 0o777)
        gate = Gate(server)
        victim = server.start(1, "python3 victim.py")
        gate.wait(server, 1)
        own = json.loads(server.output(1, "python3 intruder.py"))
        other = json.loads(server.output(2, "python3 intruder.py"))
        gate.open(1)
        assert server.answer(victim)[1]["exit_code"] == 0
        gate.close()
    assert len(own) >= 14 and all(own.values()), own
    assert not any(other.values()), other


def test_a_caller_that_kills_all_it_can(tmp):
    with Server(tmp) as server:
        gate = Gate(server)
        calls = [server.start(caller, f"{Gate.LINE}; echo lived") for caller in (1, 2)]
        gate.wait(server, 2)
        error, _ = server.run(1, "kill -9 -1; for pid in /proc/[0-9]*; do kill -9 ${pid#/proc/}; done; kill -9 1; kill -9 $$")
        assert error  # its nanny was among them
        assert server.answer(calls[0])[0]
        gate.open(2)
        assert server.answer(calls[1])[1]["stdout"] == "lived\n"
        assert server.output(1, "echo again") == "again\n"
        gate.close()


# ---- a keeper that was taken over ----

LIES = ["forge setup", "forge door", "flood swept", "flood descriptors", "leash nonsense", "leash bytes", "ends twice",
        "stopped is no end", "wrong status", "denies", "silent", "ends", "closes the door", "kills everybody", "blocks"]


def taken_over(tmp):
    """Our programs in a folder of their own, the keeper replaced."""
    place = os.path.join(tmp, "programs")
    os.mkdir(place)
    for name in ("many-callers", "sallyport-spawner", "sallyport-files", "sallyport-search", "sallyport-web", "sallyport-broker"):
        shutil.copy2(os.path.join(BUILD, name), place)
    shutil.copy2(os.path.join(BUILD, "tests/hostile/hostile-keeper"), os.path.join(place, "sallyport-keeper"))
    return os.path.join(place, "many-callers")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_a_keeper_that_was_taken_over(tmp):
    """Whatever it says, to the spawner, through the door or on a leash: only its own caller's calls suffer."""
    with Server(tmp, program=taken_over(tmp), preexec=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))) as server:
        assert server.output(2, "honest") == "honest\n"
        spawner, = server.tree()["sallyport-spawn"]
        before = None
        for lie in LIES:
            beside = server.start(2, "honest")
            assert server.output(1, "honest") == "honest\n", lie  # its sandbox stands
            call = server.start(1, lie, timeout_ms=1000)
            error, content = server.answer(call)
            if lie == "wrong status":
                assert content["exit_code"] == 42, content
            elif lie in ("honest", "forge setup", "denies", "kills everybody", "ends twice"):
                assert not error, (lie, content)
            elif lie != "closes the door":  # then its own call may be answered or lost, whichever is heard first
                assert error or content["status"] == "timed_out", (lie, content)
            assert server.answer(beside)[1]["stdout"] == "honest\n", lie
            assert server.output(2, "honest") == "honest\n", lie
            assert spawner in server.tree()["sallyport-spawn"], lie
            server.leave(1)  # and with it its sandbox; the next lie gets a new one
            server.output(2, "honest")
            before = before or descriptors(server.process.pid)
            assert descriptors(server.process.pid) <= before + 4, lie
            assert descriptors(spawner) <= 24, (lie, descriptors(spawner))


def test_descriptors_on_their_way(tmp):
    """What is in flight in sockets counts for all of a uid's processes, ours too, which must send descriptors: a command
    that sends as many as it may must not keep other callers from being served."""
    flood = """
import array, os, resource, socket
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
pairs, sent = [], 0
try:
    while True:
        pairs.append(socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
        pairs[-1][0].setblocking(False)
        while True:
            try:
                pairs[-1][0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * 253))])
                sent += 253
            except BlockingIOError:
                break
except OSError as error:
    print(sent, error, flush=True)
open("up", "w").write("up\\n")
open("gate", "rb", buffering=0).read(3)
"""
    with Server(tmp) as server:
        with open(os.path.join(server.workspace, "flood.py"), "w", encoding="utf-8") as file:
            file.write(flood)
        gate = Gate(server)
        calls = [server.start(1, "python3 flood.py") for _ in range(3)]
        gate.wait(server, 3)
        assert server.output(2, "echo served") == "served\n"
        assert server.output(3, "echo served") == "served\n"
        gate.open(3)
        for call in calls:
            error, content = server.answer(call)
            assert not error, content
        assert "Too many references" in server.answer(calls[0])[1]["stdout"], server.answer(calls[0])
        gate.close()


def test_a_command_is_its_callers_alone(tmp):
    """Whoever has learnt another's id is told what one is told who has made it up."""
    with Server(tmp) as server:
        error, mine = server.run(1, "read line; echo $line", wait_ms=0, stdin="")
        assert not error and mine["status"] == "running"
        for tool, more in (("read_output", {}), ("write_input", {"text": "theirs\n"}), ("stop_command", {})):
            told = [server.answer(server.call(2, tool, id=one, **more)) for one in (mine["id"], "0" * 32)]
            assert told[0] == told[1] and told[0][0], told
        assert server.answer(server.call(2, "list_commands"))[1] == {"commands": []}
        error, said = server.answer(server.call(1, "write_input", id=mine["id"], text="mine\n"))
        while said["status"] == "running":
            error, said = server.answer(server.call(1, "read_output", id=mine["id"], since=0))
        assert said["stdout"].endswith("mine\n") and "theirs" not in said["stdout"]


# ---- built ahead ----

def await_keepers(server, count):
    """Until so many stand."""
    deadline = time.monotonic() + PATIENCE
    while len(found := set(server.keepers())) != count:
        assert time.monotonic() < deadline, (count, server.tree())
    return found


def test_the_next_sandbox_is_built_ahead(tmp):
    """Where there was a second caller. It is the third's then; and who asks when somebody has killed it gets another."""
    with Server(tmp) as server:
        server.output(1, "true")
        await_keepers(server, 1)
        server.output(2, "true")
        before = await_keepers(server, 3)
        server.output(3, "echo mine > /tmp/mine")
        after = await_keepers(server, 4)
        assert before < after  # what was there has become the third's, so the new one is nobody's
        nobodys, = after - before
        end = os.pidfd_open(nobodys)
        os.kill(nobodys, signal.SIGKILL)
        assert select.select([end], [], [], PATIENCE)[0]
        os.close(end)
        assert server.output(3, "cat /tmp/mine") == "mine\n"
        assert server.output(4, "cat /tmp/mine || echo none") == "none\n"
        await_keepers(server, 5)
        if ROOT:  # commands act as the workspace's owner: who that is now, not who it was
            os.chown(server.workspace, 4242, 4242)
            server.output(5, "echo > whose")
            assert os.stat(os.path.join(server.workspace, "whose")).st_uid == 4242


# ---- how many ----

def test_two_hundred_at_once(tmp):
    """200 callers, each with a command alive in a sandbox of its own, all at the same time, and none is refused."""
    count = 200
    with Server(tmp, policy={"sandbox": {"maximum": 220}}) as server:
        gate = Gate(server)
        calls = [server.start(caller, f"echo {caller} > /tmp/mine; {Gate.LINE}; cat /tmp/mine; readlink /proc/self/ns/mnt")
                 for caller in range(count)]
        gate.wait(server, count)
        assert len(server.keepers()) in (count, count + 1)  # one may be built ahead
        gate.open(count)
        namespaces = set()
        for caller, call in enumerate(calls):
            error, content = server.answer(call)
            assert not error and content["exit_code"] == 0, content
            mine, namespace = content["stdout"].split()
            assert mine == str(caller)
            namespaces.add(namespace)
        assert len(namespaces) == count
        gate.close()


def test_more_callers_than_sandboxes(tmp):
    """At the bound the idle give way, in turn, and nobody is refused."""
    with Server(tmp, policy={"sandbox": {"maximum": 5}}) as server:
        calls = [server.start(caller, "cat /tmp/mine; echo x > /tmp/mine; echo done") for caller in range(40)]
        for call in calls:
            error, content = server.answer(call)
            assert not error and content["stdout"] == "done\n", content
        assert len(server.keepers()) <= 5 + 1  # built ahead


def test_the_processes_of_a_caller_that_left(tmp):
    """Cancelled, killed, and their sandbox with them, while another caller goes on."""
    with Server(tmp) as server:
        gate = Gate(server)
        server.start(1, f"{Gate.LINE}; sleep 1000")
        stays = server.start(2, f"{Gate.LINE}; echo stayed")
        gate.wait(server, 2)
        keepers = await_keepers(server, 3)  # one is built ahead
        ends = [os.pidfd_open(pid) for pid in keepers]
        server.leave(1)
        ended = select.select(ends, [], [], PATIENCE)[0]
        assert len(ended) == 1
        gate.open(2)
        assert server.answer(stays)[1]["stdout"] == "stayed\n"
        gate.close()
        for end in ends:
            os.close(end)
