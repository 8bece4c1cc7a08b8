# SPDX-License-Identifier: Apache-2.0
"""Asks first and then tries, in generated cases: what explain_access foretells is what happens.

SALLYPORT_TEST_SEED chooses other cases, SALLYPORT_TEST_CASES how many workspaces.
"""

import json
import os
import random
import stat

import pytest
from client import text_of

SEED = int(os.environ.get("SALLYPORT_TEST_SEED", "4"))
CASES = int(os.environ.get("SALLYPORT_TEST_CASES", "30"))
NAMES = ["a", "b", ".git", "hooks", "config", "HEAD", ".vscode", ".mcp.json", "secret", "Makefile"]
LINKS = ["a", "b", "../a", "..", ".git/hooks", ".git", "secret", "/etc/passwd", "nowhere", "a/new", ".", "{top}", "{top}/b", "{top}/../outside"]


@pytest.fixture(autouse=True)
def removable(tmp_path):
    """What grow() closed is opened again, so that it can be removed."""
    yield
    for folder, names, _ in os.walk(tmp_path):
        for name in names:
            if not os.path.islink(os.path.join(folder, name)):
                os.chmod(os.path.join(folder, name), 0o755)


def grow(random_, top, root, depth=0):
    """A tree of files, directories and links, among them protected names; paths of what is there and what is not."""
    found = []
    for name in random_.sample(NAMES, random_.randint(2, 6)):
        path = top / name
        kind = random_.choice(["file", "file", "directory", "directory", "link", "absent", "fifo"])
        found.append(path)
        if kind == "file":
            path.write_text("x\n")
            path.chmod(random_.choice([0o644, 0o644, 0o600, 0o444, 0o000, 0o755]))
        elif kind == "directory" and depth < 2:
            path.mkdir()
            found += grow(random_, path, root, depth + 1)
            path.chmod(random_.choice([0o755, 0o755, 0o755, 0o555, 0o000]))
        elif kind == "link":
            os.symlink(random_.choice(LINKS).format(top=root), path)
        elif kind == "fifo":
            os.mkfifo(path)
    return found


def spellings(random_, path, workspace):
    """The path, and other ways to say it: relative, in capitals, with dots, as if it were a directory, something below it."""
    yield str(path)
    if path.is_relative_to(workspace) and random_.random() < 0.3:
        yield os.path.relpath(path, workspace)
    if random_.random() < 0.5:
        yield random_.choice([f"{path}/new", f"{path}/new/er", f"{path}/", f"{path}/../{path.name}", f"{path.parent}/./{path.name}",
                              f"{path.parent}/{path.name.upper()}", f"{path}/../a"])


def may_be_named(path):
    """A policy names no links, and nothing that its author cannot see: the server does not start with such."""
    try:
        return not stat.S_ISLNK(os.lstat(path).st_mode)
    except FileNotFoundError:
        return True
    except PermissionError:
        return False


def generated(random_, workspace, second):
    """A policy for two workspaces full of cases, the arguments that name them, and what to ask about."""
    paths = [*grow(random_, workspace, workspace), *grow(random_, second, workspace), second.parent / "outside", workspace, second]
    named = [path for path in paths if path not in (workspace, second) and may_be_named(path)]
    document = {"filesystem": {key: [str(path) for path in random_.sample(named, 2)] for key in ("denyRead", "denyWrite")}}
    if random_.random() < 0.1:
        document["filesystem"]["denyWrite"].append(str(random_.choice([second, second.parent])))
    roots = [workspace, f"{second}{random_.choice(['', ':ro'])}"]
    return document, roots, [spelling for path in paths for spelling in spellings(random_, path, workspace)]


@pytest.mark.parametrize("case", range(CASES))
def test_what_is_foretold_of_the_file_tools_happens(start, policy, workspace, tmp_path, case):
    print(f"SALLYPORT_TEST_SEED={SEED}, case {case}")
    random_ = random.Random(SEED * 1000 + case)
    second = tmp_path / "second"
    second.mkdir()
    (tmp_path / "outside").write_text("outside\n")
    document, roots, paths = generated(random_, workspace, second)
    server = start("--policy", policy(document), roots=roots)
    wrong = []
    for path in paths:
        tool = "list_directory" if os.path.isdir(os.path.join(workspace, path)) else "read_file"
        for operation, name, more in (("read", tool, {}), ("write", "write_file", {"content": "y\n"})):
            if operation == "write" and tool == "list_directory":
                continue  # no file tool writes a directory
            facts = server.call("explain_access", path=path, operation=operation)["structuredContent"]
            result = server.call(name, path=path, **more)
            if facts["allowed"] is bool(result.get("isError")):
                wrong.append((path, operation, facts, text_of(result)[:300]))
    assert not wrong, "\n".join(map(str, [document, roots, *wrong]))


# ---- commands ----

# Asked about in every case: the system, the sandbox's own places, and what is not shown.
ELSEWHERE = ["/etc/passwd", "/etc/shadow", "/etc/new", "/usr/bin/env", "/usr/new", "/bin/sh", "/root/.ssh/id", "/var/log/new", "/run/x", "/sys/x",
             "/nowhere", "/", "/dev/null", "/dev/new", "/dev/shm/new", "/tmp/new", "/tmp", "/proc/self/status", "/proc/sys/kernel/hostname",
             "/proc/kcore", "{home}", "{home}/new", "{cache}/new", "{cache}", "{tmp}/outside"]

# Tries what was asked, in one command; leaves nothing changed. Prints a JSON list of booleans.
TRY = r"""
import json, os, stat, sys

def tried(path, operation):
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        if operation != "write":
            return False
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666))
        os.unlink(os.path.realpath(path))
        return True
    if stat.S_ISCHR(mode) and not path.startswith("/dev/"):
        return False  # what covers a file that is hidden
    if operation == "execute" and stat.S_ISREG(mode):
        null = os.open("/dev/null", os.O_RDWR)
        try:
            os.waitpid(os.posix_spawn(path, ["x", "true"], {}, file_actions=[(os.POSIX_SPAWN_DUP2, null, n) for n in range(3)]), 0)
        except OSError as error:
            if error.errno != 8:  # ENOEXEC: it was allowed, and is no program
                raise
        finally:
            os.close(null)
    elif operation == "execute" and stat.S_ISDIR(mode):
        os.stat(path + "/.")
    elif operation == "write" and stat.S_ISDIR(mode):
        os.mkdir(path + "/made-to-try")
        os.rmdir(path + "/made-to-try")
    elif stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        os.close(os.open(path, os.O_WRONLY if operation == "write" else os.O_RDONLY))
    else:
        return os.access(path, {"read": os.R_OK, "write": os.W_OK, "execute": os.X_OK}[operation])
    return True

def passes(path, operation):
    try:
        return tried(path, operation)
    except OSError:
        return False

print(json.dumps([passes(path, operation) for path, operation in json.load(sys.stdin)]))
"""


@pytest.mark.parametrize("path, rule", [(".git/hooks/pre-commit", "protected:.git/hooks"), (".mcp.json", "protected:.mcp.json"), ("hidden", "hidden:")])
def test_what_is_absent_is_refused(start, policy, workspace, path, rule):
    """A rule holds for what is not there yet, and the command's result names it."""
    server = start("--policy", policy({"filesystem": {"denyRead": [f"{workspace}/hidden"]}}))
    facts = server.call("explain_access", argv=["cp"], path=path, operation="write")["structuredContent"]
    done = server.call("run_command", command=f"mkdir -p .git/hooks; echo x > {path}")["structuredContent"]
    assert facts["allowed"] is False and facts["rule"].startswith(rule) and done["exit_code"] != 0, (facts, done)
    assert not os.path.exists(workspace / path)
    assert any(denial["rule"].startswith(rule) and denial["operation"] == "write" for denial in done["denials"]), done["denials"]


COMMAND_CASES = int(os.environ.get("SALLYPORT_TEST_CASES", "8"))


@pytest.mark.parametrize("case", range(COMMAND_CASES))
def test_what_is_foretold_of_commands_happens(start, policy, workspace, tmp_path, case):
    print(f"SALLYPORT_TEST_SEED={SEED}, case {case}")
    random_ = random.Random(SEED * 2000 + case)
    second, cache = tmp_path / "second", tmp_path / "cache"
    second.mkdir()
    cache.mkdir()
    (tmp_path / "outside").write_text("outside\n")
    document, roots, paths = generated(random_, workspace, second)
    document["filesystem"]["allowWrite"] = [str(cache)]
    server = start("--policy", policy(document), roots=roots)
    home = server.call("run_command", command="printf %s \"$HOME\"")["structuredContent"]["stdout"]
    paths += [path.format(home=home, cache=cache, tmp=tmp_path) for path in ELSEWHERE]
    asked = [(path, operation) for path in paths for operation in ("read", "write", "execute")]
    foretold = [server.call("explain_access", argv=["any"], path=path, operation=operation)["structuredContent"] for path, operation in asked]
    done = server.call("run_command", argv=["/usr/bin/python3", "-c", TRY], stdin=json.dumps(asked), max_bytes=1000000)["structuredContent"]
    wrong = []
    for (path, operation), facts, passed in zip(asked, foretold, json.loads(done["stdout"]), strict=True):
        if facts["allowed"] is not passed:
            wrong.append((path, operation, passed, facts))
    assert not wrong, "\n".join(map(str, [document, roots, *wrong]))
