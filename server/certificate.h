/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_CERTIFICATE_H
#define SALLYPORT_SERVER_CERTIFICATE_H

/*
 * What a server shows to TLS clients: a chain of certificates and the key of its first. It may be replaced
 * while connections are open and handshakes under way, since each handshake gets copies of its own.
 */

#include "protocol/error.h"
#include "protocol/limits.h"

#define CERTIFICATE_NOTE (LIMIT_PATH_BYTES + 64)

struct gnutls_x509_crt_int;
struct gnutls_x509_privkey_int;

struct certificate {
	struct gnutls_x509_crt_int **chain; /* NULL: there is none */
	unsigned length;
	struct gnutls_x509_privkey_int *key;
};

/*
 * From two texts in PEM, the chain with its first certificate first, and the key, not encrypted; the paths
 * are for errors. `note`, of CERTIFICATE_NOTE, gets what is wrong with it though it can be used (it has
 * expired), or is empty. *certificate is set on success only. 0, or -errno with a sentence.
 */
int certificate_read(struct certificate *certificate, const char *chain, const char *chain_path,
		     const char *key, const char *key_path, char *note, struct err *err);
void certificate_deinit(struct certificate *certificate);

#endif
