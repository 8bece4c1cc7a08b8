#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Names, robots.txt, servers that are busy, and one policy for fetch_url and for the commands inside: through the whole server.

usage: test_world_names.py SALLYPORT. See test_world.py.
"""

from harness import Server, answering, http, path_of
from test_commands import Commands
from test_names import OTHER, PUBLIC
from world import AT, HASTE, Client, Secure, Site, Web, chain, run, tls


class Names(Web):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for address, body in ((PUBLIC, "public"), (OTHER, "another")):
            cls.ending.enter_context(Server(Site({"/": http(body)}), address, port=80))
        cls.inside = cls.ending.enter_context(Server(answering("inside"), "127.0.0.1", port=80))

    def test_failures_in_words(self):
        self.names.zone.update({"broken.example": "fail", "empty.example": [], "mute.example": "silence"})
        for name, words in (("missing", "looking up missing.example failed: there is no such name"), ("empty", "the name has no address"),
                            ("broken", "looking up broken.example failed: ")):
            self.check(f"http://{name}.example/", words)
        with Client(within=HASTE) as hasty:
            self.check("http://mute.example/", "looking up the host", failed=False, client=hasty)

    def test_aliases(self):
        self.names.zone["www.example"] = chain("www.example", "cdn.example", "edge.cdn.example", "a1.edge.cdn.example")
        self.check("http://www.example/", "http://www.example/\n", "\n\npublic\n", failed=False)
        self.names.zone["in.example"] = chain("in.example", "localhost", address="127.0.0.1")
        self.check("http://in.example/", "Denied: ", "in.example stands for 127.0.0.1, which is not a public address (loopback)")
        self.names.zone["round.example"] = chain("round.example", "other.round.example", "round.example", "x.round.example", address="10.0.0.5")
        self.check("http://round.example/")
        self.names.zone["long.example"] = chain("long.example", *(f"n{n}.example" for n in range(100)))
        self.client.says("http://long.example/")  # one way or the other; others go on
        self.check("http://site.example/", "public", failed=False)

    def test_rebinding(self):
        """First public, then inside, in any order and between robots.txt and its page: what is connected to was judged."""
        for number, turns in enumerate((([PUBLIC], ["127.0.0.1"]), ([PUBLIC], ["10.0.0.5"]), ([PUBLIC], ["169.254.169.254"]), ([PUBLIC], [PUBLIC], ["127.0.0.1"]))):
            name = f"turn{number}.example"
            self.names.zone[name] = turns
            for _ in range(4):
                text = self.client.says(f"http://{name}/")
                self.assertNotIn("inside", text.replace(name, ""))
            self.check(f"http://{name}/", "Denied: ", "which is not a public address")
        self.assertEqual(self.inside.connections, [])

    def test_mixed_answers(self):
        self.names.zone.update({"mixed.example": ["10.0.0.5", "127.0.0.1", PUBLIC, "::1", "fd00::1"], "old.example": ["::ffff:10.0.0.5"], "six.example": ["fd00::1"]})
        self.check("http://mixed.example/", "public", failed=False)
        for name in ("old", "six"):
            self.check(f"http://{name}.example/", "Denied: ", "which is not a public address")
        self.assertEqual(self.inside.connections, [])


class Robots(Web):
    """network.robots is on unless policy says otherwise."""

    def serve(self, robots, address=PUBLIC):
        site = Site({"/": http("page"), "/open/x": http("open"), "/private/x": http("private"), "/robots.txt": robots})
        server = Server(site, address, port=80)
        self.enterContext(server)
        return self.enterContext(Client()), server

    def test_what_it_says(self):
        client, server = self.serve(http("User-agent: *\nDisallow: /private\nUser-agent: sallyport\nDisallow: /p*/x$\nAllow: /open\n"))
        self.check("http://site.example/open/x", "\n\nopen\n", failed=False, client=client)
        text = self.check("http://site.example/private/x", "Denied: fetch http://site.example/private/x", "robots.txt", 'says "Disallow: /p*/x$"', "network.robots",
                          client=client)
        self.assertEqual([path_of(request) for request in server.requests], ["/robots.txt", "/open/x"], text)
        with Client({"robots": False}) as rude:
            self.check("http://site.example/private/x", "\n\nprivate\n", failed=False, client=rude)

    def test_what_is_no_permission(self):
        """RFC 9309, sections 2.3.1.3 and 2.3.1.4: what cannot be reached is a no, what is not there a yes."""
        for status, allowed in (("500 Oops", False), ("503 Busy", False), ("404 Not Found", True), ("403 Forbidden", True), ("429 Slowly", None), ("204 No", True)):
            with self.subTest(status):
                client, server = self.serve(http(status=status))
                text, result = client.fetch("http://site.example/")
                if allowed is not None:
                    self.assertEqual("\n\npage\n" in text, allowed, text)
                if not allowed and allowed is not None:
                    self.assertIn("its robots.txt cannot be read, which counts as no (RFC 9309)", text)
                    self.assertEqual(result["_meta"]["sallyport.dev/denial"]["rule"], "robots.txt")
                self.doCleanups()

    def test_one_that_leads_inside(self):
        with Server(answering("User-agent: *\nAllow: /"), "127.0.0.1", port=80) as inside:
            client, _ = self.serve(http(status="302 Found", headers=["Location: http://127.0.0.1/robots.txt"]))
            self.check("http://site.example/", "Denied: ", client=client)
            self.assertEqual(inside.connections, [])

    def test_one_without_end(self):
        def serve(connection, _):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nUser-agent: *\nDisallow: /private\n")
            while True:
                connection.sendall(b"# nothing to see here, but a lot of it\n" * 1000)
        client, _ = self.serve(serve)
        self.check("http://site.example/", "\n\npage\n", failed=False, client=client)
        self.check("http://site.example/private/x", "Denied: ", client=client)


class Busy(Web):
    """429 and 503, by their own clock."""

    def serve(self, *answers):
        left = list(answers)
        site = Site({"/": lambda connection, _: connection.sendall(left.pop(0) if len(left) > 1 else left[0])})
        server = Server(site, PUBLIC, port=80)
        self.enterContext(server)
        return server

    def tries(self, server):
        return [path_of(request).split("?")[0] for request in server.requests].count("/")

    def test_another_try(self):
        for number, answer in enumerate((http(status="429 Slowly", headers=["Retry-After: 1"]), http(status="503 Busy", headers=["Retry-After: 0"]),
                                         http(status="503 Busy"), http(status="503 Busy", headers=["Retry-After: Thu, 01 Jan 1970 00:00:00 GMT"]))):
            server = self.serve(answer, http("served"))
            self.check(f"http://site.example/?{number}", "200 · ", "\n\nserved\n", failed=False)
            self.assertEqual(self.tries(server), 2)
            self.doCleanups()

    def test_too_late_for_this_call(self):
        server = self.serve(http("come later", status="503 Busy", headers=["Retry-After: 3600"]))
        self.check("http://site.example/", "503 · ", "come later", "[The server asks to be tried again in 3600 s.]", failed=False)
        self.assertEqual(self.tries(server), 1)

    def test_not_for_ever(self):
        server = self.serve(http("never", status="429 Slowly", headers=["Retry-After: 0"]))
        self.check("http://site.example/", "429 · ", "never", failed=False)
        self.assertEqual(self.tries(server), 5)

    def test_other_failures_are_answers(self):
        for status in ("500 Oops", "502 Gateway", "504 Gateway", "404 Not Found"):
            server = self.serve(http("so it is", status=status, headers=["Retry-After: 0"]))
            self.check(f"http://site.example/", f"{status[:3]} · ", "so it is", failed=False)
            self.assertEqual(self.tries(server), 1)
            self.doCleanups()


HOSTS = ["site.example", "a.site.example", "b.a.site.example", "notsite.example", "other.example.net", "private.example", "meta.example", "named.example", "SITE.example.",
         PUBLIC, OTHER, "10.0.0.5", "169.254.169.254", "missing.example"]
POLICIES = [({"allowedDomains": ["site.example"]}), ({"allowedDomains": ["*.site.example"]}), ({"allowedDomains": ["*.example"], "deniedDomains": ["a.site.example"]}),
            ({"allowedDomains": ["*.example", "10.0.0.5"]}), ({"allowedDomains": ["site.example:8080", "*.site.example:80"]}),
            ({"allowedDomains": ["*.example", PUBLIC, OTHER], "deniedDomains": [OTHER]}), ({"allowedDomains": ["site.example", "*.site.example"],
             "deniedDomains": ["*.a.site.example", "site.example:8080"]}), ({"allowedDomains": []}), ({"allowedDomains": ["*.example"], "deniedDomains": [PUBLIC]}),
            ({"allowedDomains": [PUBLIC + ":8080", "10.0.0.5:80", "private.example"]})]


class OnePolicy(Web):
    """What curl inside reaches and what fetch_url reaches are the same, whatever the policy."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.names.zone.update({"a.site.example": [PUBLIC], "b.a.site.example": [OTHER], "notsite.example": [OTHER], "other.example.net": [PUBLIC],
                               "private.example": ["10.0.0.5"], "meta.example": ["169.254.169.254"], "named.example": ["10.0.0.5", PUBLIC]})
        for address in (PUBLIC, OTHER, "10.0.0.5"):
            for port in (80, 8080):
                cls.ending.enter_context(Server(Site({"/": http("arrived")}), address, port=port))

    def test_agreement(self):
        places = [f"{host}:{port}" for host in HOSTS for port in (80, 8080)]
        asked = arrived = 0
        for policy in POLICIES:
            with Commands(policy["allowedDomains"], policy.get("deniedDomains")) as host:
                lines = "".join(f"echo {place} $(curl -sS --connect-timeout 20 --max-time 20 http://{place}/ 2>/dev/null); " for place in places)
                said = dict((line.split() + [""])[:2] for line in host.run(lines)["stdout"].splitlines())
                calls = {place: host.start(f"http://{place}/") for place in places}
                for place, call in calls.items():
                    text, result = host.result(call)
                    self.assertEqual("arrived" in text, said[place] == "arrived", (policy, place, said[place], text))
                    asked, arrived = asked + 1, arrived + ("arrived" in text)
        print(f"{asked} cases, {arrived} of them arrive", flush=True)
        self.assertTrue(asked * 0.1 < arrived < asked * 0.9)

    def test_git_and_pip_by_the_same_rule(self):
        """tests/web/tools.py has what they reach; here is what they do not, and why."""
        with Commands(["site.example"], ["a.site.example"]) as host:
            for name, rule in (("a.site.example", "network.deniedDomains: a.site.example"), ("notsite.example", "network.allowedDomains")):
                text, result = host.fetch(f"http://{name}/")
                self.assertEqual(result["_meta"]["sallyport.dev/denial"]["rule"], rule)
                for line in (f"git ls-remote http://{name}/x.git", f"/usr/bin/python3 -m pip download -q --retries 0 --index-url https://{name}/simple/ x", f"curl http://{name}/"):
                    result = host.run(line)
                    self.assertIn("denials", result, line)
                    denial, = result["denials"]
                    self.assertEqual((denial["rule"], denial["target"].split(":")[0]), (rule, name))

    def test_https_too(self):
        good = Secure({"site.example": tls(AT.authority.issue("site.example"))}, answering("arrived"))
        with good, Commands(["site.example:443"]) as host:
            self.assertIn("arrived", host.fetch("https://site.example/")[0])
            self.assertEqual(host.run("curl -sS https://site.example/")["stdout"], "arrived")
            self.assertIn("Denied: ", host.fetch("http://site.example/")[0])


if __name__ == "__main__":
    run(__file__)
