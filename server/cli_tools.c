/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport tools`: the tool table, for people or as tools/list has it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/json.h"
#include "protocol/limits.h"
#include "server/cli.h"
#include "server/pretty.h"
#include "tools/tool.h"

static const char *type_name(enum field_type type)
{
	switch (type) {
	case FIELD_STRING:
		return "string";
	case FIELD_INTEGER:
		return "integer";
	case FIELD_NUMBER:
		return "number";
	case FIELD_BOOLEAN:
		return "boolean";
	case FIELD_STRINGS:
		return "strings";
	case FIELD_INTEGERS:
		return "integers";
	case FIELD_STRING_MAP:
		return "strings by name";
	case FIELD_OBJECTS:
		return "objects";
	case FIELD_OBJECT:
		return "object";
	}
	return "";
}

static void print_tool(const struct tool *tool, bool colour)
{
	printf("%s%s%s  %s%s%s\n", pretty_style(colour, PRETTY_BOLD), tool->name,
	       pretty_style(colour, PRETTY_PLAIN), pretty_style(colour, PRETTY_FAINT), tool->title,
	       pretty_style(colour, PRETTY_PLAIN));
	for (const struct field *field = tool->input; field->name; field++) {
		bool required = field->flags & FIELD_REQUIRED;

		printf("  %-16s %-16s %s%s", field->name, type_name(field->type), required ? "required" : "",
		       required && (field->description || field->choices) ? "; " : "");
		for (const char *const *choice = field->choices; choice && *choice; choice++)
			printf("%s%s", choice == field->choices ? "" : ", ", *choice);
		if (field->choices && field->description)
			printf("; ");
		printf("%s\n", field->description ? field->description : "");
	}
}

/* Pages put together: [ page , page ]. */
static int all_tools(struct buffer *json)
{
	_cleanup_(plan_deinit) struct plan plan;
	unsigned begin = 0;
	int next = 0, result = buffer_append_text(json, "{\"tools\":[");

	plan_init(&plan); /* as without a policy */
	do {
		if (result == 0 && begin)
			result = buffer_append(json, ",", 1);
		if (result < 0)
			return result;
		next = tools_write(begin, &plan, json);
		if (next < 0)
			return next;
		begin = (unsigned)next;
	} while (begin);
	return buffer_append_text(json, "]}");
}

static int print_json(void)
{
	struct buffer compact;
	int result;

	buffer_init(&compact, LIMIT_ANSWER_BYTES);
	result = all_tools(&compact);
	result = cli_print_json(&compact, result);
	buffer_deinit(&compact);
	return result;
}

int cli_tools(const struct options *options)
{
	bool colour = pretty_colour(STDOUT_FILENO);

	if (options->json)
		return print_json();
	for (const struct tool *const *tool = tool_table; *tool; tool++) {
		if (tool != tool_table)
			putchar('\n');
		print_tool(*tool, colour);
	}
	return EXIT_OK;
}
