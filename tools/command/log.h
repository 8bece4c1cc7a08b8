/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_COMMAND_LOG_H
#define SALLYPORT_TOOLS_COMMAND_LOG_H

/*
 * Everything a command has written, in the order it came, each piece with its stream. A *cursor* is a place
 * in it: the number of bytes, of both streams, that came before.
 *
 * It is a row of blocks, oldest first. In memory there are LIMIT_COMMAND_LOG_BYTES of them at most; then,
 * each time memory is full, the older half of it is moved to a file. A full file is written from its start
 * again, over the oldest. Without a file the oldest block in memory is lost for each new one. Whatever is
 * lost is lost by whole blocks, and every read says how many bytes that was.
 *
 *     while the command runs:
 *             command_log_wants_file(): stop reading its pipes, ask for a file;
 *                                       command_log_give_file(); go on
 *             else: read at most LIMIT_PIPE_READ_BYTES, command_log_add()
 *     for an answer:
 *             length = command_log_cut(log, since, most, ended);
 *             command_log_read(log, since, length, take, context, &next, &lost);
 *
 * Of the file it needs nothing but pread and pwrite, both at its own places. It is no place of trust: what
 * cannot be read back whole counts as lost.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct command_log_block; /* LIMIT_COMMAND_LOG_BLOCK_BYTES of records */

/* Places for blocks, used one after the other and then from the start again. */
struct command_log_circle {
	uint64_t places, oldest, count;
};

struct command_log {
	struct command_log_block *blocks; /* NULL until the first byte */
	struct command_log_circle memory, file;
	uint64_t memory_most; /* places that memory may grow to */
	int fd;               /* of the file, ours; -1: none */
	bool settled;         /* whether there is a file has been said */
	bool writing;         /* to it, until that fails */
	uint64_t total;
};

void command_log_init(struct command_log *log);
/* Frees, and closes the file. */
void command_log_deinit(struct command_log *log);

/* `stream` is 0 for stdout, 1 for stderr. It cannot fail: what finds no room is lost and counted. */
void command_log_add(struct command_log *log, int stream, const void *bytes, size_t length);

/* Bytes of both streams that have come so far, lost ones too: the cursor of the end. */
static inline uint64_t command_log_total(const struct command_log *log)
{
	return log->total;
}

/*
 * Whether more would have no room without a file, and nobody has said yet whether there is one. Before it
 * says so, LIMIT_PIPE_READ_BYTES can be added without loss, as far as there is memory; who adds after it
 * has said so loses the oldest.
 */
bool command_log_wants_file(const struct command_log *log);
/*
 * Gives it an empty file for `most` bytes, which it closes in the end, or says with -1 that there is none; at
 * any time, but once. If writing to it fails, it is not written again: what it holds stays readable, and the
 * log goes on in memory.
 */
void command_log_give_file(struct command_log *log, int fd, uint64_t most);

/* Closes the file, should there be one: what is in it is lost and counted. What is in memory stays. */
void command_log_drop_file(struct command_log *log);

/* Takes a piece, which is gone when it returns. What it returns below 0 ends the read and is its result. */
typedef int command_log_take(void *context, int stream, const char *bytes, size_t length);

static inline bool command_log_has_file(const struct command_log *log)
{
	return log->fd >= 0;
}

/* Bytes that its file takes so far. */
uint64_t command_log_file_bytes(const struct command_log *log);

/*
 * Hands over at most `most` bytes from cursor `since` on, in order; pieces are not longer than a block, and
 * two in a row may have the same stream. *lost is how many bytes from `since` on are gone: the first piece
 * begins behind them. *next is the cursor behind the last piece. It ends earlier where the next bytes are
 * gone, which the read from *next then says: only one that finds *next == command_log_total() has seen all.
 * Returns 0, -EINVAL when `since` is beyond the end, or what `take` returned (then *next and *lost are not
 * set).
 */
int command_log_read(struct command_log *log, uint64_t since, size_t most, command_log_take *take,
		     void *context, uint64_t *next, uint64_t *lost);

/*
 * How many of these bytes a reader should take so that its text ends well: if `most` cuts it, after the last
 * newline, should that be in its second half, else before a character of UTF-8 that has only begun; at the
 * log's end before such a character too, until the command has `ended`, since its rest will come. Never 0
 * where a cut leaves something to read.
 */
size_t command_log_cut(struct command_log *log, uint64_t since, size_t most, bool ended);

/* How many bytes at the end are a character or an escape sequence that has only begun (output_begun). */
size_t command_log_begun(struct command_log *log);

#endif
