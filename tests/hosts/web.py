# SPDX-License-Identifier: Apache-2.0
"""A web server on loopback for fetch_url: what it serves and what it was asked."""

import contextlib
import http.server
import threading

PAGES = {
    "/plain": ("text/plain; charset=utf-8", "plain text, with ä\n".encode()),
    "/page": ("text/html; charset=utf-8", b"<!doctype html><title>A title</title><p>A paragraph."),
    "/data": ("application/json", b'{"a":1}'),
    "/long": ("text/plain", b"0123456789" * 10000),
    "/robots.txt": ("text/plain", b"User-agent: *\nDisallow: /private\n"),
    "/open": ("text/plain", b"open\n"),
    "/private": ("text/plain", b"not for robots\n"),
}


GATED = b"0123456789" * 10000  # at /gated: one half, and the other when somebody asks for /open


class Handler(http.server.BaseHTTPRequestHandler):
    def answer_gated(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(GATED)))
        self.end_headers()
        self.wfile.write(GATED[:len(GATED) // 2])
        self.wfile.flush()
        self.server.gate.wait(60)
        self.wfile.write(GATED[len(GATED) // 2:])

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path == "/open":
            self.server.gate.set()
        if self.path == "/gated":
            self.answer_gated()
            return
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        media_type, body = PAGES.get(self.path, ("text/plain", b"nothing here\n"))
        self.send_response(200 if self.path in PAGES else 404)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.gate = [], threading.Event()
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
