/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS questions and answers (dns.h). The bytes come from commands, so from anybody: every step looks at what
 * is left first, nothing is followed (there are no pointers in a question), and whatever is unusual is
 * malformed.
 */
#include "sandbox/egress/dns.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol/limits.h"

#define HEADER_BYTES 12
#define CLASS_IN     1
#define TYPE_OPT     41
#define ERROR_OPTION 15 /* RFC 8914 */
#define BLOCKED      15

#define FLAG_ANSWER     0x80 /* first flag byte */
#define FLAG_OPCODE     0x78
#define FLAG_DESIRED    0x01
#define FLAG_AVAILABLE  0x80 /* second flag byte */
#define ANSWER_SECONDS  30
#define POINTER_TO_NAME 0xc00c
#define LABEL_BYTES     63
#define NAME_BYTES      255
#define OPT_FIXED_BYTES 11
#define WHY_BYTES       120 /* of a sentence; all else of an answer is below 400 */

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static uint8_t *put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

/* The name at `at` as text with dots, control characters shown as "?". Returns its length in bytes, 0 if
 * malformed. */
static size_t read_name(const uint8_t *at, const uint8_t *end, char text[HOST_TEXT_BYTES], bool *plain)
{
	const uint8_t *begin = at;
	size_t used = 0;

	*plain = true;
	while (at < end && *at != 0) {
		size_t label = *at++;

		if (label > LABEL_BYTES || label >= (size_t)(end - at) ||
		    (size_t)(at - begin) + label >= NAME_BYTES)
			return 0;
		if (used)
			text[used++] = '.';
		for (size_t i = 0; i < label; i++, at++) {
			/* a dot inside a label would read like two */
			bool shown = isgraph(*at) && *at != '.';

			*plain = *plain && shown;
			text[used++] = shown ? (char)*at : '?';
		}
	}
	if (at >= end)
		return 0;
	text[used] = '\0';
	return (size_t)(at + 1 - begin);
}

/* Exactly one OPT record, or nothing, up to the end. */
static bool read_options(struct dns_question *question, const uint8_t *at, const uint8_t *end, unsigned count)
{
	if (count == 0)
		return at == end;
	if (count > 1 || end - at < OPT_FIXED_BYTES || at[0] != 0 || get16(at + 1) != TYPE_OPT)
		return false;
	question->extended = true;
	return (size_t)(end - at) == OPT_FIXED_BYTES + (size_t)get16(at + 9);
}

int dns_read(struct dns_question *question, const uint8_t *message, size_t length)
{
	const uint8_t *at = message + HEADER_BYTES, *end = message + length;
	bool plain;

	*question = (struct dns_question){0};
	if (length < HEADER_BYTES || (message[2] & FLAG_ANSWER))
		return -EPROTO;
	question->id = (uint16_t)get16(message);
	question->flags = message[2] & (FLAG_OPCODE | FLAG_DESIRED);
	if (message[2] & FLAG_OPCODE)
		return DNS_UNKNOWN;
	if (get16(message + 4) != 1 || get16(message + 6) != 0 || get16(message + 8) != 0)
		return DNS_MALFORMED;
	size_t name = read_name(at, end, question->text, &plain);
	if (name == 0 || (size_t)(end - at) < name + 4)
		return DNS_MALFORMED;
	question->length = name + 4;
	memcpy(question->bytes, at, question->length);
	question->type = (uint16_t)get16(at + name);
	question->class = (uint16_t)get16(at + name + 2);
	if (!read_options(question, at + name + 4, end, get16(message + 10)))
		return DNS_MALFORMED;
	if (question->class != CLASS_IN)
		return DNS_UNKNOWN;
	if (plain && host_normalise(question->text, strlen(question->text), question->host, NULL) < 0)
		question->host[0] = '\0';
	return 0;
}

static uint8_t *put_address(uint8_t *at, const struct address *address)
{
	unsigned length = address->family == AF_INET ? 4 : 16;

	at = put16(at, POINTER_TO_NAME);
	at = put16(at, address->family == AF_INET ? DNS_TYPE_A : DNS_TYPE_AAAA);
	at = put16(at, CLASS_IN);
	at = put16(put16(at, 0), ANSWER_SECONDS);
	at = put16(at, length);
	memcpy(at, address->bytes, length);
	return at + length;
}

static uint8_t *put_options(uint8_t *at, const char *why)
{
	size_t length = why ? strnlen(why, WHY_BYTES) : 0;

	*at++ = 0;
	at = put16(at, TYPE_OPT);
	at = put16(at, LIMIT_DNS_MESSAGE_BYTES);
	at = put16(put16(at, 0), 0); /* extended code, version, flags */
	at = put16(at, why ? 6 + (unsigned)length : 0);
	if (!why)
		return at;
	at = put16(at, ERROR_OPTION);
	at = put16(at, 2 + (unsigned)length);
	at = put16(at, BLOCKED);
	memcpy(at, why, length);
	return at + length;
}

size_t dns_answer(const struct dns_question *question, enum dns_code code, const struct address *addresses,
		  size_t count, const char *why, uint8_t to[DNS_ANSWER_BYTES])
{
	uint8_t *at = put16(to, question->id);

	*at++ = FLAG_ANSWER | question->flags;
	*at++ = (uint8_t)(FLAG_AVAILABLE | code);
	at = put16(at, question->length > 0);
	at = put16(at, (unsigned)count);
	at = put16(at, 0);
	at = put16(at, question->extended);
	memcpy(at, question->bytes, question->length);
	at += question->length;
	for (size_t i = 0; i < count; i++)
		at = put_address(at, &addresses[i]);
	if (question->extended)
		at = put_options(at, why);
	return (size_t)(at - to);
}
