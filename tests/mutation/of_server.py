# SPDX-License-Identifier: Apache-2.0
"""Mutants of what stands around the sandbox: the spawner's choices and groups, callers and their bounds, what the frontend believes, and the policy."""

from mutants import Mutant, each_row
from of_supervisor import GROUP, LAST, ORPHANS, STRANGERS, UNGROUPED, UNSIGNALLED
from source import skip, swap, swaps
from suites import attacks, escape, hosts, unit

SPAWNER, SERVER, POLICY = "sandbox/spawner/", "server/", "server/policy/"
PROFILES = hosts("profiles")


def choice():
    path = SPAWNER + "choice.c"
    yield Mutant("choice: what may pass by itself lowers it", skip(path, "may_pass", "false"), unit("choice"))
    yield from each_row("choice: what may pass by itself,", path, "may_pass/codes", unit("choice"))
    yield Mutant("choice: any failure lowers it", swap(path, "profile_has(from, failure->layer) && !profile_has(lower, failure->layer);", "true;"), PROFILES + unit("choice"))
    yield Mutant("choice: below what the policy requires", swap(path, "spawner->confinement < spawner->plan.require_profile &&", ""), PROFILES)
    yield Mutant("choice: below what has stood", swap(path, "!spawner->choice.settled &&", ""), unit("choice"))
    yield Mutant("choice: without trying a bare sandbox", swap(path, "if (next.confinement >= spawner->confinement) { try_bare(spawner);", "if (next.confinement >= spawner->confinement) { spawner->confinement++;"),
                 unit("choice") + PROFILES)
    yield Mutant("choice: layers that the policy requires may be missing", skip(path, "choice_missing_layer", "NULL"), PROFILES)
    yield Mutant("choice: a group that the policy requires may be missing", swap(path, "return cgroups->base >= 0 && cgroups->memory && cgroups->pids && (cgroups->cpu || !spawner->plan.cpu_thousandths);", "return true;"),
                 unit("choice"))
    path = SPAWNER + "starts.c"
    yield Mutant("starts: all at once", skip(path, "may_begin", "true"), unit("starts"))
    yield Mutant("starts: one that is to be tried with less is left", swap(path, "may_begin(spawner); choice_run(spawner))", "may_begin(spawner);)"), unit("starts"))
    yield Mutant("starts: more wait than the table holds", swap(path, "if (spawner->count + starts->count >= LIMIT_INSTANCES) return -EMFILE;", ""), unit("starts"))
    path = SPAWNER + "setup.c"
    yield Mutant("starts: who hangs is not killed", skip(path, "may_go_on", "true"), unit("starts"))
    yield Mutant("starts: who is slow is killed", skip(path, "may_go_on", "false"), unit("starts"))
    yield Mutant("starts: who is slow may be so for ever", swap(path, "worked <= instance->worked || now >= instance->latest", "worked <= instance->worked"), unit("starts"))
    yield Mutant("starts: who stands is killed for being late", swap(path, "if (spawner->instances[i].deadline <= now) instance_serve(spawner, i);", ""), unit("starts"))
    yield from each_row("choice: layers that not all have,", "sandbox/profile.c", "optional", unit("choice") + PROFILES)
    yield Mutant("choice: every profile has every layer", skip("sandbox/profile.c", "profile_has", "true"), PROFILES)


def groups():
    path = SPAWNER + "cgroup.c"
    bounds = unit("cgroup_bounds")
    yield Mutant("groups: memory is not bounded", skip(path, "bound_memory", "0"), bounds)
    yield Mutant("groups: swap is not bounded", swap(path, "result = put(group, \"memory.swap.max\", 0);", "result = 0;"), bounds)
    yield Mutant("groups: processes are not bounded", swap(path, "result = put(group, \"pids.max\", plan->command_processes);", "result = 0;"), bounds)
    yield Mutant("groups: processor time is not bounded", skip(path, "bound_cpu", "0"), bounds)
    yield Mutant("groups: memory beyond what there is", swap(path, "return plan->memory_bytes < there ? plan->memory_bytes : there;", "return plan->memory_bytes;"), bounds)
    yield Mutant("groups: all of the machine's memory", swap(path, "return there / 4 * 3;", "return there;"), bounds)
    yield Mutant("groups: nothing is killed in them", skip(path, "cgroup_kill"), bounds)
    yield Mutant("groups: what is left is not killed", swap(path, "if (all) cgroup_write(cgroups->base, path, \"1\");", ""), bounds)
    yield Mutant("groups: names that are not ours", swap(path, "strspn(entry->d_name, \"0123456789-\") != strlen(entry->d_name)", "0"), bounds)
    yield Mutant("groups: nobody is born in one", swap(SPAWNER + "start.c", "pid_t pid = cgroup < 0 ? -1 :", "pid_t pid = 1 ? -1 :"), hosts("order::test_a_sandbox_is_born_in_its_group"))
    yield Mutant("groups: who is not born in one is not moved", swap(SPAWNER + "start.c", "if (pid > 0 && cgroup >= 0) *entered = cgroup_enter(cgroup, pid);", ""), hosts("groups"))


def private():
    path = SPAWNER + "private.c"
    yield Mutant("private places: everybody may enter", swap(path, "if (fchmod(lock, uid == geteuid() ? 0700 : 0711) < 0)", "if (fchmod(lock, 0755) < 0)"), unit("private"))
    yield Mutant("private places: one of somebody else's is taken", swap(path, "if (status.st_uid != geteuid()) return -EPERM;", ""), unit("private"))
    yield Mutant("private places: one that is in use is removed", swap(path, "return flock(lock, LOCK_EX | LOCK_NB) < 0 ? -errno : steal_fd(&lock);", "return steal_fd(&lock);"), unit("private"))
    yield Mutant("private places: links are followed", swap(path, "O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC", "O_RDONLY | O_DIRECTORY | O_CLOEXEC"), unit("private"))
    yield Mutant("private places: stay when the sandbox ends", skip(SPAWNER + "orphans.c", "orphans_remove_private"), PROFILES)
    killed = hosts("profiles::test_nothing_outlives_who_of_ours_was_killed")
    yield Mutant("orphans of a killed keeper live on", swaps(ORPHANS, STRANGERS, LAST), killed, given={**UNGROUPED, **swap(ORPHANS, *LAST)})
    yield Mutant("orphans of a killed keeper do not fall to the spawner", skip(SPAWNER + "orphans.c", "orphans_adopt", "0"), killed, given=UNGROUPED)
    path = SPAWNER + "ahead.c"
    starts = unit("starts") + escape("test_the_next_sandbox_is_built_ahead")
    yield Mutant("sandboxes: one built ahead is who the workspace's owner was", skip(path, "is_current", "true"), starts)
    yield Mutant("sandboxes: one built ahead is somebody's and another's", swap(path, "instance->purpose = INSTANCE_SERVE;", ""), starts)
    path = SPAWNER + "instances.c"
    yield Mutant("a sandbox is not killed when it is to be", swaps(path, GROUP, ("if (instance->profile == EXECUTOR_SANDBOX) cgroup_kill(&spawner->cgroups, instance->id);", "return;")),
                 hosts("sandbox_lifetime::test_idle_though_stopped"), given={**UNGROUPED, **UNSIGNALLED})
    path = SPAWNER + "program.c"
    yield Mutant("programs: looked for beside an installed server", swap(path, "program_installed(directory) ? \"/\" PROGRAM_LIBEXEC : \"\"", "\"\""), hosts("programs"))
    yield from each_row("programs: what is protected,", path, "program_names", hosts("programs::test_they_are_protected_in_a_build_folder"))
    yield Mutant("start: commands' parent may be gone", swap(SPAWNER + "start.c", "prctl(PR_SET_PDEATHSIG, SIGKILL);", ""), hosts("order::test_a_sandbox_is_built_in_order"))


def callers():
    path = SERVER + "sandboxes.c"
    sandboxes = unit("sandboxes", "sandbox_ends")
    yield Mutant("callers: any number of sandboxes", swap(path, "sandboxes->count < sandboxes->context->plan->sandbox_maximum &&", ""), sandboxes)
    yield Mutant("callers: any number of descriptors", skip(path, "files_suffice", "true"), sandboxes)
    yield Mutant("callers: one with a command running gives way", swap(path, "at->door.fd >= 0 && at->running_count == 0 && !at->caller->waiting &&", "at->door.fd >= 0 &&"), sandboxes)
    yield Mutant("callers: one that has none does not wait its turn", skip(path, "starve"), sandboxes)
    yield Mutant("callers: no command in flight is one too many", skip(path, "count_turns", "LIMIT_COMMANDS_AT_ONCE"), unit("command"))
    path = SERVER + "sandbox.c"
    yield Mutant("callers: a sandbox for each call serves others too", swap(path, "if (sandbox->sandboxes->context->plan->sandbox_per_call) retire(sandbox);", ""), sandboxes + hosts("sandbox_lifetime"))
    yield Mutant("keepers: any frame is taken", swap(path, "if (header->type != KEEPER_SWEPT || header->length)", "if (header->length)"), sandboxes)
    yield Mutant("keepers: frames with more in them are taken", swap(path, "if (header->type != KEEPER_SWEPT || header->length)", "if (header->type != KEEPER_SWEPT)"), sandboxes)
    yield Mutant("keepers: words about nobody are not counted", swap(path, "/* its report came before its nanny died */ return ++sandbox->heard > LIMIT_NANNY_DEATHS + sandbox->taken ? -EPROTO : 0;", "return 0;"), sandboxes)
    yield Mutant("keepers: deaths at the door are not counted", swap(path, "sandbox->deaths++; return ++sandbox->heard > LIMIT_NANNY_DEATHS + sandbox->taken ? -EPROTO : 0;", "sandbox->deaths++; return 0;"), sandboxes)
    path = SERVER + "command_leash.c"
    lies = unit("command")
    yield Mutant("leash: a lie does not end the sandbox", swap(path, "loop_close_sole(sandboxes->loop, source); sandbox_end(command->sandbox);", "command_orphan(command);"), lies)
    yield Mutant("leash: an end that is none is believed", swap(path, "|| !(WIFEXITED(outcome.wait_status) || WIFSIGNALED(outcome.wait_status))", ""), lies)
    yield Mutant("leash: frames that were not asked for are taken", swap(path, "else result = -EPROTO; } if (result == -EPROTO) {", "} if (result == -EPROTO) {"), lies)
    yield Mutant("leash: more in a report is taken", swap(path, "if (frame_done(&reader) < 0 || !(WIFEXITED", "if (!(WIFEXITED"), lies)
    yield Mutant("leash: one that is not killed in time is waited for", swap(SERVER + "command.c", "case COMMAND_KILLED: sandbox_end(sandbox); break;", "case COMMAND_KILLED: break;"), lies + hosts("lifetime"))
    yield Mutant("leash: descriptors are taken", swap(SERVER + "command_pipes.c", "frame_refuse_descriptors(pair[0]);", ""), unit("sandbox_ends"))
    yield Mutant("leash: states that there are not", swap(SERVER + "command_listen.c", "if (frame_done(&reader) < 0 || waits > KEEPER_WAITS_IN_VAIN)", "if (0)"), lies)
    handles = hosts("commands", "command_bounds")
    path = SERVER + "command_handles.c"
    yield Mutant("handles: any id finds one", swap(path, "if (strcmp(at->handle.id, id) == 0)", "if (1)"), handles)
    yield Mutant("handles: any number of them", swap(path, "if (running >= command->sandboxes->context->plan->command_count)", "if (0)"), handles)
    yield Mutant("handles: any number is kept", swap(path, "if (caller->handle_count >= caller->sandboxes->context->plan->command_count && caller->ended)", "if (0)"), handles)
    yield Mutant("handles: they can be told in advance", swap(path, "if (getrandom(random, sizeof random, 0) != sizeof random) return;", "memset(random, 0, sizeof random);"), handles)
    yield Mutant("handles: kept for ever", skip(SERVER + "command.c", "command_keep"), handles)
    yield Mutant("commands: they run for ever", swap(SERVER + "sandbox.c", "command->kill_at = command->started + LOOP_MS(command->timeout_ms);", ""), handles)
    yield Mutant("commands: a stop that is ignored is the end of it", swap(SERVER + "command.c", "command->kill_at = command->sandboxes->loop->now + LOOP_MS(LIMIT_STOP_GRACE_MS);", ""), handles)
    yield Mutant("logs: files without end", swap(SERVER + "command_pipes.c", "return bytes + bytes / LIMIT_OUTPUT_RECORD_SHARE;", "return UINT64_MAX;"), handles)
    yield from each_row("prompts:", "sandbox/layers/ask.c", "scripts", handles)
    yield from each_row("prompts:", "sandbox/layers/ask.c", "ask_variables", handles)
    yield Mutant("door: descriptors are taken", swap(SERVER + "sandbox.c", "frame_refuse_descriptors(door);", ""), unit("sandbox_ends"))


def believed():
    """What executors and the spawner say."""
    calls = unit("calls")
    path = SERVER + "supervisor.c"
    yield Mutant("spawner: a start that nobody asked for", swap(path, "if (!supervised || descriptors->count < 2 || frame_done(&reader) < 0 || confinement >= CONFINEMENT_COUNT) return -EPROTO;",
                                                                "if (!supervised) return 0;"), calls)
    path = SERVER + "replies.c"
    yield Mutant("executors: text without end", swap(path, "if (call->result.text_bytes + header->length > LIMIT_RESULT_BYTES_MAX + LIMIT_FRAME_BYTES)", "if (0)"), calls)
    yield Mutant("executors: progress without end", swap(path, "if (!call->mcp || (call->told && now - call->told < LOOP_MS(LIMIT_PROGRESS_MS)))", "if (!call->mcp)"), calls)
    path, inside = SERVER + "inside.c", unit("inside")
    for name, edits in {
            "for whom nothing was asked": skip(path, "works_for", "true"),
            "ports that there are not": swap(path, "port < 1 || port > UINT16_MAX ||", ""),
            "any place": skip(path, "is_place", "true"),
            "requests with more in them": swap(path, "if (frame_done(&reader) < 0 || port", "if (port"),
            "any number of connections": swap(path, "if (sandbox->inside_count >= LIMIT_INSIDE_CONNECTIONS) return -EAGAIN;", ""),
            "any number of requests": swap(path, "if (insides->waiting > LIMIT_INSIDE_WAITING)", "if (0)"),
            "a second word of a nanny": swap(path, "if (result == 0 && header.type != KEEPER_FAILED)", "if (0)"),
            "asked by another executor": swap(SERVER + "replies.c", "return channel == &calls->web ? inside_take(calls, channel, header, payload) : -EPROTO;", "return inside_take(calls, channel, header, payload);"),
            "answers for another executor": swap(path, "if (at->epoch != calls->web.epoch)", "if (0)"),
            "where there is no such loopback": swap(path, "if (sandboxes->supervisor->found.profile > CONFINEMENT_FULL)", "if (0)"),
    }.items():
        yield Mutant(f"inside: {name}", edits, inside)
    path = "protocol/frame.c"
    yield Mutant("frames: what is left over is taken", swap(path, "return reader->failed || reader->at != reader->end ? -EPROTO : 0;", "return reader->failed ? -EPROTO : 0;"), unit("frame"))
    yield Mutant("frames: what is missing is taken", swap(path, "return reader->failed || reader->at != reader->end ? -EPROTO : 0;", "return 0;"), unit("frame"))


def secrets():
    path = POLICY + "secrets.c"
    refused = hosts(*("secrets::test_" + test for test in ("a_bad_file_is_refused", "a_file_in_a_read_only_workspace_is_refused", "a_file_of_the_system_is_refused",
                                                           "the_loopback_of_sandboxes_is_refused", "only_web_executors_have_it")))
    for name, edits in {
            "may lie in a workspace": swap(path, "result = check_outside(text, plan->workspaces, plan->workspace_count, err);", "result = 0;"),
            "may lie in a directory of PATH": skip(path, "check_extra", "0"),
            "may lie where the system is shown": skip(path, "check_system", "0"),
            "may be anything": skip(path, "check_value", "0"),
            "may go to a sandbox": skip(path, "check_host", "0"),
            "stay in the environment": skip(path, "policy_secrets_forget"),
            "others may read them": swap(path, "secret_read(secret, fd, path, true, err)", "secret_read(secret, fd, path, false, err)"),
    }.items():
        yield Mutant(f"secrets: {name}", edits, refused)
    path, match = "tools/web/inject.c", "tools/web/inject_match.c"
    for name, edits in {
            "sent to a sandbox": swap(path, "if (!injects->all || rules_inside(plan, host, port))", "if (!injects->all)"),
            "sent over http": swap(path, "(https || entry->plaintext) &&", ""),
            "sent to any host": swap(path, "&& rules_names(&entry->rule, host, port)", ""),
            "not known in base64": skip(match, "match_base64", "0"),
            "not known in hexadecimal": skip(match, "match_hexadecimal", "0"),
            "not known in entities": skip(match, "read_entity", "0"),
            "their beginnings pass in a stream": swap(path, "stream->injects->longest ? stream->injects->longest - 1 : 0", "0"),
    }.items():
        yield Mutant(f"secrets: {name}", edits, unit("inject"))


def policy():
    path = POLICY + "compile.c"
    rules = hosts("policy")
    yield from each_row("protected paths", POLICY + "protect.c", "protected_paths", hosts("policy_document::test_documented_protected_paths"))
    yield Mutant("policy: denyWrite is not obeyed", swap(path, "i < policy->deny_write.count && result == 0", "0"), rules)
    yield Mutant("policy: denyRead is not obeyed", swap(path, "i < policy->deny_read.count && result == 0", "0"), rules)
    yield Mutant("policy: denying a whole workspace does nothing", skip(path, "deny_whole", "0"), rules)
    yield Mutant("policy: allowGitConfig gives up all", swap(path, "if (!policy->allow_git_config || strcmp(row->path, PROTECTED_GIT_CONFIG) != 0)", "if (!policy->allow_git_config)"), unit("settings"))
    yield Mutant("policy: .git/config is given up always", swap(path, "if (!policy->allow_git_config ||", "if ("), rules)
    yield Mutant("policy: allowWrite in a read-only workspace", swap(path, "if (!plan->workspaces[i].write) return err_set(err, -EINVAL, \"filesystem.allowWrite: %s lies in the workspace %s, which was named \" \"read-only (:ro)\", text, plan->workspaces[i].path);", ""),
                 unit("settings") + hosts("policy"))
    yield Mutant("policy: allowWrite of the system", swap(path, "if (workspaces_system(path)) return", "if (0) return"), unit("settings") + rules)
    yield Mutant("policy: it may lie where commands write", skip(path, "check_outside", "0"), rules)
    yield Mutant("policy: an empty list is none", swap(path, "plan->network_listed = policy->allowed_domains.given;", "plan->network_listed = policy->allowed_domains.count > 0;"), rules)
    yield Mutant("policy: deniedDomains is not obeyed", swap(path, "&policy->denied_domains,", "&(const struct policy_list){0},"), unit("settings") + rules)
    yield Mutant("policy: a required profile is not", swap(path, "plan->require_profile = (enum confinement)(policy->require_profile + CONFINEMENT_FULL);", "plan->require_profile = CONFINEMENT_MINIMAL;"), PROFILES)
    yield Mutant("policy: required layers are not", swap(path, "i < policy->require_layers.count && result == 0", "0"), PROFILES)
    yield Mutant("policy: own programs in a workspace are not protected", skip(POLICY + "programs.c", "policy_programs", "0"), hosts("programs"))
    beside = POLICY + "repositories.c"
    yield Mutant("policy: repositories of work trees and submodules are not protected", skip(beside, "policy_repositories", "0"), attacks("work tree elsewhere") + attacks("submodule of a repository"))
    for array in ("names", "files", "places"):
        yield from each_row(f"repositories in .git: {array},", beside, array, hosts("policy::test_repositories_in_a_repository"))
    yield Mutant("policy: where they are too many none is", swap(beside, "if (result == -E2BIG)", "if (0)"), hosts("policy::test_more_repositories_than_are_looked_at"))
    limits = {"command_processes = (uint32_t)policy->processes": "1024", "command_files = (uint32_t)policy->files": "4096",
              "command_file_bytes = (uint64_t)policy->file_bytes": "1ull << 33", "command_data_bytes = (uint64_t)policy->data_bytes": "1ull << 34",
              "temporary_bytes = (uint64_t)policy->temporary_bytes": "1u << 30", "temporary_files = (uint64_t)policy->temporary_files": "100000",
              "sandbox_maximum = (uint32_t)policy->sandbox_maximum": "128", "sandbox_idle_ms = (uint32_t)policy->sandbox_idle_ms": "3600000",
              "sandbox_per_call = policy->sandbox_lifetime == POLICY_LIFETIME_CALL": "false", "memory_bytes = (uint64_t)policy->memory_bytes": "0",
              "cpu_thousandths = (uint32_t)policy->cpu_thousandths": "0", "network_bytes = (uint64_t)policy->network_bytes": "1ull << 38", "result_bytes = (uint64_t)policy->result_bytes": "32000",
              "command_count = (uint32_t)policy->command_count": "64", "commands_at_once = (uint32_t)policy->commands_at_once": "64",
              "command_ms = (uint32_t)policy->command_ms": "86400000", "command_kept_ms = (uint32_t)policy->command_kept_ms": "3600000",
              "output_bytes = (uint64_t)policy->output_bytes": "1u << 30", "download_bytes = (uint64_t)policy->download_bytes": "1ull << 32", "terminal_rows = (uint32_t)policy->terminal_rows": "24",
              "terminal_columns = (uint32_t)policy->terminal_columns": "120"}
    for line, value in limits.items():
        yield Mutant(f"policy: {line.split('>')[1]} is not obeyed", swap(path, f"plan->{line};", f"plan->{line.split(' = ')[0]} = {value};"),
                     unit("settings") + hosts("limits"))


PARTS = [choice, groups, private, callers, believed, secrets, policy]
