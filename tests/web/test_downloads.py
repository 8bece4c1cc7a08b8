#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""download_file through the server as a host has it: frontend, web and files executor and broker, every filter on.

usage: test_downloads.py SALLYPORT
"""

import hashlib
import os
import re
import signal
import threading
import time
import unittest

import test_confined
from harness import SLOWNESS, Server, answering, http, main, path_of
from test_confined import local

LATE = ("--answer-within", "0.3")  # for answers that are to be late


class Host(test_confined.Host):
    """One client, who downloads."""

    def __init__(self, *servers, options=("--answer-within", "60"), beside=None):
        super().__init__(local(*servers), *options, beside=beside)
        self.work = os.path.join(self.folder.name, "work")
        self.progress = []

    def ask(self, url, path, token=None, **more):
        return self.send("tools/call", {"name": "download_file", "arguments": {"url": url, "path": path, **more},
                                        **({"_meta": {"progressToken": token}} if token else {})})

    def download(self, url, path, **more):
        """(text, structuredContent or None)"""
        return self.told(self.ask(url, path, **more))

    def told(self, call):
        result = self.wait(call)["result"]
        assert bool(result.get("isError")) == ("structuredContent" not in result), result
        return result["content"][0]["text"], result.get("structuredContent")

    def line(self):
        message = super().line()
        if message.get("method") == "notifications/progress":
            self.progress.append(message["params"])
        return message

    def ended(self, url, path, **more):
        """Asks again until it has ended."""
        while True:
            said, data = self.download(url, path, **more)
            if not data or data["status"] != "downloading":
                return said, data

    def cancel(self, call):
        self.write({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": call}})

    def left(self):
        """Everything in the workspace, also what has no business there."""
        return sorted(os.path.relpath(os.path.join(folder, name), self.work)
                      for folder, _, names in os.walk(self.work) for name in names)

    def content(self, path):
        with open(os.path.join(self.work, path), "rb") as file:
            return file.read()

    def until(self, condition):
        """Waits for what a server or an executor does, by calls, so that everything goes on meanwhile."""
        end = time.monotonic() + 30 * SLOWNESS
        while not condition():
            assert time.monotonic() < end, "it never happened"
            self.wait(self.send("tools/call", {"name": "list_directory", "arguments": {}}))


class Gate:
    """A server whose bodies stop in the middle until they are let go."""

    def __init__(self, body=b"0123456789" * 1000, headers=()):
        self.body, self.open, self.begun = body, threading.Event(), threading.Event()
        self.headers = list(headers)

    def __call__(self, connection, _):
        half = len(self.body) // 2
        connection.sendall(http(self.body, kind="application/octet-stream", headers=self.headers)[:-half])
        self.begun.set()
        self.open.wait(30 * SLOWNESS)
        connection.sendall(self.body[-half:])


def serving(body, chunk):
    """Ranges of one body, each connection broken after `chunk` bytes."""
    def serve(connection, request):
        span = re.search(r"(?i)\r\nRange: bytes=(\d+)-", request)
        begin = int(span.group(1)) if span else 0
        status = f"206 Partial\r\nContent-Range: bytes {begin}-{len(body) - 1}/{len(body)}" if begin else "200 OK"
        connection.sendall(http(body[begin:begin + chunk], status=status, length=len(body) - begin, headers=['ETag: "v1"']))
    return serve


class Downloads(unittest.TestCase):
    def test_a_file_and_its_facts(self):
        body = os.urandom(300000)
        digest = hashlib.sha256(body).hexdigest()

        def serve(connection, request):
            connection.sendall(http(status="302 Found", headers=["Location: /there"]) if path_of(request) == "/here"
                               else http(body, kind="application/x-thing; a=b"))
        with Server(serve) as server, Host(server) as host:
            said, data = host.download(server.url + "/here", "a/b/file", expected_sha256=digest.upper())
            self.assertEqual(data, {"status": "created", "path": "a/b/file", "bytes": len(body), "url": server.url + "/there",
                                    "sha256": digest, "type": "application/x-thing; a=b"})
            self.assertEqual(said, f"a/b/file: created, {len(body)} bytes of application/x-thing; a=b, sha256 {digest}\n{server.url}/there")
            self.assertEqual(host.content("a/b/file"), body)
            said, data = host.download(server.url + "/here", "a/b/file")
            self.assertRegex(said, r"^Error: `a/b/file` exists already \(300000 bytes\); overwrite: true")
            os.chmod(os.path.join(host.work, "a/b/file"), 0o751)
            body = b"other"
            said, data = host.download(server.url + "/here", "a/b/file", overwrite=True)
            self.assertEqual((data["status"], host.content("a/b/file")), ("replaced", b"other"))
            self.assertEqual(os.stat(os.path.join(host.work, "a/b/file")).st_mode & 0o777, 0o751)
            self.assertEqual(host.left(), ["a/b/file"])

    def test_refused_before_anything_is_fetched(self):
        with Server(answering("x")) as server, Host(server) as host:
            os.mkdir(os.path.join(host.work, "directory"))
            for path, words in ((".git/hooks/x", "Denied: the download's path: write .git/hooks/x"), ("/etc/x", "Denied: the download's path:"),
                                ("directory", "Error: .*directory"), ("directory/", "Error: .*directory")):
                said, data = host.download(server.url, path)
                self.assertIsNone(data)
                self.assertRegex(said, "^" + words)
            for arguments, words in (({"url": "ftp://a/", "path": "x"}, "only http and https"), ({"url": server.url, "path": ""}, "path"),
                                     ({"url": server.url, "path": "x", "expected_sha256": "abc"}, "64 hexadecimal"),
                                     ({"url": server.url}, "path"), ({"url": server.url, "path": "x", "offset": 1}, "offset")):
                result = host.wait(host.send("tools/call", {"name": "download_file", "arguments": arguments}))["result"]
                self.assertIn(words, result["content"][0]["text"])
            self.assertEqual(server.connections, [])
            result = host.wait(host.ask("http://10.0.0.1/", "x"))["result"]
            self.assertRegex(result["content"][0]["text"], "^Denied: the download's url: .*10.0.0.1")
            self.assertEqual(result["_meta"]["sallyport.dev/denial"]["rule"], "network.allowedDomains")
            self.assertEqual(host.left(), [])

    def test_what_fails_leaves_nothing(self):
        def serve(connection, request):
            connection.sendall({"/404": http("no", status="404 Not Found"), "/short": http("ab", length=100)}.get(path_of(request), http("abc")))
        with Server(serve) as server, Host(server) as host:
            for path, more, words in (("/404", {}, "404"), ("/short", {}, "after 2 of 100|closed|broke|ended|incomplete"),
                                      ("/x", {"expected_sha256": "0" * 64}, f"its sha256 is {hashlib.sha256(b'abc').hexdigest()}, and "
                                       f"expected_sha256 is {'0' * 64}")):
                said, data = host.download(server.url + path, "new/file", **more)
                self.assertIsNone(data)
                self.assertRegex(said, words)
            self.assertEqual(os.listdir(host.work), [])

    def test_more_than_policy_allows(self):
        def serve(connection, request):
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 2000 if path_of(request) == "/unsaid" else http("x" * 1001))
        with Server(serve) as server, Host(server, beside={"limits": {"downloadBytes": 1000}}) as host:
            for path in ("/said", "/unsaid"):
                self.assertIn("limits.downloadBytes", host.download(server.url + path, "file")[0])
            self.assertEqual(host.left(), [])

    def test_resumed(self):
        body = os.urandom(3000000)
        with Server(serving(body, 1000000)) as server, Host(server) as host:
            said, data = host.download(server.url, "file")
            self.assertEqual(data["sha256"], hashlib.sha256(body).hexdigest(), said)
            self.assertIn("The connection broke 2 times", said)
            self.assertEqual(host.content("file"), body)

    def test_goes_on_when_its_call_was_answered(self):
        gate = Gate()
        with Server(gate) as server, Host(server, options=LATE) as host:
            said, data = host.download(server.url, "file")
            self.assertEqual((data["status"], data["path"], data["url"]), ("downloading", "file", server.url))
            self.assertIn("the same call again waits for it", said)
            while data["bytes"] == 0:
                said, data = host.download(server.url, "file")
            self.assertEqual((data["status"], data["bytes"], data["total_bytes"]), ("downloading", 5000, 10000))
            self.assertIn("5000 of 10000 bytes (50 %)", said)
            self.assertEqual(host.left(), [])
            gate.open.set()
            host.until(host.left)
            said, data = host.ended(server.url, "file")
            self.assertEqual((data["status"], host.content("file")), ("created", gate.body))
            self.assertIn("exists already", host.download(server.url, "file")[0])
            self.assertEqual(len(server.requests), 1)

    def test_how_it_failed_is_told_later(self):
        gate = Gate()
        with Server(gate) as server, Host(server, options=LATE) as host:
            host.download(server.url, "file", expected_sha256="0" * 64)
            self.assertTrue(gate.begun.wait(20 * SLOWNESS))
            gate.open.set()
            self.assertIn("expected_sha256 is 000", host.ended(server.url, "file", expected_sha256="0" * 64)[0])
            self.assertEqual(host.ended(server.url, "file")[1]["status"], "created")  # another question, so another download
            self.assertEqual(len(server.requests), 2)

    def test_the_same_call_listens(self):
        gate = Gate()
        with Server(gate) as server, Host(server) as host:
            calls = [host.ask(server.url, "file") for _ in range(3)]
            host.until(gate.begun.is_set)
            gate.open.set()
            self.assertEqual([host.told(call)[1]["status"] for call in calls], ["created"] * 3)
            self.assertEqual(len(server.requests), 1)

    def test_cancelled(self):
        gate = Gate()
        with Server(gate) as server, Host(server) as host:
            first, second = host.ask(server.url, "file"), host.ask(server.url, "file")
            host.until(gate.begun.is_set)
            host.cancel(first)
            host.until(lambda: server.requests)
            alone = host.ask(server.url + "/alone", "a/alone")
            host.until(lambda: len(server.requests) == 2)
            host.cancel(alone)
            host.until(lambda: is_closed(server.connections[1]))
            gate.open.set()
            self.assertEqual(host.told(second)[1]["status"], "created")
            self.assertEqual(host.left(), ["file"])
            self.assertEqual(os.listdir(host.work), ["file"])
            # it was ended by the cancel: this is a new one
            self.assertEqual(host.download(server.url + "/alone", "a/alone")[1]["status"], "created")
            self.assertEqual(len(server.requests), 3)
            self.assertNotIn(first, host.answers)

    def test_progress(self):
        body = os.urandom(10 << 20)
        gate = Gate(body)
        with Server(gate) as server, Host(server) as host:
            call = host.ask(server.url, "file", token="t")
            host.ask(server.url, "other")
            host.until(gate.begun.is_set)
            host.until(lambda: host.progress)
            gate.open.set()
            self.assertEqual(host.told(call)[1]["bytes"], len(body))
            done = [params["progress"] for params in host.progress]
            self.assertEqual({params["progressToken"] for params in host.progress}, {"t"})
            self.assertEqual(done, sorted(set(done)))
            self.assertTrue(all(params.get("total", len(body)) == len(body) for params in host.progress))
            self.assertRegex(host.progress[-1]["message"], r"^\d+ (of \d+ )?bytes")

    def test_as_many_as_may_be(self):
        gate = Gate()
        with Server(gate) as server, Host(server) as host:
            calls = [host.ask(server.url, f"file{number}") for number in range(8)]
            self.assertRegex(host.download(server.url, "one-more")[0], "^Error: 8 downloads are under way already")
            gate.open.set()
            self.assertEqual({host.told(call)[1]["status"] for call in calls}, {"created"})
            self.assertEqual(host.download(server.url, "one-more")[1]["status"], "created")

    def test_with_few_descriptors(self):
        """What has no pipe any more is refused, and nothing else suffers."""
        class Few(Host):
            before = ["sh", "-c", 'ulimit -n 40; exec "$@"', "sh"]
        gate = Gate()
        with Server(gate) as server, Few(server) as host:
            for _ in range(3):
                host.wait(host.send("tools/call", {"name": "run_command", "arguments": {"command": "sleep 1000", "wait_ms": 0}}))
            calls = [host.ask(server.url, f"file{number}") for number in range(8)]
            gate.open.set()
            said = [host.told(call) for call in calls]
            self.assertTrue(all(data or "EMFILE" in words for words, data in said), said)
            self.assertEqual(len([data for _, data in said if data]), len(host.left()))
            self.assertEqual(host.download(server.url, "again")[1]["status"], "created")

    def test_executors_that_are_killed(self):
        for name, words in (("sallyport-web", "the web executor ended while it worked on this download"),
                            ("sallyport-files", "the files executor ended while it worked on this download"),
                            ("sallyport-broker", None)):
            gate = Gate()
            with Server(gate) as server, Host(server) as host:
                call = host.ask(server.url, "a/file")
                host.until(gate.begun.is_set)
                pid, = host.executors(name)
                os.kill(pid, signal.SIGKILL)
                if not words:
                    gate.open.set()
                said, data = host.told(call)
                self.assertTrue(words is None or words in said, said)
                gate.open.set()
                end = time.monotonic() + 20 * SLOWNESS
                while not (data and data["status"] == "created"):  # at first it may meet what is dying
                    assert time.monotonic() < end
                    said, data = host.download(server.url, "a/file", overwrite=True)
                self.assertEqual(host.left(), ["a/file"])

    def test_the_server_ends(self):
        gate = Gate()
        with Server(gate) as server, Host(server, options=LATE) as host:
            host.download(server.url, "a/file")
            host.until(gate.begun.is_set)
            host.process.stdin.close()
            host.process.wait(20 * SLOWNESS)
            self.assertEqual(os.listdir(host.work), [])
            gate.open.set()

    def test_others_write_meanwhile(self):
        gate = Gate()
        with Server(gate) as server, Host(server) as host:
            call = host.ask(server.url, "file")
            host.until(gate.begun.is_set)
            result = host.wait(host.send("tools/call", {"name": "write_file", "arguments": {"path": "file", "content": "mine"}}))["result"]
            self.assertFalse(result.get("isError"))
            gate.open.set()
            self.assertIn("`file` was made by somebody else while it was downloaded", host.told(call)[0])
            self.assertEqual(host.content("file"), b"mine")


def is_closed(connection):
    """By its other side."""
    try:
        connection.setblocking(False)
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


if __name__ == "__main__":
    main(["sallyport"])
