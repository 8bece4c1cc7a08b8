#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Names and public addresses, without any network: a namespace of our own where public-looking addresses are on the loopback and
resolv.conf names a server of ours, which answers what a test says: also first this and then that.
"""

import ctypes
import fcntl
import os
import socket
import struct
import tempfile
import threading
import unittest

from harness import DENIED, FAILURE, LOADING, RESULT, SLOWNESS, Server, Web, answering, http, main
from namespace import enter

PUBLIC, OTHER, PUBLIC6 = "93.184.216.34", "151.101.1.69", "2606:2800:220:1::1"
SILENT, SILENT6 = "93.184.216.99", "2606:2800:220:1::99"  # nobody has them


class Names:
    """A DNS server: `zone` maps a name to a list of addresses, "nothing" (NXDOMAIN), "fail" (SERVFAIL) or "silence", or a
    function from question to answer; a list of such
    in a tuple is given out one after the other, the last for ever."""

    def __init__(self):
        self.zone, self.asked, self.turn = {}, [], {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def value(self, name, kind):
        value = self.zone.get(name, "nothing")
        if isinstance(value, tuple):
            at = self.turn.get((name, kind), 0)
            self.turn[name, kind] = at + 1
            value = value[min(at, len(value) - 1)]
        return value

    def serve(self):
        while True:
            query, client = self.socket.recvfrom(4096)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            kind, = struct.unpack_from(">H", query, at + 1)
            name = ".".join(labels).lower()
            self.asked.append(name)
            value = self.value(name, kind)
            if callable(value):  # says itself what is sent
                self.socket.sendto(value(query), client)
                continue
            if value == "silence":
                continue
            code = {"nothing": 3, "fail": 2}.get(value if isinstance(value, str) else "", 0)
            family = socket.AF_INET if kind == 1 else socket.AF_INET6
            answers = [socket.inet_pton(family, address) for address in (value if code == 0 else ()) if (":" in address) == (kind == 28)]
            reply = query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(answers), 0, 0) + query[12:at + 5]
            for address in answers:
                reply += struct.pack(">HHHIH", 0xc00c, kind, 1, 0, len(address)) + address
            self.socket.sendto(reply, client)


class Public(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.names = Names()

    def setUp(self):
        self.names.zone = {"site.example": [PUBLIC]}
        self.names.turn, self.names.asked = {}, []

    def serve(self, address, body="public", port=80):
        server = Server(answering(body), address, socket.AF_INET6 if ":" in address else socket.AF_INET, port)
        self.addCleanup(server.close)
        return server

    def test_a_public_name_needs_no_rule(self):
        self.serve(PUBLIC)
        with Web(listed=False) as web:
            self.assertEqual(web.fetch("http://site.example/").content, "public")
            self.assertEqual(web.fetch("http://SITE.example./").url, "http://site.example/")
            self.assertEqual(web.fetch(f"http://{PUBLIC}/").content, "public")

    @unittest.skipUnless(os.path.exists("/proc/net/if_inet6"), "this kernel has no IPv6")
    def test_ipv6_too(self):
        self.serve(PUBLIC6)
        self.names.zone["six.example"] = [PUBLIC6]
        with Web(listed=False) as web:
            self.assertEqual(web.fetch("http://six.example/").content, "public")
            self.assertEqual(web.fetch(f"http://[{PUBLIC6}]/").content, "public")

    def test_a_name_that_means_something_inside(self):
        inside = self.serve("127.0.0.1")
        addresses = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.0.1", "0.0.0.0", "100.64.0.1", "::1", "fd00::1", "fe80::1",
                     "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "255.255.255.255", "224.0.0.1", "::"]
        for number, address in enumerate(addresses):
            self.names.zone[f"n{number}.example"] = [address]
        for policy in ({"listed": False}, {"allow": [("*.example", 0)]}):
            with Web(**policy) as web:
                for number, address in enumerate(addresses):
                    got = web.fetch(f"http://n{number}.example/")
                    self.assertEqual((got.kind, got.rule), (DENIED, "only public addresses, unless named"), address)
                    self.assertIn(f"n{number}.example stands for", got.target)
        self.assertEqual(inside.connections, [])

    def test_rebinding(self):
        """First public, then the loopback: each connection goes where its own answer was judged to be public."""
        inside = self.serve("127.0.0.1", "inside")
        self.serve(PUBLIC)
        self.names.zone["turn.example"] = ([PUBLIC], ["127.0.0.1"])
        with Web(listed=False) as web:
            self.assertEqual(web.fetch("http://turn.example/").content, "public")
            self.assertEqual(web.fetch("http://turn.example/").kind, DENIED)
        self.assertEqual(inside.connections, [])

    def test_a_redirect_to_a_name_that_means_something_inside(self):
        inside = self.serve("127.0.0.1", "inside")
        self.names.zone["inside.example"] = ["127.0.0.1"]
        server = Server(lambda connection, _: connection.sendall(http(status="302 Found", headers=["Location: http://inside.example/"])), PUBLIC,
                        port=80)
        self.addCleanup(server.close)
        with Web(listed=False) as web:
            got = web.fetch("http://site.example/")
            self.assertEqual(got.kind, DENIED)
            self.assertIn("inside.example stands for 127.0.0.1", got.target)
        self.assertEqual(inside.connections, [])

    def test_of_several_addresses_only_the_public_ones(self):
        inside = self.serve("127.0.0.1", "inside")
        self.serve(PUBLIC)
        self.names.zone["mixed.example"] = ["127.0.0.1", "10.0.0.1", PUBLIC, "::1"]
        with Web(listed=False) as web:
            for _ in range(5):
                self.assertEqual(web.fetch("http://mixed.example/").content, "public")
        self.assertEqual(inside.connections, [])

    def test_an_address_that_policy_names(self):
        self.serve("10.0.0.5", "inside", 8080)
        self.names.zone["db.example"] = ["10.0.0.5"]
        with Web([("db.example", 8080)]) as web:
            self.assertEqual(web.fetch("http://db.example:8080/").kind, DENIED)
        with Web([("db.example", 8080), ("10.0.0.5", 8080)]) as web:
            self.assertEqual(web.fetch("http://db.example:8080/").content, "inside")

    def test_denied_by_the_address_it_has(self):
        self.serve(PUBLIC)
        with Web(listed=False, deny=[(PUBLIC, 0)]) as web:
            self.assertEqual(web.fetch("http://site.example/").rule, "network.deniedDomains: " + PUBLIC)

    def test_what_is_refused_is_not_even_asked_for(self):
        with Web([("*.example", 0)], deny=[("secret.example", 0)]) as web:
            for url in ("http://secret.example/", "http://data.evil.invalid/", "http://site.example:8080/", "http://example/"):
                self.assertEqual(web.fetch(url).kind, DENIED, url)
        self.assertEqual(self.names.asked, [])

    def test_exactly_the_name_that_was_asked_for(self):
        """resolv.conf here has `search search.example`; a short name must not become another one."""
        self.names.zone["short.search.example"] = [PUBLIC]
        with Web(listed=False) as web:
            self.assertEqual(web.fetch("http://short/").kind, FAILURE)
        self.assertEqual(set(self.names.asked), {"short"})

    def test_hosts(self):
        self.serve(OTHER, "from hosts")
        with Web(listed=False) as web:
            self.assertEqual(web.fetch("http://in-hosts.example/").content, "from hosts")
            self.assertEqual(web.fetch("http://inside-hosts.example/").kind, DENIED)
        self.assertEqual(self.names.asked, [])

    def test_failures_in_words(self):
        self.names.zone.update({"broken.example": "fail", "empty.example": []})
        with Web(listed=False) as web:
            for name, words in (("missing.example", "looking up missing.example failed: there is no such name"),
                                ("empty.example", "the name has no address"), ("broken.example", "each of them failed")):
                got = web.fetch(f"http://{name}/", ms=20000)
                self.assertEqual(got.kind, FAILURE)
                self.assertIn(words, got.message)

    def test_a_silent_name_server_delays_nobody(self):
        self.serve(PUBLIC)
        self.names.zone["silent.example"] = "silence"
        with Web(listed=False) as web:
            slow = web.start("http://silent.example/", ms=1500)
            self.assertEqual(web.fetch("http://site.example/").content, "public")
            self.assertIsNone(web.answers[slow].kind)
            got = web.wait(slow)
            self.assertEqual(got.flags, LOADING)
            self.assertIn("looking up", got.broke)

    def test_an_address_that_is_silent_beside_one_that_is_not(self):
        self.serve(PUBLIC)
        self.names.zone["half.example"] = [SILENT, SILENT6, PUBLIC]
        with Web(listed=False) as web:
            got = web.fetch("http://half.example/")
            self.assertEqual((got.kind, got.content), (RESULT, "public"))
            self.assertLess(got.ms, 3000 * SLOWNESS)

    def test_wildcards(self):
        self.serve(PUBLIC)
        self.names.zone.update({"a.site.example": [PUBLIC], "site.example": [PUBLIC], "othersite.example": [PUBLIC]})
        with Web([("*.site.example", 0)]) as web:
            self.assertEqual(web.fetch("http://a.site.example/").content, "public")
            self.assertEqual(web.fetch("http://site.example/").kind, DENIED)
            self.assertEqual(web.fetch("http://othersite.example/").kind, DENIED)


# ---- the namespace ----

def add_address(address):
    """ip addr add ADDRESS dev lo"""
    index = socket.if_nametoindex("lo")
    if ":" in address:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, 0x8916, socket.inet_pton(socket.AF_INET6, address) + struct.pack("=Ii", 128, index))
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        add_address.count = getattr(add_address, "count", 0) + 1
        name = f"lo:{add_address.count}".encode()
        for request, value in ((0x8916, address), (0x891c, "255.255.255.255")):
            fcntl.ioctl(any_socket, request, struct.pack("16sHH4s8x", name, socket.AF_INET, 0, socket.inet_aton(value)))


def bind_mount(source, target):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), target.encode(), None, 4096, None) != 0:
        raise OSError(ctypes.get_errno(), "mount " + target)


def furnish(folder):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # up
    for address in (PUBLIC, OTHER, "10.0.0.5", PUBLIC6):
        if ":" not in address or os.path.exists("/proc/net/if_inet6"):
            add_address(address)
    for name, content in (("resolv.conf", "nameserver 127.0.0.1\nsearch search.example\n"),
                          ("hosts", f"# hosts\n127.0.0.1 localhost\n{OTHER}\tother.example IN-hosts.example # x\n10.0.0.5 inside-hosts.example\n")):
        path = os.path.join(folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(content)
        bind_mount(path, os.path.realpath("/etc/" + name))


def inside():
    with tempfile.TemporaryDirectory() as furniture:
        furnish(furniture)
        main()


if __name__ == "__main__":
    enter(__file__, inside, programs=2)
