/* SPDX-License-Identifier: Apache-2.0 */
/* What the spawner tells the frontend. */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/memory_events.h"

/* Sends are blocking: the frontend is the only one who gives orders, and if it is gone this is EPIPE. */
static void send_frame(struct spawner *spawner, struct frame_header *header, const struct buffer *payload,
		       const int *fds, size_t fd_count)
{
	frame_send(spawner->socket, header, payload->bytes ? buffer_data(payload) : NULL,
		   buffer_length(payload), fds, fd_count, 0);
}

/* Why there is no more confinement than there is: "" when there is no more to be had. */
static void write_why(const struct spawner *spawner, char *why, size_t size)
{
	const struct failure *failure = &spawner->choice.why;

	why[0] = '\0';
	if (failure->code)
		snprintf(why, size, "profile full is not possible here: %s: %s%s%s: %s. %s", failure->layer,
			 failure->step, failure->detail[0] ? " " : "", failure->detail,
			 err_name(failure->code), report_remedy(failure));
}

void report_started(struct spawner *spawner, struct instance *instance)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header = {.type = SPAWNER_STARTED, .call = instance->call, .value = instance->id};
	int pidfd = (int)syscall(SYS_pidfd_open, instance->pid, 0);
	char why[LIMIT_REMEDY_BYTES];
	int events = instance->events < 0 ? -1 : fcntl(instance->events, F_DUPFD_CLOEXEC, 0);

	if (events >= 0) /* shared with us, and only ever read by position */
		instance->fds[instance->fd_count++] = events;
	if (pidfd >= 0) /* without one the frontend refuses the frame, as it must */
		instance->fds[instance->fd_count++] = pidfd;
	write_why(spawner, why, sizeof why);
	frame_put_u32(&payload, (uint32_t)instance->pid);
	frame_put_u32(&payload, instance->confinement);
	frame_put_text(&payload, why);
	send_frame(spawner, &header, &payload, instance->fds, instance->fd_count);
	instance->told = true;
	for (size_t i = 0; i < instance->fd_count; i++)
		close_fd(&instance->fds[i]);
	instance->fd_count = 0;
}

void report_denials(struct spawner *spawner, struct instance *broker)
{
	const struct buffer none = {.bytes = NULL};

	send_frame(spawner, &(struct frame_header){.type = SPAWNER_DENIALS}, &none, broker->fds,
		   broker->fd_count);
	for (size_t i = 0; i < broker->fd_count; i++)
		close_fd(&broker->fds[i]);
	broker->fd_count = 0;
}

static void send_failed(struct spawner *spawner, uint32_t call, int code, const char *layer, const char *step,
			const char *remedy)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header = {.type = SPAWNER_FAILED, .call = call, .value = (uint32_t)-code};

	frame_put_text(&payload, layer);
	frame_put_text(&payload, step);
	frame_put_text(&payload, remedy);
	frame_put_u32(&payload, spawner->confinement);
	send_frame(spawner, &header, &payload, NULL, 0);
}

void report_failed(struct spawner *spawner, uint32_t call, const struct failure *failure)
{
	char step[LIMIT_REMEDY_BYTES], why[LIMIT_REMEDY_BYTES], remedy[LIMIT_REMEDY_BYTES];
	const char *required = confinement_name(spawner->plan.require_profile);

	write_why(spawner, why, sizeof why);
	snprintf(step, sizeof step, "%s%s%s", failure->step, failure->detail[0] ? " " : "", failure->detail);
	/* a lower profile could have served: the policy would have it otherwise */
	if (spawner->confinement == spawner->plan.require_profile &&
	    choice_would_help(spawner->confinement, failure))
		snprintf(remedy, sizeof remedy, "%s%sthe policy requires profile %s (sandbox.requireProfile)",
			 report_remedy(failure), report_remedy(failure)[0] ? "; " : "", required);
	else
		snprintf(remedy, sizeof remedy, "%s%s%s", report_remedy(failure), why[0] ? "; " : "", why);
	send_failed(spawner, call, failure->code, failure->layer, step, remedy);
}

void report_required(struct spawner *spawner, uint32_t call, const char *layer)
{
	char step[LIMIT_REMEDY_BYTES], why[LIMIT_REMEDY_BYTES];

	write_why(spawner, why, sizeof why);
	if (!strcmp(layer, "cgroup")) {
		snprintf(step, sizeof step, "what sandbox.requireLayers asks for: %s", spawner->cgroups.why);
		send_failed(spawner, call, -EOPNOTSUPP, layer, step, report_group_remedy(&spawner->cgroups));
		return;
	}
	snprintf(step, sizeof step, "what sandbox.requireLayers asks for under profile %s",
		 confinement_name(spawner->confinement));
	send_failed(spawner, call, -EOPNOTSUPP, layer, step,
		    why[0] ? why : "take the layer out of the policy");
}

void report_died(struct spawner *spawner, const struct instance *instance)
{
	static const uint32_t kinds[] = {[EXECUTOR_SANDBOX] = SPAWNER_SANDBOX,
					 [EXECUTOR_FILES] = SPAWNER_FILES,
					 [EXECUTOR_SEARCH] = SPAWNER_SEARCH,
					 [EXECUTOR_WEB] = SPAWNER_WEB};
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header = {.type = SPAWNER_DIED, .value = instance->id};
	uint64_t killed = 0;

	if (!instance->told)
		return;
	memory_events_killed(instance->events, &killed);
	frame_put_u32(&payload, kinds[instance->profile]);
	frame_put_u32(&payload, (uint32_t)instance->status);
	frame_put_u64(&payload, killed);
	send_frame(spawner, &header, &payload, NULL, 0);
}
