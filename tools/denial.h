/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_DENIAL_H
#define SALLYPORT_TOOLS_DENIAL_H

/*
 * A denial: something was refused by a rule, and not because it failed. The same facts everywhere: as the
 * first sentence that a model reads, as _meta["sallyport.dev/denial"], and among denials[] of a command.
 */

#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "protocol/limits.h"

struct denial {
	char layer[64], operation[32], target[512], rule[128], remedy[LIMIT_REMEDY_BYTES], allowed[512];
	char sentence[512]; /* WHAT; empty: operation and target */
};

/* The payload of REPLY_DENIED (tools/reply.h): text layer, operation, target, rule, remedy, allowed.
 * 0 or -EPROTO. */
int denial_decode(struct denial *denial, const void *payload, size_t length);

/*
 * What a keeper says (KEEPER_DENIED): text operation, target, rule; the words come from sandbox/rule.h. The
 * layer is "sandbox". A target too long for us is cut. 0 or -EPROTO.
 */
int denial_decode_command(struct denial *denial, const void *payload, size_t length);

#define DENIAL_TEXT_BYTES (sizeof(struct denial) + 64)
/* "Denied: WHAT (RULE). Allowed: .... REMEDY": returns its length. One line: control characters become "?".
 */
size_t denial_text(const struct denial *denial, char text[DENIAL_TEXT_BYTES]);

/* Appends the member "sallyport.dev/denial" of _meta. 0 or -errno. */
int denial_write_meta(const struct denial *denial, const char *policy_sha256, struct buffer *out);

#endif
