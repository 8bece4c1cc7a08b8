#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The server inside real containers, as sidecars run it: podman and runc, the machine's own files as an overlay, no network.

usage: containers.py BUILD [WORD]...     only the containers whose name contains one of the words

container-filter.json refuses new namespaces, mounts and some more, as the default filters of docker and kubernetes do. In each
container the server must find the profile by itself, say so, and work; in two of them it is attacked (attacks.py). Needs root.
"""

import json
import os
import subprocess
import sys
import tempfile

from program import begin, end, is_wanted

HERE = os.path.dirname(os.path.abspath(__file__))
FILTER = ["--security-opt", f"seccomp={HERE}/container-filter.json"]
USER = ["--user", "1777:1777", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
PATIENCE = 300
LINE = "id -u; echo made > file; cat file; cd repository && git log --format=%s; cc -o ../hello ../hello.c && ../hello; cat /etc/shadow"


class Container:
    def __init__(self, name, options, *, uid, owner=1777, profiles=("container",), state="there", attacked=False):
        self.name, self.options = name, options
        self.uid, self.owner = uid, owner  # as whom commands act; whose the workspace is
        self.profiles = profiles
        self.state = state  # of the layer identity
        self.attacked = attacked


CONTAINERS = [
    Container("root with docker's capabilities", FILTER, uid=1777, attacked=True),
    Container("ordinary user without any", [*FILTER, *USER], uid=1777, attacked=True),
    Container("read-only but for /dev/shm", [*FILTER, *USER, "--read-only", "--read-only-tmpfs=false"], uid=1777),
    Container("root without capabilities, workspace of root's", [*FILTER, "--cap-drop", "ALL"], uid=0, owner=0, state="partly"),
    Container("ordinary user, podman's own filter", USER, uid=1777, profiles=("full", "container")),
]


def podman(options, *command, workspace=None):
    """(exit status, stdout, stderr)"""
    mounts = ["--volume", f"{workspace}:{workspace}"] if workspace else []
    done = subprocess.run(["podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs", "run", "--rm", "--network", "none",
                           "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096", *mounts, *options, "--rootfs", "/:O", *command],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=PATIENCE, check=False)
    return done.returncode, done.stdout, done.stderr


def make_workspace(container, top):
    workspace = os.path.join(top, "workspace")
    repository = os.path.join(workspace, "repository")
    git = ["git", "-C", repository, "-c", "user.name=a", "-c", "user.email=a@example.org"]
    os.makedirs(repository)
    os.chmod(top, 0o755)
    with open(os.path.join(workspace, "hello.c"), "w", encoding="utf-8") as file:
        file.write('#include <stdio.h>\nint main(void) { puts("compiled"); return 0; }\n')
    for arguments in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "committed"]):
        subprocess.run([*git, *arguments], check=True)
    subprocess.run(["chown", "-R", f"{container.owner}:{container.owner}", workspace], check=True)
    return workspace


def judge(container, build, top):
    """Raises when something is not as it must be."""
    program, workspace = os.path.join(build, "sallyport"), make_workspace(container, top)
    where = ["--workspace", workspace]
    status, output, errors = podman(container.options, program, "doctor", "--json", *where, workspace=workspace)
    assert status == 0, f"doctor: {status}: {output}{errors}"
    found = json.loads(output)
    layers = {layer["layer"]: layer for layer in found["layers"]}
    assert found["profile"] in container.profiles and found["confined"], found
    assert layers["identity"]["state"] == container.state, layers["identity"]
    if found["profile"] != "full":
        missing = next(layer for layer in found["layers"] if layer["state"] == "missing")
        assert missing["errno"] and missing["remedy"], missing
    status, output, errors = podman(container.options, program, "call", "run_command", json.dumps({"command": LINE}), *where,
                                    workspace=workspace)
    assert status == 0 and f"{container.uid}\nmade\ncommitted\ncompiled\n" in output, f"{status}: {output}{errors}"
    assert container.uid == 0 or ("Permission denied" in output and "root:" not in output), output  # root reads what is root's
    assert os.stat(os.path.join(workspace, "file")).st_uid == container.uid
    assert ("calls run under profile" in errors) == (found["profile"] != "full"), errors
    strict = os.path.join(top, "policy.json")
    with open(strict, "w", encoding="utf-8") as file:
        json.dump({"sandbox": {"requireProfile": "full"}}, file)
    os.chmod(strict, 0o644)
    status, output, errors = podman(["--volume", f"{strict}:{strict}:ro", *container.options], program, "call", "run_command",
                                    json.dumps({"command": "echo ran"}), *where, "--policy", strict, workspace=workspace)
    assert status == (0 if found["profile"] == "full" else 3), f"{status}: {output}{errors}"
    assert status == 0 or ("Denied" in output and "sandbox.requireProfile" in output), output
    return found["profile"]


def attack(container, build):
    """(passed, failed) of the attacks, played inside."""
    status, output, errors = podman([*container.options, "--env", "PYTHONDONTWRITEBYTECODE=1", "--env", "HOME=/tmp"],
                                    "python3", os.path.join(HERE, "attacks.py"), build, "--mode", "inside")
    lines = output.splitlines()
    print("\n".join(line for line in lines if not line.startswith(("ok", "OPEN"))))
    counted = [line.replace(",", "").split() for line in lines if line.endswith(" failed")]
    assert counted, f"{status}: {output[-1000:]}{errors[-2000:]}"
    return int(counted[-1][0]), int(counted[-1][2])


def main():
    options = begin(__doc__)
    passed = failed = 0
    status, _, errors = podman([], "true")
    if status != 0:  # inside a container there may be none
        print(f"warning: SKIPPED: no container can be run here: {errors.strip()[-300:]}")
        failed = int(bool(os.environ.get("CI")))
        print(f"0 passed, {failed} failed")
        return failed
    for container in CONTAINERS:
        if not is_wanted(options, container.name):
            continue
        with tempfile.TemporaryDirectory(prefix="sallyport-container-") as top:
            try:
                profile = judge(container, options.build, top)
                print(f"ok      {container.name}: profile {profile}", flush=True)
                passed += 1
                if container.attacked:
                    stopped, succeeded = attack(container, options.build)
                    passed, failed = passed + stopped, failed + succeeded
            except Exception as error:  # pylint: disable=broad-except
                print(f"FAILED  {container.name}: {type(error).__name__}: {error}", flush=True)
                failed += 1
    return end(passed, failed)


if __name__ == "__main__":
    sys.exit(main())
