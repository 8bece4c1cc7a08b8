/* SPDX-License-Identifier: Apache-2.0 */
/* What a nanny says of its command. It is believed about nothing else. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "protocol/limits.h"
#include "sandbox/keeper/wire.h"
#include "server/command_parts.h"

static int take_ended(struct command *command, const struct frame_header *header)
{
	struct command_outcome outcome = {0};
	struct frame_reader reader;

	frame_read(&reader, buffer_data(&command->sandboxes->frame), header->length);
	outcome.wait_status = (int)frame_get_u32(&reader);
	outcome.cpu_us = frame_get_u64(&reader);
	outcome.cpu_us += frame_get_u64(&reader);
	outcome.peak_memory_bytes = frame_get_u64(&reader);
	outcome.leftovers = frame_get_u32(&reader);
	if (frame_done(&reader) < 0 || !(WIFEXITED(outcome.wait_status) || WIFSIGNALED(outcome.wait_status)))
		return -EPROTO;
	supervisor_hear_denials(command->sandboxes->supervisor);
	command_report(command, &outcome);
	return 0;
}

static int take_failed(struct command *command, const struct frame_header *header)
{
	struct frame_reader reader;
	char step[64], target[LIMIT_PATH_BYTES], text[LIMIT_PATH_BYTES + 128];

	frame_read(&reader, buffer_data(&command->sandboxes->frame), header->length);
	frame_get_text(&reader, step, sizeof step);
	frame_get_text(&reader, target, sizeof target);
	if (frame_done(&reader) < 0)
		return -EPROTO;
	if (command->listener.call && !command->handle.id[0]) {
		if (command->listener.call->mcp)
			command_outcome_fail(&command->listener.call->result, step, target,
					     (int)header->value, &command->denials);
		command->listener.call->mcp = NULL;
		command_free(command);
		return 0;
	}
	snprintf(text, sizeof text, "the command did not start: %s \"%s\": %s", step, target,
		 strerror((int)header->value));
	command_refuse(command, text);
	return 0;
}

void command_denied(struct command *command, const struct denial *denial)
{
	command->sandboxes->denials++;
	command_denials_add(&command->denials, denial);
}

static int take_denied(struct command *command, const struct frame_header *header)
{
	struct denial denial;
	int result = denial_decode_command(&denial, buffer_data(&command->sandboxes->frame), header->length);

	if (result == 0)
		command_denied(command, &denial);
	return result;
}

void command_heard(struct loop_source *source, uint32_t events)
{
	struct command *command = (struct command *)((char *)source - offsetof(struct command, leash));
	struct sandboxes *sandboxes = command->sandboxes;
	struct caller *caller = command->caller;
	struct frame_header header;
	int result = frame_receive(source->fd, &header, &sandboxes->frame, NULL, MSG_DONTWAIT);

	/* ECONNRESET: it closed with an order of ours unread; what it said last comes behind that */
	if (result == -EAGAIN || result == -ECONNRESET)
		return;
	if (result == 0) {
		if (header.type == KEEPER_ENDED)
			result = take_ended(command, &header);
		else if (header.type == KEEPER_FAILED)
			result = take_failed(command, &header);
		else if (header.type == KEEPER_DENIED)
			result = take_denied(command, &header);
		else if (header.type == KEEPER_STATE)
			result = command_take_state(command, &header);
		else
			result = -EPROTO;
	}
	if (result == -EPROTO) { /* it lies: the sandbox goes, and all that runs there */
		loop_close_sole(sandboxes->loop, source);
		sandbox_end(command->sandbox);
	} else if (result < 0) {
		command_orphan(command);
	}
	sandboxes_serve(sandboxes);
	if (caller)
		caller_serve(caller);
}
