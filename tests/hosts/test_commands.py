# SPDX-License-Identifier: Apache-2.0
"""Commands that outlive their call: handles, cursors, input, and ends that leave nothing."""

import os
import re

import pytest
from client import PATIENCE, Watch, describe, text_of


def begin(server, line, **more):
    """Starts it in the background; its id."""
    said = server.call("run_command", command=line, wait_ms=0, **more)["structuredContent"]
    assert said["status"] == "running" and re.fullmatch(r"[0-9a-f]{32}", said["id"]), said
    return said["id"]


def read(server, handle, **more):
    result = server.call("read_output", id=handle, **more)
    assert not result.get("isError"), result
    return result["structuredContent"]


def read_until(server, handle, done):
    """All that it says, from the beginning, until done(result); results, the last with done."""
    results = [read(server, handle, since=0)]
    while not done(results[-1]):
        results.append(read(server, handle))
    return results



class Gate:
    """A FIFO in the workspace: `read line < gate` waits until the test writes one. It is held open, so that nobody meets its end."""

    def __init__(self, path):
        os.mkfifo(path)
        os.chmod(path, 0o666)
        self.end = os.open(path, os.O_RDWR)

    def __del__(self):
        os.close(self.end)

    def write_text(self, text):
        os.write(self.end, text.encode())


def ask(workspace, name):
    return Gate(workspace / name)


def test_a_command_goes_on_under_its_id(server, workspace):
    gate = ask(workspace, "gate")
    said = server.call("run_command", command="echo begun; read line < gate; echo $line; exit 3", wait_ms=300)["structuredContent"]
    assert said["status"] == "running" and "exit_code" not in said
    listed = server.call("list_commands")["structuredContent"]["commands"]
    assert [(one["id"], one["state"]) for one in listed] == [(said["id"], "running")]
    gate.write_text("on\n")
    results = read_until(server, said["id"], lambda r: r["status"] != "running")
    assert "".join(r["stdout"] for r in results) == "begun\non\n"
    assert results[-1]["exit_code"] == 3
    assert read(server, said["id"], since=0)["stdout"] == "begun\non\n"  # as often as one likes
    assert server.call("list_commands")["structuredContent"]["commands"] == []


def test_reading_waits_for_output(server, workspace):
    gate = ask(workspace, "gate")
    handle = begin(server, "read line < gate; echo said; read line < gate")
    waiting = server.start_call("read_output", id=handle)
    server.nothing_more()  # no answer yet
    gate.write_text("\n")
    said = server.response(waiting)["result"]["structuredContent"]
    assert said["stdout"] == "said\n" and said["status"] == "running"
    nothing = read(server, handle, wait_ms=0)
    assert nothing["stdout"] == "" and nothing["next"] == said["next"] == 5
    gate.write_text("\n")
    assert read_until(server, handle, lambda r: r["status"] != "running")[-1]["exit_code"] == 0


def test_the_newer_of_two_reads_takes_over(server):
    handle = begin(server, "echo ready; sleep 300")
    read_until(server, handle, lambda r: "ready" in r["stdout"])
    first = server.start_call("read_output", id=handle)
    second = server.start_call("read_output", id=handle)
    assert server.response(first)["result"]["structuredContent"]["status"] == "running"
    assert server.call("stop_command", id=handle)["structuredContent"]["status"] == "signaled"
    assert server.response(second)["result"]["structuredContent"]["status"] == "running"


def test_a_cancelled_read_ends_no_command(server):
    handle = begin(server, "sleep 300")
    number = server.start_call("read_output", id=handle)
    server.notify("notifications/cancelled", {"requestId": number})
    assert read(server, handle, wait_ms=0)["status"] == "running"
    server.call("stop_command", id=handle)
    assert not [pid for pid in server.tree() if "sleep 300" in describe(pid)]


def test_all_of_a_cut_output_can_be_read(server):
    said = server.call("run_command", command="seq 1 20000", max_bytes=200)
    assert "read_output with since 0" in text_of(said)
    content = said["structuredContent"]
    assert content["status"] == "exited" and content["omitted_bytes"]["stdout"] > 100000
    text, since = "", 0
    while since < 108894:
        piece = read(server, content["id"], since=since, max_bytes=30000)
        assert "lost_bytes" not in piece and piece["next"] - since == len(piece["stdout"]), piece
        assert piece["stdout"].endswith("\n")
        text, since = text + piece["stdout"], piece["next"]
    assert text == "".join(f"{i}\n" for i in range(1, 20001))


def test_characters_are_never_cut(server):
    line = "aé漢😀" * 50  # one line: there is no line end to cut at
    handle = server.call("run_command", command=f"printf %s '{line}'", max_bytes=1)["structuredContent"]["id"]
    text, since = "", 0
    while since < len(line.encode()):
        piece = read(server, handle, since=since, max_bytes=7)
        text, since = text + piece["stdout"], piece["next"]
    assert text == line


def test_what_has_only_begun_waits_for_its_rest(server, workspace):
    """A character or an escape sequence that comes in two pieces: neither the answer that leaves the command running nor a read shows half
    of it, and a read waits for the rest."""
    gate = ask(workspace, "gate")
    for first, rest, shown in ((r"a\xf0\x9f", r"\x98\x80b", "😀b"), (r"a\xc3", r"\xa4", "ä"), (r"a\x1b[3", r"1mred", "red"), (r"a\x1b]0;ti", r"tle\x07b", "b")):
        line = f"printf '{first}'; read line < gate; printf '{rest}'; read line < gate; printf '{first}'"
        facts = server.call("run_command", command=line, wait_ms=300)["structuredContent"]
        if not facts["stdout"]:  # it had not begun by then
            facts = read(server, facts["id"])
        assert facts["status"] == "running" and facts["stdout"] == "a", facts
        nothing = server.call("read_output", id=facts["id"], wait_ms=50)
        assert nothing["structuredContent"]["stdout"] == "" and "more are there" not in text_of(nothing), nothing
        waiting = server.start_call("read_output", id=facts["id"])
        server.nothing_more()
        gate.write_text("\n")
        assert server.response(waiting)["result"]["structuredContent"]["stdout"] == shown
        gate.write_text("\n")
        read_until(server, facts["id"], lambda r: r["status"] != "running")
        whole = read(server, facts["id"], since=0)["stdout"]
        assert whole in (f"a{shown}a", f"a{shown}a\ufffd"), whole  # at the end there is no rest to wait for


def test_lines_written_over(server):
    """Floods of progress hide nothing of what stands between them, neither in an answer nor in the pages of a log."""
    count = "python3 -c \"print(*(f'\\r{i}%' for i in range(50000)), sep='', end='')\""
    said = server.call("run_command", command=f"echo one; {count}; echo; echo two; {count} >&2; echo three; {count}", max_bytes=200)["structuredContent"]
    assert said["stdout"] == "one\n49999%\ntwo\nthree\n49999%" and said["stderr"] == "49999%" and "id" not in said, said
    handle = begin(server, f"read line; {count}; echo; echo end", stdin="")
    server.call("write_input", id=handle, text="\n", wait_ms=0)
    read_until(server, handle, lambda r: r["status"] != "running")
    page = read(server, handle, since=0)
    assert page["stdout"] == "49999%\nend\n" and page["next"] > 300000, page


def test_both_streams_in_the_order_they_came(server):
    result = server.call("run_command", command="for i in 1 2 3; do echo out $i; sleep 0.05; echo err $i >&2; sleep 0.05; done", max_bytes=20)
    again = server.call("read_output", id=result["structuredContent"]["id"], since=0)
    assert text_of(again).splitlines()[:6] == [f"{where} {i}" for i in (1, 2, 3) for where in ("out", "err")]
    assert again["structuredContent"]["stdout"] == "out 1\nout 2\nout 3\n"


def test_stdin_that_stays_open(server):
    handle = begin(server, "while read line; do echo got $line; done; echo end", stdin="")
    for word in ("one", "two"):
        said = server.call("write_input", id=handle, text=f"{word}\n")["structuredContent"]
        assert said["stdout"] == f"got {word}\n" and said["status"] == "running"
    server.call("write_input", id=handle, text="", close=True)
    assert read(server, handle, since=0)["stdout"].endswith("got two\nend\n")
    late = server.call("write_input", id=handle, text="three\n")
    assert late["isError"] and "has ended" in text_of(late)


def test_standard_descriptors_by_name(server):
    """What scripts do: `> /dev/stderr`, a file argument /dev/stdin. Also where commands have another uid than the server."""
    line = "cat /dev/stdin; echo out > /dev/stdout; echo err > /dev/stderr; echo both | tee /dev/stderr; cat < /dev/fd/0"
    for more, given in (({}, ""), ({"stdin": "given\n"}, "given\n")):
        facts = server.call("run_command", command=line, **more)["structuredContent"]
        assert (facts["stdout"], facts["stderr"], facts["exit_code"]) == (f"{given}out\nboth\n", "err\nboth\n", 0), facts


def test_input_for_who_has_none(server):
    handle = begin(server, "cat; sleep 300")  # cat ends at once: nothing waits for a person
    refused = server.call("write_input", id=handle, text="x")
    assert refused["isError"] and "stdin" in text_of(refused)
    server.call("stop_command", id=handle)


def test_a_server_in_the_background(server):
    """Started by one command, asked by another, seen by ps, ended by its handle."""
    handle = begin(server, "exec python3 -u -m http.server 3000 --bind 127.0.0.1")
    read_until(server, handle, lambda r: "Serving" in r["stdout"])
    answer = server.call("run_command", command="curl -s -o /dev/null -w '%{http_code}' localhost:3000; ps -ef | grep -c '[h]ttp.server 3000'")
    assert answer["structuredContent"]["stdout"] == "2001\n", answer
    assert server.call("stop_command", id=handle)["structuredContent"]["status"] == "signaled"
    answer = server.call("run_command", command="curl -s localhost:3000 || echo gone")
    assert answer["structuredContent"]["stdout"] == "gone\n"


def test_timeout_ends_it_all(server):
    said = server.call("run_command", command="(setsid sleep 300 &) ; sleep 301", timeout_ms=500)["structuredContent"]
    assert said["status"] == "timed_out" and "id" not in said
    assert not [pid for pid in server.tree() if "sleep 30" in describe(pid)]


def test_timeout_of_one_in_the_background(server):
    handle = begin(server, "echo begun; sleep 300", timeout_ms=500)
    assert read_until(server, handle, lambda r: r["status"] != "running")[-1]["status"] == "timed_out"
    assert not [pid for pid in server.tree() if "sleep 30" in describe(pid)]


def test_what_is_no_id(server):
    for tool, more in (("read_output", {}), ("write_input", {"text": "x"}), ("stop_command", {})):
        refused = server.call(tool, id="0" * 32, **more)
        assert refused["isError"] and "no command of yours" in text_of(refused)


def test_what_cannot_be_asked(server):
    handle = begin(server, "sleep 300")
    for tool, more, word in (("read_output", {"since": 5}, "since"), ("stop_command", {"signal": "NONE"}, "signal")):
        refused = server.call(tool, id=handle, **more)
        assert refused["isError"] and word in text_of(refused)
    server.call("stop_command", id=handle)


def test_as_many_as_there_may_be(server):
    """The oldest that ended gives way; those that run do not."""
    first = server.call("run_command", command="seq 1000", max_bytes=10)["structuredContent"]["id"]
    for _ in range(64):
        last = server.call("run_command", command="seq 1000", max_bytes=10)["structuredContent"]["id"]
    assert server.call("read_output", id=first)["isError"]
    assert read(server, last, since=0)["stdout"].startswith("1\n2\n")


def test_nothing_of_them_outlives_the_server(start):
    server = start()
    for _ in range(3):
        read_until(server, begin(server, "setsid sleep 300 & echo begun; sleep 301"), lambda r: "begun" in r["stdout"])
    watch = Watch(server.tree())
    assert len(watch.descriptors) > 9
    assert server.finish() == 0
    watch.wait_ended(PATIENCE)
    watch.close()


@pytest.mark.parametrize("kept", ["head", "tail"])
def test_window_and_log_agree(server, kept):
    said = server.call("run_command", command="seq 1 5000", keep=kept, max_bytes=100)["structuredContent"]
    whole = read(server, said["id"], since=0, max_bytes=100000)["stdout"]
    shown = said["stdout"].replace(re.search(r"\[… \d+ bytes left out …\]\n", said["stdout"])[0], "")
    assert (whole.startswith if kept == "head" else whole.endswith)(shown) and shown
    assert len(whole) == len(shown) + said["omitted_bytes"]["stdout"]


def test_background_commands_and_patience(server):
    """A call's answer never waits for others' commands."""
    handles = [begin(server, "sleep 300") for _ in range(10)]
    assert server.call("run_command", command="echo quick", timeout=PATIENCE)["structuredContent"]["stdout"] == "quick\n"
    for handle in handles:
        assert server.call("stop_command", id=handle)["structuredContent"]["signal"] == "SIGTERM"


def test_a_terminal(server):
    """A prompt that a program shows only to a person, and its answers."""
    handle = begin(server, "python3 -q", tty=True)
    read_until(server, handle, lambda r: r.get("waits_for_input"))
    said = server.call("write_input", id=handle, text="import sys; print(sys.stdin.isatty(), 6 * 7)\n")["structuredContent"]
    while "True 42" not in said["stdout"]:
        said = read(server, handle)
    server.call("write_input", id=handle, text="while True: pass\n\n")
    server.call("write_input", id=handle, text="\x03")
    read_until(server, handle, lambda r: r.get("waits_for_input"))
    assert "KeyboardInterrupt" in read(server, handle, since=0)["stdout"]
    server.call("write_input", id=handle, text="exit(4)\n")
    assert read_until(server, handle, lambda r: r["status"] != "running")[-1]["exit_code"] == 4


def test_stopping_asks_first(server):
    """TERM, so that a program may end in order; then KILL."""
    handle = begin(server, "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done")
    read_until(server, handle, lambda r: "ready" in r["stdout"])
    stopped = server.call("stop_command", id=handle)["structuredContent"]
    assert stopped["exit_code"] == 7 and stopped["stdout"].endswith("bye\n")
    handle = begin(server, "trap '' TERM; echo ready; sleep 300")
    read_until(server, handle, lambda r: "ready" in r["stdout"])
    assert server.call("stop_command", id=handle)["structuredContent"]["signal"] == "SIGKILL"
    assert not [pid for pid in server.tree() if "sleep 300" in describe(pid)]
