/* SPDX-License-Identifier: Apache-2.0 */
/* What every subcommand begins with: the settings, and what is to be said of them. */
#include <stdio.h>

#include "server/cli.h"

int cli_settings(struct settings *settings, const struct options *options)
{
	struct err err = {""};

	if (settings_load(settings, options, &err) < 0) {
		fprintf(stderr, "sallyport: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (buffer_length(&settings->notes))
		fprintf(stderr, "sallyport: %.*s", (int)buffer_length(&settings->notes),
			buffer_data(&settings->notes));
	return EXIT_OK;
}
