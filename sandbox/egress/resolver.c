/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names to addresses (resolver.h). c-ares is given no files: hosts is read here once, before the seal, and
 * resolv.conf by ares_init. What name servers answer is hostile input that c-ares parses; of it only
 * addresses are taken, and each is judged by the rules before anything connects.
 */
#include "sandbox/egress/resolver.h"

#include <ares.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <sys/utsname.h>

#include "protocol/cleanup.h"

struct resolver {
	ares_channel channel;
	bool ready; /* channel was initialised */
	int epoll;
	char *hosts, *resolv;
	size_t hosts_length, resolv_length;
	struct utsname machine;
};

struct lookup {
	resolver_done done;
	void *context;
};

/* c-ares opened, closed or wants other events of a socket. */
static void socket_changed(void *context, ares_socket_t fd, int readable, int writable)
{
	struct resolver *resolver = context;
	struct epoll_event event = {.events = (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0),
				    .data.u64 = (uint64_t)fd * 2 + 1};

	if (!readable && !writable)
		epoll_ctl(resolver->epoll, EPOLL_CTL_DEL, fd, NULL);
	else if (epoll_ctl(resolver->epoll, EPOLL_CTL_MOD, fd, &event) < 0 && errno == ENOENT)
		/* without it the query times out and is told as such */
		(void)epoll_ctl(resolver->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* A missing or unreadable file is an empty one. */
static int read_text(const char *path, size_t most, char **text, size_t *length)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return 0;
	*text = malloc(most);
	if (!*text)
		return -ENOMEM;
	while (*length < most) {
		ssize_t got = read(fd, *text + *length, most - *length);

		if (got <= 0)
			break;
		*length += (size_t)got;
	}
	return 0;
}

static int read_files(struct resolver *resolver)
{
	if (uname(&resolver->machine) < 0)
		return -errno;
	int result = read_text("/etc/hosts", LIMIT_HOSTS_BYTES, &resolver->hosts, &resolver->hosts_length);

	return result < 0 ? result
			  : read_text("/etc/resolv.conf", LIMIT_RESOLV_BYTES, &resolver->resolv,
				      &resolver->resolv_length);
}

int resolver_new(struct resolver **out, struct err *err)
{
	char lookups[] = "b"; /* name servers only; "f" would open /etc/hosts at each lookup */
	struct ares_options options = {.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
				       .timeout = LIMIT_BROKER_LOOKUP_MS,
				       .tries = LIMIT_BROKER_LOOKUPS,
				       .lookups = lookups,
				       .sock_state_cb = socket_changed};
	struct resolver *resolver = calloc(1, sizeof *resolver);
	int result = -ENOMEM, status;

	if (!resolver)
		return err_set(err, result, "no memory for the resolver");
	resolver->epoll = -1;
	options.sock_state_cb_data = resolver;
	/* no search domains: ares_getaddrinfo (1.18) heeds not the flag but their number, which is 0 here */
	result = read_files(resolver);
	if (result < 0) {
		resolver_free(resolver);
		return err_set(err, result, "no memory for /etc/hosts and resolv.conf");
	}
	status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status == ARES_SUCCESS)
		status = ares_init_options(&resolver->channel, &options,
					   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
						   ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS |
						   ARES_OPT_SOCK_STATE_CB);
	if (status != ARES_SUCCESS) {
		resolver_free(resolver);
		return err_set(err, -EIO, "c-ares could not be prepared: %s", ares_strerror(status));
	}
	resolver->ready = true;
	*out = resolver;
	return 0;
}

void resolver_attach(struct resolver *resolver, int epoll)
{
	resolver->epoll = epoll;
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	if (resolver->ready)
		ares_destroy(resolver->channel);
	ares_library_cleanup();
	free(resolver->hosts);
	free(resolver->resolv);
	free(resolver);
}

static void fail(struct lookup *lookup, int status)
{
	int result = -EIO;
	const char *why = ares_strerror(status);

	switch (status) {
	case ARES_ENOTFOUND:
		result = -ENOENT;
		why = "there is no such name";
		break;
	case ARES_ENODATA:
		result = -ENOENT;
		why = "the name has no address";
		break;
	case ARES_ETIMEOUT:
		result = -ETIMEDOUT;
		why = "no name server answered in time";
		break;
	case ARES_ECONNREFUSED:
		why = "no name server could be reached, or each of them failed";
		break;
	case ARES_ENOMEM:
		result = -ENOMEM;
		break;
	default:
		break;
	}
	lookup->done(lookup->context, result, NULL, 0, why);
}

static void answered(void *context, int status, int timeouts, struct ares_addrinfo *info)
{
	_cleanup_free_ struct lookup *lookup = context;
	struct address addresses[LIMIT_BROKER_ADDRESSES];
	size_t count = 0;

	(void)timeouts;
	for (struct ares_addrinfo_node *node = status == ARES_SUCCESS ? info->nodes : NULL;
	     node && count < LIMIT_BROKER_ADDRESSES; node = node->ai_next)
		if (address_from_socket(&addresses[count], node->ai_addr) == 0)
			count++;
	if (info)
		ares_freeaddrinfo(info);
	if (count)
		lookup->done(lookup->context, 0, addresses, count, "");
	else
		fail(lookup, status == ARES_SUCCESS ? ARES_ENODATA : status);
}

size_t resolver_search(const struct resolver *resolver, const char *name)
{
	return resolver->resolv ? hosts_search(resolver->resolv, resolver->resolv_length, name) : 0;
}

bool resolver_is_machine(const struct resolver *resolver, const char *name)
{
	return strcasecmp(resolver->machine.nodename, name) == 0;
}

static bool is_localhost(const char *host)
{
	size_t length = strlen(host);

	return strcmp(host, "localhost") == 0 ||
	       (length > 10 && strcmp(host + length - 10, ".localhost") == 0);
}

void resolver_lookup(struct resolver *resolver, const char *host, resolver_done done, void *context)
{
	struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct address addresses[LIMIT_BROKER_ADDRESSES];
	size_t count = 0;
	struct lookup *lookup;

	if (address_parse(&addresses[0], host) == 0) {
		count = 1;
	} else if (is_localhost(host)) {
		address_parse(&addresses[0], "127.0.0.1");
		address_parse(&addresses[1], "::1");
		count = 2;
	} else if (resolver->hosts) {
		count = hosts_find(resolver->hosts, resolver->hosts_length, host, addresses,
				   LIMIT_BROKER_ADDRESSES);
	}
	if (count) {
		done(context, 0, addresses, count, "");
		return;
	}
	lookup = malloc(sizeof *lookup);
	if (!lookup) {
		done(context, -ENOMEM, NULL, 0, "no memory");
		return;
	}
	*lookup = (struct lookup){done, context};
	ares_getaddrinfo(resolver->channel, host, NULL, &hints, answered, lookup);
}

void resolver_ready(struct resolver *resolver, int fd, uint32_t events)
{
	ares_process_fd(resolver->channel, events & ~(uint32_t)EPOLLOUT ? fd : ARES_SOCKET_BAD,
			events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
}

int resolver_timeout(struct resolver *resolver, int most)
{
	struct timeval left, limit = {most / 1000, (most % 1000) * 1000};
	struct timeval *next = ares_timeout(resolver->channel, &limit, &left);

	return next ? (int)(next->tv_sec * 1000 + (next->tv_usec + 999) / 1000) : most;
}

void resolver_expire(struct resolver *resolver)
{
	ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}
