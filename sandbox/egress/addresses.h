/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_EGRESS_ADDRESSES_H
#define SALLYPORT_SANDBOX_EGRESS_ADDRESSES_H

/* Network addresses as values, and which of them are public. Pure: no system call, no allocation. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDRESS_TEXT_BYTES 46 /* INET6_ADDRSTRLEN */

struct address {
	int family;        /* AF_INET or AF_INET6 */
	uint8_t bytes[16]; /* network order; the first four for AF_INET, the rest zero */
};

/* Reads the strict forms only: four decimal parts, or IPv6 without brackets and zone. 0 or -EINVAL. */
int address_parse(struct address *address, const char *text);
/* Takes a sockaddr_in or sockaddr_in6 apart. 0 or -EAFNOSUPPORT. */
struct sockaddr;
int address_from_socket(struct address *address, const struct sockaddr *from);
/* The canonical text (RFC 5952 for IPv6). */
void address_text(const struct address *address, char text[ADDRESS_TEXT_BYTES]);
bool address_equal(const struct address *a, const struct address *b);
/* 127.0.0.0/8 and ::1. */
bool address_is_loopback(const struct address *address);

/*
 * NULL when the address is public: a unicast address of the open internet. Otherwise a word or two that say
 * what it is ("loopback", "private", ...): the IANA special-purpose registries (RFC 6890 and its updates),
 * every way to write an IPv4 address inside an IPv6 one, and all of IPv6 outside 2000::/3.
 */
const char *address_special(const struct address *address);

#endif
