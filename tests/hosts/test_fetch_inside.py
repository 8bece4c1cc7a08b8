# SPDX-License-Identifier: Apache-2.0
"""fetch_url and the loopback: http://localhost:PORT is where the caller's own commands listen, and never the machine's."""

import http.server
import os
import signal
import socket
import textwrap
import threading

import pytest
from client import PATIENCE, Watch, name_of, text_of
from test_profiles import REFUSED, ROOT, STRANGER, serve  # noqa: F401: a fixture

SERVER = textwrap.dedent("""
    import http.server, socket, sys, threading
    where, what = sys.argv[1], sys.argv[2]
    host, port = where.rsplit(":", 1)
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = (what + " " + self.path).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        def log_message(self, *_):
            print("asked", self.path, flush=True)
    class Server(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        request_queue_size = 64
    server = Server((host.strip("[]"), int(port)), Handler)
    print("listening", flush=True)
    server.serve_forever()
""")

# What a hostile server answers to each connection, as Python of `c`, the connection.
HOSTILE = {
    "drips": "c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 1000000\\r\\n\\r\\n')\nwhile True: c.sendall(b'x'); threading.Event().wait(0.02)",
    "never_answers": "threading.Event().wait()",
    "never_ends": "c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\n\\r\\nbegun\\n'); threading.Event().wait()",
    "floods": "c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\n\\r\\n')\nwhile True: c.sendall(b'0123456789abcde\\n' * 65536)",
    "reads_nothing": "c.shutdown(socket.SHUT_WR); threading.Event().wait()",
    "resets": "c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); c.close()",
    "speaks_nonsense": "c.sendall(bytes(range(256)) * 100); c.close()",
}


class Called:
    """Calls of one caller, over stdio or HTTP alike."""

    def __init__(self, call):
        self.call = call

    def fetch(self, url, **arguments):
        return self.call("fetch_url", url=url, **arguments)

    def works_again(self):
        """Until what was killed has been replaced: a call that met its end is told so."""
        while "structuredContent" not in (result := self.call("run_command", command="true")):
            assert "ry again" in text_of(result), result

    def begin(self, command):
        """A command in the background, once it has said that it listens."""
        begun = self.call("run_command", command=command, wait_ms=0)["structuredContent"]
        said = begun["stdout"]
        while "listening" not in said:
            read = self.call("read_output", id=begun["id"], wait_ms=1000)["structuredContent"]
            assert read["status"] == "running", (read, said)
            said += read["stdout"]
        return begun["id"]

    def serve(self, where, what="mine"):
        return self.begin(f"exec python3 server.py {where} {what}")


@pytest.fixture
def site_text(workspace):
    (workspace / "server.py").write_text(SERVER)


@pytest.fixture
def caller(server, site_text):
    return Called(server.call)


def denial(result):
    return result["_meta"]["sallyport.dev/denial"]


def of_machine(port=0, family=socket.AF_INET, host="127.0.0.1"):
    """A server of the machine's, which nobody may reach; what it was asked is in .asked."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            body = b"the machine's"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        address_family = family
        daemon_threads = True

    server = Server((host, port), Handler)
    server.asked = []
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


@pytest.fixture
def machine():
    server = of_machine()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("listens, asked", [
    ("127.0.0.1:8000", ["localhost", "127.0.0.1", "app.localhost", "LOCALHOST", "0.0.0.0", "0x7f.1", "[::ffff:127.0.0.1]", "localhost."]),
    ("0.0.0.0:8000", ["localhost", "127.0.0.1", "127.9.8.7", "0.0.0.0"]),
    ("127.0.0.2:8000", ["127.0.0.2"]),
    ("[::1]:8000", ["localhost", "[::1]", "[::]", "app.localhost"]),
], ids=["ipv4", "any", "another", "ipv6"])
def test_every_spelling(caller, listens, asked):
    caller.serve(listens)
    for host in asked:
        shown = text_of(caller.fetch(f"http://{host}:8000/{len(host)}"))
        assert f"mine /{len(host)}" in shown, (host, shown)


def test_an_address_is_that_address(caller):
    """Two servers on one port are told apart."""
    for listens, what in ("127.0.0.1:8000", "four"), ("127.0.0.2:8000", "second"), ("[::1]:8000", "six"):
        caller.serve(listens, what)
    for host, what in ("127.0.0.1", "four"), ("127.0.0.2", "second"), ("[::1]", "six"), ("localhost", "four"):
        assert f"{what} /" in text_of(caller.fetch(f"http://{host}:8000/")), host
    assert caller.fetch("http://127.0.0.3:8000/")["isError"]


def test_nobody_listens(caller, machine):
    """Told in words, at once, and no sandbox is built for it; the machine's server of that port is not asked."""
    port = machine.server_address[1]
    for host in ("localhost", "127.0.0.1", "[::1]", "0.0.0.0"):
        result = caller.fetch(f"http://{host}:{port}/")
        assert result["isError"] and f"port {port}" in text_of(result) and "run_command (wait_ms: 0)" in text_of(result), result
    assert machine.asked == []
    caller.serve("127.0.0.1:8000")
    result = caller.fetch(f"http://localhost:{port}/")
    assert result["isError"] and f"nothing listens on port {port} in your sandbox" in text_of(result), result
    assert machine.asked == []
    caller.call("run_command", command="true")
    assert "mine /" in text_of(caller.fetch("http://localhost:8000/"))


def test_without_a_command_no_sandbox_is_built(server):
    assert server.call("fetch_url", url="http://localhost:8000/")["isError"]
    assert "sallyport-web" in [name_of(pid) for pid in server.tree()]
    assert not [pid for pid in server.tree() if name_of(pid).startswith(("sallyport-keepe", "sallyport-nanny"))]


def test_the_machines_is_reached_where_policy_names_it(start, policy, site_text, machine):
    """Exactly that port of it; any other is the sandbox's own."""
    port = machine.server_address[1]
    caller = Called(start("--policy", policy({"network": {"allowedDomains": [f"localhost:{port}"]}})).call)
    caller.serve("127.0.0.1:8000")
    assert "the machine's" in text_of(caller.fetch(f"http://localhost:{port}/"))
    assert "the machine's" in text_of(caller.fetch(f"http://127.0.0.1:{port}/"))
    assert "mine /" in text_of(caller.fetch("http://localhost:8000/"))


def test_an_empty_list_forbids_nothing_inside(start, policy, site_text):
    caller = Called(start("--policy", policy({"network": {"allowedDomains": []}})).call)
    caller.serve("127.0.0.1:8000")
    assert "mine /" in text_of(caller.fetch("http://localhost:8000/"))


@pytest.mark.parametrize("entry", ["localhost", "localhost:8000", "127.0.0.1", "127.0.0.1:8000"])
def test_denied(start, policy, site_text, entry):
    caller = Called(start("--policy", policy({"network": {"deniedDomains": [entry]}})).call)
    caller.serve("127.0.0.1:8000")
    for host in ("localhost", "127.0.0.1", "0.0.0.0"):
        result = caller.fetch(f"http://{host}:8000/")
        assert result["isError"], host
        told = caller.call("explain_access", url=f"http://{host}:8000/")["structuredContent"]
        assert not told["allowed"] and told["rule"] == f"network.deniedDomains: {entry}", told


def test_explained(caller):
    told = caller.call("explain_access", url="http://localhost:8000/")
    assert told["structuredContent"]["allowed"] and "your sandbox's own loopback" in text_of(told), told


def test_two_callers(serve_http, workspace, site_text):
    """The same port is another server for each, and who has none gets none of another's."""
    server = serve_http(tokens=("alice", "bob", "carol"))
    callers = {name: Called(lambda tool, name=name, **arguments: server.request(
        "tools/call", {"name": tool, "arguments": arguments}, token=name).last()["result"]) for name in ("alice", "bob", "carol")}
    for name in ("alice", "bob"):
        callers[name].serve("127.0.0.1:8000", name)
    callers["carol"].begin("echo listening; sleep 300")
    for _ in range(3):
        for name in ("alice", "bob"):
            assert f"{name} /here" in text_of(callers[name].fetch("http://localhost:8000/here")), name
        assert callers["carol"].fetch("http://localhost:8000/here")["isError"]
    assert server.finish() == 0, server.log


def test_a_sandbox_for_each_call(start, policy, site_text):
    """Each running command has its own: all of them are tried, the newest first."""
    server = start("--policy", policy({"sandbox": {"lifetime": "call"}}))
    caller = Called(server.call)
    first = caller.serve("127.0.0.1:8000", "first")
    caller.serve("127.0.0.1:9000", "other")
    caller.begin("echo listening; sleep 300")
    assert "first /" in text_of(caller.fetch("http://localhost:8000/"))
    second = caller.serve("127.0.0.1:8000", "second")
    assert "second /x" in text_of(caller.fetch("http://localhost:8000/x"))
    caller.call("stop_command", id=second)
    assert "first /y" in text_of(caller.fetch("http://localhost:8000/y"))
    caller.call("stop_command", id=first)
    assert "nothing listens" in text_of(caller.fetch("http://localhost:8000/z"))


def test_it_is_no_command(start, policy, site_text):
    """Neither counted nor listed, and not behind other commands in the line."""
    server = start("--policy", policy({"limits": {"commandsAtOnce": 1}}))
    caller = Called(server.call)
    handle = caller.serve("127.0.0.1:8000")
    assert "mine /" in text_of(caller.fetch("http://localhost:8000/"))
    assert [one["id"] for one in caller.call("list_commands")["structuredContent"]["commands"]] == [handle]


def test_a_server_that_ends(caller):
    """And one that comes again."""
    for _ in range(3):
        handle = caller.serve("127.0.0.1:8000")
        assert "mine /" in text_of(caller.fetch("http://localhost:8000/?" + handle))
        caller.call("stop_command", id=handle)
        assert "nothing listens" in text_of(caller.fetch("http://localhost:8000/again?" + handle))


@pytest.mark.parametrize("way", sorted(HOSTILE))
def test_a_hostile_server(server, site_text, workspace, way):
    """Costs its caller that answer and nobody anything else."""
    caller = Called(server.call)
    body = textwrap.indent(HOSTILE[way], "        ")
    (workspace / "hostile.py").write_text(f"""
import socket, struct, threading
listener = socket.create_server(("127.0.0.1", 7000), backlog=64)
def serve(c):
    try:
        if {way != "reads_nothing"}:
            c.recv(65536)
{body}
    except OSError:
        pass
print("listening", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
""")
    caller.begin("exec python3 hostile.py")
    caller.serve("127.0.0.1:8000")
    asked = [server.start_call("fetch_url", url=f"http://localhost:7000/{number}") for number in range(10)]
    assert "mine /" in text_of(caller.fetch("http://localhost:8000/"))
    for number in asked:
        answer = server.response(number, 3 * PATIENCE)
        assert "result" in answer, answer
    assert caller.call("run_command", command="echo fine")["structuredContent"]["stdout"] == "fine\n"


def test_more_than_may_be_at_once(server, site_text):
    """All are answered: who has no room waits."""
    caller = Called(server.call)
    caller.serve("127.0.0.1:8000")
    asked = [server.start_call("fetch_url", url=f"http://localhost:8000/{number}") for number in range(100)]
    for number, call in enumerate(asked):
        assert f"mine /{number}" in text_of(server.response(call)["result"]), number


@pytest.mark.parametrize("victim", ["sallyport-nanny", "sallyport-keepe", "sallyport-web", "sallyport-spawn", "python3"])
def test_killed_while_it_is_fetched(server, workspace, site_text, victim):
    """Whatever dies, the call is answered, and the next one is served."""
    caller = Called(server.call)
    (workspace / "hang.py").write_text('import socket, threading\ns = socket.create_server(("127.0.0.1", 7000))\nprint("listening", flush=True)\n'
                                       'c = s.accept()[0]\nopen("taken", "w").close()\nthreading.Event().wait()\n')
    caller.begin("exec python3 hang.py")
    call = server.start_call("fetch_url", url="http://localhost:7000/")
    caller.call("run_command", command="until test -e taken; do sleep 0.02; done")
    victims = [pid for pid in server.tree() if name_of(pid) == victim]
    assert victims
    watch = Watch(victims)
    for pid in victims:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it went with another
    watch.wait_ended(PATIENCE)
    watch.close()
    assert "result" in server.response(call, 3 * PATIENCE)
    caller.works_again()
    caller.serve("127.0.0.1:8000")
    assert "mine /" in text_of(caller.fetch("http://localhost:8000/"))


def test_attacked_from_inside(server, workspace, site_text):
    """A command can end the relay, which is of its own sandbox, and can neither take its descriptors nor look into it."""
    caller = Called(server.call)
    (workspace / "hang.py").write_text('import socket, threading\ns = socket.create_server(("127.0.0.1", 7000))\nprint("listening", flush=True)\n'
                                       'c = s.accept()[0]\nopen("taken", "w").close()\nthreading.Event().wait()\n')
    caller.begin("exec python3 hang.py")
    call = server.start_call("fetch_url", url="http://localhost:7000/")
    (workspace / "attack.py").write_text(textwrap.dedent("""
        import ctypes, os, signal
        libc = ctypes.CDLL(None, use_errno=True)
        won = []
        nannies = [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and open(f"/proc/{pid}/comm").read().startswith("sallyport")]
        for pid in nannies:
            for path in ("mem", "fd", "environ", "maps", "fdinfo"):
                try:
                    (os.listdir if path.startswith("fd") else lambda name: open(name, "rb").read(1))(f"/proc/{pid}/{path}")
                    won.append((pid, path))
                except OSError:
                    pass
            try:
                descriptor = os.pidfd_open(pid)
                for number in range(20):
                    if libc.syscall(438, descriptor, number, 0) >= 0:
                        won.append((pid, "pidfd_getfd", number))
            except OSError:
                pass
            if libc.ptrace(16, pid, 0, 0) >= 0:  # PTRACE_ATTACH
                won.append((pid, "ptrace"))
        print(len(nannies), won, flush=True)
        for pid in nannies:
            if pid != os.getppid() and pid != 1:
                os.kill(pid, signal.SIGSTOP)
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGTERM)
                os.kill(pid, signal.SIGKILL)
    """))
    found = caller.call("run_command", command="until test -e taken; do sleep 0.02; done; exec python3 attack.py")["structuredContent"]
    count, won = found["stdout"].split(maxsplit=1)
    assert int(count) >= 3 and won.strip() == "[]", found
    assert "result" in server.response(call, 3 * PATIENCE)
    caller.serve("127.0.0.1:8000")
    assert "mine /" in text_of(caller.fetch("http://localhost:8000/"))


def test_where_there_is_no_such_loopback(serve, workspace, machine):  # noqa: F811
    """Under `container` commands cannot listen; nobody falls back to the machine's."""
    port = machine.server_address[1]
    if ROOT:  # without mounts a workspace of root's could be written by root alone
        for above in [workspace, *workspace.parents][:4]:
            above.chmod(0o755)
        os.chown(workspace, STRANGER, STRANGER)
    server = serve(REFUSED, {})
    assert server.call("run_command", command="echo up")["structuredContent"]["stdout"] == "up\n"
    server.call("run_command", command="sleep 300", wait_ms=0)
    result = server.call("fetch_url", url=f"http://localhost:{port}/")
    assert result["isError"] and "profile container" in text_of(result), result
    told = server.call("explain_access", url=f"http://localhost:{port}/")["structuredContent"]
    assert not told["allowed"] and "profile full" in told["rule"], told
    assert machine.asked == []
