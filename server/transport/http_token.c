/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of sessions (http_token.h). A text that is read is anybody's. */
#include "server/transport/http_token.h"

#include <errno.h>
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "server/secret.h"

#define MAC_BYTES  16
#define HEAD_BYTES 17 /* number, begun, capabilities */
#define DATE_BYTES 10 /* a version */
#define BODY_BYTES (HEAD_BYTES + DATE_BYTES + TOKEN_CLIENT_TEXT)

static int fill(void *bytes, size_t length)
{
	return getrandom(bytes, length, 0) == (ssize_t)length ? 0 : -EIO;
}

int token_keys_new(struct token_keys *keys)
{
	int result = fill(keys->key, sizeof keys->key);

	memcpy(keys->previous, keys->key, sizeof keys->previous);
	return result;
}

static int read_key(const char *line, uint8_t *key)
{
	static const char digits[] = "0123456789abcdef";

	if (strlen(line) != 2 * TOKEN_KEY_BYTES)
		return -EINVAL;
	for (size_t i = 0; i < 2 * TOKEN_KEY_BYTES; i++) {
		const char *digit = memchr(digits, line[i] | 0x20, 16);

		if (!digit)
			return -EINVAL;
		key[i / 2] = (uint8_t)(key[i / 2] << 4 | (digit - digits));
	}
	return 0;
}

int token_keys_read(struct token_keys *keys, int fd, const char *path, struct err *err)
{
	uint8_t *const places[] = {keys->key, keys->previous};
	_cleanup_(secret_forget) struct buffer text;
	char *line, *rest;
	size_t found = 0;
	int result = secret_read(&text, fd, path, true, err);

	if (result < 0)
		return result;
	for (rest = buffer_data(&text); (line = strsep(&rest, "\n"));) {
		line[strcspn(line, "\r")] = '\0';
		if (!*line || *line == '#')
			continue;
		if (found == ARRAY_SIZE(places) || read_key(line, places[found]) < 0)
			return err_set(
				err, -EINVAL,
				"%s: it is to hold one key, or two, each a line of %d hexadecimal digits "
				"(openssl rand -hex %d)",
				path, 2 * TOKEN_KEY_BYTES, TOKEN_KEY_BYTES);
		found++;
	}
	if (!found)
		return err_set(err, -EINVAL, "%s: there is no key in it", path);
	if (found == 1)
		memcpy(keys->previous, keys->key, sizeof keys->previous);
	return 0;
}

int token_number(uint64_t *number)
{
	int result = fill(number, sizeof *number);

	*number += *number == 0;
	return result;
}

static void put_number(uint8_t *bytes, uint64_t number)
{
	for (size_t i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(number >> 8 * i);
}

static uint64_t get_number(const uint8_t *bytes)
{
	uint64_t number = 0;

	for (size_t i = 8; i-- > 0;)
		number = number << 8 | bytes[i];
	return number;
}

static void sign(const uint8_t *key, const char *caller, const uint8_t *body, size_t length, uint8_t *mac)
{
	struct hmac_sha256_ctx context;

	hmac_sha256_set_key(&context, TOKEN_KEY_BYTES, key);
	hmac_sha256_update(&context, strlen(caller) + 1, (const uint8_t *)caller);
	hmac_sha256_update(&context, length, body);
	hmac_sha256_digest(&context, MAC_BYTES, mac);
}

/* base64url without padding. */
static void encode(const uint8_t *bytes, size_t length, char *text)
{
	struct base64_encode_ctx context;
	size_t written;

	base64url_encode_init(&context);
	written = base64_encode_update(&context, text, length, bytes);
	written += base64_encode_final(&context, text + written);
	while (written && text[written - 1] == '=')
		written--;
	text[written] = '\0';
}

int token_write(const struct token_keys *keys, const char *caller, struct token *token, char *text)
{
	uint8_t bytes[BODY_BYTES + MAC_BYTES] = {0};
	size_t client = strlen(token->client), length = HEAD_BYTES + DATE_BYTES + client;

	if (token->begun == 0)
		token->begun = (uint64_t)time(NULL);
	put_number(bytes, token->number);
	put_number(bytes + 8, token->begun);
	bytes[16] = token->capabilities;
	memcpy(bytes + HEAD_BYTES, token->version, DATE_BYTES);
	memcpy(bytes + HEAD_BYTES + DATE_BYTES, token->client, client);
	sign(keys->key, caller, bytes, length, bytes + length);
	encode(bytes, length + MAC_BYTES, text);
	return 0;
}

static bool is_signed(const struct token_keys *keys, const char *caller, const uint8_t *bytes, size_t length)
{
	uint8_t mac[MAC_BYTES], older[MAC_BYTES];

	sign(keys->key, caller, bytes, length, mac);
	sign(keys->previous, caller, bytes, length, older);
	return memeql_sec(mac, bytes + length, MAC_BYTES) | memeql_sec(older, bytes + length, MAC_BYTES);
}

int token_read(const struct token_keys *keys, const char *caller, const char *text, struct token *token)
{
	uint8_t bytes[BASE64_DECODE_LENGTH(TOKEN_TEXT)];
	size_t given = strlen(text), length = sizeof bytes;
	struct base64_decode_ctx context;
	char again[TOKEN_TEXT + 8];
	uint64_t now = (uint64_t)time(NULL);

	if (given > TOKEN_TEXT)
		return -EINVAL;
	base64url_decode_init(&context);
	if (!base64_decode_update(&context, &length, bytes, given, text) ||
	    length < HEAD_BYTES + DATE_BYTES + MAC_BYTES || length > BODY_BYTES + MAC_BYTES)
		return -EINVAL;
	encode(bytes, length, again); /* there is one spelling of each */
	if (strcmp(text, again) != 0)
		return -EINVAL;
	length -= MAC_BYTES;
	if (!is_signed(keys, caller, bytes, length))
		return -EINVAL;
	*token = (struct token){
		.number = get_number(bytes), .begun = get_number(bytes + 8), .capabilities = bytes[16]};
	memcpy(token->version, bytes + HEAD_BYTES, DATE_BYTES);
	memcpy(token->client, bytes + HEAD_BYTES + DATE_BYTES, length - HEAD_BYTES - DATE_BYTES);
	return now - token->begun > LIMIT_HTTP_SESSION_S && now > token->begun ? -EINVAL : 0;
}
