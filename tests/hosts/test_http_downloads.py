# SPDX-License-Identifier: Apache-2.0
"""download_file over HTTP: whose a download is, and whose end is its end."""

import json
import os

import pytest
from client import text_of
from web import GATED


@pytest.fixture
def own(tmp_path, site):
    path = tmp_path / "own.json"
    path.write_text(json.dumps({"network": {"allowedDomains": [site.address]}}))
    return path


def call(server, token, **arguments):
    return server.request("tools/call", {"name": "download_file", "arguments": arguments}, token=token).last()["result"]


def ended(server, token, **arguments):
    while True:
        result = call(server, token, **arguments)
        if result.get("isError") or result["structuredContent"]["status"] != "downloading":
            return result


def test_two_callers(serve_http, own, site, workspace):
    """Each has its own, also of one and the same file, for which the first wins."""
    server = serve_http("--policy", str(own), "--answer-within", "0.3")
    url = f"http://{site.address}/gated"
    for token in ("alice", "bob"):
        assert call(server, token, url=url, path="file")["structuredContent"]["status"] == "downloading"
    assert site.asked.count("/gated") == 2
    site.gate.set()
    results = [ended(server, token, url=url, path="file") for token in ("alice", "bob")]
    assert sorted(bool(result.get("isError")) for result in results) == [False, True], results
    assert any("was made by somebody else while it was downloaded" in text_of(result) for result in results)
    assert (workspace / "file").read_bytes() == GATED
    assert site.asked.count("/gated") == 2 and os.listdir(workspace) == ["file"]
    assert server.finish() == 0, server.log


def test_policies_of_tokens(serve_http, own, site, workspace):
    """What one may have the other may not."""
    less = own.with_name("less.json")
    less.write_text(json.dumps({**json.loads(own.read_text()), "limits": {"downloadBytes": 5}}))
    server = serve_http(policies={"alice": less, "bob": own})
    url = f"http://{site.address}/plain"
    assert "limits.downloadBytes" in text_of(ended(server, "alice", url=url, path="file"))
    assert ended(server, "bob", url=url, path="file")["structuredContent"]["status"] == "created"
    assert server.finish() == 0, server.log


def test_a_caller_that_is_dismissed(serve_http, own, site, workspace):
    """Its downloads end with it; those of others go on."""
    server = serve_http("--policy", str(own), "--answer-within", "0.3")
    url = f"http://{site.address}/gated"
    for token in ("alice", "bob"):
        assert call(server, token, url=url, path=f"of/{token}")["structuredContent"]["status"] == "downloading"
    del server.tokens["bob"]
    server.write_tokens()
    server.reload("reloaded: tokens")
    site.gate.set()
    assert ended(server, "alice", url=url, path="of/alice")["structuredContent"]["status"] == "created"
    assert os.listdir(workspace / "of") == ["alice"]
    assert server.finish() == 0, server.log


def test_the_end_of_the_server(serve_http, own, site, workspace):
    server = serve_http("--policy", str(own), "--answer-within", "0.3")
    assert call(server, "alice", url=f"http://{site.address}/gated", path="file")["structuredContent"]["status"] == "downloading"
    assert server.finish() == 0, server.log
    assert os.listdir(workspace) == []
    site.gate.set()
