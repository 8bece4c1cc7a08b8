# SPDX-License-Identifier: Apache-2.0
"""The server among executors of its own that somebody has taken over (tests/hostile)."""

import os
import shutil

import client
import pytest
from conftest import BUILD, clean_environment


@pytest.fixture
def installed(tmp_path):
    """installed(**{"sallyport-files": "tests/hostile/hostile-files"}): our programs in a folder of their own, some replaced."""
    def install(**replaced):
        place = tmp_path / "programs"
        place.mkdir()
        for name in ("sallyport", "sallyport-spawner", "sallyport-keeper", "sallyport-files", "sallyport-web", "sallyport-broker"):
            shutil.copy2(os.path.join(BUILD, replaced.get(name, name)), place / name)
        return str(place / "sallyport")
    return install


@pytest.fixture
def serve(workspace):
    servers = []

    def begin(program):
        server = client.Server([program, "stdio", "--workspace", str(workspace)], env=clean_environment(), cwd=str(workspace))
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


def flags(pid, descriptor):
    with open(f"/proc/{pid}/fdinfo/{descriptor}", encoding="utf-8") as file:
        return int(dict(line.split(":", 1) for line in file)["flags"], 8)


def processes(server, name):
    return [pid for pid in server.tree() if client.name_of(pid) == name]


def test_no_flag_of_an_executors_standard_descriptors_reaches_another(installed, serve, workspace):
    """They are open files of its own: the host's stderr may be its stdout, and /dev/null would be every caller's."""
    (workspace / "a").write_text("a")
    server = serve(installed(**{"sallyport-files": "tests/hostile/hostile-files"}))
    call = server.start_call("read_file", path="a")
    script = "import fcntl, os; fcntl.fcntl(0, fcntl.F_SETFL, os.O_NONBLOCK); print(fcntl.fcntl(0, fcntl.F_GETFL) & os.O_NONBLOCK)"
    assert server.call("run_command", argv=["python3", "-c", script])["structuredContent"]["stdout"] == f"{os.O_NONBLOCK}\n"
    server.response(call)  # given up: by then the executor has done what it does
    for pid in [server.pid, *processes(server, "sallyport-spawn"), *processes(server, "sallyport-spare")]:
        for descriptor in (0, 2):
            if pid != server.pid or descriptor == 2:  # the frontend's own stdin is for it to set
                assert not flags(pid, descriptor) & os.O_NONBLOCK, (client.describe(pid), descriptor)
