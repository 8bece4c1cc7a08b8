# SPDX-License-Identifier: Apache-2.0
"""/metrics: who may read them, that they are well-formed, and that they are true after whatever was asked."""

import threading
import time

import pytest
from client import MODERN, PATIENCE, compact
from exposition import parse
from http_client import Session

SCRAPER = "scraper-0123456789abcdef"


@pytest.fixture
def serve(serve_http, policy):
    return lambda *arguments, rules=None, **more: serve_http(*(["--policy", policy(rules)] if rules else []), *arguments, **more)


def ask(server, **changes):
    return server.ask(**{"method": "GET", "path": "/metrics", "Content-Type": None, "Content-Length": None, **changes})


class Metrics:
    """One reading."""

    def __init__(self, server):
        answer = ask(server)
        assert answer.status == 200 and answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
        self.found = parse(answer.body().decode("ascii"))

    def get(self, name, **labels):
        return self.found.get((name, frozenset(labels.items())))

    def calls(self, tool):
        """By outcome, as far as there were any."""
        return {dict(labels)["outcome"]: value for (name, labels), value in self.found.items()
                if name == "sallyport_calls_total" and dict(labels)["tool"] == tool and value}

    def total(self, name):
        return sum(value for (sample, _), value in self.found.items() if sample == name)


def until(server, condition):
    """A reading for which that holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition(metrics := Metrics(server)):
        assert time.monotonic() < deadline, metrics.found
    return metrics


def test_who_may_read(serve, tmp_path):
    server = serve()
    assert ask(server).status == 200
    assert ask(server, method="HEAD").status == 200
    assert [ask(server, token=None).status, ask(server, Authorization="Bearer wrong").status] == [401, 401]
    assert ask(server, Host="evil.example").status == 403
    assert [ask(server, method="POST").status, ask(server, path="/metrics/").status] == [404, 404]


def test_tokens_for_metrics_alone(serve, tmp_path):
    """They read metrics and call nothing; those that call do not read metrics then."""
    file = tmp_path / "scrapers"
    file.write_text(f"prometheus {SCRAPER}\n")
    file.chmod(0o600)
    server = serve("--metrics-token-file", str(file))
    assert ask(server, Authorization=f"Bearer {SCRAPER}").status == 200
    assert ask(server).status == 401
    assert server.request("server/discover", Authorization=f"Bearer {SCRAPER}").status == 401
    assert server.request("server/discover").status == 200


def test_without_token(serve):
    server = serve(rules={"http": {"withoutToken": True}}, tokens=())
    assert ask(server, token=None).status == 200
    assert ask(server, token=None, Host="evil.example").status == 403  # a page that has rebound its name


def test_the_rate_holds_for_them_too(serve):
    server = serve(rules={"http": {"requestsPerSecond": 0.1}})
    assert ask(server).status == 200
    answer = ask(server)
    assert answer.status == 429 and int(answer.header("Retry-After")) <= 10


def test_at_first(serve, tools):
    """Every tool is there from the beginning, so that rates have something to grow from."""
    metrics = Metrics(serve())
    named = {dict(labels)["tool"] for (name, labels) in metrics.found if name == "sallyport_calls_total"}
    assert named == {*tools, "unknown", "other"}
    assert metrics.total("sallyport_calls_total") == 0 and metrics.total("sallyport_call_duration_seconds_count") == 0
    assert metrics.get("sallyport_sandboxes") == 0 and metrics.get("sallyport_connections") == 1
    assert 1 << 20 < metrics.get("process_resident_memory_bytes") < 1 << 30
    assert abs(metrics.get("process_start_time_seconds") - time.time()) < 3600
    assert [name for (name, labels) in metrics.found if name == "sallyport_build_info" and dict(labels)["version"]]


def test_calls_by_outcome(serve, workspace):
    """Each way a call can end, by its tool."""
    server = serve(rules={"filesystem": {"denyRead": [str(workspace / "secret")]}})
    (workspace / "a.txt").write_text("x")
    (workspace / "secret").write_text("x")
    session = Session(server)
    for _ in range(3):
        server.call("read_file", {"path": "a.txt"})
    session.call("read_file", {"path": "a.txt"})
    server.call("read_file", {"path": "none"})
    server.call("read_file", {"path": 5})
    assert server.call("read_file", {"path": "secret"})["isError"]
    assert server.call("run_command", {"command": "exit 3"})["structuredContent"]["exit_code"] == 3
    assert server.request("tools/call", {"name": "no_such\n\"tool\\", "arguments": {}}, **{"Mcp-Name": "=?base64?bm9fc3VjaAoidG9vbFw=?="}).code() == -32602
    server.request("resources/read", {"uri": f"file://{workspace}/a.txt"}).last()
    stream = server.request("tools/call", {"name": "run_command", "arguments": {"command": "echo up; sleep 300"}}, progress=1)
    assert stream.next_message()["method"] == "notifications/progress"
    during = Metrics(server)
    assert during.get("sallyport_calls_in_flight") == 1 and during.get("sallyport_commands_running") == 1
    assert during.get("sallyport_streams_open") == 1 and during.get("sallyport_sandboxes") == 1
    stream.close()
    after = until(server, lambda metrics: metrics.calls("run_command").get("cancelled"))
    assert after.calls("run_command") == {"success": 1, "cancelled": 1}
    assert after.calls("read_file") == {"success": 5, "error": 2, "denied": 1}
    assert after.calls("unknown") == {"error": 1}
    assert after.get("sallyport_denials_total") == 1
    assert after.get("sallyport_call_duration_seconds_count", tool="read_file") == 8
    assert after.get("sallyport_call_duration_seconds_count", tool="run_command") == 2
    assert after.get("sallyport_call_duration_seconds_bucket", tool="run_command", le="60") == 2
    assert after.get("sallyport_calls_in_flight") == 0 and after.get("sallyport_sessions") == 1
    after = until(server, lambda metrics: not metrics.get("sallyport_commands_running"))
    assert after.get("sallyport_streams_open") == 0


def test_duration(serve):
    """That of the answer, not of what goes on behind it."""
    server = serve("--answer-within", "0.5")
    assert server.call("run_command", {"command": "sleep 300"})["structuredContent"]["status"] == "running"
    metrics = Metrics(server)
    assert metrics.calls("run_command") == {"success": 1}
    assert metrics.get("sallyport_call_duration_seconds_bucket", tool="run_command", le="0.1") == 0
    assert metrics.get("sallyport_call_duration_seconds_bucket", tool="run_command", le="60") == 1
    assert metrics.get("sallyport_commands_running") == 1


def test_denials_of_commands(serve, workspace):
    """What is refused to a command while it runs is counted though the call succeeds."""
    server = serve()
    result = server.call("run_command", {"command": "echo x > .bashrc; curl -s http://example.org/; true"})
    told = result["structuredContent"].get("denials", [])
    metrics = Metrics(server)
    assert metrics.calls("run_command") == {"success": 1}
    assert metrics.get("sallyport_denials_total") >= len(told) > 0


def test_requests_by_status(serve):
    server = serve()
    for _ in range(3):
        server.request("server/discover")
    server.request("server/discover", token=None)
    server.request("no/such")
    server.ask(b"{", path="/nothing")
    left = server.connect()
    left.sendall(server.head(**{"Content-Length": 10}) + b"12345")
    left.close()
    metrics = until(server, lambda metrics: metrics.get("sallyport_requests_total", status="none"))
    answers = [metrics.get("sallyport_requests_total", status=status) for status in ("200", "401", "404", "none")]
    assert answers[0] >= 3 and answers[1:] == [1, 2, 1]
    before = Metrics(server).get("sallyport_requests_total", status="200")
    assert Metrics(server).get("sallyport_requests_total", status="200") == before + 1


def test_mixed_traffic(serve, workspace):
    """From eight sides at once; in the end every call is counted exactly once."""
    server = serve()
    (workspace / "a.txt").write_text("x")

    def some(side):
        for n in range(25):
            token = ("alice", "bob")[side % 2]
            server.call("read_file", {"path": "a.txt"}, token=token)
            server.call("read_file", {"path": "none"}, token=token)
            server.call("list_commands", token=token)
            with server.connect() as connection:  # and one that does not wait for its answer
                body = compact({"jsonrpc": "2.0", "id": n, "method": "ping"})
                connection.sendall(server.head(token=token, **{"Content-Length": len(body), "MCP-Protocol-Version": MODERN}) + body)

    sides = [threading.Thread(target=some, args=(side,)) for side in range(8)]
    for side in sides:
        side.start()
    while any(side.is_alive() for side in sides):
        Metrics(server)
    for side in sides:
        side.join()
    metrics = Metrics(server)
    assert metrics.calls("read_file") == {"success": 200, "error": 200}
    assert metrics.calls("list_commands") == {"success": 200}
    assert metrics.get("sallyport_calls_in_flight") == 0
    assert until(server, lambda metrics: metrics.get("sallyport_connections") == 1)


def test_tokens_for_metrics_change(serve, tmp_path):
    """As those of callers do, on SIGHUP."""
    file = tmp_path / "scrapers"
    file.write_text(f"prometheus {SCRAPER}\n")
    file.chmod(0o600)
    server = serve("--metrics-token-file", str(file))
    assert ask(server, Authorization=f"Bearer {SCRAPER}").status == 200
    file.write_text(f"prometheus {SCRAPER}-2\n")
    server.reload("reloaded: tokens")
    assert ask(server, Authorization=f"Bearer {SCRAPER}").status == 401
    assert ask(server, Authorization=f"Bearer {SCRAPER}-2").status == 200
