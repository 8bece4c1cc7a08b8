# SPDX-License-Identifier: Apache-2.0
"""What the supervisor alone keeps: where the person has put something else while a sandbox stands, no mount lies on it."""

import contextlib
import ctypes
import os

from harness import PATIENCE, ROOT
from test_supervised import own, python, supervised


class Standing:
    """A command that waits in a sandbox that stands, its mounts too, until go() lets it become the program."""

    def __init__(self, sandbox, program):
        self.sandbox = sandbox
        for name in ("up", "go"):
            os.mkfifo(self.path(name))
            os.chmod(self.path(name), 0o666)
        with open(self.path("program.py"), "w", encoding="utf-8") as file:
            file.write(program)
        own(sandbox)
        self.process = sandbox.start("echo > up; read line < go; exec python3 program.py")
        with open(self.path("up"), encoding="utf-8") as file:
            file.read()

    def path(self, name):
        return os.path.join(self.sandbox.workspace, name)

    def put(self, name):
        """As an editor of the person's does it."""
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name) + ".new", "w", encoding="utf-8") as file:
            file.write("kept")
        os.rename(self.path(name) + ".new", self.path(name))

    def go(self):
        """What it says, and what was told of it."""
        own(self.sandbox)
        with open(self.path("go"), "w", encoding="utf-8") as file:
            file.write("\n")
        return self.process.communicate(timeout=PATIENCE)


def test_replaced(tmp):
    """In every call there is."""
    names = (".git/config", ".mcp.json", "HEAD")
    sandbox = supervised(tmp, "--protect", "tree/config")
    for name in names:
        os.makedirs(os.path.dirname(os.path.join(sandbox.workspace, name)), exist_ok=True)
        with open(os.path.join(sandbox.workspace, name), "w", encoding="utf-8"):
            pass
    os.mkdir(os.path.join(sandbox.workspace, "free"))
    standing = Standing(sandbox, REPLACED)
    for name in (*names, "tree"):
        standing.put(name)
    os.link(standing.path(".mcp.json"), standing.path("free/older"))
    os.mkdir(standing.path(".vscode"))
    output, errors = standing.go()
    assert "done" not in output and output.endswith("tried\n"), output + errors
    for name in (*names, "tree"):
        assert open(standing.path(name), encoding="utf-8").read() == "kept", name


REPLACED = """
import os
names = [".git/config", ".mcp.json", "HEAD"]
os.symlink("../.mcp.json", "free/link")
for name in names:
    here = os.open(name, os.O_PATH)
    there = os.open(name, os.O_RDONLY)
    attempts = {
        "open": lambda: os.open(name, os.O_WRONLY), "append": lambda: os.open(name, os.O_WRONLY | os.O_APPEND), "create": lambda: os.open(name, os.O_CREAT | os.O_RDWR),
        "cut": lambda: os.open(name, os.O_RDONLY | os.O_TRUNC), "truncate": lambda: os.truncate(name, 0), "unlink": lambda: os.unlink(name),
        "rename": lambda: os.rename(name, "free/away"), "over": lambda: (os.close(os.open("free/new", os.O_CREAT | os.O_WRONLY)), os.rename("free/new", name)),
        "link": lambda: os.link(name, "free/second"), "path": lambda: os.open(f"/proc/self/fd/{here}", os.O_WRONLY), "read": lambda: os.open(f"/dev/fd/{there}", os.O_WRONLY),
        "truncate read": lambda: os.truncate(f"/proc/self/fd/{there}", 0), "linked": lambda: os.open("free/link", os.O_WRONLY) if name == ".mcp.json" else 1 / 0,
        "truncate linked": lambda: os.truncate("free/link", 0) if name == ".mcp.json" else 1 / 0, "around": lambda: os.open("free/../" + name, os.O_WRONLY),
        "mode": lambda: os.chmod(name, 0o777), "times": lambda: os.utime(name), "mode by descriptor": lambda: os.fchmod(there, 0o777),
        "link by descriptor": lambda: os.link(f"/proc/self/fd/{there}", "free/third", follow_symlinks=True),
    }
    for attempt, act in attempts.items():
        try:
            act()
            print("done", name, attempt)
        except (OSError, ZeroDivisionError):
            pass
for number, act in enumerate((lambda: os.open(".vscode", os.O_TMPFILE | os.O_WRONLY), lambda: os.open("free/older", os.O_WRONLY), lambda: os.truncate("free/older", 0),
                             lambda: os.chmod("free/older", 0o777), lambda: os.open(".vscode/x", os.O_CREAT),
                             lambda: os.unlink("tree"), lambda: os.rename("tree", "free/tree"), lambda: os.open("tree", os.O_WRONLY),
                             lambda: os.open(f"/proc/self/fd/{os.open('free/older', os.O_PATH)}", os.O_WRONLY))):
    try:
        act()
        print("done", number)
    except OSError:
        pass
print("tried")
"""


# Each call that the keeper performs, by its own number: libraries use the newest form alone.
ONE_BY_ONE = """
import ctypes, errno, os, platform
libc = ctypes.CDLL(None, use_errno=True)
HERE = -100
calls = [("mkdirat", 258, 34, (HERE, b"d", 0o755)), ("openat", 257, 56, (HERE, b"f", 0o101, 0o644)), ("mknodat", 259, 33, (HERE, b"n", 0o100644, 0)),
         ("symlinkat", 266, 36, (b"f", HERE, b"s")), ("linkat", 265, 37, (HERE, b"f", HERE, b"l", 0)), ("renameat2", 316, 276, (HERE, b"l", HERE, b"m", 1)),
         ("truncate", 76, 45, (b"f", 5)), ("unlinkat", 263, 35, (HERE, b"m", 0)), ("unlinkat", 263, 35, (HERE, b"d", 0x200)),
         ("renameat", 264, 38, (HERE, b"s", HERE, b"t")), ("open", 2, None, (b"g", 0o101, 0o644)), ("creat", 85, None, (b"h", 0o644)), ("mkdir", 83, None, (b"e", 0o755)),
         ("mknod", 133, None, (b"o", 0o100644, 0)), ("symlink", 88, None, (b"g", b"u")), ("link", 86, None, (b"g", b"v")), ("rename", 82, None, (b"v", b"w")),
         ("fchmodat", 268, 53, (HERE, b"f", 0o600)), ("fchmod", 91, 52, (0, 0o600)), ("fchownat", 260, 54, (HERE, b"f", -1, -1, 0)), ("fchown", 93, 55, (0, -1, -1)),
         ("utimensat", 280, 88, (HERE, b"f", None, 0)), ("setxattr", 188, 5, (b"f", b"user.a", b"x", 1, 0)), ("lsetxattr", 189, 6, (b"f", b"user.b", b"x", 1, 0)),
         ("fsetxattr", 190, 7, (0, b"user.c", b"x", 1, 0)), ("removexattr", 197, 14, (b"f", b"user.a")), ("lremovexattr", 198, 15, (b"f", b"user.b")),
         ("fremovexattr", 199, 16, (0, b"user.c")), ("chmod", 90, None, (b"g", 0o600)), ("chown", 92, None, (b"g", -1, -1)), ("lchown", 94, None, (b"g", -1, -1)),
         ("futimesat", 261, None, (HERE, b"g", None)), ("utimes", 235, None, (b"g", None)), ("utime", 132, None, (b"g", None)),
         ("unlink", 87, None, (b"w",)), ("rmdir", 84, None, (b"e",)), ("umask", 95, 166, (0o77,))]
for name, here, there, arguments in calls:
    number = here if platform.machine() == "x86_64" else there
    if number is None or (platform.machine() != "x86_64" and name == "renameat"):
        continue
    if name.startswith("f") and arguments[0] == 0:
        arguments = (os.open("f", os.O_RDONLY), *arguments[1:])
    result = libc.syscall(number, *arguments)
    print(name, "ok" if result >= 0 else errno.errorcode[ctypes.get_errno()])
print(sorted(os.listdir(".")))
"""


def test_calls_one_by_one(tmp):
    """Every call that is asked of the keeper does what it does without."""
    sandbox = supervised(tmp)
    output, errors = python(sandbox, "calls.py", ONE_BY_ONE)
    lines = output.splitlines()
    # a file system may be without attributes, which is no answer of the keeper's
    answers = [line for line in lines[:-1] if not line.endswith("xattr EOPNOTSUPP")]
    assert len(answers) >= 20 and all(line.endswith(" ok") for line in answers), output + errors
    made = ["calls.py", "f", "g", "h", "n", "o", "t", "u"] if "rmdir ok" in lines else ["calls.py", "f", "n", "s"]
    assert lines[-1] == str(made), output + errors
    assert os.path.getsize(os.path.join(sandbox.workspace, "f")) == 5


DEEP = """
import os
top = os.open(".", os.O_RDONLY)
os.mkdir(".git")
os.chdir(".git")
name = "d" * 250
try:
    for _ in range(24):
        os.mkdir(name)
        os.chdir(name)
    print("deep")
    os.close(os.open("made", os.O_CREAT | os.O_WRONLY))
    print("free")
except OSError as error:
    print(error)
os.fchdir(top)
os.chdir(".vscode")
try:
    os.close(os.open("made", os.O_CREAT | os.O_WRONLY))
    print("made")
except OSError as error:
    print("kept")
for depth in range(30):
    try:
        os.chdir(name)
    except OSError:
        break
print(depth)
try:
    os.close(os.open("made", os.O_CREAT | os.O_WRONLY))
    print("made")
except OSError as error:
    print("kept")
"""


def test_deep(tmp):
    """Deeper than the kernel can spell a path: free where it is free, and kept where it is protected."""
    standing = Standing(supervised(tmp), DEEP)
    top = os.open(".", os.O_RDONLY)
    os.mkdir(standing.path(".vscode"))
    try:
        os.chdir(standing.path(".vscode"))
        for _ in range(24):
            os.mkdir("d" * 250)
            os.chmod("d" * 250, 0o777)
            os.chdir("d" * 250)
    finally:
        os.fchdir(top)
        os.close(top)
    os.chmod(standing.path(".vscode"), 0o777)
    output, errors = standing.go()
    assert output.split() == ["deep", "free", "kept", "24", "kept"], output + errors


WAITERS = """
import os, signal
os.mkfifo("nobody")
for _ in range(%d):
    child = os.fork()
    if child == 0:
        os.open("nobody", os.O_WRONLY)
        os._exit(1)
    # until it waits in the call: the kernel says where
    while "S" != open(f"/proc/{child}/stat").read().rsplit(")", 1)[1].split()[0]:
        pass
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
children = []
for _ in range(160):
    children.append(os.fork())
    if children[-1] == 0:
        try:
            os.open("nobody", os.O_WRONLY)
        except BlockingIOError:
            os._exit(7)
        os._exit(1)
def state(child):
    return open(f"/proc/{child}/stat").read().rsplit(")", 1)[1].split()[0]
for child in children:
    while state(child) not in "SZ":
        pass
os.mkdir("asked")  # behind all of them: each has its answer, or waits
for child in children:
    while state(child) not in "SZ":
        pass
print(sum(state(child) == "Z" for child in children))
for child in children:
    os.kill(child, signal.SIGKILL)
print(sum(os.waitpid(child, 0)[1] == 7 << 8 for child in children))
os.mkfifo("pipe")
child = os.fork()
if child == 0:
    with open("pipe", "w") as pipe:
        pipe.write("through")
    os._exit(0)
print(open("pipe").read())
"""


def test_killed_while_waiting(tmp):
    """Who is killed while it waits for the other end of a FIFO gives its place to others: there are only so many (LIMIT_NOTIFY_WAITING)."""
    output, errors = python(supervised(tmp), "waiters.py", WAITERS % 300)
    assert output == "32\n32\nthrough\n", output + errors


OPENING = """
import os
print("ready", flush=True)
for number in range(4000):
    try:
        file = os.open("free/x", os.O_WRONLY | %s)
        os.write(file, b"evil")
        os.close(file)
    except OSError:
        pass
print("tried")
"""


@contextlib.contextmanager
def changing(*steps):
    """Somebody outside, whom nobody supervises, renames for as long as this lasts: renameat2(from, to, flags) again and again."""
    libc = ctypes.CDLL(None)
    child = os.fork()
    while child == 0:
        for old, new, flags in steps:
            libc.renameat2(-100, old.encode(), -100, new.encode(), flags)
    try:
        yield
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def names_that_become_links(tmp, flags, *steps):
    sandbox = supervised(tmp)
    for name in ("free", "aside"):
        os.mkdir(os.path.join(sandbox.workspace, name))
    with open(os.path.join(sandbox.workspace, "free/x"), "w", encoding="utf-8"):
        pass
    os.symlink("../.mcp.json", os.path.join(sandbox.workspace, "free/y"))
    own(sandbox)
    if ROOT:
        os.chown(os.path.join(sandbox.workspace, "free/x"), 4242, 4242)
    with changing(*((f"{sandbox.workspace}/{old}", f"{sandbox.workspace}/{new}", how) for old, new, how in steps)):
        output, errors = python(sandbox, "opening.py", OPENING % flags)
    assert output == "ready\ntried\n" and not os.path.exists(os.path.join(sandbox.workspace, ".mcp.json")), output + errors


def test_files_that_become_links(tmp):
    """A file when it is judged, and a link to what is protected when it is opened."""
    names_that_become_links(tmp, "os.O_CREAT", ("free/x", "free/y", 2))


def test_nothing_that_becomes_a_link(tmp):
    """The same of a name that does not exist yet."""
    names_that_become_links(tmp, "os.O_CREAT", ("free/x", "aside/x", 0), ("free/y", "free/x", 0), ("free/x", "free/y", 0), ("aside/x", "free/x", 0))


OWN = """
import ctypes, os
libc = ctypes.CDLL(None)
mine = os.open("mine", os.O_CREAT | os.O_RDWR)
for number, way in enumerate((f"/proc/self/fd/{mine}", f"/dev/fd/{mine}", f"/proc/thread-self/fd/{mine}", "way", "over")):
    if number == 3:
        os.symlink(f"/proc/self/fd/{mine}", "way")
        os.symlink("way", "over")
    again = os.open(way, os.O_WRONLY | os.O_APPEND)
    os.write(again, b"x")
    os.truncate(way, os.fstat(mine).st_size + 1)
    assert libc.linkat(-100, way.encode(), -100, f"link{number}".encode(), 0x400) == 0  # AT_SYMLINK_FOLLOW
    print(os.fstat(mine).st_size, os.stat(f"link{number}").st_ino == os.fstat(mine).st_ino)
"""


def test_own_descriptors(tmp):
    """Whoever acts for somebody has other descriptors under the same numbers: they are the caller's."""
    output, errors = python(supervised(tmp), "own.py", OWN)
    assert output.splitlines() == [f"{2 * number} True" for number in range(1, 6)], output + errors
