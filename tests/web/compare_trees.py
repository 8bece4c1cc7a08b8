#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our HTML parser against others.

In the suite: pages that html_pages.py invents, in the trees that justhtml, html5lib and ours make of them; and all character references.
By hand: --pages and --seed for more and others of them; --cases DIRECTORY for the tree-construction cases of html5lib-tests
(which are no part of this repository); --show for the first differences; --other for what another parser makes of the cases.
"""

import argparse
import difflib
import pathlib
import re
import sys

import html_pages
import html_trees

# Pages of seed 1 of which justhtml and html5lib make other trees than we do, and parse5 8.1.1 (which is no Python) the same.
ALONE = {314, 494, 582, 614, 787, 795, 873, 913, 916}
PAGES, SEED = 1000, 1

OTHERS = {"html5lib": html_trees.of_html5lib, "justhtml": html_trees.of_justhtml}


def cases_of(path):
    """(page, expected tree, why it does not apply or "")"""
    for case in re.split(r"(?:^|\n)#data\n", path.read_bytes().decode("utf-8", "surrogatepass"))[1:]:
        page, rest = re.split(r"\n?#errors\n", case, maxsplit=1)
        why = ""
        if "#document-fragment" in rest:
            why = "fragments: only scripts parse them"
        elif "#script-on" in rest:
            why = "with scripts"
        elif "<frame" in page:
            why = "framesets: kept as content of the body"
        elif "<noframes" in page:
            why = "noframes: read, not hidden"
        elif "<selectedcontent" in page:
            why = "selectedcontent: copies, which scripts may change"
        yield page, rest.split("#document\n", 1)[1].rstrip("\n"), why


class Comparison:
    def __init__(self, ours, show):
        self.ours, self.show = ours, show

    def normalised(self, tree):
        return html_trees.normalised(tree, self.ours)

    def differ(self, what, page, want, have):
        if self.show > 0:
            self.show -= 1
            print(f"---- {what}: {page!r}", *list(difflib.unified_diff(want, have, "theirs", "ours", lineterm="", n=99))[3:], sep="\n")

    def agree(self, what, page, want, have):
        want, have = self.normalised(want), self.normalised(have)
        if want != have:
            self.differ(what, page, want, have)
        return want == have

    def cases(self, directory, parser):
        agreed, total, without = 0, 0, {}
        for path in sorted(directory.glob("*.dat")):
            of_file = []
            for page, expected, why in cases_of(path):
                if why:
                    without[why] = without.get(why, 0) + 1
                else:
                    of_file.append(self.agree(path.name, page, html_trees.read_dump(expected), parser(page)))
            print(f"{sum(of_file):5} of {len(of_file):4} {path.name}")
            agreed, total = agreed + sum(of_file), total + len(of_file)
        print(f"{agreed} of {total}: {100 * agreed / max(1, total):.2f} %; not compared:", without)

    def pages(self, seed, count):
        """Where the others do not agree, ours must be the tree of one of them: each has faults of its own."""
        pages = html_pages.Pages(seed)
        sums = {"justhtml and ours agree": 0, "html5lib and ours agree": 0, "ours is alone, as known": 0, "ours is alone": 0}
        for number in range(count):
            page = pages.page()
            have, want = self.normalised(self.ours(page)), self.normalised(html_trees.of_justhtml(page))
            if have == want:
                sums["justhtml and ours agree"] += 1
            elif have == self.normalised(html_trees.of_html5lib(page)):
                sums["html5lib and ours agree"] += 1
            elif seed == SEED and number in ALONE:
                sums["ours is alone, as known"] += 1
            else:
                sums["ours is alone"] += 1
                self.differ(f"page {number}", page, want, have)
        print(f"seed {seed}, {count} pages:", sums)
        return sums["ours is alone"] == 0

    def references(self):
        pages = list(html_pages.reference_pages())
        agreed = sum(self.agree(f"references {number}", page, html_trees.of_justhtml(page), self.ours(page)) for number, page in enumerate(pages))
        print(f"character references: {agreed} of {len(pages)} pages agree")
        return agreed == len(pages)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", help="dump-tree")
    parser.add_argument("--pages", type=int, default=PAGES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--cases", type=pathlib.Path)
    parser.add_argument("--other", choices=OTHERS)
    parser.add_argument("--show", type=int, default=5)
    options = parser.parse_args()
    ours = html_trees.Ours(options.program)
    comparison = Comparison(ours, options.show)
    if options.cases:
        comparison.cases(options.cases, OTHERS.get(options.other, ours))
        good = True
    else:
        good = comparison.references() and comparison.pages(options.seed, options.pages)
    return 1 if ours.close() or not good else 0


if __name__ == "__main__":
    sys.exit(main())
