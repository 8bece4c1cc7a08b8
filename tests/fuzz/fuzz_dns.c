/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions that commands ask. Whatever goes in: a name that is accepted is one that the rules can be asked
 * about, no answer is longer than it may be, it carries the question back unchanged, it is never taken for a
 * question itself, and the question without what follows it reads the same again.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "sandbox/egress/dns.h"
#include "tests/fuzz/fuzz.h"

#define HEADER_BYTES 12

static const struct address addresses[2] = {{AF_INET, {198, 18, 0, 2}}, {AF_INET6, {[15] = 1}}};

static void check_answer(const struct dns_question *question, enum dns_code code, size_t count,
			 const char *why)
{
	uint8_t answer[DNS_ANSWER_BYTES];
	struct dns_question again;
	size_t length = dns_answer(question, code, addresses, count, why, answer);

	FUZZ_CHECK(length >= HEADER_BYTES + question->length && length <= sizeof answer);
	FUZZ_CHECK((answer[0] << 8 | answer[1]) == question->id && (answer[3] & 15) == (int)code);
	FUZZ_CHECK(memcmp(answer + HEADER_BYTES, question->bytes, question->length) == 0);
	FUZZ_CHECK(dns_read(&again, answer, length) == -EPROTO);
}

static void check_question(const struct dns_question *question)
{
	uint8_t message[HEADER_BYTES + DNS_QUESTION_BYTES] = {0, 0, 1, 0, 0, 1};
	char why[400];
	struct dns_question again;

	FUZZ_CHECK(question->length >= 5 && question->length <= DNS_QUESTION_BYTES);
	FUZZ_CHECK(!question->host[0] || host_is_normal(question->host));
	for (const char *at = question->text; *at; at++)
		FUZZ_CHECK(*at > ' ' && *at < 0x7f);
	memcpy(message + HEADER_BYTES, question->bytes, question->length);
	FUZZ_CHECK(dns_read(&again, message, HEADER_BYTES + question->length) == 0);
	FUZZ_CHECK(strcmp(again.host, question->host) == 0 && again.type == question->type &&
		   !again.extended);
	memset(why, 'w', sizeof why - 1);
	why[sizeof why - 1] = '\0';
	check_answer(question, DNS_OK, 2, NULL);
	check_answer(question, DNS_NO_NAME, 0, why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_question question;
	int result = dns_read(&question, data, size);

	FUZZ_CHECK(result == 0 || result == -EPROTO || result == DNS_MALFORMED || result == DNS_UNKNOWN);
	if (result > 0)
		check_answer(&question, (enum dns_code)result, 0, NULL);
	if (result == 0)
		check_question(&question);
	return 0;
}
