# SPDX-License-Identifier: Apache-2.0
"""What a command that cannot be started is told, and its end."""

import subprocess

from harness import PATIENCE, Sandbox


def test_failures(tmp):
    sandbox = Sandbox(tmp)
    for argv, expected in ((["/nowhere"], "step=execve target=/nowhere errno=ENOENT"), (["nowhere"], "step=execve target=nowhere errno=ENOENT"),
                           (["/etc/passwd"], "step=execve target=/etc/passwd errno=EACCES"), ([""], "errno=ENOENT")):
        done = subprocess.run([*sandbox.command, "--", *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                              check=False)
        assert expected in done.stderr, done.stderr
    assert "exit=3" in sandbox.run("exit 3")[1]
    assert "signal=15" in sandbox.run("kill -TERM $$")[1]
