#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is large or late: pages that are read in parts, loads that outlive their call, and a download of 1 GB. Through the whole server.

usage: test_world_large.py SALLYPORT. See test_world.py.
"""

import hashlib
import os
import re
import threading

from harness import SANITIZED, SLOWNESS, Server, http, path_of
from test_names import PUBLIC
from world import AT, HASTE, Client, Nginx, Site, Web, memory, run

GIGABYTE = 1 << 30


class Pages(Web):
    def read_on(self, url, **more):
        """All parts of a page, put together, and how many."""
        whole, offset, parts = "", 0, 0
        while True:
            text, result = self.client.fetch(url, offset=offset, **more)
            facts = result["_meta"]["sallyport.dev/result"]
            body = text.split("\n\n", 1)[1]
            self.assertNotIn("Downloaded again", body)
            shown = (facts.get("nextOffset") or facts["characters"]) - offset
            whole, parts = whole + body[:shown], parts + 1
            if not facts.get("nextOffset"):
                self.assertEqual(len(whole), facts["characters"])
                return whole, parts
            self.assertIn(f"Continue with offset: {facts['nextOffset']}.]", text)
            offset = facts["nextOffset"]

    def test_a_page_in_parts_is_one_download(self):
        rows = "".join(f"<h2>Chapter {n}</h2><p>It is said – of chapter {n} – that <b>nobody</b> has read <a href='/c{n}'>it</a>.</p>"
                       f"<table><tr><th>key<th>value<tr><td>{n}<td>{n * n}</table>" for n in range(800))
        page = f"<!DOCTYPE html><meta charset=utf-8><title>Book</title><nav><a href=/>home</a></nav><main><h1>Book</h1>{rows}</main>"
        with Server(Site({"/book": http(page, "text/html")}), PUBLIC, port=80) as server:
            whole, parts = self.read_on("http://site.example/book")
            self.assertGreater(parts, 3)
            self.assertEqual([path_of(request) for request in server.requests].count("/book"), 1)
            small, _ = self.read_on("http://site.example/book", max_length=7777)
            self.assertEqual(small, whole)
        for n in (0, 399, 799):
            self.assertIn(f"## Chapter {n}\n\nIt is said – of chapter {n} – that **nobody** has read [it](http://site.example/c{n}).", whole)

    def test_what_is_late_goes_on(self):
        """The answer says how far it is; the same call again has the rest, of the first request."""
        let, halfway = threading.Event(), threading.Event()

        def serve(connection, _):
            connection.sendall(http("first half, ", length=24))
            halfway.set()
            let.wait(60 * SLOWNESS)
            connection.sendall(b"second half.")
        with Server(Site({"/late": serve, "/": http("x")}), PUBLIC, port=80) as server, Client(within=HASTE) as hasty:
            self.check("http://site.example/", failed=False, client=hasty)
            self.check("http://site.example/late", "first half, ", "[Still loading after ", "12 of 24 bytes have come. The same call again waits for the rest of it.]",
                       failed=False, client=hasty)
            let.set()
            text = ""
            hasty.until(lambda: "first half, second half.\n" in hasty.says("http://site.example/late"))
            self.assertEqual([path_of(request) for request in server.requests].count("/late"), 1, text)


class Downloads(Web):
    def download(self, client, *arguments, **more):
        """structuredContent, once it has ended."""
        while True:
            result = client.wait(client.call("download_file", **more))["result"]
            self.assertNotIn("isError", result, result["content"][0])
            if result["structuredContent"]["status"] != "downloading":
                return result["structuredContent"]

    def test_a_gigabyte_with_cuts(self):
        """Of a server that closes after each 300 MB. Nobody who carries it grows by it."""
        block = hashlib.sha256(b"block").digest() * 2048  # 64 KB
        digest = hashlib.sha256()
        for _ in range(GIGABYTE // len(block)):
            digest.update(block)
        cut, asked = 300 << 20, []
        sizes = {}

        def serve(connection, request):
            span = re.search(r"(?i)\r\nRange: bytes=(\d+)-", request)
            begin = int(span.group(1)) if span else 0
            asked.append(begin)
            connection.sendall(http(status=f"206 Partial\r\nContent-Range: bytes {begin}-{GIGABYTE - 1}/{GIGABYTE}" if begin else "200 OK", headers=['ETag: "v1"'],
                                    kind="application/octet-stream", length=GIGABYTE - begin))
            end, at = min(begin + cut, GIGABYTE), begin
            while at < end:
                offset = at % len(block)
                at += connection.send(memoryview(block)[offset:min(len(block), offset + end - at)])
        with Server(Site({"/big": serve}), PUBLIC, port=80), Client() as client:
            data = self.download(client, url="http://site.example/big", path="big", expected_sha256=digest.hexdigest())
            self.assertEqual((data["status"], data["bytes"], data["sha256"]), ("created", GIGABYTE, digest.hexdigest()))
            self.assertGreaterEqual(len(asked), 4)
            self.assertEqual(asked, sorted(asked))
            sizes = {name: memory(pid) for name in ("sallyport-web", "sallyport-files") for pid in client.executors(name)}
            sizes["frontend"] = memory(client.process.pid)
            self.assertEqual(os.listdir(os.path.join(client.folder.name, "work")), ["big"])
        print("peaks, KB:", sizes, flush=True)
        if not SANITIZED:
            self.assertLess(max(sizes.values()), 24 << 10)

    def test_through_http2(self):
        nginx = Nginx(AT.folder, AT.authority.issue("site.example"))
        self.addCleanup(nginx.close)
        content = os.urandom(1 << 20) * 32
        nginx.write("file", content)
        data = self.download(self.client, url="https://site.example/file", path="file")
        self.assertEqual((data["bytes"], data["sha256"]), (len(content), hashlib.sha256(content).hexdigest()))


if __name__ == "__main__":
    run(__file__)
