# SPDX-License-Identifier: Apache-2.0
"""What the keeper judges and performs for commands (sandbox/notify/): the same as the kernel would, but for protected paths."""

import os
import shutil
import subprocess
import sys

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
child = os.fork()
if child == 0:
    while True: pass
answer("child", os.open, f"/proc/{child}/mem", os.O_RDWR)
os.kill(child, 9)
""")
    assert len(output.splitlines()) == 12 * 4 + 8, output + errors
    assert {line.split()[-1] for line in output.splitlines()} <= {"EACCES", "EPERM", "ENOENT"}, output


def test_memory_of_another(tmp):
    """Where reading is asked too: the keeper, above all processes, may read what some kernels let nobody beside it read."""
    sandbox = supervised(tmp, "--hide", "/etc/passwd")
    output, errors = python(sandbox, "memory.py", """
import os
child = os.fork()
while child == 0: pass
for process in (os.getpid(), child):
    try:
        os.close(os.open(f"/proc/{process}/mem", os.O_RDONLY))
        print("open")
    except PermissionError:
        print("closed")
os.kill(child, 9)
""")
    assert output.split() == ["open", "closed"], output + errors


def test_modes(tmp):
    """The umask is the caller's, in its process and its children, and the next command's is the usual one."""
    sandbox = supervised(tmp, "--then", "mkdir after; : > afterwards; stat -c %a after afterwards")
    output, errors = sandbox.run("""mkdir a; umask 077; mkdir b; (umask 0; mkdir c; : > d; mkfifo -m 640 e); : > f; sh -c 'mkdir g'
        stat -c %a a b c d e f g; python3 -c 'import os; os.umask(0o27); os.close(os.open("h", os.O_CREAT, 0o666)); print(oct(os.stat("h").st_mode))'""")
    assert output.split() == ["755", "700", "777", "666", "640", "600", "700", "0o100640", "755", "644"], output + errors


# Somebody outside, since commands have no leases, who gives way when asked.
LEASE = """
import fcntl, os, signal, sys
held = os.open(sys.argv[1], os.O_RDONLY)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_RDLCK)
print("held", flush=True)
signal.sigwait([signal.SIGIO])
fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_UNLCK)
print("asked", flush=True)
"""


def test_waiting(tmp):
    """What must wait keeps nobody else waiting: FIFOs without another end, and leases."""
    sandbox = supervised(tmp)
    lease = os.path.join(sandbox.workspace, "held")
    with open(lease, "w"):
        pass
    os.chmod(lease, 0o666)
    holder = subprocess.Popen([sys.executable, "-c", LEASE, lease], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    try:
        output, errors = python(sandbox, "wait.py", """
import os, threading
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
with open("held", "w") as file: file.write("x")
print(os.path.getsize("held"))
""")
        lines = output.splitlines()
        assert lines == ["f held meanwhile wait.py", "through", "ended", "6", "1"], output + errors
        assert holder.communicate(timeout=20)[0] == "asked\n"
    finally:
        holder.kill()
        holder.wait()


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
