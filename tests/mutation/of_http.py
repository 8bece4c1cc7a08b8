# SPDX-License-Identifier: Apache-2.0
"""Mutants of who may ask over HTTP, and of what is read again (server/)."""

from mutants import Mutant, each_row
from source import skip, swap, swaps
from suites import hosts, unit

SERVER = "server/"


def asked():
    service, reload, tls = hosts("http_service"), hosts("http_reload"), hosts("http_tls")
    yield Mutant("http: whoever connects to a Unix socket may ask", swap(SERVER + "peers.c", "if (peers->uids[i] == peer.uid)", "if (1)"), service)
    yield Mutant("http: root and we alone, whoever is named", swap(SERVER + "http_server.c", "peers_init(&server->peers, options->users, err)", "peers_init(&server->peers, options->users + OPTIONS_NAMES, err)"), service)
    yield Mutant("http: others may read secrets", swap(SERVER + "secret.c", "(secret ? S_IROTH : 0)", "0"), unit("access"))
    yield Mutant("http: a key need not fit", swap(SERVER + "certificate.c", "if (result == 0 && !fits(&taken))", "if (0)"), tls)
    yield Mutant("http: certificates stay what they were", swap(SERVER + "http_server.c", "server->secrets.certificate = fresh->certificate; fresh->certificate = before;", "(void)before;"), tls)
    yield Mutant("http: a token that vanished is not dismissed", skip(SERVER + "transport/http_dismiss.c", "http_dismiss"), reload)
    yield Mutant("http: sessions outlive their caller's token", skip(SERVER + "transport/http_sessions.c", "sessions_dismiss"), reload)
    yield Mutant("http: session keys stay what they were", skip(SERVER + "transport/http_sessions.c", "sessions_rekey"), reload)
    yield Mutant("http: a goodbye is not heard", swap(SERVER + "transport/http_link.c", "(link->tls && tls_goodbye(link->tls, source->fd))", "0"), tls)
    yield Mutant("http: a goodbye before the request is not heard", swap(SERVER + "transport/http_link.c", "if (!link->gone && link->tls)", "if (0)"), tls)
    versions = ("NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:", "NORMAL:%COMPAT:+VERS-TLS1.1:+VERS-TLS1.0:")
    ciphers = ("-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:+AEAD", "%COMPAT")  # which older versions have none of
    yield Mutant("http: TLS of any version", swaps(SERVER + "transport/http_tls.c", versions, ciphers), hosts("http_tls::test_versions_and_algorithms[1.1]"),
                 given=swap(SERVER + "transport/http_tls.c", *ciphers))
    yield Mutant("http: TLS with any cipher", swap(SERVER + "transport/http_tls.c", *ciphers), tls)
    yield Mutant("http: the opener has no filter", swap(SERVER + "opener.c", "return filter_apply(FILTER_OPENER);", "return 0;"), service)
    yield Mutant("http: the opener keeps root's power", swap(SERVER + "opener.c", "sets[i].permitted &= kept; sets[i].effective &= kept;", "(void)kept;"), service)
    yield Mutant("http: a terminal that goes is not heard", skip(SERVER + "reload.c", "has_hung_up", "false"), reload)


def judged():
    """What stands before the body."""
    path, hostile = SERVER + "transport/http_head.c", hosts("http_hostile")
    status, page = hosts("http_hostile::test_status", "http_hostile::test_http_1_0"), hosts("http::test_any_name_but_not_any_page")
    yield from each_row("http: names of the loopback,", path, "is_ours/loopback", status + hosts("http_service", "http"))
    for name, edits in {
            "any Host": swap(path, "else if (!is_any(exchange) && !is_ours(exchange, host))", "else if (0)"),
            "a Host that begins like ours": swap(path, "if (text[known] != ':' || length == known + 1) return false;", "return true;"),
            "a Host with anything for a port": swap(path, "return strspn(text + known + 1, \"0123456789\") >= length - known - 1;", "return true;"),
            "no Host": swap(path, "if (!host) refuse(exchange, MHD_HTTP_BAD_REQUEST, \"the Host header is missing\"); else if (!is_any(exchange)", "if (host && !is_any(exchange)"),
            "any Origin": swap(path, "else if (origin && !is_origin(exchange, origin))", "else if (0)"),
            "an Origin of any scheme": swap(path, ": NULL; for (; origins", ": strstr(text, \"//\") ? strstr(text, \"//\") + 2 : NULL; for (; origins"),
            "any path": swap(path, "!exchange->metrics && strcmp(url, ENDPOINT) != 0)", "0)"),
            "a body of any type": swap(path, "if (!is_json(exchange->head[HEAD_TYPE]))", "if (0)"),
            "any method is a message": swap(path, "else if (strcmp(method, \"POST\") == 0)", "else if (1)"),
    }.items():
        yield Mutant(f"http: {name}", edits, status)
    yield Mutant("http: any name, and so any page", swap(path, "return host && is_ours(exchange, host);", "return host && (is_any(exchange) || is_ours(exchange, host));"), page)
    for name, edits in {
            "a header twice": swap(path, "} else if (exchange->head[i]) {", "} else if (0) {"),
            "any transfer encoding": swap(path, "else if (transfer && strcasecmp(transfer, \"chunked\") != 0)", "else if (0)"),
            "a message of any length": swap(path, "else if (length && (digits > 9 || strtoul(length, NULL, 10) > exchange->http->settings.body_bytes))", "else if (0)"),
            "messages of any length together": swap(SERVER + "transport/http.c", "if (!exchange->status && http->bodies + *length > LIMIT_HTTP_BODIES_BYTES) {", "if (0) {"),
    }.items():
        yield Mutant(f"http: {name}", edits, hostile)
    for name, line in {"two lengths": "if (length && transfer)", "a length that is no number": "else if (length && (digits == 0 || length[digits]))"}.items():
        yield Mutant(f"http: {name}", swap(path, line, line.split("(", 1)[0] + "(0)"), hostile, unseen="microhttpd, which is told to be strict, refuses it too, in its version of today")
    limits = unit("http_limits") + hosts("http_limits")
    yield Mutant("http: any rate", skip(SERVER + "transport/http_limits.c", "caller_wait", "0"), limits)
    yield Mutant("http: any number of streams", skip(path, "judge_streams"), limits)
    yield Mutant("http: any number of sessions", swap(SERVER + "transport/http_sessions.c", "return caller->sessions >= most ? -EBUSY : 0;", "return 0;"), limits)
    yield Mutant("http: any number of connections", swap(path, "if (!exchange->status && exchange->link->crowded)", "if (0)"), limits)


def known():
    """Tokens, and ids of sessions."""
    path, token = SERVER + "access.c", SERVER + "transport/http_token.c"
    tokens, ids, status = unit("access"), unit("http_token"), hosts("http_hostile::test_status")
    for name, edits in {
            "any token": swap(SERVER + "http_server.c", "int found = server->open ? 0 :", "int found = 1 ? 0 :"),
            "any scheme": swap(path, "if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)", "if (!authorization || strlen(authorization) < sizeof scheme - 1)"),
            "any token is the last": swap(path, "if (memeql_sec(access->rows[i].hash, digest, sizeof digest))", "if (1)"),
    }.items():
        yield Mutant(f"http: {name}", edits, tokens + status)
    for name, edits in {
            "short tokens": swap(path, "length >= LIMIT_TOKEN_MIN_BYTES &&", ""),
            "tokens of anything": swap(path, "length <= LIMIT_TOKEN_MAX_BYTES && text[length] == '\\0';", "length <= LIMIT_TOKEN_MAX_BYTES;", within="is_token"),
            "names of anything": swap(path, "length <= ACCESS_NAME_BYTES && text[length] == '\\0';", "length <= ACCESS_NAME_BYTES;", within="is_name"),
            "two of one name or token": skip(path, "is_known", "false"),
            "policies at any path": swap(path, "|| policy[strlen(POLICY)] != '/'))", "))"),
            "others may write it": swap(SERVER + "secret.c", "(S_IWGRP | S_IWOTH |", "("),
    }.items():
        yield Mutant(f"http: a file of tokens with {name}", edits, tokens)
    for name, edits in {
            "anybody's": swap(token, "hmac_sha256_update(&context, strlen(caller) + 1, (const uint8_t *)caller);", ""),
            "anything": skip(token, "is_signed", "true"),
            "spelled in several ways": swap(token, "if (strcmp(text, again) != 0)", "if (0)"),
            "of any age": swap(token, "return now - token->begun > LIMIT_HTTP_SESSION_S && now > token->begun ? -EINVAL : 0;", "(void)now; return 0;"),
            "of keys from before the last": swap(token, "memeql_sec(mac, bytes + length, MAC_BYTES) | memeql_sec(older, bytes + length, MAC_BYTES);", "memeql_sec(mac, bytes + length, MAC_BYTES) | memeql_sec(older, bytes + length, MAC_BYTES / 8);"),
    }.items():
        yield Mutant(f"http: ids of sessions, {name}", edits, ids)
    ended = hosts("http_hostile::test_a_session_cannot_be_guessed_or_kept", "http::test_sessions_are_whose_they_are")
    yield Mutant("http: a session goes on after its end", skip(SERVER + "transport/http_sessions.c", "was_ended", "false"), ended)


PARTS = [asked, judged, known]
