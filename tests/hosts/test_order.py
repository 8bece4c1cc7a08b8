# SPDX-License-Identifier: Apache-2.0
"""strace of one command: a sandbox is built in the order of docs/sandbox.md, and a call does what it must before it executes.

What stands here twice or looks superfluous is there for a moment in which another layer is not on yet; nothing else would notice
its loss.
"""

import os
import re
import shutil
import subprocess

import pytest
from conftest import PROGRAM, SANITIZED, clean_environment

ROOT = os.getuid() == 0
ORDER = [
    ("parent", r"prctl\(PR_SET_PDEATHSIG, SIGKILL"), ("parent: is it alive?", r"poll\(\[\{fd=3, events=POLLRDHUP"),
    ("session", r"rt_sigprocmask\(SIG_SETMASK, \[\], NULL"), ("session", r"setsid\(\)"), ("network", r"ioctl\(\d+, SIOCSIFFLAGS.*IFF_UP"),
    ("mounts: nothing goes out", r"mount_setattr\(.*AT_RECURSIVE.*propagation=MS_PRIVATE"), ("mounts: a root", r"fsopen\(\"tmpfs\""),
    ("mounts: system read-only", r"mount_setattr\(.*MOUNT_ATTR_RDONLY"), ("mounts: /proc", r"fsopen\(\"proc\""),
    ("mounts: the new root", r"pivot_root\("), ("mounts: the old one goes", r"umount2\(.*MNT_DETACH"),
    *([("namespaces", r"unshare\(CLONE_NEWUSER"), ("identity", r"setgroups\(0"), ("identity", r"setresgid\("), ("identity", r"setresuid\(")] if ROOT else []),
    ("identity", r"PR_CAP_AMBIENT_CLEAR_ALL"), ("identity", r"capset\(.*effective=0, permitted=0, inheritable=0"),
    ("parent again", r"prctl\(PR_SET_PDEATHSIG, SIGKILL"), ("descriptors: stderr", r"dup2\(0, 2\)"), ("descriptors", r"close_range\(\d+, 4294967295, 0"),
    *[(f"resources: {name}", rf"prlimit64\(0, RLIMIT_{name}, \{{rlim_cur=.*rlim_max=")
      for name in ("CORE", "RTPRIO", "NICE", "MEMLOCK", "MSGQUEUE", "SIGPENDING", "NOFILE", "NPROC", "FSIZE", *([] if SANITIZED else ["DATA"]))],
    ("privileges", r"prctl\(PR_SET_NO_NEW_PRIVS, 1"), ("privileges", r"prctl\(PR_SET_DUMPABLE, (0|SUID_DUMP_DISABLE)"),
    ("landlock", r"landlock_restrict_self\("), ("seccomp", r"seccomp\(SECCOMP_SET_MODE_FILTER"),
]
CALL = [("session", r"setsid\(\)"), ("stdout", r"dup2\(\d+, 1\)"), ("stderr", r"dup2\(\d+, 2\)"), ("descriptors", r"close_range\(3, 4294967295, 0"),
        ("cwd", r"chdir\("), ("execve", r"execve\(\"/bin/true\"")]


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """{pid: [calls that succeeded]} of a server, its executors and a command."""
    assert shutil.which("strace"), "strace is missing: scripts/test installs it"
    folder = tmp_path_factory.mktemp("traced")
    workspace, trace = folder / "workspace", folder / "trace"
    workspace.mkdir()
    done = subprocess.run(["strace", "-f", "-o", str(trace), PROGRAM, "call", "run_command", '{"argv": ["/bin/true"]}', "--workspace", str(workspace)],
                          env=clean_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    calls, begun = {}, {}
    for line in trace.read_text(errors="replace").splitlines():
        pid, call = line.split(None, 1)
        if call.endswith("<unfinished ...>"):
            begun[pid] = call.removesuffix("<unfinished ...>").rstrip()
            continue
        if call.startswith("<... "):
            call = begun.pop(pid, "") + call.split("resumed>", 1)[1].lstrip()
        if not re.search(r"= -1 E", call):
            calls.setdefault(pid, []).append(call)
    return calls


def run_of(traced, pattern):
    """The calls of the process that makes a call like this, before and after it."""
    (calls, at), *others = [(calls, at) for calls in traced.values() for at, call in enumerate(calls) if re.search(pattern, call)]
    assert not others, others
    return calls[:at + 1], calls[at + 1:]


def check(calls, order):
    at = 0
    for name, pattern in order:
        found = next((number for number in range(at, len(calls)) if re.search(pattern, calls[number])), None)
        assert found is not None, f"{name} is missing after {calls[at - 1] if at else 'the beginning'}"
        at = found + 1
    return at


def test_a_sandbox_is_built_in_order(traced):
    before, calls = run_of(traced, r'execveat\(.*"sallyport-keeper"')
    check(before, ORDER[:1])
    end = check(calls, ORDER)
    # under the filter nothing of this is possible any more, so nobody tries
    assert not [call for call in calls[end:] if re.match(r"(mount|umount|unshare|setns|setresuid|capset|landlock_)", call)]


@pytest.mark.root
def test_a_sandbox_is_born_in_its_group(traced):
    """Moved there later it would be without bounds at first, and wait for the kernel."""
    calls = [call for calls in traced.values() for call in calls]
    if not any(re.match(r"mkdirat\(\d+, \"\d+-\d+\"", call) for call in calls):
        pytest.skip("no group to be had: no cgroup v2, or one that others are in")
    assert any(re.match(r"clone3\(.*CLONE_INTO_CGROUP.* = [1-9]\d*", call) for call in calls)


def test_a_call_leaves_everything_behind(traced):
    before, _ = run_of(traced, r'execve\("/bin/true"')
    check(before, CALL)
