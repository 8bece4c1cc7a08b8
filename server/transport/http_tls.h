/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_TRANSPORT_HTTP_TLS_H
#define SALLYPORT_SERVER_TRANSPORT_HTTP_TLS_H

/* TLS as the HTTP daemon does it, by GnuTLS: which versions and algorithms, which certificate, and a client's
 * goodbye. */

#include <microhttpd.h>
#include <stdbool.h>

#include "server/certificate.h"

struct gnutls_session_int;

/* For MHD_OPTION_ARRAY beside MHD_USE_TLS. */
extern const struct MHD_OptionItem tls_options[];
/* A connection begins: its handshake shows what is in `certificate` by then. */
void tls_begin(struct gnutls_session_int *session, const struct certificate *certificate);
/*
 * Is the next that waits at `socket` the client's word that it says no more (close_notify)? It need not close
 * its connection with it: some wait for our answer to it. Nothing is taken from the socket.
 */
bool tls_goodbye(struct gnutls_session_int *session, int socket);

#endif
