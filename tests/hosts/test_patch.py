# SPDX-License-Identifier: Apache-2.0
"""apply_patch: what git makes of a patch we make of it too, byte for byte; and what it refuses, with words."""

import os
import random
import shutil
import subprocess

import pytest

IDENTITY = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "core.autocrlf=false", "-c", "init.defaultBranch=main"]


def git(directory, *arguments, **more):
    environment = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "HOME": str(directory)}
    return subprocess.run(["git", *IDENTITY, "-C", str(directory), *arguments], check=True, capture_output=True, env=environment, **more).stdout


def tree(directory):
    """Path -> (bytes, is it a program) of all files but git's."""
    found = {}
    for where, directories, names in os.walk(directory):
        directories[:] = [name for name in directories if name != ".git"]
        for name in names:
            path = os.path.join(where, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, directory)] = (file.read(), bool(os.stat(path).st_mode & 0o100))
    return found


def write(directory, files):
    for path, content in files.items():
        path = os.path.join(directory, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)


def clear(directory):
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)


def replace(directory, files):
    clear(directory)
    write(directory, files)


def diff(directory, before, after, *options):
    """What git says the difference is, both as bytes."""
    repository = os.path.join(directory, "repository")
    shutil.rmtree(repository, ignore_errors=True)
    os.mkdir(repository)
    git(repository, "init", "-q")
    write(repository, before)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "--allow-empty", "-m", "before")
    for name in os.listdir(repository):
        if name != ".git":
            path = os.path.join(repository, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    write(repository, after)
    git(repository, "add", "-A")
    return git(repository, "diff", "--cached", *options)


LINES = b"".join(b"line %d\n" % i for i in range(1, 41))


def changed(text, *pairs):
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


CASES = {
    "one line": ({"f": LINES}, {"f": changed(LINES, (b"line 7\n", b"line seven\n"))}),
    "several hunks": ({"f": LINES}, {"f": changed(LINES, (b"line 2\n", b""), (b"line 20\n", b"line 20\nmore\nmore\n"), (b"line 39\n", b"end\n"))}),
    "new and deleted": ({"gone": LINES, "stays": b"x\n"}, {"deep/er/new": b"a\nb\n", "stays": b"x\n"}),
    "empty files": ({"gone": b"", "f": b"a\n"}, {"new": b"", "f": b""}),
    "no line end before": ({"f": b"a\nb\nc"}, {"f": b"a\nb\nc\n"}),
    "no line end after": ({"f": b"a\nb\nc\n"}, {"f": b"a\nb\nc"}),
    "no line end either": ({"f": b"a\nb\nc"}, {"f": b"A\nb\nC"}),
    "lines behind no line end": ({"f": b"a\nb"}, {"f": b"a\nb\nc\nd"}),
    "CRLF": ({"f": LINES.replace(b"\n", b"\r\n")}, {"f": changed(LINES, (b"line 7\n", b"seven\n")).replace(b"\n", b"\r\n")}),
    "CRLF to LF": ({"f": b"a\r\nb\r\n"}, {"f": b"a\nb\n"}),
    "mixed line ends": ({"f": b"a\r\nb\nc\r\nd\ne\r\n"}, {"f": b"a\r\nb\nC\r\nc\nd\ne\r\n"}),
    "renamed": ({"d/old name": LINES}, {"e/new name": LINES}),
    "renamed and changed": ({"old": LINES}, {"new": changed(LINES, (b"line 9\n", b"nine\n"))}),
    "swapped": ({"one": LINES, "two": LINES.replace(b"line", b"row")}, {"two": LINES + b"x\n", "one": LINES.replace(b"line", b"row")}),
    "copied from what it was": ({"f": LINES}, {"f": changed(LINES, (b"line 3\n", b"")), "g": changed(LINES, (b"line 9\n", b""))}),
    "odd names": ({"ä b": b"1\n", "t\tb": b"1\n", 'q"q': b"1\n", "new\nline": b"1\n", "\\": b"1\n"},
                  {"ä b": b"2\n", "t\tb": b"2\n", 'q"q': b"2\n", "new\nline": b"2\n", "\\": b"2\n"}),
    "names with spaces": ({"a b c": b"1\n", "gone away": b""}, {"a b c": b"2\n", "made up": b""}),
    "lines like headers": ({"f": b"-- a/x\n++ b/x\n@@ -1 +1 @@\nx\n"}, {"f": b"++ b/x\n@@ -1 +1 @@\n-- a/y\ny\n"}),
    "a line like a header": ({"f": b"x\n-- a\ny\n"}, {"f": b"x\n++ b\ny\n"}),
    "UTF-8 and a mark": ({"f": "\ufeffé\nü\n".encode()}, {"f": "\ufeffé\nö\n".encode()}),
    "tabs": ({"Makefile": b"all:\n\ttrue\n"}, {"Makefile": b"all:\n\tfalse\n"}),
    "lone CR": ({"f": b"a\rb\nc\rd\n"}, {"f": b"a\rb\nC\rd\n"}),
    "control characters": ({"f": b"a\x01\x1b[0m\nb\n"}, {"f": b"a\x01\x1b[0m\nB\n"}),
}


@pytest.mark.parametrize("options", [[], ["-U0"], ["-U1"], ["--no-prefix"], ["-M", "-B", "-C", "--find-copies-harder"], ["-R"]])
@pytest.mark.parametrize("name", CASES)
def test_as_git(start, workspace, tmp_path, name, options):
    before, after = CASES[name]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    patch = diff(scratch, before, after, *options)
    if "-R" in options:
        before, after = after, before
    replace(workspace, before)
    answer = start().call("apply_patch", patch=patch.decode())
    assert not answer.get("isError"), answer
    assert tree(workspace) == {path: (content, False) for path, content in after.items()}


def test_random_as_git(start, workspace, tmp_path):
    """Random trees and changes: what comes out is what git's own apply makes of it."""
    rng = random.Random(6)
    server = start("--answer-within", "60")  # an overloaded disk is no difference
    scratch, other = tmp_path / "scratch", tmp_path / "other"
    scratch.mkdir()
    other.mkdir()
    for _ in range(int(os.environ.get("SALLYPORT_PATCH_CASES", "25"))):
        before, after = {}, {}
        for file in range(rng.randrange(1, 6)):
            end = rng.choice([b"\n", b"\r\n"])
            lines = [rng.choice([b"", b"a", b"b", b" x", b"\ty", b"}", b"%d" % i]) for i in range(rng.randrange(0, 60))]
            path = f"{rng.choice(['', 'd/', 'd/e/'])}f{file}"
            if rng.random() < 0.8:
                before[path] = end.join(lines) + rng.choice([b"", end] if lines else [b""])
            for _ in range(rng.randrange(0, 5)):
                at = rng.randrange(0, len(lines) + 1)
                lines[at:at + rng.randrange(0, 3)] = [b"new %d" % rng.randrange(3) for _ in range(rng.randrange(0, 3))]
            if rng.random() < 0.8:
                after[rng.choice([path, path, path, path + "x"])] = end.join(lines) + rng.choice([b"", end] if lines else [b""])
        patch = diff(scratch, before, after, "-M", "-C", f"-U{rng.randrange(1, 4)}")
        if not patch:
            continue
        replace(workspace, before)
        replace(other, before)
        git(other, "init", "-q")
        git(other, "apply", "--whitespace=nowarn", "-", input=patch)
        answer = server.call("apply_patch", patch=patch.decode())
        assert not answer.get("isError"), (answer, patch)
        assert tree(workspace) == tree(other) == {path: (content, False) for path, content in after.items()}, patch


def test_modes(start, workspace, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    git(scratch, "init", "-q")
    write(scratch, {"script": b"#!/bin/sh\n", "plain": b"x\n"})
    os.chmod(scratch / "plain", 0o755)
    git(scratch, "add", "-A")
    git(scratch, "commit", "-qm", "before")
    os.chmod(scratch / "script", 0o755)
    os.chmod(scratch / "plain", 0o644)
    write(scratch, {"new": b"#!/bin/sh\n"})
    os.chmod(scratch / "new", 0o755)
    git(scratch, "add", "-A")
    patch = git(scratch, "diff", "--cached").decode()
    replace(workspace, {"script": b"#!/bin/sh\n", "plain": b"x\n"})
    os.chmod(os.path.join(workspace, "plain"), 0o751)
    answer = start().call("apply_patch", patch=patch)
    assert not answer.get("isError"), answer
    assert tree(workspace) == tree(scratch)


def begin(*lines):
    return "\n".join(["*** Begin Patch", *lines, "*** End Patch", ""])


CODEX = {
    "add": (begin("*** Add File: d/new.txt", "+one", "+two"), {}, {"d/new.txt": b"one\ntwo\n"}),
    "delete": (begin("*** Delete File: f"), {"f": b"anything"}, {}),
    "update": (begin("*** Update File: f", "@@", " a", "-b", "+B", " c"), {"f": b"a\nb\nc\n"}, {"f": b"a\nB\nc\n"}),
    "first hunk without @@": (begin("*** Update File: f", " a", "-b", "+B"), {"f": b"a\nb\nc\n"}, {"f": b"a\nB\nc\n"}),
    "anchor": (begin("*** Update File: f", "@@ def two():", "-    pass", "+    return 2"),
               {"f": b"def one():\n    pass\ndef two():\n    pass\n"}, {"f": b"def one():\n    pass\ndef two():\n    return 2\n"}),
    "two anchors": (begin("*** Update File: f", "@@ class B", "@@ def f", "-  1", "+  2"),
                    {"f": b"class A\n def f\n  1\nclass B\n def f\n  1\n"}, {"f": b"class A\n def f\n  1\nclass B\n def f\n  2\n"}),
    "move": (begin("*** Update File: f", "*** Move to: d/g", "@@", "-a", "+A"), {"f": b"a\nb\n"}, {"d/g": b"A\nb\n"}),
    "move alone": (begin("*** Update File: f", "*** Move to: g"), {"f": b"a\n"}, {"g": b"a\n"}),
    "end of file": (begin("*** Update File: f", "@@", " x", "+y", "*** End of File"), {"f": b"x\nx\n"}, {"f": b"x\nx\ny\n"}),
    "only additions": (begin("*** Update File: f", "@@", "+y"), {"f": b"x\n"}, {"f": b"x\ny\n"}),
    "CRLF stays": (begin("*** Update File: f", " a", "-b", "+B", "+C"), {"f": b"a\r\nb\r\nc\r\n"}, {"f": b"a\r\nB\r\nC\r\nc\r\n"}),
    "no line end stays": (begin("*** Update File: f", " a", "-b", "+B"), {"f": b"a\nb"}, {"f": b"a\nB"}),
    "several files": (begin("*** Update File: f", "-a", "+A", "*** Add File: g", "+g", "*** Delete File: h"),
                      {"f": b"a\n", "h": b"h\n"}, {"f": b"A\n", "g": b"g\n"}),
    "one file twice": (begin("*** Update File: f", "-a", "+A", "*** Update File: f", "-b", "+B"), {"f": b"a\nb\n"}, {"f": b"A\nB\n"}),
    "UTF-16": (begin("*** Update File: f", " é", "-b", "+ü"), {"f": "\ufeffé\r\nb\r\n".encode("utf-16-le")},
               {"f": "\ufeffé\r\nü\r\n".encode("utf-16-le")}),
    "Latin-1": (begin("*** Update File: f", " é à la carte", "-b", "+ü"), {"f": "é à la carte\nb\n".encode("latin-1")},
                {"f": "é à la carte\nü\n".encode("latin-1")}),
}


@pytest.mark.parametrize("name", CODEX)
def test_begin_patch(start, workspace, name):
    patch, before, after = CODEX[name]
    replace(workspace, before)
    server = start()
    dry = server.call("apply_patch", patch=patch, dry_run=True)
    assert not dry.get("isError") and dry["structuredContent"]["dry_run"] is True, dry
    assert tree(workspace) == {path: (content, False) for path, content in before.items()}
    answer = server.call("apply_patch", patch=patch)
    assert not answer.get("isError"), answer
    assert answer["structuredContent"]["files"] == dry["structuredContent"]["files"]
    assert tree(workspace) == {path: (content, False) for path, content in after.items()}


REFUSED = {
    "ambiguous": (begin("*** Update File: f", "-a", "+b"), {"f": b"a\nx\na\n"}, ["2 places", "lines 1, 3", "context"]),
    "nearest": ("--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n", {"f": b"zero\none\nTWO\nthree\n"},
                ["hunk 1", "nearest is line 2", "2 of 3", "line 3 is `TWO`", "the patch has `two`"]),
    "indentation": (begin("*** Update File: f", " if x:", "-    y", "+    z"), {"f": b"if x:\n\ty\n"}, ["indentation: 1 tab in the file, 4 spaces in the patch"]),
    "applied already": ("--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n", {"f": b"one\n2\n"}, ["already"]),
    "no such file": (begin("*** Update File: nothere", "-a", "+b"), {"f": b""}, ["nothere"]),
    "there already": (begin("*** Add File: f", "+a"), {"f": b"x\n"}, ["exists already"]),
    "moved over another": (begin("*** Update File: f", "*** Move to: g"), {"f": b"a\n", "g": b"b\n"}, ["exists already"]),
    "binary": ("diff --git a/f b/f\nindex 1..2 100644\nGIT binary patch\nliteral 1\n", {"f": b"x"}, ["binary", "write_file"]),
    "binary in words": ("diff --git a/f b/f\nindex 1..2 100644\nBinary files a/f and b/f differ\n", {"f": b"x"}, ["binary"]),
    "link": ("diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n\\ No newline at end of file\n", {}, ["link"]),
    "nothing": ("hello\n", {}, ["names no file", "*** Begin Patch"]),
    "outside": (begin("*** Add File: /etc/sallyport-test", "+a"), {}, ["Denied"]),
    "above": (begin("*** Add File: ../outside", "+a"), {}, [""]),
    "deletes too little": ("--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", {"f": b"a\nb\n"}, ["holds more"]),
    "hunk without file": ("@@ -1 +1 @@\n-a\n+b\n", {"f": b"a\n"}, ["without a file"]),
    "second of two": (begin("*** Update File: f", "-a", "+b", "*** Update File: g", "-x", "+y"), {"f": b"a\n", "g": b"a\n"}, ["`g`"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(start, workspace, name):
    patch, before, words = REFUSED[name]
    replace(workspace, before)
    answer = start().call("apply_patch", patch=patch)
    text = answer["content"][0]["text"]
    assert answer["isError"] and all(word in text for word in words), text
    assert tree(workspace) == {path: (content, False) for path, content in before.items()}


def test_elsewhere(start, workspace):
    """A hunk whose line is wrong is found where it stands, if that is one place, and the result says how far off."""
    replace(workspace, {"f": b"new\n" * 5 + LINES})
    answer = start().call("apply_patch", patch="--- a/f\n+++ b/f\n@@ -7,2 +7,2 @@\n line 7\n-line 8\n+eight\n")
    assert answer["structuredContent"]["files"][0]["offset"] == 5 and "+5 lines" in answer["content"][0]["text"], answer
    assert tree(workspace)["f"][0] == b"new\n" * 5 + changed(LINES, (b"line 8\n", b"eight\n"))


def test_counts_of_a_model(start, workspace):
    """Counts that models get wrong do not matter: what the lines say does."""
    replace(workspace, {"f": LINES})
    answer = start().call("apply_patch", patch="--- a/f\n+++ b/f\n@@ -7,9 +7,2 @@\n line 7\n-line 8\n+eight\n@@ -20,1 +20,1 @@\n line 20\n-line 21\n+21\n+22\n")
    assert not answer.get("isError"), answer
    assert tree(workspace)["f"][0] == changed(LINES, (b"line 8\n", b"eight\n"), (b"line 21\n", b"21\n22\n"))


def test_protected(start, workspace):
    """One file of a patch that may not be written: none is."""
    os.makedirs(os.path.join(workspace, ".git/hooks"))
    write(workspace, {"f": b"a\n"})
    answer = start().call("apply_patch", patch=begin("*** Update File: f", "-a", "+b", "*** Add File: .git/hooks/pre-commit", "+evil"))
    assert answer["isError"] and "Denied" in answer["content"][0]["text"], answer
    assert tree(workspace) == {"f": (b"a\n", False)}


def test_many_files(start, workspace):
    """As many as may be; and one more."""
    before = {f"d{i % 7}/f{i}": b"%d\n" % i for i in range(199)}
    replace(workspace, before)
    server = start()
    sections = [line for path, content in before.items() for line in (f"*** Update File: {path}", f"-{content.decode().strip()}", "+x")]
    answer = server.call("apply_patch", patch=begin(*sections, "*** Add File: new/one", "+x"))
    assert not answer.get("isError"), answer
    assert tree(workspace) == {path: (b"x\n", False) for path in [*before, "new/one"]}
    assert len(answer["structuredContent"]["files"]) == 200
    answer = server.call("apply_patch", patch=begin(*[f"*** Delete File: {path}" for path in before], "*** Delete File: new/one", "*** Add File: x", "+x"))
    assert answer["isError"] and "200 files" in answer["content"][0]["text"], answer
