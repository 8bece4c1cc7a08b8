#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What goes on behind a call: loading in the background, what is kept and for how long, other tries, redirects and what goes with
them, robots.txt.
"""

import email.utils
import errno
import socket
import threading
import time
import unittest

from harness import (AGAIN, DENIED, FAILURE, FORM_RAW, IN_SANDBOX, KEPT, NOT_IN_SANDBOX, LOADING, RESULT, SLOWNESS, Server, Web, allow, answering, frame, http,
                     main, path_of, text)


def header(request, name):
    """The value of a header of a request, None without."""
    for line in request.split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name.lower():
            return value.strip()
    return None


def connected():
    """Two ends of a TCP connection. Of the second nobody has asked whether it is connected: that answer libcurl has to get, since without
    its filter it really calls connect()."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.socket()
        theirs.setblocking(False)
        theirs.connect_ex(listener.getsockname())
        return listener.accept()[0], theirs


def any_method(server):
    """For Web: every method, header and body may go there."""
    return ["methods", "127.0.0.1", str(server.port)]


class Background(unittest.TestCase):
    def test_the_same_call_again_gets_it_without_a_second_request(self):
        end = threading.Event()

        def serve(connection, _):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Type: text/plain\r\n\r\nbegin")
            end.wait()
            connection.sendall(b" and end")
        with Server(serve) as server, Web(allow(server)) as web:
            got = web.fetch(server.url, ms=300)
            self.assertEqual((got.flags, got.content), (LOADING, "begin"))
            self.assertIn("5 of 13 bytes", got.broke)
            end.set()
            got = web.fetch(server.url, ms=20000)
            self.assertEqual((got.flags, got.content), (0, "begin and end"))
            self.assertEqual(len(server.requests), 1)

    def test_what_ended_meanwhile_is_there_for_the_next_call(self):
        begun = threading.Event()

        def serve(connection, _):
            if not begun.wait(20):
                return
            connection.sendall(http("late"))
        with Server(serve) as server, Web(allow(server)) as web:
            self.assertEqual(web.fetch(server.url, ms=200).status, 0)
            begun.set()
            self.assertEqual(web.fetch(server.url).content, "late")
            self.assertEqual(len(server.requests), 1)

    def test_a_failure_too(self):
        end = threading.Event()
        with Server(lambda connection, _: end.wait()) as server, Web(allow(server)) as web:
            self.assertEqual(web.fetch(server.url, ms=200).status, 0)
            end.set()
            self.assertIn("without an answer", web.fetch(server.url).message)
            self.assertEqual(len(server.requests), 1)
            self.assertEqual(web.fetch(server.url).kind, FAILURE)  # told once: then it is tried anew
            self.assertEqual(len(server.requests), 2)

    def test_two_callers_share_nothing(self):
        with Server(answering("x", headers=["Cache-Control: max-age=60"])) as server, Web(allow(server)) as web:
            for caller in (1, 2, 1, 2):
                self.assertEqual(web.fetch(server.url, caller=caller).content, "x")
            self.assertEqual(len(server.requests), 2)

    def test_a_cancelled_call_ends_what_nobody_else_waits_for(self):
        begun, gone = threading.Event(), threading.Event()

        def serve(connection, _):
            begun.set()
            if connection.recv(1) == b"":
                gone.set()
        with Server(serve) as server, Web(allow(server)) as web:
            calls = [web.start(server.url), web.start(server.url)]
            self.assertTrue(begun.wait(20))
            web.cancel(calls[0])
            self.assertEqual(web.wait(calls[0]).value, errno.ECANCELED)
            self.assertFalse(gone.is_set())
            web.cancel(calls[1])
            self.assertTrue(gone.wait(20 * SLOWNESS))
            self.assertEqual(len(server.requests), 1)


class Kept(unittest.TestCase):
    """What is shown again, by its server's word."""

    def served(self, *headers):
        def serve(connection, request):
            if header(request, "If-None-Match") == '"one"' or header(request, "If-Modified-Since"):
                connection.sendall(http(status="304 Not Modified", headers=['ETag: "one"', *headers]))
            else:
                connection.sendall(http("text " * 100, headers=headers))
        return Server(serve)

    def test_pages_come_from_one_download(self):
        with self.served() as server, Web(allow(server)) as web:
            got, whole = web.fetch(server.url, max_length=100), ""
            while got.next:
                whole += got.content
                got = web.fetch(server.url, max_length=100, offset=got.next)
                self.assertEqual(got.flags, KEPT)
            self.assertEqual(whole + got.content, "text " * 100)
            self.assertEqual(len(server.requests), 1)
            web.fetch(server.url, offset=5, form=FORM_RAW)  # another format of it
            self.assertEqual(len(server.requests), 1)
            web.fetch(server.url + "/other", offset=5)
            self.assertEqual(len(server.requests), 2)

    def test_a_first_page_asks_anew_unless_it_is_fresh(self):
        for headers, requests in (([], 2), (["Cache-Control: max-age=100"], 1), (["Cache-Control: no-store"], 2),
                                  (["Cache-Control: max-age=100, no-cache"], 2), (["Cache-Control: max-age=100", "Age: 100"], 2),
                                  (["Cache-Control: public, max-age=100", "Vary: *"], 2), (["Cache-Control: max-age=100", "Age: 7"], 1),
                                  (["Expires: " + email.utils.formatdate(time.time() + 900), "Date: " + email.utils.formatdate(time.time())], 1),
                                  (["Expires: 0"], 2), (["Cache-Control: max-age=0", "Expires: Fri, 01 Jan 2100 00:00:00 GMT"], 2)):
            with self.subTest(headers), self.served(*headers) as server, Web(allow(server)) as web:
                web.fetch(server.url)
                self.assertEqual(web.fetch(server.url).flags, KEPT if requests == 1 else 0)
                self.assertEqual(len(server.requests), requests)

    def test_it_is_asked_whether_it_changed(self):
        for headers in (['ETag: "one"'], ["Last-Modified: Mon, 02 Jan 2006 15:04:05 GMT"]):
            with self.subTest(headers), self.served(*headers) as server, Web(allow(server)) as web:
                first = web.fetch(server.url)
                second = web.fetch(server.url)
                self.assertEqual((second.status, second.content, second.flags), (200, first.content, KEPT))
                self.assertEqual(len(server.requests), 2)
                self.assertEqual(web.fetch(server.url, offset=5).content, first.content[5:])
                self.assertEqual(len(server.requests), 2)

    def test_what_changed_takes_its_place(self):
        count = iter("abcdef")

        def serve(connection, _):
            connection.sendall(http(next(count) * 10, headers=['ETag: "x"']))
        with Server(serve) as server, Web(allow(server)) as web:
            self.assertEqual(web.fetch(server.url).content, "a" * 10)
            self.assertEqual(web.fetch(server.url).content, "b" * 10)
            self.assertEqual(web.fetch(server.url, offset=5).content, "b" * 5)

    def test_it_is_bounded(self):
        with Server(lambda connection, _: connection.sendall(http(b"y" * (2 << 20)))) as server, Web(allow(server)) as web:
            for number in range(6):
                web.fetch(f"{server.url}/{number}")
            self.assertEqual(web.fetch(server.url + "/5", offset=10).flags, KEPT)
            self.assertEqual(web.fetch(server.url + "/0", offset=10).flags, AGAIN)

    def test_what_has_effects_is_never_kept(self):
        with Server(answering("done", headers=["Cache-Control: max-age=100"])) as server, Web(allow(server), words=any_method(server)) as web:
            for _ in range(2):
                self.assertEqual(web.fetch(server.url, method="POST", body=b"a=1").content, "done")
            self.assertEqual(len(server.requests), 2)
            self.assertIn("POST / ", server.requests[0])
            self.assertEqual(header(server.requests[0], "Content-Length"), "3")


class Tries(unittest.TestCase):
    def busy(self, times, status, *headers):
        left = [times]

        def serve(connection, _):
            left[0] -= 1
            connection.sendall(http("busy", status=status, headers=headers) if left[0] >= 0 else http("well"))
        return Server(serve)

    def test_who_is_busy_is_tried_again(self):
        for status, headers in (("503 Busy", []), ("429 Slow", ["Retry-After: 0"]), ("503 Busy", ["Retry-After: Mon, 02 Jan 2006 15:04:05 GMT"])):
            with self.subTest(status), self.busy(2, status, *headers) as server, Web(allow(server)) as web:
                got = web.fetch(server.url, ms=20000)
                self.assertEqual((got.status, got.content), (200, "well"))
                self.assertEqual(len(server.requests), 3)

    def test_not_for_longer_than_the_call_lasts(self):
        with self.busy(9, "429 Slow", "Retry-After: 3600") as server, Web(allow(server)) as web:
            got = web.fetch(server.url, ms=5000)
            self.assertEqual((got.status, got.content), (429, "busy"))
            self.assertIn("3600 s", got.broke)
            self.assertEqual(len(server.requests), 1)

    def test_not_what_has_effects(self):
        with self.busy(9, "503 Busy") as server, Web(allow(server), words=any_method(server)) as web:
            self.assertEqual(web.fetch(server.url, method="POST").status, 503)
            self.assertEqual(len(server.requests), 1)

    def test_other_failures_are_the_answer(self):
        with self.busy(9, "500 Broken") as server, Web(allow(server)) as web:
            self.assertEqual(web.fetch(server.url).status, 500)
            self.assertEqual(len(server.requests), 1)


class Methods(unittest.TestCase):
    def test_head_shows_the_headers(self):
        def serve(connection, _):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 12345\r\nX-A: b\r\n\r\n")
        with Server(serve) as server, Web(allow(server)) as web:
            got = web.fetch(server.url, method="HEAD")
            self.assertEqual(got.content.split(), "HTTP/1.1 200 OK Content-Type: image/png Content-Length: 12345 X-A: b".split())

    def test_without_an_entry_only_what_reads(self):
        with Server(answering("x")) as server, Web(allow(server)) as web:
            for method, headers, body in (("POST", "", b""), ("DELETE", "", b""), ("GET", "X-A: b\n", b""), ("GET", "", b"x"), ("OPTIONS", "", b"")):
                got = web.fetch(server.url, method=method, headers=headers, body=body)
                self.assertEqual(got.kind, DENIED, method)
                self.assertIn("network.methods", got.remedy)
            self.assertEqual(server.connections, [])


class Redirects(unittest.TestCase):
    def chain(self, status, to):
        def serve(connection, request):
            if path_of(request) == "/from":
                connection.sendall(http(status=f"{status} Elsewhere", headers=["Location: " + to, "Set-Cookie: a=b"]))
            else:
                connection.sendall(http("there"))
        return serve

    def test_what_was_meant_for_one_host_stays_there(self):
        with Server(answering("there")) as other, Server(self.chain(302, other.url + "/to")) as server, Web(allow(server, other), words=any_method(server)) as web:
            headers = "Authorization: secret\nX-Mine: 1\nAccept: a/b\n"
            self.assertEqual(web.fetch(server.url + "/from", headers=headers).content, "there")
            self.assertEqual(header(server.requests[0], "Authorization"), "secret")
            self.assertEqual(header(server.requests[0], "Accept"), "a/b")
            for name in ("Authorization", "X-Mine"):
                self.assertIsNone(header(other.requests[0], name))

    def test_cookies_live_within_one_call(self):
        with Server(self.chain(302, "/to")) as server, Web(allow(server)) as web:
            for _ in range(2):
                web.fetch(server.url + "/from")
            self.assertEqual([header(request, "Cookie") for request in server.requests], [None, "a=b", None, "a=b"])

    def test_methods(self):
        for status, method, follows in ((301, "POST", "GET"), (302, "POST", "GET"), (303, "PUT", "GET"), (307, "POST", "POST"),
                                        (308, "PUT", "PUT"), (302, "HEAD", "HEAD"), (303, "HEAD", "HEAD")):
            with self.subTest((status, method)), Server(self.chain(status, "/to")) as server, Web(allow(server), words=any_method(server)) as web:
                web.fetch(server.url + "/from", method=method, body=b"body")
                self.assertEqual(server.requests[1].split(" ")[0], follows)
                self.assertEqual(header(server.requests[1], "Content-Length"), "4" if follows in ("POST", "PUT") else None)

    def test_effects_are_not_carried_to_another_host(self):
        with Server(answering("there")) as other, Server(self.chain(307, other.url + "/to")) as server, Web(allow(server, other), words=any_method(server)) as web:
            got = web.fetch(server.url + "/from", method="POST", body=b"body")
            self.assertEqual(got.kind, FAILURE)
            self.assertIn("another host", got.message)
            self.assertEqual(other.requests, [])


class Robots(unittest.TestCase):
    def site(self, robots, status="200 OK", headers=()):
        def serve(connection, request):
            if path_of(request) == "/robots.txt":
                connection.sendall(http(robots, status=status, headers=headers))
            else:
                connection.sendall(http("page"))
        return Server(serve)

    def check(self, server, path, allowed):
        with server, Web(allow(server), words=["robots"]) as web:
            got = web.fetch(server.url + path)
            if allowed:
                self.assertEqual((got.kind, getattr(got, "content", None)), (RESULT, "page"))
            else:
                self.assertEqual(got.kind, DENIED)
                self.assertIn("robots.txt", got.rule)
                self.assertNotIn(path, [path_of(request) for request in server.requests])
            return web

    def test_lines(self):
        lines = "User-agent: *\nDisallow: /no\nAllow: /no/but\n\nUser-agent: sallyport\nDisallow: /never\n"
        self.check(self.site(lines), "/no", True)  # its own group counts
        self.check(self.site(lines), "/never/x", False)
        self.check(self.site("User-agent: *\nDisallow: /no\nAllow: /no/but\n"), "/no/x", False)
        self.check(self.site("User-agent: *\nDisallow: /no\nAllow: /no/but\n"), "/no/but", True)

    def test_status(self):
        for status, allowed in (("404 Not Found", True), ("403 Forbidden", True), ("500 Broken", False), ("503 Busy", False)):
            with self.subTest(status):
                self.check(self.site("User-agent: *\nDisallow: /\n", status=status), "/x", allowed)

    def test_asked_once(self):
        with self.site("User-agent: *\nDisallow: /no\n") as server, Web(allow(server), words=["robots"]) as web:
            calls = [web.start(f"{server.url}/{n}") for n in range(20)]
            web.wait(*calls)
            web.fetch(server.url + "/again")
            self.assertEqual([path_of(request) for request in server.requests].count("/robots.txt"), 1)

    def test_asked_of_each_host_on_the_way(self):
        with self.site("User-agent: *\nDisallow: /to\n") as other:
            def serve(connection, request):
                connection.sendall(http(status="404 No") if path_of(request) == "/robots.txt" else
                                   http(status="302 There", headers=[f"Location: {other.url}/to"]))
            with Server(serve) as server, Web(allow(server, other), words=["robots"]) as web:
                self.assertEqual(web.fetch(server.url).kind, DENIED)
                self.assertEqual([path_of(request) for request in other.requests], ["/robots.txt"])

    def test_who_cannot_be_reached_is_told_as_such(self):
        with Server(answering("x")) as server:
            port = server.port
        with Web([("127.0.0.1", port)], words=["robots"]) as web:
            got = web.fetch(f"http://127.0.0.1:{port}/page")
            self.assertEqual((got.kind, got.value), (FAILURE, errno.ECONNREFUSED))

    def test_what_policy_refuses_is_refused_by_it(self):
        with Web([], words=["robots"]) as web:
            got = web.fetch("http://10.0.0.1/page")
            self.assertEqual(got.kind, DENIED)
            self.assertNotIn("robots", got.rule)


class Inside(unittest.TestCase):
    """The loopback of a sandbox, by the frontend's hand."""

    def test_asked_of_the_frontend(self):
        for url, place in (("http://localhost:3000/x", 0), ("http://127.0.0.1:3000/x", 0x7f000001), ("http://[::1]:3000/x", 1),
                           ("http://0x7f.2:3000/x", 0x7f000002), ("http://dev.localhost:3000/x", 0)):
            with self.subTest(url), Web([]) as web:
                call = web.start(url, caller=7)
                web.turn()
                number, where, caller, port, _ = web.inside[0]
                self.assertEqual((where, caller, port), (place, 7, 3000))
                ours, theirs = connected()
                socket.send_fds(web.frontend, [frame(IN_SANDBOX, number)], [theirs.fileno()])
                theirs.close()
                self.assertIn(b"GET /x HTTP/1.1", ours.recv(4096))
                ours.sendall(http("from inside"))
                self.assertEqual(web.wait(call).content, "from inside")
                ours.close()

    def test_nobody_listens_there(self):
        with Web([]) as web:
            call = web.start("http://localhost:3000/")
            web.turn()
            web.frontend.send(frame(NOT_IN_SANDBOX, web.inside[0][0], text("nothing listens on port 3000 in your sandbox"), value=errno.ECONNREFUSED))
            got = web.wait(call)
            self.assertEqual((got.kind, got.value), (FAILURE, errno.ECONNREFUSED))
            self.assertIn("nothing listens", got.message)

    def test_from_inside_to_outside_policy_is_asked(self):
        with Web([]) as web:
            call = web.start("http://localhost:3000/")
            web.turn()
            ours, theirs = connected()
            socket.send_fds(web.frontend, [frame(IN_SANDBOX, web.inside[0][0])], [theirs.fileno()])
            theirs.close()
            ours.recv(4096)
            ours.sendall(http(status="302 Away", headers=["Location: http://10.0.0.1/"]))
            self.assertEqual(web.wait(call).rule, "network.allowedDomains")
            ours.close()


if __name__ == "__main__":
    main()
