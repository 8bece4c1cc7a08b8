# SPDX-License-Identifier: Apache-2.0
"""network.inject: requests to a domain carry a header with a secret, which nobody but that domain ever sees."""

import base64
import http.server
import json
import os
import signal
import subprocess
import threading
import urllib.parse

import pytest
from client import PATIENCE, name_of, text_of
from conftest import PROGRAM, SANITIZED, clean_environment

SECRET, OTHER = 'sk-live-4711_"of"<the>&person%41', "second-secret-of-the-environment"


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    return path


class Echo(http.server.BaseHTTPRequestHandler):
    """Says back what it was asked, in the way that the path names."""

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.server.asked.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
        value = self.headers.get("Authorization", "nothing")
        way = self.path.split("?")[0].strip("/")
        kind = "text/html" if way.startswith("html") else "text/plain"
        said = {"json": json.dumps({"got": value}), "url": urllib.parse.quote(value), "base64": base64.b64encode(value.encode()).decode(),
                "hex": value.encode().hex(), "html": "<title>" + "".join(f"&#{ord(c)};" for c in value) + f"</title><p><code>{value}</code>"}.get(way, value)
        body = f"said {said} to the end".encode()
        if way == "redirect":
            self.send_response(302)
            self.send_header("Location", "/where?is=" + urllib.parse.quote(value))
        else:
            self.send_response(404 if way == "missing" else 200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_HEAD = do_PUT = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def echo():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.asked, server.daemon_threads = [], True
    server.address = f"127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def of_file(path, domain, **more):
    return {"domain": domain, "header": "Authorization", "prefix": "Bearer ", "file": str(path), "plaintext": True, **more}


def of_environment(domain):
    return {"domain": domain, "header": "X-Other", "environment": "OTHER_SECRET", "plaintext": True}


@pytest.fixture
def begun(start, policy, secret_file, echo):
    """A server with both kinds of secrets."""
    document = {"network": {"allowedDomains": [echo.address], "robots": False, "methods": [{"domain": echo.address, "methods": ["GET", "POST"]}],
                            "inject": [of_file(secret_file, echo.address), of_environment(echo.address)]}}
    server = start("--policy", policy(document), env={"OTHER_SECRET": OTHER, "KEPT": "kept-for-tests"})
    server.policy = policy(document)
    return server


# ---- what is refused before anything begins ----

@pytest.mark.parametrize("make, says", [
    (lambda path, _: path.unlink(), "No such file"),
    (lambda path, _: path.chmod(0o644), "others cannot read"),
    (lambda path, _: path.chmod(0o620), "only its owner can write"),
    (lambda path, _: path.write_text("short"), "from 8 to 4096 bytes, and this one has 5"),
    (lambda path, _: path.write_text("x" * 4097), "from 8 to 4096 bytes"),
    (lambda path, _: path.write_text(SECRET + "\nmore\n"), "control characters"),
    (lambda path, _: path.write_bytes(b"with a NUL\0inside"), "control characters"),
    (lambda path, _: (path.unlink(), path.mkdir()), "must be in a file"),
    (lambda path, _: (path.unlink(), os.mkfifo(path, 0o600)), "must be in a file"),
    (lambda path, workspace: (path.rename(workspace / "secret"), path.symlink_to(workspace / "secret")), "where a command could read"),
], ids=["missing", "readable", "writable", "short", "long", "lines", "nul", "directory", "fifo", "workspace"])
def test_a_bad_file_is_refused(policy, command_line, workspace, secret_file, make, says):
    make(secret_file, workspace)
    path = policy({"network": {"inject": [of_file(secret_file, "api.example.org")]}})
    done = command_line("stdio", "--workspace", str(workspace), "--policy", path)
    assert done.returncode == 2 and done.stdout == "" and says in done.stderr and "network.inject[0]: " in done.stderr, done.stderr
    assert SECRET not in done.stderr and "inside" not in done.stderr


def test_a_file_in_a_read_only_workspace_is_refused(policy, command_line, workspace):
    """Commands read there too."""
    (workspace / "secret").write_text(SECRET)
    (workspace / "secret").chmod(0o600)
    path = policy({"network": {"inject": [of_file(workspace / "secret", "api.example.org")]}})
    assert "where a command could read" in command_line("stdio", "--workspace", f"{workspace}:ro", "--policy", path).stderr


def test_a_file_of_the_system_is_refused(policy, command_line, workspace, tmp_path):
    """Where every command reads what modes let it, and in a directory of PATH."""
    path = policy({"network": {"inject": [of_file("/etc/shadow", "api.example.org")]}})
    said = command_line("stdio", "--workspace", str(workspace), "--policy", path).stderr
    assert ("a directory of the system" if os.getuid() == 0 else "Permission denied") in said, said
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "secret").write_text(SECRET)
    (tools / "secret").chmod(0o600)
    done = subprocess.run([PROGRAM, "stdio", "--workspace", str(workspace), "--policy", policy({"network": {"inject": [of_file(tools / "secret", "a.example")]}})],
                          capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL, env={**clean_environment(), "PATH": f"/usr/bin:{tools}"})
    assert done.returncode == 2 and f"secret lies in {tools}" in done.stderr, done.stderr


@pytest.mark.parametrize("domain", ["localhost", "localhost:3000", "127.0.0.1", "127.0.0.2:80", "[::1]:443", "0.0.0.0", "app.localhost"])
def test_the_loopback_of_sandboxes_is_refused(policy, command_line, workspace, secret_file, domain):
    """Commands listen there, and would read it."""
    path = policy({"network": {"inject": [of_file(secret_file, domain)]}})
    done = command_line("stdio", "--workspace", str(workspace), "--policy", path)
    assert done.returncode == 2 and "loopback of sandboxes" in done.stderr, done.stderr


def test_a_variable_that_is_not_set_is_refused(policy, command_line, workspace):
    path = policy({"network": {"inject": [of_environment("api.example.org")]}})
    done = command_line("stdio", "--workspace", str(workspace), "--policy", path)
    assert done.returncode == 2 and "network.inject[0]: the variable OTHER_SECRET is not set" in done.stderr, done.stderr


# ---- who sees it ----

def fetch(server, url, **arguments):
    return server.call("fetch_url", url=url, **arguments)


def test_requests_carry_it(begun, echo):
    assert not fetch(begun, f"http://{echo.address}/").get("isError")
    method, _, headers, _ = echo.asked[-1]
    assert method == "GET" and headers["Authorization"] == f"Bearer {SECRET}" and headers["X-Other"] == OTHER


@pytest.mark.parametrize("way", ["plain", "json", "url", "base64", "hex", "html", "missing", "redirect"])
@pytest.mark.parametrize("format_", ["markdown", "text", "raw"])
def test_a_server_that_says_it_back(begun, echo, way, format_):
    result = json.dumps(fetch(begun, f"http://{echo.address}/{way}", format=format_))
    assert echo.asked[-1][2]["Authorization"] == f"Bearer {SECRET}"
    if way == "redirect":
        assert "redirects to a place that holds a secret" in result, result
    else:
        assert "said" in result and "[secret]" in result, result
    for shown in (SECRET, SECRET[:12], urllib.parse.quote(SECRET), base64.b64encode(SECRET.encode()).decode()[4:20], SECRET.encode().hex()[:20]):
        assert shown not in result, (shown, result)


def test_the_model_cannot_set_it(begun, echo):
    result = fetch(begun, f"http://{echo.address}/", headers={"authorization": "Bearer mine"})
    assert result["isError"] and "is set by the policy" in text_of(result), result
    assert echo.asked == []


def test_another_host_does_not_get_it(start, policy, secret_file, echo):
    server = start("--policy", policy({"network": {"allowedDomains": [echo.address, "127.0.0.2", "127.0.0.2:443"], "inject": [of_file(secret_file, "127.0.0.2"), of_file(secret_file, "api.example.org")],
                                                   "robots": False}}))
    assert "said nothing" in text_of(fetch(server, f"http://{echo.address}/"))
    assert "Authorization" not in echo.asked[-1][2]


def test_not_over_http_unless_policy_says_so(start, policy, secret_file, echo):
    server = start("--policy", policy({"network": {"allowedDomains": [echo.address], "inject": [of_file(secret_file, echo.address, plaintext=False)], "robots": False}}))
    assert "said nothing" in text_of(fetch(server, f"http://{echo.address}/"))


def memory_of(pid):
    """All that it may read of itself, as far as we may."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            area, rights = line.split()[:2]
            if rights[0] != "r" or "[v" in line:
                continue
            begin, end = (int(part, 16) for part in area.split("-"))
            if end - begin > 1 << 30:
                continue  # a sanitizer's shadow: what it says of memory is none of it
            memory.seek(begin)
            try:
                yield memory.read(end - begin)
            except OSError:
                continue


def holders(server, secret):
    """Names of our processes that have it somewhere in memory, and those that could be looked at."""
    found, seen = set(), set()
    for pid in server.tree():
        try:
            if any(secret.encode() in part for part in memory_of(pid)):
                found.add(name_of(pid))
            seen.add(name_of(pid))
        except (PermissionError, ProcessLookupError, FileNotFoundError):
            pass  # not dumpable: as root all can be looked at
    return found, seen


def test_only_web_executors_have_it(begun, echo, workspace):
    """In memory, environment or arguments of no process of ours but those; as root of all, as a user of those that can be looked at."""
    fetch(begun, f"http://{echo.address}/")
    (workspace / "a.txt").write_text("x")
    begun.call("read_file", path="a.txt")
    begun.call("search_files", pattern="x")
    begun.call("run_command", command="sleep 300", wait_ms=0)
    # a sanitizer reads the environment for itself, and keeps what is freed
    for secret in () if SANITIZED else (SECRET, OTHER):
        found, seen = holders(begun, secret)
        assert found <= {"sallyport-web"}, found
        assert seen >= {"sallyport", "sallyport-spare", "sallyport-spawn"}, seen
        if os.getuid() == 0:
            assert found == {"sallyport-web"} and len(seen) >= 8, (found, seen)
    for pid in begun.tree():
        for file in ("environ", "cmdline"):
            try:
                with open(f"/proc/{pid}/{file}", "rb") as opened:
                    text = opened.read()
            except (PermissionError, FileNotFoundError):
                continue
            assert OTHER.encode() not in text and SECRET.encode() not in text, (name_of(pid), file)
    with open(f"/proc/{begun.pid}/environ", "rb") as opened:
        assert b"KEPT=kept-for-tests" in opened.read()  # or nothing would be shown by this


def test_commands_do_not_have_it(begun, echo):
    """Neither in what they see, nor with their requests."""
    look = "env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n'; ls -l /proc/*/fd 2>/dev/null; " \
        f"find / -xdev -name secret -type f 2>/dev/null; curl -s http://{echo.address}/plain"
    result = begun.call("run_command", command=look)["structuredContent"]
    assert "said nothing to the end" in result["stdout"], result
    for secret in (SECRET, OTHER):
        assert secret not in json.dumps(result) and secret not in result["stdout"]
    assert all("Authorization" not in headers for _, _, headers, _ in echo.asked)


def test_nothing_tells_it(begun, command_line, workspace):
    """doctor, policy show, explain_access, the log."""
    document = begun.policy
    told = [json.dumps(begun.call("explain_access")), json.dumps(begun.call("explain_access", url="https://api.example.org/"))]
    for arguments in (["doctor", "--json"], ["doctor"], ["policy", "show"], ["explain", "host", "api.example.org"]):
        done = subprocess.run([PROGRAM, *arguments, "--policy", document, *([] if arguments[0] == "policy" else ["--workspace", str(workspace)])],
                              capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL,
                              env=clean_environment(OTHER_SECRET=OTHER))
        assert done.stdout, (arguments, done.stderr)
        told += [done.stdout, done.stderr]
    told.append(begun.stderr())
    for secret in (SECRET, OTHER, json.dumps(SECRET)[1:-1]):
        assert not [text for text in told if secret in text]


def test_a_spawner_that_died_had_it(begun, echo):
    """The next one has it too, and so have the web executors of that one."""
    for _ in range(2):
        for pid in begun.tree():
            if name_of(pid) == "sallyport-spawn":
                os.kill(pid, signal.SIGKILL)
        result = fetch(begun, f"http://{echo.address}/")
        while result.get("isError") and "ended while" in text_of(result):  # it heard of that end only now
            result = fetch(begun, f"http://{echo.address}/")
        assert echo.asked[-1][2]["X-Other"] == OTHER, result


def test_tokens_have_their_own(serve_http, tmp_path, secret_file, echo):
    """Two realms that name the same variable; and one that names none."""
    network = {"allowedDomains": [echo.address], "robots": False}
    for name, inject in ("alice", [of_file(secret_file, echo.address)]), ("bob", [of_environment(echo.address)]), ("carol", []), ("dave", [of_environment(echo.address)]):
        (tmp_path / f"{name}.json").write_text(json.dumps({"network": {**network, "inject": inject}}))
    os.environ["OTHER_SECRET"] = OTHER
    try:
        server = serve_http(tokens=("alice", "bob", "carol", "dave"), policies={name: tmp_path / f"{name}.json" for name in ("alice", "bob", "carol", "dave")},
                            env={"OTHER_SECRET": OTHER})
    finally:
        del os.environ["OTHER_SECRET"]
    for name, has, lacks in ("alice", "Authorization", "X-Other"), ("bob", "X-Other", "Authorization"), ("dave", "X-Other", "Authorization"), ("carol", "Host", "X-Other"):
        answer = server.request("tools/call", {"name": "fetch_url", "arguments": {"url": f"http://{echo.address}/{name}"}}, token=name).last()["result"]
        assert not answer.get("isError"), answer
        headers = echo.asked[-1][2]
        assert has in headers and lacks not in headers, (name, headers)
    for pid in server.tree():
        try:
            with open(f"/proc/{pid}/environ", "rb") as opened:
                assert OTHER.encode() not in opened.read(), name_of(pid)
        except (PermissionError, FileNotFoundError):
            pass
    assert server.finish() == 0, server.log
