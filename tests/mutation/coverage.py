# SPDX-License-Identifier: Apache-2.0
"""All mutants, and what must have some: every row of every table that stands where something is refused."""

import glob
import os

import of_callers
import of_egress
import of_filters
import of_http
import of_layers
import of_server
import of_supervisor
from source import TOP, Gone, arrays, read, rows

PARTS = [part for module in (of_layers, of_filters, of_supervisor, of_egress, of_server, of_http, of_callers) for part in module.PARTS]
FOLDERS = ["sandbox", "sandbox/layers", "sandbox/filter", "sandbox/notify", "sandbox/keeper", "sandbox/egress", "sandbox/spawner", "server/policy"]

# Tables whose rows refuse nobody anything.
TOLD = "what is told, and by which word"
SHOWN = "what is shown or given: with less in it programs fail, and nobody sees more"
DONE = "how it is done"
NO_WALL = {
    ("sandbox/confinement.c", "confinement_layers"): TOLD, ("sandbox/confinement.c", "names"): TOLD, ("sandbox/rule.c", "table"): TOLD,
    ("sandbox/spawner/probe.c", "layers"): TOLD, ("sandbox/spawner/probe.c", "answer"): TOLD, ("sandbox/spawner/remedy.c", "remedies"): TOLD,
    ("server/policy/write.c", "types"): TOLD, ("sandbox/notify/attributes.c", "privileged"): TOLD,
    ("sandbox/layers/landlock_reading.c", "names"): SHOWN, ("sandbox/facts.c", "facts_paths"): SHOWN,
    ("sandbox/layers/landlock_reading.c", "devices"): SHOWN, ("sandbox/layers/view.c", "system_directories"): SHOWN,
    ("sandbox/layers/view_kernel.c", "devices"): SHOWN, ("sandbox/layers/view_kernel.c", "links"): SHOWN,
    ("sandbox/layers/view_kernel.c", "terminals"): SHOWN, ("sandbox/filter/common.c", "rules_sanitizers"): "in sanitized builds alone, which nobody runs",
    ("sandbox/spawner/spare.c", "kept"): SHOWN, ("sandbox/spawner/start.c", "needed"): SHOWN, ("sandbox/spawner/private.c", "names"): SHOWN,
    ("sandbox/spawner/instances.c", "places"): SHOWN, ("sandbox/spawner/main.c", "places"): SHOWN, ("server/policy/search_path.c", "shown_places"): SHOWN, ("server/policy/search_path.c", "usual"): SHOWN,
    ("sandbox/profile.c", "profiles"): "of_layers.py takes its fields one by one", ("sandbox/layers/mounts.c", "options"): "of_layers.py takes them one by one",
    ("server/policy/keys.c", "policy_keys"): "of_server.py takes what each does", ("server/policy/keys.c", "policy_sections"): "the same",
    ("sandbox/egress/idn.c", "letters"): "of which letters a host's name may be: without one fewer hosts can be named",
    ("sandbox/plan.c", "numbers"): DONE, ("sandbox/layers/identity.c", "none"): DONE, ("sandbox/filter/generate.c", "architectures"): DONE,
    ("sandbox/filter/generate.c", "tables"): DONE, ("sandbox/keeper/look.c", "modes"): DONE, ("sandbox/keeper/look.c", "parts"): DONE,
    ("sandbox/keeper/nannies.c", "sockets"): DONE, ("sandbox/keeper/nanny.c", "watched"): DONE, ("sandbox/egress/broker.c", "orders"): DONE,
    ("sandbox/egress/idn.c", "letters"): SHOWN, ("sandbox/egress/client.c", "frames"): DONE, ("sandbox/egress/reach.c", "frames"): DONE, ("sandbox/notify/connect.c", "mapped"): DONE, ("sandbox/egress/inquiry.c", "addresses"): DONE, ("sandbox/egress/rules.c", "mapped"): DONE,
    ("sandbox/spawner/cgroup_base.c", "controllers"): DONE, ("sandbox/spawner/instances.c", "profiles"): DONE, ("sandbox/spawner/instances.c", "kinds"): DONE,
    ("sandbox/spawner/place.c", "executor_environment"): DONE, ("sandbox/spawner/report.c", "kinds"): DONE, ("sandbox/spawner/spare.c", "from"): DONE,
    ("sandbox/spawner/spare.c", "argv"): DONE, ("sandbox/spawner/spare.c", "sets"): DONE, ("sandbox/spawner/start.c", "argv"): DONE,
    ("server/policy/keys.c", "lifetimes"): DONE, ("server/policy/keys.c", "profiles"): DONE,
    ("sandbox/egress/methods.c", "plan_methods"): TOLD, ("server/policy/keys.c", "methods_members"): "of_server.py takes what each does",
    ("server/policy/keys.c", "inject_members"): "the same",
}


def all_mutants():
    """Those for which something stands changed in the unmutated tree too come last, together."""
    return sorted((mutant for part in PARTS for mutant in part()), key=lambda mutant: str(sorted(mutant.given)))


def check():
    """One line a finding."""
    mutants, gone = [], []
    for part in PARTS:
        try:
            for mutant in part():
                mutants.append(mutant)
        except Gone as why:
            gone.append(f"{part.__name__}: {why}: the source has changed, and a mutant must follow")
    yield from gone
    names = [mutant.name for mutant in mutants]
    yield from (f"two mutants are called {name}" for name in sorted({name for name in names if names.count(name) > 1}))
    for mutant in mutants:
        if not mutant.edits or any(text == read(path) for path, text in mutant.edits.items()):
            yield f"{mutant.name}: changes nothing"
        if not mutant.suites:
            yield f"{mutant.name}: no test is to notice it"
    if not gone:
        yield from forgotten(mutants)


def forgotten(mutants):
    """Rows that no mutant leaves out."""
    texts, known = {}, set()
    for mutant in mutants:
        for path, text in mutant.edits.items():
            texts.setdefault(path, set()).add(text)
    for folder in FOLDERS:
        for path in sorted(os.path.relpath(path, TOP) for path in glob.glob(os.path.join(TOP, folder, "*.c"))):
            for name in arrays(path):
                known.add((path, name))
                missing = [text for begin, end, text in rows(path, name)
                           if not text.startswith(("{NULL", "NULL")) and read(path)[:begin] + read(path)[end:] not in texts.get(path, ())]
                if missing and (path, name) not in NO_WALL:
                    yield f"{path}: no mutant leaves {' '.join(missing[0].split())[:60]} out of {name}: tests/mutation/of_*.py, or coverage.py says why not"
    yield from (f"tests/mutation/coverage.py: {path} has no table {name}" for path, name in sorted(set(NO_WALL) - known))
