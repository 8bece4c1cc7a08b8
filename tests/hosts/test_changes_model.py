# SPDX-License-Identifier: Apache-2.0
"""Random patches and writes of several files against a model of a few lines: encodings, marks, line ends, last lines without one, odd names,
dry runs, and patches of which one file does not fit. test_edit_model.py has the same of edits; test_patch.py of git's own patches.

The whole: SALLYPORT_CHANGE_CASES=20000. Nothing was found last in 12,300: 1,500 of each of the seeds 1 to 3
(SALLYPORT_CHANGE_SEED), 2,600 of each of 4 to 6."""

import difflib
import hashlib
import os
import random

from client import text_of

CASES = int(os.environ.get("SALLYPORT_CHANGE_CASES", "200"))
SEED = int(os.environ.get("SALLYPORT_CHANGE_SEED", "20261122"))
ENCODINGS = {"utf-8": "", "utf-8-sig": "", "utf-16-le": "\ufeff", "utf-16-be": "\ufeff", "latin-1": ""}
NAMES = {"a": "a", "d/b": "d/b", "d/e/c": "d/e/c", "two words": "two words", "trailing ": "trailing ", "t\tb": r'"t\tb"', "n\nl": r'"n\nl"',
         '"q"': r'"\"q\""', "ü": "ü", "d/\x1b[0m": r'"d/\033[0m"', "-rf": "-rf", "b\\": "b\\"}


def is_ended(rng, lines):
    """Whether the last line has an end: an empty one is none without."""
    return rng.random() < 0.8 or lines[-1] == ""


class File:
    """Lines without their ends, and how they stand in the file."""

    def __init__(self, rng):
        self.encoding, self.end = rng.choice(list(ENCODINGS)), rng.choice(["\n", "\r\n"])
        # the first two stay: by them the encoding and the line ends are known
        self.lines = ["é x", "y"] + [random_line(rng) for _ in range(rng.randrange(40))]
        self.ended = is_ended(rng, self.lines)

    def bytes(self):
        return (ENCODINGS[self.encoding] + self.end.join(self.lines) + (self.end if self.ended else "")).encode(self.encoding)


def random_line(rng):
    return rng.choice(["", "a", "b", "  a", "\ta", "a ", "}", "é", "-- a", "++ b", "@@ -1 +1 @@", "\\ no", str(rng.randrange(50))])


def change(rng, lines):
    """Something else than these lines, of which the first two stay."""
    while True:
        after = list(lines)
        for _ in range(rng.randrange(1, 5)):
            at = rng.randrange(2, len(after) + 1)
            after[at:at + rng.randrange(3)] = [random_line(rng) for _ in range(rng.randrange(3))]
        if after != lines:
            return after


def hunks(before, before_ended, after, after_ended, context):
    """As diff writes them: a last line without an end is another than one with it."""
    old = [line + "\n" for line in before[:-1]] + [line + ("\n" if before_ended else "") for line in before[-1:]]
    new = [line + "\n" for line in after[:-1]] + [line + ("\n" if after_ended else "") for line in after[-1:]]
    made = list(difflib.unified_diff(old, new, n=context))[2:]
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in made)


def update(rng, name, file):
    """The part of a patch that changes a file, which is then as it says."""
    before, ended = file.lines, file.ended
    file.lines = change(rng, before)
    file.ended = is_ended(rng, file.lines)
    return f"--- {NAMES[name]}\t\n+++ {NAMES[name]}\t\n" + hunks(before, ended, file.lines, file.ended, rng.randrange(1, 4))


def random_patch(rng, files):
    """A patch of some of the files, and what they are then."""
    files = {name: file for name, file in files.items()}
    patch = ""
    for name in rng.sample(sorted(files), rng.randrange(1, len(files) + 1)):
        if rng.random() < 0.2:
            gone = files.pop(name)
            patch += f"--- {NAMES[name]}\t\n+++ /dev/null\n" + hunks(gone.lines, gone.ended, [], True, 3)
        else:
            patch += update(rng, name, files[name])
    free = [name for name in NAMES if name not in files]
    if rng.random() < 0.4 and f"--- {NAMES[name := rng.choice(free)]}\t" not in patch:
        made = File(rng)
        made.encoding, made.end = "utf-8", "\n"
        files[name] = made
        patch += f"--- /dev/null\n+++ {NAMES[name]}\t\n" + hunks([], True, made.lines, made.ended, 3)
    return patch, files


def tree(place):
    found = {}
    for where, _, names in os.walk(place):
        for name in names:
            path = os.path.join(where, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, place)] = file.read()
    return found


def put(place, files):
    for where, directories, names in os.walk(place, topdown=False):
        for name in names:
            os.unlink(os.path.join(where, name))
        for name in directories:
            os.rmdir(os.path.join(where, name))
    for name, content in files.items():
        path = os.path.join(place, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)


def check_patch(server, place, rng, files):
    before = tree(place)
    patch, files = random_patch(rng, files)
    if rng.random() < 0.2:  # one that does not fit: none is written
        broken = patch + f"--- {NAMES[rng.choice(sorted(NAMES))]}\t\n+++ /dev/null\n@@ -1 +0,0 @@\n-nowhere\n"
        assert server.call("apply_patch", patch=broken).get("isError"), broken
        assert tree(place) == before, broken
    if rng.random() < 0.2:
        said = server.call("apply_patch", patch=patch, dry_run=True)
        assert not said.get("isError") and tree(place) == before, (patch, text_of(said))
    said = server.call("apply_patch", patch=patch)
    assert not said.get("isError"), (before, patch, text_of(said))
    assert tree(place) == {name: file.bytes() for name, file in files.items()}, (before, patch)
    return files


def check_write(server, place, rng, files):
    name = rng.choice(sorted(NAMES))
    content = "".join(rng.choice("aé\n\r€😀 ") for _ in range(rng.randrange(60)))
    old = tree(place).get(name, b"")
    more = rng.choice([{}, {"append": True}, {"expected_sha256": hashlib.sha256(old).hexdigest()}, {"expected_sha256": "0" * 64}, {"create_only": True}])
    refused = more.get("expected_sha256") == "0" * 64 or ("expected_sha256" in more and name not in files) or ("create_only" in more and name in files)
    expected = {one: file.bytes() for one, file in files.items()}
    if not refused:
        expected[name] = (old if "append" in more else b"") + content.encode()
    said = server.call("write_file", path=NAMES[name], content=content, **more)
    assert bool(said.get("isError")) == refused and tree(place) == expected, (name, content, more, said)


def check_case(server, place, rng):
    files = {name: File(rng) for name in rng.sample(sorted(NAMES), rng.randrange(1, 5))}
    put(place, {name: file.bytes() for name, file in files.items()})
    for _ in range(rng.randrange(1, 3)):
        if files:
            files = check_patch(server, place, rng, files)
    check_write(server, place, rng, files)


def test_random_changes(start, workspace):
    server, rng = start("--answer-within", "60"), random.Random(SEED)
    for case in range(CASES):
        try:
            check_case(server, workspace, rng)
        except AssertionError as error:
            raise AssertionError(f"case {case} of seed {SEED} (SALLYPORT_CHANGE_SEED): {error}") from error
