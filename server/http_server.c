/* SPDX-License-Identifier: Apache-2.0 */
/* Serving over HTTP (http_server.h): a listener, the callers, and the transport between them. */
#include "server/http_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "protocol/cleanup.h"
#include "server/guests.h"
#include "server/listen.h"
#include "server/log.h"
#include "server/notify.h"
#include "server/peers.h"
#include "server/reload.h"
#include "server/request_log.h"
#include "server/server.h"
#include "server/transport/http.h"

struct http_server {
	struct server server; /* first: the loop begins it */
	struct transport transport;
	struct http http;
	const struct options *options;
	struct secrets secrets;
	struct peers peers;
	struct reload reload;
	struct token_policies policies;
	struct guests guests; /* one, where no token is needed */
	bool open;            /* whoever connects is the one guest */
	int manager;          /* notify.h */
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
	notify_stopping(server_of(transport)->manager);
	http_stop(&server_of(transport)->http);
}

static struct http_caller *authorize(void *context, const char *authorization)
{
	struct http_server *server = context;
	int found = server->open ? 0 : access_find(&server->secrets.access, authorization);

	return found < 0 ? NULL : &server->guests.all[found]->caller;
}

/* ---- what may change while we serve ---- */

static int apply(void *context, struct secrets *fresh, struct err *err)
{
	struct http_server *server = context;
	struct certificate before = server->secrets.certificate;
	struct access metrics = server->secrets.metrics;
	int result = server->options->token_file ? guests_change(&server->guests, &server->http,
								 &server->secrets.access, &fresh->access, err)
						 : 0;

	if (result < 0)
		return result;
	if (server->options->session_key)
		http_rekey(&server->http, &fresh->keys);
	server->secrets.certificate = fresh->certificate;
	fresh->certificate = before;
	server->secrets.metrics = fresh->metrics;
	fresh->metrics = metrics;
	return 0;
}

static void begin_reload(void *context)
{
	notify_reloading(((struct http_server *)context)->manager);
}

static void end_reload(void *context)
{
	notify_ready(((struct http_server *)context)->manager, NULL);
}

static void hang_up(void *context)
{
	server_end(&((struct http_server *)context)->server, "the terminal has gone");
}

/* Without tokens of their own metrics are for everybody who may ask at all. */
static struct http_caller *authorize_metrics(void *context, const char *authorization)
{
	struct http_server *server = context;

	if (!server->options->metrics_file)
		return authorize(context, authorization);
	return access_find(&server->secrets.metrics, authorization) < 0 ? NULL : &server->metrics_caller;
}

static int write_metrics(void *context, struct buffer *out)
{
	struct http_server *server = context;

	return metrics_write(&server->server.realm, &server->process, out);
}

static void record(void *context, const struct http_record *request)
{
	request_log(request);
}

/* ---- the beginning ---- */

/* Tokens are those of the file; without one there is a token for this run, which the person is told; or none,
 * where the policy says so and only this machine can connect. */
static int find_tokens(struct http_server *server, const struct listener *listener, struct err *err)
{
	char token[ACCESS_TOKEN_TEXT + 1];
	int result;

	if (server->options->token_file)
		return 0;
	server->open = server->server.realm.settings->policy.http_open;
	if (server->open && !listener->loopback)
		return err_set(err, -EPERM,
			       "http.withoutToken permits no more than this machine's own programs: give "
			       "--token-file, "
			       "or listen on a loopback address");
	/* of who is let in without one, nobody knows the token */
	result = access_make(&server->secrets.access, server->open ? "" : "default", token, err);
	if (result == 0 && !server->open)
		fprintf(stderr, "sallyport: for this run the header is  Authorization: Bearer %s\n", token);
	return result;
}

/* Descriptors for connections: what the system lets us have beyond what the rest of the server may need, or
 * half of that. */
static unsigned allow_connections(void)
{
	struct rlimit files;
	rlim_t most;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return LIMIT_HTTP_CONNECTIONS_MIN;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	most = files.rlim_max > 2 * LIMIT_HTTP_OTHER_FILES ? files.rlim_max - LIMIT_HTTP_OTHER_FILES
							   : files.rlim_max / 2;
	return most < LIMIT_HTTP_CONNECTIONS ? (unsigned)most : LIMIT_HTTP_CONNECTIONS;
}

/* What the files say, before anything is started that would have to be ended. */
static int read_secrets(struct http_server *server, struct err *err)
{
	int files[SECRETS_FILES], result;

	secrets_open(server->reload.paths, files);
	result = secrets_read(&server->secrets, server->reload.paths, files, err);
	if (result == 0 && server->secrets.note[0])
		log_line("%s", server->secrets.note);
	if (result == 0 && !server->options->session_key)
		result = token_keys_new(&server->secrets.keys);
	return result;
}

static int open_listener(struct http_server *server, struct listener *listener, struct err *err)
{
	const struct options *options = server->options;
	int result = peers_init(&server->peers, options->users, err);

	if (result == 0)
		result = listener_open(listener, options->listen, server->peers.others,
				       options->tls_cert ? "https" : "http", err);
	if (result == 0 && server->peers.others && !listener->local)
		result = err_set(err, -EINVAL,
				 "--allow-uid is for --listen unix:PATH: of who connects over a "
				 "network no user is known");
	if (result == 0 && !listener->loopback && !options->tls_cert)
		log_line("tokens and all that is said go over the network in clear: give --tls-cert and "
			 "--tls-key, or let only a proxy connect that speaks TLS");
	return result;
}

static int serve(struct http_server *server, const struct listener *listener, int opener, struct err *err)
{
	const struct options *options = server->options;
	const struct policy *policy = &server->server.realm.settings->policy;
	struct http_settings http = {.body_bytes = (size_t)policy->http_body_bytes,
				     .request_ms = options->request_ms ? options->request_ms
								       : LIMIT_HTTP_REQUEST_MS,
				     .hosts = options->hosts,
				     .origins = options->origins,
				     .keys = &server->secrets.keys,
				     .certificate = options->tls_cert ? &server->secrets.certificate : NULL,
				     .peers = listener->local ? &server->peers : NULL,
				     .connections = allow_connections()};
	struct http_host host = {.context = server,
				 .authorize = authorize,
				 .authorize_metrics = authorize_metrics,
				 .metrics = write_metrics,
				 .record = options->log_requests ? record : NULL};
	struct reload_host reload = {
		.context = server, .begin = begin_reload, .apply = apply, .done = end_reload, .end = hang_up};
	int result = http_init(&server->http, &server->server.loop, &host, &http, listener->fd, err);

	if (result == 0)
		result = reload_init(&server->reload, &server->server.loop, &reload, opener, err);
	return result;
}

static int start(struct http_server *server, struct settings *settings, struct err *err)
{
	struct listener listener;
	int opener = -1, result;

	server->manager = notify_open();
	result = reload_prepare(&server->reload, server->options, &opener, err);
	if (result == 0)
		result = read_secrets(server, err);
	if (result == 0)
		result = token_policies_prepare(&server->policies, &server->secrets.access, server->options,
						settings, err);
	if (result == 0)
		result = open_listener(server, &listener, err);
	if (result == 0)
		result = server_start(&server->server, settings, err);
	if (result == 0)
		result = find_tokens(server, &listener, err);
	metrics_process_init(&server->process);
	if (result == 0)
		result = token_policies_begin(&server->policies, &server->server, err);
	if (result == 0)
		result = guests_begin(&server->guests, &server->server, &server->policies,
				      &server->secrets.access, err);
	if (result < 0)
		return result;
	result = serve(server, &listener, opener, err);
	if (result < 0)
		return result;
	log_line("listening on %s", listener.text);
	notify_ready(server->manager, listener.text);
	return 0;
}

int http_server_run(struct settings *settings, const struct options *options, struct err *err)
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
	server->options = options;
	result = start(server, settings, err);
	if (result == 0)
		result = server_run(&server->server, &server->transport, err);
	if (result < 0)
		return EXIT_FAILED;

	server_finish(&server->server);
	code = server_exit_code(&server->server);
	http_deinit(&server->http);
	guests_end(&server->guests);
	reload_deinit(&server->reload);
	secrets_deinit(&server->secrets);
	close_fd(&server->manager);
	metrics_process_deinit(&server->process);
	server_deinit(&server->server);
	token_policies_deinit(&server->policies);
	munmap(server, sizeof *server);
	return code;
}
