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
