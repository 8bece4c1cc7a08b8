/* SPDX-License-Identifier: Apache-2.0 */
/* Questions that commands ask (sandbox/egress/dns.c): what is one, and what is not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "sandbox/egress/dns.h"

#define HEADER        "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define WITH_MORE     "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
#define END           "\x00\x00\x01\x00\x01" /* of the name; type A, class IN */
#define TEXT(literal) (literal), sizeof(literal) - 1

/* At the very end of what may be read: a byte too far ends the test. */
static int read_question(struct dns_question *question, const char *bytes, size_t length)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int result;

	assert_true(pages != MAP_FAILED && mprotect(pages + page, page, PROT_NONE) == 0);
	memcpy(pages + page - length, bytes, length);
	result = dns_read(question, pages + page - length, length);
	munmap(pages, 2 * page);
	return result;
}

static void test_good(void **state)
{
	struct dns_question question;

	assert_int_equal(read_question(&question, TEXT(HEADER "\7Example\3org" END)), 0);
	assert_string_equal(question.host, "example.org");
	assert_int_equal(question.type, DNS_TYPE_A);
	assert_int_equal(question.id, 0x1234);
	assert_int_equal(read_question(&question, TEXT(WITH_MORE "\1a" END "\0\0\x29\x04\xd0\0\0\0\0\0\0")),
			 0);
	assert_true(question.extended);
}

/* A dot inside a label, or what is not to be seen, names no host. */
static void test_no_host(void **state)
{
	struct dns_question question;

	assert_int_equal(read_question(&question, TEXT(HEADER "\3a.b\3org" END)), 0);
	assert_string_equal(question.host, "");
	assert_int_equal(read_question(&question, TEXT(HEADER "\3a\1b\3org" END)), 0);
	assert_string_equal(question.host, "");
	assert_int_equal(read_question(&question, TEXT(HEADER "\3a!b\3org" END)), 0);
	assert_string_equal(question.host, "");
}

static void test_no_question(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		int answer;
	} list[] = {
		{TEXT("\x12\x34"), -EPROTO},
		{TEXT("\x12\x34\x81\x00\x00\x01\x00\x00\x00\x00\x00\x00\1a" END), -EPROTO}, /* an answer */
		{TEXT("\x12\x34\x29\x00\x00\x01\x00\x00\x00\x00\x00\x00\1a" END), DNS_UNKNOWN},
		{TEXT("\x12\x34\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\1a" END), DNS_MALFORMED},
		{TEXT("\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00\1a" END), DNS_MALFORMED},
		{TEXT("\x12\x34\x01\x00\x00\x01\x00\x01\x00\x00\x00\x00\1a" END), DNS_MALFORMED},
		{TEXT("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x01\x00\x00\1a" END), DNS_MALFORMED},
		{TEXT(HEADER), DNS_MALFORMED},
		{TEXT(HEADER "\7exam"), DNS_MALFORMED},           /* a label beyond the end */
		{TEXT(HEADER "\5abcde"), DNS_MALFORMED},          /* a name without one */
		{TEXT(HEADER "\1a\0\0\1\0"), DNS_MALFORMED},      /* half a class */
		{TEXT(HEADER "\xc0\x0c\0\1\0\1"), DNS_MALFORMED}, /* a pointer */
		{TEXT(HEADER "\1a\0\0\1\0\3"), DNS_UNKNOWN},      /* another class */
		{TEXT(HEADER "\1a" END "more"), DNS_MALFORMED},
		{TEXT(WITH_MORE "\1a" END), DNS_MALFORMED}, /* one record that is not there */
		{TEXT(WITH_MORE "\1a" END "\0\0\x29\x04\xd0\0\0"), DNS_MALFORMED},
		{TEXT(WITH_MORE "\1a" END "\0\0\x28\x04\xd0\0\0\0\0\0\0"), DNS_MALFORMED}, /* not OPT */
		{TEXT(WITH_MORE "\1a" END "\0\0\x29\x04\xd0\0\0\0\0\0\7"), DNS_MALFORMED},
	};
	struct dns_question question;

	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		if (read_question(&question, list[i].bytes, list[i].length) != list[i].answer)
			fail_msg("row %zu is taken for a question", i);
}

/* A message with a name of these labels, each of `letters`. */
static int ask(struct dns_question *question, size_t labels, size_t letters)
{
	char bytes[1024] = HEADER;
	size_t at = sizeof HEADER - 1;

	for (size_t i = 0; i < labels; i++) {
		bytes[at++] = (char)letters;
		memset(bytes + at, 'a', letters);
		at += letters;
	}
	memcpy(bytes + at, END, sizeof END - 1);
	return read_question(question, bytes, at + sizeof END - 1);
}

static void test_long_ones(void **state)
{
	struct dns_question question;

	assert_int_equal(ask(&question, 1, 63), 0);
	assert_int_equal(strlen(question.host), 63);
	assert_int_equal(ask(&question, 1, 64), DNS_MALFORMED);
	assert_int_equal(ask(&question, 127, 1), 0); /* 254 bytes and the root */
	assert_int_equal(ask(&question, 128, 1), DNS_MALFORMED);
	assert_int_equal(ask(&question, 5, 60), DNS_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_no_host),
					   cmocka_unit_test(test_no_question),
					   cmocka_unit_test(test_long_ones)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
