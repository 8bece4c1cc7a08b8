# SPDX-License-Identifier: Apache-2.0
"""Files that are special, huge or oddly named: refused or bounded, and others are served meanwhile."""

import os
import socket

import pytest
from client import text_of

MANY = int(os.environ.get("SALLYPORT_MANY_ENTRIES", "50000"))  # the whole test is with a million: 20 to 60 s


def facts(result):
    assert not result.get("isError"), result
    return result["structuredContent"]


def test_special_files(start, workspace):
    os.mkfifo(workspace / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(workspace)
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
    if os.getuid() == 0:
        os.mknod(workspace / "device", 0o20666, os.makedev(1, 5))
        os.chown(workspace / "device", workspace.stat().st_uid, -1)
    server = start()
    for name in ("fifo", "socket", *(["device"] if os.getuid() == 0 else [])):
        for tool, arguments in (("read_file", {"path": name}), ("write_file", {"path": name, "content": "x"}),
                                ("copy_file", {"source": name, "destination": "copy"}), ("move_file", {"source": name, "destination": "moved"})):
            said = server.call(tool, **arguments)
            assert said["isError"], (tool, name, said)
        assert facts(server.call("get_file_info", path=name, sha256=True))["type"] == name
        both = server.call("read_files", paths=[name, name])
        assert len(both["content"]) == 2 and all("Error: " in block["text"] for block in both["content"])
        assert facts(server.call("delete_file", path=name))["deleted"] == 1
    assert os.listdir(workspace) == []


def test_a_terabyte_of_nothing(server, workspace):
    with open(workspace / "sparse", "wb") as file:
        file.write(b"text\n")
        file.truncate(1 << 40)
    assert "1099511627776 bytes" in text_of(server.call("read_file", path="sparse"))
    told = facts(server.call("get_file_info", path="sparse"))
    assert told["size"] == 1 << 40 and told["disk_bytes"] < 1 << 20
    assert "sha256sum" in text_of(server.call("get_file_info", path="sparse", sha256=True))
    copied = facts(server.call("copy_file", source="sparse", destination="copy"))
    assert copied["bytes"] == 1 << 40 and (workspace / "copy").stat().st_blocks < 2048
    with open(workspace / "copy", "rb") as file:
        assert file.read(10) == b"text\n" + bytes(5)


def test_a_line_of_100_megabytes(server, workspace):
    (workspace / "line").write_bytes(b"x" * 100_000_000 + b"\nlast\n")
    said = text_of(server.call("read_file", path="line"))
    assert len(said) < 33000 and "tail -c +" in said.splitlines()[-1]
    assert text_of(server.call("read_file", path="line", offset=-1)) == "last\n"
    told = facts(server.call("get_file_info", path="line", sha256=True))
    assert told["looked_at_bytes"] == 64 << 20 and len(told["sha256"]) == 64
    both = server.call("read_files", paths=["line", "line"])["content"]
    assert sum(len(block["text"]) for block in both) < 33500


def test_many_entries(start, workspace, other_file_system):
    """Listed, and deleted; a small file is read meanwhile, again and again."""
    many = other_file_system / "many"
    many.mkdir()
    directory = os.open(many, os.O_RDONLY)
    for number in range(MANY):
        os.close(os.open(f"{number:07}", os.O_CREAT | os.O_WRONLY, dir_fd=directory))
    os.close(directory)
    (workspace / "small").write_text("small\n")
    server = start("--answer-within", "120", roots=[workspace, other_file_system])
    listed = facts(server.call("list_directory", path=str(many), limit=10))
    assert len(listed["entries"]) == 10 and listed["total"] >= min(MANY, 200_000)
    number = server.start_call("delete_file", path=str(many), recursive=True)
    served = 0
    while not server.waiting:  # what else comes than the answers to these calls
        assert text_of(server.call("read_file", path="small")) == "small\n"
        served += 1
    assert facts(server.response(number)["result"])["deleted"] == MANY + 1
    assert served > 10 and not many.exists()


def test_a_path_of_4096_bytes(server, workspace):
    """The kernel takes 4,095 and their NUL."""
    deep = "/".join(["d" * 200] * 18)
    assert facts(server.call("create_directory", path=deep))["created"]
    longest = deep + "/" + "f" * (4095 - len(str(workspace)) - 1 - len(deep) - 1)
    for path in (str(workspace / longest), longest):
        name_fits = len(longest.rsplit("/", 1)[1]) <= 255
        said = server.call("write_file", path=path, content="x")
        assert bool(said.get("isError")) != name_fits, said
    nested = deep + "/" + "/".join(["e" * 100] * 3) + "/f"
    assert facts(server.call("write_file", path=nested, content="content"))["outcome"] == "created"
    assert text_of(server.call("read_file", path=nested)) == "content"
    assert facts(server.call("move_file", source=nested, destination="moved"))["source"] == nested
    assert "4095" in text_of(server.call("read_file", path="x" * 4096))
    assert "Error" in text_of(server.call("read_file", path="/".join(["x" * 255] * 15) + "/" + "y" * 255))
    assert facts(server.call("delete_file", path="d" * 200, recursive=True))["deleted"] == 21
    assert os.listdir(workspace) == ["moved"]


ODD = [("new\nline", r'"new\nline"'), ('"quoted"', r'"\"quoted\""'), (b"\xff\xfe", r'"\377\376"'), ("tab\t", r'"tab\t"'),
                                         ("back\\slash\n", r'"back\\slash\n"'), ("ümläut €", "ümläut €"), (" ", " "), ("-rf", "-rf"), ("\x1b[31m", r'"\033[31m"'),
       ("trailing ", "trailing "), ("two words", "two words"), ('"x y"\n', r'"\"x y\"\n"')]
ODD_IDS = [typed for _, typed in ODD]


@pytest.mark.parametrize("name, typed", ODD, ids=ODD_IDS)
def test_odd_names(server, workspace, name, typed):
    with open(os.path.join(os.fsencode(workspace), os.fsencode(name)), "w", encoding="utf-8") as file:
        file.write("content")
    assert text_of(server.call("read_file", path=typed)) == "content"
    assert facts(server.call("get_file_info", path=typed))["path"] == typed
    assert facts(server.call("write_file", path=typed, content="more"))["outcome"] == "replaced"
    assert text_of(server.call("read_files", paths=[typed])).startswith(typed + "\nmore")
    assert facts(server.call("copy_file", source=typed, destination="plain"))["source"] == typed
    assert facts(server.call("delete_file", path=typed))["deleted"] == 1
    assert os.listdir(workspace) == ["plain"]
    assert facts(server.call("move_file", source="plain", destination=typed))["destination"] == typed
    assert os.listdir(os.fsencode(workspace)) == [os.fsencode(name)]


@pytest.mark.parametrize("name, typed", ODD, ids=ODD_IDS)
def test_what_is_shown_of_odd_names_is_a_patch(server, workspace, name, typed):
    """The diff of a dry run, given to apply_patch as it is; and both forms with the name as results show it."""
    path = os.path.join(os.fsencode(workspace), os.fsencode(name))
    with open(path, "w", encoding="utf-8") as file:
        file.write("one\ntwo\n")

    def patched(patch, content, **more):
        files = facts(server.call("apply_patch", patch=patch))["files"]
        assert [file["path"] for file in files] == [typed] and more.items() <= files[0].items(), files
        with open(path, encoding="utf-8") as file:
            assert file.read() == content

    dry = server.call("edit_file", path=typed, edits=[{"old": "two", "new": "2"}], dry_run=True)
    shown = facts(dry)
    assert shown["path"] == typed and shown["diff"].startswith(f"--- {typed}") and f"\n+++ {typed}" in shown["diff"]
    assert f"\n+++ {typed}" in text_of(dry)
    patched(shown["diff"], "one\n2\n", outcome="updated")
    if typed == typed.strip():  # this form has no way to say where a name ends but quotes, which a blank needs not
        patched(f"*** Begin Patch\n*** Update File: {typed}\n-2\n+two\n*** End Patch\n", "one\ntwo\n", outcome="updated")
    missing = server.call("apply_patch", patch=f"--- {typed}\t\n+++ {typed}\t\n@@ -1 +1 @@\n-none\n+x\n")
    assert missing["isError"] and f"`{typed}`" in text_of(missing), missing
    assert facts(server.call("delete_file", path=typed))["deleted"] == 1
    patched(f"--- /dev/null\n+++ {typed}\t\n@@ -0,0 +1 @@\n+new\n", "new\n", outcome="created")
    with open(os.path.join(os.fsencode(workspace), b"plain"), "w", encoding="utf-8") as file:
        file.write("plain\n")
    assert os.unlink(path) is None
    renaming = f"diff --git a/plain b/renamed\nrename from plain\nrename to {typed}\n"
    patched(renaming, "plain\n", outcome="renamed", **{"from": "plain"})
    assert os.listdir(os.fsencode(workspace)) == [os.fsencode(name)]
