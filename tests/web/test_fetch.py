#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fetch_url's executor against servers that answer well, late, never, too much or wrongly."""

import errno
import gzip
import os
import signal
import ssl
import struct
import threading
import time
import unittest

from harness import (AGAIN, BINARY, CANCEL, CUT_BREAK, CUT_SIZE, CUT_TIME, DENIED, FAILURE, FETCH, HERE, IS_MEDIA, KEPT, RESULT, SANITIZED,
                     SLOWNESS, Server, Web, answering, frame, http, kill, main, path_of, peak_kilobytes, text)

BODY_LIMIT = 8 << 20


def allow(*servers):
    return [("127.0.0.1", server.port) for server in servers]


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
            self.assertEqual(web.fetch(server.url + "/", raw=True).content, page)

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
                    self.assertEqual(got.rule, "network.allowedDomains")
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
            for url in (f"http://127.0.0.1:{server.port}/", "http://127.0.0.1/", "http://localhost/", "http://0.0.0.0/", "http://[::]/",
                        "http://192.168.1.1/", "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/"):
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


class Failures(unittest.TestCase):
    """Servers that do it wrong: one clear sentence each."""

    def check(self, serve, *words):
        with Server(serve) as server, Web(allow(server)) as web:
            got = web.fetch(server.url)
            self.assertEqual(got.kind, FAILURE, got.text)
            for word in words:
                self.assertIn(word, got.message)

    def test_nobody_listens(self):
        with Server(answering("x")) as server:
            port = server.port
        with Web([("127.0.0.1", port)]) as web:
            got = web.fetch(f"http://127.0.0.1:{port}/")
            self.assertEqual((got.kind, got.value), (FAILURE, errno.ECONNREFUSED))
            self.assertIn("Connection refused", got.message)

    def test_no_answer(self):
        self.check(lambda connection, _: None, "closed the connection without an answer")

    def test_not_http(self):
        self.check(lambda connection, _: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), "not HTTP")

    def test_endless_headers(self):
        def serve(connection, _):
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.sendall(b"X-Filler: " + b"y" * 8000 + b"\r\n")
        self.check(serve, "headers are larger than")

    def test_one_endless_header(self):
        def serve(connection, _):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Filler: ")
            while True:
                connection.sendall(b"y" * 8000)
        self.check(serve)

    def test_a_body_that_breaks_off(self):
        with Server(answering("half", length=100)) as server, Web(allow(server)) as web:
            got = web.fetch(server.url)
            self.assertEqual((got.flags, got.content), (CUT_BREAK, "half"))
            self.assertIn("broke", got.broke)

    def test_a_compressed_body_that_is_none(self):
        self.check(answering("plain", headers=["Content-Encoding: gzip"]), "compressed body is broken")

    def test_too_many_encodings(self):
        body = b"x" * 1000
        for _ in range(9):
            body = gzip.compress(body)
        self.check(answering(body, headers=["Content-Encoding: " + ", ".join(["gzip"] * 9)]))


class Sizes(unittest.TestCase):
    def check_cut(self, serve):
        with Server(serve) as server, Web(allow(server)) as web:
            got = web.fetch(server.url, ms=30000)
            self.assertEqual((got.flags, got.bytes), (CUT_SIZE, BODY_LIMIT))
            self.assertEqual(got.content, "\0" * 20000)
            if not SANITIZED:
                self.assertLess(peak_kilobytes(web.process.pid), 64 << 10)

    def test_a_bomb(self):
        self.check_cut(answering(gzip.compress(bytes(512 << 20), 1), headers=["Content-Encoding: gzip"]))

    def test_an_endless_body(self):
        def serve(connection, _):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
            while True:
                connection.sendall(bytes(65536))
        self.check_cut(serve)


class Times(unittest.TestCase):
    def test_what_drips_is_cut_at_the_deadline(self):
        end = threading.Event()

        def serve(connection, _):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nContent-Type: text/plain\r\n\r\nbegin")
            while not end.wait(0.02):
                connection.sendall(b".")
        with Server(serve) as server, Web(allow(server)) as web:
            begin = time.monotonic()
            got = web.fetch(server.url, ms=400)
            self.assertLess(time.monotonic() - begin, 5 * SLOWNESS)
            self.assertEqual(got.flags, CUT_TIME)
            self.assertTrue(got.content.startswith("begin."))
            self.assertGreaterEqual(got.ms, 400)
            end.set()

    def test_what_never_answers_is_told_with_its_stage(self):
        end = threading.Event()
        with Server(lambda connection, _: end.wait()) as server, Web(allow(server), certificates="ca.pem") as web:
            got = web.fetch(server.url, ms=300)
            self.assertEqual((got.kind, got.value), (FAILURE, errno.ETIMEDOUT))
            self.assertIn("waiting for the first byte", got.message)
            got = web.fetch(server.url.replace("http:", "https:"), ms=300)
            self.assertIn("in the TLS handshake", got.message)
            end.set()

    def test_one_that_hangs_delays_nobody(self):
        end = threading.Event()

        def serve(connection, request):
            if path_of(request) == "/hang":
                end.wait()
            connection.sendall(http("fast"))
        with Server(serve) as server, Web(allow(server)) as web:
            hanging = web.start(server.url + "/hang", ms=20000)
            calls = [web.start(f"{server.url}/{n}", ms=20000) for n in range(49)]
            for got in web.wait(*calls):
                self.assertEqual((got.kind, got.content), (RESULT, "fast"))
            self.assertIsNone(web.answers[hanging].kind)
            end.set()
            self.assertEqual(web.wait(hanging).content, "fast")

    def test_many_at_once_wait_for_their_turn(self):
        with Server(answering("x")) as server, Web(allow(server)) as web:
            calls = [web.start(server.url, ms=60000) for _ in range(400)]
            self.assertEqual({(got.kind, got.content) for got in web.wait(*calls)}, {(RESULT, "x")})

    def test_cancel(self):
        begun, gone = threading.Event(), threading.Event()

        def serve(connection, _):
            begun.set()
            if connection.recv(1) == b"":
                gone.set()
        with Server(serve) as server, Web(allow(server)) as web:
            call = web.start(server.url)
            self.assertTrue(begun.wait(20))
            web.cancel(call)
            got = web.wait(call)
            self.assertEqual((got.kind, got.value), (FAILURE, errno.ECANCELED))
            self.assertTrue(gone.wait(20), "the connection is still open")
            web.cancel(call)  # too late: nothing comes of it
            web.cancel(12345)
            self.assertEqual(web.fetch("http://10.0.0.1/").kind, DENIED)


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


class Ends(unittest.TestCase):
    def ended(self, web):
        status = web.process.wait(20 * SLOWNESS)
        web.frontend.close()
        web.broker.close()
        return status

    def test_malformed_frames_end_it(self):
        numbers = struct.pack("<IQQQI", 0, 0, 100, 1000, 1000)
        for data in (b"x", frame(FETCH, 1, b"x"), frame(99, 1), frame(FETCH, 1, text("http://a/") + numbers, flags=1),
                     frame(FETCH, 1, text("ftp://a/") + numbers), frame(FETCH, 1, text("http://a/") + numbers + b"x"),
                     frame(FETCH, 1, text(b"http://a/\0") + numbers),
                     frame(FETCH, 1, text("http://a/") + struct.pack("<IQQQI", 7, 0, 100, 1000, 1000)),
                     frame(FETCH, 1, text("http://a/") + struct.pack("<IQQQI", 0, 0, 0, 1000, 1000)), frame(CANCEL, 1, flags=2)):
            web = Web([])
            web.frontend.send(data)
            self.assertEqual(self.ended(web), 1, data)

    def test_a_broker_that_dies(self):
        end, begun = threading.Event(), threading.Event()

        def serve(connection, _):
            begun.set()
            end.wait()
            connection.sendall(http("late"))
        with Server(serve) as server:
            web = Web(allow(server))
            running = web.start(server.url)
            self.assertTrue(begun.wait(20))
            kill(web.broker.process)
            got = web.fetch(server.url)
            self.assertEqual((got.kind, got.value), (FAILURE, errno.EPIPE))
            self.assertIn("call again", got.message)
            end.set()
            self.assertEqual(web.wait(running).content, "late")  # what had its connection goes on
            self.assertEqual(web.process.wait(20 * SLOWNESS), 1)
            web.frontend.close()

    def test_a_broker_that_is_stopped(self):
        with Server(answering("x")) as server, Web(allow(server)) as web:
            web.broker.process.send_signal(signal.SIGSTOP)
            calls = [web.start(server.url, ms=300) for _ in range(50)]
            for got in web.wait(*calls):
                self.assertEqual((got.kind, got.value), (FAILURE, errno.ETIMEDOUT))
                self.assertIn("looking up the host and connecting", got.message)
            web.broker.process.send_signal(signal.SIGCONT)
            self.assertEqual(web.fetch(server.url).content, "x")

    def test_the_frontend_goes_while_calls_run(self):
        end = threading.Event()
        with Server(lambda connection, _: end.wait()) as server:
            web = Web(allow(server))
            for _ in range(20):
                web.start(server.url)
            self.assertEqual(web.fetch("http://10.0.0.1/").kind, DENIED)  # all were read
            web.frontend.close()
            self.assertEqual(web.process.wait(20 * SLOWNESS), 0)
            web.broker.close()
            self.assertEqual(web.broker.status, 0)
            end.set()


if __name__ == "__main__":
    main()
