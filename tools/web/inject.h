/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_INJECT_H
#define SALLYPORT_TOOLS_WEB_INJECT_H

/*
 * Headers that the policy adds to requests (network.inject), with the secrets in them. The plan says for whom
 * and which header; the secrets come in a sealed memfd of their own, which the web executor alone gets, and
 * are shown to nobody: neither to a host they are not for, nor in what comes back.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/error.h"
#include "sandbox/plan.h"

struct inject_secret;

struct injects {
	const struct plan *plan;
	struct inject_secret *all; /* one for each of plan->injects, in their order */
	size_t longest;            /* of them, as the longest that hiding knows it */
	char *bytes;               /* what was read; `all` refers to it */
	size_t length;
};

struct inject {
	const char *header, *value; /* the header's value: prefix and secret */
};

/*
 * Between executor_receive() and executor_enter(): reads `fd` (EXECUTOR_INJECT), which stays open. Where the
 * plan has none, nothing is read and *injects is empty. 0 or -errno with a sentence that holds no secret.
 */
int injects_read(struct injects *injects, const struct plan *plan, int fd, struct err *err);
/* Overwrites and frees them. */
void injects_deinit(struct injects *injects);

/*
 * What a request to that place carries: call it with *at = 0 until it returns false. `host` as
 * host_normalise() writes it. To be asked anew at every hop, and never kept over one.
 */
bool injects_next(const struct injects *injects, size_t *at, bool https, const char *host, uint16_t port,
		  struct inject *inject);

/*
 * Replaces every secret in a text by INJECT_HIDDEN, in place: as it is, with any of its characters written as
 * %XX, \\uXXXX, \\xXX, &#NN; or a named entity of HTML, or behind a backslash, and in base64 (both alphabets)
 * and hexadecimal. Returns the new length, which is never more. Without secrets it costs nothing.
 */
#define INJECT_HIDDEN "[secret]"
size_t injects_hide(const struct injects *injects, char *bytes, size_t length);

/*
 * A stream of bytes that must not show a secret, in whatever pieces it comes. It lags behind by as much as a
 * secret may be long: what could be the beginning of one is not passed on.
 */
struct inject_stream {
	const struct injects *injects;
	char *bytes; /* what is held back, from `start` on */
	size_t start, end, size;
};

void inject_stream_init(struct inject_stream *stream, const struct injects *injects);
void inject_stream_deinit(struct inject_stream *stream);
/*
 * Takes a piece and gives what may be passed on, valid until the next call and while `bytes` is. 0; 1: behind
 * *clean stands a secret, so nothing more is to be passed on; -ENOMEM.
 */
int inject_stream_take(struct inject_stream *stream, const char *bytes, size_t length, const char **clean,
		       size_t *clean_length);
/* At the end: what was held back. */
void inject_stream_finish(struct inject_stream *stream, const char **clean, size_t *clean_length);

#endif
