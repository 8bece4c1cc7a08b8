#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fetch_url through the server as a host has it: frontend, spawner, confined web executor and broker, every filter on.

usage: test_confined.py SALLYPORT. As root it also runs where names, a public-looking address and a certificate bundle of the test's
own are in place (a mount and a network namespace).
"""

import json
import os
import select
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import harness
from harness import HERE, SLOWNESS, Server, answering, http, main, path_of
from namespace import INSIDE, enter
from test_names import PUBLIC, Names, bind_mount, furnish



# Under which profile the server is to run: "container", where namespaces are refused to it (tests/escape/without.c); else "full".
PROFILE = os.environ.get("SALLYPORT_TEST_PROFILE", "full")
USER = 1777


def refusing():
    """What takes the namespaces away."""
    return [os.path.join(os.path.dirname(harness.PROGRAMS["sallyport"]), "without"), "namespaces:1", "--"] if PROFILE == "container" else []


class Host:
    """A client of the legacy era over stdio: enough to call one tool many times."""

    prefix = []  # of the server's command line: who it is to be
    before = []  # the same: under what limits

    def __init__(self, network, *options, beside=None):
        self.folder = tempfile.TemporaryDirectory()
        policy, workspace = os.path.join(self.folder.name, "policy.json"), os.path.join(self.folder.name, "work")
        os.mkdir(workspace)
        if PROFILE == "container" and os.getuid() == 0 and not self.prefix:  # without mounts only root writes what is root's
            os.chmod(self.folder.name, 0o755)
            os.chown(workspace, USER, USER)
        with open(policy, "w", encoding="ascii") as file:
            json.dump({"network": {"robots": False, **network}, **(beside or {})}, file)
        self.process = subprocess.Popen([*self.prefix, *self.before, *refusing(), harness.PROGRAMS["sallyport"], "stdio", "--workspace", workspace, "--policy", policy, *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.last, self.answers, self.read = 0, {}, b""
        self.wait(self.send("initialize", {"protocolVersion": "2025-06-18", "capabilities": {},
                                           "clientInfo": {"name": "test", "version": "1"}}))
        self.write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def write(self, message):
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def send(self, method, params):
        self.last += 1
        self.write({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params})
        return self.last

    def start(self, url, **arguments):
        return self.send("tools/call", {"name": "fetch_url", "arguments": {"url": url, **arguments}})

    def line(self):
        while b"\n" not in self.read:
            assert select.select([self.process.stdout], [], [], 30 * SLOWNESS)[0], "no answer"
            data = os.read(self.process.stdout.fileno(), 1 << 20)
            assert data, "the server is gone"
            self.read += data
        line, self.read = self.read.split(b"\n", 1)
        return json.loads(line)

    def wait(self, call):
        while call not in self.answers:
            message = self.line()
            if "id" in message:
                assert message["id"] not in self.answers, "answered twice"
                self.answers[message["id"]] = message
        return self.answers[call]

    def fetch(self, url, **arguments):
        return self.result(self.start(url, **arguments))

    def result(self, call):
        result = self.wait(call)["result"]
        return result["content"][0].get("text"), result

    def executors(self, name):
        """Process ids of our descendants of this name."""
        parents, found = {}, []
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8") as file:
                    head, tail = file.read().rsplit(")", 1)
                parents[int(entry)] = int(tail.split()[1])
                if head.split("(", 1)[1] == name[:15] and tail.split()[0] != "Z":
                    found.append(int(entry))
            except (OSError, ValueError):
                pass

        def ours(pid):
            while pid and pid != self.process.pid:
                pid = parents.get(pid)
            return pid == self.process.pid
        return [pid for pid in found if ours(pid)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20 * SLOWNESS)
        self.process.stdout.close()
        self.folder.cleanup()


def local(*servers):
    return {"allowedDomains": [f"127.0.0.1:{server.port}" for server in servers]}


def secure(body):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(HERE, "certificates", "server.pem"))

    class Secure(Server):
        def handle(self, connection):
            try:
                super().handle(context.wrap_socket(connection, server_side=True))
            except (OSError, ssl.SSLError):
                connection.close()
    return Secure(answering(body))


class Confined(unittest.TestCase):
    def test_a_page_and_its_facts(self):
        with Server(answering("<title>T</title><p>Hello", "text/html")) as server, Host(local(server)) as host:
            text, result = host.fetch(server.url)
            self.assertEqual(text, f"{server.url}/\n200 · text/html · 24 bytes · T\n\nHello\n")
            facts = result["_meta"]["sallyport.dev/result"]
            self.assertEqual((facts["status"], facts["bytes"], facts["mediaType"]), (200, 24, "text/html"))
            self.assertNotIn("structuredContent", result)

    def test_parts(self):
        whole = "".join(f"line {n}\n" for n in range(5000))
        with Server(answering(whole)) as server, Host(local(server)) as host:
            text, result = host.fetch(server.url, max_length=1000)
            following = result["_meta"]["sallyport.dev/result"]["nextOffset"]
            self.assertTrue(text.endswith(f"[Cut: {len(whole) - following} of {len(whole)} characters are left. "
                                          f"Continue with offset: {following}.]"), text[-200:])
            text, _ = host.fetch(server.url, max_length=1000, offset=following)
            self.assertIn("\n\n" + whole[following:following + 100], text)
            self.assertEqual(len(server.requests), 1)

    def test_refusals(self):
        def serve(connection, _):
            connection.sendall(http(status="302 Found", headers=["Location: http://169.254.169.254/latest/"]))
        with Server(serve) as server, Host(local(server)) as host:
            for url in (server.url, "http://10.0.0.1/", "http://0xa.1:1/", "http://[fd00::1]/"):
                text, result = host.fetch(url)
                self.assertTrue(result["isError"])
                self.assertTrue(text.startswith("Denied: "), text)
                denial = result["_meta"]["sallyport.dev/denial"]
                self.assertEqual((denial["layer"], denial["rule"]), ("network", "network.allowedDomains"))
                self.assertEqual(len(denial["policySha256"]), 64)

    def test_tls_speaks_under_the_filter(self):
        with secure("secret") as server, Host({"allowedDomains": [f"localhost:{server.port}"]}) as host:
            text, _ = host.fetch(f"https://localhost:{server.port}/")
            if INSIDE in os.environ:  # the bundle is the test's own
                self.assertIn("\n\nsecret\n", text)
            else:
                self.assertRegex(text, "^Error: .*(TLS certificate is not accepted|no certificates here)")

    def test_images(self):
        with Server(answering(b"\x89PNG\r\n\x1a\n" + bytes(3000), "image/png")) as server, Host(local(server)) as host:
            _, result = host.fetch(server.url)
            self.assertEqual((result["content"][0]["type"], result["content"][0]["mimeType"]), ("image", "image/png"))

    def test_arguments(self):
        with Host({"allowedDomains": []}) as host:
            for arguments, words in (({"url": "file:///etc/passwd"}, "only http and https"), ({"url": "http://a@b/"}, "user names"),
                                     ({"url": "http://a/", "format": "html"}, "format"), ({"url": "http://a/", "offset": -1}, "offset"),
                                     ({"url": "http://a/", "max_length": 0}, "max_length"), ({"url": ""}, "url")):
                text, result = host.result(host.send("tools/call", {"name": "fetch_url", "arguments": arguments}))
                self.assertTrue(result["isError"])
                self.assertTrue(text.startswith("Error: "), text)
                self.assertIn(words, text)

    def test_the_answer_comes_within_the_hosts_patience(self):
        end = threading.Event()

        def serve(connection, request):
            if path_of(request) == "/drip":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\nbegin")
            end.wait()
        within = 1 if SLOWNESS == 1 else 4
        with Server(serve) as server, Host(local(server), "--answer-within", str(within)) as host:
            begin = time.monotonic()
            calls = [host.start(server.url + "/drip"), host.start(server.url + "/never")]
            drip, never = (host.result(call)[0] for call in calls)
            self.assertLess(time.monotonic() - begin, within + 0.5 * SLOWNESS)
            self.assertIn("\n\nbegin\n[Still loading after ", drip)
            self.assertIn("5 of 99 bytes have come", drip)
            self.assertIn("[Still loading after ", never)
            self.assertIn("waiting for the first byte", never)
            end.set()

    def test_many_at_once_beside_one_that_hangs(self):
        end = threading.Event()

        def serve(connection, request):
            if path_of(request) == "/hang":
                end.wait()
            connection.sendall(http("x" * 30000))
        with Server(serve) as server, Host(local(server), "--answer-within", "20") as host:
            hanging = host.start(server.url + "/hang")
            calls = [host.start(f"{server.url}/{n}") for n in range(100)]
            for call in calls:
                self.assertIn("200 · text/plain · 30000 bytes", host.result(call)[0])
            self.assertNotIn(hanging, host.answers)
            end.set()
            self.assertIn("200 · ", host.result(hanging)[0])

    def test_killed_processes_are_replaced(self):
        end = threading.Event()

        def serve(connection, request):
            if path_of(request) == "/hang":
                end.wait()
            connection.sendall(http("alive"))
        with Server(serve) as server, Host(local(server), "--answer-within", "20") as host:
            self.assertIn("alive", host.fetch(server.url)[0])
            for name in ("sallyport-web", "sallyport-broker", "sallyport-web", "sallyport-broker"):
                hanging = host.start(server.url + "/hang")
                while "/hang" not in [path_of(request) for request in server.requests]:
                    self.assertIn("alive", host.fetch(server.url)[0])  # something to wait by
                server.requests.clear()
                pid, = host.executors(name)
                os.kill(pid, signal.SIGKILL)
                if name == "sallyport-web":
                    self.assertTrue(host.result(hanging)[1]["isError"])
                end_of_patience = time.monotonic() + 10 * SLOWNESS
                while time.monotonic() < end_of_patience:  # at first it may meet what is dying: told so, and called again
                    text, result = host.fetch(server.url)
                    if not result.get("isError"):
                        break
                self.assertIn("alive", text)
                end.set()
                self.assertIn(hanging, (host.wait(hanging)["id"],))
                end.clear()
                self.assertEqual([len(host.executors(program)) for program in ("sallyport-web", "sallyport-broker")], [1, 1])

    def test_what_the_executors_are_in_the_kernels_eyes(self):
        with Server(answering("x")) as server, Host(local(server)) as host:
            host.fetch(server.url)
            for name in ("sallyport-web", "sallyport-broker"):
                pid, = host.executors(name)
                with open(f"/proc/{pid}/status", encoding="ascii") as file:
                    status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
                self.assertEqual((status["Seccomp"], status["NoNewPrivs"], int(status["CapEff"], 16), int(status["CapBnd"], 16)),
                                 ("2", "1", 0, 0), name)
                self.assertNotIn("0", status["Uid"].split(), name)


@unittest.skipUnless(INSIDE in os.environ, "names and certificates of the test's own need root: a mount and a network namespace")
class Furnished(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.names = Names()
        cls.names.zone = {"site.example": [PUBLIC], "inside.example": ["127.0.0.1"]}

    def test_names_and_the_default_policy(self):
        with Server(answering("public"), PUBLIC, port=80), Server(answering("inside"), port=80) as inside, Host({}) as host:
            self.assertIn("\n\npublic\n", host.fetch("http://site.example/")[0])
            text, _ = host.fetch("http://inside.example/")
            self.assertIn("inside.example stands for 127.0.0.1, which is not a public address (loopback)", text)
            self.assertIn("there is no such name", host.fetch("http://missing.example/")[0])
            self.assertEqual(inside.connections, [])


def inside():
    with tempfile.TemporaryDirectory() as furniture:
        os.chmod(furniture, 0o755)
        furnish(furniture)
        bundle = "/etc/ssl/certs/ca-certificates.crt"
        if os.path.exists(bundle):
            bind_mount(os.path.join(HERE, "certificates", "ca.pem"), bundle)
        main(["sallyport"])


if __name__ == "__main__":
    if INSIDE in os.environ or (os.getuid() == 0 and subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False).returncode == 0):
        enter(__file__, inside)
    main(["sallyport"])
