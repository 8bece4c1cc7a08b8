/* SPDX-License-Identifier: Apache-2.0 */
/* The program `sallyport-http`, which `sallyport http` becomes: what it links is its own
 * (docs/architecture.md). */
#include <stdio.h>

#include "server/cli.h"
#include "server/http_server.h"
#include "server/log.h"
#include "server/options.h"

int main(int argc, char **argv)
{
	/* whoever reads the help has asked `sallyport http --help` */
	static const struct subcommand http = {.name = "http", .operands = "", .options = OPTIONS_HTTP};
	struct settings settings;
	struct options options;
	struct err err = {""};
	int result;

	if (options_parse(&options, &http, argc - 1, argv + 1, &err) < 0) {
		fprintf(stderr, "sallyport: %s\n", err.text);
		return EXIT_USAGE;
	}
	log_set_json(options.log_json);
	result = cli_settings(&settings, &options);
	if (result != EXIT_OK)
		return result;
	result = http_server_run(&settings, &options, &err);
	if (err.text[0])
		fprintf(stderr, "sallyport: %s\n", err.text);
	settings_deinit(&settings);
	return result;
}
