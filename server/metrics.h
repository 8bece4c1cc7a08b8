/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_METRICS_H
#define SALLYPORT_SERVER_METRICS_H

/*
 * What is counted of calls, and its text in Prometheus' format (version 0.0.4 of the exposition format). A
 * call costs three additions. What a client says is never a label: tools that there are not are one label
 * together.
 */

#include <stdint.h>

#include "protocol/buffer.h"
#include "protocol/limits.h"
#include "tools/tool.h"

struct realm;

#define METRICS_BUCKETS 13 /* of the histogram; beyond the last is +Inf */

struct metrics_row {
	uint64_t outcomes[TOOL_OUTCOMES];
	uint64_t buckets[METRICS_BUCKETS + 1]; /* each for itself; the text adds them up */
	uint64_t nanoseconds;                  /* of all */
};

struct metrics {
	struct metrics_row
		tools[LIMIT_TOOLS + 1]; /* in the order of tool_table; the last: what is not there */
	uint64_t unknown;               /* calls of tools that there are not */
	uint64_t denials;               /* calls refused; those within commands: sandboxes.h */
};

/* Facts of this process that a sealed one cannot ask for any more. */
struct metrics_process {
	int statm;       /* /proc/self/statm, or -1 */
	int64_t started; /* seconds since 1970 */
};

void metrics_process_init(struct metrics_process *process);
void metrics_process_deinit(struct metrics_process *process);

/* A call has ended, so, after so long. */
void metrics_call(struct metrics *metrics, const struct tool *tool, enum tool_outcome outcome,
		  uint64_t nanoseconds);

/* ---- the text; all append, and return 0 or -errno ---- */

/* Of the calls and sandboxes of all realms from this one on, and of this process. */
int metrics_write(const struct realm *realm, const struct metrics_process *process, struct buffer *out);
/* The two lines before a metric. `type`: counter, gauge, histogram. */
int metrics_head(struct buffer *out, const char *name, const char *type, const char *help);
/* A metric with one value. */
int metrics_single(struct buffer *out, const char *name, const char *type, const char *help, uint64_t value);
int metrics_line(struct buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
