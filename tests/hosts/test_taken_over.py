# SPDX-License-Identifier: Apache-2.0
"""The server among executors of its own that somebody has taken over (tests/hostile)."""

import os
import shutil
import signal

import client
import pytest
from conftest import BUILD, clean_environment


@pytest.fixture
def installed(tmp_path):
    """installed(**{"sallyport-files": "tests/hostile/hostile-files"}): our programs in a folder of their own, some replaced."""
    def install(**replaced):
        place = tmp_path / "programs"
        place.mkdir()
        for name in ("sallyport", "sallyport-spawner", "sallyport-keeper", "sallyport-files", "sallyport-search",
                     "sallyport-web", "sallyport-broker"):
            shutil.copy2(os.path.join(BUILD, replaced.get(name, name)), place / name)
        return str(place / "sallyport")
    return install


@pytest.fixture
def serve(workspace):
    servers = []

    def begin(program, *options):
        server = client.Server([program, "stdio", "--workspace", str(workspace), *options], env=clean_environment(), cwd=str(workspace))
        servers.append(server)
        server.handshake()
        return server
    yield begin
    for server in servers:
        server.kill()


def test_a_files_executor_cannot_make_the_frontend_wait(installed, serve, workspace):
    """O_NONBLOCK belongs to an open file, so whoever shares one with the frontend could make its writes wait for ever."""
    (workspace / "a").write_text("a")
    server = serve(installed(**{"sallyport-files": "tests/hostile/hostile-files"}))
    calls = []
    for _ in range(20):
        calls.append(server.start_call("read_file", path="a"))
        assert server.call("run_command", command="echo still here")["structuredContent"]["stdout"] == "still here\n"
    for call in calls:  # never answered by the executor: the frontend does, in time
        assert server.response(call)["result"]["isError"]


def test_a_broker_can_lie_of_refusals_and_nothing_else(installed, serve, workspace, tmp_path):
    """A flood of them, hostile words, then what is no frame: commands run on, what is shown stays small and harmless."""
    policy = tmp_path / "policy.json"
    policy.write_text('{"network": {"allowedDomains": ["site.example"]}}')
    server = serve(installed(**{"sallyport-broker": "tests/hostile/hostile-broker"}), "--policy", str(policy))
    # all lies may come between two of the others, but not before this one or behind it
    meanwhile = server.call("run_command", command="sleep 1000", wait_ms=0)["structuredContent"]["id"]
    for number in range(40):
        result = server.call("run_command", command=f"echo {number}; cat /etc/resolv.conf")
        facts = result["structuredContent"]
        assert (facts["exit_code"], facts["stdout"]) == (0, f"{number}\nnameserver 127.0.0.1\n")
        assert len(facts.get("denials", [])) <= 16
        assert "\033" not in result["content"][0]["text"] and "\nexit 0" not in result["content"][0]["text"]
    assert server.call("stop_command", id=meanwhile)["structuredContent"]["denials"]  # it has tried
    facts = server.call("run_command", command="timeout 1 bash -c 'exec 3<>/dev/tcp/site.example/80'; echo $?")["structuredContent"]
    assert facts["stdout"] != "0\n"  # it answers no question, and nothing else does


def flags(pid, descriptor):
    with open(f"/proc/{pid}/fdinfo/{descriptor}", encoding="utf-8") as file:
        return int(dict(line.split(":", 1) for line in file)["flags"], 8)


def processes(server, name):
    return [pid for pid in server.tree() if client.name_of(pid) == name]


def test_no_flag_of_an_executors_standard_descriptors_reaches_another(installed, serve, workspace, tmp_path):
    """They are open files of its own: the host's stderr may be its stdout, and /dev/null would be every caller's."""
    policy = tmp_path / "policy.json"
    policy.write_text('{"network": {"allowedDomains": ["site.example"]}}')
    server = serve(installed(**{"sallyport-broker": "tests/hostile/hostile-broker"}), "--policy", str(policy))
    for _ in range(200):  # lies come after it has done the rest; but all of them may come between two commands, and then none is told
        if server.call("run_command", command="true")["structuredContent"].get("denials"):
            break
    script = "import fcntl, os; fcntl.fcntl(0, fcntl.F_SETFL, os.O_NONBLOCK); print(fcntl.fcntl(0, fcntl.F_GETFL) & os.O_NONBLOCK)"
    assert server.call("run_command", argv=["python3", "-c", script])["structuredContent"]["stdout"] == f"{os.O_NONBLOCK}\n"
    for pid in [server.pid, *processes(server, "sallyport-spawn"), *processes(server, "sallyport-spare")]:
        for descriptor in (0, 2):
            if pid != server.pid or descriptor == 2:  # the frontend's own stdin is for it to set
                assert not flags(pid, descriptor) & os.O_NONBLOCK, (client.describe(pid), descriptor)


# What the spawner keeps of root's power (sandbox/spawner/spare.c): over files, ids, mounts and networks.
SPAWNER_CAPABILITIES = sum(1 << number for number in (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 18, 19, 21, 24, 31))


def test_every_process_is_filtered_and_has_no_power_beside_its_work(server, site, workspace):
    """Kinds by name; spare and spawner are the only ones with a capability, and as an ordinary user not even they."""
    (workspace / "a").write_text("a")
    server.call("read_file", path="a")
    server.call("search_files", pattern="x")
    server.call("run_command", command="true")
    server.call("fetch_url", url=f"http://{site.address}/")  # refused by policy, but asked of broker and web executor
    seen = {}
    for pid in server.tree():
        name = client.name_of(pid)
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                seen[name] = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
        except (FileNotFoundError, ProcessLookupError):
            pass
    assert set(seen) >= {"sallyport", "sallyport-spare", "sallyport-spawn", "sallyport-files", "sallyport-searc", "sallyport-web", "sallyport-broke",
                         "sallyport-keepe", "sallyport-nanny"}, list(seen)
    for name, status in seen.items():
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1", name
        allowed = SPAWNER_CAPABILITIES if name in ("sallyport-spare", "sallyport-spawn") and os.getuid() == 0 else 0
        for kind in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
            assert int(status[kind], 16) & ~allowed == 0, (name, kind, status[kind])
        if name not in ("sallyport", "sallyport-spare", "sallyport-spawn") or os.getuid() == 0:  # the bounds of a user's own are not his to set
            assert int(status["CapBnd"], 16) & ~allowed == 0, (name, status["CapBnd"])


def test_executors_that_are_stopped_end_with_the_spawner(server, workspace):
    """End of file tells them, if they run; the kernel's signal takes those that do not."""
    (workspace / "a").write_text("a")
    server.call("read_file", path="a")
    server.call("run_command", command="true")
    stopped = [pid for name in ("sallyport-files", "sallyport-keepe") for pid in processes(server, name)]
    assert len(stopped) >= 2  # a nanny that was only just forked has its keeper's name
    watch = client.Watch(stopped)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    os.kill(processes(server, "sallyport-spawn")[0], signal.SIGKILL)
    watch.wait_ended(client.PATIENCE)
    watch.close()


def test_what_the_host_set_for_itself_does_not_reach_commands(workspace):
    """Its umask and the signals that it ignores."""
    script = 'umask 077; trap "" HUP USR2; exec "$0" "$@"'
    server = client.Server(["sh", "-c", script, os.path.join(BUILD, "sallyport"), "stdio", "--workspace", str(workspace)],
                           env=clean_environment(), cwd=str(workspace))
    try:
        server.handshake()
        shown = server.call("run_command", command="umask; grep -E '^Sig(Ign|Blk)' /proc/self/status; mkdir made; stat -c %a made")
        assert shown["structuredContent"]["stdout"] == "0022\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n755\n"
    finally:
        server.kill()
