/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain_access: would it pass, by which rule, and what would have to change? Nothing is decided here. A
 * path is asked of the files executor, which judges it as it would for a tool, or of the caller's sandbox if
 * a command is to use it (commands.c); a URL is put before the very
 * functions that the broker asks (sandbox/egress/rules.h); the whole picture is the plan, read out.
 */
#include <errno.h>
#include <string.h>

#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/egress/rules.h"
#include "sandbox/rule.h"
#include "tools/access/tools.h"
#include "tools/files/wire.h"
#include "tools/web/url.h"

/* In the order of enum files_access, from FILES_ACCESS_READ. */
const char *const access_operations[] = {"read", "write", "execute", NULL};

static const struct field input[] = {
	{.name = "path",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct explain_arguments, path),
	 .min = 1,
	 .max = LIMIT_PATH_BYTES - 1},
	{.name = "operation",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct explain_arguments, operation),
	 .choices = access_operations,
	 .description = "On path; default read"},
	{.name = "url",
	 .type = FIELD_STRING,
	 .offset = offsetof(struct explain_arguments, url),
	 .min = 1,
	 .max = LIMIT_URL_BYTES},
	{.name = "argv",
	 .type = FIELD_STRINGS,
	 .offset = offsetof(struct explain_arguments, argv),
	 .description = "A command: may it run, or do that to path?"},
	{0},
};

static const struct field workspace[] = {
	{.name = "path", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "write", .type = FIELD_BOOLEAN, .flags = FIELD_REQUIRED},
	{0},
};

/* An answer has the first six, the picture the others. */
static const struct field output[] = {
	{.name = "allowed", .type = FIELD_BOOLEAN},
	{.name = "target", .type = FIELD_STRING},
	{.name = "rule", .type = FIELD_STRING},
	{.name = "layer", .type = FIELD_STRING},
	{.name = "reason", .type = FIELD_STRING},
	{.name = "remedy", .type = FIELD_STRING},
	{.name = "profile", .type = FIELD_STRING},
	{.name = "profile_reason", .type = FIELD_STRING},
	{.name = "workspaces", .type = FIELD_OBJECTS, .inner = workspace},
	{.name = "writable", .type = FIELD_STRINGS},
	{.name = "readable", .type = FIELD_STRING},
	{.name = "protected", .type = FIELD_STRINGS},
	{.name = "hidden", .type = FIELD_STRINGS},
	{.name = "network", .type = FIELD_OBJECT},
	{.name = "sandbox", .type = FIELD_OBJECT},
	{.name = "limits", .type = FIELD_OBJECT},
	{.name = "policy_sha256", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{0},
};

static enum tool_route choose(const void *from, const struct tool_context *context)
{
	const struct explain_arguments *arguments = from;

	if (arguments->url || (arguments->operation && !arguments->path))
		return TOOL_LOCAL;
	if (arguments->argv.array)
		return TOOL_LOOK;
	/* what calls run under is known when one has: the picture asks for an executor, and nothing of it */
	return arguments->path || !context->found->profile ? TOOL_FILES : TOOL_LOCAL;
}

/* ---- a path ---- */

static int pack(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct explain_arguments *arguments = from;
	uint32_t access = FILES_ACCESS_READ;
	int result;

	for (uint32_t i = 0; arguments->operation && access_operations[i]; i++)
		if (strcmp(arguments->operation, access_operations[i]) == 0)
			access = FILES_ACCESS_READ + i;
	if ((result = frame_put_text(payload, arguments->path)) < 0 ||
	    (result = frame_put_u32(payload, access)) < 0)
		return err_set(err, result, "the request could not be packed: %s", err_name(result));
	return 0;
}

/* RESULT of FILES_EXPLAIN (tools/files/wire.h). */
static int unpack(struct tool_result *result, const void *payload, size_t length)
{
	char rule[256], layer[64], target[LIMIT_PATH_BYTES], reason[2048], remedy[512];
	struct access_answer answer = {
		.rule = rule, .layer = layer, .target = target, .reason = reason, .remedy = remedy};
	struct frame_reader reader;
	uint32_t allowed, type;

	frame_read(&reader, payload, length);
	allowed = frame_get_u32(&reader);
	frame_get_text(&reader, rule, sizeof rule);
	frame_get_text(&reader, layer, sizeof layer);
	frame_get_text(&reader, target, sizeof target);
	type = frame_get_u32(&reader);
	frame_get_text(&reader, reason, sizeof reason);
	frame_get_text(&reader, remedy, sizeof remedy);
	if (frame_done(&reader) < 0 || allowed > 1 || type >= FILES_TYPES)
		return -EPROTO;
	if (!*rule)
		return access_write_picture(result);
	answer.allowed = allowed;
	if (!allowed && strcmp(rule, RULE_WORKSPACE) == 0)
		answer.note =
			"This is about the file tools. Commands read the system's directories too: ask with "
			"argv as well.";
	return access_write_answer(result, &answer);
}

/* ---- a URL, or everything ---- */

/* A sandbox has a loopback of its own only where it has namespaces. */
static void judge_inside(const struct confinement_found *found, struct access_answer *answer)
{
	answer->note = "It is where commands of yours listen; whether one does, is seen by trying.";
	if (found->profile <= CONFINEMENT_FULL)
		return;
	answer->allowed = false;
	answer->rule = "only under the profile full a sandbox has a loopback of its own";
	answer->reason = "commands cannot listen here, and the machine's own loopback is not meant";
	answer->remedy = "`sallyport doctor` says what the profile full needs.";
	answer->note = NULL;
}

static int explain_url(struct tool_result *result, const char *text)
{
	struct access_answer answer = {.layer = "network"};
	struct rules_answer verdict;
	struct err err = {""};
	struct url url;

	if (url_check(&url, text, strlen(text), &err) < 0) {
		answer.target = text;
		answer.rule = "only http and https URLs that can be read in one way";
		answer.reason = err.text;
		answer.remedy = "";
		return access_write_answer(result, &answer);
	}
	answer.allowed = rules_explain(result->context->plan, url.host, url.port, &verdict);
	answer.target = url.text;
	answer.rule = verdict.rule;
	answer.reason = verdict.reason;
	answer.remedy = verdict.remedy;
	if (rules_inside(result->context->plan, url.host, url.port)) {
		judge_inside(result->context->found, &answer);
		return access_write_answer(result, &answer);
	}
	answer.note =
		access_commands_reach(result->context)
			? "This holds for fetch_url and for commands."
			: "This is about fetch_url. Commands have no network: under the profiles full and "
			  "container they reach what network.allowedDomains names, under minimal nothing.";
	return access_write_answer(result, &answer);
}

static void local(struct tool_result *result, const void *from)
{
	const struct explain_arguments *arguments = from;
	int code;

	if (arguments->url && (arguments->path || arguments->argv.array)) {
		result_fail(result, "%s and url cannot be asked about at once; make two calls",
			    arguments->path ? "path" : "argv");
		return;
	}
	if (arguments->operation && !arguments->path) {
		result_fail(result, "operation needs path: what should be read, written or executed?");
		return;
	}
	code = arguments->url ? explain_url(result, arguments->url) : access_write_picture(result);
	if (code < 0)
		result_fail(result, "the answer could not be built: %s", err_name(code));
	else
		result_finish(result);
}

const struct tool explain_access_tool = {
	.name = "explain_access",
	.title = "Explain access",
	.description =
		"Would this path, URL or command pass, and by which rule? Without arguments: all that is "
		"allowed.",
	.route = TOOL_FILES,
	.choose = choose,
	.hints = TOOL_READ_ONLY | TOOL_CLOSED_WORLD,
	.operation = FILES_EXPLAIN,
	.input = input,
	.output = output,
	.arguments_bytes = sizeof(struct explain_arguments),
	.local = local,
	.pack = pack,
	.unpack = unpack,
	.ask = access_ask,
	.looked = access_looked,
};
