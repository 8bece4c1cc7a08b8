/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport stdio`, and what the subcommands share. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "server/cli.h"
#include "server/pretty.h"
#include "server/session.h"

int cli_print(const struct buffer *text)
{
	if (fwrite(buffer_data(text), 1, buffer_length(text), stdout) != buffer_length(text) ||
	    fflush(stdout) != 0) {
		fprintf(stderr, "sallyport: cannot write the output: %s\n", strerror(errno));
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

int cli_print_json(const struct buffer *compact, int result)
{
	struct buffer text;

	buffer_init(&text, LIMIT_ANSWER_BYTES);
	if (result == 0)
		result = pretty_json(&text, buffer_data(compact), buffer_length(compact));
	if (result < 0)
		fprintf(stderr, "sallyport: %s\n", strerror(-result));
	result = result < 0 ? EXIT_FAILED : cli_print(&text);
	buffer_deinit(&text);
	return result;
}

int cli_stdio(const struct options *options)
{
	struct settings settings;
	struct err err = {""};
	int result = cli_settings(&settings, options);

	if (result != EXIT_OK)
		return result;
	if (isatty(STDIN_FILENO))
		fprintf(stderr, "sallyport: this speaks MCP, which a host writes and a person does not; "
				"`sallyport call TOOL '{...}'` makes one call, end of input ends this\n");
	result = session_run(&settings, STDIN_FILENO, STDOUT_FILENO, &err);
	if (err.text[0])
		fprintf(stderr, "sallyport: %s\n", err.text);
	settings_deinit(&settings);
	return result;
}
