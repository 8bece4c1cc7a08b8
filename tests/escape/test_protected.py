# SPDX-License-Identifier: Apache-2.0
"""What lies in a workspace and is not the command's to change."""

import os
import stat

from harness import ROOT, Sandbox


def test_protected(tmp):
    """Neither written, nor replaced, nor left behind by renaming what holds it."""
    sandbox = Sandbox(tmp, "--protect", ".git/hooks", "--protect", ".git/config", "--protect", ".vscode/tasks.json")
    git = os.path.join(sandbox.workspace, ".git")
    os.makedirs(os.path.join(git, "hooks"))
    for name in ("config", "hooks/old"):
        with open(os.path.join(git, name), "w") as file:
            file.write("before")
    if ROOT:
        for folder, _, files in os.walk(sandbox.workspace):
            for path in (folder, *(os.path.join(folder, name) for name in files)):
                os.chown(path, 4242, 4242)
    output, errors = sandbox.run("""
        echo x > .git/config; echo x > .git/hooks/new; echo x > .git/hooks/old; rm -rf .git/hooks; rm -f .git/config
        mv .git aside; mv .git/config .git/c; mv .git/hooks .git/h; echo x > .git/other; mv .git/other .git/config
        ln .git/config link && echo x > link; ln -s evil .git/hooks/s; chmod 777 .git/config; cp -r .git aside && echo free""")
    assert "free" in output, errors  # the rest of .git is as free as any
    assert open(os.path.join(git, "config")).read() == "before"
    assert os.listdir(os.path.join(git, "hooks")) == ["old"]
    assert open(os.path.join(git, "hooks", "old")).read() == "before"
    assert stat.S_IMODE(os.stat(os.path.join(git, "config")).st_mode) != 0o777
    assert Sandbox(tmp).run("echo x > .git/config")[0] == "" and open(os.path.join(git, "config")).read() == "x\n", "writable without"


def test_file_on_the_way(tmp):
    """`.git` of a work tree is a file that names the directory whose configuration counts: as good as that itself."""
    sandbox = Sandbox(tmp, "--protect", ".git/config")
    git = os.path.join(sandbox.workspace, ".git")
    with open(git, "w") as file:
        file.write("gitdir: elsewhere")
    if ROOT:
        os.chown(git, 4242, 4242)
        os.chown(sandbox.workspace, 4242, 4242)
    output, errors = sandbox.run("cat .git; echo x > .git; mv .git aside; rm -f .git; echo x > new && mv new .git; ln .git link; echo; echo ran")
    assert output.split() == ["gitdir:", "elsewhere", "ran"], output + errors
    assert open(git).read() == "gitdir: elsewhere" and not os.path.exists(os.path.join(sandbox.workspace, "link"))
    assert Sandbox(tmp).run("echo x > .git && echo written")[0] == "written\n", "writable without"


def test_in_directories_that_nobody_may_search(tmp):
    """What is protected or hidden there stays so when its owner, whom commands act as, opens them up."""
    options = lambda folder: ("--protect", ".git/config", "--protect", "a/b/c", "--hide", f"{folder}/dark/secret", "--hide", f"{folder}/dark/secret/er")
    sandbox = Sandbox(tmp, *options(os.path.join(tmp, "workspace")))
    for name in (".git/config", "a/b/c", "dark/secret"):
        path = os.path.join(sandbox.workspace, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write("before")
    for folder, _, files in os.walk(sandbox.workspace):
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            os.chown(path, *((4242, 4242) if ROOT else (-1, -1)))
    closed = [os.path.join(sandbox.workspace, name) for name in (".git", "a/b", "dark")]
    for path in closed:
        os.chmod(path, 0)
    line = "chmod -R u+rwX .git a dark; echo x > .git/config; echo x > a/b/c; cat dark/secret; echo ran"
    output, errors = sandbox.run(line)
    for path in closed:
        os.chmod(path, 0o755)
    read = lambda name: open(os.path.join(sandbox.workspace, name)).read()
    assert output == "ran\n" and read(".git/config") == read("a/b/c") == "before", output + errors
    for path in closed:
        os.chmod(path, 0)
    assert Sandbox(tmp).run(line)[0] == "beforeran\n" and read(".git/config") == read("a/b/c") == "x\n", "open without"


def test_workspace_replaced_by_a_link(tmp):
    """A workspace inside another: what has become a link to elsewhere is not followed when the next sandbox is built."""
    sandbox = Sandbox(tmp)
    inner, elsewhere = os.path.join(sandbox.workspace, "sub", "inner"), os.path.join(tmp, "elsewhere")
    os.makedirs(inner)
    os.makedirs(os.path.join(elsewhere, "inner"))
    sandbox.command += ["--workspace", inner]
    assert "yes" in sandbox.run(f"cd {inner} && echo yes")[0]
    os.rename(os.path.join(sandbox.workspace, "sub"), os.path.join(sandbox.workspace, "aside"))
    os.symlink(elsewhere, os.path.join(sandbox.workspace, "sub"))
    output, errors = sandbox.run(f"cd {inner} && touch reached; echo ran")
    assert os.listdir(os.path.join(elsewhere, "inner")) == [] and "layer=mounts" in errors, output + errors
