/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates in memory. The bundle is the system's and was read before anything hostile was. */
#include "tools/web/executor/certificates.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

void certificates_init(struct certificates *certificates, struct buffer *pem)
{
	*certificates = (struct certificates){.pem = *pem};
	*pem = (struct buffer){.max = pem->max};
}

void certificates_deinit(struct certificates *certificates)
{
	X509_STORE_free(certificates->store);
	certificates->store = NULL;
	buffer_deinit(&certificates->pem);
}

/* Adds all that can be read; what is no certificate between them is passed over, as everywhere. */
static int add_all(X509_STORE *store, const struct buffer *pem)
{
	BIO *bio = BIO_new_mem_buf(buffer_data(pem), (int)buffer_length(pem));
	X509 *certificate;
	int count = 0;

	if (!bio)
		return 0;
	while ((certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL))) {
		count += X509_STORE_add_cert(store, certificate);
		X509_free(certificate);
	}
	BIO_free(bio);
	ERR_clear_error(); /* the end of the bundle is one */
	return count;
}

bool certificates_use(struct certificates *certificates, void *ssl_context)
{
	if (!certificates->store && buffer_length(&certificates->pem)) {
		X509_STORE *store = X509_STORE_new();

		/* as libcurl does with a store of its own */
		if (!store || add_all(store, &certificates->pem) == 0 ||
		    !X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN)) {
			X509_STORE_free(store);
			return false;
		}
		certificates->store = store;
	}
	if (!certificates->store)
		return false;
	SSL_CTX_set1_cert_store(ssl_context, certificates->store);
	return true;
}
