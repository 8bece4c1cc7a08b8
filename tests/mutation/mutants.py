# SPDX-License-Identifier: Apache-2.0
"""What a mutant is, and how rows of tables become mutants."""

import re

from source import cut, rows


class Mutant:
    """`edits`: path -> text of the file. `suites`: the tests that are to notice, cheapest first. `given`: edits that stand in the
    unmutated tree too, for what only another kernel would show. `needs`: a path that this machine must have, or it is passed over. `unseen`: why no test
    can notice it; it is named and not judged."""

    def __init__(self, name, edits, suites, *, given=None, needs=None, unseen=None):
        self.name, self.edits, self.suites, self.given, self.needs, self.unseen = name, edits, suites, given or {}, needs, unseen


def label(text):
    """How a row is called: its strings, else its words."""
    strings = re.findall(r'"([^"]+)"', text)
    return " ".join(strings[:2]) if strings else " ".join(re.findall(r"[A-Za-z_]\w*", text)[:3])


def each_row(what, path, table, suites, **more):
    """A mutant for each row of the table left out. `suites`: the tests for all of them, or a function of a row's name and number.
    Rows that end a table stay."""
    count = {}
    for begin, end, text in rows(path, table):
        if re.fullmatch(r"\{?\s*NULL.*\}?", text, re.DOTALL):
            continue
        name = label(text)
        count[name] = count.get(name, 0) + 1
        again = f" ({count[name]})" if count[name] > 1 else ""
        yield Mutant(f"{what} without {name}{again}", cut(path, begin, end), suites(name, count[name]) if callable(suites) else suites, **more)
