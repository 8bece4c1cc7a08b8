# SPDX-License-Identifier: Apache-2.0
"""What policy bounds about commands, what is told of those that run, and what nobody is there to answer."""

import os

import pytest
from client import text_of
from test_commands import ask, begin, read, read_until
from test_limits import data_limit


def stop(server, handle):
    """Ends it; what is told of it. One whose sandbox is still in the making ends without having begun, and that is told instead."""
    result = server.call("stop_command", id=handle)
    if not result.get("isError"):
        return result["structuredContent"]
    assert "stopped before it had begun; nothing was done" in text_of(result), result
    return None


# ---- turns ----

def test_so_many_at_once(start, policy, workspace):
    """The others wait, are told their place, and come in the order in which they were begun."""
    gate = ask(workspace, "gate")
    server = start("--policy", policy({"limits": {"commandsAtOnce": 2}}))
    running = [begin(server, "read line < gate; echo first") for _ in range(2)]
    waiting = [server.start("tools/call", {"name": "run_command", "arguments": {"command": f"echo {i} >> order; echo {i}"}}, progress=f"p{i}")
               for i in range(3)]
    for place, number in enumerate(waiting):
        server.receive(lambda m, place=place: m.get("method") == "notifications/progress" and m["params"]["progressToken"] == f"p{place}"
                       and m["params"]["message"].endswith(f"waits for its turn: place {place + 1}"))
    assert not (workspace / "order").exists()
    assert [one["state"] for one in server.call("list_commands")["structuredContent"]["commands"]] == ["running"] * 2
    gate.write_text("on\n")  # one of the two: from here there is one place, so they come one after the other
    for i, number in enumerate(waiting):
        assert server.response(number)["result"]["structuredContent"]["stdout"] == f"{i}\n"
    assert (workspace / "order").read_text() == "0\n1\n2\n"
    for handle in running:
        stop(server, handle)


def test_one_that_waits_longer_than_its_call(start, policy):
    server = start("--policy", policy({"limits": {"commandsAtOnce": 1}}))
    first = begin(server, "echo up; sleep 300")
    read_until(server, first, lambda r: r["stdout"])  # until then it has a place in the queue itself
    said = server.call("run_command", command="echo second", wait_ms=0)
    second = said["structuredContent"]["id"]
    assert said["structuredContent"]["status"] == "running" and "[waits for its turn: place 1 · id " in text_of(said)
    stop(server, first)
    assert read_until(server, second, lambda r: r["status"] != "running")[-1]["exit_code"] == 0
    assert read(server, second, since=0)["stdout"] == "second\n"


def test_one_that_cannot_start(start, policy):
    """It has an id by then, so that whoever waits for it is told, and who asks later too."""
    server = start("--policy", policy({"limits": {"commandsAtOnce": 1}}))
    first = begin(server, "sleep 300")
    second = server.call("run_command", argv=["no-such-program"], wait_ms=0)["structuredContent"]["id"]
    waiting = server.start_call("read_output", id=second)
    stop(server, first)
    for told in (server.response(waiting)["result"], server.call("read_output", id=second)):
        assert told["isError"] and 'execve "no-such-program"' in text_of(told), told


def test_stopped_before_its_turn(start, policy, workspace):
    server = start("--policy", policy({"limits": {"commandsAtOnce": 1}}))
    first = begin(server, "sleep 300")
    second = begin(server, "touch done")
    assert "nothing was done" in text_of(server.call("stop_command", id=second))
    stop(server, first)
    assert server.call("run_command", command="ls")["structuredContent"]["stdout"] == ""


# ---- how many, how long, how much ----

def test_so_many_that_can_be_read(start, policy, workspace):
    """The oldest that has ended gives way; one that runs never does."""
    server = start("--policy", policy({"limits": {"commands": 3}}))
    runs = begin(server, "sleep 300")
    gate, handles = ask(workspace, "gate"), []
    for i in range(4):
        handles.append(begin(server, f"read line < gate; echo {i}"))
        gate.write_text("on\n")
        read_until(server, handles[i], lambda r: r["status"] != "running")
    assert server.call("read_output", id=handles[0])["isError"]
    assert read(server, handles[3], since=0)["stdout"] == "3\n" and read(server, runs, wait_ms=0)["status"] == "running"
    more = [begin(server, "sleep 300") for _ in range(2)]
    refused = server.call("run_command", command="echo", wait_ms=0)
    assert refused["isError"] and "limits.commands" in text_of(refused)
    for handle in [runs, *more]:
        stop(server, handle)


def test_what_was_cut_is_not_missed_least(start, policy, workspace):
    """Its answer named read_output: it does not give way to what nobody has asked for in longer."""
    server = start("--policy", policy({"limits": {"commands": 2}}))
    gate = ask(workspace, "gate")
    old = begin(server, "read line < gate; echo unread")
    gate.write_text("on\n")
    while server.call("list_commands")["structuredContent"]["commands"][0]["state"] == "running":
        pass
    cut = [server.call("run_command", command="seq 1000", max_bytes=10)["structuredContent"]["id"] for _ in range(2)]
    assert server.call("read_output", id=old)["isError"]
    for handle in cut:
        assert read(server, handle, since=0)["stdout"].startswith("1\n2\n")
    server.call("run_command", command="seq 1000", max_bytes=10)
    read(server, cut[1], since=0)
    assert server.call("read_output", id=cut[0])["isError"]


def test_so_long(start, policy):
    """Policy's bound binds whoever asks for more, and is named; timeout_ms is the shorter one."""
    server = start("--policy", policy({"limits": {"commandSeconds": 1}}))
    said = server.call("run_command", command="sleep 300", timeout_ms=80000000)
    assert said["structuredContent"]["status"] == "timed_out" and "limits.commandSeconds was 1]" in text_of(said)
    said = server.call("run_command", command="sleep 300", timeout_ms=200)
    assert said["structuredContent"]["status"] == "timed_out" and "timeout_ms was 200]" in text_of(said)


def test_kept_so_long(start, policy, workspace):
    server = start("--policy", policy({"limits": {"commandKeptSeconds": 1}}))
    gate = ask(workspace, "gate")
    handle = begin(server, "read line < gate; echo said")
    gate.write_text("on\n")
    read_until(server, handle, lambda r: r["status"] != "running")
    while not (said := server.call("read_output", id=handle, wait_ms=0)).get("isError"):
        server.call("run_command", command="sleep 1.2")  # nobody reads meanwhile
    assert "ended too long ago" in text_of(said)


@pytest.mark.parametrize("kept", [0, 1 << 20])
def test_so_much_output(start, policy, kept):
    """What is lost is told by number, and what is kept is the end of it."""
    server = start("--policy", policy({"limits": {"outputBytes": kept}}))
    last = server.call("run_command", command="seq 1 1000000")["structuredContent"]
    handle = last["id"]  # its answer left something out
    total = sum(len(str(i)) + 1 for i in range(1, 1000001))
    first = read(server, handle, since=0, max_bytes=1000)
    assert first["next"] == first["lost_bytes"] + len(first["stdout"])
    assert total - first["lost_bytes"] >= (kept or 200000) and first["lost_bytes"] > 0, (last, first)
    tail, since = "", total - 100000
    while since < total:
        piece = read(server, handle, since=since, max_bytes=60000)
        tail, since = tail + piece["stdout"], piece["next"]
    assert tail.endswith("999999\n1000000\n") and len(tail) == 100000


def test_kept_so_long_for_nobody(start, policy, workspace):
    """One that nobody has read goes too."""
    gate = ask(workspace, "gate")
    server = start("--policy", policy({"limits": {"commandKeptSeconds": 1}}))
    begin(server, "read line < gate; echo said")
    gate.write_text("on\n")
    listed = ["running"]
    for _ in range(20):
        if not listed:
            break
        server.call("run_command", command="sleep 0.3")
        listed = [one["state"] for one in server.call("list_commands")["structuredContent"]["commands"]]
        assert listed in ([], ["running"], ["exited"])
    assert listed == []


def test_size_of_terminals(start, policy):
    server = start("--policy", policy({"terminal": {"rows": 33, "columns": 77}}))
    assert server.call("run_command", command="stty size", tty=True)["structuredContent"]["stdout"].split() == ["33", "77"]


# ---- what is told ----

def test_what_runs_uses(server):
    handle = begin(server, "python3 -c 'import signal, time\nx = bytearray(50000000)\nwhile time.process_time() < 0.3: pass\nprint(\"up\", flush=True)\nsignal.pause()' | cat")
    read_until(server, handle, lambda r: "up" in r["stdout"])
    said = server.call("list_commands")
    one, = said["structuredContent"]["commands"]
    assert one["cpu_ms"] >= 250 and one["memory_bytes"] > 50000000 and one["processes"] >= 2, one
    assert "processes" in text_of(said)
    stop(server, handle)


def test_facts_of_a_run(server):
    line = "import os, time; x = b'x' * 60000000\nwhile time.process_time() < 0.3: pass\nos._exit(7)"
    facts = server.call("run_command", argv=["python3", "-c", line])["structuredContent"]
    assert facts["status"] == "exited" and facts["exit_code"] == 7 and "signal" not in facts, facts
    assert 290 <= facts["cpu_ms"] <= facts["duration_ms"] + 50 and 60000000 < facts["peak_memory_bytes"] < 10 ** 9, facts
    for number, name in ((6, "SIGABRT"), (9, "SIGKILL"), (11, "SIGSEGV"), (37, "signal 37")):
        told = server.call("run_command", command=f"kill -{number} $$")
        assert told["structuredContent"]["status"] == "signaled" and told["structuredContent"]["signal"] == name, told
        assert "exit_code" not in told["structuredContent"] and text_of(told).startswith(f"[{name} · ")


@data_limit
def test_out_of_memory(start, policy):
    """Of one process's own: the kernel's word where there are groups is for tests/kernels."""
    server = start("--policy", policy({"limits": {"dataBytes": 100 << 20}}))
    told = server.call("run_command", argv=["python3", "-c", "x = []\nwhile True: x.append(b'x' * 1000000)"])
    assert told["structuredContent"]["status"] == "out_of_memory" and told["structuredContent"]["exit_code"] == 1
    assert text_of(told).splitlines()[-1].startswith("[out of memory · exit 1 · ") and "limits.dataBytes" in text_of(told)
    assert server.call("run_command", argv=["python3", "-c", "raise MemoryError"])["structuredContent"]["status"] == "exited"  # what it says proves nothing


def test_a_list_that_is_cancelled(server):
    handle = begin(server, "sleep 300")
    for _ in range(20):
        number = server.start_call("list_commands")
        server.notify("notifications/cancelled", {"requestId": number})
    assert len(server.call("list_commands")["structuredContent"]["commands"]) == 1
    stop(server, handle)
    assert server.call("list_commands")["structuredContent"]["commands"] == []


def test_binary_output(server):
    """Named, not poured; text beside it is text."""
    result = server.call("run_command", command="printf '\\177ELF\\0\\1\\2'; echo beside >&2")
    content = result["structuredContent"]
    assert content["stdout"].startswith("[stdout is binary: 7 bytes, not shown; begins 7f 45 4c 46 00 01 02.")
    assert content["stderr"] == "beside\n" and content["omitted_bytes"] == {"stdout": 7, "stderr": 0}
    assert text_of(result).startswith("[stdout is binary: 7 bytes") and "\nbeside\n" in text_of(result)


def test_text_that_is_no_utf8(server):
    """Shown, with a note and a guess; what is UTF-8 gets none."""
    said = server.call("run_command", command=r"printf 'caf\xe9, na\xefve\n'")
    assert said["structuredContent"]["stdout"] == "caf\ufffd, na\ufffdve\n"
    assert text_of(said).splitlines()[1] == "[Not UTF-8, probably ISO-8859-1: 2 places shown as U+FFFD.]", text_of(said)
    assert "UTF-8" not in text_of(server.call("run_command", command="printf 'café, naïve\n'"))


# ---- keys ----

def test_keys_by_name(server):
    handle = begin(server, "stty raw -echo; echo ready; head -c 21 | od -An -c -w21", tty=True)
    read_until(server, handle, lambda r: r.get("waits_for_input"))
    server.call("write_input", id=handle, text="a", keys=["ctrl-c", "Ctrl-A", "enter", "tab", "UP", "f12", "alt-x", "backspace", "ctrl-@", "delete", "z"])
    said = "".join(r["stdout"] for r in read_until(server, handle, lambda r: r["status"] != "running"))
    said = said or read(server, handle, since=0)["stdout"]
    assert said.split()[-21:] == ["a", "003", "001", "\\r", "\\t", "033", "[", "A", "033", "[", "2", "4", "~", "033", "x", "177", "\\0", "033", "[", "3", "~"], said


def test_keys_that_are_none(server):
    handle = begin(server, "cat", tty=True)
    read_until(server, handle, lambda r: r.get("waits_for_input"))  # what has not begun has nothing to say when it is stopped
    for keys in (["ctrl-"], ["ctrl-1"], ["controlc"], [""], ["enter", "f13"]):
        said = server.call("write_input", id=handle, keys=keys)
        assert said["isError"] and "ctrl-a to ctrl-z" in text_of(said), said
    stop(server, handle)
    handle = begin(server, "cat", stdin="")
    said = server.call("write_input", id=handle, keys=["ctrl-c"])
    assert said["isError"] and "no terminal" in text_of(said)
    stop(server, handle)


# ---- nobody is there to answer ----

def test_a_password(server):
    said = server.call("run_command", command="$SUDO_ASKPASS '[sudo] password for me:'; $SSH_ASKPASS \"x@y's password:\"; $GIT_ASKPASS Username")["structuredContent"]
    assert "it asked: [sudo] password for me:" in said["stderr"] and "it asked: x@y's password:" in said["stderr"] and "begin it with tty" in said["stderr"]
    assert "it asked: Username" in said["stderr"]
    assert said["exit_code"] == 1
    assert server.call("run_command", command="echo $SUDO_ASKPASS$EDITOR", tty=True)["structuredContent"]["stdout"].strip() == ""
    assert server.call("run_command", command="echo $EDITOR", env={"EDITOR": "true"})["structuredContent"]["stdout"] == "true\n"


def test_a_key_with_a_passphrase(server):
    made = server.call("run_command", command="ssh-keygen -q -t ed25519 -N secret -f /tmp/key && ssh-keygen -y -f /tmp/key")["structuredContent"]
    assert made["exit_code"] != 0 and "it asked: Enter passphrase" in made["stderr"], made


def test_an_editor(server):
    done = server.call("run_command", command="git init -q r && cd r && git -c user.name=n -c user.email=e commit --allow-empty")["structuredContent"]
    assert done["exit_code"] != 0 and "it wanted an editor for:" in done["stderr"] and "COMMIT_EDITMSG" in done["stderr"], done


@pytest.mark.parametrize("errors", ["", " 2>&1"])
def test_an_editor_that_was_begun_itself(server, errors):
    """Without a terminal vim takes its stderr for one, as this does: that no key can come there is told, with what to do."""
    handle = begin(server, f"python3 -c 'import os, select; os.dup2(2, 0); select.select([0], [], [])'{errors}")
    read_until(server, handle, lambda r: r.get("waits_for_input"))
    assert "waits for input that only tty could give it" in text_of(server.call("read_output", id=handle, wait_ms=0))
    stop(server, handle)
    begun = begin(server, "sleep 300")  # who does not read at all does not wait for input
    for _ in range(20):
        assert not read(server, begun, wait_ms=0).get("waits_for_input")
    stop(server, begun)


def test_the_traps_stay(server):
    """They are nobody's to change, where there is a view."""
    said = server.call("run_command", command="rm -f $EDITOR; echo x > $SUDO_ASKPASS; mv /.sallyport /.other; ls /.sallyport")["structuredContent"]
    assert said["stdout"].split() == ["ask", "edit"], said
    assert os.path.exists("/.sallyport") is False
