# SPDX-License-Identifier: Apache-2.0
"""Many calls at once: each is answered exactly once, none waits for another, and the death of any process of ours is survived."""

import os
import signal

import pytest
from client import PATIENCE, Gone, Watch, describe, descendants, name_of, text_of


def answers_of(server, numbers, timeout=PATIENCE):
    """The answers to all of `numbers`, by id; more than one for an id, or none, fails the test."""
    left, found = set(numbers), {}
    while left:
        message = server.receive(lambda m: "id" in m and "method" not in m, timeout)
        assert message["id"] in left, f"answered twice, or never asked: {message['id']}"
        left.remove(message["id"])
        found[message["id"]] = message
    return found


def test_a_thousand_calls_in_flight(any_server, workspace):
    server = any_server
    for i in range(20):
        (workspace / f"{i}.txt").write_text(f"file {i}\n")
    expected = {}
    for i in range(1000):
        if i % 100 == 99:
            expected[server.start_call("run_command", argv=["echo", str(i)])] = f"{i}\n"
        elif i % 10 == 9:
            expected[server.start_call("read_file", path=f"missing-{i}.txt")] = f"missing-{i}.txt"
        else:
            expected[server.start_call("read_file", path=f"{i % 20}.txt")] = f"file {i % 20}\n"
    for number, answer in answers_of(server, expected, 3 * PATIENCE).items():
        assert expected[number] in text_of(answer["result"])
    server.nothing_more()


def test_calls_beyond_the_bound_are_refused_and_the_rest_served(server):
    """More requests at once than are taken: each still gets its one answer."""
    numbers = [server.start_call("read_file", path="missing.txt") for _ in range(6000)]
    answers_of(server, numbers, 3 * PATIENCE)
    server.nothing_more()


def test_a_quick_call_overtakes_a_slow_one(server, workspace):
    (workspace / "a.txt").write_text("alpha\n")
    os.mkfifo(workspace / "fifo")
    slow = server.start_call("run_command", command="read line < fifo; echo got $line")
    assert text_of(server.call("read_file", path="a.txt")) == "alpha\n"
    assert server.call("run_command", command="echo quick")["structuredContent"]["stdout"] == "quick\n"
    with open(workspace / "fifo", "w", encoding="ascii") as fifo:
        fifo.write("it\n")
    assert "got it" in text_of(server.response(slow)["result"])


def test_a_cancelled_call_is_not_answered_and_ends(server):
    """By itself: the sandbox, which would be ended if it did not, goes on."""
    server.call("run_command", command="echo kept > /tmp/kept")
    before = set(server.tree())
    number = server.start_command("sleep 300 & echo here; sleep 301")
    server.wait_said(number, "here")
    watch = Watch(pid for pid in server.tree() if pid not in before and "sleep" in describe(pid))
    assert len(watch.descriptors) >= 2
    server.notify("notifications/cancelled", {"requestId": number, "reason": "enough"})
    watch.wait_ended(PATIENCE)
    watch.close()
    server.nothing_more()
    assert server.call("run_command", command="cat /tmp/kept")["structuredContent"]["stdout"] == "kept\n"


def test_cancel_after_the_answer_is_noise(server):
    number = server.start_call("run_command", command="true")
    server.response(number)
    server.notify("notifications/cancelled", {"requestId": number})
    server.nothing_more()


def test_no_progress_unless_asked_for(server):
    result = server.call("run_command", command="echo a; sleep 1.5; echo b")
    assert result["structuredContent"]["stdout"] == "a\nb\n"
    server.nothing_more()


def test_progress_grows_and_stops_with_the_answer(server):
    number = server.start("tools/call", {"name": "run_command", "arguments": {"command": "for i in $(seq 150); do echo line $i; sleep 0.01; done"}},
                          progress="token-1")
    server.response(number)
    notes = [m for m in server.waiting if m.get("method") == "notifications/progress"]
    server.waiting.clear()
    assert notes and all(m["params"]["progressToken"] == "token-1" for m in notes)
    values = [m["params"]["progress"] for m in notes]
    assert values == sorted(set(values))
    assert all(after - before >= 249 for before, after in zip(values, values[1:])), values  # ms: at most four a second
    assert any("line" in m["params"].get("message", "") for m in notes)
    server.nothing_more()


def test_nothing_of_a_call_outlives_it(server):
    server.call("run_command", command="true")
    begin = len(server.tree())
    result = server.call("run_command", command="sleep 300 & setsid sleep 301 & (setsid sh -c 'trap \"\" TERM HUP; sleep 302' &) ; echo done")
    assert result["structuredContent"]["stdout"] == "done\n"
    assert not [describe(pid) for pid in server.tree() if "sleep 30" in describe(pid)]
    assert len(server.tree()) <= begin + 2


def test_every_call_answers_within_the_patience_of_strangers(start):
    server = start("--answer-within", "1", name="nobody-knows-me")
    result = server.call("run_command", command="echo begun; sleep 300", timeout=PATIENCE)
    assert "begun" in text_of(result)


def warmed(start, workspace, *arguments):
    """A server all of whose processes for files and commands run."""
    (workspace / "a.txt").write_text("alpha\n")
    server = start(*arguments)
    works(server)
    return server


def works(server):
    assert text_of(server.call("read_file", path="a.txt")) == "alpha\n"
    assert server.call("run_command", command="echo works")["structuredContent"]["stdout"] == "works\n"


def works_again(server):
    """An executor dies with its spawner, but not in the same moment: one call may still be told so."""
    text = text_of(server.call("read_file", path="a.txt"))
    assert text == "alpha\n" or text.endswith("Try again: a new one is started."), text
    works(server)


def test_kill_each_of_our_processes_while_calls_run(start, workspace, policy, site):
    """kill -9 of each in turn: every call is answered, the next ones work, and nothing of the dead one's is left alive."""
    url = f"http://{site.address}/plain"
    allow = policy({"network": {"allowedDomains": [site.address]}})

    def fetches(server):
        assert "plain text" in text_of(server.call("fetch_url", url=url)), killed

    position, killed = 1, []
    while True:
        server = warmed(start, workspace, "--policy", allow)
        fetches(server)
        ours = server.tree()
        if position >= len(ours):
            break
        numbers = [server.start_call("run_command", command=f"sleep 0.{i + 2}; echo {i}") for i in range(4)]
        numbers += [server.start_call("read_file", path="a.txt") for _ in range(50)]
        numbers += [server.start_call("fetch_url", url=url) for _ in range(5)]
        victim = ours[position]
        killed.append(describe(victim))
        # The spare below a spawner lives on: it is the next spawner.
        below = Watch(pid for pid in descendants(victim) if pid == victim or name_of(pid) != "sallyport-spare")
        os.kill(victim, signal.SIGKILL)
        numbers += [server.start_call("read_file", path="a.txt") for _ in range(50)]
        answers = answers_of(server, numbers)
        for answer in answers.values():
            text = text_of(answer["result"])
            assert not answer["result"].get("isError") or text.startswith("Error: "), (killed, text)
        works_again(server)
        fetches(server)
        works(server)
        below.wait_ended(PATIENCE)
        below.close()
        watch = Watch(server.tree())
        assert server.finish() == 0, (killed, server.stderr())
        watch.wait_ended(PATIENCE)
        watch.close()
        position += 1
    assert len(killed) >= 6, f"these are all our processes? {killed}"


def test_kill_all_of_ours_but_the_frontend_at_once(start, workspace):
    server = warmed(start, workspace)
    numbers = [server.start_call("run_command", command="sleep 5") for _ in range(3)]
    numbers += [server.start_call("read_file", path="a.txt") for _ in range(20)]
    below = server.tree()[1:]
    watch = Watch(below)
    for pid in reversed(below):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    answers_of(server, numbers)
    watch.wait_ended(PATIENCE)
    watch.close()
    server.request("ping")


@pytest.mark.parametrize("stop", [signal.SIGSTOP])
def test_a_stopped_executor_does_not_stop_the_server(start, workspace, stop):
    """Each of our processes stopped in turn: the frontend answers everything within its patience, and ends when told to."""
    server = warmed(start, workspace)
    count = len(server.tree())
    server.kill()
    for position in range(1, count):
        server = start("--answer-within", "1")
        works(server)
        tree = server.tree()
        if position >= len(tree):
            continue
        os.kill(tree[position], stop)
        assert server.request("ping")["result"] == {}
        numbers = [server.start_call("read_file", path="a.txt"), server.start_call("run_command", command="echo x")]
        answers_of(server, numbers)
        watch = Watch(tree)
        server.close_input()
        server.process.wait(PATIENCE)
        watch.wait_ended(PATIENCE)
        watch.close()


def test_the_server_ends_while_calls_run(start):
    server = start()
    for _ in range(8):
        server.start_call("run_command", command="sleep 300 & setsid sleep 301 & sleep 302")
    server.call("run_command", command="true")
    watch = Watch(server.tree())
    try:
        assert server.finish() == 0
    except Gone:
        pass
    watch.wait_ended(PATIENCE)
    watch.close()
