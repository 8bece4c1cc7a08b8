/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets of network.inject: whom they are for, and that no way to write one passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/sealed.h"
#include "tools/web/inject.h"

#define TOKEN "sk-live_\"q\"/<&>%41\\u0041"
#define OTHER "another-secret"

struct fixture {
	struct plan plan;
	struct injects injects;
};

static void add(struct plan *plan, struct buffer *payload, const char *host, uint16_t port,
		const char *header, const char *prefix, const char *secret, bool plaintext)
{
	assert_int_equal(plan_add_inject(plan, host, port, header, plaintext), 0);
	assert_int_equal(frame_put_text(payload, prefix), 0);
	assert_int_equal(frame_put_text(payload, secret), 0);
}

static int set_up(void **state)
{
	static struct fixture fixture;
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_INJECTS_BYTES};
	_cleanup_fd_ int memfd = -1;
	struct err err = {""};

	plan_init(&fixture.plan);
	add(&fixture.plan, &payload, "api.example", 0, "Authorization", "Bearer ", TOKEN, false);
	add(&fixture.plan, &payload, "api.example", 0, "X-Key", "", OTHER, false);
	add(&fixture.plan, &payload, "*.plain.example", 8080, "X-Key", "", OTHER, true);
	add(&fixture.plan, &payload, "127.0.0.1", 0, "X-Key", "", OTHER, true);
	memfd = sealed_open("test", buffer_data(&payload), buffer_length(&payload), &err);
	assert_true(memfd >= 0);
	if (injects_read(&fixture.injects, &fixture.plan, memfd, &err) < 0)
		fail_msg("%s", err.text);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	injects_deinit(&fixture->injects);
	plan_deinit(&fixture->plan);
	return 0;
}

static void whom_they_are_for(void **state)
{
	static const struct {
		bool https;
		const char *host;
		uint16_t port;
		const char *values[3];
	} cases[] = {
		{true, "api.example", 443, {"Bearer " TOKEN, OTHER}},
		{true, "api.example", 80, {"Bearer " TOKEN, OTHER}}, /* https on port 80 is https */
		{false, "api.example", 80, {NULL}},
		{true, "api.example", 8443, {NULL}},
		{true, "www.api.example", 443, {NULL}},
		{true, "api.example.evil.example", 443, {NULL}},
		{false, "a.plain.example", 8080, {OTHER}},
		{true, "a.plain.example", 8080, {OTHER}},
		{true, "plain.example", 8080, {NULL}},
		{true, "127.0.0.1", 443, {NULL}}, /* the sandbox's own: its commands would read it */
	};
	const struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct inject inject;
		size_t at = 0, count = 0;

		while (injects_next(&fixture->injects, &at, cases[i].https, cases[i].host, cases[i].port,
				    &inject)) {
			assert_non_null(cases[i].values[count]);
			assert_string_equal(inject.value, cases[i].values[count++]);
		}
		if (cases[i].values[count])
			fail_msg("case %zu: not all", i);
	}
}

/* ---- ways to write it ---- */

typedef void (*writer)(const char *secret, char *out, size_t size);

#define EACH(name, format, ...)                                                                              \
	static void name(const char *secret, char *out, size_t size)                                         \
	{                                                                                                    \
		size_t used = 0;                                                                             \
		for (; *secret; secret++)                                                                    \
			used += (size_t)snprintf(out + used, size - used, format, __VA_ARGS__);              \
	}

EACH(as_it_is, "%c", *secret)
EACH(percent, "%%%02X", (unsigned)*secret)
EACH(percent_low, "%%%02x", (unsigned)*secret)
EACH(unicode, "\\u%04x", (unsigned)*secret)
EACH(hex_escape, "\\x%02X", (unsigned)*secret)
EACH(backslash, "\\%c", *secret)
EACH(decimal_entity, "&#%u;", (unsigned)*secret)
EACH(padded_entity, "&#%07u;", (unsigned)*secret)
EACH(hexadecimal_entity, "&#x%X;", (unsigned)*secret)
EACH(hexadecimal, "%02x", (unsigned)*secret)
EACH(hexadecimal_upper, "%02X", (unsigned)*secret)

/* As a JSON string, a URL and an HTML text usually have it: only where they must. */
static void json(const char *secret, char *out, size_t size)
{
	size_t used = 0;

	for (; *secret; secret++)
		used += (size_t)snprintf(out + used, size - used, "%s%c", strchr("\"\\", *secret) ? "\\" : "",
					 *secret);
}

static void url(const char *secret, char *out, size_t size)
{
	size_t used = 0;

	for (; *secret; secret++)
		used += (size_t)snprintf(out + used, size - used,
					 strchr("\"\\%<>&/", *secret) ? "%%%02X" : "%c", (unsigned)*secret);
}

static void html(const char *secret, char *out, size_t size)
{
	size_t used = 0;

	for (; *secret; secret++) {
		const char *entity = *secret == '<'   ? "&lt;"
				     : *secret == '>' ? "&gt;"
				     : *secret == '&' ? "&amp;"
				     : *secret == '"' ? "&quot;"
						      : NULL;

		used += entity ? (size_t)snprintf(out + used, size - used, "%s", entity)
			       : (size_t)snprintf(out + used, size - used, "%c", *secret);
	}
}

static const writer writers[] = {as_it_is,
				 percent,
				 percent_low,
				 unicode,
				 hex_escape,
				 backslash,
				 decimal_entity,
				 padded_entity,
				 hexadecimal_entity,
				 hexadecimal,
				 hexadecimal_upper,
				 json,
				 url,
				 html};

static void every_way_is_hidden(void **state)
{
	const struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(writers); i++) {
		char written[600], text[1600];
		size_t length;

		writers[i](TOKEN, written, sizeof written);
		snprintf(text, sizeof text, "%s before %s, between %s", written, written, written);
		length = injects_hide(&fixture->injects, text, strlen(text));
		text[length] = '\0';
		if (strcmp(text, INJECT_HIDDEN " before " INJECT_HIDDEN ", between " INJECT_HIDDEN) != 0)
			fail_msg("way %zu: %s", i, text);
	}
}

static void base64_encode(const char *bytes, size_t length, const char *last, char *out)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	for (size_t bit = 0; bit < length * 8; bit += 6) {
		unsigned value = 0;

		for (size_t i = bit; i < bit + 6; i++)
			value = value << 1 |
				(i < length * 8 ? (unsigned char)bytes[i / 8] >> (7 - i % 8) & 1 : 0);
		*out++ = value < 62 ? plain[value] : last[value - 62];
	}
	*out = '\0';
}

/* Wherever it stands among other bytes, and in both alphabets. */
static void base64_is_hidden(void **state)
{
	static const char *const before[] = {"", "a", "us", "id:", "me@x", "longer than that:"};
	const struct fixture *fixture = *state;

	for (size_t i = 0; i < 2 * ARRAY_SIZE(before); i++) {
		char bytes[100], text[200];
		size_t length;

		snprintf(bytes, sizeof bytes, "%s%s%s", before[i / 2], TOKEN, i % 3 ? "~~" : "");
		base64_encode(bytes, strlen(bytes), i % 2 ? "+/" : "-_", text);
		length = injects_hide(&fixture->injects, text, strlen(text));
		text[length] = '\0';
		if (!strstr(text, INJECT_HIDDEN))
			fail_msg("%s stays as %s", bytes, text);
		/* what is left of it are bits that it shares with what stands beside it */
		assert_true(length <= strlen(before[i / 2]) * 8 / 6 + strlen(INJECT_HIDDEN) + 7);
	}
}

static void what_is_none_stays(void **state)
{
	static const char *const texts[] = {"",
					    "s",
					    "sk-live",
					    "SK-LIVE_\"Q\"",
					    "another-secre",
					    "nother-secret",
					    "another_secret",
					    "another-%73ecre",
					    "&&&&&#;&#x;&#99999999;%%%2%zz\\u12\\x",
					    "100% & more \\ less"};
	const struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char text[100];

		snprintf(text, sizeof text, "%s", texts[i]);
		assert_int_equal(injects_hide(&fixture->injects, text, strlen(text)), strlen(texts[i]));
		assert_string_equal(text, texts[i]);
	}
}

/* ---- streams ---- */

/* In pieces of every size: all before the secret comes, and nothing of it. */
static void streams_stop(void **state)
{
	const struct fixture *fixture = *state;
	char body[3000], written[600];

	for (size_t way = 0; way < ARRAY_SIZE(writers); way++) {
		size_t before;

		memset(body, 'x', sizeof body);
		writers[way](TOKEN, written, sizeof written);
		before = 1000 + way;
		memcpy(body + before, written, strlen(written));
		for (size_t piece = 1; piece < sizeof body; piece = piece * 3 + 1) {
			struct inject_stream stream;
			size_t passed = 0, at = 0, length;
			const char *clean;
			int result = 0;

			inject_stream_init(&stream, &fixture->injects);
			for (; at < sizeof body && result == 0; at += piece) {
				size_t left = sizeof body - at;

				result = inject_stream_take(&stream, body + at, left < piece ? left : piece,
							    &clean, &length);
				assert_memory_equal(clean, body + passed, length);
				passed += length;
			}
			assert_int_equal(result, 1);
			assert_int_equal(passed, before);
			inject_stream_deinit(&stream);
		}
	}
}

static void streams_pass(void **state)
{
	const struct fixture *fixture = *state;
	struct injects none = {.plan = &fixture->plan};
	const struct injects *const both[] = {&fixture->injects, &none};
	char body[5000];

	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (char)(i * 7 + i / 100);
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		for (size_t piece = 1; piece < sizeof body; piece = piece * 3 + 1) {
			struct inject_stream stream;
			size_t passed = 0, length;
			const char *clean;

			inject_stream_init(&stream, both[i]);
			for (size_t at = 0; at < sizeof body; at += piece) {
				size_t left = sizeof body - at;

				assert_int_equal(inject_stream_take(&stream, body + at,
								    left < piece ? left : piece, &clean,
								    &length),
						 0);
				assert_memory_equal(clean, body + passed, length);
				passed += length;
			}
			inject_stream_finish(&stream, &clean, &length);
			assert_memory_equal(clean, body + passed, length);
			assert_int_equal(passed + length, sizeof body);
			inject_stream_deinit(&stream);
		}
	}
}

/* ---- reading ---- */

static void what_is_read_is_checked(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} cases[] = {
		{"", 0},
		{"\0\0\0\0", 4},
		{"\0\0\0\0\7\0\0\0shorter", 15},
		{"\0\0\0\0\xff\xff\xff\xfflonger than it is", 24},
		{"\0\0\0\0\10\0\0\0eight by and more", 25},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_fd_ int memfd = -1;
		struct injects injects;
		struct err err = {""};
		struct plan plan;

		plan_init(&plan);
		plan_add_inject(&plan, "api.example", 0, "X-Key", false);
		memfd = sealed_open("test", cases[i].bytes, cases[i].length, &err);
		assert_true(injects_read(&injects, &plan, memfd, &err) < 0);
		assert_null(strstr(err.text, "eight by"));
		assert_true(injects_read(&injects, &plan, STDIN_FILENO, &err) < 0);
		plan_deinit(&plan);
	}
}

static void without_any_it_costs_nothing(void **state)
{
	struct injects injects;
	struct inject inject;
	struct err err = {""};
	struct plan plan;
	size_t at = 0;
	char text[] = "another-secret";

	plan_init(&plan);
	assert_int_equal(injects_read(&injects, &plan, -1, &err), 0);
	assert_false(injects_next(&injects, &at, true, "api.example", 443, &inject));
	assert_int_equal(injects_hide(&injects, text, strlen(text)), strlen(text));
	injects_deinit(&injects);
	plan_deinit(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whom_they_are_for),
		cmocka_unit_test(every_way_is_hidden),
		cmocka_unit_test(base64_is_hidden),
		cmocka_unit_test(what_is_none_stays),
		cmocka_unit_test(streams_stop),
		cmocka_unit_test(streams_pass),
		cmocka_unit_test(what_is_read_is_checked),
		cmocka_unit_test(without_any_it_costs_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
