/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's sandbox and the commands that wait for it or run in it. It is asked for when the first command
 * comes, and anew when it died.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "server/command_parts.h"

static const char no_descriptors[] =
	"the command was not started: the server has no file descriptors left (EMFILE). Try again when other "
	"calls have ended, or let the server be started with a higher `ulimit -n`.";
static const char no_sandbox[] =
	"the command was not started: the sandbox did not take the request. Nothing was done; try again.";

/* Out of descriptors, in this process, in the system, or on their way to a nanny. */
static bool is_exhausted(int result)
{
	return result == -EMFILE || result == -ENFILE || result == -ETOOMANYREFS;
}

/*
 * As many as our descriptors suffice for. A frame whose descriptors find no room here arrives cut, which
 * looks like a lie and costs the spawner its life, so some always stay free.
 */
static unsigned room_for_commands(void)
{
	struct rlimit files;
	rlim_t room;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur == RLIM_INFINITY)
		return LIMIT_COMMANDS_AT_ONCE;
	if (files.rlim_cur < LIMIT_FRONTEND_FILES + 4)
		return 1;
	room = (files.rlim_cur - LIMIT_FRONTEND_FILES) / 4; /* leash and three pipes */
	return room < LIMIT_COMMANDS_AT_ONCE ? (unsigned)room : LIMIT_COMMANDS_AT_ONCE;
}

void commands_send_waiting(struct commands *commands)
{
	while (commands->waiting && commands->door.fd >= 0 && commands->running_count < commands->at_once) {
		struct command *command = commands->waiting;
		int result = command_connect(command);

		if (result == -EAGAIN) {
			loop_change(commands->loop, &commands->door, EPOLLOUT);
			return;
		}
		if (is_exhausted(result) && commands->running_count)
			break; /* the end of one of those gives its descriptors back */
		if (result < 0) {
			command_refuse(command, is_exhausted(result) ? no_descriptors : no_sandbox);
			command_free(command);
			continue;
		}
		command_delist(command);
		command_enlist(command, &commands->running);
		commands->running_count++;
		command->state = COMMAND_RUNNING;
		command->started = commands->loop->now;
		buffer_deinit(&command->request);
	}
	loop_change(commands->loop, &commands->door, 0);
}

/* The door is only written to; its end of file is told by the spawner too. */
static void door_ready(struct loop_source *source, uint32_t events)
{
	struct commands *commands = (struct commands *)((char *)source - offsetof(struct commands, door));

	if (events & (EPOLLHUP | EPOLLERR))
		supervisor_kill(commands->supervisor, &commands->sandbox);
	else
		commands_send_waiting(commands);
}

static void sandbox_started(struct supervised *supervised, struct frame_descriptors *descriptors)
{
	struct commands *commands = (struct commands *)supervised;
	int door = frame_descriptors_take(descriptors, 0);

	if (door < 0 || loop_watch(commands->loop, &commands->door, door, 0) < 0) {
		if (door >= 0)
			close(door);
		supervisor_kill(commands->supervisor, supervised);
		return;
	}
	commands_send_waiting(commands);
}

static void sandbox_failed(struct supervised *supervised, const struct supervisor_failure *failure)
{
	struct commands *commands = (struct commands *)supervised;

	while (commands->waiting) {
		call_refuse(commands->waiting->call, "sandbox", failure);
		command_free(commands->waiting);
	}
}

static void sandbox_died(struct supervised *supervised)
{
	struct commands *commands = (struct commands *)supervised;

	loop_close(commands->loop, &commands->door);
	while (commands->running)
		command_lost(commands->running);
	if (commands->waiting) /* they were not part of it: a new sandbox takes them */
		supervisor_start(commands->supervisor, &commands->sandbox);
}

int commands_new(struct commands **commands, struct loop *loop, struct supervisor *supervisor,
		 const struct tool_context *context)
{
	struct commands *new = calloc(1, sizeof *new);

	if (!new)
		return -ENOMEM;
	new->loop = loop;
	new->supervisor = supervisor;
	new->context = context;
	new->door = (struct loop_source){.fd = -1, .ready = door_ready};
	new->sandbox = (struct supervised){.kind = SPAWNER_SANDBOX,
					   .started = sandbox_started,
					   .failed = sandbox_failed,
					   .died = sandbox_died};
	new->at_once = room_for_commands();
	buffer_init(&new->frame, LIMIT_MESSAGE_FRAME_BYTES);
	if (buffer_reserve(&new->frame, LIMIT_MESSAGE_FRAME_BYTES) <
	    0) { /* so that a report can always be read */
		free(new);
		return -ENOMEM;
	}
	*commands = new;
	return 0;
}

void commands_free(struct commands *commands)
{
	if (!commands)
		return;
	while (commands->running)
		command_free(commands->running);
	while (commands->waiting)
		command_free(commands->waiting);
	loop_close(commands->loop, &commands->door);
	buffer_deinit(&commands->frame);
	free(commands);
}
