# SPDX-License-Identifier: Apache-2.0
"""Which profile calls run under, where a kernel or a container gives less: chosen by trying, told everywhere, never below the policy.

`without` (tests/escape/without.c) takes a layer away as a container's filter does; user namespaces are also taken away as a person
does it, by the sysctl, in a user namespace of the test's own.
"""

import errno
import json
import os
import signal
import subprocess
import time

import pytest
from client import PATIENCE, Server, Watch, name_of, parents
from conftest import BUILD, PROGRAM, STRANGER, clean_environment

FULL, CONTAINER, MINIMAL = ({"sandbox": {"requireProfile": name}} for name in ("full", "container", "minimal"))
CALLS = [("run_command", {"command": "echo ran"}), ("read_file", {"path": "a.txt"}), ("list_directory", {}),
         ("write_file", {"path": "b.txt", "content": "x"}), ("explain_access", {}), ("fetch_url", {"url": "http://192.0.2.1/"})]


def without(*layers):
    return [os.path.join(BUILD, "without"), *(f"{name}:{number}" for name, number in layers), "--"]


REFUSED = without(("namespaces", errno.EPERM))
NO_SPACE = without(("namespaces", errno.ENOSPC))
NO_CALL = without(("namespaces", errno.ENOSYS))
# What the sysctl does to an ordinary user; root is not bound by it.
SYSCTL = ["unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c",
          "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --ambient-caps=-all --inh-caps=-all -- \"$@\"", "sh"]
SYSCTL_REFUSED = [pytest.param(SYSCTL, FULL, "namespaces", "ENOSPC", "user.max_user_namespaces", id="sysctl")]
SYSCTL_CONTAINER = [pytest.param(SYSCTL, "ENOSPC", id="sysctl")]
ROOT = os.getuid() == 0
if ROOT:
    SYSCTL_REFUSED = SYSCTL_CONTAINER = []
NO_LANDLOCK = without(("landlock", errno.ENOSYS))
NEITHER = without(("landlock", errno.EOPNOTSUPP), ("namespaces", errno.EPERM))
NO_SECCOMP = without(("seccomp", errno.EPERM))
NO_PLACE = ["unshare", *([] if os.getuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]), "--mount", "sh", "-c",
            "mount --bind \"$WORKSPACE\" \"$WORKSPACE\" && mount --rbind /tmp /tmp && mount -o remount,bind,ro /tmp"
            " && mount -t tmpfs -o ro none /dev/shm && exec setpriv --ambient-caps=-all --inh-caps=-all -- \"$@\"", "sh", *REFUSED]


@pytest.fixture
def workspace(tmp_path):
    """An ordinary user's: without mounts a workspace of root's could be written by root alone."""
    path = tmp_path / "workspace"
    path.mkdir()
    if ROOT:
        for above in [path, *path.parents][:4]:
            above.chmod(0o755)
        os.chown(path, STRANGER, STRANGER)
    return path


@pytest.fixture
def run(workspace, policy):
    """run(wrapper, document, *arguments): the program to its end."""
    def play(wrapper, document, *arguments):
        return subprocess.run([*wrapper, PROGRAM, *arguments, "--workspace", str(workspace), "--policy", policy(document)],
                              capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL,
                              env={**clean_environment(WORKSPACE=str(workspace)), "TMPDIR": "/nonesuch"})
    return play


@pytest.fixture
def serve(workspace, policy):
    """serve(wrapper, document): a server after its handshake."""
    servers = []

    def play(wrapper, document):
        (workspace / "a.txt").write_text("alpha\n")
        server = Server([*wrapper, PROGRAM, "stdio", "--workspace", str(workspace), "--policy", policy(document)],
                        env={**clean_environment(WORKSPACE=str(workspace)), "TMPDIR": "/nonesuch"})
        servers.append(server)
        server.instructions = server.handshake()["instructions"]
        return server

    yield play
    for server in servers:
        server.kill()


def doctor(run, wrapper, document):
    done = run(wrapper, document, "doctor", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == (0 if found["confined"] else 3), done
    assert found["confined"] == (not found["refused"])
    return found, {layer["layer"]: layer for layer in found["layers"]}


# ---- full ----

def test_full_is_taken_where_it_is_to_be_had(run, serve):
    found, layers = doctor(run, [], MINIMAL)
    assert found["profile"] == "full" and found["requiredProfile"] == "minimal"
    assert layers["namespaces"]["state"] == layers["mounts"]["state"] == "there" and "private" not in layers
    server = serve([], MINIMAL)
    assert server.call("explain_access")["structuredContent"]["profile"] == "full"
    assert server.stderr() == ""


def test_instructions_name_the_profile(serve):
    assert "(profile full)" in serve([], FULL).instructions
    assert "(profile full where this system gives it, at least container)" in serve([], {}).instructions
    server = serve(REFUSED, MINIMAL)
    assert "at least minimal)" in server.instructions
    server.call("explain_access")
    assert "(profile container)" in server.handshake(name="raw-test-client-again")["instructions"]


# ---- container ----

@pytest.mark.parametrize("wrapper, says", [pytest.param(REFUSED, "EPERM", id="EPERM"), pytest.param(NO_SPACE, "ENOSPC", id="ENOSPC"),
                                           pytest.param(NO_CALL, "ENOSYS", id="ENOSYS"), *SYSCTL_CONTAINER])
def test_container_where_namespaces_are_refused(run, serve, workspace, wrapper, says):
    found, layers = doctor(run, wrapper, {})
    assert found["profile"] == "container" and found["confined"]
    assert layers["namespaces"]["state"] == "missing" and layers["namespaces"]["errno"] == says and layers["namespaces"]["remedy"]
    if says == "ENOSPC":
        assert "user.max_" in layers["namespaces"]["remedy"]
    assert layers["landlock"]["state"] == "partly" and layers["private"]["state"] == "there"
    server = serve(wrapper, {})
    result = server.call("run_command", command="echo ran > made; cat a.txt; pwd; echo $HOME; touch $TMPDIR/x $HOME/y && echo touched; cat /proc/1/comm")
    lines = result["structuredContent"]["stdout"].splitlines()
    assert lines[:2] == ["alpha", str(workspace)] and lines[3:] == ["touched"], result
    home = lines[2]
    assert os.path.basename(home) == "home" and "sallyport-" in home and (workspace / "made").read_text() == "ran\n"
    assert "Permission denied" in result["structuredContent"]["stderr"]
    picture = server.call("explain_access")
    assert picture["structuredContent"]["profile"] == "container" and says in picture["structuredContent"]["profile_reason"]
    assert "profile container" in picture["content"][0]["text"] and "namespaces" in picture["content"][0]["text"]
    assert server.call("read_file", path="made")["content"][0]["text"] == "ran\n"
    watch = Watch(server.tree())
    assert server.finish() == 0
    assert "calls run under profile container" in server.stderr() and says in server.stderr()
    watch.wait_ended(PATIENCE)  # the spawner is the last to go, when it has cleared up
    watch.close()
    assert not os.path.exists(home)


def test_nothing_of_a_command_outlives_its_call(serve, workspace):
    """Without a PID namespace it is the nanny, the keeper or the spawner that ends it, and a lock tells that it was ended."""
    server = serve(REFUSED, {})
    os.mkfifo(workspace / "alive")
    os.chmod(workspace / "alive", 0o666)
    held = os.open(workspace / "alive", os.O_RDONLY | os.O_NONBLOCK)
    server.call("run_command", command="(setsid bash -c 'trap \"\" TERM HUP; exec 3> alive; echo up; sleep 1000 & sleep 1000' > up 2>&1 &) ;"
                                       " until test -s up; do :; done")
    assert os.read(held, 1) == b""  # nobody has it open for writing, after somebody had
    os.close(held)


# ---- below what the policy requires ----

@pytest.mark.parametrize("wrapper, document, layer, says, remedy", [
    *SYSCTL_REFUSED,
    pytest.param(REFUSED, FULL, "namespaces", "EPERM", "sandbox.requireProfile", id="profile"),
    pytest.param(REFUSED, {"sandbox": {"requireLayers": ["landlock", "mounts"]}}, "mounts", "sandbox.requireLayers", "namespaces: clone: EPERM",
                 id="layer"),
    pytest.param(NO_LANDLOCK, {}, "landlock", "ENOSYS", "CONFIG_SECURITY_LANDLOCK", id="landlock"),
    pytest.param(NEITHER, MINIMAL, "landlock", "EOPNOTSUPP", "lsm=", id="neither"),
    pytest.param(NO_SECCOMP, MINIMAL, "seccomp", "EPERM", "permit", id="seccomp"),
])
def test_every_call_is_refused_and_the_server_goes_on(serve, workspace, wrapper, document, layer, says, remedy):
    server = serve(wrapper, document)
    for _ in range(2):  # the second meets what the first has left
        for tool, arguments in CALLS:
            result = server.call(tool, **arguments)
            assert result.get("_meta"), result
            text, denial = result["content"][0]["text"], result["_meta"]["sallyport.dev/denial"]
            assert result["isError"] is True and text.startswith("Denied: ") and "ran" not in text.split(), result
            assert denial["layer"] == layer and layer in text and says in text and remedy in denial["remedy"], result
        assert server.request("tools/list")["result"]["tools"]
    assert os.listdir(workspace) == ["a.txt"]
    assert server.finish() == 3


@pytest.mark.parametrize("wrapper, document, says", [
    (REFUSED, FULL, "sandbox.requireProfile"), (REFUSED, {"sandbox": {"requireLayers": ["mounts"]}}, "layer mounts"),
    (NO_LANDLOCK, MINIMAL, "missing above"), (NO_SECCOMP, MINIMAL, "missing above"), (NO_PLACE, {}, "requires profile container"),
], ids=["profile", "layer", "landlock", "seccomp", "place"])
def test_doctor_says_what_calls_are_refused_for(run, wrapper, document, says):
    assert not doctor(run, wrapper, document)[0]["confined"]
    done = run(wrapper, document, "doctor")
    assert done.returncode == 3 and "Calls are refused" in done.stdout and says in done.stdout, done
    assert "remedy:" in done.stdout


def test_layers_that_are_there_may_be_required(run, serve):
    everything = {"sandbox": {"requireLayers": ["namespaces", "network", "mounts", "identity", "descriptors", "resources", "privileges",
                                                "landlock", "seccomp"], "requireProfile": "full"}}
    assert doctor(run, [], everything)[0]["confined"]
    assert serve([], everything).call("run_command", command="echo ran")["structuredContent"]["stdout"] == "ran\n"
    document = {"sandbox": {"requireLayers": ["landlock", "seccomp"]}}
    assert serve(REFUSED, document).call("run_command", command="echo ran")["structuredContent"]["stdout"] == "ran\n"


def test_one_id_alone(run, serve, workspace):
    """Root of a user namespace without another id, as by `unshare -r`: nobody can become anybody, so commands stay who they are."""
    wrapper = ["unshare", "--map-root-user"]
    _, layers = doctor(run, wrapper, {})
    assert layers["mounts"]["state"] == "missing" and "one id only" in layers["mounts"]["remedy"], layers
    if ROOT:  # who would be the machine's root, and could write /proc/sys
        assert layers["identity"]["state"] == "missing" and "core_pattern" in layers["identity"]["detail"], layers
        return
    server = serve(wrapper, {})
    result = server.call("run_command", command="id -u; echo ran > made; echo x > /proc/sys/kernel/core_pattern; chmod 700 ..; cat /etc/shadow")
    assert result["structuredContent"]["stdout"] == "0\n" and (workspace / "made").read_text() == "ran\n", result
    assert result["structuredContent"]["stderr"].count("Permission denied") == 3, result
    assert server.call("explain_access")["structuredContent"]["profile"] == "container"
    assert server.call("read_file", path="made")["content"][0]["text"] == "ran\n"


@pytest.mark.root
def test_workspace_of_roots_needs_root_who_could_write_more(run, serve, workspace):
    """Where nothing can be mounted only root can write it; and here root, without a capability, could still write /proc/sys."""
    os.chown(workspace, 0, 0)
    assert doctor(run, REFUSED, MINIMAL)[1]["identity"]["state"] == "missing"
    result = serve(REFUSED, MINIMAL).call("run_command", command="echo ran")
    denial = result["_meta"]["sallyport.dev/denial"]
    assert result["isError"] and denial["layer"] == "identity" and "core_pattern" in result["content"][0]["text"], result
    assert "--user" in denial["remedy"]


# ---- minimal ----

def test_minimal_only_where_the_policy_names_it(run, serve):
    """Nothing but the workspace can be written, so there is no place for temporary files."""
    found, layers = doctor(run, NO_PLACE, MINIMAL)
    assert found["profile"] == "minimal" and layers["private"]["state"] == "missing" and layers["private"]["errno"] == "EROFS"
    server = serve(NO_PLACE, MINIMAL)
    assert server.call("explain_access")["structuredContent"]["profile"] == "minimal"
    assert server.call("run_command", command="cat a.txt")["structuredContent"]["stdout"] == "alpha\n"
    server = serve(NO_PLACE, {})
    result = server.call("run_command", command="echo ran")
    assert result["isError"] and result["_meta"]["sallyport.dev/denial"]["layer"] == "private", result


def test_container_keeps_what_must_not_be_written(serve, workspace):
    (workspace / ".env").write_text("kept\n")
    server = serve(REFUSED, {"filesystem": {"denyWrite": [f"{workspace}/.env"]}})
    result = server.call("run_command", command="echo evil > .env; mv .env x; mkdir .vscode; echo more > .bashrc; cat .env")
    assert result["structuredContent"]["stdout"] == "kept\n" and len(result["structuredContent"]["denials"]) >= 3, result
    assert sorted(os.listdir(workspace)) == [".env", "a.txt"] and (workspace / ".env").read_text() == "kept\n"


def test_container_hides_what_must_not_be_read(serve, workspace):
    (workspace / ".env").write_text("hunter2\n")
    server = serve(REFUSED, {"filesystem": {"denyRead": [f"{workspace}/.env"]}})
    result = server.call("run_command", command="cat .env; mv .env x; cp .env y; ln .env z; cat z; cat a.txt; chmod 777 .env")
    assert result["structuredContent"]["stdout"] == "alpha\n" and len(result["structuredContent"]["denials"]) >= 2, result
    assert "hunter2" not in server.call("read_file", path=".env")["content"][0]["text"]
    assert sorted(os.listdir(workspace)) == [".env", "a.txt"] and (workspace / ".env").read_text() == "hunter2\n"


# ---- what a profile without mounts cannot keep is refused, not half obeyed ----

@pytest.mark.parametrize("wrapper, key", [(NO_PLACE, "denyRead"), (NO_PLACE, "denyWrite")], ids=["minimal denyRead", "minimal denyWrite"])
def test_what_cannot_be_kept_is_refused(serve, workspace, wrapper, key):
    (workspace / ".env").write_text("hunter2\n")
    document = {"filesystem": {key: [f"{workspace}/.env"]}, **MINIMAL}
    result = serve(wrapper, document).call("run_command", command="cat .env")
    assert result["isError"] and result["_meta"]["sallyport.dev/denial"]["layer"] == "landlock", result
    assert "hunter2" not in result["content"][0]["text"] and ".env" in result["content"][0]["text"]
    assert serve([], document).call("run_command", command="echo ran")["structuredContent"]["stdout"] == "ran\n"


def test_what_is_hidden_of_the_system_cannot_be_read(serve):
    """Without a mount and without the supervisor: Landlock alone, which allows all that stands beside it."""
    hidden = next(path for path in ("/etc/passwd", "/etc/group") if os.path.realpath(path) == path)
    said = serve(NO_PLACE, {"filesystem": {"denyRead": [hidden]}, **MINIMAL}).call("run_command", command=f"cat {hidden}; cat /etc/nsswitch.conf >&2")
    assert said["structuredContent"]["stdout"] == "" and "root:" not in said["structuredContent"]["stderr"], said
    assert "passwd" in said["structuredContent"]["stderr"].split(hidden, 1)[1], said  # the other was read


def test_a_read_only_workspace_inside_what_is_written(workspace, policy):
    """Landlock only adds: what it allows around cannot be taken out again."""
    fixed = workspace / "fixed"
    fixed.mkdir()
    fixed.chmod(0o777)
    command = [*NO_PLACE, PROGRAM, "call", "run_command", '{"command": "echo x > x; echo ran"}', "--workspace", f"{fixed}:ro", "--policy",
               policy({"filesystem": {"allowWrite": [str(workspace)]}, **MINIMAL})]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL,
                          env={**clean_environment(WORKSPACE=str(workspace)), "TMPDIR": "/nonesuch"})
    assert done.returncode != 0 and "ran" not in done.stdout.split() and os.listdir(fixed) == [], done
    assert "a read-only workspace inside a writable one" in done.stdout + done.stderr, done


def fall_asleep(server):
    """A call whose command and what it left to itself sleep, and those processes."""
    call = server.start_call("run_command", command="(setsid sleep 1000 &); sleep 1000 & sleep 1000")
    end = time.monotonic() + PATIENCE
    while len(asleep := [pid for pid in server.tree() if name_of(pid) == "sleep"]) < 3:
        assert time.monotonic() < end, asleep
    return call, asleep


@pytest.mark.parametrize("wrapper", [[], REFUSED], ids=["full", "container"])
def test_what_a_nanny_leaves_that_was_killed_is_swept(serve, wrapper):
    """The keeper gets it, kills it and says so; the sandbox lives on."""
    server = serve(wrapper, {})
    assert server.call("run_command", command="echo kept > $TMPDIR/kept")["structuredContent"]["exit_code"] == 0
    call, asleep = fall_asleep(server)
    above = parents()
    nannies = {pid for pid in server.tree() if name_of(pid) == "sallyport-nanny" and any(above.get(above.get(child)) == pid for child in asleep)}
    watch = Watch(asleep)
    for pid in nannies:
        os.kill(pid, signal.SIGKILL)
    assert server.response(call)["result"]["isError"]
    watch.wait_ended(PATIENCE)
    watch.close()
    assert server.call("run_command", command="cat $TMPDIR/kept")["structuredContent"]["stdout"] == "kept\n"


@pytest.mark.parametrize("victim", ["sallyport-keepe", "sallyport-spawn", "sallyport"])
def test_nothing_outlives_who_of_ours_was_killed(serve, victim):
    """Without a PID namespace the kernel ends only who asked for it: what is left falls to the one above, or the one below hears of it."""
    server = serve(REFUSED, {})
    _, asleep = fall_asleep(server)
    ours = [pid for pid in server.tree() if name_of(pid) == victim]
    watch = Watch([*asleep, *ours])
    for pid in ours:
        os.kill(pid, signal.SIGKILL)
    watch.wait_ended(PATIENCE)
    watch.close()


def test_a_stopped_nanny_does_not_outlive_its_keeper(serve):
    """It hears of nothing then; that is what a signal at its parent's end is for."""
    server = serve(REFUSED, {})
    fall_asleep(server)
    keepers, nannies = ([pid for pid in server.tree() if name_of(pid) == name] for name in ("sallyport-keepe", "sallyport-nanny"))
    watch = Watch(nannies)
    for pid in nannies:
        os.kill(pid, signal.SIGSTOP)
    for pid in keepers:
        os.kill(pid, signal.SIGKILL)
    watch.wait_ended(PATIENCE)
    watch.close()
