# SPDX-License-Identifier: Apache-2.0
"""One call of each tool, for clients written by others. A tool without a call here fails the tests that use it."""

import re

HANDLES = ["read_output", "stop_command", "write_input"]  # need the id of a command that runs: converse()


def calls(site):
    """Tool name -> (arguments, text that the answer holds). The workspace holds a.txt with "alpha"."""
    return {
        # may be repeated: it only says what is there
        "apply_patch": ({"patch": "*** Begin Patch\n*** Update File: a.txt\n alpha\n*** End Patch\n"}, "a.txt: updated"),
        "download_file": ({"url": f"http://{site.address}/plain", "path": "downloaded.txt", "overwrite": True}, "downloaded.txt: "),
        "edit_file": ({"path": "a.txt", "edits": [{"old": "alpha", "new": "alpha beta"}], "dry_run": True}, "+alpha beta"),
        "explain_access": ({"path": "a.txt", "operation": "read"}, "a.txt"),
        "fetch_url": ({"url": f"http://{site.address}/plain"}, "plain text"),
        "find_files": ({"pattern": "*.txt"}, "a.txt"),
        # in this order: the last takes away what the first two made, so that they can be repeated
        "copy_file": ({"source": "a.txt", "destination": "copy.txt", "overwrite": True}, "copy.txt: copied"),
        "move_file": ({"source": "copy.txt", "destination": "moved.txt", "overwrite": True}, "moved.txt: moved"),
        "delete_file": ({"path": "moved.txt"}, "1 entry deleted"),
        "create_directory": ({"path": "made"}, "made: "),
        "get_file_info": ({"path": "a.txt"}, "line ends: LF"),
        "list_commands": ({}, "No command runs"),
        "list_directory": ({"path": "."}, "a.txt"),
        "read_file": ({"path": "a.txt"}, "alpha"),
        "read_files": ({"paths": ["a.txt"]}, "alpha"),
        "run_command": ({"command": "echo from a command"}, "from a command"),
        "search_files": ({"pattern": "al.ha"}, "a.txt:1:alpha"),
        "write_file": ({"path": "written.txt", "content": "beta\n"}, "written.txt"),
    }


async def converse(call):
    """A person's session with an interpreter that wants a terminal. `call(tool, arguments)` returns the text of the answer, from
    which the id is taken as a model would. All that was said: by each tool, the last word of it, and what is left."""
    begun = await call("run_command", {"command": "python3 -q", "tty": True, "wait_ms": 0})
    handle = re.search(r"\b[0-9a-f]{32}\b", begun)[0]
    said = await call("write_input", {"id": handle, "text": "import sys; print(6 * 7, sys.stdin.isatty())\n"})
    while "42 True" not in said:
        said += await call("read_output", {"id": handle})
    whole = await call("read_output", {"id": handle, "since": 0})
    stopped = await call("stop_command", {"id": handle, "signal": "KILL"})
    return {"begun": begun, "whole": whole, "stopped": stopped, "left": await call("list_commands", {})}


def check_conversation(said):
    assert "[running" in said["begun"] or "[waits for its turn" in said["begun"], said
    assert "42 True" in said["whole"], said
    assert "SIGKILL" in said["stopped"] and "stopped" in said["stopped"], said
    assert "No command runs" in said["left"], said
