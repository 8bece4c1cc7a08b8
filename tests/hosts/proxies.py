# SPDX-License-Identifier: Apache-2.0
"""What stands between clients and `sallyport http` in the field: nginx, by the configuration that docs/proxies.md recommends, and a
proxy that does all that a proxy may do at once. Both are asked like the server behind them."""

import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import threading

from client import PATIENCE
from conftest import TOP
from http_client import HttpServer

# What nginx wants where nobody has installed it for the whole machine.
ALONE = """daemon off; master_process off; worker_rlimit_nofile 4096; pid {place}/pid; error_log {place}/log notice;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/1; uwsgi_temp_path {place}/2; scgi_temp_path {place}/3;
    {served}
}}
"""


def recommended():
    """What docs/proxies.md shows: the configuration, and the upstream of several replicas."""
    with open(os.path.join(TOP, "docs/proxies.md"), encoding="utf-8") as file:
        return re.findall(r"```nginx\n(.*?)```", file.read(), re.DOTALL)


def for_replicas(text):
    """The configuration with the upstream of several replicas."""
    return re.sub(r"upstream [^}]*}\n", lambda _: recommended()[1], text)


class Nginx(HttpServer):
    """In front of these servers; `change` makes another configuration of the recommended one."""

    tls = None

    def __init__(self, *servers, change=lambda text: text):
        self.tokens = servers[0].tokens
        self.place = tempfile.mkdtemp(prefix="sallyport-nginx-")  # a socket's path must be short
        self.address = f"unix:{self.place}/socket"
        self.log = b""
        text = change(recommended()[0])
        text, upstream = re.subn(r"(server \d\S+;\s*)+", " ".join(f"server {one.address};" for one in servers) + "\n", text)
        text, listens = re.subn(r"listen [^;]*;", f"listen {self.address};", text)
        assert upstream == 1 and listens == 1, text
        self.text = text
        with open(f"{self.place}/conf", "w", encoding="utf-8") as file:
            file.write(ALONE.format(place=self.place, served=text))
        self.process = subprocess.Popen(["nginx", "-e", f"{self.place}/log", "-c", f"{self.place}/conf"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, bufsize=0)
        try:
            self.wait_listens()
        except BaseException:
            self.kill()
            raise

    def wait_listens(self):
        """Its socket is there before it is listened on; whoever connects then is refused at once, so it is tried again."""
        while True:
            assert self.process.poll() is None, self.process.stderr.read()
            try:
                self.connect().close()
                return
            except (FileNotFoundError, ConnectionRefusedError):
                os.sched_yield()

    def logged(self):
        with open(f"{self.place}/log", encoding="utf-8") as file:
            return file.read()

    def kill(self):
        super().kill()
        shutil.rmtree(self.place)


class Mangler(HttpServer):
    """A proxy such as one may be: it reads a whole request before it asks, whoever it is from, over the few connections that it keeps; it
    sends bodies in chunks of odd sizes, and every byte that passes in pieces of its own cut, in both directions."""

    tls = None

    def __init__(self, server, piece=7, chunk=13):
        self.server, self.tokens, self.piece, self.chunk = server, server.tokens, piece, chunk
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.kept, self.lock = [], threading.Lock()
        self.text = "client_max_body_size 16m"
        self.opened = 0  # connections to the server
        self.threads = []
        self.accepting = threading.Thread(target=self.accept)
        self.accepting.start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.serve, args=(connection,))
            thread.start()
            self.threads.append(thread)

    def upstream(self):
        with self.lock:
            if self.kept:
                return self.kept.pop()
            self.opened += 1
        connection = self.server.connect()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def serve(self, client):
        with client, client.makefile("rb") as requests:
            while head := read_head(requests):
                length = int(re.search(rb"(?i)\r\ncontent-length: (\d+)", head)[1])
                body = requests.read(length)
                head = re.sub(rb"(?i)\r\ncontent-length: \d+", b"\r\ntransfer-encoding: chunked", head)
                upstream = self.upstream()
                asked = head + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in cut(body, self.chunk)) + b"0\r\n\r\n"
                try:
                    for part in cut(asked, max(self.piece, len(asked) // 2000)):
                        upstream.sendall(part)
                except ConnectionError:
                    pass  # it answers before it has read all
                if not self.give_back(client, upstream):
                    return

    def give_back(self, client, upstream):
        """The response, a few bytes at a time. True when it was whole; then the connection is kept, unless the server ends it."""
        said = b""
        try:
            while not whole(said):
                ready = select.select([upstream, client], [], [])[0]
                part = upstream.recv(4096) if upstream in ready else b""
                if not part:
                    raise ConnectionError("one of the two has left")
                said += part
                for piece in cut(part, self.piece):
                    client.sendall(piece)
        except ConnectionError:
            upstream.close()
            return False
        if re.search(rb"(?i)\r\nconnection: close", said.partition(b"\r\n\r\n")[0]):
            upstream.close()
        else:
            with self.lock:
                self.kept.append(upstream)
        return True

    def kill(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.accepting.join(PATIENCE)
        for thread in self.threads:
            thread.join(PATIENCE)
        for connection in self.kept:
            connection.close()


def cut(data, size):
    return [data[at:at + size] for at in range(0, len(data), size)]


def read_head(stream):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return b""
        head += line
    return head


def whole(said):
    """Is this all of a response?"""
    head, there, body = said.partition(b"\r\n\r\n")
    if not there:
        return False
    if re.search(rb"(?i)\r\ntransfer-encoding: chunked", head):
        return body.endswith(b"0\r\n\r\n")
    return len(body) == int(re.search(rb"(?i)\r\ncontent-length: (\d+)", head)[1])
