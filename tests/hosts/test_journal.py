# SPDX-License-Identifier: Apache-2.0
"""What a server that ended in the middle of a patch left behind: taken back by the next, unless somebody else's or forged."""

import fcntl
import os
import struct

import pytest

MAGIC = b"sallyport journal 1\n"
TEMPORARY, DIRECTORY, CHANGE, BEGIN, DONE = range(1, 6)
JOURNAL = ".sallyport-journal-0123456789abcdef"
BACKUP = ".sallyport-0123456789abcdef"


def text(value):
    value = os.fsencode(value)
    return struct.pack("<I", len(value)) + value


def record(kind, *fields):
    payload = struct.pack("<I", kind) + b"".join(fields)
    return struct.pack("<I", len(payload)) + payload


def change(path, backup, made=True):
    """That `path` is now what we made, and `backup` beside it what was there."""
    if not made:
        return record(CHANGE, text(path), text(backup), struct.pack("<IQQQI", 0, 0, 0, 0, 0))
    status = os.stat(path)
    return record(CHANGE, text(path), text(backup),
                  struct.pack("<IQQQI", 1, status.st_ino, status.st_size, status.st_mtime_ns // 10**9, status.st_mtime_ns % 10**9))


class Site:
    def __init__(self, workspace):
        self.workspace = workspace

    def path(self, name):
        return os.path.join(self.workspace, name)

    def write(self, name, content, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(content)
        os.chmod(self.path(name), mode)

    def journal(self, *records, mode=0o600, magic=MAGIC):
        with open(self.path(JOURNAL), "wb") as file:
            file.write(magic + b"".join(records))
        os.chmod(self.path(JOURNAL), mode)

    def files(self):
        found = {}
        for where, _, names in os.walk(self.workspace):
            for name in names:
                with open(os.path.join(where, name), errors="replace") as file:
                    found[os.path.relpath(os.path.join(where, name), self.workspace)] = file.read()
        return found

    def interrupted(self):
        """One file replaced, one made, one deleted; before the end."""
        self.write("replaced", "new")
        self.write(BACKUP, "old")
        self.write("d/made", "new")
        self.write(".sallyport-00000000deadbeef", "deleted")
        return (change(self.path("replaced"), BACKUP), change(self.path("d/made"), ""),
                change(self.path("deleted"), ".sallyport-00000000deadbeef", made=False),
                record(DIRECTORY, text(self.path("d"))))


@pytest.fixture
def site(workspace):
    return Site(str(workspace))


def serve(start):
    """A server whose files executor has started."""
    server = start()
    server.call("list_directory", path=".")
    return server


def test_taken_back(start, site):
    site.journal(*site.interrupted(), record(BEGIN))
    serve(start)
    assert site.files() == {"replaced": "old", "deleted": "deleted"}
    assert not os.path.exists(site.path("d"))


def test_finished(start, site):
    site.journal(*site.interrupted(), record(BEGIN), record(DONE))
    serve(start)
    assert site.files() == {"replaced": "new", "d/made": "new"}


def test_not_begun(start, site):
    """Names were not changed yet: only temporary files go."""
    site.write("f", "old")
    site.write(BACKUP, "temporary")
    site.journal(record(TEMPORARY, text(site.path(BACKUP))))
    serve(start)
    assert site.files() == {"f": "old"}


@pytest.mark.parametrize("cut", range(1, 30))
def test_cut_off(start, site, cut):
    """A journal whose end never reached the disk: what is whole counts."""
    site.write("f", "old")
    site.write(BACKUP, "temporary")
    whole = record(TEMPORARY, text(site.path(BACKUP))) + record(BEGIN)
    site.journal(whole[:-cut] if cut < 20 else b"", magic=MAGIC if cut < 20 else MAGIC[:cut - 20])
    serve(start)
    assert site.files() == ({"f": "old"} if cut <= 8 else {"f": "old", BACKUP: "temporary"})


def test_of_a_living_server(start, site):
    """Its writer holds the lock: another server leaves it alone, and the next one does not."""
    site.journal(*site.interrupted(), record(BEGIN))
    before = site.files()
    with open(site.path(JOURNAL), "rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        serve(start)
        assert site.files() == before
    serve(start)
    assert site.files() == {"replaced": "old", "deleted": "deleted"}


def test_changed_by_somebody_since(start, site):
    """What a person has written after the crash is not taken back."""
    site.journal(*site.interrupted(), record(BEGIN))
    site.write("replaced", "by a person")
    site.write("d/made", "by a person")
    site.write("deleted", "by a person")
    serve(start)
    assert site.files() == {"replaced": "by a person", "d/made": "by a person", "deleted": "by a person"}


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o666, 0o700])
def test_not_ours(start, site, mode):
    """What an archive or a repository may contain is no journal."""
    site.journal(*site.interrupted(), record(BEGIN), mode=mode)
    before = site.files()
    serve(start)
    assert site.files() == before


FORGED = {
    "unknown record": (record(77),),
    "not one of our names": (record(TEMPORARY, text("PRECIOUS")),),
    "backup of another name": (record(CHANGE, text("X"), text("precious"), struct.pack("<IQQQI", 0, 0, 0, 0, 0)),),
    "backup elsewhere": (record(CHANGE, text("X"), text("../x"), struct.pack("<IQQQI", 0, 0, 0, 0, 0)),),
    "relative": (record(TEMPORARY, text(BACKUP)),),
    "outside": (record(TEMPORARY, text("OUTSIDE")), record(DIRECTORY, text("EMPTY"))),
    "above": (record(TEMPORARY, text("WORKSPACE/../outside/" + BACKUP)),),
    "through a link": (record(TEMPORARY, text("WORKSPACE/link/" + BACKUP)),),
    "protected": (record(TEMPORARY, text("WORKSPACE/.git/hooks/" + BACKUP)), record(CHANGE, text("WORKSPACE/.git/hooks/hook"), text(BACKUP),
                                                                                    struct.pack("<IQQQI", 0, 0, 0, 0, 0))),
    "the workspace itself": (record(DIRECTORY, text("WORKSPACE")), record(TEMPORARY, text("WORKSPACE/"))),
}


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("mark", [(), (record(BEGIN),), (record(BEGIN), record(DONE))])
def test_forged(start, site, tmp_path, name, mark):
    """It gets nothing done outside, in protected places, or to files that have no name of ours."""
    outside = tmp_path / "outside"
    (outside / "empty").mkdir(parents=True)
    (outside / BACKUP).write_text("outside")
    site.write("precious", "precious")
    site.write(f".git/hooks/{BACKUP}", "protected")
    os.symlink(outside, site.path("link"))

    def place(found):
        payload = found[4:]
        for token, path in (("PRECIOUS", site.path("precious")), ("OUTSIDE", str(outside / BACKUP)), ("EMPTY", str(outside / "empty")),
                            ("WORKSPACE", site.workspace)):
            at = payload.find(token.encode())
            if at >= 0:
                length, = struct.unpack_from("<I", payload, at - 4)
                whole = payload[at:at + length].replace(token.encode(), os.fsencode(path))
                payload = payload[:at - 4] + text(whole) + payload[at + length:]
        return struct.pack("<I", len(payload)) + payload

    site.journal(*map(place, FORGED[name]), *mark)
    before = site.files()
    serve(start)
    after = site.files()
    before.pop(JOURNAL)
    after.pop(JOURNAL, None)
    assert after == before
    assert (outside / BACKUP).read_text() == "outside" and (outside / "empty").is_dir()
