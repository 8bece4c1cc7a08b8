# SPDX-License-Identifier: Apache-2.0
"""Where nothing can be mounted and the workspace is root's, commands are root without a capability: only where root can do no harm."""

import errno
import os
import subprocess

import pytest
from conftest import BUILD, PROGRAM, clean_environment

REFUSED = [os.path.join(BUILD, "without"), f"namespaces:{errno.EPERM}", "--"]
# What belongs to root and acts on the whole machine (sandbox/layers/identity.c).
HARMFUL = ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches",
           "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity", "/sys/kernel/uevent_helper",
           "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/power/state", "/sys/fs/cgroup/cgroup.procs",
           "/sys/fs/cgroup/cgroup.subtree_control", "/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/devices/release_agent"]

# A mount namespace whose /proc/sys, /proc/irq and /sys are a container's: they look as they do, and cannot be written. The path "$1" can.
AS_IN_A_CONTAINER = r"""
set -e
mount --make-rprivate /
mkdir -p "$SCENE/sys/kernel/mm/transparent_hugepage" "$SCENE/sys/power" "$SCENE/sys/fs/cgroup/memory" "$SCENE/sys/fs/cgroup/devices"
for path in $HARMFUL; do case $path in /sys/*) : > "$SCENE$path" ;; esac; done
mount --bind "$SCENE/sys" /sys && mount -o remount,bind,ro /sys
for path in /proc/sys /proc/irq /proc/sysrq-trigger; do
  if [ -e $path ]; then mount --bind $path $path && mount -o remount,bind,ro $path; fi
done
: > "$SCENE/writable"
if [ -n "$1" ]; then
  if ! [ -e "$1" ]; then # a kernel without it: as if it had
    mkdir -p "$SCENE/beside" && : > "$SCENE/beside/$(basename "$1")"
    mount --bind "$SCENE/beside" "$(dirname "$1")"
  fi
  mount --bind "$SCENE/writable" "$1"
fi
shift
exec "$@"
"""


def served(tmp_path, path):
    """What a command says in there, or why there is none."""
    scene, workspace = tmp_path / "scene", tmp_path / "workspace"
    scene.mkdir(exist_ok=True)
    workspace.mkdir(exist_ok=True)
    done = subprocess.run(["unshare", "--mount", "sh", "-c", AS_IN_A_CONTAINER, "sh", path, *REFUSED, PROGRAM, "call", "run_command",
                           '{"command": "id -u"}', "--workspace", str(workspace)],
                          env=clean_environment(SCENE=str(scene), HARMFUL=" ".join(HARMFUL)), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.root
def test_where_root_can_do_no_harm_commands_are_root(tmp_path):
    said = served(tmp_path, "")
    assert said.startswith("0\n") or "\n0\n" in said, said


@pytest.mark.root
@pytest.mark.parametrize("path", [path for path in HARMFUL if os.path.exists(path) or os.path.dirname(path) != "/proc"])  # nothing covers /proc
def test_what_root_must_not_be_able_to_write(tmp_path, path):
    said = served(tmp_path, path)
    assert "root could write" in said and path in said, said
