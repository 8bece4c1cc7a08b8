/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections, as far as they are ours to watch: the daemon does not look at one that is suspended, and may
 * not see an end that arrives with the last bytes.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "server/transport/http_exchange.h"

static void forget_leaving(struct link *link)
{
	if (!link->link)
		return;
	*link->link = link->next;
	if (link->next)
		link->next->link = link->link;
	link->link = NULL;
}

void links_end(struct http *http)
{
	struct link *link;

	while ((link = http->leaving)) {
		forget_leaving(link);
		shutdown(link->source.fd, SHUT_RD);
	}
}

/* The client has closed its side: what it asked is cancelled. */
static void client_gone(struct loop_source *source, uint32_t events)
{
	struct link *link = (struct link *)((char *)source - offsetof(struct link, source));
	struct http *http = link->http;

	if (link->gone)
		return; /* what we and the daemon do then is heard as another end */
	link->gone = true;
	if (link->exchange && link->exchange->suspended) {
		exchange_wake(link->exchange);
		return;
	}
	link->next = http->leaving;
	link->link = &http->leaving;
	if (link->next)
		link->next->link = &link->next;
	http->leaving = link;
	http->resumed = true;
}

void link_changed(void *context, struct MHD_Connection *connection, void **slot,
		  enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http *http = context;
	struct link *link = *slot;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (link) {
			forget_leaving(link);
			loop_forget(http->loop, &link->source);
		}
		free(link);
		*slot = NULL;
		return;
	}
	link = calloc(1, sizeof *link);
	if (!link || !info)
		return; /* its first request is refused */
	link->http = http;
	link->source = (struct loop_source){.fd = -1, .ready = client_gone};
	loop_watch(http->loop, &link->source, info->connect_fd, EPOLLRDHUP | EPOLLET);
	*slot = link;
}
