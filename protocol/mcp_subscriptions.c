/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subscriptions/listen (2026-07-28, basic/patterns/subscriptions), and telling of lists that have changed, in
 * both eras. Which resources a subscription is about is mcp_interests.c's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

struct mcp_subscription {
	struct mcp_request request;
	bool lists[MCP_LISTS]; /* changes of which it is told */
	bool acknowledged;     /* until then nothing else is said of it */
};

static const struct {
	const char *filter, *method;
} lists[MCP_LISTS] = {
	[MCP_LIST_PROMPTS] = {"promptsListChanged", "notifications/prompts/list_changed"},
	[MCP_LIST_RESOURCES] = {"resourcesListChanged", "notifications/resources/list_changed"},
	[MCP_LIST_TOOLS] = {"toolsListChanged", "notifications/tools/list_changed"},
};

bool mcp_list_changes(const struct mcp_caller *caller, enum mcp_list list)
{
	return list == MCP_LIST_TOOLS || (list == MCP_LIST_PROMPTS && caller->host.prompts) ||
	       (list == MCP_LIST_RESOURCES && caller->host.resources_change);
}

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
	for (enum mcp_list list = 0; list < MCP_LISTS; list++)
		if (subscription->lists[list])
			json_key_bool(&writer, lists[list].filter, true);
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

static bool all_strings(const cJSON *array)
{
	for (const cJSON *item = array ? array->child : NULL; item; item = item->next)
		if (!cJSON_IsString(item))
			return false;
	return !array || cJSON_IsArray(array);
}

static bool valid_filter(const cJSON *filter)
{
	if (!cJSON_IsObject(filter))
		return false;
	for (enum mcp_list list = 0; list < MCP_LISTS; list++) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(filter, lists[list].filter);

		if (item && !cJSON_IsBool(item))
			return false;
	}
	return all_strings(cJSON_GetObjectItemCaseSensitive(filter, "resourceSubscriptions")) &&
	       all_strings(cJSON_GetObjectItemCaseSensitive(filter, "taskIds"));
}

int mcp_subscriptions_listen(struct mcp_incoming *incoming)
{
	struct mcp_caller *caller = incoming->origin.peer->caller;
	const cJSON *filter = cJSON_GetObjectItemCaseSensitive(incoming->message.params, "notifications");
	unsigned most = caller->host.subscriptions ? caller->host.subscriptions : LIMIT_SUBSCRIPTIONS;
	struct mcp_subscription *subscription;
	int result;

	if (!valid_filter(filter))
		return mcp_reply_error(incoming, MCP_INVALID_PARAMS,
				       "Invalid params: notifications must be an object of booleans (and "
				       "resourceSubscriptions and taskIds arrays of strings)");
	result = cJSON_GetObjectItemCaseSensitive(filter, "taskIds") ? mcp_tasks_check(incoming) : 0;
	if (result)
		return result < 0 ? result : 0;
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
	for (enum mcp_list list = 0; list < MCP_LISTS; list++)
		subscription->lists[list] =
			mcp_list_changes(caller, list) &&
			cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(filter, lists[list].filter));
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

static void tell_changed(struct mcp_peer *peer, enum mcp_list list)
{
	struct mcp_delivery delivery = {0};
	struct buffer *out = &peer->caller->reply;
	struct json_writer writer;

	for (struct mcp_request *request = peer->requests.all; request; request = request->next)
		if (request->kind == MCP_REQUEST_SUBSCRIPTION && mcp_subscription_open(request) &&
		    ((struct mcp_subscription *)request)->lists[list] &&
		    mcp_notification_begin(peer, request, lists[list].method, &writer) == 0)
			mcp_notification_end(peer, request, &writer);
	if (!peer->initialized)
		return;
	buffer_clear(out, LIMIT_FRAME_BYTES);
	json_writer_init(&writer, out);
	json_object(&writer);
	json_key_text(&writer, "jsonrpc", "2.0");
	json_key_text(&writer, "method", lists[list].method);
	json_object_end(&writer);
	if (writer.result == 0)
		mcp_send(peer, &delivery, out);
}

void mcp_list_changed(struct mcp_caller *caller, enum mcp_list list)
{
	if (list == MCP_LIST_TOOLS)
		buffer_clear(&caller->tools, 0);
	for (struct mcp_peer *peer = caller->peers; peer; peer = peer->next)
		tell_changed(peer, list);
}
