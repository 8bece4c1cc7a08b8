# SPDX-License-Identifier: Apache-2.0
"""One client over both transports and all revisions, so that a test of what the specification says is written once.

A link speaks one revision to one server: `sallyport` or the conformance fixture, over stdio or HTTP. What belongs to a request is read from
the request; every message is held against its schema by the clients underneath.
"""

import os
import signal
import subprocess

from client import LEGACY, MODERN, PATIENCE, Result, Server, Watch, meta
from conftest import BUILD, PROGRAM, clean_environment
from http_client import HttpServer, Session

FIXTURE = os.path.join(BUILD, "tests/conformance/conformance-fixture")
TRANSPORTS = ["stdio", "http"]
REVISIONS = [*LEGACY, MODERN]
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
EVERYTHING = {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}}


def fixture_environment():
    return clean_environment(ASAN_OPTIONS="detect_leaks=1:abort_on_error=1:handle_abort=0")  # it is not confined


class HttpFixture(HttpServer):
    """The fixture over HTTP: it lets everybody in."""

    def __init__(self):  # pylint: disable=super-init-not-called
        self.tls, self.policies = None, {}
        self.tokens = {"alice": "a", "bob": "b"}
        self.process = subprocess.Popen([FIXTURE, "http"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=fixture_environment())
        self.address = self.process.stdout.readline().decode().split("/")[2]
        self.log = b""

    def kill(self):
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, log


class Link:
    """What the two have in common. `capabilities` are said with each modern request, or once by initialize."""

    def __init__(self, version, capabilities):
        self.version, self.capabilities, self.numbers = version, capabilities or {}, 0

    @property
    def modern(self):
        return self.version == MODERN

    def message(self, method, params, number, progress=None, capabilities=None, more=None):
        """A request; `more` are further members of _meta."""
        params = dict(params or {})
        said = {**({} if progress is None else {"progressToken": progress}), **(more or {})}
        if self.modern:
            said = {**meta(capabilities=self.capabilities if capabilities is None else capabilities), **said}
        if said:
            params["_meta"] = said
        return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}

    def start(self, method, params=None, *, number=None, progress=None, capabilities=None, more=None, **headers):
        """A request that goes out; what comes for it is read from what this returns."""
        self.numbers += 1
        number = self.numbers if number is None else number
        return self.begin(self.message(method, params, number, progress, capabilities, more), progress, headers)

    def ask(self, method, params=None, **more):
        """The answer."""
        return self.start(method, params, **more).end()

    def result(self, method, params=None, **more):
        answer = self.ask(method, params, **more)
        assert "result" in answer, answer
        return Result(answer["result"])

    def error(self, method, params=None, **more):
        answer = self.ask(method, params, **more)
        assert "error" in answer, answer
        return answer["error"]

    def call(self, tool, arguments=None, **more):
        return self.result("tools/call", {"name": tool, **({} if arguments is None else {"arguments": arguments})}, **more)

    def listen(self, number=None, **wanted):
        """An open subscription and what was acknowledged of it."""
        listening = self.start("subscriptions/listen", {"notifications": wanted}, number=number)
        first = listening.next()
        assert first["method"] == "notifications/subscriptions/acknowledged", first
        assert list(first["params"]["_meta"]) == [SUBSCRIPTION]
        return listening, first["params"]["notifications"]


class StdioLink(Link):
    """All on one channel: a message belongs to the request that its token or its subscription names, or else to whoever reads."""

    def __init__(self, command, version, capabilities, *, env, cwd=None):
        super().__init__(version, capabilities)
        self.server = Server(command, env=env, cwd=cwd)
        self.server.asks = True
        self.started = self.server.handshake(version, capabilities=capabilities)

    def begin(self, message, progress, headers):
        del headers  # there are none
        self.server.send(message)
        return StdioRequest(self, message["id"], progress)

    def notify(self, method, params=None):
        self.server.send({"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})})

    def reply(self, request, **outcome):
        self.server.send({"jsonrpc": "2.0", "id": request["id"], **outcome})

    def hear(self):
        """The next message that nobody asked for (legacy)."""
        return self.server.receive(lambda m: "id" not in m and SUBSCRIPTION not in m.get("params", {}).get("_meta", {}))

    def quiet(self):
        """Nothing is on its way."""
        self.ask("server/discover" if self.modern else "ping")
        assert self.server.waiting == []

    def close(self):
        watch = Watch(self.server.tree())
        self.server.kill()
        watch.wait_ended(PATIENCE)
        watch.close()


class StdioRequest:
    def __init__(self, link, number, progress):
        self.link, self.number, self.progress, self.notes = link, number, progress, []

    def _is_ours(self, message):
        if "method" not in message:
            return message.get("id") == self.number and type(message["id"]) is type(self.number)
        params = message.get("params", {})
        if SUBSCRIPTION in params.get("_meta", {}):
            return params["_meta"][SUBSCRIPTION] == self.number
        if message["method"] == "notifications/progress":
            return params["progressToken"] == self.progress
        return "id" in message or message["method"] in ("notifications/message", "notifications/cancelled")

    def next(self):
        message = self.link.server.receive(self._is_ours)
        if "method" in message:
            self.notes.append(message)
        return message

    def end(self):
        while "method" in (message := self.next()):
            pass
        return message

    def cancel(self):
        self.link.notify("notifications/cancelled", {"requestId": self.number, "reason": "enough"})


class HttpLink(Link):
    """Each request has a connection of its own; a legacy session one more, for what is said unasked."""

    def __init__(self, server, version, capabilities):
        super().__init__(version, capabilities)
        self.server, self.open = server, []
        self.session = None if self.modern else Session(server, version, capabilities=capabilities)
        self.started = self.session and self.session.initialized
        self.ear = self.session and self.session.listen()
        if self.ear:
            self.open.append(self.ear)

    def begin(self, message, progress, headers):
        del progress
        answer = self.session.send(message, **headers) if self.session else self.server.post(message, **headers)
        answer.asks = True
        answer.version = self.version
        self.open.append(answer)
        return HttpRequest(self, answer, message["id"])

    def notify(self, method, params=None):
        message = {"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})}
        answer = self.session.send(message) if self.session else self.server.post(message)
        assert (answer.status, answer.body()) == (202, b"")

    def reply(self, request, **outcome):
        answer = self.session.send({"jsonrpc": "2.0", "id": request["id"], **outcome})
        assert (answer.status, answer.body()) == (202, b"")

    def hear(self):
        return self.ear.next_message()

    def quiet(self):
        """What comes for a request comes with its answer; the caller has read that."""

    def close(self):
        for answer in self.open:
            answer.close()


class HttpRequest:
    def __init__(self, link, answer, number):
        self.link, self.http, self.number, self.notes = link, answer, number, []

    @property
    def status(self):
        return self.http.status

    def next(self):
        message = self.http.next_message() if self.http.is_stream else self.http.message()
        if message is not None and "method" in message:
            self.notes.append(message)
        return message

    def end(self):
        """The answer; a stream ends with it."""
        while (message := self.next()) is not None and "method" in message:
            pass
        assert message is not None, f"the stream ended without an answer: {self.notes}"
        assert message["id"] == self.number and type(message["id"]) is type(self.number)
        if self.http.is_stream:
            assert self.http.next_event() is None
        return message

    def cancel(self):
        if self.link.session:
            self.link.notify("notifications/cancelled", {"requestId": self.number, "reason": "enough"})
        else:
            self.http.close()


class Links:
    """Makes them, each kind of HTTP server once."""

    def __init__(self, place, *arguments):
        self.place, self.arguments, self.links, self.servers = place, arguments, [], {}

    def http(self, program):
        if program not in self.servers:
            self.servers[program] = HttpFixture() if program == "fixture" else HttpServer(self.place, *self.arguments)
        return self.servers[program]

    def __call__(self, program, transport, version=MODERN, capabilities=None):
        if transport == "http":
            link = HttpLink(self.http(program), version, capabilities)
        elif program == "fixture":
            link = StdioLink([FIXTURE, "stdio"], version, capabilities, env=fixture_environment())
        else:
            command = [PROGRAM, "stdio", "--workspace", str(self.place / "workspace"), *self.arguments]
            link = StdioLink(command, version, capabilities, env=clean_environment(), cwd=str(self.place / "workspace"))
        self.links.append(link)
        return link

    def close(self):
        for link in self.links:
            link.close()
        for server in self.servers.values():
            watch = Watch(server.tree())
            server.kill()
            watch.wait_ended(PATIENCE)
            watch.close()
