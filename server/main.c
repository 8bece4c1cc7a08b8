/* SPDX-License-Identifier: Apache-2.0 */
/* The program `sallyport`: a table of subcommands. What each does stands in its own file. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "server/cli.h"
#include "server/options.h"
#include "server/pretty.h"

const struct subcommand subcommands[] = {
	{"call", "TOOL ['{...}' | -]", "run one tool, through the same code and the same sandbox",
	 "Starts a server in this process's place, makes one call and prints its text; on a terminal its "
	 "progress "
	 "too. The arguments are a JSON object, or - to read it from standard input. Exit code 1 when the "
	 "tool "
	 "says that it failed, 3 when it could not be confined.",
	 "sallyport call read_file '{\"path\": \"README.md\", \"limit\": 5}'\n"
	 "sallyport call run_command '{\"command\": \"make test\"}' --workspace ~/src/project",
	 OPTIONS_SERVER | OPTION_JSON, 1, 2, cli_call},
	{"doctor", "", "what this kernel gives, which profile that makes, the remedy for what is missing",
	 "Builds every layer of a sandbox in throwaway processes and says which of them work here, why not, "
	 "and "
	 "what to do about it. Exit code 3 when calls cannot be confined.",
	 "sallyport doctor\nsallyport doctor --json | jq .profile",
	 OPTION_WORKSPACE | OPTION_POLICY | OPTION_JSON, 0, 0, cli_doctor},
	{"explain command", "PROGRAM [PATH [read | write | execute]]",
	 "may a command run this, or do that to a path, and by which rule",
	 "Builds a sandbox as a command would get it and asks in there, without running anything: would the "
	 "program be executed; with a path, may a command read, write or execute that? Exit code 1 when it "
	 "would be refused.",
	 "sallyport explain command git\nsallyport explain command cat /etc/shadow read",
	 OPTIONS_SERVER | OPTION_JSON, 1, 3, cli_explain_command},
	{"explain host", "HOST[:PORT]", "may fetch_url reach it, and by which rule",
	 "Asks the rules that decide about every connection, without connecting. A bare name means port 443. "
	 "Exit code 1 when it would be refused.",
	 "sallyport explain host pypi.org --policy ~/.config/sallyport/policy.json",
	 OPTIONS_SERVER | OPTION_JSON, 1, 1, cli_explain_host},
	{"explain path", "PATH [read | write | execute]", "may a file tool do this to it, and by which rule",
	 "Asks the executor of the file tools, which judges as it would for a call, without doing anything. "
	 "Exit code 1 when it would be refused.",
	 "sallyport explain path .git/hooks/pre-commit write", OPTIONS_SERVER | OPTION_JSON, 1, 2,
	 cli_explain_path},
	{"http", "", "serve agent hosts over HTTP",
	 "Speaks MCP's Streamable HTTP at /mcp, to clients of this machine unless --listen says otherwise. "
	 "Each "
	 "token is a caller with a sandbox of its own. Ends by SIGTERM or SIGINT.",
	 "sallyport http --workspace ~/src/project\n"
	 "sallyport http --listen 0.0.0.0:8931 --host tools.internal --token-file /etc/sallyport/tokens",
	 OPTIONS_HTTP, 0, 0, cli_http},
	{"policy check", "FILE", "is this policy well-formed? Every mistake with its line",
	 "Reads a policy as the server would, and tells all of its mistakes at once, as FILE:LINE:COLUMN. "
	 "Exit "
	 "code 2 when there are any.",
	 "sallyport policy check ~/.config/sallyport/policy.json", OPTION_JSON, 1, 1, cli_policy_check},
	{"policy schema", "", "the JSON Schema of policies, for editors",
	 "Prints the JSON Schema (2020-12) that the server's own check agrees with. A policy may name it "
	 "under "
	 "\"$schema\", so that an editor completes and checks keys.",
	 "sallyport policy schema > ~/.config/sallyport/policy.schema.json", 0, 0, 0, cli_policy_schema},
	{"policy show", "", "the policy in force, with every default",
	 "Prints the effective policy as a policy document: what is in the file, and the default for what is "
	 "not.",
	 "sallyport policy show --policy ~/.config/sallyport/policy.json", OPTION_POLICY, 0, 0,
	 cli_policy_show},
	{"stdio", "", "serve an agent host on standard input and output",
	 "What a host starts. Speaks MCP, one JSON message a line, until its input ends. Whatever is said to "
	 "people goes to standard error.",
	 "sallyport stdio --workspace ~/src/project --workspace ~/src/library:ro", OPTIONS_SERVER, 0, 0,
	 cli_stdio},
	{"tools", "", "the tools and their arguments",
	 "Prints what tools/list answers: a table for people, or with --json the JSON itself.",
	 "sallyport tools\nsallyport tools --json | jq -r '.tools[].name'", OPTION_JSON, 0, 0, cli_tools},
	{NULL},
};

static int complain(const struct err *err)
{
	fprintf(stderr, "sallyport: %s\n", err->text);
	return EXIT_USAGE;
}

/* `help`, `help SUBCOMMAND`, and words that are no subcommand. */
static int help(int argc, char **argv)
{
	const struct subcommand *subcommand;
	struct err err = {""};
	int used;

	if (argc < 3) {
		options_overview(stdout, subcommands, pretty_colour(STDOUT_FILENO));
		return EXIT_OK;
	}
	subcommand = options_subcommand(subcommands, argc - 1, argv + 1, &used, &err);
	if (!subcommand)
		return complain(&err);
	options_help(stdout, subcommand, pretty_colour(STDOUT_FILENO));
	return EXIT_OK;
}

/* Nobody said what to do. A person gets an explanation; a host that forgot "stdio" gets an error. */
static int explain_itself(void)
{
	bool person = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

	options_overview(person ? stdout : stderr, subcommands,
			 pretty_colour(person ? STDOUT_FILENO : STDERR_FILENO));
	return person ? EXIT_OK : EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const struct subcommand *subcommand;
	struct options options;
	struct err err = {""};
	int used;

	if (argc < 2)
		return explain_itself();
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
		return help(argc, argv);
	if (strcmp(argv[1], "--version") == 0) {
		printf("sallyport %s\n", SALLYPORT_VERSION);
		return EXIT_OK;
	}
	subcommand = options_subcommand(subcommands, argc, argv, &used, &err);
	if (!subcommand)
		return complain(&err);
	if (options_parse(&options, subcommand, argc - 1 - used, argv + 1 + used, &err) < 0)
		return complain(&err);
	if (options.help) {
		options_help(stdout, subcommand, pretty_colour(STDOUT_FILENO));
		return EXIT_OK;
	}
	return subcommand->run(&options);
}
