/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of tools, and their descriptors as tools/list shows them. Adding a tool is one file, one line
 * here, one test file and one row in the README. Trusts the descriptors: they are constants of this program.
 */
#include <errno.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/json.h"
#include "protocol/limits.h"
#include "tools/access/tools.h"
#include "tools/command/handle.h"
#include "tools/command/run_command.h"
#include "tools/files/tools.h"
#include "tools/tool.h"
#include "tools/web/tools.h"

/* Sorted by name: tool_find searches by halves. One a line, so that adding one is a line. */
/* clang-format off */
const struct tool *const tool_table[] = {
	&apply_patch_tool,
	&copy_file_tool,
	&create_directory_tool,
	&delete_file_tool,
	&download_file_tool,
	&edit_file_tool,
	&explain_access_tool,
	&fetch_url_tool,
	&find_files_tool,
	&get_file_info_tool,
	&list_commands_tool,
	&list_directory_tool,
	&move_file_tool,
	&read_file_tool,
	&read_files_tool,
	&read_output_tool,
	&run_command_tool,
	&search_files_tool,
	&stop_command_tool,
	&write_file_tool,
	&write_input_tool,
	NULL,
};
/* clang-format on */

#define TOOL_COUNT (ARRAY_SIZE(tool_table) - 1)

const struct tool *tool_find(const char *name)
{
	size_t low = 0, high = TOOL_COUNT;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, tool_table[middle]->name);

		if (order == 0)
			return tool_table[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* MCP 2026-07-28, "ToolAnnotations"; what equals the protocol's default is left out. */
static void write_annotations(struct json_writer *writer, unsigned hints)
{
	if (!hints)
		return;
	json_key(writer, "annotations");
	json_object(writer);
	if (hints & TOOL_READ_ONLY)
		json_key_bool(writer, "readOnlyHint", true);
	if (hints & TOOL_NOT_DESTRUCTIVE)
		json_key_bool(writer, "destructiveHint", false);
	if (hints & TOOL_IDEMPOTENT)
		json_key_bool(writer, "idempotentHint", true);
	if (hints & TOOL_CLOSED_WORLD)
		json_key_bool(writer, "openWorldHint", false);
	json_object_end(writer);
}

static int write_schema(struct json_writer *writer, const char *key, const struct field *fields, bool input)
{
	int result;

	json_key(writer, key);
	if (writer->result < 0)
		return writer->result;
	result = schema_write(writer->out, fields, input);
	writer->comma = true;
	return result;
}

static int write_tool(const struct tool *tool, const struct plan *plan, struct buffer *out)
{
	struct json_writer writer;
	int result;

	json_writer_init(&writer, out);
	json_object(&writer);
	json_key_text(&writer, "name", tool->name);
	json_key_text(&writer, "title", tool->title);
	json_key_text(&writer, "description", tool->description);
	result = write_schema(&writer, "inputSchema", tool->input, true);
	if (result == 0 && tool->output)
		result = write_schema(&writer, "outputSchema", tool->output, false);
	write_annotations(&writer, tool->hint ? tool->hint(plan) : tool->hints);
	json_object_end(&writer);
	return result < 0 ? result : writer.result;
}

int tools_write(unsigned begin, const struct plan *plan, struct buffer *out)
{
	size_t before = buffer_length(out);

	for (unsigned i = begin; i < TOOL_COUNT; i++) {
		size_t length = buffer_length(out);
		int result = i > begin ? buffer_append(out, ",", 1) : 0;

		if (result == 0)
			result = write_tool(tool_table[i], plan, out);
		if (result < 0)
			return result;
		if (i > begin && buffer_length(out) - before > LIMIT_TOOLS_PAGE_BYTES) {
			out->end = out->start + length;
			return (int)i;
		}
	}
	return 0;
}
