# SPDX-License-Identifier: Apache-2.0
"""A raw HTTP client beside a server of its own: what goes over the wire is what the test wrote, and every message that comes back is
held against the schema of its revision."""

import base64
import http.client
import json
import os
import re
import resource
import select
import signal
import socket
import ssl
import subprocess
import time

from client import MODERN, PATIENCE, compact, descendants, meta
from conftest import PROGRAM, clean_environment
from schemas import check_message

BOTH = "application/json, text/event-stream"
CUT = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)  # the server has ended the connection


def certify(place, name="localhost", days=2, algorithm=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
    """Makes `cert.pem`, signed by itself and so its own authority, and `key.pem` there, or replaces them."""
    for file in ("cert", "key"):  # renamed into place, as those do who renew
        (place / f"{file}.new").unlink(missing_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", *algorithm, "-nodes", "-keyout", place / "key.new", "-out", place / "cert.new", "-days",
                    str(days), "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True,
                   timeout=PATIENCE)
    (place / "key.new").chmod(0o600)
    for file in ("cert", "key"):
        (place / f"{file}.new").rename(place / f"{file}.pem")


# What Mcp-Name repeats.
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri", "tasks/get": "taskId", "tasks/update": "taskId", "tasks/cancel": "taskId"}


def header_value(text):
    """As it is where it can be, else encoded (2026-07-28 streamable-http, "Value Encoding")."""
    plain = all(" " <= one <= "~" for one in text) and text == text.strip() and not (text.startswith("=?base64?") and text.endswith("?="))
    return text if plain else f"=?base64?{base64.b64encode(text.encode()).decode()}?="


class HttpServer:
    """`sallyport http` on a port of its own, with the tokens `alice` and `bob`."""

    def __init__(self, place, *arguments, tokens=("alice", "bob"), listen="127.0.0.1:0", env=None, files=None, tls=False, policies=None):
        self.place, self.tls, self.policies = place, None, policies or {}
        if tls:
            if not (place / "cert.pem").exists():
                certify(place)
            self.tls = ssl.create_default_context(cafile=place / "cert.pem")
            arguments += ("--tls-cert", str(place / "cert.pem"), "--tls-key", str(place / "key.pem"))
        self.workspace = place / "workspace"
        self.tokens = {name: f"{name}-{'0123456789abcdef' * 2}" for name in tokens}
        command = [PROGRAM, "http", "--workspace", str(place / "workspace")]
        if listen:
            command += ["--listen", listen]
        if tokens:
            self.write_tokens()
            command += ["--token-file", str(place / "tokens")]
        self.process = subprocess.Popen([*command, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        env=clean_environment(**(env or {})), bufsize=0,
                                        preexec_fn=files and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))))
        self.log = b""
        self.address = listen
        self.wait_said("listening on ")
        found = re.search(rb"listening on https?://([^/]+)/mcp", self.log)
        if found:
            self.address = found[1].decode()

    def write_tokens(self):
        file = self.place / "tokens"
        own = {name: f" policy={path}" for name, path in self.policies.items()}
        file.write_text("".join(f"{name} {token}{own.get(name, '')}\n" for name, token in self.tokens.items()))
        file.chmod(0o600)

    def reload(self, said="reloaded:"):
        """SIGHUP; until its log says this."""
        self.log = b""
        self.process.send_signal(signal.SIGHUP)
        self.wait_said(said)

    def wait_said(self, text):
        """Until its log has said that; the log so far if it ends before."""
        deadline = time.monotonic() + PATIENCE
        while text.encode() not in self.log:
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self.process.stderr], [], [], left)[0], (text, self.log)
            data = os.read(self.process.stderr.fileno(), 65536)
            assert data, f"the server has ended: {self.log.decode()} (exit {self.process.wait(PATIENCE)})"
            self.log += data

    @property
    def url(self):
        return f"http{'s' if self.tls else ''}://{self.address}/mcp"

    @property
    def pid(self):
        return self.process.pid

    def tree(self):
        return descendants(self.pid) if self.process.poll() is None else []

    def connect(self, timeout=PATIENCE):
        """A connection without a byte, or after its handshake."""
        plain = self.connect_plain(timeout)
        return self.tls.wrap_socket(plain, server_hostname="localhost") if self.tls else plain

    def connect_plain(self, timeout=PATIENCE):
        if self.address.startswith("unix:"):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(timeout)
            connection.connect(self.address[5:])
            return connection
        host, port = self.address.rsplit(":", 1)
        return socket.create_connection((host.strip("[]"), int(port)), timeout)

    def talk(self, raw, timeout=PATIENCE):
        """Sends bytes as they are and reads one response."""
        with self.connect(timeout) as connection:
            try:
                connection.sendall(raw)
            except CUT:
                pass  # it may answer before it has read all
            return Answer(connection)

    def head(self, *, method="POST", path="/mcp", token="alice", **changes):
        """The head of a request; a value of None takes a header away. Underscores are hyphens."""
        headers = {"Host": "localhost", "Content-Type": "application/json", "Accept": BOTH,
                   "Authorization": f"Bearer {self.tokens[token]}" if token else None}
        headers.update({name.replace("_", "-"): value for name, value in changes.items()})
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items() if value is not None)]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def ask(self, body=b"", timeout=PATIENCE, **changes):
        """One request with this body, as it is."""
        body = body if isinstance(body, bytes) else compact(body)
        return self.talk(self.head(**{"Content-Length": len(body), **changes}) + body, timeout)

    def post(self, message, *, version=MODERN, timeout=PATIENCE, **changes):
        """A message with the headers that are right for it."""
        known = {"MCP-Protocol-Version": version}
        if version == MODERN and "method" in message:
            known["Mcp-Method"] = message["method"]
            name = message.get("params", {}).get(NAMED.get(message["method"]))
            known["Mcp-Name"] = header_value(name) if isinstance(name, str) else None
        answer = self.ask(message, timeout, **{**known, **changes})
        answer.version, answer.method = version, message.get("method")
        return answer

    def request(self, method, params=None, *, number=1, progress=None, **more):
        """A modern request's answer."""
        extra = {} if progress is None else {"progressToken": progress}
        return self.post({"jsonrpc": "2.0", "id": number, "method": method, "params": {**(params or {}), "_meta": meta(**extra)}}, **more)

    def call(self, tool, arguments=None, **more):
        answer = self.request("tools/call", {"name": tool, "arguments": arguments or {}}, **more)
        return answer.last()["result"]

    def finish(self):
        """SIGTERM; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        self.log += self.process.stderr.read() or b""
        return status

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process.stderr.close()


class Answer:
    """A response: its head now, its messages as they are asked for."""

    def __init__(self, connection):
        self.connection = connection
        self.response = http.client.HTTPResponse(connection)
        self.response.begin()
        self.status = self.response.status
        self.version, self.method, self.asks = "2025-11-25", None, False
        self.events = []  # (id or None, message or None) of a stream so far

    def header(self, name):
        return self.response.getheader(name)

    @property
    def is_stream(self):
        return self.header("Content-Type") == "text/event-stream"

    def body(self):
        return self.response.read()

    def message(self):
        """Of an answer that is one JSON message."""
        assert self.header("Content-Type") == "application/json", self.header("Content-Type")
        return self.check(json.loads(self.body()))

    def check(self, message):
        check_message(message, self.version, self.method, self.asks)
        return message

    def next_event(self):
        """The next event of a stream as (id, message); None at its end. Comments are passed over."""
        name, data = None, None
        while True:
            line = self.response.readline().decode("utf-8")
            if not line:
                return None
            if line == "\n":
                if data is None:
                    continue
                event = (name, self.check(json.loads(data)) if data else None)
                self.events.append(event)
                return event
            if line.startswith("id: "):
                name = line[4:-1]
            elif line.startswith("data:"):
                data = line[5:].strip()

    def next_message(self):
        event = self.next_event()
        while event and event[1] is None:
            event = self.next_event()
        return event and event[1]

    def last(self):
        """The answer to the request, whichever way it came."""
        if not self.is_stream:
            return self.message()
        while (message := self.next_message()) is not None:
            if "method" not in message:
                return message
        raise AssertionError(f"the stream ended without an answer: {self.events}")

    def code(self):
        return self.last()["error"]["code"]

    def close(self):
        """As a client that leaves."""
        self.response.close()
        self.connection.close()


class Session:
    """A legacy session."""

    def __init__(self, server, version="2025-11-25", token="alice", capabilities=None):
        self.server, self.version, self.token, self.number = server, version, token, 0
        begun = server.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": version, "capabilities": capabilities or {}, "clientInfo": {"name": "raw-http-client", "version": "1"}}},
            version=None, token=token)
        begun.version, begun.method = version, "initialize"
        assert begun.status == 200
        self.id = begun.header("Mcp-Session-Id")
        self.initialized = begun.message()["result"]
        assert self.initialized["protocolVersion"] == version
        assert self.notify("notifications/initialized").status == 202

    def send(self, message, **more):
        return self.server.post(message, version=self.version, token=self.token, **{"Mcp-Session-Id": self.id, **more})

    def notify(self, method, params=None):
        return self.send({"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})})

    def request(self, method, params=None, progress=None, number=None, **more):
        self.number += 1
        params = dict(params or {}, **({} if progress is None else {"_meta": {"progressToken": progress}}))
        return self.send({"jsonrpc": "2.0", "id": self.number if number is None else number, "method": method, "params": params}, **more)

    def call(self, tool, arguments=None, **more):
        return self.request("tools/call", {"name": tool, "arguments": arguments or {}}, **more).last()["result"]

    def listen(self, last_event=None):
        answer = self.server.ask(method="GET", token=self.token, **{"Mcp-Session-Id": self.id, "Content-Length": None, "Content-Type": None,
                                                                   "Last-Event-ID": last_event, "MCP-Protocol-Version": self.version})
        answer.version = self.version
        return answer

    def delete(self):
        return self.server.ask(method="DELETE", token=self.token, **{"Mcp-Session-Id": self.id, "Content-Length": None, "Content-Type": None})
