/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spare and spawner as the frontend sees them. Their frames are checked like anybody's: a spawner that sends
 * nonsense is dropped, which ends it and all it started, and the spare takes its place.
 */
#include "server/supervisor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "sandbox/spawner/spare.h"

static void rest_later(struct supervisor *supervisor);

/* Takes one off the list; it is over, in whichever way. */
static void unlink_supervised(struct supervised *supervised)
{
	struct supervisor *supervisor = supervised->supervisor;

	for (struct supervised **at = &supervisor->all; *at; at = &(*at)->next) {
		if (*at == supervised) {
			*at = supervised->next;
			break;
		}
	}
	loop_timer_clear(supervisor->loop, &supervised->bound);
	loop_forget(supervisor->loop, &supervised->process);
	close_fd(&supervised->pidfd);
	supervised->state = SUPERVISED_NONE;
	supervised->next = NULL;
	rest_later(supervisor);
}

static void fail(struct supervised *supervised, int error, const char *layer, const char *step,
		 const char *remedy)
{
	struct supervisor_failure failure = {.error = error};

	snprintf(failure.layer, sizeof failure.layer, "%s", layer);
	snprintf(failure.step, sizeof failure.step, "%s", step);
	snprintf(failure.remedy, sizeof failure.remedy, "%s", remedy);
	unlink_supervised(supervised);
	supervised->failed(supervised, &failure);
}

/* ---- deaths ---- */

static void settle(struct supervised *supervised, bool gone)
{
	unlink_supervised(supervised);
	supervised->died(supervised, gone);
}

static void process_ended(struct loop_source *source, uint32_t events)
{
	settle((struct supervised *)((char *)source - offsetof(struct supervised, process)), true);
}

static void death_overdue(struct loop_timer *timer)
{
	settle((struct supervised *)((char *)timer - offsetof(struct supervised, bound)), false);
}

/* From here its death is all that is expected of it. */
static void await_death(struct supervised *supervised, enum supervised_state state)
{
	struct loop *loop = supervised->supervisor->loop;

	supervised->state = state;
	if (!supervised->bound.place)
		loop_timer_set(loop, &supervised->bound, loop->now + LOOP_MS(LIMIT_DEATH_MS));
	if (state == SUPERVISED_BEREAVED)
		loop_watch(loop, &supervised->process, supervised->pidfd, EPOLLIN); /* or the bound fires */
}

/*
 * The spawner is gone, and what it started is about to be: the kernel kills it. What was still starting was
 * never had; callbacks may start anew, so those are taken off the list first.
 */
static void everything_dies(struct supervisor *supervisor)
{
	struct supervised **at = &supervisor->all, *starting = NULL;

	while (*at) {
		struct supervised *supervised = *at;

		if (supervised->state != SUPERVISED_STARTING) {
			if (supervised->state != SUPERVISED_BEREAVED)
				await_death(supervised, SUPERVISED_BEREAVED);
			at = &supervised->next;
			continue;
		}
		*at = supervised->next;
		supervised->next = starting;
		starting = supervised;
	}
	while (starting) {
		struct supervised *supervised = starting;

		starting = supervised->next;
		fail(supervised, EPIPE, SUPERVISOR_LAYER, "the spawner ended meanwhile",
		     "Try again; a new spawner takes over.");
	}
}

static void drop_spawner(struct supervisor *supervisor, const char *why)
{
	if (supervisor->spawner.fd < 0)
		return;
	loop_close(supervisor->loop, &supervisor->spawner);
	supervisor->warn(why);
	everything_dies(supervisor);
}

/* ---- a spawner with nothing to do ---- */

static void rest_later(struct supervisor *supervisor)
{
	/* without memory for the timer it just stays */
	if (!supervisor->all && supervisor->spawner.fd >= 0)
		loop_timer_set(supervisor->loop, &supervisor->rest,
			       supervisor->loop->now + LOOP_MS(LIMIT_SPAWNER_REST_MS));
}

/* End of file ends it; it has no instance left that could notice. */
static void rest_now(struct loop_timer *timer)
{
	struct supervisor *supervisor =
		(struct supervisor *)((char *)timer - offsetof(struct supervisor, rest));

	if (supervisor->all || supervisor->spawner.fd < 0)
		return;
	if (supervisor->spare.fd < 0) { /* it is to make the next one first */
		rest_later(supervisor);
		return;
	}
	loop_close(supervisor->loop, &supervisor->spawner);
}

/* ---- frames from the spawner ---- */

static struct supervised *find_starting(struct supervisor *supervisor, uint32_t request)
{
	for (struct supervised *at = supervisor->all; at; at = at->next)
		if (at->state == SUPERVISED_STARTING && at->request == request)
			return at;
	return NULL;
}

/* Of this spawner: the numbers of those that a former one left are its own affair. */
static struct supervised *find_instance(struct supervisor *supervisor, uint32_t instance)
{
	for (struct supervised *at = supervisor->all; at; at = at->next)
		if ((at->state == SUPERVISED_RUNNING || at->state == SUPERVISED_ENDING) &&
		    at->instance == instance)
			return at;
	return NULL;
}

static int take_failed(struct supervisor *supervisor, const struct frame_header *header)
{
	struct supervised *supervised = find_starting(supervisor, header->call);
	struct supervisor_failure failure = {.error = (int)header->value};
	struct frame_reader reader;

	frame_read(&reader, buffer_data(&supervisor->payload), header->length);
	frame_get_text(&reader, failure.layer, sizeof failure.layer);
	frame_get_text(&reader, failure.step, sizeof failure.step);
	frame_get_text(&reader, failure.remedy, sizeof failure.remedy);
	failure.confinement = (enum confinement)frame_get_u32(&reader);
	if (!supervised || frame_done(&reader) < 0)
		return -EPROTO;
	unlink_supervised(supervised);
	supervised->failed(supervised, &failure);
	return 0;
}

/* Less than before: the log says so, and explain_access does from here. */
static void note_confinement(struct supervisor *supervisor, enum confinement confinement, const char *why)
{
	struct confinement_found *found = &supervisor->found;
	char line[sizeof found->why + 64];

	found->profile = confinement;
	snprintf(found->why, sizeof found->why, "%s", why);
	if (!*why)
		return;
	snprintf(line, sizeof line, "calls run under profile %s: %s", confinement_name(confinement), why);
	supervisor->warn(line);
}

static int take_started(struct supervisor *supervisor, const struct frame_header *header,
			struct frame_descriptors *descriptors)
{
	struct supervised *supervised = find_starting(supervisor, header->call);
	struct frame_reader reader;
	enum confinement confinement;
	char why[sizeof supervisor->found.why];

	frame_read(&reader, buffer_data(&supervisor->payload), header->length);
	frame_get_u32(&reader);
	confinement = (enum confinement)frame_get_u32(&reader);
	frame_get_text(&reader, why, sizeof why);
	if (!supervised || descriptors->count < 2 || frame_done(&reader) < 0 ||
	    confinement >= CONFINEMENT_COUNT)
		return -EPROTO;
	if (confinement > supervisor->found.profile)
		note_confinement(supervisor, confinement, why);
	supervised->pidfd = frame_descriptors_take(descriptors, --descriptors->count);
	supervised->state = SUPERVISED_RUNNING;
	supervised->instance = header->value;
	supervised->started(supervised, descriptors);
	return 0;
}

static int take_died(struct supervisor *supervisor, const struct frame_header *header)
{
	struct supervised *supervised = find_instance(supervisor, header->value);
	struct frame_reader reader;
	uint64_t killed;

	frame_read(&reader, buffer_data(&supervisor->payload), header->length);
	frame_get_u32(&reader); /* its kind is known, and how it ended is nobody's concern */
	frame_get_u32(&reader);
	killed = frame_get_u64(&reader);
	if (frame_done(&reader) < 0)
		return -EPROTO;
	if (!supervised) /* its death was overdue */
		return 0;
	supervised->killed_for_memory = killed;
	settle(supervised, true);
	return 0;
}

static void watch_spare(struct supervisor *supervisor, int socket)
{
	if (socket >= 0 && supervisor->spare.fd < 0 &&
	    loop_watch(supervisor->loop, &supervisor->spare, socket, EPOLLIN) == 0)
		return;
	if (socket >= 0)
		close(socket);
}

static int take_frame(struct supervisor *supervisor, const struct frame_header *header,
		      struct frame_descriptors *descriptors)
{
	switch (header->type) {
	case SPAWNER_STARTED:
		return take_started(supervisor, header, descriptors);
	case SPAWNER_FAILED:
		return take_failed(supervisor, header);
	case SPAWNER_DIED:
		return take_died(supervisor, header);
	case SPAWNER_SPARED:
	case SPARE_NEXT: /* said by the spare on its way to becoming the spawner */
		watch_spare(supervisor, frame_descriptors_take(descriptors, 0));
		return 0;
	case SPAWNER_FILED:
		if (!supervisor->filed)
			return -EPROTO;
		supervisor->filed(supervisor->context, header->call, frame_descriptors_take(descriptors, 0));
		return 0;
	case SPAWNER_DENIALS:
		return supervisor_take_denials(supervisor, frame_descriptors_take(descriptors, 0));
	case SPARE_FAILED:
	default:
		return -EPROTO;
	}
}

static void spawner_ready(struct loop_source *source, uint32_t events)
{
	struct supervisor *supervisor =
		(struct supervisor *)((char *)source - offsetof(struct supervisor, spawner));

	while (source->fd >= 0) {
		struct frame_descriptors descriptors;
		struct frame_header header;
		int result =
			frame_receive(source->fd, &header, &supervisor->payload, &descriptors, MSG_DONTWAIT);

		if (result == -EAGAIN)
			return;
		if (result == 0) {
			result = take_frame(supervisor, &header, &descriptors);
			frame_descriptors_close(&descriptors);
		}
		if (result < 0) {
			drop_spawner(supervisor,
				     result == -EPROTO ? "the spawner sent a malformed frame and was replaced"
						       : "the spawner ended; the spare takes its place");
			return;
		}
	}
}

/* The spare says nothing while it waits: this is its end. */
static void spare_ready(struct loop_source *source, uint32_t events)
{
	struct supervisor *supervisor =
		(struct supervisor *)((char *)source - offsetof(struct supervisor, spare));
	struct frame_header request = {.type = SPAWNER_SPARE};

	loop_close(supervisor->loop, source);
	if (supervisor->spawner.fd >= 0)
		frame_send(supervisor->spawner.fd, &request, NULL, 0, NULL, 0, MSG_DONTWAIT);
	else
		supervisor->warn(
			"the spare process was killed: tools cannot be started any more, restart the server");
}

/* ---- requests ---- */

/* Has a spawner: if there is none yet, the spare becomes it on the same socket. */
static int ensure_spawner(struct supervisor *supervisor)
{
	struct frame_header go = {.type = SPARE_GO};
	int socket = supervisor->spare.fd, result;

	if (supervisor->spawner.fd >= 0)
		return 0;
	if (socket < 0)
		return -ECHILD;
	loop_forget(supervisor->loop, &supervisor->spare);
	result = frame_send(socket, &go, NULL, 0, NULL, 0, MSG_DONTWAIT);
	if (result == 0)
		result = loop_watch(supervisor->loop, &supervisor->spawner, socket, EPOLLIN);
	if (result < 0)
		close(socket);
	return result;
}

void supervisor_start(struct supervisor *supervisor, struct supervised *supervised)
{
	struct frame_header request = {.type = SPAWNER_START, .value = supervised->kind};
	uint32_t caller = htole32(supervised->caller);
	int result = supervisor->unsealed ? -supervisor->unsealed : ensure_spawner(supervisor);

	supervised->supervisor = supervisor;
	supervised->state = SUPERVISED_STARTING;
	supervised->request = request.call = ++supervisor->last_request;
	supervised->pidfd = -1;
	supervised->process = (struct loop_source){.fd = -1, .ready = process_ended};
	supervised->bound = (struct loop_timer){.fire = death_overdue};
	supervised->next = supervisor->all;
	supervisor->all = supervised;
	loop_timer_clear(supervisor->loop, &supervisor->rest);
	if (supervisor->unsealed) {
		fail(supervised, supervisor->unsealed, "seccomp", "the server's own filter",
		     "the kernel must be built with CONFIG_SECCOMP_FILTER, and a container's filter must "
		     "permit "
		     "the call seccomp");
		return;
	}
	if (result == 0)
		result = frame_send(supervisor->spawner.fd, &request, &caller, sizeof caller, NULL, 0,
				    MSG_DONTWAIT);
	if (result < 0)
		fail(supervised, -result, SUPERVISOR_LAYER, "asking the spawner",
		     result == -ECHILD ? "Restart the server: spawner and spare were both killed."
				       : "Try again; if it stays so, restart the server.");
}

void supervisor_kill(struct supervised *supervised)
{
	struct supervisor *supervisor = supervised->supervisor;
	struct frame_header request = {.type = SPAWNER_KILL, .value = supervised->instance};

	if (supervised->state != SUPERVISED_RUNNING)
		return;
	await_death(supervised, SUPERVISED_ENDING);
	if (frame_send(supervisor->spawner.fd, &request, NULL, 0, NULL, 0, MSG_DONTWAIT) < 0)
		drop_spawner(supervisor, "the spawner does not take requests and was replaced");
}

int supervisor_file(struct supervisor *supervisor, uint32_t number)
{
	struct frame_header request = {.type = SPAWNER_FILE, .call = number};

	return supervisor->spawner.fd < 0
		       ? -ECHILD
		       : frame_send(supervisor->spawner.fd, &request, NULL, 0, NULL, 0, MSG_DONTWAIT);
}

int supervisor_init(struct supervisor *supervisor, struct loop *loop, int spare,
		    void (*warn)(const char *text), struct err *err)
{
	int result;

	*supervisor = (struct supervisor){.loop = loop, .warn = warn};
	supervisor->spare = (struct loop_source){.fd = -1, .ready = spare_ready};
	supervisor->spawner = (struct loop_source){.fd = -1, .ready = spawner_ready};
	supervisor->rest.fire = rest_now;
	supervisor->denials = (struct loop_source){.fd = -1};
	buffer_init(&supervisor->payload, LIMIT_MESSAGE_FRAME_BYTES);
	result = loop_watch(loop, &supervisor->spare, spare, EPOLLIN);
	if (result < 0)
		return err_set(err, result, "the spare process cannot be watched: %s", err_name(result));
	return 0;
}

int supervisor_end(struct supervisor *supervisor)
{
	int spawner = supervisor->spawner.fd;

	loop_timer_clear(supervisor->loop, &supervisor->rest);
	loop_close(supervisor->loop, &supervisor->spare);
	loop_forget(supervisor->loop, &supervisor->spawner);
	supervisor_end_denials(supervisor);
	if (spawner >= 0)
		shutdown(spawner, SHUT_WR);
	return spawner;
}

void supervisor_deinit(struct supervisor *supervisor)
{
	buffer_deinit(&supervisor->payload);
}
