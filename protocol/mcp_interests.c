/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who wants to hear of which resource: each subscriptions/listen (modern), and each session with its
 * resources/subscribe (legacy). What a URI means is the host's to know; here it is a text that is compared.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

static bool is_watched(const struct mcp_caller *caller, const char *uri)
{
	for (const struct mcp_interest *at = caller->interests; at; at = at->next)
		if (strcmp(at->uri, uri) == 0)
			return true;
	return false;
}

static struct mcp_interest *find_interest(struct mcp_peer *peer, const struct mcp_request *subscription,
					  const char *uri)
{
	for (struct mcp_interest *at = peer->caller->interests; at; at = at->next)
		if (at->peer == peer && at->subscription == subscription && strcmp(at->uri, uri) == 0)
			return at;
	return NULL;
}

/* The next resources/subscribe that waits to hear whether `uri` is watched; NULL: none. */
static struct mcp_call *find_waiting(const struct mcp_peer *peer, const char *uri)
{
	for (struct mcp_request *at = peer->requests.all; at; at = at->next) {
		struct mcp_call *call = (struct mcp_call *)at;

		if (at->kind == MCP_REQUEST_CALL && call->kind == MCP_CALL_SUBSCRIBE &&
		    strcmp(call->uri, uri) == 0)
			return call;
	}
	return NULL;
}

/* Takes it out of the list; the host is told when it was the last for its resource. */
static void drop(struct mcp_interest **link)
{
	struct mcp_interest *interest = *link;
	struct mcp_peer *peer = interest->peer;
	struct mcp_caller *caller = peer->caller;

	*link = interest->next;
	caller->interest_count--;
	/* it was subscribed to, for as long as that was wanted */
	for (struct mcp_call *call; !interest->subscription && (call = find_waiting(peer, interest->uri));)
		mcp_call_finish_empty(call);
	if (!peer->closing && !is_watched(caller, interest->uri))
		caller->host.unwatch(caller->host.context, interest->uri);
	free(interest);
}

/* 0, -ENOENT, -EOPNOTSUPP, -ENOSPC (too many), -ENOMEM. */
static int add(struct mcp_peer *peer, const struct mcp_request *subscription, const char *uri)
{
	struct mcp_interest *interest = find_interest(peer, subscription, uri);
	struct mcp_caller *caller = peer->caller;
	struct mcp_interest **link = &caller->interests;
	bool is_new = !interest;
	int result;

	if (is_new && caller->interest_count >= LIMIT_RESOURCE_SUBSCRIPTIONS)
		return -ENOSPC;
	if (is_new)
		interest = calloc(1, sizeof *interest + strlen(uri) + 1);
	if (!interest)
		return -ENOMEM;
	result = caller->host.watch(caller->host.context, uri);
	if (result < 0 && result != -EINPROGRESS) {
		if (is_new)
			free(interest);
		return result;
	}
	interest->pending |= result == -EINPROGRESS;
	interest->due |= result > 0;
	if (!is_new)
		return 0;
	interest->peer = peer;
	interest->subscription = subscription;
	memcpy(interest->uri, uri, strlen(uri) + 1);
	while (*link)
		link = &(*link)->next;
	*link = interest;
	caller->interest_count++;
	return 0;
}

static void tell(struct mcp_interest *interest)
{
	struct json_writer writer;

	interest->due = !mcp_subscription_open(interest->subscription);
	if (interest->due)
		return;
	mcp_notification_begin(interest->peer, interest->subscription, "notifications/resources/updated",
			       &writer);
	json_key_text(&writer, "uri", interest->uri);
	mcp_notification_end(interest->peer, interest->subscription, &writer);
}

/* Tells of those of one who wants to hear that are due. */
static void tell_due(const struct mcp_peer *peer, const struct mcp_request *subscription)
{
	for (struct mcp_interest *at = peer->caller->interests; at; at = at->next)
		if (at->due && at->peer == peer && at->subscription == subscription)
			tell(at);
}

void mcp_interests_tell(const struct mcp_request *subscription)
{
	tell_due(subscription->origin.peer, subscription);
}

void mcp_interests_forget(struct mcp_peer *peer, const struct mcp_request *subscription)
{
	for (struct mcp_interest **link = &peer->caller->interests; *link;) {
		if ((*link)->peer == peer && (*link)->subscription == subscription)
			drop(link);
		else
			link = &(*link)->next;
	}
}

void mcp_resource_updated(struct mcp_caller *caller, const char *uri)
{
	for (struct mcp_interest *at = caller->interests; at; at = at->next)
		if (strcmp(at->uri, uri) == 0)
			tell(at);
}

void mcp_resource_gone(struct mcp_caller *caller, const char *uri)
{
	for (struct mcp_interest **link = &caller->interests; *link;) {
		struct mcp_interest *interest = *link;

		if (strcmp(interest->uri, uri) != 0) {
			link = &interest->next;
			continue;
		}
		*link = interest->next;
		caller->interest_count--;
		free(interest);
	}
}

bool mcp_interests_pending(const struct mcp_request *subscription)
{
	const struct mcp_caller *caller = subscription->origin.peer->caller;

	for (const struct mcp_interest *at = caller->interests; at; at = at->next)
		if (at->subscription == subscription && at->pending)
			return true;
	return false;
}

/* The next subscriptions/listen that now has no more to wait for. */
static struct mcp_request *find_settled(const struct mcp_peer *peer)
{
	for (struct mcp_request *at = peer->requests.all; at; at = at->next)
		if (at->kind == MCP_REQUEST_SUBSCRIPTION && !mcp_subscription_open(at) &&
		    !mcp_interests_pending(at))
			return at;
	return NULL;
}

/* Of one conversation: who waited to hear whether it is watched. */
static void settle(struct mcp_peer *peer, const char *uri, const char *refusal)
{
	struct mcp_request *settled;
	struct mcp_call *call;

	while ((call = find_waiting(peer, uri))) {
		if (refusal)
			mcp_call_error(call, MCP_INTERNAL_ERROR, refusal);
		else
			mcp_call_finish_empty(call);
	}
	while ((settled = find_settled(peer)))
		mcp_subscription_acknowledge(settled);
}

void mcp_resource_watched(struct mcp_caller *caller, const char *uri, const char *refusal)
{
	for (struct mcp_interest *at = caller->interests; at; at = at->next)
		if (strcmp(at->uri, uri) == 0)
			at->pending = false;
	if (refusal)
		mcp_resource_gone(caller, uri);
	for (struct mcp_peer *peer = caller->peers; peer; peer = peer->next)
		settle(peer, uri, refusal);
}

/* ---- subscriptions/listen: "the subset the server agreed to honor" ---- */

int mcp_interests_add(struct mcp_request *subscription, const cJSON *uris)
{
	for (const cJSON *uri = uris ? uris->child : NULL; uri; uri = uri->next)
		if (add(subscription->origin.peer, subscription, uri->valuestring) == -ENOMEM)
			return -ENOMEM;
	return 0;
}

void mcp_interests_write(const struct mcp_request *subscription, struct json_writer *writer)
{
	const struct mcp_caller *caller = subscription->origin.peer->caller;
	bool begun = false;

	for (const struct mcp_interest *at = caller->interests; at; at = at->next) {
		if (at->subscription != subscription)
			continue;
		if (!begun) {
			json_key(writer, "resourceSubscriptions");
			json_array(writer);
			begun = true;
		}
		json_text(writer, at->uri);
	}
	if (begun)
		json_array_end(writer);
}

/* ---- legacy: resources/subscribe and resources/unsubscribe ---- */

static void unsubscribe(struct mcp_peer *peer, const char *uri)
{
	for (struct mcp_interest **link = &peer->caller->interests; *link; link = &(*link)->next)
		if ((*link)->peer == peer && !(*link)->subscription && strcmp((*link)->uri, uri) == 0) {
			drop(link);
			return;
		}
}

/* It is answered when the host knows (mcp_resource_watched). */
static int subscribe_later(struct mcp_incoming *incoming, const char *uri)
{
	struct mcp_peer *peer = incoming->origin.peer;
	struct mcp_call *call;
	int result = mcp_call_accept(incoming, MCP_CALL_SUBSCRIBE, &call);

	if (call)
		call->uri = uri;
	else if (!find_waiting(peer, uri))
		unsubscribe(peer, uri);
	return result;
}

int mcp_resources_subscribe(struct mcp_incoming *incoming)
{
	struct mcp_peer *peer = incoming->origin.peer;
	const char *uri;
	int result = mcp_take_uri(incoming, &uri);

	if (result)
		return result < 0 ? result : 0;
	result = add(peer, NULL, uri);
	if (result == -ENOENT)
		return mcp_reply_not_found(incoming, uri);
	if (result == -ENOSPC)
		return mcp_reply_error(
			incoming, MCP_INTERNAL_ERROR,
			"Internal error: %u resources are subscribed to already; unsubscribe one first",
			peer->caller->interest_count);
	if (result < 0)
		return result;
	if (find_interest(peer, NULL, uri)->pending)
		return subscribe_later(incoming, uri);
	result = mcp_reply_empty(incoming);
	if (result < 0)
		unsubscribe(peer, uri);
	else
		tell_due(peer, NULL);
	return result;
}

/* Of what was not subscribed to, or is gone, too. */
int mcp_resources_unsubscribe(struct mcp_incoming *incoming)
{
	const char *uri;
	int result = mcp_take_uri(incoming, &uri);

	if (result)
		return result < 0 ? result : 0;
	unsubscribe(incoming->origin.peer, uri);
	return mcp_reply_empty(incoming);
}
