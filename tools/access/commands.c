/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain_access for commands: may one do this to a path, may this program be run? The caller's own sandbox
 * is asked (KEEPER_LOOK, sandbox/keeper/wire.h), so what it says is what the kernel will say. Which rule that
 * was is told by the plan and by where the path leads; the plan also knows what a look cannot see: a path
 * that is hidden looks like an empty file, and a protected one that is absent like any other.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "protocol/path.h"
#include "sandbox/keeper/wire.h"
#include "sandbox/rule.h"
#include "tools/access/tools.h"

int access_ask(const void *from, const struct tool_context *context, struct buffer *payload, struct err *err)
{
	const struct explain_arguments *arguments = from;
	char letter[] = {KEEPER_LOOKS[0], '\0'}, below[LIMIT_PATH_BYTES + 2];
	const char *path = arguments->path;
	int result;

	if (path && !strchr(path, '/')) { /* or it would be looked for along PATH */
		snprintf(below, sizeof below, "./%s", path);
		path = below;
	}
	if (!path) {
		if (arguments->argv.count == 0 || !*cJSON_GetArrayItem(arguments->argv.array, 0)->valuestring)
			return err_set(err, -EINVAL, "argv: its first element names the program");
		path = cJSON_GetArrayItem(arguments->argv.array, 0)->valuestring;
		letter[0] = KEEPER_LOOKS[2];
	}
	for (size_t i = 0; arguments->operation && access_operations[i]; i++)
		if (strcmp(arguments->operation, access_operations[i]) == 0)
			letter[0] = KEEPER_LOOKS[i];
	if ((result = frame_put_text(payload, context->plan->workspaces[0].path)) < 0 ||
	    (result = frame_put_u32(payload, 2)) < 0 || (result = frame_put_text(payload, letter)) < 0 ||
	    (result = frame_put_text(payload, path)) < 0 || (result = frame_put_u32(payload, 0)) < 0 ||
	    (result = frame_put_u32(payload, 0)) < 0)
		return err_set(err, result, "the question could not be packed: %s", err_name(result));
	return 0;
}

/* ---- which rule ---- */

struct look {
	uint32_t error, operation, mode;
	char path[LIMIT_PATH_BYTES]; /* where it leads */
	bool write;
	bool program; /* only a name, and PATH has none of it */
};

static const struct plan_path *find_path(const struct plan_path *list, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (path_within(path, list[i].path))
			return &list[i];
	return NULL;
}

/* A path that a rule names, what is below it, and a file where the rule has a directory on the way. */
static bool covers(const struct look *look, const char *rule)
{
	return path_within(look->path, rule) ||
	       (!S_ISDIR(look->mode) && path_within(rule, look->path)); /* nothing, or a file */
}

static const char *find_protected(const struct plan *plan, const struct look *look)
{
	char path[2 * LIMIT_PATH_BYTES];

	for (size_t i = 0; i < plan->protect_count; i++) {
		if (plan->protect[i][0] == '/') {
			if (covers(look, plan->protect[i]))
				return plan->protect[i];
			continue;
		}
		for (size_t j = 0; j < plan->workspace_count; j++) {
			snprintf(path, sizeof path, "%s/%s", plan->workspaces[j].path, plan->protect[i]);
			if (plan->workspaces[j].write && covers(look, path))
				return plan->protect[i];
		}
	}
	return NULL;
}

static const char *find_hidden(const struct plan *plan, const struct look *look)
{
	for (size_t i = 0; i < plan->hide_count; i++)
		if (path_within(look->path, plan->hide[i]))
			return plan->hide[i];
	return NULL;
}

/* Of the place where a path leads, whatever is there. */
static const char *place_rule(const struct plan *plan, const struct look *look)
{
	static const char *const system[] = {"/usr",   "/etc",   "/opt",    "/bin",  "/sbin", "/lib",
					     "/lib32", "/lib64", "/libx32", "/proc", "/dev"};
	const struct plan_path *place = find_path(plan->workspaces, plan->workspace_count, look->path);

	if (place)
		return look->write && !place->write ? RULE_READ_ONLY : RULE_WORKSPACE;
	place = find_path(plan->extra, plan->extra_count, look->path);
	if (place && place->write)
		return RULE_WRITABLE;
	if (path_within(look->path, "/tmp") || path_within(look->path, "/dev/shm") ||
	    (plan->home && path_within(look->path, plan->home)))
		return RULE_PRIVATE;
	for (size_t i = 0; i < ARRAY_SIZE(system); i++)
		if (path_within(look->path, system[i]))
			return RULE_SYSTEM;
	/* what PATH names is known to the sandbox alone: there it is, so it is shown */
	return look->mode ? RULE_SYSTEM : RULE_VIEW;
}

static const char *why(const struct look *look, bool decided, char *text, size_t size)
{
	if (decided)
		snprintf(text, size, "A rule says so, whatever is there.");
	else if (look->program)
		snprintf(text, size, "No such program in PATH as the sandbox sees it.");
	else if (look->error)
		snprintf(text, size, "The sandbox says: %s (%s).", strerror((int)look->error),
			 err_name((int)look->error));
	else
		snprintf(text, size, "The sandbox lets it pass%s.",
			 look->mode ? "" : "; it does not exist yet");
	return text;
}

/* By rule alone, or as the kernel said and by the rule that explains it. */
static void judge(const struct plan *plan, const struct look *look, char rule[LIMIT_PATH_BYTES],
		  struct access_answer *answer)
{
	const char *place = look->program ? RULE_FILE : place_rule(plan, look), *protected = NULL,
		   *hidden = NULL;

	/* in the sandbox's own places nothing of the machine is, and a pipe is not written but talked to */
	if (strcmp(place, RULE_PRIVATE) != 0) {
		hidden = find_hidden(plan, look);
		if (look->write && (!look->mode || S_ISREG(look->mode) || S_ISDIR(look->mode)))
		protected = find_protected(plan, look);
	}
	answer->allowed = !hidden && !protected && look->error == 0;
	if (hidden || protected) {
		rule_spell(rule, LIMIT_PATH_BYTES, hidden, hidden ? hidden : protected);
		return;
	}
	if (look->error &&
	    (strcmp(place, RULE_WORKSPACE) == 0 || strcmp(place, RULE_WRITABLE) == 0 ||
	     strcmp(place, RULE_PRIVATE) == 0 || (strcmp(place, RULE_SYSTEM) == 0 && !look->write)))
		place = RULE_FILE;
	snprintf(rule, LIMIT_PATH_BYTES, "%s", place);
}

/* Where nothing on the way exists it comes as it was asked: then the first workspace is where it begins. */
static void take_path(struct look *look, const struct plan *plan, const char *bytes, size_t length)
{
	bool relative = length > 0 && bytes[0] != '/';

	look->program = relative && KEEPER_LOOKS[look->operation] == 'x' && !memchr(bytes, '/', length);
	snprintf(look->path, sizeof look->path, "%s%s%.*s",
		 relative && !look->program ? plan->workspaces[0].path : "",
		 relative && !look->program ? "/" : "", (int)length, bytes);
}

int access_looked(struct tool_result *result, const void *bytes, size_t length)
{
	const struct plan *plan = result->context->plan;
	char rule[LIMIT_PATH_BYTES], reason[256];
	struct access_answer answer = {.layer = "sandbox", .remedy = "", .rule = rule};
	struct frame_reader reader;
	struct look look = {.error = 0};

	if (length < 3 * sizeof(uint32_t) || length - 3 * sizeof(uint32_t) >= sizeof look.path)
		return -EPROTO;
	frame_read(&reader, bytes, 3 * sizeof(uint32_t));
	look.error = frame_get_u32(&reader);
	look.operation = frame_get_u32(&reader);
	look.mode = frame_get_u32(&reader);
	if (look.error > INT16_MAX || look.operation >= sizeof KEEPER_LOOKS - 1)
		return -EPROTO;
	take_path(&look, plan, (const char *)bytes + 3 * sizeof(uint32_t), length - 3 * sizeof(uint32_t));
	look.write = KEEPER_LOOKS[look.operation] == 'w';
	judge(plan, &look, rule, &answer);
	answer.target = look.path;
	answer.reason = why(&look, strchr(rule, ':') != NULL, reason, sizeof reason);
	if (!answer.allowed && strcmp(rule, RULE_FILE) != 0)
		answer.remedy = rule_words(rule)->remedy;
	answer.note = "This is about commands.";
	return access_write_answer(result, &answer);
}
