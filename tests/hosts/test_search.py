# SPDX-License-Identifier: Apache-2.0
"""search_files against GNU grep on generated trees, and what only it has: pages, ends, odd names, odd files."""

import os
import random
import re
import subprocess

import pytest
from client import text_of

WORDS = ["alpha", "beta", "Gamma", "delta_1", "import", "return", "x", "foo.bar", "caf\u00e9", "\u03b1\u03b2", "K", "(", "==", ";", "\t", "  "]
PATTERNS = ["alpha", "alpha|beta", "[a-z]+_\\d", "^import", ";$", "\\bx\\b", "foo.bar", "foo\\.bar", "a.*a", "\\s+return", "(alpha|Gamma) +x", "[^a-z]{3}",
            "^$", "^\\s*$", "beta(?!;)", "(?<=x)beta", "(\\w)\\1", "al\\w+\\W+be", "caf\u00e9", "x{2,}", "\\d+", "a\\s*b", "(?i)GAMMA", "^[^;]*$"]


def search(server, **arguments):
    result = server.call("search_files", **arguments)
    assert not result.get("isError"), text_of(result)
    return text_of(result)


def all_pages(server, **arguments):
    """Every page, as one goes on where the last one ended."""
    lines, offset = [], 0
    while True:
        text = search(server, offset=offset, **arguments)
        lines += [line for line in text.splitlines() if not line.startswith("[")]
        more = re.search(r"\[Cut: there is more\. Continue with offset: (\d+)\.\]\n$", text)
        if not more:
            return lines
        assert int(more[1]) > offset
        offset = int(more[1])


def grow(place, seed, files=60, ends="\n"):
    """A tree of text, the same for the same seed."""
    rng = random.Random(seed)
    folders = [place]
    for i in range(8):
        folders.append(rng.choice(folders) / f"d{i}")
        folders[-1].mkdir()
    for i in range(files):
        text = ends.join("".join(rng.choice(WORDS) for _ in range(rng.randint(0, 9))) for _ in range(rng.randint(0, 60)))
        (rng.choice(folders) / f"f{i}.{rng.choice(['c', 'h', 'txt'])}").write_bytes((text + rng.choice(["", ends])).encode())


def in_walk_order(lines):
    """grep's lines with the paths ordered as the walk has them: names by their bytes, depth first. grep keeps a file's lines together."""
    groups = {}
    for line in lines:
        groups.setdefault(re.split(r"[:-]\d+[:-]", line, maxsplit=1)[0], []).append(line)
    return [line for path in sorted(groups, key=lambda path: [part.encode() for part in path.split("/")]) for line in groups[path]]


def grep(place, pattern, *options):
    done = subprocess.run(["grep", "-rnP", *options, "-e", pattern, "."], cwd=place, capture_output=True, check=False,
                          env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]})
    assert done.returncode in (0, 1), done.stderr
    return [line.removeprefix("./") for line in done.stdout.decode().splitlines()]


@pytest.mark.parametrize("seed", range(3))
def test_as_grep(server, workspace, seed):
    grow(workspace, seed)
    for pattern in PATTERNS:
        assert all_pages(server, pattern=pattern, limit=150) == in_walk_order(grep(workspace, pattern)), pattern


def test_ignore_case_and_literal_as_grep(server, workspace):
    grow(workspace, 7)
    for pattern in ("GAMMA", "k", "CAF\u00c9", "foo.BAR", "(", "X|Y"):
        assert all_pages(server, pattern=pattern, literal=True, ignore_case=True) == in_walk_order(grep(workspace, re.escape(pattern), "-i")), pattern
        assert all_pages(server, pattern=pattern, literal=True) == in_walk_order(grep(workspace, re.escape(pattern))), pattern


@pytest.mark.parametrize("context", [1, 3])
def test_context_as_grep(server, workspace, context):
    grow(workspace, 11, files=1)
    path = next(str(path.relative_to(workspace)) for path in sorted(workspace.rglob("f*")) if path.is_file())
    (workspace / path).write_text("".join(f"line {i} {'alpha' if i % 17 in (3, 5) else 'x'}\n" for i in range(400)))
    expected = grep(workspace, "alpha", f"-C{context}")
    text = search(server, pattern="alpha", context=context, path=path)
    assert text.splitlines() == expected


def test_counts_and_files_as_grep(server, workspace):
    grow(workspace, 13)
    for pattern in PATTERNS:
        counts = [line for line in grep(workspace, pattern, "-c") if not line.endswith(":0")]
        assert sorted(all_pages(server, pattern=pattern, mode="count")) == sorted(counts), pattern
        assert sorted(all_pages(server, pattern=pattern, mode="files")) == sorted(line.rpartition(":")[0] for line in counts), pattern


def test_pages_are_stable(server, workspace):
    """Pages of any size give the same, and a page asked for again is the same page."""
    grow(workspace, 17)
    whole = all_pages(server, pattern="a", limit=10000)
    assert len(whole) > 500
    assert all_pages(server, pattern="a", limit=7) == whole
    first = search(server, pattern="a", limit=20)
    page = search(server, pattern="a", limit=20, offset=20)
    assert search(server, pattern="a", limit=20, offset=20) == page
    assert search(server, pattern="a", limit=20) == first
    assert search(server, pattern="a", limit=20, offset=40).splitlines()[0] == whole[40]
    assert search(server, pattern="a", limit=20, offset=20) == page  # back: searched anew


def test_a_new_call_sees_what_changed(server, workspace):
    (workspace / "a").write_text("before\n")
    assert "a:1:before" in search(server, pattern="before|after")
    (workspace / "a").write_text("after\n")
    assert "a:1:after" in search(server, pattern="before|after")


def test_long_lines_are_cut_around_the_match(server, workspace):
    (workspace / "min.js").write_text("x" * 5000 + "needle" + "y" * 7000 + "\n")
    text = search(server, pattern="needle")
    assert len(text) < 600 and "needle" in text
    before, after = re.search(r"^min\.js:1:\[\.\. (\d+) bytes \.\.\](.*)\[\.\. \d+ bytes \.\.\]$", text, re.M)[1], re.search(r"\[\.\. (\d+) bytes \.\.\]$", text, re.M)[1]
    assert int(before) + int(after) + 400 == 12006


def test_a_line_of_100_mb(server, workspace):
    with open(workspace / "long", "wb") as file:
        for _ in range(100):
            file.write(b"abcdefghij" * (1 << 17))
        file.write(b" needle-at-the-end\nnext line needle\n")
    text = search(server, pattern="needle-at-the-\\w+")
    assert re.search(r"^long:1:\[\.\. \d+ bytes \.\.\].*needle-at-the-end", text, re.M), text[:500]
    text = search(server, pattern="line needle")
    assert "long:2:next line needle" in text, text[:500]
    assert "pieces" in text


def test_holes_are_passed_over(server, workspace):
    with open(workspace / "sparse", "wb") as file:
        file.write(b"first line\n" * 1000)
        file.truncate(1 << 40)
        file.seek((1 << 40) - (1 << 20))
        file.write(b"\nneedle behind a terabyte\n")
    text = search(server, pattern="needle.*")
    assert "needle behind a terabyte" in text and "holes" in text, text


def test_binary_and_odd_files(server, workspace):
    (workspace / "binary").write_bytes(b"needle\0needle\n")
    (workspace / "late").write_bytes(b"needle one\n" + b"x" * 2000 + b"\n\0 needle two\n")
    (workspace / "latin").write_bytes(b"caf\xe9 needle\n")
    (workspace / "wide").write_bytes("\ufeffone\r\nneedle \u00e9\U0001f600\r\n".encode("utf-16-le"))
    (workspace / "big").write_bytes(b"\xfe\xff" + "needle big\n".encode("utf-16-be"))
    (workspace / "mark").write_bytes(b"\xef\xbb\xbfneedle marked\n")
    (workspace / "crlf").write_bytes(b"needle\r\nother\r\n")
    os.mkfifo(workspace / "fifo")
    os.symlink("mark", workspace / "link")
    text = search(server, pattern="needle")
    assert "binary:" not in text and "fifo" not in text and "link:" not in text
    assert "late:1:needle one" in text and "late:3:" in text
    assert "latin:1:caf\ufffd needle" in text
    assert "wide:2:needle \u00e9\U0001f600\n" in text and "big:1:needle big\n" in text
    assert "mark:1:needle marked" in text and "crlf:1:needle\n" in text
    assert "mark:1:" in search(server, pattern="^needle marked$")
    assert "[1 binary files were left out]" in search(server, pattern="nothing of that kind")
    result = server.call("search_files", pattern="x", path="fifo")
    assert result["isError"] and "neither a directory nor a regular file" in text_of(result)


def test_odd_names_can_be_given_back(server, workspace):
    for name in (b"new\nline", b"quote\"d", b"latin\xe9", b"plain name"):
        with open(os.path.join(os.fsencode(workspace), name), "wb") as file:
            file.write(b"needle\n")
    lines = search(server, pattern="needle").splitlines()
    assert len(lines) == 4, lines
    for line in lines:
        path = line.removesuffix(":1:needle")
        assert search(server, pattern="needle", path=path).splitlines() == [line]


def test_what_is_left_out(server, workspace):
    (workspace / ".git").mkdir()
    (workspace / ".gitignore").write_text("*.log\nbuild/\n")
    (workspace / "build").mkdir()
    for name in ("a.c", "a.log", "build/b.c", ".hidden.c", ".git/config"):
        (workspace / name).write_text("needle\n")
    assert all_pages(server, pattern="needle", mode="files") == ["a.c"]
    assert all_pages(server, pattern="needle", mode="files", ignored=True) == [".hidden.c", "a.c", "a.log", "build/b.c"]
    assert all_pages(server, pattern="needle", mode="files", path="build", ignored=True) == ["build/b.c"]
    assert all_pages(server, pattern="needle", mode="files", path="a.log") == ["a.log"]  # named, so wanted


def test_globs(server, workspace):
    grow(workspace, 19)
    everything = all_pages(server, pattern="^", mode="files")
    assert all_pages(server, pattern="^", mode="files", glob="*.{c,h}") == [path for path in everything if path.endswith((".c", ".h"))]
    assert all_pages(server, pattern="^", mode="files", glob="d0/**") == [path for path in everything if path.startswith("d0/")]
    result = server.call("search_files", pattern="x", glob="[a")
    assert result["isError"] and text_of(result).startswith("Error: glob: "), text_of(result)


def test_multiline(server, workspace):
    (workspace / "a").write_text("one {\n  two\n}\nthree\none {\n}\n")
    text = search(server, pattern="one \\{[^}]*two[^}]*\\}", multiline=True)
    assert text.splitlines() == ["a:1:one {", "a:2:  two", "a:3:}"]
    assert search(server, pattern="one \\{\\n\\}", multiline=True).splitlines() == ["a:5:one {", "a:6:}"]
    assert "No match" in search(server, pattern="one \\{\\n\\}")


def test_a_bad_pattern_says_where(server):
    result = server.call("search_files", pattern="foo(bar")
    assert result["isError"] and "missing closing parenthesis at offset 7" in text_of(result)


def test_a_catastrophic_pattern_ends(start, workspace):
    server = start("--answer-within", "60")
    (workspace / "a").write_text("a" * 5000 + "!\n" + "aab\n")
    (workspace / "b").write_text(("a" * 60 + "!\n") * 100)
    (workspace / "c").write_text("fine aab\n")
    text = search(server, pattern="^(a+)+$|(a|aa)+c", path="a")
    assert "too many steps" in text, text
    text = search(server, pattern="(x+x+)+y|fine", path="c")
    assert "c:1:fine aab" in text
    text = search(server, pattern="^(a+)+$", timeout=70)
    assert "Given up" in text or "too many steps" in text, text


def test_a_search_goes_on(start, workspace):
    """What is not done in time is answered with what there is, and the next calls go on with the same search."""
    for i in range(10):
        (workspace / f"f{i:02}").write_text((f"{'a' * 24}!\n" * 150) + f"needle {i}\n")
    server = start("--answer-within", "2")
    search(server, pattern="x", path="f00")  # the executor's own start is not measured
    lines, offset, late = [], 0, 0
    for _ in range(400):
        text = search(server, pattern="needle|^(a+){9}$", offset=offset, limit=1000)
        lines += [line for line in text.splitlines() if not line.startswith("[")]
        more = re.search(r"\[Not done within 2\.0 s: \d+ files looked through so far, and the search goes on\. The same call with offset: (\d+) gets", text)
        if not more:
            break
        late += 1
        assert int(more[1]) == len(lines)
        offset = int(more[1])
    assert lines == [f"f{i:02}:151:needle {i}" for i in range(10)] or "Given up" in text, text
    assert late > 0 or "Given up" in text


def test_a_path_outside_is_denied(server):
    result = server.call("search_files", pattern="root", path="/etc")
    assert result["isError"] and text_of(result).startswith("Denied"), text_of(result)


def test_many_at_once(server, workspace):
    """As many searches as there may be, and more, beside reads: each gets its own answer."""
    grow(workspace, 23, files=200)
    (workspace / "one").write_text("only here\n")
    calls = [server.start_call("search_files", pattern=pattern, mode="count") for pattern in PATTERNS[:8]]
    read = server.call("read_file", path="one")
    assert "only here" in text_of(read)
    for pattern, call in zip(PATTERNS, calls):
        answer = server.response(call)["result"]
        text = text_of(answer)
        expected = sorted(line for line in grep(workspace, pattern, "-c") if not line.endswith(":0"))
        assert sorted(line for line in text.splitlines() if not line.startswith("[")) == expected, pattern
