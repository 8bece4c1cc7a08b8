/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_EGRESS_HOST_H
#define SALLYPORT_SANDBOX_EGRESS_HOST_H

/* One host, one spelling: rules are asked about nothing else. Pure. */

#include <stdbool.h>
#include <stddef.h>

#include "protocol/error.h"

#define HOST_TEXT_BYTES 254 /* RFC 1035 section 2.3.4: 253 characters and the NUL */

/*
 * Brings the host part of a URL into its only accepted spelling: an IPv4 address as four decimal parts
 * (decimal, octal, hexadecimal and short forms are read as browsers do, WHATWG URL "IPv4 parser"), an IPv6
 * address (in brackets in `text`) as RFC 5952 writes it and without brackets, or a name in lower case without
 * its final dot, with letters beyond ASCII in their "xn--" form (idn.h). Refused with a sentence: empty, too
 * long, a zone, percent encoding, white space, control characters, numbers that are no address.
 * Returns 0 or -EINVAL.
 */
int host_normalise(const char *text, size_t length, char host[HOST_TEXT_BYTES], struct err *err);

/* Is `host` (NUL-terminated, IPv6 without brackets) in its one spelling already? What comes from another
 * process must be. */
bool host_is_normal(const char *host);

#endif
