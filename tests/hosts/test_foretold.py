# SPDX-License-Identifier: Apache-2.0
"""Asks first and then tries, in generated cases: what explain_access foretells is what happens.

SALLYPORT_TEST_SEED chooses other cases, SALLYPORT_TEST_CASES how many workspaces.
"""

import os
import random

import pytest
from client import text_of

SEED = int(os.environ.get("SALLYPORT_TEST_SEED", "4"))
CASES = int(os.environ.get("SALLYPORT_TEST_CASES", "40"))
NAMES = ["a", "b", ".git", "hooks", "config", "HEAD", ".vscode", ".mcp.json", "secret", "Makefile"]
LINKS = ["a", "b", "../a", "..", ".git/hooks", ".git", "secret", "/etc/passwd", "nowhere", "a/new", ".", "{top}", "{top}/b", "{top}/../outside"]


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


def generated(random_, workspace, second):
    """A policy for two workspaces full of cases, the arguments that name them, and what to ask about."""
    paths = [*grow(random_, workspace, workspace), *grow(random_, second, workspace), second.parent / "outside", workspace, second]
    named = [path for path in paths if path != workspace and not path.is_symlink()]
    document = {"filesystem": {key: [str(path) for path in random_.sample(named, 2)] for key in ("denyRead", "denyWrite")}}
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
