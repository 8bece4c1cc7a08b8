/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the spawner for a probe. The same spare becomes the same spawner as in a server; only the loop
 * around it is replaced by one wait, since doctor does one thing. What the spawner says is checked like any
 * frame.
 */
#include "server/doctor.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "protocol/frame.h"
#include "sandbox/spawner/spare.h"
#include "server/policy/compile.h"

#define PROBE_REQUEST 1

int doctor_decode(struct doctor_report *report, const void *payload, size_t length)
{
	struct frame_reader reader;
	uint32_t count;

	*report = (struct doctor_report){0};
	frame_read(&reader, payload, length);
	count = frame_get_u32(&reader);
	if (count > LIMIT_PROBE_LAYERS)
		return -EPROTO;
	for (uint32_t i = 0; i < count && !reader.failed; i++) {
		struct doctor_layer *layer = &report->layers[i];
		uint32_t state;

		frame_get_text(&reader, layer->name, sizeof layer->name);
		state = frame_get_u32(&reader);
		layer->error = (int)(frame_get_u32(&reader) & 0xffff);
		frame_get_text(&reader, layer->detail, sizeof layer->detail);
		frame_get_text(&reader, layer->remedy, sizeof layer->remedy);
		if (state >= PROBE_STATES)
			return -EPROTO;
		layer->state = (enum probe_state)state;
	}
	frame_get_text(&reader, report->profile, sizeof report->profile);
	if (frame_done(&reader) < 0)
		return -EPROTO;
	report->count = count;
	return 0;
}

/* One frame, or -ETIMEDOUT. */
static int next_frame(int socket, int64_t until, struct frame_header *header, struct buffer *payload,
		      struct frame_descriptors *descriptors)
{
	for (;;) {
		struct pollfd ready = {.fd = socket, .events = POLLIN};
		int64_t left = until - clock_ms();
		int result = left > 0 ? poll(&ready, 1, (int)left) : 0;

		if (result < 0 && errno == EINTR)
			continue;
		if (result <= 0)
			return result < 0 ? -errno : -ETIMEDOUT;
		result = frame_receive(socket, header, payload, descriptors, MSG_DONTWAIT);
		if (result != -EAGAIN)
			return result;
	}
}

static int await_probe(int socket, struct doctor_report *report, struct err *err)
{
	struct buffer payload __attribute__((cleanup(buffer_deinit))) = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	int64_t until = clock_ms() + LIMIT_PROBE_MS;

	for (;;) {
		struct frame_descriptors descriptors;
		struct frame_header header;
		int result;

		frame_descriptors_init(&descriptors);
		result = next_frame(socket, until, &header, &payload, &descriptors);
		frame_descriptors_close(
			&descriptors); /* the next spare's socket: closing it ends that spare */
		if (result == -ETIMEDOUT)
			return err_set(err, result, "the spawner did not finish its probe within %d s",
				       LIMIT_PROBE_MS / 1000);
		if (result < 0)
			return err_set(err, result, "the spawner ended without an answer (%s)",
				       err_name(result));
		if (header.type == SPARE_FAILED)
			return err_set(err, -(int)header.value, "the spawner could not be started: %s",
				       strerror((int)header.value));
		if (header.type == SPAWNER_PROBED && header.call == PROBE_REQUEST) {
			if (doctor_decode(report, buffer_data(&payload), buffer_length(&payload)) < 0)
				return err_set(err, -EPROTO, "the spawner's answer cannot be read");
			return 0;
		}
	}
}

int doctor_probe(const struct plan *plan, struct doctor_report *report, struct err *err)
{
	struct frame_header go = {.type = SPARE_GO}, probe = {.type = SPAWNER_PROBE, .call = PROBE_REQUEST};
	_cleanup_fd_ int socket = spare_start(plan, -1, policy_complete, err);
	int result;

	if (socket < 0)
		return socket;
	/* the second waits in the socket until the spare has become the spawner */
	result = frame_send(socket, &go, NULL, 0, NULL, 0, 0);
	if (result == 0)
		result = frame_send(socket, &probe, NULL, 0, NULL, 0, 0);
	if (result < 0)
		return err_set(err, result, "the spawner cannot be asked: %s", strerror(-result));
	return await_probe(socket, report, err);
}
