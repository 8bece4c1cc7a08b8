# SPDX-License-Identifier: Apache-2.0
"""Walls of the executors that do no command's work: looked at from outside, or tried from inside by one that was taken over."""

import errno
import os

import client
import pytest
from conftest import BUILD, STRANGER, clean_environment
from test_profiles import NO_PLACE
from test_taken_over import installed, processes  # noqa: F401  pylint: disable=unused-import

REFUSED = [os.path.join(BUILD, "without"), f"namespaces:{errno.EPERM}", "--"]  # as a container's filter does
WRAPPERS = {"full": [], "container": REFUSED, "minimal": NO_PLACE}
SHARED = {"sallyport-broke": {"net"}, "sallyport-files": {"net"}, "sallyport-searc": {"net"}}  # of the machine's namespaces: the broker connects, the others have no socket call


@pytest.fixture
def workspace(tmp_path):
    """An ordinary user's, with what is protected: without mounts only root could write one of root's."""
    path = tmp_path / "workspace"
    (path / ".git/hooks").mkdir(parents=True)
    if os.getuid() == 0:
        for above in [path, *path.parents][:4]:
            above.chmod(0o755)
        for inside in (path, path / ".git", path / ".git/hooks"):
            os.chown(inside, STRANGER, STRANGER)
    return path


@pytest.fixture
def serve(workspace, policy):
    servers = []

    def begin(program, *options, wrapper=(), place=workspace, files=None):
        # minimal is taken only where the policy names it, and where there is no container
        document = {"sandbox": {"requireProfile": "minimal"}, "filesystem": files or {}}
        command = [*wrapper, program, "stdio", "--workspace", str(place), "--policy", policy(document), *options]
        server = client.Server(command, env=clean_environment(WORKSPACE=str(workspace)), cwd=str(workspace))
        servers.append(server)
        server.handshake()
        return server
    yield begin
    for server in servers:
        server.kill()


def working(server):
    """All kinds of executors and the broker, at work."""
    server.call("list_directory")
    server.call("search_files", pattern="x")
    server.call("fetch_url", url="http://192.0.2.1/")  # refused, but asked of web executor and broker
    return {name: processes(server, name)[0] for name in ("sallyport-files", "sallyport-searc", "sallyport-web", "sallyport-broke")}


@pytest.mark.root
def test_namespaces(serve):
    """Each is in none of the machine's but those that it needs."""
    for name, pid in working(serve(os.path.join(BUILD, "sallyport"))).items():
        for kind in ("user", "mnt", "pid", "ipc", "uts", "net"):
            same = os.readlink(f"/proc/{pid}/ns/{kind}") == os.readlink(f"/proc/self/ns/{kind}")
            assert same == (kind in SHARED.get(name, ())), (name, kind)


def mounts(pid):
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as file:
        return {fields[4]: set(fields[5].split(",")) for fields in map(str.split, file)}


@pytest.mark.root
def test_what_the_files_executor_sees(serve, tmp_path):
    fixed = tmp_path / "fixed"
    fixed.mkdir()
    os.chown(fixed, STRANGER, STRANGER)
    pids = working(serve(os.path.join(BUILD, "sallyport"), "--workspace", f"{fixed}:ro"))
    found = mounts(pids["sallyport-files"])
    assert set(found) >= {"/", "/0", "/1", "/0/.git", "/0/.git/hooks"}, found
    assert {place.split("/")[1] for place in found} <= {"", "0", "1"}, found
    for place, options in found.items():
        assert {"nosuid"} <= options and ("noexec" in options or place == "/"), (place, options)
    assert "ro" in found["/"] and "rw" in found["/0"] and "ro" in found["/1"] and "ro" in found["/0/.git/hooks"], found
    found = mounts(pids["sallyport-searc"])
    assert set(found) == {"/", "/0", "/1"}, found  # nothing is protected where nothing can be written
    for place, options in found.items():
        assert {"ro", "nosuid"} <= options and ("noexec" in options or place == "/"), (place, options)
    for name in ("sallyport-web", "sallyport-broke"):
        assert set(mounts(pids[name])) == {"/"} and "ro" in mounts(pids[name])["/"], name


def test_a_workspace_that_became_a_link(serve, workspace, tmp_path):
    """A workspace inside what may be written: commands may have put a link there before the files executor begins."""
    inner, elsewhere = workspace / "sub/inner", tmp_path / "elsewhere"
    for path in (inner, elsewhere / "inner"):
        path.mkdir(parents=True)
    (elsewhere / "inner/secret").write_text("secret")
    for path in (workspace / "sub", inner, elsewhere, elsewhere / "inner", elsewhere / "inner/secret"):
        path.chmod(0o777)
    (inner / "plain").write_text("plain")
    server = serve(os.path.join(BUILD, "sallyport"), place=inner, files={"allowWrite": [str(workspace)]})
    assert server.call("run_command", command="cat plain")["structuredContent"]["stdout"] == "plain"
    os.rename(workspace / "sub", workspace / "aside")
    os.symlink(elsewhere, workspace / "sub")
    result = server.call("read_file", path=str(inner / "secret"))
    assert result["isError"] and client.text_of(result) != "secret", result


@pytest.mark.parametrize("confinement", WRAPPERS)
@pytest.mark.parametrize("which", ["files", "search", "web", "broker"])
def test_filters(installed, serve, which, confinement):  # noqa: F811
    """One that tries what its filter does not name is ended, and that is told at once."""
    program = installed(**{f"sallyport-{which}": f"tests/hostile/unfiltered-{which}"})
    server = serve(program, wrapper=WRAPPERS[confinement])
    tool, arguments = {"files": ("list_directory", {}), "search": ("search_files", {"pattern": "x"})}.get(which, ("fetch_url", {"url": "http://192.0.2.1/"}))
    result = server.call(tool, **arguments)
    text = client.text_of(result)
    assert result["isError"] and ("ended" in text or "killed by signal" in text), text  # and not that it takes too long
    assert server.call("explain_access")["structuredContent"]["profile"] == confinement


@pytest.mark.parametrize("confinement", WRAPPERS)
def test_what_executors_work_on(serve, workspace, confinement):
    """The workspace and nothing else, however it is reached."""
    (workspace / "file").write_text("needle\n")
    server = serve(os.path.join(BUILD, "sallyport"), wrapper=WRAPPERS[confinement])
    assert "needle" in client.text_of(server.call("read_file", path="file"))
    assert "file:1" in client.text_of(server.call("search_files", pattern="needle"))
    for tool, arguments in (("read_file", {"path": "/etc/passwd"}), ("search_files", {"pattern": "root", "path": "/etc"})):
        assert server.call(tool, **arguments)["isError"]
