/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_SECRETS_H
#define SALLYPORT_SERVER_SECRETS_H

/* All that an HTTP server reads from files of secrets, together: at the start, and again when it is told to
 * (reload.h). What one of them says may fit only what another says, so all are taken or none. */

#include "protocol/error.h"
#include "server/access.h"
#include "server/certificate.h"
#include "server/options.h"
#include "server/transport/http_token.h"

enum secrets_file {
	SECRETS_TOKENS,
	SECRETS_METRICS,
	SECRETS_SESSION_KEY,
	SECRETS_CERTIFICATE,
	SECRETS_KEY,
	SECRETS_FILES
};

/* What is not in a file is zero. */
struct secrets {
	struct access access, metrics; /* of --token-file, and of --metrics-token-file */
	struct token_keys keys;
	struct certificate certificate;
	char note[CERTIFICATE_NOTE]; /* for people: as certificate_read()'s */
};

/* Which files these options name; NULL where none. */
void secrets_paths(const char *paths[SECRETS_FILES], const struct options *options);
/* Opens them: descriptors or -errno, for secrets_read(). */
void secrets_open(const char *const paths[SECRETS_FILES], int files[SECRETS_FILES]);
/* Reads and closes them. 0, or -errno with a sentence that names the file; *secrets is set on success only.
 */
int secrets_read(struct secrets *secrets, const char *const paths[SECRETS_FILES], int files[SECRETS_FILES],
		 struct err *err);
void secrets_deinit(struct secrets *secrets);

#endif
