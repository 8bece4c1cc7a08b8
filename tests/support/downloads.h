/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_DOWNLOADS_H
#define SALLYPORT_TESTS_DOWNLOADS_H

/* The two executors of a download, as a test plays them: over real rings and a real socket. */

#include <fcntl.h>
#include <sys/eventfd.h>

#include "protocol/cleanup.h"
#include "protocol/ring.h"
#include "server/download_parts.h"
#include "tests/support/frontend.h"
#include "tools/files/wire.h"
#include "tools/web/wire.h"

#define CALL(id, more, arguments)                                                                            \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{" more                     \
	"\"name\":\"download_file\",\"arguments\":{" arguments "}}}"
#define DOWNLOAD(id, path) CALL(id, "", "\"url\":\"http://example.org/a\",\"path\":\"" path "\"")
#define CANCEL(id)                                                                                           \
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":" id "}}"

static struct frontend frontend;

/* ---- the executors ---- */

static struct {
	struct ring_pair rings;
	int wake, awake, socket;
} files;
static int web;

static inline void start_files(void)
{
	struct frame_header header;
	int memfd = ring_create(NULL), wake[2], sockets[2];

	if (frontend.instances == 0)
		frontend_expect(&frontend, frontend.spawner, SPARE_GO, NULL);
	header = frontend_expect(&frontend, frontend.spawner, SPAWNER_START, NULL);
	assert_int_equal(header.value, SPAWNER_FILES);
	assert_true(memfd >= 0);
	assert_int_equal(pipe2(wake, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets), 0);
	files.awake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_int_equal(ring_map(&files.rings, memfd, false, NULL), 0);
	files.wake = wake[0];
	files.socket = sockets[1];

	const int fds[] = {memfd, wake[1], files.awake, sockets[0], frontend.dead};

	header = (struct frame_header){
		.type = SPAWNER_STARTED, .call = header.call, .value = ++frontend.instances};
	assert_int_equal(
		frame_send(frontend.spawner, &header, "\0\0\0\0\1\0\0\0\0\0\0", 12, fds, 5, MSG_DONTWAIT), 0);
	close(memfd);
	close(wake[1]);
	close(sockets[0]);
	frontend_turn(&frontend);
}

static inline void end_files(void)
{
	if (!files.rings.base)
		return;
	ring_unmap(&files.rings);
	close_fd(&files.wake);
	close_fd(&files.awake);
	close_fd(&files.socket);
}

/* The next request in the ring; the test fails if it is another or none. */
static inline uint32_t asked(uint16_t type, uint64_t *number)
{
	struct frame_header header;
	struct frame_reader reader;
	const uint8_t *payload;

	assert_int_equal(ring_peek(&files.rings.in, &header, &payload), 1);
	assert_int_equal(header.type, type);
	if (number) {
		frame_read(&reader, payload, header.length);
		*number = frame_get_u64(&reader);
		assert_int_equal(frame_done(&reader), 0);
	}
	ring_release(&files.rings.in, &header);
	return header.call;
}

static inline void asked_nothing(void)
{
	struct frame_header header;
	const uint8_t *payload;

	assert_int_equal(ring_peek(&files.rings.in, &header, &payload), 0);
}

static inline void say(uint16_t type, uint32_t call, const void *payload, size_t length)
{
	struct frame_header header = {.type = type, .call = call, .length = (uint32_t)length};
	bool lied;
	void *at = ring_reserve(&files.rings.out, (uint32_t)length, &lied);

	assert_non_null(at);
	if (length)
		memcpy(at, payload, length);
	ring_commit(&files.rings.out, &header);
	frontend_turn(&frontend);
}

static inline void say_receiving(uint32_t call, uint64_t bytes)
{
	uint64_t number = htole64(bytes);

	say(REPLY_RECEIVING, call, &number, sizeof number);
}

static inline void say_text(int socket, uint32_t call, const char *text)
{
	struct buffer payload;

	buffer_init(&payload, LIMIT_FRAME_BYTES);
	assert_int_equal(frame_put_text(&payload, text), 0);
	if (socket < 0)
		say(REPLY_FAILURE, call, buffer_data(&payload), buffer_length(&payload));
	else
		frontend_frame(socket, REPLY_FAILURE, call, 0, buffer_data(&payload), buffer_length(&payload),
			       -1);
	buffer_deinit(&payload);
	frontend_turn(&frontend);
}

static inline void pack_received(struct buffer *payload, uint64_t bytes)
{
	buffer_init(payload, LIMIT_FRAME_BYTES);
	frame_put_u64(payload, bytes);
	frame_put_bytes(payload, (char[FILES_SHA256_BYTES]){0}, FILES_SHA256_BYTES);
	frame_put_u32(payload, FILES_CREATED);
	frame_put_u32(payload, 0);
	assert_int_equal(frame_put_text(payload, "a"), 0);
}

static inline void say_received(uint32_t call, uint64_t bytes)
{
	struct buffer payload;

	pack_received(&payload, bytes);
	say(REPLY_RESULT, call, buffer_data(&payload), buffer_length(&payload));
	buffer_deinit(&payload);
}

static inline void pack_fetched(struct buffer *payload, uint32_t status, uint64_t bytes)
{
	buffer_init(payload, LIMIT_FRAME_BYTES);
	frame_put_text(payload, "http://example.org/there");
	frame_put_u32(payload, status);
	frame_put_text(payload, "text/plain");
	frame_put_u64(payload, bytes);
	frame_put_u32(payload, 0);
	assert_int_equal(frame_put_u32(payload, 0), 0);
}

static inline void say_fetched(uint32_t call, uint32_t status, uint64_t bytes)
{
	struct buffer payload;

	pack_fetched(&payload, status, bytes);
	frontend_frame(web, REPLY_RESULT, call, 0, buffer_data(&payload), buffer_length(&payload), -1);
	buffer_deinit(&payload);
	frontend_turn(&frontend);
}

/* ---- one download ---- */

static uint32_t of_files, of_web;
static int inlet, outlet;

/* The descriptor that a request in the ring brings stands in the socket before it. */
static inline void take_inlet(void)
{
	struct frame_descriptors descriptors;
	uint32_t call = asked(FILES_RECEIVE, NULL);

	of_files = frontend_expect(&frontend, files.socket, FILES_RECEIVE, &descriptors).call;
	assert_int_equal(of_files, call);
	assert_int_equal(descriptors.count, 1);
	inlet = frame_descriptors_take(&descriptors, 0);
}

static inline void take_outlet(void)
{
	struct frame_descriptors descriptors;

	of_web = frontend_expect(&frontend, web, WEB_DOWNLOAD, &descriptors).call;
	assert_int_equal(descriptors.count, 1);
	outlet = frame_descriptors_take(&descriptors, 0);
}

/* Up to where its path is being judged. */
static inline void begin(const char *message)
{
	frontend_init(&frontend);
	files.rings.base = NULL;
	web = inlet = outlet = -1;
	frontend_say(&frontend, message);
	start_files();
	take_inlet();
}

/* And from there to where it is being fetched. */
static inline void go_on(void)
{
	say_receiving(of_files, 0);
	web = frontend_start(&frontend, SPAWNER_WEB);
	take_outlet();
}

static inline void end(void)
{
	frontend_deinit(&frontend);
	end_files();
	close_fd(&web);
	close_fd(&inlet);
	close_fd(&outlet);
}

static inline struct download *only(void)
{
	struct download *download = frontend.calls.downloads.first;

	assert_non_null(download);
	assert_null(download->next);
	return download;
}

static inline void assert_none(void)
{
	assert_null(frontend.calls.downloads.first);
	assert_int_equal(frontend.calls.downloads.running, 0);
	assert_int_equal(frontend.calls.files.calls, 0);
	assert_int_equal(frontend.calls.web.calls, 0);
}

/* The time of who listens to the newest is over. */
static inline void be_late(void)
{
	struct call *call = frontend.calls.downloads.first->listeners;

	assert_non_null(call);
	loop_timer_clear(&frontend.loop, &call->deadline);
	call->deadline.fire(&call->deadline);
}

static inline void fire(struct loop_timer *timer)
{
	assert_int_not_equal(timer->place, 0);
	loop_timer_clear(&frontend.loop, timer);
	timer->fire(timer);
	frontend_turn(&frontend);
}

#endif
