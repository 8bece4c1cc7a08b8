/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_BENCH_PEER_H
#define SALLYPORT_BENCH_PEER_H

/*
 * A server under measurement, on pipes as a host would have it. The driver trusts its own servers: any
 * failure ends the driver with a message and status 1 (a number that was not measured must not be printed),
 * and a server that hangs is ended by SIGALRM.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct peer {
	pid_t pid;
	int to, from;
	char *data; /* received: [begin, end) is unread */
	size_t begin, end, size;
};

/* Monotonic time in nanoseconds. */
uint64_t now_ns(void);

void peer_start(struct peer *peer, char **argv);
/* The legacy handshake; returns when the answer to `initialize` is here. `begin_ns` is the time before the
 * start; returns nanoseconds from there to that answer. */
uint64_t peer_handshake(struct peer *peer, uint64_t begin_ns);
void peer_send(struct peer *peer, const char *bytes, size_t length);
/* The next line, without its newline and not terminated; valid until the next call. */
const char *peer_line(struct peer *peer, size_t *length);
/* Reads what is there (waiting for something) and returns how many lines it ended; their bytes are dropped.
 * `sample`, if not NULL, receives the length of the last line that ended. */
size_t peer_drop_lines(struct peer *peer, size_t *sample);
/* Closes its input and waits for its end. */
void peer_end(struct peer *peer);

/* What a process and all its descendants hold and have used. */
struct tree {
	uint64_t pss_kb; /* proportional share of memory */
	uint64_t cpu_ns; /* of processes that are alive */
	unsigned processes;
};

/* `pss` costs milliseconds a process, so it is only read when asked for. */
struct tree tree_read(pid_t root, int pss);

void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
