/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits for a command: one call at a time, told of its end, or of what has come and that it runs on. The
 * call that began it is told what its windows kept; others read the log from a cursor on.
 */
#include <errno.h>

#include "protocol/limits.h"
#include "sandbox/keeper/wire.h"
#include "server/command_parts.h"

/* ---- what is told ---- */

static int take_piece(void *context, int stream, const char *bytes, size_t length)
{
	command_output_add(context, stream, bytes, length);
	return 0;
}

void command_read_log(struct command *command, uint64_t since, size_t most, struct command_outcome *outcome,
		      struct command_output *output)
{
	bool ended = command->state == COMMAND_ENDED;
	uint64_t lost, read;
	size_t length, kept = 0;

	outcome->output = output;
	outcome->reading = true;
	outcome->next = since;
	do {
		length = command_log_cut(&command->log, outcome->next, most - kept, ended);
		command_log_read(&command->log, outcome->next, length, take_piece, output, &outcome->next,
				 &lost);
		outcome->lost_bytes += lost;
		kept = command_output_merged(output)->total;
		/* of lines that were written over little is left: then there is room for more */
		read = outcome->next - since - outcome->lost_bytes;
	} while (length && kept < read && kept < most / 2 && read < LIMIT_READ_FOLDED_BYTES);
	outcome->unread = command_log_total(&command->log) - outcome->next;
	if (!ended && outcome->unread == command_log_begun(&command->log))
		outcome->unread = 0;
}

void command_describe(const struct command *command, struct command_outcome *outcome)
{
	const struct loop *loop = command->sandboxes->loop;

	*outcome = command->outcome;
	outcome->running = command->state != COMMAND_ENDED;
	outcome->place = command->state == COMMAND_WAITING ? command_place(command) : 0;
	outcome->id = command->handle.id[0] ? command->handle.id : NULL;
	outcome->denials = &command->denials;
	outcome->output = &command->output;
	if (!outcome->running)
		return;
	outcome->waits_for_input = command->waits != KEEPER_WAITS_NOT;
	outcome->waits_in_vain = command->waits == KEEPER_WAITS_IN_VAIN;
	outcome->duration_ns = outcome->place ? 0 : loop->now - command->started;
	outcome->quiet_ns = loop->now - (command->newest ? command->newest : command->started);
}

static int take_said(void *context, int stream, const char *bytes, size_t length)
{
	return stream == 0 ? buffer_append(context, bytes, length) : 0;
}

/* What a question's output says is the tool's to read: out of the log, since windows are of text. */
static int answer_look(struct command *command, struct tool_result *result)
{
	struct buffer said;
	uint64_t next, lost;
	int code = -EPROTO;

	buffer_init(&said, LIMIT_FRAME_BYTES);
	if (!command->outcome.timed_out && command->outcome.wait_status == 0 &&
	    command_log_read(&command->log, 0, LIMIT_FRAME_BYTES, take_said, &said, &next, &lost) == 0 &&
	    lost == 0)
		code = command->listener.call->tool->looked(result, buffer_data(&said), buffer_length(&said));
	buffer_deinit(&said);
	return code;
}

static int write_answer(struct command *command, struct tool_result *result)
{
	const struct listener *listener = &command->listener;
	struct command_outcome outcome;
	struct command_output output;
	int code;

	command_output_init(&output, OUTPUT_HEAD, listener->most);
	command_describe(command, &outcome);
	if (listener->reading)
		command_read_log(command, listener->since, listener->most, &outcome, &output);
	/* the next read goes on behind it */
	command->handle.read_to =
		listener->reading ? outcome.next
		: outcome.running ? command_log_total(&command->log) - command_log_begun(&command->log)
				  : command_log_total(&command->log);
	if (!listener->reading)
		command->handle.cut = command_output_omits(&command->output);
	else if (!outcome.unread)
		command->handle.cut = false;
	code = command_outcome_write(result, &outcome);
	command_output_deinit(&output);
	return code;
}

/* ---- answering ---- */

/* Nobody listens any more. */
static void release(struct command *command)
{
	struct call *call = command->listener.call;

	loop_timer_clear(command->sandboxes->loop, &command->progress);
	command->listener.call = NULL;
	if (command->begun == call)
		command->begun = NULL;
	call->command = NULL;
	call_release(call);
}

/* The call that began it is told by windows; if it goes on, or they left something out, others may read. */
static bool needs_handle(const struct command *command)
{
	if (command->look || command->refusal)
		return false;
	return command->state != COMMAND_ENDED || command_output_omits(&command->output);
}

void command_answer(struct command *command)
{
	struct call *call = command->listener.call;
	int code;

	if (!call)
		return;
	if (call->mcp && command->refusal) {
		result_fail(&call->result, "%s", command->refusal);
		command->handle.read_to = command_log_total(&command->log); /* there is no more to be told */
	} else if (call->mcp) {
		if (needs_handle(command))
			handle_give(command);
		code = command->look ? answer_look(command, &call->result)
				     : write_answer(command, &call->result);
		if (code == -EPROTO)
			result_fail(&call->result, "the sandbox was asked and gave no answer; try again");
		else if (code < 0)
			result_fail(&call->result, "the command's result could not be written: %s",
				    code == -EMSGSIZE ? "too large" : "out of memory");
		else
			result_finish(&call->result);
	}
	call->mcp = NULL;
	release(command);
}

void command_tell(struct command *command)
{
	struct listener *listener = &command->listener;

	if (listener->asked || command->look || command->state != COMMAND_RUNNING) {
		command_answer(command);
		return;
	}
	listener->asked = true;
	command->waits = KEEPER_WAITS_NOT;
	listener->until = command->sandboxes->loop->now + LOOP_MS(LIMIT_STATE_MS);
	command_ask_state(command);
}

int command_take_state(struct command *command, const struct frame_header *header)
{
	struct frame_reader reader;
	uint64_t cpu_us, memory_bytes;
	uint32_t waits, processes;

	frame_read(&reader, buffer_data(&command->sandboxes->frame), header->length);
	waits = frame_get_u32(&reader);
	cpu_us = frame_get_u64(&reader);
	memory_bytes = frame_get_u64(&reader);
	processes = frame_get_u32(&reader);
	if (frame_done(&reader) < 0 || waits > KEEPER_WAITS_IN_VAIN)
		return -EPROTO;
	command->waits = waits;
	command->use.cpu_us = cpu_us;
	command->use.memory_bytes = memory_bytes;
	command->use.processes = processes;
	if (command->caller)
		listings_hear(command->caller);
	if (command->listener.asked) {
		command_answer(command);
		command_schedule(command);
	}
	return 0;
}

/* ---- listening ---- */

/* Is there anything to read from the listener's cursor on? */
static bool has_news(struct command *command)
{
	uint64_t total = command_log_total(&command->log), since = command->listener.since;

	return total > since && total - since > command_log_begun(&command->log);
}

/* Something has come, and then nothing for a moment: that is worth an answer. */
static void wait_for_quiet(struct command *command)
{
	struct listener *listener = &command->listener;
	uint64_t quiet = command->newest + LOOP_MS(LIMIT_QUIET_MS);

	listener->until = quiet < listener->latest ? quiet : listener->latest;
}

int command_listen(struct command *command, const struct listener *listener)
{
	struct loop *loop = command->sandboxes->loop;
	struct call *call = listener->call;

	command_answer(command);
	command->listener = *listener;
	command->listener.latest = listener->until;
	call->command = command;
	if (listener->what == LISTEN_OUTPUT && has_news(command))
		wait_for_quiet(command);
	/* who has just begun is answered a turn later: it may run by then */
	if (command->state == COMMAND_ENDED || (listener->reading && command->listener.until <= loop->now)) {
		command_answer(command);
		if (command->state == COMMAND_ENDED)
			command_keep(command);
		return 0;
	}
	if (mcp_call_wants_progress(call->mcp))
		loop_timer_set(loop, &command->progress, call->begun + LOOP_MS(LIMIT_PROGRESS_MS));
	return command_schedule(command);
}

void command_unlisten(struct command *command, struct call *call)
{
	if (command->begun == call) {
		command_kill(command); /* answered when nothing of it is alive */
	} else {
		release(command);
		command_schedule(command);
	}
}

void command_said(struct command *command)
{
	const struct listener *listener = &command->listener;

	command->newest = command->sandboxes->loop->now;
	if (command->watched)
		command_update(command);
	if (!listener->call || listener->what != LISTEN_OUTPUT || listener->asked)
		return;
	if (command_log_total(&command->log) - listener->since >= listener->most)
		command_answer(command);
	else if (has_news(command))
		wait_for_quiet(command);
	command_schedule(command);
}

/* The newest line of what it says, or when it is its turn. */
static int write_news(struct command *command, struct buffer *message)
{
	if (command->state == COMMAND_WAITING)
		return buffer_printf(message, " · waits for its turn: place %u", command_place(command));
	return output_newest_line(command_output_merged(&command->output), message);
}

void command_tell_progress(struct loop_timer *timer)
{
	struct command *command = (struct command *)((char *)timer - offsetof(struct command, progress));
	struct loop *loop = command->sandboxes->loop;
	struct call *call = command->listener.call;
	struct buffer message;
	double elapsed;

	if (!call || !call->mcp)
		return;
	elapsed = (double)(loop->now - call->begun);
	buffer_init(&message, LIMIT_FRAME_BYTES);
	if (buffer_printf(&message, "%.1f s", elapsed / 1e9) == 0 && write_news(command, &message) == 0)
		mcp_call_progress(call->mcp, elapsed / 1e6, buffer_data(&message), buffer_length(&message));
	buffer_deinit(&message);
	loop_timer_set(loop, &command->progress, loop->now + LOOP_MS(LIMIT_PROGRESS_MS));
}
