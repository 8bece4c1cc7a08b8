# SPDX-License-Identifier: Apache-2.0
"""What a command sees of files, and of the network."""

import os

from harness import ROOT, Sandbox


def test_view(tmp):
    outside = os.path.join(tmp, "outside")
    with open(outside, "w") as file:
        file.write("secret")
    sandbox = Sandbox(tmp)
    output, _ = sandbox.run(f"cat {outside}; ls -A {tmp}; ls -A /; ls -A /home /root 2>&1; echo $(ls -d /proc/[0-9]* | wc -l)")
    assert "secret" not in output
    assert "outside" not in output and "workspace" in output
    assert int(output.split()[-1]) < 12, "processes of others are visible"
    assert sandbox.run("ls /sys /boot /var/lib 2>&1 | grep -c 'No such'")[0].strip() == "3"


def test_read_only_workspace(tmp):
    fixed = os.path.join(tmp, "fixed")
    os.mkdir(fixed)
    if ROOT:
        os.chmod(fixed, 0o777)
    output, _ = Sandbox(tmp, "--read-only-workspace", fixed).run(f"echo x > {fixed}/x; echo x > ok; ls {fixed}; ls")
    assert output.split() == ["ok"] and os.listdir(fixed) == []


def test_hidden(tmp):
    sandbox = Sandbox(tmp, "--hide", os.path.join(tmp, "workspace", "secrets"), "--hide", os.path.join(tmp, "workspace", ".env"),
                      "--hide", "/etc/passwd")
    os.mkdir(os.path.join(sandbox.workspace, "secrets"))
    for name in ("secrets/key", ".env"):
        with open(os.path.join(sandbox.workspace, name), "w") as file:
            file.write("secret")
    output, errors = sandbox.run("cat secrets/key .env /etc/passwd; ls secrets; mv secrets s; rm -rf secrets .env; ls -A")
    assert "secret\n" not in output and "root:" not in output
    assert sorted(output.split()) == [".env", "secrets"], output + errors
    assert open(os.path.join(sandbox.workspace, ".env")).read() == "secret"


def test_network(tmp):
    sandbox = Sandbox(tmp)
    output, errors = sandbox.run("""python3 - <<'E'
import socket
s = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(s.getsockname()); print("loopback", len(socket.if_nameindex()))
E""")
    assert "loopback 1" in output, output + errors


def test_own_name(tmp):
    """Who acts as a number that no list knows has a name all the same; others keep theirs."""
    sandbox = Sandbox(tmp)
    output, errors = sandbox.run("id -un && id -gn && python3 -c 'import os, pwd; print(pwd.getpwuid(os.getuid()).pw_dir)' && "
                                 "getent passwd root && getent group root && wc -l < /etc/passwd && echo x >> /etc/passwd")
    lines = output.splitlines()
    with open("/etc/passwd", encoding="utf-8") as file:
        known = file.readlines()
    own = [line.split(":") for line in known if line.split(":")[2] == str(os.getuid())] if not ROOT else []
    assert lines[0] == (own[0][0] if own else "sallyport") and len(lines) == 6, output + errors
    assert lines[2] == (own[0][5] if own else "/home/sandboxed")
    assert lines[3].startswith("root:x:0:0:") and lines[4].startswith("root:x:0:")
    assert int(lines[5]) == len(known) + (0 if own else 1)
