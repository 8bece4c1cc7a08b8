/* SPDX-License-Identifier: Apache-2.0 */
/* Serving over HTTP (http_server.h): a listener, the callers, and the transport between them. */
#include "server/http_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "protocol/cleanup.h"
#include "server/access.h"
#include "server/client.h"
#include "server/listen.h"
#include "server/log.h"
#include "server/request_log.h"
#include "server/server.h"
#include "server/transport/http.h"
#include "server/transport/http_token.h"

/* One who has a token. */
struct guest {
	struct http_caller caller;
	struct client client;
};

struct http_server {
	struct server server; /* first: the loop begins it */
	struct transport transport;
	struct http http;
	struct access access;
	struct guest *guests; /* in the order of the tokens; one, where none is needed */
	size_t guest_count;
	bool open;                    /* whoever connects is the one guest */
	struct access metrics_access; /* --metrics-token-file */
	struct http_caller metrics_caller;
	struct metrics_process process;
};

static struct http_server *server_of(const struct transport *transport)
{
	return (struct http_server *)((char *)transport - offsetof(struct http_server, transport));
}

static void flush(struct transport *transport)
{
	http_flush(&server_of(transport)->http);
}

static bool busy(const struct transport *transport)
{
	return http_busy(&server_of(transport)->http);
}

static void stop(struct transport *transport)
{
	http_stop(&server_of(transport)->http);
}

static struct http_caller *authorize(void *context, const char *authorization)
{
	struct http_server *server = context;
	int found = server->open ? 0 : access_find(&server->access, authorization);

	return found < 0 ? NULL : &server->guests[found].caller;
}

/* Without tokens of their own metrics are for everybody who may ask at all. */
static struct http_caller *authorize_metrics(void *context, const char *authorization)
{
	struct http_server *server = context;

	if (!server->metrics_access.count)
		return authorize(context, authorization);
	return access_find(&server->metrics_access, authorization) < 0 ? NULL : &server->metrics_caller;
}

static int write_metrics(void *context, struct buffer *out)
{
	struct http_server *server = context;

	return metrics_write(&server->server.calls, &server->process, out);
}

static void record(void *context, const struct http_record *request)
{
	request_log(request);
}

/* ---- the beginning ---- */

/* Tokens from the file; without one a token for this run, which the person is told; or none, where the policy
 * says so and only this machine can connect. */
static int find_tokens(struct http_server *server, const struct options *options,
		       const struct listener *listener, struct err *err)
{
	char token[ACCESS_TOKEN_TEXT + 1];
	int result;

	server->open = server->server.settings->policy.http_open && !options->token_file;
	if (server->open && !listener->loopback)
		return err_set(err, -EPERM,
			       "http.withoutToken permits no more than this machine's own programs: give "
			       "--token-file, "
			       "or listen on a loopback address");
	if (options->token_file)
		return access_read(&server->access, options->token_file, err);
	if (server->open)
		return 0;
	result = access_make(&server->access, "default", token, err);
	if (result == 0)
		fprintf(stderr, "sallyport: for this run the header is  Authorization: Bearer %s\n", token);
	return result;
}

static int make_guests(struct http_server *server, struct err *err)
{
	const struct policy *policy = &server->server.settings->policy;
	size_t count = server->open ? 1 : server->access.count;

	server->guests = calloc(count, sizeof *server->guests);
	if (!server->guests)
		return err_set(err, -ENOMEM, "out of memory");
	for (; server->guest_count < count; server->guest_count++) {
		struct guest *guest = &server->guests[server->guest_count];
		int result = client_init(&guest->client, &server->server.calls, server->server.settings,
					 (unsigned)policy->http_calls, (unsigned)policy->http_streams, err);

		if (result < 0)
			return result;
		guest->caller = (struct http_caller){
			.name = server->open ? "" : server->access.rows[server->guest_count].name,
			.mcp = guest->client.caller.mcp};
	}
	return 0;
}

/* Descriptors for connections: what the system lets us have beyond what the rest of the server counts on, or
 * half of that. */
static unsigned allow_connections(void)
{
	struct rlimit files;
	rlim_t before, more;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return LIMIT_HTTP_CONNECTIONS_MIN;
	before = files.rlim_cur;
	files.rlim_cur = files.rlim_max;
	more = setrlimit(RLIMIT_NOFILE, &files) == 0 ? files.rlim_cur - before : 0;
	if (more < before / 2)
		more = before / 2;
	return more < LIMIT_HTTP_CONNECTIONS ? (unsigned)more : LIMIT_HTTP_CONNECTIONS;
}

static int start(struct http_server *server, const struct settings *settings, const struct options *options,
		 struct err *err)
{
	struct token_keys keys;
	const struct policy *policy = &settings->policy;
	struct http_settings http = {.requests_per_1000_s = (uint64_t)policy->http_rate_thousandths,
				     .body_bytes = (size_t)policy->http_body_bytes,
				     .streams = (unsigned)policy->http_streams,
				     .sessions = (unsigned)policy->http_sessions,
				     .hosts = options->hosts,
				     .origins = options->origins,
				     .keys = &keys,
				     .request_ms = options->request_ms ? options->request_ms
								       : LIMIT_HTTP_REQUEST_MS};
	struct http_host host = {.context = server,
				 .authorize = authorize,
				 .authorize_metrics = authorize_metrics,
				 .metrics = write_metrics,
				 .record = options->log_requests ? record : NULL};
	struct listener listener;
	int result = listener_open(&listener, options->listen, err);

	if (result == 0)
		result = server_start(&server->server, settings, err);
	if (result == 0)
		result = find_tokens(server, options, &listener, err);
	if (result == 0 && options->metrics_file)
		result = access_read(&server->metrics_access, options->metrics_file, err);
	metrics_process_init(&server->process);
	if (result == 0)
		result = make_guests(server, err);
	if (result == 0)
		result = options->session_key ? token_keys_read(&keys, options->session_key, err)
					      : token_keys_new(&keys);
	http.connections = allow_connections();
	if (result == 0)
		result = http_init(&server->http, &server->server.loop, &host, &http, listener.fd, err);
	if (result == 0)
		log_line("listening on %s", listener.text);
	return result;
}

int http_server_run(const struct settings *settings, const struct options *options, struct err *err)
{
	struct http_server *server = server_memory(sizeof *server);
	int result, code;

	if (!server) {
		err_set(err, -ENOMEM, "out of memory");
		return EXIT_FAILED;
	}
	server->transport = (struct transport){.filter = FILTER_HTTP,
					       .grace_ms = LIMIT_HTTP_DRAIN_MS,
					       .flush = flush,
					       .busy = busy,
					       .stop = stop};
	result = start(server, settings, options, err);
	if (result == 0)
		result = server_run(&server->server, &server->transport, err);
	if (result < 0)
		return EXIT_FAILED;

	server_finish(&server->server);
	code = server_exit_code(&server->server);
	http_deinit(&server->http);
	for (size_t i = 0; i < server->guest_count; i++)
		client_deinit(&server->guests[i].client);
	free(server->guests);
	access_deinit(&server->access);
	access_deinit(&server->metrics_access);
	metrics_process_deinit(&server->process);
	server_deinit(&server->server);
	munmap(server, sizeof *server);
	return code;
}
