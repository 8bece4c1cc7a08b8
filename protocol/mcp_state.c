/* SPDX-License-Identifier: Apache-2.0 */
/*
 * requestState (2026-07-28, basic/patterns/mrtr): it passes through the client, so it is signed, together
 * with when it expires and with the request that it belongs to; the key is one principal's. base64url of
 * expiry (8 bytes, seconds since 1970) | HMAC-SHA256 | state.
 */
#include <errno.h>
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

#define EXPIRY_BYTES 8
#define HEAD_BYTES   (EXPIRY_BYTES + SHA256_DIGEST_SIZE)

/* The caller's key, made up where the host gives none. 0 or -EIO. */
static int find_key(struct mcp_caller *caller)
{
	if (caller->state_key_known)
		return 0;
	if (caller->host.state_key)
		memcpy(caller->state_key, caller->host.state_key, MCP_STATE_KEY_BYTES);
	else if (getrandom(caller->state_key, MCP_STATE_KEY_BYTES, 0) != MCP_STATE_KEY_BYTES)
		return -EIO;
	caller->state_key_known = true;
	return 0;
}

/* What a client repeats when it sends a request again: not its id, nor _meta. */
static int digest_request(const struct mcp_call *call, struct hmac_sha256_ctx *context)
{
	static const char *const salient[] = {"name", "uri", "arguments"};
	const cJSON *params = cJSON_GetObjectItemCaseSensitive(call->tree, "params");
	const char *method = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(call->tree, "method"));

	hmac_sha256_update(context, strlen(method) + 1, (const uint8_t *)method);
	for (size_t i = 0; i < ARRAY_SIZE(salient); i++) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(params, salient[i]);
		char *text = item ? cJSON_PrintUnformatted(item) : strdup("");

		if (!text)
			return -ENOMEM;
		hmac_sha256_update(context, strlen(text) + 1, (const uint8_t *)text);
		cJSON_free(text);
	}
	return 0;
}

static int sign(const struct mcp_call *call, const uint8_t *expiry, const uint8_t *state, size_t length,
		uint8_t *mac)
{
	struct mcp_caller *caller = call->request.origin.peer->caller;
	struct hmac_sha256_ctx context;
	int result = find_key(caller);

	if (result < 0)
		return result;
	hmac_sha256_set_key(&context, MCP_STATE_KEY_BYTES, caller->state_key);
	hmac_sha256_update(&context, EXPIRY_BYTES, expiry);
	result = digest_request(call, &context);
	hmac_sha256_update(&context, length, state);
	hmac_sha256_digest(&context, SHA256_DIGEST_SIZE, mac);
	return result;
}

void mcp_state_seal(const struct mcp_call *call, const char *state, struct json_writer *writer)
{
	uint64_t expiry = (uint64_t)time(NULL) + LIMIT_STATE_S;
	size_t length = strlen(state), written;
	_cleanup_free_ uint8_t *bytes = malloc(HEAD_BYTES + length);
	_cleanup_free_ char *text = malloc(BASE64_ENCODE_RAW_LENGTH(HEAD_BYTES + length));
	struct base64_encode_ctx context;

	if (!bytes || !text) {
		writer->result = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < EXPIRY_BYTES; i++)
		bytes[i] = (uint8_t)(expiry >> 8 * i);
	memcpy(bytes + HEAD_BYTES, state, length);
	if (sign(call, bytes, bytes + HEAD_BYTES, length, bytes + EXPIRY_BYTES) < 0) {
		writer->result = -ENOMEM;
		return;
	}
	base64url_encode_init(&context);
	written = base64_encode_update(&context, text, HEAD_BYTES + length, bytes);
	written += base64_encode_final(&context, text + written);
	json_bytes(writer, text, written);
}

int mcp_state_open(const struct mcp_call *call, const char *sealed, char **state)
{
	size_t given = strlen(sealed), length = BASE64_DECODE_LENGTH(given);
	_cleanup_free_ uint8_t *bytes = malloc(length + 1);
	uint8_t mac[SHA256_DIGEST_SIZE];
	struct base64_decode_ctx context;
	uint64_t expiry = 0;
	int result;

	if (!bytes)
		return -ENOMEM;
	base64url_decode_init(&context);
	if (!base64_decode_update(&context, &length, bytes, given, sealed) ||
	    !base64_decode_final(&context) || length < HEAD_BYTES)
		return -EINVAL;
	result = sign(call, bytes, bytes + HEAD_BYTES, length - HEAD_BYTES, mac);
	if (result < 0)
		return result;
	for (size_t i = EXPIRY_BYTES; i-- > 0;)
		expiry = expiry << 8 | bytes[i];
	if (!memeql_sec(mac, bytes + EXPIRY_BYTES, sizeof mac) || expiry < (uint64_t)time(NULL))
		return -EINVAL;
	*state = strndup((const char *)bytes + HEAD_BYTES, length - HEAD_BYTES);
	return *state ? 0 : -ENOMEM;
}
