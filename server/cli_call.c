/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `sallyport call`: one call from a shell. A child becomes the very server that a host would talk to; this
 * process speaks to it as a host does, so that what is seen here is what a host sees.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "protocol/cleanup.h"
#include "protocol/json.h"
#include "protocol/limits.h"
#include "protocol/schema.h"
#include "server/cli.h"
#include "server/pretty.h"
#include "server/session.h"
#include "tools/tool.h"

#define CALL_ID 2 /* of the one request that matters; 1 is initialize */

struct call {
	const struct options *options;
	const char *tool, *text;             /* its arguments as they were given */
	int (*show)(const cJSON *result);    /* for people; NULL: the text blocks */
	int (*verdict)(const cJSON *result); /* the exit code of a result that is no error; may be NULL */
	struct buffer arguments;             /* JSON */
	struct buffer line;                  /* what has come and is not a whole line yet */
	int socket;
	pid_t server;
	bool progress; /* shown on a terminal */
};

static int fail(const char *what, int number)
{
	fprintf(stderr, "sallyport: %s: %s\n", what, strerror(number < 0 ? -number : number));
	return EXIT_FAILED;
}

/* ---- the arguments ---- */

static int read_stdin(struct buffer *out)
{
	for (;;) {
		ssize_t got;

		if (buffer_reserve(out, 65536) < 0)
			return -EMSGSIZE;
		got = read(STDIN_FILENO, out->bytes + out->end, 65536);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		out->end += (size_t)got;
	}
}

static int take_arguments(struct call *call)
{
	const char *text = call->text;
	_cleanup_(json_free) cJSON *tree = NULL;
	struct err err = {""};
	int result = strcmp(text, "-") == 0 ? read_stdin(&call->arguments)
					    : buffer_append_text(&call->arguments, text);

	if (result < 0)
		return fail("reading the arguments", result);
	if (json_parse(buffer_length(&call->arguments) ? buffer_data(&call->arguments) : "",
		       buffer_length(&call->arguments), &tree, NULL, &err) < 0) {
		fprintf(stderr, "sallyport: the arguments are not JSON: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (!cJSON_IsObject(tree)) {
		fprintf(stderr, "sallyport: the arguments are not a JSON object, such as '{\"path\": "
				"\"README.md\"}'\n");
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

static int check_tool(const char *name)
{
	const char *names[64], *nearest;
	size_t count = 0;

	if (tool_find(name))
		return EXIT_OK;
	for (const struct tool *const *tool = tool_table; *tool && count < ARRAY_SIZE(names) - 1; tool++)
		names[count++] = (*tool)->name;
	names[count] = NULL;
	nearest = schema_nearest(name, names);
	fprintf(stderr, "sallyport: there is no tool \"%.60s\"%s%s%s; `sallyport tools` lists them\n", name,
		nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
	return EXIT_USAGE;
}

/* ---- speaking ---- */

static int write_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t written = send(fd, bytes, length, MSG_NOSIGNAL);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		bytes += written;
		length -= (size_t)written;
	}
	return 0;
}

static const char handshake[] =
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-"
	"25\","
	"\"capabilities\":{},\"clientInfo\":{\"name\":\"sallyport-call\",\"version\":\"" SALLYPORT_VERSION
	"\"}}}\n"
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";

static int write_request(struct json_writer *writer, const struct call *call)
{
	json_object(writer);
	json_key_text(writer, "jsonrpc", "2.0");
	json_key_int(writer, "id", CALL_ID);
	json_key_text(writer, "method", "tools/call");
	json_key(writer, "params");
	json_object(writer);
	json_key_text(writer, "name", call->tool);
	json_key(writer, "arguments");
	/* what a person typed over several lines must become one line: line ends cannot stand inside strings
	 */
	for (char *at = buffer_data(&call->arguments); at < call->arguments.bytes + call->arguments.end; at++)
		if (*at == '\n' || *at == '\r')
			*at = ' ';
	json_raw(writer, buffer_data(&call->arguments), buffer_length(&call->arguments));
	if (call->progress) {
		json_key(writer, "_meta");
		json_object(writer);
		json_key_int(writer, "progressToken", CALL_ID);
		json_object_end(writer);
	}
	json_object_end(writer);
	json_object_end(writer);
	return writer->result;
}

static int ask(struct call *call)
{
	struct json_writer writer;
	struct buffer message;
	int result;

	buffer_init(&message, 2 * LIMIT_MESSAGE_BYTES);
	result = buffer_append_text(&message, handshake);
	json_writer_init(&writer, &message);
	if (result == 0)
		result = write_request(&writer, call);
	if (result == 0)
		result = buffer_append(&message, "\n", 1);
	if (result == 0)
		result = write_all(call->socket, buffer_data(&message), buffer_length(&message));
	buffer_deinit(&message);
	return result;
}

/* ---- listening ---- */

static void show_progress(const struct call *call, const cJSON *message)
{
	const cJSON *params = cJSON_GetObjectItemCaseSensitive(message, "params");
	const cJSON *text = cJSON_GetObjectItemCaseSensitive(params, "message");

	if (call->progress && cJSON_IsString(text))
		fprintf(stderr, "\r\033[K%.100s", text->valuestring);
}

static void print_block(const cJSON *block)
{
	const cJSON *type = cJSON_GetObjectItemCaseSensitive(block, "type");
	const cJSON *text = cJSON_GetObjectItemCaseSensitive(block, "text");
	const cJSON *media = cJSON_GetObjectItemCaseSensitive(block, "mimeType");
	const cJSON *data = cJSON_GetObjectItemCaseSensitive(block, "data");

	if (cJSON_IsString(text)) {
		size_t length = strlen(text->valuestring);

		fwrite(text->valuestring, 1, length, stdout);
		if (length && text->valuestring[length - 1] != '\n')
			putchar('\n');
	} else {
		printf("[%s %s, %zu characters of base64; --json has them]\n",
		       cJSON_IsString(type) ? type->valuestring : "?",
		       cJSON_IsString(media) ? media->valuestring : "",
		       cJSON_IsString(data) ? strlen(data->valuestring) : 0);
	}
}

/* The raw text of `name`, so that --json shows what came and not what a parser made of it. */
static int print_raw(const char *line, size_t length, const char *name)
{
	const char *path[] = {name, NULL};
	struct json_span value;
	struct buffer text;
	int result;

	if (json_locate(line, length, path, &value, NULL) < 0)
		return fail("the answer", EPROTO);
	buffer_init(&text, 4 * LIMIT_ANSWER_BYTES);
	result = pretty_json(&text, line + value.start, value.length);
	result = result < 0 ? fail("the answer", result) : cli_print(&text);
	buffer_deinit(&text);
	return result;
}

static int show_answer(const struct call *call, const char *line, size_t length, const cJSON *message)
{
	const cJSON *result = cJSON_GetObjectItemCaseSensitive(message, "result");
	const cJSON *error = cJSON_GetObjectItemCaseSensitive(message, "error");
	const cJSON *block;
	int printed = EXIT_OK;

	if (call->progress)
		fprintf(stderr, "\r\033[K");
	if (error) {
		const cJSON *text = cJSON_GetObjectItemCaseSensitive(error, "message");

		fprintf(stderr, "sallyport: %s\n",
			cJSON_IsString(text) ? text->valuestring : "protocol error");
		if (call->options->json)
			print_raw(line, length, "error");
		return EXIT_FAILED;
	}
	if (call->options->json)
		printed = print_raw(line, length, "result");
	else if (call->show && !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(result, "isError")))
		printed = call->show(result);
	else
		cJSON_ArrayForEach(block, cJSON_GetObjectItemCaseSensitive(result, "content"))
			print_block(block);
	if (printed != EXIT_OK)
		return printed;
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(result, "isError")))
		return EXIT_FAILED;
	return call->verdict ? call->verdict(result) : EXIT_OK;
}

/* One message. -1: go on listening; otherwise the exit code. */
static int hear(struct call *call, const char *line, size_t length)
{
	_cleanup_(json_free) cJSON *message = NULL;
	const cJSON *id, *method;
	struct err err = {""};

	if (json_parse(line, length, &message, NULL, &err) < 0) {
		fprintf(stderr, "sallyport: the server wrote something that is no message: %s\n", err.text);
		return EXIT_FAILED;
	}
	id = cJSON_GetObjectItemCaseSensitive(message, "id");
	method = cJSON_GetObjectItemCaseSensitive(message, "method");
	if (cJSON_IsString(method) && strcmp(method->valuestring, "notifications/progress") == 0)
		show_progress(call, message);
	if (method || !cJSON_IsNumber(id) || id->valuedouble != CALL_ID)
		return -1;
	return show_answer(call, line, length, message);
}

static int listen_for_answer(struct call *call)
{
	size_t seen = 0; /* of the line: searched already */

	for (;;) {
		char *end = buffer_length(&call->line) > seen ? memchr(buffer_data(&call->line) + seen, '\n',
								       buffer_length(&call->line) - seen)
							      : NULL;
		ssize_t got;

		if (end) {
			size_t length = (size_t)(end - buffer_data(&call->line));
			int code = hear(call, buffer_data(&call->line), length);

			if (code >= 0)
				return code;
			buffer_consume(&call->line, length + 1);
			seen = 0;
			continue;
		}
		seen = buffer_length(&call->line);
		if (buffer_reserve(&call->line, 65536) < 0)
			return fail("the answer is too large", EMSGSIZE);
		got = read(call->socket, call->line.bytes + call->line.end, 65536);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			fprintf(stderr, "sallyport: the server ended without an answer\n");
			return EXIT_FAILED;
		}
		call->line.end += (size_t)got;
	}
}

/* ---- the server ---- */

static int start_server(struct call *call, struct settings *settings)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	fflush(NULL);
	call->server = fork();
	if (call->server < 0) {
		int result = -errno;

		close(pair[0]);
		close(pair[1]);
		return result;
	}
	if (call->server == 0) {
		struct err err = {""};
		int result;

		/* as a host would have it: the protocol on 0 and 1 */
		if (dup2(pair[1], STDIN_FILENO) < 0 || dup2(pair[1], STDOUT_FILENO) < 0)
			_exit(EXIT_FAILED);
		close(pair[0]);
		close(pair[1]);
		result = session_run(settings, STDIN_FILENO, STDOUT_FILENO, &err);
		if (err.text[0])
			fprintf(stderr, "sallyport: %s\n", err.text);
		_exit(result);
	}
	close(pair[1]);
	call->socket = pair[0];
	return 0;
}

/* End of its input ends the server; what it still says is taken, as a host would that closes a pipe. */
static void end_server(struct call *call)
{
	char rest[4096];

	shutdown(call->socket, SHUT_WR);
	while (read(call->socket, rest, sizeof rest) > 0)
		;
	close_fd(&call->socket);
}

static int one_call(struct call *call, struct settings *settings)
{
	int result, code, status;

	/* a person waits as long as it takes, unless they said otherwise */
	if (!settings->answer_within_ms)
		settings->answer_within_ms = LIMIT_ANSWER_WITHIN_MAX_MS;
	result = start_server(call, settings);
	if (result < 0)
		return fail("starting the server", result);
	result = ask(call);
	/* a server that ended at once has said why on stderr; the socket then breaks, which adds nothing */
	code = result < 0 && result != -EPIPE && result != -ECONNRESET ? fail("asking the server", result)
								       : listen_for_answer(call);
	end_server(call);
	while (waitpid(call->server, &status, 0) < 0 && errno == EINTR)
		;
	/* the server says so when a layer is not to be had: scripts tell that from a tool that failed */
	if (code == EXIT_FAILED && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_UNCONFINED)
		code = EXIT_UNCONFINED;
	return code;
}

int cli_call_tool(const struct options *options, const char *tool, const char *arguments,
		  int (*show)(const cJSON *result), int (*verdict)(const cJSON *result))
{
	struct call call = {.options = options,
			    .tool = tool,
			    .text = arguments,
			    .show = show,
			    .verdict = verdict,
			    .socket = -1,
			    .progress = isatty(STDERR_FILENO)};
	struct settings settings;
	int result;

	buffer_init(&call.arguments, LIMIT_MESSAGE_BYTES);
	buffer_init(&call.line, 2 * LIMIT_ANSWER_BYTES);
	result = take_arguments(&call);
	if (result == EXIT_OK)
		result = cli_settings(&settings, options);
	if (result == EXIT_OK) {
		result = one_call(&call, &settings);
		settings_deinit(&settings);
	}
	buffer_deinit(&call.arguments);
	buffer_deinit(&call.line);
	return result;
}

int cli_call(const struct options *options)
{
	int result = check_tool(options->operands[0]);

	return result != EXIT_OK
		       ? result
		       : cli_call_tool(options, options->operands[0],
				       options->operand_count > 1 ? options->operands[1] : "{}", NULL, NULL);
}
