# SPDX-License-Identifier: Apache-2.0
"""Commands with a terminal, driven through the pipes that every command has, and what a nanny says they wait for.

Each runs in `full`, where the terminal is of a devpts of the sandbox's own, and in `container`, where it is the machine's.
"""

import contextlib
import functools
import hashlib
import os
import re
import select
import signal
import subprocess
import time

from harness import BUILD, PATIENCE, ROOT, Sandbox, children

KILL, ASK, SIGNAL = 2, 3, 4  # sandbox/keeper/wire.h
NOTHING, TERMINAL, PIPE = 0, 1, 2
PROFILES = {"full": ([], "1"), "container": ([os.path.join(BUILD, "without"), "namespaces:1", "--"], "2")}


def everywhere(test):
    """Runs a test once in each profile; each gets a directory of its own."""

    @functools.wraps(test)
    def run(tmp):
        os.chmod(tmp, 0o755)
        for profile in PROFILES:
            place = os.path.join(tmp, profile)
            os.mkdir(place)
            try:
                test(functools.partial(Session, place, profile))
            except Exception as error:
                raise AssertionError(f"{profile}: {type(error).__name__}: {error}") from error

    return run


class Session:
    """One command, its input and output, and orders to its nanny."""

    def __init__(self, tmp, profile, line, *options, tty="24x80"):
        wrapper, number = PROFILES[profile]
        # root's commands act as somebody else, which `container` insists on
        sandbox = Sandbox(tmp, "--require-profile", number, *(["--tty", tty] if tty else []), owner=1000 if ROOT else None)
        reading, self.orders = os.pipe()
        self.seen, self.told = b"", b""
        self.process = subprocess.Popen([*wrapper, *sandbox.command, "--orders", str(reading), *options, "-c", line], pass_fds=[reading],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        os.close(reading)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        os.close(self.orders)
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()

    def type(self, text):
        self.process.stdin.write(text.encode())

    def close(self):
        self.process.stdin.close()
        self.process.stdin = None  # or communicate() would close it again

    def order(self, number, value=0):
        os.write(self.orders, f"{number} {value}\n".encode())

    def hear(self, pattern, stream="stdout"):
        """Waits until the output (or what sandbox-run says on stderr) matches, and forgets it up to there."""
        name = "seen" if stream == "stdout" else "told"
        pipe = getattr(self.process, stream)
        deadline = time.monotonic() + PATIENCE
        while True:
            match = re.search(pattern.encode(), getattr(self, name), re.S)
            if match:
                setattr(self, name, getattr(self, name)[match.end():])
                return match
            assert select.select([pipe], [], [], max(0, deadline - time.monotonic()))[0], \
                f"{pattern!r} did not come: {self.seen[-400:]} {self.told[-400:]}"
            piece = os.read(pipe.fileno(), 65536)
            assert piece, f"ended before {pattern!r}: {self.seen[-400:]} {self.told[-400:]} {self.process.stderr.read()}"
            setattr(self, name, getattr(self, name) + piece)

    def ask(self):
        self.order(ASK)
        match = self.hear(r"state waits=(\d) cpu_us=(\d+) memory=(\d+) processes=(\d+)\n", "stderr")
        return [int(group) for group in match.groups()]

    def ask_until(self, waits):
        """The kernel lets a process show what it does before it sleeps: asked again until it does."""
        deadline = time.monotonic() + PATIENCE
        while self.ask()[0] != waits:
            assert time.monotonic() < deadline, f"never said to wait for {waits}: {self.seen[-400:]}"

    def end(self):
        """(what else it wrote, the outcome line)"""
        output, errors = self.process.communicate(timeout=PATIENCE)
        self.process.stdin = None
        return self.seen + output, (self.told + errors).decode()


@everywhere
def test_terminal(session):
    """It is the command's controlling one, of the size that was asked for, and neither sees another's nor types into any."""
    with session("""tty; stty size; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all; ps -o tty= -p $$; echo tty > /dev/tty; echo again > /dev/stdout
python3 - <<'P'
import fcntl, os
for name, call in (("TIOCSTI", 0x5412), ("high half", 0x5412 | 1 << 32), ("TIOCLINUX", 0x541c), ("TIOCSETD", 0x5423)):
    try: print(name, fcntl.ioctl(1, call if call < 1 << 32 else -(1 << 32) + 0x5412, b"x"))
    except (OSError, OverflowError, ValueError) as error: print(name, "refused", getattr(error, "errno", None))
P""", tty="17x131") as one:
        one.close()
        output, outcome = one.end()
        lines = output.decode().split("\r\n")
        assert "exit=0" in outcome, (output, outcome)
        assert lines[0].startswith("/dev/pts/") and lines[1:3] == ["17 131", "all"] and lines[4:6] == ["tty", "again"], lines
        assert "TIOCSTI refused 1" in lines and "TIOCLINUX refused 1" in lines and "TIOCSETD refused 1" in lines, lines


def test_terminals_of_others(tmp):
    """Where there is no devpts of its own: a terminal of the machine's, of the same person, is nobody's in a sandbox."""
    os.chmod(tmp, 0o755)
    master, slave = os.openpty()
    name = os.ttyname(slave)
    if ROOT:
        os.chown(name, 1000, 1000)
    line = f"echo typed > {name}; (exec 3<> {name}); (exec 3< {name}); (exec 3<>/dev/ptmx); (exec 3<>/proc/{os.getpid()}/fd/{slave}); echo done"
    with Session(tmp, "container", line) as one:
        one.close()
        output, _ = one.end()
    assert output.count(b"Permission denied") == 5 and b"done" in output, output
    assert not select.select([master], [], [], 0)[0], "something was written to somebody's terminal"
    subprocess.run(["sh", "-c", f"echo typed > {name}"], check=True)  # without a sandbox it can be
    assert select.select([master], [], [], PATIENCE)[0], "nor outside: the check proves nothing"
    os.close(master)
    os.close(slave)


@everywhere
def test_python(session):
    with session("exec python3 -q") as one:
        one.hear(">>> ")
        one.ask_until(TERMINAL)
        one.type("print(6 * 7)\n")
        one.hear(r"\n42\r\n.*>>> ")
        one.type("input('name? ')\n")
        one.hear(r"\r\n(\x1b[^a-z]*.)*name\? ")
        one.ask_until(TERMINAL)
        one.type("me\n")
        one.hear("'me'\r\n.*>>> ")
        one.type("print('bu' + 'sy') or any(None for _ in iter(int, 1))\n")
        one.hear(r"\nbusy\r\n")
        one.ask_until(NOTHING)
        one.type("\x03")  # ctrl-c
        one.hear("KeyboardInterrupt.*>>> ")
        one.type("import os; os._exit(5)\n")
        assert "exit=5" in one.end()[1]
    with session("exec python3 -q") as one:
        one.hear(">>> ")
        one.ask_until(TERMINAL)
        one.close()  # ctrl-d
        assert "exit=0" in one.end()[1]


@everywhere
def test_foreground(session):
    """A shell with jobs: the terminal signals the foreground by a character, we by KEEPER_SIGNAL."""
    with session("PS1='ready> ' exec bash --norc --noprofile -i") as one:
        one.hear("ready> ")
        for stop in (lambda: one.type("\x03"), lambda: one.order(SIGNAL, signal.SIGTERM), lambda: one.order(SIGNAL, signal.SIGKILL)):
            one.type("sh -c 'echo begun; exec sleep 1000'\n")
            one.hear("begun\r\n")
            stop()
            one.hear("ready> ")
        one.ask_until(TERMINAL)
        one.type("exit 3\n")
        assert "exit=3" in one.end()[1]


@everywhere
def test_signal_without_a_terminal(session):
    with session("trap 'echo heard; exit 4' TERM; echo begun; while :; do sleep 1000 & wait; done", tty=None) as one:
        one.hear("begun\n")
        one.order(SIGNAL, 0)
        one.order(SIGNAL, 1000)  # no such signal, and nothing happens
        one.order(SIGNAL, signal.SIGTERM)
        one.hear("heard")
        assert "exit=4" in one.end()[1]


@everywhere
def test_other_orders(session):
    """Whatever is no known order kills."""
    for tty in ("24x80", None):
        with session("echo begun; sleep 1000", tty=tty) as one:
            one.hear("begun")
            one.order(5)
            one.hear("signal=9", "stderr")


@everywhere
def test_password(session):
    """Asked for at /dev/tty, with no echo; the second one is what every program that asks does."""
    for line in ("read -s -p 'word: ' word; echo; echo \"<$word>\"",
                 "python3 -c \"import getpass; print('<' + getpass.getpass('word: ') + '>')\" < /dev/null 2> /dev/null"):
        with session(line) as one:
            one.hear("word: ")
            one.ask_until(TERMINAL)
            one.type("secret\n")
            output = one.hear("^(.*)<secret>\r\n")[1]
            assert b"secret" not in output, output
            one.close()
            assert "exit=0" in one.end()[1]


@everywhere
def test_key(session):
    """Prompts of a real program, which asks twice, and once more to read what it has written. (Not ssh-keygen: without a view that wants
    an entry for us in the machine's passwd.)"""
    with session("openssl genpkey -algorithm ed25519 -aes256 -out key && openssl pkey -in key -pubout") as one:
        for question in ("Enter PEM pass phrase:", "Verifying.*?:", "Enter pass phrase for key:"):
            one.hear(question)
            one.ask_until(TERMINAL)
            one.type("phrase\n")
        one.hear("BEGIN PUBLIC KEY")
        assert "exit=0" in one.end()[1]


@everywhere
def test_end_of_input(session):
    """Once at the beginning of a line, and within one so that the reader sees both its text and the end."""
    for text, expected in (("", b"[]"), ("one\ntwo\n", b"[one\ntwo]"), ("one\ntwo", b"[one\ntwo]")):
        with session("stty -echo -onlcr; echo begun; text=$(cat); echo \"[$text]\"") as one:
            one.hear("begun\n")
            one.type(text)
            one.close()
            output, outcome = one.end()
            assert expected in output and "exit=0" in outcome, (output, outcome)


@everywhere
def test_kept_terminal(session):
    """Who keeps the terminal after the command's end is killed like any other, and what it wrote is there."""
    with session("trap '' HUP; (trap '' HUP; setsid sleep 1000 &); (trap '' HUP; echo late; sleep 1000) & sleep 0.05; echo first") as one:
        one.hear("first")
        output, outcome = one.end()
        assert "exit=0" in outcome and int(re.search(r"leftovers=(\d+)", outcome)[1]) >= 2, (output, outcome)


@everywhere
def test_much_output(session):
    """Nothing is lost of 10 MB, at the end neither, and who does not read makes the command wait."""
    size = 10 << 20
    with session(f"stty raw -echo; echo begun; head -c {size} /dev/zero | openssl enc -aes-128-ctr -pass pass:x -nosalt 2>/dev/null | "
                 "tee >(sha256sum > sum)") as one:
        one.hear("begun\n")
        before = -1  # with a full pipe nothing can go on
        while (used := one.ask()[1]) != before:
            before = used
            select.select([], [], [], 0.3)
        output, outcome = one.end()
        assert "exit=0" in outcome and len(output) == size, (len(output), outcome)
        assert outcome.count("ended") == 1
    with session("echo begun; cat", tty="24x80") as one:
        one.hear("begun\r\n")
        one.type("stop\n")
        one.hear("stop\r\nstop\r\n")
        one.close()
        assert "exit=0" in one.end()[1]


def processor_time(session, name):
    """In seconds, of our processes of that name below this command."""
    fields = [open(f"/proc/{pid}/stat", encoding="utf-8").read().rpartition(")")[2].split() for pid in children(session.process.pid)[name]]
    return sum(int(field[11]) + int(field[12]) for field in fields) / os.sysconf("SC_CLK_TCK")


@everywhere
def test_unread(session):
    """Neither input that the command does not read nor output that we do not read keeps the nanny busy."""
    with session("stty raw -echo; echo begun; yes") as one:
        one.hear("begun\n")
        os.set_blocking(one.process.stdin.fileno(), False)
        with contextlib.suppress(BlockingIOError, TypeError):
            while select.select([], [one.process.stdin], [], 0.3)[1]:
                one.type("x" * 4096)
        before = processor_time(one, "sallyport-nanny")
        assert not select.select([], [one.process.stdin], [], 1)[1], "it has taken more than it holds"
        assert processor_time(one, "sallyport-nanny") - before < 0.2
        one.order(KILL)
        one.hear("signal=9", "stderr")


@everywhere
def test_much_input(session):
    """1 MB typed at a program that takes its time, byte for byte."""
    text = "".join(f"line {number} of many\n" for number in range(50000))
    with session("stty raw -echo; echo begun; sleep 0.2; head -c %d | sha256sum" % len(text)) as one:
        one.hear("begun\n")
        one.type(text)
        one.hear(hashlib.sha256(text.encode()).hexdigest())


@everywhere
def test_killed_nanny(session):
    """Its terminal goes with it, and so does all that had it."""
    with session("trap '' HUP; setsid sleep 1000 & echo here; sleep 1000") as one:
        one.hear("here")
        for pid in children(one.process.pid).get("sallyport-nanny", []):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        one.hear("lost", "stderr")


@everywhere
def test_closed_output(session):
    """Who stops reading has hung up."""
    with session("trap 'kill -KILL $$' HUP; echo here; while :; do sleep 1000 & wait; done") as one:
        one.hear("here")
        one.process.stdout.close()
        one.hear("signal=9", "stderr")


@everywhere
def test_killed_with_unread_output(session):
    """A kill is not held up by a pipe that nobody reads."""
    with session("yes") as one:
        one.hear("y\r\n")
        one.order(KILL)
        one.hear("signal=9", "stderr")


WAITS = {
    "read": ("head -c 1 >/dev/null", True),
    "poll": ("python3 -c 'import select; p = select.poll(); p.register(0, 1); p.poll()'", True),
    "select": ("python3 -c 'import select; select.select([0], [], [])'", True),
    "epoll": ("python3 -c 'import select; e = select.epoll(); e.register(0, 1); e.poll()'", True),
    "thread": ("python3 -c 'import threading; threading.Thread(target=input).start(); threading.Event().wait()'", True),
    "node": ("node -e 'process.stdin.on(\"data\", () => {})'", True),
    "grandchild": ("sh -c 'sh -c \"read x; :\"; :' ; :", True),
    "sleep": ("sleep 1000", False),
    "another pipe": ("mkfifo fifo; exec 3<>fifo; read x <&3", False),
    "write only": ("python3 -c 'import select; p = select.poll(); p.register(0, 0); p.poll()'", False),
    "busy": ("while :; do :; done", False),
}


@everywhere
def test_waits(session):
    for tty, waits in (("24x80", TERMINAL), (None, PIPE)):
        for name, (line, expected) in WAITS.items():
            with session(f"echo begun; {line}", tty=tty) as one:
                one.hear("begun")
                if expected:
                    one.ask_until(waits)
                else:
                    # long enough for any of them to have come to where it stays
                    answers = [one.ask() for _ in range(300)]
                    assert {answer[0] for answer in answers} == {NOTHING}, f"{name}: {answers[-3:]}"
                one.order(KILL)
                one.hear("signal=9", "stderr")


NUMBERS = {
    "x86_64": {"read": 0, "poll": 7, "readv": 19, "select": 23, "epoll_wait": 232, "pselect6": 270, "ppoll": 271, "splice": 275, "epoll_pwait": 281,
               "epoll_pwait2": 441},
    "aarch64": {"epoll_pwait": 22, "read": 63, "readv": 65, "pselect6": 72, "ppoll": 73, "splice": 76, "epoll_pwait2": 441},
}[os.uname().machine]
CALLER = """import ctypes, os, select, struct, sys
number, name = int(sys.argv[1]), sys.argv[2]
room = ctypes.create_string_buffer(4096)
polled, reading = ctypes.create_string_buffer(struct.pack("ihh", 0, select.POLLIN, 0)), ctypes.create_string_buffer(b"\\1" + bytes(127))
vector = ctypes.create_string_buffer(struct.pack("PN", ctypes.addressof(room), 1))
epoll = select.epoll(); epoll.register(0, select.EPOLLIN); last = os.pipe()[1]
arguments = {"read": (0, room, 1), "readv": (0, vector, 1), "splice": (0, None, last, None, 1, 0), "poll": (polled, 1, -1), "ppoll": (polled, 1, None, None, 8),
             "select": (1, reading, None, None, None), "pselect6": (1, reading, None, None, None, None), "epoll_wait": (epoll.fileno(), room, 1, -1),
             "epoll_pwait": (epoll.fileno(), room, 1, -1, None, 8), "epoll_pwait2": (epoll.fileno(), room, 1, None, None, 8)}[name]
print("calling", flush=True)
ctypes.CDLL(None).syscall(ctypes.c_long(number), *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
print("done", flush=True)
"""


@everywhere
def test_calls_that_wait(session):
    for name, number in NUMBERS.items():
        with session(f"exec python3 -c '{CALLER}' {number} {name}") as one:
            one.hear("calling")
            one.ask_until(TERMINAL)
            one.type("\n")
            one.hear("done")


@everywhere
def test_what_is_used(session):
    """Processor time also of those that are gone, memory and number of those that are there."""
    with session("python3 -c 'import time; n = time.process_time()\nwhile time.process_time() - n < 0.3: pass'; echo begun; sleep 1000 & "
                 "exec python3 -c 'x = bytearray(50 << 20); x[::4096] = b\"x\" * len(x[::4096]); print(\"full\", flush=True); input()'", tty=None) as one:
        one.hear("full")
        one.ask_until(PIPE)
        _, cpu, memory, processes = one.ask()
        assert 250000 <= cpu < 60000000 and 50 << 20 <= memory < 1 << 30 and processes == 2, (cpu, memory, processes)
        one.type("go on\n")
        assert "exit=0" in one.end()[1]
