# SPDX-License-Identifier: Apache-2.0
"""Mutants of the seccomp filters (sandbox/filter/): each group of each filter left out, each rule of each group, and whole filters."""

import re

from mutants import Mutant, each_row
from source import arrays, cut, read, skip, swap
from suites import attacks, escape, hosts, unit

FOLDER = "sandbox/filter/"
TABLES = [FOLDER + name + ".c" for name in ("command", "container", "frontends", "notify", "programs", "common")]
ASKED = unit("filter", "filter_rules", "filter_programs", "filter_network")


def kind(path, name):
    """table_group or table_rule, or nothing."""
    found = re.search(rf"struct (table_group|table_rule) (?:\w+\[\], )*{name}\[\] = \{{", read(path))
    return found[1] if found else None


def filters():
    """What a group of each filter is for, by what a filter without it does to calls."""
    for path in TABLES:
        for name in arrays(path):
            if kind(path, name) == "table_group":
                yield from each_row(f"filter {name}", path, name, ASKED)
    for path in TABLES:
        for found in re.finditer(r'\.name = "(\w+)",\s*\.otherwise = TABLE_KILL', read(path)):
            yield Mutant(f"filter {found[1]} allows all it does not name", cut(path, found.start(), found.end(), found[0].replace("KILL", "ALLOW")), ASKED)
    for found in re.finditer(r"\.newest = \"\w+\",\s*", read(FOLDER + "command.c")):
        yield Mutant("filter command knows calls of the future", cut(FOLDER + "command.c", found.start(), found.end()), ASKED)
    for name in ("container", "container_network"):
        yield Mutant(f"filter {name} without what all have that lack mounts", swap(FOLDER + "container.c", f".groups = {name}, .base = &without", f".groups = {name}, .base = &filter_table_command"), ASKED)
    yield Mutant("filters without mounts without that of commands", swap(FOLDER + "container.c", ".groups = without_mounts, .base = &filter_table_command", ".groups = without_mounts"), ASKED)


def rules():
    """Each rule. What sanitizers need is in no build that anybody runs."""
    for path in TABLES:
        for name in arrays(path):
            if kind(path, name) == "table_rule" and name != "rules_sanitizers":
                yield from each_row(f"rules {name}", path, name, ASKED)


def generator():
    path = FOLDER + "generate.c"
    for what, line in (("other architectures'", "1, 0, generator->architecture->token); emit_end(generator, TABLE_KILL, 0);"),
                       ("x32's", "0, 1, X32_BIT); emit_end(generator, TABLE_KILL, 0);")):
        yield Mutant(f"filters allow {what} calls", swap(path, line, line.replace("KILL", "ALLOW")), ASKED)


def applied():
    """Who puts itself under which filter: the layer's are in of_layers.py."""
    taken_over = hosts("taken_over::test_every_process_is_filtered_and_has_no_power_beside_its_work")
    yield Mutant("the frontend has no filter", swap("server/seal.c", "result = filter_apply(filter);", "result = 0;"), taken_over)
    yield Mutant("the frontend keeps capabilities", skip("server/seal.c", "drop_capabilities", "0"), taken_over)
    yield Mutant("the frontend may gain privileges", swap("server/seal.c", "if (result == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)", "if (0)"),
                 taken_over)
    spare = "sandbox/spawner/spare.c"
    yield Mutant("the spawner has no filter", swap(spare, "filter_apply(FILTER_SPAWNER);", ""), taken_over)
    yield Mutant("the spawner keeps root's capabilities", swap(spare, "syscall(SYS_capset, &header, sets);", ""), taken_over)
    yield Mutant("the spawner keeps root's bounding set", swap(spare, "prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);", ";"), taken_over)
    yield Mutant("the spawner may gain privileges", swap(spare, "prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);", ""),
                 taken_over)
    yield Mutant("nannies have the keeper's filter alone", swap("sandbox/keeper/nanny.c", "result = nanny->supervisor < 0 ? filter_apply(nanny->filter)", "result = nanny->supervisor < 0 ? 0"),
                 escape("test_system_calls"))
    yield Mutant("no filter is loaded", skip(FOLDER + "apply.c", "filter_apply", "0"), unit("filter_live"))
    yield Mutant("what is hidden may be read unasked", swap("sandbox/notify/notify.c", "(hides ? FILTER_NOTIFY_ALL - FILTER_NOTIFY : 0)", "0"),
                 attacks("hidden file that the person replaces"))


PARTS = [filters, rules, generator, applied]
