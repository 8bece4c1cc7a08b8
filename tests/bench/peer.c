/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a server on pipes and exchanges lines with it: as little as possible, since its own cost is in every
 * number. */

#include "tests/bench/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const char initialize[] =
	"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-"
	"25\","
	"\"capabilities\":{},\"clientInfo\":{\"name\":\"claude-code\",\"version\":\"1\"}}}\n";
static const char initialized[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";

void die(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	fprintf(stderr, "drive: ");
	vfprintf(stderr, format, list);
	fprintf(stderr, "\n");
	va_end(list);
	exit(1);
}

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void peer_start(struct peer *peer, char **argv)
{
	posix_spawn_file_actions_t actions;
	int in[2], out[2], error;

	memset(peer, 0, sizeof(*peer));
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		die("pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	error = posix_spawn(&peer->pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		die("%s: %s", argv[0], strerror(error));
	close(in[0]);
	close(out[1]);
	peer->to = in[1];
	peer->from = out[0];
}

/* Waits for bytes and appends them. */
static void receive(struct peer *peer)
{
	ssize_t n;

	if (peer->begin == peer->end)
		peer->begin = peer->end = 0;
	if (peer->end == peer->size) {
		if (peer->begin > 0) {
			memmove(peer->data, peer->data + peer->begin, peer->end - peer->begin);
			peer->end -= peer->begin;
			peer->begin = 0;
		} else {
			peer->size = peer->size ? peer->size * 2 : 256 << 10;
			peer->data = realloc(peer->data, peer->size);
			if (!peer->data)
				die("out of memory");
		}
	}
	do
		n = read(peer->from, peer->data + peer->end, peer->size - peer->end);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		die("the server ended its output while an answer was due");
	peer->end += (size_t)n;
}

const char *peer_line(struct peer *peer, size_t *length)
{
	size_t seen = 0;

	for (;;) {
		char *line = peer->data + peer->begin;
		size_t have = peer->end - peer->begin;
		char *newline = have > seen ? memchr(line + seen, '\n', have - seen) : NULL;

		if (newline) {
			*length = (size_t)(newline - line);
			peer->begin += *length + 1;
			return line;
		}
		seen = have;
		receive(peer);
	}
}

size_t peer_drop_lines(struct peer *peer, size_t *sample)
{
	size_t count = 0;
	char *newline;

	receive(peer);
	while ((newline = memchr(peer->data + peer->begin, '\n', peer->end - peer->begin))) {
		if (sample)
			*sample = (size_t)(newline - (peer->data + peer->begin));
		peer->begin = (size_t)(newline - peer->data) + 1;
		count++;
	}
	return count;
}

void peer_send(struct peer *peer, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(peer->to, bytes, length);

		if (n < 0 && errno != EINTR)
			die("the server does not read: %s", strerror(errno));
		if (n > 0) {
			bytes += n;
			length -= (size_t)n;
		}
	}
}

uint64_t peer_handshake(struct peer *peer, uint64_t begin_ns)
{
	uint64_t took;
	const char *line;
	size_t length;

	peer_send(peer, initialize, sizeof(initialize) - 1);
	line = peer_line(peer, &length);
	took = now_ns() - begin_ns;
	if (!memmem(line, length, "\"result\"", 8))
		die("initialize was answered: %.*s", (int)(length < 500 ? length : 500), line);
	peer_send(peer, initialized, sizeof(initialized) - 1);
	return took;
}

void peer_end(struct peer *peer)
{
	int status;

	close(peer->to);
	close(peer->from);
	if (waitpid(peer->pid, &status, 0) != peer->pid || status != 0)
		die("the server ended with status %d", status);
	free(peer->data);
	memset(peer, 0, sizeof(*peer));
}
