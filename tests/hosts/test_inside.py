# SPDX-License-Identifier: Apache-2.0
"""What a command finds around itself, and what it does not find."""

import os
import socket

import pytest
from client import PATIENCE, Watch, describe, name_of

SECRET = "sk-secret-4711-of-the-host"


def run(server, command, **arguments):
    result = server.call("run_command", command=command, **arguments)
    assert "structuredContent" in result, result
    return result["structuredContent"]


def status_of(text):
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_no_capability_and_a_filter(server):
    status = status_of(run(server, "cat /proc/self/status")["stdout"])
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[capabilities], 16) == 0, capabilities
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"


def test_not_root_in_the_kernels_eyes(server):
    """Seen from outside, where user namespaces do not hide anything."""
    number = server.start_command("echo up; sleep 305")
    server.wait_said(number, "up")
    sleeping = [pid for pid in server.tree() if "sleep 305" in describe(pid)]
    assert sleeping
    for pid in sleeping:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            status = status_of(file.read())
        assert all(int(uid) != 0 for uid in status["Uid"].split() + status["Gid"].split())
        assert "0" not in status["Groups"].split()
        if os.getuid() != 0:
            assert set(status["Uid"].split()) == {str(os.getuid())}
    server.notify("notifications/cancelled", {"requestId": number})


def test_no_process_of_ours_that_works_has_a_capability(server, workspace):
    """Frontend, executor, keeper and nannies: none has a capability, all are filtered."""
    (workspace / "a.txt").write_text("x")
    server.call("read_file", path="a.txt")
    run(server, "true")
    seen = {}
    for pid in server.tree():
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            seen.setdefault(name_of(pid), status_of(file.read()))
    assert set(seen) >= {"sallyport", "sallyport-files", "sallyport-keepe", "sallyport-nanny"}, list(seen)
    for name in ("sallyport", "sallyport-files", "sallyport-keepe", "sallyport-nanny"):
        assert seen[name]["Seccomp"] == "2" and seen[name]["NoNewPrivs"] == "1", name
        if name != "sallyport" or os.getuid() != 0:
            assert int(seen[name]["CapEff"], 16) == 0, (name, seen[name]["CapEff"])


def test_descriptors(server):
    for command in ("for f in /proc/$$/fd/*; do echo ${f##*/}; done", "exec ls /proc/self/fd"):
        found = {int(number) for number in run(server, command)["stdout"].split()}
        assert found - {3} <= {0, 1, 2} and {0, 1, 2} <= found  # 3: the directory that ls reads
    result = server.call("run_command", argv=["/bin/sh", "-c", "for i in 3 4 5 6 7 8 9 10 20 63 100 255; do test -e /proc/$$/fd/$i && echo $i; done; :"])
    assert result["structuredContent"]["stdout"] == ""


def test_stdin_is_empty_unless_given(server):
    assert run(server, "cat | wc -c")["stdout"].strip() == "0"
    assert run(server, "readlink /proc/self/fd/0")["stdout"] == "/dev/null\n"
    assert run(server, "cat", stdin="given\n")["stdout"] == "given\n"


def test_no_network(server):
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as abstract:
        port = listener.getsockname()[1]
        abstract.bind(f"\0sallyport-test-{os.getpid()}")
        abstract.listen()
        assert run(server, f"exec 3<>/dev/tcp/127.0.0.1/{port}")["exit_code"] != 0
        assert run(server, "exec 3<>/dev/tcp/192.0.2.1/80")["exit_code"] != 0
        assert run(server, "exec 3>/dev/udp/192.0.2.1/53 && echo x >&3")["exit_code"] != 0
        probe = (f"python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); "
                 f"s.connect(chr(0) + \"sallyport-test-{os.getpid()}\")'")
        assert run(server, probe)["exit_code"] != 0
    assert run(server, "ls /sys/class/net 2>/dev/null | grep -v '^lo$'")["stdout"] == ""


def test_loopback_of_ones_own(server):
    """What one call serves, another call of the same caller reaches, and nobody outside."""
    serve = ("import socket; s = socket.create_server((\"127.0.0.1\", 34567)); print(\"up\", flush=True); "
             "c, _ = s.accept(); c.sendall(b\"hello\"); c.close()")
    number = server.start_command(f"python3 -c '{serve}'")
    server.wait_said(number, "up")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", 34567))
    fetch = "import socket; print(socket.create_connection((\"127.0.0.1\", 34567)).recv(9))"
    assert "hello" in run(server, f"python3 -c '{fetch}'")["stdout"]
    server.response(number)


def test_the_servers_processes_are_invisible(server):
    outside = {os.path.basename(name) for name in ("sallyport", "sallyport-spawner", "sallyport-files", "pytest")}
    shown = run(server, "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done")["stdout"]
    for name in outside:
        assert name + " " not in shown, shown
    assert run(server, f"kill -0 {server.pid}; kill -0 {os.getpid()}")["exit_code"] != 0
    assert run(server, "ls -d /proc/[0-9]* | wc -l")["stdout"].strip() not in ("", "0")


def test_the_keeper_and_the_nannies_cannot_be_read_or_killed(server):
    script = ("for p in /proc/[0-9]*; do [ ${p#/proc/} = $$ ] && continue; cat $p/environ $p/maps 2>/dev/null | head -c 100; "
              "ls -l $p/fd $p/root 2>/dev/null; done; kill -9 1 && echo sent; true")
    before = run(server, "true")
    assert before["exit_code"] == 0
    shown = run(server, script)["stdout"].replace("sent\n", "")
    assert "total" not in shown.replace("total 0", ""), shown
    assert run(server, "echo still")["stdout"] == "still\n"


def test_secrets_of_the_environment_stay_outside(start):
    server = start(env={"OPENAI_API_KEY": SECRET, "AWS_SECRET_ACCESS_KEY": SECRET, "LD_PRELOAD_X": SECRET})
    assert SECRET not in run(server, "env; cat /proc/*/environ 2>/dev/null")["stdout"]
    for pid in server.tree()[1:]:
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if any(name in describe(pid) for name in ("sallyport-files", "sallyport-search", "sallyport-keeper")):
                    assert SECRET.encode() not in file.read(), describe(pid)
        except PermissionError:
            pass


def test_the_environment_is_made_for_agents(server):
    shown = dict(line.split("=", 1) for line in run(server, "env")["stdout"].splitlines() if "=" in line)
    assert shown["GIT_TERMINAL_PROMPT"] == "0" and shown["PAGER"] == "cat" and shown["TERM"] == "dumb"
    assert "CI" not in shown and shown["PATH"]
    assert run(server, "mktemp && touch $HOME/x && test -w ${TMPDIR:-/tmp}")["exit_code"] == 0
    assert run(server, "echo $A$B", env={"A": "1", "B": "2 3"})["stdout"] == "12 3\n"


def test_nothing_outside_is_writable(server, workspace):
    """Every directory and file that a command could write, but for what it is meant to."""
    script = r"""
find / \( -path /proc -o -path "$PWD" -o -path /tmp -o -path /dev/shm -o -path /dev/pts -o -path "$HOME" -o -path /var/tmp -o -path /run \) \
  -prune -o \( -type d -o -type f \) -writable -print 2>/dev/null |
  while read -r f; do if [ -d "$f" ] || [ -f "$f" ]; then echo "$f"; fi; done | head -20  # find believes what a mount point was before
find /proc/sys /proc/irq /proc/bus /proc/sysrq-trigger /sys -writable -type f 2>/dev/null | head -20
"""
    assert run(server, script, wait_ms=60000)["stdout"] == ""


@pytest.mark.parametrize("path", ["/etc/sallyport-test", "/usr/sallyport-test", "/sallyport-test", "/proc/sys/kernel/core_pattern",
                                  "/proc/sysrq-trigger", "/sys/sallyport-test", "/dev/sallyport-test", "/boot/x", "/var/lib/x", "/home/x"])
def test_writing_there_fails(server, path):
    assert run(server, f"echo x > {path}")["exit_code"] != 0
    assert not os.path.exists(path) or path.startswith("/proc")


def test_temporary_files_are_the_callers_own(start):
    one, other = start(), start()
    run(one, "echo mine > /tmp/sallyport-mine; echo mine > /dev/shm/sallyport-mine")
    assert run(one, "cat /tmp/sallyport-mine /dev/shm/sallyport-mine")["stdout"] == "mine\nmine\n"
    assert run(other, "ls /tmp /dev/shm")["stdout"].count("sallyport-mine") == 0
    assert not os.path.exists("/tmp/sallyport-mine") and not os.path.exists("/dev/shm/sallyport-mine")


def test_callers_do_not_see_each_other(start):
    one, other = start(), start()
    number = one.start_command("echo up; sleep 306")
    one.wait_said(number, "up")
    look = "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"
    assert "sleep 306" in run(one, look)["stdout"]
    assert "sleep 306" not in run(other, look)["stdout"]
    assert run(one, "kill $(grep -l 306 /proc/[0-9]*/cmdline | head -1 | cut -d/ -f3) 2>/dev/null; true")["exit_code"] == 0
    one.notify("notifications/cancelled", {"requestId": number})


def test_the_rest_of_the_home_is_invisible(start, tmp_path):
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "id_ed25519").write_text("private")
    (home / "project").mkdir()
    server = start(env={"HOME": str(home)}, roots=[home / "project"])
    assert run(server, f"cat {home}/.ssh/id_ed25519 ~/.ssh/id_ed25519")["exit_code"] != 0
    assert server.call("read_file", path=str(home / ".ssh/id_ed25519"))["isError"]


def test_results_of_commands(server):
    assert run(server, "exit 3")["exit_code"] == 3
    killed = run(server, "kill -9 $$")
    assert killed["status"] == "signaled" and killed["signal"] in (9, "SIGKILL", "KILL")
    both = run(server, "echo out; echo err >&2")
    assert both["stdout"] == "out\n" and both["stderr"] == "err\n" and both["status"] == "exited"
    assert run(server, "pwd")["stdout"].strip()
    much = run(server, "yes | head -c 1000000", max_bytes=1000)
    assert len(much["stdout"]) <= 1200 and much["omitted_bytes"]


def test_output_that_is_no_text_is_valid_json_all_the_same(server):
    """The client decodes every line strictly, so arriving here is the test."""
    result = server.call("run_command", command="head -c 3000 /dev/urandom; printf '\\xff\\xfe\\x00\\xc3'")
    assert result["structuredContent"]["exit_code"] == 0


LEAVING = ":(){ :|:& };:"  # its shell is gone as soon as it could fork, which may be while we say stop
STAYING = ["while :; do sleep 9 & done", "python3 -c 'import os\nwhile True:\n try: os.fork()\n except OSError: pass'"]
BOMBS = [LEAVING, *STAYING]


@pytest.mark.alone
@pytest.mark.parametrize("command", BOMBS)
def test_a_fork_bomb_ends_by_its_id(server, command):
    said = run(server, command, wait_ms=500)
    assert said["status"] == "running" or command == LEAVING, said
    if said["status"] == "running":
        stopped = server.call("stop_command", id=said["id"], signal="KILL", timeout=3 * PATIENCE)["structuredContent"]
        assert stopped["status"] == "signaled" or (command == LEAVING and stopped["status"] == "exited"), stopped
    left = Watch(pid for pid in server.tree() if not name_of(pid).startswith("sallyport"))
    assert run(server, "echo after")["stdout"] == "after\n"
    left.wait_ended(PATIENCE)
    left.close()


@pytest.mark.alone
@pytest.mark.parametrize("command", BOMBS)
def test_a_fork_bomb_ends_with_its_call(server, command):
    server.call("run_command", command=command, timeout_ms=1000, timeout=3 * PATIENCE)
    left = Watch(pid for pid in server.tree() if not name_of(pid).startswith("sallyport"))
    assert run(server, "echo after")["stdout"] == "after\n"
    left.wait_ended(PATIENCE)
    left.close()
