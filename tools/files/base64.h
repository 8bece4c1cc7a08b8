/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_BASE64_H
#define SALLYPORT_TOOLS_FILES_BASE64_H

/* RFC 4648 section 4, and 5 beside it: models mix the alphabets. White space is skipped, padding optional. */

#include <stddef.h>

/*
 * Decodes `length` characters into `to`, which has room for 3/4 of them; to == text is allowed. Returns 0
 * with the number of bytes in *count, or -EINVAL with the index of the first wrong character there.
 */
int base64_decode(const char *text, size_t length, char *to, size_t *count);

#endif
