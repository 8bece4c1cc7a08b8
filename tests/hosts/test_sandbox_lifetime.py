# SPDX-License-Identifier: Apache-2.0
"""How long a sandbox lives: with the server, for one call, or until nobody has used it for a while."""

import os
import select
import signal

from client import PATIENCE, Watch, name_of

MARKS = "/tmp/mark ~/mark /dev/shm/mark"
LEAVE = (f"for at in {MARKS}; do echo left > $at; done; mkfifo /tmp/pipe; "
         "python3 -c 'import ctypes; print(ctypes.CDLL(None).shmget(4711, 4096, 0o1600))'; "
         "(setsid bash -c 'exec -a left-behind sleep 300' > /dev/null 2>&1 &)")
LOOK = (f"cat {MARKS} 2> /dev/null; ls -d {MARKS} /tmp/pipe 2> /dev/null | wc -l; "
        "python3 -c 'import ctypes; print(ctypes.CDLL(None).shmget(4711, 4096, 0o600))'; "
        "grep -lsa ^left-behind /proc/[0-9]*/cmdline; true")


def run(server, command):
    result = server.call("run_command", command=command)
    assert "structuredContent" in result, result
    return result["structuredContent"]


def namespace(server):
    return run(server, "readlink /proc/self/ns/mnt")["stdout"]


def keepers(server):
    """Each is the first in its namespace, and has nannies. Those have its name too when they were only just forked."""
    found = []
    for pid in server.tree():
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
                stands = bool(file.read())
        except OSError:
            continue  # gone by now
        if status["Name"] == "sallyport-keepe" and status["NSpid"].split()[-1] == "1" and stands:
            found.append(pid)
    return found


def test_with_the_server(server):
    """Files and shared memory stay from call to call, processes do not."""
    assert run(server, LEAVE)["stdout"].strip() != "-1"
    found = run(server, LOOK)["stdout"].splitlines()
    assert found[:4] == ["left", "left", "left", "4"] and found[4] != "-1" and len(found) == 5, found
    assert namespace(server) == namespace(server)


def test_for_one_call(start, policy):
    """Nothing of one call is there for the next; the workspace is what they share."""
    server = start("--policy", policy({"sandbox": {"lifetime": "call"}}))
    seen = set()
    for _ in range(5):
        left = run(server, f"{LEAVE}; echo one >> shared")
        assert left["exit_code"] == 0 and left["stdout"].strip() != "-1", left
        assert run(server, LOOK)["stdout"].splitlines() == ["0", "-1"]
        seen |= {namespace(server), namespace(server)}
    assert run(server, "cat shared")["stdout"] == "one\n" * 5
    assert len(seen) > 1  # numbers are given again by the kernel, but not each time


def test_for_one_call_beside_others(start, policy, workspace):
    """Those that run at the same time see nothing of each other either."""
    server = start("--answer-within", "60", "--policy", policy({"sandbox": {"lifetime": "call"}}))
    pipes = []
    for name in ("up", "gate"):
        os.mkfifo(workspace / name)
        os.chmod(workspace / name, 0o666)
        pipes.append(os.open(workspace / name, os.O_RDWR))
    calls = [server.start_call("run_command", command=f"echo {i} > /tmp/{i}; echo up > up; read go < gate; ls /tmp | grep -x [0-9]; "
                               "readlink /proc/self/ns/pid; ls -d /proc/[0-9]* | wc -l") for i in range(4)]
    up = b""
    while up.count(b"\n") < 4:
        assert select.select([pipes[0]], [], [], PATIENCE)[0], "not all four run at once"
        up += os.read(pipes[0], 100)
    os.write(pipes[1], b"go\n" * 4)
    results = [server.response(call)["result"]["structuredContent"]["stdout"].splitlines() for call in calls]
    for pipe in pipes:
        os.close(pipe)
    assert [lines[0] for lines in results] == ["0", "1", "2", "3"]  # its own file, and no other line before the next
    assert len({lines[1] for lines in results}) == 4
    # keeper, two nannies, the shell, and the two of the pipe that counts
    assert all(int(lines[2]) <= 6 for lines in results), results


def test_nothing_lives_on_after_the_call(start, policy):
    """The sandbox of a call ends with it; one more is ready for the next."""
    server = start("--policy", policy({"sandbox": {"lifetime": "call"}}))
    for _ in range(10):
        run(server, "true")
    while True:
        watch = Watch(keepers(server))
        alive = list(watch.descriptors.values())
        if len(alive) > 1:
            assert select.select(alive, [], [], PATIENCE)[0], "sandboxes of calls that are over live on"
        watch.close()
        if len(alive) <= 1:
            break


def test_one_sandbox_at_most(start, policy):
    """sandbox.maximum 1 and a fresh one each call: they come one after the other, and all are answered."""
    server = start("--answer-within", "60", "--policy", policy({"sandbox": {"lifetime": "call", "maximum": 1}}))
    calls = [server.start_call("run_command", command="cat /tmp/x; echo x > /tmp/x; echo done") for _ in range(6)]
    for call in calls:
        assert server.response(call)["result"]["structuredContent"]["stdout"] == "done\n"


def test_idle(start, policy, workspace):
    """All but the frontend and the spare end, and everything comes back when it is needed; /tmp is a new one then."""
    (workspace / "a").write_text("a")
    server = start("--policy", policy({"sandbox": {"idleSeconds": 1}}))
    for _ in range(2):
        assert run(server, "cat /tmp/mark; echo here > /tmp/mark")["stdout"] == ""
        assert server.call("read_file", path="a")["content"][0]["text"] == "a"
        watch = Watch(pid for pid in server.tree() if name_of(pid) not in ("sallyport", "sallyport-spare"))
        assert len(watch.descriptors) >= 4  # spawner, files, keeper, nanny
        watch.wait_ended(PATIENCE)
        watch.close()
        assert [name_of(pid) for pid in server.tree()] == ["sallyport", "sallyport-spare"]


def test_idle_though_stopped(start, policy):
    """A keeper that hears nothing is killed."""
    server = start("--policy", policy({"sandbox": {"idleSeconds": 1}}))
    run(server, "true")
    watch = Watch(keepers(server))
    assert watch.descriptors
    for pid in watch.descriptors:
        os.kill(pid, signal.SIGSTOP)
    watch.wait_ended(PATIENCE)
    watch.close()


def test_idle_broker(start, policy, workspace):
    """It ends with the last whom it served, though a sandbox that needs none goes on."""
    os.mkfifo(workspace / "gate")
    os.chmod(workspace / "gate", 0o666)
    gate = os.open(workspace / "gate", os.O_RDWR)
    server = start("--answer-within", "60", "--policy", policy({"sandbox": {"idleSeconds": 1}}))
    for _ in range(2):
        call = server.start_call("run_command", command="read go < gate; echo went")
        assert server.call("fetch_url", url="http://127.0.0.1:1/")["isError"]
        watch = Watch(pid for pid in server.tree() if name_of(pid) in ("sallyport-web", "sallyport-broke"))
        assert len(watch.descriptors) == 2
        watch.wait_ended(PATIENCE)
        watch.close()
        os.write(gate, b"go\n")
        assert server.response(call)["result"]["structuredContent"]["stdout"] == "went\n"
    os.close(gate)


def test_the_picture_tells(start, policy):
    text = start("--policy", policy({"sandbox": {"lifetime": "call"}})).call("explain_access")
    assert "a new one for each command" in text["content"][0]["text"]
    assert text["structuredContent"]["sandbox"] == {"lifetime": "call", "idle_ms": 3600000}
