/* SPDX-License-Identifier: Apache-2.0 */
/* The frontend's side of spare, spawner and nannies, for tests (client.h). */
#include "tests/escape/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "sandbox/keeper/wire.h"
#include "sandbox/spawner/spare.h"

static _Noreturn void fail(const char *what, int code)
{
	fprintf(stderr, "client: %s: %s\n", what, err_name(code));
	exit(2);
}

static int receive_within(int socket, struct frame_header *header, struct buffer *payload,
			  struct frame_descriptors *descriptors, int seconds)
{
	const char *slowness = getenv("SALLYPORT_TEST_SLOWNESS"); /* as in harness.py */
	struct pollfd ready = {.fd = socket, .events = POLLIN};

	if (slowness)
		seconds *= (int)strtol(slowness, NULL, 10);
	if (poll(&ready, 1, seconds * 1000) <= 0)
		return -ETIMEDOUT;
	return frame_receive(socket, header, payload, descriptors, 0);
}

void client_start(struct client *client, const struct plan *plan)
{
	struct frame_descriptors descriptors;
	struct frame_header header = {.type = SPARE_GO};
	struct err err = {""};

	signal(SIGCHLD, SIG_IGN);
	*client = (struct client){.next_call = 1, .orders = -1};
	buffer_init(&client->payload, LIMIT_MESSAGE_FRAME_BYTES);
	client->spawner = spare_start(plan, -1, NULL, &err);
	if (client->spawner < 0)
		fail(err.text, client->spawner);
	int result = frame_send(client->spawner, &header, NULL, 0, NULL, 0, 0);

	if (result == 0)
		result = receive_within(client->spawner, &header, &client->payload, &descriptors, 5);
	if (result < 0 || header.type != SPARE_NEXT)
		fail("the spare did not go", result < 0 ? result : (int)header.value);
	client->spare = frame_descriptors_take(&descriptors, 0);
}

void client_stop(struct client *client)
{
	struct frame_descriptors descriptors;
	struct frame_header header;

	/* until it has ended all it started, and put back what it changed outside */
	shutdown(client->spawner, SHUT_WR);
	while (client_receive(client, &header, &descriptors, 15))
		frame_descriptors_close(&descriptors);
	close(client->spawner);
	close(client->spare);
	buffer_deinit(&client->payload);
}

bool client_receive(struct client *client, struct frame_header *header, struct frame_descriptors *descriptors,
		    int seconds)
{
	return receive_within(client->spawner, header, &client->payload, descriptors, seconds) == 0;
}

int client_executor(struct client *client, enum spawner_kind kind, uint32_t *instance, uint32_t *pid,
		    struct frame_descriptors *descriptors)
{
	struct buffer payload;
	struct frame_header header = {.type = SPAWNER_START, .call = client->next_call++, .value = kind};
	struct frame_reader reader;
	uint32_t call = header.call;

	buffer_init(&payload, 64);
	frame_put_u32(&payload, 1);
	int result = frame_send(client->spawner, &header, buffer_data(&payload), buffer_length(&payload),
				NULL, 0, 0);

	buffer_deinit(&payload);
	if (result < 0)
		fail("spawner", result);
	do {
		if (!client_receive(client, &header, descriptors, 15))
			fail("no answer from the spawner", ETIMEDOUT);
	} while (header.call != call);
	frame_read(&reader, buffer_data(&client->payload), buffer_length(&client->payload));
	if (header.type == SPAWNER_FAILED) {
		char layer[64], step[512], remedy[512];

		frame_get_text(&reader, layer, sizeof layer);
		frame_get_text(&reader, step, sizeof step);
		frame_get_text(&reader, remedy, sizeof remedy);
		fprintf(stderr, "failed: layer=%s step=%s errno=%s remedy=%s\n", layer, step,
			err_name((int)header.value), remedy);
		return (int)header.value;
	}
	*instance = header.value;
	*pid = frame_get_u32(&reader);
	return 0;
}

static uint32_t count(char *const *list)
{
	uint32_t number = 0;

	while (list[number])
		number++;
	return number;
}

int client_command(struct client *client, int door, const char *cwd, char *const *argv, char *const *envp,
		   bool shell, int input, int output, int errors)
{
	struct frame_header header = {.type = KEEPER_RUN,
				      .call = client->next_call++,
				      .value = (input >= 0 ? KEEPER_STDIN : 0) |
					       (client->rows ? KEEPER_TTY : 0)};
	int sockets[2], fds[4];
	int result;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		fail("socketpair", errno);
	buffer_clear(&client->payload, SIZE_MAX);
	frame_put_text(&client->payload, cwd);
	frame_put_u32(&client->payload, count(argv));
	for (size_t i = 0; argv[i]; i++)
		frame_put_text(&client->payload, argv[i]);
	frame_put_u32(&client->payload, count(envp));
	for (size_t i = 0; envp[i]; i++)
		frame_put_text(&client->payload, envp[i]);
	frame_put_u32(&client->payload, shell);
	if (client->rows) {
		frame_put_u32(&client->payload, client->rows);
		frame_put_u32(&client->payload, client->columns);
	}
	fds[0] = sockets[1];
	fds[1] = output;
	fds[2] = errors;
	fds[3] = input;
	/* the door does not block; a test may wait for room */
	do
		result = frame_send(door, &header, buffer_data(&client->payload),
				    buffer_length(&client->payload), fds, input >= 0 ? 4 : 3, 0);
	while (result == -EAGAIN && poll(&(struct pollfd){.fd = door, .events = POLLOUT}, 1, 5000) > 0);
	if (result < 0)
		fail("door", result);
	close(sockets[1]);
	return sockets[0];
}

/* One line on stderr for each refusal: "denied write /w/.mcp.json protected:.mcp.json". */
static void print_denial(const struct buffer *payload)
{
	char operation[32], target[512], rule[128];
	struct frame_reader reader;

	frame_read(&reader, buffer_data(payload), buffer_length(payload));
	frame_get_text(&reader, operation, sizeof operation);
	frame_get_text(&reader, target, sizeof target);
	frame_get_text(&reader, rule, sizeof rule);
	if (frame_done(&reader) < 0)
		fail("denial", EPROTO);
	fprintf(stderr, "denied %s %s %s\n", operation, target, rule);
}

static void print_state(const struct buffer *payload)
{
	struct frame_reader reader;
	unsigned waits, processes;
	unsigned long long cpu_us, memory;

	frame_read(&reader, buffer_data(payload), buffer_length(payload));
	waits = frame_get_u32(&reader);
	cpu_us = frame_get_u64(&reader);
	memory = frame_get_u64(&reader);
	processes = frame_get_u32(&reader);
	if (frame_done(&reader) < 0)
		fail("state", EPROTO);
	fprintf(stderr, "state waits=%u cpu_us=%llu memory=%llu processes=%u\n", waits, cpu_us, memory,
		processes);
}

/* One line, or what there is of it. False at the end. */
static bool read_line(int fd, char *line, size_t size)
{
	size_t length = 0;

	while (length < size - 1 && read(fd, line + length, 1) == 1)
		if (line[length++] == '\n')
			break;
	line[length] = '\0';
	return length > 0;
}

/* Passes orders on until there is something to hear. */
static void pass_orders(struct client *client, int leash)
{
	struct pollfd watched[] = {{.fd = leash, .events = POLLIN}, {.fd = client->orders, .events = POLLIN}};

	while (watched[1].fd >= 0 && poll(watched, 2, -1) > 0 && !watched[0].revents) {
		char line[64];
		unsigned type, value;

		if (!read_line(client->orders, line, sizeof line))
			watched[1].fd = client->orders = -1;
		else if (sscanf(line, "%u %u", &type, &value) == 2)
			frame_send(leash, &(struct frame_header){.type = (uint16_t)type, .value = value},
				   NULL, 0, NULL, 0, 0);
	}
}

void client_wait(struct client *client, int leash, struct client_outcome *outcome)
{
	struct frame_header header;
	struct frame_reader reader;
	int result;

	*outcome = (struct client_outcome){.type = 0};
	do
		pass_orders(client, leash);
	while ((result = receive_within(leash, &header, &client->payload, NULL, 60)) == 0 &&
	       ((header.type == KEEPER_DENIED && (print_denial(&client->payload), true)) ||
		(header.type == KEEPER_STATE && (print_state(&client->payload), true))));
	close(leash);
	if (result == -ENOTCONN || result == -ECONNRESET)
		return;
	if (result < 0)
		fail("leash", result);
	outcome->type = header.type;
	outcome->value = header.value;
	frame_read(&reader, buffer_data(&client->payload), buffer_length(&client->payload));
	if (header.type == KEEPER_ENDED) {
		outcome->status = frame_get_u32(&reader);
		outcome->user_us = frame_get_u64(&reader);
		outcome->system_us = frame_get_u64(&reader);
		outcome->peak_bytes = frame_get_u64(&reader);
		outcome->leftovers = frame_get_u32(&reader);
	} else {
		frame_get_text(&reader, outcome->step, sizeof outcome->step);
		frame_get_text(&reader, outcome->target, sizeof outcome->target);
	}
	if (frame_done(&reader) < 0)
		fail("leash frame", EPROTO);
}
