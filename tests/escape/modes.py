# SPDX-License-Identifier: Apache-2.0
"""The modes in which the attacks are run, as data."""

import ctypes
import os

LANDLOCK_ABI = ctypes.CDLL(None).syscall(444, 0, 0, 1)  # landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION)


class Mode:
    def __init__(self, profile, *, shown="", options=None, policy=None, open=None, refused=None, untried=None):  # pylint: disable=redefined-builtin
        self.profile = profile        # what the server must say of itself
        self.shown = shown            # where attacks are shown to succeed without confinement, if they cannot be here: a container has walls of its own
        self.options = options or {}  # how the server is started (attack.Served)
        self.policy = policy or {}    # merged into the policy of each attack
        self.untried = untried or {}  # attack -> why it would succeed and end the test itself: told as open without being run
        self.refused = refused or {}  # attack -> why the server runs nothing there; the run fails when it does
        self.open = open or {}        # attack -> why it is known to succeed; the run fails when one of them is stopped


# Known to succeed, each with its reason; docs/threat-model.md says so too.
OPEN = {"repository below a workspace": "git obeys its configuration when it runs around it, and commands must be able to clone"}

# A sanitizer's shadow is terabytes of private memory, so those builds set no RLIMIT_DATA (sandbox/layers/resources.c).
if os.environ.get("SALLYPORT_SANITIZED"):
    OPEN["more memory"] = "no RLIMIT_DATA in a sanitized build"

# Where namespaces are refused, as the filters of docker and kubernetes do.
WITHOUT_NAMESPACES = [os.path.join(os.environ["SALLYPORT_BUILD"], "without"), "namespaces:1", "--"]

# And where nothing can be written but the scene: there is no place for temporary files.
READ_ONLY = """
for scene in "${PWD%/sallyport-attack-*}"/sallyport-attack-*; do mount --bind $scene $scene; done
mount --rbind /tmp /tmp && mount -o remount,bind,ro /tmp && mount -t tmpfs -o ro none /dev/shm || exit 1
exec setpriv --ambient-caps=-all --inh-caps=-all -- "$@"
"""
UNSHARE = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--user", "--map-current-user", "--keep-caps", "--mount"]
WITHOUT_SCRATCH = [*UNSHARE, "sh", "-c", READ_ONLY, "sh", *WITHOUT_NAMESPACES]

# What neither Landlock nor the supervisor knows, where there are no mounts.
OPEN_CONTAINER = {
    **OPEN,
    "name and files of a process": "Landlock does not know stat: what exists can be seen",
    "size of a file outside": "the same",
}
# Without the supervisor a path in a workspace cannot be kept from commands: Landlock cannot take it out of what it allows.
UNTRIED_MINIMAL = {}
OPEN_MINIMAL = {**OPEN_CONTAINER, **dict.fromkeys((
    "mode of a file outside", "times of a file outside", "attributes of a file outside", "program in path by its name",
    "program in path by a descriptor", "file that changes while it is judged"),
    "Landlock does not know chmod, utime and setxattr, and there is no supervisor"), **dict.fromkeys((
    "hook of a repository", "program in the config of a repository", "repository that is moved away", "hard link to a protected file",
    "settings of an agent", "work tree elsewhere", "submodule of a repository", "hooks that are not there yet", "common directory of a repository", "bare repository around",
    "protected file that the person replaces", "settings that are moved there", "repository that is made elsewhere",
    "path that changes while it is judged", "mode of a protected file that the person replaces", "second name that was there before"), "a protected path, and there is no supervisor")}
REFUSED_MINIMAL = {
    "file that nobody reads": "filesystem.denyRead inside a writable workspace cannot be kept",
    "hidden file that the person replaces": "the same",
    "file in a directory that is hidden as well": "the same",
    "hidden file by every name": "the same",
    "hidden file while it is judged": "the same",
    "read only workspace inside a writable one": "a read-only workspace inside a writable one cannot be kept",
    "own programs in a workspace": "programs in a writable workspace cannot be kept as they are",
    "programs of the server": "the same",
}
if os.getuid() == 0:
    REFUSED_MINIMAL["snapshot of what is hidden"] = "filesystem.denyRead inside a writable workspace cannot be kept"
else:  # commands act as whom the repository belongs to
    OPEN_MINIMAL["mode of a protected file"] = "Landlock does not know chmod"
    OPEN_MINIMAL["protected path in a closed directory"] = "a protected path, and there is no supervisor"

if LANDLOCK_ABI < 6:
    # root's commands act as somebody else, whom only what is of the same sandbox belongs to
    OPEN_MINIMAL.update(dict.fromkeys(("kill the servers own processes", *(("kill a process", "kill by pidfd") if os.getuid() else ())),
                                      "Landlock knows no signals before ABI 6, and there is no supervisor"))
    if os.getuid():
        UNTRIED_MINIMAL["kill everything"] = "it reaches all of this user, the test too"

MODES = {
    "full": Mode("full", open=OPEN),
    "container": Mode("container", options={"wrapper": WITHOUT_NAMESPACES}, open=OPEN_CONTAINER),
    "inside": Mode("container", shown="outside", open=OPEN_CONTAINER),  # of a container that refuses namespaces (containers.py)
    "minimal": Mode("minimal", options={"wrapper": WITHOUT_SCRATCH}, policy={"sandbox": {"requireProfile": "minimal"}}, open=OPEN_MINIMAL,
                    refused=REFUSED_MINIMAL, untried=UNTRIED_MINIMAL),
}
