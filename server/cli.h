/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_CLI_H
#define SALLYPORT_SERVER_CLI_H

/* The subcommands, one function each: options in, exit code out. What they print for people goes through
 * pretty.h, with --json they print one JSON value. */

#include <cjson/cJSON.h>

#include "protocol/buffer.h"
#include "server/options.h"
#include "server/settings.h"

int cli_call(const struct options *options);
int cli_explain_command(const struct options *options);
int cli_explain_host(const struct options *options);
int cli_explain_path(const struct options *options);
int cli_doctor(const struct options *options);
int cli_http(const struct options *options);
int cli_policy_check(const struct options *options);
int cli_policy_schema(const struct options *options);
int cli_policy_show(const struct options *options);
int cli_stdio(const struct options *options);
int cli_tools(const struct options *options);

/* For their use: settings_load(), the sentence and the notes on stderr. EXIT_OK, or EXIT_USAGE. */
int cli_settings(struct settings *settings, const struct options *options);

/*
 * One call of `tool` in a server of its own; `arguments` is JSON, or "-" for standard input. A result that is
 * no error is printed by `show` (NULL: its text) or as JSON, and `verdict` (NULL: success) gives the exit
 * code.
 */
int cli_call_tool(const struct options *options, const char *tool, const char *arguments,
		  int (*show)(const cJSON *result), int (*verdict)(const cJSON *result));

/* One JSON value as json_* wrote it, indented on stdout; `result` is the writer's. EXIT_OK or EXIT_FAILED. */
int cli_print_json(const struct buffer *compact, int result);

/* Writes all to stdout. EXIT_OK, or EXIT_FAILED with a sentence on stderr (a full disk, a closed pipe). */
int cli_print(const struct buffer *text);

#endif
