/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load generator: starts a server on pipes, puts one kind of load on it, prints `key value` lines. In C
 * and with one thread, so that what it costs itself is small and the same for every server.
 *
 * usage: floor-drive [-c CORE] [-n COUNT] [-k IN_FLIGHT] [-q REQUEST] [-Q REQUEST] SCENARIO
 *                    PROGRAM [ARGUMENT]...
 *
 *   REQUEST   the members of a request after its id, or @FILE that holds them
 *   start     COUNT starts, each to its first answer
 *   idle      COUNT instances at once, each after its first answer; memory of each
 *   sequence  COUNT requests -q, one after the other
 *   flight    COUNT requests -q, IN_FLIGHT of them at any time
 *   load      a sequence and a flight of -q, some of -Q, then memory
 *   burst     COUNT times: IN_FLIGHT requests -q at once, with four of -Q before them if given
 *   beside    -q one after the other for COUNT / 5 milliseconds, then for COUNT of them while a
 *             command runs that -Q began
 */

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "tests/bench/peer.h"

#define PATIENCE_SECONDS 300 /* a whole scenario; past that something hangs */
#define SETTLE_MS        200 /* for memory only: what is given back after the last answer has been given back */

struct request {
	char *members;
	size_t length;
};

struct options {
	size_t count, flight;
	struct request first, second; /* -q, -Q */
	char **argv;
};

static unsigned long next_id = 1;

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print_latency(uint64_t *took, size_t count, const char *prefix)
{
	qsort(took, count, sizeof(*took), compare);
	printf("%sp50_us %.2f\n%sp99_us %.2f\n", prefix, (double)took[count / 2] / 1e3, prefix,
	       (double)took[count * 99 / 100] / 1e3);
}

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		die("out of memory");
	return memory;
}

/* ---- requests ---- */

static void request_read(struct request *request, const char *argument)
{
	FILE *file;
	long size;

	if (argument[0] != '@') {
		request->members = strdup(argument);
		request->length = strlen(argument);
		return;
	}
	file = fopen(argument + 1, "re");
	if (!file || fseek(file, 0, SEEK_END) < 0 || (size = ftell(file)) < 0)
		die("%s: %s", argument + 1, strerror(errno));
	rewind(file);
	request->members = allocate((size_t)size + 1, 1);
	request->length = fread(request->members, 1, (size_t)size, file);
	fclose(file);
}

#define REQUEST_HEAD_BYTES 64 /* {"jsonrpc":"2.0","id":N, and the end of the line */

static size_t requests_bytes(const struct request *request, size_t count)
{
	return count * (request->length + REQUEST_HEAD_BYTES);
}

/* Appends `count` whole requests at `at`, where requests_bytes() are free; returns the new end. */
static char *requests_write(char *at, const struct request *request, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int head = snprintf(at, REQUEST_HEAD_BYTES, "{\"jsonrpc\":\"2.0\",\"id\":%lu,", next_id++);

		at += head;
		memcpy(at, request->members, request->length);
		at += request->length;
		*at++ = '}';
		*at++ = '\n';
	}
	return at;
}

/* Refuses to measure failures: they are fast. */
static void check_answer(const char *line, size_t length)
{
	size_t shown = length < 600 ? length : 600;

	if (!memmem(line, length, "\"result\"", 8) || memmem(line, length, "\"isError\":true", 14))
		die("a request failed: %.*s", (int)shown, line);
}

static unsigned long id_of(const char *line, size_t length)
{
	const char *id = memmem(line, length, "\"id\":", 5);

	return id ? strtoul(id + 5, NULL, 10) : 0;
}

/* One request and its answer, outside the measurement: starts what starts on first use. Returns the answer's
 * length. */
static size_t warm(struct peer *peer, const struct request *request)
{
	_cleanup_free_ char *line = allocate(requests_bytes(request, 1), 1);
	const char *answer;
	size_t length;

	peer_send(peer, line, (size_t)(requests_write(line, request, 1) - line));
	answer = peer_line(peer, &length);
	check_answer(answer, length);
	return length;
}

static void sequence(struct peer *peer, const struct request *request, size_t count, uint64_t *took,
		     size_t expected)
{
	_cleanup_free_ char *line = allocate(requests_bytes(request, 1), 1);

	for (size_t i = 0; i < count; i++) {
		size_t bytes = (size_t)(requests_write(line, request, 1) - line), length;
		uint64_t begin = now_ns();
		const char *answer;

		peer_send(peer, line, bytes);
		answer = peer_line(peer, &length);
		if (took)
			took[i] = now_ns() - begin;
		/* Only numbers in it may differ in length. */
		if (length + 100 < expected || length > expected + 100)
			check_answer(answer, length);
	}
}

/* Keeps `flight` requests on their way until `count` are answered; returns the nanoseconds it took. */
static uint64_t flight(struct peer *peer, const struct request *request, size_t count, size_t flight,
		       size_t expected)
{
	_cleanup_free_ char *lines = allocate(requests_bytes(request, flight), 1);
	size_t sent = flight < count ? flight : count, answered = 0, length = expected;
	uint64_t begin = now_ns();

	peer_send(peer, lines, (size_t)(requests_write(lines, request, sent) - lines));
	while (answered < count) {
		size_t ended = peer_drop_lines(peer, &length), more = ended;

		answered += ended;
		if (length + 100 < expected || length > expected + 100)
			die("an answer of %zu bytes where %zu were due", length, expected);
		if (more > count - sent)
			more = count - sent;
		if (more > 0)
			peer_send(peer, lines, (size_t)(requests_write(lines, request, more) - lines));
		sent += more;
	}
	return now_ns() - begin;
}

/* The same for so many milliseconds, beside the request with the id `other` (0: none), which runs on whether
 * it is answered meanwhile or not. Returns how many were answered, `most` at most. */
static size_t sequence_beside(struct peer *peer, const struct request *request, uint64_t milliseconds,
			      unsigned long other, uint64_t *took, size_t most)
{
	_cleanup_free_ char *line = allocate(requests_bytes(request, 1), 1);
	uint64_t end = now_ns() + milliseconds * 1000000, begin = now_ns();
	size_t answered = 0, length;

	for (; begin < end && answered < most; begin = now_ns()) {
		unsigned long id = next_id;
		size_t bytes = (size_t)(requests_write(line, request, 1) - line);
		const char *answer;

		peer_send(peer, line, bytes);
		do {
			answer = peer_line(peer, &length);
			check_answer(answer, length);
			if (id_of(answer, length) == other && !memmem(answer, length, "\"running\"", 9))
				die("what should run beside has ended: %.*s", (int)length, answer);
		} while (id_of(answer, length) != id);
		took[answered++] = now_ns() - begin;
	}
	return answered;
}

/* ---- scenarios ---- */

static void run_start(const struct options *o)
{
	_cleanup_free_ uint64_t *took = allocate(o->count, sizeof(*took));

	for (size_t i = 0; i < o->count; i++) {
		uint64_t begin = now_ns();
		struct peer peer;

		peer_start(&peer, o->argv);
		took[i] = peer_handshake(&peer, begin);
		peer_end(&peer);
	}
	print_latency(took, o->count, "");
}

static void run_idle(const struct options *o)
{
	_cleanup_free_ struct peer *peers = allocate(o->count, sizeof(*peers));
	uint64_t pss = 0;
	unsigned processes = 0;

	for (size_t i = 0; i < o->count; i++) {
		uint64_t begin = now_ns();

		peer_start(&peers[i], o->argv);
		peer_handshake(&peers[i], begin);
	}
	poll(NULL, 0, SETTLE_MS);
	for (size_t i = 0; i < o->count; i++) {
		struct tree tree = tree_read(peers[i].pid, true);

		pss += tree.pss_kb;
		processes += tree.processes;
	}
	printf("pss_kb %.1f\nprocesses %.1f\n", (double)pss / (double)o->count,
	       (double)processes / (double)o->count);
	for (size_t i = 0; i < o->count; i++)
		peer_end(&peers[i]);
}

static void run_sequence(const struct options *o)
{
	_cleanup_free_ uint64_t *took = allocate(o->count, sizeof(*took));
	uint64_t begin = now_ns(), cpu;
	struct peer peer;
	size_t expected;

	peer_start(&peer, o->argv);
	peer_handshake(&peer, begin);
	warm(&peer, &o->first);
	expected = warm(&peer, &o->first);
	sequence(&peer, &o->first, o->count / 10, NULL, expected);
	cpu = tree_read(peer.pid, false).cpu_ns;
	sequence(&peer, &o->first, o->count, took, expected);
	cpu = tree_read(peer.pid, false).cpu_ns - cpu;
	print_latency(took, o->count, "");
	printf("cpu_us %.2f\nanswer_bytes %zu\n", (double)cpu / 1e3 / (double)o->count, expected);
	peer_end(&peer);
}

static void run_flight(const struct options *o)
{
	uint64_t begin = now_ns(), cpu, took;
	struct peer peer;
	size_t expected;

	peer_start(&peer, o->argv);
	peer_handshake(&peer, begin);
	expected = warm(&peer, &o->first);
	flight(&peer, &o->first, o->count / 10 + o->flight, o->flight, expected);
	cpu = tree_read(peer.pid, false).cpu_ns;
	took = flight(&peer, &o->first, o->count, o->flight, expected);
	cpu = tree_read(peer.pid, false).cpu_ns - cpu;
	printf("per_second %.1f\ncpu_us %.2f\n", (double)o->count * 1e9 / (double)took,
	       (double)cpu / 1e3 / (double)o->count);
	peer_end(&peer);
}

static void run_load(const struct options *o)
{
	uint64_t begin = now_ns();
	struct peer peer;
	struct tree tree;
	size_t expected;

	peer_start(&peer, o->argv);
	peer_handshake(&peer, begin);
	expected = warm(&peer, &o->first);
	sequence(&peer, &o->first, o->count, NULL, expected);
	flight(&peer, &o->first, o->count, o->flight, expected);
	expected = warm(&peer, &o->second);
	sequence(&peer, &o->second, 10, NULL, expected);
	poll(NULL, 0, SETTLE_MS);
	tree = tree_read(peer.pid, true);
	printf("pss_kb %llu\nprocesses %u\n", (unsigned long long)tree.pss_kb, tree.processes);
	peer_end(&peer);
}

/* One burst; `took` receives the time from sending to each answer of a -q request. */
static void burst(struct peer *peer, const struct options *o, char *lines, uint64_t *took)
{
	size_t commands = o->second.members ? 4 : 0, files = 0, length;
	unsigned long first_file = next_id + commands;
	char *end = commands ? requests_write(lines, &o->second, commands) : lines;
	uint64_t begin;

	end = requests_write(end, &o->first, o->flight);
	begin = now_ns();
	peer_send(peer, lines, (size_t)(end - lines));
	for (size_t i = 0; i < o->flight + commands; i++) {
		const char *line = peer_line(peer, &length);

		check_answer(line, length);
		if (id_of(line, length) >= first_file)
			took[files++] = now_ns() - begin;
	}
	if (files != o->flight)
		die("%zu of %zu answers carry the id of their request", files, o->flight);
}

static void run_burst(const struct options *o)
{
	_cleanup_free_ uint64_t *took = allocate(o->count * o->flight, sizeof(*took));
	_cleanup_free_ char *lines =
		allocate(requests_bytes(&o->first, o->flight) + requests_bytes(&o->second, 4), 1);
	uint64_t begin = now_ns();
	struct peer peer;

	peer_start(&peer, o->argv);
	peer_handshake(&peer, begin);
	warm(&peer, &o->first);
	if (o->second.members)
		warm(&peer, &o->second);
	for (size_t i = 0; i < o->count; i++)
		burst(&peer, o, lines, took + i * o->flight);
	print_latency(took, o->count * o->flight, "");
	peer_end(&peer);
}

/* -Q is begun and goes on; what it and the server have used of a processor shows that it did. */
static void run_beside(const struct options *o)
{
	const size_t most = o->count * 200; /* no round trip between three processes takes 5 us */
	_cleanup_free_ uint64_t *took = allocate(most, sizeof(*took));
	_cleanup_free_ char *line = allocate(requests_bytes(&o->second, 1), 1);
	uint64_t begin = now_ns(), cpu;
	unsigned long other;
	struct peer peer;
	size_t answered;

	peer_start(&peer, o->argv);
	peer_handshake(&peer, begin);
	warm(&peer, &o->first);
	answered = sequence_beside(&peer, &o->first, o->count / 5 + 1, 0, took, most);
	print_latency(took, answered, "quiet_");
	other = next_id;
	peer_send(&peer, line, (size_t)(requests_write(line, &o->second, 1) - line));
	begin = now_ns();
	cpu = tree_read(peer.pid, false).cpu_ns;
	answered = sequence_beside(&peer, &o->first, o->count, other, took, most);
	cpu = tree_read(peer.pid, false).cpu_ns - cpu;
	print_latency(took, answered, "");
	printf("processors %.2f\nanswered %zu\n", (double)cpu / (double)(now_ns() - begin), answered);
	peer_end(&peer);
}

static const struct {
	const char *name;
	void (*run)(const struct options *options);
	bool needs_request, needs_second;
} scenarios[] = {
	{"beside", run_beside, true, true},  {"burst", run_burst, true, false},
	{"flight", run_flight, true, false}, {"idle", run_idle, false, false},
	{"load", run_load, true, true},      {"sequence", run_sequence, true, false},
	{"start", run_start, false, false},
};

static void usage(void)
{
	fprintf(stderr, "usage: floor-drive [-c CORE] [-n COUNT] [-k IN_FLIGHT] [-q REQUEST] [-Q REQUEST] "
			"start|idle|sequence|flight|load|burst|beside PROGRAM [ARGUMENT]...\n");
	exit(2);
}

static void pin(const char *core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(strtoul(core, NULL, 10), &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("core %s: %s", core, strerror(errno));
}

int main(int argc, char **argv)
{
	struct options o = {.count = 1, .flight = 16};
	int option;

	while ((option = getopt(argc, argv, "+c:n:k:q:Q:")) != -1) {
		if (option == 'c')
			pin(optarg);
		else if (option == 'n')
			o.count = strtoul(optarg, NULL, 10);
		else if (option == 'k')
			o.flight = strtoul(optarg, NULL, 10);
		else if (option == 'q')
			request_read(&o.first, optarg);
		else if (option == 'Q')
			request_read(&o.second, optarg);
		else
			usage();
	}
	if (argc - optind < 2 || o.count == 0 || o.flight == 0)
		usage();
	o.argv = argv + optind + 1;
	signal(SIGPIPE, SIG_IGN);
	alarm(PATIENCE_SECONDS);
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		if (strcmp(scenarios[i].name, argv[optind]) != 0)
			continue;
		if ((scenarios[i].needs_request && !o.first.members) ||
		    (scenarios[i].needs_second && !o.second.members))
			usage();
		scenarios[i].run(&o);
		free(o.first.members);
		free(o.second.members);
		return 0;
	}
	usage();
}
