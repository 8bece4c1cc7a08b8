/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Showing lines, straight from the file into the ring. The rule for cuts does not depend on how much room the
 * ring has: whole lines while they fit; a line that does not fit is left to the next call, unless it is the
 * first: then it is cut between characters. What stands in the ring may be changed by the other side
 * meanwhile, so an index is never derived from one load and trusted in another.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/limits.h"
#include "tools/files/executor/read.h"
#include "tools/files/executor/scan.h"
#include "tools/files/wire.h"
#include "tools/reply.h"

static size_t smaller(uint64_t left, uint64_t right)
{
	return (size_t)(left < right ? left : right);
}

/* Bytes to ask for: what is left of the file and one, to see its end; or one more than may be shown. */
static size_t appetite(const struct read_job *read)
{
	uint64_t left = read->size > read->position ? read->size - read->position : 0;

	if (left < LIMIT_FILES_REPLY_BYTES)
		left = LIMIT_FILES_REPLY_BYTES; /* a size is a hint */
	return smaller(left + 1, read->budget + 1);
}

/* The first bytes were read: text, and small enough to hash on the way? */
static bool first_piece(struct files *files, struct job *job, const uint8_t *bytes, size_t length,
			enum job_state *state)
{
	struct read_job *read = &job->read;

	if (!read->checked && !read_judge_head(files, job, bytes, length, state))
		return false;
	if (read->position == 0 && read->lines == 0 && !read->inside && read->size <= read->budget) {
		read->known = hashes_find(files->hashes, &read->status);
		read->hashing = !read->known;
		if (read->hashing)
			sha256_init(&read->hash);
	}
	if (length == 0 && read->position == 0)
		read->flags |= FILES_READ_EMPTY;
	return true;
}

static void note_bytes(struct read_job *read, const uint8_t *bytes, size_t length, bool high)
{
	if (high && !read->kind)
		read->kind = scan_encoding(bytes, length);
	if (read->hashing)
		sha256_update(&read->hash, length, bytes);
	read->position += length;
}

static void cut_line(struct read_job *read)
{
	read->flags |= FILES_READ_LINE_CUT;
	read->lines++;
	read->phase = READ_REST;
}

/* No newline in the piece, and the file goes on: how much of it may be shown? 0 with another phase set. */
static size_t part_of_line(struct read_job *read, const uint8_t *bytes, size_t got, bool over)
{
	if (read->lines == 0 || read->allowed) {
		size_t take = scan_whole_characters(bytes, smaller(got, read->budget));

		read->inside = true;
		read->scan = read->position + take;
		if (over)
			cut_line(read);
		return take;
	}
	read->scan = read->position + got;
	read->more = over;
	read->phase = over ? READ_RESULT : READ_LOOK;
	return 0;
}

/* How many of `got` bytes are shown now; sets what follows. `last`: the file ends behind them. */
static size_t measure(struct read_job *read, const uint8_t *bytes, size_t got, bool last, bool *high)
{
	size_t seen = smaller(got, read->budget), count = scan_lines(bytes, seen, high), take;
	bool over = got > seen;
	const uint8_t *newline;

	if (count >= read->limit) {
		take = scan_to_line(bytes, seen, read->limit);
		read->lines += read->limit;
		read->more = take < got || (!last && read->position + take < read->size);
		read->flags |= read->more ? FILES_READ_BY_LIMIT : 0;
		read->phase = READ_RESULT;
		return take;
	}
	if (last && !over) {
		read->lines += count + (got > 0 ? bytes[got - 1] != '\n' : read->inside);
		read->phase = READ_RESULT;
		return got;
	}
	newline = memrchr(bytes, '\n', seen);
	if (!newline)
		return part_of_line(read, bytes, got, over);
	read->lines += count;
	read->limit -= count;
	read->inside = read->allowed = false;
	if (over) {
		read->more = true;
		read->phase = READ_RESULT;
	}
	return (size_t)(newline - bytes) + 1;
}

static enum job_state window_plain(struct files *files, struct job *job)
{
	struct read_job *read = &job->read;
	size_t most = appetite(read), length, take;
	uint8_t *at = reply_room(files, job, smaller(most, LIMIT_FILES_PIECE_BYTES), most, &length);
	enum job_state state;
	bool high = false;
	ssize_t got;

	if (!at)
		return files->lied ? JOB_DONE : JOB_ROOM;
	got = read_at(read, at, length, read->position);
	if (got < 0)
		return read_failed(files, job, (int)got);
	if (!first_piece(files, job, at, (size_t)got, &state))
		return state;
	take = measure(read, at, (size_t)got, (size_t)got < length, &high);
	note_bytes(read, at, take, high);
	read->budget -= take;
	if (take)
		reply_send(files, job, REPLY_TEXT, 0, take);
	return JOB_AGAIN;
}

size_t read_prefix(const struct read_job *read, char prefix[READ_PREFIX_BYTES])
{
	if (!read->numbers || read->inside)
		return 0;
	return (size_t)snprintf(prefix, READ_PREFIX_BYTES, "%6" PRIu64 "\t", read->first + read->lines);
}

/* A numbered piece in the making: lines from files->scratch, text to the ring. */
struct piece {
	const uint8_t *bytes;
	size_t got, at; /* of the file; of it shown */
	bool last;      /* the file ends behind `got` */
	uint8_t *to;
	size_t room, used;
};

static void put(struct read_job *read, struct piece *piece, const char *prefix, size_t prefix_length,
		size_t length)
{
	memcpy(piece->to + piece->used, prefix, prefix_length);
	memcpy(piece->to + piece->used + prefix_length, piece->bytes + piece->at, length);
	piece->used += prefix_length + length;
	piece->at += length;
	read->budget -= prefix_length + length;
}

/* Part of a line that is longer than what fits here. `over`: it is longer than what may be shown at all. */
static void put_part(struct read_job *read, struct piece *piece, const char *prefix, size_t prefix_length,
		     size_t length, bool over)
{
	size_t most = smaller(read->budget, piece->room - piece->used);

	if (most > prefix_length) {
		size_t part = smaller(length, most - prefix_length);

		put(read, piece, prefix, prefix_length,
		    scan_whole_characters(piece->bytes + piece->at, part));
		read->inside = true;
	}
	read->scan = read->position + piece->at;
	if (over)
		cut_line(read);
}

/* One more line, or part of it. False: the piece is as full as it gets, or the phase has changed. */
static bool put_line(struct read_job *read, struct piece *piece)
{
	size_t left = piece->got - piece->at, length, prefix_length;
	const uint8_t *newline = memchr(piece->bytes + piece->at, '\n', left);
	char prefix[READ_PREFIX_BYTES];
	bool whole = newline || piece->last, over;

	length = newline ? (size_t)(newline - (piece->bytes + piece->at)) + 1 : left;
	prefix_length = read_prefix(read, prefix);
	over = prefix_length + length > read->budget;
	if (!whole && !over && piece->at > 0)
		return false; /* again from its start, with more of it */
	if (over && read->lines > 0 && !read->allowed) {
		read->more = true;
		read->phase = READ_RESULT;
		return false;
	}
	if (!whole && !over && read->lines > 0 && !read->allowed) {
		read->scan = read->position + left;
		read->phase = READ_LOOK;
		return false;
	}
	if (over || !whole || prefix_length + length > piece->room - piece->used) {
		if (!over && piece->used > 0)
			return false; /* with new room */
		read->allowed = true;
		put_part(read, piece, prefix, prefix_length, length, over);
		return false;
	}
	put(read, piece, prefix, prefix_length, length);
	read->lines++;
	read->limit--;
	read->inside = read->allowed = false;
	return read->limit > 0;
}

static void numbered_end(struct read_job *read, const struct piece *piece)
{
	if (read->phase != READ_WINDOW)
		return;
	if (read->limit == 0) {
		read->more =
			piece->at < piece->got || (!piece->last && read->position + piece->at < read->size);
		read->flags |= read->more ? FILES_READ_BY_LIMIT : 0;
		read->phase = READ_RESULT;
	} else if (piece->last && piece->at == piece->got) {
		read->lines += read->inside;
		read->phase = READ_RESULT;
	}
}

static enum job_state window_numbered(struct files *files, struct job *job)
{
	struct read_job *read = &job->read;
	size_t asked = smaller(appetite(read), LIMIT_FRAME_BYTES);
	struct piece piece = {.bytes = files->scratch};
	enum job_state state;
	ssize_t got;

	piece.to = reply_room(files, job, smaller(read->budget, LIMIT_FILES_PIECE_BYTES), read->budget,
			      &piece.room);
	if (!piece.to)
		return files->lied ? JOB_DONE : JOB_ROOM;
	got = read_at(read, files->scratch, asked, read->position);
	if (got < 0)
		return read_failed(files, job, (int)got);
	if (!first_piece(files, job, piece.bytes, (size_t)got, &state))
		return state;
	piece.got = (size_t)got;
	piece.last = piece.got < asked;
	while (piece.at < piece.got && put_line(read, &piece))
		;
	numbered_end(read, &piece);
	note_bytes(read, piece.bytes, piece.at, true);
	if (piece.used)
		reply_send(files, job, REPLY_TEXT, 0, piece.used);
	return JOB_AGAIN;
}

enum job_state read_window(struct files *files, struct job *job)
{
	return job->read.numbers ? window_numbered(files, job) : window_plain(files, job);
}
