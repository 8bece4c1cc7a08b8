# SPDX-License-Identifier: Apache-2.0
"""Limits, and what wants to have more than there is."""

from harness import Sandbox


def test_limits(tmp):
    sandbox = Sandbox(tmp, "--processes", "40")
    output, errors = sandbox.run("""ulimit -c; python3 - <<'E'
import os
n = 0
try:
    while n < 100:
        os.fork() or os.execvp("sleep", ["sleep", "1000"])
        n += 1
except OSError as error:
    print(error.strerror)
print(n)
E""")
    assert output.split("\n")[0] == "0", output
    assert "temporarily unavailable" in output and 0 < int(output.split()[-1]) < 40, output
    assert "ended" in errors


def test_fork_bombs(tmp):
    bombs = {"plain": "bomb() { bomb | bomb & }; bomb; sleep 0.5",
             "runner": "python3 -c 'import os\nwhile True:\n  if os.fork(): os._exit(0)\n  os.setsid()' & sleep 0.3",
             "many": "python3 -c 'import os\nwhile True:\n  try: os.fork()\n  except OSError: pass' & sleep 0.3"}
    for name, line in bombs.items():
        sandbox = Sandbox(tmp, "--processes", "200", "--then", "echo alive $(ls -d /proc/[0-9]* | wc -l)")
        output, errors = sandbox.run("(" + line + ") 2>/dev/null")
        assert errors.count("ended") == 2, f"{name}: {errors[-300:]}"
        assert int(output.split()[-1]) < 12, f"{name}: {output}"
