/* SPDX-License-Identifier: Apache-2.0 */
/* What the program says about itself: written from the tables of subcommands and options. */
#include <string.h>

#include "config.h"
#include "server/options_table.h"
#include "server/pretty.h"

#define HELP_COLUMN 22 /* where explanations begin */
#define HELP_WIDTH  96

static void heading(FILE *out, const char *text, bool colour)
{
	fprintf(out, "\n%s%s%s\n", pretty_style(colour, PRETTY_BOLD), text,
		pretty_style(colour, PRETTY_PLAIN));
}

/* Words of `text`, broken at the width; every line but the first begins at `indent`. */
static void wrapped(FILE *out, const char *text, int indent)
{
	int column = indent;

	while (*text) {
		int length = (int)strcspn(text, " ");

		if (column > indent && column + 1 + length > HELP_WIDTH) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', out);
			column++;
		}
		fprintf(out, "%.*s", length, text);
		column += length;
		text += length;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void entry(FILE *out, const char *name, const char *text)
{
	if (strlen(name) + 3 > HELP_COLUMN)
		fprintf(out, "  %s\n%*s", name, HELP_COLUMN, "");
	else
		fprintf(out, "  %-*s", HELP_COLUMN - 2, name);
	wrapped(out, text, HELP_COLUMN);
}

void options_help(FILE *out, const struct subcommand *subcommand, bool colour)
{
	char name[64];

	fprintf(out, "sallyport %s - %s\n", subcommand->name, subcommand->summary);
	heading(out, "Usage", colour);
	fprintf(out, "  sallyport %s%s%s%s\n", subcommand->name, *subcommand->operands ? " " : "",
		subcommand->operands, subcommand->options ? " [OPTION]..." : "");
	fputc('\n', out);
	wrapped(out, subcommand->detail, 0);
	heading(out, "Options", colour);
	for (const struct option_row *row = option_table; row->name; row++) {
		if (!(subcommand->options & row->option))
			continue;
		snprintf(name, sizeof name, "%s%s%s", row->name, row->value ? " " : "",
			 row->value ? row->value : "");
		entry(out, name, row->help);
	}
	entry(out, "--help", "this text");
	heading(out, "Example", colour);
	for (const char *line = subcommand->example; *line;) {
		int length = (int)strcspn(line, "\n");

		fprintf(out, "  %.*s\n", length, line);
		line += length + (line[length] == '\n');
	}
}

static const char introduction[] = "Tools for AI agents over MCP: run commands, work with files, fetch the "
				   "web. Every call runs in a sandbox "
				   "that the kernel enforces; what is allowed stands in one policy that the "
				   "agent can read and never change.";

void options_overview(FILE *out, const struct subcommand *table, bool colour)
{
	fprintf(out, "sallyport %s\n\n", SALLYPORT_VERSION);
	wrapped(out, introduction, 0);
	heading(out, "Plug it in", colour);
	fprintf(out,
		"  An agent host starts it by itself. In a host's configuration file:\n\n"
		"    {\"mcpServers\": {\"sallyport\": {\"command\": \"sallyport\",\n"
		"                                  \"args\": [\"stdio\", \"--workspace\", "
		"\"/path/to/project\"]}}}\n\n"
		"  Claude Code:  claude mcp add sallyport -- sallyport stdio --workspace /path/to/project\n");
	heading(out, "Try it here", colour);
	fprintf(out,
		"  sallyport doctor                                      what this machine can confine\n"
		"  sallyport call run_command '{\"command\": \"id; ls\"}'    one call, on this directory\n");
	heading(out, "Commands", colour);
	for (; table->name; table++)
		entry(out, table->name, table->summary);
	entry(out, "--version, --help", "`sallyport COMMAND --help` explains each, with an example");
	heading(out, "Exit codes", colour);
	fprintf(out, "  0 success, 1 failure, 2 usage or configuration, 3 confinement unavailable\n");
}
