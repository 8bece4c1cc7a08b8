# SPDX-License-Identifier: Apache-2.0
"""One caller against another, and against what the person's own programs share."""

import os
import secrets
import select
import threading

from attack import attack
from harness import PATIENCE

SHARED = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
"""


def shared_file(name, directory, *elsewhere):
    """A file of the person's in a directory that programs share. `elsewhere`: other names of that directory."""
    @attack("callers", f"private {directory}", name=name)
    def play(scene):
        file = f"{directory}/sallyport-attack-{secrets.token_hex(8)}"
        with open(file, "w", encoding="utf-8") as opened:
            opened.write(scene.secret)
        os.chmod(file, 0o666)
        try:
            return scene.secret in scene.run(" ".join(["cat", file, *(other + file for other in elsewhere)]))
        finally:
            os.unlink(file)
    return play


shared_file("shared temporary files", "/tmp", "/var")
shared_file("shared memory files", "/dev/shm")


def system_v(name, make, use, remove):
    """System V objects have a key and no path. Made here, looked for there."""
    @attack("callers", "ipc namespace", name=name)
    def play(scene):
        import ctypes  # pylint: disable=import-outside-toplevel

        libc = ctypes.CDLL(None, use_errno=True)
        key = secrets.randbits(30) | 1
        number = make(libc, key)
        assert number >= 0
        try:
            return "found" in scene.python(SHARED + f"if {use.format(key=key)} >= 0: print('found')")
        finally:
            remove(libc, number)
    return play


system_v("System V shared memory", lambda libc, key: libc.shmget(key, 4096, 0o1666), "libc.shmget({key}, 4096, 0o666)",
         lambda libc, number: libc.shmctl(number, 0, None))
system_v("System V messages", lambda libc, key: libc.msgget(key, 0o1666), "libc.msgget({key}, 0o666)",
         lambda libc, number: libc.msgctl(number, 0, None))
system_v("System V semaphores", lambda libc, key: libc.semget(key, 1, 0o1666), "libc.semget({key}, 1, 0o666)",
         lambda libc, number: libc.semctl(number, 0, 0))


@attack("callers", "ipc namespace")
def posix_messages(scene):
    import ctypes  # pylint: disable=import-outside-toplevel

    libc = ctypes.CDLL(None, use_errno=True)
    name = f"/sallyport-attack-{secrets.token_hex(8)}".encode()
    queue = libc.mq_open(name, os.O_CREAT | os.O_RDWR, 0o666, None)
    assert queue >= 0
    os.close(queue)
    try:
        return "found" in scene.python(SHARED + f"if libc.mq_open({name!r}, 2) >= 0: print('found')")
    finally:
        libc.mq_unlink(name)


def between(name, wall, first, second):
    """A command of one server that stays, and one of another that looks for it."""
    @attack("callers", wall, name=name)
    def play(scene):
        from attack import Scene  # pylint: disable=import-outside-toplevel

        other = Scene(scene.stage, scene.mode)
        mark = secrets.token_hex(8)
        path = os.path.join(other.workspace, "up")
        os.mkfifo(path)
        os.chmod(path, 0o666)
        try:
            line = first.format(mark=mark)
            if scene.stage == "unconfined":
                other.run(f"({line}\necho up > up; exec sleep 1000) >/dev/null 2>&1 &")
            else:
                server = other.serve()
                server.start("tools/call", {"name": "run_command", "arguments": {"command": f"{line}\necho up > up; exec sleep 1000"}})
            with open(os.open(path, os.O_RDWR), encoding="utf-8") as file:  # for writing too: no end of file before the first writer
                assert select.select([file], [], [], PATIENCE)[0], "the other caller did not come up"
            return "found" in scene.run(second.format(mark=mark, workspace=other.workspace))
        finally:
            other.close()
            if scene.stage == "unconfined" and os.path.exists(f"/tmp/{mark}"):
                os.unlink(f"/tmp/{mark}")
    return play


between("another caller's files", "private /tmp", "echo found > /tmp/{mark}", "cat /tmp/{mark}")
between("another caller's processes", "pid namespace",
        "python3 -c 'import subprocess; subprocess.Popen([\"{mark}\", \"1000\"], executable=\"/bin/sleep\")'",  # is executed when that ends
        "grep -lsa {mark} /proc/[0-9]*/cmdline | grep -v /$$/ | while read f; do tr -d '\\0' < $f | grep -q '^{mark}' && echo found; done")
between("another caller's workspace", "view", "echo found > file", "cat {workspace}/file")
between("another caller's socket", "network namespace",
        "(python3 -c 'import socket,signal;s=socket.socket(socket.AF_UNIX);s.bind(chr(0)+\"{mark}\");s.listen();open(\"ready\",\"w\");signal.pause()'"
        " || touch ready) &"
        " until test -e ready; do :; done",
        "python3 -c 'import socket;socket.socket(socket.AF_UNIX).connect(chr(0)+\"{mark}\");print(\"found\")'")


@attack("callers", "view, filter")
def names_in_a_directory_that_is_watched(scene):
    """Watching needs no opening, so what judges opening does not know of it: it tells what is made in a home, or in another caller's /tmp."""
    up = scene.directory("outside/private")
    fifo = os.path.join(scene.workspace, "up")
    os.mkfifo(fifo)
    os.chmod(fifo, 0o666)
    opened = os.open(fifo, os.O_RDWR)
    made = threading.Thread(target=lambda: (os.read(opened, 1), scene.file("outside/private/found")))
    made.start()
    try:
        return "found" in scene.python(SHARED + f"""
import os, select
fd = libc.inotify_init1(0)
libc.inotify_add_watch(fd, {up!r}.encode(), 0x100)  # IN_CREATE
os.write(os.open("up", os.O_WRONLY), b"x")
print(os.read(fd, 4096) if fd >= 0 and select.select([fd], [], [], 5)[0] else b"")
""")
    finally:
        os.write(opened, b"x")
        made.join()
        os.close(opened)
