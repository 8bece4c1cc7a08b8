/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor's side of its own birth (executor.h): the plan, what the spawner tells it, the layers, and the
 * word that it stands. Runs before anything hostile was read.
 */
#include "sandbox/executor.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/build.h"
#include "sandbox/layers/layer.h"
#include "sandbox/spawner/setup.h"

int executor_fail(const char *layer, const char *step, int code, const char *detail)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header = {.type = SETUP_FAILED, .value = (uint32_t)-code};

	if (frame_put_text(&payload, layer) == 0 && frame_put_text(&payload, step) == 0 &&
	    frame_put_text(&payload, detail) == 0)
		frame_send(SETUP_SOCKET, &header, buffer_data(&payload), buffer_length(&payload), NULL, 0, 0);
	return code;
}

int setup_ask(uint16_t request, uint32_t uid, uint32_t gid, uint16_t answer, int *fd)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	_cleanup_(frame_descriptors_close) struct frame_descriptors descriptors;
	struct frame_header header = {.type = request};
	int result;

	frame_descriptors_init(&descriptors);
	result = frame_put_u32(&payload, uid);
	if (result == 0)
		result = frame_put_u32(&payload, gid);
	if (result == 0)
		result = frame_send(SETUP_SOCKET, &header, buffer_data(&payload), buffer_length(&payload),
				    NULL, 0, 0);
	if (result == 0)
		result = frame_receive(SETUP_SOCKET, &header, &payload, &descriptors, 0);
	if (result < 0)
		return result;
	if (header.type != answer)
		return -EPROTO;
	if (header.value)
		return -(int)header.value;
	if (fd) {
		*fd = frame_descriptors_take(&descriptors, 0);
		return *fd < 0 ? -EPROTO : 0;
	}
	return 0;
}

/* Who the spawner says we are to be; as an ordinary user this also means that the id maps are written. */
static int receive_identity(struct executor *executor)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header;
	struct frame_reader reader;
	int result;

	result = frame_receive(SETUP_SOCKET, &header, &payload, NULL, 0);
	if (result < 0)
		return result;
	frame_read(&reader, buffer_data(&payload), buffer_length(&payload));
	executor->confinement = (enum confinement)frame_get_u32(&reader);
	executor->privileged = frame_get_u32(&reader) != 0;
	executor->uid = frame_get_u32(&reader);
	executor->gid = frame_get_u32(&reader);
	executor->memory = frame_get_u64(&reader);
	executor->grouped = frame_get_u32(&reader) != 0;
	executor->private = frame_take_text(&reader, LIMIT_PATH_BYTES);
	if (header.type != SETUP_IDENTITY || frame_done(&reader) < 0 ||
	    !profile_find(executor->profile, executor->confinement))
		return -EPROTO;
	return 0;
}

int executor_receive(enum executor_profile profile, struct executor *executor, struct err *err)
{
	int result;

	*executor = (struct executor){.profile = profile, .command_ruleset = -1, .reach = -1};
	result = receive_identity(executor);
	if (result < 0)
		return err_set(err, result,
			       "the spawner does not answer (%s): this program is started by sallyport only",
			       err_name(result));
	result = plan_read(&executor->plan, SETUP_PLAN, err);
	if (result < 0)
		return executor_fail("plan", "read", result, err ? err->text : "");
	close(SETUP_PLAN);
	if (executor->memory)
		plan_fit_memory(&executor->plan, executor->memory, executor->grouped);
	return 0;
}

int executor_enter(struct executor *executor, struct err *err)
{
	struct layer_context context = {.profile = profile_find(executor->profile, executor->confinement),
					.executor = executor};
	uint8_t ready[FRAME_HEADER_BYTES];
	const char *layer = NULL;
	int result = build_confinement(&context, &layer);

	if (result == 0 && executor->last) {
		layer = "supervisor";
		result = executor->last(executor, executor->context, &context.failure.step);
	}
	if (result < 0) {
		executor_fail(layer, context.failure.step, result, context.failure.detail);
		return err_set(err, result, "%s: %s: %s %s", layer, context.failure.step, err_name(result),
			       context.failure.detail);
	}
	/* one write is one frame here, and filters without sendmsg permit it */
	frame_encode(&(struct frame_header){.type = SETUP_READY}, ready);
	if (write(SETUP_SOCKET, ready, sizeof ready) != sizeof ready)
		return err_set(err, -EPIPE, "the spawner is gone");
	if (!context.profile->keep_setup)
		close(SETUP_SOCKET);
	return 0;
}

void executor_deinit(struct executor *executor)
{
	if (executor->workspaces)
		for (size_t i = 0; i < executor->plan.workspace_count; i++)
			close_fd(&executor->workspaces[i]);
	free(executor->workspaces);
	free(executor->private);
	free(executor->hidden);
	close_fd(&executor->command_ruleset);
	close_fd(&executor->reach);
	executor->workspaces = NULL;
	plan_deinit(&executor->plan);
}
