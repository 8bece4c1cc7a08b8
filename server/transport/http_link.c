/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: whose they are, and when their clients have gone (http_exchange.h). */
#include <stdlib.h>
#include <sys/socket.h>

#include "server/peers.h"
#include "server/transport/http_exchange.h"
#include "server/transport/http_tls.h"

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

/* The client has closed its side: what it asked is cancelled. The daemon may not see an end that arrives with
 * the last bytes. */
static void client_gone(struct link *link)
{
	struct http *http = link->http;

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

/* Over TLS it may say goodbye, and stay connected to hear ours; the daemon does not read while a connection
 * is suspended. */
static void heard(struct loop_source *source, uint32_t events)
{
	struct link *link = (struct link *)((char *)source - offsetof(struct link, source));

	if (link->gone)
		return; /* what we and the daemon do then is heard as another end */
	if ((events & ~(uint32_t)EPOLLIN) || (link->tls && tls_goodbye(link->tls, source->fd)))
		client_gone(link);
}

bool link_gone(struct link *link)
{
	/* what came with the request was told of before the daemon had read that */
	if (!link->gone && link->tls)
		link->gone = tls_goodbye(link->tls, link->source.fd);
	return link->gone;
}

void link_changed(void *context, struct MHD_Connection *connection, void **slot,
		  enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *socket =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	const union MHD_ConnectionInfo *tls =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	struct http *http = context;
	struct link *link = *slot;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (link) {
			link_rest(link);
			forget_leaving(link);
			loop_forget(http->loop, &link->source);
			http->links--;
		}
		free(link);
		*slot = NULL;
		return;
	}
	link = calloc(1, sizeof *link);
	if (!link || !socket)
		return; /* its first request is refused */
	link->source = (struct loop_source){.fd = -1, .ready = heard};
	link->http = http;
	http->links++;
	link->crowded = http->links > http->settings.connections - http->settings.connections / 16;
	link->tls = http->settings.certificate && tls ? tls->tls_session : NULL;
	link->stranger = http->settings.peers && !peers_permit(http->settings.peers, socket->connect_fd);
	if (link->tls)
		tls_begin(link->tls, http->settings.certificate);
	loop_watch(http->loop, &link->source, socket->connect_fd,
		   EPOLLRDHUP | EPOLLET | (link->tls ? EPOLLIN : 0));
	link_expect(link, http->settings.request_ms, 0);
	*slot = link;
}
