# SPDX-License-Identifier: Apache-2.0
"""The server's own programs: where they are looked for, and that nothing it confines can write them."""

import json
import os
import shutil
import subprocess

import pytest
from client import Server, text_of
from conftest import BUILD, clean_environment

PROGRAMS = ["sallyport-broker", "sallyport-files", "sallyport-http", "sallyport-keeper", "sallyport-search", "sallyport-spawner", "sallyport-web"]


@pytest.fixture
def installed(tmp_path, workspace):
    """installed(NAME): the programs as `meson install` lays them out, below the workspace."""
    def install(prefix="prefix"):
        for folder, names in (("bin", ["sallyport"]), ("libexec/sallyport", PROGRAMS)):
            os.makedirs(workspace / prefix / folder)
            for name in names:
                shutil.copy(os.path.join(BUILD, name), workspace / prefix / folder / name)
        return workspace / prefix
    return install


def call(program, tool, arguments, workspace):
    return subprocess.run([program, "call", tool, arguments, "--workspace", str(workspace)], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, env=clean_environment(), cwd=workspace)


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_put_beside_an_installed_server_is_not_run(installed, workspace, name):
    prefix = installed()
    shutil.copy(os.path.join(BUILD, "escape-helper"), prefix / "bin" / name)  # under such a name it makes the file `pwned`
    for tool, arguments in (("run_command", '{"command": "echo it runs"}'), ("list_directory", '{"path": "."}'),
                            ("fetch_url", '{"url": "http://127.0.0.1:1/"}')):
        done = call(prefix / "bin" / "sallyport", tool, arguments, workspace)
        assert done.returncode == (1 if tool == "fetch_url" else 0), done
        assert "pwned" not in os.listdir(workspace)


def test_what_is_put_into_libexec_of_a_build_folder_is_not_run(installed, workspace):
    """The same from the other side: programs that stand side by side have no libexec."""
    installed("build/..")
    for name in PROGRAMS:
        shutil.move(workspace / "libexec/sallyport" / name, workspace / "build" / name)
        shutil.copy(os.path.join(BUILD, "escape-helper"), workspace / "libexec/sallyport" / name)
    shutil.move(workspace / "bin/sallyport", workspace / "build/sallyport")
    done = call(workspace / "build/sallyport", "run_command", '{"command": "echo it runs"}', workspace)
    assert done.returncode == 0 and "it runs" in done.stdout, done
    assert "pwned" not in os.listdir(workspace)
    os.unlink(workspace / "build/sallyport-spawner")
    done = call(workspace / "build/sallyport", "run_command", '{"command": "echo it runs"}', workspace)
    assert done.returncode != 0 and "pwned" not in os.listdir(workspace)


def test_they_are_protected_paths(installed, workspace):
    prefix = installed()
    server = Server([str(prefix / "bin/sallyport"), "stdio", "--workspace", str(workspace)], env=clean_environment(), cwd=str(workspace))
    try:
        server.handshake("2025-11-25")
        for path in ("prefix/bin/sallyport", "prefix/libexec/sallyport/sallyport-web", "prefix/libexec/sallyport/new"):
            facts = server.call("explain_access", path=path, operation="write")["structuredContent"]
            assert facts["allowed"] is False and facts["rule"].startswith("protected:"), facts
            assert text_of(server.call("write_file", path=path, content="x")).startswith("Denied: "), path
            done = server.call("run_command", command=f"echo x > {path}; rm -f {path}; cp /bin/true {path}.new && mv -f {path}.new {path}")
            assert done["structuredContent"]["exit_code"] != 0, done
        assert (prefix / "bin/sallyport").read_bytes() == open(os.path.join(BUILD, "sallyport"), "rb").read()
        for path in ("prefix", "prefix/libexec"):
            assert server.call("run_command", command=f"mv {path} aside")["structuredContent"]["exit_code"] != 0
        assert server.call("write_file", path="prefix/bin/other", content="x")["structuredContent"]["outcome"] == "created"
    finally:
        server.kill()
    assert b"better installed elsewhere" in server.errors


def test_they_are_protected_in_a_build_folder(workspace):
    """Somebody works on this very program: what else lies there can be built."""
    (workspace / "build").mkdir()
    for name in ["sallyport", *PROGRAMS]:
        shutil.copy(os.path.join(BUILD, name), workspace / "build")
    before = {name: os.stat(workspace / "build" / name).st_ino for name in os.listdir(workspace / "build")}
    done = call(workspace / "build/sallyport", "run_command", json.dumps({"command": """cd build; for f in sallyport*; do cp /bin/true $f; rm -f $f
        mv $f x; ln -f /bin/true $f; cp /bin/true y; mv -f y $f; done; cd ..; mv build b; touch build/new && echo new"""}), workspace)
    assert "new" in done.stdout.split(), done
    for name, inode in before.items():
        path = workspace / "build" / name
        assert os.stat(path).st_ino == inode and os.path.getsize(path) == os.path.getsize(os.path.join(BUILD, name)), name
