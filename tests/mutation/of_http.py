# SPDX-License-Identifier: Apache-2.0
"""Mutants of who may ask over HTTP, and of what is read again (server/)."""

from mutants import Mutant
from source import skip, swap
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
    yield Mutant("http: TLS of any version", swap(SERVER + "transport/http_tls.c", "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:", "NORMAL:%COMPAT:+VERS-TLS1.1:+VERS-TLS1.0:"), tls)
    yield Mutant("http: the opener has no filter", swap(SERVER + "opener.c", "return filter_apply(FILTER_OPENER);", "return 0;"), service)
    yield Mutant("http: the opener keeps root's power", swap(SERVER + "opener.c", "sets[i].permitted &= kept; sets[i].effective &= kept;", "(void)kept;"), service)
    yield Mutant("http: a terminal that goes is not heard", skip(SERVER + "reload.c", "has_hung_up", "false"), reload)


PARTS = [asked]
