# SPDX-License-Identifier: Apache-2.0
"""Processes: reaching those of others, and living longer than one's call."""

import fcntl
import os

from attack import attack
from harness import children

CALL = "import ctypes, os\ncall = ctypes.CDLL(None, use_errno=True).syscall\nlibc = ctypes.CDLL(None, use_errno=True)\n"


# ---- others ----

@attack("processes", "pid namespace")
def kill_a_process(scene):
    pid = scene.start_victim()
    scene.run(f"kill -9 {pid}; pkill -9 -f escape-helper")
    if scene.stage == "unconfined":
        scene.victim.wait()
    return scene.victim.poll() is not None


@attack("processes", "pid namespace, landlock")
def kill_the_servers_own_processes(scene):
    """By the numbers that they have outside: spawner, keeper and nanny, and the frontend."""
    if scene.stage == "unconfined":
        pids = [scene.start_victim()]
    else:
        scene.serve().run("true")
        server = scene.serve().process.pid
        pids = [server, *(pid for found in children(server).values() for pid in found)]
    said = scene.python(f"""
import os
for pid in {pids}:
    try:
        os.kill(pid, 0)
        print("reached", pid)
    except OSError:
        pass
""")
    return "reached" in said


@attack("processes", "pid namespace")
def kill_by_pidfd(scene):
    pid = scene.start_victim()
    return "sent" in scene.python(f"import os, signal\nsignal.pidfd_send_signal(os.pidfd_open({pid}), 0)\nprint('sent')")


@attack("processes", "pid namespace")
def signal_by_fcntl(scene):
    """F_SETOWN lets the kernel send a signal on somebody's behalf (a way around Landlock before ABI 6)."""
    pid = scene.start_victim()
    scene.python(f"""
import fcntl, os, signal
r, w = os.pipe()
fcntl.fcntl(r, fcntl.F_SETOWN, {pid})
fcntl.fcntl(r, 10, signal.SIGKILL)
fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
os.write(w, b"x")
""")
    if scene.stage == "unconfined":
        scene.victim.wait(10)
    return scene.victim.poll() is not None


@attack("processes", "seccomp, pid namespace")
def trace_a_process(scene):
    pid = scene.start_victim()
    return "traced" in scene.python(CALL + f"if libc.ptrace(0x4206, {pid}, 0, 0) == 0: print('traced')")


@attack("processes", "seccomp")
def trace_ones_own_child(scene):
    return "traced" in scene.python(CALL + """
pid = os.fork()
if pid == 0:
    import signal
    signal.pause()
if libc.ptrace(0x4206, pid, 0, 0) == 0:
    print("traced")
os.kill(pid, 9)
""")


def other_process(name, wall, expression):
    @attack("processes", wall, name=name)
    def play(scene):
        pid = scene.start_victim()
        return "reached" in scene.python(CALL + f"pid = {pid}\nif {expression}: print('reached')")
    return play


other_process("priority of a process", "pid namespace", "libc.setpriority(0, pid, 19) == 0")
other_process("processors of a process", "pid namespace", "(os.sched_setaffinity(pid, os.sched_getaffinity(0)), True)[1]")
other_process("scheduling of a process", "pid namespace", "(os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)), True)[1]")
other_process("limits of a process", "pid namespace, seccomp",
              "__import__('resource').prlimit(pid, 7, __import__('resource').prlimit(pid, 7))")
other_process("name and files of a process", "pid namespace", "os.path.exists(f'/proc/{pid}/cmdline')")


@attack("processes", "not dumpable")
def descriptors_of_our_own_processes(scene):
    """Frames could be forged on those of keeper and nannies. Without confinement the victim stands for them."""
    if scene.stage == "unconfined":
        targets = [scene.start_victim()]
    else:
        scene.serve().run("true")
        targets = [pid for name, pids in children(scene.serve().process.pid).items() if name.startswith("sallyport") for pid in pids]
    said = scene.python(f"""
import os
targets = {targets}
try:
    inside = list(filter(str.isdigit, os.listdir("/proc"))) if {scene.stage != "unconfined"} else []
except OSError:
    inside = []  # then by the numbers that are known outside
for pid in inside:
    try:
        if "sallyport" in open(f"/proc/{{pid}}/comm").read():
            targets.append(pid)
    except OSError:
        pass
print("targets", len(targets))
for pid in targets:
    for name in ("fd", "environ", "mem", "maps", "root/etc", "cwd/."):
        try:
            os.close(os.open(f"/proc/{{pid}}/{{name}}", os.O_RDONLY))
            print("found", pid, name)
        except OSError:
            pass
""")
    assert "targets" in said and "targets 0" not in said, said.text
    return "found" in said


# ---- survivors: a lock that is still held after the call is the sign ----

def survivor(name, line):
    @attack("processes", "nanny's sweep", name="survivor: " + name)
    def play(scene):
        path = scene.in_workspace("alive")
        scene.run(line.replace("HELPER", scene.helper("X", "alive").rsplit(" ", 2)[0]))
        with open(path, "w", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return False
            except BlockingIOError:
                return True
    return play


LOCK = "exec 9>alive; flock -x 9; "
survivor("background", LOCK + "sleep 1000 >/dev/null 2>&1 &")
survivor("nohup", LOCK + "nohup sleep 1000 >/dev/null 2>&1 &")
survivor("session", LOCK + "setsid sleep 1000 >/dev/null 2>&1 &")
survivor("double fork", LOCK + "(setsid sh -c 'sleep 1000 & sleep 1000 &' >/dev/null 2>&1 &)")
survivor("stopped", LOCK + "sleep 1000 >/dev/null 2>&1 & kill -STOP $!")
survivor("deaf", LOCK + "(trap '' TERM HUP INT QUIT; sleep 1000; sleep 1000) >/dev/null 2>&1 &")
survivor("no leader", "HELPER leaderless alive >/dev/null 2>&1; until ! flock -n alive true; do :; done")
survivor("silent end", "HELPER exit-signal alive >/dev/null 2>&1")
survivor("sibling", "HELPER shared-parent alive >/dev/null 2>&1")
survivor("no death signal", "python3 -c 'import ctypes,fcntl,os,signal\nf=open(\"alive\",\"w\")\nfcntl.flock(f,2)\nif os.fork()==0:\n os.setsid()\n"
         " if os.fork(): os._exit(0)\n ctypes.CDLL(None).prctl(1,0)\n signal.pause()' >/dev/null 2>&1")


@attack("processes", "pid 1, sweep")
def kill_everything(scene):
    """Whoever kills all it can reach must not take the server along; here the victim stands for it."""
    scene.start_victim()
    if scene.stage == "unconfined":  # with what it would do, but to the one process
        scene.run(f"kill -9 {scene.victim.pid}")
        scene.victim.wait()
    else:
        scene.serve().run("kill -9 -1")
    return scene.victim.poll() is not None
