#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Commands without a network of their own: the sockets that the keeper and the broker make for them, and who else might use those.

usage: test_connected.py SALLYPORT. What commands reach is the same as anywhere: test_commands.py runs in this profile as well.
"""

import os
import socket
import unittest

import test_commands
from harness import http, path_of
from namespace import INSIDE, enter
from test_commands import Commands, furnished, targets
from test_names import OTHER, PUBLIC, Names

# who makes a socket as a C program does, without what Python does about it
RAW = r"""
import ctypes, errno, os, select, struct, threading
libc = ctypes.CDLL(None, use_errno=True)
def connect(fd, address, port, family=socket.AF_INET):
    at = struct.pack("=H", family) + struct.pack(">H", port) + socket.inet_aton(address) + bytes(8)
    return 0 if libc.connect(fd, at, len(at)) == 0 else errno.errorcode[ctypes.get_errno()]
def get(s, path="/"):
    s.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    return s.makefile("rb").read().split(b"\r\n\r\n")[-1].decode()
site = socket.gethostbyname("site.example")
"""


class Connected(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.names = Names()
        cls.names.zone = {"site.example": [PUBLIC], "other.site.example": [OTHER]}

    serve = test_commands.Reach.serve

    def says(self, program, *said, allowed=("site.example",), denied=()):
        """What a program prints, under a policy."""
        with Commands(list(allowed)) as host:
            result = host.python(RAW + program)
            self.assertEqual((result["stdout"].split("\n")[:-1], result["stderr"]), (list(said), ""), result)
            self.assertEqual(targets(result), list(denied))

    def test_flags_and_options_of_what_was_replaced(self):
        self.serve()
        self.says("for flags in (0, socket.SOCK_NONBLOCK, socket.SOCK_CLOEXEC, socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC):\n"
                  " s = socket.socket(socket.AF_INET, socket.SOCK_STREAM | flags); s.setblocking(not flags & socket.SOCK_NONBLOCK)\n"
                  " os.set_inheritable(s.fileno(), not flags & socket.SOCK_CLOEXEC); n = s.fileno()\n"
                  " print(connect(n, site, 80), s.fileno() == n, os.get_inheritable(n), os.get_blocking(n))\n"
                  " select.select([], [s], []); print(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), s.getsockopt(6, 1), s.getpeername()[0])\n"
                  " s.setsockopt(6, 1, 1); s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1); s.setblocking(True); print(get(s))",
                  "0 True True True", "0 1 127.0.0.1", "public", "EINPROGRESS True True False", "0 1 127.0.0.1", "public",
                  "0 True False True", "0 1 127.0.0.1", "public", "EINPROGRESS True False False", "0 1 127.0.0.1", "public")

    def test_connecting_again(self):
        """It is connected, and stays so: also by another of its numbers, in a child, and when it is to be dissolved."""
        self.serve()
        self.says("s = socket.socket(); print(connect(s.fileno(), site, 80), connect(s.fileno(), site, 80), connect(s.fileno(), '8.8.8.8', 80))\n"
                  "t = s.dup(); print(connect(t.fileno(), site, 80), connect(s.fileno(), '0.0.0.0', 0, 0), connect(t.fileno(), '0.0.0.0', 0, 0), flush=True)\n"
                  "if os.fork() == 0: print(connect(s.fileno(), site, 80), flush=True); os._exit(0)\n"
                  "os.wait(); print(get(t))", "0 EISCONN EISCONN", "EISCONN EACCES EACCES", "EISCONN", "public")

    def test_what_is_no_address(self):
        """As the kernel answers it."""
        self.says("s = socket.socket(); n = s.fileno()\n"
                  "def say(*arguments): print(errno.errorcode[ctypes.get_errno()] if libc.connect(*arguments) else 0)\n"
                  "good = struct.pack('=H', 2) + struct.pack('>H', 80) + socket.inet_aton(site) + bytes(8)\n"
                  "say(n, good, 4); say(n, good, 1); say(n, good, 200); say(n, good, -1); say(n, None, 16); say(n, ctypes.c_void_p(1), 16)\n"
                  "say(999, good, 16); say(-1, good, 16); say(os.open('/dev/null', 0), good, 16); say(n, struct.pack('=H', 1) + b'/run/x\\0', 9)\n"
                  "say(n, struct.pack('=H', 40) + bytes(14), 16); say(n, good[:2] + bytes(2) + good[4:], 16)",
                  "EINVAL", "EINVAL", "EINVAL", "EINVAL", "EFAULT", "EFAULT", "EBADF", "EBADF", "ENOTSOCK", "EACCES", "EAFNOSUPPORT", "ECONNREFUSED")

    def test_listening_and_binding(self):
        """Any port of any address is nothing asked for; to listen nobody can, nor to be one of the machine's addresses."""
        self.says("def say(what, *arguments):\n try: what(*arguments); print(0)\n except OSError as e: print(errno.errorcode[e.errno])\n"
                  "for family, any in ((socket.AF_INET, '0.0.0.0'), (socket.AF_INET6, '::')):\n"
                  " for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):\n  s = socket.socket(family, kind); say(s.bind, (any, 0)); say(s.bind, (any, 8080))\n"
                  "s = socket.socket(); say(s.bind, ('127.0.0.1', 0)); say(s.listen); print(s.getsockname())\n"
                  "say(socket.socket, socket.AF_UNIX); say(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW); say(socket.socketpair, socket.AF_UNIX, socket.SOCK_DGRAM)",
                  *["0", "EACCES"] * 4, "EACCES", "EACCES", "('0.0.0.0', 0)", "EACCES", "EACCES", "EACCES")

    def test_both_families_mean_the_same(self):
        """IPv4 written as IPv6 is IPv4, as for a JVM, which writes all so."""
        self.serve()
        self.says("for a in (site, '8.8.8.8'):\n s = socket.socket(socket.AF_INET6)\n"
                  " try: s.connect(('::ffff:' + a, 80)); print(get(s))\n except OSError as e: print(errno.errorcode[e.errno])",
                  "public", "ENETUNREACH", denied=[("connect", "8.8.8.8:80")])

    def test_names_by_messages_of_all_kinds(self):
        """Over what stands for UDP: by each call that sends and receives, to each name server, also one that is no name server."""
        self.says("q = question('site.example')\n"
                  "for a, family in (('127.0.0.53', 2), ('8.8.8.8', 2), ('::1', 10), ('fd00::1', 10)):\n"
                  " s = socket.socket(family, socket.SOCK_DGRAM); s.setsockopt(0, 11, 1); s.settimeout(10); s.connect((a, 53))\n"
                  " print([code(f()) for f in (lambda: (s.send(q), s.recv(999))[1], lambda: (s.sendmsg([q[:5], q[5:]]), s.recvmsg(999)[0])[1],\n"
                  "  lambda: (os.write(s.fileno(), q), select.select([s], [], [], 10), os.read(s.fileno(), 999))[2], lambda: (s.sendto(q, (a, 99)), s.recvfrom(999)[0])[1])])\n"
                  "s.send(b''); s.send(b'x'); s.send(bytes(4000)); s.send(q); print(code(s.recv(999)))\n"
                  "s.connect(('9.9.9.9', 53)) if s.family == 2 else s.connect(('fd00::2', 53)); s.send(q); print(code(s.recv(999)))\n"
                  "s = socket.socket(type=socket.SOCK_DGRAM); print(connect(s.fileno(), '8.8.8.8', 443))",
                  *["[0, 0, 0, 0]"] * 4, "0", "0", "ENETUNREACH")

    def test_more_lines_than_there_may_be(self):
        """Those that were silent longest end; whoever asks is answered. None of it stays in the broker, nor what is sent along, which the
        kernel does not even take (from Linux 6.16 on): one that lingers would make the broker wait when it closes it."""
        with socket.socket(socket.AF_UNIX) as one:
            try:
                one.getsockopt(socket.SOL_SOCKET, 83)  # SO_PASSRIGHTS
                sent = "refused"
            except OSError:
                sent = "sent"
        with Commands(["site.example"]) as host:
            result = host.python(RAW + "lines = []\nfor n in range(300):\n s = socket.socket(type=socket.SOCK_DGRAM); s.connect(('9.9.9.9', 53)); lines.append(s)\n"
                                 "null = os.open('/dev/null', 0)\n"
                                 "for n in range(20):\n s = lines[-1]\n try: socket.send_fds(s, [question('site.example')], [null] * 5); s.recv(999); said = 'sent'\n"
                                 " except PermissionError: said = 'refused'\n"
                                 "print(said, code(ask(question('site.example'))))")
            self.assertEqual((result["stdout"], result["stderr"]), (f"{sent} 0\n", ""), result)
            broker, = host.executors("sallyport-broker")
            if os.environ[INSIDE] == "root":  # who else may look
                held = [os.readlink(f"/proc/{broker}/fd/{fd}") for fd in os.listdir(f"/proc/{broker}/fd")]
                self.assertLessEqual(held.count("/dev/null"), 3)
                self.assertLess(len(held), 40)

    def test_strangers_at_the_broker_s_door(self):
        """What listens on the machine's loopback for the broker's own connections serves nobody who comes there by himself."""
        server = self.serve(serve=lambda connection, request: connection.sendall(http(path_of(request))))
        with Commands(["site.example"]) as host:
            self.assertEqual(host.run("curl -sS http://site.example/mine")["stdout"], "/mine")
            with open("/proc/net/tcp", encoding="ascii") as table:
                rows = [line.split() for line in table][1:]
            doors = [int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and row[1].startswith("0100007F")]
            self.assertEqual(len(doors), 1, rows)
            for _ in range(200):
                with socket.create_connection(("127.0.0.1", doors[0]), 10) as stranger:
                    try:
                        stranger.sendall(b"GET /stranger HTTP/1.0\r\n\r\n")
                        self.assertEqual(stranger.recv(10), b"")
                    except ConnectionError:
                        pass
            result = host.run(f"curl -sS http://127.0.0.1:{doors[0]}/; curl -sS http://site.example/mine")
            self.assertEqual((result["stdout"], targets(result)), ("/mine", [("connect", f"127.0.0.1:{doors[0]}")]))
        self.assertNotIn("/stranger", "".join(server.requests))

    def test_a_descriptor_that_is_taken_away_meanwhile(self):
        """Another thread closes it and puts others in its place while the keeper connects: whatever becomes of it, commands go on."""
        self.serve()
        with Commands(["site.example"]) as host:
            result = host.python(RAW + "null, over = os.open('/dev/null', os.O_RDWR), threading.Event()\nfd = socket.socket().detach()\n"
                                 "def take():\n while not over.is_set(): os.dup2(null, fd); libc.close(fd); libc.dup2(socket.socket().detach(), fd)\n"
                                 "thread = threading.Thread(target=take); thread.start()\nsaid = {connect(fd, site, 80) for n in range(100)}\n"
                                 "over.set(); thread.join(); print(said <= {0, 'EBADF', 'ENOTSOCK', 'EISCONN', 'EMFILE', 'EBUSY'} or said)")
            self.assertEqual((result["stdout"], result["stderr"]), ("True\n", ""), result)
            self.assertEqual(host.run("curl -sS http://site.example/")["stdout"], "public")

    def test_names_that_the_machine_searches(self):
        """The machine's resolv.conf says to try names with a domain behind them: that is nothing the command wanted."""
        with Commands(["*.site.example"]) as host:
            result = host.run("getent hosts a.site.example; getent ahostsv6 a.site.example; getent hosts evil.example; getent hosts $(uname -n)")
            self.assertEqual(targets(result), [("resolve", "evil.example")])

    def test_explained(self):
        with Commands(["site.example"]) as host:
            text, result = host.result(host.send("tools/call", {"name": "explain_access", "arguments": {}}))
            self.assertEqual(result["structuredContent"]["profile"], "container")
            self.assertIn("Network of commands: as fetch_url's; they cannot listen", text)
            text, _ = host.result(host.send("tools/call", {"name": "explain_access", "arguments": {"url": "http://site.example/"}}))
            self.assertIn("This holds for fetch_url and for commands", text)


if __name__ == "__main__":
    enter(__file__, lambda: furnished(["sallyport"]))
