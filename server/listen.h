/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_LISTEN_H
#define SALLYPORT_SERVER_LISTEN_H

/* Where an HTTP server listens: --listen, or the socket that systemd hands over (sd_listen_fds(3)). */

#include <stdbool.h>

#include "protocol/error.h"

struct listener {
	int fd;
	bool local;     /* a Unix socket */
	bool loopback;  /* only this machine can connect: a loopback address, or a Unix socket */
	char text[300]; /* for people: "http://127.0.0.1:8080/mcp" */
};

/*
 * `address` is ADDRESS:PORT (an IPv6 address in brackets, port 0 for any that is free) or unix:PATH; NULL:
 * what systemd has handed over, else 127.0.0.1:8931. Names are not resolved. A Unix socket is open to its
 * owner only, or to `everybody`: then it is for who accepts to judge them; one that is there already is
 * replaced if nobody listens. `scheme` is for the text, "http" or "https". 0 or -errno with a sentence.
 */
int listener_open(struct listener *listener, const char *address, bool everybody, const char *scheme,
		  struct err *err);

#endif
