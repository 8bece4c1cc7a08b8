# SPDX-License-Identifier: Apache-2.0
"""edit_file and search_files of the official filesystem server (modelcontextprotocol/servers, src/filesystem: lib.ts and its tests), by our
names; test_official.py has the rest. What it does right we do; what it does wrong stands in the first line of a case, and ours is right."""

import os

import pytest
from client import text_of


def edit(server, *edits, path="file", **more):
    return server.call("edit_file", path=path, edits=[{"old": old, "new": new} for old, new in edits], **more)


def found(server, pattern, **more):
    result = server.call("find_files", pattern=pattern, **more)
    assert not result.get("isError"), result
    return result["structuredContent"]["paths"]


def refused(result, *words):
    said = text_of(result)
    assert result.get("isError") and all(word in said for word in words), said


# ---- edits: right ----

def replaces_text(server, place):
    (place / "file").write_text("line1\nline2\nline3\n")
    diff = edit(server, ("line2", "changed"))["structuredContent"]["diff"]
    assert (place / "file").read_text() == "line1\nchanged\nline3\n"
    assert "\n-line2\n+changed\n" in diff and "@@ -1,3 +1,3 @@" in diff


def takes_dollar_signs_literally(server, place):
    (place / "file").write_text("price\n")
    edit(server, ("price", "$& $1 $$ $` $'"))
    assert (place / "file").read_text() == "$& $1 $$ $` $'\n"


def shows_and_does_not_write_in_a_dry_run(server, place):
    (place / "file").write_text("old\n")
    before = (place / "file").stat()
    result = edit(server, ("old", "new"), dry_run=True)
    assert "-old\n+new\n" in text_of(result) and result["structuredContent"]["written"] is False
    assert (place / "file").read_text() == "old\n" and (place / "file").stat().st_mtime_ns == before.st_mtime_ns


def edits_in_order_each_what_the_one_before_made(server, place):
    (place / "file").write_text("one two\n")
    edit(server, ("one", "1"), ("1 two", "done"))
    assert (place / "file").read_text() == "done\n"


def keeps_the_indentation_it_is_given(server, place):
    (place / "file").write_text("def f():\n    if x:\n        y()\n    return\n")
    edit(server, ("    if x:\n        y()\n", "    for x in xs:\n        if x:\n            y(x)\n"))
    assert (place / "file").read_text() == "def f():\n    for x in xs:\n        if x:\n            y(x)\n    return\n"


def does_nothing_where_one_of_several_is_not_there(server, place):
    (place / "file").write_text("one two\n")
    refused(edit(server, ("one", "1"), ("three", "3")), "edits[1]", "is not in", "Nothing was changed")
    assert (place / "file").read_text() == "one two\n"


def finds_nothing_in_an_empty_file(server, place):
    (place / "file").write_text("")
    refused(edit(server, ("one", "1")), "file")
    assert (place / "file").read_text() == ""


# ---- edits: wrong ----

def line_ends_stay(server, place):
    """It turns every CRLF of the file to LF."""
    (place / "file").write_bytes(b"a\r\nb\r\nc\r\n")
    edit(server, ("a\nb", "a\nB"))
    assert (place / "file").read_bytes() == b"a\r\nB\r\nc\r\n"


def several_places_are_no_place(server, place):
    """It edits the first of them and says nothing."""
    (place / "file").write_text("x = 1\ny = 1\n")
    refused(edit(server, ("1", "2")), "2 times", "set all")
    assert (place / "file").read_text() == "x = 1\ny = 1\n"
    server.call("edit_file", path="file", edits=[{"old": "1", "new": "2", "all": True}])
    assert (place / "file").read_text() == "x = 2\ny = 2\n"


def likeness_is_no_match(server, place):
    """Lines that are equal when trimmed are a match, and the indentation of what it puts there is made of blanks, whatever it was."""
    content = "class A:\n\tdef f(self):\n\t\treturn 1\n"
    (place / "file").write_text(content)
    refused(edit(server, ("def f(self):\n    return 1", "def f(self):\n    return 2")), "line 2", "2 tabs in the file, 4 spaces", "Nothing was changed")
    assert (place / "file").read_text() == content
    edit(server, ("\tdef f(self):\n\t\treturn 1", "\tdef f(self):\n\t\treturn 2"))
    assert (place / "file").read_text() == content.replace("1", "2")


def blanks_that_matter_are_not_ignored(server, place):
    """In a string over several lines, or in Markdown, blanks at an end mean something."""
    (place / "file").write_text("first  \nsecond\n")
    refused(edit(server, ("first\nsecond", "1\n2")), "space", "Nothing was changed")
    assert (place / "file").read_text() == "first  \nsecond\n"


def an_empty_text_is_nowhere(server, place):
    """It is found at the beginning of every file."""
    (place / "file").write_text("content\n")
    refused(edit(server, ("", "new")), "old")
    assert (place / "file").read_text() == "content\n"


def other_encodings_stay(server, place):
    """What is not UTF-8 becomes U+FFFD for ever."""
    (place / "file").write_bytes("Grüße\nalt\n".encode("latin-1"))
    edit(server, ("alt", "schön"))
    assert (place / "file").read_bytes() == "Grüße\nschön\n".encode("latin-1")


def the_mode_stays(server, place):
    """Its new file has the mode of any new file."""
    (place / "file").write_text("#!/bin/sh\ntrue\n")
    (place / "file").chmod(0o755)
    edit(server, ("true", "false"))
    assert (place / "file").stat().st_mode & 0o7777 == 0o755


def a_miss_says_what_is_there(server, place):
    """"Could not find exact match for edit", and the text again."""
    (place / "file").write_text("say(“hello”)\n")
    refused(edit(server, ('say("hello")', "x")), "line 1", "quote")


# ---- searches: right ----

def finds_by_glob(server, place):
    for path in ("a.ts", "a.js", "deep/b.ts", "deep/er/c.ts", "deep/er/c.txt"):
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text("")
    assert found(server, "**/*.ts") == ["a.ts", "deep/b.ts", "deep/er/c.ts"]
    assert found(server, "deep/*") == ["deep/b.ts", "deep/er/"]
    assert found(server, "**/*.{js,txt}") == ["a.js", "deep/er/c.txt"]
    assert found(server, "*.ts", path="deep/er") == ["deep/er/c.ts"]
    assert found(server, "*.none") == []


def leaves_out_what_is_excluded(server, place):
    """By patterns in each call there; by what the project says here."""
    for path in ("node_modules/m/index.js", "src/index.js", "src/index.test.js", "build/index.js"):
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text("")
    (place / ".ignore").write_text("node_modules/\n*.test.*\n/build\n")
    assert found(server, "**/*.js") == ["src/index.js"]
    assert found(server, "**/*.js", ignored=True) == ["build/index.js", "node_modules/m/index.js", "src/index.js", "src/index.test.js"]


def goes_on_past_what_it_may_not_see(server, place):
    (place.parent / "outside").mkdir()
    (place.parent / "outside/found.txt").write_text("")
    (place / "a").symlink_to("../outside")
    (place / "b").symlink_to("nowhere")
    (place / "c").mkdir()
    (place / "c/found.txt").write_text("")
    if os.getuid():
        (place / "closed").mkdir(0)
    assert found(server, "**/found.txt") == ["c/found.txt"]
    if os.getuid():
        (place / "closed").chmod(0o755)


# ---- searches: wrong ----

def a_name_is_found_at_any_depth(server, place):
    """`*.txt` finds nothing below the first directory, which every model expects."""
    (place / "deep").mkdir()
    (place / "deep/file.txt").write_text("")
    assert found(server, "*.txt") == ["deep/file.txt"]


def what_nobody_looks_for_is_left_out(server, place):
    """It goes through .git and node_modules each time, and shows what it finds there."""
    for path in (".git/config", ".hidden/config", "config"):
        (place / path).parent.mkdir(exist_ok=True)
        (place / path).write_text("")
    assert found(server, "config") == ["config"]
    assert found(server, "config", ignored=True) == [".hidden/config", "config"]  # .git never
    (place / "config").unlink()
    assert "hidden" in text_of(server.call("find_files", pattern="config"))


def results_are_bounded_and_counted(server, place):
    """All of them at once, however many; a client ends at 9 MB."""
    for number in range(300):
        (place / f"file{number:03}").write_text("")
    first = server.call("find_files", pattern="file*", limit=100)["structuredContent"]
    assert len(first["paths"]) == 100 and first["total"] == 300 and first["next_offset"] == 100
    assert found(server, "file*", limit=100, offset=200)[-1] == "file299"


def a_bad_pattern_is_told(server, place):
    """"No matches found"."""
    refused(server.call("find_files", pattern="file["), "[")


def content_is_searched(server, place):
    """Only names are (servers#335)."""
    (place / "file").write_text("one\nneedle here\nthree\n")
    assert "file:2:needle here" in text_of(server.call("search_files", pattern="need.e"))


def sizes_sort(server, place):
    """list_directory_with_sizes sorts one directory, and takes those of directories for sizes."""
    (place / "d").mkdir()
    for name, size in (("small", 1), ("d/large", 1000), ("medium", 10)):
        (place / name).write_text("x" * size)
    assert found(server, "**", type="file", sort="size") == ["d/large", "medium", "small"]


EDITS = [replaces_text, takes_dollar_signs_literally, shows_and_does_not_write_in_a_dry_run, edits_in_order_each_what_the_one_before_made,
         keeps_the_indentation_it_is_given, does_nothing_where_one_of_several_is_not_there, finds_nothing_in_an_empty_file,
         line_ends_stay, several_places_are_no_place, likeness_is_no_match, blanks_that_matter_are_not_ignored, an_empty_text_is_nowhere,
         other_encodings_stay, the_mode_stays, a_miss_says_what_is_there]
SEARCHES = [finds_by_glob, leaves_out_what_is_excluded, goes_on_past_what_it_may_not_see, a_name_is_found_at_any_depth,
            what_nobody_looks_for_is_left_out, results_are_bounded_and_counted, a_bad_pattern_is_told, content_is_searched, sizes_sort]


@pytest.mark.parametrize("case", EDITS + SEARCHES, ids=lambda case: case.__name__)
def test_case(case, server, workspace):
    case(server, workspace)
