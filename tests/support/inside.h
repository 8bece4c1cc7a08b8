/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_INSIDE_H
#define SALLYPORT_TESTS_INSIDE_H

/* Connections of the web executor into sandboxes; the test plays spawner, web executor and nannies. */

#include "protocol/cleanup.h"
#include "server/replies.h"
#include "tests/support/callers.h"
#include "tools/web/wire.h"

static int web = -1;

/* The web executor runs, and has been asked something for that caller. */
static inline void fetch(int caller)
{
	char message[200];

	frontend.speaking = &callers[caller];
	snprintf(message, sizeof message,
		 "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":{"
		 "\"name\":\"fetch_url\",\"arguments\":{\"url\":\"http://localhost:8000/\"}}}",
		 ++said);
	frontend_say(&frontend, message);
	if (web < 0)
		web = frontend_start(&frontend, SPAWNER_WEB);
	frontend_turn(&frontend);
	frontend_expect(&frontend, web, WEB_FETCH, NULL);
}

static inline void ask(uint32_t number, int caller, uint32_t port, uint32_t place)
{
	const uint32_t fields[] = {callers[caller].number, port, 1000};

	frontend_frame(web, WEB_INSIDE, number, place, fields, sizeof fields, -1);
	frontend_turn(&frontend);
}

struct relay {
	uint32_t call;
	struct frame_descriptors fds; /* leash, the end of the pair */
};

static inline struct relay take_relay(int door, uint32_t port, uint32_t place)
{
	struct relay relay;
	struct frame_reader reader;

	relay.call = frontend_expect(&frontend, door, KEEPER_CONNECT, &relay.fds).call;
	frame_read(&reader, buffer_data(&frontend.frame), buffer_length(&frontend.frame));
	assert_int_equal(frame_get_u32(&reader), port);
	assert_int_equal(frame_get_u32(&reader), place);
	assert_int_equal(relay.fds.count, 2);
	return relay;
}

static inline void drop(struct relay *relay)
{
	frame_descriptors_close(&relay->fds);
	frontend_turn(&frontend);
}

/* The executor's end of the pair. */
static inline int expect_connected(uint32_t number)
{
	struct frame_descriptors fds;

	assert_int_equal(frontend_expect(&frontend, web, WEB_CONNECTED, &fds).call, number);
	assert_int_equal(fds.count, 1);
	return fds.fds[0];
}

static inline void expect_refused(uint32_t number, int error, const char *words)
{
	struct frame_header header = frontend_expect(&frontend, web, WEB_UNCONNECTED, NULL);
	size_t length = buffer_length(&frontend.frame);

	assert_int_equal(header.call, number);
	assert_int_equal(header.value, error);
	if (!memmem(buffer_data(&frontend.frame), length, words, strlen(words)))
		fail_msg("%.*s", (int)length, buffer_data(&frontend.frame));
}

static inline void connect_relay(struct relay *relay)
{
	frontend_frame(relay->fds.fds[0], KEEPER_CONNECTED, relay->call, 0, NULL, 0, -1);
	frontend_turn(&frontend);
}

/* A server runs in the caller's sandbox. */
static inline int stand(int caller, struct running *running)
{
	int door;

	run(caller);
	door = frontend_start(&frontend, SPAWNER_SANDBOX);
	*running = take(door);
	return door;
}

static inline void finish_all(int door, struct running *running)
{
	finish(running);
	close(door);
	close(web);
	web = -1;
	end();
}

#endif
