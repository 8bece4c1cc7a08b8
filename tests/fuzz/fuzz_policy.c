/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies: a text is refused with a sentence that names its place, or it is a policy whose `policy show` is
 * a policy that shows the same; nothing of a refused text stays. An entry of a host list that is accepted is
 * accepted again in the spelling it was given.
 */
#include <errno.h>
#include <string.h>

#include "protocol/limits.h"
#include "server/policy/entry.h"
#include "server/policy/policy.h"
#include "tests/fuzz/fuzz.h"

static void try_show(const struct policy *policy)
{
	struct buffer one, two;
	struct policy again;
	struct err err = {""};

	buffer_init(&one, LIMIT_ANSWER_BYTES);
	buffer_init(&two, LIMIT_ANSWER_BYTES);
	policy_init(&again);
	FUZZ_CHECK(policy_show(policy, &one) == 0);
	FUZZ_CHECK(policy_parse(&again, buffer_data(&one), buffer_length(&one), "shown", NULL, &err) == 0);
	FUZZ_CHECK(policy_show(&again, &two) == 0);
	FUZZ_CHECK(buffer_length(&one) == buffer_length(&two));
	FUZZ_CHECK(memcmp(buffer_data(&one), buffer_data(&two), buffer_length(&one)) == 0);
	FUZZ_CHECK(again.allowed_domains.given == policy->allowed_domains.given);
	policy_deinit(&again);
	buffer_deinit(&one);
	buffer_deinit(&two);
}

static void try_refused(const struct policy *policy, const struct buffer *problems, const struct err *err)
{
	unsigned lines = 0;

	for (size_t i = problems->start; i < problems->end; i++)
		lines += problems->bytes[i] == '\n';
	FUZZ_CHECK(lines >= 1);
	FUZZ_CHECK(strncmp(err->text, "fuzz:", 5) == 0);
	FUZZ_CHECK(policy->result_bytes == LIMIT_RESULT_BYTES_DEFAULT && !policy->allowed_domains.given &&
		   !policy->deny_read.items && !policy->allow_git_config && !policy->user_agent &&
		   policy->robots && !policy->methods.items && !policy->injects.items);
}

static void try_entry(const uint8_t *data, size_t size)
{
	char text[512], host[ENTRY_HOST_BYTES], again[ENTRY_HOST_BYTES];
	struct err err = {""};
	uint16_t port, second;

	if (size >= sizeof text)
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	if (entry_domain(text, host, &port, &err) < 0) {
		FUZZ_CHECK(err.text[0] == '"');
		return;
	}
	FUZZ_CHECK(entry_domain(host, again, &second, &err) == 0);
	FUZZ_CHECK(strcmp(host, again) == 0 && second == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy policy;
	struct buffer problems;
	struct err err = {""};
	int result;

	policy_init(&policy);
	buffer_init(&problems, LIMIT_POLICY_BYTES);
	result = policy_parse(&policy, (const char *)data, size, "fuzz", &problems, &err);
	FUZZ_CHECK(result == 0 || result == -EINVAL);
	if (result == 0)
		try_show(&policy);
	else
		try_refused(&policy, &problems, &err);
	policy_deinit(&policy);
	buffer_deinit(&problems);
	try_entry(data, size);
	return 0;
}
