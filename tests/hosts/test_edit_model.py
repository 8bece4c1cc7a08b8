# SPDX-License-Identifier: Apache-2.0
"""edit_file: random edits against a model of a few lines; the whole of these, in which nothing was found last: SALLYPORT_EDIT_CASES=20000."""

import hashlib
import os
import random
import re

from client import text_of
from test_edit import edited

CASES = int(os.environ.get("SALLYPORT_EDIT_CASES", "300"))
SEED = int(os.environ.get("SALLYPORT_EDIT_SEED", "20261122"))


def apply_diff(text, diff):
    """What a unified diff makes of a text with LF; every line of it that stays or goes must be there."""
    lines, out, at = re.findall(r"[^\n]*\n|[^\n]+\Z", text), [], 0
    parts = re.findall(r"[^\n]*\n", diff)[2:]
    for index, part in enumerate(parts):
        if part.startswith("@@"):
            begin, count = re.match(r"@@ -(\d+)(?:,(\d+))? ", part).groups()
            begin = int(begin) - (count != "0")
            out += lines[at:begin]
            at = begin
            continue
        if part.startswith("\\"):
            continue
        unended = index + 1 < len(parts) and parts[index + 1].startswith("\\")
        line = part[1:-1] if unended else part[1:]
        if part[0] != "+":
            assert lines[at] == line, (lines[at], line)
            at += 1
        if part[0] != "-":
            out.append(line)
    return "".join(out + lines[at:])


ENCODINGS = {"utf-8": "", "utf-8-sig": "", "utf-16-le": "\ufeff", "utf-16-be": "\ufeff", "latin-1": "", "cp1252": ""}


def random_text(rng, encoding, most):
    letters = "aab  \t-" + {"latin-1": "\u00e9\u00fc", "cp1252": "\u00e9\u2019"}.get(encoding, "\u00e9\u4e2d\U0001f600")
    return "".join(rng.choice(letters) if rng.random() < 0.75 else "\n" for _ in range(rng.randrange(most)))


def random_case(rng):
    """Encoding, line ends, the file's text with LF, edits."""
    encoding, end = rng.choice(list(ENCODINGS)), rng.choice(["\n", "\r\n", "\r", "mixed"])
    text = ("\u201cx\n" if encoding == "cp1252" else "\u00e9 x\n" if encoding == "latin-1" else "") + random_text(rng, encoding, 120)
    edits, now = [], text
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(now) + 1)
        old = now[at:at + rng.choice([1, 2, 5, 20])] if rng.random() < 0.95 else random_text(rng, encoding, 6)
        new = random_text(rng, encoding, rng.choice([2, 8, 30]))
        every = rng.random() < 0.4
        if not old or old == new:
            continue
        edits.append((old, new, every))
        now = now.replace(old, new) if every else now.replace(old, new, 1)
    return encoding, end if "\n" in text else "\n", text, edits  # without any, a new one is LF


def to_bytes(rng, encoding, end, text):
    ends = [rng.choice(["\n", "\r\n"]) if end == "mixed" else end for _ in range(text.count("\n"))]
    pieces = text.split("\n")
    whole = "".join(piece + (ends[i] if i < len(ends) else "") for i, piece in enumerate(pieces))
    return (ENCODINGS[encoding] + whole).encode(encoding)


def model(text, edits):
    """The text with LF afterwards and the counts, or None for a refusal."""
    counts = []
    for old, new, every in edits:
        places = sum(text.startswith(old, at) for at in range(len(text)))
        if places == 0 or (places > 1 and not every):
            return None
        counts.append(text.count(old) if every else 1)
        text = text.replace(old, new)
    return text, counts


def check_case(server, path, rng):
    encoding, end, text, edits = random_case(rng)
    if not edits:
        return 0
    before = to_bytes(rng, encoding, end, text)
    path.write_bytes(before)
    result = server.call("edit_file", path=path.name, edits=[{"old": old, "new": new, "all": every} for old, new, every in edits])
    now, expected = path.read_bytes(), model(text, edits)
    if expected is None:
        assert result.get("isError") and now == before, (before, edits, text_of(result))
        return 1
    facts = edited(result)
    said = now.decode(encoding).removeprefix(ENCODINGS[encoding])
    plain = re.sub("\r\n?", "\n", said)
    assert plain == expected[0] and facts["replacements"] == expected[1], (before, edits, now)
    assert facts["sha256"] == hashlib.sha256(now).hexdigest()
    if end in ("\n", "\r\n", "\r"):
        assert now == (ENCODINGS[encoding] + expected[0].replace("\n", end)).encode(encoding), (before, edits, now)
        assert apply_diff(text, facts["diff"]) == expected[0], (text, facts["diff"])
    elif len(edits) == 1 and not edits[0][2]:  # around the place every byte is as before
        old, new, _ = edits[0]
        head = re.sub("\r\n?", "\n", before.decode(encoding).removeprefix(ENCODINGS[encoding])).index(old)
        was = re.findall("\r\n|(?s:.)", before.decode(encoding).removeprefix(ENCODINGS[encoding]))
        has = re.findall("\r\n|(?s:.)", said)
        assert has[:head] == was[:head] and has[head + len(new):] == was[head + len(old):], (before, edits, now)
    return 1


def test_random_edits(server, workspace):
    rng, done = random.Random(SEED), 0
    while done < CASES:
        state = rng.getstate()
        try:
            done += check_case(server, workspace / "random", rng)
        except AssertionError as error:
            raise AssertionError(f"case {done} of seed {SEED} (SALLYPORT_EDIT_SEED): {error}") from error
        assert rng.getstate() != state
    assert os.listdir(workspace) == ["random"]
