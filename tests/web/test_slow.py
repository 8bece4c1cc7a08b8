#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What comes too slowly is ended, whoever still listens: all at once, since it takes as long as the shortest bound (LIMIT_WEB_IDLE_MS)."""

import threading
import time
import unittest

from harness import CUT_BREAK, Server, Web, allow, main, path_of


class Slow(unittest.TestCase):
    def test_drips_and_silence_end(self):
        end, gone = threading.Event(), {}

        def serve(connection, request):
            path = path_of(request)
            gone[path] = threading.Event()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\nbegin")
            try:
                while not end.wait(0.1):
                    if path == "/drip":
                        connection.sendall(b".")  # 10 bytes a second, for ever
                    elif path == "/steady":
                        connection.sendall(b"." * 400)  # slow, and slow is not dead
                    elif not connection.recv(1):  # silence
                        break
            finally:
                gone[path].set()
        with Server(serve) as server, Web(allow(server)) as web:
            calls = {path: web.start(server.url + path, ms=120000) for path in ("/drip", "/silence", "/steady")}
            begin = time.monotonic()
            for path in ("/drip", "/silence"):
                got = web.wait(calls[path])
                self.assertEqual(got.flags, CUT_BREAK, path)
                self.assertIn("too slowly", got.broke)
                self.assertTrue(got.content.startswith("begin"))
                self.assertTrue(gone[path].wait(20))  # the connection is not only forgotten
            self.assertGreater(time.monotonic() - begin, 15)
            self.assertIsNone(web.answers[calls["/steady"]].kind)
            end.set()
            web.wait(calls["/steady"])


if __name__ == "__main__":
    main()
