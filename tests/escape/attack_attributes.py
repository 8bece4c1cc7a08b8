# SPDX-License-Identifier: Apache-2.0
"""Files of the person's that need not be opened to be changed: mode, owner, times, attributes and flags, by every way to name one.

As whom commands act owns them, and they lie in a directory of PATH, so that they can be read inside and a descriptor be had.
"""

import contextlib
import fcntl
import os
import tempfile

from attack import NOBODY, ROOT, attack

# Each tries to change `path` by a call of its own; what the C library would make of it is not what an attacker uses.
CALLS = """
import array, ctypes, fcntl, os, platform, socket, struct, threading
libc = ctypes.CDLL(None, use_errno=True)
numbers = {"x86_64": dict(chmod=90, fchmod=91, chown=92, fchown=93, lchown=94, utime=132, setxattr=188, lsetxattr=189, fsetxattr=190, removexattr=197,
                          lremovexattr=198, fremovexattr=199, utimes=235, fchownat=260, futimesat=261, fchmodat=268, utimensat=280,
                          fchmodat2=452, setxattrat=463, removexattrat=466, file_setattr=469),
           "aarch64": dict(setxattr=5, lsetxattr=6, fsetxattr=7, removexattr=14, lremovexattr=15, fremovexattr=16, fchmod=52, fchmodat=53,
                           fchownat=54, fchown=55, utimensat=88, fchmodat2=452, setxattrat=463, removexattrat=466, file_setattr=469)}[platform.machine()]
def call(name, *arguments):
    return libc.syscall(ctypes.c_long(numbers.get(name, 9999)), *(one if isinstance(one, (bytes, ctypes.Array)) else ctypes.c_long(one or 0) for one in arguments))
def attempt(function, *arguments):
    try:
        return function(*arguments)
    except OSError:
        return -1
HERE, EMPTY, NOFOLLOW, UTIME_NOW = -100, 0x1000, 0x100, (1 << 30) - 1
old = struct.pack("4q", 1, 0, 1, 0)
def by_name(path, directory=HERE):
    for follow in (0, NOFOLLOW):
        call("fchmodat2", directory, path, 0o777, follow)
        call("fchownat", directory, path, -1, os.getgid(), follow)
        call("utimensat", directory, path, old, follow)
        call("setxattrat", directory, path, follow, b"user.evil", struct.pack("QII", ctypes.addressof(value), 4, 0), 16)
    call("fchmodat", directory, path, 0o777)
    call("futimesat", directory, path, old)
    if directory == HERE:
        for name in ("chmod", "utime", "utimes"):
            call(name, path, old if name != "chmod" else 0o777)
        for name in ("chown", "lchown"):
            call(name, path, -1, os.getgid())
        for name in ("setxattr", "lsetxattr"):
            call(name, path, b"user.evil", b"evil", 4, 0)
        for name in ("removexattr", "lremovexattr"):
            call(name, path, b"user.mine")
def by_descriptor(fd):
    call("fchmod", fd, 0o777)
    call("fchown", fd, -1, os.getgid())
    call("utimensat", fd, None, old, 0)
    call("futimesat", fd, None, old)
    call("fsetxattr", fd, b"user.evil", b"evil", 4, 0)
    call("fremovexattr", fd, b"user.mine")
    for name in ("fchownat", "utimensat", "fchmodat2"):
        arguments = {"fchownat": (-1, os.getgid()), "utimensat": (old,), "fchmodat2": (0o777,)}[name]
        call(name, fd, b"", *arguments, EMPTY)
        call(name, HERE, b"", *arguments, EMPTY)
    by_name(f"/proc/self/fd/{fd}".encode())
    by_name(f"/dev/fd/{fd}".encode())
    by_name(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/fd/{fd}".encode())
value = ctypes.create_string_buffer(b"evil")
"""


class Target:
    """A file of the person's, and whether it is as it was."""

    def __init__(self, scene, path=None):
        self.path = path or scene.file("home/bin/tool", "#!/bin/sh\n", 0o644)
        with contextlib.suppress(OSError):  # a file system without
            os.setxattr(self.path, "user.mine", b"mine")
        if ROOT:  # as whom commands act
            for one in {scene.tmp, os.path.dirname(self.path), self.path}:
                os.chown(one, NOBODY, NOBODY)
        os.utime(self.path, (2e9, 2e9))
        self.before = self.look()

    def look(self):
        status = os.stat(self.path)
        return status.st_mode, status.st_uid, status.st_gid, status.st_mtime, status.st_ctime, os.listxattr(self.path)

    def changed(self):
        return self.look() != self.before


@attack("files", "view")
def program_in_path_by_its_name(scene):
    target = Target(scene)
    scene.in_workspace("link")
    os.unlink(os.path.join(scene.workspace, "link"))
    os.symlink(target.path, os.path.join(scene.workspace, "link"))
    scene.python(CALLS + f"""
path = {target.path.encode()!r}
folder, name = os.path.split(path)
for one in (path, b"link", os.path.relpath(path), b"/proc/self/root" + path, b"/proc/self/cwd/../bin/tool", folder + b"//./../bin/tool"):
    by_name(one)
directory = attempt(os.open, folder, os.O_PATH)
by_name(name, directory)
by_name(b"../bin/tool", directory)
by_name(f"/proc/self/fd/{{directory}}/tool".encode())
attempt(os.chdir, folder)
by_name(name)
""")
    return target.changed()


@attack("files", "view")
def program_in_path_by_a_descriptor(scene):
    """Opened for reading, or only as a place, by this process or by another that sends it."""
    target = Target(scene)
    scene.python(CALLS + f"""
path = {target.path!r}
ours, theirs = socket.socketpair()
if os.fork() == 0:
    for flags in (os.O_RDONLY, os.O_PATH, os.O_RDONLY | os.O_NOATIME):
        fd = attempt(os.open, path, flags)
        if fd >= 0:
            by_descriptor(fd)
            theirs.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
    os._exit(0)
theirs.close()
while True:
    data, ancillary, _, _ = ours.recvmsg(1, 64)
    if not data: break
    for _, _, rights in ancillary:
        by_descriptor(array.array("i", rights)[0])
""")
    return target.changed()


@attack("files", "supervisor")
def file_that_changes_while_it_is_judged(scene):
    """What a path in memory, a link, a descriptor's number stand for is now one's own file, now the person's."""
    target = Target(scene)
    scene.in_workspace("mine", "x")
    if ROOT:
        os.chown(os.path.join(scene.workspace, "mine"), NOBODY, NOBODY)
    scene.in_workspace("race.py", CALLS + f"""
import mmap, signal, sys, time
path = {target.path!r}
ours = os.path.abspath("mine")
width = max(len(path), len(ours)) + 1
memory = mmap.mmap(-1, 4096)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
texts = [one.encode().ljust(width, bytes(1)) for one in (path, ours)]
memory[:width] = texts[1]
for name, leads in (("a", path), ("b", ours)):
    os.symlink(leads, name)
# files, whose numbers change places in one thread while another uses them
files = [attempt(os.open, one, os.O_RDONLY) for one in (path, ours)]
files = [one for one in files if one >= 0]
os.dup2(files[0], 50)
child = os.fork()
turns = 0
while child == 0:
    memory[:width] = texts[0]
    libc.renameat2(HERE, b"a", HERE, b"b", 2)
    memory[:width] = texts[1]
    turns += 1
    memory[2048:2056] = turns.to_bytes(8, "little")
stop = False
def swap():
    while not stop:
        for one in files:
            os.dup2(one, 50)
thread = threading.Thread(target=swap)
thread.start()

count = 0
def done():
    try:
        return os.stat(path).st_mtime == 1 and os.stat(path).st_mode & 0o777 == 0o777
    except OSError:
        return False
while not done() and (count < 300 or int.from_bytes(memory[2048:2056], "little") < 2000):
    for one in (address, ctypes.cast(ctypes.c_char_p(b"a"), ctypes.c_void_p).value):
        call("fchmodat", HERE, one, 0o777)
        call("utimensat", HERE, one, old, 0)
        call("setxattr", one, b"user.evil", b"evil", 4, 0)
    call("fchmod", 50, 0o777)
    call("utimensat", 50, None, old, 0)
    call("fsetxattr", 50, b"user.evil", b"evil", 4, 0)
    count += 1
stop = True
thread.join()
os.kill(child, signal.SIGKILL)
print("raced", count, int.from_bytes(memory[2048:2056], "little"))
""")
    assert "raced" in scene.run("/usr/bin/python3 race.py"), "it was not even tried"
    return target.changed()


@attack("protected", "supervisor")
def mode_of_a_protected_file_that_the_person_replaces(scene):
    """What lies over a protected path goes when the person renames another file over it."""
    path = scene.in_workspace(".mcp.json", "{}")
    scene.run("true")
    fresh = scene.in_workspace("fresh", "{}", 0o644)
    target = Target(scene, fresh)
    os.rename(fresh, path)
    target.path, target.before = path, None
    target.before = target.look()
    scene.python(CALLS + """
by_name(b".mcp.json")
by_name(b"../project/.mcp.json")
fd = attempt(os.open, ".mcp.json", os.O_RDONLY)
by_descriptor(fd)
by_descriptor(attempt(os.open, ".mcp.json", os.O_PATH))
""")
    return target.changed()


FLAGS_GET, FLAGS_SET, NODUMP = 0x80086601, 0x40086602, 0x40


def has_flags():
    """Whether this file system has any, on which all of this plays."""
    with tempfile.NamedTemporaryFile() as file:
        try:
            fcntl.ioctl(file, FLAGS_GET, bytearray(8))
            return True
        except OSError:
            return False


if has_flags():
    @attack("files", "view, filter: flags")
    def flags_of_a_program_in_path(scene):
        """chattr needs an open file, and for that reading is enough."""
        target = Target(scene)
        scene.python(f"""
import fcntl, struct
file = open({target.path!r})
flags = bytearray(struct.pack("q", 0))
for request in ({FLAGS_GET}, {FLAGS_SET}):
    try:
        fcntl.ioctl(file, request, flags)
        flags[0] |= {NODUMP}
    except OSError as error:
        print(error)
try:
    attributes = bytearray(28)
    fcntl.ioctl(file, 0x801c581f, attributes)
    attributes[0] |= 0x80
    fcntl.ioctl(file, 0x401c5820, attributes)
except OSError as error:
    print(error)
""")
        with open(target.path, encoding="utf-8") as file:
            flags = bytearray(8)
            fcntl.ioctl(file, FLAGS_GET, flags)
        return bool(flags[0] & NODUMP)
