# SPDX-License-Identifier: Apache-2.0
"""Protected paths: what a host, git, an editor or a shell runs by itself out of a workspace."""

import os
import shutil
import subprocess

from attack import attack
from harness import BUILD, PATIENCE, ROOT

PROGRAMS = ["broker", "files", "keeper", "search", "spawner", "web"]


def repository(scene):
    for arguments in (["init", "-q"], ["config", "user.email", "a@b"], ["config", "user.name", "a"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *arguments], cwd=scene.workspace, check=True, env={**scene.environment, "PATH": "/usr/bin:/bin"},
                       capture_output=True)
    subprocess.run(["chmod", "-R", "a+rwX", scene.workspace], check=True)


def git_outside(scene, where=None):
    """What the person does afterwards, outside."""
    subprocess.run(["git", "-c", "safe.directory=*", "status"], cwd=where or scene.workspace, env={**scene.environment, "PATH": "/usr/bin:/bin"},
                   capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return os.path.exists(os.path.join(scene.tmp, "pwned"))


@attack("protected", "read-only mounts")
def hook_of_a_repository(scene):
    repository(scene)
    scene.run("printf '#!/bin/sh\\n' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit")
    return os.path.exists(os.path.join(scene.workspace, ".git/hooks/pre-commit"))


@attack("protected", "read-only mounts")
def program_in_the_config_of_a_repository(scene):
    repository(scene)
    scene.run(f"git config core.fsmonitor 'touch {scene.tmp}/pwned'; printf '[core]\\n\\tfsmonitor = touch {scene.tmp}/pwned\\n' >> .git/config")
    return git_outside(scene)


@attack("protected", "mount points on the way")
def repository_that_is_moved_away(scene):
    repository(scene)
    scene.run("mv .git aside; cp -r aside .git; printf '#!/bin/sh\\n' > .git/hooks/pre-commit")
    return os.path.exists(os.path.join(scene.workspace, ".git/hooks/pre-commit"))


@attack("protected", "read-only mounts")
def hard_link_to_a_protected_file(scene):
    repository(scene)
    scene.run("ln .git/config other && echo evil >> other; ln -f .git/config .git/other && echo evil >> .git/other")
    return "evil" in scene.text("home/project/.git/config")


@attack("protected", "read-only mounts")
def protected_file_by_the_file_tool(scene):
    repository(scene)
    os.symlink(".git", os.path.join(scene.workspace, "by"))
    for path in (".git/hooks/pre-commit", "by/hooks/pre-commit", "./.git/../.git/hooks/pre-commit"):
        scene.serve().write_file(path, "evil")
    return os.path.exists(os.path.join(scene.workspace, ".git/hooks/pre-commit"))


@attack("protected", "read-only mounts")
def settings_of_an_agent(scene):
    for path in (".claude/settings.json", ".vscode/tasks.json", ".mcp.json", ".cursor/mcp.json"):
        scene.in_workspace(path, "{}")
    scene.run("for f in .claude/settings.json .vscode/tasks.json .mcp.json .cursor/mcp.json; do echo evil > $f; rm -f $f; echo evil > $f; done")
    return any("evil" in scene.text(f"home/project/{path}") for path in (".claude/settings.json", ".vscode/tasks.json", ".mcp.json"))


@attack("protected", "chmod on read-only mounts")
def mode_of_a_protected_file(scene):
    repository(scene)
    path = os.path.join(scene.workspace, ".git/config")
    before = os.stat(path).st_mode
    scene.run("chmod 4777 .git/config; chmod 0 .git/config; touch -d 1970-01-02 .git/config")
    return os.stat(path).st_mode != before or os.stat(path).st_mtime < 1e6


@attack("protected", "protected paths")
def protected_path_in_a_closed_directory(scene):
    repository(scene)
    os.chmod(os.path.join(scene.workspace, ".git"), 0)
    os.chmod(scene.directory("home/project/.vscode"), 0)
    scene.run("chmod 777 .git .vscode; echo evil >> .git/config; echo evil > .vscode/tasks.json; mv .git aside; cp -r aside .git; echo evil >> .git/config")
    for name in (".git", ".vscode"):
        os.chmod(os.path.join(scene.workspace, name), 0o777)
    return "evil" in scene.text("home/project/.git/config") + scene.text("home/project/.vscode/tasks.json")


@attack("protected", "hidden file")
def file_in_a_directory_that_is_hidden_as_well(scene):
    path = scene.in_workspace("closed/file", scene.secret)
    scene.serve(policy={"filesystem": {"denyRead": [path, os.path.dirname(path)]}})
    return scene.secret in scene.run("chmod 777 closed; cat closed/file; mv closed open; cat open/file")


@attack("protected", "hidden file")
def file_that_nobody_reads(scene):
    path = scene.in_workspace(".env", scene.secret)
    scene.serve(policy={"filesystem": {"denyRead": [path]}})
    said = scene.run("cat .env; ln .env x; cat x; mv .env y; cat y; cp -r . /tmp/z; cat /tmp/z/.env")
    return scene.secret in said or scene.secret in scene.serve().read_file(".env")


@attack("protected", "read-only workspace")
def workspace_that_is_read_only(scene):
    other = scene.directory("fixed")
    scene.file("fixed/file", "before")
    scene.serve(roots=[scene.workspace, other + ":ro"])
    scene.run(f"echo evil > {other}/file; echo evil > {other}/new; rm -f {other}/file; chmod 777 {other}; mv {other} {other}x")
    scene.serve().write_file(f"{other}/file", "evil")
    return scene.text("fixed/file") != "before" or os.path.exists(os.path.join(other, "new"))


@attack("protected", "protected paths")
def programs_of_the_server(scene):
    """The server is installed below the workspace, as under a home that is one; what is started next is what stands there then."""
    for folder, names in (("bin", ["sallyport"]), ("libexec/sallyport", [f"sallyport-{name}" for name in PROGRAMS])):
        for name in names:
            shutil.copy(os.path.join(BUILD, name), scene.directory(f"home/project/prefix/{folder}"))
            os.chmod(os.path.join(scene.workspace, "prefix", folder, name), 0o777)
    scene.programs = os.path.join(scene.workspace, "prefix/bin")
    scene.helper()
    scene.run("cp helper prefix/bin/sallyport-spawner; cd prefix/libexec/sallyport; for p in *; do cp -f ../../../helper $p; "
              "cp ../../../helper $p.new; mv -f $p.new $p; ln -f ../../../helper $p; rm -f $p; cp ../../../helper $p; done; cd ../..; "
              "mv libexec aside; cp -r aside libexec; cp -f ../helper libexec/sallyport/sallyport-spawner; cd ..; "
              "mv prefix aside; cp -r aside prefix; cp -f helper prefix/libexec/sallyport/sallyport-spawner; cp -f helper prefix/bin/sallyport")
    subprocess.run([os.path.join(scene.workspace, "prefix/bin/sallyport"), "call", "run_command", '{"command": "true"}', "--workspace", scene.tmp],
                   cwd=scene.tmp, env=scene.environment, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=PATIENCE)
    return os.path.exists(os.path.join(scene.tmp, "pwned"))


# ---- ways to another configuration of git ----

EVIL = "printf '[core]\\n\\trepositoryformatversion = 0\\n\\tfsmonitor = touch {tmp}/pwned\\n' > "


@attack("protected", "protected paths")
def hooks_that_are_not_there_yet(scene):
    scene.run("mkdir -p .git/hooks; echo evil > .git/hooks/pre-commit; mkdir -p .vscode; echo evil > .vscode/tasks.json")
    return any("evil" in scene.text(f"home/project/{path}") for path in (".git/hooks/pre-commit", ".vscode/tasks.json"))


@attack("protected", "protected paths")
def common_directory_of_a_repository(scene):
    """.git/commondir names another directory whose config and hooks git obeys."""
    repository(scene)
    scene.run("mkdir evil; cp -r .git/objects .git/refs .git/HEAD evil/; " + EVIL.format(tmp=scene.tmp) + "evil/config; echo ../evil > .git/commondir")
    return git_outside(scene)


@attack("protected", "protected paths")
def bare_repository_around(scene):
    """Where .git is no repository any more git takes the workspace itself for a bare one, with a config that nobody protects."""
    repository(scene)
    scene.run("cp -r .git/objects .git/refs .git/HEAD .; " + EVIL.format(tmp=scene.tmp) + "config; printf '\\tbare = false\\n\\tworktree = .\\n' >> config; rm -f .git/HEAD")
    return git_outside(scene)


@attack("protected", "protected paths")
def protected_file_that_the_person_replaces(scene):
    """An editor saves by renaming a new file over the old one, and the mount that lay over that is gone."""
    repository(scene)
    scene.run("true")
    path = scene.in_workspace("config.new", scene.text("home/project/.git/config"))
    os.rename(path, os.path.join(scene.workspace, ".git/config"))
    scene.run(EVIL.format(tmp=scene.tmp) + ".git/config")
    return git_outside(scene)


@attack("protected", "hidden file")
def hidden_file_that_the_person_replaces(scene):
    path = scene.in_workspace(".env", scene.secret)
    scene.serve(policy={"filesystem": {"denyRead": [path]}})
    scene.run("true")
    os.rename(scene.in_workspace(".env.new", scene.secret), path)
    return scene.secret in scene.run("cat .env")


# ---- what is not there yet ----

@attack("protected", "supervisor")
def settings_that_are_moved_there(scene):
    """Made under another name, in the workspace or outside, and then renamed, linked or copied into the place."""
    scene.run("mkdir made; for f in .mcp.json .bashrc; do echo evil > made/$f; mv made/$f .; done; mkdir code; echo evil > code/tasks.json; mv code .vscode;"
              "mkdir claude; echo evil > claude/settings.json; ln -s claude .claude; cp -r claude .cursor; mv -T claude .idea")
    return any("evil" in scene.text(f"home/project/{path}")
               for path in (".mcp.json", ".bashrc", ".vscode/tasks.json", ".claude/settings.json", ".cursor/settings.json", ".idea/settings.json"))


@attack("protected", "supervisor")
def repository_that_is_made_elsewhere(scene):
    """A whole repository with a configuration of its own takes the place of one that was never there, or is named by a file."""
    scene.run("git init -q made; " + EVIL.format(tmp=scene.tmp) + "made/.git/config; mv made/.git .git || ln -s made/.git .git || echo 'gitdir: made/.git' > .git")
    return git_outside(scene)


@attack("protected", "supervisor")
def path_that_changes_while_it_is_judged(scene):
    """Another process rewrites the path in shared memory between the look at it and the call."""
    scene.in_workspace("race.py", """
import ctypes, mmap, os, signal
libc = ctypes.CDLL(None)
memory = mmap.mmap(-1, 4096)
address = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
memory[:10] = b"free.json\\0"
rewritten, opened = 0, 0
child = os.fork()
while child == 0:
    memory[:10] = b".mcp.json\\0"
    memory[:10] = b"free.json\\0"
    rewritten += 1
    memory[16:24] = rewritten.to_bytes(8, "little")
while not os.path.exists(".mcp.json") and (opened < 3000 or int.from_bytes(memory[16:24], "little") < 300000):
    fd = libc.open(address, os.O_CREAT | os.O_WRONLY, 0o644)
    os.close(fd) if fd >= 0 else None
    opened += 1
os.kill(child, signal.SIGKILL)
""")
    scene.run("/usr/bin/python3 race.py")
    return os.path.exists(os.path.join(scene.workspace, ".mcp.json"))


@attack("protected", "supervisor")
def second_name_that_was_there_before(scene):
    path = scene.in_workspace(".mcp.json", "{}")
    os.link(path, os.path.join(scene.workspace, "other"))
    scene.run("echo evil > other; echo evil >> other; exec 3<other; echo evil > /proc/self/fd/3; truncate -s 1 other")
    return scene.text("home/project/.mcp.json") != "{}"


# ---- repositories beside the workspace's own ----

@attack("protected", "repositories in .git")
def work_tree_elsewhere(scene):
    """A work tree of the person's outside, whose repository is the workspace's: its commondir says whose hooks and config count."""
    repository(scene)
    elsewhere = os.path.join(scene.tmp, "elsewhere")
    subprocess.run(["git", "-c", "safe.directory=*", "worktree", "add", "-q", elsewhere], cwd=scene.workspace, check=True, capture_output=True)
    subprocess.run(["chmod", "-R", "a+rwX", scene.tmp], check=True)
    scene.run("cp -r .git evil; " + EVIL.format(tmp=scene.tmp) + "evil/config; cd .git/worktrees; echo $OLDPWD/evil > elsewhere/commondir || echo ../../../evil > elsewhere/commondir;"
              "cp -r elsewhere other; rm -f other/commondir; echo ../../../evil > other/commondir; rm -rf elsewhere; mv -T other elsewhere")
    return git_outside(scene, elsewhere)


@attack("protected", "repositories in .git")
def submodule_of_a_repository(scene):
    """git looks into submodules whenever it runs in the workspace; their configuration and hooks lie in its .git."""
    repository(scene)
    git = ["git", "-c", "protocol.file.allow=always", "-c", "safe.directory=*"]
    subprocess.run([*git, "submodule", "add", "-q", scene.workspace, "inner"], cwd=scene.workspace, check=True, capture_output=True)
    subprocess.run(["chmod", "-R", "a+rwX", scene.workspace], check=True)
    scene.run("cd .git/modules/inner; echo evil > hooks/pre-commit; mv hooks aside; mkdir hooks; echo evil > hooks/pre-commit; "
              + EVIL.format(tmp=scene.tmp) + "config; mv ../inner ../other; cp -r ../other ../inner; " + EVIL.format(tmp=scene.tmp) + "../inner/config")
    return "evil" in scene.text("home/project/.git/modules/inner/hooks/pre-commit") or "pwned" in scene.text("home/project/.git/modules/inner/config")


@attack("protected", "none")
def repository_below_a_workspace(scene):
    """One that a command has made and entered into the index as if it were a submodule: git looks into it from the workspace's root."""
    repository(scene)
    scene.run("export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'; git init -q below; cd below; git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x; cd ..; git add below; "
              f"git -C below config core.fsmonitor 'touch {scene.tmp}/pwned'")
    if ROOT:  # who runs git in what somebody else owns is asked first
        subprocess.run(["chown", "-R", "0:0", scene.workspace], check=True)
    return git_outside(scene)
