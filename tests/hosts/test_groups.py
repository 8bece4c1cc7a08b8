# SPDX-License-Identifier: Apache-2.0
"""Where the server has a group of cgroup v2 to divide, each sandbox is in one of its own, from its first process on."""

import errno
import json
import os
import subprocess

import pytest
from client import Server
from conftest import BUILD, PROGRAM, STRANGER, clean_environment
from test_taken_over import processes

REFUSED = [os.path.join(BUILD, "without"), f"namespaces:{errno.EPERM}", "--"]  # clone3 too, so nobody is born in a group there


def group_of(pid):
    """In the hierarchy of v2."""
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
        return next((line.rstrip("\n")[3:] for line in file if line.startswith("0::")), "")


@pytest.mark.parametrize("wrapper", [[], REFUSED], ids=["born", "moved"])
def test_a_sandbox_is_in_a_group_of_its_own(workspace, wrapper):
    if os.getuid() == 0:
        for above in [workspace, *workspace.parents][:4]:
            above.chmod(0o755)
        os.chown(workspace, STRANGER, STRANGER)
    done = subprocess.run([PROGRAM, "doctor", "--json"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          env=clean_environment(), cwd=workspace)
    layer = next(layer for layer in json.loads(done.stdout)["layers"] if layer["layer"] == "cgroup")
    if not layer["detail"].startswith("groups in"):
        pytest.skip(f"no group to be had: {layer['detail']}")
    server = Server([*wrapper, PROGRAM, "stdio", "--workspace", str(workspace)], env=clean_environment(), cwd=str(workspace))
    try:
        server.handshake()
        said = server.call("run_command", command="echo ran")
        assert said.get("structuredContent", {}).get("stdout") == "ran\n", (said, server.stderr())
        spawner = processes(server, "sallyport-spawn")[0]
        own = group_of(spawner)
        for pid in processes(server, "sallyport-keepe") + processes(server, "sallyport-nanny"):
            group = group_of(pid)
            assert group != own and f"/sallyport.{server.pid}/{spawner}-" in group, group
    finally:
        server.kill()
