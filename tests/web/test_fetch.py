#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fetch_url's executor: what comes back, in parts, over redirects, by policy, over TLS."""

import errno
import gzip
import os
import ssl
import struct
import unittest

from harness import (AGAIN, BINARY, DENIED, FAILURE, FORM_RAW, HERE, IS_MEDIA, KEPT, RESULT, Server, Web, allow, answering, http, main, path_of)


class Answers(unittest.TestCase):
    """What comes back from a server that means well."""

    def test_text_as_it_is(self):
        with Server(answering("one\ntwo\n")) as server, Web(allow(server)) as web:
            got = web.fetch(server.url + "/a?b=c#d")
            self.assertEqual((got.kind, got.status, got.type, got.bytes, got.next), (RESULT, 200, "text/plain", 8, 0))
            self.assertEqual(got.content, "one\ntwo\n")
            self.assertTrue(got.text.startswith(server.url + "/a?b=c\n200 · text/plain · 8 bytes\n\n"), got.text)
            self.assertEqual(path_of(server.requests[0]), "/a?b=c")

    def test_html_becomes_text_and_raw_stays(self):
        page = "<!doctype html><title>A &amp; B</title><script>x<y</script><h1>Head</h1><p>One<br>two<ul><li>x<li>y</ul>"
        with Server(answering(page, "text/html; charset=utf-8")) as server, Web(allow(server)) as web:
            got = web.fetch(server.url + "/")
            self.assertEqual(got.content, "Head\n\nOne\ntwo\n\n- x\n- y")
            self.assertEqual(got.title, "A & B")
            self.assertIn(" · A & B\n", got.text)
            self.assertEqual(web.fetch(server.url + "/", form=FORM_RAW).content, page)

    def test_character_sets(self):
        def serve(connection, request):
            kind, body = {"/1": ("text/plain; charset=ISO-8859-1", "Grüße €".encode("cp1252")),
                          "/2": ("text/html", "<meta charset='windows-1252'>“é”".encode("cp1252")),
                          "/3": ("text/plain", "\ufeffäöü 𝄞".encode("utf-16-le")),
                          "/4": ("text/plain", "\ufeffBOM".encode())}[path_of(request)]
            connection.sendall(http(body, kind))
        with Server(serve) as server, Web(allow(server)) as web:
            contents = [web.fetch(f"{server.url}/{n}").content for n in (1, 2, 3, 4)]
            self.assertEqual(contents, ["Grüße €", "“é”", "äöü 𝄞", "BOM"])

    def test_what_is_not_what_it_claims_is_told(self):
        with Server(answering(b"a\xffb\xfec", "text/plain; charset=utf-8")) as server, Web(allow(server)) as web:
            got = web.fetch(server.url)
            self.assertEqual(got.content, "a\ufffdb\ufffdc")
            self.assertIn("2 places were not UTF-8", got.broke)

    def test_compressed(self):
        body = gzip.compress(b"hello " * 1000)
        with Server(answering(body, headers=["Content-Encoding: gzip"])) as server, Web(allow(server)) as web:
            got = web.fetch(server.url)
            self.assertEqual((got.bytes, got.content), (6000, "hello " * 1000))
            self.assertIn("gzip", server.requests[0].lower())

    def test_images_and_binaries(self):
        picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 600
        with Server(answering(picture, "image/png")) as server, Web(allow(server)) as web:
            got = web.fetch(server.url)
            size = struct.unpack_from("<I", got.media)[0]
            self.assertEqual((got.flags, got.media[4:4 + size], got.media[4 + size:]), (IS_MEDIA, b"image/png", picture))
            small = web.fetch(server.url, result_bytes=1000)
            self.assertEqual((small.flags, small.media), (BINARY, b""))
        with Server(answering(b"PK\3\4\0\0", "application/zip")) as server, Web(allow(server)) as web:
            self.assertEqual(web.fetch(server.url).flags, BINARY)

    def test_status_and_empty_bodies(self):
        with Server(answering("gone", status="404 Not Found")) as server, Web(allow(server)) as web:
            got = web.fetch(server.url)
            self.assertEqual((got.status, got.content), (404, "gone"))
        with Server(answering(b"", kind=None, status="204 No Content")) as server, Web(allow(server)) as web:
            got = web.fetch(server.url)
            self.assertEqual((got.status, got.bytes, got.characters), (204, 0, 0))

    def test_what_is_sent(self):
        def serve(connection, _):
            connection.sendall(http("x", headers=["Set-Cookie: a=b; Path=/", 'Alt-Svc: h2="127.0.0.1:1"']))
        proxies = {name: "http://127.0.0.1:1/" for name in ("http_proxy", "https_proxy", "ALL_PROXY", "all_proxy")}
        with Server(serve) as server, Web(allow(server), environment=proxies) as web:
            for _ in range(2):
                self.assertEqual(web.fetch(server.url).content, "x")
            for request in server.requests:
                self.assertIn("User-Agent: sallyport/", request)
                self.assertNotIn("Cookie", request)
                self.assertIn(f"Host: 127.0.0.1:{server.port}", request)

    def test_an_interim_answer_chunks_and_trailers(self):
        def serve(connection, _):
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\nContent-Type: image/png\r\nLocation: /no\r\n\r\nHTTP/1.1 200 OK\r\n"
                               b"Transfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n"
                               b"Content-Type: image/png\r\nLocation: /no\r\n\r\n")
        with Server(serve) as server, Web(allow(server)) as web:
            got = web.fetch(server.url)
            self.assertEqual((got.content, got.type, got.redirects), ("hello!", "text/plain", 0))


class Pages(unittest.TestCase):
    """Long texts in parts."""

    def test_parts_join_without_a_second_request(self):
        whole = "".join(f"line {n} äö\n" for n in range(2000))
        with Server(answering(whole, "text/plain; charset=utf-8")) as server, Web(allow(server)) as web:
            joined, offset, flags = "", 0, []
            while True:
                got = web.fetch(server.url, offset=offset, max_length=3000)
                self.assertEqual(got.characters, len(whole))
                self.assertLessEqual(len(got.content), 3000)
                self.assertEqual(got.shown, len(got.content))
                joined += got.content
                flags.append(got.flags)
                if not got.next:
                    break
                self.assertTrue(got.content.endswith("\n"))
                offset = got.next
            self.assertEqual(joined, whole)
            self.assertEqual(flags, [0] + [KEPT] * (len(flags) - 1))
            self.assertEqual(len(server.requests), 1)

    def test_bytes_of_an_answer_are_bounded(self):
        with Server(answering("ä" * 50000, "text/plain; charset=utf-8")) as server, Web(allow(server)) as web:
            got = web.fetch(server.url, max_length=50000, result_bytes=10000)
            self.assertLessEqual(len(got.body), 10000)
            self.assertEqual(len(got.content), got.next)
            self.assertNotIn("\ufffd", got.content)

    def test_an_offset_of_0_asks_anew_and_a_strange_page_too(self):
        with Server(answering("x" * 5000)) as server, Web(allow(server)) as web:
            self.assertEqual(web.fetch(server.url, max_length=1000).next, 1000)
            self.assertEqual(web.fetch(server.url, max_length=1000).flags, 0)
            self.assertEqual(len(server.requests), 2)
            got = web.fetch(server.url + "/other", offset=4500, max_length=1000)
            self.assertEqual((got.flags, got.content), (AGAIN, "x" * 500))

    def test_past_the_end(self):
        with Server(answering("short")) as server, Web(allow(server)) as web:
            got = web.fetch(server.url, offset=5)
            self.assertEqual((got.kind, got.value), (FAILURE, errno.EINVAL))
            self.assertIn("the text has 5 characters", got.message)


class Redirects(unittest.TestCase):
    def serve(self, targets):
        def serve(connection, request):
            target = targets.get(path_of(request))
            if target is None:
                connection.sendall(http("here"))
            else:
                # a body that never ends is nobody's business
                connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 99999\r\n\r\nxxx".encode("latin-1"))
                connection.recv(1)
        return serve

    def test_followed(self):
        targets = {"/a": "b/c?d=e f", "/b/c?d=e%20f": "../g"}
        with Server(self.serve(targets)) as server, Web(allow(server)) as web:
            got = web.fetch(server.url + "/a")
            self.assertEqual((got.kind, got.url, got.redirects, got.content), (RESULT, server.url + "/g", 2, "here"))

    def test_loops_end(self):
        with Server(self.serve({"/a": "/a"})) as server, Web(allow(server)) as web:
            got = web.fetch(server.url + "/a")
            self.assertEqual((got.kind, got.value), (FAILURE, errno.ELOOP))
            self.assertEqual(len(server.requests), 11)

    def test_what_may_not_be_fetched_is_not_reached_by_a_redirect(self):
        with Server(answering("inside")) as inside:
            refused = [f"http://127.0.0.1:{inside.port}/", f"http://127.1:{inside.port}/", f"http://2130706433:{inside.port}/",
                       f"http://0x7f.1:{inside.port}/", f"http://[::ffff:127.0.0.1]:{inside.port}/", f"//0177.0.0.1:{inside.port}/",
                       f"http://localhost:{inside.port}/", f"http://LOCALHOST.:{inside.port}/", f"http://0:{inside.port}/",
                       "http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://[fd00::1]/", "https://10.0.0.1/"]
            with Server(self.serve({f"/{n}": target for n, target in enumerate(refused)})) as server, Web(allow(server)) as web:
                for n, target in enumerate(refused):
                    got = web.fetch(f"{server.url}/{n}")
                    self.assertEqual(got.kind, DENIED, target)
                    self.assertIn("(a redirect from " + server.url, got.target)
                    self.assertIn(got.rule, ("redirect", "network.allowedDomains"))  # the sandbox's own loopback is not reached by one either
            self.assertEqual(inside.connections, [])

    def test_what_is_no_web_address_is_refused(self):
        refused = ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "javascript:1", "data:text/plain,x", "http://",
                   "http://user:pw@127.0.0.1/", "http://127.0.0.1\\@evil.example/", "http://b\xfccher.example/", "http://1.2.3.4.5/",
                   "http://[fe80::1%25lo]/", "http://exa%6dple.org/", "http://127.0.0.1:99999/"]
        with Server(self.serve({f"/{n}": target for n, target in enumerate(refused)})) as server, Web(allow(server)) as web:
            for n, target in enumerate(refused):
                got = web.fetch(f"{server.url}/{n}")
                self.assertEqual((got.kind, got.value), (FAILURE, errno.EINVAL), (target, vars(got)))
                self.assertIn("which is not followed", got.message)


class Policy(unittest.TestCase):
    def test_refused_with_the_rule_and_what_is_allowed(self):
        with Web([("127.0.0.1", 1), ("*.example.org", 0)]) as web:
            got = web.fetch("http://10.1.2.3/x")
            self.assertEqual((got.kind, got.layer, got.operation), (DENIED, "network", "fetch"))
            self.assertEqual(got.rule, "network.allowedDomains")
            self.assertEqual(got.reach, "127.0.0.1:1, *.example.org")
            self.assertIn('"10.1.2.3:80"', got.remedy)
            self.assertEqual(got.target, "http://10.1.2.3/x: 10.1.2.3 is not among the allowed")

    def test_without_a_list_only_public_addresses(self):
        with Server(answering("inside")) as server, Web(listed=False) as web:
            for url in ("http://192.168.1.1/", "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/"):
                self.assertEqual(web.fetch(url).kind, DENIED, url)
            self.assertEqual(server.connections, [])

    def test_an_empty_list_is_nothing(self):
        with Web([]) as web:
            got = web.fetch("http://93.184.216.34/")
            self.assertEqual((got.kind, got.reach), (DENIED, "nothing (network.allowedDomains is empty)"))

    def test_denied_wins(self):
        with Server(answering("x")) as server, Web(allow(server), deny=[("127.0.0.1", 0)]) as web:
            self.assertEqual(web.fetch(server.url).rule, "network.deniedDomains: 127.0.0.1")

    def test_localhost_where_it_is_named(self):
        with Server(answering("x")) as server, Web([("localhost", server.port)]) as web:
            self.assertEqual(web.fetch(f"http://localhost:{server.port}/").content, "x")


class Tls(unittest.TestCase):
    def serve(self, body):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(HERE, "certificates", "server.pem"))

        class Secure(Server):
            def handle(self, connection):
                try:
                    super().handle(context.wrap_socket(connection, server_side=True))
                except (OSError, ssl.SSLError):
                    connection.close()
        return Secure(answering(body))

    def test_a_certificate_that_is_known(self):
        with self.serve("secret") as server, Web([("localhost", server.port)], certificates="ca.pem") as web:
            for host in ("localhost", "127.0.0.1"):
                self.assertEqual(web.fetch(f"https://{host}:{server.port}/").content, "secret")

    def test_one_that_is_not(self):
        with self.serve("secret") as server, Web([("localhost", server.port)], certificates="other.pem") as web:
            got = web.fetch(f"https://localhost:{server.port}/")
            self.assertEqual(got.kind, FAILURE)
            self.assertIn("TLS certificate is not accepted", got.message)

    def test_without_any_certificates(self):
        with self.serve("secret") as server, Web([("localhost", server.port)]) as web:
            got = web.fetch(f"https://localhost:{server.port}/")
            self.assertEqual(got.kind, FAILURE)
            self.assertIn("no certificates here", got.message)

    def test_one_for_another_host(self):
        with self.serve("secret") as server, Web([("::ffff:127.0.0.1", server.port)], certificates="ca.pem") as web:
            got = web.fetch(f"https://[::ffff:127.0.0.1]:{server.port}/")
            self.assertEqual(got.kind, FAILURE)
            self.assertIn("TLS certificate is not accepted", got.message)

    def test_http_to_a_tls_port_and_back(self):
        with self.serve("x") as server, Web([("localhost", server.port)]) as web:
            self.assertEqual(web.fetch(f"http://localhost:{server.port}/").kind, FAILURE)

        class Plain(Server):
            def handle(self, connection):
                connection.sendall(http("not TLS", status="400 Bad Request"))
                connection.close()
        with Plain(None) as server, Web(allow(server), certificates="ca.pem") as web:
            self.assertIn("TLS handshake failed", web.fetch(server.url.replace("http:", "https:")).message)


if __name__ == "__main__":
    main()
