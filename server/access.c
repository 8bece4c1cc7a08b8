/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens (access.h). What a request bears is anybody's text. */
#include "server/access.h"

#include <errno.h>
#include <nettle/base64.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "server/secret.h"

static void hash(const char *token, uint8_t digest[32])
{
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, strlen(token), (const uint8_t *)token);
	sha256_digest(&context, 32, digest);
}

static int add(struct access *access, const char *name, const char *token, const char *policy)
{
	struct access_row *rows = realloc(access->rows, (access->count + 1) * sizeof *rows);

	if (!rows)
		return -ENOMEM;
	access->rows = rows;
	snprintf(rows[access->count].name, sizeof rows->name, "%s", name);
	hash(token, rows[access->count].hash);
	rows[access->count].policy = policy ? strdup(policy) : NULL;
	access->count++;
	return policy && !rows[access->count - 1].policy ? -ENOMEM : 0;
}

static bool is_known(const struct access *access, const char *name, const char *token)
{
	uint8_t digest[32];

	hash(token, digest);
	for (size_t i = 0; i < access->count; i++)
		if (strcmp(access->rows[i].name, name) == 0 || memcmp(access->rows[i].hash, digest, 32) == 0)
			return true;
	return false;
}

/* token68 of RFC 9110, 11.2 */
static bool is_token(const char *text)
{
	size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=");

	return length >= LIMIT_TOKEN_MIN_BYTES && length <= LIMIT_TOKEN_MAX_BYTES && text[length] == '\0';
}

static bool is_name(const char *text)
{
	size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._");

	return length > 0 && length <= ACCESS_NAME_BYTES && text[length] == '\0';
}

#define POLICY "policy="

static int take_line(struct access *access, char *line, struct err *err)
{
	char *rest = line, *name = strsep(&rest, " \t"), *token = rest ? rest + strspn(rest, " \t") : NULL,
	     *policy;

	if (name[0] == '#' || (name[0] == '\0' && !token))
		return 0;
	if (!token || !is_name(name))
		return err_set(err, -EINVAL,
			       "it is to be NAME TOKEN; a name has letters, digits, dots, "
			       "hyphens and underscores");
	rest = token + strcspn(token, " \t");
	policy = rest + strspn(rest, " \t");
	*rest = '\0';
	if (*policy && (strncmp(policy, POLICY, strlen(POLICY)) != 0 || policy[strlen(POLICY)] != '/'))
		return err_set(err, -EINVAL,
			       "behind the token of %s there is to be nothing, or " POLICY
			       "/PATH of its own policy",
			       name);
	if (!is_token(token))
		return err_set(err, -EINVAL,
			       "the token of %s needs %d to %d letters, digits or -._~+/=", name,
			       LIMIT_TOKEN_MIN_BYTES, LIMIT_TOKEN_MAX_BYTES);
	if (is_known(access, name, token))
		return err_set(err, -EINVAL, "there is another one of this name, or with the same token: %s",
			       name);
	return add(access, name, token, *policy ? policy + strlen(POLICY) : NULL) < 0
		       ? err_set(err, -ENOMEM, "out of memory")
		       : 0;
}

int access_read(struct access *access, int fd, const char *path, struct err *err)
{
	_cleanup_(secret_forget) struct buffer text;
	char *line, *rest;
	unsigned number = 0;
	int result = secret_read(&text, fd, path, true, err);

	*access = (struct access){0};
	if (result < 0)
		return result;
	for (rest = buffer_data(&text); result == 0 && (line = strsep(&rest, "\n"));) {
		number++;
		line[strcspn(line, "\r")] = '\0';
		result = take_line(access, line, err);
	}
	if (result == 0 && access->count == 0)
		result = err_set(err, -EINVAL, "there is no token in it");
	if (result < 0) {
		access_deinit(access);
		return err_wrap(err, result, "%s:%u", path, number);
	}
	return 0;
}

int access_make(struct access *access, const char *name, char *token, struct err *err)
{
	struct base64_encode_ctx context;
	uint8_t bytes[32];
	char text[BASE64_ENCODE_RAW_LENGTH(sizeof bytes)];
	size_t length;

	*access = (struct access){0};
	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
		return err_set(err, -EIO, "getrandom: %s", err_name(errno));
	base64url_encode_init(&context);
	length = base64_encode_update(&context, text, sizeof bytes, bytes);
	base64_encode_final(&context, text + length);
	memcpy(token, text, ACCESS_TOKEN_TEXT);
	token[ACCESS_TOKEN_TEXT] = '\0';
	return add(access, name, token, NULL) < 0 ? err_set(err, -ENOMEM, "out of memory") : 0;
}

int access_find(const struct access *access, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	uint8_t digest[32];
	int found = -1;

	if (!authorization || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
		return -1;
	authorization += sizeof scheme - 1;
	authorization += strspn(authorization, " ");
	hash(authorization, digest);
	for (size_t i = 0; i < access->count; i++)
		if (memeql_sec(access->rows[i].hash, digest, sizeof digest))
			found = (int)i;
	return found;
}

void access_deinit(struct access *access)
{
	for (size_t i = 0; i < access->count; i++)
		free(access->rows[i].policy);
	free(access->rows);
	*access = (struct access){0};
}
