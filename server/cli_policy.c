/* SPDX-License-Identifier: Apache-2.0 */
/* `sallyport policy check`, `schema` and `show`. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/json.h"
#include "protocol/limits.h"
#include "server/cli.h"
#include "server/policy/policy.h"
#include "server/pretty.h"

static int out_of_memory(void)
{
	fprintf(stderr, "sallyport: no memory\n");
	return EXIT_FAILED;
}

int cli_policy_schema(const struct options *options)
{
	struct buffer text;
	int result;

	buffer_init(&text, LIMIT_POLICY_BYTES);
	result = policy_schema(&text) < 0 ? out_of_memory() : cli_print(&text);
	buffer_deinit(&text);
	return result;
}

int cli_policy_show(const struct options *options)
{
	struct policy policy;
	struct buffer text;
	struct err err = {""};
	int result;

	policy_default(&policy);
	if (options->policy && policy_read(&policy, options->policy, NULL, &err) < 0) {
		fprintf(stderr, "sallyport: %s\n", err.text);
		return EXIT_USAGE;
	}
	/* the facts about it are for people; the document alone goes to stdout, so that it can be kept */
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "%s, SHA-256 %s\n",
			options->policy ? options->policy : "Defaults, no --policy", policy.sha256);
	buffer_init(&text, LIMIT_ANSWER_BYTES);
	result = policy_show(&policy, &text) < 0 ? out_of_memory() : cli_print(&text);
	buffer_deinit(&text);
	policy_deinit(&policy);
	return result;
}

/* {"ok": .., "sha256": .., "problems": [..]} */
static int print_verdict(const struct policy *policy, bool ok, const char *problems, size_t length)
{
	struct json_writer writer;
	struct buffer compact, text;
	int result;

	buffer_init(&compact, LIMIT_ANSWER_BYTES);
	buffer_init(&text, LIMIT_ANSWER_BYTES);
	json_writer_init(&writer, &compact);
	json_object(&writer);
	json_key_bool(&writer, "ok", ok);
	if (ok)
		json_key_text(&writer, "sha256", policy->sha256);
	json_key(&writer, "problems");
	json_array(&writer);
	while (length) {
		const char *end = memchr(problems, '\n', length);
		size_t line = end ? (size_t)(end - problems) : length;

		json_bytes(&writer, problems, line);
		line += end != NULL;
		problems += line;
		length -= line;
	}
	json_array_end(&writer);
	json_object_end(&writer);
	result = writer.result < 0 || pretty_json(&text, buffer_data(&compact), buffer_length(&compact)) < 0
			 ? out_of_memory()
			 : cli_print(&text);
	buffer_deinit(&compact);
	buffer_deinit(&text);
	return result;
}

int cli_policy_check(const struct options *options)
{
	struct policy policy;
	struct buffer problems;
	struct err err = {""};
	int result, printed = EXIT_OK;

	policy_init(&policy);
	buffer_init(&problems, LIMIT_POLICY_BYTES);
	result = policy_read(&policy, options->operands[0], &problems, &err);
	if (result < 0 && !buffer_length(&problems)) /* it could not even be read */
		buffer_printf(&problems, "%s\n", err.text);
	if (options->json)
		printed =
			print_verdict(&policy, result == 0, buffer_data(&problems), buffer_length(&problems));
	else if (result < 0)
		fprintf(stderr, "%.*s", (int)buffer_length(&problems), buffer_data(&problems));
	else
		printf("%s: well-formed, SHA-256 %s\n", options->operands[0], policy.sha256);
	buffer_deinit(&problems);
	policy_deinit(&policy);
	return result < 0 ? EXIT_USAGE : printed;
}
