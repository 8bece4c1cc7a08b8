# SPDX-License-Identifier: Apache-2.0
"""The official conformance suite: all of its server scenarios against the fixture (tests/conformance), which is made of the same protocol and
transports; and those that need no fixture against the server itself. None with a warning."""

import glob
import json
import os
import re
import signal
import subprocess

import pytest
from client import PATIENCE
from conftest import BUILD, TOP, clean_environment
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


# The arguments of a run, how many scenarios it has, and checks that the suite itself always skips.
RUNS = {
    "2026-07-28": (["--requirements", "2026-07-28"], 37 + 13, {"tasks-status-notifications"}),
    "2025-11-25": (["--requirements", "2025-11-25"], 30 + 3, set()),
    "2025-06-18": (["--suite", "all", "--spec-version", "2025-06-18"], 27, set()),
}
# An extension that is not declared: what is sent is judged by the schema, the rest skipped.
UNDECLARED = ["sep-2640-skills-enumeration", "sep-2640-skills-manifest", "sep-2640-skills-directory"]


def judge(node, url, arguments, found):
    """{scenario: checks} of one run, and what it exits with."""
    done = subprocess.run([node, SUITE, "server", "--url", url, *arguments, "-o", str(found)], capture_output=True, text=True,
                          timeout=6 * PATIENCE, check=False, stdin=subprocess.DEVNULL, env=clean_environment())
    judged = {}
    for path in glob.glob(str(found / "*" / "checks.json")):
        scenario = re.match(r"server-(.*)-\d{4}-\d\d-\d\dT", os.path.basename(os.path.dirname(path)))[1]
        with open(path, encoding="utf-8") as file:
            judged[scenario] = json.load(file)
    return judged, done


@pytest.mark.long
@pytest.mark.clients
def test_the_fixture(tmp_path, node):
    """All 65 scenarios, of three revisions, in one process on one endpoint."""
    environment = clean_environment()
    environment["ASAN_OPTIONS"] = "detect_leaks=1:abort_on_error=1:handle_abort=0"  # it is not confined
    with subprocess.Popen([os.path.join(BUILD, "tests/conformance/conformance-fixture"), "http"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, env=environment) as fixture:
        try:
            url = fixture.stdout.readline().strip()
            scenarios = set()
            for revision, (arguments, count, skipped) in RUNS.items():
                judged, done = judge(node, url, arguments, tmp_path / revision)
                assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-1000:]
                assert len(judged) == count, sorted(judged)
                wrong = [(scenario, check) for scenario, checks in judged.items() for check in checks
                         if check["status"] not in ("SUCCESS", "INFO") and not (check["status"] == "SKIPPED" and check["id"] in skipped)]
                assert not wrong, wrong
                scenarios |= set(judged)
            for scenario in UNDECLARED:
                judged, done = judge(node, url, ["--scenario", scenario], tmp_path / scenario)
                assert done.returncode == 0 and list(judged) == [scenario], done.stdout[-2000:]
                assert {check["status"] for check in judged[scenario] if check["id"] == "wire-schema-valid"} == {"SUCCESS"}, judged
                assert not [check for check in judged[scenario] if check["status"] in ("FAILURE", "WARNING")], judged
                scenarios.add(scenario)
            assert len(scenarios) == 65, sorted(scenarios)
        finally:
            fixture.send_signal(signal.SIGTERM)
            log = fixture.stderr.read()
        assert fixture.wait(PATIENCE) == 0, log


@pytest.mark.clients
@pytest.mark.parametrize("revision", sorted(APPLICABLE))
def test_conformance(tmp_path, workspace, policy, node, revision):
    server = HttpServer(tmp_path, "--policy", policy({"http": {"withoutToken": True}}), tokens=())
    judged, done = judge(node, server.url, ["--requirements", revision], tmp_path / "found")
    for scenario in APPLICABLE[revision]:
        assert judged.get(scenario), (scenario, sorted(judged), done.stderr[-500:])
        wrong = [check for check in judged[scenario] if check["status"] not in ("SUCCESS", "INFO") and check["id"] not in NEEDS_A_FIXTURE]
        assert not wrong, (scenario, wrong)
    assert server.finish() == 0, server.log
