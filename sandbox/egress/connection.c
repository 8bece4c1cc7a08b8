/* SPDX-License-Identifier: Apache-2.0 */
/* A web executor's BROKER_CONNECT and its answer: what comes of a dial, as a frame. */
#include <errno.h>
#include <stdlib.h>

#include "protocol/cleanup.h"
#include "sandbox/egress/broker.h"
#include "sandbox/egress/wire.h"

#define ANSWER_BYTES 4096 /* four texts of rules.h, or one sentence */

static int put_refusal(struct buffer *payload, const struct rules_answer *rules)
{
	if (frame_put_text(payload, rules->rule) < 0 || frame_put_text(payload, rules->reason) < 0 ||
	    frame_put_text(payload, rules->remedy) < 0)
		return -ENOMEM;
	return frame_put_text(payload, rules->reach);
}

static int put_result(struct connection *connection, struct dial_result *result)
{
	struct buffer *payload = &connection->payload;
	char text[ADDRESS_TEXT_BYTES];

	switch (result->kind) {
	case DIAL_CONNECTED:
		address_text(result->address, text);
		connection->header.type = BROKER_CONNECTED;
		return frame_put_text(payload, text);
	case DIAL_REFUSED:
		connection->header.type = BROKER_REFUSED;
		return put_refusal(payload, result->rules);
	case DIAL_FAILED:
		connection->header.type = BROKER_FAILED;
		connection->header.value = (uint32_t)result->error;
		return frame_put_text(payload, result->text);
	}
	return -EINVAL;
}

/* The answer stands; it leaves now or when the client reads again. */
static void dialled(void *context, struct dial_result *result)
{
	struct connection *connection = context;

	connection->dial = NULL;
	connection->header = (struct frame_header){.call = connection->call};
	if (put_result(connection, result) < 0) { /* no memory: the errno alone still answers */
		buffer_clear(&connection->payload, 0);
		connection->header.type = BROKER_FAILED;
		connection->header.value = ENOMEM;
		(void)frame_put_text(&connection->payload, "no memory");
	} else {
		connection->fd = steal_fd(&result->fd);
	}
	connection->answered = true;
	client_flush(connection->client);
}

int connection_new(struct client *client, uint32_t call, const char *host, uint16_t port, uint32_t ms)
{
	struct connection *connection = calloc(1, sizeof *connection);

	if (!connection)
		return -ENOMEM;
	connection->dial = dial_new(client->broker, host, port, ms, dialled, connection);
	if (!connection->dial) {
		free(connection);
		return -ENOMEM;
	}
	connection->client = client;
	connection->call = call;
	connection->fd = -1;
	buffer_init(&connection->payload, ANSWER_BYTES);
	connection->next = client->connections;
	client->connections = connection;
	client->connection_count++;
	dial_start(connection->dial);
	return 0;
}

void connection_abandon(struct connection *connection)
{
	if (connection->dial)
		dial_abandon(connection->dial);
	connection->dial = NULL;
	close_fd(&connection->fd);
	connection->done = true;
}

int connection_retract(struct connection *connection)
{
	close_fd(&connection->fd);
	buffer_clear(&connection->payload, ANSWER_BYTES);
	connection->header.type = BROKER_FAILED;
	connection->header.value = EMFILE;
	return frame_put_text(&connection->payload, "too many connections are on their way; try again");
}

void connection_free(struct connection *connection)
{
	close_fd(&connection->fd);
	buffer_deinit(&connection->payload);
	free(connection);
}
