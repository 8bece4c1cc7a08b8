/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of a command (log.h). A block holds records, each a header of two bytes (stream and length) and
 * then its bytes, and begins with the cursor of the first of them: so blocks are found by halving, with a
 * read of a few bytes for each step in the file, and no index is kept. Trusts nothing: any bytes may come,
 * and what comes back from the file is looked at before it is used.
 */
#include "tools/command/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/limits.h"

/* ---- blocks ---- */

struct block_header {
	uint64_t first;  /* cursor of its first byte */
	uint32_t length; /* bytes of output in it */
	uint16_t used;   /* of records, with their headers */
	uint16_t newest; /* where the last record begins */
};

#define RECORDS_BYTES (LIMIT_COMMAND_LOG_BLOCK_BYTES - sizeof(struct block_header))

struct command_log_block {
	struct block_header header;
	char records[RECORDS_BYTES];
};

struct record {
	uint16_t stream : 1, length : 15;
};

_Static_assert(sizeof(struct record) == 2 && RECORDS_BYTES < 1 << 15, "a record may fill a block");
_Static_assert(LIMIT_COMMAND_LOG_BYTES % LIMIT_COMMAND_LOG_BLOCK_BYTES == 0, "memory holds whole blocks");

static struct record get_record(const struct command_log_block *block, size_t at)
{
	struct record record;

	memcpy(&record, block->records + at, sizeof record);
	return record;
}

/* Adds what has room, also to the last record if that has the same stream. Returns how much that was. */
static size_t block_add(struct command_log_block *block, int stream, const char *bytes, size_t length)
{
	struct block_header *header = &block->header;
	struct record record = {.stream = (unsigned)stream & 1};
	size_t at = header->used, room;

	if (header->used > 0 && get_record(block, header->newest).stream == record.stream) {
		at = header->newest;
		record = get_record(block, at);
	}
	room = RECORDS_BYTES - header->used;
	if (at == header->used) {
		if (room <= sizeof record)
			return 0;
		room -= sizeof record;
		header->newest = header->used;
		header->used += sizeof record;
	}
	length = length < room ? length : room;
	memcpy(block->records + header->used, bytes, length);
	record.length = (uint16_t)(record.length + length);
	memcpy(block->records + at, &record, sizeof record);
	header->used = (uint16_t)(header->used + length);
	header->length += (uint32_t)length;
	return length;
}

/* Whether it can be what was written: its records are what its header says, and something of it lies between
 * these cursors. */
static bool block_is_whole(const struct command_log_block *block, uint64_t after, uint64_t end)
{
	const struct block_header *header = &block->header;
	size_t at = 0, length = 0;

	if (header->used > RECORDS_BYTES || header->first >= end || header->length > end - header->first ||
	    header->first + header->length <= after)
		return false;
	while (at + sizeof(struct record) <= header->used) {
		struct record record = get_record(block, at);

		at += sizeof record + record.length;
		length += record.length;
	}
	return at == header->used && length == header->length;
}

/* ---- circles ---- */

static uint64_t place_of(const struct command_log_circle *circle, uint64_t number)
{
	return (circle->oldest + number) % circle->places;
}

static void drop_oldest(struct command_log_circle *circle, uint64_t count)
{
	circle->oldest = place_of(circle, count);
	circle->count -= count;
}

/* ---- the file ---- */

static bool write_all(int fd, const void *bytes, size_t length, uint64_t offset)
{
	for (size_t done = 0; done < length;) {
		ssize_t written =
			pwrite(fd, (const char *)bytes + done, length - done, (off_t)(offset + done));

		if (written == 0 || (written < 0 && errno != EINTR))
			return false;
		done += written > 0 ? (size_t)written : 0;
	}
	return true;
}

static bool read_all(int fd, void *bytes, size_t length, uint64_t offset)
{
	for (size_t done = 0; done < length;) {
		ssize_t got = pread(fd, (char *)bytes + done, length - done, (off_t)(offset + done));

		if (got == 0 || (got < 0 && errno != EINTR))
			return false;
		done += got > 0 ? (size_t)got : 0;
	}
	return true;
}

void command_log_drop_file(struct command_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
	log->writing = false;
	log->file = (struct command_log_circle){0};
}

/* Moves the older half of memory to the file. */
static bool write_older_half(struct command_log *log)
{
	struct command_log_circle *memory = &log->memory, *file = &log->file;
	uint64_t left = (memory->count + 1) / 2;

	while (left > 0) {
		uint64_t run = left, place = place_of(file, file->count);

		if (run > memory->places - memory->oldest)
			run = memory->places - memory->oldest;
		if (run > file->places - place)
			run = file->places - place;
		if (file->count == file->places) /* what is written over is lost, even if that fails */
			drop_oldest(file, run);
		if (!write_all(log->fd, &log->blocks[memory->oldest], run * sizeof *log->blocks,
			       place * sizeof *log->blocks)) {
			log->writing = false;
			return false;
		}
		file->count += run;
		drop_oldest(memory, run);
		left -= run;
	}
	return true;
}

/* ---- adding ---- */

/* Doubles the places in memory. Once it cannot, they stay as many as they are. */
static bool grow(struct command_log *log)
{
	struct command_log_circle *memory = &log->memory;
	uint64_t places = memory->places ? memory->places * 2 : 1;
	struct command_log_block *blocks;

	if (memory->places == log->memory_most)
		return false;
	blocks = realloc(log->blocks, places * sizeof *blocks);
	if (!blocks) {
		if (memory->places)
			log->memory_most = memory->places;
		return false;
	}
	log->blocks = blocks; /* nothing has been dropped yet: the oldest is the first */
	memory->places = places;
	return true;
}

/* A new block, for which an old one goes if it must; NULL if there is no memory at all. */
static struct command_log_block *begin_block(struct command_log *log)
{
	struct command_log_circle *memory = &log->memory;
	struct command_log_block *block;

	if (memory->count == memory->places && !grow(log)) {
		if (memory->places == 0)
			return NULL;
		if (!log->writing || !write_older_half(log))
			drop_oldest(memory, 1);
	}
	block = &log->blocks[place_of(memory, memory->count++)];
	block->header = (struct block_header){.first = log->total};
	return block;
}

void command_log_add(struct command_log *log, int stream, const void *bytes, size_t length)
{
	struct command_log_circle *memory = &log->memory;
	struct command_log_block *block =
		memory->count ? &log->blocks[place_of(memory, memory->count - 1)] : NULL;

	for (size_t done = 0, added; done < length; done += added) {
		added = block ? block_add(block, stream, (const char *)bytes + done, length - done) : 0;
		log->total += added;
		if (added > 0)
			continue;
		block = begin_block(log);
		if (!block) { /* and none before: so no block ever has to know of a gap inside it */
			log->total += length - done;
			return;
		}
	}
}

bool command_log_wants_file(const struct command_log *log)
{
	/* with two blocks to come there is room for a whole read, beside their headers */
	_Static_assert(LIMIT_PIPE_READ_BYTES <= 2 * (RECORDS_BYTES - sizeof(struct record)), "see above");
	return !log->settled && log->memory_most - log->memory.count < 2;
}

void command_log_give_file(struct command_log *log, int fd, uint64_t most)
{
	log->settled = true;
	log->fd = fd;
	log->file.places = most / sizeof *log->blocks;
	log->writing = fd >= 0 && log->file.places > 0;
	if (!log->writing)
		command_log_drop_file(log);
}

uint64_t command_log_file_bytes(const struct command_log *log)
{
	return log->file.count * sizeof *log->blocks;
}

void command_log_init(struct command_log *log)
{
	*log = (struct command_log){.fd = -1,
				    .memory_most = LIMIT_COMMAND_LOG_BYTES / LIMIT_COMMAND_LOG_BLOCK_BYTES};
}

void command_log_deinit(struct command_log *log)
{
	command_log_drop_file(log);
	free(log->blocks);
	command_log_init(log);
}

/* ---- reading ---- */

/* Blocks are counted from the oldest: those of the file, then those in memory. */
static uint64_t count_blocks(const struct command_log *log)
{
	return log->file.count + log->memory.count;
}

/* Copies the first `size` bytes of a block. */
static bool get_block(struct command_log *log, uint64_t number, void *copy, size_t size)
{
	const struct command_log_circle *file = &log->file, *memory = &log->memory;

	if (number < file->count)
		return read_all(log->fd, copy, size, place_of(file, number) * sizeof *log->blocks);
	memcpy(copy, &log->blocks[place_of(memory, number - file->count)], size);
	return true;
}

/* The first block that ends behind `cursor`; the number of all, if there is none. */
static bool find_block(struct command_log *log, uint64_t cursor, uint64_t *number)
{
	uint64_t low = 0, high = count_blocks(log);

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		struct block_header header;

		if (!get_block(log, middle, &header, sizeof header))
			return false;
		if (header.first + header.length > cursor)
			high = middle;
		else
			low = middle + 1;
	}
	*number = low;
	return true;
}

/* Copies it. False: there is none. A file that cannot be read is given up, and what memory has is first. */
static bool load_block(struct command_log *log, uint64_t cursor, struct command_log_block *block)
{
	for (int attempts = 0; attempts < 2; attempts++) {
		uint64_t number;

		if (find_block(log, cursor, &number)) {
			if (number == count_blocks(log))
				return false;
			if (get_block(log, number, block, sizeof *block) &&
			    block_is_whole(block, cursor, log->total))
				return true;
		}
		command_log_drop_file(log);
	}
	return false;
}

/* Hands over what a block has from *cursor on, and moves that. */
static int take_block(const struct command_log_block *block, size_t *most, command_log_take *take,
		      void *context, uint64_t *cursor)
{
	uint64_t first = block->header.first;

	for (size_t at = 0; *most > 0 && at < block->header.used;) {
		struct record record = get_record(block, at);
		size_t skip = *cursor - first < record.length ? (size_t)(*cursor - first) : record.length;
		size_t length = record.length - skip < *most ? record.length - skip : *most;
		int result = 0;

		if (length > 0)
			result = take(context, record.stream, block->records + at + sizeof record + skip,
				      length);
		if (result < 0)
			return result;
		*most -= length;
		*cursor += length;
		first += record.length;
		at += sizeof record + record.length;
	}
	return 0;
}

int command_log_read(struct command_log *log, uint64_t since, size_t most, command_log_take *take,
		     void *context, uint64_t *next, uint64_t *lost)
{
	struct command_log_block block;
	uint64_t cursor = since, gone = log->total - since; /* unless something is found */
	bool found = false;

	if (since > log->total)
		return -EINVAL;
	while ((most > 0 || !found) && load_block(log, cursor, &block)) {
		int result;

		if (block.header.first > cursor && found)
			break; /* the next read tells what is lost here */
		if (!found) {
			gone = block.header.first > since ? block.header.first - since : 0;
			cursor = since + gone;
			found = true;
		}
		result = take_block(&block, &most, take, context, &cursor);
		if (result < 0)
			return result;
	}
	*next = found ? cursor : log->total;
	*lost = gone;
	return 0;
}
