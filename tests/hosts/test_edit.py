# SPDX-License-Identifier: Apache-2.0
"""edit_file with real bytes: what is not edited stays as it was, whatever the encoding and the line ends; what is not there, or
there more than once, is an error that says why."""

import hashlib
import os
import stat

import pytest

from client import text_of


@pytest.fixture
def edit(server, workspace):
    """edit(content, *edits, ...): the result of editing a file that has this content, and what it has then."""
    def run(content, *edits, **more):
        path = workspace / "file"
        if content is not None:
            path.write_bytes(content)
        pairs = [{"old": one[0], "new": one[1], **({"all": True} if len(one) > 2 else {})} for one in edits]
        return server.call("edit_file", path="file", edits=pairs, **more), path.read_bytes()
    return run


def edited(result):
    assert not result.get("isError"), text_of(result)
    return result["structuredContent"]


def refused(result, *parts):
    text = text_of(result)
    assert result.get("isError") is True, text
    assert "structuredContent" not in result
    for part in parts:
        assert part in text, text


# ---- bytes that nobody asked to change ----


@pytest.mark.parametrize("before, old, new, after", [
    (b"a\r\nb\r\nc\r\n", "b", "B", b"a\r\nB\r\nc\r\n"),
    (b"a\r\nb\r\nc\r\n", "a\nb\n", "x\ny\nz\n", b"x\r\ny\r\nz\r\nc\r\n"),
    (b"a\r\nb\r\nc\r\n", "a\r\nb\r\n", "x\r\ny\n", b"x\r\ny\r\nc\r\n"),  # as in the file, or half so
    (b"a\nb\nc\n", "a\r\nb\r\n", "x\r\n", b"x\nc\n"),
    (b"a\rb\rc\r", "a\nb\n", "x\ny\nz\n", b"x\ry\rz\rc\r"),
    (b"a\rb\rc", "b\rc", "c", b"a\rc"),
    (b"a\r\nb\nc\r\nd\n", "b\nc", "B\nC", b"a\r\nB\nC\r\nd\n"),
    (b"a\r\nb\nc\r\nd\n", "b\nc\n", "b\nnew\nc\n", b"a\r\nb\nnew\nc\r\nd\n"),
    (b"a\r\nb\nc\r\nd\n", "a\nb\n", "a\n1\n2\nb\n", b"a\r\n1\r\n2\r\nb\nc\r\nd\n"),
    (b"a\r\nb\nc\r\nd\n", "a\nb\nc\n", "c\n", b"c\r\nd\n"),
    (b"a\nb\rc\nd\n", "b\rc", "x", b"a\nx\nd\n"),  # a CR alone beside LF is a character
    (b"a\r\r\nb\r\n", "b", "B", b"a\r\r\nB\r\n"),
    (b"no end", "end", "line\nend", b"no line\nend"),
    (b"a\nb", "b", "c", b"a\nc"),
    (b"a\nb\n", "b\n", "b", b"a\nb"),
    (b"\n\n\n", "\n\n\n", "\n", b"\n"),
    (b"tail\x0c\x1b[0m\x7f\n", "tail", "head", b"head\x0c\x1b[0m\x7f\n"),
    (b"\xef\xbb\xbfa\r\nb\r\n", "a", "A\n1", b"\xef\xbb\xbfA\r\n1\r\nb\r\n"),
    (b"\xef\xbb\xbfa\n", "\ufeffa", "\ufeffb", b"\xef\xbb\xbfb\n"),  # copied together with the mark
    (b"ok \xff\xc3\xa4\xc3\xb6 \xfe end \xc3\xa4\n", "\u00e4\u00f6", "\u00fc", b"ok \xff\xc3\xbc \xfe end \xc3\xa4\n"),
])
def test_only_what_was_asked(edit, before, old, new, after):
    result, now = edit(before, (old, new))
    facts = edited(result)
    assert now == after
    assert facts["sha256"] == hashlib.sha256(after).hexdigest() and facts["bytes"] == len(after)
    assert facts["replacements"] == [1] and facts["written"] is True


@pytest.mark.parametrize("encoding, mark, name", [
    ("latin-1", b"", "ISO-8859-1"), ("cp1252", b"", "windows-1252"), ("utf-8", b"\xef\xbb\xbf", "UTF-8 with a byte-order mark"),
    ("utf-16-le", b"\xff\xfe", "UTF-16LE"), ("utf-16-be", b"\xfe\xff", "UTF-16BE"),
])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings(edit, encoding, mark, name, end):
    quote = "\u201eja\u201c" if encoding != "latin-1" else "ja"
    lines = ["Zo\u00eb a\u00df", quote, "na\u00efve", "Ende"]
    result, now = edit(mark + end.join(lines).encode(encoding), ("na\u00efve\nEnde", "th\u00e9\nfin"))
    facts = edited(result)
    assert now == mark + end.join([*lines[:2], "th\u00e9", "fin"]).encode(encoding)
    assert name in text_of(result) and f"-na\u00efve\n" in facts["diff"] and "+th\u00e9\n" in facts["diff"]
    assert "\r" not in facts["diff"]


def test_characters_outside_the_basic_plane(edit):
    result, now = edit(b"\xff\xfe" + "a\U0001f600b\n".encode("utf-16-le"), ("\U0001f600", "\U0001f601\u00e9"))
    edited(result)
    assert now == b"\xff\xfe" + "a\U0001f601\u00e9b\n".encode("utf-16-le")
    # bytes that only look like it across two characters are not it
    result, now = edit(b"\xff\xfe" + "\u6100\u0062x\n".encode("utf-16-le"), ("a", "b"))
    refused(result, "is not in")


def test_what_an_encoding_cannot_hold(edit):
    before = "caf\u00e9 x\n".encode("latin-1")
    result, now = edit(before, ("x", "5 \u20ac"))
    refused(result, "U+20AC", "ISO-8859-1", "Nothing was changed")
    assert now == before
    # what read_file shows for such a byte
    result, now = edit(before, ("caf\ufffd x", "y"))
    refused(result, "\u00e9 (U+00E9)", "U+FFFD in `old`")
    assert now == before


def test_multibyte_encodings_are_never_cut(edit):
    before = "\u8868\u8868\u3001\u80fd\\ \u8868 abc\n".encode("shift-jis")  # their second bytes are backslashes
    result, now = edit(before, ("\\", "/", True))
    assert now.replace(b"/", b"\\") == before and now.decode("shift-jis").count("\u8868") == 3, result
    result, now = edit(before, ("abc", "xyz"))
    edited(result)
    assert now == before.replace(b"abc", b"xyz")
    result, now = edit(before, ("abc", "\u8868"))
    refused(result, "an unknown encoding")


def test_mode_and_links_and_attributes(edit, workspace):
    path = workspace / "file"
    path.write_bytes(b"one\n")
    path.chmod(0o751)
    os.setxattr(path, "user.kept", b"yes")
    os.link(path, workspace / "other")
    result, now = edit(None, ("one", "two"))
    assert edited(result)["other_links"] == 1 and "hard link" in text_of(result)
    assert now == b"two\n" and (workspace / "other").read_bytes() == b"one\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o751
    assert os.getxattr(path, "user.kept") == b"yes"


def test_sparse(edit, workspace):
    path = workspace / "file"
    with open(path, "wb") as file:
        file.write(b"begin\n" + b"x" * 9000)
        file.seek(8 << 20)
        file.write(b"end\n")
    before = path.read_bytes()
    if path.stat().st_blocks * 512 > 1 << 20:
        pytest.skip("this file system has no sparse files")
    result, now = edit(None, ("begin", "begun"), ("end", "END"))
    edited(result)
    assert now == before.replace(b"begin", b"begun").replace(b"end", b"END")
    assert path.stat().st_blocks * 512 < 1 << 20


# ---- never by guess ----


def test_more_than_one(edit, workspace):
    before = b"x\nfoo(1)\ny\n  foo(2)\n" + b"foo()\n" * 20
    result, now = edit(before, ("foo", "bar"))
    refused(result, "22 times", "     2 | foo(1)", "     4 |   foo(2)", "[and more]", "set all")
    assert now == before and text_of(result).count("foo()") == 8
    result, now = edit(before, ("foo", "bar", True))
    assert edited(result)["replacements"] == [22] and now == before.replace(b"foo", b"bar")
    # places that overlap are two as well, since it could be either
    result, now = edit(b"aaa\n", ("aa", "b"))
    refused(result, "2 times")
    result, now = edit(b"aaaa a\n", ("aa", "b", True))
    assert edited(result)["replacements"] == [2] and now == b"bb a\n"


@pytest.mark.parametrize("before, old, words", [
    ("\tif (x) {\n\t\ty();\n", "    if (x) {\n        y();\n",
     ["line 1: indentation: 1 tab in the file, 4 spaces in `old`", "line 2: indentation: 2 tabs in the file, 8 spaces"]),
    ("a = 1  \nb = 2\n", "a = 1\nb = 2\n", ["line 1: trailing spaces: 2 spaces in the file, none in `old`"]),
    ("  a\n    b\n", "a\nb\n", ["line 2: indentation: 4 spaces in the file, none"]),
    ("say \u201chello\u201d\n", 'say "hello"', ['quotes: \u201c (U+201C) in the file, " in `old`']),
    ("it's\n", "it\u2019s", ["quotes: ' in the file, \u2019 (U+2019) in `old`"]),
    ("1939\u20131945\n", "1939-1945", ["dashes: \u2013 (U+2013) in the file, - in `old`"]),
    ("10\u00a0km\n", "10 km", ["1 no-break space (U+00A0) in the file, 1 space in `old`"]),
    ("int Count;\n", "int count;", ["letter case: C in the file, c in `old`"]),
    ("zero\u200bwidth\n", "zerowidth", ["an invisible character, U+200B, in the file"]),
    ("wait\u2026\n", "wait...", ["ellipsis"]),
    ("a\n\n\nb\n", "a\nb\n", ["a blank line that `old` does not have"]),
    ("a\nb\n", "a\n\nb\n", ["before it `old` has a blank line"]),
    ("x\na\rb\ny\n", "a\nb\n", ["line 2: a CR without LF in the file"]),
    ("one\nint total = sum(items, 42);\nend\n", "int total = sum(items, 43);", ["line 2: the file has `2);` where `old` has `3);`"]),
    ("def f():\n    a()\n    b()\n    return 1\n", "def f():\n    a()\n    c()\n    return 1\n", ["     3 |     b()", "line 3: the file has `b()"]),
])
def test_a_miss_says_why(edit, before, old, words):
    result, now = edit(before.encode(), (old, "new"))
    refused(result, "edits[0]: `old` is not in `file`", "Nothing was changed", *words)
    assert now == before.encode()


def test_a_miss_far_down(edit):
    lines = [f"value_{number} = compute({number})" for number in range(20000)]
    lines[15432] = "value_special  =  compute( 'x' )"
    result, _ = edit("\n".join(lines).encode(), ("value_special = compute(\"x\")", "y"))
    refused(result, " 15433 | value_special", "spacing: 2 spaces in the file, 1 space in `old`; the file has `'x' )` where")
    result, _ = edit("\n".join(lines).encode(), ("\u4e2d\u6587\u5b57\u7b26\u4e32\u6587\u5b57", "y"))
    refused(result, "Nothing there resembles it")


def untouched(path):
    """What a change would change; not when it was last read."""
    status = path.stat()
    return status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def test_all_or_nothing(edit, workspace):
    before = b"one\ntwo\nthree\n"
    path = workspace / "file"
    path.write_bytes(before)
    was = untouched(path)
    for bad in [("four", "4"), ("e", "E"), ("two", "two"), ("2", "TWO")]:
        result, now = edit(None, ("one", "ONE"), bad)
        refused(result, "edits[1]")
        assert now == before and untouched(path) == was
    assert os.listdir(workspace) == ["file"]


def test_in_order(edit):
    result, now = edit(b"a\n", ("a", "b\nc"), ("c", "a"), ("b\na", "d"))
    assert edited(result)["replacements"] == [1, 1, 1] and now == b"d\n"
    result, _ = edit(b"a\n", ("a", "b"), ("a", "c"))
    refused(result, "edits[1]", "as the edits before it leave it")
    result, now = edit(b"a\n", ("a", "b"), ("b", "a"))
    assert edited(result)["written"] is False and "nothing has changed" in text_of(result)


def test_dry_run_and_expected_hash(edit, workspace):
    path = workspace / "file"
    path.write_bytes(b"one\r\ntwo\r\n")
    was, sha256 = untouched(path), hashlib.sha256(path.read_bytes()).hexdigest()
    result, now = edit(None, ("two", "2"), dry_run=True, expected_sha256=sha256)
    foretold = edited(result)
    assert untouched(path) == was and foretold["written"] is False and "dry run" in text_of(result)
    assert foretold["diff"] == "--- file\n+++ file\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n"
    result, now = edit(None, ("two", "2"), expected_sha256=sha256.upper())
    assert {**edited(result), "written": False} == foretold and hashlib.sha256(now).hexdigest() == foretold["sha256"]
    result, now = edit(None, ("one", "1"), expected_sha256=sha256)
    refused(result, "not as expected", hashlib.sha256(now).hexdigest())
    result, _ = edit(None, ("one", "1"), expected_sha256="12")
    refused(result, "64 hexadecimal digits")


# ---- arguments, and what is no text file ----


def test_arguments(edit, server, workspace):
    result, now = edit(b"a\n", ("", "b"))
    refused(result, '"old" must not be empty')
    refused(server.call("edit_file", path="file", edits=[]), "edits: there is none")
    refused(server.call("edit_file", path="file", edits=[{"old": "a"}]), '"new" is missing')
    refused(server.call("edit_file", path="file", edits=[{"old": "a", "new": "b", "replace_all": True}]), "replace_all", '"all"')
    refused(server.call("edit_file", path="file", edits=[{"old": "a", "new": "b"}], dryRun=True), "dryRun", "dry_run")
    refused(server.call("edit_file", path="file", edits=[{"old": "a", "new": "b"}] * 1001), "1001 at once")
    refused(server.call("edit_file", path="file", edits=[{"old": "a", "new": "a\r"}, {"old": "\n", "new": "\r\n"}]),
            "line ends, and those stay")
    assert (workspace / "file").read_bytes() == b"a\n"
    edited(server.call("edit_file", path="file", edits='[{"old":"a","new":"b"}]'))  # a string that is the array
    assert (workspace / "file").read_bytes() == b"b\n"


def test_what_is_no_text_file(edit, server, workspace):
    one = [{"old": "a", "new": "b"}]
    (workspace / "binary").write_bytes(b"\x7fELF\x00\x00a")
    refused(server.call("edit_file", path="binary", edits=one), "not text", "ELF")
    (workspace / "wide").write_bytes("a".encode("utf-32"))
    refused(server.call("edit_file", path="wide", edits=one), "not text")
    (workspace / "directory").mkdir()
    refused(server.call("edit_file", path="directory", edits=one), "directory")
    os.mkfifo(workspace / "fifo")
    refused(server.call("edit_file", path="fifo", edits=one), "no regular file")
    refused(server.call("edit_file", path="fil", edits=one), "there is no `fil`")
    os.symlink("/etc/passwd", workspace / "out")
    refused(server.call("edit_file", path="out", edits=[{"old": "root", "new": "evil"}]), "Denied")
    (workspace / ".git" / "hooks").mkdir(parents=True)
    (workspace / ".git" / "hooks" / "pre-commit").write_text("a\n")
    refused(server.call("edit_file", path=".git/hooks/pre-commit", edits=one), "Denied")
    os.symlink("directory/target", workspace / "link")
    (workspace / "directory" / "target").write_text("a\n")
    edited(server.call("edit_file", path="link", edits=one))
    assert (workspace / "directory" / "target").read_text() == "b\n" and (workspace / "link").is_symlink()


def test_large(edit, server, workspace):
    path = workspace / "large"
    line = b"%07d abcdefg\n"
    path.write_bytes(b"".join(line % number for number in range(1 << 20)))
    assert path.stat().st_size == 16 << 20
    facts = edited(server.call("edit_file", path="large", edits=[{"old": "0500000 abc", "new": "0500000 ABC"}]))
    assert facts["diff"].count("\n") == 11 and "@@ -499998,7 +499998,7 @@" in facts["diff"]
    assert path.read_bytes()[500000 * 16:][:12] == b"0500000 ABCd"[:12]
    refused(server.call("edit_file", path="large", edits=[{"old": "0500000 ABC", "new": "0500000 ABC longer"}]), "larger than")
    refused(server.call("edit_file", path="large", edits=[{"old": "0600000 AbC", "new": "x"}]), "600001 | 0600000 abcdefg", "letter case")
    with open(path, "ab") as file:
        file.write(b"x")
    refused(server.call("edit_file", path="large", edits=[{"old": "0500000", "new": "x"}]), "16777217 bytes", "run_command")


def test_long_diff_is_cut(edit):
    result, now = edit(b"old line\n" * 9000, ("old", "new", True))
    facts = edited(result)
    assert facts["replacements"] == [9000] and now == b"new line\n" * 9000
    assert len(facts["diff"]) <= 16000 and facts["cut_at_line"] >= 1
    assert f"read_file with offset {facts['cut_at_line']}" in text_of(result)
    result, now = edit(b"x" * 100000 + b"needle" + b"y" * 100000, ("needle", "pin"))
    diff = edited(result)["diff"]
    assert len(diff) < 6000 and "xneedley" in diff and "xpiny" in diff


def test_many_at_once(server, workspace):
    (workspace / "file").write_bytes(b"".join(b"line %d\n" % number for number in range(50)))
    calls = [server.start_call("edit_file", path="file", edits=[{"old": f"line {number}\n", "new": f"LINE {number}\n"}])
             for number in range(50)]
    for call in calls:
        edited(server.response(call)["result"])
    assert (workspace / "file").read_bytes() == b"".join(b"LINE %d\n" % number for number in range(50))
