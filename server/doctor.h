/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_DOCTOR_H
#define SALLYPORT_SERVER_DOCTOR_H

/* What the spawner finds when it tries every layer, asked for by a process that is no server (cli_doctor.c).
 */

#include <stdint.h>

#include "protocol/error.h"
#include "protocol/limits.h"
#include "sandbox/plan.h"
#include "sandbox/spawner/wire.h"

struct doctor_layer {
	char name[64], detail[512], remedy[512];
	enum probe_state state;
	int error; /* errno of the step that failed, 0 if none */
};

struct doctor_report {
	struct doctor_layer layers[LIMIT_PROBE_LAYERS];
	unsigned count;
	char profile[32]; /* "full"; empty when there is none */
};

/*
 * Starts a spawner as the server does, has it probe, and ends it. Takes as long as LIMIT_PROBE_MS at most.
 * 0, or -errno with a sentence when it could not even be asked (-EPROTO: its answer cannot be read).
 */
int doctor_probe(const struct plan *plan, struct doctor_report *report, struct err *err);

/* Reads the payload of SPAWNER_PROBED. 0 or -EPROTO. */
int doctor_decode(struct doctor_report *report, const void *payload, size_t length);

#endif
