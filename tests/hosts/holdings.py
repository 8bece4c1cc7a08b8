# SPDX-License-Identifier: Apache-2.0
"""What a server holds: descriptors, processes, memory, files, mounts and groups of its own. As it was before, or something leaks."""

import collections
import os
import time

from client import PATIENCE, name_of
from test_groups import group_of
from test_taken_over import processes

IDLE_NANNIES = 5  # LIMIT_NANNIES_IDLE, and the one at the door

def status_of(pid, field):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))


def sizes_of(pid):
    """Of its memory by kind, kB; of what is not dumpable only root knows."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
        return {line.split(":")[0]: int(line.split()[1]) for line in file if line.endswith("kB\n")}


def written_of(pid):
    """What it has written to. What it has only read of its program is shared with whoever runs the same, and its own share grows when they end."""
    sizes = sizes_of(pid)
    return sizes["Private_Dirty"] + sizes["Shared_Dirty"]


def descriptors(pid):
    """By kind: "socket", "anon_inode", or where it leads."""
    found = collections.Counter()
    for number in os.listdir(f"/proc/{pid}/fd"):
        where = os.readlink(f"/proc/{pid}/fd/{number}")
        found[where.split(":")[0] if not where.startswith("/") else where.split("#")[0]] += 1
    return dict(found)


def groups_below(pid):
    """Groups of cgroup v2 there are beside and below a spawner's."""
    top = os.path.dirname("/sys/fs/cgroup" + group_of(pid))
    return sum(len(names) for _, names, _ in os.walk(top)) if f"/sallyport." in top else 0


def held(server, scratch):
    tree = server.tree()
    names = collections.Counter(name_of(pid) for pid in tree)
    spawner = processes(server, "sallyport-spawn")[0]
    with open(f"/proc/{spawner}/mountinfo", encoding="utf-8") as file:
        mounts = len(file.readlines())
    return {"nannies": names.pop("sallyport-nanny", 0), "processes": dict(names), "frontend": descriptors(server.pid),
            "spawner": descriptors(spawner), "mounts": mounts, "groups": groups_below(spawner), "files": sorted(os.listdir(scratch))}


def memory(server):
    tree = server.tree()
    found = {"frontend, anonymous": status_of(server.pid, "RssAnon"), "frontend, written": written_of(server.pid),
             "tree, anonymous": sum(status_of(pid, "RssAnon") for pid in tree if not name_of(pid).startswith("sallyport-nanny"))}
    if os.getuid() == 0:
        found["tree, written"] = sum(written_of(pid) for pid in tree if name_of(pid) != "sallyport-nanny")
    return found


def settle(server, scratch):
    """Has every handle be one of the same 64 little commands; then waits until what it holds is what it held before."""
    while unread := server.call("list_commands")["structuredContent"]["commands"]:
        for one in unread:
            assert one["state"] != "running", one
            server.call("read_output", id=one["id"], max_bytes=1000000)
    for _ in range(64):
        server.call("run_command", command="seq 1000", max_bytes=10)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            now = held(server, scratch)
            ahead = now["processes"].get("sallyport-keepe") == 2  # where there was a second sandbox
            if now["nannies"] <= IDLE_NANNIES + ahead and sum(now["processes"].values()) == len(now["processes"]) + ahead:
                break
        except (FileNotFoundError, ProcessLookupError, IndexError):
            now = "a process that was just ending"
        assert time.monotonic() < deadline, now
    # a tenth of a second without calls: memory that calls come by is given back (LIMIT_IDLE_MS)
    server.pump(time.monotonic() + 0.5, lambda: False)
    return held(server, scratch), memory(server)
