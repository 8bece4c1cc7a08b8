/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_EGRESS_IDN_H
#define SALLYPORT_SANDBOX_EGRESS_IDN_H

/* Names with letters beyond ASCII. Pure. */

#include <stddef.h>

#include "protocol/error.h"
#include "sandbox/egress/host.h"

/*
 * Writes a name in UTF-8 as DNS has it: each label that is not ASCII as "xn--" and Punycode (RFC 3492), as
 * IDNA 2008 does (RFC 5891). Taken are letters and digits of living scripts that have one spelling only;
 * capital letters become small. Everything else that IDNA would map, drop or forbid (other digits and full
 * stops, soft hyphens, joiners, loose accents, symbols) is refused with a sentence: whoever means such a name
 * writes its "xn--" form. ASCII is copied, whatever it is. Returns 0 or -EINVAL.
 */
int idn_to_ascii(const char *text, size_t length, char host[HOST_TEXT_BYTES], struct err *err);

#endif
