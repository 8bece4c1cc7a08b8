/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys as GnuTLS has them (certificate.h). The files are the person's. */
#include "server/certificate.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "protocol/cleanup.h"

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){.data = (unsigned char *)text, .size = (unsigned)strlen(text)};
}

static int take_chain(struct certificate *certificate, const char *text, const char *path, struct err *err)
{
	const gnutls_datum_t pem = datum(text);
	int result = gnutls_x509_crt_list_import2(&certificate->chain, &certificate->length, &pem,
						  GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);

	if (result >= 0)
		return 0;
	certificate->chain = NULL;
	return err_set(
		err, -EINVAL, "%s: it is to hold certificates in PEM, the server's own first: %s", path,
		result == GNUTLS_E_NO_CERTIFICATE_FOUND ? "there is none in it" : gnutls_strerror(result));
}

static int take_key(struct certificate *certificate, const char *text, const char *path, struct err *err)
{
	const gnutls_datum_t pem = datum(text);
	int result = gnutls_x509_privkey_init(&certificate->key);

	if (result >= 0)
		result = gnutls_x509_privkey_import2(certificate->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (result >= 0)
		return 0;
	if (strstr(text, "ENCRYPTED"))
		return err_set(err, -EINVAL, "%s: the key is encrypted; give it without a password", path);
	return err_set(err, -EINVAL, "%s: it is to hold the certificate's private key in PEM: %s", path,
		       result == GNUTLS_E_BASE64_UNEXPECTED_HEADER_ERROR ? "there is none in it"
									 : gnutls_strerror(result));
}

static bool fits(const struct certificate *certificate)
{
	unsigned char of_chain[64], of_key[64];
	size_t chain_length = sizeof of_chain, key_length = sizeof of_key;

	return gnutls_x509_crt_get_key_id(certificate->chain[0], GNUTLS_KEYID_USE_SHA256, of_chain,
					  &chain_length) >= 0 &&
	       gnutls_x509_privkey_get_key_id(certificate->key, GNUTLS_KEYID_USE_SHA256, of_key,
					      &key_length) >= 0 &&
	       chain_length == key_length && memcmp(of_chain, of_key, key_length) == 0;
}

static void judge_times(const struct certificate *certificate, const char *path, char *note)
{
	time_t now = time(NULL);

	*note = '\0';
	for (unsigned i = 0; i < certificate->length && !*note; i++)
		if (gnutls_x509_crt_get_expiration_time(certificate->chain[i]) < now)
			snprintf(note, CERTIFICATE_NOTE, "%s: certificate %u of it has expired", path, i + 1);
		else if (gnutls_x509_crt_get_activation_time(certificate->chain[i]) > now)
			snprintf(note, CERTIFICATE_NOTE, "%s: certificate %u of it is not valid yet", path,
				 i + 1);
}

int certificate_read(struct certificate *certificate, const char *chain, const char *chain_path,
		     const char *key, const char *key_path, char *note, struct err *err)
{
	_cleanup_(certificate_deinit) struct certificate taken = {0};
	int result = take_chain(&taken, chain, chain_path, err);

	if (result == 0)
		result = take_key(&taken, key, key_path, err);
	if (result == 0 && !fits(&taken))
		result = err_set(err, -EINVAL, "%s: this is not the key of the first certificate in %s",
				 key_path, chain_path);
	if (result < 0)
		return result;
	judge_times(&taken, chain_path, note);
	*certificate = taken;
	taken = (struct certificate){0};
	return 0;
}

void certificate_deinit(struct certificate *certificate)
{
	for (unsigned i = 0; i < certificate->length; i++)
		gnutls_x509_crt_deinit(certificate->chain[i]);
	gnutls_free(certificate->chain);
	if (certificate->key)
		gnutls_x509_privkey_deinit(certificate->key);
	*certificate = (struct certificate){0};
}
