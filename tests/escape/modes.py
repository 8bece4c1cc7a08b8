# SPDX-License-Identifier: Apache-2.0
"""The modes in which the attacks are run, as data."""

import os


class Mode:
    def __init__(self, *, shows=True, options=None, open=None):  # pylint: disable=redefined-builtin
        self.shows = shows            # attacks must succeed here without confinement: false inside a container, which has walls of its own
        self.options = options or {}  # how the server is started (attack.Served)
        self.open = open or {}        # attack -> why it is known to succeed; the run fails when one of them is stopped


# Known to succeed, each with its reason; docs/threat-model.md says so too.
OPEN = {}

# A sanitizer's shadow is terabytes of private memory, so those builds set no RLIMIT_DATA (sandbox/layers/resources.c).
if os.environ.get("SALLYPORT_SANITIZED"):
    OPEN["more memory"] = "no RLIMIT_DATA in a sanitized build"

MODES = {
    "full": Mode(open=OPEN),
}
