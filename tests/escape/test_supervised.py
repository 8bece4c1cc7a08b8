# SPDX-License-Identifier: Apache-2.0
"""What the keeper judges and performs for commands (sandbox/notify/): the same as the kernel would, but for protected paths."""

import os
import shutil
import subprocess

from harness import PATIENCE, ROOT, Sandbox

HERE = os.path.dirname(os.path.abspath(__file__))
PROTECTED = (".git/config", ".git/hooks", ".mcp.json", ".vscode", "HEAD")


def supervised(tmp, *options):
    return Sandbox(tmp, *(word for path in PROTECTED for word in ("--protect", path)), *options)


def own(sandbox):
    """As root, what was made from outside belongs to whom the sandbox acts as."""
    for folder, _, files in os.walk(sandbox.workspace):
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            if ROOT:
                os.chown(path, 4242, 4242, follow_symlinks=False)


def python(sandbox, name, text, *words):
    """Runs a program inside."""
    with open(os.path.join(sandbox.workspace, name), "w") as file:
        file.write(text)
    return sandbox.run(" ".join(("python3", name, *words)))


def test_alike(tmp):
    """Thousands of generated calls: same answers, descriptors and files with the supervisor and without."""
    answers = []
    for options in ((), ("--protect", "nowhere/at/all")):
        sandbox = Sandbox(os.path.join(tmp, "t"), *options)
        shutil.copy(os.path.join(HERE, "alike.py"), sandbox.workspace)
        output = ""
        for seed in range(6):
            output += sandbox.run(f"mkdir here{seed}; cd here{seed}; python3 ../alike.py {seed} 1200 3</dev/null")[0]
        answers.append(output.splitlines())
        made = sandbox.run("ln -s x nowhere; readlink nowhere")[0]
        assert made == ("" if options else "x\n"), "supervised only with something to protect"
        shutil.rmtree(os.path.join(tmp, "t"))
    assert len(answers[0]) > 6 * 1200, answers[0][-3:]
    assert answers[0] == answers[1], [pair for pair in zip(*answers) if pair[0] != pair[1]][:3]


def test_absent(tmp):
    """What is not there yet cannot be made, in no way, and each refusal is told by its rule."""
    sandbox = supervised(tmp)
    output, errors = sandbox.run("""
        mkdir sub evil; echo x > evil/config; ln -s . self
        echo x > .mcp.json; : >> sub/../.mcp.json; echo x > self/self/.mcp.json; echo x > "$PWD/.mcp.json"; echo x > /proc/self/cwd/.mcp.json
        ln -s evil/config .mcp.json; ln evil/config .mcp.json; cp evil/config .mcp.json; mv evil/config .mcp.json; mkfifo .mcp.json; mkdir .mcp.json
        ln -s .mcp.json dangling; echo x > dangling; touch HEAD
        mkdir .vscode; mv evil .vscode; ln -s evil .vscode; mv evil .git; ln -s evil .git; echo "gitdir: evil" > .git
        mkdir .git && echo x > .git/config; ln -s ../evil .git/hooks; mkdir .git/hooks; mv .git aside; cd .git; echo x > config; cd ..
        echo x > .git/free; rmdir sub; ls -A . .git""")
    assert output.split() == [".:", ".git", "dangling", "evil", "self", ".git:", "free"], output + errors
    for rule in ("protected:.mcp.json", "protected:.vscode", "protected:.git/config", "protected:.git/hooks", "protected:HEAD"):
        assert f" {rule}\n" in errors, (rule, errors)
    assert f"denied write {sandbox.workspace}/.vscode protected:.vscode\n" in errors


def test_as_read_only(tmp):
    """What is there answers as on a read-only mount, so that programs see what they expect."""
    sandbox = supervised(tmp)
    for name in (".git/hooks", ".vscode"):
        os.makedirs(os.path.join(sandbox.workspace, name))
    own(sandbox)
    output, _ = python(sandbox, "try.py", """
import errno, os
def answer(function, *arguments):
    try:
        function(*arguments)
        print("made")
    except OSError as error:
        print(errno.errorcode[error.errno])
answer(os.mkdir, ".vscode"); answer(os.mkdir, ".vscode/new"); answer(os.mkdir, "HEAD"); answer(os.unlink, ".mcp.json"); answer(os.rmdir, ".vscode")
answer(os.rename, ".git", "aside"); answer(os.rename, ".mcp.json", "new"); answer(os.open, ".mcp.json", os.O_WRONLY); answer(os.truncate, "HEAD", 0)
answer(os.link, "try.py", ".mcp.json"); answer(os.symlink, "x", ".git"); answer(os.unlink, ".git"); answer(os.open, ".git/hooks/x", os.O_CREAT)
""")
    assert output.split() == ["EEXIST", "EROFS", "EROFS", "ENOENT", "EROFS", "EBUSY", "ENOENT", "ENOENT", "ENOENT",
                              "EROFS", "EEXIST", "EISDIR", "EROFS"], output


def test_other_names(tmp):
    """A second name that a file had before the sandbox, and descriptors that were opened to read."""
    sandbox = supervised(tmp)
    for name in (".mcp.json", ".git/config"):
        os.makedirs(os.path.dirname(os.path.join(sandbox.workspace, name)), exist_ok=True)
        with open(os.path.join(sandbox.workspace, name), "w") as file:
            file.write("before")
    os.link(os.path.join(sandbox.workspace, ".mcp.json"), os.path.join(sandbox.workspace, "other"))
    own(sandbox)
    sandbox.run("""echo x > other; : > other; truncate -s 0 other; ln other third && echo x > third; exec 3<other; echo x > /proc/self/fd/3; echo x > /dev/fd/3
        exec 4<.mcp.json; echo x > /proc/self/fd/4; ln -L /proc/self/fd/4 fourth && echo x > fourth; ln .mcp.json fifth && echo x > fifth""")
    assert open(os.path.join(sandbox.workspace, ".mcp.json")).read() == "before"


def test_replaced(tmp):
    """What the person has replaced lies under no mount any more: then the supervisor alone keeps it, in every call there is."""
    sandbox = supervised(tmp, "--then", "true")
    for name in (".git/config", ".mcp.json", "HEAD", "free/file"):
        os.makedirs(os.path.dirname(os.path.join(sandbox.workspace, name)), exist_ok=True)
    names = (".git/config", ".mcp.json", "HEAD")

    def put(name):
        path = os.path.join(sandbox.workspace, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write("kept")
        os.rename(path + ".new", path)
    for name in names:
        put(name)
    own(sandbox)
    os.mkfifo(os.path.join(sandbox.workspace, "up"))
    os.mkfifo(os.path.join(sandbox.workspace, "go"))
    for name in ("up", "go"):
        os.chmod(os.path.join(sandbox.workspace, name), 0o666)
    process = sandbox.start("echo > up; read line < go; exec python3 attempts.py")
    with open(os.path.join(sandbox.workspace, "attempts.py"), "w", encoding="utf-8") as file:
        file.write(REPLACED)
    with open(os.path.join(sandbox.workspace, "up"), encoding="utf-8") as file:
        file.read()  # the sandbox stands, its mounts too
    for name in names:
        put(name)
    own(sandbox)
    with open(os.path.join(sandbox.workspace, "go"), "w", encoding="utf-8") as file:
        file.write("\n")
    output, errors = process.communicate(timeout=PATIENCE)
    assert "done" not in output and output.endswith("tried\n"), output + errors
    for name in names:
        assert open(os.path.join(sandbox.workspace, name), encoding="utf-8").read() == "kept", name


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
        "link by descriptor": lambda: os.link(f"/proc/self/fd/{there}", "free/third", follow_symlinks=True),
    }
    for attempt, act in attempts.items():
        try:
            act()
            print("done", name, attempt)
        except (OSError, ZeroDivisionError):
            pass
try:
    os.open(".vscode", os.O_TMPFILE | os.O_WRONLY)
    print("done nameless")
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
         ("unlink", 87, None, (b"w",)), ("rmdir", 84, None, (b"e",)), ("umask", 95, 166, (0o77,))]
# and of files that are there, by name and by descriptor 3
here, times = (-1, os.getgid()), bytes(32)
calls += [("fchmodat", 268, 53, (HERE, b"f", 0o600)), ("fchmod", 91, 52, (3, 0o640)), ("fchownat", 260, 54, (HERE, b"f", *here, 0)), ("fchown", 93, 55, (3, *here)),
          ("utimensat", 280, 88, (HERE, b"f", times, 0)), ("setxattr", 188, 5, (b"f", b"user.a", b"x", 1, 0)), ("lsetxattr", 189, 6, (b"f", b"user.b", b"x", 1, 0)),
          ("fsetxattr", 190, 7, (3, b"user.c", b"x", 1, 0)), ("removexattr", 197, 14, (b"f", b"user.a")), ("lremovexattr", 198, 15, (b"f", b"user.b")),
          ("fremovexattr", 199, 16, (3, b"user.c")), ("chmod", 90, None, (b"g", 0o600)), ("chown", 92, None, (b"g", *here)), ("lchown", 94, None, (b"u", *here)),
          ("utime", 132, None, (b"g", times)), ("utimes", 235, None, (b"g", times)), ("futimesat", 261, None, (HERE, b"g", times))]
for name, first, second, arguments in calls:
    number = first if platform.machine() == "x86_64" else second
    if name == "fchmod":
        os.dup2(os.open("f", os.O_RDWR), 3)
    if number is None or (platform.machine() != "x86_64" and name == "renameat"):
        continue
    result = libc.syscall(number, *arguments)
    # no attributes on this file system: the kernel was asked all the same
    print(name, "ok" if result >= 0 or ctypes.get_errno() == errno.ENOTSUP else errno.errorcode[ctypes.get_errno()])
print(sorted(os.listdir(".")))
"""


def test_calls_one_by_one(tmp):
    """Every call that is asked of the keeper does what it does without."""
    sandbox = supervised(tmp)
    output, errors = python(sandbox, "calls.py", ONE_BY_ONE)
    lines = output.splitlines()
    assert lines and all(line.endswith(" ok") for line in lines[:-1]), output + errors
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
    sandbox = supervised(tmp)
    place = os.path.join(sandbox.workspace, ".vscode")
    os.mkdir(place)
    top = os.open(".", os.O_RDONLY)
    try:
        os.chdir(place)
        for _ in range(24):
            os.mkdir("d" * 250)
            if ROOT:
                os.chown("d" * 250, 4242, 4242)
            os.chdir("d" * 250)
        for path in (sandbox.workspace, place):
            if ROOT:
                os.chown(path, 4242, 4242)
    finally:
        os.fchdir(top)
        os.close(top)
    output, errors = python(sandbox, "deep.py", DEEP)
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
os.mkfifo("pipe")
child = os.fork()
if child == 0:
    with open("pipe", "w") as pipe:
        pipe.write("through")
    os._exit(0)
print(open("pipe").read())
"""


def test_killed_while_waiting(tmp):
    """Who is killed while it waits for the other end of a FIFO gives its place to others: there are only so many."""
    output, errors = python(supervised(tmp), "waiters.py", WAITERS % 600)
    assert output == "through\n", output + errors


SWAPPED = """
import ctypes, os, signal
libc = ctypes.CDLL(None)
os.mkdir("free")
os.close(os.open("free/x", os.O_CREAT | os.O_WRONLY))
os.symlink("../.mcp.json", "free/y")
child = os.fork()
if child == 0:
    while True:
        libc.renameat2(-100, b"free/x", -100, b"free/y", 2)
for number in range(3000):
    try:
        file = os.open("free/x", os.O_WRONLY | (os.O_CREAT if number % 2 else 0))
        os.write(file, b"evil")
        os.close(file)
    except OSError:
        pass
os.kill(child, signal.SIGKILL)
print("tried")
"""


def test_names_that_become_links(tmp):
    """A name that is a file when it is judged, and a link to what is protected when it is opened."""
    sandbox = supervised(tmp)
    output, errors = python(sandbox, "swapped.py", SWAPPED)
    assert output == "tried\n" and not os.path.exists(os.path.join(sandbox.workspace, ".mcp.json")), output + errors

RACE = """
import ctypes, mmap, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
memory = mmap.mmap(-1, 4096)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
memory[:10] = b"aaaa.json\\0"
child = os.fork()
if child == 0:
    while True:
        memory[:10] = b".mcp.json\\0"
        memory[:10] = b"aaaa.json\\0"
for _ in range(4000):
    fd = libc.open(ctypes.c_void_p(address), os.O_CREAT | os.O_WRONLY, 0o644)
    if fd >= 0:
        os.close(fd)
    libc.mkdir(ctypes.c_void_p(address), 0o755)
os.kill(child, signal.SIGKILL)
print(sorted(name for name in os.listdir(".") if name.endswith(".json")))
"""


def test_memory_that_changes(tmp):
    """What is judged is what is done, also if the path is rewritten meanwhile by another process."""
    output, errors = python(supervised(tmp), "race.py", RACE)
    # a path that was read while it changed may be a mixture, which is judged and done as well
    assert "'aaaa.json'" in output and "'.mcp.json'" not in output, output + errors


def test_links_that_change(tmp):
    """The same with a link on the way that leads now here, now there."""
    sandbox = supervised(tmp)
    output, errors = sandbox.run("""
        mkdir .git free; ln -s .git a; ln -s free b
        python3 -c 'if True:
            import ctypes
            libc = ctypes.CDLL(None)
            while True: libc.renameat2(-100, b"a", -100, b"b", 2)' &
        for i in 1 2 3 4 5 6 7 8; do for j in $(seq 60); do echo x > a/config; rm -f a/config; done; done 2>/dev/null
        kill $!; ls -A .git; echo ran""")
    assert output == "ran\n", output + errors


def test_own_doors(tmp):
    """The keeper's directory in /proc stays closed, on every way to it."""
    sandbox = supervised(tmp)
    output, errors = python(sandbox, "doors.py", """
import errno, os
directory = os.open("/proc/1", os.O_RDONLY)
path = os.open("/proc/1", os.O_PATH)
def answer(name, function, *arguments, **more):
    try:
        function(*arguments, **more)
        print(name, "OPEN")
    except OSError as error:
        print(name, errno.errorcode[error.errno])
for number in range(12):
    answer("path", os.open, f"/proc/1/fd/{number}", os.O_RDWR | os.O_CREAT)
    answer("task", os.open, f"/proc/1/task/1/fd/{number}", os.O_WRONLY)
    answer("directory", os.open, f"fd/{number}", os.O_WRONLY, dir_fd=directory)
    answer("path of it", os.open, f"../1/fd/{number}", os.O_WRONLY, dir_fd=path)
os.chdir("/proc/1")
answer("here", os.open, "fd/3", os.O_WRONLY)
answer("memory", os.open, "mem", os.O_RDWR)
answer("link", os.link, "exe", os.environ["PWD"] + "/exe", follow_symlinks=True)
answer("cwd", os.mkdir, "cwd/new")
answer("root", os.mkdir, "root/tmp/new")
os.chdir("/tmp")
os.symlink("/proc/1/root/tmp", "through")
answer("through", os.mkdir, "through/new")
answer("others", os.open, f"/proc/{os.getppid()}/mem", os.O_RDWR)
""")
    assert len(output.splitlines()) == 12 * 4 + 7, output + errors
    assert {line.split()[-1] for line in output.splitlines()} <= {"EACCES", "EPERM", "ENOENT"}, output


def test_modes(tmp):
    """The umask is the caller's, in its process and its children, and the next command's is the usual one."""
    sandbox = supervised(tmp, "--then", "mkdir after; : > afterwards; stat -c %a after afterwards")
    output, errors = sandbox.run("""mkdir a; umask 077; mkdir b; (umask 0; mkdir c; : > d; mkfifo -m 640 e); : > f; sh -c 'mkdir g'
        stat -c %a a b c d e f g; python3 -c 'import os; os.umask(0o27); os.close(os.open("h", os.O_CREAT, 0o666)); print(oct(os.stat("h").st_mode))'""")
    assert output.split() == ["755", "700", "777", "666", "640", "600", "700", "0o100640", "755", "644"], output + errors


def test_waiting(tmp):
    """What must wait keeps nobody else waiting: FIFOs without another end, and leases."""
    output, errors = python(supervised(tmp), "wait.py", """
import fcntl, os, signal, threading
os.mkfifo("f")
def write():
    with open("f", "w") as fifo:
        fifo.write("through")
writer = threading.Thread(target=write)
writer.start()
os.mkdir("meanwhile")
print(*sorted(os.listdir(".")))
with open("f") as fifo: print(fifo.read())
writer.join(20)
print("stuck" if writer.is_alive() else "ended")
try:
    os.open("f", os.O_WRONLY | os.O_NONBLOCK)
except OSError as error:
    print(error.errno)
held = os.open("held", os.O_CREAT | os.O_RDONLY)
signal.signal(signal.SIGIO, lambda *_: (os.mkdir("asked"), fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_UNLCK)))
fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_RDLCK)
child = os.fork()
if child == 0:
    with open("held", "w") as file: file.write("x")
    os._exit(0)
print(os.waitpid(child, 0)[1], os.path.isdir("asked"), os.path.getsize("held"))
""")
    lines = output.splitlines()
    assert lines == ["f meanwhile wait.py", "through", "ended", "6", "0 True 1"], output + errors


def test_storm(tmp):
    """Callers that never stop asking, that are killed while they ask, and the end of a command that did nothing else."""
    sandbox = supervised(tmp, "--then", "mkdir after && rmdir after && echo after")
    output, errors = sandbox.run("""
        for i in 1 2 3 4 5 6; do (while :; do mkdir s$i; rmdir s$i; : > t$i; done) & (while :; do : > .mcp.json; done 2>/dev/null) & done
        for i in $(seq 40); do (exec python3 -c 'import os
while True: os.mkdir("k"); os.rmdir("k")' 2>/dev/null) & pid=$!; : > u; kill -9 $pid; done
        mkdir mine && echo mine""")
    assert output == "mine\nafter\n", output + errors
    assert 0 < errors.count("denied write") <= 300, errors.count("denied write")


def test_files_that_are_full(tmp):
    """A caller without room for a descriptor is told so."""
    output, errors = python(supervised(tmp), "full.py", """
import errno, os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
open_files = []
try:
    while True: open_files.append(os.open("x", os.O_CREAT | os.O_WRONLY))
except OSError as error:
    print(errno.errorcode[error.errno], open_files == list(range(3, 20)))
os.close(7)
print(os.open("x", os.O_CREAT | os.O_WRONLY))
""")
    assert output.split() == ["EMFILE", "True", "7"], output + errors


LISTENER = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": (317, 0xc000003e), "aarch64": (277, 0xc00000b7)}[os.uname().machine][0]
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 4095), (0x06, 0, 0, 0x7fc00000), (0x06, 0, 0, 0x7fff0000)]
bytes_ = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
program = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(bytes_))
libc.prctl(38, 1, 0, 0, 0)
listener = libc.syscall(number, 1, 8, program)
assert listener >= 0, ctypes.get_errno()
os.set_inheritable(listener, True)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_somebody_listens_already(tmp):
    """The kernel permits one listener: confined by somebody who has it, a sandbox is refused, and says why."""
    sandbox = supervised(tmp)
    answer = subprocess.run(["python3", "-c", LISTENER, *sandbox.command, "-c", "echo ran"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=PATIENCE, check=False)
    assert "layer=supervisor" in answer.stderr and "errno=EBUSY" in answer.stderr and "listen" in answer.stderr, answer.stderr
    assert answer.stdout == ""
