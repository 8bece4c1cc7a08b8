# SPDX-License-Identifier: Apache-2.0
"""What is excepted inside a place that may be written: a hidden file or directory, a workspace that is only read."""

import os

from attack import NOBODY, ROOT, attack

READ = """
import ctypes, mmap, os, signal, subprocess, threading
def show(fd):
    try:
        print(os.pread(fd, 4096, 0))
    except OSError:
        pass
    try:
        print(mmap.mmap(fd, 32, prot=mmap.PROT_READ).read())
    except (OSError, ValueError):
        pass
def attempt(function, *arguments, **more):
    try:
        return function(*arguments, **more)
    except OSError:
        return -1
"""


@attack("protected", "hidden file")
def hidden_file_by_every_name(scene):
    path = scene.in_workspace("deep/dark/secret", scene.secret)
    os.link(path, os.path.join(scene.workspace, "second"))
    scene.serve(policy={"filesystem": {"denyRead": [path, os.path.join(scene.workspace, "dark")]}})
    scene.in_workspace("dark/secret", scene.secret)
    return scene.secret in scene.python(READ + """
os.symlink("deep/dark", "folder")
os.symlink("deep/dark/secret", "link")
names = ["deep/dark/secret", "folder/secret", "link", "second", "dark/secret", "dark/../dark/secret", "/proc/self/cwd/dark/secret",
         os.getcwd() + "/deep/../deep/dark/secret", "deep/dark/./secret"]
for name in names:
    for flags in (os.O_RDONLY, os.O_RDWR, os.O_RDONLY | os.O_CREAT, os.O_PATH, os.O_RDONLY | os.O_NOFOLLOW):
        fd = attempt(os.open, name, flags)
        if fd < 0:
            continue
        show(fd)
        for way in (f"/proc/self/fd/{fd}", f"/dev/fd/{fd}"):
            show(attempt(os.open, way, os.O_RDONLY))
for folder in ("deep/dark", "dark", "folder"):
    for flags in (os.O_RDONLY, os.O_PATH):
        fd = attempt(os.open, folder, flags)
        if fd >= 0:
            show(attempt(os.open, "secret", os.O_RDONLY, dir_fd=fd))
            attempt(print, attempt(os.listdir, fd))
    here = os.getcwd()
    if attempt(os.chdir, folder) is None:
        show(attempt(os.open, "secret", os.O_RDONLY))
        os.chdir(here)
for command in ("mv deep away; cat away/dark/secret", "mv deep/dark deep/light; cat deep/light/secret", "ln dark/secret third; cat third",
                "cp -r deep copy; cat copy/dark/secret", "chmod 777 dark/secret; sh dark/secret", ". dark/secret", "tar c dark",
                "mv dark /tmp/dark; cat /tmp/dark/secret", "ln -f dark/secret second; cat second", "python3 dark/secret", "dd if=dark/secret", "cat < dark/secret"):
    print(subprocess.run(["/bin/bash", "-c", command], capture_output=True).stdout)
""")


@attack("protected", "hidden file")
def hidden_file_while_it_is_judged(scene):
    """A path in memory, and a link on the way, stand now for one's own file and now for the hidden one."""
    path = scene.in_workspace("dark", scene.secret)
    scene.in_workspace("free", "x" * len(scene.secret))
    scene.serve(policy={"filesystem": {"denyRead": [path]}})
    return scene.secret in scene.python(READ + """
os.symlink("dark", "a")
os.symlink("free", "b")
libc = ctypes.CDLL(None)
memory = mmap.mmap(-1, 4096)
address = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
memory[:5] = b"free" + bytes(1)
child = os.fork()
turns = 0
while child == 0:
    memory[:5] = b"dark" + bytes(1)
    libc.renameat2(-100, b"a", -100, b"b", 2)
    memory[:5] = b"free" + bytes(1)
    turns += 1
    memory[2048:2056] = turns.to_bytes(8, "little")
count = 0
while count < 300 or int.from_bytes(memory[2048:2056], "little") < 1000:
    for one in (address, b"a"):
        fd = libc.open(one, os.O_RDONLY)
        if fd >= 0:
            text = os.read(fd, 64)
            if not text.startswith(b"xx"):
                print(text)
            os.close(fd)
    count += 1
os.kill(child, signal.SIGKILL)
""")


@attack("protected", "read-only workspace")
def read_only_workspace_inside_a_writable_one(scene):
    around = scene.directory("home/around")
    fixed = scene.directory("home/around/in/fixed")
    file = scene.file("home/around/in/fixed/file", "before", 0o644)
    os.link(file, os.path.join(around, "second"))
    if ROOT:  # as whom commands act
        for one in (fixed, file):
            os.chown(one, NOBODY, NOBODY)
    os.utime(file, (2e9, 2e9))
    os.chmod(fixed, 0o755)
    scene.serve(roots=[scene.workspace, fixed + ":ro"], policy={"filesystem": {"allowWrite": [around]}})
    scene.run(f"cd {around} && echo tried > mine; cd in/fixed; "
              "{ echo evil > file; echo evil > new; rm -f file; mv file moved; mkdir folder; ln ../../mine linked; mkfifo pipe; chmod 777 . file; "
              "touch -d 1970-01-02 file; ln -s x symbolic; truncate -s 0 file; cp --reflink=auto /bin/true file; }; cd ../..; "
              "mv in away; cp -r away in; echo evil > in/fixed/file; mv in/fixed in/other; rm -rf in; ln in/fixed/file third && echo evil > third; "
              "ln -s in/fixed by; echo evil > by/new; exec 3<in/fixed/file; echo evil > /proc/self/fd/3; chmod 777 /proc/self/fd/3")
    assert scene.text("home/around/mine") == "tried\n", "all around it may be written"
    scene.python(f"""
import os
os.chdir({around!r})
fd = os.open("in/fixed/file", os.O_RDONLY)
for attempt in (lambda: os.fchmod(fd, 0o777), lambda: os.utime(fd, (1, 1)), lambda: os.setxattr(fd, "user.evil", b"evil"),
                lambda: os.open("in/fixed", os.O_TMPFILE | os.O_RDWR)):
    try:
        attempt()
    except OSError as error:
        print(error)
""")
    status = os.stat(file) if os.path.exists(file) else None
    return (status is None or sorted(os.listdir(fixed)) != ["file"] or scene.text(file) != "before" or status.st_mode & 0o777 != 0o644
            or status.st_mtime != 2e9 or os.stat(fixed).st_mode & 0o777 != 0o755)
