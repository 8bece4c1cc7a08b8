# SPDX-License-Identifier: Apache-2.0
"""find_files and list_directory: which names, in which order, in which pages; what people want left out; names that text cannot show."""

import os
import random
import shutil
import tempfile

import pytest
from client import text_of


def make(top, *paths):
    for path in paths:
        place = os.path.join(os.fsencode(top), os.fsencode(path))
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if place.endswith(b"/"):
            continue
        with open(place, "wb") as file:
            file.write(b"of " + os.path.basename(place))


def find(server, pattern, **more):
    """Paths of the structured answer, after a look whether the text says the same."""
    result = server.call("find_files", pattern=pattern, **more)
    assert not result.get("isError"), text_of(result)
    found = result["structuredContent"]
    lines = text_of(result).splitlines()
    assert lines[1:len(found["paths"]) + 1] == found["paths"]
    assert str(found["total"]) in lines[0]
    assert ("next_offset" in found) == ("offset: " in lines[-1] if len(lines) > len(found["paths"]) + 1 else False), lines
    return found["paths"]


def refusal(server, tool, **arguments):
    result = server.call(tool, **arguments)
    assert result.get("isError"), result
    return text_of(result)


TREE = ["a.c", "b.h", "README.md", "src/main.c", "src/main.h", "src/lib/x.c", "src/lib/deep/y.c", "test/x_test.py", "docs/[slug]/page.tsx"]


@pytest.mark.parametrize("pattern, more, expected", [
    ("*.c", {}, ["a.c", "src/lib/deep/y.c", "src/lib/x.c", "src/main.c"]),
    ("*.c", {"path": "src"}, ["src/lib/deep/y.c", "src/lib/x.c", "src/main.c"]),
    ("*.c", {"path": "src/lib/"}, ["src/lib/deep/y.c", "src/lib/x.c"]),
    ("./*.c", {}, ["a.c"]),
    ("src/*.c", {}, ["src/main.c"]),
    ("src/**/*.c", {}, ["src/lib/deep/y.c", "src/lib/x.c", "src/main.c"]),
    ("**/*.{h,md}", {}, ["README.md", "b.h", "src/main.h"]),
    ("{src,test}/*", {"type": "file"}, ["src/main.c", "src/main.h", "test/x_test.py"]),
    ("lib", {}, ["src/lib/"]),
    ("lib/", {}, ["src/lib/"]),
    ("l*", {"type": "file"}, []),
    ("*", {"type": "directory"}, ["docs/", "docs/[slug]/", "src/", "src/lib/", "src/lib/deep/", "test/"]),
    ("?.[ch]", {}, ["a.c", "b.h", "src/lib/deep/y.c", "src/lib/x.c"]),
    ("docs/\\[slug\\]/*", {}, ["docs/[slug]/page.tsx"]),
    ("nothing*", {}, []),
])
def test_patterns(workspace, start, pattern, more, expected):
    make(workspace, *TREE)
    server = start()
    assert find(server, pattern, **more) == expected
    # an absolute path comes back absolute, and an absolute pattern is one
    top = str(workspace)
    absolute = find(server, pattern, **{**more, "path": os.path.join(top, more.get("path", ""))})
    assert absolute == [os.path.join(top, path) for path in expected]
    if "/" in pattern and not pattern.endswith("/") and not more:
        assert find(server, os.path.join(top, pattern.removeprefix("./"))) == [os.path.join(top, path) for path in expected]


def test_left_out(workspace, start):
    """Hidden and ignored names are not looked at, unless asked for or named by the pattern; a link is told and not followed."""
    make(workspace, "a.txt", ".env", ".github/w.yml", ".git/HEAD", "build/out.txt", "sub/kept.txt", "sub/x.log", "sub/.git/HEAD", "sub/inner.txt", "note.tmp")
    (workspace / ".gitignore").write_text("/build/\n*.log\n")
    (workspace / ".ignore").write_text("*.tmp\n")
    (workspace / "sub/.gitignore").write_text("inner*\n")
    os.symlink("sub", workspace / "link")
    server = start()
    assert find(server, "*") == ["a.txt", "link", "sub/", "sub/kept.txt", "sub/x.log"]  # a repository of its own: *.log ends there
    assert find(server, "*.txt", ignored=True) == ["a.txt", "build/out.txt", "sub/inner.txt", "sub/kept.txt"]
    assert find(server, ".env*") == [".env"]
    assert find(server, ".github/*") == [".github/w.yml"]
    assert find(server, "HEAD", ignored=True) == []
    assert find(server, ".git/HEAD") == [".git/HEAD"]
    assert find(server, "*", path="build") == ["build/out.txt"]  # who names it means it
    assert find(server, "*", type="link") == ["link"]
    assert find(server, "*", path="link") == ["link/kept.txt", "link/x.log"]
    nothing = text_of(server.call("find_files", pattern="out.txt"))
    assert "0 paths" in nothing and "ignored: true" in nothing, nothing
    listed = server.call("list_directory")
    names = [entry["name"] for entry in listed["structuredContent"]["entries"]]
    assert names == ["a.txt", "link", "sub"] and listed["structuredContent"]["ignored"] == 2
    assert "2 ignored (ignored: true shows them)" in text_of(listed)
    listed = server.call("list_directory", ignored=True)
    assert [entry["name"] for entry in listed["structuredContent"]["entries"]] == ["a.txt", "build", "link", "note.tmp", "sub"]


@pytest.mark.parametrize("variable", [False, True])
def test_left_out_by_the_person(workspace, start, tmp_path, variable):
    """The ignore rules that a person has for all repositories count here too, though no executor may look at them once it serves."""
    home = tmp_path / "home"
    config = tmp_path / "xdg" if variable else home / ".config"
    make(home, ".gitconfig", "mine")
    make(config, "git/ignore")
    make(workspace, "a.log", "b.tmp", "c.txt")
    (config / "git/ignore").write_text("*.log\n")
    (home / "mine").write_text("*.tmp\n")
    (home / ".gitconfig").write_text("")
    environment = {"HOME": str(home), **({"XDG_CONFIG_HOME": str(config)} if variable else {})}
    server = start(env=environment)
    assert find(server, "*") == ["b.tmp", "c.txt"]
    assert "a.log" not in text_of(server.call("list_directory"))
    assert "a.log" not in text_of(server.call("search_files", pattern="of"))
    assert find(server, "*", ignored=True) == ["a.log", "b.tmp", "c.txt"]
    (home / ".gitconfig").write_text("[core]\n\texcludesFile = ~/mine\n")
    assert find(start(env=environment), "*") == ["a.log", "c.txt"]


def test_hidden_by_policy(workspace, start, policy):
    make(workspace, "a.txt", "secret/b.txt", "c/key.txt")
    server = start("--policy", policy({"filesystem": {"denyRead": [str(workspace / "secret"), str(workspace / "c/key.txt")]}}))
    for ignored in (False, True):
        assert find(server, "*", ignored=ignored) == ["a.txt", "c/"]
    assert "Denied" in refusal(server, "find_files", pattern="*", path="secret")


def test_pages(workspace, start):
    """Pages of any size are the whole list, whatever it is sorted by."""
    rng = random.Random(4)
    make(workspace, *(f"d{rng.randrange(9)}/f{number}" for number in range(150)))
    for number, path in enumerate(sorted(workspace.glob("*/*"))):
        os.utime(path, (1_000_000 + rng.randrange(50), 1_000_000 + rng.randrange(50)))
        path.write_bytes(b"x" * rng.randrange(40))
    server = start()
    for sort in ("name", "modified", "size"):
        whole = find(server, "f*", sort=sort)
        assert len(whole) == 150
        keys = [os.stat(workspace / path) for path in whole]
        if sort == "name":
            assert whole == sorted(whole, key=lambda path: path.split("/"))
        else:
            values = [key.st_mtime_ns if sort == "modified" else key.st_size for key in keys]
            assert values == sorted(values, reverse=True)
        for limit in (1, 7, 149, 150):
            paged, offset = [], 0
            while offset is not None:
                found = server.call("find_files", pattern="f*", sort=sort, limit=limit, offset=offset)["structuredContent"]
                assert found["total"] == 150 and found["complete"]
                paged += found["paths"]
                offset = found.get("next_offset")
                if limit == 1 and len(paged) == 20:
                    break
            assert paged == whole[:len(paged)] and (limit == 1 or len(paged) == 150)
    last = text_of(server.call("find_files", pattern="f*", limit=10, offset=20)).splitlines()[-1]
    assert last == "[Cut: paths 21 to 30 of 150. Continue with offset: 30.]"
    assert "narrower" in refusal(server, "find_files", pattern="*", sort="size", offset=10_000)


ODD = [b"new\nline", b"tab\there", b"\"quoted\"", b"bad\xffbyte", b"esc\x1b[31m", "grün ☃".encode(), b"back\\slash", b"in\"side", b" space ", b"{brace,d}", b"\xc2\x9b"]


def test_odd_names(workspace, start):
    """Whatever is shown can be given back."""
    make(workspace, *ODD, *(b"dir\n%d/" % number + name for number, name in enumerate(ODD[:4])))
    server = start()
    paths = find(server, "*", type="file")
    assert len(paths) == len(ODD) + 4
    assert '"new\\nline"' in paths and '"bad\\377byte"' in paths and "grün ☃" in paths and 'in"side' in paths
    for path in find(server, "*", type="directory"):
        inside = find(server, "*", path=path)
        assert len(inside) == 1 and inside[0] in paths
        listed = server.call("list_directory", path=path)["structuredContent"]
        assert len(listed["entries"]) == 1 and listed["path"] == path
    shown = {entry["name"] for entry in server.call("list_directory")["structuredContent"]["entries"]}
    assert set(path for path in paths if not path.startswith('"dir')) <= shown


@pytest.mark.parametrize("arguments, words", [
    ({"pattern": "[a"}, ["`[a`", "never closed"]),
    ({"pattern": "{a,b"}, ["never closed"]),
    ({"pattern": "../x"}, ["cannot lead up", "path"]),
    ({"pattern": "*", "path": "a.c"}, ["`a.c`", "not a directory"]),
    ({"pattern": "*", "path": "scr"}, ["Did you mean `src`"]),
    ({"pattern": "*", "path": "/etc"}, ["Denied", "workspace"]),
    ({"pattern": "/etc/*"}, ["Denied", "workspace"]),
    ({"pattern": "*", "sort": "date"}, ["sort", "modified"]),
    ({"pattern": ""}, ["pattern"]),
])
def test_mistakes(workspace, start, arguments, words):
    make(workspace, *TREE)
    said = refusal(start(), "find_files", **arguments)
    assert all(word in said for word in words), said


@pytest.fixture
def large():
    """Very many files, in memory where that is possible: a disk takes a minute to make them."""
    top = tempfile.mkdtemp(prefix="sallyport-find-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    for number in range(300):
        os.mkdir(f"{top}/d{number:03}")
        for name in range(300):
            os.close(os.open(f"{top}/d{number:03}/f{name:03}", os.O_CREAT | os.O_WRONLY))
    yield top
    shutil.rmtree(top)


def test_not_done_in_time(large, start):
    """What is found so far, in time; and the next call goes on, without a path missing or told twice. (That a call ends in the
    middle is made sure in tests/files/test_find.c; here it depends on the machine.)"""
    server = start("--answer-within", "0.5", roots=[large])
    while server.call("find_files", pattern="f000", path="d000").get("isError"):
        pass  # starting an executor may take that long on a busy machine
    paths, offset = [], 0
    while offset is not None:
        result = server.call("find_files", pattern="f??7", limit=2000, offset=offset)
        assert not result.get("isError"), text_of(result)
        found = result["structuredContent"]
        paths += found["paths"]
        offset = found.get("next_offset")
    assert paths == [f"d{number:03}/f{name:03}" for number in range(300) for name in range(7, 300, 10)][:len(paths)]
    assert len(paths) == 9000
    while True:  # by size the whole must be seen before the first is known
        result = server.call("find_files", pattern="f??7", sort="size", limit=5)["structuredContent"]
        if result["complete"]:
            break
        assert result["next_offset"] == 0
    assert result["total"] == 9000 and len(result["paths"]) == 5
