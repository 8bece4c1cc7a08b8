/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web executor's event loop: frontend, broker and libcurl's sockets in one poll, many fetches at once.
 * Each moves when its own bytes come; a slow one costs the others nothing.
 */
#include "tools/web/executor/web.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "sandbox/egress/wire.h"
#include "tools/reply.h"

int web_init(struct web *web, int frontend, int broker, struct buffer *certificates, struct err *err)
{
	CURL *warm;

	*web = (struct web){.frontend = frontend, .broker = broker};
	certificates_init(&web->certificates, certificates);
	outbox_init(&web->to_frontend, frontend,
		    LIMIT_WEB_OUTGOING_BYTES + LIMIT_RESULT_BYTES_MAX + LIMIT_FRAME_BYTES);
	outbox_init(&web->to_broker, broker, LIMIT_WEB_ASKS_BYTES);
	buffer_init(&web->payload, LIMIT_MESSAGE_FRAME_BYTES);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(web->multi = curl_multi_init()))
		return err_set(err, -ENOMEM, "libcurl could not be prepared");
	warm = curl_easy_init(); /* what a first handle asks of the system, it asks now */
	curl_easy_cleanup(warm);
	return 0;
}

void web_deinit(struct web *web)
{
	while (web->fetches) {
		struct fetch *fetch = web->fetches;

		web->fetches = fetch->next;
		fetch_free(fetch);
	}
	curl_multi_cleanup(web->multi);
	curl_global_cleanup();
	pages_deinit(&web->pages);
	outbox_deinit(&web->to_frontend);
	outbox_deinit(&web->to_broker);
	buffer_deinit(&web->payload);
	certificates_deinit(&web->certificates);
}

static struct fetch *find_call(struct web *web, uint32_t call)
{
	for (struct fetch *at = web->fetches; at; at = at->next)
		if (at->call == call && at->state != FETCH_ENDED)
			return at;
	return NULL;
}

static struct fetch *find_ask(struct web *web, uint32_t ask)
{
	for (struct fetch *at = web->fetches; at; at = at->next)
		if (at->ask == ask && at->state == FETCH_CONNECTING)
			return at;
	return NULL;
}

/* One frame of the frontend's. */
static int receive_request(struct web *web)
{
	struct frame_header header;
	struct fetch *fetch;
	int result = frame_receive(web->frontend, &header, &web->payload, NULL, MSG_DONTWAIT);

	if (result < 0)
		return result;
	fetch = find_call(web, header.call);
	if (header.flags)
		return -EPROTO;
	if (header.type == REPLY_CANCEL) {
		if (fetch) /* else its answer is on the way */
			fetch_cancel(fetch);
		return 0;
	}
	if (header.type != WEB_FETCH || fetch)
		return -EPROTO;
	return fetch_new(web, header.call, buffer_data(&web->payload), buffer_length(&web->payload));
}

static int receive_requests(struct web *web)
{
	int result = 0;

	while (result == 0 && buffer_length(&web->to_frontend.frames) < LIMIT_WEB_OUTGOING_BYTES &&
	       web->fetch_count < LIMIT_WEB_WAITING)
		result = receive_request(web);
	return result == -EAGAIN ? 0 : result;
}

/* The broker is gone: what waits for it is answered, what has its socket goes on. */
static void lose_broker(struct web *web)
{
	web->broker = -1;
	buffer_clear(&web->to_broker.frames, 0);
	for (struct fetch *at = web->fetches; at; at = at->next)
		if (at->state == FETCH_CONNECTING)
			fetch_broker_lost(at);
}

static void receive_broker(struct web *web)
{
	struct frame_descriptors descriptors;
	struct frame_header header;
	int result = 0;

	while (web->broker >= 0 && result == 0) {
		struct fetch *fetch;

		result = frame_receive(web->broker, &header, &web->payload, &descriptors, MSG_DONTWAIT);
		if (result < 0)
			break;
		fetch = find_ask(web, header.call);
		if (fetch)
			result = fetch_broker(fetch, &header, buffer_data(&web->payload),
					      buffer_length(&web->payload), &descriptors);
		frame_descriptors_close(&descriptors); /* also a socket that nobody waits for any more */
	}
	if (result < 0 && result != -EAGAIN)
		lose_broker(web);
}

static void finish_transfers(struct web *web)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(web->multi, &left))) {
		struct fetch *fetch = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result; /* `message` dies with the handle */

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
		fetch_transferred(fetch, code);
	}
}

/* Ends those whose time is up, frees the ended, begins the next ones. Returns milliseconds to the next
 * deadline. */
static int turn(struct web *web)
{
	uint64_t now = clock_ms(), next = now + LIMIT_WEB_TOTAL_MS;

	web->running = 0;
	web->bulky = web->bulky || web->body_bytes > LIMIT_WEB_TRIM_BYTES;
	for (struct fetch **at = &web->fetches; *at;) {
		struct fetch *fetch = *at;

		if (fetch->state != FETCH_ENDED && now >= fetch->deadline)
			fetch_expired(fetch);
		if (fetch->state == FETCH_WAITING && web->running < LIMIT_WEB_FETCHES)
			fetch_begin(fetch);
		if (fetch->state == FETCH_ENDED) {
			*at = fetch->next;
			web->fetch_count--;
			fetch_free(fetch);
			continue;
		}
		if (fetch->state != FETCH_WAITING)
			web->running++;
		next = fetch->deadline < next ? fetch->deadline : next;
		at = &fetch->next;
	}
	if (!web->fetches && web->bulky) { /* what many or large bodies took goes back to the system */
		malloc_trim(0);
		web->bulky = false;
	}
	return (int)(next - now);
}

static int wait_events(struct web *web, int timeout, struct curl_waitfd watched[2])
{
	bool full = buffer_length(&web->to_frontend.frames) >= LIMIT_WEB_OUTGOING_BYTES;

	watched[0] = (struct curl_waitfd){.fd = web->frontend, .events = full ? 0 : CURL_WAIT_POLLIN};
	watched[1] = (struct curl_waitfd){.fd = web->broker, .events = CURL_WAIT_POLLIN};
	if (!outbox_empty(&web->to_frontend))
		watched[0].events |= CURL_WAIT_POLLOUT;
	if (!outbox_empty(&web->to_broker))
		watched[1].events |= CURL_WAIT_POLLOUT;
	return curl_multi_poll(web->multi, watched, web->broker >= 0 ? 2 : 1, timeout, NULL) == CURLM_OK
		       ? 0
		       : -EIO;
}

/* Everything that can move, moves. 0, or -errno at the end (-ENOTCONN: the frontend is gone). */
static int work(struct web *web, int *timeout)
{
	int running, result = receive_requests(web);

	if (result < 0)
		return result;
	receive_broker(web);
	if (curl_multi_perform(web->multi, &running) != CURLM_OK)
		return -EIO;
	finish_transfers(web);
	*timeout = turn(web);
	if (web->frontend < 0) /* it does not read, and answers cannot wait any longer */
		return -ENOBUFS;
	if (web->broker >= 0 && outbox_flush(&web->to_broker) < 0)
		lose_broker(web);
	return outbox_flush(&web->to_frontend);
}

int web_run(struct web *web, struct err *err)
{
	struct curl_waitfd watched[2];
	int timeout, result;

	for (;;) {
		result = work(web, &timeout);
		if (result == -ENOTCONN || result == -EPIPE || result == -ECONNRESET)
			return 0;
		if (result < 0)
			return err_set(err, result, "serving the frontend: %s", strerror(-result));
		if (web->broker < 0 && !web->fetches && outbox_empty(&web->to_frontend))
			return err_set(err, -EPIPE, "the broker is gone");
		result = wait_events(web, timeout, watched);
		if (result < 0)
			return err_set(err, result, "waiting for events failed");
	}
}
