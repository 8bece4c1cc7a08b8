/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_EGRESS_DNS_H
#define SALLYPORT_SANDBOX_EGRESS_DNS_H

/*
 * Questions that commands ask (RFC 1035), and our answers. Only what a resolver library sends is understood:
 * one question, no compression, at most an OPT record behind it (RFC 6891). Pure; what servers on the
 * internet answer to *our* questions is c-ares's business and never comes here.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/egress/addresses.h"
#include "sandbox/egress/host.h"

#define DNS_QUESTION_BYTES 259 /* a name of 255, its type and class: RFC 1035 section 3.1 */
#define DNS_ANSWER_BYTES   512 /* the longest answer that dns_answer() writes */

enum dns_code { /* RFC 1035 section 4.1.1 */
		DNS_OK = 0,
		DNS_MALFORMED = 1,
		DNS_FAILED = 2,
		DNS_NO_NAME = 3,
		DNS_UNKNOWN = 4,
};

enum dns_type { DNS_TYPE_A = 1, DNS_TYPE_AAAA = 28, DNS_TYPE_ANY = 255 };

struct dns_question {
	uint16_t id, type, class;
	uint8_t flags;                     /* opcode and RD, as they are to be echoed */
	bool extended;                     /* it brought an OPT record */
	uint8_t bytes[DNS_QUESTION_BYTES]; /* the question section, echoed as it came */
	size_t length;
	char host[HOST_TEXT_BYTES]; /* in its one spelling; "" for a name that no host has */
	char text[HOST_TEXT_BYTES]; /* the same or, for such a name, what can be shown of it */
};

/*
 * Reads one message. 0; a positive enum dns_code that is to be answered without looking further (question->id
 * and flags are set); or -EPROTO: too short to be answered, or itself an answer, which nobody may be tricked
 * into answering.
 */
int dns_read(struct dns_question *question, const uint8_t *message, size_t length);

/*
 * Writes an answer; `addresses` only with DNS_OK. `why`, if not NULL, goes into an Extended DNS Error (RFC
 * 8914, "Blocked"), where the question had OPT. Returns its length.
 */
size_t dns_answer(const struct dns_question *question, enum dns_code code, const struct address *addresses,
		  size_t count, const char *why, uint8_t to[DNS_ANSWER_BYTES]);

#endif
