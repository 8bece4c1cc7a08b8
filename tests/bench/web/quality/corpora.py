# SPDX-License-Identifier: Apache-2.0
"""Public collections of real pages with the text a person marked as their content. None of them is part of this repository.

name       what it is, and the folder that is expected
news       scrapinghub/article-extraction-benchmark: html/*.html.gz, ground-truth.json
mixed      mozilla/readability: test/test-pages/*/source.html, expected.html
kinds      Murrough-Foley/web-content-extraction-benchmark: dev/ and test/ with html/*.html.gz, ground-truth/*.json
"""

import glob
import gzip
import hashlib
import html.parser
import json
import os
import re

BLOCKS = frozenset("""address article aside blockquote br caption center dd details dir div dl dt fieldset figcaption figure footer
form h1 h2 h3 h4 h5 h6 header hr legend li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul""".split())
SILENT = frozenset("head noscript script style template title".split())


class Page:
    def __init__(self, corpus, kind, name, url, html, truth):
        self.corpus, self.kind, self.name, self.url, self.truth = corpus, kind, name, url, truth
        # The collections keep their pages as UTF-8, whatever the page says of itself.
        self.html = html.decode("utf-8", "replace").encode()
        # Rules are made on one half and shown on both.
        self.half = "ab"[hashlib.sha256(name.encode()).digest()[0] & 1]

    @property
    def key(self):
        return f"{self.corpus}/{self.name}"


class Text(html.parser.HTMLParser):
    """The words of a piece of HTML that a person wrote down as expected."""
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.parts, self.silent = [], 0

    def handle_starttag(self, tag, attributes):
        self.silent += tag in SILENT
        if tag in BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag):
        self.silent -= tag in SILENT and self.silent > 0
        if tag in BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data):
        if not self.silent:
            self.parts.append(data)


def text_of_html(source):
    text = Text()
    text.feed(source)
    text.close()
    return "".join(text.parts)


def unzipped(path):
    with gzip.open(path, "rb") as file:
        return file.read()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def news(folder):
    with open(os.path.join(folder, "ground-truth.json"), encoding="utf-8") as file:
        truths = json.load(file)
    for name, truth in sorted(truths.items()):
        page = unzipped(os.path.join(folder, "html", name + ".html.gz"))
        yield Page("news", "news", name, truth["url"], page, truth["articleBody"])


def mixed(folder):
    for path in sorted(glob.glob(os.path.join(folder, "test/test-pages/*/source.html"))):
        name = os.path.basename(os.path.dirname(path))
        truth = read(os.path.join(os.path.dirname(path), "expected.html")).decode("utf-8", "replace")
        yield Page("mixed", "mixed", name, "http://fakehost/test/page.html", read(path), text_of_html(truth))


def kinds(folder):
    for path in sorted(glob.glob(os.path.join(folder, "*/ground-truth/*.json"))):
        with open(path, encoding="utf-8") as file:
            told = json.load(file)
        split = path.split(os.sep)[-3]
        kind = told["_internal"]["page_type"]
        kind = kind.get("primary", "article") if isinstance(kind, dict) else kind
        kind = "collection" if kind == "category" else kind
        page = unzipped(path.replace("/ground-truth/", "/html/").replace(".json", ".html.gz"))
        yield Page("kinds-" + split, kind, os.path.basename(path)[:-5], told.get("url") or "http://localhost/", page, told["ground_truth"].get("main_content") or "")


ALL = {"news": news, "mixed": mixed, "kinds": kinds}


def text_of_markdown(markdown):
    """What a reader sees of Markdown: no addresses, no marks."""
    text = re.sub(r"!\[((?:\\.|[^\]\\])*)\]\((?:<[^>\n]*>|[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+\"(?:\\.|[^\"\\])*\")?\)", "", markdown)
    text = re.sub(r"\]\((?:<[^>\n]*>|[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+\"(?:\\.|[^\"\\])*\")?\)", "", text)
    text = re.sub(r"<https?://[^>\s]*>", "", text)
    text = re.sub(r"<br>|^\s*(?:```|~~~).*$", " ", text, flags=re.MULTILINE)
    text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)
    text = re.sub(r"\*\*|__|(?<!\w)[_*]|[_*](?!\w)", "", text)
    return text
