/* SPDX-License-Identifier: Apache-2.0 */
/* The command line's parser and its help, with a table of subcommands of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/options.h"
#include "server/options_table.h"

static const struct subcommand table[] = {
	{"call", "TOOL [ARGUMENTS]", "s", "d", "sallyport call x", OPTIONS_SERVER | OPTION_JSON, 1, 2, NULL},
	{"http", "", "s", "d", "sallyport http", OPTIONS_HTTP, 0, 0, NULL},
	{"policy check", "FILE", "s", "d", "sallyport policy check x", OPTION_JSON, 1, 1, NULL},
	{"policy show", "", "s", "d", "sallyport policy show", OPTION_POLICY, 0, 0, NULL},
	{"stdio", "", "s", "d", "sallyport stdio", OPTIONS_SERVER, 0, 0, NULL},
	{NULL},
};

#define WORDS 8

/* Parses a line of words separated by single blanks, the subcommand first. */
static int parse(const char *line, struct options *options, struct err *err)
{
	static char copy[512]; /* options borrow from it */
	char *words[WORDS + 80], *rest = copy;
	const struct subcommand *subcommand;
	int count = 1, used;

	words[0] = (char *)"sallyport";
	snprintf(copy, sizeof copy, "%s", line);
	for (char *word; (word = strsep(&rest, " "));)
		words[count++] = word;
	words[count] = NULL;
	err->text[0] = '\0';
	subcommand = options_subcommand(table, count, words, &used, err);
	if (!subcommand)
		return -1;
	return options_parse(options, subcommand, count - 1 - used, words + 1 + used, err);
}

static void test_good(void **state)
{
	struct options options;
	struct err err;

	assert_int_equal(parse("stdio --workspace /a --workspace=/b:ro --policy p.json --answer-within 4.5 "
			       "--result-limit=50000",
			       &options, &err),
			 0);
	assert_int_equal(options.workspace_count, 2);
	assert_string_equal(options.workspaces[0], "/a");
	assert_string_equal(options.workspaces[1], "/b:ro");
	assert_string_equal(options.policy, "p.json");
	assert_int_equal(options.answer_within_ms, 4500);
	assert_int_equal(options.result_bytes, 50000);

	assert_int_equal(parse("call read_file {} --json", &options, &err), 0);
	assert_int_equal(options.operand_count, 2);
	assert_string_equal(options.operands[0], "read_file");
	assert_true(options.json);

	assert_int_equal(parse("call read_file -", &options, &err), 0);
	assert_string_equal(options.operands[1], "-");
	assert_int_equal(parse("call -- --odd", &options, &err), 0);
	assert_string_equal(options.operands[0], "--odd");
	assert_int_equal(parse("policy show", &options, &err), 0);
	assert_int_equal(parse("policy check --nonsense --help", &options, &err), 0);
	assert_true(options.help);
	assert_int_equal(parse("call -- --help", &options, &err), 0);
	assert_false(options.help);
}

static void test_seconds(void **state)
{
	static const struct {
		const char *text;
		uint32_t milliseconds; /* 0: refused */
	} cases[] = {
		{"4", 4000},       {"0.1", 100}, {"0.25", 250}, {"3600", 3600000},  {"1.", 1000},
		{"45.125", 45125}, {"0", 0},     {"0.09", 0},   {"3601", 0},        {"-1", 0},
		{"1e3", 0},        {"inf", 0},   {"nan", 0},    {"0x10", 0},        {"4s", 0},
		{"", 0},           {".5", 0},    {"1.2345", 0}, {"99999999999", 0}, {"4.5.6", 0},
		{" 4", 0},
	};
	struct options options;
	struct err err;
	char line[64];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(line, sizeof line, "stdio --answer-within=%s", cases[i].text);
		if (strchr(cases[i].text, ' '))
			continue;
		if (cases[i].milliseconds) {
			assert_int_equal(parse(line, &options, &err), 0);
			assert_int_equal(options.answer_within_ms, cases[i].milliseconds);
		} else {
			assert_true(parse(line, &options, &err) < 0);
			assert_non_null(strstr(err.text, "--answer-within needs"));
		}
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"stdio --workspce /a", "did you mean --workspace?"},
		{"stdio --xyzzy", "unknown option --xyzzy"},
		{"stdio -w", "unknown option -w"},
		{"stdio --json", "`sallyport stdio` takes no --json"},
		{"stdio --workspace", "--workspace needs a value: DIR[:ro]"},
		{"stdio --workspace=", "--workspace needs a directory"},
		{"stdio --policy a --policy b", "--policy is given twice"},
		{"stdio --result-limit 5", "--result-limit needs a number of bytes"},
		{"stdio --result-limit 99999999999999", "--result-limit needs"},
		{"stdio --result-limit 5000x", "--result-limit needs"},
		{"stdio --instance a", "takes no --instance"},
		{"http --instance a.b", "--instance needs letters"},
		{"http --instance a23456789012345678901234567890123", "at most 32"},
		{"http --instance=", "--instance needs a value"},
		{"http --instance a --instance b", "--instance is given twice"},
		{"stdio extra", "does not know what to do with \"extra\""},
		{"call", "missing: sallyport call TOOL"},
		{"call a b c", "does not know what to do with \"c\""},
		{"call a --json=1", "--json takes no value"},
		{"stdoi", "did you mean stdio?"},
		{"policy", "needs one more word"},
		{"policy shwo", "needs one more word"},
		{"quux", "`sallyport --help` lists them"},
	};
	struct options options;
	struct err err;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_true(parse(cases[i].line, &options, &err) < 0);
		if (!strstr(err.text, cases[i].says))
			fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].line, err.text, cases[i].says);
	}
}

static void test_too_many_workspaces(void **state)
{
	char *words[2 * LIMIT_WORKSPACES + 3];
	struct options options;
	struct err err = {""};
	int count = 0;

	for (int i = 0; i <= LIMIT_WORKSPACES; i++) {
		words[count++] = (char *)"--workspace";
		words[count++] = (char *)"/a";
	}
	assert_int_equal(options_parse(&options, &table[4], count - 2, words, &err), 0);
	assert_int_equal(options.workspace_count, LIMIT_WORKSPACES);
	assert_true(options_parse(&options, &table[4], count, words, &err) < 0);
	assert_non_null(strstr(err.text, "more than"));
}

/* Every option that a subcommand takes stands in its help, and none that it does not. */
static void test_help(void **state)
{
	for (const struct subcommand *subcommand = table; subcommand->name; subcommand++) {
		char *text = NULL;
		size_t length;
		FILE *out = open_memstream(&text, &length);

		options_help(out, subcommand, false);
		fclose(out);
		assert_non_null(strstr(text, subcommand->example));
		for (const struct option_row *row = option_table; row->name; row++)
			assert_int_equal(strstr(text, row->name) != NULL,
					 (subcommand->options & row->option) != 0);
		assert_null(strchr(text, '\033'));
		free(text);
	}
}

static void test_overview(void **state)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	options_overview(out, table, true);
	fclose(out);
	for (const struct subcommand *subcommand = table; subcommand->name; subcommand++)
		assert_non_null(strstr(text, subcommand->name));
	assert_non_null(strstr(text, "mcpServers"));
	assert_non_null(strchr(text, '\033'));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good), cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_bad),  cmocka_unit_test(test_too_many_workspaces),
		cmocka_unit_test(test_help), cmocka_unit_test(test_overview),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
