/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web executor without its confinement, so that a test needs no spawner.
 * usage: bare-web FRONTEND BROKER CERTIFICATES [WORD]...     numbers of descriptors, a file in PEM (or
 * empty), the policy (words.h)
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "tests/web/words.h"
#include "tools/web/executor/web.h"

int main(int argc, char **argv)
{
	_cleanup_(buffer_deinit) struct buffer certificates = {.max = LIMIT_CERTIFICATES_BYTES};
	_cleanup_(plan_deinit) struct plan plan;
	struct injects injects = {0};
	struct web web;
	struct err err = {0};
	int result;

	if (argc < 4)
		return 2;
	if (argv[3][0]) {
		_cleanup_fd_ int fd = open(argv[3], O_RDONLY | O_CLOEXEC);
		ssize_t got;

		if (fd < 0)
			return 2;
		do {
			if (buffer_reserve(&certificates, 65536) < 0)
				return 2;
			got = read(fd, certificates.bytes + certificates.end, 65536);
			certificates.end += got > 0 ? (size_t)got : 0;
		} while (got > 0);
	}
	plan_init(&plan);
	if (words_read(&plan, argv + 4) < 0)
		return 2;
	result = web_init(&web, (int)strtol(argv[1], NULL, 10), (int)strtol(argv[2], NULL, 10), &plan,
			  &injects, &certificates, &err);
	if (result == 0) {
		result = web_run(&web, &err);
		web_deinit(&web);
	}
	if (result < 0)
		fprintf(stderr, "bare-web: %s\n", err.text);
	return result < 0;
}
