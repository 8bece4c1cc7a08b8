/* SPDX-License-Identifier: Apache-2.0 */
/* Files of secrets, all of them together (secrets.h). */
#include "server/secrets.h"

#include <errno.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "server/secret.h"

void secrets_paths(const char *paths[SECRETS_FILES], const struct options *options)
{
	paths[SECRETS_TOKENS] = options->token_file;
	paths[SECRETS_METRICS] = options->metrics_file;
	paths[SECRETS_SESSION_KEY] = options->session_key;
	paths[SECRETS_CERTIFICATE] = options->tls_cert;
	paths[SECRETS_KEY] = options->tls_key;
}

void secrets_open(const char *const paths[SECRETS_FILES], int files[SECRETS_FILES])
{
	for (size_t i = 0; i < SECRETS_FILES; i++)
		files[i] = paths[i] ? secret_open(paths[i]) : -ENOENT;
}

static int read_certificate(struct secrets *secrets, const char *const *paths, const int *files,
			    struct err *err)
{
	_cleanup_(secret_forget) struct buffer chain = {0}, key = {0};
	int result = secret_read(&chain, files[SECRETS_CERTIFICATE], paths[SECRETS_CERTIFICATE], false, err);

	if (result == 0)
		result = secret_read(&key, files[SECRETS_KEY], paths[SECRETS_KEY], true, err);
	return result < 0 ? result
			  : certificate_read(&secrets->certificate, buffer_data(&chain),
					     paths[SECRETS_CERTIFICATE], buffer_data(&key),
					     paths[SECRETS_KEY], secrets->note, err);
}

int secrets_read(struct secrets *secrets, const char *const paths[SECRETS_FILES], int files[SECRETS_FILES],
		 struct err *err)
{
	_cleanup_(secrets_deinit) struct secrets taken = {0};
	int result = 0;

	if (paths[SECRETS_TOKENS])
		result = access_read(&taken.access, files[SECRETS_TOKENS], paths[SECRETS_TOKENS], err);
	if (result == 0 && paths[SECRETS_METRICS])
		result = access_read(&taken.metrics, files[SECRETS_METRICS], paths[SECRETS_METRICS], err);
	if (result == 0 && paths[SECRETS_SESSION_KEY])
		result = token_keys_read(&taken.keys, files[SECRETS_SESSION_KEY], paths[SECRETS_SESSION_KEY],
					 err);
	if (result == 0 && paths[SECRETS_CERTIFICATE])
		result = read_certificate(&taken, paths, files, err);
	for (size_t i = 0; i < SECRETS_FILES; i++)
		close_fd(&files[i]);
	if (result < 0)
		return result;
	*secrets = taken;
	taken = (struct secrets){0};
	return 0;
}

void secrets_deinit(struct secrets *secrets)
{
	explicit_bzero(&secrets->keys, sizeof secrets->keys);
	access_deinit(&secrets->access);
	access_deinit(&secrets->metrics);
	certificate_deinit(&secrets->certificate);
}
