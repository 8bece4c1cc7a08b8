#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What becomes of the pages in tests/web/pages here, and elsewhere, side by side in one HTML file.

usage: compare_pages.py --convert build/tests/web/page-convert [--node-modules DIR] [--output build/pages.html] [FOLDER]

markdownify: the whole page by pip's markdownify. fetch server: by npm's @mozilla/readability, then markdownify, as the official
fetch server does. Each is left out where it is not installed. What is expected of a page was written down by us, with our own
output at hand: that we have all of it is what the tests check, and says nothing; what others lose or add is to be read here.
"""

import argparse
import glob
import html
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../bench/web/quality"))

import corpora
import others
import score

URL = "https://example.org/docs/page.html"
STYLE = """body{font:15px sans-serif;margin:1em} table{border-collapse:collapse;width:100%;table-layout:fixed}
td,th{border:1px solid #bbb;vertical-align:top;padding:.3em;text-align:left} pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px;margin:0}
.numbers{width:auto;table-layout:auto} .numbers td+td{text-align:right}"""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def load(folder):
    for path in sorted(glob.glob(os.path.join(folder, "*.html"))):
        name = os.path.basename(path)[:-5]
        page = corpora.Page("pages", name.split("_")[0], name, URL, corpora.read(path), read(path[:-5] + ".md"))
        page.path = path
        yield page


def by_us(pages, program):
    answers = {}
    for page in pages:
        form = "whole" if page.kind == "write" else "markdown"
        done = subprocess.run([program, page.path, URL, form], capture_output=True, check=True)
        answers[page.key] = done.stdout.decode()
    return answers


def numbers(pages, answers):
    """Rows: (pages, program, F1, precision, recall, bytes a page)"""
    for kind in ("main", "write"):
        members = [page for page in pages if page.kind == kind]
        for program, texts in answers.items():
            pairs = [score.page(corpora.text_of_markdown(page.truth), corpora.text_of_markdown(texts[page.key])) for page in members]
            if members:
                f1, precision, recall, _ = score.total(pairs)
                size = sum(len(texts[page.key].encode()) for page in members) // len(members)
                yield f"{kind} ({len(members)})", program, f1, precision, recall, size


def report(pages, answers):
    yield f"<!DOCTYPE html><meta charset=utf-8><title>Pages side by side</title><style>{STYLE}</style>"
    yield f"<h1>Pages side by side</h1><pre>{html.escape(__doc__.split(chr(10) * 2, 2)[2])}</pre>"
    yield "<table class=numbers><tr><th>pages<th>by<th>F1<th>precision<th>recall<th>bytes a page"
    for name, program, f1, precision, recall, size in numbers(pages, answers):
        yield f"<tr><td>{name}<td>{program}<td>{f1:.3f}<td>{precision:.3f}<td>{recall:.3f}<td>{size}"
    yield "</table>"
    for page in pages:
        yield f"<h2>{page.name}</h2><table><tr>" + "".join(f"<th>{program}" for program in answers)
        yield "<tr>" + "".join(f"<td><pre>{html.escape(texts[page.key])}</pre>" for texts in answers.values()) + "</table>"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--convert", required=True, help="the program page-convert")
    parser.add_argument("--node", default="node")
    parser.add_argument("--node-modules", help="folder with @mozilla/readability and jsdom")
    parser.add_argument("--output", default="build/pages.html")
    parser.add_argument("folder", nargs="?", default=os.path.join(HERE, "pages"))
    options = parser.parse_args()
    pages = list(load(options.folder))
    answers = {"sallyport": by_us(pages, options.convert), "markdownify": others.markdownify({page.key: page.html.decode() for page in pages}),
               "fetch server": others.fetch_server(pages, options.node, options.node_modules)}
    for program in [program for program, texts in answers.items() if texts is None]:
        print(f"{program}: not installed, left out")
        del answers[program]
    with open(options.output, "w", encoding="utf-8") as file:
        file.write("\n".join(report(pages, answers)))
    print(f"{'pages':12} {'by':14} {'F1':>6} {'prec.':>6} {'recall':>6} {'bytes':>6}")
    for name, program, f1, precision, recall, size in numbers(pages, answers):
        print(f"{name:12} {program:14} {f1:6.3f} {precision:6.3f} {recall:6.3f} {size:6}")
    print(f"{len(pages)} pages in {options.output}")


if __name__ == "__main__":
    main()
