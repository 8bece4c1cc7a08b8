#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our HTML parser against others.

In the suite: pages that html_pages.py invents, in the trees that html5lib and ours make of them.
By hand: --pages N for more of them, --seed N for those of another run, --cases DIRECTORY for the tree-construction
cases of html5lib-tests (not part of this repository), --show N for the first N differences.
"""

import argparse
import pathlib
import re
import sys

import html_trees


def cases_of(path):
    """(page, expected tree, why it does not apply or "")"""
    text = path.read_bytes().decode("utf-8", "surrogatepass")
    for case in re.split(r"(?:^|\n)#data\n", text)[1:]:
        page, rest = re.split(r"\n?#errors\n", case, maxsplit=1)
        expected = rest.split("#document\n", 1)[1].rstrip("\n")
        why = ""
        if "#document-fragment" in rest:
            why = "fragment"
        elif "#script-on" in rest:
            why = "scripting"
        elif re.search("<frameset", expected):
            why = "frameset"
        elif "<noframes" in expected:
            why = "noframes"
        elif "<selectedcontent" in page:
            why = "selectedcontent"
        yield page, expected, why


READERS = {"html5lib": html_trees.of_html5lib, "justhtml": html_trees.of_justhtml}

def compare_cases(ours, directory, show, only, other):
    sums = {}
    for path in sorted(directory.rglob("*.dat")):
        if only and path.name not in only:
            continue
        if path.parent.name == "scripted": continue
        agree = total = 0
        for page, expected, why in cases_of(path):
            if why:
                sums[why] = sums.get(why, 0) + 1
                continue
            total += 1
            want = html_trees.normalised(html_trees.read_dump(expected), ours)
            have = html_trees.normalised((READERS[other] if other else ours)(page), ours)
            agree += want == have
            if want != have and show > 0:
                show -= 1
                print(f"---- {path.name}\n{page}\n-- expected\n" + "\n".join(want) + "\n-- ours\n" + "\n".join(have))
        print(f"{path.name:45} {agree:4} of {total:4}")
        sums["agree"] = sums.get("agree", 0) + agree
        sums["total"] = sums.get("total", 0) + total
    print(sums, f"{100 * sums['agree'] / sums['total']:.2f} %")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--cases", type=pathlib.Path)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--other")
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    ours = html_trees.Ours(options.program)
    if options.cases:
        compare_cases(ours, options.cases, options.show, options.only, options.other)
    return 0


sys.exit(main())
