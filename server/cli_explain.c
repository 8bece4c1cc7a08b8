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

static int explain(const struct options *options, const char *const names[2], const char *const values[2])
{
	struct json_writer writer;
	struct buffer arguments;
	int result;

	buffer_init(&arguments, LIMIT_MESSAGE_BYTES);
	json_writer_init(&writer, &arguments);
	json_object(&writer);
	for (int i = 0; i < 2; i++)
		if (values[i])
			json_key_text(&writer, names[i], values[i]);
	json_object_end(&writer);
	result = writer.result < 0 ? writer.result : buffer_append(&arguments, "", 1);
	if (result < 0)
		fprintf(stderr, "sallyport: %s\n", strerror(-result));
	result = result < 0 ? EXIT_FAILED : ask(options, &arguments);
	buffer_deinit(&arguments);
	return result;
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
	static const char *const names[] = {"path", "operation"};
	const char *values[] = {options->operands[0],
				options->operand_count > 1 ? options->operands[1] : NULL};

	if (values[1] && check_operation(values[1]) != EXIT_OK)
		return EXIT_USAGE;
	return explain(options, names, values);
}

int cli_explain_host(const struct options *options)
{
	static const char *const names[] = {"url", NULL};
	const char *host = options->operands[0];
	char url[LIMIT_URL_BYTES];
	const char *values[] = {url, NULL};
	size_t length = strlen(host);
	/* as people write a secure one: the default of a bare name is 443 */
	bool plain = length > 3 && strcmp(host + length - 3, ":80") == 0;

	if (snprintf(url, sizeof url, "%s://%s/", plain ? "http" : "https", host) >= (int)sizeof url) {
		fprintf(stderr, "sallyport: the host is too long\n");
		return EXIT_USAGE;
	}
	return explain(options, names, values);
}
