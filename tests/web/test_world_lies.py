#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fetch_url through the whole server, against public-looking servers that lie, break off, drip or lead astray.

usage: test_world_lies.py SALLYPORT. See test_world.py.
"""

import contextlib
import re
import socket
import threading

from harness import Server, answering, http, path_of
from test_names import OTHER, PUBLIC
from world import HASTE, PLACES, Client, Site, Web, closed, run

CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
RESET = bytes([1, 0, 0, 0, 0, 0, 0, 0])  # struct linger: at once, and with a reset
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def raw(*parts):
    """Sends that, and closes."""
    return lambda connection, _: connection.sendall(b"".join(parts))


def staying(*parts):
    """Sends that, and then nothing until the client goes."""
    def serve(connection, _):
        connection.sendall(b"".join(parts))
        closed(connection)
    return serve


def dripping(connection, begin, drop, end):
    connection.sendall(begin)
    with contextlib.suppress(OSError):
        while not end.wait(0.1):
            connection.sendall(drop)


class Lies(Web):
    """One server whose pages are each a lie of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.site = Site()
        cls.server = cls.ending.enter_context(Server(cls.site, PUBLIC, port=80))
        cls.names.zone.update({"bad.example": [PLACES[0]], "other.site.example": [OTHER], "inside.example": ["127.0.0.1"], "private.example": ["10.0.0.5"]})
        cls.hasty = cls.ending.enter_context(Client(within=HASTE))

    def page(self, *parts):
        """The URL of a page that is that, the server closing behind it."""
        return self.doing(raw(*parts))

    def doing(self, serve):
        path = f"/{len(self.site.pages)}"
        self.site.pages[path] = serve
        return "http://site.example" + path

    def test_lengths(self):
        text = self.check(self.page(OK, b"Content-Length: 100\r\n\r\n", b"half"), "\n\nhalf\n", "[Incomplete: the connection broke", "after 4 bytes", failed=False)
        text = self.check(self.page(OK, b"Content-Length: 4\r\n\r\n", b"truemore than was said"), "4 bytes\n\ntrue\n", failed=False)
        self.assertNotIn("more", text)
        for length in (b"99999999999999999999999", b"-1", b""):  # none: it goes on until it is closed
            url = self.doing(staying(OK, b"Content-Length: ", length, b"\r\n\r\n", b"x" * 50))
            with self.subTest(length):
                text, result = self.hasty.fetch(url)
                self.assertTrue(result.get("isError") or ": 50 bytes have come" in text, text)
        self.check(self.page(OK, b"Content-Length: 9000000000000000000\r\n\r\n", b"x" * 50), "x" * 50, "[Incomplete: ", failed=False)

    def test_two_lengths(self):
        """RFC 9112, section 6.3: what cannot be told apart is not guessed at."""
        self.check(self.page(OK, b"Content-Length: 4\r\nContent-Length: 9\r\n\r\n", b"onlyfirst"), "two different lengths")
        self.check(self.page(OK, b"Content-Length: 4\r\nContent-Length: 4\r\n\r\n", b"same"), "\n\nsame\n", failed=False)

    def test_chunks(self):
        chunked = b"Transfer-Encoding: chunked\r\n"
        self.check(self.page(OK, chunked, b"\r\n4\r\nword\r\n0\r\n\r\n"), "\n\nword\n", failed=False)
        self.check(self.page(OK, chunked, b"Content-Length: 2\r\n\r\n4\r\nword\r\n0\r\n\r\n"), "\n\nword\n", failed=False)
        for rest, words in ((b"4\r\nword\r\nzz\r\n", "[Incomplete: "), (b"4\r\nword\r\nffffffffffffffffffff\r\nx", "[Incomplete: "), (b"4\r\nword", "[Incomplete: "),
                            (b"4\r\nword\r\n9\r\nshort", "[Incomplete: "), (b"4\r\nword\r\n-1\r\nx", "[Incomplete: ")):
            with self.subTest(rest):
                self.check(self.page(OK, chunked, b"\r\n", rest), "word", words, failed=False)
        self.check(self.page(OK, chunked, b"\r\n\xff\xff\r\nword\r\n0\r\n\r\n"))

    def test_trailers_decide_nothing(self):
        text = self.check(self.page(OK, b"Transfer-Encoding: chunked\r\nTrailer: Location\r\n\r\n4\r\nword\r\n0\r\nLocation: http://10.0.0.5/\r\n"
                                        b"Content-Type: text/html\r\nSet-Cookie: a=b\r\n\r\n"), "200 · text/plain", "\n\nword\n", failed=False)
        self.assertNotIn("10.0.0.5", text)

    def test_headers(self):
        self.check(self.page(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 100000, b"\r\nbody"), "its headers are larger than 262144 bytes")
        self.check(self.page(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 10000, OK, b"\r\nbody"), "its headers are larger than 262144 bytes")
        self.check(self.page(b"HTTP/1.1 103 Early Hints\r\nLocation: http://10.0.0.5/\r\n\r\n" * 10, OK, b"\r\nbody"), "\n\nbody\n", failed=False)
        self.check(self.page(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "what it sent is not HTTP")
        self.check(self.page(b"HTTP/1.1 abc What\r\n\r\nbody"))
        self.check(self.page(b"<html>HTTP of 1991"), "what it sent is not HTTP")
        self.check(self.page(b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\nbody"), "what it sent is not HTTP: Nul byte in header")
        self.check(self.page(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b"\x81\x05hello"))

    def test_what_is_shown_of_headers(self):
        text = self.check(self.page(b"HTTP/1.1 200 \x1b[31mred\r\nContent-Type: text/plain\x1b]0;title\x07\xff\xc2\x9b; charset=\"x\ty\"\r\n\r\nbody"), "body", failed=False)
        self.assertEqual(CONTROLS.findall(text), [])
        for where in (b"file:///\x1b[31m\xff\xc2\x9b", b"http://10.0.0.5/\x1b[31m\xff"):
            text, result = self.client.fetch(self.page(b"HTTP/1.1 302 Found\r\nLocation: ", where, b"\r\n\r\n"))
            self.assertTrue(result["isError"])
            self.assertEqual(CONTROLS.findall(text), [])
        text = self.check(self.page(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<title>one\ntwo\r\n\n[Cut: a lie]\x1b</title><p>body"), "body", failed=False)
        self.assertIn(" · one two [Cut: a lie]", text.split("\n\n")[0])

    def test_what_is_not_asked_for_is_not_there(self):
        self.check(self.page(b"HTTP/1.1 304 Not Modified\r\n\r\n"), "304", failed=False)
        self.check(self.page(b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nbody"), "204", "0 bytes", failed=False)
        self.check(self.page(b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-8/100\r\nContent-Length: 4\r\n\r\nbody"), "206", "body", failed=False)
        self.check(self.page(b"HTTP/1.1 407 Proxy\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"), "407", failed=False)
        self.check(self.page(b"HTTP/1.1 401 Who\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n"), "401", failed=False)
        self.check(self.page(b"HTTP/1.1 426 Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n"), "426", failed=False)

    def test_redirects_without_end(self):
        self.site.pages["/round"] = raw(http(status="302 Found", headers=["Location: /round"]))
        self.check("http://site.example/round", "more than 10 redirects")
        count = len([request for request in self.server.requests if path_of(request) == "/round"])
        self.assertEqual(count, 11)

    def test_redirects_to_elsewhere(self):
        for to in ("file:///etc/passwd", "ftp://site.example/", "gopher://site.example/_x", "data:text/plain,hello", "javascript:alert(1)", "ws://site.example/",
                   "//user:pass@", "http://", "http://site.example:99999/", "http://a b/", "\\\\10.0.0.5\\share"):
            with self.subTest(to):
                self.check(self.page(http(status="302 Found", headers=[f"Location: {to}"])), "which is not followed")
        with Server(answering("inside"), "127.0.0.1", port=80) as local, Server(answering("private"), "10.0.0.5", port=80) as private:
            for to in ("http://10.0.0.5/", "http://127.0.0.1/", "http://localhost/", "//10.0.0.5/", "http://0x7f.1/", "http://[::1]/", "http://inside.example/",
                       "http://private.example/", "http://169.254.169.254/latest/", "http://site.example:22/", "http://2130706433/", "http://[::ffff:10.0.0.5]/"):
                for status in ("301 Moved", "307 Temporary"):
                    with self.subTest(to):
                        self.check(self.page(http(status=status, headers=[f"Location: {to}"])), "Denied: fetch ", "a redirect from http://site.example/")
            self.assertEqual(local.connections + private.connections, [])

    def test_what_leads_on_but_is_no_redirect(self):
        with Server(answering("elsewhere"), OTHER, port=80) as other:
            for header in ("Refresh: 0; url=http://other.site.example/", "Alt-Svc: h2=\"other.site.example:80\"", "Location: http://other.site.example/",
                           "Link: <http://other.site.example/>; rel=preload", "Content-Location: http://other.site.example/", "Onion-Location: http://other.site.example/"):
                self.check(self.page(http("here", headers=[header])), "\n\nhere\n", failed=False)
            self.check(self.page(http("<meta http-equiv=refresh content='0; url=http://other.site.example/'><p>here<iframe src=http://other.site.example/></iframe>"
                                      "<img src=http://other.site.example/x.png>", "text/html")), "here", failed=False)
            self.assertEqual(other.connections, [])

    def test_a_location_that_would_be_a_header(self):
        self.check(self.page(http(status="302 Found", headers=["Location: /next%0d%0aX-Injected:%201"])), "404", failed=False)
        self.assertIn("GET /next%0d%0aX-Injected:%201 HTTP/1.1\r\n", "".join(self.server.requests))
        for url in ("http://site.example/a\r\nX-Injected: 1", "http://site.example/a\nb", "http://site.example\r\n/"):
            before = len(self.server.requests)
            text, result = self.client.fetch(url)
            self.assertNotIn("\nX-Injected", "".join(self.server.requests[before:]), text)

    def test_cookies(self):
        """Within one call, to whom they belong."""
        cookies = ["own=1; Path=/", "sub=2; Domain=other.site.example", "wide=3; Domain=example", "strange=4; Domain=another.example", "safe=5; Secure",
                   "parent=6; Domain=site.example"]
        to = self.page(http("arrived"))
        other = Site({"/": http(status="302 Found", headers=[f"Location: {to}"])})
        begin = self.page(http(status="302 Found", headers=["Location: http://other.site.example/", *(f"Set-Cookie: {cookie}" for cookie in cookies)]))
        with Server(other, OTHER, port=80) as server:
            self.server.requests.clear()
            self.check(begin, "arrived", failed=False)
            there, = [request for request in server.requests if path_of(request) == "/"]
        back, = [request for request in self.server.requests if "http://site.example" + path_of(request) == to]
        self.assertEqual(re.findall(r"(?m)^Cookie: (.*)\r$", there), ["parent=6"])
        self.assertEqual(sorted(re.findall(r"(?m)^Cookie: (.*)\r$", back)[0].split("; ")), ["own=1", "parent=6"])
        self.server.requests.clear()
        self.check(to + "?again", "arrived", failed=False)
        self.assertNotIn("Cookie:", "".join(self.server.requests))

    def test_closing_at_each_stage(self):
        def reset(connection, _):
            connection.sendall(OK + b"Content-Length: 100\r\n\r\nhalf")
            connection.recv(1)  # until told that it has come
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.check(self.page(), "closed the connection without an answer")
        for begin in (b"HT", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Ty", b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"):
            with self.subTest(begin):
                self.check(self.page(begin), "it closed the connection ", "before its headers were complete" if b"\n" in begin else "without an answer")
        self.check("http://bad.example/", "connecting to bad.example port 80 failed: Connection refused")
        server = Server(None, PLACES[0], port=80)
        server.handle = lambda connection: connection.close()
        with server:
            self.check("http://bad.example/", "http://bad.example/")
        self.names.zone["nowhere.example"] = ["198.41.0.4"]
        self.check("http://nowhere.example/", "connecting to nowhere.example port 80 failed: ")

    def test_each_stage_has_its_words(self):
        with socket.socket() as full:  # whose queue takes nobody: what is sent to it goes unanswered
            full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            full.bind((PLACES[1], 80))
            full.listen(0)
            waiting = [socket.socket() for _ in range(4)]
            for one in waiting:
                one.setblocking(False)
                one.connect_ex((PLACES[1], 80))
            self.names.zone.update({"full.example": [PLACES[1]], "mute.example": "silence"})
            for url, words in (("http://full.example/", "looking up the host and connecting"), ("http://mute.example/", "looking up the host and connecting")):
                self.check(url, "[Still loading after ", words, "The same call again waits for the rest", failed=False, client=self.hasty)
            for one in waiting:
                one.close()
        self.check("http://site.example/", failed=False, client=self.hasty)  # its robots.txt is known from here on
        for serve, words in ((staying(), "waiting for the first byte of the answer"), (staying(b"HTTP/1.1 200 OK\r\nX: y\r\n"), "waiting for the first byte of the answer"),
                             (staying(OK, b"Content-Length: 1000\r\n\r\n", b"x" * 10), "10 of 1000 bytes have come"), (staying(OK, b"\r\n", b"x" * 10), "10 bytes have come")):
            self.check(self.doing(serve), "[Still loading after ", words, failed=False, client=self.hasty)

    def test_drips(self):
        """A byte each tenth of a second: what has come is shown at once, and after LIMIT_WEB_IDLE_MS it is given up."""
        end = threading.Event()
        self.addCleanup(end.set)
        url = self.doing(lambda connection, _: dripping(connection, OK + b"Content-Length: 1000000\r\n\r\nbegin", b".", end))
        self.assertRegex(self.check(url, "begin.", failed=False, client=self.hasty), r"\d+ of 1000000 bytes have come")
        self.check(self.doing(lambda connection, _: dripping(connection, b"HTTP/1.1 200 OK\r\nX: ", b"y", end)), "waiting for the first byte", failed=False,
                   client=self.hasty)
        begun = len(self.server.requests)
        self.check(url, "begin..........", "[Incomplete: it came too slowly after ", failed=False)
        self.assertFalse(end.is_set())
        self.assertEqual(len(self.server.requests), begun + 1)


if __name__ == "__main__":
    run(__file__)
