/* SPDX-License-Identifier: Apache-2.0 */
/* The command line's parser: a table of options, long names only, "--name value" and "--name=value". */
#include "server/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/schema.h"
#include "server/options_table.h"

static int set_workspace(struct options *options, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, -EINVAL, "--workspace needs a directory");
	if (options->workspace_count == LIMIT_WORKSPACES)
		return err_set(err, -EINVAL, "more than %d workspaces", LIMIT_WORKSPACES);
	options->workspaces[options->workspace_count++] = value;
	return 0;
}

static int set_policy(struct options *options, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, -EINVAL, "--policy needs a file");
	if (options->policy)
		return err_set(err, -EINVAL, "--policy is given twice; there is one policy");
	options->policy = value;
	return 0;
}

/* Digits with up to three after a point, as milliseconds; -EINVAL for anything else. */
static int read_seconds(const char *text, uint32_t *milliseconds)
{
	uint64_t whole = 0;
	unsigned fraction = 0, scale = 100;
	const char *at = text;

	for (; *at >= '0' && *at <= '9' && at - text < 9; at++)
		whole = whole * 10 + (uint64_t)(*at - '0');
	if (at == text)
		return -EINVAL;
	if (*at == '.')
		for (at++; *at >= '0' && *at <= '9' && scale; at++, scale /= 10)
			fraction += (unsigned)(*at - '0') * scale;
	whole = whole * 1000 + fraction;
	if (*at || whole < LIMIT_ANSWER_WITHIN_MIN_MS || whole > LIMIT_ANSWER_WITHIN_MAX_MS)
		return -EINVAL;
	*milliseconds = (uint32_t)whole;
	return 0;
}

static int set_seconds(uint32_t *milliseconds, const char *option, const char *value, struct err *err)
{
	if (read_seconds(value, milliseconds) < 0)
		return err_set(err, -EINVAL, "%s needs a number of seconds from %g to %g, not \"%s\"", option,
			       LIMIT_ANSWER_WITHIN_MIN_MS / 1000.0, LIMIT_ANSWER_WITHIN_MAX_MS / 1000.0,
			       value);
	return 0;
}

static int set_answer_within(struct options *options, const char *value, struct err *err)
{
	return set_seconds(&options->answer_within_ms, "--answer-within", value, err);
}

static int set_request_timeout(struct options *options, const char *value, struct err *err)
{
	return set_seconds(&options->request_ms, "--request-timeout", value, err);
}

static int set_result_limit(struct options *options, const char *value, struct err *err)
{
	size_t digits = strspn(value, "0123456789");
	uint64_t bytes = digits && digits < 12 && !value[digits] ? strtoull(value, NULL, 10) : 0;

	if (bytes < LIMIT_RESULT_BYTES_MIN || bytes > LIMIT_RESULT_BYTES_MAX)
		return err_set(err, -EINVAL,
			       "--result-limit needs a number of bytes from %d to %u, not \"%s\"",
			       LIMIT_RESULT_BYTES_MIN, LIMIT_RESULT_BYTES_MAX, value);
	options->result_bytes = bytes;
	return 0;
}

static int set_json(struct options *options, const char *value, struct err *err)
{
	options->json = true;
	return 0;
}

static int set_log_format(struct options *options, const char *value, struct err *err)
{
	options->log_json = strcmp(value, "json") == 0;
	if (!options->log_json && strcmp(value, "text") != 0)
		return err_set(err, -EINVAL, "--log-format is text or json, not \"%.60s\"", value);
	return 0;
}

static int set_log_requests(struct options *options, const char *value, struct err *err)
{
	options->log_requests = true;
	return 0;
}

static int set_once(const char **member, const char *name, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, -EINVAL, "%s needs a value", name);
	if (*member)
		return err_set(err, -EINVAL, "%s is given twice", name);
	*member = value;
	return 0;
}

static int set_listen(struct options *options, const char *value, struct err *err)
{
	return set_once(&options->listen, "--listen", value, err);
}

static int set_token_file(struct options *options, const char *value, struct err *err)
{
	return set_once(&options->token_file, "--token-file", value, err);
}

static int set_metrics_file(struct options *options, const char *value, struct err *err)
{
	return set_once(&options->metrics_file, "--metrics-token-file", value, err);
}

static int set_session_key(struct options *options, const char *value, struct err *err)
{
	return set_once(&options->session_key, "--session-key-file", value, err);
}

static int set_tls_cert(struct options *options, const char *value, struct err *err)
{
	return set_once(&options->tls_cert, "--tls-cert", value, err);
}

static int set_tls_key(struct options *options, const char *value, struct err *err)
{
	return set_once(&options->tls_key, "--tls-key", value, err);
}

static int set_instance(struct options *options, const char *value, struct err *err)
{
	static const char *const permitted =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t length = strlen(value);

	if (length > LIMIT_INSTANCE_BYTES || strspn(value, permitted) != length)
		return err_set(err, -EINVAL, "--instance needs letters, digits, - and _, at most %d of them",
			       LIMIT_INSTANCE_BYTES);
	return set_once(&options->instance, "--instance", value, err);
}

static int add_name(const char **names, const char *option, const char *value, struct err *err)
{
	size_t count = 0;

	while (names[count])
		count++;
	if (!*value || count == OPTIONS_NAMES)
		return err_set(err, -EINVAL, "%s needs a value, and may be given %d times", option,
			       OPTIONS_NAMES);
	names[count] = value;
	return 0;
}

static int add_host(struct options *options, const char *value, struct err *err)
{
	return add_name(options->hosts, "--host", value, err);
}

static int add_origin(struct options *options, const char *value, struct err *err)
{
	return add_name(options->origins, "--origin", value, err);
}

static int add_user(struct options *options, const char *value, struct err *err)
{
	return add_name(options->users, "--allow-uid", value, err);
}

/* In the order in which --help shows them. */
const struct option_row option_table[] = {
	{OPTION_WORKSPACE, "--workspace", "DIR[:ro]",
	 "a directory to work in; :ro for reading only. May be repeated; paths are relative to the first. "
	 "Default: the current directory",
	 set_workspace},
	{OPTION_POLICY, "--policy", "FILE", "what is allowed (docs/policy.md). Default: compiled in",
	 set_policy},
	{OPTION_ANSWER_WITHIN, "--answer-within", "SECONDS",
	 "answer every call within this time. Default: 45 for hosts known to wait a minute, else 4",
	 set_answer_within},
	{OPTION_RESULT_LIMIT, "--result-limit", "BYTES", "most text in one result. Default: 32000",
	 set_result_limit},
	{OPTION_LISTEN, "--listen", "ADDRESS:PORT",
	 "where to listen: an address in numbers and a port (0: any), or unix:PATH. Default: the socket that "
	 "systemd passes, else 127.0.0.1:8931",
	 set_listen},
	{OPTION_TOKEN_FILE, "--token-file", "FILE",
	 "bearer tokens of those who may ask, one a line: NAME TOKEN. Default: a token for this run, printed",
	 set_token_file},
	{OPTION_TLS_CERT, "--tls-cert", "FILE",
	 "speak TLS (1.2 and 1.3) with these certificates in PEM, the server's own first. Needs --tls-key",
	 set_tls_cert},
	{OPTION_TLS_KEY, "--tls-key", "FILE",
	 "the key of the first of them, in PEM; others must not be able to read the file", set_tls_key},
	{OPTION_ALLOW_UID, "--allow-uid", "USER",
	 "who else may connect to --listen unix:PATH, by number or name. May be repeated. Default: only the "
	 "server's own user, and root",
	 add_user},
	{OPTION_HOST, "--host", "NAME",
	 "a name by which clients call this server, beside localhost. May be repeated; * permits any",
	 add_host},
	{OPTION_ORIGIN, "--origin", "ORIGIN", "web pages of this origin may ask this server. May be repeated",
	 add_origin},
	{OPTION_SESSION_KEY, "--session-key-file", "FILE",
	 "what replicas share, so that each can serve a session that another began: 64 hexadecimal digits, "
	 "and those "
	 "before them in a second line. Default: sessions end with this server",
	 set_session_key},
	{OPTION_INSTANCE, "--instance", "NAME",
	 "what this one of several replicas is called: it stands in the ids of commands, so that another one "
	 "can say whose they are",
	 set_instance},
	{OPTION_REQUEST_TIME, "--request-timeout", "SECONDS",
	 "how long a client may take to send a request's head, its body, and to take the answer, and a "
	 "second more for each 64 KB. Default: 30",
	 set_request_timeout},
	{OPTION_METRICS_FILE, "--metrics-token-file", "FILE",
	 "bearer tokens of those who may read /metrics and nothing else, as in --token-file. Default: "
	 "whoever may "
	 "ask may read them",
	 set_metrics_file},
	{OPTION_LOG_REQUESTS, "--log-requests", NULL,
	 "a line on standard error for each request: who, what, how it was answered", set_log_requests},
	{OPTION_LOG_FORMAT, "--log-format", "text|json", "how lines of the log are written. Default: text",
	 set_log_format},
	{OPTION_JSON, "--json", NULL, "print the whole as JSON, for programs", set_json},
	{0},
};

static const char *nearest_option(const char *name)
{
	const char *names[ARRAY_SIZE(option_table) + 1];
	size_t count = 0;

	for (const struct option_row *row = option_table; row->name; row++)
		names[count++] = row->name;
	names[count++] = "--help";
	names[count] = NULL;
	return schema_nearest(name, names);
}

static int unknown_option(const struct subcommand *subcommand, const char *name, struct err *err)
{
	const char *nearest;

	for (const struct option_row *row = option_table; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return err_set(err, -EINVAL, "`sallyport %s` takes no %s", subcommand->name, name);
	nearest = nearest_option(name);
	if (nearest)
		return err_set(err, -EINVAL, "unknown option %.60s; did you mean %s?", name, nearest);
	return err_set(err, -EINVAL, "unknown option %.60s", name);
}

/* One option at argv[*at]; *at is moved past its value if that stands in the next word. */
static int take_option(struct options *options, const struct subcommand *subcommand, int argc, char **argv,
		       int *at, struct err *err)
{
	const char *word = argv[*at], *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);
	const struct option_row *row;
	const char *value = equals ? equals + 1 : NULL;
	char name[64];

	snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), word);
	for (row = option_table; row->name; row++)
		if (strcmp(row->name, name) == 0 && (subcommand->options & row->option))
			break;
	if (!row->name)
		return unknown_option(subcommand, name, err);
	if (!row->value && value)
		return err_set(err, -EINVAL, "%s takes no value", row->name);
	if (row->value && !value) {
		if (*at + 1 >= argc)
			return err_set(err, -EINVAL, "%s needs a value: %s", row->name, row->value);
		value = argv[++*at];
	}
	return row->set(options, value, err);
}

static bool asks_help(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static int take_operand(struct options *options, const struct subcommand *subcommand, const char *word,
			struct err *err)
{
	if (options->operand_count >= subcommand->operands_max)
		return err_set(err, -EINVAL, "`sallyport %s` does not know what to do with \"%.60s\"",
			       subcommand->name, word);
	options->operands[options->operand_count++] = word;
	return 0;
}

int options_parse(struct options *options, const struct subcommand *subcommand, int argc, char **argv,
		  struct err *err)
{
	bool only_operands = false;
	int result = 0;

	*options = (struct options){.help = asks_help(argc, argv), .argv = argv - 1};
	if (options->help)
		return 0;
	for (int at = 0; at < argc && result == 0; at++) {
		if (!only_operands && strcmp(argv[at], "--") == 0)
			only_operands = true;
		else if (!only_operands && argv[at][0] == '-' && argv[at][1])
			result = take_option(options, subcommand, argc, argv, &at, err);
		else
			result = take_operand(options, subcommand, argv[at], err);
	}
	if (result == 0 && !options->tls_cert != !options->tls_key)
		result = err_set(err, -EINVAL, "--tls-cert and --tls-key are given together, or not at all");
	if (result == 0 && options->operand_count < subcommand->operands_min)
		result = err_set(err, -EINVAL, "missing: sallyport %s %s", subcommand->name,
				 subcommand->operands);
	return result;
}

static const struct subcommand *find_name(const struct subcommand *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

static int no_subcommand(const struct subcommand *table, const char *word, struct err *err)
{
	const char *names[32], *nearest;
	size_t count = 0, length = strlen(word);

	for (; table->name && count < ARRAY_SIZE(names) - 1; table++) {
		if (strncmp(table->name, word, length) == 0 && table->name[length] == ' ')
			return err_set(err, -EINVAL,
				       "`sallyport %s` needs one more word; `sallyport --help` lists them",
				       word);
		names[count++] = table->name;
	}
	names[count] = NULL;
	nearest = schema_nearest(word, names);
	if (nearest)
		return err_set(err, -EINVAL, "unknown command \"%.60s\"; did you mean %s?", word, nearest);
	return err_set(err, -EINVAL, "unknown command \"%.60s\"; `sallyport --help` lists them", word);
}

const struct subcommand *options_subcommand(const struct subcommand *table, int argc, char **argv, int *used,
					    struct err *err)
{
	const struct subcommand *found = NULL;
	char both[128];

	if (argc > 2) {
		snprintf(both, sizeof both, "%s %s", argv[1], argv[2]);
		*used = 2;
		found = find_name(table, both);
	}
	if (!found) {
		*used = 1;
		found = find_name(table, argv[1]);
	}
	if (!found)
		no_subcommand(table, argv[1], err);
	return found;
}
