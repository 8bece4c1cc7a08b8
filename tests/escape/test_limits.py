# SPDX-License-Identifier: Apache-2.0
"""Limits, and what wants to have more than there is."""

import os
import resource
import select
import subprocess

from harness import PATIENCE, ROOT, Sandbox, parse


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
    assert output.split("\n")[0] == "0", output  # in blocks: less than one
    assert "temporarily unavailable" in output and 0 < int(output.split()[-1]) < 40, output
    assert "ended" in errors


def test_fork_bombs(tmp):
    bombs = {"plain": "bomb() { bomb | bomb & }; bomb; sleep 0.5",
             "runner": "python3 -c 'import os\nwhile True:\n  if os.fork(): os._exit(0)\n  os.setsid()' & sleep 0.3",
             "many": "python3 -c 'import os\nwhile True:\n  try: os.fork()\n  except OSError: pass' & sleep 0.3"}
    for name, line in bombs.items():
        sandbox = Sandbox(tmp, "--processes", "200", "--then", "echo alive $(ls -d /proc/[0-9]* | wc -l)")
        output, errors = sandbox.run("(" + line + ") 2>/dev/null")
        assert errors.count("ended") == 2, f"{name}: {errors[-300:]}"
        assert int(output.split()[-1]) < 12, f"{name}: {output}"


def be_generous():
    """As whoever starts us may have been started: as a server of sound, say. Only with CAP_SYS_RESOURCE."""
    for number, value in {13: 40, 14: 99, 11: 1 << 20, 12: 1 << 30, resource.RLIMIT_MEMLOCK: resource.RLIM_INFINITY}.items():
        try:
            resource.setrlimit(number, (value, value))
        except ValueError:
            pass


def test_scheduling_and_kernel_memory(tmp):
    """Nobody gets ahead of others or keeps the kernel's memory; out of memory, commands go first. Each is looked for outside too."""
    probe = """python3 - <<'E'
import os, resource
print("score", open("/proc/self/oom_score_adj").read().strip())
for name in ("RTPRIO", "NICE", "MEMLOCK", "MSGQUEUE", "SIGPENDING", "CORE"):
    number = {"NICE": 13, "RTPRIO": 14, "SIGPENDING": 11, "MSGQUEUE": 12}.get(name) or getattr(resource, "RLIMIT_" + name)
    print(name, resource.getrlimit(number)[1])
for name, attempt in (("fifo", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))), ("nice", lambda: os.nice(-5))):
    try:
        attempt()
        print(name, "done")
    except OSError as error:
        print(name, error.errno)
E"""
    told = parse(Sandbox(tmp).start(probe, preexec_fn=be_generous).communicate(timeout=PATIENCE * 3)[0])
    assert told["score"] == "1000" and told["fifo"] == "1" and told["nice"] in ("1", "13"), told
    bounds = {"RTPRIO": 0, "NICE": 0, "CORE": 1, "MEMLOCK": 8 << 20, "MSGQUEUE": 819200, "SIGPENDING": 8192}
    for name, bound in bounds.items():
        assert 0 <= int(told[name]) <= bound, f"{name}: {told}"
    outside = parse(subprocess.run(["bash", "-c", probe], capture_output=True, text=True, timeout=PATIENCE, check=True).stdout)
    assert outside["score"] != "1000", "the same outside: the check proves nothing"


CRASH = """python3 -c 'import os, resource, signal, sys
for size in sys.argv[1:]:
  resource.setrlimit(resource.RLIMIT_CORE, (int(size), int(size)))
print(resource.getrlimit(resource.RLIMIT_CORE)[0], flush=True)
os.kill(os.getpid(), signal.SIGSEGV)' """


def core_pattern(pattern):
    """Sets it; returns what it was."""
    path = "/proc/sys/kernel/core_pattern"
    with open(path, encoding="utf-8") as file:
        before = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(pattern)
    return before


def test_crash_handlers(tmp):
    """What core_pattern pipes to runs outside and as root, on what a command has made of itself; with RLIMIT_CORE 0 as well."""
    inside = Sandbox(tmp)
    assert inside.run(CRASH)[0].strip() == "1"
    assert inside.run(CRASH + "0")[0].strip() == "1"
    outside = subprocess.run(CRASH + "0", shell=True, capture_output=True, text=True, timeout=PATIENCE, check=False).stdout
    assert outside.strip() == "0", "the same outside: the check proves nothing"
    if not (ROOT and os.environ.get("SALLYPORT_OWN_KERNEL")):  # core_pattern is the whole machine's
        return None
    ran, handler = os.path.join(tmp, "ran"), os.path.join(tmp, "handler")
    with open(handler, "w", encoding="utf-8") as script:
        script.write(f"#!/bin/bash\necho $1 > {ran}\n")
    os.chmod(handler, 0o755)
    os.mkfifo(ran)
    told = os.open(ran, os.O_RDWR)
    before = core_pattern(f"|{handler} %u")  # told who crashed: root only outside
    inside.run(CRASH + "0")
    subprocess.run(CRASH + "0", shell=True, capture_output=True, timeout=PATIENCE, check=False)
    # the kernel does not wait for a handler that does not read
    heard = select.select([told], [], [], PATIENCE)[0]
    core_pattern(before)
    assert heard, "no handler outside: the check proves nothing"
    assert os.read(told, 100) == b"0\n", "a handler ran for the crash inside"
    os.close(told)
    return None


def test_oom_score_stays(tmp):
    """Started by root a command cannot make itself the last to be taken."""
    if not ROOT:
        return "an ordinary user may lower what an ordinary user has raised"
    output, errors = Sandbox(tmp).run("echo 0 > /proc/self/oom_score_adj; cat /proc/self/oom_score_adj")
    assert output.strip() == "1000", output + errors
    return None


def test_full_places(tmp):
    """Bytes and files: the place is full, says so, and the sandbox goes on."""
    sandbox = Sandbox(tmp, "--temporary-bytes", "1048576", "--temporary-files", "100", "--then", "echo alive")
    for place in ("/tmp", "/home/sandboxed", "/dev/shm"):
        output, errors = sandbox.run(f"""head -c 2000000 /dev/zero > {place}/big; stat -c %s {place}/big; rm {place}/big
            for i in $(seq 200); do : > {place}/$i || break; done; ls {place} | wc -l""")
        lines = output.split()
        assert lines[2:] == ["alive"] and int(lines[0]) <= 1048576 and int(lines[1]) < 100, f"{place}: {output}"
        assert errors.count("No space left on device") == 2, f"{place}: {errors}"
