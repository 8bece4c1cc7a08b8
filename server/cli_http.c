/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport http`: becomes sallyport-http, which has read nothing yet and is told the same. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/spawner/spare.h"
#include "server/cli.h"

int cli_http(const struct options *options)
{
	struct err err = {""};
	int program = program_open("sallyport-http", &err);

	if (program >= 0) {
		fexecve(program, options->argv, environ);
		err_set(&err, -errno, "sallyport-http cannot be run: %s", strerror(errno));
	}
	fprintf(stderr, "sallyport: %s\n", err.text);
	return EXIT_FAILED;
}
