/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host spelling. Whoever reads a host twice, by two parsers, has a hole where they differ; so every host is
 * rewritten here into one spelling, and everything downstream (rules, names, curl) sees only that one. What
 * can be read in two ways is refused.
 */
#include "sandbox/egress/host.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/egress/addresses.h"
#include "sandbox/egress/idn.h"

static int normalise_ipv6(const char *text, size_t length, char host[HOST_TEXT_BYTES], struct err *err)
{
	char inner[ADDRESS_TEXT_BYTES + 1];
	struct address address;

	if (text[length - 1] != ']')
		return err_set(err, -EINVAL, "the bracket around the IPv6 address is not closed");
	if (memchr(text, '%', length))
		return err_set(err, -EINVAL, "IPv6 addresses with a zone are not accepted");
	if (length - 2 >= sizeof inner || memchr(text, '\0', length))
		return err_set(err, -EINVAL, "what stands in brackets is not an IPv6 address");
	memcpy(inner, text + 1, length - 2);
	inner[length - 2] = '\0';
	if (address_parse(&address, inner) < 0 || address.family != AF_INET6)
		return err_set(err, -EINVAL, "what stands in brackets is not an IPv6 address");
	address_text(&address, host);
	return 0;
}

/* WHATWG URL, "IPv4 number parser": decimal, 0x.. and 0.. Returns false if `text` is no number. */
static bool read_number(const char *text, size_t length, uint64_t *number)
{
	unsigned base = 10;

	*number = 0;
	if (length >= 2 && text[0] == '0' && text[1] == 'x') {
		base = 16;
		text += 2;
		length -= 2;
	} else if (length >= 2 && text[0] == '0') {
		base = 8;
	}
	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		unsigned digit = isdigit((unsigned char)c) ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f'    ? (unsigned)(c - 'a') + 10
							   : 99;

		if (digit >= base)
			return false;
		*number = *number * base + digit;
		if (*number > UINT32_MAX) /* too large for any address: stop before it wraps */
			*number = (uint64_t)UINT32_MAX + 1;
	}
	return true;
}

/* WHATWG URL, "ends in a number checker": the last label decides whether a host means an address. */
static bool ends_in_number(const char *last, size_t length)
{
	uint64_t number;
	bool digits = length > 0;

	for (size_t i = 0; i < length; i++)
		digits = digits && isdigit((unsigned char)last[i]);
	return digits ||
	       (length >= 2 && last[0] == '0' && last[1] == 'x' && read_number(last, length, &number));
}

static int normalise_ipv4(char host[HOST_TEXT_BYTES], struct err *err)
{
	uint64_t parts[4], address = 0;
	size_t count = 0;

	for (const char *at = host;; at++) {
		size_t length = strcspn(at, ".");

		if (count == 4 || length == 0 || !read_number(at, length, &parts[count]))
			return err_set(err, -EINVAL, "\"%s\" ends in a number but is not an IPv4 address",
				       host);
		count++;
		at += length;
		if (*at == '\0')
			break;
	}
	for (size_t i = 0; i + 1 < count; i++) {
		if (parts[i] > 255)
			return err_set(err, -EINVAL, "\"%s\" is not an IPv4 address: a part is above 255",
				       host);
		address |= parts[i] << (24 - 8 * i);
	}
	if (parts[count - 1] >= (uint64_t)1 << (8 * (5 - count)))
		return err_set(err, -EINVAL, "\"%s\" is not an IPv4 address: its last part is too large",
			       host);
	address |= parts[count - 1];
	snprintf(host, HOST_TEXT_BYTES, "%u.%u.%u.%u", (unsigned)(address >> 24) & 255,
		 (unsigned)(address >> 16) & 255, (unsigned)(address >> 8) & 255, (unsigned)address & 255);
	return 0;
}

static bool is_ascii(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

static int copy_name(const char *text, size_t length, char host[HOST_TEXT_BYTES], struct err *err)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '%')
			return err_set(err, -EINVAL, "percent encoding in the host is not accepted");
		if (c <= ' ' || c == 0x7f)
			return err_set(err, -EINVAL,
				       "white space and control characters in the host are not accepted");
		if (!isalnum(c) && !strchr(".-_", c))
			return err_set(err, -EINVAL, "the host has a character that no host has: '%c'", c);
		host[i] = (char)tolower(c);
	}
	host[length] = '\0';
	return 0;
}

int host_normalise(const char *text, size_t length, char host[HOST_TEXT_BYTES], struct err *err)
{
	char ascii[HOST_TEXT_BYTES];
	const char *last;
	int result;

	if (length > 0 && text[0] == '[')
		return normalise_ipv6(text, length, host, err);
	if (!is_ascii(text, length)) {
		/* a NUL would end the copy */
		result = memchr(text, '\0', length)
				 ? err_set(err, -EINVAL,
					   "white space and control characters in the host are not accepted")
				 : idn_to_ascii(text, length, ascii, err);
		if (result < 0)
			return result;
		text = ascii;
		length = strlen(ascii);
	}
	if (length > 0 && text[length - 1] == '.') /* the root's dot: the same name, spelled longer */
		length--;
	if (length == 0)
		return err_set(err, -EINVAL, "the host is missing");
	if (length >= HOST_TEXT_BYTES)
		return err_set(err, -EINVAL, "the host is longer than 253 characters");
	result = copy_name(text, length, host, err);
	if (result < 0)
		return result;
	for (const char *at = host;; at++) {
		size_t label = strcspn(at, ".");

		if (label == 0)
			return err_set(err, -EINVAL, "the host has an empty part between two dots");
		if (label > 63)
			return err_set(err, -EINVAL, "a part of the host is longer than 63 characters");
		last = at;
		at += label;
		if (*at == '\0')
			break;
	}
	return ends_in_number(last, strlen(last)) ? normalise_ipv4(host, err) : 0;
}

bool host_is_normal(const char *host)
{
	char again[HOST_TEXT_BYTES], text[ADDRESS_TEXT_BYTES];
	struct address address;

	if (address_parse(&address, host) == 0) {
		address_text(&address, text);
		return strcmp(text, host) == 0;
	}
	return host_normalise(host, strlen(host), again, NULL) == 0 && strcmp(again, host) == 0;
}
