#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every limit of cgroup v2, for real, in each place where groups can be had; runs in the guest, as root (see run).

usage: groups.py BUILD [WORD]...     only the tests whose name or place contains one of the words

A test is a function test_*(place, tmp). Where a bound must bind, the same is first shown to pass without it.
"""

import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "escape"))
os.environ["SALLYPORT_BUILD"] = os.path.abspath(sys.argv[1])

import attack  # noqa: E402  pylint: disable=wrong-import-position
import bombs  # noqa: E402  pylint: disable=wrong-import-position
from harness import BUILD, PATIENCE, Sandbox, children, wait_for_line  # noqa: E402  pylint: disable=wrong-import-position

ROOT = "/sys/fs/cgroup"
USER = 1777
MEGABYTE = 1 << 20
BOMB = "python3 -c 'x = bytearray({} << 20); print(len(x))'"


def put(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def get(path):
    with open(path, encoding="ascii") as file:
        return file.read()


class Place:
    """Where a server is started, and what its group is then."""

    def __init__(self, name, directory, uid, enter, tests=("test_",)):
        self.name, self.directory, self.uid, self.enter, self.tests = name, directory, uid, enter, tests

    def sandbox(self, tmp, *options):
        sandbox = Sandbox(tmp, *options, owner=self.uid)
        sandbox.command = [*self.enter, *sandbox.command]
        return sandbox

    def server(self, tmp, **policy):
        """A real one."""
        os.chmod(tmp, 0o755)
        return bombs.start(tmp, "server", policy=policy, wrapper=self.enter)

    def processes(self, server):
        """The frontend's, behind what starts it, and its spare's."""
        found = children(server.process.pid)
        return found.get("sallyport", [server.process.pid]) + found.get("sallyport-spare", [])

    def groups(self):
        """Directories of sandboxes that are there."""
        return [path for path in glob.glob(f"{self.directory}/sallyport.*/*") if os.path.isdir(path) and "-" in os.path.basename(path)]

    def group(self):
        (found,) = self.groups()
        return found

    def unclean(self, left):
        """What of ours is there beside those processes, or not as it was before we came; nothing when all is well."""
        bases = glob.glob(f"{self.directory}/sallyport.*")
        if bases or self.directory == ROOT:
            return bases
        inside = set(map(int, get(f"{self.directory}/cgroup.procs").split()))
        handed = get(f"{self.directory}/cgroup.subtree_control")
        return [handed, inside, children(os.getpid())] if handed or inside ^ set(left) else []

    def clean(self, *left):
        """A server does not wait long for what it has started, and the last of it goes after its group."""
        deadline = time.monotonic() + PATIENCE
        while found := self.unclean(left):
            assert time.monotonic() < deadline, found


def shell(script):
    return ["bash", "-c", script + '; exec "$@"', "bash"]


def places():
    put(f"{ROOT}/cgroup.subtree_control", "+memory +pids +cpu")
    yield Place("root at the top", ROOT, None, [])
    # as a login is: others are in the group, so the top is taken
    os.makedirs(f"{ROOT}/login", exist_ok=True)
    yield Place("root in a login's group", ROOT, None, ["bash", "-c", f'echo 0 > {ROOT}/login/cgroup.procs; "$@"; exit $?', "bash"],
                tests=("test_bounds", "test_again", "test_doctor"))
    # as systemd-run --user --scope -p Delegate=yes does it
    os.makedirs(f"{ROOT}/delegated", exist_ok=True)
    for name in ("", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"):
        os.chown(f"{ROOT}/delegated{name}", USER, USER)
    yield Place("a user with a delegated group", f"{ROOT}/delegated", USER,
                [*shell(f"echo 0 > {ROOT}/delegated/cgroup.procs"), "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"])
    os.makedirs(f"{ROOT}/container", exist_ok=True)
    yield Place("a group namespace", f"{ROOT}/container", None,
                [*shell(f"echo 0 > {ROOT}/container/cgroup.procs"), "unshare", "--cgroup", "--mount",
                 *shell(f"umount {ROOT} && mount -t cgroup2 cgroup2 {ROOT}")])


# ---- the tests ----

def test_memory(place, tmp):
    """One process that wants too much is ended; the sandbox goes on."""
    output, errors = place.sandbox(tmp, "--memory", str(96 * MEGABYTE)).run(BOMB.format(20))
    assert str(20 * MEGABYTE) in output, output + errors
    sandbox = place.sandbox(tmp, "--memory", str(96 * MEGABYTE), "--then", "echo alive")
    output, errors = sandbox.run(BOMB.format(200))
    assert output == "alive\n" and "ended signal=9" in errors, output + errors
    output, errors = place.sandbox(tmp, "--memory", str(400 * MEGABYTE)).run(BOMB.format(200))
    assert str(200 * MEGABYTE) in output, output + errors
    place.clean()


def test_memory_of_many(place, tmp):
    """None of them is too large, all together are."""
    line = """mkfifo up; exec 3<> up; : > out
        for i in 1 2 3 4 5 6 7 8; do python3 -c 'x = bytearray(20 << 20); print("has it", flush=True); input()' < up >> out & done
        while [ $(wc -l < out) -lt 8 ] && [ $(jobs -r | wc -l) = 8 ]; do sleep 0.1; done
        jobs -r | wc -l"""
    output, errors = place.sandbox(tmp, "--memory", str(96 * MEGABYTE), "--then", "echo alive").run(line)
    lines = output.split()
    assert lines[-1] == "alive" and int(lines[-2]) < 8, output + errors
    os.unlink(f"{tmp}/workspace/up")
    output, errors = place.sandbox(tmp, "--memory", str(600 * MEGABYTE)).run(line)
    assert output.split()[-1] == "8", output + errors


def test_full_places(place, tmp):
    """What lies in /tmp, home and /dev/shm counts, cannot take it all, and can be removed again."""
    sandbox = place.sandbox(tmp, "--memory", str(96 * MEGABYTE), "--temporary-bytes", str(1 << 40), "--temporary-files", "1000000000",
                            "--then", "rm -rf /tmp/big /tmp/many /dev/shm/big /home/sandboxed/big; echo alive $(head -c 10000000 /dev/zero | wc -c)")
    output, errors = sandbox.run("""for at in /tmp /dev/shm /home/sandboxed; do
            head -c 200000000 /dev/zero > $at/big; stat -c %s $at/big; done
        mkdir /tmp/many; rm /tmp/big
        python3 -c 'import os
try:
    for i in range(1000000): os.close(os.open(f"/tmp/many/{i}", os.O_CREAT))
except OSError as error: print(i, error.errno)'""")
    lines = output.split("\n")
    for size in lines[:3]:
        assert 14 * MEGABYTE < int(size) <= 16 * MEGABYTE, output + errors
    made, code = map(int, lines[3].split())
    assert code == 28 and 1000 < made < 7000, output
    assert errors.count("No space left") == 3 and errors.count("ended exit=0") == 2, errors
    assert lines[4] == "alive 10000000", output


SEGMENTS = """import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
for i in range(40):
    at = libc.shmat(libc.shmget(0, 10 << 20, 0o1600), None, 0)
    ctypes.memset(ctypes.c_void_p(at), 1, 10 << 20)
    libc.shmdt(ctypes.c_void_p(at))
    print(i, flush=True)"""


def test_memory_without_a_process(place, tmp):
    """Shared memory of System V lives on without anybody. What it costs is the sandbox, and nothing outside."""
    before = free()
    output, errors = place.sandbox(tmp, "--memory", str(96 * MEGABYTE)).run(f"python3 -c '{SEGMENTS}'")
    assert 1 <= len(output.split()) < 12, output + errors
    assert "ended signal=9" in errors or "lost" in errors, errors
    place.clean()
    deadline = time.monotonic() + PATIENCE  # the kernel takes a namespace apart when it finds the time
    while free() < before - 60 * MEGABYTE:
        assert time.monotonic() < deadline, (before, free())


def free():
    for line in get("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    raise AssertionError


def test_processes(place, tmp):
    """The group's own bound: lowered from outside, below what the process limit gives."""
    sandbox = place.sandbox(tmp, "--processes", "60")
    fork = "python3 -c 'import os\nn = 0\ntry:\n  while n < 50:\n    os.fork() or os.execvp(\"sleep\", [\"sleep\", \"1000\"])\n    n += 1\nexcept OSError: pass\nprint(n)'"
    process = sandbox.start(f"{fork}; mkfifo go; echo ready; read line < go; {fork}; exit 0")
    try:
        wait_for_line(process, "50")
        wait_for_line(process, "ready")
        group = place.group()
        assert get(f"{group}/pids.max") == "60\n"
        assert int(get(f"{group}/pids.current")) > 50
        for pid in get(f"{group}/cgroup.procs").split():  # those 50
            if get(f"/proc/{pid}/comm") == "sleep\n":
                os.kill(int(pid), 9)
        put(f"{group}/pids.max", "20")
        put(f"{tmp}/workspace/go", "\n")
        output, errors = process.communicate(timeout=PATIENCE)
        assert 0 < int(output.split()[-1]) < 20, output + errors
    finally:
        process.kill()
        process.communicate()


def test_processor(place, tmp):
    """A loop gets the part of a processor that it may have, and is held when it has had it."""
    loop = "timeout 2 bash -c 'while :; do :; done'; mkfifo go; echo ready; read line < go; rm go"
    throttled = {}
    for thousandths in (100, 0):
        process = place.sandbox(tmp, *(["--cpu-thousandths", str(thousandths)] if thousandths else [])).start(loop)
        try:
            wait_for_line(process, "ready")
            group = place.group()
            assert get(f"{group}/cpu.max") == (f"{thousandths * 100} 100000\n" if thousandths else "max 100000\n")
            throttled[thousandths] = dict(line.split() for line in get(f"{group}/cpu.stat").splitlines())
            put(f"{tmp}/workspace/go", "\n")
            process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
            process.communicate()
    assert int(throttled[100]["nr_throttled"]) > 5, throttled
    assert int(throttled[0]["nr_throttled"]) == 0, throttled
    # a tenth of each period of 100 ms, however slow the machine is
    assert int(throttled[100]["usage_usec"]) < 15000 * int(throttled[100]["nr_periods"]), throttled


def test_bounds(place, tmp):
    """What nobody asked for has a bound too; our own processes are not in the sandbox's group; everything of the sandbox is."""
    process = place.sandbox(tmp).start("(setsid sleep 1000 &); mkfifo go; echo ready; read line < go")
    try:
        wait_for_line(process, "ready")
        group = place.group()
        total = int(get("/proc/meminfo").split()[1]) << 10
        assert 0 < int(get(f"{group}/memory.max")) < total, get(f"{group}/memory.max")
        assert get(f"{group}/pids.max") == "1024\n"
        if os.path.exists(f"{group}/memory.swap.max"):
            assert get(f"{group}/memory.swap.max") == "0\n"
        inside = [get(f"/proc/{pid}/comm").strip() for pid in get(f"{group}/cgroup.procs").split()]
        assert sorted(set(inside)) == ["bash", "sallyport-keeper"[:15], "sallyport-nanny", "sleep"], inside
        put(f"{tmp}/workspace/go", "\n")
        process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.communicate()
    place.clean()


def test_again(place, tmp):
    """What one server leaves is what the next one finds; also when the first was killed."""
    for _ in range(3):
        output, errors = place.sandbox(tmp, "--memory", str(96 * MEGABYTE)).run(BOMB.format(200))
        assert "ended signal=9" in errors, output + errors
        place.clean()
    process = place.sandbox(tmp).start("echo ready; sleep 1000")
    wait_for_line(process, "ready")
    for pid in [process.pid, *children(process.pid).get("sandbox-run", [])]:
        os.kill(pid, 9)
    process.communicate()
    place.clean()
    output, errors = place.sandbox(tmp, "--memory", str(96 * MEGABYTE)).run(BOMB.format(200))
    assert "ended signal=9" in errors, output + errors
    place.clean()


# ---- the same through a real server ----

def command(server, line, **arguments):
    """(structured content, text) of run_command."""
    result = server.request("tools/call", {"name": "run_command", "arguments": {"command": line, **arguments}})["result"]
    return result.get("structuredContent"), "".join(block["text"] for block in result["content"])


def end(place, server):
    """Its end takes its group along."""
    bases = [f"{place.directory}/sallyport.{pid}" for pid in place.processes(server)]
    server.process.stdin.close()
    server.process.wait(PATIENCE)
    deadline = time.monotonic() + PATIENCE  # it does not wait long for what it has started
    while any(map(os.path.exists, bases)):
        assert time.monotonic() < deadline, [glob.glob(f"{base}/*") for base in bases]
    server.close()


def test_out_of_memory(place, tmp):
    """Said where it is so, and only there."""
    server = place.server(tmp, limits={"memoryBytes": 96 * MEGABYTE})
    data, text = command(server, BOMB.format(200))
    assert data["status"] == "out_of_memory" and data["signal"] == "SIGKILL", (data, text)
    assert "out of memory" in text and "limits.memoryBytes" in text, text
    data, text = command(server, f"{BOMB.format(200)}; exit $?")
    assert data["status"] == "out_of_memory" and data["exit_code"] == 137, (data, text)
    data, text = command(server, f"{BOMB.format(200)}; true")
    assert data["status"] == "exited" and "the kernel ended 1 process" in text, (data, text)
    data, text = command(server, f"{BOMB.format(20)}; kill -9 $$")
    assert data["status"] == "signaled" and "memory" not in text, (data, text)
    data, text = command(server, "echo alive")
    assert data["status"] == "exited" and data["stdout"] == "alive\n" and "memory" not in text, (data, text)
    # what nobody's end frees: the sandbox goes, and that is told for what it is
    data, text = command(server, f"python3 -c '{SEGMENTS}'")
    assert data and data["status"] == "out_of_memory", text
    assert any("alive" in command(server, "echo alive")[1] for _ in range(20)), "the next sandbox does not come"
    end(place, server)
    place.clean()


def test_another_spawner(place, tmp):
    """One that was killed, and one that rested: their successors find things in order, and bind as they did."""
    server = place.server(tmp, limits={"memoryBytes": 96 * MEGABYTE}, sandbox={"idleSeconds": 1})
    (spawner,) = children(server.process.pid)["sallyport-spawn"]
    os.kill(spawner, 9)
    deadline = time.monotonic() + PATIENCE
    while "alive" not in command(server, "echo alive")[1]:
        assert time.monotonic() < deadline, "no other spawner comes"
    assert place.group()
    assert command(server, BOMB.format(200))[0]["status"] == "out_of_memory"
    place.clean(*place.processes(server))  # idle, and then at rest
    assert command(server, BOMB.format(200))[0]["status"] == "out_of_memory"
    assert place.group()
    end(place, server)
    place.clean()


def test_doctor(place, tmp):
    """What it says is what there is."""
    os.makedirs(f"{tmp}/workspace")
    os.chmod(tmp, 0o755)
    done = subprocess.run([*place.enter, f"{BUILD}/sallyport", "doctor", "--json"], cwd=f"{tmp}/workspace", capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    (row,) = [row for row in json.loads(done.stdout)["layers"] if row["layer"] == "cgroup"]
    assert row["state"] == "there" and not row.get("remedy"), row
    assert "memory yes, processes yes, processor time yes" in row["detail"], row
    place.clean()


def test_bombs(place, tmp):
    """All of them, within a small group: another caller's server goes on, and so does their own."""
    limits = {**bombs.LIMITS, "memoryBytes": 128 * MEGABYTE, "dataBytes": 1 << 30}
    os.chmod(tmp, 0o755)
    other = bombs.start(tmp, "other")
    for name in bombs.BOMBS:
        server = bombs.start(tmp, name, policy={"limits": limits}, wrapper=place.enter)
        try:
            bombs.explode(name, server, other, True)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
        end(place, server)
    other.process.stdin.close()
    other.process.wait(PATIENCE)
    place.clean()
    other.close()


def run(name, test, place):
    tmp = tempfile.mkdtemp(prefix="sallyport-groups-")
    begin = time.monotonic()
    try:
        test(place, tmp)
        print(f"ok      {name}: {place.name} ({time.monotonic() - begin:.1f} s)", flush=True)
        return True
    except Exception as error:  # pylint: disable=broad-except
        where = traceback.extract_tb(error.__traceback__)[1]
        print(f"FAILED  {name}: {place.name}: {os.path.basename(where.filename)}:{where.lineno}: {type(error).__name__}: {error}", flush=True)
        return False
    finally:
        attack.end_children(set())  # of one that failed
        shutil.rmtree(tmp, ignore_errors=True)


def main():
    sys.dont_write_bytecode = True
    attack.become_subreaper()
    words = sys.argv[2:]
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    results = [run(name, test, place) for place in places() for name, test in tests
               if name.startswith(place.tests) and (not words or any(word in f"{name}: {place.name}" for word in words))]
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 1 if False in results or not results else 0


if __name__ == "__main__":
    sys.exit(main())
