/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_READ_H
#define SALLYPORT_TOOLS_FILES_READ_H

/* The phases of reading, split over read.c (opening, order of phases, result), seek.c (finding lines),
 * window.c (showing them). */

#include <sys/types.h>

#include "tools/files/executor/job.h"

/* Reads at most `length` bytes at `position`; short only at the end of the file. Bytes, or -errno. */
ssize_t read_at(const struct read_job *read, void *to, size_t length, uint64_t position);
/* Fails the call because reading failed. */
enum job_state read_failed(struct files *files, struct job *job, int error);
/* What numbers put in front of the line at `position`, with its length; nothing inside a line or without
 * them. */
#define READ_PREFIX_BYTES 24
size_t read_prefix(const struct read_job *read, char prefix[READ_PREFIX_BYTES]);
/* Judges the first bytes of the file: true if it is text; otherwise *state says how it goes on. */
bool read_judge_head(struct files *files, struct job *job, const uint8_t *head, size_t length,
		     enum job_state *state);

enum job_state read_forward(struct files *files, struct job *job);
enum job_state read_backward(struct files *files, struct job *job);
enum job_state read_count(struct files *files, struct job *job);
enum job_state read_look(struct files *files, struct job *job);
enum job_state read_rest(struct files *files, struct job *job);

enum job_state read_window(struct files *files, struct job *job);

#endif
