/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that policy adds to requests (inject.h): read, matched to places, and looked for in what comes
 * back. Looking decodes as it goes, one character at a time, so that however a server or our own converter
 * has written a character, it is that character. Trusts the memfd, which the frontend wrote before it read a
 * byte from anybody, as far as its frame goes.
 */
#include "tools/web/inject.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/egress/methods.h"
#include "sandbox/sealed.h"
#include "tools/web/inject_parts.h"

/* ---- looking ---- */

/* With what a secret can begin. */
static void list_beginnings(const struct injects *injects, bool begins[256])
{
	static const char hexadecimal[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";

	memset(begins, 0, 256);
	begins['%'] = begins['&'] = begins['\\'] = true;
	for (size_t i = 0; i < injects->plan->inject_count; i++) {
		const struct inject_secret *secret = &injects->all[i];
		unsigned char first = (unsigned char)secret->secret[0];

		begins[first] = true;
		if (first == ' ')
			begins['+'] = true;
		begins[(unsigned char)hexadecimal[first >> 4]] = true;
		begins[(unsigned char)upper[first >> 4]] = true;
		for (size_t j = 0; j < INJECT_ALIGNMENTS; j++) {
			char letter = secret->base64[j][0];

			begins[(unsigned char)letter] = true;
			if (letter == '+' || letter == '/')
				begins[letter == '+' ? '-' : '_'] = true;
		}
	}
}

/* The first secret from `from` on; its place and length. False: there is none. */
static bool find(const struct injects *injects, const bool begins[256], const char *from, const char *end,
		 const char **place, size_t *length)
{
	for (const char *at = from; at < end; at++) {
		if (!begins[(unsigned char)*at])
			continue;
		for (size_t i = 0; i < injects->plan->inject_count; i++) {
			*length = inject_match(at, end, &injects->all[i]);
			*place = at;
			if (*length)
				return true;
		}
	}
	return false;
}

size_t injects_hide(const struct injects *injects, char *bytes, size_t length)
{
	const char *end = bytes + length, *from = bytes, *place;
	bool begins[256];
	char *to = bytes;
	size_t found;

	if (!injects->longest)
		return length;
	list_beginnings(injects, begins);
	while (find(injects, begins, from, end, &place, &found)) {
		memmove(to, from, (size_t)(place - from));
		to += place - from;
		memcpy(to, INJECT_HIDDEN, strlen(INJECT_HIDDEN)); /* LIMIT_INJECT_MIN_BYTES: never longer */
		to += strlen(INJECT_HIDDEN);
		from = place + found;
	}
	memmove(to, from, (size_t)(end - from));
	return (size_t)(to - bytes) + (size_t)(end - from);
}

/* ---- a stream ---- */

void inject_stream_init(struct inject_stream *stream, const struct injects *injects)
{
	*stream = (struct inject_stream){.injects = injects};
}

void inject_stream_deinit(struct inject_stream *stream)
{
	free(stream->bytes);
	*stream = (struct inject_stream){0};
}

/* What is held back moves to the front, and the piece behind it. */
static int join(struct inject_stream *stream, const char *bytes, size_t length)
{
	size_t held = stream->end - stream->start;

	if (held)
		memmove(stream->bytes, stream->bytes + stream->start, held);
	stream->start = 0;
	stream->end = held;
	if (held + length > stream->size) {
		char *grown = realloc(stream->bytes, held + length);

		if (!grown)
			return -ENOMEM;
		stream->bytes = grown;
		stream->size = held + length;
	}
	if (length)
		memcpy(stream->bytes + held, bytes, length);
	stream->end += length;
	return 0;
}

int inject_stream_take(struct inject_stream *stream, const char *bytes, size_t length, const char **clean,
		       size_t *clean_length)
{
	const size_t lag = stream->injects->longest ? stream->injects->longest - 1 : 0;
	bool begins[256];
	const char *place;
	size_t found;

	*clean = bytes;
	*clean_length = length;
	if (!stream->injects->longest)
		return 0;
	if (join(stream, bytes, length) < 0)
		return -ENOMEM;
	list_beginnings(stream->injects, begins);
	*clean = stream->bytes;
	if (find(stream->injects, begins, stream->bytes, stream->bytes + stream->end, &place, &found)) {
		*clean_length = (size_t)(place - stream->bytes);
		stream->start = stream->end; /* and nothing is held back any more */
		return 1;
	}
	*clean_length = stream->end > lag ? stream->end - lag : 0;
	stream->start = *clean_length;
	return 0;
}

void inject_stream_finish(struct inject_stream *stream, const char **clean, size_t *clean_length)
{
	*clean = stream->bytes + stream->start;
	*clean_length = stream->end - stream->start;
	stream->start = stream->end;
}

/* ---- whom they are for ---- */

bool injects_next(const struct injects *injects, size_t *at, bool https, const char *host, uint16_t port,
		  struct inject *inject)
{
	const struct plan *plan = injects->plan;

	/* in a sandbox its commands listen, who are not to have it */
	if (!injects->all || rules_inside(plan, host, port))
		return false;
	while (*at < plan->inject_count) {
		const struct plan_inject *entry = &plan->injects[*at];
		const struct inject_secret *secret = &injects->all[(*at)++];

		if ((https || entry->plaintext) && rules_names(&entry->rule, host, port)) {
			*inject = (struct inject){.header = entry->header, .value = secret->value};
			return true;
		}
	}
	return false;
}

/* ---- reading ---- */

static int read_secret(struct inject_secret *secret, struct frame_reader *reader)
{
	size_t prefix_length, length;
	const char *prefix = frame_get_bytes(reader, &prefix_length);
	const char *bytes = frame_get_bytes(reader, &length);

	if (reader->failed || length < LIMIT_INJECT_MIN_BYTES || length > LIMIT_INJECT_BYTES)
		return -EPROTO;
	secret->value = malloc(prefix_length + length + 1);
	if (!secret->value)
		return -ENOMEM;
	memcpy(secret->value, prefix, prefix_length);
	memcpy(secret->value + prefix_length, bytes, length);
	secret->value[prefix_length + length] = '\0';
	secret->secret = secret->value + prefix_length;
	secret->length = length;
	for (size_t i = 0; i < INJECT_ALIGNMENTS; i++) {
		secret->base64[i] = inject_encode(bytes, length, i);
		if (!secret->base64[i])
			return -ENOMEM;
	}
	return 0;
}

int injects_read(struct injects *injects, const struct plan *plan, int fd, struct err *err)
{
	struct frame_reader reader;
	int result;

	*injects = (struct injects){.plan = plan};
	if (plan->inject_count == 0)
		return 0;
	result = sealed_read(fd, LIMIT_INJECTS_BYTES, &injects->bytes, &injects->length, err);
	if (result < 0)
		return err_wrap(err, result, "the secrets of network.inject");
	injects->all = calloc(plan->inject_count, sizeof *injects->all);
	if (!injects->all)
		result = -ENOMEM;
	frame_read(&reader, injects->bytes, injects->length);
	for (size_t i = 0; i < plan->inject_count && result == 0; i++) {
		result = read_secret(&injects->all[i], &reader);
		if (injects->all[i].length * INJECT_ENCODED_BYTES > injects->longest)
			injects->longest = injects->all[i].length * INJECT_ENCODED_BYTES;
	}
	if (result == 0 && frame_done(&reader) < 0)
		result = -EPROTO;
	explicit_bzero(injects->bytes, injects->length);
	if (result == 0)
		return 0;
	injects_deinit(injects);
	return err_set(err, result, "the secrets of network.inject cannot be read: %s", err_name(result));
}

void injects_deinit(struct injects *injects)
{
	for (size_t i = 0; injects->all && i < injects->plan->inject_count; i++) {
		struct inject_secret *secret = &injects->all[i];

		if (secret->value)
			explicit_bzero(secret->value, strlen(secret->value));
		free(secret->value);
		for (size_t j = 0; j < INJECT_ALIGNMENTS; j++)
			free(secret->base64[j]);
	}
	free(injects->all);
	if (injects->bytes)
		explicit_bzero(injects->bytes, injects->length);
	free(injects->bytes);
	*injects = (struct injects){.plan = injects->plan};
}
