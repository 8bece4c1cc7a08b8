#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks of the repository itself: what a compiler does not see and a reviewer would have to.

usage: repository.py [BUILD]     BUILD: the build folder with `sallyport` and config.h (default: build)
Each check prints its findings; the last line is `N passed, N failed`.
"""

import json
import os
import re
import shutil
import subprocess
import sys

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(TOP, "build"))
LAYERS = ["protocol", "sandbox", "tools", "server"]  # an include points at the own layer or one further left

BANNED = {
    "strcpy": "snprintf or memcpy", "strcat": "a struct buffer", "sprintf": "snprintf", "vsprintf": "vsnprintf", "gets": "fgets",
    "strtok": "strcspn", "atoi": "strtol", "atol": "strtol", "system": "posix_spawn", "popen": "posix_spawn", "alloca": "malloc",
    "usleep": "the event loop", "sleep": "the event loop",
}
LINES_AIM = 400
TOOLS_LIST_BYTES = 16 << 10
TOOLS_PAID_BYTES = 8 << 10


def tracked(*endings):
    listed = subprocess.run(["git", "-c", "safe.directory=*", "-C", TOP, "ls-files", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, text=True, check=True).stdout.split()
    return [path for path in listed if path.endswith(endings) and os.path.exists(os.path.join(TOP, path))]


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def code_only(text):
    """C without comments and without what stands in strings; lines stay where they are."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0)) if match.group(0)[0] == "/" else '""'
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.DOTALL)


def lines_matching(path, pattern, text):
    for number, line in enumerate(text.splitlines(), 1):
        match = re.search(pattern, line)
        if match:
            yield number, line.strip(), match


# Each check yields one line a finding.

def check_includes():
    """an include points only along protocol <- sandbox <- tools <- server"""
    for path in tracked(".c", ".h"):
        layer = path.split("/")[0]
        for number, _, match in lines_matching(path, r'^\s*#\s*include\s+"([^"]+)"', read(path)):
            target = match.group(1)
            first = target.split("/")[0]
            if target == "config.h":
                continue
            if not os.path.exists(os.path.join(TOP, target)):
                yield f"{path}:{number}: \"{target}\" is not a path from the top of the repository"
            elif layer in LAYERS and (first not in LAYERS or LAYERS.index(first) > LAYERS.index(layer)):
                yield f"{path}:{number}: {layer} includes {target}"


def check_limits():
    """numbers that bound something stand in protocol/limits.h only"""
    for path in tracked(".c", ".h"):
        if path == "protocol/limits.h" or path.startswith("tests/"):
            continue
        code = code_only(read(path))
        for number, line, _ in lines_matching(path, r"#\s*define\s+LIMIT_", code):
            yield f"{path}:{number}: {line}"
        for number, line, _ in lines_matching(path, r"#\s*define\s+\w*(MAX|MAXIMUM|BOUND|CAPACITY)\w*\s+\(?\s*\d", code):
            yield f"{path}:{number}: {line} (a bound: protocol/limits.h)"
        for number, line, _ in lines_matching(path, r"\b\d+[uUlL]*\s*<<\s*[23]0\b", code):
            yield f"{path}:{number}: {line} (megabytes: protocol/limits.h)"


def check_banned():
    """functions that are not used here"""
    pattern = r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\("
    for path in tracked(".c", ".h"):
        for number, _, match in lines_matching(path, pattern, code_only(read(path))):
            yield f"{path}:{number}: {match.group(1)}(): use {BANNED[match.group(1)]}"


def check_headers():
    """each header compiles by itself and is guarded"""
    packages = ["libcjson", "cmocka", "libcurl", "libcares", "nettle", "libseccomp"]
    flags = subprocess.run(["pkg-config", "--cflags", *packages], capture_output=True, text=True, check=True).stdout.split()
    command = ["cc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Werror", "-fsyntax-only", "-I", TOP, "-I", BUILD, *flags, "-x", "c", "-"]
    for path in tracked(".h"):
        # Twice, so that a missing guard shows.
        source = f'#include "{path}"\n#include "{path}"\nint header_check;\n'
        done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr[:200])
            yield f"{path}: {first}"


def check_licence():
    """every source names its licence in its first three lines"""
    programs = [path for path in tracked("") if "." not in os.path.basename(path) and path.startswith(("scripts/", ".ci/", "tests/"))
                and "/corpus/" not in path]
    for path in [*tracked(".c", ".h", ".py", ".sh", ".mjs", "meson.build"), *programs]:
        if "/corpus/" not in path and "SPDX-License-Identifier: Apache-2.0" not in "\n".join(read(path).splitlines()[:3]):
            yield path


def check_sleeps():
    """no test waits by the clock"""
    for path in tracked(".c", ".py", ".mjs"):
        if path.startswith("tests/") and not path.endswith("repository.py"):
            text = code_only(read(path)) if path.endswith(".c") else read(path)
            for number, line, _ in lines_matching(path, r"\b(time|asyncio|anyio|trio)\.sleep\b|\bu?sleep\s*\(|\bnanosleep\s*\(", text):
                yield f"{path}:{number}: {line}"


def check_layout():
    """.clang-format decides layout"""
    if not shutil.which("clang-format"):
        print("warning: clang-format is not here: layout was not checked")
        return
    # all by one process: starting it takes longer than a file does
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *tracked(".c", ".h")], cwd=TOP, capture_output=True, text=True, check=False)
    found = dict.fromkeys(re.findall(r"^(\S+?):\d+:\d+: error:", done.stderr, re.MULTILINE))
    for path in found or ([done.stderr[-300:]] if done.returncode else []):
        yield f"{path}: run clang-format -i"


def check_executables():
    """scripts are executable and say how they are used"""
    for path in tracked(""):
        if path.startswith(("scripts/", ".ci/")) and "." not in os.path.basename(path) and not os.access(os.path.join(TOP, path), os.X_OK):
            yield f"{path} is not executable"


def told(path, mark):
    """First cells of the table between <!-- mark --> and <!-- /mark -->, as far as they are code."""
    return re.findall(r"^\| `([\w-]+)`", read(path).split(f"<!-- {mark} -->")[1].split(f"<!-- /{mark} -->")[0], re.MULTILINE)


def check_sandbox_tables():
    """docs/sandbox.md tells the layers in their order, and every row of the profiles"""
    order = re.findall(r'^\t\{"(\w+)", layer_', read("sandbox/build.c"), re.MULTILINE)
    once = list(dict.fromkeys(order))
    if told("docs/sandbox.md", "layers") != once:
        yield f"docs/sandbox.md has {told('docs/sandbox.md', 'layers')}, sandbox/build.c {once}"
    rows = list(dict.fromkeys(re.findall(r'\.name = "(\w+)"', read("sandbox/profile.c"))))
    if told("docs/sandbox.md", "profiles") != rows:
        yield f"docs/sandbox.md has {told('docs/sandbox.md', 'profiles')}, sandbox/profile.c {rows}"


def check_programs():
    """every program that is installed is one that is found and protected"""
    installed = set(re.findall(r"^executable\('(sallyport[\w-]*)'", read("meson.build"), re.MULTILINE))
    known = set(re.findall(r'"(sallyport-\w+)"', read("sandbox/spawner/program.c"))) | {"sallyport"}
    if installed != known:
        yield f"meson.build installs {sorted(installed)}, sandbox/spawner/program.c knows {sorted(known)}"


def check_mutants():
    """every mutant of tests/mutation finds its place, and every row of a table that refuses something has one"""
    done = subprocess.run([sys.executable, os.path.join(TOP, "tests/mutation/mutate"), "--check"], capture_output=True, text=True, check=False)
    yield from (line for line in (done.stdout + done.stderr).splitlines() if line)


def check_conformance():
    """every test that docs/conformance.md names exists"""
    file = None
    for name, test in re.findall(r"`((?:unit/)?test_\w+|unit/\w+)?(?:\.py)?(?:::(\w+))?`", read("docs/conformance.md")):
        file = name or file
        path = f"tests/{file}.c" if file and file.startswith("unit/") else f"tests/hosts/{file}.py"
        if (name or test) and not os.path.exists(os.path.join(TOP, path)):
            yield f"there is no {path}"
        elif test and not re.search(rf"\b{test}\(", read(path)):
            yield f"{path} has no {test}"


# ---- what the built server says of itself ----

def tools():
    done = subprocess.run([os.path.join(BUILD, "sallyport"), "tools", "--json"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=True)
    found = json.loads(done.stdout)
    return found["tools"] if isinstance(found, dict) else found


def check_readme():
    """every tool has its row in the README, and every row its tool"""
    rows = set(re.findall(r"^\| `([a-z_]+)` \|", read("README.md"), re.MULTILINE))
    names = {tool["name"] for tool in tools()}
    yield from (f"{name} has no row in README.md" for name in sorted(names - rows))
    yield from (f"README.md has a row for {name}, which is no tool" for name in sorted(rows - names))


def check_readme_arguments():
    """a tool's row in the README names exactly its arguments"""
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| (.*)$", read("README.md"), re.MULTILINE))
    for tool in tools():
        given = set(tool["inputSchema"].get("properties", {}))
        cell = rows.get(tool["name"], "").split(" | ")[0]
        told = set(re.findall(r"`([a-z_0-9]+)`", cell))
        if given != told:
            yield f"{tool['name']}: the tool takes {sorted(given)}, its row says {sorted(told)}"


def check_tool_sizes():
    """tools/list is small: it is paid for in every conversation"""
    found = tools()
    whole = len(json.dumps({"tools": found}, separators=(",", ":")).encode())
    paid = sum(len(json.dumps({key: tool[key] for key in ("name", "description", "inputSchema") if key in tool},
                              separators=(",", ":")).encode()) for tool in found)
    print(f"      tools/list: {whole} bytes, of which models pay for {paid}")
    if whole > TOOLS_LIST_BYTES:
        yield f"tools/list has {whole} bytes, above {TOOLS_LIST_BYTES}"
    if paid > TOOLS_PAID_BYTES:
        yield f"name, description and input schema have {paid} bytes, above {TOOLS_PAID_BYTES}"


def check_tool_shapes():
    """names and schemas that every host takes"""
    found = tools()
    names = [tool["name"] for tool in found]
    if names != sorted(set(names)):
        yield f"not sorted, or not unique: {names}"
    for tool in found:
        if not re.fullmatch(r"[a-z_]{1,30}", tool["name"]):
            yield f"{tool['name']}: not [a-z_]{{1,30}}"
        for key in ("inputSchema", "outputSchema"):
            schema = tool.get(key, {"type": "object"})
            if schema.get("type") != "object" or {"anyOf", "oneOf", "allOf"} & set(schema):
                yield f"{tool['name']}: {key} is not a plain object schema"
            if "$ref" in json.dumps(schema) or "$defs" in json.dumps(schema):
                yield f"{tool['name']}: {key} is not flat"
        if len(tool["description"]) > 2048:
            yield f"{tool['name']}: description of {len(tool['description'])} characters"


CHECKS = [check_includes, check_limits, check_banned, check_headers, check_licence, check_sleeps, check_layout, check_executables,
          check_sandbox_tables, check_programs, check_mutants, check_conformance, check_readme, check_readme_arguments, check_tool_sizes, check_tool_shapes]


def main():
    passed = failed = 0
    for path in tracked(".c", ".h"):
        lines = read(path).count("\n")
        if lines > LINES_AIM:
            print(f"warning: {path} has {lines} lines: which concept is missing?")
    for check in CHECKS:
        try:
            findings = list(check())
        except (OSError, subprocess.CalledProcessError, ValueError, KeyError) as error:
            findings = [f"could not be checked: {error!r}"]
        print(f"{'FAILED' if findings else 'ok    '} {check.__doc__}")
        for finding in findings:
            print("       ", finding)
        passed, failed = passed + (not findings), failed + bool(findings)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
