/* SPDX-License-Identifier: Apache-2.0 */
/* A policy's text: what is taken, what is refused and in which words, the table, defaults and documents. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/json.h"
#include "protocol/limits.h"
#include "server/policy/keys.h"
#include "server/policy/policy.h"
#include "server/policy/protect.h"

static int parse(struct policy *policy, const char *text, struct buffer *problems, struct err *err)
{
	policy_init(policy);
	err->text[0] = '\0';
	return policy_parse(policy, text, strlen(text), "policy.json", problems, err);
}

static bool is_section(const char *name)
{
	for (const char *const *section = policy_sections; *section; section++)
		if (strcmp(*section, name) == 0)
			return true;
	return false;
}

static void test_table_sorted(void **state)
{
	char section[POLICY_SECTION_BYTES];

	for (const struct policy_key *key = policy_keys; key->name; key++) {
		const char *dot = strchr(key->name, '.');

		assert_true(!dot || (!strchr(dot + 1, '.') && dot - key->name < POLICY_SECTION_BYTES));
		policy_key_split(key, section);
		assert_int_equal(strncmp(section, key->name, strlen(section)), 0);
		assert_true(key->description && *key->description);
		assert_int_equal(*section != '\0', is_section(section));
		if (key->type == POLICY_INTEGER && key->preset) /* without one it may be left out */
			assert_true(key->preset >= key->min && key->preset <= key->max);
		if (key[1].name)
			assert_true(strcmp(key->name, key[1].name) < 0);
	}
}

static void test_protected_sorted(void **state)
{
	bool git_config = false;

	for (const struct protected_path *row = protected_paths; row->path; row++) {
		assert_true(row->path[0] != '/' && !strstr(row->path, "..") && *row->reason);
		git_config |= strcmp(row->path, PROTECTED_GIT_CONFIG) == 0;
		if (row[1].path)
			assert_true(strcmp(row->path, row[1].path) < 0);
	}
	assert_true(git_config);
}

static void test_good(void **state)
{
	struct policy policy;
	struct err err;

	assert_int_equal(parse(&policy,
			       "{\"$schema\": \"./s.json\", \"answerWithin\": 2.5, \"resultLimit\": 1e4,\n"
			       " \"filesystem\": {\"denyRead\": [\"~/.ssh\", \"/srv/secret\"], "
			       "\"allowGitConfig\": true},\n"
			       " \"network\": {\"allowedDomains\": [\"*.Example.org\", \"[::1]:80\", "
			       "\"localhost:3000\"]},\n"
			       " \"limits\": {\"processes\": 64.0}}",
			       NULL, &err),
			 0);
	assert_int_equal(policy.answer_within_ms, 2500);
	assert_int_equal(policy.result_bytes, 10000);
	assert_int_equal(policy.deny_read.count, 2);
	assert_string_equal(policy.deny_read.items[0], "~/.ssh");
	assert_true(policy.allow_git_config);
	assert_true(policy.allowed_domains.given);
	assert_int_equal(policy.allowed_domains.count, 3);
	assert_false(policy.denied_domains.given);
	assert_int_equal(policy.processes, 64);
	assert_int_equal(policy.files, LIMIT_COMMAND_FILES);
	policy_deinit(&policy);
}

/* An empty list is not an absent one: nothing is allowed then (a peer opened everything). */
static void test_empty_list(void **state)
{
	struct policy policy;
	struct err err;

	assert_int_equal(parse(&policy, "{\"network\":{\"allowedDomains\":[]}}", NULL, &err), 0);
	assert_true(policy.allowed_domains.given);
	assert_int_equal(policy.allowed_domains.count, 0);
	policy_deinit(&policy);
	assert_int_equal(parse(&policy, "{}", NULL, &err), 0);
	assert_false(policy.allowed_domains.given);
	policy_deinit(&policy);
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"{\n  \"network\": {\n    \"alowedDomains\": []\n  }\n}",
		 "policy.json:3:5: unknown key network.alowedDomains; did you mean network.allowedDomains?"},
		{"{\"alowedDomains\": []}",
		 "policy.json:1:2: unknown key alowedDomains; did you mean network.allowedDomains?"},
		{"{\"denyRead\": []}", "did you mean filesystem.denyRead?"},
		{"{\"networks\": {}}", "policy.json:1:2: unknown key networks; did you mean network?"},
		{"{\"zzzzzzzzzzzz\": 1}", "`sallyport policy schema` lists all"},
		{"{\"network\": {\"denyRead\": []}}", "did you mean filesystem.denyRead?"},
		{"{\"network.allowedDomains\": []}", "policy.json:1:2: unknown key network.allowedDomains"},
		{"{\"network\": []}", "policy.json:1:13: network must be an object, not an array"},
		{"{\"answerWithin\": \"4\"}",
		 "policy.json:1:18: answerWithin must be a number, not a string"},
		{"{\"answerWithin\": 0}", "answerWithin must be from 0.1 to 3600"},
		{"{\"answerWithin\": null}", "answerWithin must be a number, not null"},
		{"{\"resultLimit\": 1e999}", "policy.json:1:1"},
		{"{\"resultLimit\": 5000.5}", "resultLimit must be an integer"},
		{"{\"resultLimit\": true}", "resultLimit must be an integer, not a boolean"},
		{"{\"limits\": {\"processes\": 99999999999999999999}}",
		 "limits.processes must be from 16 to 65536"},
		{"{\"filesystem\": {\"denyRead\": \"/a\"}}",
		 "filesystem.denyRead must be an array of strings, not a string"},
		{"{\"filesystem\": {\"denyRead\": [\"/a\",\n 5]}}",
		 "policy.json:2:2: filesystem.denyRead must hold strings"},
		{"{\"filesystem\": {\"denyRead\": [\"a/b\"]}}", "\"a/b\" must be an absolute path"},
		{"{\"filesystem\": {\"denyRead\": [\"~user/x\"]}}",
		 "must be an absolute path, or begin with ~/"},
		{"{\"filesystem\": {\"denyRead\": [\"\"]}}", "must be an absolute path"},
		{"{\"filesystem\": {\"allowGitConfig\": 1}}", "must be true or false, not a number"},
		{"{\"network\": {\"allowedDomains\": [\"https://example.org\"]}}", "is a URL"},
		{"{\"network\": {\"allowedDomains\": [\"10.0.0.0/8\"]}}", "holds a slash"},
		{"{\"network\": {\"allowedDomains\": [\"*\"]}}", "would name every host"},
		{"{\"network\": {\"allowedDomains\": [\"a.*.org\"]}}", "has a * that does not stand"},
		{"{\"network\": {\"allowedDomains\": [\"*.1.2.3.4\"]}}", "has no names below it"},
		{"{\"network\": {\"allowedDomains\": [\"example.org:0\"]}}",
		 "port that is not a number from 1"},
		{"{\"network\": {\"allowedDomains\": [\"example.org:65536\"]}}",
		 "port that is not a number from 1"},
		{"{\"network\": {\"allowedDomains\": [\"example.org:\"]}}",
		 "port that is not a number from 1"},
		{"{\"network\": {\"allowedDomains\": [\"\"]}}", "is empty"},
		{"{\"network\": {\"allowedDomains\": [\"exa mple.org\"]}}", "is no host"},
		{"{\"network\": {\"allowedDomains\": [\"256.1.1.1\"]}}", "is no host"},
		{"{\"network\": {\"deniedDomains\": [\"m\\u00fcller.de\"]}}", "is no host"},
		{"[]", "policy.json:1:1: a policy is a JSON object, not an array"},
		{"", "policy.json:1:1"},
		{"{\"a\": 1,}", "policy.json:1:9"},
		{"// no\n{}", "policy.json:1:1"},
		{"{\"resultLimit\": 5000, \"resultLimit\": 6000}", "duplicate key"},
		{"{\"$schema\": 5}", "$schema must be a string, not a number"},
		{"{\"\\u0000\": 5}", "policy.json:1:"},
	};
	struct policy policy;
	struct err err;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(parse(&policy, cases[i].text, NULL, &err), -EINVAL);
		if (!strstr(err.text, cases[i].says))
			fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, err.text, cases[i].says);
		/* nothing of a refused text is used */
		assert_int_equal(policy.result_bytes, LIMIT_RESULT_BYTES_DEFAULT);
		assert_int_equal(policy.allowed_domains.count, 0);
		policy_deinit(&policy);
	}
}

static void test_all_mistakes(void **state)
{
	struct policy policy;
	struct buffer problems;
	struct err err;
	const char *text = "{\"a\": 1,\n \"resultLimit\": 1,\n \"network\": {\"allowedDomains\": [\"*\", "
			   "\"ok.org\", 3]}}";
	unsigned lines = 0;

	buffer_init(&problems, LIMIT_POLICY_BYTES);
	assert_int_equal(parse(&policy, text, &problems, &err), -EINVAL);
	assert_int_equal(buffer_append(&problems, "", 1), 0);
	for (const char *at = buffer_data(&problems); (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 4);
	assert_non_null(strstr(buffer_data(&problems), "policy.json:1:2: "));
	assert_non_null(strstr(buffer_data(&problems), "policy.json:2:17: "));
	assert_non_null(strstr(buffer_data(&problems), "policy.json:3:33: "));
	assert_non_null(strstr(buffer_data(&problems), "policy.json:3:48: "));
	assert_int_equal(strncmp(err.text, buffer_data(&problems), strlen(err.text)), 0);
	buffer_deinit(&problems);
	policy_deinit(&policy);
}

static void test_mistakes_bounded(void **state)
{
	struct policy policy;
	struct buffer problems, text;
	struct err err;
	unsigned lines = 0;

	buffer_init(&text, LIMIT_POLICY_BYTES);
	buffer_init(&problems, LIMIT_POLICY_BYTES);
	buffer_append_text(&text, "{");
	for (int i = 0; i < 1000; i++)
		buffer_printf(&text, "%s\"k%d\": 1", i ? "," : "", i);
	buffer_append_text(&text, "}");
	policy_init(&policy);
	assert_int_equal(
		policy_parse(&policy, buffer_data(&text), buffer_length(&text), "p", &problems, &err),
		-EINVAL);
	for (size_t i = problems.start; i < problems.end; i++)
		lines += problems.bytes[i] == '\n';
	assert_int_equal(lines, LIMIT_POLICY_PROBLEMS);
	buffer_deinit(&problems);
	buffer_deinit(&text);
}

static void test_too_many_entries(void **state)
{
	struct policy policy;
	struct buffer text;
	struct err err;

	buffer_init(&text, LIMIT_POLICY_BYTES);
	buffer_append_text(&text, "{\"filesystem\":{\"denyRead\":[\"/a\"");
	for (int i = 0; i < LIMIT_POLICY_ENTRIES; i++)
		buffer_append_text(&text, ",\"/a\"");
	buffer_append_text(&text, "]}}");
	policy_init(&policy);
	assert_int_equal(policy_parse(&policy, buffer_data(&text), buffer_length(&text), "p", NULL, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "at most 1024"));
	buffer_deinit(&text);
}

/* What `policy show` prints is a policy, and shows itself again. */
static void test_show_round_trip(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"answerWithin\": 0.25, \"network\": {\"allowedDomains\": [], \"deniedDomains\": "
		"[\"a.org\"]}}",
		"{\"filesystem\": {\"denyRead\": [\"/a\\\"b\\\\c\\u0007\"], \"allowWrite\": [\"~/x\"]}, "
		"\"resultLimit\": 1000}",
	};
	struct policy first, second;
	struct buffer one, two;
	struct err err;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		buffer_init(&one, LIMIT_POLICY_BYTES);
		buffer_init(&two, LIMIT_POLICY_BYTES);
		assert_int_equal(parse(&first, texts[i], NULL, &err), 0);
		assert_int_equal(policy_show(&first, &one), 0);
		policy_init(&second);
		if (policy_parse(&second, buffer_data(&one), buffer_length(&one), "shown", NULL, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(policy_show(&second, &two), 0);
		assert_int_equal(buffer_length(&one), buffer_length(&two));
		assert_memory_equal(buffer_data(&one), buffer_data(&two), buffer_length(&one));
		assert_int_equal(first.allowed_domains.given, second.allowed_domains.given);
		assert_int_equal(first.answer_within_ms, second.answer_within_ms);
		policy_deinit(&first);
		policy_deinit(&second);
		buffer_deinit(&one);
		buffer_deinit(&two);
	}
}

static void test_schema_is_json(void **state)
{
	struct buffer text;
	struct err err = {""};
	cJSON *tree = NULL;

	buffer_init(&text, LIMIT_POLICY_BYTES);
	assert_int_equal(policy_schema(&text), 0);
	if (json_parse(buffer_data(&text), buffer_length(&text), &tree, NULL, &err) < 0)
		fail_msg("%s", err.text);
	for (const struct policy_key *key = policy_keys; key->name; key++) {
		char section[POLICY_SECTION_BYTES];
		const char *name = policy_key_split(key, section);
		const cJSON *at = cJSON_GetObjectItemCaseSensitive(tree, "properties");

		if (*section)
			at = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(at, section),
							      "properties");
		assert_non_null(cJSON_GetObjectItemCaseSensitive(at, name));
	}
	json_free(&tree);
	buffer_deinit(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_sorted),
		cmocka_unit_test(test_protected_sorted),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_empty_list),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_all_mistakes),
		cmocka_unit_test(test_mistakes_bounded),
		cmocka_unit_test(test_too_many_entries),
		cmocka_unit_test(test_show_round_trip),
		cmocka_unit_test(test_schema_is_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
