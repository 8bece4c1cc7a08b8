# SPDX-License-Identifier: Apache-2.0
"""The protocol: arguments that would widen what a call may do, and limits that a call would like to pass."""

import os

from attack import attack


def widening(name, **arguments):
    @attack("protocol", "arguments only narrow", name=name)
    def play(scene):
        if scene.stage == "unconfined":
            return scene.secret in scene.run(f"cat {scene.outside}")
        return scene.secret in scene.serve().call("run_command", command=f"cat {scene.outside}", **arguments)
    return play


widening("argument: sandbox off", sandbox=False)
widening("argument: dangerouslyDisableSandbox", dangerouslyDisableSandbox=True)
widening("argument: workspaces", workspaces=["/"], allowWrite=["/"], policy={"filesystem": {"allowWrite": ["/"]}})
widening("argument: environment", env={"SALLYPORT_POLICY": "/dev/null", "LD_PRELOAD": "/tmp/x.so", "HOME": "/root", "BASH_ENV": "/root/.bashrc"})


@attack("protocol", "roots are not believed")
def roots_of_the_client(scene):
    """The client says that its root is /: Served answers so when it is asked."""
    return scene.secret in scene.run(f"cat {scene.outside}") or scene.secret in scene.serve().read_file(scene.outside)


@attack("protocol", "cwd in the view")
def directory_to_start_in(scene):
    for cwd in (os.path.dirname(scene.outside), os.path.relpath(os.path.dirname(scene.outside), scene.workspace)):
        if scene.secret in scene.serve().run("cat secret", cwd=os.path.join(scene.workspace, cwd) if scene.stage == "unconfined" else cwd):
            return True
    return False


@attack("protocol", "cwd in the view")
def directory_to_start_in_by_a_link(scene):
    os.symlink(os.path.dirname(scene.outside), os.path.join(scene.workspace, "elsewhere"))
    return scene.secret in scene.serve().run("cat secret", cwd=os.path.join(scene.workspace, "elsewhere"))


@attack("protocol", "resources are the workspace's")
def resource_outside(scene):
    if scene.stage == "unconfined":
        return scene.secret in scene.serve().read_file(scene.outside)
    uris = [f"file://{scene.outside}", f"file://{scene.workspace}/../../outside/secret", f"file://{scene.workspace}/%2e%2e/%2e%2e/outside/secret",
            f"file://localhost{scene.outside}"]
    return any(scene.secret in str(scene.serve().request("resources/read", {"uri": uri})) for uri in uris)


# ---- limits ----

@attack("resources", "RLIMIT_NPROC")
def more_processes(scene):
    scene.serve(policy={"limits": {"processes": 32}})
    return "all of them" in scene.python("""
import os, signal
pids = []
try:
    for _ in range(64):
        pid = os.fork()
        if pid == 0:
            signal.pause()
        pids.append(pid)
    print("all of them")
except OSError as error:
    print(error)
for pid in pids:
    os.kill(pid, 9)
""")


@attack("resources", "RLIMIT_NOFILE")
def more_files(scene):
    scene.serve(policy={"limits": {"files": 64}})
    return "all of them" in scene.python("""
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
try:
    for _ in range(200):
        os.dup(0)
    print("all of them")
except OSError as error:
    print(error)
""")


@attack("resources", "RLIMIT_FSIZE")
def larger_file(scene):
    scene.serve(policy={"limits": {"fileBytes": 1 << 20}})
    scene.run("head -c 3000000 /dev/zero > big")
    return os.path.getsize(os.path.join(scene.workspace, "big")) > 1 << 20


@attack("resources", "RLIMIT_DATA")
def more_memory(scene):
    scene.serve(policy={"limits": {"dataBytes": 64 << 20}})
    return "got it" in scene.python("x = bytearray(200 << 20)\nprint('got it')")


@attack("resources", "size of /tmp")
def more_temporary_files(scene):
    scene.serve(policy={"limits": {"temporaryBytes": 4 << 20}})
    place = scene.directory("temporary") if scene.stage == "unconfined" else "/tmp"
    return "written" in scene.run(f"head -c 16000000 /dev/zero > {place}/big && echo written")


@attack("resources", "size of /dev/shm")
def more_shared_memory(scene):
    scene.serve(policy={"limits": {"temporaryBytes": 4 << 20}})
    place = scene.directory("temporary") if scene.stage == "unconfined" else "/dev/shm"
    return "written" in scene.run(f"head -c 16000000 /dev/zero > {place}/big && echo written")
