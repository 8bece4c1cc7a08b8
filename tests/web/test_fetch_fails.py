#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fetch_url's executor against servers that answer late, never, too much or wrongly, and when somebody beside it ends."""

import errno
import gzip
import signal
import struct
import threading
import time
import unittest

from harness import (CANCEL, CUT_BREAK, CUT_SIZE, LOADING, DENIED, FAILURE, FETCH, RESULT, SANITIZED, SLOWNESS, Server, Web, allow,
                     answering, frame, http, kill, main, path_of, peak_kilobytes, text)

BODY_LIMIT = 16 << 20


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
            self.assertEqual(got.content, "a" * 20000)
            if not SANITIZED:
                self.assertLess(peak_kilobytes(web.process.pid), 128 << 10)

    def test_a_bomb(self):
        self.check_cut(answering(gzip.compress(b"a" * (512 << 20), 1), headers=["Content-Encoding: gzip"]))

    def test_an_endless_body(self):
        def serve(connection, _):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
            while True:
                connection.sendall(b"a" * 65536)
        self.check_cut(serve)


class Times(unittest.TestCase):
    def test_what_drips_is_shown_as_far_as_it_came(self):
        end = threading.Event()

        def serve(connection, _):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nContent-Type: text/plain\r\n\r\nbegin")
            while not end.wait(0.02):
                connection.sendall(b".")
        with Server(serve) as server, Web(allow(server)) as web:
            begin = time.monotonic()
            got = web.fetch(server.url, ms=400)
            took = time.monotonic() - begin
            self.assertGreaterEqual(took, 0.399)  # it counts whole milliseconds
            self.assertLess(took, 5 * SLOWNESS)
            self.assertEqual(got.flags, LOADING)
            self.assertTrue(got.content.startswith("begin."))
            end.set()

    def test_what_never_answers_is_told_with_its_stage(self):
        end = threading.Event()
        with Server(lambda connection, _: end.wait()) as server, Web(allow(server), certificates="ca.pem") as web:
            got = web.fetch(server.url, ms=300)
            self.assertEqual((got.kind, got.flags, got.status), (RESULT, LOADING, 0))
            self.assertIn("waiting for the first byte", got.broke)
            got = web.fetch(server.url.replace("http:", "https:"), ms=300)
            self.assertIn("in the TLS handshake", got.broke)
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


class Ends(unittest.TestCase):
    def ended(self, web):
        status = web.process.wait(20 * SLOWNESS)
        web.frontend.close()
        web.broker.close()
        return status

    def test_malformed_frames_end_it(self):
        def request(form=0, length=100):
            return struct.pack("<IIQQQQ", 1, form, 0, length, 1000, 1000) + 3 * text("")
        numbers = request()
        for data in (b"x", frame(FETCH, 1, b"x"), frame(99, 1), frame(FETCH, 1, text("http://a/") + numbers, flags=1),
                     frame(FETCH, 1, text("ftp://a/") + numbers), frame(FETCH, 1, text("http://a/") + numbers + b"x"),
                     frame(FETCH, 1, text(b"http://a/\0") + numbers),
                     frame(FETCH, 1, text("http://a/") + request(form=7)),
                     frame(FETCH, 1, text("http://a/") + request(length=0)), frame(CANCEL, 1, flags=2)):
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
            got = web.fetch(server.url + "/another")
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
                self.assertEqual((got.kind, got.flags), (RESULT, LOADING))
                self.assertIn("looking up the host and connecting", got.broke)
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
