# SPDX-License-Identifier: Apache-2.0
"""`sallyport policy`: its schema is judged by an independent validator, and that validator and the server's own check must agree on
every policy that a schema can judge at all. The documentation's tables must say what the program says."""

import json
import os
import re
import subprocess

import jsonschema
import pytest

from conftest import TOP

GOOD = [
    {},
    {"$schema": "./policy.schema.json"},
    {"answerWithin": 0.1},
    {"answerWithin": 3600},
    {"answerWithin": 4.25, "resultLimit": 1000},
    {"resultLimit": 8388608},
    {"resultLimit": 5000.0},
    {"filesystem": {}},
    {"filesystem": {"allowGitConfig": True}},
    {"filesystem": {"allowWrite": [], "denyRead": ["~/.ssh", "~", "/srv/x"], "denyWrite": ["/a b/c", "/\u00fc"]}},
    {"limits": {"processes": 16, "files": 64, "fileBytes": 0, "dataBytes": 16777216, "temporaryBytes": 1048576}},
    {"limits": {"processes": 65536, "files": 1048576, "fileBytes": 1 << 50, "dataBytes": 1 << 50, "temporaryBytes": 1 << 50}},
    {"limits": {"commands": 1, "commandsAtOnce": 1, "commandSeconds": 1, "commandKeptSeconds": 1, "outputBytes": 0}},
    {"limits": {"commands": 256, "commandsAtOnce": 64, "commandSeconds": 2592000, "commandKeptSeconds": 604800, "outputBytes": 1 << 50}},
    {"limits": {"downloadBytes": 0}}, {"limits": {"downloadBytes": 1 << 50}},
    {"terminal": {"rows": 2, "columns": 1000}},
    {"http": {"withoutToken": True, "bodyBytes": 65536, "callsInFlight": 1, "requestsPerSecond": 0.1, "sessions": 1, "streams": 1}},
    {"http": {"bodyBytes": 16777216, "callsInFlight": 4096, "requestsPerSecond": 1000000, "sessions": 16384, "streams": 16384}},
    {"limits": {"memoryBytes": 67108864, "cpus": 0.01}}, {"limits": {"memoryBytes": 1 << 50, "cpus": 1024}}, {"limits": {"cpus": 1.5}},
    {"network": {"allowedDomains": [], "deniedDomains": []}},
    {"network": {"allowedDomains": ["example.org", "*.example.org", "localhost", "example.org:8443", "*.example.org:1", "localhost:65535"]}},
    {"network": {"allowedDomains": ["1.2.3.4", "1.2.3.4:80", "::1", "[::1]", "[::1]:80", "2001:DB8::5", "xn--mller-kva.de", "EXAMPLE.org"]}},
    {"network": {"allowedDomains": ["a-b.c_d.org", "example.org."]}},
    {"network": {"deniedDomains": ["169.254.169.254", "metadata.google.internal"]}},
    {"network": {"robots": False, "userAgent": "Mozilla/5.0 (X11) ~", "inject": [], "methods": []}}, {"network": {"userAgent": "x" * 256}},
    {"network": {"methods": [{"domain": "api.example.org", "methods": ["POST", "GET"]}, {"domain": "*.example.org:8443", "methods": []}]}},
    {"network": {"inject": [{"domain": "api.example.org", "environment": "TOKEN", "header": "Authorization", "plaintext": False, "prefix": "Bearer "},
                            {"domain": "[::1]:80", "file": "~/.secret", "header": "X-Api-Key", "plaintext": True}]}},
    {"sandbox": {}}, {"sandbox": {"lifetime": "call", "maximum": 1, "idleSeconds": 1}},
    {"sandbox": {"lifetime": "server", "maximum": 240, "idleSeconds": 86400}},
    {"sandbox": {}}, {"sandbox": {"requireProfile": "minimal", "requireLayers": []}},
    {"sandbox": {"requireProfile": "full", "requireLayers": ["namespaces", "cgroup"]}},
]

BAD = [
    [], None, "x", 5,
    {"answerwithin": 4},
    {"answerWithin": "4"}, {"answerWithin": None}, {"answerWithin": 0.09}, {"answerWithin": 3600.001}, {"answerWithin": True},
    {"resultLimit": 999}, {"resultLimit": 8388609}, {"resultLimit": 5000.5}, {"resultLimit": False}, {"resultLimit": -1e300},
    {"$schema": 5},
    {"filesystem": []}, {"filesystem": None}, {"filesystem": {"allowRead": []}}, {"filesystem": {"denyRead": "/a"}},
    {"filesystem": {"denyRead": [5]}}, {"filesystem": {"denyRead": [None]}}, {"filesystem": {"denyRead": [["/a"]]}},
    {"filesystem": {"denyRead": ["a"]}}, {"filesystem": {"denyRead": [""]}}, {"filesystem": {"denyRead": ["./a"]}},
    {"filesystem": {"denyRead": ["~user"]}}, {"filesystem": {"denyRead": ["/" + "x" * 4095]}},
    {"filesystem": {"denyRead": ["/a"] * 1025}},
    {"filesystem": {"allowGitConfig": 0}}, {"filesystem": {"allowGitConfig": "true"}},
    {"limits": {"processes": 15}}, {"limits": {"processes": 65537}}, {"limits": {"processes": 1e30}}, {"limits": {"memory": 5}},
    {"limits": {"memoryBytes": 67108863}}, {"limits": {"memoryBytes": 0}}, {"limits": {"memoryBytes": (1 << 50) + 1}},
    {"limits": {"commands": 0}}, {"limits": {"commands": 257}}, {"limits": {"commandsAtOnce": 65}}, {"limits": {"commandsAtOnce": 0}},
    {"limits": {"commandSeconds": 0.5}}, {"limits": {"commandSeconds": 2592001}}, {"limits": {"commandKeptSeconds": 0}},
    {"limits": {"outputBytes": -1}}, {"limits": {"downloadBytes": -1}}, {"limits": {"downloadBytes": (1 << 50) + 1}}, {"terminal": {"rows": 1}}, {"terminal": {"columns": 1001}}, {"terminal": {"size": 5}},
    {"http": {"bodyBytes": 65535}}, {"http": {"bodyBytes": 16777217}}, {"http": {"callsInFlight": 0}}, {"http": {"callsInFlight": 4097}},
    {"http": {"requestsPerSecond": 0}}, {"http": {"requestsPerSecond": 1000001}}, {"http": {"sessions": 0}}, {"http": {"streams": 16385}},
    {"limits": {"cpus": 0}}, {"limits": {"cpus": 0.009}}, {"limits": {"cpus": 1024.5}}, {"limits": {"cpus": "2"}},
    {"limits": {"fileBytes": -1}}, {"limits": {"fileBytes": (1 << 50) + 1}}, {"limits": {"dataBytes": 5}}, {"limits": {"files": "64"}},
    {"network": {"allowedDomains": {}}}, {"network": {"allowedDomains": None}}, {"network": {"allowedDomains": [80]}},
    {"network": {"allowedDomains": [""]}}, {"network": {"allowedDomains": ["*"]}}, {"network": {"allowedDomains": ["*."]}},
    {"network": {"allowedDomains": ["*example.org"]}}, {"network": {"allowedDomains": ["a.*.org"]}},
    {"network": {"allowedDomains": ["https://example.org"]}}, {"network": {"allowedDomains": ["example.org/x"]}},
    {"network": {"allowedDomains": ["10.0.0.0/8"]}}, {"network": {"allowedDomains": ["user@example.org"]}},
    {"network": {"allowedDomains": ["exa mple.org"]}}, {"network": {"allowedDomains": [" example.org"]}},
    {"network": {"allowedDomains": ["m\u00fcller.de"]}},
    {"network": {"allowedDomains": ["example.org:"]}}, {"network": {"allowedDomains": ["example.org:http"]}},
    {"network": {"allowedDomains": ["example.org:123456"]}}, {"network": {"allowedDomains": ["exam%70le.org"]}},
    {"network": {"robots": 1}}, {"network": {"robots": None}}, {"network": {"userAgent": ""}}, {"network": {"userAgent": "x" * 257}}, {"network": {"userAgent": "a\u00fc"}},
    {"network": {"userAgent": "a\tb"}}, {"network": {"userAgent": ["a"]}},
    {"network": {"methods": {}}}, {"network": {"methods": ["POST"]}}, {"network": {"methods": [{}]}}, {"network": {"methods": [{"domain": "a.org"}]}},
    {"network": {"methods": [{"methods": ["POST"]}]}}, {"network": {"methods": [{"domain": "a.org", "methods": "POST"}]}},
    {"network": {"methods": [{"domain": "a.org", "methods": ["post"]}]}}, {"network": {"methods": [{"domain": "a.org", "methods": ["CONNECT"]}]}},
    {"network": {"methods": [{"domain": "a.org", "methods": ["TRACE"]}]}}, {"network": {"methods": [{"domain": "", "methods": []}]}},
    {"network": {"methods": [{"domain": ["a.org"], "methods": []}]}}, {"network": {"methods": [{"domain": "a.org", "methods": [], "more": 1}]}},
    {"network": {"methods": [{"domain": "a.org", "methods": []}] * 1025}},
    {"network": {"inject": [{"domain": "a.org", "file": "/x"}]}}, {"network": {"inject": [{"header": "X", "file": "/x"}]}},
    {"network": {"inject": [{"domain": "a.org", "header": "", "file": "/x"}]}}, {"network": {"inject": [{"domain": "a.org", "header": "X", "file": "x"}]}},
    {"network": {"inject": [{"domain": "a.org", "header": "X", "file": "/x", "plaintext": "yes"}]}},
    {"network": {"inject": [{"domain": "a.org", "header": "X", "file": "/x", "prefix": "x" * 65}]}},
    {"network": {"inject": [{"domain": "a.org", "header": "X", "file": "/x"}] * 65}},
    {"network.allowedDomains": []}, {"sandbox.lifetime": "call"},
    {"sandbox": {"lifetime": "Call"}}, {"sandbox": {"lifetime": ""}}, {"sandbox": {"lifetime": 1}},
    {"sandbox": {"lifetime": None}}, {"sandbox": {"lifetime": ["call"]}},
    {"sandbox": {"maximum": 0}}, {"sandbox": {"maximum": 241}}, {"sandbox": {"idleSeconds": 0}}, {"sandbox": {"idleSeconds": 86401}},
    {"network.allowedDomains": []}, {"sandbox.requireProfile": "full"},
    {"sandbox": {"requireProfile": "Full"}}, {"sandbox": {"requireProfile": ""}}, {"sandbox": {"requireProfile": 1}},
    {"sandbox": {"requireProfile": None}}, {"sandbox": {"requireProfile": ["full"]}},
    {"sandbox": {"requireLayers": "cgroup"}}, {"sandbox": {"requireLayers": ["cgroups"]}}, {"sandbox": {"requireLayers": [None]}},
]

# What a regular expression cannot say, or says badly: the server alone refuses these.
BEYOND_SCHEMA = [
    {"network": {"allowedDomains": ["example.org\n"]}},  # in Python's dialect $ also matches before a line's end
    {"network": {"allowedDomains": ["example.org:0"]}}, {"network": {"allowedDomains": ["example.org:65536"]}},
    {"network": {"allowedDomains": ["256.256.256.256"]}}, {"network": {"allowedDomains": ["*.1.2.3.4"]}},
    {"network": {"allowedDomains": ["*.localhost"]}}, {"network": {"allowedDomains": ["[1:2:3]"]}},
    {"network": {"inject": [{"domain": "a.org", "header": "X"}]}}, {"network": {"inject": [{"domain": "a.org", "header": "X", "file": "/x", "environment": "X"}]}},
    {"network": {"inject": [{"domain": "a.org", "header": "X Y", "file": "/x"}]}}, {"network": {"inject": [{"domain": "a.org", "header": "X:", "file": "/x"}]}},
    {"network": {"inject": [{"domain": "a.org", "header": "Host", "file": "/x"}]}}, {"network": {"inject": [{"domain": "a.org", "header": "X", "environment": "A=b"}]}},
    {"network": {"inject": [{"domain": "a..org", "header": "X", "file": "/x"}]}}, {"network": {"methods": [{"domain": "a.org:0", "methods": []}]}},
    {"network": {"allowedDomains": ["a..org"]}}, {"network": {"allowedDomains": ["x" * 254]}},
]


@pytest.fixture(scope="module")
def schema(request):
    from conftest import PROGRAM, clean_environment
    done = subprocess.run([PROGRAM, "policy", "schema"], capture_output=True, text=True, check=True, env=clean_environment(),
                          stdin=subprocess.DEVNULL)
    found = json.loads(done.stdout)
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def verdicts(document, schema, policy, command_line):
    """(the validator's, the server's)"""
    done = command_line("policy", "check", policy(json.dumps(document)))
    assert done.returncode in (0, 2), done.stderr
    assert (done.returncode == 0) == (done.stderr == ""), done.stderr
    return jsonschema.Draft202012Validator(schema).is_valid(document), done.returncode == 0


@pytest.mark.parametrize("document", GOOD, ids=lambda document: json.dumps(document)[:60])
def test_both_accept(document, schema, policy, command_line):
    assert verdicts(document, schema, policy, command_line) == (True, True)


@pytest.mark.parametrize("document", BAD, ids=lambda document: json.dumps(document)[:60])
def test_both_refuse(document, schema, policy, command_line):
    assert verdicts(document, schema, policy, command_line) == (False, False)


@pytest.mark.parametrize("document", BEYOND_SCHEMA, ids=lambda document: json.dumps(document)[:60])
def test_server_is_stricter(document, schema, policy, command_line):
    assert verdicts(document, schema, policy, command_line)[1] is False


def test_show_is_a_policy(schema, policy, command_line):
    """What `show` prints is valid by the schema, and shows itself again: for the defaults and for each good policy."""
    for document in [None, *GOOD]:
        arguments = [] if document is None else ["--policy", policy(document)]
        done = command_line("policy", "show", *arguments)
        assert done.returncode == 0, done.stderr
        shown = json.loads(done.stdout)
        jsonschema.Draft202012Validator(schema).validate(shown)
        again = command_line("policy", "show", "--policy", policy(done.stdout))
        assert again.stdout == done.stdout
        for section, values in (document or {}).items():
            if section != "$schema" and not isinstance(values, dict):
                assert shown[section] == values
            elif section != "$schema":
                assert {**shown[section], **values} == shown[section]


def test_defaults_are_the_schemas(schema, command_line):
    shown = json.loads(command_line("policy", "show").stdout)
    for name, part in schema["properties"].items():
        for key, value in part["properties"].items() if part["type"] == "object" else [(None, part)]:
            present = shown.get(name) if key is None else shown.get(name, {}).get(key)
            if "default" in value:
                assert present == value["default"], (name, key)
            elif value["type"] == "array" and describe(value) != "hosts":
                assert present == []
            else:
                assert present is None, (name, key)


def test_check_tells_every_mistake(policy, command_line):
    path = policy('{\n  "network": {\n    "alowedDomains": [],\n    "deniedDomains": [5]\n  },\n  "resultLimit": "x"\n}\n')
    done = command_line("policy", "check", path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.splitlines() == [
        f"{path}:3:5: unknown key network.alowedDomains; did you mean network.allowedDomains?",
        f"{path}:4:23: network.deniedDomains must hold strings, not a number",
        f"{path}:6:18: resultLimit must be an integer, not a string",
    ]
    told = json.loads(command_line("policy", "check", path, "--json").stdout)
    assert told == {"ok": False, "problems": done.stderr.splitlines()}


def test_check_tells_mistakes_in_objects(policy, command_line):
    path = policy('{"network": {\n  "inject": [\n    {"domain": "a.org", "header": "X", "file": "/x"},\n    {"domian": "a.org",\n     "header": "Host",\n'
                  '     "plaintext": 1},\n    {"domain": "a.org", "header": "Host", "file": "/x"}, 5],\n  "methods": [{"domain": "a.org", "methods": ["GIT"]}]}}\n')
    done = command_line("policy", "check", path)
    assert done.returncode == 2 and done.stderr.splitlines() == [
        f"{path}:4:5: network.inject[1]: domain is missing",
        f"{path}:4:6: network.inject[1]: unknown key domian; did you mean domain?",
        f"{path}:6:19: network.inject[1]: plaintext must be true or false, not a number",
        f"{path}:7:5: network.inject[2]: header must be a header's name that this program does not set itself",
        f"{path}:7:58: network.inject[3]: must be an object, not a number",
        f"{path}:8:47: network.methods[0]: methods: \"GIT\" is none of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    ], done.stderr


def test_server_refuses_a_bad_policy(policy, workspace, command_line):
    for text, says in [('{"network": {"alowedDomains": []}}', ":1:14: unknown key network.alowedDomains; did you mean"),
                       ('{"resultLimit": 2000, "resultLimit": 3000}', "duplicate key"), ("{", ":1:2: "),
                       ('{"filesystem": {"allowWrite": ["/nonesuch"]}}', "filesystem.allowWrite: /nonesuch: ")]:
        path = policy(text)
        done = command_line("stdio", "--workspace", str(workspace), "--policy", path)
        assert done.returncode == 2 and done.stdout == "" and says in done.stderr, done.stderr


def test_policy_in_a_read_only_workspace(workspace, command_line):
    inside = workspace / "policy.json"
    inside.write_text("{}")
    assert command_line("stdio", "--workspace", f"{workspace}:ro", "--policy", str(inside)).returncode == 0


def test_hash_is_of_the_bytes(policy, command_line):
    import hashlib
    text = '{ "resultLimit": 2000 }\n'
    path = policy(text)
    assert hashlib.sha256(text.encode()).hexdigest() in command_line("policy", "check", path).stdout
    text = command_line("policy", "show").stdout
    assert hashlib.sha256(text.encode()).hexdigest() in command_line("policy", "check", policy(text)).stdout


# ---- docs/policy.md ----

def describe(value):
    if "enum" in value.get("items", value):
        words = ", ".join(f"`{word}`" for word in value.get("items", value)["enum"])
        return f"{'any' if 'items' in value else 'one'} of {words}"
    if value["type"] == "array" and value["items"]["type"] == "object":
        return "objects"
    if "pattern" in value.get("items", value):
        pattern = value.get("items", value)["pattern"]
        what = "path" if "/" in pattern[:4] else "host" if "A-Z" in pattern else f"text, {value['minLength']} to {value['maxLength']} characters"
        return f"{what}s" if "items" in value else what
    if value["type"] in ("integer", "number") and "minimum" in value:
        return f"{value['type']}, {value['minimum']} to {value['maximum']}"
    return value["type"]


def key_rows(schema):
    for name, part in schema["properties"].items():
        for key, value in part["properties"].items() if part["type"] == "object" else [(None, part)]:
            full = f"{name}.{key}" if key else name
            default = f"`{json.dumps(value['default'])}`" if "default" in value else "`[]`" if value["type"] == "array" and describe(value) != "hosts" else "not given"
            yield f"| `{full}` | {describe(value)} | {default} | {value['description']} |"
            for member, inner in value["items"]["properties"].items() if describe(value) == "objects" else ():
                default = "required" if member in value["items"]["required"] else f"`{json.dumps(inner['default'])}`" if "default" in inner else "not given"
                yield f"| `{full}[].{member}` | {describe(inner)} | {default} | {inner['description']} |"


def protected_rows():
    with open(os.path.join(TOP, "server", "policy", "protect.c"), encoding="utf-8") as file:
        source = file.read()
    for path, reason in re.findall(r'\{"([^"]+)",\s*((?:"[^"]*"\s*)+)\}', source):
        yield "| `" + path + "` | " + "".join(re.findall(r'"([^"]*)"', reason)) + " |"


def documented(marker):
    with open(os.path.join(TOP, "docs", "policy.md"), encoding="utf-8") as file:
        text = file.read()
    return text.split(f"<!-- {marker} -->\n")[1].split(f"<!-- /{marker} -->")[0].splitlines()[2:]


def test_documented_keys(schema):
    assert documented("keys") == list(key_rows(schema))


def test_documented_protected_paths():
    rows = list(protected_rows())
    assert len(rows) > 20
    assert documented("protected") == rows
