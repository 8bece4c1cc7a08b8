/* SPDX-License-Identifier: Apache-2.0 */
/* Callers and their conversations: how they begin, what of them is still open, and how they end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

static char *make_server_meta(const struct mcp_host *host)
{
	struct buffer text;
	struct json_writer writer;

	buffer_init(&text, 4096);
	json_writer_init(&writer, &text);
	json_key(&writer, MCP_META_SERVER);
	json_object(&writer);
	json_key_text(&writer, "name", host->name);
	json_key_text(&writer, "version", host->version);
	json_object_end(&writer);
	if (writer.result == 0)
		writer.result = buffer_append(&text, "", 1);
	if (writer.result < 0)
		buffer_deinit(&text);
	return text.bytes;
}

int mcp_caller_new(struct mcp_caller **caller, const struct mcp_host *host)
{
	struct mcp_caller *made = calloc(1, sizeof *made);

	if (!made)
		return -ENOMEM;
	made->host = *host;
	buffer_init(&made->reply, LIMIT_ANSWER_BYTES);
	buffer_init(&made->tools, LIMIT_ANSWER_BYTES);
	buffer_init(&made->discovery, LIMIT_ANSWER_BYTES);
	made->server_meta = make_server_meta(host);
	if (!made->server_meta) {
		free(made);
		return -ENOMEM;
	}
	*caller = made;
	return 0;
}

void mcp_caller_free(struct mcp_caller *caller)
{
	if (!caller)
		return;
	mcp_tasks_free(caller);
	buffer_deinit(&caller->reply);
	buffer_deinit(&caller->tools);
	buffer_deinit(&caller->discovery);
	free(caller->server_meta);
	free(caller);
}

static uint32_t ask_patience(struct mcp_caller *caller, const char *name)
{
	return caller->host.client ? caller->host.client(caller->host.context, name) : 0;
}

int mcp_peer_new(struct mcp_peer **peer, struct mcp_caller *caller, const struct mcp_sink *sink)
{
	struct mcp_peer *made = calloc(1, sizeof *made);

	if (!made)
		return -ENOMEM;
	made->caller = caller;
	made->sink = *sink;
	made->log_level = MCP_LOG_INFO; /* until it says otherwise */
	made->patience = ask_patience(caller, NULL);
	made->next = caller->peers;
	if (caller->peers)
		caller->peers->previous = made;
	caller->peers = made;
	*peer = made;
	return 0;
}

void mcp_peer_free(struct mcp_peer *peer)
{
	if (!peer)
		return;
	peer->closing = true;
	while (peer->requests.all) {
		struct mcp_request *request = peer->requests.all;

		if (request->kind == MCP_REQUEST_CALL)
			mcp_call_free((struct mcp_call *)request);
		else
			mcp_subscription_end(request);
	}
	mcp_interests_forget(peer, NULL);
	if (peer->previous)
		peer->previous->next = peer->next;
	else
		peer->caller->peers = peer->next;
	if (peer->next)
		peer->next->previous = peer->previous;
	free(peer->requests.buckets);
	free(peer->client);
	free(peer);
}

const char *mcp_peer_client(const struct mcp_peer *peer)
{
	return peer->client;
}

unsigned mcp_in_flight(const struct mcp_peer *peer)
{
	return peer->requests.calls;
}

void mcp_note_client_name(struct mcp_peer *peer, const char *name)
{
	char *copy;

	if ((peer->client && strcmp(peer->client, name) == 0) || strlen(name) > LIMIT_CLIENT_NAME_BYTES)
		return;
	copy = strdup(name); /* without memory it is told again next time */
	free(peer->client);
	peer->client = copy;
	peer->patience = ask_patience(peer->caller, name);
}

void mcp_note_client(struct mcp_peer *peer, const cJSON *info)
{
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(info, "name");

	if (cJSON_IsString(name))
		mcp_note_client_name(peer, name->valuestring);
}

/* ---- requests whose answers nobody waits for ---- */

void mcp_request_cancel(struct mcp_request *request)
{
	const struct mcp_host *host = &request->origin.peer->caller->host;

	mcp_requests_hide(request);
	if (((struct mcp_call *)request)->input.waits) /* the host has given it back */
		mcp_call_free((struct mcp_call *)request);
	else
		host->cancel(host->context, (struct mcp_call *)request);
}

bool mcp_route_waits(const struct mcp_peer *peer, const void *route)
{
	for (const struct mcp_request *request = peer->requests.all; request; request = request->next)
		if (request->origin.route == route)
			return true;
	return false;
}

/* The next one of this route (NULL: of any) that was not cancelled yet. */
static struct mcp_request *find_by_route(const struct mcp_peer *peer, const void *route)
{
	for (struct mcp_request *request = peer->requests.all; request; request = request->next)
		if (request->findable && (!route || request->origin.route == route))
			return request;
	return NULL;
}

void mcp_route_gone(struct mcp_peer *peer, const void *route)
{
	for (struct mcp_request *request; (request = find_by_route(peer, route));)
		if (request->kind == MCP_REQUEST_SUBSCRIPTION)
			mcp_subscription_end(request);
		else
			mcp_request_cancel(request);
	if (!route)
		mcp_interests_forget(peer, NULL);
}
