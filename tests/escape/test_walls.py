# SPDX-License-Identifier: Apache-2.0
"""Walls that another wall would hide the loss of: looked at themselves."""

import os

from harness import ROOT, Sandbox

# Of /proc, not covered: facts about the machine and its load that programs ask for, and what belongs to whoever looks.
FACTS = {"bootconfig", "buddyinfo", "cgroups", "cmdline", "config.gz", "consoles", "cpuinfo", "crypto", "devices", "diskstats", "dma", "driver",
         "dynamic_debug", "execdomains", "fb", "filesystems", "interrupts", "iomem", "ioports", "loadavg", "locks", "mdstat", "meminfo",
         "misc", "modules", "mounts", "mtd", "mtrr", "net", "pagetypeinfo", "partitions", "pressure", "schedstat", "self", "slabinfo", "softirqs",
         "stat", "swaps", "sysvipc", "thread-self", "tty", "uptime", "version", "version_signature", "vmstat", "xen", "zoneinfo"}
FROZEN = {"sys", "bus", "fs", "irq", "sysrq-trigger"}  # to be read, not to be written


def mounts(sandbox, line="true"):
    """{place: (options, file system)} as a command sees it; the last that lies on a place."""
    output, errors = sandbox.run(f"{line}; cat /proc/self/mountinfo")
    found = {}
    for entry in output.splitlines():
        fields = entry.split()
        found[fields[4]] = (set(fields[5].split(",")), fields[fields.index("-") + 1])
    assert "/" in found, output + errors
    return found


def test_walls_of_namespaces(tmp):
    """None is the machine's."""
    kinds = ("user", "mnt", "pid", "ipc", "uts", "net")
    output, errors = Sandbox(tmp).run("".join(f"readlink /proc/self/ns/{kind};" for kind in kinds))
    inside = output.split()
    assert len(inside) == len(kinds), output + errors
    for kind, name in zip(kinds, inside):
        assert name != os.readlink(f"/proc/self/ns/{kind}"), f"the {kind} namespace is the machine's"


def test_walls_of_mounts(tmp):
    """Nothing gains by a mode, no device is one but those of /dev, and what is not a command's own cannot be written."""
    fixed = os.path.join(tmp, "fixed")
    os.mkdir(fixed)
    sandbox = Sandbox(tmp, "--read-only-workspace", fixed, "--hide", os.path.join(tmp, "workspace", "hidden"), "--hide", os.path.join(tmp, "workspace", "dark"))
    os.mkdir(os.path.join(sandbox.workspace, "dark"))
    with open(os.path.join(sandbox.workspace, "hidden"), "w", encoding="utf-8"):
        pass
    own = {sandbox.workspace, "/tmp", "/home/sandboxed", "/dev/shm"}
    for place, (options, kind) in mounts(sandbox).items():
        device = place.startswith("/dev/") and kind != "tmpfs"
        covered = place.startswith("/proc/") or place.startswith(sandbox.workspace + "/")  # perhaps by /dev/null
        assert "nosuid" in options, f"{place}: {options}"
        assert device or covered or "nodev" in options, f"{place}: {options}"
        assert place in own or device or place == "/proc" or "ro" in options, f"{place} can be written: {options}"
        assert not device and place != "/proc" or "noexec" in options, f"{place}: {options}"
    for place in ("hidden", "dark"):
        assert os.path.join(sandbox.workspace, place) in mounts(sandbox), place


def test_walls_of_proc(tmp):
    """Whatever this kernel shows there of the whole machine is covered, cannot be written, or is known to be harmless."""
    found = mounts(Sandbox(tmp))
    for name in os.listdir("/proc"):
        if name.isdigit() or name in FACTS:
            continue
        options, kind = found.get("/proc/" + name, ((), None))
        assert "ro" in options, f"/proc/{name} is neither covered nor known to be harmless"
        assert name in FROZEN or kind != "proc", f"/proc/{name} can be read"


def test_walls_of_protected(tmp):
    """What the supervisor would refuse by its name is read-only by a mount too, and what holds it cannot be moved; so is what is hidden covered."""
    sandbox = Sandbox(tmp)
    top = sandbox.workspace
    for name in (".git/hooks", "closed/inner", "dark/inner", "absolute"):
        os.makedirs(os.path.join(top, name))
    for name in ("closed/inner/kept", "dark/inner/secret", "tree"):
        with open(os.path.join(top, name), "w", encoding="utf-8"):
            pass
    sandbox.command += ["--protect", ".git/hooks", "--protect", "tree/config", "--protect", "closed/inner/kept", "--protect", f"{top}/absolute",
                        "--hide", f"{top}/dark/inner/secret"]
    # whoever sandboxes act as may not search them; root, who builds them then, may
    closed = [] if ROOT else ["closed/inner", "dark/inner"]
    for name in closed:
        os.chmod(os.path.join(top, name), 0)
    try:
        found = mounts(sandbox)
    finally:
        for name in closed:
            os.chmod(os.path.join(top, name), 0o755)
    kinds = {place[len(top) + 1:]: options for place, (options, _) in found.items() if place.startswith(top + "/")}
    expected = {".git": "rw", ".git/hooks": "ro", "tree": "ro", "closed": "rw", "absolute": "ro",
                **({"closed/inner": "rw", "closed/inner/kept": "ro", "dark/inner/secret": "ro"} if ROOT else {"closed/inner": "ro", "dark/inner": "ro"})}
    assert set(kinds) == set(expected), kinds
    for name, way in expected.items():
        assert way in kinds[name], (name, kinds[name])
