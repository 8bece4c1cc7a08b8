/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sallyport-web: fetches for the frontend. Reads the system's certificates, lets libcurl start, is sealed (no
 * socket of its own, no file, no name), and serves.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/executor.h"
#include "tools/web/executor/web.h"

#define FRONTEND EXECUTOR_CHANNEL
#define BROKER   (EXECUTOR_CHANNEL + 1)

/* Where distributions keep all certificates in one file. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt", /* Debian, Arch */
	"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
	"/etc/ssl/cert.pem",                  /* Alpine */
};

/* The first bundle there is. None is no failure: then no certificate is accepted, and the answer says so. */
static int read_certificates(struct buffer *certificates)
{
	_cleanup_fd_ int fd = -1;

	for (size_t i = 0; i < ARRAY_SIZE(bundles) && fd < 0; i++)
		fd = open(bundles[i], O_RDONLY | O_CLOEXEC | O_NOCTTY);
	while (fd >= 0) {
		int result = buffer_reserve(certificates, 64u << 10);
		ssize_t got;

		if (result < 0)
			return result;
		got = read(fd, certificates->bytes + certificates->end,
			   certificates->size - certificates->end);
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		certificates->end += (size_t)got;
	}
	return 0;
}

/* One past the highest descriptor that libcurl holds. */
static int first_unused(void)
{
	int last = 64;

	while (last > BROKER && fcntl(last, F_GETFD) < 0)
		last--;
	return last + 1;
}

int main(void)
{
	_cleanup_(executor_deinit) struct executor executor = {0};
	_cleanup_(buffer_deinit) struct buffer certificates = {.max = LIMIT_CERTIFICATES_BYTES};
	_cleanup_(injects_deinit) struct injects injects = {0};
	struct web web;
	struct err err = {0};
	int result = executor_receive(EXECUTOR_WEB, &executor, &err);

	if (result == 0 && (result = read_certificates(&certificates)) < 0)
		executor_fail("certificates", "read", result, "");
	if (result == 0 && (result = injects_read(&injects, &executor.plan, EXECUTOR_INJECT, &err)) < 0)
		executor_fail("policy", "network.inject", result, err.text);
	if (result == 0 &&
	    (result = web_init(&web, FRONTEND, BROKER, &executor.plan, &injects, &certificates, &err)) < 0)
		executor_fail("libcurl", "start", result, err.text);
	if (result == 0) {
		executor.keep_below = first_unused();
		result = executor_enter(&executor, &err);
	}
	if (result == 0) {
		result = web_run(&web, &err);
		web_deinit(&web);
	}
	if (result < 0)
		fprintf(stderr, "sallyport-web: %s\n", err.text);
	return result < 0;
}
