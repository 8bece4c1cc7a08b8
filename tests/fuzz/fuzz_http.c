/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP: any bytes, cut anywhere, over a few connections into the real daemon and transport before a made-up
 * host. Each request that is one beyond doubt (http_oracle.h) gets exactly one response, or its connection
 * ends; all of them are well formed; a body that is refused is not kept; and when everybody has left nothing
 * is there.
 *
 * The input is what clients write, but for 0xff and a letter behind it: see act().
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "server/transport/http_exchange.h"
#include "server/transport/http_token.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/http_oracle.h"
#include "tests/support/mcp_host.h"

#define CONNECTIONS 4
#define TURNS       10000 /* after which it hangs */
#define FILLING     (256u << 10)
#define FILLINGS    70 /* a little more than a message may have */

struct connection {
	int fd;             /* -1: not there, or not any more */
	bool in_doubt;      /* we closed our side: what was not answered need not be */
	bool ended;         /* by the server */
	struct buffer sent; /* all of it */
	struct buffer heard;
};

struct fuzz {
	struct loop loop; /* first: the turn hook comes with it */
	struct http http;
	struct test_host host;
	struct http_caller callers[2];
	struct sockaddr_un address;
	socklen_t address_length;
	struct connection connections[CONNECTIONS], *at;
	size_t written;
	unsigned filled;
	char session[TOKEN_TEXT + 1]; /* the last one that began */
};

static void turned(struct loop *loop)
{
	http_flush(&((struct fuzz *)loop)->http);
	loop->stop = true;
}

static struct http_caller *authorize(void *context, const char *authorization)
{
	struct fuzz *fuzz = context;

	if (!authorization || strncmp(authorization, "Bearer ", 7) != 0)
		return NULL;
	return authorization[7] == 'a'   ? &fuzz->callers[0]
	       : authorization[7] == 'b' ? &fuzz->callers[1]
					 : NULL;
}

/* ---- time ---- */

static void hear(struct fuzz *fuzz, struct connection *connection)
{
	static const char mark[] = "\r\nMcp-Session-Id: ";
	char bytes[65536];
	const char *found, *id, *end;
	ssize_t count = connection->fd < 0 ? -1 : recv(connection->fd, bytes, sizeof bytes, MSG_DONTWAIT);

	if (connection->fd >= 0 && (count == 0 || (count < 0 && errno != EAGAIN)))
		connection->ended = true;
	if (count <= 0)
		return;
	FUZZ_CHECK(buffer_append(&connection->heard, bytes, (size_t)count) == 0);
	found = memmem(bytes, (size_t)count, mark, sizeof mark - 1);
	id = found ? found + sizeof mark - 1 : NULL;
	end = id ? memchr(id, '\r', (size_t)(bytes + count - id)) : NULL;
	if (end && end - id <= TOKEN_TEXT)
		snprintf(fuzz->session, sizeof fuzz->session, "%.*s", (int)(end - id), id);
}

static void check_bodies(const struct fuzz *fuzz)
{
	size_t bodies = 0;

	for (const struct exchange *at = fuzz->http.exchanges; at; at = at->next) {
		const char *length = at->head[HEAD_LENGTH];

		bodies += buffer_length(&at->body);
		FUZZ_CHECK(buffer_length(&at->body) <= LIMIT_MESSAGE_BYTES);
		if (at->state == EXCHANGE_BODY && length)
			FUZZ_CHECK(buffer_length(&at->body) <= strtoull(length, NULL, 10));
		if (length && strtoull(length, NULL, 10) > LIMIT_MESSAGE_BYTES)
			FUZZ_CHECK(buffer_length(&at->body) == 0);
	}
	FUZZ_CHECK(bodies == fuzz->http.bodies && bodies <= fuzz->written);
}

static bool pending(const struct fuzz *fuzz)
{
	struct pollfd epoll = {.fd = fuzz->loop.epoll, .events = POLLIN};

	return fuzz->loop.again || poll(&epoll, 1, 0) > 0 ||
	       (fuzz->http.timer.place && fuzz->http.timer.at <= loop_clock() + LOOP_MS(1));
}

/* Until nothing happens any more. */
static void settle(struct fuzz *fuzz)
{
	unsigned turns = 0;

	fuzz->loop.again = true;
	while (pending(fuzz)) {
		FUZZ_CHECK(turns++ < TURNS);
		fuzz->loop.stop = false;
		fuzz->loop.again = true;
		FUZZ_CHECK(loop_run(&fuzz->loop, NULL) == 0);
		for (size_t i = 0; i < CONNECTIONS; i++)
			hear(fuzz, &fuzz->connections[i]);
		check_bodies(fuzz);
	}
}

/* ---- what clients do ---- */

static struct connection *connected(struct fuzz *fuzz)
{
	struct connection *connection = fuzz->at;

	if (connection->fd >= 0 || connection->ended || connection->in_doubt)
		return connection;
	connection->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	FUZZ_CHECK(connection->fd >= 0);
	FUZZ_CHECK(connect(connection->fd, (struct sockaddr *)&fuzz->address, fuzz->address_length) == 0);
	return connection;
}

static void put(struct fuzz *fuzz, const void *bytes, size_t length)
{
	struct connection *connection = connected(fuzz);
	ssize_t count;

	if (connection->fd < 0 || length == 0)
		return;
	count = send(connection->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (count < (ssize_t)length)
		connection->in_doubt = true; /* it does not read, or has ended */
	if (count <= 0)
		return;
	fuzz->written += (size_t)count;
	FUZZ_CHECK(buffer_append(&connection->sent, bytes, (size_t)count) == 0);
}

static void leave(struct connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
	connection->in_doubt = true;
}

static void finish_held(struct fuzz *fuzz, unsigned choice)
{
	struct test_host *host = &fuzz->host;
	struct mcp_call *call;

	if (!host->held_count)
		return;
	call = host->held[choice % host->held_count];
	test_host_forget(host, call);
	if (choice & 1)
		mcp_call_progress(call, choice, "so far", 6);
	mcp_call_fail(call, "Error: \xff", NULL);
}

static void fill(struct fuzz *fuzz)
{
	static char spaces[FILLING / 4];

	memset(spaces, ' ', sizeof spaces);
	for (unsigned i = 0; i < 4 && fuzz->filled < FILLINGS * 4; i++, fuzz->filled++) {
		put(fuzz, spaces, sizeof spaces);
		settle(fuzz);
	}
}

/* One letter behind 0xff. */
static void act(struct fuzz *fuzz, uint8_t what)
{
	switch (what) {
	case '0':
	case '1':
	case '2':
	case '3': /* whoever writes next */
		fuzz->at = &fuzz->connections[what - '0'];
		break;
	case 'w': /* what was written arrives */
		settle(fuzz);
		break;
	case 'e': /* the end of what the client says */
		if (fuzz->at->fd >= 0)
			shutdown(fuzz->at->fd, SHUT_WR);
		fuzz->at->in_doubt = true;
		break;
	case 'x': /* the client leaves */
		leave(fuzz->at);
		break;
	case 'h':
	case 'i': /* a call that was held is answered */
		finish_held(fuzz, what);
		break;
	case 'p': /* progress of one */
		if (fuzz->host.held_count)
			mcp_call_progress(fuzz->host.held[0], 1, "so far", 6);
		break;
	case 's': /* the session that began last */
		put(fuzz, fuzz->session, strlen(fuzz->session));
		break;
	case 'u': /* something to hear of */
		mcp_resource_updated(fuzz->host.caller, "test:a");
		mcp_list_changed(fuzz->host.caller, MCP_LIST_TOOLS);
		break;
	case 'b': /* time passes */
		loop_timer_clear(&fuzz->loop, &fuzz->http.beat);
		fuzz->http.beat.fire(&fuzz->http.beat);
		break;
	case 'm': /* much */
		fill(fuzz);
		break;
	case 'z': /* SIGTERM */
		settle(fuzz);
		if (!fuzz->http.stopping)
			http_stop(&fuzz->http);
		for (size_t i = 0; i < CONNECTIONS; i++)
			fuzz->connections[i].in_doubt |= fuzz->connections[i].fd < 0;
		break;
	default:
		put(fuzz, "\xff", 1);
		put(fuzz, &what, 1);
	}
}

/* ---- beginning and end ---- */

static void begin(struct fuzz *fuzz)
{
	static const struct token_keys keys = {.key = {1}, .previous = {2}};
	const struct http_host host = {.context = fuzz, .authorize = authorize};
	const struct http_settings settings = {.connections = 64, .keys = &keys};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct err err;

	*fuzz = (struct fuzz){.at = &fuzz->connections[0], .address.sun_family = AF_UNIX};
	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct connection *connection = &fuzz->connections[i];

		connection->fd = -1;
		buffer_init(&connection->sent, SIZE_MAX);
		buffer_init(&connection->heard, LIMIT_OUTGOING_BYTES);
	}
	/* a name of the kernel's choice, without a file */
	FUZZ_CHECK(bind(listener, (struct sockaddr *)&fuzz->address, sizeof(sa_family_t)) == 0);
	fuzz->address_length = sizeof fuzz->address;
	FUZZ_CHECK(getsockname(listener, (struct sockaddr *)&fuzz->address, &fuzz->address_length) == 0);
	FUZZ_CHECK(listen(listener, 16) == 0);
	FUZZ_CHECK(test_host_init(&fuzz->host) == 0);
	fuzz->host.no_large = true;
	fuzz->callers[0] = (struct http_caller){"alice", fuzz->host.caller};
	fuzz->callers[1] = (struct http_caller){"bob", fuzz->host.caller};
	FUZZ_CHECK(loop_init(&fuzz->loop, turned, &err) == 0);
	FUZZ_CHECK(http_init(&fuzz->http, &fuzz->loop, &host, &settings, listener, &err) == 0);
}

/* Everything that may be answered is; then each request has its response. */
static void check_answers(struct fuzz *fuzz)
{
	settle(fuzz);
	while (fuzz->host.held_count) {
		finish_held(fuzz, fuzz->host.held_count);
		settle(fuzz);
	}
	mcp_resource_watched(fuzz->host.caller, "test:later", NULL);
	settle(fuzz);
	for (const struct exchange *at = fuzz->http.exchanges; at; at = at->next)
		FUZZ_CHECK(at->state != EXCHANGE_WAITS);
	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct connection *connection = &fuzz->connections[i];

		oracle_check(buffer_data(&connection->sent), buffer_length(&connection->sent),
			     buffer_data(&connection->heard), buffer_length(&connection->heard),
			     connection->in_doubt || connection->ended);
	}
}

static void end(struct fuzz *fuzz)
{
	for (size_t i = 0; i < CONNECTIONS; i++)
		leave(&fuzz->connections[i]);
	settle(fuzz);
	FUZZ_CHECK(!fuzz->http.exchanges && !http_busy(&fuzz->http) && fuzz->host.held_count == 0);
	FUZZ_CHECK(fuzz->http.bodies == 0);
	http_deinit(&fuzz->http);
	loop_deinit(&fuzz->loop);
	test_host_deinit(&fuzz->host);
	for (size_t i = 0; i < CONNECTIONS; i++) {
		buffer_deinit(&fuzz->connections[i].sent);
		buffer_deinit(&fuzz->connections[i].heard);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz fuzz;
	const uint8_t *at = data, *stop = data + size;

	begin(&fuzz);
	while (at < stop) {
		const uint8_t *mark = memchr(at, 0xff, (size_t)(stop - at));

		put(&fuzz, at, (size_t)((mark ? mark : stop) - at));
		at = mark ? mark + 1 : stop;
		if (at < stop)
			act(&fuzz, *at++);
	}
	check_answers(&fuzz);
	end(&fuzz);
	return 0;
}
