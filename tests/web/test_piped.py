#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Downloads: a body into a pipe, whole, resumed, and for a reader that is slow or goes."""

import errno
import hashlib
import os
import socket
import struct
import unittest

from harness import DENIED, FAILURE, PROGRESS, RESULT, Answer, Server, Web, TOTAL, allow, answering, frame, http, main, receive, text
from test_loads import header

DOWNLOAD = 17


class Downloads(unittest.TestCase):
    """A body into a pipe."""

    def start(self, web, url, most=1 << 40):
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        web.last += 1
        web.answers[web.last] = Answer()
        payload = frame(DOWNLOAD, web.last, text(url) + struct.pack("<IQ", 1, most))
        socket.send_fds(web.frontend, [payload], [writing])
        os.close(writing)
        return web.last, reading

    def finish(self, web, call, reading):
        """(frame kind, payload, hash and number of what came)"""
        digest, count = hashlib.sha256(), 0
        with os.fdopen(reading, "rb") as pipe:
            while data := pipe.read(1 << 16):
                digest.update(data)
                count += len(data)
        while True:
            kind, of, value, _, payload, _ = receive(web.frontend)
            if kind not in (PROGRESS, TOTAL) and of == call:
                return kind, value, payload, digest.hexdigest(), count

    def content(self, size):
        return (hashlib.sha256(b"x").digest() * (size // 32 + 1))[:size]

    def test_whole(self):
        body = self.content(3 << 20)
        with Server(answering(body, kind="application/x-thing")) as server, Web(allow(server)) as web:
            call, reading = self.start(web, server.url)
            kind, _, payload, digest, count = self.finish(web, call, reading)
            self.assertEqual((kind, digest, count), (RESULT, hashlib.sha256(body).hexdigest(), len(body)))
            self.assertIn(b"application/x-thing", payload)
            self.assertIsNone(header(server.requests[0], "Accept-Encoding"))

    def test_resumed(self):
        body, cuts = self.content(4 << 20), iter([1 << 20, 1 << 20, 1 << 20])

        def serve(connection, request):
            span = header(request, "Range")
            begin = int(span.split("=")[1].rstrip("-")) if span else 0
            if begin:
                assert header(request, "If-Range") == '"v1"'
            part = body[begin:][:next(cuts, len(body))]
            status = f"206 Partial\r\nContent-Range: bytes {begin}-{len(body) - 1}/{len(body)}" if begin else "200 OK"
            connection.sendall(http(part, status=status, length=len(body) - begin, headers=['ETag: "v1"']))
        with Server(serve) as server, Web(allow(server)) as web:
            call, reading = self.start(web, server.url)
            kind, _, _, digest, count = self.finish(web, call, reading)
            self.assertEqual((kind, digest, count), (RESULT, hashlib.sha256(body).hexdigest(), len(body)))
            self.assertEqual(len(server.requests), 4)

    def test_not_resumed_without_the_servers_word(self):
        with Server(answering(b"half", length=100)) as server, Web(allow(server)) as web:
            call, reading = self.start(web, server.url)
            self.assertEqual(self.finish(web, call, reading)[0], FAILURE)
            self.assertEqual(len(server.requests), 1)

    def test_what_changed_meanwhile_fails(self):
        count = iter(range(9))

        def serve(connection, _):
            connection.sendall(http(b"half", length=100, headers=[f'ETag: "{next(count)}"']))
        with Server(serve) as server, Web(allow(server)) as web:
            call, reading = self.start(web, server.url)
            kind, _, payload, _, count = self.finish(web, call, reading)
            self.assertEqual((kind, count), (FAILURE, 4))
            self.assertIn(b"another file now", payload)

    def test_statuses_and_sizes(self):
        for answer, most, word in ((http("no", status="404 Not Found"), 100, b"404"), (http("x" * 101), 100, b"limits.downloadBytes"),
                                   (http(b"x" * 9, headers=["Transfer-Encoding: chunked"], kind=None), 100, b"")):
            with Server(lambda connection, _, answer=answer: connection.sendall(answer)) as server, Web(allow(server)) as web:
                call, reading = self.start(web, server.url, most)
                kind, _, payload, _, count = self.finish(web, call, reading)
                self.assertEqual((kind, count), (FAILURE, 0))
                self.assertIn(word, payload)

    def test_a_reader_that_is_slow_slows_the_server(self):
        body = self.content(64 << 20)
        with Server(answering(body)) as server, Web(allow(server)) as web:
            call, reading = self.start(web, server.url)
            self.assertEqual(web.fetch("http://10.0.0.1/").kind, DENIED)  # others go on
            kind, _, _, digest, _ = self.finish(web, call, reading)
            self.assertEqual((kind, digest), (RESULT, hashlib.sha256(body).hexdigest()))

    def test_cancelled_or_unread(self):
        body = self.content(64 << 20)
        with Server(answering(body)) as server, Web(allow(server)) as web:
            call, reading = self.start(web, server.url)
            web.cancel(call)
            self.assertEqual(self.finish(web, call, reading)[:2], (FAILURE, errno.ECANCELED))
            call, reading = self.start(web, server.url)
            os.close(reading)
            kind, value = receive(web.frontend)[0:3:2]
            while kind in (PROGRESS, TOTAL):
                kind, value = receive(web.frontend)[0:3:2]
            self.assertEqual((kind, value), (FAILURE, errno.EPIPE))


if __name__ == "__main__":
    main()
