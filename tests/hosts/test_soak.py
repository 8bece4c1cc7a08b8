# SPDX-License-Identifier: Apache-2.0
"""Much of everything at once, and afterwards the server is as it was: descriptors, processes, memory, files, mounts, groups.

Short commands and long ones share one server; reads, input, stops and cancels come in between, and whole servers are dropped in
mid-air. What each script does and when a call is cancelled follows from SEED; only the order of answers is the machine's.

In the suite it is 100 short commands and 6 long ones. The whole soak, some minutes, prints what it found:
    SALLYPORT_SOAK=20000,200 SALLYPORT_BUILD=$PWD/build SALLYPORT_SCHEMAS=$PWD/build/schema \\
        build/python/bin/python -m pytest -s tests/hosts/test_soak.py
"""

import collections
import os
import random
import signal
import time

import pytest
from client import PATIENCE, Watch, text_of
from conftest import SANITIZED
from holdings import settle, status_of

SHORT, LONG = (int(number) for number in os.environ.get("SALLYPORT_SOAK", "100,6").split(","))
SEED = 5
SHORT_AT_ONCE, LONG_AT_ONCE = 24, 12  # with what is cancelled more than the 64 that run at once, and never 64 handles in use
EVERY_DROP = 50                      # scripts from one dropped server to the next

Ask = collections.namedtuple("Ask", "tool arguments fate")
ANSWERED, CANCELLED, OVERTAKEN = "answered", "cancelled", "overtaken"  # the last: its answer may be on its way already


def ask(tool, fate=ANSWERED, **arguments):
    return Ask(tool, arguments, fate)


# ---- scripts: each yields what it asks and is sent the result; of a cancelled call None ----

def facts_of(result):
    assert not result.get("isError"), result
    return result["structuredContent"]


def short_answer(n, dice):
    facts = facts_of((yield ask("run_command", command=f"echo {n}; echo e{n} >&2; exit {n % 7}")))
    assert (facts["status"], facts["exit_code"], facts["stdout"], facts["stderr"]) == ("exited", n % 7, f"{n}\n", f"e{n}\n"), facts


def short_program(n, dice):
    facts = facts_of((yield ask("run_command", argv=["cat"], stdin=f"{n}" * dice.randrange(1, 2000))))
    assert facts["exit_code"] == 0 and facts["stdout"].startswith(f"{n}"), facts


def short_signal(n, dice):
    facts = facts_of((yield ask("run_command", command="kill -9 $$")))
    assert facts["signal"] == "SIGKILL", facts


def short_leaves_processes(n, dice):
    facts = facts_of((yield ask("run_command", command="(setsid sleep 300 &); trap '' HUP TERM; sleep 300 & echo left")))
    assert facts["stdout"] == "left\n", facts


def short_timeout(n, dice):
    facts = facts_of((yield ask("run_command", command="setsid sleep 300 & sleep 300", timeout_ms=dice.randrange(1, 60))))
    assert facts["status"] == "timed_out", facts


def short_pages(n, dice):
    """Its answer is cut, and the rest is read by its handle."""
    facts = facts_of((yield ask("run_command", command=f"seq {n} {n + 3000}", max_bytes=100)))
    whole, text = "".join(f"{i}\n" for i in range(n, n + 3001)), ""
    while len(text) < len(whole):
        page = facts_of((yield ask("read_output", id=facts["id"], since=len(text), max_bytes=6000)))
        text += page["stdout"]
        assert page["next"] == len(text), page
    assert text == whole


def short_background(n, dice):
    facts = facts_of((yield ask("run_command", command=f"echo {n}; sleep 0.15; echo {n}", wait_ms=0)))
    text = facts["stdout"]
    while facts["status"] == "running":
        facts = facts_of((yield ask("read_output", id=facts["id"])))
        text += facts["stdout"]
    assert text == f"{n}\n{n}\n", (text, facts)


def short_cancelled(n, dice):
    yield ask("run_command", CANCELLED, command="trap '' TERM; setsid sleep 300 & sleep 300")


def short_overtaken(n, dice):
    yield ask("run_command", OVERTAKEN, argv=["true"])


def short_mistake(n, dice):
    result = yield ask(dice.choice(["read_output", "stop_command"]), id=f"{n:032x}")
    assert result["isError"] and "no command of yours" in text_of(result)


def short_missing(n, dice):
    result = yield ask("run_command", argv=[f"/nowhere/{n}"])
    assert f"/nowhere/{n}" in text_of(result)


def begin(line, **more):
    """Begins it in the background; its handle."""
    facts = facts_of((yield ask("run_command", command=line, wait_ms=0, **more)))
    assert facts["status"] == "running", facts
    return facts["id"]


def long_conversation(n, dice):
    """Input and output in turns; it ends by the end of its input, or is stopped."""
    handle = yield from begin("while read -r line; do echo \"<$line>\"; done; exit 6", stdin="")
    text, expected = "", ""
    for turn in range(dice.randrange(2, 8)):
        said = facts_of((yield ask("write_input", id=handle, text=f"{n}.{turn}\n", wait_ms=dice.choice([0, 20, 1000]))))
        text, expected = text + said["stdout"], expected + f"<{n}.{turn}>\n"
        if dice.random() < 0.3:
            yield ask("read_output", OVERTAKEN, id=handle, since=len(text), wait_ms=1000)
            # nobody knows how far that call has read
            while len(text) < len(expected):
                text += facts_of((yield ask("read_output", id=handle, since=len(text))))["stdout"]
    while len(text) < len(expected):
        text += facts_of((yield ask("read_output", id=handle, since=len(text))))["stdout"]
    assert text == expected
    if dice.random() < 0.5:
        facts = facts_of((yield ask("stop_command", id=handle)))
        assert facts["signal"] == "SIGTERM", facts
    else:
        facts = facts_of((yield ask("write_input", id=handle, close=True)))
        while facts["status"] == "running":
            facts = facts_of((yield ask("read_output", id=handle)))
        assert facts["exit_code"] == 6, facts


def long_terminal(n, dice):
    handle = yield from begin("while read -r -p '? ' line; do echo \"<$line>\"; done; exit 7", tty=True)
    text = ""
    for turn in range(dice.randrange(1, 5)):
        said = facts_of((yield ask("write_input", id=handle, text=f"{n}.{turn}\n")))
        text += said["stdout"]
        while f"<{n}.{turn}>" not in text:
            text += facts_of((yield ask("read_output", id=handle)))["stdout"]
    how = dice.randrange(3)
    if how == 0:
        facts = facts_of((yield ask("stop_command", id=handle, signal="HUP")))
        assert facts["status"] == "signaled", facts
        return
    facts = facts_of((yield ask("write_input", id=handle, text="\x04" if how == 1 else "\x03")))
    while facts["status"] == "running":
        facts = facts_of((yield ask("read_output", id=handle)))
    assert facts["status"] == ("exited" if how == 1 else "signaled") or facts["exit_code"] == 130, facts


def long_output(n, dice):
    """More than memory keeps, read while it comes: nothing is missing and nothing twice."""
    last = n + dice.randrange(20000, 300000)
    facts = facts_of((yield ask("run_command", command=f"seq {n} {last}; exit 8", wait_ms=0, max_bytes=1000)))
    handle, size, hashed, expected = facts["id"], 0, 0, sum(map(len, map(str, range(n, last + 1)))) + last + 1 - n
    tail = ""
    while size < expected or facts["status"] == "running":
        facts = facts_of((yield ask("read_output", id=handle, since=size, max_bytes=dice.randrange(20000, 400000))))
        assert "lost_bytes" not in facts and facts["next"] == size + len(facts["stdout"]), (size, {**facts, "stdout": len(facts["stdout"])})
        size, hashed, tail = facts["next"], hashed + facts["stdout"].count("\n"), (tail + facts["stdout"])[-20:]
        if dice.random() < 0.2:
            yield ask("read_output", OVERTAKEN, id=handle, since=dice.randrange(size + 1))
    assert (size, hashed, facts["exit_code"]) == (expected, last + 1 - n, 8) and tail.endswith(f"\n{last}\n"), (size, expected, tail)


def long_flood(n, dice):
    """It never stops by itself, and is read from places all over."""
    handle = yield from begin(f"yes {n} | head -c 30M; sleep 300")  # `yes` all the way would be a test of the machine
    total = 0
    for _ in range(dice.randrange(2, 6)):
        facts = facts_of((yield ask("read_output", id=handle, since=dice.randrange(total + 1), max_bytes=5000)))
        first, *lines, last = facts["stdout"].split("\n")
        assert f"{n}".endswith(first) and f"{n}".startswith(last) and set(lines) <= {f"{n}"}, facts["stdout"][:100]
        total = facts["next"]
        yield ask("read_output", OVERTAKEN, id=handle)
    assert facts_of((yield ask("stop_command", id=handle)))["signal"] == "SIGTERM"


def long_stubborn(n, dice):
    """Deaf to everything, and with more of its kind."""
    handle = yield from begin("trap '' TERM HUP INT; (setsid sleep 300 &); sleep 300 & sleep 300; sleep 300")
    if dice.random() < 0.5:  # a second order does not wait for the first
        yield ask("stop_command", OVERTAKEN, id=handle)
    assert facts_of((yield ask("stop_command", id=handle, signal=dice.choice(["TERM", "KILL", "INT"]))))["signal"] == "SIGKILL"


def long_waits(n, dice):
    """A quiet one: long polls that are cancelled, or taken over by the next."""
    facts = facts_of((yield ask("run_command", command="sleep 300", wait_ms=dice.randrange(100, 400))))
    handle = facts["id"]
    for _ in range(dice.randrange(1, 4)):
        yield ask("read_output", CANCELLED, id=handle)
        listed = facts_of((yield ask("list_commands")))["commands"]
        assert handle in [one["id"] for one in listed if one["state"] == "running"]
        assert facts_of((yield ask("read_output", id=handle, wait_ms=dice.randrange(200))))["stdout"] == ""
    assert facts_of((yield ask("stop_command", id=handle)))["signal"] == "SIGTERM"


def long_timeout(n, dice):
    handle = yield from begin(f"echo {n}; (setsid sleep 300 &); sleep 300", timeout_ms=dice.randrange(300, 1500))
    facts = {"status": "running"}
    while facts["status"] == "running":
        facts = facts_of((yield ask("read_output", id=handle)))
    assert facts["status"] == "timed_out", facts


def kinds(prefix):
    return [value for name, value in sorted(globals().items()) if name.startswith(prefix)]


# ---- who plays them ----

class Player:
    """Plays scripts against one server, counts every call's answers, and sends cancels a few messages late."""

    def __init__(self, server):
        self.server = server
        self.dice = random.Random(SEED)
        self.scripts = {}  # id of a call -> its script
        self.fates = {}    # id of every call there was
        self.answers = collections.Counter()
        self.cancels = []  # [messages until it is sent, id, script]
        self.playing = collections.Counter()

    def step(self, script, result):
        try:
            wanted = script[0].send(result)
        except StopIteration:
            self.playing[script[1]] -= 1
            return
        number = self.server.start_call(wanted.tool, **wanted.arguments)
        self.fates[number] = wanted.fate
        if wanted.fate == ANSWERED:
            self.scripts[number] = script
        else:
            self.cancels.append([self.dice.randrange(4), number, script])

    def cancel_due(self):
        due = [one for one in self.cancels if one[0] <= 0 or not self.scripts]
        self.cancels = [one for one in self.cancels if one not in due]
        for one in self.cancels:
            one[0] -= 1
        for _, number, script in due:
            self.server.notify("notifications/cancelled", {"requestId": number})
            self.step(script, None)

    def hear(self, message):
        number = message["id"]
        self.answers[number] += 1
        if self.fates[number] == ANSWERED:
            self.step(self.scripts.pop(number), message["result"])

    def play(self, count, between):
        """`count` short and long scripts; between(n) is called before each."""
        left = {kind: iter(range(number)) for kind, number in zip(("short", "long"), count)}
        most = {"short": SHORT_AT_ONCE, "long": LONG_AT_ONCE}
        begun = 0
        while left or self.scripts or self.cancels:
            for kind in list(left):
                while self.playing[kind] < most[kind]:
                    n = next(left[kind], None)
                    if n is None:
                        del left[kind]
                        break
                    between(begun)
                    begun += 1
                    script = self.dice.choice(kinds(f"{kind}_"))(n + 1, random.Random(SEED * 1000003 + n))
                    self.playing[kind] += 1
                    self.step((script, kind), None)
            while self.cancels and not self.scripts:
                self.cancel_due()
            if self.scripts:
                self.hear(self.server.receive(timeout=3 * PATIENCE))
                self.cancel_due()

    def judge(self):
        """A ping overtakes nothing that was answered before it: what is here then is all there ever will be."""
        self.server.request("ping", timeout=3 * PATIENCE)
        for message in self.server.waiting:
            self.answers[message["id"]] += 1
        self.server.waiting.clear()
        due = {ANSWERED: (1,), CANCELLED: (0,), OVERTAKEN: (0, 1)}
        wrong = {n: self.answers[n] for n, fate in self.fates.items() if self.answers[n] not in due[fate]}
        assert not wrong and self.answers.keys() <= self.fates.keys(), f"answers that are too many or too few: {wrong}"
        return collections.Counter(self.fates.values())


# ---- servers that are dropped ----

def drop(start, dice, **more):
    """A server of its own, busy with everything, whose host goes away."""
    server = start(**more)
    for _ in range(dice.randrange(1, 4)):
        server.call("run_command", command="seq 100000; (setsid sleep 300 &); sleep 300", wait_ms=0)
    server.start_call("run_command", command="trap '' TERM; sleep 300")
    server.start_call("run_command", command="yes")
    if dice.random() < 0.5:
        server.call("run_command", argv=["true"])
    watch = Watch(server.tree())
    if dice.random() < 0.7:
        server.close_input()
    else:
        server.process.send_signal(signal.SIGKILL)
    watch.wait_ended(PATIENCE)
    watch.close()
    server.kill()


@pytest.mark.long
def test_soak(start, tmp_path, policy):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    if os.getuid() == 0:
        scratch.chmod(0o1777)
    environment = {"TMPDIR": str(scratch)}
    server = start("--answer-within", "120", env=environment)
    dice, peak, begun = random.Random(SEED), [0], time.monotonic()

    def between(n):
        if n % EVERY_DROP == EVERY_DROP - 1:
            drop(start, dice, env=environment)
        if n % 50 == 0:
            peak[0] = max(peak[0], status_of(server.pid, "RssAnon"))

    warming = Player(server)
    warming.play((min(SHORT, 100), min(LONG, 6)), between)
    warming.judge()
    before = settle(server, scratch)
    player = Player(server)
    player.play((SHORT, LONG), between)
    calls = player.judge()
    after = settle(server, scratch)
    print(f"\n{SHORT} short, {LONG} long, calls {dict(calls)}, {time.monotonic() - begun:.0f} s, peak of the frontend {peak[0]} kB")
    for what, held_then in (("warm", before), ("end", after)):
        print(what, held_then)
    for ended in before[0], after[0]:
        ended.pop("nannies")
    assert after[0] == before[0]
    for what, size in after[1].items():  # 20 bytes a call of the whole soak; a sanitizer keeps what was freed, so without it
        assert SANITIZED or size <= before[1][what] + 512, (what, before[1], after[1])
    assert server.finish() == 0 and server.stderr() == "" and os.listdir(scratch) == []
