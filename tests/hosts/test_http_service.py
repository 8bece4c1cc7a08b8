# SPDX-License-Identifier: Apache-2.0
"""As a service: what the service manager is told, sockets that it hands over, and who may connect to a Unix socket."""

import os
import pathlib
import pwd
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

import pytest
from client import PATIENCE, Watch, name_of
from conftest import PROGRAM, STRANGER, clean_environment


class Manager:
    """The service manager's end of $NOTIFY_SOCKET."""

    def __init__(self, name):
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)

    def told(self):
        assert select.select([self.socket], [], [], PATIENCE)[0], "nothing was told"
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().split("\n"))

    def silent(self):
        return not select.select([self.socket], [], [], 0)[0]


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    manager = Manager(str(tmp_path / "notify") if request.param == "path" else f"@sallyport-{os.getpid()}-{tmp_path.name}")
    yield manager
    manager.socket.close()


# ---- sd_notify ----

def test_what_the_manager_is_told(manager, serve_http):
    server = serve_http(env={"NOTIFY_SOCKET": manager.name})
    ready = manager.told()
    assert ready["READY"] == "1" and server.url in ready["STATUS"]
    for said in ("reloaded: tokens", "nothing was reloaded"):
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        server.reload(said)
        reloading = manager.told()
        assert reloading["RELOADING"] == "1" and before <= int(reloading["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        assert manager.told() == {"READY": "1"}
        (server.place / "tokens").write_text("wrong\n")
    assert "NOTIFY_SOCKET" not in server.call("run_command", {"command": "env"})["structuredContent"]["stdout"]
    assert manager.silent()
    assert server.finish() == 0
    assert manager.told() == {"STOPPING": "1"} and manager.silent()


def test_a_manager_that_is_not_there_or_gone(serve_http, tmp_path):
    for name in (str(tmp_path / "missing"), "@", "relative", "/" * 200, "vsock:2:1234"):
        assert serve_http(env={"NOTIFY_SOCKET": name}).request("server/discover").status == 200
    manager = Manager(str(tmp_path / "notify"))
    server = serve_http(env={"NOTIFY_SOCKET": manager.name})
    assert manager.told()["READY"] == "1"
    manager.socket.close()
    server.write_tokens()
    server.reload()
    assert server.finish() == 0


# ---- what the processes have ----

def test_frontend_and_opener_are_filtered_and_have_no_power_beside_their_work(serve_http):
    """Before the first call there is nobody else but the spare; the opener, as root, may read what others may not."""
    server = serve_http(tls=True)
    found, deadline = {}, time.monotonic() + PATIENCE
    while sorted(found) != ["sallyport-http", "sallyport-open", "sallyport-spare"] or any(one["Seccomp"] != "2" for one in found.values()):
        assert time.monotonic() < deadline, found  # they are forked, and then make ready
        found = {}
        for pid in server.tree():
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                found[name_of(pid)] = {key: value.strip() for key, value in (line.split(":", 1) for line in file)}
    for name, powers in (("sallyport-http", 0), ("sallyport-open", 4 if os.getuid() == 0 else 0)):  # CAP_DAC_READ_SEARCH
        assert (found[name]["Seccomp"], found[name]["NoNewPrivs"]) == ("2", "1"), name
        assert int(found[name]["CapEff"], 16) == int(found[name]["CapPrm"], 16) == powers, name
    opener = next(pid for pid in server.tree() if name_of(pid) == "sallyport-open")
    assert sorted(os.listdir(f"/proc/{opener}/fd")) == ["0", "1", "2", "3"]  # no listener, no token, no certificate
    watch = Watch(server.tree())
    assert server.finish() == 0
    watch.wait_ended(PATIENCE)
    watch.close()


# ---- socket activation ----

PASS = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=os.environ.get("COUNT", "1"))
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.mark.parametrize("local", [False, True], ids=["tcp", "unix"])
def test_a_socket_that_is_handed_over(workspace, tmp_path, local):
    """As systemd's socket units do; who connected before the start is served."""
    listener = socket.socket(socket.AF_UNIX if local else socket.AF_INET)
    listener.bind(str(tmp_path / "s") if local else ("127.0.0.1", 0))
    listener.listen()
    client = socket.socket(listener.family)
    client.settimeout(PATIENCE)
    client.connect(listener.getsockname())
    client.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
    manager = Manager(str(tmp_path / "notify"))
    server = subprocess.Popen([sys.executable, "-c", PASS, str(listener.fileno()), PROGRAM, "http", "--workspace", str(workspace)], stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, pass_fds=[listener.fileno()], env=clean_environment(NOTIFY_SOCKET=manager.name))
    try:
        assert manager.told()["READY"] == "1"
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE) == 0
        listener.settimeout(PATIENCE)  # it is still the manager's: who connects meanwhile waits for the next
        socket.socket(listener.family).connect(listener.getsockname())
    finally:
        server.kill()
        server.wait(PATIENCE)
        server.stderr.close()
        manager.socket.close()


@pytest.mark.parametrize("count,kind,words", [("2", socket.SOCK_STREAM, "passes 2 sockets"), ("1", socket.SOCK_DGRAM, "does not listen")])
def test_what_cannot_be_taken_over(workspace, count, kind, words):
    with socket.socket(socket.AF_UNIX, kind) as other:
        done = subprocess.run([sys.executable, "-c", PASS, str(other.fileno()), PROGRAM, "http", "--workspace", str(workspace)], capture_output=True, text=True,
                              timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL, pass_fds=[other.fileno()], env=clean_environment(COUNT=count))
    assert done.returncode == 1 and words in done.stderr, done


# ---- Unix sockets ----

ASK = """
import os, socket, sys
os.setgroups([]); os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))
client = socket.socket(socket.AF_UNIX)
client.settimeout(20)
client.connect(sys.argv[2])
client.sendall(b"GET " + sys.argv[3].encode() + b" HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
print(client.recv(65536).decode(errors="replace"))
"""


def ask_as(uid, path, url="/healthz"):
    done = subprocess.run([sys.executable, "-c", ASK, str(uid), path, url], capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
    found = re.match(r"HTTP/1.1 (\d+) ", done.stdout)
    return int(found[1]) if found else done.stderr.strip().rsplit("\n", 1)[-1]


@pytest.fixture
def anywhere():
    """A directory that everybody may enter."""
    with tempfile.TemporaryDirectory(prefix="sallyport-", dir="/tmp") as path:
        os.chmod(path, 0o755)
        yield pathlib.Path(path)


@pytest.mark.root
def test_others_are_refused_whatever_the_permissions(serve_http, anywhere):
    place = str(anywhere / "s")
    server = serve_http(listen=f"unix:{place}")
    assert "Permission denied" in ask_as(STRANGER, place)
    os.chmod(place, 0o666)
    for url in ("/healthz", "/mcp", "/"):
        assert ask_as(STRANGER, place, url) == 403
    assert ask_as(0, place) == 200
    assert server.request("server/discover").status == 200


@pytest.mark.root
def test_others_that_are_named(serve_http, anywhere, policy):
    """Nobody else, and without a token where the policy says so."""
    place = str(anywhere / "s")
    server = serve_http("--allow-uid", str(STRANGER), "--allow-uid", "daemon", listen=f"unix:{place}")
    assert os.stat(place).st_mode & 0o777 == 0o666
    for uid, status in ((STRANGER, 200), (pwd.getpwnam("daemon").pw_uid, 200), (STRANGER + 1000, 403), (0, 200)):
        assert ask_as(uid, place) == status
    assert ask_as(STRANGER, place, "/mcp") == 401
    server.finish()
    serve_http("--allow-uid", str(STRANGER), "--policy", policy({"http": {"withoutToken": True}}), listen=f"unix:{place}", tokens=())
    assert ask_as(STRANGER, place, "/mcp") == 405 and ask_as(STRANGER + 1000, place, "/mcp") == 403


def test_an_ordinary_user_and_root_may(serve_http, tmp_path):
    server = serve_http("--allow-uid", "0", listen=f"unix:{tmp_path}/s")
    assert server.request("server/discover").status == 200
    assert os.stat(tmp_path / "s").st_mode & 0o777 == 0o666


def test_users_that_there_are_not(tmp_path, workspace):
    for arguments, words in ((["--listen", f"unix:{tmp_path}/s", "--allow-uid", "no-such-user"], "--allow-uid needs a user"),
                             (["--listen", f"unix:{tmp_path}/s", "--allow-uid", "4294967295"], "--allow-uid needs a user"),
                             (["--listen", f"unix:{tmp_path}/s", "--allow-uid", "-1"], "--allow-uid needs a user"),
                             (["--listen", "127.0.0.1:0", "--allow-uid", "0"], "--allow-uid is for --listen unix:PATH")):
        done = subprocess.run([PROGRAM, "http", "--workspace", str(workspace), *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False,
                              stdin=subprocess.DEVNULL, env=clean_environment())
        assert done.returncode == 1 and words in done.stderr, (arguments, done)
