/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web executor's event loop: frontend, broker and libcurl's sockets in one poll, many fetches at once.
 * Each moves when its own bytes come; a slow one costs the others nothing.
 */
#include "tools/web/executor/web.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "sandbox/egress/wire.h"
#include "tools/reply.h"

int web_init(struct web *web, int frontend, int broker, const struct plan *plan,
	     const struct injects *injects, struct buffer *certificates, struct err *err)
{
	CURL *warm;

	*web = (struct web){.frontend = frontend, .broker = broker, .plan = plan, .injects = injects};
	certificates_init(&web->certificates, certificates);
	signal(SIGPIPE, SIG_IGN); /* a download that nobody takes any more */
	outbox_init(&web->to_frontend, frontend,
		    LIMIT_WEB_OUTGOING_BYTES + LIMIT_RESULT_BYTES_MAX + LIMIT_FRAME_BYTES);
	outbox_init(&web->to_broker, broker, LIMIT_WEB_ASKS_BYTES);
	buffer_init(&web->payload, LIMIT_MESSAGE_FRAME_BYTES);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(web->multi = curl_multi_init()))
		return err_set(err, -ENOMEM, "libcurl could not be prepared");
	warm = curl_easy_init(); /* what a first handle asks of the system, it asks now */
	curl_easy_cleanup(warm);
	renderer_init(&web->renderer, web->multi);
	return 0;
}

void web_deinit(struct web *web)
{
	renderer_deinit(&web->renderer);
	while (web->fetches) {
		struct fetch *fetch = web->fetches;

		web->fetches = fetch->next;
		fetch_free(fetch);
	}
	while (web->loads) {
		struct load *load = web->loads;

		web->loads = load->next;
		load_free(load);
	}
	curl_multi_cleanup(web->multi);
	curl_global_cleanup();
	origins_deinit(&web->origins);
	outbox_deinit(&web->to_frontend);
	outbox_deinit(&web->to_broker);
	buffer_deinit(&web->payload);
	certificates_deinit(&web->certificates);
}

bool web_is_busy(const struct web *web)
{
	return web->connected >= LIMIT_WEB_FETCHES ||
	       buffer_length(&web->to_frontend.frames) >= LIMIT_WEB_UNREAD_BYTES;
}

static struct fetch *find_call(struct web *web, uint32_t call)
{
	for (struct fetch *at = web->fetches; at; at = at->next)
		if (at->call == call && at->load)
			return at;
	return NULL;
}

/* Who asked for a socket with that number, of the frontend or of the broker. */
static struct load *find_ask(struct web *web, uint32_t ask, bool inside)
{
	for (struct load *at = web->loads; at; at = at->next)
		if (at->ask == ask && at->state == LOAD_CONNECTING && at->inside == inside)
			return at;
	return NULL;
}

/* One frame of the frontend's. */
static int take_request(struct web *web, const struct frame_header *header,
			struct frame_descriptors *descriptors)
{
	const void *payload = buffer_data(&web->payload);
	size_t length = buffer_length(&web->payload);
	struct fetch *fetch = find_call(web, header->call);
	struct load *load;

	if (header->flags)
		return -EPROTO;
	switch (header->type) {
	case REPLY_CANCEL:
		if (fetch) /* else its answer is on the way */
			fetch_cancel(fetch);
		return 0;
	case WEB_CONNECTED:
	case WEB_UNCONNECTED:
		load = find_ask(web, header->call, true);
		return load ? hop_answered(load, header, payload, length, descriptors) : 0;
	case WEB_FETCH:
	case WEB_DOWNLOAD:
		return fetch ? -EPROTO
			     : fetch_new(web, header, payload, length,
					 frame_descriptors_take(descriptors, 0));
	default:
		return -EPROTO;
	}
}

static int receive_request(struct web *web)
{
	struct frame_descriptors descriptors;
	struct frame_header header;
	int result = frame_receive(web->frontend, &header, &web->payload, &descriptors, MSG_DONTWAIT);

	if (result < 0)
		return result;
	result = take_request(web, &header, &descriptors);
	frame_descriptors_close(&descriptors); /* also a socket that nobody waits for any more */
	return result;
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
	for (struct load *at = web->loads; at; at = at->next)
		if (at->state == LOAD_CONNECTING && !at->inside)
			hop_broker_lost(at);
}

static void receive_broker(struct web *web)
{
	struct frame_descriptors descriptors;
	struct frame_header header;
	int result = 0;

	while (web->broker >= 0 && result == 0) {
		struct load *load;

		result = frame_receive(web->broker, &header, &web->payload, &descriptors, MSG_DONTWAIT);
		if (result < 0)
			break;
		load = find_ask(web, header.call, false);
		if (load)
			result = hop_answered(load, &header, buffer_data(&web->payload),
					      buffer_length(&web->payload), &descriptors);
		frame_descriptors_close(&descriptors);
	}
	if (result < 0 && result != -EAGAIN)
		lose_broker(web);
}

static void finish_transfers(struct web *web)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(web->multi, &left))) {
		struct load *load = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result; /* `message` dies with the handle */

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&load);
		hop_transferred(load, code);
		/* many that end together are neither all kept meanwhile, nor all waiting to be read */
		keep_sweep(web, clock_ms());
		(void)outbox_flush(&web->to_frontend); /* work() meets the same failure again */
	}
}

/* Calls whose time is up are answered; the answered are freed. Returns the next deadline, or `next`. */
static uint64_t turn_fetches(struct web *web, uint64_t now, uint64_t next)
{
	for (struct fetch **at = &web->fetches; *at;) {
		struct fetch *fetch = *at;

		if (fetch->load && fetch->deadline && now >= fetch->deadline)
			fetch_expired(fetch);
		if (!fetch->load) {
			*at = fetch->next;
			web->fetch_count--;
			fetch_free(fetch);
			continue;
		}
		if (fetch->deadline && fetch->deadline < next)
			next = fetch->deadline;
		at = &fetch->next;
	}
	return next;
}

/* Returns milliseconds until something is due. */
static int turn(struct web *web)
{
	uint64_t now = clock_ms(), next = now + LIMIT_WEB_TOTAL_MS;

	web->again = false;
	web->bulky = web->bulky || web->body_bytes > LIMIT_WEB_TRIM_BYTES;
	for (struct load *at = web->loads; at; at = at->next) {
		uint64_t due = load_turn(at, now);

		if (at->state != LOAD_ENDED && due < next)
			next = due;
	}
	next = turn_fetches(web, now, next);
	keep_sweep(web, now);
	if (!web->fetches && web->bulky) { /* what many or large bodies took goes back to the system */
		malloc_trim(0);
		web->bulky = false;
	}
	return web->again || next <= now ? 0 : (int)(next - now);
}

/* The pipes that downloads wait for. Returns how many of them. */
static unsigned watch_pipes(struct web *web, struct curl_waitfd *watched, unsigned most)
{
	unsigned count = 0;

	for (struct load *at = web->loads; at && count < most; at = at->next)
		if (at->pipe >= 0 && !download_drained(at))
			watched[count++] = (struct curl_waitfd){.fd = at->pipe, .events = CURL_WAIT_POLLOUT};
	return count;
}

/* Not by who is ready: there are few, and each looks for itself. */
static void feed_pipes(struct web *web)
{
	for (struct load *at = web->loads; at; at = at->next)
		if (at->pipe >= 0 && !download_drained(at))
			download_ready(at);
}

static int wait_events(struct web *web, int timeout)
{
	struct curl_waitfd watched[2 + LIMIT_WEB_PIPES] = {{.fd = web->frontend}, {.fd = web->broker}};
	bool full = buffer_length(&web->to_frontend.frames) >= LIMIT_WEB_OUTGOING_BYTES;
	unsigned count = web->broker >= 0 ? 2 : 1;

	watched[0].events = full ? 0 : CURL_WAIT_POLLIN;
	watched[1].events = CURL_WAIT_POLLIN;
	if (!outbox_empty(&web->to_frontend))
		watched[0].events |= CURL_WAIT_POLLOUT;
	if (!outbox_empty(&web->to_broker))
		watched[1].events |= CURL_WAIT_POLLOUT;
	count += watch_pipes(web, watched + count, LIMIT_WEB_PIPES);
	return curl_multi_poll(web->multi, watched, count, timeout, NULL) == CURLM_OK ? 0 : -EIO;
}

/* Everything that can move, moves. 0, or -errno at the end (-ENOTCONN: the frontend is gone). */
static int work(struct web *web, int *timeout)
{
	int running, result = receive_requests(web);
	bool busy;

	if (result < 0)
		return result;
	receive_broker(web);
	render_collect(web);
	feed_pipes(web);
	if (curl_multi_perform(web->multi, &running) != CURLM_OK)
		return -EIO;
	finish_transfers(web);
	*timeout = turn(web);
	busy = web_is_busy(web);
	if (web->frontend < 0) /* it does not read, and answers cannot wait any longer */
		return -ENOBUFS;
	if (web->broker >= 0 && outbox_flush(&web->to_broker) < 0)
		lose_broker(web);
	result = outbox_flush(&web->to_frontend);
	if (busy && !web_is_busy(web)) /* what waits for its turn has it */
		*timeout = 0;
	return result;
}

int web_run(struct web *web, struct err *err)
{
	int timeout, result;

	for (;;) {
		result = work(web, &timeout);
		if (result == -ENOTCONN || result == -EPIPE || result == -ECONNRESET)
			return 0;
		if (result < 0)
			return err_set(err, result, "serving the frontend: %s", strerror(-result));
		if (web->broker < 0 && !web->fetches && outbox_empty(&web->to_frontend))
			return err_set(err, -EPIPE, "the broker is gone");
		result = wait_events(web, timeout);
		if (result < 0)
			return err_set(err, result, "waiting for events failed");
	}
}
