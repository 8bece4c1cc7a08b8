/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The work floor: what a tool server must cost that really does its work and nothing besides. Lines in, lines
 * out, one thread, no MCP, no confinement, no checks worth the name:
 *
 *   a line with "path":"P"      openat2 beneath DIR, fstat, read, escape into a JSON string
 *   a line with "command"       posix_spawn of /bin/true with pipes on its output, read to their ends, wait;
 *                               several may run at once
 *   any other line with an id   a constant
 *
 * usage: floor-work DIR
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/cleanup.h"

#define COMMANDS_MAX 64 /* more than the driver ever has in flight */

struct bytes {
	char *data;
	size_t length, size;
};

struct command {
	pid_t pid;
	int output[2]; /* our ends of stdout and stderr; -1 when at their end */
	long id;
};

extern char **environ;
static struct command commands[COMMANDS_MAX]; /* pid 0: free */

static void bytes_reserve(struct bytes *b, size_t more)
{
	if (b->length + more <= b->size)
		return;
	b->size = (b->length + more) * 2;
	b->data = realloc(b->data, b->size);
	if (!b->data)
		abort();
}

static void bytes_add(struct bytes *b, const char *data, size_t length)
{
	bytes_reserve(b, length);
	memcpy(b->data + b->length, data, length);
	b->length += length;
}

static void bytes_escape(struct bytes *b, const char *text, size_t length)
{
	char *out;

	bytes_reserve(b, length * 6);
	out = b->data + b->length;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\') {
			*out++ = '\\';
			*out++ = (char)c;
		} else if (c == '\n') {
			*out++ = '\\';
			*out++ = 'n';
		} else if (c < 0x20) {
			out += snprintf(out, 7, "\\u%04x", c);
		} else {
			*out++ = (char)c;
		}
	}
	b->length = (size_t)(out - b->data);
}

static void answer_begin(struct bytes *out, long id)
{
	char head[96];
	int n = snprintf(head, sizeof(head),
			 "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"content\":[{\"text\":\"", id);

	bytes_add(out, head, (size_t)n);
}

static void answer_end(struct bytes *out)
{
	bytes_add(out, "\"}]}}\n", 6);
}

static void answer_file(struct bytes *out, int root, const char *path, long id)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	_cleanup_fd_ int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	_cleanup_free_ char *content = NULL;
	struct stat st;
	size_t have = 0;

	answer_begin(out, id);
	if (fd >= 0 && fstat(fd, &st) == 0 && (content = malloc((size_t)st.st_size + 1))) {
		ssize_t n;

		while ((n = read(fd, content + have, (size_t)st.st_size + 1 - have)) > 0)
			have += (size_t)n;
		bytes_escape(out, content, have);
	} else {
		bytes_add(out, "isError", 7);
	}
	answer_end(out);
}

static void command_start(struct command *c, long id)
{
	char name[] = "true", *argv[] = {name, NULL};
	posix_spawn_file_actions_t actions;
	int outer[2], error[2];

	if (pipe2(outer, O_CLOEXEC) < 0 || pipe2(error, O_CLOEXEC) < 0)
		abort();
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, outer[1], 1);
	posix_spawn_file_actions_adddup2(&actions, error[1], 2);
	if (posix_spawn(&c->pid, "/bin/true", &actions, NULL, argv, environ) != 0)
		abort();
	posix_spawn_file_actions_destroy(&actions);
	close(outer[1]);
	close(error[1]);
	c->output[0] = outer[0];
	c->output[1] = error[0];
	c->id = id;
}

/* One of a command's pipes is readable. Answers when both have ended. */
static void command_read(struct command *c, int which, struct bytes *out)
{
	char piece[4096];
	int status;

	if (read(c->output[which], piece, sizeof(piece)) > 0)
		return;
	close_fd(&c->output[which]);
	if (c->output[0] >= 0 || c->output[1] >= 0)
		return;
	waitpid(c->pid, &status, 0);
	c->pid = 0;
	answer_begin(out, c->id);
	answer_end(out);
}

static void line_answer(const char *line, size_t length, int root, struct bytes *out)
{
	const char *id = memmem(line, length, "\"id\":", 5);
	const char *path = memmem(line, length, "\"path\":\"", 8);
	const char *quote = path ? memchr(path + 8, '"', length - (size_t)(path + 8 - line)) : NULL;
	long number = id ? strtol(id + 5, NULL, 10) : 0;
	char name[256];

	if (!id)
		return;
	if (quote && (size_t)(quote - path - 8) < sizeof(name)) {
		memcpy(name, path + 8, (size_t)(quote - path - 8));
		name[quote - path - 8] = '\0';
		answer_file(out, root, name, number);
	} else if (memmem(line, length, "run_command", 11)) {
		struct command *c = commands;

		while (c < commands + COMMANDS_MAX - 1 && c->pid)
			c++;
		command_start(c, number);
	} else {
		answer_begin(out, number);
		answer_end(out);
	}
}

/* Answers the whole lines of `in`, keeps the rest. */
static void lines_answer(struct bytes *in, size_t seen, int root, struct bytes *out)
{
	char *at = in->data, *end = in->data + in->length,
	     *newline = memchr(at + seen, '\n', in->length - seen);

	for (; newline; newline = memchr(at, '\n', (size_t)(end - at))) {
		line_answer(at, (size_t)(newline - at), root, out);
		at = newline + 1;
	}
	memmove(in->data, at, (size_t)(end - at));
	in->length = (size_t)(end - at);
}

static void flush(struct bytes *out)
{
	size_t done = 0;

	while (done < out->length) {
		ssize_t n = write(1, out->data + done, out->length - done);

		if (n < 0 && errno != EINTR)
			exit(1);
		done += n > 0 ? (size_t)n : 0;
	}
	out->length = 0;
}

int main(int argc, char **argv)
{
	int root = argc == 2 ? open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct bytes in = {0}, out = {0};

	if (root < 0) {
		fprintf(stderr, "usage: floor-work DIR\n");
		return 2;
	}
	for (;;) {
		struct pollfd poll_set[1 + 2 * COMMANDS_MAX] = {{.fd = 0, .events = POLLIN}};
		nfds_t count = 1;

		for (struct command *c = commands; c < commands + COMMANDS_MAX; c++) {
			if (!c->pid)
				continue;
			for (int which = 0; which < 2; which++)
				poll_set[count++] = (struct pollfd){.fd = c->output[which], .events = POLLIN};
		}
		/* Without commands running, read() itself waits. */
		if (count > 1)
			poll(poll_set, count, -1);
		if (count == 1 || poll_set[0].revents) {
			size_t seen = in.length;
			ssize_t n;

			bytes_reserve(&in, 64 << 10);
			n = read(0, in.data + in.length, in.size - in.length);
			if (n <= 0)
				return 0;
			in.length += (size_t)n;
			lines_answer(&in, seen, root, &out);
		}
		for (struct command *c = commands; count > 1 && c < commands + COMMANDS_MAX; c++)
			for (int which = 0; which < 2; which++)
				for (nfds_t i = 1; c->pid && i < count; i++)
					if (poll_set[i].revents && poll_set[i].fd >= 0 &&
					    poll_set[i].fd == c->output[which]) {
						command_read(c, which, &out);
						break;
					}
		flush(&out);
	}
}
