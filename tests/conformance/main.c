/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance fixture: `fixture http` serves on a port of 127.0.0.1 that it tells on stdout, to whoever
 * connects, and `fixture stdio` on stdin and stdout. Both until SIGTERM, or the end of stdin. SIGUSR1 makes
 * the HTTP transport do at once what it does every LIMIT_HTTP_BEAT_MS.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "server/listen.h"
#include "server/transport/http.h"
#include "server/transport/http_token.h"
#include "server/transport/stdio.h"
#include "tests/conformance/fixture.h"

static struct {
	struct fixture fixture; /* first: the loop begins it */
	struct http_caller caller;
	struct http http;
	struct stdio stdio;
	struct mcp_peer *peer;
	struct loop_source signals;
	bool over_http;
} server;

static void turned(struct loop *loop)
{
	if (server.over_http)
		http_flush(&server.http);
	else
		stdio_flush(&server.stdio);
}

static void signalled(struct loop_source *source, uint32_t events)
{
	struct signalfd_siginfo signal;

	if (read(source->fd, &signal, sizeof signal) == sizeof signal && signal.ssi_signo == SIGUSR1)
		server.http.beat.fire(&server.http.beat);
	else
		server.fixture.loop.stop = true;
}

static void ended(struct stdio *stdio, const char *why)
{
	server.fixture.loop.stop = true;
}

static struct http_caller *authorize(void *context, const char *authorization)
{
	return &server.caller;
}

static int start_http(struct err *err)
{
	static const char *const none[] = {NULL};
	struct token_keys keys;
	struct http_settings settings = {.hosts = none, .origins = none, .connections = 500, .keys = &keys};
	struct http_host host = {.authorize = authorize};
	struct listener listener;
	int result = listener_open(&listener, "127.0.0.1:0", false, "http", err);

	if (result == 0)
		result = token_keys_new(&keys);
	if (result == 0)
		result = http_init(&server.http, &server.fixture.loop, &host, &settings, listener.fd, err);
	if (result == 0) {
		printf("%s\n", listener.text);
		fflush(stdout);
	}
	return result;
}

static int start_stdio(struct err *err)
{
	struct mcp_sink sink;
	int result = stdio_init(&server.stdio, &server.fixture.loop, 0, 1, ended, err);

	sink = stdio_sink(&server.stdio);
	if (result == 0)
		result = mcp_peer_new(&server.peer, server.fixture.caller, &sink);
	server.stdio.peer = server.peer;
	return result;
}

static int start(struct err *err)
{
	struct mcp_host host;
	sigset_t mask;
	int result = loop_init(&server.fixture.loop, turned, err);

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	if (server.over_http)
		sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	fixture_host(&server.fixture, &host);
	if (result == 0)
		result = mcp_caller_new(&server.fixture.caller, &host);
	if (result < 0)
		return result;
	server.caller = (struct http_caller){.name = "", .mcp = server.fixture.caller};
	server.signals.ready = signalled;
	result = loop_watch(&server.fixture.loop, &server.signals, signalfd(-1, &mask, SFD_CLOEXEC), EPOLLIN);
	if (result < 0)
		return result;
	return server.over_http ? start_http(err) : start_stdio(err);
}

int main(int argc, char **argv)
{
	struct err err = {"cannot start"};

	if (argc != 2 || (strcmp(argv[1], "http") != 0 && strcmp(argv[1], "stdio") != 0)) {
		fprintf(stderr, "usage: %s http|stdio\n", argv[0]);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	server.over_http = strcmp(argv[1], "http") == 0;
	if (start(&err) < 0 || loop_run(&server.fixture.loop, &err) < 0) {
		fprintf(stderr, "fixture: %s\n", err.text);
		return 1;
	}
	fixture_forget(&server.fixture);
	if (server.over_http) {
		http_deinit(&server.http);
	} else {
		stdio_flush(&server.stdio);
		mcp_peer_free(server.peer);
		stdio_deinit(&server.stdio);
	}
	mcp_caller_free(server.fixture.caller);
	loop_close(&server.fixture.loop, &server.signals);
	loop_deinit(&server.fixture.loop);
	return 0;
}
