# SPDX-License-Identifier: Apache-2.0
"""The behaviours of the official filesystem server (modelcontextprotocol/servers, src/filesystem: index.ts, lib.ts and their tests), by our names.
RIGHT is what it does well, and we do; WRONG is what it does badly, each with what is right. Its edit_file and search_files: test_official_edits.py."""

import base64
import os

import pytest
from client import text_of

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(20)


def read(server, path, **more):
    return text_of(server.call("read_file", path=path, **more))


def fails(result, *words):
    """A refusal that says all of this."""
    assert result.get("isError"), result
    said = text_of(result)
    assert all(word in said for word in words), said


# ---- what it does right ----

def reads_a_whole_file(server, place):
    (place / "file").write_text("one\ntwo\n")
    assert read(server, "file") == "one\ntwo\n"


def reads_the_first_lines(server, place):
    (place / "file").write_text("1\n2\n3\n4")
    assert read(server, "file", limit=2).startswith("1\n2\n")


def reads_the_last_lines(server, place):
    (place / "file").write_text("1\n2\n3\n4\n")
    assert read(server, "file", offset=-2) == "3\n4\n"


def reads_fewer_lines_than_asked_for(server, place):
    (place / "file").write_text("1\n2")
    assert read(server, "file", limit=100) == read(server, "file", offset=-100) == "1\n2"


def one_bad_path_of_several_fails_alone(server, place):
    (place / "a").write_text("first")
    (place / "b").write_text("second")
    result = server.call("read_files", paths=["a", "none", "b"])
    blocks = [block["text"] for block in result["content"]]
    assert blocks[0] == "a\nfirst" and blocks[2] == "b\nsecond" and not result.get("isError")
    assert blocks[1].startswith("none\nError: ") and "none" in blocks[1]


def writes_new_and_over_old(server, place):
    for content in ("new", "newer"):
        assert not server.call("write_file", path="file", content=content).get("isError")
        assert (place / "file").read_text() == content


def makes_directories_in_each_other(server, place):
    assert server.call("create_directory", path="a/b/c")["structuredContent"] == {"path": "a/b/c", "created": True}
    assert (place / "a/b/c").is_dir()


def a_directory_that_is_there_is_no_error(server, place):
    (place / "a").mkdir()
    assert server.call("create_directory", path="a")["structuredContent"]["created"] is False


def tells_directories_from_files(server, place):
    (place / "directory").mkdir()
    (place / "file").write_text("12345")
    entries = {entry["name"]: entry for entry in server.call("list_directory")["structuredContent"]["entries"]}
    assert entries["directory"]["type"] == "directory"
    assert entries["file"]["type"] == "file" and entries["file"]["size"] == 5


def shows_a_tree(server, place):
    (place / "a/b").mkdir(parents=True)
    (place / "a/b/file").write_text("")
    names = [entry["name"] for entry in server.call("list_directory", depth=3)["structuredContent"]["entries"]]
    assert names == ["a", "a/b", "a/b/file"]


def moves_between_directories(server, place):
    (place / "a").mkdir()
    (place / "a/file").write_text("content")
    (place / "b").mkdir()
    assert not server.call("move_file", source="a/file", destination="b/renamed").get("isError")
    assert (place / "b/renamed").read_text() == "content" and not (place / "a/file").exists()


def tells_about_a_file(server, place):
    (place / "file").write_text("12345")
    (place / "file").chmod(0o640)
    facts = server.call("get_file_info", path="file")["structuredContent"]
    assert (facts["type"], facts["size"], facts["mode"]) == ("file", 5, "0640")
    assert facts["modified"][:4].isdigit() and facts["accessed"].endswith("Z")


def what_is_outside_is_denied(server, place):
    (place.parent / "outside").write_text("secret")
    for path in (str(place.parent / "outside"), "../outside", "/etc/passwd"):
        for tool, arguments in (("read_file", {"path": path}), ("get_file_info", {"path": path}), ("delete_file", {"path": path}),
                                ("write_file", {"path": path, "content": "x"}), ("move_file", {"source": path, "destination": "x"}),
                                ("copy_file", {"source": path, "destination": "x"})):
            result = server.call(tool, **arguments)
            assert text_of(result).startswith("Denied: "), (tool, result)


def a_name_that_begins_like_the_workspaces_is_outside(server, place):
    """CVE-2025-53110."""
    other = place.parent / (place.name + "-other")
    other.mkdir()
    (other / "file").write_text("secret")
    assert text_of(server.call("read_file", path=str(other / "file"))).startswith("Denied: ")


def a_link_that_leads_out_is_denied(server, place):
    """CVE-2025-53109."""
    (place.parent / "outside").mkdir()
    (place.parent / "outside/file").write_text("secret")
    (place / "link").symlink_to("../outside")
    (place / "file").symlink_to("../outside/file")
    for path in ("link/file", "file", "link/new"):
        assert text_of(server.call("read_file", path=path)).startswith("Denied: ")
        assert text_of(server.call("write_file", path=path, content="x")).startswith("Denied: ")
    assert os.listdir(place.parent / "outside") == ["file"] and (place.parent / "outside/file").read_text() == "secret"


def relative_paths_begin_in_the_workspace(server, place):
    (place / "a").mkdir()
    (place / "a/file").write_text("here")
    assert read(server, "a/../a/./file") == read(server, str(place / "a/file")) == "here"


# ---- what it does wrong ----

def move_never_replaces(server, place):
    """Its description says so; rename() replaces silently."""
    (place / "a").write_text("a")
    (place / "b").write_text("b")
    fails(server.call("move_file", source="a", destination="b"), "`b` exists already", "overwrite: true")
    assert (place / "a").read_text() == "a" and (place / "b").read_text() == "b"
    assert server.call("move_file", source="a", destination="b", overwrite=True)["structuredContent"]["outcome"] == "replaced"
    assert (place / "b").read_text() == "a"


def move_takes_the_link_and_not_its_target(server, place):
    """It resolves the source first, so that the target moves and the link dangles."""
    (place / "target").write_text("content")
    (place / "link").symlink_to("target")
    assert not server.call("move_file", source="link", destination="moved").get("isError")
    assert os.readlink(place / "moved") == "target" and (place / "target").read_text() == "content"


def move_goes_to_other_file_systems(start, place, elsewhere):
    """EXDEV is all it says."""
    (place / "d").mkdir()
    (place / "d/file").write_text("content")
    (place / "d/link").symlink_to("file")
    server = start(roots=[place, elsewhere])
    said = server.call("move_file", source="d", destination=str(elsewhere / "d"))
    assert not said.get("isError"), said
    assert (elsewhere / "d/file").read_text() == "content" and os.readlink(elsewhere / "d/link") == "file"
    assert os.listdir(place) == []


def parents_are_made(server, place):
    """"Parent directory does not exist"."""
    assert not server.call("write_file", path="a/b/file", content="x").get("isError")
    assert not server.call("move_file", source="a/b/file", destination="c/d/file").get("isError")
    assert (place / "c/d/file").read_text() == "x"


def writing_keeps_the_mode(server, place):
    """Its new file has the mode of any new file: scripts are no programs any more."""
    (place / "script").write_text("#!/bin/sh\n")
    (place / "script").chmod(0o755)
    server.call("write_file", path="script", content="#!/bin/sh\necho\n")
    assert (place / "script").stat().st_mode & 0o7777 == 0o755


def line_ends_are_shown_as_they_are(server, place):
    """Its tail turns CRLF to LF, its head drops the end of the last line."""
    (place / "file").write_bytes(b"1\r\n2\r\n3\r\n")
    assert read(server, "file", offset=-2) == "2\r\n3\r\n"
    assert read(server, "file") == "1\r\n2\r\n3\r\n"
    assert server.call("get_file_info", path="file")["structuredContent"]["line_ends"] == "CRLF"


def characters_are_never_cut(server, place):
    """Its tail and head decode pieces of 1,024 bytes, each for itself."""
    text = "".join(f"{'x' * (n % 7)}äöü€😀{n}\n" for n in range(500))
    (place / "file").write_text(text, encoding="utf-8")
    assert read(server, "file", offset=-499) == text.split("\n", 1)[1]
    assert "�" not in read(server, "file", limit=300)


def another_encoding_is_named(server, place):
    """It shows U+FFFD and says nothing; writing that back destroys the file."""
    (place / "file").write_bytes("Grüße\n".encode("latin-1"))
    assert "Not UTF-8, probably ISO-8859-1" in read(server, "file")
    assert server.call("get_file_info", path="file")["structuredContent"]["encoding"] == "ISO-8859-1"


def media_by_content_and_not_by_name(server, place):
    """It believes the name: text called .png is an image, an image called .txt is garbage."""
    (place / "image.txt").write_bytes(PNG)
    (place / "text.png").write_text("only text\n")
    block = server.call("read_file", path="image.txt")["content"][0]
    assert (block["type"], block["mimeType"]) == ("image", "image/png") and base64.b64decode(block["data"]) == PNG
    assert read(server, "text.png") == "only text\n"


def binary_is_described(server, place):
    """It answers with megabytes of U+FFFD, or with base64 that no model reads."""
    (place / "program").write_bytes(b"\x7fELF" + bytes(5000))
    fails(server.call("read_file", path="program"), "5004 bytes", "ELF")


def nothing_is_sent_twice(server, place):
    """Every text is in structuredContent again."""
    (place / "file").write_text("only once")
    result = server.call("read_file", path="file")
    assert "structuredContent" not in result and str(result).count("only once") == 1


def long_answers_are_bounded_and_say_so(server, place):
    """A file of 9 MB as one answer ends the client's connection."""
    (place / "file").write_text("0123456789\n" * 900000)
    said = read(server, "file")
    assert len(said) < 33000 and "Continue with offset: " in said.splitlines()[-1]
    both = server.call("read_files", paths=["file", "file"])["content"]
    assert sum(len(block["text"]) for block in both) < 33000
    assert all("Continue with read_file, offset: " in block["text"].splitlines()[-1] for block in both)


def special_files_stall_nobody(server, place):
    """Five reads of a FIFO take all its threads, and nothing is answered any more."""
    os.mkfifo(place / "fifo")
    (place / "file").write_text("content")
    for _ in range(20):
        fails(server.call("read_file", path="fifo"), "FIFO")
    assert server.call("get_file_info", path="fifo")["structuredContent"]["type"] == "fifo"
    fails(server.call("copy_file", source="fifo", destination="x"), "FIFO")
    fails(server.call("write_file", path="fifo", content="x"), "no regular file")
    assert read(server, "file") == "content"


def a_link_in_a_tree_is_shown_and_breaks_nothing(server, place):
    """Its directory_tree fails as a whole where one link leads out; its list calls links files."""
    (place / "a").mkdir()
    (place / "a/out").symlink_to("/etc")
    entries = server.call("list_directory", depth=2)["structuredContent"]["entries"]
    assert [(entry["name"], entry["type"], entry.get("target")) for entry in entries][1] == ("a/out", "link", "/etc")
    facts = server.call("get_file_info", path="a/out")["structuredContent"]
    assert (facts["type"], facts["link_target"]) == ("link", "/etc")


def unknown_arguments_are_told(server, place):
    """It ignores them, so that `lines: 5` reads everything."""
    (place / "file").write_text("1\n2\n")
    fails(server.call("read_file", path="file", limits=1), "limits", "limit")


def odd_names_can_be_given_back(server, place):
    """A newline in a name makes two entries of one."""
    (place / "two\nlines").write_text("content")
    assert read(server, '"two\\nlines"') == "content"
    assert not server.call("move_file", source='"two\\nlines"', destination="one").get("isError")
    assert (place / "one").read_text() == "content"


def deleting_is_there_and_bounded(server, place):
    """It has nothing to delete or copy with, so models use a shell for it."""
    (place / "d").mkdir()
    (place / "d/file").write_text("12345")
    assert server.call("copy_file", source="d", destination="e")["structuredContent"]["bytes"] == 5
    fails(server.call("delete_file", path="d"), "recursive: true")
    assert server.call("delete_file", path="d", recursive=True)["structuredContent"] == {"path": "d", "deleted": 2, "bytes": 5}
    assert text_of(server.call("delete_file", path=".", recursive=True)).startswith("Denied: ")
    assert os.listdir(place) == ["e"]


RIGHT = [reads_a_whole_file, reads_the_first_lines, reads_the_last_lines, reads_fewer_lines_than_asked_for, one_bad_path_of_several_fails_alone,
         writes_new_and_over_old, makes_directories_in_each_other, a_directory_that_is_there_is_no_error, tells_directories_from_files, shows_a_tree,
         moves_between_directories, tells_about_a_file, what_is_outside_is_denied, a_name_that_begins_like_the_workspaces_is_outside,
         a_link_that_leads_out_is_denied, relative_paths_begin_in_the_workspace]
WRONG = [move_never_replaces, move_takes_the_link_and_not_its_target, parents_are_made, writing_keeps_the_mode, line_ends_are_shown_as_they_are,
         characters_are_never_cut, another_encoding_is_named, media_by_content_and_not_by_name, binary_is_described, nothing_is_sent_twice,
         long_answers_are_bounded_and_say_so, special_files_stall_nobody, a_link_in_a_tree_is_shown_and_breaks_nothing, unknown_arguments_are_told,
         odd_names_can_be_given_back, deleting_is_there_and_bounded]


def title(case):
    return case.__name__


@pytest.mark.parametrize("case", RIGHT, ids=title)
def test_right(case, server, workspace):
    case(server, workspace)


@pytest.mark.parametrize("case", WRONG, ids=title)
def test_wrong(case, server, workspace):
    case(server, workspace)


def test_wrong_across_file_systems(start, workspace, other_file_system):
    move_goes_to_other_file_systems(start, workspace, other_file_system)
