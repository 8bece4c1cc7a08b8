# SPDX-License-Identifier: Apache-2.0
"""Who a command is, and whose its files are."""

import os
import stat

from harness import ROOT, Sandbox, children, status_of, wait_for_line


def test_identity(tmp):
    process = Sandbox(tmp).start("echo here; sleep 1000")
    wait_for_line(process, "here")
    keepers = children(process.pid)["sallyport-keepe"]
    watched = keepers + [pid for pids in children(keepers[0]).values() for pid in pids]
    seen = [status for status in map(status_of, watched) if status]
    assert len(seen) >= 3
    for status in seen:
        assert set(status["Uid"].split()) & {"0"} == set(), f"{status['Name']} is kernel uid {status['Uid']}"
        assert set(status["Gid"].split()) & {"0"} == set() or not ROOT, f"{status['Name']} is kernel gid {status['Gid']}"
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status[name], 16) == 0, f"{status['Name']}: {name} {status[name]}"
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
        if ROOT:
            assert status["Groups"].strip() == "", status["Groups"]
    process.kill()
    process.communicate()


def test_owner_is_an_ordinary_user(tmp):
    """What a command makes belongs to the workspace's owner."""
    sandbox = Sandbox(tmp, owner=4242 if ROOT else None)
    output, _ = sandbox.run("touch made; mkdir -p deep/er; id -u")
    owner = 4242 if ROOT else os.getuid()
    assert output.strip() == str(owner)
    for name in ("made", "deep", "deep/er"):
        assert os.stat(os.path.join(sandbox.workspace, name)).st_uid == owner


def test_owner_is_root(tmp):
    """A workspace of root's: the command is not root and its files are, by an idmapped mount."""
    if not ROOT:
        return "needs root"
    sandbox = Sandbox(tmp)
    with open(os.path.join(sandbox.workspace, "roots"), "w") as file:
        file.write("before")
    output, errors = sandbox.run("id -u; echo after > roots; touch made; chmod 600 made; stat -c %u roots")
    uid = output.split()[0]
    assert uid not in ("0", "65534") and output.split()[1] == uid, output + errors
    assert open(os.path.join(sandbox.workspace, "roots")).read() == "after\n"
    made = os.stat(os.path.join(sandbox.workspace, "made"))
    assert (made.st_uid, stat.S_IMODE(made.st_mode)) == (0, 0o600)
    return None


def test_second_workspace_of_somebody_else(tmp):
    if not ROOT:
        return "needs root"
    other = os.path.join(tmp, "other")
    os.mkdir(other)
    os.chown(other, 5555, 5555)
    sandbox = Sandbox(tmp, "--workspace", other, owner=4242)
    output, errors = sandbox.run(f"touch here {other}/there && echo done")
    assert "done" in output, errors
    assert os.stat(os.path.join(sandbox.workspace, "here")).st_uid == 4242
    assert os.stat(os.path.join(other, "there")).st_uid == 5555
    return None


def test_set_uid_files(tmp):
    """A file that runs as the workspace's owner, who may be root: not to be made in any way."""
    sandbox = Sandbox(tmp)
    output, errors = sandbox.run("""cp /bin/true a; chmod 4755 a; chmod 2755 a; chmod u+s a; python3 - <<'E'
import os
for attempt in (lambda: os.chmod("a", 0o6755), lambda: os.close(os.open("b", os.O_CREAT | os.O_WRONLY, 0o4755)),
                lambda: os.mknod("c", 0o104755), lambda: os.fchmod(os.open("a", os.O_RDONLY), 0o4755),
                lambda: os.close(os.open(".", os.O_TMPFILE | os.O_RDWR, 0o4755))):
    try:
        attempt()
        print("made")
    except OSError as error:
        print(error.errno)
E""")
    assert output.split() == ["1"] * 5, output + errors
    for name in os.listdir(sandbox.workspace):
        assert not os.stat(os.path.join(sandbox.workspace, name)).st_mode & 0o6000, name
