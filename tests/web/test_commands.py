#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Commands that reach what the policy names, through the whole server: no proxy variables, nothing but sockets and names.

usage: test_commands.py SALLYPORT. It runs where names and public-looking addresses are the test's own: in a network and a mount
namespace, as whoever starts it.
"""

import os
import signal
import socket
import struct
import tempfile
import threading
import unittest

import harness
from harness import SLOWNESS, Server, answering, http, main, path_of
from namespace import enter, stranger
from test_confined import PROFILE, USER, Host
from test_names import OTHER, PUBLIC, Names, furnish

CONTAINED = PROFILE == "container"

ASK = r"""
import socket, struct, sys
def question(name, kind=1, number=7, extra=b"", flags=0x0100):
    labels = b"".join(bytes([len(part)]) + part for part in name.encode().split(b"."))
    return struct.pack(">HHHHHH", number, flags, 1, 0, 0, 1 if extra else 0) + labels + b"\0" + struct.pack(">HH", kind, 1) + extra
def ask(packet, timeout=10):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect(("127.0.0.1", 53))
        s.send(packet)
        return s.recv(4096)
def code(answer):
    return answer[3] & 15
OPT = b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0)
"""


class Commands(Host):
    """The server with a network policy; `run` runs a shell line, `python` a program."""

    prefix = stranger(USER)

    def __init__(self, allowed=None, denied=None, *options, beside=None):
        network = {}
        if allowed is not None:
            network["allowedDomains"] = allowed
        if denied is not None:
            network["deniedDomains"] = denied
        super().__init__(network, "--answer-within", str(int(60 * SLOWNESS)), *options, beside=beside)

    def begin(self, line, **more):
        return self.send("tools/call", {"name": "run_command", "arguments": {"command": line, "max_bytes": 100000, **more}})

    def end(self, call):
        answer = self.wait(call)["result"]
        assert "structuredContent" in answer, answer
        return answer["structuredContent"]

    def run(self, line, **more):
        return self.end(self.begin(line, **more))

    def python(self, program, **more):
        return self.end(self.send("tools/call", {"name": "run_command",
                                                 "arguments": {"argv": ["/usr/bin/python3", "-c", ASK + program], "max_bytes": 100000, **more}}))


def targets(result):
    return [(denial["operation"], denial["target"].split(": ")[0]) for denial in result.get("denials", [])]


class Reach(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.names = Names()

    def setUp(self):
        self.names.zone = {"site.example": [PUBLIC], "other.site.example": [OTHER]}
        self.names.turn, self.names.asked = {}, []

    def serve(self, address=PUBLIC, body="public", port=80, serve=None):
        server = Server(serve or answering(body), address, socket.AF_INET6 if ":" in address else socket.AF_INET, port)
        self.addCleanup(server.close)
        return server

    def test_curl(self):
        self.serve()
        with Commands(["site.example"]) as host:
            result = host.run("curl -sS http://site.example/")
            self.assertEqual((result["stdout"], result["stderr"], result.get("denials")), ("public", "", None))
            self.assertEqual(host.run("curl -sS -4 http://SITE.example/")["stdout"], "public")

    def test_without_a_list_nothing(self):
        self.serve()
        for allowed in (None, []):
            with Commands(allowed) as host:
                result = host.run(f"curl -sS http://site.example/; curl -sS http://{PUBLIC}/; cat /etc/resolv.conf")
                self.assertNotIn("public", result["stdout"])
                self.assertEqual(host.executors("sallyport-broker"), [])
        self.assertEqual(self.names.asked, [])

    def test_refused_names_are_told_and_never_asked_for(self):
        self.serve()
        with Commands(["*.site.example"], ["bad.site.example"]) as host:
            result = host.run("for n in site.example evil.example bad.site.example; do getent hosts $n; done; curl -sS http://x.evil.example/")
            self.assertEqual(result["stdout"], "")
            self.assertEqual(targets(result), [("resolve", "site.example"), ("resolve", "evil.example"), ("resolve", "bad.site.example"),
                                               ("resolve", "x.evil.example")])
            self.assertEqual([denial["rule"] for denial in result["denials"]],
                             ["network.allowedDomains", "network.allowedDomains", "network.deniedDomains: bad.site.example",
                              "network.allowedDomains"])
            self.assertIn("could not resolve host", result["stderr"].lower())
            self.assertNotIn("denials", host.run("true"))
        self.assertEqual(self.names.asked, [])

    def test_refusals_that_are_told_are_bounded(self):
        """Who asks for a refused name again and again keeps nobody busy with it: LIMIT_BROKER_DENIALS a second."""
        with Commands(["site.example"]) as host:
            result = host.python("import time\nbegin = time.monotonic()\nfor n in range(3000): ask(question('evil.example'))\n"
                                 "print(int(time.monotonic() - begin))")
            told = sum(denial.get("count", 1) for denial in result["denials"])
            self.assertGreater(told, 0)
            self.assertLessEqual(told, 100 * (int(result["stdout"]) + 2), result)

    def test_a_name_that_means_something_inside(self):
        inside = self.serve("127.0.0.1", "inside")
        self.names.zone.update({"a.example": ["127.0.0.1"], "b.example": ["10.0.0.5"], "c.example": ["169.254.169.254"],
                                "turn.example": ([PUBLIC], ["127.0.0.1"])})
        self.serve()
        with Commands(["*.example"]) as host:
            for name in ("a", "b", "c"):
                result = host.run(f"curl -sS http://{name}.example/")
                self.assertNotIn("inside", result["stdout"])
                self.assertEqual(targets(result), [("connect", f"{name}.example:80")])
                self.assertIn("not a public address", result["denials"][0]["target"])
            self.assertEqual(host.run("curl -sS http://turn.example/")["stdout"], "public")
            self.assertEqual(targets(host.run("curl -sS http://turn.example/")), [("connect", "turn.example:80")])
        self.assertEqual(inside.connections, [])

    def test_addresses_written_out(self):
        self.serve(PUBLIC, "literal", 8080)
        self.serve("10.0.0.5", "private", 8081)
        local, other = self.serve("127.0.0.1", "local", 0), self.serve("127.0.0.1", "not named", 0)
        second = self.serve("127.0.0.2", "second", 0)  # of the loopback, and not what localhost means
        with Commands([f"{PUBLIC}:8080", "10.0.0.5:8081", f"localhost:{local.port}", f"127.0.0.2:{second.port}"]) as host:
            self.assertEqual(host.run(f"curl -sS http://127.0.0.2:{second.port}/")["stdout"], "second")
            self.assertEqual(host.run(f"curl -sS http://{PUBLIC}:8080/")["stdout"], "literal")
            self.assertEqual(host.run("curl -sS http://10.0.0.5:8081/")["stdout"], "private")
            for name in ("localhost", "127.0.0.1"):
                self.assertEqual(host.run(f"curl -sS http://{name}:{local.port}/")["stdout"], "local")
            for where in (f"127.0.0.1:{other.port}", f"{PUBLIC}:80", OTHER, "10.0.0.5:80", "169.254.169.254"):
                self.assertIn("Failed to connect", host.run(f"curl -sS http://{where}/")["stderr"], where)
        self.assertEqual(other.connections, [])

    def test_what_is_in_the_way_of_a_server_inside(self):
        """Only the ports that were named are taken; a command's own servers are its own."""
        with Commands(["site.example"]) as host:
            result = host.python("import socketserver, threading\n"
                                 "s = socket.create_server(('127.0.0.1', 8080)); c = socket.create_connection(('localhost', 8080))\n"
                                 "a, _ = s.accept(); a.send(b'own'); print(c.recv(3).decode())")
            self.assertEqual(result["stdout"], "" if CONTAINED else "own\n")  # there nobody can listen

    def test_names_as_programs_ask(self):
        with Commands(["*.site.example", "site.example:8443"]) as host:
            result = host.run("getent hosts a.site.example b.site.example; getent ahosts site.example; getent hosts localhost; hostname | xargs getent hosts")
            lines = [line.split() for line in result["stdout"].splitlines()]
            self.assertEqual(lines[0][1], "a.site.example")
            self.assertTrue(lines[0][0].startswith("198.1"))
            self.assertNotEqual(lines[0][0], lines[1][0])
            again = host.run("getent hosts a.site.example")
            self.assertEqual(again["stdout"].split()[0], lines[0][0])

    def test_raw_questions(self):
        with Commands(["site.example", "*.site.example"]) as host:
            result = host.python(r"""
a = ask(question("site.example")); print(code(a), struct.unpack(">H", a[6:8])[0], a[-4] == 198, a[:2] == b"\0\7")
for kind in (28, 16, 15, 33, 65): print(code(ask(question("site.example", kind))), struct.unpack(">H", ask(question("site.example", kind))[6:8])[0])
print(code(ask(question("evil.example"))), b"not among" in ask(question("evil.example", extra=OPT)), b"not among" in ask(question("evil.example")))
print(code(ask(question("localhost"))), ask(question("localhost"))[-4:], code(ask(question("1.0.0.127.in-addr.arpa", 12))))
print(code(ask(question("SiTe.ExAmPlE"))), b"SiTe" in ask(question("SiTe.ExAmPlE")))
base = question("site.example")
bad = [base[:-1], base + b"x", base[:12], base[:4] + b"\0\2" + base[6:], base[:12] + b"\xc0\x0c" + base[14:], base[:12] + b"\x40" + base[13:],
       question("x." * 130 + "example"), base[:4] + b"\0\0" + base[6:12], base[:10] + b"\0\1" + base[12:] + OPT + OPT, base[:10] + b"\0\2" + base[12:] + OPT]
print([code(ask(b)) for b in bad], code(ask(question("site.example", flags=0x2900))))
for silent in (b"", b"x", base[:11], question("site.example", flags=0x8100), b"\0" * 4000):
    try: ask(silent, 0.2); print("answered")
    except TimeoutError: pass
with socket.create_connection(("127.0.0.1", 53)) as s:
    for n in range(3): s.send(struct.pack(">H", len(base)) + base)
    got = b""
    while len(got) < 3 * (2 + len(a)): got += s.recv(4096)
    print(got[2:2 + len(a)] == a)
    s.send(b"\xff\xff"); print(s.recv(10))
for n in range(40):
    s = socket.create_connection(("127.0.0.1", 53)); s.close()
print(len({ask(question(f"n{n}.site.example"))[-4:] for n in range(10000)}))
""")
            self.assertEqual(result["stderr"], "")
            self.assertEqual(result["stdout"].splitlines(), [
                "0 1 True True", *["0 0"] * 5, "3 True False", "0 b'\\x7f\\x00\\x00\\x01' 3", "0 True",
                "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1] 4", "True", "b''", "10000"])
        self.assertEqual(self.names.asked, [])

    def test_half_closed_and_large(self):
        """The end of one direction is not the end of the other, and a slow reader gets everything."""
        def serve(connection, request):
            sent = len(request.split("\r\n\r\n", 1)[1])  # what came along with the head
            while data := connection.recv(65536):
                sent += len(data)
            connection.sendall(b"%d " % sent + b"x" * 20000000)
        self.serve(serve=serve)
        with Commands(["site.example"]) as host:
            result = host.python("s = socket.create_connection(('site.example', 80)); s.sendall(b'GET\\r\\n\\r\\n' + b'y' * 5000000)\n"
                                 "s.shutdown(socket.SHUT_WR)\nn = 0; first = s.recv(8)\n"
                                 "while True:\n d = s.recv(1 << 20)\n if not d: break\n n += len(d)\nprint(first, n)")
            self.assertEqual((result["stdout"], result["stderr"]), ("b'5000000 ' 20000000\n", ""))

    def test_bytes_of_all_connections_together_are_bounded(self):
        """Several small ones are as good as a large one. What is over is broken off, and said; another sandbox has its own."""
        self.serve(body="x" * 100000)
        line = "for n in 1 2 3 4; do curl -sS http://site.example/ | wc -c; done"
        with Commands(["site.example"], beside={"limits": {"networkBytes": 250000}}) as host, Commands(["site.example"]) as beside:
            result = host.run(f"{line}; ! curl -sS http://site.example/")
            sizes = [int(size) for size in result["stdout"].split()]
            self.assertTrue(sizes[:2] == [100000, 100000] and sum(sizes) < 250000 and result["exit_code"] == 0, result)
            self.assertEqual({denial["rule"] for denial in result["denials"]}, {"limits.networkBytes"}, result)
            self.assertIn("site.example:80", result["denials"][0]["target"])
            self.assertEqual(beside.run(line)["stdout"].split(), ["100000"] * 4)

    def test_what_is_broken_is_reset(self):
        """A connection that breaks off must not look like a complete answer."""
        def serve(connection, _):
            connection.sendall(b"part")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.serve(serve=serve)
        with Commands(["site.example", "nobody.site.example"]) as host:
            result = host.python("for name in ('site.example', 'nobody.site.example'):\n"
                                 " try:\n  s = socket.create_connection((name, 80)); s.send(b'GET\\r\\n\\r\\n')\n"
                                 "  while s.recv(10): pass\n  print('end')\n except ConnectionResetError: print('reset')")
            self.assertEqual(result["stdout"].split(), ["reset", "reset"], result)

    def test_the_broker_is_killed(self):
        self.serve()
        with Commands(["site.example"]) as host:
            self.assertEqual(host.run("curl -sS http://site.example/; echo x > $TMPDIR/mark")["stdout"], "public")
            for _ in range(3):
                old, = host.executors("sallyport-broker")
                os.kill(old, signal.SIGKILL)
                result = host.run("curl -sS --retry 20 --retry-all-errors --retry-delay 1 http://site.example/; cat $TMPDIR/mark; getent hosts no.example")
                self.assertEqual((result["stdout"], targets(result)), ("publicx\n", [("resolve", "no.example")]))
                new, = host.executors("sallyport-broker")
                self.assertNotEqual(old, new)

    def test_more_connections_than_there_may_be(self):
        """A storm waits for its turn; a command beside it is served, and all of it is freed with its sandbox."""
        hold, held = threading.Event(), threading.Semaphore(0)

        def serve(connection, request):
            if path_of(request) != "/quick":
                held.release()
                hold.wait(30 * SLOWNESS)
            connection.sendall(http("done"))
        self.serve(serve=serve)
        with Commands(["site.example"]) as host, Commands(["site.example"]) as beside:
            storm = host.begin("python3 -c \"import socket,time\nopen=[]\nfor n in range(350):\n s=socket.socket(); s.setblocking(False)\n"
                               " s.connect_ex((socket.gethostbyname('site.example'),80)); open.append(s)\n"
                               "for s in open:\n s.setblocking(True); s.settimeout(30)\n try: s.sendall(b'GET /slow HTTP/1.0\\r\\n\\r\\n')\n except OSError: pass\n"
                               "print('sent', flush=True)\nn=0\nfor s in open[:100]:\n n += b'done' in s.makefile('rb').read()\nprint(n)\"")
            for _ in range(200):
                self.assertTrue(held.acquire(timeout=30 * SLOWNESS))
            self.assertIn("done", beside.run("curl -sS http://site.example/quick")["stdout"])
            self.assertLessEqual(sum(held.acquire(blocking=False) for _ in range(150)), 56)  # of 350, LIMIT_BROKER_RELAYS at a time
            hold.set()
            self.assertEqual(host.end(storm)["stdout"].split(), ["sent", "100"])
            self.assertIn("done", host.run("curl -sS http://site.example/quick")["stdout"])

    def test_synthetic_addresses_that_mean_nothing(self):
        self.serve()
        with Commands(["site.example"]) as host:
            result = host.python("import random\nn = 0\nfor _ in range(300):\n"
                                 " a = f'198.{random.choice((18, 19))}.{random.randrange(256)}.{random.randrange(1, 255)}'\n"
                                 " s = socket.socket(); s.settimeout(10)\n"
                                 " try:\n  s.connect((a, 80)); s.send(b'GET / HTTP/1.0\\r\\n\\r\\n'); n += len(s.recv(10))\n except OSError: pass\n"
                                 "print(n)\nfor p in (1, 22, 53, 8080):\n"
                                 " try: socket.create_connection(('site.example', p), 5); print('open', p)\n except OSError as e: print(e.strerror)")
            self.assertEqual(result["stdout"].splitlines(), ["0"] + ["Connection refused"] * 4)
            self.assertEqual({denial["rule"] for denial in result["denials"]}, {"network.allowedDomains"})

    def test_what_is_refused_by_address(self):
        """Each kind that is not public, behind a name that is allowed: told by name, address and kind, and nobody was connected to."""
        local = self.serve("127.0.0.1", "inside")
        kinds = {"169.254.169.254": "link-local", "127.0.0.1": "loopback", "10.0.0.5": "private", "192.168.1.1": "private", "172.16.0.1": "private",
                 "100.64.0.1": "CGNAT", "0.0.0.0": "this network", "224.0.0.1": "multicast", "198.18.0.1": "for benchmarks", "168.63.129.16": "cloud",
                 "::1": "loopback", "::ffff:127.0.0.1": "IPv4-mapped", "64:ff9b::7f00:1": "NAT64", "2002:7f00:1::": "6to4", "2001::1": "Teredo",
                 "fd00::1": "unique local", "fe80::1": "link-local", "ff02::1": "multicast", "fd00:ec2::254": "unique local"}
        for number, address in enumerate(kinds):
            self.names.zone[f"n{number}.site.example"] = [address]
        with Commands(["*.site.example"]) as host:
            for first in range(0, len(kinds), 8):  # a result holds 16
                some = list(enumerate(kinds.items()))[first:first + 8]
                result = host.run("; ".join(f"curl -sS http://n{number}.site.example/" for number, _ in some))
                self.assertEqual(result["stdout"], "")
                self.assertEqual(targets(result), [("connect", f"n{number}.site.example:80") for number, _ in some], result)
                for denial, (_, (address, kind)) in zip(result["denials"], some):
                    self.assertIn(f"stands for {address}, which is not a public address", denial["target"])
                    self.assertIn(kind, denial["target"])
                    self.assertEqual(denial["rule"], "only public addresses, unless named")
                    self.assertIn(f'"[{address}]:80"' if ":" in address else f'"{address}:80"', denial["remedy"])
        self.assertEqual(local.connections, [])

    def test_an_address_that_is_named_and_its_name(self):
        self.serve("10.0.0.5", "private", 8081)
        self.names.zone["db.site.example"] = ["10.0.0.5"]
        with Commands(["db.site.example:8081", "10.0.0.5:8081"]) as host:
            self.assertEqual(host.run("curl -sS http://db.site.example:8081/")["stdout"], "private")
        with Commands(["db.site.example:8081", "10.0.0.5:8082"]) as host:
            self.assertEqual(targets(host.run("curl -sS http://db.site.example:8081/")), [("connect", "db.site.example:8081")])

    def test_every_other_address_is_unreachable(self):
        with Commands(["site.example"]) as host:
            result = host.python(r"""
import errno
for family, address in [(socket.AF_INET, a) for a in ("8.8.8.8", "169.254.169.254", "10.0.0.5", "93.184.216.34", "192.168.0.1", "198.20.0.1")] + [
        (socket.AF_INET6, a) for a in ("2606:2800:220:1::1", "fd00:ec2::254", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8")]:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        for port in (53, 80, 443):
            with socket.socket(family, kind) as s:
                try: s.connect((address, port)); print("connected", address, port)
                except OSError as e: print(errno.errorcode[e.errno])
""")
            if CONTAINED:  # whose name server is meant does not matter: what is asked there is asked of the broker
                self.assertEqual({line.split()[2] for line in result["stdout"].splitlines() if line.startswith("connected")}, {"53"}, result)
                self.assertIn(("connect", "8.8.8.8:80"), targets(result))
                result["stdout"] = "\n".join(line for line in result["stdout"].splitlines() if not line.startswith("connected"))
            self.assertEqual(set(result["stdout"].split()), {"ENETUNREACH"}, result)
            self.assertIn("Network is unreachable", host.run("exec 3<>/dev/tcp/8.8.8.8/443")["stderr"])

    def test_names_ports_and_who_wins(self):
        self.serve(body="eighty")
        self.serve(body="other", port=8443)
        for name in ("a.site.example", "b.a.site.example", "bad.site.example", "site.example.evil.example", "evilsite.example", "port.example"):
            self.names.zone[name] = [PUBLIC]
        with Commands(["*.site.example", "port.example:8443"], ["bad.site.example", "a.site.example:8443"]) as host:
            def get(where):
                result = host.run(f"curl -sS http://{where}/")
                return result["stdout"] or [(operation, target, denial["rule"]) for (operation, target), denial
                                            in zip(targets(result), result.get("denials", []))]
            self.assertEqual(get("a.site.example"), "eighty")
            self.assertEqual(get("b.a.site.example"), "eighty")
            self.assertEqual(get("port.example:8443"), "other")
            listed = "network.allowedDomains"
            self.assertEqual(get("site.example"), [("resolve", "site.example", listed)])
            self.assertEqual(get("evilsite.example"), [("resolve", "evilsite.example", listed)])
            self.assertEqual(get("site.example.evil.example"), [("resolve", "site.example.evil.example", listed)])
            self.assertEqual(get("bad.site.example"), [("resolve", "bad.site.example", "network.deniedDomains: bad.site.example")])
            self.assertEqual(get("port.example"), [("connect", "port.example:80", listed)])
            self.assertEqual(get("b.a.site.example:8443"), [("connect", "b.a.site.example:8443", listed)])
            self.assertEqual(get("a.site.example:8443"), [("connect", "a.site.example:8443", "network.deniedDomains: a.site.example:8443")])

    def test_what_a_model_reads_of_it(self):
        """One line that says what, why, what would be allowed, and what would have to change."""
        with Commands(["site.example", "*.other.example:8443"]) as host:
            text, result = host.result(host.begin("curl -sS https://evil.example/"))
            self.assertIn('Denied: resolve evil.example: evil.example is not among the allowed (network.allowedDomains). '
                          'Allowed: site.example, *.other.example:8443. Add "evil.example:80" to network.allowedDomains in the policy.', text)
            self.assertEqual(result["structuredContent"]["exit_code"], 6)

    def test_names_carry_nothing_out(self):
        """A tunnel: what is to leave stands in names below one that is not allowed, asked in every way there is."""
        with Commands(["site.example"]) as host:
            result = host.python(r"""
import os
names = [f"{os.urandom(30).hex()}.{os.urandom(30).hex()}.{n}.tunnel.example" for n in range(300)] + ["x.site.example", "site.example.tunnel.example"]
codes = set()
for name in names:
    for kind in (1, 28, 16, 255, 5): codes.add(code(ask(question(name, kind))))
with socket.create_connection(("127.0.0.1", 53)) as s:
    for name in names:
        q = question(name, 16); s.sendall(struct.pack(">H", len(q)) + q)
        length, = struct.unpack(">H", s.recv(2, socket.MSG_WAITALL)); codes.add(code(s.recv(length, socket.MSG_WAITALL)))
print(codes)
""")
            self.assertEqual(result["stdout"], "{3}\n", result)
            self.assertEqual(len(result["denials"]), 16)
        self.assertEqual(self.names.asked, [])

    def test_a_hostile_name_server(self):
        """What servers on the internet answer to the broker's own questions."""
        self.serve()
        good = struct.pack(">HHHIH", 0xc00c, 1, 1, 0, 4) + socket.inet_aton(PUBLIC)
        head = lambda query, count, rest: query[:2] + struct.pack(">HHHHH", 0x8180, 1, count, 0, 0) + query[12:] + rest
        answers = {"short": lambda query: query[:2], "empty": lambda _: b"", "liar": lambda query: head(query, 65535, good),
                   "loop": lambda query: head(query, 1, struct.pack(">H", 0xc000 | len(query)) + good[2:]), "noise": lambda query: query[:12] + os.urandom(4000),
                   "many": lambda query: head(query, 4000, good * 4000), "cut": lambda query: query[:2] + b"\x83\x80" + query[4:],
                   "another": lambda query: bytes([query[0] ^ 1]) + query[1:2] + head(query, 1, good)[2:]}
        self.names.zone.update({f"{name}.site.example": answer for name, answer in answers.items()})
        with Commands(["site.example", "*.site.example"]) as host:
            self.assertEqual(host.run("curl -sS http://site.example/")["stdout"], "public")
            broker, = host.executors("sallyport-broker")
            host.run(" & ".join(f"curl -s -m 5 http://{name}.site.example/ > /dev/null" for name in answers) + "; wait")
            self.assertEqual(host.run("curl -sS http://site.example/")["stdout"], "public")
            self.assertEqual(host.executors("sallyport-broker"), [broker])

    def held(self, host, program):
        """A command that says something and then waits; (what it says, how to let it go on and end)."""
        work = os.path.join(host.folder.name, "work")
        for name in ("said", "go"):
            path = os.path.join(work, name)
            if not os.path.exists(path):
                os.mkfifo(path)
                os.chmod(path, 0o666)
        call = host.send("tools/call", {"name": "run_command", "arguments": {
            "argv": ["/usr/bin/python3", "-c", ASK + program + "\nwith open('said', 'w') as said: said.write(str(says))\nopen('go').read()"]}})
        with open(os.path.join(work, "said"), encoding="ascii") as file:
            says = file.read()

        def go():
            with open(os.path.join(work, "go"), "w", encoding="ascii"):
                pass
            return host.end(call)
        return says, go

    def test_the_address_that_another_sandbox_got(self):
        """A name's address means something only where the name was asked for; two sandboxes of one broker at the same time."""
        server = self.serve()
        with Commands(["site.example"], beside={"sandbox": {"lifetime": "call"}}) as host:
            address, go = self.held(host, "says = socket.gethostbyname('site.example')")
            result = host.run(f"curl -sS -m 20 http://{address}/")
            self.assertEqual((result["stdout"], targets(result)), ("", [("connect", f"{address}:80")]))
            self.assertEqual(go().get("denials"), None)
            self.assertEqual(server.connections, [])

    def test_connections_that_say_nothing(self):
        """More than are heard, to DNS and to a host, each with half a message: others are answered, and so are datagrams."""
        self.serve()
        with Commands(["site.example"], beside={"sandbox": {"lifetime": "call"}}) as host:
            for where, half in ((("127.0.0.1", 53), b"\0"), (("site.example", 80), b"GET")):
                program = (f"held = []\nfor n in range(120):\n s = socket.create_connection({where!r}); s.send({half!r}); held.append(s)\n"
                           "says = code(ask(question('site.example')))")
                says, go = self.held(host, program)
                self.assertEqual(says, "0")
                self.assertEqual(host.run("curl -sS http://site.example/")["stdout"], "public")
                self.assertEqual(host.python("with socket.create_connection(('127.0.0.1', 53)) as s:\n q = question('site.example')\n"
                                             " s.sendall(struct.pack('>H', len(q)) + q); print(code(s.recv(4096)[2:]))")["stdout"], "0\n")
                go()

    def test_what_a_command_holds(self):
        """No socket of ours is open in it, and it may not take the listeners' places."""
        with Commands(["site.example"]) as host:
            result = host.python("import os\nfor f in os.listdir('/proc/self/fd'):\n"
                                 " try: print(os.readlink('/proc/self/fd/' + f).split(':')[0])\n except OSError: pass\n"
                                 "for p in (53, 80, 443):\n"
                                 " try: socket.create_server(('127.0.0.1', p), reuse_port=True); print('took', p)\n except OSError as e: print(e.errno)")
            self.assertNotIn("took", result["stdout"])
            self.assertNotIn("socket", result["stdout"])


def furnished(programs):
    with tempfile.TemporaryDirectory() as furniture:
        os.chmod(furniture, 0o755)
        furnish(furniture)
        main(programs)


if __name__ == "__main__":
    enter(__file__, lambda: furnished(["sallyport"]))
