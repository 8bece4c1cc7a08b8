# SPDX-License-Identifier: Apache-2.0
"""The tests that kill mutants, each as what it needs built, how it is started, and how it names what failed."""

import os
import shutil

from source import TOP

PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin:/bin")  # one that everybody may run
PROGRAMS = ["sallyport", *("sallyport-" + name for name in ("http", "spawner", "keeper", "files", "search", "web", "broker"))]
# What differs in namespaces of its own: numbers of processes begin anew, and which remedy is told for too few namespaces.
APART = "not test_the_servers_processes_are_invisible and not ENOSPC"
USER = 1777  # an unprivileged uid that owns nothing
AS_USER = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]


class Suite:
    """`command(tree)` for a copy of the source whose build folder is tree/build."""

    def __init__(self, name, targets, command, pattern, *, user=False):
        self.name = name + (" as a user" if user else "")
        self.targets, self.command, self.pattern = targets, command, pattern
        self.prefix = AS_USER if user else []


def unit(*names):
    return [Suite(f"unit/{name}", [f"tests/unit/unit-{name}"], lambda tree, name=name: [f"{tree}/build/tests/unit/unit-{name}"],
                  r"\[  FAILED  \] (\w+)\n") for name in names]


def program(name):
    """A test program of C in another folder: "files/read"."""
    folder, _, test = name.partition("/")
    target = f"tests/{folder}/{folder}-{test}"
    return [Suite(name, [target], lambda tree: [f"{tree}/build/{target}"], r"\[  FAILED  \] (\w+)\n")]


def escape(*tests, user=False):
    targets = [*PROGRAMS, "sandbox-run", "many-callers", "escape-attempts", "tests/hostile/hostile-keeper"]
    return [Suite("escape", targets, lambda tree: [PYTHON, f"{tree}/tests/escape/run.py", f"{tree}/build", *tests],
                  r"^FAILED\s+([^\s:]+)", user=user)]


def attacks(*names, mode="full", user=False):
    targets = [*PROGRAMS, "sandbox-run", "escape-attempts", "escape-helper", "without"]
    return [Suite(f"attacks {mode}", targets,
                  lambda tree: [PYTHON, f"{tree}/tests/escape/attacks.py", f"{tree}/build", "--mode", mode, *names],
                  r"^FAILED\s+(\S.*?)\s{2,}", user=user)]


def hosts(*tests):
    """"order", or "order::test_name"."""
    targets = [*PROGRAMS, "without", "escape-helper", "tests/hostile/hostile-files", "tests/hostile/hostile-broker", "tests/hostile/hostile-keeper",
               *(f"tests/hostile/unfiltered-{name}" for name in ("files", "search", "web", "broker"))]

    def command(tree):
        files = [f"{tree}/tests/hosts/test_" + test.replace("::", ".py::", 1) + ("" if "::" in test else ".py") for test in tests]
        return [os.path.join(TOP, "build/python/bin/python"), "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=line", "-k", APART, *files]
    return [Suite("hosts", targets, command, r"^(?:FAILED|ERROR) \S*?(test_\S+)")]


def web(suite, *tests, contained=False):
    """"commands" or "confined", of tests/web, with the whole server; "fetch", "broker" or "names" with bare programs. `contained`: where
    namespaces are refused."""
    bare = suite in ("fetch", "broker", "names")
    targets = ["tests/web/bare-broker", "tests/web/bare-web"] if bare else PROGRAMS
    programs = ["tests/web/bare-broker", "tests/web/bare-web"] if bare else ["sallyport"]
    profile = ["env", "SALLYPORT_TEST_PROFILE=container"] if contained else []
    return [Suite(f"web/{suite}{' in a container' if contained else ''}", [*targets, *(["without"] if contained else [])],
                  lambda tree: [*profile, PYTHON, f"{tree}/tests/web/test_{suite}.py", *(f"{tree}/build/{name}" for name in programs), *tests],
                  r"^(?:FAIL|ERROR): (\w+)")]
