/* SPDX-License-Identifier: Apache-2.0 */
/* The floor of HTTP: libmicrohttpd answers each POST with the same so many bytes, on a port that it tells. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct answer {
	size_t length;
	char *bytes;
};

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *bytes, size_t *length,
			      void **slot)
{
	const struct answer *answer = context;
	struct MHD_Response *response;
	enum MHD_Result result;

	if (!*slot) {
		*slot = context;
		return MHD_YES;
	}
	if (*length) {
		*length = 0;
		return MHD_YES;
	}
	response = MHD_create_response_from_buffer(answer->length, answer->bytes, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, "Content-Type", "application/json");
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

int main(int argc, char **argv)
{
	struct answer answer = {.length = argc > 1 ? strtoul(argv[1], NULL, 10) : 700};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct MHD_Daemon *daemon;

	answer.bytes = malloc(answer.length);
	memset(answer.bytes, 'x', answer.length);
	daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handle, &answer,
				  MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
	if (!daemon)
		return 1;
	printf("%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	pause();
	return 0;
}
