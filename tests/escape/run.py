#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Attacks on the sandbox, without the server: spawner, keeper and nannies alone, driven by sandbox-run.

usage: run.py BUILD [WORD]...     only the tests whose name contains one of the words

Runs every test of the files test_*.py beside it (harness.py says how one is written), as whoever starts it: root and ordinary users
take different ways through the layers. What a check expects is, where that is cheap, also looked for outside the sandbox, where it
must not be found: a check that cannot fail is none.
"""

import glob
import importlib
import os
import shutil
import sys
import tempfile
import traceback

import program

HERE = os.path.dirname(os.path.abspath(__file__))


def found():
    """(name, test) of every test there is, in the order of files and of definition."""
    for path in sorted(glob.glob(os.path.join(HERE, "test_*.py"))):
        module = importlib.import_module(os.path.basename(path)[:-3])
        yield from ((name, test) for name, test in list(vars(module).items()) if name.startswith("test_") and callable(test))


def run(name, test):
    """True, False, or None when it was skipped."""
    tmp = tempfile.mkdtemp(prefix="sallyport-escape-")
    try:
        reason = test(tmp)
        print(f"{'SKIPPED' if reason else 'ok     '} {name}{': ' + reason if reason else ''}", flush=True)
        return None if reason else True
    except Exception as error:  # pylint: disable=broad-except
        where = traceback.extract_tb(error.__traceback__)[1]
        print(f"FAILED  {name}: {os.path.basename(where.filename)}:{where.lineno}: {type(error).__name__}: {error}", flush=True)
        return False
    finally:
        shutil.rmtree(tmp, ignore_errors=True)


def main():
    options = program.begin(__doc__)
    results = [run(name, test) for name, test in found() if program.is_wanted(options, name)]
    return program.end(results.count(True), results.count(False))


if __name__ == "__main__":
    sys.exit(main())
