# SPDX-License-Identifier: Apache-2.0
"""C sources as far as mutants need them: arrays by their rows, functions by their beginnings, and text that stands there once."""

import functools
import os
import re

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
WORD = r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|.|\n"""


class Gone(Exception):
    """The source has changed and a mutant does not know it any more."""


@functools.lru_cache(maxsize=None)
def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def words(text, begin=0):
    """(position, token) of what stands there: comments and strings whole, else single characters."""
    for found in re.compile(WORD, re.DOTALL).finditer(text, begin):
        yield found.start(), found[0]


def initializer(path, name):
    """Where the braces of the array `name` begin and end. The first of that name; "function/name" for one inside a function."""
    text = read(path)
    within, _, name = name.rpartition("/")
    found = re.compile(rf"\b{name}(\[\w*\])+\s*=\s*\{{").search(text, body(path, within) if within else 0)
    if not found:
        raise Gone(f"{path} has no array {name}")
    depth = 1
    for at, token in words(text, found.end()):
        depth += (token == "{") - (token == "}")
        if depth == 0:
            return found.end(), at
    raise Gone(f"{path}: {name} has no end")


def rows(path, name):
    """(begin, end, text) of each element of the array, preprocessor lines and comments around it left out."""
    text = read(path)
    begin, end = initializer(path, name)
    start = depth = 0
    for at, token in words(text, begin):
        if at >= end:
            break
        if not start and token[0] == "#":  # the rest of the line
            start = -1
        if start == -1:
            start = -1 if token != "\n" else 0
            continue
        if not start:
            if token.isspace() or token.startswith(("/*", "//")):
                continue
            start = at
        depth += (token in "{([") - (token in "})]")
        if token == "," and depth == 0:
            yield start, at + 1, text[start:at]
            start = 0
    if start > 0 and text[start:end].strip():
        yield start, end, text[start:end].strip()


def body(path, name):
    """The position right behind the opening brace of a function."""
    found = re.search(rf"^[A-Za-z_][^;{{}}]*?\b{name}\([^;{{}}]*\)\s*\n\{{\n", read(path), re.MULTILINE)
    if not found:
        raise Gone(f"{path} has no function {name}")
    return found.end()


def cut(path, begin, end, put=""):
    text = read(path)
    return {path: text[:begin] + put + text[end:]}


def skip(path, name, result=""):
    """The function does nothing and returns `result`."""
    at = body(path, name)
    return cut(path, at, at, f"\treturn {result};\n" if result else "\treturn;\n")


def swap(path, old, new, *, within=None):
    """`old` stands exactly once in the file, or in the function `within`; any white space is as good as another."""
    text = read(path)
    begin = body(path, within) if within else 0
    end = text.index("\n}\n", begin) if within else len(text)
    pattern = r"\s+".join(re.escape(part) for part in old.split())
    found = list(re.compile(pattern).finditer(text, begin, end))
    if len(found) != 1:
        raise Gone(f"{path}{': ' + within if within else ''}: {len(found)} times: {old}")
    return cut(path, *found[0].span(), new)


def swaps(path, *pairs):
    """Several at once in one file."""
    text = read(path)
    for old, new in pairs:
        found, = re.finditer(r"\s+".join(re.escape(part) for part in old.split()), text)
        text = text[:found.start()] + new + text[found.end():]
    return {path: text}


def arrays(path):
    """The name of every array with an initializer."""
    code = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', lambda match: re.sub(r"[^\n]", " ", match[0]), read(path), flags=re.DOTALL)
    return list(dict.fromkeys(re.findall(r"\b(\w+)(?:\[\w*\])+\s*=\s*\{", code)))
