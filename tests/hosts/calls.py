# SPDX-License-Identifier: Apache-2.0
"""One call of each tool, for clients written by others. A tool without a call here fails the tests that use it."""


def calls(site):
    """Tool name -> (arguments, text that the answer holds). The workspace holds a.txt with "alpha"."""
    return {
        "explain_access": ({"path": "a.txt", "operation": "read"}, "a.txt"),
        "fetch_url": ({"url": f"http://{site.address}/plain"}, "plain text"),
        "list_directory": ({"path": "."}, "a.txt"),
        "read_file": ({"path": "a.txt"}, "alpha"),
        "run_command": ({"command": "echo from a command"}, "from a command"),
        "write_file": ({"path": "written.txt", "content": "beta\n"}, "written.txt"),
    }
