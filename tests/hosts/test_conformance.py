# SPDX-License-Identifier: Apache-2.0
"""The official conformance suite against the server itself: the scenarios that need no fixture pass without a warning. Most of the others ask
for tools and prompts by name, which a server of tools for a machine does not have."""

import glob
import json
import os
import re
import subprocess

import pytest
from client import PATIENCE
from conftest import TOP, clean_environment
from http_client import HttpServer

SUITE = os.path.join(TOP, "build/node/node_modules/@modelcontextprotocol/conformance/dist/index.js")
BOTH = ["tools-list", "resources-list", "server-sse-multiple-streams", "dns-rebinding-protection"]
APPLICABLE = {
    "2026-07-28": [*BOTH, "server-stateless", "sep-2164-resource-not-found", "http-header-validation", "input-required-result-unsupported-methods"],
    "2025-11-25": [*BOTH, "server-initialize", "ping", "logging-set-level", "server-session-lifecycle"],
}
# Of server-stateless: what a tool of the fixture is needed for.
NEEDS_A_FIXTURE = {"sep-2575-server-rejects-undeclared-capability", "sep-2575-missing-capability-http-400",
                   "sep-2575-http-server-no-independent-requests-on-stream", "sep-2575-server-no-log-without-loglevel",
                   "sep-2575-server-sends-tools-list-changed-on-subscription", "sep-2575-server-sends-prompts-list-changed-on-subscription"}


@pytest.mark.parametrize("revision", sorted(APPLICABLE))
def test_conformance(tmp_path, workspace, policy, node, revision):
    server = HttpServer(tmp_path, "--policy", policy({"http": {"withoutToken": True}}), tokens=())
    done = subprocess.run([node, SUITE, "server", "--url", server.url, "--requirements", revision, "-o", str(tmp_path / "found")], capture_output=True, text=True,
                          timeout=6 * PATIENCE, check=False, stdin=subprocess.DEVNULL, env=clean_environment())
    judged = {}
    for path in glob.glob(str(tmp_path / "found" / "*" / "checks.json")):
        scenario = re.match(r"server-(.*)-\d{4}-\d\d-\d\dT", os.path.basename(os.path.dirname(path)))[1]
        with open(path, encoding="utf-8") as file:
            judged[scenario] = json.load(file)
    for scenario in APPLICABLE[revision]:
        assert judged.get(scenario), (scenario, sorted(judged), done.stderr[-500:])
        wrong = [check for check in judged[scenario] if check["status"] not in ("SUCCESS", "INFO") and check["id"] not in NEEDS_A_FIXTURE]
        assert not wrong, (scenario, wrong)
    assert server.finish() == 0, server.log
