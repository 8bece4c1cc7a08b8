/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call's processes are doing, as the kernel says it (state.h). A thread that is blocked has its call
 * and the arguments in /proc/PID/task/TID/syscall, and where a descriptor leads in fd beside it: so a read
 * of the terminal is known for one, and nothing is guessed from what was written before. Who polls first
 * keeps the descriptors in its memory, or in an epoll whose fdinfo lists them; both are read.
 *
 * That file wants what ptrace would (PTRACE_MODE_ATTACH): the same uid, a process that is dumpable, of this
 * Landlock domain or one inside, and with Yama's ptrace_scope 1 a descendant of ours, which all are. No
 * command may trace, but what decides here is only whether it might be looked at. Who cannot be, is not said
 * to wait.
 *
 * A command can make all of this say what it likes, about itself alone.
 */
#include "sandbox/keeper/state.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "sandbox/keeper/keeper.h"
#include "sandbox/keeper/wire.h"

#define CONTROLLING  makedev(5, 0) /* /dev/tty: whichever terminal its opener has */
#define EPOLL_PWAIT2 441           /* on every architecture; Debian 11 has no name for it */

/* One thread of one process. */
struct look {
	const struct state_input *input;
	char path[64];  /* "/proc/PID/task/TID" */
	dev_t terminal; /* the process's controlling one */
	unsigned long arguments[4];
};

void state_note(struct state_input *input, uint32_t waits, int fd, int other)
{
	struct stat status;

	if (fstat(fd, &status) == 0)
		*input = (struct state_input){waits, status.st_dev, status.st_ino, 0, status.st_rdev};
	if (other >= 0 && fstat(other, &status) == 0)
		input->other = status.st_ino;
}

/* At most size - 1 bytes of a file in /proc, with a NUL behind; how many, or -1. */
static ssize_t read_text(const char *directory, const char *name, char *text, size_t size)
{
	_cleanup_fd_ int fd = -1;
	size_t length = 0;
	char path[128];
	ssize_t got = 0;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && length < size - 1 && (got = read(fd, text + length, size - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	return fd < 0 || got < 0 ? -1 : (ssize_t)length;
}

/* ---- what a call waits for ---- */

static bool is_input(const struct look *look, unsigned long fd)
{
	const struct state_input *input = look->input;
	struct stat status;
	char path[128];

	snprintf(path, sizeof path, "%s/fd/%u", look->path, (unsigned)fd);
	if (stat(path, &status) < 0)
		return false;
	if (status.st_dev == input->device &&
	    (status.st_ino == input->inode || (input->other && status.st_ino == input->other)))
		return true;
	return input->waits == KEEPER_WAITS_TERMINAL && S_ISCHR(status.st_mode) &&
	       status.st_rdev == CONTROLLING && look->terminal == input->terminal;
}

static bool reads_first(const struct look *look)
{
	return is_input(look, look->arguments[0]);
}

/* What the process has at an address; how many bytes, or -1. */
static ssize_t read_memory(const struct look *look, unsigned long address, void *bytes, size_t size)
{
	_cleanup_fd_ int memory = -1;
	char path[128];

	snprintf(path, sizeof path, "%s/mem", look->path);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	return memory < 0 ? -1 : pread(memory, bytes, size, (off_t)address);
}

static bool polls(const struct look *look)
{
	struct pollfd polled[LIMIT_STATE_POLLED];
	size_t count = look->arguments[1] < LIMIT_STATE_POLLED ? look->arguments[1] : LIMIT_STATE_POLLED;
	ssize_t got = read_memory(look, look->arguments[0], polled, count * sizeof *polled);

	for (size_t i = 0; got > 0 && i < (size_t)got / sizeof *polled; i++)
		if (polled[i].fd >= 0 && polled[i].events & (POLLIN | POLLRDNORM) &&
		    is_input(look, (unsigned)polled[i].fd))
			return true;
	return false;
}

static bool selects(const struct look *look)
{
	const size_t width = 8 * sizeof(unsigned long);
	unsigned long set[LIMIT_STATE_POLLED / (8 * sizeof(unsigned long))];
	size_t count = look->arguments[0] < LIMIT_STATE_POLLED ? look->arguments[0] : LIMIT_STATE_POLLED;
	size_t words = (count + width - 1) / width;

	if (!look->arguments[1] ||
	    read_memory(look, look->arguments[1], set, words * sizeof *set) != (ssize_t)(words * sizeof *set))
		return false;
	for (size_t fd = 0; fd < count; fd++)
		if (set[fd / width] >> fd % width & 1 && is_input(look, fd))
			return true;
	return false;
}

/* Lines "tfd: 0 events: 19 data: 0 ..", numbers of events in hexadecimal. */
static bool polls_many(const struct look *look)
{
	char name[32], text[LIMIT_STATE_INFO_BYTES];
	unsigned fd, events;

	snprintf(name, sizeof name, "fdinfo/%u", (unsigned)look->arguments[0]);
	if (read_text(look->path, name, text, sizeof text) < 0)
		return false;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "tfd: %u events: %x", &fd, &events) == 2 && events & EPOLLIN &&
		    is_input(look, fd))
			return true;
	}
	return false;
}

/* Neither pread() nor recv(): terminals and pipes know neither. */
static const struct {
	long call;
	bool (*waits)(const struct look *look);
} waiting[] = {
	{SYS_read, reads_first},
	{SYS_readv, reads_first},
	{SYS_splice, reads_first},
	{SYS_ppoll, polls},
	{SYS_pselect6, selects},
	{SYS_epoll_pwait, polls_many},
	{EPOLL_PWAIT2, polls_many},
#ifdef SYS_poll
	{SYS_poll, polls},
#endif
#ifdef SYS_select
	{SYS_select, selects},
#endif
#ifdef SYS_epoll_wait
	{SYS_epoll_wait, polls_many},
#endif
};

/* Where it runs the file says so instead of numbers: then it waits for nothing. */
static bool thread_waits(struct look *look)
{
	unsigned long *arguments = look->arguments;
	char text[256];
	long call;

	if (read_text(look->path, "syscall", text, sizeof text) <= 0 ||
	    sscanf(text, "%ld 0x%lx 0x%lx 0x%lx 0x%lx", &call, arguments, arguments + 1, arguments + 2,
		   arguments + 3) != 5)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(waiting); i++)
		if (waiting[i].call == call)
			return waiting[i].waits(look);
	return false;
}

/* ---- processes ---- */

static bool process_waits(pid_t pid, dev_t terminal, const struct state_input *input, unsigned *left)
{
	struct look look = {.input = input, .terminal = terminal};
	bool found = false;
	DIR *tasks;

	snprintf(look.path, sizeof look.path, "/proc/%d/task", (int)pid);
	tasks = opendir(look.path);
	if (!tasks)
		return false;
	for (const struct dirent *entry; !found && *left > 0 && (entry = readdir(tasks));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(look.path, sizeof look.path, "/proc/%d/task/%.20s", (int)pid, entry->d_name);
		found = thread_waits(&look);
		--*left;
	}
	closedir(tasks);
	return found;
}

/* Adds what a process has used, with those of its children that it has waited for. False: it is dead. */
static bool account(pid_t pid, struct state *state, dev_t *terminal)
{
	uint64_t used[4], pages = 0, tick_us = 1000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	char directory[32], text[1024], code;
	unsigned number;
	const char *at;

	snprintf(directory, sizeof directory, "/proc/%d", (int)pid);
	if (read_text(directory, "stat", text, sizeof text) <= 0)
		return false;
	at = strrchr(text, ')'); /* the name before it may hold anything */
	if (!at || sscanf(at,
			  ") %c %*d %*d %*d %u %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %" SCNu64
			  " %" SCNu64 " %*d %*d %*d %*d %*u %*u %" SCNu64,
			  &code, &number, used, used + 1, used + 2, used + 3, &pages) != 7)
		return false;
	*terminal = makedev((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xfff00));
	state->cpu_us += (used[0] + used[1] + used[2] + used[3]) * tick_us;
	state->memory_bytes += pages * (uint64_t)sysconf(_SC_PAGESIZE);
	if (code == 'Z' || code == 'X')
		return false;
	state->processes++;
	return true;
}

void state_look(pid_t process, const struct state_input *input, struct state *state)
{
	struct sweep_found found;
	unsigned left = LIMIT_STATE_THREADS;

	*state = (struct state){.waits = KEEPER_WAITS_NOT};
	sweep_find(process, &found);
	for (size_t i = 0; i < found.count; i++) {
		dev_t terminal;

		if (account(found.list[i], state, &terminal) && input->waits && !state->waits &&
		    process_waits(found.list[i], terminal, input, &left))
			state->waits = input->waits;
	}
}
