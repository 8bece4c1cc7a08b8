/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS for commands: names that the policy allows have an address of our own making, at once; all others do
 * not exist. No question leaves the machine from here, so no name can carry a message out; whether an allowed
 * name really exists is found when something connects to it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
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

static size_t refuse(struct network *network, const struct dns_question *question,
		     const struct rules_answer *rules, uint8_t to[DNS_ANSWER_BYTES])
{
	/* who asks what an address is called wants to know, not to go there */
	if (!ends_with(question->text, ".arpa"))
		network_deny(network, "resolve", question->text, 0, rules);
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

/* ---- over TCP: each message behind its length ---- */

struct stream {
	struct source source;
	struct network *network;
	struct stream *next;
	int fd;
	uint8_t bytes[2 + LIMIT_DNS_MESSAGE_BYTES];
	size_t used;
	uint64_t last; /* ms, of the last answer */
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
	stream->last = broker_now();
	*answered = true;
	return true;
}

static void stream_ready(struct source *source, uint32_t events)
{
	struct stream *stream = (struct stream *)source;
	bool going = true, answered = true;
	ssize_t got;

	(void)events;
	if (stream->done)
		return;
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

int stream_new(struct network *network, int accepted)
{
	_cleanup_fd_ int fd = accepted;
	struct stream *stream;

	if (network->stream_count == LIMIT_DNS_STREAMS)
		return -EMFILE;
	stream = calloc(1, sizeof *stream);
	if (!stream)
		return -ENOMEM;
	*stream = (struct stream){
		.source = {stream_ready}, .network = network, .next = network->streams, .last = broker_now()};
	int result = broker_watch(network->broker, EPOLL_CTL_ADD, fd, EPOLLIN, &stream->source);

	if (result < 0) {
		free(stream);
		return result;
	}
	stream->fd = steal_fd(&fd);
	network->streams = stream;
	network->stream_count++;
	network->broker->aging++;
	return 0;
}

void stream_look(struct stream *stream, uint64_t now)
{
	if (!stream->done && now - stream->last > LIMIT_DNS_STREAM_MS)
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
		close_fd(&stream->fd);
		free(stream);
		network->stream_count--;
		network->broker->aging--;
	}
}
