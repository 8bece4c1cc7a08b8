/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MCP: any lines into a peer with a made-up host. Whatever comes out is one line of strict JSON at a time,
 * each request gets one answer at most, and nothing is left over at the end. The first byte chooses the
 * session that was there before.
 */
#include <string.h>

#include "protocol/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/mcp_host.h"

static const char *const versions[] = {NULL, "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"};

static void receive(struct test_host *host, const char *line, size_t length)
{
	char *copy = malloc(length ? length : 1); /* ends where the line ends */

	FUZZ_CHECK(copy);
	memcpy(copy, line, length);
	FUZZ_CHECK(mcp_receive(host->peer, copy, length) == 0);
	free(copy);
}

static unsigned check_sent(struct test_host *host)
{
	unsigned lines = 0;

	while (buffer_length(&host->sent)) {
		const char *line = buffer_data(&host->sent),
			   *end = memchr(line, '\n', buffer_length(&host->sent));

		FUZZ_CHECK(end);
		FUZZ_CHECK(json_check(line, (size_t)(end - line), NULL, NULL) == 0);
		buffer_consume(&host->sent, (size_t)(end - line) + 1);
		lines++;
	}
	return lines;
}

static void begin_session(struct test_host *host, uint8_t choice)
{
	const char *version = versions[choice % 5];
	char text[300];

	if (!version)
		return;
	snprintf(text, sizeof text,
		 "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"%"
		 "s\",\"capabilities\":{\"elicitation\":{},\"roots\":{},\"sampling\":{}}}}",
		 version);
	receive(host, text, strlen(text));
	FUZZ_CHECK(check_sent(host) == 1);
}

/* Lets go of what is held, in different ways. */
static void settle(struct test_host *host, uint8_t choice)
{
	struct mcp_call *call;

	if (!host->held_count)
		return;
	call = host->held[choice % host->held_count];
	test_host_forget(host, call);
	mcp_call_progress(call, choice, "so far", 6);
	switch (choice % 4) {
	case 0:
		mcp_call_finish(call, NULL);
		break;
	case 1:
		mcp_call_fail(call, "Error: \xff", NULL);
		break;
	case 2:
		mcp_call_error(call, -1, "x");
		break;
	default:
		mcp_call_drop(call);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data + 1, *end = (const char *)data + size;
	struct test_host host;

	if (size < 1)
		return 0;
	FUZZ_CHECK(test_host_begin(&host, data[0] & 16) == 0);
	begin_session(&host, data[0]);
	host.page = data[0] / 64;
	host.no_large = true;
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		unsigned before = host.called + host.watch_calls;

		if (!line_end)
			line_end = end;
		receive(&host, at, (size_t)(line_end - at));
		/* one answer, and a notification for each call (progress) and each resource that was
		 * subscribed to; batches come as one line. A call may ask two questions, or take them back.
		 */
		FUZZ_CHECK(check_sent(&host) <=
			   (host.asks ? 3 : 1) * (1 + host.called + host.watch_calls - before));
		mcp_resource_updated(host.caller, "test:a");
		settle(&host, (uint8_t)(line_end - at));
		check_sent(&host);
		at = line_end + 1;
	}
	if (data[0] & 32) {
		mcp_list_changed(host.caller, MCP_LIST_TOOLS);
		mcp_resource_gone(host.caller, "test:a");
	}
	mcp_close(host.peer);
	check_sent(&host);
	/* others wait for the client, or are tasks */
	FUZZ_CHECK(host.asks || mcp_in_flight(host.peer) == host.held_count);
	host.sends = 0;
	mcp_peer_free(host.peer);
	FUZZ_CHECK(host.sends == 0);
	host.peer = NULL;
	test_host_deinit(&host);
	return 0;
}
