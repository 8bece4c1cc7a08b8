# SPDX-License-Identifier: Apache-2.0
"""How the programs of this folder begin and end, those that are started with `PROGRAM BUILD [WORD]...`.

They import what looks for the build's programs (harness.py, attack.py, modes.py) only after begin().
"""

import argparse
import os
import sys

sys.dont_write_bytecode = True  # the sources may be somebody else's


def begin(description, **flags):
    """The parsed command line: build, words and `flags` ({"mode": {"default": ...}} is --mode)."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=os.path.abspath)
    for name, settings in flags.items():
        parser.add_argument(f"--{name}", **settings)
    parser.add_argument("words", nargs="*")
    options = parser.parse_intermixed_args()
    os.environ["SALLYPORT_BUILD"] = options.build
    return options


def is_wanted(options, *names):
    """Whether one of the words, if there are any, is part of a name."""
    return not options.words or any(word in name for word in options.words for name in names)


def end(passed, failed):
    """Tells what tests/suite.py counts; returns the exit status."""
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
