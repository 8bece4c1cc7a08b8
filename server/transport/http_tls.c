/* SPDX-License-Identifier: Apache-2.0 */
/* TLS for the HTTP daemon (http_tls.h). Handshakes are anybody's, and GnuTLS alone reads them. */
#include "server/transport/http_tls.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdint.h>
#include <sys/socket.h>

/* RFC 8446, 5.1 and 5.2; all that we agree to have tags of 16 bytes */
#define RECORD_HEAD  5
#define RECORD_ALERT 21
#define RECORD_DATA  23
#define SEALED_ALERT (2 + 1 + 16)

/* Forward secrecy and authenticated encryption only: with 1.2 that leaves ECDHE with AES-GCM or ChaCha20. */
static const char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-DHE-DSS:"
				 "-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:+AEAD";

static void forget_copies(gnutls_pcert_st *copies, unsigned count)
{
	while (count)
		gnutls_pcert_deinit(&copies[--count]);
	gnutls_free(copies);
}

/*
 * gnutls_certificate_retrieve_function3. A handshake holds on to what it was given, over turns of the loop,
 * while we may be told to replace it: so it gets copies, and frees them.
 */
static int show(gnutls_session_t session, const struct gnutls_cert_retr_st *asked, gnutls_pcert_st **chain,
		unsigned *length, gnutls_ocsp_data_st **ocsp, unsigned *ocsp_length, gnutls_privkey_t *key,
		unsigned *flags)
{
	const struct certificate *certificate = gnutls_session_get_ptr(session);
	gnutls_pcert_st *copies = gnutls_calloc(certificate->length, sizeof *copies);
	gnutls_privkey_t copy = NULL;
	unsigned done = 0;
	int result = copies ? gnutls_privkey_init(&copy) : GNUTLS_E_MEMORY_ERROR;

	if (result >= 0)
		result = gnutls_privkey_import_x509(copy, certificate->key, GNUTLS_PRIVKEY_IMPORT_COPY);
	for (; result >= 0 && done < certificate->length; done++) {
		result = gnutls_pcert_import_x509(&copies[done], certificate->chain[done], 0);
		if (result < 0)
			break;
	}
	if (result < 0) {
		forget_copies(copies, done);
		if (copy)
			gnutls_privkey_deinit(copy);
		return -1;
	}
	*chain = copies;
	*length = certificate->length;
	*ocsp = NULL;
	*ocsp_length = 0;
	*key = copy;
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	return 0;
}

const struct MHD_OptionItem tls_options[] = {
	{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)priorities},
	{MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)show},
	{MHD_OPTION_END, 0, NULL},
};

void tls_begin(gnutls_session_t session, const struct certificate *certificate)
{
	/* the daemon's own use of this pointer is for pre-shared keys, which it has none of */
	gnutls_session_set_ptr(session, (void *)certificate);
}

bool tls_goodbye(gnutls_session_t session, int socket)
{
	uint8_t head[RECORD_HEAD];

	/* GnuTLS reads whole records and no byte more, so this is the head of one */
	if (recv(socket, head, sizeof head, MSG_PEEK | MSG_DONTWAIT) != sizeof head)
		return false;
	if (gnutls_protocol_get_version(session) != GNUTLS_TLS1_3)
		return head[0] == RECORD_ALERT;
	/* 1.3 hides what it is, and not how long: two bytes would be no request either */
	return head[0] == RECORD_DATA && (head[3] << 8 | head[4]) == SEALED_ALERT;
}
