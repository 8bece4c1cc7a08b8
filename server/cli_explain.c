/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sallyport explain`: would it pass, by which rule? Asked of explain_access in a server of its own, as a
 * model would ask it, so that nothing is decided twice.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/json.h"
#include "protocol/limits.h"
#include "server/cli.h"
#include "server/pretty.h"
#include "tools/access/tools.h"

static const char *member(const cJSON *facts, const char *name)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(facts, name);

	return cJSON_IsString(value) ? value->valuestring : "";
}

static int print_table(const cJSON *result)
{
	static const struct {
		const char *heading, *name;
	} rows[] = {{"Target", "target"}, {"Rule", "rule"},     {"Layer", "layer"},
		    {"Reason", "reason"}, {"Remedy", "remedy"}, {"Policy", "policy_sha256"}};
	const cJSON *facts = cJSON_GetObjectItemCaseSensitive(result, "structuredContent");
	bool allowed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(facts, "allowed"));
	bool colour = pretty_colour(STDOUT_FILENO);

	printf("%-8s%s%s%s\n", "Verdict", pretty_style(colour, allowed ? PRETTY_GOOD : PRETTY_BAD),
	       allowed ? "would pass" : "would be refused", pretty_style(colour, PRETTY_PLAIN));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (*member(facts, rows[i].name))
			printf("%-8s%s\n", rows[i].heading, member(facts, rows[i].name));
	return EXIT_OK;
}

/* What a program asks by the exit code, a person reads. */
static int verdict(const cJSON *result)
{
	const cJSON *facts = cJSON_GetObjectItemCaseSensitive(result, "structuredContent");

	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(facts, "allowed")) ? EXIT_OK : EXIT_FAILED;
}

static int ask(const struct options *options, const struct buffer *arguments)
{
	return cli_call_tool(options, "explain_access", buffer_data(arguments), print_table, verdict);
}

struct question {
	const char *name, *value; /* value NULL: not asked */
	bool list;                /* a list of that one */
};

static int explain(const struct options *options, const struct question questions[3])
{
	struct json_writer writer;
	struct buffer arguments;
	int result;

	buffer_init(&arguments, LIMIT_MESSAGE_BYTES);
	json_writer_init(&writer, &arguments);
	json_object(&writer);
	for (int i = 0; i < 3; i++) {
		if (!questions[i].value)
			continue;
		json_key(&writer, questions[i].name);
		if (questions[i].list)
			json_array(&writer);
		json_text(&writer, questions[i].value);
		if (questions[i].list)
			json_array_end(&writer);
	}
	json_object_end(&writer);
	result = writer.result < 0 ? writer.result : buffer_append(&arguments, "", 1);
	if (result < 0)
		fprintf(stderr, "sallyport: %s\n", strerror(-result));
	result = result < 0 ? EXIT_FAILED : ask(options, &arguments);
	buffer_deinit(&arguments);
	return result;
}

static const char *operand(const struct options *options, unsigned index)
{
	return index < options->operand_count ? options->operands[index] : NULL;
}

/* A word that the tool would refuse is a slip on the command line, told before a server is started. */
static int check_operation(const char *word)
{
	const char *const *choice = access_operations;

	while (*choice && strcmp(word, *choice) != 0)
		choice++;
	if (*choice)
		return EXIT_OK;
	fprintf(stderr, "sallyport: \"%.60s\" is no operation; expected read, write or execute\n", word);
	return EXIT_USAGE;
}

int cli_explain_path(const struct options *options)
{
	const struct question questions[3] = {{"path", operand(options, 0), false},
					      {"operation", operand(options, 1), false}};

	if (questions[1].value && check_operation(questions[1].value) != EXIT_OK)
		return EXIT_USAGE;
	return explain(options, questions);
}

int cli_explain_command(const struct options *options)
{
	const struct question questions[3] = {{"argv", operand(options, 0), true},
					      {"path", operand(options, 1), false},
					      {"operation", operand(options, 2), false}};

	if (questions[2].value && check_operation(questions[2].value) != EXIT_OK)
		return EXIT_USAGE;
	return explain(options, questions);
}

int cli_explain_host(const struct options *options)
{
	const char *host = options->operands[0];
	char url[LIMIT_URL_BYTES];
	const struct question questions[3] = {{"url", url, false}};
	size_t length = strlen(host);
	/* as people write a secure one: the default of a bare name is 443 */
	bool plain = length > 3 && strcmp(host + length - 3, ":80") == 0;

	if (snprintf(url, sizeof url, "%s://%s/", plain ? "http" : "https", host) >= (int)sizeof url) {
		fprintf(stderr, "sallyport: the host is too long\n");
		return EXIT_USAGE;
	}
	return explain(options, questions);
}
