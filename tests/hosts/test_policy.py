# SPDX-License-Identifier: Apache-2.0
"""The policy: what a mistake in it says, what it decides, and that nothing inside changes it."""

import json
import os

import jsonschema
import pytest
from client import text_of

DENIAL = "sallyport.dev/denial"


def denied(result):
    """A refusal as tools promise it; returns its facts."""
    assert result["isError"] is True
    text = text_of(result)
    assert text.startswith("Denied: ") and "Allowed: " in text, text
    facts = result["_meta"][DENIAL]
    assert set(facts) >= {"layer", "operation", "target", "rule", "remedy", "policySha256"}
    assert len(facts["policySha256"]) == 64
    return facts


@pytest.mark.parametrize("text,words", [
    ('{\n  "network": {\n    "allowedDomain": []\n  }\n}', ["3", "allowedDomain", "allowedDomains"]),
    ('{\n  "networks": {}\n}', ["2", "networks", "network"]),
    ('{\n  "network": {"allowedDomains": "example.org"}\n}', ["2", "allowedDomains"]),
    ('{\n  "network": {"allowedDomains": ["http://example.org/x"]}\n}', ["2", "http://example.org/x"]),
    ('{"answerWithin": "soon"}', ["1", "answerWithin"]),
    ('{"answerWithin": -1}', ["1", "answerWithin"]),
    ('{"filesystem": {"denyRead": [5]}}', ["1", "denyRead"]),
    ('{\n"filesystem": {},\n"filesystem": {}\n}', ["3", "filesystem"]),
    ('{\n  "network": {},\n}', ["3"]),
    ('{\n  "network": {', ["2"]),
    ("", ["policy.json"]),
    ("[]", ["policy.json"]),
    ('{"a\xff": 1}', ["1"]),
])
def test_a_typing_error_is_named_with_its_place(command_line, policy, workspace, text, words):
    path = policy(text)
    for command in (["policy", "check", path], ["stdio", "--policy", path, "--workspace", str(workspace)],
                    ["call", "list_directory", "{}", "--policy", path, "--workspace", str(workspace)]):
        done = command_line(*command)
        assert done.returncode == 2, (command, done)
        assert done.stdout == "" or command[0] == "policy"
        said = done.stderr + done.stdout
        for word in words:
            assert word in said, (command, said)


def test_a_policy_that_is_not_there(command_line, tmp_path, workspace):
    done = command_line("stdio", "--policy", str(tmp_path / "missing.json"), "--workspace", str(workspace))
    assert done.returncode == 2 and "missing.json" in done.stderr


def test_its_schema_is_a_schema_and_agrees_with_the_server(command_line, policy):
    done = command_line("policy", "schema")
    assert done.returncode == 0
    schema = json.loads(done.stdout)
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    judge = validator(schema)
    for document in ({}, {"network": {}}, {"network": {"allowedDomains": []}}, {"answerWithin": 10},
                     {"network": {"allowedDomains": ["example.org", "*.example.org", "127.0.0.1:5432", "localhost:80"]}},
                     {"networks": {}}, {"network": {"allowedDomain": []}}, {"answerWithin": "soon"}, {"answerWithin": 1e9},
                     {"network": {"allowedDomains": "example.org"}}, {"filesystem": {"denyRead": [5]}}, [], 5,
                     {"resultLimit": 1}, {"resultLimit": 50000}, {"limits": {"files": 0}}, {"limits": {"nothing": 5}}):
        done = command_line("policy", "check", policy(document))
        assert (done.returncode == 0) == judge.is_valid(document), (document, done)


def test_what_show_prints_is_a_policy(command_line, policy, tmp_path):
    shown = command_line("policy", "show", "--json", "--policy", policy({"answerWithin": 7}))
    if shown.returncode != 0:
        shown = command_line("policy", "show", "--policy", policy({"answerWithin": 7}))
    assert shown.returncode == 0 and "7" in shown.stdout


def test_an_empty_allow_list_allows_nothing(start, policy, site):
    server = start("--policy", policy({"network": {"allowedDomains": []}}))
    assert server.call("fetch_url", url=f"http://{site.address}/plain")["isError"]  # that is the sandbox's own loopback: nobody listens there
    denied(server.call("fetch_url", url="http://192.0.2.1/plain"))
    denied(server.call("fetch_url", url="http://example.org/"))
    assert site.asked == []


def test_fetch_of_what_is_allowed(start, policy, site):
    server = start("--policy", policy({"network": {"allowedDomains": [site.address]}}))
    result = server.call("fetch_url", url=f"http://{site.address}/plain")
    assert not result.get("isError"), result
    assert "plain text, with ä" in text_of(result) and "structuredContent" not in result
    assert "/plain" in site.asked
    missing = server.call("fetch_url", url=f"http://{site.address}/missing")
    assert "404" in text_of(missing)


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
                                     "[::ffff:127.0.0.1]", "[fd00::1]", "[fe80::1]", "2130706433", "0x7f.1", "127.1", "[64:ff9b::7f00:1]",
                                     "224.0.0.1", "255.255.255.255"])
def test_nothing_private_is_fetched_by_default(server, site, address):
    port = site.server_address[1]
    result = server.call("fetch_url", url=f"http://{address}:{port}/plain")
    assert result["isError"] is True, result
    assert site.asked == []


def test_a_redirect_is_judged_like_a_first_address(start, policy, site):
    server = start("--policy", policy({"network": {"allowedDomains": [site.address]}}))
    result = server.call("fetch_url", url=f"http://{site.address}/to/http://{site.address}/plain")
    assert "plain text" in text_of(result) and not result.get("isError")
    denied(server.call("fetch_url", url=f"http://{site.address}/to/http://127.0.0.2:{site.server_address[1]}/plain"))
    denied(server.call("fetch_url", url=f"http://{site.address}/to/http://169.254.169.254/latest/meta-data"))
    assert server.call("fetch_url", url=f"http://{site.address}/to/file:///etc/passwd")["isError"]


def test_a_refusal_names_the_rule_and_the_hash_of_the_policy(start, policy, command_line):
    path = policy({"network": {"allowedDomains": ["example.org"]}})
    server = start("--policy", path)
    facts = denied(server.call("fetch_url", url="http://192.0.2.1/plain"))
    assert "allowedDomains" in facts["rule"]
    assert facts["policySha256"] in command_line("policy", "show", "--policy", path).stdout \
        + command_line("policy", "check", path).stdout + command_line("doctor", "--policy", path).stdout


PROTECTED = [".git/hooks/pre-commit", ".git/config", ".git/commondir", "HEAD", ".vscode/tasks.json", ".mcp.json", ".bashrc"]


def attack(server, path):
    """Tries to write a protected path by a command, in several ways; returns the exit status of the plain one."""
    plain = server.call("run_command", command=f"mkdir -p $(dirname {path}); echo evil > {path}")
    server.call("run_command", command=f"rm -rf {path.split('/')[0]}; mv {path} elsewhere; ln -sf /etc/passwd {path}; "
                                       f"mv {path.split('/')[0]} aside; cp -r aside {path.split('/')[0]}; echo evil > {path}")
    return plain["structuredContent"]["exit_code"]


@pytest.mark.parametrize("path", PROTECTED)
def test_protected_paths_are_not_written(start, workspace, path):
    """Files that a host or a shell runs by itself."""
    target = workspace / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("before\n")
    server = start()
    assert server.call("write_file", path=path, content="evil\n")["isError"] is True
    assert attack(server, path) != 0
    assert target.read_text() == "before\n"
    assert text_of(server.call("read_file", path=path)) == "before\n"


@pytest.mark.parametrize("path", PROTECTED)
def test_protected_paths_that_do_not_exist_are_not_made_by_file_tools(server, workspace, path):
    assert server.call("write_file", path=path, content="evil\n")["isError"] is True
    assert not (workspace / path).exists()


@pytest.mark.parametrize("path", PROTECTED)
def test_protected_paths_that_do_not_exist_are_not_made_by_commands(server, workspace, path):
    server.call("run_command", command=f"mkdir -p $(dirname {path}); echo evil > {path}")
    assert not (workspace / path).exists()


def repositories(workspace, *names, file="config"):
    """What looks like repositories of work trees and submodules in .git."""
    for name in names:
        directory = workspace / ".git" / name
        (directory / "hooks").mkdir(parents=True)
        (directory / file).write_text("before\n")
        (directory / "index").write_text("before\n")


def test_repositories_in_a_repository(start, workspace, policy):
    """Those that were there at the start: what git obeys stays, and all else is git's. A command may make more of them."""
    repositories(workspace, "modules/one", "modules/one/modules/.three")
    repositories(workspace, "worktrees/tree", file="commondir")
    repositories(workspace, "modules/in/two", file="HEAD")
    server = start("--policy", policy({}))
    names = ["worktrees/tree/commondir", "worktrees/tree/config.worktree", "modules/one/config", "modules/in/two/hooks/update",
             "modules/one/modules/.three/config"]
    for name in names:
        assert text_of(server.call("write_file", path=".git/" + name, content="evil")).startswith("Denied: "), name
        assert attack(server, ".git/" + name) != 0, name
        assert "evil" not in server.call("run_command", command=f"cat .git/{name}")["structuredContent"]["stdout"]
    done = server.call("run_command", command="cd .git; echo after > modules/in/two/index && mkdir worktrees/new && echo ../.. > worktrees/new/commondir && "
                                              "cat modules/in/two/index")
    assert done["structuredContent"]["stdout"] == "after\n", done
    server = start("--policy", policy({"filesystem": {"allowGitConfig": True}}))
    assert server.call("run_command", command="echo after > .git/modules/one/config")["structuredContent"]["exit_code"] == 0
    assert server.call("run_command", command="echo after > .git/modules/one/hooks/update")["structuredContent"]["exit_code"] != 0


@pytest.mark.parametrize("names", [[f"modules/{number}" for number in range(130)], ["modules" + 10 * "/in" + "/deep"]])
def test_more_repositories_than_are_looked_at(start, workspace, names):
    """None is left unprotected: then nothing there is written at all."""
    repositories(workspace, *names)
    server = start()
    for name in (names[-1] + "/config", names[-1] + "/index"):
        assert server.call("run_command", command=f"echo evil > .git/{name}")["structuredContent"]["exit_code"] != 0
        assert (workspace / ".git" / name).read_text() == "before\n"
    assert server.call("run_command", command="mkdir -p .git/worktrees/a; echo a > .git/worktrees/a/commondir")["structuredContent"]["exit_code"] == 0


def test_links_among_repositories_are_not_followed(start, workspace):
    repositories(workspace, "worktrees/tree")
    (workspace / "elsewhere").mkdir()
    (workspace / ".git/modules").symlink_to("../elsewhere")
    (workspace / ".git/worktrees/loop").symlink_to("..")
    assert start().call("run_command", command="echo a > elsewhere/config")["structuredContent"]["exit_code"] == 0


def test_what_is_denied_to_be_read_is_invisible(start, policy, workspace):
    (workspace / "secret").mkdir()
    (workspace / "secret" / "key").write_text("private\n")
    (workspace / ".env").write_text("KEY=private\n")
    server = start("--policy", policy({"filesystem": {"denyRead": [str(workspace / "secret"), str(workspace / ".env")]}}))
    for path in ("secret/key", ".env"):
        assert "private" not in text_of(server.call("read_file", path=path))
        assert "private" not in json.dumps(server.call("run_command", command=f"cat {path}"))
    assert "private" not in json.dumps(server.call("run_command", command="cp -r . /tmp/copy; grep -r private /tmp/copy . | grep -v command"))


def test_denied_writes(start, policy, workspace):
    (workspace / "fixed.txt").write_text("before\n")
    server = start("--policy", policy({"filesystem": {"denyWrite": [str(workspace / "fixed.txt")]}}))
    assert server.call("write_file", path="fixed.txt", content="after")["isError"]
    server.call("run_command", command="echo after > fixed.txt; rm -f fixed.txt")
    assert (workspace / "fixed.txt").read_text() == "before\n"


def test_a_policy_inside_a_workspace_is_refused(command_line, workspace):
    """A command could change it, or move the directory around it, and so decide what the next start reads."""
    path = workspace / "policy.json"
    path.write_text("{}")
    done = command_line("stdio", "--workspace", str(workspace), "--policy", str(path))
    assert done.returncode == 2 and "lies inside" in done.stderr


def test_a_read_only_workspace(start, workspace):
    (workspace / "a.txt").write_text("before\n")
    server = start("--workspace", f"{workspace}:ro", roots=[])
    assert text_of(server.call("read_file", path="a.txt")) == "before\n"
    denied(server.call("write_file", path="a.txt", content="after\n"))
    assert server.call("run_command", command="echo after > a.txt")["structuredContent"]["exit_code"] != 0
    assert (workspace / "a.txt").read_text() == "before\n"


def test_roots_of_the_client_widen_nothing(start, workspace, tmp_path):
    (tmp_path / "outside.txt").write_text("outside\n")
    server = start(version=None)
    server.era = "legacy"
    server.version = "2025-11-25"
    server.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {"roots": {"listChanged": True}},
                                  "clientInfo": {"name": "t", "version": "1"}})
    server.notify("notifications/initialized")
    server.notify("notifications/roots/list_changed")
    assert server.call("read_file", path=str(tmp_path / "outside.txt"))["isError"]
    server.nothing_more()


def test_two_workspaces(start, workspace, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "b.txt").write_text("beta\n")
    server = start(roots=[workspace, other])
    assert text_of(server.call("read_file", path=str(other / "b.txt"))) == "beta\n"
    result = server.call("run_command", command=f"cat {other}/b.txt; echo gamma > {other}/c.txt; pwd")
    assert result["structuredContent"]["stdout"] == f"beta\n{workspace}\n"
    assert (other / "c.txt").read_text() == "gamma\n"
    assert os.stat(other / "c.txt").st_uid == os.stat(other).st_uid


def test_explain_access(start, policy, workspace, site):
    server = start("--policy", policy({"network": {"allowedDomains": [site.address]}}))
    for arguments in ({"path": "a.txt", "operation": "write"}, {"path": "/etc/passwd", "operation": "read"},
                      {"path": ".git/hooks/x", "operation": "write"}, {"url": f"http://{site.address}/"},
                      {"url": "http://10.0.0.1/"}, {}):
        result = server.call("explain_access", **arguments)
        assert not result.get("isError"), result
        assert result["structuredContent"] and text_of(result)
    assert site.asked == []


@pytest.mark.parametrize("around", [False, True])
def test_denying_to_write_a_whole_workspace(start, policy, workspace, around):
    """Named itself, or by what is around it: then it is as if it had been named read-only."""
    (workspace / "there").write_text("before\n")
    server = start("--policy", policy({"filesystem": {"denyWrite": [str(workspace.parent if around else workspace)]}}))
    done = server.call("run_command", command="cat there; echo after > there; echo x > new; rm there; mkdir made; mv there gone")
    assert done["structuredContent"]["stdout"] == "before\n"
    assert server.call("write_file", path="there", content="after")["_meta"]["sallyport.dev/denial"]["rule"] == "read-only workspace"
    assert os.listdir(workspace) == ["there"] and (workspace / "there").read_text() == "before\n"


@pytest.mark.parametrize("around", [False, True])
def test_hiding_a_whole_workspace_is_a_mistake(command_line, policy, workspace, around):
    hidden = workspace.parent if around else workspace
    done = command_line("doctor", "--workspace", str(workspace), "--policy", policy({"filesystem": {"denyRead": [str(hidden)]}}))
    assert done.returncode == 2 and f"{hidden} hides the workspace {workspace}" in done.stderr
