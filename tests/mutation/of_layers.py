# SPDX-License-Identifier: Apache-2.0
"""Mutants of the layers (sandbox/build.c, sandbox/layers/) and of the profiles that say who has which."""

import re

from mutants import Mutant, each_row
from source import cut, read, skip, swap
from suites import attacks, escape, hosts, unit, web

LAYERS = "sandbox/layers/"
ORDER = hosts("order")
WALLS = escape("test_walls")
# Landlock as kernels before Linux 6.2 have it: what it lacks is closed by filters there.
OLD_LANDLOCK = swap(LAYERS + "landlock_abi.c", "return abi < 0 ? -errno : abi;", "return abi < 0 ? -errno : abi > 2 ? 2 : abi;")
TRUNCATION, SIGNALS = attacks("cut short", mode="minimal"), attacks("signal by fcntl", mode="container", user=True)
# as a user: commands of root's act as somebody who may not signal the victim in any case
KILLING = attacks("kill a process", "kill the servers own processes", mode="container", user=True)

BY_LAYER = {
    ("network", 1): escape("test_network"), ("network", 2): web("connected", "Connected.test_both_families_mean_the_same", contained=True), ("mounts", 1): escape("test_view"), ("workspaces", 1): attacks("write file by a link", mode="container"),
    ("namespaces", 1): WALLS + ORDER, ("identity", 1): escape("test_identity"), ("resources", 1): escape("test_limits"),
    ("landlock", 1): ORDER, ("seccomp", 1): TRUNCATION, ("seccomp", 2): escape("test_system_calls"),
}


def order():
    for mutant in each_row("layers", "sandbox/build.c", "order", lambda name, again: BY_LAYER.get((name, again), ORDER)):
        if mutant.name.endswith("seccomp"):
            mutant.given = OLD_LANDLOCK
        yield mutant


# Who in sandbox/profile.c is shown to have its walls by which tests.
OF_COMMANDS = {"FULL": escape("test_system_calls"), "CONTAINER": attacks("System V shared memory", "datagram to the machine", mode="container"),
               "MINIMAL": attacks("System V shared memory", "datagram to the machine", mode="minimal")}
BY_PROFILE_LAYER = {
    "LAYER_NETWORK": escape("test_network"), "LAYER_MOUNTS": escape("test_view"), "LAYER_NAMESPACES": WALLS + hosts("walls"),
    "LAYER_SUPERVISOR": attacks("hooks that are not there yet") + attacks("hook of a repository", mode="container"),
    "LAYER_PRIVATE": attacks("another caller's files", mode="container") + hosts("profiles"), "LAYER_GAPS": SIGNALS + TRUNCATION,
    "LAYER_REACH": web("connected", "Connected.test_both_families_mean_the_same", contained=True),
    "LAYER_SIGNALS": KILLING, "LAYER_WORKSPACES": hosts("profiles"),
}


def profiles():
    """Each layer, namespace and filter of each row given up."""
    path = "sandbox/profile.c"
    text = read(path)
    for flag in ("NS", "PID", "IPC", "UTS"):
        yield Mutant(f"profiles without CLONE_NEW{flag}", swap(path, f"CLONE_NEW{flag}{' | ' if flag != 'UTS' else ''}", "0 |" if flag != "UTS" else "0"),
                     WALLS + hosts("walls"))
    begin = text.index("profiles[CONFINEMENT_COUNT]")
    for row in re.finditer(r"\{(SANDBOX|FILES|SEARCH|WEB|BROKER), \.confinement = CONFINEMENT_(\w+),[^{}]*\}", text[begin:]):
        who = f"profile {row[2].lower()} of {row[1].lower()}"
        suites = OF_COMMANDS[row[2]] if row[1] == "SANDBOX" else hosts(f"walls::test_filters[{row[1].lower()}-{row[2].lower()}]")
        for found in re.finditer(r"(LAYER_\w+)|CLONE_NEWNET|FILTER_\w+", row[0]):
            at = begin + row.start() + found.start()
            end = at + len(found[0])
            if found[0].startswith("FILTER_"):
                yield Mutant(f"{who} with the spawner's filter", cut(path, at, end, "FILTER_SPAWNER"), suites)
            elif found[0] == "CLONE_NEWNET":
                yield Mutant(f"{who} without a network namespace", cut(path, at, end, "0"), WALLS if row[1] == "SANDBOX" else hosts("walls"))
            else:
                old = {"LAYER_GAPS": OLD_LANDLOCK, "LAYER_SIGNALS": OLD_LANDLOCK}.get(found[0])
                among = BY_PROFILE_LAYER[found[0]] if row[1] == "SANDBOX" else hosts("walls", "profiles")
                yield Mutant(f"{who} without {found[0]}", cut(path, at, end, "0"), among, given=old)
    yield Mutant("commands of root's acting as a stranger or the owner", swap(path, ".workspace_owner = true, .keep_setup = true", ".keep_setup = true"),
                 escape("test_owner_is"))
    yield Mutant("commands with the limits of programs", swap(path, ".command_limits = true, ", ""), escape("test_limits"))
    yield Mutant("commands with the host's stderr", swap(path, ".keep_setup = true, .command_limits", ".keep_setup = true, .keep_stderr = true, .command_limits"), ORDER)


def process():
    path = LAYERS + "process.c"
    yield Mutant("parent: no signal at its end", swap(path, "if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)", "if (0)"), ORDER)
    yield Mutant("parent: one that is gone is not noticed", swap(path, "if (poll(&spawner, 1, 0) > 0 &&", "if (0 &&"), ORDER)
    yield Mutant("session: signals stay blocked", swap(path, "sigprocmask(SIG_SETMASK, &none, NULL);", ""), ORDER)
    yield Mutant("session: the umask is the host's", swap(path, "umask(022);", ""), hosts("taken_over::test_what_the_host_set_for_itself_does_not_reach_commands") + ORDER)
    yield Mutant("session: signals stay ignored", swap("sandbox/spawner/main.c", "signal(number, SIG_DFL);", ";"),
                 hosts("taken_over::test_what_the_host_set_for_itself_does_not_reach_commands"))
    yield Mutant("session: none of its own", swap(path, "if (setsid() < 0)", "if (0)"), ORDER)
    yield Mutant("descriptors: none is closed", swap(path, "if (syscall(SYS_close_range, (unsigned)next, ~0u, 0) < 0)", "if (0)"), ORDER)
    yield Mutant("descriptors: stderr stays", swap(path, "if (!context->profile->keep_stderr &&", "if (0 &&"), ORDER)
    yield Mutant("privileges: new ones are to be had", swap(path, "if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)", "if (0)"), ORDER)
    yield Mutant("privileges: memory can be read", swap(path, "if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)", "if (0)"), ORDER)


def identity():
    path = LAYERS + "identity.c"
    who = escape("test_identity")
    yield Mutant("identity: the bounding set stays", skip(path, "drop_bounding_set", "0"), who)
    yield Mutant("identity: capabilities stay", swap(path, "if (syscall(SYS_capset, &header, none) < 0)", "if (0)"), ORDER)
    yield Mutant("identity: ambient capabilities stay", swap(path, "if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)", "if (0)"), ORDER)
    yield Mutant("identity: root's groups stay", swap(path, "if (setgroups(0, NULL) < 0)", "if (0)"), ORDER)
    yield Mutant("identity: root's gid stays", swap(path, "if (setresgid(executor->gid, executor->gid, executor->gid) < 0)", "if (0)"), ORDER)
    yield Mutant("identity: root's uid stays", swap(path, "if (setresuid(executor->uid, executor->uid, executor->uid) < 0)", "if (0)"), who)
    yield Mutant("identity: root's uid stays and nobody looks", {**swap(path, "if (setresuid(executor->uid, executor->uid, executor->uid) < 0)", "if (0)"),
                                                               **{path: swap(path, "if (setresuid(executor->uid, executor->uid, executor->uid) < 0)", "if (0)")[path]
                                                                  .replace("real != context->executor->uid", "0").replace("real == 0 && context->profile->namespaces", "0")
                                                                  .replace("return real == 0 ? check_root_is_harmless(context) : 0;", "return 0;")}}, who)
    yield Mutant("identity: root is taken for harmless", skip(path, "check_root_is_harmless", "0"), hosts("profiles::test_workspace_of_roots_needs_root_who_could_write_more"))
    for mutant in each_row("what root must not write", path, "check_root_is_harmless/paths", hosts("root_in_a_container")):
        mutant.needs = "/proc/sysrq-trigger" if "sysrq" in mutant.name else None  # a kernel without it has nothing that could be tried
        yield mutant
    yield Mutant("identity: no namespace of users for root's sandboxes", skip(path, "layer_namespaces", "0"), WALLS + ORDER)
    path = "sandbox/spawner/identity.c"
    yield Mutant("whose files: root's uid for a workspace of root's", swap(path, "if (owner.st_uid != 0)", ""), escape("test_owner_is_root"))
    yield Mutant("whose files: root's gid for a workspace of root's", swap(path, "if (owner.st_gid != 0)", ""), escape("test_identity"))
    yield Mutant("whose files: a stranger's for all", swap(path, "identity->uid = owner.st_uid;", ";"), escape("test_owner_is_an_ordinary_user"))
    yield Mutant("id maps: groups may be set", swap(path, "if (!identity->privileged)", "if (0)", within="identity_map"), escape("test_identity", user=True))
    yield Mutant("id maps: files are not shown as ours", skip(LAYERS + "mounts.c", "show_as_ours", "0"), escape("test_owner_is_root", "test_second_workspace"))


LIMITS = {"RLIMIT_CORE": escape("test_crash_handlers"), "RLIMIT_NOFILE": ORDER, "RLIMIT_NPROC": escape("test_limits"),
          "RLIMIT_FSIZE": attacks("larger file"), "RLIMIT_DATA": attacks("more memory")}


def resources():
    path = LAYERS + "resources.c"
    yield from each_row("limits", path, "limits", lambda name, _: LIMITS.get(name, escape("test_scheduling_and_kernel_memory") + ORDER))
    yield Mutant("limits: of commands a soft one only", swap(path, "{.rlim_cur = value, .rlim_max = value}", "{.rlim_cur = value, .rlim_max = present.rlim_max}"),
                 attacks("more files") + escape("test_scheduling_and_kernel_memory"))
    yield Mutant("limits: commands have as many files as who sends them some", skip(path, "files_limit", "context->profile->files ? context->profile->files : 1u << 20"),
                 hosts("limits::test_commands_have_fewer_files_than_who_sends_them_some"))
    path = "sandbox/spawner/start.c"
    yield Mutant("commands are not taken first when memory ends", skip(path, "be_taken_first"), escape("test_scheduling_and_kernel_memory"))
    yield Mutant("executors share standard descriptors",
                 swap(path, "open(\"/proc/self/fd/2\", O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC)", "fcntl(2, F_DUPFD_CLOEXEC, 0)"),
                 hosts("taken_over::test_no_flag_of_an_executors_standard_descriptors_reaches_another"))


def mounts():
    path = LAYERS + "mounts.c"
    yield Mutant("view: mounts go out to the machine", swap(path, "if (old < 0 || call_mount_setattr(old, AT_RECURSIVE, &private) < 0)", "if (0)"), ORDER)
    for what in ("MOUNT_ATTR_NOSUID", "MOUNT_ATTR_NODEV"):
        yield Mutant(f"view: own places without {what}", swap(path, "(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)",
                                                              f"({'MOUNT_ATTR_NODEV' if what.endswith('SUID') else 'MOUNT_ATTR_NOSUID'})"), WALLS)
        view = LAYERS + "view.c"
        yield Mutant(f"view: what is shown without {what}", swap(view, "MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (place->write",
                                                                 f"{'MOUNT_ATTR_NODEV' if what.endswith('SUID') else 'MOUNT_ATTR_NOSUID'} | (place->write"),
                     attacks("set uid program of the persons") + WALLS)
    yield Mutant("view: the system can be written", swap(LAYERS + "view.c", "(place->write ? 0 : MOUNT_ATTR_RDONLY)", "0"), WALLS)
    yield Mutant("view: its root can be written", swap(path, "if (call_mount_setattr(root, 0, &readonly) < 0)", "if (0)"), WALLS)
    yield Mutant("view: the old root stays", swap(path, "if (syscall(SYS_umount2, \".\", MNT_DETACH) < 0)", "if (0)"), ORDER)
    yield Mutant("view: a link is followed to what is shown", swap(path, "RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS", "0"), hosts("walls::test_a_workspace_that_became_a_link"))
    yield Mutant("view: no bound on own places", swap(path, "{\"size\", size}, {\"nr_inodes\", count}", "{\"size\", \"50%\"}, {\"nr_inodes\", count}"), escape("test_full_places"))
    yield Mutant("view: no bound on files in own places", swap(path, "{\"size\", size}, {\"nr_inodes\", count}", "{\"size\", size}"), escape("test_full_places"))
    yield Mutant("files: what is read-only can be written", swap(path, "(write ? 0 : MOUNT_ATTR_RDONLY)", "0"), WALLS + hosts("walls"))
    yield Mutant("search: what the files executor writes can be written", swap(path, "plan->workspaces[i].write && !context->profile->read_only", "plan->workspaces[i].write"), hosts("walls"))
    yield Mutant("files: programs could be run", swap(path, "MOUNT_ATTR_NOEXEC | (write", "(write"), hosts("walls"))
    yield Mutant("files: nothing is protected by mounts", swap(path, "return context->profile->read_only ? 0 : protect_paths(context, root);", "return 0;"), hosts("walls"))
    path = LAYERS + "view.c"
    yield Mutant("view: nothing is hidden", skip(path, "view_hide", "0"), WALLS)
    yield Mutant("view: what is hidden in a closed directory is not", skip(path, "hide_unsearchable", "0"), escape("test_walls", user=True))
    yield Mutant("view: what is hidden can be written over", swap(path, "attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID", "attributes = MOUNT_ATTR_NOSUID"), WALLS)
    yield Mutant("view: nothing is protected by mounts", swap(path, "result = protect_paths(context, root);", ";"), WALLS)
    yield Mutant("view: a link is followed to where something is put", swap(path, "RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS", "RESOLVE_IN_ROOT"), WALLS,
                 unseen="mount_clone has refused the link before: it would have to come in the microseconds between")
    path = LAYERS + "protect.c"
    yield Mutant("protected: a file on the way can be changed", swap(path, "readonly = readonly || !S_ISDIR(status.st_mode);", ""), WALLS)
    yield Mutant("protected: directories on the way can be moved", swap(path, "result = mount_over_itself(context, root, path, false);", "result = 1;"), WALLS)
    yield Mutant("protected: not what a closed directory holds", skip(path, "protect_unsearchable", "0"), escape("test_walls", user=True))
    yield Mutant("protected: not what is named absolutely", skip(path, "protect_absolute", "0"), WALLS)
    path = LAYERS + "view_kernel.c"
    yield Mutant("view: /dev can be written", swap(path, "if (call_mount_setattr(tree, 0, &readonly) < 0)", "if (0)"), WALLS)
    yield from kernel_rows(path)


def kernel_rows(path):
    """Files of /proc that this kernel has not cannot be covered here; another kernel's run shows them."""
    for table in ("readonly", "hidden"):
        for mutant in each_row(f"view: {table} in /proc", path, f"view_processes/{table}", WALLS):
            mutant.needs = "/" + mutant.name.split()[-1]
            yield mutant


def landlock():
    path = LAYERS + "landlock.c"
    inside = lambda *names: attacks(*names, mode="container")
    yield Mutant("landlock: what it may say of files is nothing", swap(path, "#define FS_ALL_ABI_1 ((1u << 13) - 1)", "#define FS_ALL_ABI_1 0"), inside("key in the home"))
    yield Mutant("landlock: renaming across directories", swap(path, "attributes.fs |= abi >= 2 ? FS_REFER : 0;", ""), unit("landlock") + ORDER)
    yield Mutant("landlock: truncation", swap(path, "attributes.fs |= abi >= 3 ? FS_TRUNCATE : 0;", ""), TRUNCATION + ORDER)
    yield Mutant("landlock: devices", swap(path, "attributes.fs |= abi >= 5 ? FS_IOCTL_DEV : 0;", ""), unit("landlock") + ORDER)
    yield Mutant("landlock: TCP", swap(path, "NET_BIND_TCP | (profile->executor == EXECUTOR_BROKER ? 0 : NET_CONNECT_TCP)", "0"), unit("landlock") + ORDER)
    yield Mutant("landlock: abstract sockets", swap(path, "SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;", "SCOPE_SIGNAL;"), unit("landlock") + ORDER)
    yield Mutant("landlock: signals", swap(path, "SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;", "SCOPE_ABSTRACT_UNIX_SOCKET;"), unit("landlock") + KILLING)
    yield Mutant("landlock: all is a command's to write", swap(path, "landlock_allow(landlock, \"/\", FS_READ | FS_EXECUTE);", "landlock_allow(landlock, \"/\", FS_OWN | FS_EXECUTE);"),
                 unit("landlock") + ORDER)
    yield Mutant("landlock: files of read-only workspaces", swap(path, "FS_READ | (write ? FS_CHANGE : 0)", "FS_READ | FS_CHANGE"),
                 unit("landlock") + hosts("profiles"))
    yield Mutant("landlock: search may write", swap(path, "executor->plan.workspaces[i].write && !landlock->context->profile->read_only", "executor->plan.workspaces[i].write"), unit("landlock"))
    yield Mutant("landlock: a link is followed to what is allowed", swap(path, "RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS", "0"), unit("landlock"))
    path = LAYERS + "landlock_reading.c"
    yield Mutant("landlock: what is hidden can be read", skip(path, "is_hidden", "false"), hosts("profiles::test_what_is_hidden_of_the_system_cannot_be_read"))
    yield Mutant("landlock: a policy that it cannot keep is half obeyed",
                 swap(path, "return refuse(landlock, \"filesystem.denyRead inside a writable place\", hidden_in(plan, path));", ";"),
                 hosts("profiles::test_what_cannot_be_kept_is_refused"))
    yield Mutant("landlock: protected paths that it cannot keep are half obeyed", swap(path, "i < plan->protect_count", "false"),
                 hosts("profiles::test_what_cannot_be_kept_is_refused"))
    yield Mutant("landlock: hidden below what is read", skip(path, "hidden_in", "NULL"), hosts("profiles"))
    yield Mutant("landlock: a read-only workspace inside a writable one",
                 swap(path, "if (!plan->workspaces[i].write && path_within(plan->workspaces[i].path, path))", "if (0)"),
                 attacks("read only workspace inside", mode="minimal") + hosts("profiles::test_a_read_only_workspace_inside_what_is_written"))
    yield Mutant("landlock: commands stay in the keeper's domain", swap("sandbox/keeper/launch.c", "if (launch->ruleset >= 0) {", "if (0) {"),
                 inside("kill the servers own processes", "directory of a process") + hosts("profiles"))
    yield Mutant("landlock: commands signal by number before ABI 6", swap("sandbox/keeper/main.c", "profile->layers & LAYER_SIGNALS && landlock_abi() < LANDLOCK_ABI_SIGNALS", "false"),
                 KILLING, given=OLD_LANDLOCK)
    for mutant in each_row("gaps of Landlock", LAYERS + "gaps.c", "gaps", lambda name, _: TRUNCATION if "truncation" in name else SIGNALS):
        mutant.given = OLD_LANDLOCK
        yield mutant


PARTS = [order, profiles, process, identity, resources, mounts, landlock]
