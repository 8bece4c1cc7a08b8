/* SPDX-License-Identifier: Apache-2.0 */
/* What only the modern era has: 2026-07-28, stateless, each request bearing its _meta. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

struct mcp_subscription {
	struct mcp_request request;
	bool tools;        /* toolsListChanged */
	bool acknowledged; /* until then nothing else is said of it */
};

static int refuse_version(struct mcp_incoming *incoming, const char *wanted)
{
	struct json_writer writer;
	struct buffer data;
	int result;

	buffer_init(&data, LIMIT_MESSAGE_BYTES);
	json_writer_init(&writer, &data);
	json_object(&writer);
	/* only what may stand in _meta: a client that picked a legacy one from here would be refused again */
	json_key(&writer, "supported");
	json_array(&writer);
	json_text(&writer, MCP_MODERN_VERSION);
	json_array_end(&writer);
	json_key(&writer, "requested");
	json_bytes(&writer, wanted, strnlen(wanted, LIMIT_ID_BYTES));
	json_object_end(&writer);
	if (writer.result == 0)
		writer.result = buffer_append(&data, "", 1);
	result = writer.result;
	if (result == 0)
		result = mcp_reply_error_data(incoming, MCP_UNSUPPORTED_VERSION,
					      "Unsupported protocol version", buffer_data(&data));
	buffer_deinit(&data);
	return result;
}

static bool valid_client(const cJSON *info)
{
	return cJSON_IsObject(info) && cJSON_IsString(cJSON_GetObjectItemCaseSensitive(info, "name")) &&
	       cJSON_IsString(cJSON_GetObjectItemCaseSensitive(info, "version"));
}

/* What is wrong with the per-request fields, or NULL (basic, "_meta", "Per-request protocol fields"). */
static const char *find_fault(const cJSON *meta)
{
	const cJSON *client = cJSON_GetObjectItemCaseSensitive(meta, MCP_META_CLIENT);
	const cJSON *level = cJSON_GetObjectItemCaseSensitive(meta, MCP_META_LOG_LEVEL);

	if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(meta, MCP_META_CAPABILITIES)))
		return "\"" MCP_META_CAPABILITIES "\" must be an object";
	if (client && !valid_client(client))
		return "\"" MCP_META_CLIENT "\" must be an object with the strings name and version";
	if (level && (!cJSON_IsString(level) || !mcp_known_log_level(level->valuestring)))
		return "\"" MCP_META_LOG_LEVEL "\" is not a log level";
	return NULL;
}

/* What _meta says decides; where it says nothing, over HTTP, the header does. initialize is of its own era.
 */
static enum mcp_era find_era(const struct mcp_incoming *incoming)
{
	const char *header = incoming->headers ? incoming->headers->version : NULL;

	if (cJSON_GetObjectItemCaseSensitive(incoming->meta, MCP_META_VERSION) ||
	    cJSON_GetObjectItemCaseSensitive(incoming->meta, MCP_META_CAPABILITIES))
		return MCP_MODERN;
	return header && strcmp(header, MCP_MODERN_VERSION) == 0 &&
			       strcmp(incoming->message.method, "initialize") != 0
		       ? MCP_MODERN
		       : MCP_LEGACY;
}

static int refused(int result)
{
	return result < 0 ? result : 1;
}

/* "If the server receives a request with an invalid or unsupported MCP-Protocol-Version, it MUST respond with
 * 400" (2025-11-25 transports, "Protocol Version Header"); of initialize the header says nothing. */
static int check_legacy(struct mcp_incoming *incoming)
{
	const char *header = incoming->headers ? incoming->headers->version : NULL;

	if (!header || mcp_known_version(header) || strcmp(incoming->message.method, "initialize") == 0)
		return 0;
	return refused(refuse_version(incoming, header));
}

int mcp_modern_check(struct mcp_incoming *incoming)
{
	const cJSON *meta = cJSON_GetObjectItemCaseSensitive(incoming->message.params, "_meta"), *version;
	const char *fault;
	int result;

	if (meta && !cJSON_IsObject(meta))
		return refused(mcp_reply_error(incoming, MCP_INVALID_PARAMS,
					       "Invalid params: _meta must be an object"));
	incoming->meta = meta;
	incoming->origin.era = find_era(incoming);
	if (incoming->origin.era == MCP_LEGACY)
		return check_legacy(incoming);
	version = cJSON_GetObjectItemCaseSensitive(meta, MCP_META_VERSION);
	if (!cJSON_IsString(version))
		return refused(mcp_reply_error(incoming, MCP_INVALID_PARAMS,
					       "Invalid params: _meta: \"" MCP_META_VERSION
					       "\" must be a string"));
	result = mcp_headers_check_version(incoming, version);
	if (result)
		return result;
	if (strcmp(version->valuestring, MCP_MODERN_VERSION) != 0)
		return refused(refuse_version(incoming, version->valuestring));
	fault = find_fault(meta);
	if (fault)
		return refused(
			mcp_reply_error(incoming, MCP_INVALID_PARAMS, "Invalid params: _meta: %s", fault));
	if (incoming->origin.batch)
		return refused(
			mcp_reply_error(incoming, MCP_INVALID_REQUEST,
					"Invalid Request: there are no batches in " MCP_MODERN_VERSION));
	result = mcp_headers_check(incoming);
	if (result)
		return result;
	mcp_note_client(incoming->origin.peer, cJSON_GetObjectItemCaseSensitive(meta, MCP_META_CLIENT));
	return 0;
}

int mcp_modern_discover(struct mcp_incoming *incoming)
{
	const char *instructions = incoming->origin.peer->caller->host.instructions;
	struct json_writer writer;
	int result = mcp_reply_begin(incoming, &writer);

	if (result < 0)
		return result;
	/* all by which this server can be reached, so that a client that shares only a legacy one can
	 * initialize */
	json_key(&writer, "supportedVersions");
	json_array(&writer);
	json_text(&writer, MCP_MODERN_VERSION);
	for (const char *const *version = mcp_legacy_versions; *version; version++)
		json_text(&writer, *version);
	json_array_end(&writer);
	json_key(&writer, "capabilities");
	json_object(&writer);
	mcp_completion_write_capability(&writer);
	mcp_resources_write_capability(&writer);
	json_key(&writer, "tools");
	json_object(&writer);
	json_key_bool(&writer, "listChanged", true);
	json_object_end(&writer);
	json_object_end(&writer);
	if (instructions)
		json_key_text(&writer, "instructions", instructions);
	json_key_int(&writer, "ttlMs", MCP_TTL_MS);
	json_key_text(&writer, "cacheScope", "public");
	return mcp_reply_end(incoming, &writer);
}

/* ---- subscriptions (basic/patterns/subscriptions) ---- */

int mcp_notification_begin(struct mcp_peer *peer, const struct mcp_request *subscription, const char *method,
			   struct json_writer *writer)
{
	struct buffer *out = &peer->caller->reply;

	buffer_clear(out, LIMIT_FRAME_BYTES);
	json_writer_init(writer, out);
	writer->result = jsonrpc_write_notification(out, method);
	if (!subscription)
		return writer->result;
	json_key(writer, "_meta");
	json_object(writer);
	json_key(writer, MCP_META_SUBSCRIPTION);
	json_raw(writer, subscription->id.raw, subscription->id.length);
	json_object_end(writer);
	return writer->result;
}

int mcp_notification_end(struct mcp_peer *peer, const struct mcp_request *subscription,
			 struct json_writer *writer)
{
	struct mcp_delivery delivery = {.route = subscription ? subscription->origin.route : NULL};

	json_object_end(writer);
	json_object_end(writer);
	if (writer->result < 0)
		return writer->result;
	return mcp_send(peer, &delivery, &peer->caller->reply);
}

/* "MUST send notifications/subscriptions/acknowledged as the first message", with the subset that is
 * honoured. */
static int acknowledge(struct mcp_subscription *subscription)
{
	struct mcp_peer *peer = subscription->request.origin.peer;
	struct json_writer writer;

	mcp_notification_begin(peer, &subscription->request, "notifications/subscriptions/acknowledged",
			       &writer);
	json_key(&writer, "notifications");
	json_object(&writer);
	if (subscription->tools)
		json_key_bool(&writer, "toolsListChanged", true);
	mcp_interests_write(&subscription->request, &writer);
	json_object_end(&writer);
	return mcp_notification_end(peer, &subscription->request, &writer);
}

bool mcp_subscription_open(const struct mcp_request *subscription)
{
	return !subscription || ((const struct mcp_subscription *)subscription)->acknowledged;
}

int mcp_subscription_acknowledge(struct mcp_request *request)
{
	struct mcp_subscription *subscription = (struct mcp_subscription *)request;
	int result = acknowledge(subscription);

	if (result < 0) {
		mcp_subscription_end(request);
		return result;
	}
	subscription->acknowledged = true;
	mcp_interests_tell(request);
	return 0;
}

static bool valid_filter(const cJSON *filter)
{
	static const char *const flags[] = {"toolsListChanged", "promptsListChanged", "resourcesListChanged",
					    NULL};
	const cJSON *uris = cJSON_GetObjectItemCaseSensitive(filter, "resourceSubscriptions"), *item;

	if (!cJSON_IsObject(filter) || (uris && !cJSON_IsArray(uris)))
		return false;
	for (const char *const *flag = flags; *flag; flag++) {
		item = cJSON_GetObjectItemCaseSensitive(filter, *flag);
		if (item && !cJSON_IsBool(item))
			return false;
	}
	for (item = uris ? uris->child : NULL; item; item = item->next)
		if (!cJSON_IsString(item))
			return false;
	return true;
}

int mcp_modern_listen(struct mcp_incoming *incoming)
{
	struct mcp_caller *caller = incoming->origin.peer->caller;
	const cJSON *filter = cJSON_GetObjectItemCaseSensitive(incoming->message.params, "notifications");
	unsigned most = caller->host.subscriptions ? caller->host.subscriptions : LIMIT_SUBSCRIPTIONS;
	struct mcp_subscription *subscription;
	int result;

	if (!valid_filter(filter))
		return mcp_reply_error(incoming, MCP_INVALID_PARAMS,
				       "Invalid params: notifications must be an object of booleans (and "
				       "resourceSubscriptions an array of strings)");
	incoming->origin.crowded = caller->subscriptions >= most;
	if (incoming->origin.crowded)
		return mcp_reply_error(incoming, MCP_INTERNAL_ERROR,
				       "Internal error: %u subscriptions are open already; cancel one first",
				       caller->subscriptions);
	subscription = calloc(1, sizeof *subscription);
	if (!subscription)
		return -ENOMEM;
	subscription->request.origin = incoming->origin;
	subscription->request.kind = MCP_REQUEST_SUBSCRIPTION;
	subscription->tools = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(filter, "toolsListChanged"));
	caller->subscriptions++;
	result = mcp_requests_add(&subscription->request, incoming->message.id);
	if (result == 0)
		result = mcp_interests_add(&subscription->request,
					   cJSON_GetObjectItemCaseSensitive(filter, "resourceSubscriptions"));
	if (result < 0) {
		mcp_subscription_end(&subscription->request);
		return result;
	}
	return mcp_interests_pending(&subscription->request)
		       ? 0
		       : mcp_subscription_acknowledge(&subscription->request);
}

void mcp_subscription_end(struct mcp_request *request)
{
	request->origin.peer->caller->subscriptions--;
	mcp_interests_forget(request->origin.peer, request);
	mcp_requests_remove(request);
	free(request);
}

/* The answer to the listen request ("Graceful Closure"). */
static void answer_subscription(struct mcp_request *request)
{
	struct mcp_delivery delivery = {.route = request->origin.route, .last = true};
	struct mcp_peer *peer = request->origin.peer;
	struct buffer *out = &peer->caller->reply;
	struct json_writer writer;

	buffer_clear(out, LIMIT_FRAME_BYTES);
	json_writer_init(&writer, out);
	writer.result = jsonrpc_write_result(out, request->id);
	json_object(&writer);
	json_key(&writer, "_meta");
	json_object(&writer);
	json_key(&writer, MCP_META_SUBSCRIPTION);
	json_raw(&writer, request->id.raw, request->id.length);
	json_raw(&writer, peer->caller->server_meta, strlen(peer->caller->server_meta));
	json_object_end(&writer);
	json_key_text(&writer, "resultType", "complete");
	json_object_end(&writer);
	json_object_end(&writer);
	if (writer.result == 0)
		mcp_send(peer, &delivery, out);
}

/* "A server MUST send notifications/cancelled .. when it tears down that subscription stream"
 * (basic/patterns/cancellation). */
static void cancel_subscription(struct mcp_request *request)
{
	struct mcp_peer *peer = request->origin.peer;
	struct json_writer writer;

	if (mcp_notification_begin(peer, request, "notifications/cancelled", &writer) < 0)
		return;
	json_key(&writer, "requestId");
	json_raw(&writer, request->id.raw, request->id.length);
	mcp_notification_end(peer, request, &writer);
}

/* Over HTTP the answer ends the stream, so it comes last there; elsewhere first, since a client may take what
 * was cancelled for what has failed. */
static void close_subscription(struct mcp_request *request)
{
	if (request->origin.route)
		cancel_subscription(request);
	answer_subscription(request);
	if (!request->origin.route)
		cancel_subscription(request);
	mcp_subscription_end(request);
}

void mcp_close(struct mcp_peer *peer)
{
	struct mcp_request *next;

	for (struct mcp_request *request = peer->requests.all; request; request = next) {
		next = request->next;
		if (request->kind == MCP_REQUEST_SUBSCRIPTION)
			close_subscription(request);
	}
}

static void tell_tools_changed(struct mcp_peer *peer)
{
	static const char method[] = "notifications/tools/list_changed";
	struct mcp_delivery delivery = {0};
	struct buffer *out = &peer->caller->reply;
	struct json_writer writer;

	for (struct mcp_request *request = peer->requests.all; request; request = request->next)
		if (request->kind == MCP_REQUEST_SUBSCRIPTION && mcp_subscription_open(request) &&
		    ((struct mcp_subscription *)request)->tools &&
		    mcp_notification_begin(peer, request, method, &writer) == 0)
			mcp_notification_end(peer, request, &writer);
	if (!peer->initialized)
		return;
	buffer_clear(out, LIMIT_FRAME_BYTES);
	json_writer_init(&writer, out);
	json_object(&writer);
	json_key_text(&writer, "jsonrpc", "2.0");
	json_key_text(&writer, "method", method);
	json_object_end(&writer);
	if (writer.result == 0)
		mcp_send(peer, &delivery, out);
}

void mcp_tools_changed(struct mcp_caller *caller)
{
	buffer_clear(&caller->tools, 0);
	for (struct mcp_peer *peer = caller->peers; peer; peer = peer->next)
		tell_tools_changed(peer);
}
