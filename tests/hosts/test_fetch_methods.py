# SPDX-License-Identifier: Apache-2.0
"""fetch_url with a method, headers and a body: where network.methods allows them, and at the loopback of one's own sandbox."""

import pytest
from client import text_of
from test_fetch_inside import Called
from test_secrets import echo  # noqa: F401: a fixture


def denial(result):
    assert result["isError"], result
    return result["_meta"]["sallyport.dev/denial"]


@pytest.fixture
def server(start, policy, echo):  # noqa: F811
    return start("--policy", policy({"network": {"allowedDomains": [echo.address], "robots": False, "userAgent": "Tested/1 (by us)",
                                                 "methods": [{"domain": echo.address, "methods": ["POST", "HEAD", "GET"]}]}}))


def test_a_request_is_what_was_asked_for(server, echo):  # noqa: F811
    result = server.call("fetch_url", url=f"http://{echo.address}/x", method="POST", headers={"X-One": "1", "Accept": "a/b"}, body='{"a": "ä"}')
    assert not result.get("isError") and "said nothing to the end" in text_of(result), result
    method, path, headers, body = echo.asked[-1]
    assert (method, path, body) == ("POST", "/x", '{"a": "ä"}'.encode())
    assert headers["X-One"] == "1" and headers["Accept"] == "a/b" and headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == "Tested/1 (by us)" and "Expect" not in headers, headers


@pytest.mark.parametrize("body, given, kind", [("plain", {}, "text/plain; charset=utf-8"), (" [1]", {}, "application/json"), ("a=b", {"content-type": "application/x-www-form-urlencoded"},
                                                                                                                            "application/x-www-form-urlencoded")])
def test_types_of_bodies(server, echo, body, given, kind):  # noqa: F811
    assert not server.call("fetch_url", url=f"http://{echo.address}/", method="post", headers=given, body=body).get("isError")
    assert {name.lower(): value for name, value in echo.asked[-1][2].items()}["content-type"] == kind and echo.asked[-1][3] == body.encode()


def test_head_and_headers(server, echo):  # noqa: F811
    assert not server.call("fetch_url", url=f"http://{echo.address}/", method="HEAD").get("isError")
    assert echo.asked[-1][0] == "HEAD"
    assert not server.call("fetch_url", url=f"http://{echo.address}/", headers={"Cookie": "a=b"}).get("isError")
    assert echo.asked[-1][2]["Cookie"] == "a=b"


def test_what_is_not_allowed(server, echo):  # noqa: F811
    result = server.call("fetch_url", url=f"http://{echo.address}/", method="PUT", body="x")
    told = denial(result)
    assert "Allowed: GET and HEAD without headers or a body of your own, and with them GET, HEAD, POST there" in text_of(result), result
    assert told["layer"] == "network" and told["rule"] == "network.methods", told
    assert f'Add {{"domain": "{echo.address}", "methods": ["PUT"]}} to network.methods' in told["remedy"], told
    for arguments in ({"method": "POST", "body": "x"}, {"headers": {"X": "y"}}, {"method": "DELETE"}):
        told = denial(server.call("fetch_url", url="http://other.example/", **arguments))
        assert told["rule"].startswith("default: GET and HEAD"), told
    assert echo.asked == []


@pytest.mark.parametrize("arguments, says", [
    ({"method": "POST", "headers": {"Host": "evil.example"}}, '"Host" is set by this program'),
    ({"method": "POST", "headers": {"Content-Length": "0"}}, "is set by this program"),
    ({"method": "POST", "headers": {"X": "a\r\nHost: evil.example"}}, "control characters"),
    ({"method": "POST", "headers": {"X:": "a"}}, "is not the name of a header"),
    ({"method": "POST", "headers": ["X: a"]}, "headers"),
    ({"body": "x"}, "body: GET has none"),
    ({"method": "CONNECT"}, "method: it must be one of GET, HEAD, POST"),
    ({"method": "TRACE"}, "must be one of"), ({"method": "GET / HTTP/1.1\r\nX:"}, "method"),
    ({"method": "POST", "headers": {f"X-{i}": "x" * 1000 for i in range(20)}}, "longer than 16384 bytes"),
    ({"method": "POST", "body": "x" * 131073}, "body"),
])
def test_what_is_no_request(server, echo, arguments, says):  # noqa: F811
    result = server.call("fetch_url", url=f"http://{echo.address}/", **arguments)
    assert result["isError"] and says in text_of(result), result
    assert echo.asked == []


def test_redirects_are_judged_anew(start, policy, echo):  # noqa: F811
    """After a POST comes a GET without its body (302: as everybody does it), and it too must be allowed with the headers that it has."""
    server = start("--policy", policy({"network": {"allowedDomains": [echo.address], "robots": False, "methods": [{"domain": echo.address, "methods": ["POST", "GET"]}]}}))
    result = server.call("fetch_url", url=f"http://{echo.address}/redirect", method="POST", body="x")
    assert [one[0] for one in echo.asked] == ["POST", "GET"], (echo.asked, result)
    assert echo.asked[1][3] == b"" and "Content-Length" not in echo.asked[1][2]


def test_at_the_loopback_of_ones_own(start, policy, workspace):
    """No policy is needed: nothing leaves the sandbox."""
    (workspace / "api.py").write_text("""
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_PATCH(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        said = f"{self.command} {self.headers['X-One']} {self.headers['Content-Type']} {body.decode()}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
server = http.server.HTTPServer(("127.0.0.1", 8000), Handler)
print("listening", flush=True)
server.serve_forever()
""")
    caller = Called(start().call)
    caller.begin("exec python3 api.py")
    assert "network.methods" in text_of(caller.fetch("http://localhost:8000/", method="PATCH"))  # the tool says of itself that it only reads
    caller = Called(start("--policy", policy({"network": {"methods": [{"domain": "localhost:8000", "methods": ["PATCH"]}]}})).call)
    caller.begin("exec python3 api.py")
    result = caller.fetch("http://localhost:8000/", method="PATCH", headers={"X-One": "1"}, body="[1, 2]")
    assert "PATCH 1 application/json [1, 2]" in text_of(result), result
    result = caller.call("download_file", url="http://localhost:8000/nothing", path="out")
    assert result["isError"] and "501" in text_of(result), result  # there is no GET


def test_the_tool_says_whether_it_only_reads(start, policy):
    for methods, reads in (([], True), ([{"domain": "a.example", "methods": ["GET"]}], True), ([{"domain": "a.example", "methods": ["GET", "DELETE"]}], False)):
        server = start("--policy", policy({"network": {"methods": methods}}))
        tool = next(tool for tool in server.request("tools/list")["result"]["tools"] if tool["name"] == "fetch_url")
        assert tool.get("annotations", {}).get("readOnlyHint", False) is reads, methods
