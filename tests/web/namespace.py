# SPDX-License-Identifier: Apache-2.0
"""A test program in a network and a mount namespace of its own, where it may put addresses on the loopback and files over others."""

import os
import subprocess
import sys

INSIDE = "SALLYPORT_TEST_NAMESPACE"  # in the environment there: whether "root" or a "user" started the test


def stranger(user=1000):
    """What the server is started with in there: whoever is root only of the namespace is to be nobody's root."""
    return [] if os.environ.get(INSIDE) == "root" else ["unshare", "--user", f"--map-user={user}", f"--map-group={user}"]


def enter(file, inside, programs=1):
    """Runs a test program anew in there, and then `inside`, which does not return. `programs`: how many words of the command line are paths."""
    if INSIDE in os.environ:
        inside()
    unshare = ["unshare", "--net", "--mount"]
    root = os.getuid() == 0 and subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode == 0
    if not root:
        unshare += ["--user", "--map-root-user"]
        probe = subprocess.run([*unshare, "true"], capture_output=True, text=True, check=False)
        if probe.returncode != 0:
            print(f"no namespaces for the test's own network here: {probe.stderr.strip()}")
            sys.exit(77)
    paths = [os.path.abspath(path) for path in (file, *sys.argv[1:1 + programs])]
    sys.exit(subprocess.run([*unshare, sys.executable, *paths, *sys.argv[1 + programs:]], env={**os.environ, INSIDE: "root" if root else "user"},
                            check=False).returncode)
