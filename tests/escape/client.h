/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_ESCAPE_CLIENT_H
#define SALLYPORT_TESTS_ESCAPE_CLIENT_H

/* What the frontend does, in a few lines: a spawner, a sandbox, commands in it. Failures end the program. */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/frame.h"
#include "sandbox/plan.h"
#include "sandbox/spawner/wire.h"

struct client {
	int spawner, spare;
	struct buffer payload;
	uint32_t next_call;
	uint32_t rows, columns; /* commands get a terminal of this size; 0: none */
	int orders;             /* lines "TYPE VALUE", to be sent on the leash; -1: none */
};

struct client_outcome {
	uint16_t type; /* KEEPER_ENDED, KEEPER_FAILED, or 0 when the leash just ended */
	uint32_t value;
	uint32_t status, leftovers;
	uint64_t user_us, system_us, peak_bytes;
	char step[64], target[256];
};

void client_start(struct client *client, const struct plan *plan);
void client_stop(struct client *client);

/* Starts an executor. 0, or the errno of SPAWNER_FAILED, which is printed. */
int client_executor(struct client *client, enum spawner_kind kind, uint32_t *instance, uint32_t *pid,
		    struct frame_descriptors *descriptors);
/* Receives one frame from the spawner within `seconds`; false on timeout or end. */
bool client_receive(struct client *client, struct frame_header *header, struct frame_descriptors *descriptors,
		    int seconds);

/* Sends a command; returns the leash. output and errors are inherited descriptors. */
int client_command(struct client *client, int door, const char *cwd, char *const *argv, char *const *envp,
		   bool shell, int input, int output, int errors);
void client_wait(struct client *client, int leash, struct client_outcome *outcome);

#endif
