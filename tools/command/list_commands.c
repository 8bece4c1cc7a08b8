/* SPDX-License-Identifier: Apache-2.0 */
/* list_commands: a caller's commands that run, and those that have ended and were not read to their end. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/command/handle.h"
#include "tools/command/run_command.h"

static const struct field input[] = {{0}};

static const struct field line[] = {
	{.name = "id", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "command", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "state", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "age_ms", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "unread_bytes", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "cpu_ms", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "memory_bytes", .type = FIELD_INTEGER},
	{.name = "processes", .type = FIELD_INTEGER},
	{0},
};

static const struct field output[] = {
	{.name = "commands", .type = FIELD_OBJECTS, .flags = FIELD_REQUIRED, .inner = line},
	{0},
};

static int write_line(struct tool_result *result, const struct handle_line *of)
{
	char use[96] = "";

	if (of->processes)
		snprintf(use, sizeof use, " · %.1f MB · %" PRIu32 " process%s",
			 (double)of->memory_bytes / 1e6, of->processes, of->processes == 1 ? "" : "es");
	return result_textf(result, "%s %s · %.1f s · cpu %.2f s%s · %" PRIu64 " bytes unread · %s\n", of->id,
			    of->state, (double)of->age_ns / 1e9, (double)of->cpu_us / 1e6, use,
			    of->unread_bytes, of->command);
}

int list_commands_write(struct tool_result *result, const struct handle_line *lines, unsigned count)
{
	struct json_writer *writer;
	int code = 0;

	for (unsigned i = 0; i < count && code == 0; i++)
		code = write_line(result, &lines[i]);
	if (code == 0 && count == 0)
		code = result_textf(result, "No command runs, and none has output that was not read.");
	if (code < 0)
		return code;
	writer = result_structured(result);
	json_key(writer, "commands");
	json_array(writer);
	for (unsigned i = 0; i < count; i++) {
		json_object(writer);
		json_key_text(writer, "id", lines[i].id);
		json_key_text(writer, "command", lines[i].command);
		json_key_text(writer, "state", lines[i].state);
		json_key_int(writer, "age_ms", (int64_t)(lines[i].age_ns / 1000000));
		json_key_int(writer, "unread_bytes", (int64_t)lines[i].unread_bytes);
		json_key_int(writer, "cpu_ms", (int64_t)(lines[i].cpu_us / 1000));
		if (lines[i].processes) {
			json_key_int(writer, "memory_bytes", (int64_t)lines[i].memory_bytes);
			json_key_int(writer, "processes", (int64_t)lines[i].processes);
		}
		json_object_end(writer);
	}
	json_array_end(writer);
	result_structured_end(result, writer);
	return writer->result;
}

const struct tool list_commands_tool = {
	.name = "list_commands",
	.title = "List commands",
	.description = "Commands of run_command that run, or ended and were not read.",
	.route = TOOL_HANDLE,
	.operation = HANDLE_LIST,
	.hints = TOOL_READ_ONLY | TOOL_CLOSED_WORLD,
	.input = input,
	.output = output,
	.arguments_bytes = sizeof(struct handle_arguments),
};
