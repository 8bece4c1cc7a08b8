/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret (the first line) and a text in which it may stand: hidden in place it is gone, and a stream of the
 * same bytes in any pieces passes on what stands before the first one and nothing else.
 */
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/sealed.h"
#include "tests/fuzz/fuzz.h"
#include "tools/web/inject.h"

static void read_secret(struct injects *injects, struct plan *plan, const uint8_t *secret, size_t length)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_INJECTS_BYTES};
	_cleanup_fd_ int memfd = -1;
	struct err err = {""};

	FUZZ_CHECK(plan_add_inject(plan, "a.example", 0, "X", false) == 0);
	FUZZ_CHECK(frame_put_text(&payload, "") == 0 && frame_put_bytes(&payload, secret, length) == 0);
	memfd = sealed_open("fuzz", buffer_data(&payload), buffer_length(&payload), &err);
	FUZZ_CHECK(memfd >= 0 && injects_read(injects, plan, memfd, &err) == 0);
}

static void try_stream(const struct injects *injects, const char *text, size_t length, size_t piece,
		       const char *hidden, size_t hidden_length)
{
	struct inject_stream stream;
	size_t passed = 0, count;
	const char *clean;
	int result = 0;

	inject_stream_init(&stream, injects);
	for (size_t at = 0; at < length && result == 0; at += piece) {
		result = inject_stream_take(&stream, text + at, length - at < piece ? length - at : piece,
					    &clean, &count);
		FUZZ_CHECK(result >= 0 && (!count || memcmp(clean, text + passed, count) == 0));
		passed += count;
	}
	if (result == 0) {
		inject_stream_finish(&stream, &clean, &count);
		FUZZ_CHECK(!count || memcmp(clean, text + passed, count) == 0);
		passed += count;
		FUZZ_CHECK(passed == length && hidden_length == length);
	} else {
		FUZZ_CHECK(passed + strlen(INJECT_HIDDEN) <= hidden_length &&
			   memcmp(hidden, text, passed) == 0 &&
			   memcmp(hidden + passed, INJECT_HIDDEN, strlen(INJECT_HIDDEN)) == 0);
	}
	inject_stream_deinit(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	size_t length = end ? (size_t)(end - data) : 0, rest = end ? size - length - 1 : 0, left;
	_cleanup_free_ char *hidden = NULL;
	struct injects injects;
	struct plan plan;

	if (length < LIMIT_INJECT_MIN_BYTES || length > 200 || memchr(data, '\0', length))
		return 0;
	plan_init(&plan);
	read_secret(&injects, &plan, data, length);
	hidden = malloc(rest + 1);
	FUZZ_CHECK(hidden != NULL);
	memcpy(hidden, end + 1, rest);
	left = injects_hide(&injects, hidden, rest);
	FUZZ_CHECK(left <= rest);
	/* what stands for a secret may be a part of one */
	if (!memchr(data, '[', length) && !memchr(data, ']', length))
		FUZZ_CHECK(!memmem(hidden, left, data, length));
	try_stream(&injects, (const char *)end + 1, rest, 1, hidden, left);
	try_stream(&injects, (const char *)end + 1, rest, 1 + length / 2, hidden, left);
	try_stream(&injects, (const char *)end + 1, rest, rest + 1, hidden, left);
	injects_deinit(&injects);
	plan_deinit(&plan);
	return 0;
}
