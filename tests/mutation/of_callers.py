# SPDX-License-Identifier: Apache-2.0
"""Mutants of what stands between callers in the frontend, and of what executors say of what lasts: handles, logs, policies of tokens,
subscribed files, downloads, and the way to servers inside a sandbox."""

from mutants import Mutant
from source import skip, swap
from suites import hosts, program, unit

SERVER = "server/"


def handles():
    commands = hosts("commands::test_what_cannot_be_asked")
    path, resources = SERVER + "command_handles.c", SERVER + "command_resources.c"
    yield Mutant("handles: what was not written is read on from", swap(path, "if (since > command_log_total(&command->log)) {", "if (0) {"), commands)
    yield Mutant("handles: what names no signal is one", swap(path, "if (number < 0) {", "if (0) {"), commands)
    yield Mutant("handles: those of another instance are unknown", swap(path, "if (!instance || !id[length] ||", "if (1 || !instance || !id[length] ||"), hosts("replicas"))
    yield Mutant("handles: any resource is output", swap(resources, "|| strcmp(rest + length, SUFFIX) != 0", ""), unit("command_resources"))
    yield Mutant("handles: one is told of after its end", swap(resources, "mcp_resource_gone(command->caller->mcp, uri_of(command).text);", ""), unit("command_resources") + hosts("resources"))


def logs():
    """Output that does not stay in memory: whose file gives way, and what is believed of what comes back."""
    path, log, asked = SERVER + "command_pipes.c", "tools/command/log.c", unit("command_files")
    yield Mutant("logs: any number of files", skip(SERVER + "sandboxes.c", "sandboxes_may_log", "true"), asked + hosts("command_bounds"))
    yield Mutant("logs: a file takes more than it may", swap(log, "if (file->count == file->places)", "if (0)"), unit("command_log", "command_log_file"))
    yield Mutant("logs: what comes back from a file is believed", skip(log, "block_is_whole", "true"), unit("command_log_file"))
    yield Mutant("logs: records longer than their block", swap(log, "return at == header->used && length == header->length;", "return length == header->length;"), unit("command_log_file"))
    yield Mutant("logs: blocks larger than blocks are", swap(log, "header->used > RECORDS_BYTES ||", ""), unit("command_log_file"))
    yield Mutant("logs: memory without end", swap(log, "if (memory->places == log->memory_most) return false;", ""), unit("command_log", "command_log_file"))
    yield Mutant("logs: what is pushed out is read while its file is asked for", swap(path, "if (must_wait(command) && !ended) {", "must_wait(command); if (0) {"), asked + unit("command_pipes"))
    yield Mutant("logs: what ended keeps all that it may have had", swap(path, "sandboxes->log_bytes -= command->file_bytes - takes; command->file_bytes = takes;", ""), asked)


def realms():
    """A token's own policy, and whose calls are whose."""
    policies, callers = hosts("http_policies"), hosts("http::test_callers_share_nothing")
    path, guests = SERVER + "token_policies.c", SERVER + "guests.c"
    yield Mutant("realms: all have the server's policy", swap(path, "return !path ? &server->realm : policy ? policy->realm : NULL;", "(void)policy; return &server->realm;"), policies)
    yield Mutant("realms: who named a policy that is not there has the server's", swap(path, "policy ? policy->realm : NULL;", "policy ? policy->realm : &server->realm;"), policies)
    yield Mutant("realms: all policies of tokens are the first", swap(path, "if (strcmp(policies->all[i].path, path) == 0)", "if (1)"), policies)
    yield Mutant("realms: a policy of a token is the server's", swap(path, "own.policy = path;", ""), policies)
    yield Mutant("realms: who has another policy now is who he was", skip(guests, "same_policy", "true"), policies)
    yield Mutant("realms: who has another token now is who he was", swap(guests, "if (memcmp(access->rows[i].hash, row->hash, sizeof row->hash) == 0 &&", "if ("), hosts("http_reload"))
    yield Mutant("realms: a token of another name is who had it", swap(guests, "strcmp(access->rows[i].name, row->name) == 0 &&", ""), hosts("http_reload"))
    yield Mutant("realms: who lost his token stays", swap(guests, "if (find_row(fresh, &access->rows[i]) < 0) {", "if (0) {"), hosts("http_reload"))
    yield Mutant("realms: every caller is the first", swap(SERVER + "http_server.c", "&server->guests.all[found]->caller;", "&server->guests.all[0]->caller;"), callers)
    yield Mutant("realms: the rate is the server's", swap(guests, ".requests_per_1000_s = (uint64_t)policy->http_rate_thousandths,", ""), policies)
    yield Mutant("realms: calls are not bounded by policy", swap(guests, "(unsigned)policy->http_calls,", "10000,"), hosts("http_limits"))
    yield Mutant("realms: streams of a call are not bounded by policy", swap(guests, "(unsigned)policy->http_streams, err);", "10000, err);"), hosts("http_limits"),
                 unseen="the transport counts them first (http: any number of streams)")
    for what, line in {"streams": ".most_streams = (unsigned)policy->http_streams,", "sessions": ".most_sessions = (unsigned)policy->http_sessions};"}.items():
        yield Mutant(f"realms: {what} are not bounded by policy", swap(guests, line, "};" if line.endswith("};") else ""), hosts("http_limits"))
    yield Mutant("realms: variables with secrets stay", swap(SERVER + "realm.c", "policy_secrets_forget(&settings->policy);", ""), hosts("secrets"),
                 unseen="a server over stdio and one over HTTP have forgotten them before: this is the third place")


def watches():
    """What the files executor says of subscribed files."""
    path, lies = SERVER + "file_watches.c", unit("file_watches")
    yield Mutant("watches: numbers that nobody was given", swap(path, "header->flags || header->call == 0 || header->call > calls->watches.last_number", "header->flags"), lies)
    yield Mutant("watches: frames that go on", swap(path, "if (header->flags || header->call == 0", "if (header->call == 0"), lies)
    yield Mutant("watches: changes of what is not watched yet", swap(path, "watch->state != (header->type == REPLY_WATCHED ? FILE_WATCH_ASKED : FILE_WATCH_HELD)", "0"), lies)
    yield Mutant("watches: changes with more in them", swap(path, "if (header->type == REPLY_CHANGED) { if (header->length) return -EPROTO;", "if (header->type == REPLY_CHANGED) {"), lies)
    yield Mutant("watches: answers with more in them", swap(path, "} else if (header->value == WATCHED_WELL) { if (header->length) return -EPROTO;", "} else if (header->value == WATCHED_WELL) {"), lies)
    yield Mutant("watches: refusals that are none", swap(path, "if (read_refusal(header, payload, why) < 0) return -EPROTO;", "read_refusal(header, payload, why);"), lies)
    yield Mutant("watches: any number of them", swap(path, "if (calls->watches.count >= LIMIT_FILE_WATCHES) return -ENOSPC;", ""), lies)
    yield Mutant("watches: another caller's is one's own", swap(path, "((*at)->caller != caller || strcmp((*at)->uri, uri) != 0)", "(strcmp((*at)->uri, uri) != 0)"), hosts("http::test_two_callers_and_one_file"))
    yield Mutant("watches: every change is told at once", swap(path, "if (!watch->timer.place)", "mcp_resource_updated(watch->caller->mcp, watch->uri); if (0)"), unit("file_watches") + hosts("file_resources"))


def downloads():
    """Nothing is fetched before the path was judged, nothing is named before all is there, and neither executor is believed."""
    replies, begin, life = SERVER + "download_replies.c", SERVER + "download_begin.c", SERVER + "download.c"
    lies, straight = unit("downloads_lies"), unit("downloads")
    for name, edits in {
            "one executor says what is the other's to say": swap(replies, "if (leg->channel != channel || leg->state == LEG_OVER || header->flags)", "if (leg->state == LEG_OVER || header->flags)"),
            "there is a second last word": swap(replies, "leg->state == LEG_OVER || header->flags)", "header->flags)"),
            "frames that go on": swap(replies, "|| header->flags)", ")"),
            "more is said to come than may": swap(replies, "if (take_number(header, payload, &bytes) < 0 || bytes > download->calls->context.plan->download_bytes)", "if (take_number(header, payload, &bytes) < 0)"),
            "more is said to have come than may": swap(replies, "|| fetched->bytes > download->calls->context.plan->download_bytes)", ")"),
            "a file was written that nobody asked for": swap(replies, "if (!download->stored || download_read_received", "if (download_read_received"),
            "a file has more bytes than were fetched": swap(replies, "|| download->received.bytes != download->fetched.bytes)", ")"),
            "failures that are none": swap(replies, "words = frame_get_bytes(&reader, &length); if (frame_done(&reader) < 0) return -EPROTO;", "words = frame_get_bytes(&reader, &length);"),
            "denials that are none": swap(replies, "if (header->type == REPLY_DENIED && denial_decode(&denial, payload, header->length) < 0) return -EPROTO;", "(void)denial;"),
            "numbers with more behind them": swap(replies, "*number = frame_get_u64(&reader); return frame_done(&reader);", "*number = frame_get_u64(&reader); return 0;"),
            "signs of life that are none": swap(replies, "frame_get_bytes(&reader, &length); return frame_done(&reader);", "frame_get_bytes(&reader, &length); return 0;"),
    }.items():
        yield Mutant(f"downloads: {name}", edits, lies)
    for name, edits in {
            "what is refused is written": swap(replies, "if (fetched->status >= 200 && fetched->status < 300) {", "if (1) {"),
            "any number of a caller's": swap(begin, "if (own < LIMIT_DOWNLOADS_CALLER &&", "if ("),
            "any number of all": swap(begin, "&& call->calls->downloads.running < LIMIT_DOWNLOADS)", ")"),
            "any other is the same": swap(begin, "memcmp(buffer_data(&at->question), buffer_data(question), buffer_length(question)) == 0", "1"),
            "what stalls is waited for": swap(life, "if (loop->now < due) {", "if (1) {"),
            "who hangs at the end is waited for": skip(life, "last_word_overdue"),
            "what has ended is kept for ever": skip(life, "bound_kept"),
            "they outlive their caller": skip(life, "downloads_leave"),
            "what nobody waits for goes on": swap(life, "if (!download->listeners) abandon(download);", ""),
            "an executor is not told that it is over": swap(life, "leg_cancel(&download->files);", ""),
    }.items():
        yield Mutant(f"downloads: {name}", edits, straight + hosts("http_downloads"))
    yield Mutant("downloads: another caller's is one's own", swap(begin, "if (at->caller == call->caller && !at->unwanted &&", "if (!at->unwanted &&"), straight,
                 unseen="what is asked of the web executor names the caller, whose cookies it sends: so no two callers ask the same")
    yield Mutant("downloads: all descriptors are used", swap(begin, "if ((unsigned)ends[1] + LIMIT_DOWNLOAD_FREE_FILES >= most)", "if (0)"), straight + hosts("http_downloads"),
                 unseen="with as many downloads as there may be the frontend has descriptors left, unless its caller gave it few")
    receive, path = program("files/receive"), "tools/files/executor/receive.c"
    for name, edits in {
            "more than there may be": swap(path, "if (length > receive->most - stage->size)", "if (0)"),
            "less than there were": swap(path, "if (receive->stage.size != receive->bytes)", "if (0)"),
            "not what was expected": swap(path, "if (!receive->expected[0] || strcasecmp(found, receive->expected) == 0)", "if (1)"),
            "before it is said that all is there": swap(path, "return receive->told ? check_bytes(receive, refusal) : STAGE_WAITS;", "return check_bytes(receive, refusal);"),
            "over what is there": swap(path, "if (S_ISREG(stage->status.st_mode) && stage->status.st_nlink && !receive->overwrite)", "if (0)"),
            "over what came meanwhile": swap(path, "if (S_ISREG(target->status.st_mode) && target->status.st_nlink && !receive->overwrite)", "if (0)"),
            "where policy forbids it": swap(path, "return stage_check(stage, refusal);", "return 0;"),
            "where policy forbids it meanwhile": swap(path, "result = stage_check(target, refusal);", "result = 0;"),
    }.items():
        yield Mutant(f"downloads: written {name}", edits, receive)
    for name, put in {"told twice": "receive->phase != RECEIVE_BYTES", "told too early": "receive->told"}.items():
        yield Mutant(f"downloads: written {name}", swap(path, "receive->phase != RECEIVE_BYTES || receive->told", put), receive,
                     unseen="the frontend tells, once, when the web executor has ended: against mistakes of ours")


def relay():
    """A nanny between a server inside and who fetches from it (sandbox/keeper/inside.c)."""
    path = "sandbox/keeper/inside.c"
    alone, fetched = unit("relay"), hosts("fetch_inside")
    yield Mutant("relay: an address of the loopback is another", swap(path, "htonl(place > 1 ? place : INADDR_LOOPBACK)", "htonl(INADDR_LOOPBACK)"), fetched)
    yield Mutant("relay: it outlives its leash", swap(path, "if (watched[LEASH].revents || watched[OUTSIDE].revents & (POLLERR | POLLNVAL))", "if (watched[OUTSIDE].revents & (POLLERR | POLLNVAL))"), alone)
    yield Mutant("relay: what nobody hears goes on", swap(path, "if (in->ended && watched[OUTSIDE].revents & POLLHUP) return;", ""), alone)
    yield Mutant("relay: connecting outlives its leash", swap(path, "if (watched[LEASH].revents) return -ECANCELED;", ""), alone,
                 unseen="on a loopback connecting waits only for a server whose queue is full, and then this call's end closes the other end too")
    for what, text in {"ports that there are not": "number < 1 || number > UINT16_MAX ||", "any place": "(*place > 1 && *place >> 24 != IN_LOOPBACKNET)"}.items():
        yield Mutant(f"relay: {what}", swap(path, text, "" if text.endswith("||") else "0"), alone)


PARTS = [handles, logs, realms, watches, downloads, relay]
