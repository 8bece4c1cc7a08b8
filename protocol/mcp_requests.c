/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests in flight: a list of all, and a table by id of those that can still be cancelled and whose ids may
 * not be used again. The table grows; where memory for that is lacking it only gets slower.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/mcp_peer.h"

#define FIRST_BUCKETS 16

/* FNV-1a. A client that makes its own ids collide slows down itself, by at most LIMIT_CALLS_IN_FLIGHT. */
static uint32_t hash_key(const char *key, size_t length)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)key[i]) * 16777619u;
	return hash;
}

static void grow(struct mcp_requests *requests)
{
	size_t count = requests->bucket_count ? requests->bucket_count * 2 : FIRST_BUCKETS;
	struct mcp_request **buckets = calloc(count, sizeof(struct mcp_request *));

	if (!buckets)
		return;
	for (size_t i = 0; i < requests->bucket_count; i++) {
		struct mcp_request *next;

		for (struct mcp_request *request = requests->buckets[i]; request; request = next) {
			next = request->bucket_next;
			request->bucket_next = buckets[request->hash & (count - 1)];
			buckets[request->hash & (count - 1)] = request;
		}
	}
	free(requests->buckets);
	requests->buckets = buckets;
	requests->bucket_count = count;
}

static int copy_id(struct mcp_request *request, struct jsonrpc_id id)
{
	char key[JSONRPC_KEY_BYTES], *bytes = request->room;

	request->key_length = jsonrpc_id_key(id, key);
	if (id.length + request->key_length > sizeof request->room) {
		bytes = request->bytes = malloc(id.length + request->key_length);
		if (!bytes)
			return -ENOMEM;
	}
	memcpy(bytes, id.raw, id.length);
	memcpy(bytes + id.length, key, request->key_length);
	request->id = (struct jsonrpc_id){bytes, id.length};
	request->key = bytes + id.length;
	request->hash = hash_key(request->key, request->key_length);
	return 0;
}

/* There is room in the table. */
static void enter(struct mcp_request *request)
{
	struct mcp_requests *requests = &request->origin.peer->requests;
	struct mcp_request **bucket = &requests->buckets[request->hash & (requests->bucket_count - 1)];

	request->bucket_next = *bucket;
	*bucket = request;
	requests->findable++;
	request->findable = true;
	request->next = requests->all;
	if (requests->all)
		requests->all->previous = request;
	requests->all = request;
	request->listed = true;
}

static bool make_room(struct mcp_requests *requests)
{
	if (requests->findable >= requests->bucket_count)
		grow(requests);
	return requests->bucket_count > 0;
}

int mcp_requests_add(struct mcp_request *request, struct jsonrpc_id id)
{
	if (!make_room(&request->origin.peer->requests) || copy_id(request, id) < 0)
		return -ENOMEM;
	enter(request);
	return 0;
}

static void unlist(struct mcp_request *request)
{
	if (!request->listed)
		return;
	if (request->previous)
		request->previous->next = request->next;
	else
		request->origin.peer->requests.all = request->next;
	if (request->next)
		request->next->previous = request->previous;
	request->previous = request->next = NULL;
	request->listed = false;
}

int mcp_requests_move(struct mcp_request *request, struct mcp_peer *peer)
{
	if (!make_room(&peer->requests))
		return -ENOMEM;
	mcp_requests_hide(request);
	unlist(request);
	request->origin = (struct mcp_origin){.peer = peer, .era = request->origin.era};
	enter(request);
	return 0;
}

struct mcp_request *mcp_requests_find(struct mcp_peer *peer, struct jsonrpc_id id)
{
	char key[JSONRPC_KEY_BYTES];
	size_t length;
	uint32_t hash;

	if (peer->requests.findable == 0)
		return NULL;
	length = jsonrpc_id_key(id, key);
	hash = hash_key(key, length);
	for (struct mcp_request *request = peer->requests.buckets[hash & (peer->requests.bucket_count - 1)];
	     request; request = request->bucket_next)
		if (request->hash == hash && request->key_length == length &&
		    memcmp(request->key, key, length) == 0)
			return request;
	return NULL;
}

void mcp_requests_hide(struct mcp_request *request)
{
	struct mcp_requests *requests = &request->origin.peer->requests;
	struct mcp_request **at;

	if (!request->findable)
		return;
	at = &requests->buckets[request->hash & (requests->bucket_count - 1)];
	while (*at != request)
		at = &(*at)->bucket_next;
	*at = request->bucket_next;
	requests->findable--;
	request->findable = false;
}

void mcp_requests_remove(struct mcp_request *request)
{
	mcp_requests_hide(request);
	unlist(request);
	free(request->bytes);
	request->bytes = NULL;
}
