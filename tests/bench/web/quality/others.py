# SPDX-License-Identifier: Apache-2.0
"""What others make of the same pages, as text. Each is used where it is installed.

trafilatura     pip install trafilatura
readability     pip install markdownify; npm install @mozilla/readability jsdom into the folder of --node-modules: what the official
                fetch server (mcp-server-fetch: Readability, then markdownify) gives
"""

import json
import os
import subprocess
import tempfile

SCRIPT = """
const [, , folder, list] = process.argv;
const { createRequire } = require("module");
const need = createRequire(folder + "/");
const { Readability } = need("@mozilla/readability");
const { JSDOM, VirtualConsole } = need("jsdom");
const fs = require("fs");
for (const [file, url, output] of JSON.parse(fs.readFileSync(list))) {
  try {
    const dom = new JSDOM(fs.readFileSync(file, "utf8"), { url, virtualConsole: new VirtualConsole() });
    const article = new Readability(dom.window.document).parse();
    fs.writeFileSync(output, article && article.content ? article.content : "");
    dom.window.close();
  } catch (error) {
    fs.writeFileSync(output, "");
  }
}
"""


def readability(pages, node, modules):
    """{key: HTML that Readability leaves}. A few pages a process: what jsdom takes it does not give back."""
    answers = {}
    for first in range(0, len(pages), 40):
        answers.update(readability_of(pages[first:first + 40], node, modules))
    return answers


def readability_of(pages, node, modules):
    with tempfile.TemporaryDirectory() as folder:
        jobs = []
        for number, page in enumerate(pages):
            source, output = os.path.join(folder, f"{number}.html"), os.path.join(folder, f"{number}.out")
            with open(source, "wb") as file:
                file.write(page.html)
            jobs.append([source, page.url, output])
        for name, content in (("run.cjs", SCRIPT), ("list.json", json.dumps(jobs))):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(content)
        subprocess.run([node, "--max-old-space-size=4096", os.path.join(folder, "run.cjs"), os.path.abspath(modules),
                        os.path.join(folder, "list.json")], check=True)
        answers = {}
        for page, (_, _, output) in zip(pages, jobs):
            with open(output, encoding="utf-8") as file:
                answers[page.key] = file.read()
        return answers


def markdownify(htmls):
    """{key: Markdown} of {key: HTML}; None if it is not installed. What nests too deep for it becomes nothing."""
    try:
        import markdownify as library
    except ImportError:
        return None
    answers = {}
    for key, html in htmls.items():
        try:
            answers[key] = library.markdownify(html, heading_style=library.ATX)
        except RecursionError:
            answers[key] = ""
    return answers


def fetch_server(pages, node, modules):
    """{key: Markdown as mcp-server-fetch answers it}; None if it is not installed"""
    if not modules or not os.path.isdir(os.path.join(modules, "@mozilla/readability")):
        return None
    return markdownify(readability(pages, node, modules))


def trafilatura(pages, *_):
    """{key: text}; None if it is not installed"""
    try:
        import trafilatura as library
    except ImportError:
        return None
    return {page.key: library.extract(page.html.decode(), url=page.url, include_comments=False) or "" for page in pages}


ALL = {"fetch server": fetch_server, "trafilatura": trafilatura}
