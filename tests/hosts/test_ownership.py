# SPDX-License-Identifier: Apache-2.0
"""Whose files a call writes: the workspace's owner's, also when root started the server."""

import os

import pytest
from conftest import STRANGER


def written(server, workspace):
    """Files made by a tool and by a command, and one that both change."""
    (workspace / "there.txt").write_text("before\n")
    owner = os.stat(workspace)
    os.chown(workspace / "there.txt", owner.st_uid, owner.st_gid)
    os.chmod(workspace / "there.txt", 0o640)
    for tool, arguments in (("write_file", {"path": "by-tool.txt", "content": "x"}),
                            ("write_file", {"path": "new/directory/by-tool.txt", "content": "x"}),
                            ("write_file", {"path": "there.txt", "content": "after\n"}),
                            ("run_command", {"command": "echo x > by-command.txt; mkdir made; echo x > made/by-command.txt; echo more >> there.txt"})):
        result = server.call(tool, **arguments)
        assert not result.get("isError"), result
        assert result["structuredContent"].get("exit_code", 0) == 0, result
    return [workspace / name for name in ("by-tool.txt", "new", "new/directory", "new/directory/by-tool.txt", "there.txt", "by-command.txt",
                                          "made", "made/by-command.txt")]


def check(server, workspace, uid):
    for path in written(server, workspace):
        status = os.stat(path)
        assert (status.st_uid, status.st_gid) == (uid, uid if uid else 0), path
    assert (workspace / "there.txt").read_text() == "after\nmore\n"
    assert os.stat(workspace / "there.txt").st_mode & 0o777 == 0o640


def test_as_whoever_started_us(start, workspace):
    server = start()
    for path in written(server, workspace):
        assert os.stat(path).st_uid == os.getuid(), path


@pytest.mark.root
def test_started_by_root_in_a_workspace_of_root(start, workspace):
    check(start(), workspace, 0)


@pytest.mark.root
def test_started_by_root_in_a_workspace_of_somebody_else(start, workspace):
    os.chown(workspace, STRANGER, STRANGER)
    check(start(), workspace, STRANGER)


@pytest.mark.root
def test_files_of_root_in_roots_workspace_are_written_and_stay_roots(start, workspace):
    (workspace / "roots.txt").write_text("before\n")
    os.chmod(workspace / "roots.txt", 0o644)
    server = start()
    assert server.call("run_command", command="echo after > roots.txt")["structuredContent"]["exit_code"] == 0
    assert (workspace / "roots.txt").read_text() == "after\n"
    assert os.stat(workspace / "roots.txt").st_uid == 0


@pytest.mark.root
def test_what_belongs_to_a_third_is_not_written(start, workspace):
    (workspace / "third.txt").write_text("before\n")
    os.chmod(workspace / "third.txt", 0o644)
    os.chown(workspace / "third.txt", 4242, 4242)
    server = start()
    assert server.call("run_command", command="echo after > third.txt")["structuredContent"]["exit_code"] != 0
    assert server.call("run_command", command="chown 0:0 by-tool.txt third.txt")["structuredContent"]["exit_code"] != 0
    assert (workspace / "third.txt").read_text() == "before\n"
