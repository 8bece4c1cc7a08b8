# SPDX-License-Identifier: Apache-2.0
"""Nothing of a call outlives it, whoever of ours is killed or stopped."""

import os
import re
import select
import signal

from harness import PATIENCE, Sandbox, children, wait_for_end, wait_for_line
from survivors import SURVIVORS

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


def test_nannies_killed_from_inside(tmp):
    """A command that kills all it can reach ends itself; the sandbox goes on, with nothing of it left."""
    # the call is answered as lost before the kernel has ended all that was killed
    sandbox = Sandbox(tmp, "--then", "while grep -sq sleep /proc/[0-9]*/comm; do :; done; echo next")
    output, errors = sandbox.run("setsid sleep 1000 & sleep 1000 & kill -9 -1")
    assert "next" in output, output + errors
    assert "lost" in errors or "signal=9" in errors, errors


def test_stopped_nannies(tmp):
    """It can stop them too; then the frontend ends the sandbox, which is one kill from outside."""
    process = Sandbox(tmp).start("echo here; kill -STOP -1; sleep 1000")
    wait_for_line(process, "here")
    for pid in children(process.pid)["sallyport-keepe"]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # a nanny that had not named itself yet
            pass
    assert "lost" in process.communicate(timeout=PATIENCE)[1]


def all_end(handles):
    for name, handle in handles:
        assert select.select([handle], [], [], PATIENCE)[0], f"{name} is still there"
        os.close(handle)


def killed(tmp, name):
    """Kills our process `name` while a command and its daemons run, and waits until all of it has ended, and all of ours."""
    process = Sandbox(tmp).start("setsid sleep 1000 & (sleep 1000 &); echo here; sleep 1000")
    wait_for_line(process, "here")
    ours = children(process.pid)
    handles = [(one, os.pidfd_open(pid)) for one in ("sallyport-spawn", "sallyport-keepe") for pid in ours[one]]
    os.kill(process.pid if name == "frontend" else ours[name][0], signal.SIGKILL)
    wait_for_end(process.stdout)
    process.communicate(timeout=PATIENCE)
    all_end(handles)


def test_killed_frontend(tmp):
    killed(tmp, "frontend")


def test_killed_spawner(tmp):
    killed(tmp, "sallyport-spawn")


def test_killed_keeper(tmp):
    killed(tmp, "sallyport-keepe")


def test_stopped_spawner(tmp):
    """A stopped spawner keeps nothing alive, itself included."""
    process = Sandbox(tmp).start("setsid sleep 1000 & echo here; sleep 1000")
    wait_for_line(process, "here")
    ours = children(process.pid)
    spawner = ours["sallyport-spawn"][0]
    handles = [(name, os.pidfd_open(ours[name][0])) for name in ("sallyport-spawn", "sallyport-keepe")]  # while they surely are these processes
    os.kill(spawner, signal.SIGSTOP)
    process.kill()
    wait_for_end(process.stdout)
    all_end(handles)
    process.communicate()
