/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_EXECUTOR_CERTIFICATES_H
#define SALLYPORT_TOOLS_WEB_EXECUTOR_CERTIFICATES_H

/*
 * The system's certificates, parsed once. libcurl would parse the bundle for every connection (30 ms for
 * Debian's 140 certificates), since its cache takes only files, which this process cannot open.
 */

#include <stdbool.h>

#include "protocol/buffer.h"

struct certificates {
	struct buffer pem;
	void *store; /* X509_STORE, made when first asked for */
};

/* Takes the bundle. */
void certificates_init(struct certificates *certificates, struct buffer *pem);
void certificates_deinit(struct certificates *certificates);
/* Gives an SSL_CTX of OpenSSL's the certificates to verify by. False: there are none, or no memory. */
bool certificates_use(struct certificates *certificates, void *ssl_context);

#endif
