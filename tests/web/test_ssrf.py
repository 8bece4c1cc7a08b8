#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of ssrf.tsv: every spelling of a place inside is refused with its rule, or reached where the policy names that address; and
every spelling of the loopback is the sandbox's own.

usage: test_ssrf.py BARE_BROKER BARE_WEB SALLYPORT. In a network namespace of its own, where every address of the table that can be
is on the loopback and one listener on port 80 hears all of them: what is refused connects nowhere. What cannot be read as a URL
never leaves the frontend, so that is asked through the whole server, as is explain_access for every row.
"""

import errno
import os
import socket
import tempfile
import threading
import unittest

from harness import DENIED, FAILURE, HERE, NOT_IN_SANDBOX, RESULT, Web, frame, http, main, path_of, text
from namespace import enter, stranger
from test_confined import Host
from test_names import PUBLIC, PUBLIC6, Names, add_address, furnish

RULE = "only public addresses, unless named"
OWN = "default: a sandbox's own loopback"


def table():
    with open(os.path.join(HERE, "ssrf.tsv"), encoding="ascii") as file:
        for line in file:
            if not line.startswith("#"):
                kind, url, outcome = line.rstrip("\n").split("\t")
                yield kind, url.encode().decode("unicode_escape"), outcome


ROWS = list(table())


def rows(*kinds):
    return [(url, outcome) for kind, url, outcome in ROWS if kind in kinds]


def places(*kinds):
    """(URL, address, what it is) of what is inside."""
    return [(url, *outcome.split(" ", 1)) for url, outcome in rows(*kinds or ("inside", "loopback"))]


class Heard:
    """One listener for IPv4 and IPv6: which of the loopback's addresses were connected to."""

    def __init__(self, port=80):
        self.addresses, self.redirect = [], None
        self.listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            self.addresses.append(connection.getsockname()[0].removeprefix("::ffff:"))
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        request = b""
        with connection:
            while b"\r\n\r\n" not in request:
                data = connection.recv(65536)
                if not data:
                    return
                request += data
            if self.redirect and path_of(request.decode("latin-1")).startswith("/redirect?"):
                answer = http(status="302 Found", headers=["Location: HERE"])
                connection.sendall(answer.replace(b"HERE", self.redirect.encode()))
            else:
                connection.sendall(http("arrived", headers=['Alt-Svc: http/1.1="127.0.0.1:80"; persist=1, h2="10.0.0.5:80"']))

    def since(self):
        """What was heard since this was asked last."""
        heard, self.addresses = self.addresses, []
        return heard


@unittest.skipUnless(os.path.exists("/proc/net/if_inet6"), "this kernel has no IPv6")
class Table(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.names, cls.heard = Names(), Heard()
        cls.names.zone = {"site.example": [PUBLIC], "127.0.0.1.site.example": [PUBLIC], "localhost.site.example": [PUBLIC],
                          "xn--bcher-kva.example": [PUBLIC]}

    def setUp(self):
        self.heard.since()
        self.heard.redirect = None
        self.names.turn = {}

    def explained(self, host, url):
        """(allowed, rule, reason) as explain_access has them."""
        facts = host.result(host.send("tools/call", {"name": "explain_access", "arguments": {"url": url}}))[1]["structuredContent"]
        return facts["allowed"], facts["rule"], facts["reason"]

    def test_the_table_is_large(self):
        self.assertGreater(len(ROWS), 150)
        self.assertEqual(len({url for _, url, _ in ROWS}), len(ROWS))

    def test_what_cannot_be_read_is_refused(self):
        with Confined({}) as host:
            for url, sentence in rows("refused"):
                with self.subTest(url):
                    if "\0" in url:  # no message may have one: the reader of JSON has refused it
                        self.assertIn("error", host.wait(host.start(url)))
                        continue
                    shown, result = host.fetch(url)
                    self.assertTrue(result["isError"], shown)
                    self.assertIn(sentence, shown)
                    allowed, rule, reason = self.explained(host, url)
                    self.assertEqual((allowed, rule), (False, "only http and https URLs that can be read in one way"))
                    self.assertIn(sentence, reason)
        self.assertEqual(self.heard.since(), [])

    def test_what_is_inside_is_refused(self):
        with Web(listed=False) as web, Confined({}) as host:
            for url, address, what in places("inside"):
                with self.subTest(url):
                    got = web.fetch(url)
                    self.assertEqual((got.kind, getattr(got, "rule", None)), (DENIED, RULE))
                    self.assertIn(what, got.target)
                    self.assertTrue(address in got.target or "::1" in got.target, got.target)
                    self.assertEqual(self.explained(host, url)[:2], (False, RULE))
            for url, rule in rows("port"):
                got = web.fetch(url)
                self.assertEqual((got.kind, got.rule), (DENIED, rule))
                self.assertEqual(self.explained(host, url)[:2], (False, rule))
        self.assertEqual(self.heard.since(), [])

    def test_the_loopback_is_the_sandbox_s(self):
        """The frontend is asked for a connection in it, the broker for none."""
        with Web(listed=False) as web, Confined({}) as host:
            for url, address, _ in places("loopback"):
                with self.subTest(url):
                    call = web.start(url)
                    while not web.inside:
                        web.turn()
                    number, place, _, port, _ = web.inside.pop()
                    bare = address.removeprefix("::ffff:")
                    named = url.lower().rstrip("./").endswith("localhost") or bare in ("0.0.0.0", "::")
                    wanted = 0 if named else 1 if bare == "::1" else int.from_bytes(socket.inet_aton(bare), "big")
                    self.assertEqual((place, port), (wanted, 80))
                    web.frontend.send(frame(NOT_IN_SANDBOX, number, text("nothing listens"), value=errno.ECONNREFUSED))
                    self.assertEqual(web.wait(call).kind, FAILURE)
                    self.assertEqual(self.explained(host, url)[:2], (True, OWN))
        with Web(listed=False, deny=[("localhost", 0)]) as web, Confined({"deniedDomains": ["localhost"]}) as host:
            for url, _, _ in places("loopback"):
                with self.subTest("denied " + url):
                    self.assertEqual((web.fetch(url).kind, web.inside), (DENIED, []))
                    self.assertEqual(self.explained(host, url)[:2], (False, "network.deniedDomains: localhost"))
        self.assertEqual(self.heard.since(), [])

    def test_what_is_inside_is_reached_where_it_is_named(self):
        """The broker does not refuse, and what can be connected to in this namespace is: that address and no other."""
        arrived = set()
        for address in sorted({address for _, address, _ in places()}):
            spelled = f"[{address}]" if ":" in address else address
            with Web([(address, 80)]) as web, Confined({"allowedDomains": [spelled]}) as host:
                for url, _, _ in (place for place in places() if place[1] == address and ".localhost" not in place[0].lower()):
                    with self.subTest(url):
                        got = web.fetch(url)
                        self.assertNotEqual(got.kind, DENIED, getattr(got, "rule", ""))
                        self.assertEqual(self.explained(host, url)[:2], (True, f"network.allowedDomains: {address}"))
                        heard = self.heard.since()
                        if got.kind == RESULT:
                            self.assertEqual((got.content, len(heard)), ("arrived", 1))
                            if address not in ("0.0.0.0", "::"):  # Linux takes them for its loopback
                                self.assertEqual(heard[0], address.removeprefix("::ffff:"))
                            arrived.add(address)
                        else:
                            self.assertEqual((got.kind, heard), (FAILURE, []))
        self.assertGreaterEqual(arrived, {"127.0.0.1", "::1", "10.0.0.5", "169.254.169.254", "100.64.0.1", "fd00:ec2::254", "2002:7f00:1::1"})

    def test_a_neighbour_is_not_named(self):
        for named, url in (("10.0.0.5", "http://10.0.0.6/"), ("10.0.0.5", "http://10.0.0.5:443/"), ("10.0.0.5", "http://[::ffff:10.0.0.5]/"),
                           ("169.254.169.254", "http://[64:ff9b::a9fe:a9fe]/"), ("0.0.0.0", "http://0.0.0.1/")):
            with Web([(named, 80)]) as web:
                self.assertEqual(web.fetch(url).kind, DENIED, url)
        self.assertEqual(self.heard.since(), [])

    def test_what_is_public_arrives_as_it_is_read(self):
        with Web(listed=False) as web, Confined({}) as host:
            for url, read in rows("public"):
                with self.subTest(url):
                    got = web.fetch(url.strip())
                    self.assertEqual((got.kind, getattr(got, "url", None)), (RESULT, read))
                    self.assertEqual(self.explained(host, url)[0], True)
                    heard = self.heard.since()
                    self.assertEqual(len(heard), 1)
                    self.assertIn(heard[0], (PUBLIC, PUBLIC6))

    def test_names_that_stand_for_it(self):
        addresses = sorted({address for _, address, _ in places()})
        for number, address in enumerate(addresses):
            self.names.zone[f"n{number}.example"] = [address]
        for policy in ({"listed": False}, {"allow": [("*.example", 0)]}):
            with Web(**policy) as web:
                for number, address in enumerate(addresses):
                    with self.subTest(address):
                        got = web.fetch(f"http://n{number}.example/")
                        self.assertEqual((got.kind, got.rule), (DENIED, RULE))
                        self.assertIn(f"n{number}.example stands for {address}", got.target)
        self.assertEqual(self.heard.since(), [])

    def test_a_metadata_name(self):
        """No list of names is needed: what it stands for decides."""
        self.names.zone["metadata.google.internal"] = ["169.254.169.254"]
        with Web(listed=False) as web:
            self.assertEqual(web.fetch("http://metadata.google.internal/computeMetadata/v1/").rule, RULE)
        with Web([("metadata.google.internal", 80)]) as web:
            self.assertEqual(web.fetch("http://metadata.google.internal/").rule, RULE)
        with Web([("metadata.google.internal", 80), ("169.254.169.254", 80)]) as web:
            self.assertEqual(web.fetch("http://metadata.google.internal/").content, "arrived")
        self.assertEqual(self.heard.since(), ["169.254.169.254"])

    def test_mixed_answers(self):
        self.names.zone["mixed.example"] = ["127.0.0.1", "169.254.169.254", PUBLIC, "::1", "fd00:ec2::254"]
        with Web(listed=False) as web:
            for number in range(5):  # not from what is kept
                self.assertEqual(web.fetch(f"http://mixed.example/{number}").content, "arrived")
        self.assertEqual(self.heard.since(), [PUBLIC] * 5)

    def test_answers_that_change(self):
        """Whatever a name says from one question to the next, what was judged is what is connected to."""
        for turns in (([PUBLIC], ["127.0.0.1"]) * 4, (["127.0.0.1"], [PUBLIC]) * 4, ([PUBLIC, "10.0.0.5"], ["10.0.0.5"]) * 4):
            self.names.zone["turn.example"], self.names.turn = turns, {}
            with Web(listed=False) as web:
                kinds = {web.fetch(f"http://turn.example/{number}").kind for number in range(8)}
            self.assertIn(DENIED, kinds)
        self.assertEqual(set(self.heard.since()), {PUBLIC})

    def test_redirects(self):
        """To every row: the first hop is heard, the second only where it is public."""
        with Web(listed=False) as web:
            for number, (kind, url, outcome) in enumerate(ROWS):
                if any(c in "\r\n" for c in url):
                    continue  # would end the header
                with self.subTest(url):
                    self.heard.redirect = url
                    got = web.fetch(f"http://site.example/redirect?{number}")
                    heard = self.heard.since()
                    if kind == "public":
                        self.assertEqual((got.kind, got.url), (RESULT, outcome))
                        continue
                    relative = "://" not in url and not url.startswith(("//", "http", "data:", "javascript:", "about:"))
                    self.assertEqual(heard[1:], [PUBLIC] if relative and got.kind == RESULT else [])
                    if kind in ("inside", "loopback", "port"):
                        rule = {"port": outcome, "inside": RULE, "loopback": "redirect"}[kind]
                        self.assertEqual((got.kind, got.rule), (DENIED, rule))
                        self.assertEqual(web.inside, [])
                        self.assertIn("a redirect from http://site.example/redirect", got.target)
                    elif not relative and not url.startswith("//"):
                        self.assertEqual(got.kind, FAILURE)

    def test_proxies_and_alternative_services(self):
        proxies = {name: "http://127.0.0.1:80/" for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")}
        with Web(listed=False, environment={**proxies, "NO_PROXY": "", "no_proxy": "other.example"}) as web:
            for number in range(3):  # the answer names an alternative inside
                self.assertEqual(web.fetch(f"http://site.example/{number}").content, "arrived")
        self.assertEqual(self.heard.since(), [PUBLIC] * 3)


class Confined(Host):
    prefix = stranger()


def inside():
    with tempfile.TemporaryDirectory() as furniture:
        os.chmod(furniture, 0o755)
        furnish(furniture)
        for place in sorted({address for _, address, _ in places()}):
            try:
                add_address(place)
            except OSError:
                pass  # multicast and the like: what is refused is refused all the same
        main(["broker", "web", "sallyport"])


if __name__ == "__main__":
    enter(__file__, inside, programs=3)
