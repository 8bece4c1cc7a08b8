# SPDX-License-Identifier: Apache-2.0
"""Mutants of the supervisor of paths (sandbox/notify/), and of keeper and nannies (sandbox/keeper/)."""

from mutants import Mutant, each_row
from source import skip, swap, swaps
from suites import attacks, escape, hosts, unit, web

NOTIFY, KEEPER = "sandbox/notify/", "sandbox/keeper/"
ABSENT, READ_ONLY, OTHER_NAMES, DOORS = (escape("test_" + name) for name in ("absent", "as_read_only", "other_names", "own_doors"))
HIDDEN = attacks("hidden file that the person replaces")
ALIKE = escape("test_calls_one_by_one")
# Who else would end what somebody did not. A group's end is that of all in it, the spawner's that of its orphans, and a parent's that of who asked for it.
ORPHANS = "sandbox/spawner/orphans.c"
STRANGERS, LAST = ("return sweep_kill(&sweep) == 0;", "return true;"), ("while (sweep_children(&all_others) == -EBUSY)", "while (0)")
GROUP = ("instance->profile == EXECUTOR_SANDBOX ? cgroup_make(&spawner->cgroups, instance->id, &spawner->plan, group)", "0 ? 0")
UNGROUPED = swap("sandbox/spawner/instances.c", *GROUP)
UNSIGNALLED = swap("sandbox/layers/process.c", "if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)", "if (prctl(PR_SET_PDEATHSIG, 0) < 0)")


def handlers():
    def noticed_by(name, _):
        if any(word in name for word in ("socket", "connect", "bind")):
            return web("connected", "Connected.test_both_families_mean_the_same", "Connected.test_listening_and_binding", contained=True)
        return unit("signals") if "kill" in name or "sig" in name else ALIKE
    yield from each_row("supervisor", NOTIFY + "calls.c", "table", noticed_by)


def signals():
    """Where the kernel's Landlock is older than signals."""
    path, heard = NOTIFY + "signals.c", unit("signals")
    yield Mutant("supervisor: anybody may be signalled", skip(path, "is_of_this_call", "true"), heard)
    yield Mutant("supervisor: any group may be signalled", skip(path, "is_in_group", "true"), heard)
    yield Mutant("supervisor: kill is waved through", swap(path, "return target == target_process(call) ? NOTIFY_GO_ON :", "return target ? NOTIFY_GO_ON :"), heard)
    yield Mutant("supervisor: tgkill is waved through", swap(path, "if (process == target_process(call)) return NOTIFY_GO_ON;", "return NOTIFY_GO_ON;"), heard)
    yield Mutant("supervisor: signals with data are waved through", swap(path, "(pid_t)call->arguments[0] == target_process(call) ? NOTIFY_GO_ON : -EPERM", "NOTIFY_GO_ON"), heard)
    yield Mutant("supervisor: pidfds are waved through", skip(path, "call_pidfd_send_signal", "NOTIFY_GO_ON"), heard)


def judging():
    """Every place where a call asks the rules."""
    names, opening = NOTIFY + "names.c", NOTIFY + "open.c"
    yield Mutant("supervisor: mkdir is not judged", swap(names, "if (judge(call, &place, &rule) > RULES_ABOVE)", "if (0)", within="call_mkdir"), ABSENT)
    for call in ("mknod", "symlink"):
        yield Mutant(f"supervisor: {call} is not judged", swap(names, "if (judge(call, &place, &rule) != RULES_FREE)", "if (0)", within=f"call_{call}"), ABSENT + READ_ONLY)
    yield Mutant("supervisor: unlink is not judged", swap(names, "if (verdict > RULES_ABOVE || (verdict == RULES_ABOVE && !is_directory(&place)))", "if (0)"), READ_ONLY + escape("test_replaced"))
    yield Mutant("supervisor: a file on the way may be removed", swap(names, "verdict > RULES_ABOVE || (verdict == RULES_ABOVE && !is_directory(&place))", "verdict > RULES_ABOVE"),
                 escape("test_replaced"))
    yield Mutant("supervisor: a new link is not judged", swap(names, "if (judge(call, to, &rule) != RULES_FREE)", "if (0)"), READ_ONLY + ABSENT)
    yield Mutant("supervisor: what is linked is not judged", skip(names, "judge_source", "RULES_FREE"), OTHER_NAMES + escape("test_replaced"))
    yield Mutant("supervisor: rename is not judged", skip(names, "refuse_rename", "0"), ABSENT)
    yield Mutant("supervisor: the new name of a rename is not judged", swap(names, "verdict = judge(call, to, &rule);", ""), ABSENT)
    yield Mutant("supervisor: the old name of a rename is not judged", swap(names, "enum rules_verdict verdict = judge(call, from, &rule);", "enum rules_verdict verdict = RULES_FREE;"),
                 ABSENT + READ_ONLY)
    yield Mutant("supervisor: opening is not judged", skip(opening, "judge", "0"), ABSENT + escape("test_replaced"))
    yield Mutant("supervisor: opening what is hidden is not judged", swap(opening, "if (verdict == RULES_HIDDEN) {", "if (0) {"), HIDDEN)
    yield Mutant("supervisor: a new file is not judged", swap(opening, "if (rules_judge(&opening->call->notify->rules, place->text, &rule) != RULES_FREE) {", "if (0) {"), ABSENT)
    yield Mutant("supervisor: a file by another name is not judged", skip(opening, "judge_names", "0"), attacks("second name that was there before") + OTHER_NAMES)
    yield Mutant("supervisor: what a descriptor opens is not judged",
                 swap(opening, "result = judge(opening, text, S_ISDIR(status.st_mode));", "result = 0;"), escape("test_replaced") + OTHER_NAMES)
    yield Mutant("supervisor: nor by its other names", swap(opening, "if (result == 0) result = judge_names(opening, &status, text);", "", within="open_object"), OTHER_NAMES + escape("test_replaced"))
    yield Mutant("supervisor: what is there is not judged", swap(opening, "result = judge(opening, place->text, S_ISDIR(status->st_mode));", ""), escape("test_replaced"))
    yield Mutant("supervisor: a nameless file is not judged",
                 swap(opening, "result = judge(opening, text, rules_judge(&opening->call->notify->rules, text, NULL) < RULES_PROTECTED);", ""), escape("test_replaced"))
    yield Mutant("supervisor: truncate is not judged", swap(opening, "result = judge(&opening, text, false);", "result = 0;"), escape("test_replaced") + OTHER_NAMES)
    yield Mutant("supervisor: truncate by another name is not judged", swap(opening, "if (result == 0) result = judge_names(&opening, &status, text);", ""), escape("test_replaced"))
    yield Mutant("supervisor: others' memory can be opened", skip(opening, "is_memory", "false"), escape("test_memory_of_another"))
    yield Mutant("supervisor: a link that comes in between is followed", swap(opening, "return open_name(opening, place, O_NOFOLLOW, 0);", "return open_name(opening, place, 0, 0);"),
                 escape("test_nothing_that_becomes"))
    yield Mutant("supervisor: a link that comes in between is followed to what is there",
                 swap(opening, "return result ? result : open_name(opening, place, O_NOFOLLOW, status->st_mode);", "return result ? result : open_name(opening, place, 0, status->st_mode);"),
                 escape("test_files_that_become"))


def subjects():
    """Modes, owners, times and attributes."""
    subject = NOTIFY + "subject.c"
    replaced = attacks("mode of a protected file that the person replaces")
    outside = attacks("a file outside", mode="container", user=True) + attacks("of a file outside", "program in path", mode="container")
    yield Mutant("supervisor: attributes by another name are not judged", swap(subject, "if (verdict == RULES_FREE && S_ISREG(status.st_mode) && status.st_nlink > 1) {", "if (0) {"), escape("test_replaced"))
    yield Mutant("supervisor: attributes of what is outside are not judged", skip(NOTIFY + "rules.c", "rules_may_change", "true"), outside)
    yield Mutant("supervisor: what lies somewhere lies nowhere", skip(subject, "is_nowhere", "true"), replaced + escape("test_replaced"))
    yield Mutant("supervisor: a removed file is another", swap(subject, "if (length > tail && !strcmp(text + length - tail, DELETED))", "if (0)"), escape("test_replaced"),
                 unseen="only some network file systems say so of files that are there")
    yield Mutant("supervisor: processes are open to the keeper and so to commands", skip(NOTIFY + "open.c", "is_ours_alone", "false"),
                 attacks("directory of a process", "environment of a process", "open file of a process", mode="container", user=True) +
                 attacks("command line of a process", mode="container"))


def reaching():
    """Whose place it is, and what is read of whom."""
    place, target, notify = NOTIFY + "place.c", NOTIFY + "target.c", NOTIFY + "notify.c"
    yield Mutant("supervisor: the keeper's directory is open", skip(place, "is_ours", "false"), DOORS)
    yield Mutant("supervisor: magic links lead to the keeper's things", swap(place, "call_openat2(base, path, DIRECTORY, RESOLVE_NO_MAGICLINKS);", "call_openat2(base, path, DIRECTORY, 0);"), DOORS)
    yield Mutant("supervisor: magic links are followed to objects", swap(place, "fd = call_openat2(place->parent, place->name, O_PATH | O_CLOEXEC, RESOLVE_NO_MAGICLINKS);",
                                                                        "fd = call_openat2(place->parent, place->name, O_PATH | O_CLOEXEC, 0);"), escape("test_own_descriptors"))
    yield Mutant("supervisor: /proc/self is the keeper", swap(place, "if ((self || thread) && at_proc_root(walk->at)) {", "if (0) {"), escape("test_own_descriptors"))
    yield Mutant("supervisor: places too deep to be spelled are not judged", swap(place, "for (int i = 0; i < PATH_MAX && result == -ENAMETOOLONG; i++) {", "if (result == -ENAMETOOLONG) return snprintf(text, PATH_MAX, \"/\") < 0; for (int i = 0; 0; i++) {"), escape("test_deep"))
    yield Mutant("supervisor: who waits is not asked whether it still does", skip(target, "target_valid", "0"), unit("target"))
    yield Mutant("supervisor: commands are waved through", swap(notify, "if (call.thread == client->nanny || notify->nursery->looking[index]) {", "if (1) {"), ABSENT)
    yield Mutant("supervisor: the umask of one command is another's", skip(target, "target_umask", "0"), escape("test_modes"))
    yield Mutant("supervisor: denials are not bounded", swap(notify, "if (++call->client->denials > LIMIT_NOTIFY_DENIALS)", "if (0)"), escape("test_storm"))
    yield Mutant("supervisor: the callers that wait are not bounded", swap(notify, "if (notify->later_count < LIMIT_NOTIFY_WAITING) {", "if (1) {"), escape("test_killed_while_waiting"))
    yield Mutant("supervisor: none although something is protected", skip(notify, "is_needed", "false"), ABSENT)
    rules = NOTIFY + "rules.c"
    yield Mutant("supervisor: letters are told apart where the file system does not", skip(rules, "folds", "false"), unit("notify_rules"))
    yield Mutant("supervisor: what cannot be looked at is taken for telling letters apart", swap(rules, "if (fd < 0 || fstatfs(fd, &fs) < 0) return true;", "if (fd < 0 || fstatfs(fd, &fs) < 0) return false;"),
                 unit("notify_rules"))
    yield Mutant("supervisor: directories that fold letters are not asked", swap(rules, "return ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & CASEFOLD);", "return false;"), unit("notify_rules"))
    yield from each_row("supervisor: file systems that fold letters,", rules, "folds/types", unit("notify_rules"))
    yield from each_row("supervisor: what is shown,", rules, "is_shown/system", unit("notify_rules"))
    yield Mutant("supervisor: second names are not known", skip(rules, "rules_same_file", "NULL"), attacks("second name that was there before"))


def attributes():
    """What is changed of files without opening them, and by which names."""
    outside = attacks("of a file outside", "program in path", mode="container")
    replaced, subject = attacks("mode of a protected file that the person replaces"), NOTIFY + "subject.c"
    yield Mutant("supervisor: attributes are not judged", skip(subject, "subject_judge", "0"), outside)
    yield Mutant("supervisor: attributes of what is protected are not judged", skip(subject, "judge_text", "RULES_FREE"), replaced + escape("test_replaced"))
    yield Mutant("supervisor: a hidden file's other names are not known",
                 swap(NOTIFY + "rules.c", "if (rule->inode == inode && rule->device == device && inode)", "if (0)"), attacks("hidden file by every name"))
    yield Mutant("supervisor: what leads to a read-only workspace may be moved", skip(NOTIFY + "rules.c", "add_read_only", "0"),
                 attacks("read only workspace inside") + attacks("read only workspace inside", mode="container"))


def keeping():
    """Nothing of a call outlives it; what keeper and nannies hold."""
    nanny, nannies, launch, sweep = KEEPER + "nanny.c", KEEPER + "nannies.c", KEEPER + "launch.c", KEEPER + "sweep.c"
    keeper = KEEPER + "main.c"
    over = escape("test_survivors")
    yield Mutant("a nanny does not kill what is left", skip(nanny, "end_all"), over)
    yield Mutant("daemons do not fall to their nanny", swap(nanny, "if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)", "if (0)"), over)
    yield Mutant("only a nanny's own children are killed", swap(sweep, "add_children(sweep, &found, found.list[i]);", ""), escape("test_fork_bombs") + over)
    swept = hosts("profiles::test_what_a_nanny_leaves_that_was_killed_is_swept")
    yield Mutant("the keeper does not sweep orphans", skip(nannies, "sweep_orphans"), swept)
    yield Mutant("the keeper does not say what it swept", skip(nannies, "tell_swept"), swept)
    yield Mutant("what cannot be swept is not killed at a stroke", swap(nannies, "} else if (sweep_children(&sweep) < 0) {", "} else if (sweep_children(&sweep) < 0 && 0) {"),
                 hosts("profiles::test_what_a_nanny_leaves_that_was_killed_is_swept[full]"), given=swap(sweep, "round < LIMIT_SWEEP_ROUNDS", "round < 0"))
    # each where nothing else would end it: the kernel's signal is not asked for, nor the other's end heard, nor are nannies counted that end at once
    spawners = ("result = keeper_watch(keeper, SETUP_SOCKET, 0, WATCH_END, 0);", "result = 0;")
    frontends = ("result = keeper_watch(keeper, keeper->nanny.door, 0, WATCH_END, 0);", "result = 0;")
    deaths = ("while (keeper->deaths < LIMIT_NANNY_DEATHS) {", "while (1) {")
    yield Mutant("the keeper does not end with the spawner", swaps(keeper, spawners, frontends, deaths), escape("test_killed_spawner"),
                 given={**UNSIGNALLED, **swaps(keeper, frontends, deaths)})
    yield Mutant("the keeper does not end with the frontend", swaps(keeper, spawners, frontends, deaths), escape("test_stopped_spawner"),
                 given={**UNSIGNALLED, **UNGROUPED, **swaps(keeper, spawners, deaths)})
    yield Mutant("without namespaces a keeper leaves what it has", swap(keeper, "if (!keeper.namespaced) nannies_end(&keeper);", ""),
                 hosts("profiles::test_nothing_outlives_who_of_ours_was_killed"))
    alone = {**swaps(ORPHANS, STRANGERS, LAST), **UNGROUPED}  # or the spawner ends what they leave
    yield Mutant("without namespaces orphans do not fall to the keeper", swap(keeper, "prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ||", ""), swept, given=alone)
    yield Mutant("without namespaces a nanny outlives its keeper", swap(nanny, "if (nanny->keeper && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != nanny->keeper))", "if (0)"),
                 hosts("profiles::test_a_stopped_nanny_does_not_outlive_its_keeper"),
                 given=alone)
    yield Mutant("a command has what its nanny has open", swap(launch, "syscall(SYS_close_range, 3u, ~0u, 0) < 0", "0"), escape("test_descriptors") + hosts("order"))
    yield Mutant("a command is of its nanny's session", swap(launch, "if (setsid() < 0)", "if (0)"), hosts("order::test_a_call_leaves_everything_behind"))
    yield Mutant("a command's signals are blocked", swap(launch, "sigprocmask(SIG_SETMASK, &none, NULL);", ""), hosts("taken_over::test_what_the_host_set_for_itself_does_not_reach_commands"))
    yield Mutant("a command may have as many files as the keeper", swap(nanny, "if (files.rlim_max > nanny->files) files.rlim_max = nanny->files;", ""), attacks("more files") + hosts("limits"))
    yield Mutant("a nanny does not hear the end of its call", swap(nanny, "else call->off = true;", ""), escape("test_other_orders") + hosts("calls::test_a_cancelled_call_is_not_answered_and_ends"))


def terminals():
    """Where they are the machine's they are for us alone; what a nanny says of those who wait is what the kernel says."""
    opening, terminal, state = NOTIFY + "open.c", "sandbox/keeper/terminal.c", "sandbox/keeper/state.c"
    yield Mutant("supervisor: terminals are open to the keeper and so to commands", skip(opening, "is_terminal", "false"), escape("test_terminals_of_others"))
    yield Mutant("supervisor: another's terminal is one's own", swap(opening, "status->st_rdev == target_terminal_number(opening->call)", "1"), escape("test_terminals_of_others"))
    yield Mutant("commands may open terminals of the machine", swap("sandbox/layers/landlock_reading.c", "return result == 0 ? allow_private(landlock) : result;",
                                                                    "return result == 0 ? landlock_allow_terminals(landlock) : result;"), escape("test_terminals_of_others"))
    yield Mutant("what a terminal still holds at the end is lost", swap(terminal, "take(&terminal->shown, terminal->master) <= 0)", "true)"), escape("test_much_output"))
    yield Mutant("the end of input is typed once within a line too", swap(terminal, "terminal->within_line ? 2 : 1", "1"), escape("test_end_of_input"))
    yield from each_row("terminals of the machine,", "sandbox/layers/landlock_reading.c", "places", escape("test_terminal"))
    yield from each_row("a call that waits for input,", state, "waiting", escape("test_calls_that_wait"))
    yield Mutant("any descriptor is the input", skip(state, "is_input", "true"), escape("test_waits"))


PARTS = [handlers, signals, judging, subjects, reaching, attributes, keeping, terminals]
