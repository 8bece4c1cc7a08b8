#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How well the main content of real pages is found, measured on public collections (see corpora.py), beside what others find.

usage: quality.py --convert build/tests/web/page-convert [--node-modules DIR] [--cache DIR] [--worst N] news=DIR mixed=DIR kinds=DIR
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import corpora
import others
import score


def ours(pages, program):
    """{key: Markdown}, and the milliseconds each page took"""
    answers, times = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        lines = []
        for number, page in enumerate(pages):
            source = os.path.join(folder, f"{number}.html")
            with open(source, "wb") as file:
                file.write(page.html)
            lines.append(f"{source}\t{page.url}\tmarkdown\t{os.path.join(folder, str(number) + '.md')}\n")
        done = subprocess.run([program, "-"], input="".join(lines), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"quality: {program} ended with {done.returncode}: {done.stderr[-2000:]}")
        for number, (page, line) in enumerate(zip(pages, done.stdout.splitlines())):
            times[page.key] = float(line.split("\t")[0])
            with open(os.path.join(folder, f"{number}.md"), encoding="utf-8") as file:
                answers[page.key] = file.read()
    return answers, times


def cached(name, pages, make, folder):
    """Others do not change from run to run: their answers are kept."""
    path = os.path.join(folder, name.replace(" ", "-") + ".json") if folder else None
    kept = {}
    if path and os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            kept = json.load(file)
    missing = [page for page in pages if page.key not in kept]
    if missing:
        made = make(missing)
        if made is None:
            return None
        kept.update(made)
        if path:
            os.makedirs(folder, exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                json.dump(kept, file)
    return kept


def table(pages, answers):
    """Prints one row a group of pages and program."""
    groups = []
    for page in pages:
        for name in (page.corpus, f"{page.corpus} half {page.half}", f"{page.corpus} {page.kind}"):
            if name not in groups and name != f"{page.corpus} {page.corpus}":
                groups.append(name)
    print(f"{'pages':32} {'':14} {'F1':>6} {'prec.':>6} {'recall':>6} {'own F1':>6}")
    for group in sorted(groups):
        members = [page for page in pages if group in (page.corpus, f"{page.corpus} half {page.half}", f"{page.corpus} {page.kind}")]
        for program, found in answers.items():
            f1, precision, recall, own = score.total([found[page.key] for page in members])
            print(f"{group + ' (' + str(len(members)) + ')':32} {program:14} {f1:6.3f} {precision:6.3f} {recall:6.3f} {own:6.3f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--convert", required=True, help="the program page-convert")
    parser.add_argument("--node", default="node")
    parser.add_argument("--node-modules", help="folder with @mozilla/readability and jsdom")
    parser.add_argument("--cache", help="folder for what the others answered")
    parser.add_argument("--worst", type=int, default=0, help="name the pages with the lowest F1")
    parser.add_argument("--keep", help="folder: our answer and the truth of each page are left there")
    parser.add_argument("corpora", nargs="+", help="NAME=FOLDER")
    options = parser.parse_args()
    pages = []
    for item in options.corpora:
        name, _, folder = item.partition("=")
        pages += corpora.ALL[name](folder)
    texts, times = ours(pages, options.convert)
    answers = {"sallyport": texts}
    for name, make in others.ALL.items():
        found = cached(name, pages, lambda missing, make=make: make(missing, options.node, options.node_modules), options.cache)
        if found is None:
            print(f"{name}: not installed, left out")
        else:
            answers[name] = found
    scores = {name: {page.key: score.page(page.truth, corpora.text_of_markdown(found[page.key])) for page in pages}
              for name, found in answers.items()}
    table(pages, scores)
    spent = sorted(times.values())
    print(f"time a page: mean {sum(spent) / len(spent):.2f} ms, median {spent[len(spent) // 2]:.2f} ms, largest {spent[-1]:.1f} ms; "
          f"{sum(len(page.html) for page in pages) / len(pages) / 1000:.0f} kB a page")
    own = scores["sallyport"]
    for page in sorted(pages, key=lambda page: score.harmonic(*(value or 0 for value in own[page.key])))[:options.worst]:
        print(f"{page.key:80.80} {page.half} p={own[page.key][0] or 0:.3f} r={own[page.key][1] or 0:.3f} {page.url[:90]}")
    if options.keep:
        for page in pages:
            base = os.path.join(options.keep, page.key)
            os.makedirs(os.path.dirname(base), exist_ok=True)
            for ending, content in ((".html", page.html), (".md", texts[page.key].encode()), (".truth", page.truth.encode())):
                with open(base + ending, "wb") as file:
                    file.write(content)


if __name__ == "__main__":
    main()
