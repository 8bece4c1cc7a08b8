# SPDX-License-Identifier: Apache-2.0
"""The modes in which the attacks are run, as data."""


class Mode:
    def __init__(self, *, shows=True, options=None, open=None):  # pylint: disable=redefined-builtin
        self.shows = shows            # attacks must succeed here without confinement: false inside a container, which has walls of its own
        self.options = options or {}  # how the server is started (attack.Served)
        self.open = open or {}        # attack -> why it is known to succeed; the run fails when one of them is stopped


MODES = {
    "full": Mode(),
}
