#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Attacks on the sandbox, without the server: spawner, keeper and nannies alone, driven by sandbox-run.

usage: run.py BUILD [WORD]...     only the tests whose name contains one of the words

Runs as whoever starts it: root and ordinary users take different ways through the layers. What a check expects is,
where that is cheap, also looked for outside the sandbox, where it must not be found: a check that cannot fail is none.
"""

import os
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(sys.argv[1])
ROOT = os.getuid() == 0
PATIENCE = 30  # seconds until something that is waited for is taken for lost


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
        output, errors = process.communicate(timeout=PATIENCE * 2)
        return output, errors

    def attempts(self, *words):
        command = [*self.command, "--extra", BUILD, "--", os.path.join(BUILD, "escape-attempts"), *words]
        return parse(subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=True).stdout)


def parse(text):
    return dict(line.split(" ", 1) for line in text.splitlines())


def children(pid):
    """All descendants as {name: [pids]}, by what the kernel says of parents."""
    parents, names = {}, {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            status = open(f"/proc/{entry}/status").read()
        except OSError:
            continue
        parents[int(entry)] = int(re.search(r"^PPid:\s+(\d+)", status, re.M)[1])
        names[int(entry)] = re.search(r"^Name:\s+(.*)", status, re.M)[1]
    found, fresh = {}, {pid}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh}
        for child in fresh:
            found.setdefault(names[child], []).append(child)
    return found


def wait_for_line(process, text):
    """Reads stdout up to a line with `text`."""
    while True:
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
        assert ready, f"{text!r} did not come"
        line = process.stdout.readline()
        assert line, f"ended before {text!r}: {process.stderr.read()}"
        if text in line:
            return


def wait_for_end(pipe):
    """Until nobody holds the other end: every process that inherited it is gone."""
    begin = time.monotonic()
    while True:
        ready, _, _ = select.select([pipe], [], [], PATIENCE)
        assert ready, "somebody is left alive"
        if not os.read(pipe.fileno(), 65536):
            return time.monotonic() - begin


# ---- system calls and paths ----

EPERM_CALLS = """mount umount2 pivot_root chroot open_tree move_mount fsopen mount_setattr unshare-newuser setns clone-newuser
    clone-newns clone-newpid clone-newnet clone-newipc clone-newuts ptrace process_vm_readv kcmp pidfd_getfd perf_event_open bpf
    userfaultfd io_uring_setup keyctl add_key fanotify_init open_by_handle_at name_to_handle_at init_module kexec_load
    clock_settime mbind move_pages syslog personality tiocsti tiocsti-high mknod-device socket-mptcp socket-raw
    socket-packet""".split()
CALLS = {**{name: "EPERM" for name in EPERM_CALLS}, "clone3": "ENOSYS", "call-900": "ENOSYS", "sendto-fastopen": "EOPNOTSUPP",
         "socket-vsock": "EAFNOSUPPORT", "socket-netlink-audit": "EAFNOSUPPORT", "connect-outside": "ENETUNREACH",
         "send-outside": "ENETUNREACH", "socket-inet": "ok", "personality-query": "ok"}
# What an unconfined process is told as well: there the check proves nothing, so it is no check there.
SAME_OUTSIDE = {"call-900", "socket-inet", "personality-query"}
# An ordinary user outside has no capability either; and some kernels are built without one or the other.
SAME_FOR_USERS = {"umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "mount_setattr", "mount", "bpf", "fanotify_init",
                  "open_by_handle_at", "init_module", "kexec_load", "syslog", "mknod-device", "socket-raw", "socket-packet", "setns",
                  "perf_event_open", "clock_settime", "userfaultfd"}
ENTRIES = {"x32": "signal-31", "i386": "signal-31"}
PATHS = {"create-root": "EROFS", "create-usr": "EROFS", "create-etc": "EROFS", "create-dev": "EROFS", "create-run": "EROFS",
         "create-proc": "ENOENT", "create-tmp": "ok", "core_pattern": "EACCES", "uid_map": "EACCES", "keeper-mem": "EACCES",
         "keeper-fd": "EACCES", "keeper-root": "EACCES", "keeper-environ": "EACCES", "chmod-usr": "EROFS", "utimes-usr": "EROFS",
         "setxattr-usr": "EROFS", "setuid-0": "EINVAL", "setgroups": "EPERM", "sys": "ENOENT"}


def test_system_calls(tmp):
    inside, outside = Sandbox(tmp).attempts("paths"), parse(subprocess.run([os.path.join(BUILD, "escape-attempts")],
                                                                           capture_output=True, text=True, check=True).stdout)
    for name, expected in {**CALLS, **PATHS, **(ENTRIES if "x32" in inside else {})}.items():
        assert inside[name] == expected, f"{name}: {inside[name]}, expected {expected}"
    for name, expected in CALLS.items():
        if name not in SAME_OUTSIDE and (ROOT or name not in SAME_FOR_USERS):
            assert outside[name] != expected or outside[name] == "ENETUNREACH", f"{name}: {expected} outside too: the check proves nothing"


def test_descriptors(tmp):
    answers = Sandbox(tmp).attempts()
    assert [name for name in answers if name.startswith("descriptor-")] == ["descriptor-0", "descriptor-1", "descriptor-2"], answers


# ---- who it is ----

def test_identity(tmp):
    process = Sandbox(tmp).start("echo here; sleep 1000")
    wait_for_line(process, "here")
    keepers = children(process.pid)["sallyport-keepe"]
    watched = keepers + [pid for pids in children(keepers[0]).values() for pid in pids]
    assert len(watched) >= 3
    for pid in watched:
        status = parse_status(open(f"/proc/{pid}/status").read())
        assert set(status["Uid"].split()) & {"0"} == set(), f"{status['Name']} is kernel uid {status['Uid']}"
        assert set(status["Gid"].split()) & {"0"} == set() or not ROOT, f"{status['Name']} is kernel gid {status['Gid']}"
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status[name], 16) == 0, f"{status['Name']}: {name} {status[name]}"
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
        if ROOT:
            assert status["Groups"].strip() == "", status["Groups"]
    process.kill()
    process.communicate()


def parse_status(text):
    return {line.split(":", 1)[0]: line.split(":", 1)[1].strip() for line in text.splitlines()}


def test_owner_is_an_ordinary_user(tmp):
    """What a command makes belongs to the workspace's owner."""
    sandbox = Sandbox(tmp, owner=4242 if ROOT else None)
    output, _ = sandbox.run("touch made; mkdir -p deep/er; id -u")
    owner = 4242 if ROOT else os.getuid()
    assert output.strip() == str(owner)
    for name in ("made", "deep", "deep/er"):
        assert os.stat(os.path.join(sandbox.workspace, name)).st_uid == owner


def test_owner_is_root(tmp):
    """A workspace of root's: the command is not root and its files are, by an idmapped mount."""
    if not ROOT:
        return "needs root"
    sandbox = Sandbox(tmp)
    with open(os.path.join(sandbox.workspace, "roots"), "w") as file:
        file.write("before")
    output, errors = sandbox.run("id -u; echo after > roots; touch made; chmod 600 made; stat -c %u roots")
    uid = output.split()[0]
    assert uid not in ("0", "65534") and output.split()[1] == uid, output + errors
    assert open(os.path.join(sandbox.workspace, "roots")).read() == "after\n"
    made = os.stat(os.path.join(sandbox.workspace, "made"))
    assert (made.st_uid, stat.S_IMODE(made.st_mode)) == (0, 0o600)
    return None


def test_second_workspace_of_somebody_else(tmp):
    if not ROOT:
        return "needs root"
    other = os.path.join(tmp, "other")
    os.mkdir(other)
    os.chown(other, 5555, 5555)
    sandbox = Sandbox(tmp, "--workspace", other, owner=4242)
    output, errors = sandbox.run(f"touch here {other}/there && echo done")
    assert "done" in output, errors
    assert os.stat(os.path.join(sandbox.workspace, "here")).st_uid == 4242
    assert os.stat(os.path.join(other, "there")).st_uid == 5555
    return None


def test_set_uid_files(tmp):
    """A file that runs as the workspace's owner, who may be root: not to be made in any way."""
    sandbox = Sandbox(tmp)
    output, errors = sandbox.run("""cp /bin/true a; chmod 4755 a; chmod 2755 a; chmod u+s a; python3 - <<'E'
import os
for attempt in (lambda: os.chmod("a", 0o6755), lambda: os.close(os.open("b", os.O_CREAT | os.O_WRONLY, 0o4755)),
                lambda: os.mknod("c", 0o104755), lambda: os.fchmod(os.open("a", os.O_RDONLY), 0o4755),
                lambda: os.close(os.open(".", os.O_TMPFILE | os.O_RDWR, 0o4755))):
    try:
        attempt()
        print("made")
    except OSError as error:
        print(error.errno)
E""")
    assert output.split() == ["1"] * 5, output + errors
    for name in os.listdir(sandbox.workspace):
        assert not os.stat(os.path.join(sandbox.workspace, name)).st_mode & 0o6000, name


# ---- what it sees ----

def test_view(tmp):
    outside = os.path.join(tmp, "outside")
    with open(outside, "w") as file:
        file.write("secret")
    sandbox = Sandbox(tmp)
    output, _ = sandbox.run(f"cat {outside}; ls -A {tmp}; ls -A /; ls -A /home /root 2>&1; echo $(ls -d /proc/[0-9]* | wc -l)")
    assert "secret" not in output
    assert "outside" not in output and "workspace" in output
    assert int(output.split()[-1]) < 12, "processes of others are visible"
    assert sandbox.run("ls /sys /boot /var/lib 2>&1 | grep -c 'No such'")[0].strip() == "3"


def test_read_only_workspace(tmp):
    fixed = os.path.join(tmp, "fixed")
    os.mkdir(fixed)
    if ROOT:
        os.chmod(fixed, 0o777)
    output, _ = Sandbox(tmp, "--read-only-workspace", fixed).run(f"echo x > {fixed}/x; echo x > ok; ls {fixed}; ls")
    assert output.split() == ["ok"] and os.listdir(fixed) == []


def test_hidden(tmp):
    sandbox = Sandbox(tmp, "--hide", os.path.join(tmp, "workspace", "secrets"), "--hide", os.path.join(tmp, "workspace", ".env"),
                      "--hide", "/etc/passwd")
    os.mkdir(os.path.join(sandbox.workspace, "secrets"))
    for name in ("secrets/key", ".env"):
        with open(os.path.join(sandbox.workspace, name), "w") as file:
            file.write("secret")
    output, errors = sandbox.run("cat secrets/key .env /etc/passwd; ls secrets; mv secrets s; rm -rf secrets .env; ls -A")
    assert "secret\n" not in output and "root:" not in output
    assert sorted(output.split()) == [".env", "secrets"], output + errors
    assert open(os.path.join(sandbox.workspace, ".env")).read() == "secret"


def test_protected(tmp):
    """Neither written, nor replaced, nor left behind by renaming what holds it."""
    sandbox = Sandbox(tmp, "--protect", ".git/hooks", "--protect", ".git/config", "--protect", ".vscode/tasks.json")
    git = os.path.join(sandbox.workspace, ".git")
    os.makedirs(os.path.join(git, "hooks"))
    for name in ("config", "hooks/old"):
        with open(os.path.join(git, name), "w") as file:
            file.write("before")
    if ROOT:
        for folder, _, files in os.walk(sandbox.workspace):
            for path in (folder, *(os.path.join(folder, name) for name in files)):
                os.chown(path, 4242, 4242)
    output, errors = sandbox.run("""
        echo x > .git/config; echo x > .git/hooks/new; echo x > .git/hooks/old; rm -rf .git/hooks; rm -f .git/config
        mv .git aside; mv .git/config .git/c; mv .git/hooks .git/h; echo x > .git/other; mv .git/other .git/config
        ln .git/config link && echo x > link; ln -s evil .git/hooks/s; chmod 777 .git/config; cp -r .git aside && echo free""")
    assert "free" in output, errors  # the rest of .git is as free as any
    assert open(os.path.join(git, "config")).read() == "before"
    assert os.listdir(os.path.join(git, "hooks")) == ["old"]
    assert open(os.path.join(git, "hooks", "old")).read() == "before"
    assert stat.S_IMODE(os.stat(os.path.join(git, "config")).st_mode) != 0o777
    assert Sandbox(tmp).run("echo x > .git/config")[0] == "" and open(os.path.join(git, "config")).read() == "x\n", "writable without"


def test_workspace_replaced_by_a_link(tmp):
    """A workspace inside another: what has become a link to elsewhere is not followed when the next sandbox is built."""
    sandbox = Sandbox(tmp)
    inner, elsewhere = os.path.join(sandbox.workspace, "sub", "inner"), os.path.join(tmp, "elsewhere")
    os.makedirs(inner)
    os.makedirs(os.path.join(elsewhere, "inner"))
    sandbox.command += ["--workspace", inner]
    assert "yes" in sandbox.run(f"cd {inner} && echo yes")[0]
    os.rename(os.path.join(sandbox.workspace, "sub"), os.path.join(sandbox.workspace, "aside"))
    os.symlink(elsewhere, os.path.join(sandbox.workspace, "sub"))
    output, errors = sandbox.run(f"cd {inner} && touch reached; echo ran")
    assert os.listdir(os.path.join(elsewhere, "inner")) == [] and "layer=mounts" in errors, output + errors


def test_own_programs(tmp):
    """A workspace that holds the very programs that confine."""
    install = os.path.join(tmp, "workspace", "install")
    os.makedirs(install)
    for name in os.listdir(BUILD):
        if (name.startswith("sallyport") or name == "sandbox-run") and os.path.isfile(os.path.join(BUILD, name)):
            shutil.copy(os.path.join(BUILD, name), install)
    if ROOT:
        for path in (os.path.join(tmp, "workspace"), install, *(os.path.join(install, name) for name in os.listdir(install))):
            os.chown(path, 4242, 4242)
    sandbox = Sandbox(tmp)
    sandbox.command[0] = os.path.join(install, "sandbox-run")
    before = {name: os.stat(os.path.join(install, name)).st_ino for name in os.listdir(install)}
    output, errors = sandbox.run("""cd install; for f in sallyport*; do cp /bin/true $f; rm -f $f; mv $f x; done; cd ..; mv install i
        touch install/new && echo new""")
    assert "new" in output, errors
    for name in before:
        path = os.path.join(install, name)
        assert os.stat(path).st_ino == before[name] and os.path.getsize(path) == os.path.getsize(os.path.join(BUILD, name)), name


def test_network(tmp):
    sandbox = Sandbox(tmp)
    output, errors = sandbox.run("""python3 - <<'E'
import socket
s = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(s.getsockname()); print("loopback", len(socket.if_nameindex()))
E""")
    assert "loopback 1" in output, output + errors


def test_limits(tmp):
    sandbox = Sandbox(tmp, "--processes", "40")
    output, errors = sandbox.run("""ulimit -c; python3 - <<'E'
import os
n = 0
try:
    while n < 100:
        os.fork() or os.execvp("sleep", ["sleep", "1000"])
        n += 1
except OSError as error:
    print(error.strerror)
print(n)
E""")
    assert output.split("\n")[0] == "0", output
    assert "temporarily unavailable" in output and 0 < int(output.split()[-1]) < 40, output
    assert "ended" in errors


# ---- what is left ----

SURVIVORS = {
    "background": "sleep 1000 &",
    "session": "setsid sleep 1000 &",
    "double fork": "(setsid sh -c 'sleep 1000 & sleep 1000 &' &)",
    "stopped": "sleep 1000 & kill -STOP $!",
    "deaf": "(trap '' TERM HUP INT; sleep 1000; sleep 1000) & nohup sleep 1000 >/dev/null 2>&1 &",
    "deep": "sh -c 'sh -c \"sh -c \\\"sleep 1000; true\\\" & sleep 1000; true\" & sleep 1000; true' &",
    "holds the pipe": "(sleep 1000; echo late) &",
    "no death signal": "python3 -c \"import ctypes,os,signal;os.fork() or (os.setsid(), os.fork() or (ctypes.CDLL(None).prctl(1,0),"
                       "signal.pause()))\" &",
}


def test_survivors(tmp):
    for name, line in SURVIVORS.items():
        sandbox = Sandbox(tmp, "--then", "ls -d /proc/[0-9]* | wc -l; echo late; cat /proc/[0-9]*/comm")
        process = sandbox.start(line + "\nsleep 0.05; echo first")
        wait_for_line(process, "first")
        output, errors = process.communicate(timeout=PATIENCE)
        outcomes = [entry for entry in errors.splitlines() if entry.startswith("ended")]
        assert len(outcomes) == 2, f"{name}: {errors}"
        assert int(re.search(r"leftovers=(\d+)", outcomes[0])[1]) >= 1, f"{name}: nothing was left over, so nothing was shown"
        assert "sleep" not in output and "python3" not in output, f"{name}: {output}"


def test_fork_bombs(tmp):
    bombs = {"plain": "bomb() { bomb | bomb & }; bomb; sleep 0.5",
             "runner": "python3 -c 'import os\nwhile True:\n  if os.fork(): os._exit(0)\n  os.setsid()' & sleep 0.3",
             "many": "python3 -c 'import os\nwhile True:\n  try: os.fork()\n  except OSError: pass' & sleep 0.3"}
    for name, line in bombs.items():
        sandbox = Sandbox(tmp, "--processes", "200", "--then", "echo alive $(ls -d /proc/[0-9]* | wc -l)")
        output, errors = sandbox.run("(" + line + ") 2>/dev/null")
        assert errors.count("ended") == 2, f"{name}: {errors[-300:]}"
        assert int(output.split()[-1]) < 12, f"{name}: {output}"


def test_nannies_killed_from_inside(tmp):
    """A command that kills all it can reach ends itself; the sandbox goes on, with nothing of it left."""
    sandbox = Sandbox(tmp, "--then", "echo next; ls -d /proc/[0-9]* | wc -l; cat /proc/[0-9]*/comm")
    output, errors = sandbox.run("setsid sleep 1000 & sleep 1000 & kill -9 -1")
    assert "next" in output and "sleep" not in output.split("next")[1], output + errors
    assert "lost" in errors or "signal=9" in errors, errors


def test_stopped_nannies(tmp):
    """It can stop them too; then the frontend ends the sandbox, which is one kill from outside."""
    process = Sandbox(tmp).start("echo here; kill -STOP -1; sleep 1000")
    wait_for_line(process, "here")
    for pid in children(process.pid)["sallyport-keepe"]:
        os.kill(pid, signal.SIGKILL)
    assert "lost" in process.communicate(timeout=PATIENCE)[1]


def killed(tmp, name):
    """Kills our process `name` while a command and its daemons run; returns how long anything lived on."""
    process = Sandbox(tmp).start("setsid sleep 1000 & (sleep 1000 &); echo here; sleep 1000")
    wait_for_line(process, "here")
    pid = process.pid if name == "frontend" else children(process.pid)[name][0]
    os.kill(pid, signal.SIGKILL)
    lasted = wait_for_end(process.stdout)
    process.communicate(timeout=PATIENCE)
    return lasted


def test_killed_frontend(tmp):
    assert killed(tmp, "frontend") < 1


def test_killed_spawner(tmp):
    assert killed(tmp, "sallyport-spawn") < 1


def test_killed_keeper(tmp):
    assert killed(tmp, "sallyport-keepe") < 1


def test_stopped_spawner(tmp):
    """A stopped spawner keeps nothing alive, itself included."""
    process = Sandbox(tmp).start("setsid sleep 1000 & echo here; sleep 1000")
    wait_for_line(process, "here")
    spawner = children(process.pid)["sallyport-spawn"][0]
    handle = os.pidfd_open(spawner)
    os.kill(spawner, signal.SIGSTOP)
    process.kill()
    wait_for_end(process.stdout)
    assert select.select([handle], [], [], PATIENCE)[0], "the stopped spawner is still there"
    process.communicate()


def test_failures(tmp):
    sandbox = Sandbox(tmp)
    for argv, expected in ((["/nowhere"], "step=execve target=/nowhere errno=ENOENT"), (["nowhere"], "step=execve target=nowhere errno=ENOENT"),
                           (["/etc/passwd"], "step=execve target=/etc/passwd errno=EACCES"), ([""], "errno=ENOENT")):
        done = subprocess.run([*sandbox.command, "--", *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                              check=False)
        assert expected in done.stderr, done.stderr
    assert "exit=3" in sandbox.run("exit 3")[1]
    assert "signal=15" in sandbox.run("kill -TERM $$")[1]


def main():
    words = sys.argv[2:]
    passed = failed = 0
    for name, test in [(n, t) for n, t in globals().items() if n.startswith("test_")]:
        if words and not any(word in name for word in words):
            continue
        tmp = tempfile.mkdtemp(prefix="sallyport-escape-")
        try:
            reason = test(tmp)
            print(f"{'SKIPPED' if reason else 'ok     '} {name}{': ' + reason if reason else ''}", flush=True)
            passed += not reason
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print(f"FAILED  {name}: {type(error).__name__}: {error}", flush=True)
        finally:
            shutil.rmtree(tmp, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
