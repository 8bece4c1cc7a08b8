#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The broker as a hostile web executor would meet it: by frames alone."""

import errno
import os
import random
import socket
import struct
import threading
import unittest

from harness import (ABANDON, CONNECT, CONNECTED, FAILED, REFUSED, Broker, Reader, Server, answering, frame, kill, main, receive, text)


def connect(call, host, port, ms=10000):
    return frame(CONNECT, call, text(host) + struct.pack("<II", port, ms))


def texts(payload, count):
    reader = Reader(payload)
    found = [reader.text() for _ in range(count)]
    reader.done()
    return found


class Using(unittest.TestCase):
    def broker(self, *args, **more):
        broker = Broker(*args, **more)
        self.addCleanup(broker.close)
        return broker

    def client(self, broker):
        client = broker.client()
        self.addCleanup(client.close)
        return client

    def alive(self, broker):
        """Another client is served as ever."""
        client = self.client(broker)
        client.send(connect(1, "10.9.9.9", 80))
        self.assertEqual(receive(client)[:2], (REFUSED, 1))


class Serving(Using):
    def test_a_connected_socket_comes_out(self):
        with Server(answering("hello")) as server:
            client = self.client(self.broker([("127.0.0.1", server.port)]))
            client.send(connect(7, "127.0.0.1", server.port))
            kind, call, _, _, payload, descriptors = receive(client)
            self.assertEqual((kind, call, texts(payload, 1)), (CONNECTED, 7, ["127.0.0.1"]))
            with socket.socket(fileno=descriptors[0]) as connection:
                connection.setblocking(True)
                self.assertEqual(connection.getpeername(), ("127.0.0.1", server.port))
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                self.assertTrue(connection.makefile("rb").read().endswith(b"hello"))

    def test_refused_before_anything_is_asked(self):
        client = self.client(self.broker(listed=False, deny=[("*.bad.example", 0)]))
        for host, port, rule in (("127.0.0.1", 80, "only public"), ("::1", 443, "only public"), ("a.bad.example", 443, "network.deniedDomains"),
                                 ("example.org", 22, "default: ports"), ("localhost", 80, "only public")):
            client.send(connect(1, host, port))
            kind, _, _, _, payload, descriptors = receive(client)
            found = texts(payload, 4)
            self.assertEqual((kind, descriptors), (REFUSED, []), host)
            self.assertTrue(found[0].startswith(rule), found)
            self.assertTrue(all(found), found)

    def test_localhost_falls_back_over_its_addresses(self):
        for address, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
            if family == socket.AF_INET6 and not os.path.exists("/proc/net/if_inet6"):
                continue  # a machine without IPv6 has only the one address
            with Server(answering("x"), address, family) as server:
                client = self.client(self.broker([("localhost", server.port)]))
                client.send(connect(1, "localhost", server.port))
                kind, _, _, _, payload, descriptors = receive(client)
                self.assertEqual((kind, texts(payload, 1)), (CONNECTED, [address]))
                socket.close(descriptors[0])

    def test_nobody_listens(self):
        with Server(answering("x")) as server:
            port = server.port
        client = self.client(self.broker([("localhost", port)]))
        client.send(connect(1, "localhost", port))
        kind, _, value, _, payload, _ = receive(client)
        self.assertEqual((kind, value), (FAILED, errno.ECONNREFUSED))
        self.assertEqual(texts(payload, 1), [f"connecting to localhost port {port} failed: Connection refused (at 127.0.0.1, nor by 1 other address)"])

    def full_listener(self):
        """A listener whose queue is full: connecting to it hangs."""
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            filler = socket.socket()
            self.addCleanup(filler.close)
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        return listener.getsockname()[1]

    def test_what_hangs_is_ended_in_time_and_delays_nobody(self):
        port = self.full_listener()
        with Server(answering("x")) as server:
            client = self.client(self.broker([("127.0.0.1", port), ("127.0.0.1", server.port)]))
            client.send(connect(1, "127.0.0.1", port, 300))
            client.send(connect(2, "127.0.0.1", server.port))
            kind, call, _, _, _, descriptors = receive(client)
            self.assertEqual((kind, call), (CONNECTED, 2))
            socket.close(descriptors[0])
            kind, call, value, _, payload, _ = receive(client)
            self.assertEqual((kind, call, value), (FAILED, 1, errno.ETIMEDOUT))
            self.assertIn("took longer than", texts(payload, 1)[0])

    def test_what_is_abandoned_is_not_answered(self):
        port = self.full_listener()
        client = self.client(self.broker([("127.0.0.1", port)]))
        client.send(connect(1, "127.0.0.1", port))
        client.send(frame(ABANDON, 1))
        client.send(frame(ABANDON, 99))
        client.send(connect(2, "10.0.0.1", 80))
        self.assertEqual(receive(client)[:2], (REFUSED, 2))


class Hostile(Using):
    def test_a_malformed_frame_costs_its_client_the_socket(self):
        broker = self.broker([])
        good = text("a.example") + struct.pack("<II", 80, 100)
        bad = [b"x", b"", frame(CONNECT, 1), frame(CONNECT, 1, good + b"x"), frame(CONNECT, 1, good, flags=1), frame(77, 1),
               frame(CONNECT, 1, good)[:-3], frame(ABANDON, 1, b"x"), frame(1, 1), connect(1, "a.example", 0), connect(1, "a.example", 65536),
               connect(1, "", 80), connect(1, "A.example", 80), connect(1, "a.example.", 80), connect(1, "127.1", 80),
               connect(1, "0x7f000001", 80), connect(1, "[::1]", 80), connect(1, "::0:1", 80), connect(1, "a b", 80),
               connect(1, b"a\0.example", 80), connect(1, b"\xff", 80), connect(1, "a" * 64 + ".example", 80), connect(1, "a." * 150, 80),
               connect(1, "a@b", 80), connect(1, "a/b", 80), connect(1, "*.example", 80), frame(CONNECT, 1, struct.pack("<I", 0xffffffff))]
        for data in bad:
            client = self.client(broker)
            client.send(data)
            if data:  # an empty message is what end of file looks like
                self.assertIsNone(receive(client), data)
        self.alive(broker)

    def test_descriptors_nobody_asked_for(self):
        broker = self.broker([])
        client = self.client(broker)
        socket.send_fds(client, [connect(1, "10.0.0.1", 80)], [client.fileno()])
        self.assertIsNone(receive(client))
        self.alive(broker)

    def test_noise(self):
        broker, chance = self.broker([]), random.Random(3)
        for _ in range(300):
            client = broker.client()
            data = bytearray(connect(chance.randrange(5), "example.org", 80))
            for _ in range(chance.randrange(1, 6)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            client.send(bytes(data))
            client.close()
        self.alive(broker)

    def test_one_that_asks_and_never_reads(self):
        """It is heard no more once its bound is reached, and costs nobody else anything."""
        with Server(answering("x")) as server:
            broker = self.broker([("127.0.0.1", server.port)])
            client = self.client(broker)
            client.setblocking(False)
            sent = 0
            try:
                while sent < 20000:
                    client.send(connect(sent, "127.0.0.1", server.port))
                    sent += 1
            except BlockingIOError:
                pass
            self.assertLess(sent, 20000)
            self.alive(broker)
            client.setblocking(True)
            for _ in range(sent):
                kind, _, _, _, _, descriptors = receive(client)
                self.assertIn(kind, (CONNECTED, FAILED))
                for descriptor in descriptors:
                    socket.close(descriptor)

    def test_clients_that_vanish_in_the_middle(self):
        end = threading.Event()
        with Server(lambda connection, _: end.wait()) as server:
            broker = self.broker([("127.0.0.1", server.port)])
            for _ in range(100):
                client = broker.client()
                for call in range(5):
                    client.send(connect(call, "127.0.0.1", server.port))
                client.close()
            self.alive(broker)
            end.set()

    def test_too_many_clients(self):
        broker = self.broker([])
        clients = [self.client(broker) for _ in range(64)]
        self.assertIsNone(receive(self.client(broker)))
        clients[0].send(connect(1, "10.0.0.1", 80))
        self.assertEqual(receive(clients[0])[0], REFUSED)


class Ends(unittest.TestCase):
    def test_with_the_spawner(self):
        broker = Broker([])
        client = broker.client()
        broker.close()
        self.assertEqual(broker.status, 0)
        self.assertIsNone(receive(client))
        client.close()

    def test_on_what_the_spawner_would_never_say(self):
        for data in (b"x", frame(9), frame(1)):
            broker = Broker([])
            broker.control.send(data)
            self.assertEqual(broker.process.wait(20), 0)
            broker.close()

    def test_killed(self):
        broker = Broker([])
        client = broker.client()
        kill(broker.process)
        self.assertIsNone(receive(client))
        client.close()
        broker.control.close()


if __name__ == "__main__":
    main()
