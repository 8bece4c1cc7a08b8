#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The attack suite: every attack of the files attack_*.py, through a real server, each first shown to succeed without confinement.

usage: attacks.py BUILD [--mode MODE] [--shown WHERE] [WORD]...     only the attacks whose name or class contains one of the words

MODE is a row of modes.py: how the server is started, what it must say of itself, and which attacks are known to stay open there.
With --shown they are not played without confinement: another run does that on this machine as this user, where WHERE says.
Prints one line an attack: its name, its class, the wall that is to stop it, whether it was shown to work, what became of it.
"""

import glob
import importlib
import os
import sys

import program

HERE = os.path.dirname(os.path.abspath(__file__))


def line(state, one, shown, result):
    print(f"{state:7} {one.name:46} {one.kind:10} {one.wall:28} {shown:22} {result}", flush=True)


def judge(one, mode, elsewhere):
    """True, False, or None when nothing was shown. `elsewhere`: where it is shown to work, if not here."""
    from attack import ROOT, play  # pylint: disable=import-outside-toplevel

    if one.name in mode.untried:
        line("OPEN", one, "not tried", f"OPEN: {mode.untried[one.name]}")
        return None
    try:
        needs_root = one.root_only and not ROOT
        if elsewhere:
            works, shown = True, elsewhere
        else:
            works = not needs_root and play(one, "unconfined", mode)
            shown = "works unconfined" if works else "the kernel: not root" if needs_root else "DOES NOT WORK"
        succeeded = play(one, "confined", mode)
    except Exception as error:  # pylint: disable=broad-except
        line("FAILED", one, "", f"{type(error).__name__}: {error}")
        return False
    known = mode.open.get(one.name)
    if not works and not needs_root:
        line("FAILED", one, shown, "proves nothing")
        return False
    if succeeded:
        line("OPEN" if known else "FAILED", one, shown, f"OPEN{': ' + known if known else ''}")
        return None if known else False
    if known:
        line("FAILED", one, shown, "stopped, though modes.py says that it is open")
        return False
    line("ok", one, shown, "stopped")
    return True


def profile(mode):
    """What the server says of itself."""
    from attack import Scene  # pylint: disable=import-outside-toplevel

    scene = Scene("confined", mode)
    try:
        return scene.serve().request("tools/call", {"name": "explain_access", "arguments": {}})["result"]["structuredContent"]["profile"]
    finally:
        scene.close()


def main():
    options = program.begin(__doc__, mode={"default": "full"}, shown={"default": ""})
    from attack import ATTACKS, become_subreaper  # pylint: disable=import-outside-toplevel
    from modes import MODES  # pylint: disable=import-outside-toplevel

    become_subreaper()
    for path in sorted(glob.glob(os.path.join(HERE, "attack_*.py"))):
        importlib.import_module(os.path.basename(path)[:-3])
    mode = MODES[options.mode]
    unknown = set([*mode.open, *mode.untried]) - {one.name for one in ATTACKS}
    assert not unknown, f"modes.py: no such attack: {unknown}"
    found = profile(mode)
    assert found == mode.profile, f"calls run under profile {found} here, not as the mode {options.mode} wants it"
    results = [judge(one, mode, options.shown or mode.shown) for one in ATTACKS if program.is_wanted(options, one.name, one.kind)]
    if None in results:
        print(f"warning: {results.count(None)} attacks are known to be open in the mode {options.mode}")
    return program.end(results.count(True), results.count(False))


if __name__ == "__main__":
    sys.exit(main())
