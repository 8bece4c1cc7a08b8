#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every test, as root and as an ordinary user, plain and under sanitizers, and counts. scripts/test installs and builds first.

usage: suite.py [--node DIR] [--builds PID] [WORD]...     only the steps whose name contains one of the words
       PID is a child of this process, of the same number as its group, that still builds all but build/

Started as root it runs everything as root and again as an unprivileged user. Started by a user it runs everything as that user
and again as root through sudo; where there is no sudo that half is missing, which is a failure in CI.
The last line is `N passed, N failed`. A skipped test is printed with its reason.
"""

import argparse
import concurrent.futures
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
USER = 1777  # an unprivileged uid that owns nothing
FUZZ_SECONDS = 5
UNITS_AT_ONCE, HOSTS_AT_ONCE = 4, 3  # of one user's; most of them wait most of the time, but each of pytest's workers costs a start
SANITIZED_UNITS_AT_ONCE = 2  # which have enough to do, and some wait for an answer in time
REASONS = 12  # lines of each failed step that say why, shown once more at the end: CI keeps little else of a long output
# Which test failed (cmocka, pytest, the attacks, unittest), and why: cmocka's and pytest's lines, sanitizers, a compiler or an assert, run().
FAILED_TEST = re.compile(r"\[  FAILED  \] (?!\d+ test)|FAILED |FAIL: |ERROR ")
REASON = re.compile(r"\[  ERROR   \]|\[   LINE   \]|E   \S|\w*Error: |SUMMARY: |\(hangs: |.*(error: |Assertion `|ERROR: \w+Sanitizer)")
UNCONFINED = ("unit", "fuzz", "fault", "files")  # tests in whose processes leaks are looked for

SANITIZER_ENVIRONMENT = {
    # Leaks are looked for only where nothing is confined (UNCONFINED): the leak checker traces its own process, which our filters refuse.
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:handle_abort=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "SALLYPORT_SANITIZED": "1",
    "SALLYPORT_TEST_SLOWNESS": "4",
}


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.passed = self.failed = 0
        self.skipped = []
        self.failures = []  # (name, reasons)

    def add(self, *arguments, **more):
        with self.lock:
            self._add(*arguments, **more)

    def _add(self, name, passed, failed, seconds, *, output="", skipped=()):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        print(f"{'ok    ' if not failed else 'FAILED'} {name:58} {passed:5} passed {failed:4} failed {seconds:7.1f} s", flush=True)
        if failed:
            self.failures.append((name, reasons(output)))
            shown = [*reasons(output), "...", *output.splitlines()[-120:]]
            print("\n".join("    | " + line for line in shown), flush=True)

    def close(self):
        """What was skipped, what failed and why, and the totals, which are the last line."""
        for reason in sorted(set(self.skipped)):
            print("skipped:", reason)
        for name, why in self.failures:
            print("FAILED:", name)
            print("".join(f"    {line}\n" for line in why), end="")
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 1 if self.failed or not self.passed else 0


def reasons(output):
    """The first lines of a failed step's output that say which test failed and why; its last ones where nothing says it."""
    lines = [line[:300] for line in output.splitlines()]
    which = list(dict.fromkeys(filter(FAILED_TEST.match, lines)))[:REASONS // 2]
    why = list(dict.fromkeys(filter(REASON.match, lines)))[:REASONS - len(which)]
    return which + why or lines[-REASONS:]


class As:
    """Somebody to run tests as: a prefix for commands and a place of their own."""

    def __init__(self, name, prefix, top, scratch):
        self.name, self.prefix, self.top, self.scratch = name, prefix, top, scratch


def run(command, *, env=None, timeout=600, cwd=None):
    """(exit status, output, seconds). What is left of it when it ends or hangs is killed."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors="replace", env={**os.environ, **(env or {})}, cwd=cwd, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=timeout)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        status, output = 124, output + f"\n(hangs: killed after {timeout} s)"
    return status, output, time.monotonic() - begin


class Builds:
    """What is not built yet: by scripts/test, which has become this process, in the background."""

    def __init__(self, tally, pid):
        self.tally, self.pid, self.built = tally, pid, True

    def wait(self):
        """Until it is there; whether it is."""
        if self.pid:
            begin = time.monotonic()
            self.built, self.pid = os.waitpid(self.pid, 0)[1] == 0, 0
            if not self.built:
                self.tally.add("build with sanitizers and of fuzz targets", 0, 1, time.monotonic() - begin, output="its errors are above")
        return self.built

    def stop(self):
        if self.pid:
            os.killpg(self.pid, signal.SIGTERM)
            os.waitpid(self.pid, 0)


# ---- units: every test meson knows, run directly so that they run as anybody ----

def unit_tests(build):
    text = subprocess.run(["meson", "introspect", "--tests", build], capture_output=True, text=True, check=True).stdout
    return json.loads(text)


def cmocka_counts(status, output):
    """Passed and failed tests inside one program; a program without cmocka's totals counts as one."""
    passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", output))
    failed = sum(int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test", output))
    if passed + failed == 0:
        return (1, 0) if status == 0 else (0, 1)
    return passed, failed if status == 0 or failed else 1


def run_units(tally, who, build, label, env):
    # What only computes does so for anybody alike.
    tests = [test for test in unit_tests(os.path.join(TOP, build)) if who.name == "user" or "sallyport:computes" not in test["suite"]]

    def one(test):
        command = [part.replace(TOP + os.sep, who.top + os.sep) for part in test["cmd"]]
        variables = {**env, **test["env"], "PYTHONDONTWRITEBYTECODE": "1", "HOME": who.scratch, "TMPDIR": who.scratch}
        if test["name"].split("/")[0] in UNCONFINED:
            variables["ASAN_OPTIONS"] = variables.get("ASAN_OPTIONS", "").replace("detect_leaks=0", "detect_leaks=1")
        return run([*who.prefix, "env", *[f"{k}={v}" for k, v in variables.items()], *command], timeout=max(test["timeout"], 60) * 2,
                   cwd=os.path.join(who.top, build))

    tests.sort(key=lambda test: (not test["is_parallel"], -test["priority"]))
    together = [test for test in tests if test["is_parallel"]]
    with concurrent.futures.ThreadPoolExecutor(SANITIZED_UNITS_AT_ONCE if "SALLYPORT_SANITIZED" in env else UNITS_AT_ONCE) as pool:
        results = list(pool.map(one, together))
    results += map(one, tests[len(together):])  # those that nothing must stand beside
    for test, (status, output, seconds) in zip(tests, results):
        passed, failed = cmocka_counts(status, output)
        skipped = [f"{test['name']}: {line.strip()}" for line in output.splitlines() if "SKIPPED" in line and "[  SKIPPED  ]" in line]
        if status == 77:
            skipped.append(f"{test['name']}: {output.strip()[-200:]}")
            passed, failed = 0, 0
        tally.add(f"{label} {test['name']} as {who.name}", passed, failed, seconds, output=output, skipped=skipped)


# ---- hosts: pytest ----

def environment_of(options, who):
    return {"SALLYPORT_NODE": options.node.replace(TOP, who.top)}


def run_hosts(tally, who, build, label, env, alone=False):
    """All but the tests that want the machine for themselves, or those."""
    report = os.path.join(who.scratch, f"{build}.xml")
    which = ["-m", "alone"] if alone else ["-m", "not alone", f"-n{HOSTS_AT_ONCE}", "--dist=worksteal"]
    variables = {**env, "SALLYPORT_BUILD": os.path.join(who.top, build), "SALLYPORT_SCHEMAS": os.path.join(who.top, "build/schema"),
                 "PYTHONDONTWRITEBYTECODE": "1", "HOME": who.scratch}
    command = [*who.prefix, "env", *[f"{k}={v}" for k, v in variables.items()],
               os.path.join(who.top, "build/python/bin/python"), "-m", "pytest", *which, "-q", "-rfEsx", "-p", "no:cacheprovider", "--tb=short",
               f"--basetemp={who.scratch}/pytest-{build}", f"--junit-xml={report}", os.path.join(who.top, "tests/hosts")]
    status, output, seconds = run(command, timeout=900, cwd=who.scratch)
    try:
        suites = xml.etree.ElementTree.parse(report).getroot().iter("testsuite")
        total = failed = skipped = 0
        for suite in suites:
            total += int(suite.get("tests"))
            failed += int(suite.get("failures")) + int(suite.get("errors"))
            skipped += int(suite.get("skipped"))
        passed = total - failed - skipped
    except (OSError, xml.etree.ElementTree.ParseError):
        passed, failed = 0, 1
    if status != 0 and failed == 0:
        failed = 1
    reasons = [line for line in output.splitlines() if line.startswith(("SKIPPED", "XFAIL"))]
    tally.add(f"{label} as {who.name}", passed, failed, seconds, output=output, skipped=reasons)


# ---- the rest ----

def fuzz_tasks(tally, who):
    """For each fuzz target a function that runs it a few seconds, beginning with its corpus."""
    targets = sorted(path for path in glob.glob(os.path.join(TOP, "build-fuzz", "**", "fuzz[-_]*"), recursive=True)
                     if os.path.isfile(path) and os.access(path, os.X_OK))

    def fuzz(target):
        name = os.path.basename(target)[5:]
        corpus = os.path.join(TOP, "tests", "fuzz", "corpus", name)
        found = os.path.join(who.scratch, "fuzz-" + name)
        os.makedirs(found, exist_ok=True)
        command = [target, f"-max_total_time={FUZZ_SECONDS}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
                   f"-artifact_prefix={found}/", found, *([corpus] if os.path.isdir(corpus) else [])]
        status, output, seconds = run(command, timeout=120, cwd=who.scratch, env={"ASAN_OPTIONS": "detect_leaks=1"})
        tally.add(f"fuzz {name}", int(status == 0), int(status != 0), seconds, output=output)

    if not targets:
        return [lambda: tally.add("fuzz targets", 0, 1, 0, output="no fuzz target was built")]
    return [lambda target=target: fuzz(target) for target in targets]


def run_program(tally, name, command, shown="warning:", **more):
    """`shown`: which lines are to be seen in any case."""
    status, output, seconds = run(command, **more)
    counted = re.findall(r"^(\d+) passed, (\d+) failed$", output, re.MULTILINE)
    passed, failed = (int(n) for n in counted[-1]) if counted else (int(status == 0), int(status != 0))
    if status != 0 and failed == 0:
        failed = 1
    print("".join(line + "\n" for line in output.splitlines() if re.match(shown, line)), end="")
    tally.add(name, passed, failed, seconds, output=output)


def run_tools(tally, who, profile, env):
    """Other people's programs through the broker: once each, they are slow to start."""
    command = [*who.prefix, "env", *[f"{k}={v}" for k, v in env.items()], "PYTHONDONTWRITEBYTECODE=1", "SALLYPORT_TEST_SLOWNESS=4",
               f"SALLYPORT_TEST_PROFILE={profile}", f"HOME={who.scratch}", f"TMPDIR={who.scratch}", sys.executable, os.path.join(who.top, "tests/web/tools.py"), os.path.join(who.top, "build/sallyport")]
    status, output, seconds = run(command, cwd=who.scratch)
    passed, failed = cmocka_counts(status, output)
    tally.add(f"programs with a network as {who.name}, profile {profile}", passed, failed, seconds, output=output)


def readable_copy(scratch, builds):
    """Where an unprivileged user can run what is here: the tree itself, or, if it lies in a closed directory, a copy."""
    probe = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "test", "-x", os.path.join(TOP, "build", "sallyport")]
    if subprocess.run(probe, check=False).returncode == 0:
        return TOP
    builds.wait()
    copy = os.path.join(scratch, "tree")
    subprocess.run(["cp", "-a", "--reflink=auto", TOP, copy], check=True)
    subprocess.run(["chmod", "-R", "a+rX", copy], check=True)
    return copy


def people(tally, scratch, builds):
    """Who the tests run as."""
    def place(name, owner=None):
        path = os.path.join(scratch, name)
        os.mkdir(path, 0o755)
        if owner is not None:
            os.chown(path, owner, owner)
        return path

    if os.getuid() == 0:
        prefix = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        return [As("root", [], TOP, place("root")), As("user", prefix, readable_copy(scratch, builds), place("user", USER))]
    found = [As("user", [], TOP, place("user"))]
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
        found.append(As("root", ["sudo", "-n"], TOP, place("root")))
    elif os.environ.get("CI"):
        tally.add("the tests as root", 0, 1, 0, output="there is no sudo without a password, so nothing was run as root")
    else:
        tally.skipped.append("everything as root: there is no sudo without a password")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--node", default="")
    parser.add_argument("--builds", type=int, default=0)
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    os.environ["SALLYPORT_NODE"] = options.node
    tally = Tally()
    builds = Builds(tally, options.builds)
    scratch = tempfile.mkdtemp(prefix="sallyport-test-")
    os.chmod(scratch, 0o755)
    try:
        everybody = people(tally, scratch, builds)
        python = os.path.join(TOP, "build/python/bin/python")

        def at_once(run_as, *arguments, env=None, **more):
            """As everybody at once: they share neither uid nor files."""
            def one(who):
                run_as(tally, who, *arguments, {**environment_of(options, who), **(env or {})}, **more)
            with concurrent.futures.ThreadPoolExecutor(len(everybody)) as pool:
                list(pool.map(one, everybody))

        def wanted(name):
            return not options.words or any(word in name for word in options.words)

        def two_by_two():
            """What uses one processor each, and nothing that two would share."""
            tasks = []
            for who in everybody:
                if who.name == "root" and wanted("containers"):
                    command = [*who.prefix, python, os.path.join(TOP, "tests/escape/containers.py"), os.path.join(TOP, "build")]
                    tasks.append(lambda who=who, command=command: run_program(tally, "containers", command, cwd=who.scratch))
            if wanted("trees"):
                trees = [python, *(os.path.join(TOP, part) for part in ("tests/web/compare_trees.py", "build-sanitize/tests/web/dump-tree"))]
                tasks.append(lambda: run_program(tally, "trees", trees, cwd=TOP))
            if wanted("repository"):
                tasks.append(lambda: run_program(tally, "repository", [python, os.path.join(TOP, "tests/repository.py")], cwd=TOP))
            if wanted("fuzz"):
                tasks += fuzz_tasks(tally, everybody[0])
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                for done in [pool.submit(task) for task in tasks]:
                    done.result()

        plain = [
            ("unit", lambda: at_once(run_units, "build", "unit")),
            *((f"tools {profile}", lambda profile=profile: at_once(run_tools, profile)) for profile in ("full", "container")),
            ("hosts", lambda: at_once(run_hosts, "build", "hosts")),
            ("hosts alone", lambda: at_once(run_hosts, "build", "hosts alone", alone=True)),
        ]
        steps = [  # what the other builds are for
            ("sanitized unit", lambda: at_once(run_units, "build-sanitize", "sanitized", env=SANITIZER_ENVIRONMENT)),
            ("sanitized hosts", lambda: at_once(run_hosts, "build-sanitize", "sanitized hosts", env=SANITIZER_ENVIRONMENT)),
            ("sanitized hosts alone", lambda: at_once(run_hosts, "build-sanitize", "sanitized hosts alone", env=SANITIZER_ENVIRONMENT, alone=True)),
            ("containers trees repository fuzz", two_by_two),
        ]
        bench = [python, os.path.join(TOP, "tests/bench/run"), os.path.join(TOP, "build"), "--smoke"]
        for who in everybody:
            if who.name == "root":
                steps.append(("bench", lambda who=who: run_program(tally, "bench (smoke)", [*who.prefix, *bench], cwd=who.scratch)))
        # Emulated, so slow: only when asked for by name (scripts/test kernels).
        if "kernels" in options.words:
            kernels = [os.path.join(TOP, "tests/kernels/run"), os.path.join(TOP, "build")]
            steps.append(("kernels", lambda: run_program(tally, "Debian's kernels", kernels, timeout=7200, shown=r"(ok|FAILED) +\S.* passed .* s$")))
        if "mutate" in options.words:  # many minutes: only when asked for
            for who in everybody:
                if who.name == "root":
                    mutate = [*who.prefix, sys.executable, os.path.join(TOP, "tests/mutation/mutate")]
                    steps.append(("mutate", lambda command=mutate: run_program(tally, "mutation run", command, cwd=TOP, timeout=4 * 3600)))
        for name, step in plain:
            if wanted(name):
                step()
        for name, step in steps:
            if wanted(name) and builds.wait():
                step()
        builds.wait()
    finally:
        builds.stop()
        remove = ["rm", "-rf", "--one-file-system", scratch]
        subprocess.run(remove if os.getuid() == 0 or not shutil.which("sudo") else ["sudo", "-n", *remove], check=False)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
