#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What doctor says where the machine gives less, and whether its remedy is one; runs in the guest, as root (see run).

usage: choices.py BUILD [--without-landlock] [WORD]...     only the cases whose name contains one of the words

Each case takes something away by the machine's own settings, asks doctor which profile that makes and why, runs a command under it, then
does what the remedy says, word for word, and finds the whole profile again. --without-landlock: the machine was booted so.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

USER = ["setpriv", "--reuid=1777", "--regid=1777", "--clear-groups"]
BUILD = os.path.abspath(sys.argv[1])
SYSCTLS = "/proc/sys/"


class Case:
    def __init__(self, name, settings, *, profiles, layer=None, code=None, says=(), wrapper=(), mends=True):
        self.name, self.settings = name, settings  # name in /proc/sys -> value
        self.profiles = profiles                   # as root, as a user; None: nothing runs
        self.layer, self.code = layer, code        # the first that is missing, and the kernel's answer
        self.says = says                           # words of its remedy
        self.wrapper, self.mends = list(wrapper), mends


def none_of(kind):
    name = f"user/max_{kind}_namespaces"
    return Case(f"no {kind} namespaces", {name: "0"}, profiles=("container", "container"), layer="namespaces", code="ENOSPC",
                says=(name.replace("/", "."),))


CASES = [
    Case("as it is", {}, profiles=("full", "full")),
    *map(none_of, ("user", "mnt", "pid", "ipc", "uts", "net")),
    Case("user namespaces for root alone", {"kernel/unprivileged_userns_clone": "0"}, profiles=("full", "container"), layer="namespaces",
         code="EPERM", says=("kernel.unprivileged_userns_clone",)),
    Case("nobody reads another's memory", {"kernel/yama/ptrace_scope": "2"}, profiles=(None, None), layer="seccomp", code="EPERM",
         says=("kernel.yama.ptrace_scope",)),
    Case("a filter that refuses namespaces", {}, profiles=("container", "container"), layer="namespaces", code="EPERM",
         says=("filter", "RestrictNamespaces="), wrapper=(f"{BUILD}/without", "namespaces:1", "--"), mends=False),
    Case("a filter that refuses seccomp", {}, profiles=(None, None), layer="seccomp", says=("refuse seccomp",),
         wrapper=(f"{BUILD}/without", "seccomp:1", "--"), mends=False),
    Case("a filter that refuses Landlock", {}, profiles=(None, None), layer="landlock", code="ENOSYS", says=("landlock_*",),
         wrapper=(f"{BUILD}/without", "landlock:38", "--"), mends=False),
]
WITHOUT_LANDLOCK = [Case("no Landlock at boot", {}, profiles=(None, None), layer="landlock", code="EOPNOTSUPP", says=("lsm=", "landlock"),
                         mends=False)]


def get(name):
    with open(SYSCTLS + name, encoding="ascii") as file:
        return file.read().strip()


def put(name, value):
    with open(SYSCTLS + name, "w", encoding="ascii") as file:
        file.write(value)


def call(wrapper, *arguments):
    done = subprocess.run([*wrapper, f"{BUILD}/sallyport", *arguments], capture_output=True, text=True, timeout=300, check=False,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def doctor(wrapper, workspace):
    status, output, errors = call(wrapper, "doctor", "--json", "--workspace", workspace)
    found = json.loads(output)
    assert status == (0 if found["confined"] else 3), (status, output, errors)
    return found, {layer["layer"]: layer for layer in found["layers"]}


def judge(case, who, workspace):
    """Raises when something is not as it must be."""
    wrapper = [*(USER if who == "a user" else []), *case.wrapper]
    profile = case.profiles[who == "a user"]
    found, layers = doctor(wrapper, workspace)
    assert (found["profile"] if found["confined"] else None) == profile, found
    status, output, errors = call(wrapper, "call", "run_command", '{"command": "echo ran; kill -9 $$"}', "--workspace", workspace)
    assert ("ran\n" in output) == (profile is not None), f"{status}: {output}{errors}"
    if profile == "full":
        assert layers["namespaces"]["state"] == layers["mounts"]["state"] == "there", layers
        return
    missing = next(layer for layer in found["layers"] if layer["state"] == "missing")
    assert missing["layer"] == case.layer and case.code in (None, missing["errno"]), missing
    for words in case.says:
        assert words in missing["remedy"], missing
    if case.layer != "seccomp" or case.mends:  # the frontend cannot be sealed then, and says so in its own words
        assert missing["remedy"] in output + errors, f"{missing['remedy']}: {output}{errors}"
    if case.mends:
        name, value = re.search(r"sysctl ([a-z_.]+)=(\d+)", missing["remedy"]).groups()
        put(name.replace(".", "/"), value)
        found, _ = doctor(wrapper, workspace)
        assert found["profile"] == "full" and found["confined"], found


def run(case, who):
    """True, False, or None when this kernel has no such setting."""
    missing = [name for name in case.settings if not os.path.exists(SYSCTLS + name)]
    if missing:
        print(f"SKIPPED {case.name}, {who}: this kernel has no {missing[0]}", flush=True)
        return None
    before = {name: get(name) for name in case.settings}
    try:
        with tempfile.TemporaryDirectory(prefix="sallyport-choices-") as workspace:
            os.chown(workspace, 1777, 1777)
            for name, value in case.settings.items():
                put(name, value)
            judge(case, who, workspace)
        print(f"ok      {case.name}, {who}", flush=True)
        return True
    except Exception as error:  # pylint: disable=broad-except
        print(f"FAILED  {case.name}, {who}: {type(error).__name__}: {error}", flush=True)
        return False
    finally:
        for name, value in before.items():
            put(name, value)


def main():
    words = sys.argv[2:]
    cases = CASES
    if "--without-landlock" in words:
        words.remove("--without-landlock")
        cases = WITHOUT_LANDLOCK
    results = [run(case, who) for case in cases for who in ("root", "a user") if not words or any(word in case.name for word in words)]
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 1 if False in results or True not in results else 0


if __name__ == "__main__":
    sys.exit(main())
