/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_REFUSAL_H
#define SALLYPORT_TOOLS_FILES_REFUSAL_H

/*
 * Why something was not done, for the model: a failure (what, where, why, what to do) or a denial (which rule
 * forbids it, what is allowed). Lives on the stack of the step that asked.
 */

#include <stdbool.h>

#include "protocol/buffer.h"

struct refusal {
	bool told; /* set whenever one of the functions below has filled it in */
	bool denied;
	int error;       /* errno of a failure, or 0 */
	char text[3072]; /* a miss shows lines of the file; a final reply holds LIMIT_FILES_REPLY_BYTES */
	/* a denial's */
	char operation[16], target[512], rule[128], remedy[256], allowed[512];
};

/* A failure in our own words. Returns -error (or -EIO for 0), so that `return refuse(...)` is the whole path.
 */
int refuse(struct refusal *refusal, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A failure of the kernel's: "cannot VERB `PATH`: " and what `error` means here. */
int refuse_errno(struct refusal *refusal, int error, const char *verb, const char *path);

/* A denial, in the words that sandbox/rule.h has for `rule`; `allowed` instead of its own unless NULL.
 * Returns -EPERM. */
int refuse_denied(struct refusal *refusal, const char *operation, const char *target, const char *rule,
		  const char *allowed);

/* The payload of FAILURE or DENIED (tools/reply.h). */
int refusal_write(const struct refusal *refusal, struct buffer *payload);

#endif
