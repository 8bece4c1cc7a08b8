/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS for commands: names that the policy allows have an address of our own making, at once; all others do
 * not exist. No question leaves the machine from here, so no name can carry a message out; whether an allowed
 * name really exists is found when something connects to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "sandbox/egress/broker.h"
#include "sandbox/egress/dns.h"
#include "sandbox/egress/listeners.h"
#include "sandbox/egress/names.h"

/* ---- what is answered ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* localhost is the sandbox's own loopback, whatever the policy says of ours (RFC 6761 section 6.3). */
static size_t answer_localhost(const struct dns_question *question, struct address *addresses)
{
	static const struct address ipv4 = {AF_INET, {127, 0, 0, 1}}, ipv6 = {AF_INET6, {[15] = 1}};
	size_t count = 0;

	if (question->type == DNS_TYPE_A || question->type == DNS_TYPE_ANY)
		addresses[count++] = ipv4;
	if (question->type == DNS_TYPE_AAAA || question->type == DNS_TYPE_ANY)
		addresses[count++] = ipv6;
	return count;
}

/*
 * Where commands see the machine's resolv.conf, a name is tried with each of its search domains as well, also
 * when it is allowed and was found. What was meant is the name without. And programs ask for the name of the
 * machine that they run on (git does), which a sandbox with a view of its own has among its hosts.
 */
static void tell(struct network *network, const struct dns_question *question,
		 const struct rules_answer *rules)
{
	char name[HOST_TEXT_BYTES];
	struct rules_answer of_stem;
	size_t stem = network->reach ? resolver_search(network->broker->resolver, question->text) : 0;

	snprintf(name, sizeof name, "%s", question->text);
	if (stem) {
		name[stem] = '\0';
		if (rules_name(network->broker->plan, name, &of_stem))
			return;
		rules = &of_stem;
	}
	if (!network->reach || !resolver_is_machine(network->broker->resolver, name))
		network_deny(network, "resolve", name, 0, rules);
}

static size_t refuse(struct network *network, const struct dns_question *question,
		     const struct rules_answer *rules, uint8_t to[DNS_ANSWER_BYTES])
{
	/* who asks what an address is called wants to know, not to go there */
	if (!ends_with(question->text, ".arpa"))
		tell(network, question, rules);
	return dns_answer(question, DNS_NO_NAME, NULL, 0, rules->reason, to);
}

/* The answer to one message, 0: none. */
static size_t inquire(struct network *network, const uint8_t *message, size_t length,
		      uint8_t to[DNS_ANSWER_BYTES])
{
	struct rules_answer rules = {.rule = "network.allowedDomains",
				     .reason = "it is not the name of a host"};
	struct address addresses[2] = {{.family = AF_INET}}, ignored;
	struct dns_question question;
	size_t count = 0;
	uint32_t address;
	int result = dns_read(&question, message, length);

	if (result < 0)
		return 0;
	if (result > 0)
		return dns_answer(&question, (enum dns_code)result, NULL, 0, NULL, to);
	if (strcmp(question.host, "localhost") == 0 || ends_with(question.host, ".localhost")) {
		count = answer_localhost(&question, addresses);
		return dns_answer(&question, DNS_OK, addresses, count, NULL, to);
	}
	if (!question.host[0] || address_parse(&ignored, question.host) == 0 ||
	    !rules_name(network->broker->plan, question.host, &rules))
		return refuse(network, &question, &rules, to);
	/* other types: the name is there and has none of them */
	if (question.type == DNS_TYPE_A || question.type == DNS_TYPE_ANY) {
		address = names_address(network->names, question.host);
		if (!address)
			return dns_answer(&question, DNS_FAILED, NULL, 0, NULL, to);
		for (size_t i = 0; i < 4; i++)
			addresses[0].bytes[i] = (uint8_t)(address >> (24 - 8 * i));
		count = 1;
	}
	return dns_answer(&question, DNS_OK, addresses, count, NULL, to);
}

void inquiry_datagrams(struct network *network, int fd)
{
	for (size_t i = 0; i < LIMIT_DNS_TURN; i++) {
		uint8_t message[LIMIT_DNS_MESSAGE_BYTES + 1], answer[DNS_ANSWER_BYTES];
		struct sockaddr_in from;
		socklen_t from_length = sizeof from;
		ssize_t got =
			recvfrom(fd, message, sizeof message, 0, (struct sockaddr *)&from, &from_length);
		size_t length;

		if (got < 0)
			return;
		length = (size_t)got <= LIMIT_DNS_MESSAGE_BYTES
				 ? inquire(network, message, (size_t)got, answer)
				 : 0;
		if (length) /* what its socket does not hold, it asks again */
			(void)sendto(fd, answer, length, MSG_NOSIGNAL, (struct sockaddr *)&from, from_length);
	}
}

/* ---- over TCP, each message behind its length; and over lines, each by itself ---- */

struct stream {
	struct source source;
	struct network *network;
	struct stream *next;
	int fd;
	uint8_t bytes[2 + LIMIT_DNS_MESSAGE_BYTES];
	size_t used;
	uint64_t last; /* ms, of the last answer */
	bool line;
	bool done;
};

struct stream *stream_next(struct stream *stream)
{
	return stream->next;
}

static void stream_end(struct stream *stream)
{
	stream->done = true;
	stream->network->stale = true;
}

/* Answers the message at the front, if it is whole. False: the stream has come to its end. */
static bool answer_first(struct stream *stream, bool *answered)
{
	size_t length = (size_t)stream->bytes[0] << 8 | stream->bytes[1], answer_length;
	uint8_t answer[2 + DNS_ANSWER_BYTES];

	*answered = false;
	if (stream->used < 2)
		return true;
	if (length > LIMIT_DNS_MESSAGE_BYTES)
		return false;
	if (stream->used < 2 + length)
		return true;
	answer_length = inquire(stream->network, stream->bytes + 2, length, answer + 2);
	answer[0] = (uint8_t)(answer_length >> 8);
	answer[1] = (uint8_t)answer_length;
	/* who asks and does not read the answers is not waited for */
	if (!answer_length ||
	    send(stream->fd, answer, 2 + answer_length, MSG_NOSIGNAL) != (ssize_t)(2 + answer_length))
		return false;
	stream->used -= 2 + length;
	memmove(stream->bytes, stream->bytes + 2 + length, stream->used);
	stream->last = clock_ms();
	*answered = true;
	return true;
}

/* Whoever does not read the answers does without, as over UDP. */
static void line_ready(struct stream *line, uint32_t events)
{
	uint8_t message[LIMIT_DNS_MESSAGE_BYTES + 1], answer[DNS_ANSWER_BYTES];
	ssize_t got = 0;

	for (size_t i = 0; i < LIMIT_DNS_TURN && !line->done; i++) {
		got = recv(line->fd, message, sizeof message, 0);
		if (got < 0 && errno == EAGAIN)
			return;
		/* an empty message looks like the end */
		if (got < 0 || (got == 0 && (events & EPOLLHUP)))
			stream_end(line);
		size_t length = got > 0 && got <= LIMIT_DNS_MESSAGE_BYTES
					? inquire(line->network, message, (size_t)got, answer)
					: 0;

		if (length)
			(void)send(line->fd, answer, length, MSG_NOSIGNAL);
		line->last = clock_ms();
	}
}

static void stream_ready(struct source *source, uint32_t events)
{
	struct stream *stream = (struct stream *)source;
	bool going = true, answered = true;
	ssize_t got;

	if (stream->done)
		return;
	if (stream->line) {
		line_ready(stream, events);
		return;
	}
	got = recv(stream->fd, stream->bytes + stream->used, sizeof stream->bytes - stream->used, 0);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got > 0)
		stream->used += (size_t)got;
	while (got > 0 && going && answered)
		going = answer_first(stream, &answered);
	if (got <= 0 || !going)
		stream_end(stream);
}

/* Takes the socket. */
static int add(struct network *network, int socket, bool line)
{
	_cleanup_fd_ int fd = socket;
	struct stream *stream = calloc(1, sizeof *stream);

	if (!stream)
		return -ENOMEM;
	*stream = (struct stream){.source = {stream_ready},
				  .network = network,
				  .next = network->streams,
				  .line = line,
				  .last = clock_ms()};
	int result = broker_watch(network->broker, EPOLL_CTL_ADD, fd, EPOLLIN, &stream->source);

	if (result < 0) {
		free(stream);
		return result;
	}
	stream->fd = steal_fd(&fd);
	network->streams = stream;
	network->stream_count++;
	network->line_count += line;
	network->broker->aging++;
	return 0;
}

int stream_new(struct network *network, int accepted)
{
	if (network->stream_count - network->line_count < LIMIT_DNS_STREAMS)
		return add(network, accepted, false);
	close(accepted);
	return -EMFILE;
}

int line_new(struct network *network, int socket)
{
	struct stream *oldest = NULL;

	for (struct stream *at = network->streams; at; at = at->next)
		if (at->line && !at->done && (!oldest || at->last <= oldest->last))
			oldest = at;
	if (oldest && network->line_count >= LIMIT_DNS_LINES)
		stream_end(oldest);
	/* those that have ended are freed at the end of the turn */
	if (network->line_count < 2 * LIMIT_DNS_LINES && fcntl(socket, F_SETFL, O_NONBLOCK) == 0)
		return add(network, socket, true);
	close(socket);
	return -EMFILE;
}

void stream_look(struct stream *stream, uint64_t now)
{
	/* of UDP nobody expects an end, so lines have only a number */
	if (!stream->done && !stream->line && now - stream->last > LIMIT_DNS_STREAM_MS)
		stream_end(stream);
}

void streams_sweep(struct network *network, bool all)
{
	for (struct stream **at = &network->streams; *at;) {
		struct stream *stream = *at;

		if (!stream->done && !all) {
			at = &stream->next;
			continue;
		}
		*at = stream->next;
		network->line_count -= stream->line;
		close_fd(&stream->fd);
		free(stream);
		network->stream_count--;
		network->broker->aging--;
	}
}
