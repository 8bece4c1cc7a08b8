# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a server with much under way: every client hears of it, nothing of it is left, and another one stands in its place at once."""

import concurrent.futures
import http.client
import os
import threading

import pytest
from client import LEGACY, PATIENCE, Watch, name_of, text_of
from http_client import HttpServer, Session
from test_background_ends import ALL

CLIENTS = 32
GONE = (ConnectionError, http.client.HTTPException)  # refused, reset, the end in the middle; never a time-out


class Load:
    """Clients, each of which does the same again and again until the server is gone, and then says how it heard of that."""

    def __init__(self, server):
        self.server = server
        self.answered = [0] * CLIENTS
        self.changed = threading.Condition()
        self.pool = concurrent.futures.ThreadPoolExecutor(CLIENTS)
        self.kinds = [self.read, self.write, self.command, self.stream, self.listen, self.background, self.session, self.waits] * (CLIENTS // 8)
        self.clients = [self.pool.submit(self.go_on, number, kind) for number, kind in enumerate(self.kinds)]

    def go_on(self, number, act):
        try:
            while True:
                act(number)
                with self.changed:
                    self.answered[number] += 1
                    self.changed.notify()
        except GONE as error:
            return type(error).__name__

    def wait_busy(self, least):
        """Until each has had so many answers; of those that only listen or wait the first, or none."""
        wanted = [{self.listen: 1, self.waits: 0}.get(kind, least) for kind in self.kinds]
        with self.changed:
            assert self.changed.wait_for(lambda: all(n >= least for n, least in zip(self.answered, wanted)), PATIENCE), self.answered

    def all_heard(self):
        return [client.result(PATIENCE) for client in self.clients]

    def read(self, number):
        assert text_of(self.server.call("read_file", {"path": "a.txt"})).startswith("alpha\n")

    def write(self, number):
        assert not self.server.call("write_file", {"path": f"{number}.txt", "content": "x" * 100000}).get("isError")

    def command(self, number):
        assert self.server.call("run_command", {"command": "seq 1000"}, token="bob")["structuredContent"]["exit_code"] == 0

    def stream(self, number):
        answer = self.server.request("tools/call", {"name": "run_command", "arguments": {"command": "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done"}}, progress=1)
        while message := answer.next_message():
            if "result" in message:
                return
        raise http.client.IncompleteRead(b"")  # http.client tells lines no end before its time

    def listen(self, number):
        stream = self.server.request("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, number=number)
        assert stream.next_message()["method"] == "notifications/subscriptions/acknowledged"
        with self.changed:
            self.answered[number] += 1
        while stream.next_event() is not None:
            pass

    def background(self, number):
        """What resists its end, and the next one."""
        begun = self.server.call("run_command", {"command": f"{ALL['all of them']}\nsleep 1000", "wait_ms": 0}, token="bob")["structuredContent"]
        if self.answered[number] > 1:
            self.server.call("stop_command", {"id": begun["id"], "signal": "KILL"}, token="bob")

    def session(self, number):
        session = Session(self.server, LEGACY[number // 8 % len(LEGACY)])
        assert session.call("list_directory", {"path": "."})["structuredContent"]

    def waits(self, number):
        """An answer that is not there when the server is killed."""
        self.server.call("run_command", {"command": "sleep 1000", "wait_ms": 1000000})


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return file.read()


@pytest.fixture
def serve(tmp_path, workspace):
    (workspace / "a.txt").write_text("alpha\n")
    (tmp_path / "key").write_text("7" * 64 + "\n")
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "scratch").mkdir()
    servers = []

    def begin(listen):
        servers.append(HttpServer(tmp_path, "--session-key-file", str(tmp_path / "key"), "--answer-within", "60", listen=listen,
                                  env={"TMPDIR": str(tmp_path / "scratch")}))
        return servers[-1]

    yield begin
    for server in servers:
        watch = Watch(server.tree() if server.process.poll() is None else [])
        server.kill()
        watch.wait_ended(PATIENCE)
        watch.close()


@pytest.mark.alone
@pytest.mark.parametrize("listen", ["127.0.0.1:0", "unix"])
def test_killed_under_load(serve, tmp_path, listen):
    server = serve(f"unix:{tmp_path}/socket" if listen == "unix" else listen)
    session, before = Session(server), mounts()
    for _ in range(2):
        load = Load(server)
        load.wait_busy(3)
        assert not all(name_of(pid).startswith("sallyport") for pid in server.tree())
        watch = Watch(server.tree())
        server.kill()
        assert set(load.all_heard()) <= {"ConnectionResetError", "ConnectionRefusedError", "BrokenPipeError", "RemoteDisconnected", "IncompleteRead"}
        watch.wait_ended(PATIENCE)
        watch.close()
        load.pool.shutdown()
        assert mounts() == before and os.listdir(tmp_path / "scratch") == []
        with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
            server.connect().close()

        server = serve(server.address)
        session.server = server
        assert text_of(session.call("read_file", {"path": "a.txt"})) == "alpha\n"
        assert server.call("run_command", {"command": "echo works"})["structuredContent"]["stdout"] == "works\n"
        assert server.call("list_commands")["structuredContent"]["commands"] == []
        again = session.listen(last_event="1-1")
        assert again.next_event()[1] is None  # begins anew
        again.close()
    assert server.finish() == 0
