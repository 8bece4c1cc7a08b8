# SPDX-License-Identifier: Apache-2.0
"""System calls, and the paths that belong to nobody's workspace."""

import os
import subprocess

from harness import BUILD, ROOT, Sandbox, parse

EPERM_CALLS = """mount umount2 pivot_root chroot open_tree move_mount fsopen mount_setattr unshare-newuser setns clone-newuser
    clone-newns clone-newpid clone-newnet clone-newipc clone-newuts ptrace process_vm_readv kcmp pidfd_getfd perf_event_open bpf
    userfaultfd io_uring_setup keyctl add_key fanotify_init open_by_handle_at name_to_handle_at init_module kexec_load
    clock_settime mbind move_pages syslog personality tiocsti tiocsti-high mknod-device socket-raw
    socket-packet""".split()
CALLS = {**{name: "EPERM" for name in EPERM_CALLS}, "clone3": "ENOSYS", "call-900": "ENOSYS", "sendto-fastopen": "EOPNOTSUPP",
         "socket-vsock": "EAFNOSUPPORT", "socket-mptcp": "EPROTONOSUPPORT", "socket-netlink-audit": "EAFNOSUPPORT", "connect-outside": "ENETUNREACH",
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
