/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_INJECT_PARTS_H
#define SALLYPORT_TOOLS_WEB_INJECT_PARTS_H

/* Between inject.c, which has the secrets, and inject_match.c, which knows one where it sees it. */

#include <stddef.h>

#define INJECT_ENCODED_BYTES 10 /* of one character, the longest form: &#x000041; */
#define INJECT_ALIGNMENTS    3  /* of a byte in base64 */

struct inject_secret {
	char *value; /* prefix and secret; the secret is its end */
	const char *secret;
	size_t length;
	char *base64[INJECT_ALIGNMENTS]; /* what of it does not depend on what stands around it */
};

/* The characters of base64 that hold nothing but bits of the secret, when `before` bytes stand before it in
 * its group of three. To be freed; NULL without memory. */
char *inject_encode(const char *secret, size_t length, size_t before);
/* How many bytes from `text` on are that secret, in whatever way it is written; 0: they are not. */
size_t inject_match(const char *text, const char *end, const struct inject_secret *secret);

#endif
