/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keeper that was taken over, under the true one's layers, and its own only nanny. What it does with a
 * command is told by the command's line: "honest" writes that word and reports the end, anything else is one
 * of the lies below, after which the caller may be answered by nothing but the frontend.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/executor.h"
#include "sandbox/keeper/keeper.h"
#include "sandbox/keeper/wire.h"
#include "sandbox/spawner/setup.h"
#include "sandbox/spawner/wire.h"

#define DOOR EXECUTOR_CHANNEL
#define MANY 2000

struct scene {
	uint32_t call;
	struct frame_descriptors fds;
};

/* Each frame may bring as many descriptors as there is room for, or none. */
static int say(int socket, uint16_t type, uint32_t call, uint32_t value, const void *payload, size_t length,
	       bool descriptors)
{
	struct frame_header header = {.type = type, .call = call, .value = value};
	int fds[LIMIT_FRAME_DESCRIPTORS] = {0, 0, 0, 0, 0, 0, 0, 0}; /* this process's /dev/null */

	return frame_send(socket, &header, payload, length, fds, descriptors ? LIMIT_FRAME_DESCRIPTORS : 0,
			  MSG_DONTWAIT);
}

static void report(const struct scene *scene, uint32_t status)
{
	unsigned char payload[4 + 3 * 8 + 4] = {(unsigned char)status, (unsigned char)(status >> 8)};

	say(scene->fds.fds[0], KEEPER_ENDED, scene->call, 0, payload, sizeof payload, false);
}

static void write_text(const struct scene *scene, const char *text)
{
	if (write(scene->fds.fds[1], text, strlen(text)) < 0)
		_exit(1);
}

static void honest(struct scene *scene)
{
	write_text(scene, "honest\n");
	report(scene, 0);
}

/* Frames for the spawner, which never listens again: as if starting anew, as if failed, as if it were the
 * frontend. */
static void forge_setup(struct scene *scene)
{
	static const uint16_t types[] = {SETUP_READY,   SETUP_FAILED, SETUP_UNSHARED, SETUP_WANT_IDMAP,
					 SPAWNER_START, SPAWNER_KILL, 0xffff};

	for (int i = 0; i < MANY; i++)
		if (say(SETUP_SOCKET, types[i % 7], (uint32_t)i, (uint32_t)i % 50, "\0\0\0\0\0\0\0\0", 8,
			i % 2) < 0)
			break;
	honest(scene);
}

/* The fate of calls that are not its own, and orders to the frontend, through the door. */
static void forge_door(struct scene *scene)
{
	static const uint16_t types[] = {KEEPER_SWEPT,    KEEPER_SWEPT, KEEPER_RUN,
					 SPAWNER_STARTED, SPAWNER_DIED, 0xffff};

	for (int i = 0; i < MANY; i++)
		if (say(DOOR, types[i % 6], scene->call + (uint32_t)(i % 5 - 2) * 4097, (uint32_t)i, "....",
			i % 6 ? 4 : 0, i % 2) < 0)
			break;
}

static void flood_swept(struct scene *scene)
{
	for (int i = 0; i < MANY && say(DOOR, KEEPER_SWEPT, (uint32_t)i, 0, NULL, 0, false) == 0; i++)
		;
}

static void flood_descriptors(struct scene *scene)
{
	for (int i = 0; i < MANY; i++) {
		say(scene->fds.fds[0], KEEPER_DENIED, scene->call, 0, NULL, 0, true);
		say(DOOR, KEEPER_SWEPT, scene->call, 0, NULL, 0, true);
	}
}

static void leash_nonsense(struct scene *scene)
{
	static const char bytes[60000];

	for (int i = 0; i < MANY; i++)
		if (say(scene->fds.fds[0], (uint16_t)i, scene->call, (uint32_t)i, bytes,
			(size_t)i * 30 % sizeof bytes, false) < 0)
			break;
}

static void leash_bytes(struct scene *scene)
{
	static const char bytes[100] = "not a frame at all";

	for (size_t i = 1; i < sizeof bytes; i++)
		send(scene->fds.fds[0], bytes, i, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void ends_twice(struct scene *scene)
{
	report(scene, 0);
	report(scene, 9);
	report(scene, 0);
}

static void stopped_is_no_end(struct scene *scene)
{
	report(scene, 0x137f);
}

/* Believed, since it is its own call's fate, and nobody else's. */
static void wrong_status(struct scene *scene)
{
	report(scene, 42 << 8);
}

static void denies(struct scene *scene)
{
	static const char payload[] = "\5\0\0\0write\4\0\0\0/a\nb\16\0\0\0protected:.git";

	for (int i = 0; i < 50; i++) /* so that the report still has room */
		say(scene->fds.fds[0], KEEPER_DENIED, scene->call, 0, payload, sizeof payload - 1, false);
	honest(scene);
}

static void silent(struct scene *scene)
{
	write_text(scene, "and then nothing");
}

static void ends(struct scene *scene)
{
	_exit(0);
}

static void closes_the_door(struct scene *scene)
{
	close(DOOR);
	honest(scene);
	for (;;)
		pause();
}

/* Whoever can be signalled from here is in the same sandbox. */
static void kills_everybody(struct scene *scene)
{
	kill(-1, SIGKILL);
	for (pid_t pid = 2; pid < 100000; pid++)
		kill(pid, SIGKILL);
	honest(scene);
}

/* Blocks, as a descriptor that is shared would make the frontend block. */
static void blocks(struct scene *scene)
{
	for (size_t i = 0; i < scene->fds.count; i++)
		fcntl(scene->fds.fds[i], F_SETFL, 0);
	fcntl(DOOR, F_SETFL, 0);
	while (say(scene->fds.fds[0], KEEPER_DENIED, 0, 0, NULL, 0, false) == 0)
		;
}

static const struct {
	const char *line;
	void (*act)(struct scene *scene);
} acts[] = {{"honest", honest},
	    {"forge setup", forge_setup},
	    {"forge door", forge_door},
	    {"flood swept", flood_swept},
	    {"flood descriptors", flood_descriptors},
	    {"leash nonsense", leash_nonsense},
	    {"leash bytes", leash_bytes},
	    {"ends twice", ends_twice},
	    {"stopped is no end", stopped_is_no_end},
	    {"wrong status", wrong_status},
	    {"denies", denies},
	    {"silent", silent},
	    {"ends", ends},
	    {"closes the door", closes_the_door},
	    {"kills everybody", kills_everybody},
	    {"blocks", blocks}};

static void serve(struct scene *scene, struct buffer *payload)
{
	struct request request = {.cwd = NULL};

	if (request_decode(&request, 0, payload, "/bin/sh", (const char *const[]){"PATH=/bin", NULL}) < 0)
		return;
	for (char **word = request.argv; word && *word; word++)
		for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
			if (!strcmp(*word, acts[i].line))
				acts[i].act(scene);
	free(request.vector);
}

int main(void)
{
	struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct executor executor;
	struct err err;

	if (executor_receive(EXECUTOR_SANDBOX, &executor, &err) < 0 || executor_enter(&executor, &err) < 0)
		return 1;
	for (;;) {
		struct frame_header header;
		struct scene scene;
		int result = frame_receive(DOOR, &header, &payload, &scene.fds, 0);

		if (result < 0)
			return 1;
		scene.call = header.call;
		serve(&scene, &payload);
		/* stays open after some: a leash that ends would be an answer */
	}
}
