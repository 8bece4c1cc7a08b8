#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks first and then tries, in generated cases of (policy, host, port): what explain_access foretells is what the broker does.

usage: test_foretold.py BARE_BROKER BARE_WEB SALLYPORT. In a network namespace of its own, where every address of the cases is on the
loopback and something listens on each of the ports, so that what passes arrives. Every case is put before the broker, a part
of them also before fetch_url of the confined server. SALLYPORT_TEST_SEED chooses other cases.
"""

import errno
import json
import os
import random
import socket
import struct
import tempfile
import unittest

from harness import CONNECT, CONNECTED, REFUSED, Broker, Reader, Server, answering, frame, main, receive, text
from namespace import enter, stranger
from test_confined import Host
from test_names import OTHER, PUBLIC, Names, add_address, furnish

SEED = int(os.environ.get("SALLYPORT_TEST_SEED", "4"))
POLICIES, FETCHED = 60, 6
SPECIAL = ["10.0.0.5", "127.0.0.1", "127.0.0.2", "192.168.1.1", "169.254.169.254", "100.64.0.1", "::1", "::ffff:10.0.0.5"]
ZONE = {"site.example": [PUBLIC], "a.site.example": [PUBLIC], "b.a.site.example": [OTHER], "notsite.example": [OTHER], "example": [PUBLIC],
        "inside.example": ["10.0.0.5"], "metadata.example": ["169.254.169.254"]}
HOSTS = [*ZONE, "localhost", "app.localhost", "0.0.0.0", PUBLIC, OTHER, *SPECIAL]
ENTRIES = [*HOSTS, "*.site.example", "*.a.site.example", "*.example", "SITE.example", "site.example.", "0x7f.1", "2130706434"]
PORTS = [80, 443, 8080, 5432]
OWN = "default: a sandbox's own loopback"  # there is none here, so nothing listens; and the broker never hears of it


def bracketed(host):
    return f"[{host}]" if ":" in host else host


def entry(random_):
    host = random_.choice(ENTRIES)
    port = random_.choice([0, 0, *PORTS])
    return f"{bracketed(host)}:{port}" if port else host


def generated(random_):
    """The network part of a policy."""
    policy = {}
    if random_.random() < 0.8:
        policy["allowedDomains"] = sorted({entry(random_) for _ in range(random_.choice([0, 2, 6, 12, 20]))})
    if random_.random() < 0.5:
        policy["deniedDomains"] = sorted({entry(random_) for _ in range(random_.choice([1, 2, 5]))})
    return policy


class Confined(Host):
    prefix = stranger()


class Foretold:
    """One policy: a server that is asked what would be."""

    def __init__(self, policy):
        self.policy, self.host, self.known = policy, Confined(policy), {}

    def ask(self, host, port):
        if (host, port) not in self.known:
            call = self.host.send("tools/call", {"name": "explain_access", "arguments": {"url": f"http://{bracketed(host)}:{port}/"}})
            self.known[host, port] = self.host.result(call)[1]["structuredContent"]
        return self.known[host, port]

    def verdict(self, host, port):
        """Whether it passes, and the rule. Of a name it is said that its address must be public or named, so that is asked too."""
        facts = self.ask(host, port)
        address = ZONE.get(host, [""])[0]
        if not facts["allowed"] or not address:
            return facts["allowed"], facts["rule"]
        behind = self.ask(address, port)
        if behind["rule"].startswith("network.deniedDomains"):
            return False, behind["rule"]
        if address in SPECIAL:
            return behind["allowed"], "only public addresses, unless named"
        return True, facts["rule"]


def rules_in_force(host):
    """What the server made of the policy's entries, in their one spelling: [(host, port)] allowed and denied."""
    call = host.send("tools/call", {"name": "explain_access", "arguments": {}})
    network = host.result(call)[1]["structuredContent"]["network"]

    def split(rule):
        name, colon, port = rule.rpartition(":")
        if rule.startswith("[") and not rule.endswith("]") or colon and "[" not in rule and rule.count(":") == 1:
            return name.strip("[]"), int(port)
        return rule.strip("[]"), 0
    return {"allow": [split(rule) for rule in network.get("allowed", [])], "deny": [split(rule) for rule in network["denied"]],
            "listed": "allowed" in network}


@unittest.skipUnless(os.path.exists("/proc/net/if_inet6"), "this kernel has no IPv6")
class Cases(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.names = Names()
        cls.names.zone = ZONE
        cls.servers = [Server(answering("arrived"), "::", socket.AF_INET6, port) for port in PORTS]

    def policies(self, count):
        for number in range(count):
            foretold = Foretold(generated(random.Random(SEED * 1000 + number)))
            with foretold.host:
                yield foretold

    def test_what_is_foretold_the_broker_does(self):
        cases = passed = 0
        for foretold in self.policies(POLICIES):
            broker = Broker(**rules_in_force(foretold.host))
            client = broker.client()
            for host in HOSTS:
                for port in PORTS:
                    allowed, rule = foretold.verdict(host, port)
                    if rule == OWN:
                        continue
                    client.send(frame(CONNECT, 1, text(host) + struct.pack("<II", port, 10000)))
                    kind, _, value, _, payload, descriptors = receive(client)
                    for descriptor in descriptors:
                        os.close(descriptor)
                    self.assertEqual(kind, CONNECTED if allowed else REFUSED,
                                     (foretold.policy, host, port, foretold.ask(host, port), errno.errorcode.get(value), payload))
                    if not allowed:
                        self.assertEqual(Reader(payload).text(), rule, (foretold.policy, host, port))
                    cases, passed = cases + 1, passed + allowed
            client.close()
            broker.close()
        print(f"{cases} cases, {passed} of them pass; SALLYPORT_TEST_SEED={SEED}", flush=True)
        self.assertGreater(cases, 3000)
        self.assertTrue(cases * 0.05 < passed < cases * 0.95, "cases that mostly end alike prove little")

    def test_what_is_foretold_fetch_url_does(self):
        for foretold in self.policies(FETCHED):
            for host in HOSTS:
                for port in PORTS:
                    allowed, rule = foretold.verdict(host, port)
                    shown, result = foretold.host.fetch(f"http://{bracketed(host)}:{port}/")
                    why = (foretold.policy, host, port, foretold.ask(host, port), shown)
                    self.assertEqual("arrived" in shown, allowed and rule != OWN, why)
                    self.assertEqual(f"nothing listens on port {port} in your sandbox" in shown, rule == OWN, why)
                    if not allowed:
                        self.assertEqual(result["_meta"]["sallyport.dev/denial"]["rule"], rule, why)


def inside():
    with tempfile.TemporaryDirectory() as furniture:
        os.chmod(furniture, 0o755)
        furnish(furniture)
        for place in SPECIAL:
            if not place.startswith(("127.", "::", "10.")):
                add_address(place)
        main(["broker", "web", "sallyport"])


if __name__ == "__main__":
    enter(__file__, inside, programs=3)
