# SPDX-License-Identifier: Apache-2.0
"""Web executor and broker as a test drives them: frames over socket pairs, and servers that do what a test says.

Tests take the two programs from the command line, `test_x.py BARE_BROKER BARE_WEB`, and end with cmocka's count lines, which is
what tests/suite.py counts.
"""

import array
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SLOWNESS = float(os.environ.get("SALLYPORT_TEST_SLOWNESS", "1"))
SANITIZED = bool(os.environ.get("SALLYPORT_SANITIZED"))
PROGRAMS = {}

CANCEL, FETCH, IN_SANDBOX, NOT_IN_SANDBOX, INSIDE, TOTAL = 1, 16, 18, 19, 140, 141
FORM_MARKDOWN, FORM_TEXT, FORM_RAW = 0, 1, 2
TEXT, RESULT, FAILURE, DENIED, PROGRESS, MEDIA, TOTAL = 128, 129, 130, 131, 132, 133, 141
CLIENT, CONNECT, ABANDON, CONNECTED, REFUSED, FAILED = 1, 2, 3, 16, 17, 18
LOADING, CUT_SIZE, CUT_BREAK, KEPT, AGAIN, BINARY, IS_MEDIA = 1, 2, 4, 8, 16, 32, 64


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<I", len(data)) + data


def frame(kind, call=0, payload=b"", value=0, flags=0):
    return struct.pack("<IHHII", len(payload), kind, flags, call, value) + payload


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, form="<I"):
        value, = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value

    def text(self):
        length = self.number()
        self.at += length
        return self.data[self.at - length:self.at].decode(errors="replace")

    def done(self):
        assert self.at == len(self.data), "bytes are left over"


def receive(sock, timeout=20):
    """(kind, call, value, flags, payload, descriptors), or None at end of file."""
    if not select.select([sock], [], [], timeout * SLOWNESS)[0]:
        raise AssertionError("no frame came")
    descriptors = array.array("i")
    try:
        data, extra, _, _ = sock.recvmsg(256 << 10, socket.CMSG_SPACE(64))
    except ConnectionResetError:
        return None
    for level, kind, content in extra:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(content[:len(content) - len(content) % descriptors.itemsize])
    if not data:
        return None
    length, kind, flags, call, value = struct.unpack_from("<IHHII", data)
    assert length == len(data) - 16
    return kind, call, value, flags, data[16:], list(descriptors)


def pair():
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def rule_words(allow, deny, listed):
    words = ["listed"] if listed else []
    for kind, rules in (("allow", allow), ("deny", deny)):
        for host, port in rules:
            words += [kind, host, str(port)]
    return words


class Broker:
    def __init__(self, allow=(), deny=(), listed=True):
        self.control, inside = pair()
        self.process = subprocess.Popen([PROGRAMS["broker"], str(inside.fileno()), *rule_words(allow, deny, listed)],
                                        pass_fds=[inside.fileno()], stdin=subprocess.DEVNULL)
        inside.close()

    def client(self):
        """The client's end of a new socket pair."""
        outside, inside = pair()
        socket.send_fds(self.control, [frame(CLIENT)], [inside.fileno()])
        inside.close()
        return outside

    def close(self):
        self.control.close()
        self.status = self.process.wait(20 * SLOWNESS)


class Answer:
    """What came for one call."""

    def __init__(self):
        self.body, self.media, self.kind, self.at = b"", b"", None, None

    @property
    def text(self):
        return self.body.decode(errors="replace")

    @property
    def content(self):
        """The text without its head."""
        return self.text.split("\n\n", 1)[1]

    def take(self, kind, value, payload):
        if kind == TEXT:
            self.body += payload
            return
        if kind == MEDIA:
            self.media += payload
            return
        assert self.kind is None, "two final frames"
        if kind in (PROGRESS, TOTAL):
            return
        self.kind, self.value, self.at = kind, value, time.monotonic()
        reader = Reader(payload)
        if kind == RESULT:
            self.url, self.status, self.type, self.title = reader.text(), reader.number(), reader.text(), reader.text()
            self.bytes, self.characters = reader.number("<Q"), reader.number("<Q")
            self.shown, self.next = reader.number("<Q"), reader.number("<Q")
            self.redirects, self.flags, self.ms = reader.number(), reader.number(), reader.number()
            self.broke = reader.text()
        elif kind == FAILURE:
            self.message = reader.text()
        elif kind == DENIED:
            self.layer, self.operation, self.target = reader.text(), reader.text(), reader.text()
            self.rule, self.remedy, self.reach = reader.text(), reader.text(), reader.text()
        else:
            raise AssertionError(f"frame {kind}")
        reader.done()


class Web:
    """A web executor with its broker. A context manager: leaving it checks that both end well."""

    def __init__(self, allow=(), deny=(), listed=True, certificates=None, environment=None, broker=None, words=()):
        self.broker = broker or Broker(allow, deny, listed)
        at_broker = self.broker.client()
        self.frontend, inside = pair()
        command = [PROGRAMS["web"], str(inside.fileno()), str(at_broker.fileno()),
                   os.path.join(HERE, "certificates", certificates) if certificates else "", *rule_words(allow, deny, listed), *words]
        self.process = subprocess.Popen(command, pass_fds=[inside.fileno(), at_broker.fileno()], stdin=subprocess.DEVNULL,
                                        env={**os.environ, **(environment or {})})
        inside.close()
        at_broker.close()
        self.last = 0
        self.answers, self.inside = {}, []  # inside: who asked for a sandbox's own loopback: (number, place, caller, port, ms)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.frontend.close()
        status = self.process.wait(20 * SLOWNESS)
        self.broker.close()
        if kind is None:
            assert status == 0, f"the web executor ended with {status}"
            assert self.broker.status == 0, f"the broker ended with {self.broker.status}"

    def start(self, url, form=FORM_TEXT, offset=0, max_length=20000, result_bytes=1 << 20, ms=10000, caller=1, method="", headers="", body=b""):
        self.last += 1
        payload = (text(url) + struct.pack("<IIQQQQ", caller, form, offset, max_length, result_bytes, time.monotonic_ns() // 1000000 + int(ms * SLOWNESS)) +
                   text(method) + text(headers) + text(body))
        self.answers[self.last] = Answer()
        self.frontend.send(frame(FETCH, self.last, payload))
        return self.last

    def cancel(self, call):
        self.frontend.send(frame(CANCEL, call))

    def turn(self, timeout=20):
        got = receive(self.frontend, timeout)
        assert got, "the web executor is gone"
        kind, call, value, _, payload, _ = got
        if kind == INSIDE:
            self.inside.append((call, value, *struct.unpack("<III", payload)))
            return 0
        self.answers[call].take(kind, value, payload)
        return call

    def wait(self, *calls):
        while any(self.answers[call].kind is None for call in calls):
            self.turn()
        return self.answers[calls[0]] if len(calls) == 1 else [self.answers[call] for call in calls]

    def fetch(self, url, **more):
        return self.wait(self.start(url, **more))


class Server:
    """One listener; each connection runs `serve(connection, request)` in a thread of its own. `request` are the bytes up to the
    empty line. What a test must wait for it gets from `hits` or from events of its own."""

    def __init__(self, serve, address="127.0.0.1", family=socket.AF_INET, port=0):
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(256)
        self.port = self.listener.getsockname()[1]
        self.serve, self.requests, self.connections = serve, [], []
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.handle, args=(connection,), daemon=True).start()

    def handle(self, connection):
        request = b""
        try:
            while b"\r\n\r\n" not in request:
                data = connection.recv(65536)
                if not data:
                    return
                request += data
            self.requests.append(request.decode(errors="replace"))
            self.serve(connection, self.requests[-1])
        except OSError:
            pass  # the client went away: part of many tests
        finally:
            connection.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self.listener.close()
        for connection in self.connections:
            connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def allow(*servers):
    """For Web: what lets it reach these."""
    return [("127.0.0.1", server.port) for server in servers]


def path_of(request):
    return request.split(" ", 2)[1]


def http(body=b"", kind="text/plain", status="200 OK", headers=(), length=None):
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", "Connection: close", *headers]
    if kind:
        lines.append(f"Content-Type: {kind}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def answering(*args, **more):
    """A server's behaviour: the same answer to everything."""
    answer = http(*args, **more)
    return lambda connection, _: connection.sendall(answer)


def peak_kilobytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def main(programs=("broker", "web")):
    """`programs`: what the words of the command line are; what follows them selects tests."""
    PROGRAMS.update(zip(programs, sys.argv[1:]))
    words = sys.argv[1 + len(programs):]
    program = unittest.main(argv=[sys.argv[0], *words], exit=False, verbosity=2)
    result = program.result
    bad = len(result.failures) + len(result.errors)
    for test, why in result.skipped:
        print(f"[  SKIPPED  ] {test}: {why}")
    print(f"[  PASSED  ] {result.testsRun - bad - len(result.skipped)} test(s).")
    if bad:
        print(f"[  FAILED  ] {bad} test(s).")
    sys.exit(1 if bad else 0)
