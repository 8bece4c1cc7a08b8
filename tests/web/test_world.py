#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A web of the test's own as the server sees it under its default policy: TLS, HTTP/2 by nginx, compressed bodies.

usage: test_world.py SALLYPORT. Names, public-looking addresses and an authority in the system's bundle are the test's own: it runs in a
network and a mount namespace, as whoever starts it.
"""

import contextlib
import gzip
import os
import socket
import ssl
from unittest import mock

from harness import HERE, SANITIZED, Server, answering, http
from test_names import OTHER, PUBLIC
from world import (AT, BROTLI_BOMB, BROTLI_WORDS, FUTURE, HASTE, PAST, PLACES, Authority, Client, Nginx, Secure, Site, Web, closed, memory, run, tls, zstd,
                   zstd_plain)

BODY_LIMIT = 16 << 20
BAD = PLACES[-1]


class Certificates(Web):
    """Which of them is accepted, and what is wrong with the others."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        issue, old = AT.authority.issue, ssl.TLSVersion
        good, self_signed = issue("good.example", "*.wild.example"), AT.authority.self_signed("self.example")
        contexts = {"good.example": tls(good), "www.wild.example": tls(good), "a.www.wild.example": tls(good),
                    "wrong.example": tls(good), "expired.example": tls(issue("expired.example", when=PAST)),
                    "future.example": tls(issue("future.example", when=FUTURE)), "self.example": tls(self_signed),
                    "unknown.example": tls(Authority(AT.folder, "nobody").issue("unknown.example")),
                    "revoked.example": tls(issue("revoked.example"))}
        cls.server = cls.ending.enter_context(contextlib.closing(Secure(contexts, Site({"/": http("private talk")}))))
        cls.single = {}
        cls.names.zone = {name: [PUBLIC] for name in contexts}
        for place, version in zip(PLACES, (old.TLSv1_3, old.TLSv1_2, old.TLSv1_1, old.TLSv1)):
            name = version.name.lower().replace("_", "") + ".example"
            server = Secure({name: tls(issue(name), version, version)}, Site({"/": lambda connection, _: connection.sendall(http(connection.version()))}), place)
            cls.single[name] = cls.ending.enter_context(contextlib.closing(server))
            cls.names.zone[name] = [place]
        cls.names.zone.update({"bad.example": [BAD]})

    def test_a_good_one(self):
        self.server.asked.clear()
        self.check("https://good.example/", "private talk", failed=False)
        self.check("https://WWW.wild.example./", "private talk", failed=False)
        self.assertEqual(set(self.server.asked), {"good.example", "www.wild.example"})  # SNI: without the dot at the end

    def test_an_address_is_no_name(self):
        self.server.asked.clear()
        self.check(f"https://{PUBLIC}/", "its TLS certificate is not accepted", f"target host name '{PUBLIC}'")
        self.assertEqual(set(self.server.asked), {None})  # RFC 6066, section 3

    def test_each_fault_in_words(self):
        for host, words in (("expired", "certificate has expired"), ("future", "certificate is not yet valid"),
                            ("wrong", "no alternative certificate subject name matches target host name 'wrong.example'"),
                            ("a.www.wild", "matches target host name 'a.www.wild.example'"), ("self", "self-signed certificate"),
                            ("unknown", "unable to get local issuer certificate")):
            with self.subTest(host):
                self.check(f"https://{host}.example/", "its TLS certificate is not accepted", words)
        self.assertEqual([request for request in self.server.requests if "Host: good" not in request and "wild" not in request], [])

    def test_revocation_is_not_asked_about(self):
        """As docs/threat-model.md says."""
        self.check("https://revoked.example/", "private talk", failed=False)

    def test_versions(self):
        for name, version in (("tlsv12", "TLSv1.2"), ("tlsv13", "TLSv1.3")):
            self.check(f"https://{name}.example/", version, failed=False)
        for name in ("tlsv1.example", "tlsv11.example"):
            self.check(f"https://{name}/", "the TLS handshake failed", "older than TLS 1.2")
            self.assertEqual(self.single[name].requests, [])

    def test_neither_side_speaks_it(self):
        server = Server(None, BAD, port=443)
        server.handle = lambda connection: (connection.recv(100), connection.sendall(http("plain")), closed(connection))
        with server:
            self.check("https://bad.example/", "the TLS handshake failed")

    def test_handshakes_that_come_to_nothing(self):
        def closing(connection):
            connection.recv(100)
            connection.close()

        def resetting(connection):
            connection.recv(100)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
            connection.close()

        def silent(connection):
            closed(connection)
            connection.close()

        for handle, words in ((closing, ["the TLS handshake failed"]), (resetting, ["the TLS handshake failed"])):
            server = Server(None, BAD, port=443)
            server.handle = handle
            with server, self.subTest(handle.__name__):
                self.check("https://bad.example/", *words)
        server = Server(None, BAD, port=443)
        server.handle = silent
        with server, Client(within=HASTE) as impatient:
            self.assertIn("reading robots.txt of the host, in the TLS handshake. The same call again waits", impatient.says("https://bad.example/"))


class Proxies(Web):
    def test_those_of_the_environment_are_ignored(self):
        """Not even asked, whatever they are called."""
        proxy = f"http://{OTHER}:3128"
        kinds = {name: proxy for kind in ("http", "https", "all", "ftp", "socks") for name in (f"{kind}_proxy", f"{kind}_proxy".upper())}
        with Server(answering("from the proxy"), OTHER, port=3128) as server, Server(answering("itself"), PUBLIC, port=80), \
             mock.patch.dict(os.environ, {**kinds, "no_proxy": "", "NO_PROXY": "", "SSL_CERT_FILE": os.path.join(HERE, "certificates/other.pem"),
                                          "CURL_CA_BUNDLE": "/nowhere", "SSLKEYLOGFILE": os.path.join(AT.folder, "keys")}), Client() as client:
            self.assertIn("itself", client.says("http://site.example/"))
            self.assertEqual(server.connections, [])
            good = Secure({"site.example": tls(AT.authority.issue("site.example"))}, answering("trusted"))
            with good:
                self.assertIn("trusted", client.says("https://site.example/"))
            self.assertEqual(server.connections, [])
        self.assertFalse(os.path.exists(os.path.join(AT.folder, "keys")))


class Second(Web):
    """HTTP/2, by nginx."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nginx = cls.ending.enter_context(contextlib.closing(Nginx(AT.folder, AT.authority.issue("site.example"))))

    def test_it_is_spoken(self):
        text = self.check("https://site.example/spoken", "HTTP/2.0 TLSv1.3 site.example", failed=False)
        for encoding in ("gzip", "br", "zstd"):
            self.assertIn(encoding, text)
        text, result = self.client.fetch("https://site.example/away")
        self.assertEqual(text.split("\n")[0], "https://site.example/spoken")
        self.assertEqual(result["_meta"]["sallyport.dev/result"]["redirects"], 1)

    def test_compressed_and_large(self):
        page = "".join(f"line {n} of many, each of them a little different\n" for n in range(40000))
        self.nginx.write("page", page.encode())
        text, result = self.client.fetch("https://site.example/page", max_length=10000)
        facts = result["_meta"]["sallyport.dev/result"]
        self.assertEqual((facts["bytes"], facts["characters"]), (len(page), len(page)))
        self.assertTrue(text.split("\n\n", 1)[1].startswith(page[:facts["nextOffset"]]))

    def test_a_hundred_at_once(self):
        self.nginx.write("small", b"x" * 30000)
        calls = [self.client.start(f"https://site.example/small?{n}") for n in range(100)]
        for call in calls:
            self.assertIn("30000 bytes", self.client.result(call)[0])

    def test_what_is_not_there(self):
        self.check("https://site.example/nothing", "404 · text/html", failed=False)

    def test_alternative_services_are_not_taken(self):
        with Server(answering("elsewhere"), "127.0.0.1", port=80) as other:
            for n in range(3):
                self.check(f"https://site.example/alternative?{n}", "spoken here", failed=False)
        self.assertEqual(other.connections, [])


class Encodings(Web):
    def test_each_of_them(self):
        words = "plain words, " * 20
        compressed = gzip.compress(words.encode())
        for number, (body, encoding) in enumerate(((compressed, "gzip"), (BROTLI_WORDS, "br"), (zstd_plain(words.encode()), "zstd"),
                                                   (words.encode(), "identity"), (gzip.compress(compressed), "gzip, gzip"), (compressed, "x-gzip"))):
            with self.subTest(encoding), Server(Site({"/": http(body, headers=[f"Content-Encoding: {encoding}"])}), PUBLIC, port=80):
                self.check(f"http://site.example/?{number}", "\n\n" + words, f"{len(words)} bytes", failed=False)

    def test_broken_ones(self):
        for number, (body, encoding) in enumerate(((b"no such thing", "gzip"), (b"no such thing", "br"), (b"no such thing", "zstd"), (BROTLI_WORDS, "gzip"))):
            with self.subTest(encoding), Server(Site({"/": http(body, headers=[f"Content-Encoding: {encoding}"])}), PUBLIC, port=80):
                self.check(f"http://site.example/?{number}", "its compressed body is broken")
        with Server(Site({"/": http(b"words", headers=["Content-Encoding: sdch"])}), PUBLIC, port=80):
            self.check("http://site.example/", "its compressed body is broken")

    def test_bombs(self):
        """Only so much is unpacked, and what it took is given back."""
        sixty_four = 64 << 20
        inner = gzip.compress(b"a" * sixty_four, 1)
        for body, encoding in ((inner, "gzip"), (BROTLI_BOMB, "br"), (zstd(b"a", 1 << 30), "zstd"), (gzip.compress(inner), "gzip, gzip"),
                               (gzip.compress(zstd(b"a", 1 << 30)), "zstd, gzip")):
            with self.subTest(encoding), Client() as client, Server(Site({"/": http(body, headers=[f"Content-Encoding: {encoding}"])}), PUBLIC, port=80):
                text, result = client.fetch("http://site.example/")
                self.assertIn(f"[Only the first {BODY_LIMIT} bytes of the body were read; it goes on past them.]", text)
                self.assertEqual(result["_meta"]["sallyport.dev/result"]["bytes"], BODY_LIMIT)
                web, = client.executors("sallyport-web")
                if not SANITIZED:
                    self.assertLess(memory(web), 96 << 10)
                    client.until(lambda pid=web: memory(pid, "VmRSS") < 48 << 10)

    def test_many_bombs_at_once(self):
        """More than all loads together may hold: some are told to call again, nobody else notices."""
        body = http(gzip.compress(b"a" * (64 << 20), 1), headers=["Content-Encoding: gzip"])
        with Client() as client, Server(Site({"/bomb": body, "/": http("quiet")}), PUBLIC, port=80):
            calls = [client.start(f"http://site.example/bomb?{n}") for n in range(24)]
            self.assertIn("quiet", client.says("http://site.example/"))
            for call in calls:
                text, result = client.result(call)
                self.assertIn("too much is being fetched at once; call again later" if result.get("isError") else "[Only the first", text)
            web, = client.executors("sallyport-web")
            if not SANITIZED:
                self.assertLess(memory(web), 256 << 10)


if __name__ == "__main__":
    run(__file__)
