/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding lines: the n-th from the start, the n-th from the end, the end of a long one. Each step looks at no
 * more than LIMIT_FILES_SLICE_BYTES, so a search through a huge file leaves room for other calls and can be
 * cancelled.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "protocol/limits.h"
#include "tools/files/executor/read.h"
#include "tools/files/executor/scan.h"

#define CHUNK LIMIT_FRAME_BYTES

static enum job_state past_the_end(struct files *files, struct job *job, uint64_t lines)
{
	struct refusal refusal;

	refuse(&refusal, EINVAL, "offset %" PRId64 " is past the end: the file has %" PRIu64 " line%s",
	       job->read.offset, lines, lines == 1 ? "" : "s");
	return reply_refusal(files, job, &refusal);
}

static void show_from(struct read_job *read, uint64_t position, uint64_t first)
{
	read->position = position;
	read->first = first;
	read->phase = READ_WINDOW;
}

enum job_state read_forward(struct files *files, struct job *job)
{
	struct read_job *read = &job->read;
	uint64_t skip = (uint64_t)read->offset - 1;
	bool high = false;

	for (size_t done = 0; done < LIMIT_FILES_SLICE_BYTES; done += CHUNK) {
		ssize_t got = read_at(read, files->scratch, CHUNK, read->scan);
		size_t count;

		if (got < 0)
			return read_failed(files, job, (int)got);
		count = scan_lines(files->scratch, (size_t)got, &high);
		if (read->seen + count >= skip) {
			read->scan += scan_to_line(files->scratch, (size_t)got, skip - read->seen);
			if (read->scan >= read->size) /* the newline sought is the last byte */
				return past_the_end(files, job, skip);
			show_from(read, read->scan, skip + 1);
			return JOB_AGAIN;
		}
		read->seen += count;
		read->scan += (uint64_t)got;
		if ((size_t)got < CHUNK)
			return past_the_end(files, job,
					    read->seen + (got > 0 && files->scratch[got - 1] != '\n'));
	}
	return JOB_AGAIN;
}

/* Bytes of the file that stand before the newline, if any, that ends its last line. */
static int without_last_newline(struct read_job *read)
{
	uint8_t last;
	ssize_t got = read->size ? read_at(read, &last, 1, read->size - 1) : 0;

	if (got > 0 && last == '\n')
		read->scan--;
	return got < 0 ? (int)got : 0;
}

static void found_backward(struct read_job *read, uint64_t position)
{
	read->seen = 0;
	read->scan = 0;
	show_from(read, position, position == 0);
	if (read->numbers && position > 0)
		read->phase = READ_COUNT;
}

enum job_state read_backward(struct files *files, struct job *job)
{
	struct read_job *read = &job->read;
	uint64_t wanted = -(uint64_t)read->offset;

	if (read->scan == read->size) {
		int code = without_last_newline(read);

		if (code < 0)
			return read_failed(files, job, code);
	}
	for (size_t done = 0; done < LIMIT_FILES_SLICE_BYTES; done += CHUNK) {
		size_t length = read->scan < CHUNK ? (size_t)read->scan : CHUNK, back;
		ssize_t got = read_at(read, files->scratch, length, read->scan - length);
		uint64_t found;

		if (got < 0)
			return read_failed(files, job, (int)got);
		back = scan_back_to_line(files->scratch, (size_t)got, wanted - read->seen, &found);
		if (back != SIZE_MAX) {
			found_backward(read, read->scan - length + ((size_t)got - back));
			return JOB_AGAIN;
		}
		read->seen += found;
		read->scan -= length;
		if (read->scan == 0) {
			found_backward(read, 0);
			return JOB_AGAIN;
		}
	}
	return JOB_AGAIN;
}

enum job_state read_count(struct files *files, struct job *job)
{
	struct read_job *read = &job->read;
	bool high = false;

	for (size_t done = 0; done < LIMIT_FILES_SLICE_BYTES; done += CHUNK) {
		uint64_t left = read->position - read->scan;
		ssize_t got = read_at(read, files->scratch, left < CHUNK ? (size_t)left : CHUNK, read->scan);

		if (got < 0)
			return read_failed(files, job, (int)got);
		read->seen += scan_lines(files->scratch, (size_t)got, &high);
		read->scan += (uint64_t)got;
		if (got == 0 || read->scan >= read->position) {
			show_from(read, read->position, read->seen + 1);
			return JOB_AGAIN;
		}
	}
	return JOB_AGAIN;
}

/* Looks for a newline from read->scan on, before `end`. 1 found (read->scan stands behind it), 0 not (yet),
 * -errno. *over: the end, or that of the file, was reached. */
static int find_newline(struct files *files, struct read_job *read, uint64_t end, bool *over)
{
	*over = false;
	for (size_t done = 0; done < LIMIT_FILES_SLICE_BYTES; done += CHUNK) {
		uint64_t left = end > read->scan ? end - read->scan : 0;
		size_t length = left < CHUNK ? (size_t)left : CHUNK;
		ssize_t got = read_at(read, files->scratch, length, read->scan);
		const uint8_t *newline;

		if (got < 0)
			return (int)got;
		newline = memchr(files->scratch, '\n', (size_t)got);
		if (newline) {
			read->scan += (uint64_t)(newline - files->scratch) + 1;
			return 1;
		}
		read->scan += (uint64_t)got;
		if ((size_t)got < CHUNK) {
			*over = true;
			return 0;
		}
	}
	return 0;
}

enum job_state read_look(struct files *files, struct job *job)
{
	struct read_job *read = &job->read;
	char prefix[READ_PREFIX_BYTES];
	size_t used = read_prefix(read, prefix);
	uint64_t end = read->position + (read->budget > used ? read->budget - used : 0);
	bool over;
	int found = find_newline(files, read, end, &over);

	if (found < 0)
		return read_failed(files, job, found);
	if (found == 0 && !over)
		return JOB_AGAIN;
	if (found || read->scan < end) { /* before the bound: the line ends, or the file does */
		read->allowed = true;
		read->phase = READ_WINDOW;
	} else {
		read->more = true;
		read->phase = READ_RESULT;
	}
	return JOB_AGAIN;
}

enum job_state read_rest(struct files *files, struct job *job)
{
	struct read_job *read = &job->read;
	uint64_t end = read->position + LIMIT_REST_BYTES;
	bool over;
	int found = find_newline(files, read, end < read->size ? end : read->size, &over);

	if (found < 0)
		return read_failed(files, job, found);
	if (found == 0 && !over)
		return JOB_AGAIN;
	read->more = found && read->scan < read->size;
	read->phase = READ_RESULT;
	return JOB_AGAIN;
}
