/* SPDX-License-Identifier: Apache-2.0 */
/* Ids of legacy sessions: nobody makes one up, alters one, or uses another caller's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "protocol/limits.h"
#include "server/secret.h"
#include "server/transport/http_token.h"

static struct token_keys keys;

static int make_keys(void **state)
{
	return token_keys_new(&keys);
}

static void sign_one(const char *version, const char *client, char *text)
{
	struct token token = {0};

	assert_int_equal(token_number(&token.number), 0);
	assert_int_not_equal(token.number, 0);
	snprintf(token.version, sizeof token.version, "%s", version);
	snprintf(token.client, sizeof token.client, "%s", client);
	assert_int_equal(token_write(&keys, "alice", &token, text), 0);
	assert_true(token.begun > 0);
}

static void test_round_trip(void **state)
{
	static const char *const clients[] = {
		"", "c", "claude-ai", "0123456789012345678901234567890123456789012345678901234567890123"};
	char text[TOKEN_TEXT + 1];
	struct token token;

	for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
		sign_one("2025-11-25", clients[i], text);
		for (const char *at = text; *at; at++) /* "MUST only contain visible ASCII characters" */
			assert_true(*at > 0x20 && *at < 0x7f);
		assert_int_equal(token_read(&keys, "alice", text, &token), 0);
		assert_string_equal(token.version, "2025-11-25");
		assert_string_equal(token.client, clients[i]);
	}
}

static void test_whose_it_is(void **state)
{
	char text[TOKEN_TEXT + 1];
	struct token token;

	sign_one("2025-06-18", "x", text);
	assert_int_equal(token_read(&keys, "bob", text, &token), -EINVAL);
	assert_int_equal(token_read(&keys, "alic", text, &token), -EINVAL);
	assert_int_equal(token_read(&keys, "", text, &token), -EINVAL);
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/* Every character of it counts, and so does its length. */
static void test_altered(void **state)
{
	char text[TOKEN_TEXT + 1], altered[TOKEN_TEXT + 2];
	struct token token;

	sign_one("2025-06-18", "client", text);
	for (size_t i = 0; i + 1 < strlen(text); i++) {
		memcpy(altered, text, strlen(text) + 1);
		altered[i] = altered[i] == 'A' ? 'B' : 'A';
		assert_int_equal(token_read(&keys, "alice", altered, &token), -EINVAL);
	}
	for (size_t length = 0; length + 1 < strlen(text); length++) {
		memcpy(altered, text, length);
		altered[length] = '\0';
		assert_int_equal(token_read(&keys, "alice", altered, &token), -EINVAL);
	}
	memcpy(altered, text, strlen(text) + 1);
	for (const char *at = LETTERS; *at; at++) { /* also where only bits that mean nothing differ */
		altered[strlen(text) - 1] = *at;
		assert_int_equal(token_read(&keys, "alice", altered, &token),
				 strcmp(altered, text) == 0 ? 0 : -EINVAL);
	}
	snprintf(altered, sizeof altered, "%sA", text);
	assert_int_equal(token_read(&keys, "alice", altered, &token), -EINVAL);
}

static void test_what_is_none(void **state)
{
	static const char *const texts[] = {
		"", "A", "====", "AAAA", "\xff\xff\xff\xff", "AAAA AAAA", "../../etc/passwd"};
	char longest[2 * TOKEN_TEXT];
	struct token token;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(token_read(&keys, "alice", texts[i], &token), -EINVAL);
	memset(longest, 'A', sizeof longest);
	for (size_t length = 0; length < sizeof longest; length += 7) {
		longest[length] = '\0';
		assert_int_equal(token_read(&keys, "alice", longest, &token), -EINVAL);
		longest[length] = 'A';
	}
}

/* The key before this one still opens what it has signed; one before that does not. */
static void test_rotation(void **state)
{
	struct token_keys next, after;
	char text[TOKEN_TEXT + 1];
	struct token token;

	sign_one("2025-06-18", "", text);
	assert_int_equal(token_keys_new(&next), 0);
	memcpy(next.previous, keys.key, sizeof next.previous);
	assert_int_equal(token_read(&next, "alice", text, &token), 0);
	assert_int_equal(token_keys_new(&after), 0);
	memcpy(after.previous, next.key, sizeof after.previous);
	assert_int_equal(token_read(&after, "alice", text, &token), -EINVAL);
}

#define KEY   "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff"
#define OTHER "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static int read_keys(struct token_keys *into, const char *path, struct err *err)
{
	int fd = secret_open(path), result = token_keys_read(into, fd, path, err);

	close(fd);
	return result;
}

static void test_file(void **state)
{
	static const struct {
		const char *text, *says; /* NULL: it is read */
	} rows[] = {
		{KEY "\n", NULL},
		{"# comment\n\n" KEY, NULL},
		{KEY "\r\n" OTHER "\n", NULL},
		{"", "no key"},
		{"# only\n", "no key"},
		{KEY "0\n", "hexadecimal"},
		{"x" KEY, "hexadecimal"},
		{KEY "\n" KEY "\n" KEY "\n", "or two"},
		{"g" OTHER, "hexadecimal"},
	};
	char path[] = "/tmp/sallyport-key-XXXXXX";
	int fd = mkstemp(path);
	struct token_keys read;
	struct err err;

	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, rows[i].text, strlen(rows[i].text), 0), strlen(rows[i].text));
		err = (struct err){""};
		assert_int_equal(read_keys(&read, path, &err), rows[i].says ? -EINVAL : 0);
		if (rows[i].says)
			assert_non_null(strstr(err.text, rows[i].says));
		else
			assert_int_equal(read.key[1], 0x11);
	}
	assert_int_equal(pwrite(fd, KEY "\n" OTHER, 129, 0), 129);
	assert_int_equal(read_keys(&read, path, &err), 0);
	assert_int_equal(read.key[10], 0xaa);
	assert_int_equal(read.previous[10], 0xff);
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(read_keys(&read, path, &err), -EPERM);
	close(fd);
	unlink(path);
}

static void test_age(void **state)
{
	char text[TOKEN_TEXT + 1];
	struct token token = {.number = 1, .begun = 1, .version = "2025-06-18"};

	assert_int_equal(token_write(&keys, "alice", &token, text), 0);
	assert_int_equal(token_read(&keys, "alice", text, &token), -EINVAL);
	token = (struct token){.number = 1, .version = "2025-06-18"};
	assert_int_equal(token_write(&keys, "alice", &token, text), 0);
	token.begun -= LIMIT_HTTP_SESSION_S - 100;
	assert_int_equal(token_write(&keys, "alice", &token, text), 0);
	assert_int_equal(token_read(&keys, "alice", text, &token), 0);
	token.begun -= 200;
	assert_int_equal(token_write(&keys, "alice", &token, text), 0);
	assert_int_equal(token_read(&keys, "alice", text, &token), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_whose_it_is),
		cmocka_unit_test(test_altered),    cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_rotation),   cmocka_unit_test(test_file),
		cmocka_unit_test(test_age),
	};

	return cmocka_run_group_tests(tests, make_keys, NULL);
}
