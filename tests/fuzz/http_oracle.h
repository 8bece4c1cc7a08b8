/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_HTTP_ORACLE_H
#define SALLYPORT_TESTS_HTTP_ORACLE_H

/*
 * How many requests, and how many responses? A reader that is stricter than any server: what it takes for a
 * request is one beyond doubt (RFC 9112), and the first that is not ends the counting. All that a server of
 * ours says is to be well formed.
 */

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "protocol/buffer.h"
#include "protocol/json.h"
#include "tests/fuzz/fuzz.h"

enum oracle_found { ORACLE_WHOLE, ORACLE_PART, ORACLE_DOUBT };

/* A message's head, between its first line and the empty one. */
struct oracle_head {
	const char *fields, *end; /* of the fields, each with its line end */
	bool chunked;
	long long length; /* -1: not told */
	bool doubt;
};

/* The value of a field at `line` that is of this name, or NULL. */
static const char *oracle_field(const char *line, size_t length, const char *name)
{
	size_t known = strlen(name);

	if (length <= known || strncasecmp(line, name, known) != 0 || line[known] != ':')
		return NULL;
	line += known + 1;
	return line + strspn(line, " ");
}

static void oracle_read_field(struct oracle_head *head, const char *line, size_t length)
{
	const char *value = oracle_field(line, length, "Content-Length"), *end = line + length;
	size_t name = strcspn(line, ":");

	for (size_t i = 0; i < length; i++)
		head->doubt |= (unsigned char)line[i] < 0x20 || (unsigned char)line[i] > 0x7e;
	head->doubt |= name == 0 || name >= length;
	for (size_t i = 0; i < name && i < length; i++)
		head->doubt |= !isalnum((unsigned char)line[i]) && line[i] != '-';
	if (value) {
		size_t digits = strspn(value, "0123456789");

		head->doubt |= head->length >= 0 || digits == 0 || digits > 9 || value + digits != end;
		head->length = digits > 9 ? 0 : strtoll(value, NULL, 10);
	}
	value = oracle_field(line, length, "Transfer-Encoding");
	if (value) {
		head->doubt |= head->chunked || end - value != 7 || strncmp(value, "chunked", 7) != 0;
		head->chunked = true;
	}
	head->doubt |= oracle_field(line, length, "Expect") || oracle_field(line, length, "Upgrade") ||
		       oracle_field(line, length, "Connection");
}

/* Of what stands behind the first line; text ends with NUL. */
static enum oracle_found oracle_read_head(struct oracle_head *head, const char *first, const char *end)
{
	const char *stop = memmem(first, (size_t)(end - first), "\r\n\r\n", 4);

	*head = (struct oracle_head){.length = -1};
	if (!stop)
		return ORACLE_PART;
	head->fields = (const char *)memmem(first, (size_t)(end - first), "\r\n", 2) + 2;
	head->end = stop + 2;
	for (const char *line = head->fields; line < head->end;) {
		const char *next = memmem(line, (size_t)(head->end - line), "\r\n", 2);

		oracle_read_field(head, line, (size_t)(next - line));
		line = next + 2;
	}
	head->doubt |= head->chunked && head->length >= 0;
	return head->doubt ? ORACLE_DOUBT : ORACLE_WHOLE;
}

/* Moves *at behind a body in chunks, which is appended to `body`. */
static enum oracle_found oracle_read_chunks(const char **at, const char *end, struct buffer *body)
{
	for (;;) {
		size_t digits = 0;
		unsigned long long size;

		while (*at + digits < end && isxdigit((unsigned char)(*at)[digits]))
			digits++;
		if (*at + digits + 2 > end)
			return ORACLE_PART;
		if (digits == 0 || digits > 7 || memcmp(*at + digits, "\r\n", 2) != 0)
			return ORACLE_DOUBT;
		size = strtoull(*at, NULL, 16);
		*at += digits + 2;
		if ((unsigned long long)(end - *at) < size + 2) {
			FUZZ_CHECK(buffer_append(body, *at, (size_t)(end - *at)) == 0);
			return ORACLE_PART;
		}
		FUZZ_CHECK(buffer_append(body, *at, size) == 0);
		*at += size;
		if (memcmp(*at, "\r\n", 2) != 0)
			return ORACLE_DOUBT;
		*at += 2;
		if (size == 0)
			return ORACLE_WHOLE;
	}
}

static enum oracle_found oracle_read_body(const struct oracle_head *head, const char **at, const char *end,
					  struct buffer *body)
{
	size_t length = head->length < 0 ? 0 : (size_t)head->length;

	*at = head->end + 2;
	if (head->chunked)
		return oracle_read_chunks(at, end, body);
	if ((size_t)(end - *at) < length)
		return ORACLE_PART;
	FUZZ_CHECK(buffer_append(body, *at, length) == 0);
	*at += length;
	return ORACLE_WHOLE;
}

/* Moves *at behind a request. */
static enum oracle_found oracle_request(const char **at, const char *end, bool *is_head)
{
	const char *line = *at;
	size_t method = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), target;
	struct oracle_head head;
	struct buffer body;
	enum oracle_found found = oracle_read_head(&head, line, end);

	if (found != ORACLE_WHOLE)
		return found;
	if (method == 0 || line[method] != ' ' || line[method + 1] != '/')
		return ORACLE_DOUBT;
	target = strspn(line + method + 1, "/abcdefghijklmnopqrstuvwxyz");
	if (strncmp(line + method + 1 + target, " HTTP/1.1\r\n", 11) != 0)
		return ORACLE_DOUBT;
	*is_head = method == 4 && strncmp(line, "HEAD", 4) == 0;
	buffer_init(&body, SIZE_MAX);
	found = oracle_read_body(&head, at, end, &body);
	buffer_deinit(&body);
	return found;
}

/* ---- responses ---- */

static bool oracle_has(const struct oracle_head *head, const char *line)
{
	return memmem(head->fields, (size_t)(head->end - head->fields), line, strlen(line));
}

/* JSON, or events whose data is JSON; of the last event perhaps a part. */
static void oracle_check_body(const struct oracle_head *head, const struct buffer *body, bool whole)
{
	const char *at = buffer_data(body), *end = at + buffer_length(body), *next;

	if (oracle_has(head, "Content-Type: application/json\r\n") && whole)
		FUZZ_CHECK(json_check(at, buffer_length(body) - (end > at && end[-1] == '\n'), NULL, NULL) ==
			   0);
	if (!oracle_has(head, "Content-Type: text/event-stream\r\n"))
		return;
	for (; at < end && (next = memchr(at, '\n', (size_t)(end - at))); at = next + 1) {
		size_t length = (size_t)(next - at);

		FUZZ_CHECK(length == 0 || strncmp(at, ":", 1) == 0 || strncmp(at, "id: ", 4) == 0 ||
			   strncmp(at, "retry: ", 7) == 0 || strncmp(at, "data: ", 6) == 0);
		if (strncmp(at, "data: ", 6) == 0 && length > 6)
			FUZZ_CHECK(json_check(at + 6, length - 6, NULL, NULL) == 0);
	}
}

static bool oracle_known_status(unsigned status)
{
	static const unsigned known[] = {200, 202, 204, 400, 401, 403, 404, 405,
					 406, 413, 414, 415, 431, 501, 503, 505};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i] == status)
			return true;
	return false;
}

/* Moves *at behind a response, and what went before it (100 Continue). */
static enum oracle_found oracle_response(const char **at, const char *end, bool to_head)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct oracle_head head;
	struct buffer body;
	enum oracle_found found;
	unsigned status;

	while ((size_t)(end - *at) >= sizeof interim - 1 && memcmp(*at, interim, sizeof interim - 1) == 0)
		*at += sizeof interim - 1;
	if (*at == end)
		return ORACLE_PART;
	found = oracle_read_head(&head, *at, end);
	FUZZ_CHECK(found != ORACLE_PART);
	FUZZ_CHECK(strncmp(*at, "HTTP/1.1 ", 9) == 0 || strncmp(*at, "HTTP/1.0 ", 9) == 0);
	status = (unsigned)strtoul(*at + 9, NULL, 10);
	FUZZ_CHECK((*at)[12] == ' ' && oracle_known_status(status));
	FUZZ_CHECK(status != 200 || oracle_has(&head, "Content-Type: ") || to_head);
	/* The library's own refusal is the last; it may send its head twice (0.9.75), and HTML. */
	if (status >= 400 && !oracle_has(&head, "Content-Type: ")) {
		FUZZ_CHECK(oracle_has(&head, "Connection: close\r\n"));
		*at = end;
		return ORACLE_WHOLE;
	}
	*at = head.end + 2;
	if (to_head || status == 204)
		return ORACLE_WHOLE;
	buffer_init(&body, SIZE_MAX);
	found = head.chunked || head.length >= 0 ? oracle_read_body(&head, at, end, &body) : ORACLE_PART;
	FUZZ_CHECK(found != ORACLE_DOUBT);
	oracle_check_body(&head, &body, found == ORACLE_WHOLE);
	buffer_deinit(&body);
	return found;
}

/*
 * `ended`: the connection has, so requests may be without an answer. Both texts are copied, to end with NUL.
 */
static inline void oracle_check(const char *sent, size_t sent_length, const char *heard, size_t heard_length,
				bool ended)
{
	char *requests = strndup(sent ? sent : "", sent_length), *responses = malloc(heard_length + 1);
	const char *request = requests, *response = responses;
	const char *requests_end = requests + strlen(requests), *responses_end = responses + heard_length;
	enum oracle_found found = ORACLE_WHOLE;
	bool is_head;

	FUZZ_CHECK(requests && responses);
	if (heard_length)
		memcpy(responses, heard, heard_length);
	responses[heard_length] = '\0';
	while (request < requests_end &&
	       (found = oracle_request(&request, requests_end, &is_head)) == ORACLE_WHOLE) {
		const char *before = response;

		if (oracle_response(&response, responses_end, is_head) == ORACLE_WHOLE)
			continue;
		/* a stream, which what follows waits for; or nothing, and then the connection has ended */
		FUZZ_CHECK(ended || before < responses_end);
		found = ORACLE_DOUBT;
		break;
	}
	if (found == ORACLE_WHOLE && strlen(requests) == sent_length)
		FUZZ_CHECK(response == responses_end);
	free(requests);
	free(responses);
}

#endif
