# SPDX-License-Identifier: Apache-2.0
"""Mutants of the network policy (sandbox/egress/): names, addresses, ports, who may ask for what, and the bounds of a sandbox."""

from mutants import Mutant, each_row
from source import skip, swap
from suites import hosts, unit, web

FOLDER = "sandbox/egress/"
RULES, ADDRESSES, NAMES, HOSTS = unit("network_rules"), unit("addresses"), unit("names"), unit("hosts")


def commands(*tests):
    return web("commands", *("Reach.test_" + test for test in tests))


def connected(*tests):
    return web("connected", *("Connected.test_" + test for test in tests), contained=True)


def addresses():
    path = FOLDER + "addresses.c"
    for table in ("ranges_ipv4", "ranges_ipv6"):
        yield from each_row(f"addresses {table}", path, table, ADDRESSES)
    yield from each_row("addresses of the loopback", path, "address_is_loopback/loopback", RULES + NAMES)
    yield Mutant("addresses: of another family", swap(path, "prefix.family != address->family", "0"), ADDRESSES)
    yield Mutant("addresses: only whole bytes of a prefix count", swap(path, "return rest == 0 || ((address->bytes[whole] ^ prefix.bytes[whole]) >> (8 - rest)) == 0;", "return true;"), ADDRESSES)


def rules():
    path = FOLDER + "rules.c"
    for name, edits in {
            "what is denied by name is not": skip(path, "find_denied", "NULL"),
            "what is denied by address is not": skip(path, "find_denied_address", "NULL"),
            "a denied port is none": swap(path, "(!plan->denied[i].port || plan->denied[i].port == port) &&", "!plan->denied[i].port &&"),
            "a denied port of an address is none": swap(path, "if (rule->port && rule->port != port)", "if (rule->port)"),
            "denying a port denies all": swap(path, "(!plan->denied[i].port || plan->denied[i].port == port) &&", ""),
            "an address in other clothes is another": swap(path, "struct address bare = undress(address);", "struct address bare = *address;"),
            "denying localhost denies two addresses": swap(path, "(strcasecmp(rule->host, LOCALHOST) == 0 && address_is_loopback(&bare))", "0"),
            "a name below is any name": swap(path, "strcasecmp(host + host_length - suffix, entry + 1) == 0;", "1;"),
            "a name below is the name itself": swap(path, "host_length > suffix &&", ""),
            "a wildcard names addresses": swap(path, "address_parse(&given, host) < 0 && host_length", "host_length"),
            "an entry without a port is any port": swap(path, "return rule->port ? rule->port == port : is_default_port(port);", "return rule->port ? rule->port == port : true;"),
            "the port of an entry is any": swap(path, "return rule->port ? rule->port == port : is_default_port(port);", "return true;"),
            "the default is any port": skip(path, "is_default_port", "true"),
            "what is not listed is allowed": swap(path, "if (plan->network_listed) return refuse(answer, plan, host, port, \"network.allowedDomains\", \"%.180s is not among the allowed\", host);", ""),
            "addresses that are not public are": swap(path, "const char *special = address_special(address);", "const char *special = NULL;"),
            "a name that is allowed names private addresses": swap(path, "rule = find_allowed_address(plan, address, port);", "rule = find_allowed_host(plan, host, port, &(bool){false});"),
            "an allowed address is so on any port": swap(path, "if (port_allowed(&plan->allowed[i], port) && names_address", "if (names_address"),
            "commands reach something without a list": skip(path, "rules_for_commands", "true"),
            "names that nothing allows are looked up": skip(path, "rules_name", "true"),
            "what is denied wins not over what is allowed": swap(path, "rule = find_denied_address(plan, &address, port); if (rule)", "rule = find_denied_address(plan, &address, port); if (rule && !find_allowed_host(plan, host, port, &other_port))"),
    }.items():
        yield Mutant(f"network: {name}", edits, RULES + commands("names_ports_and_who_wins", "refused_names_are_told_and_never_asked_for"))
    yield from each_row("network: ports of a name,", path, "rules_name/usual", RULES)


def inside():
    """Whose loopback is meant."""
    path = FOLDER + "rules.c"
    fetched = hosts("fetch_inside::test_nobody_listens", "fetch_inside::test_the_machines_is_reached_where_policy_names_it", "fetch_inside::test_denied")
    for name, edits in {
            "a name that ends so is localhost": swap(path, "length > tail && strcasecmp(host + length - tail, \".\" LOCALHOST) == 0", "length > tail && strcasecmp(host + length - tail + 1, LOCALHOST) == 0"),
            "every address is": swap(path, "return address_is_loopback(&address) || is_unspecified(&address);", "return true;"),
            "what is denied is inside": swap(path, "return means_loopback(host) && !find_denied_loopback(plan, host, port) &&", "return means_loopback(host) &&"),
            "what is the machine's is inside": swap(path, "(below || !find_allowed_host(plan, host, port, &other_port));", "true;"),
            "an address means all of them": skip(path, "rules_inside_place", "0"),
    }.items():
        yield Mutant(f"inside: {name}", edits, RULES + fetched)
    yield Mutant("inside: nothing is", skip(path, "rules_inside", "false"), RULES + fetched)


def methods():
    path = FOLDER + "methods.c"
    yield from each_row("methods: headers that are ours,", path, "reserved", unit("methods"))
    for name, edits in {
            "all are allowed": swap(path, "if (at->methods & 1u << method)", "if (1)"),
            "headers and bodies are allowed with GET": swap(path, "method <= PLAN_METHOD_HEAD && !more", "method <= PLAN_METHOD_HEAD"),
            "any port of a host": swap(path, "(rule->port ? rule->port == port : port == 80 || port == 443) &&", ""),
            "names of headers may hold anything": skip(path, "is_token", "true"),
            "values of headers may hold anything": skip(path, "is_value", "true"),
            "what policy injects may be given": swap(path, "return \"is set by the policy for this host and cannot be given\";", "continue;"),
    }.items():
        yield Mutant(f"methods: {name}", edits, unit("methods"))


def broker():
    dial, relay, network, host, dns = (FOLDER + name + ".c" for name in ("dial", "relay", "network", "host", "dns"))
    inquiry = FOLDER + "inquiry.c"
    who_wins, refused = commands("names_ports_and_who_wins"), commands("what_is_refused_by_address")
    yield Mutant("broker: hosts are not judged", swap(dial, "if (!rules_host(dial->broker->plan, dial->host, dial->port, &rules)) {", "if (0) {"), web("broker") + who_wins)
    yield Mutant("broker: addresses are not judged", swap(dial, "if (rules_address(dial->broker->plan, dial->host, dial->port, &addresses[i], &rules))", "if (1)"), web("broker") + refused)
    yield Mutant("broker: addresses that are asked for by number mean the next name", swap(FOLDER + "names.c", "&& name->serial == serial ?", "?"), NAMES)
    yield Mutant("broker: an address of one sandbox means something in another", swap(network, "network->names = names_new(begin);", "network->names = broker->networks ? broker->networks->names : names_new(begin);"),
                 commands("the_address_that_another_sandbox_got"))
    yield Mutant("broker: any loopback is localhost", swap(FOLDER + "destination.c", "if (address_is_loopback(address) && rules_host(plan, \"localhost\", port, &ignored))", "if (address_is_loopback(address))"),
                 commands("addresses_written_out", "what_is_refused_by_address", "names_ports_and_who_wins"))
    yield Mutant("broker: connections of a sandbox are not bounded", skip(network, "has_room", "true"), commands("more_connections_than_there_may_be"))
    yield Mutant("broker: denials are not bounded", skip(network, "may_tell", "true"), commands("refusals_that_are_told_are_bounded"))
    yield Mutant("broker: it accepts on anything", swap(network, "if (type == SOCK_STREAM && !listens)", "if (0)"), web("broker"),
                 unseen="only a keeper that has read nothing yet passes sockets: this is against mistakes of ours")
    yield Mutant("broker: broken connections end in order", swap(relay, "(void)setsockopt(relay->sides[i].fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);", ""), commands("what_is_broken_is_reset"))
    for what, line in {"too long a label": "label > LABEL_BYTES ||", "a label beyond the end": "label >= (size_t)(end - at) ||"}.items():
        yield Mutant(f"dns: {what}", swap(dns, line, ""), unit("dns"))
    yield Mutant("dns: too long a name", swap(dns, "(size_t)(at - begin) + label >= NAME_BYTES)", "0)"), unit("dns"))
    yield Mutant("dns: dots inside a label", swap(dns, "bool shown = isgraph(*at) && *at != '.';", "bool shown = isgraph(*at);"), unit("dns") + commands("raw_questions"))
    yield Mutant("dns: answers are taken for questions", swap(dns, "(message[2] & FLAG_ANSWER)", "0"), unit("dns"))
    yield Mutant("dns: several questions", swap(dns, "if (get16(message + 4) != 1 || get16(message + 6) != 0 || get16(message + 8) != 0)", "if (get16(message + 6) != 0 || get16(message + 8) != 0)"), unit("dns"))
    yield Mutant("dns: options beyond the end", swap(dns, "end - at < OPT_FIXED_BYTES ||", ""), unit("dns"))
    yield Mutant("dns: names that nothing allows are answered", swap(inquiry, "!rules_name(network->broker->plan, question.host, &rules))", "0)"), commands("refused_names_are_told_and_never_asked_for"))
    yield Mutant("hosts: a name may hold what no name holds", swap(host, "if (!isalnum(c) && !strchr(\".-_\", c))", "if (0)"), unit("dns", "url"))
    yield Mutant("hosts: two spellings of an IPv4 address", swap(host, "return ends_in_number(last, strlen(last)) ? normalise_ipv4(host, err) : 0;", "return 0;"), unit("url"))
    yield Mutant("hosts: capital letters", swap(host, "host[i] = (char)tolower(c);", "host[i] = (char)c;"), unit("url"))
    yield Mutant("hosts: what is not in one spelling is taken for it", skip(host, "host_is_normal", "true"), unit("url") + web("broker"))
    layer = "sandbox/layers/network.c"
    yield Mutant("network: nothing listens that leads out", skip(layer, "listen_inside", "0"), commands("curl"))
    yield Mutant("network: the listening sockets stay inside", swap(layer, "while (*count) close(sockets[--*count]);", "*count = 0;"), commands("what_a_command_holds"),
                 unseen="the layer descriptors, later in the order, closes them too; and commands are given three descriptors")
    yield Mutant("network: names have no addresses", skip(layer, "add_addresses", "0"), commands("curl"))


def connecting():
    """Where there is no network namespace: what the keeper asks, and what the broker makes of it."""
    keeper, reach, line = "sandbox/notify/connect.c", FOLDER + "reach.c", FOLDER + "inquiry.c"
    again, door, binding = connected("connecting_again"), connected("strangers_at_the_broker_s_door"), connected("listening_and_binding")
    yield Mutant("connecting: what is connected may be so again", skip(keeper, "is_connected", "false"), again)
    yield Mutant("connecting: a connection can be dissolved", swap(keeper, "if (wanted.family == AF_UNSPEC) return tcp ? -EACCES : 0;", "if (wanted.family == AF_UNSPEC) return 0;"), again)
    yield Mutant("connecting: any port may be bound", swap(keeper, "return wanted.port == 0 &&", "return"), binding)
    yield Mutant("connecting: any address may be bound", swap(keeper, "(address_equal(&wanted.address, &any) || address_equal(&wanted.address, &any6))", "1"), binding)
    yield Mutant("connecting: UDP goes anywhere", swap(keeper, "return wanted.port == LISTENERS_DNS_PORT ? connect_line(call) : -ENETUNREACH;", "return connect_line(call);"),
                 connected("names_by_messages_of_all_kinds"))
    yield Mutant("connecting: IPv4 in IPv6 is something else", skip(keeper, "plain"), connected("both_families_mean_the_same"))
    yield Mutant("connecting: who is gone is not noticed", swap(keeper, "return clock_ms() < call->deadline ? NOTIFY_LATER : -ETIMEDOUT;", "return -ETIMEDOUT;"), again)
    yield Mutant("connecting: flags are lost", swap(keeper, "notify_replace(call, call->kept, number, flags & O_CLOEXEC);", "notify_replace(call, call->kept, number, 0);"),
                 connected("flags_and_options_of_what_was_replaced"))
    yield Mutant("reach: nothing is judged before", swap(reach, "result = port ? judge(network, &address, (uint16_t)port) : -ECONNREFUSED;", "result = port ? 0 : -ECONNREFUSED;"),
                 connected("both_families_mean_the_same"))
    yield Mutant("reach: strangers are taken for ours", swap(reach, "if (!at->from || at->from != ntohs(peer->sin_port)) continue;", ""), door)
    yield Mutant("reach: lines are not bounded", swap(line, "if (oldest && network->line_count >= LIMIT_DNS_LINES)", "if (0)"), connected("more_lines_than_there_may_be"))
    yield Mutant("reach: what is searched for is told", swap(line, "size_t stem = network->reach ? resolver_search(network->broker->resolver, question->text) : 0;", "size_t stem = 0;"),
                 connected("names_that_the_machine_searches"))


PARTS = [connecting, addresses, rules, inside, methods, broker]
