/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the broker refused to commands, as it tells us itself (sandbox/egress/wire.h): it does so before the
 * command hears of it, so everything about a command waits here when the command's end is read.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "sandbox/egress/wire.h"
#include "server/supervisor.h"

static struct supervised *find(struct supervisor *supervisor, uint32_t instance)
{
	for (struct supervised *at = supervisor->all; at; at = at->next)
		if (at->state == SUPERVISED_RUNNING && at->instance == instance && at->denied)
			return at;
	return NULL;
}

static int take(struct supervisor *supervisor, const struct frame_header *header,
		const struct buffer *payload)
{
	struct supervised *supervised = find(supervisor, header->call);
	struct denial denial;

	if (header->type != BROKER_DENIED || denial_decode(&denial, buffer_data(payload), header->length) < 0)
		return -EPROTO;
	if (supervised) /* else its sandbox has ended meanwhile */
		supervised->denied(supervised, &denial);
	return 0;
}

void supervisor_hear_denials(struct supervisor *supervisor)
{
	for (size_t i = 0; i < LIMIT_TURN_FRAMES && supervisor->denials.fd >= 0; i++) {
		struct frame_header header;
		int result = frame_receive(supervisor->denials.fd, &header, &supervisor->payload, NULL,
					   MSG_DONTWAIT);

		if (result == -EAGAIN)
			return;
		if (result == 0)
			result = take(supervisor, &header, &supervisor->payload);
		if (result == -EPROTO)
			supervisor->warn(
				"the egress broker sent a malformed frame: its refusals are not told "
				"any more");
		if (result < 0)
			loop_close(supervisor->loop, &supervisor->denials);
	}
}

static void denials_ready(struct loop_source *source, uint32_t events)
{
	supervisor_hear_denials(
		(struct supervisor *)(void *)((char *)source - offsetof(struct supervisor, denials)));
}

int supervisor_take_denials(struct supervisor *supervisor, int socket)
{
	supervisor_hear_denials(supervisor); /* what the last broker still said */
	loop_close(supervisor->loop, &supervisor->denials);
	supervisor->denials.ready = denials_ready;
	if (socket < 0 || loop_watch(supervisor->loop, &supervisor->denials, socket, EPOLLIN) < 0) {
		if (socket >= 0)
			close(socket);
		return -EPROTO;
	}
	return 0;
}

void supervisor_end_denials(struct supervisor *supervisor)
{
	loop_close(supervisor->loop, &supervisor->denials);
}
