/* SPDX-License-Identifier: Apache-2.0 */
/* The stdio session (session.h): a server with one client on two descriptors. */
#include "server/session.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "server/client.h"
#include "server/options.h"
#include "server/server.h"
#include "server/transport/stdio.h"

struct session {
	struct server server; /* first: the loop begins it */
	struct transport transport;
	struct stdio stdio;
	struct client client; /* the host */
	struct mcp_peer *peer;
};

static struct session *session_of(const struct transport *transport)
{
	return (struct session *)((char *)transport - offsetof(struct session, transport));
}

static void flush(struct transport *transport)
{
	stdio_flush(&session_of(transport)->stdio);
}

static bool busy(const struct transport *transport)
{
	const struct session *session = session_of(transport);

	return mcp_in_flight(session->peer) || !stdio_idle(&session->stdio);
}

static void stop(struct transport *transport)
{
	struct session *session = session_of(transport);

	stdio_stop_reading(&session->stdio);
	mcp_close(session->peer);
}

static void input_ended(struct stdio *stdio, const char *why)
{
	server_end(&((struct session *)((char *)stdio - offsetof(struct session, stdio)))->server, why);
}

/* Everything up to the first byte from the host. */
static int start(struct session *session, struct settings *settings, int input, int output, struct err *err)
{
	struct mcp_sink sink = stdio_sink(&session->stdio);
	int result = server_start(&session->server, settings, err);

	if (result == 0)
		result = client_init(&session->client, &session->server.realm.calls, settings, 0, 0, err);
	if (result == 0)
		result = stdio_init(&session->stdio, &session->server.loop, input, output, input_ended, err);
	if (result < 0)
		return result;
	result = mcp_peer_new(&session->peer, session->client.caller.mcp, &sink);
	session->stdio.peer = session->peer;
	return result < 0 ? err_set(err, result, "out of memory") : 0;
}

int session_run(struct settings *settings, int input, int output, struct err *err)
{
	struct session *session = server_memory(sizeof *session);
	int result, code;

	if (!session) {
		err_set(err, -ENOMEM, "out of memory");
		return EXIT_FAILED;
	}
	madvise(session, sizeof *session, MADV_WIPEONFORK); /* a spare needs none of it */
	session->transport = (struct transport){.filter = FILTER_FRONTEND,
						.grace_ms = LIMIT_END_GRACE_MS,
						.flush = flush,
						.busy = busy,
						.stop = stop};
	result = start(session, settings, input, output, err);
	if (result == 0)
		result = server_run(&session->server, &session->transport, err);
	if (result < 0) /* the process ends; the kernel takes everything with it */
		return EXIT_FAILED;

	server_finish(&session->server);
	code = server_exit_code(&session->server);
	mcp_peer_free(session->peer);
	client_deinit(&session->client);
	stdio_deinit(&session->stdio);
	server_deinit(&session->server);
	munmap(session, sizeof *session);
	return code;
}
