/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What explain_access writes: one answer, or the whole picture. Text and structured content are each the
 * whole answer, as some hosts show only the one and some only the other.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/json.h"
#include "protocol/limits.h"
#include "sandbox/egress/rules.h"
#include "tools/access/tools.h"

int access_write_answer(struct tool_result *result, const struct access_answer *answer)
{
	struct json_writer *writer;

	result_textf(result, "%s: ", answer->allowed ? "Would pass" : "Would be refused");
	result_text(result, answer->target, strlen(answer->target));
	result_textf(result, "%s(%s; %s)", *answer->target ? " " : "", answer->rule, answer->layer);
	if (*answer->reason)
		result_textf(result, ": %s", answer->reason);
	if (*answer->remedy)
		result_textf(result, "\nTo change that: %s", answer->remedy);
	if (answer->note)
		result_textf(result, "\n%s", answer->note);
	result_textf(result, "\nPolicy %.12s.", result->context->plan->policy_sha256);

	writer = result_structured(result);
	json_key_bool(writer, "allowed", answer->allowed);
	json_key_text(writer, "target", answer->target);
	json_key_text(writer, "rule", answer->rule);
	json_key_text(writer, "layer", answer->layer);
	json_key_text(writer, "reason", answer->reason);
	json_key_text(writer, "remedy", answer->remedy);
	json_key_text(writer, "policy_sha256", result->context->plan->policy_sha256);
	result_structured_end(result, writer);
	return writer->result;
}

/* ---- the picture as text ---- */

/* "Heading: a, b, c." and nothing when there are none. */
static void text_list(struct tool_result *result, const char *heading, char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		result_textf(result, "%s", i ? ", " : heading);
		result_text(result, list[i], strlen(list[i]));
	}
	if (count)
		result_textf(result, "\n");
}

/* Directories of PATH are not in the plan here: they are looked up when the first sandbox is built. */
static const char readable[] = "the system's directories, and those that the server's PATH names";

static void text_writable(struct tool_result *result)
{
	const struct plan *plan = result->context->plan;

	for (size_t i = 0; i < plan->extra_count; i++) {
		result_textf(result, "%s", i ? ", " : "Writable by commands: ");
		result_text(result, plan->extra[i].path, strlen(plan->extra[i].path));
	}
	if (plan->extra_count)
		result_textf(result, "\n");
}

static void rule_text(char text[300], const struct plan_rule *rule)
{
	bool brackets = rule->port && strchr(rule->host, ':');

	if (rule->port)
		snprintf(text, 300, "%s%s%s:%u", brackets ? "[" : "", rule->host, brackets ? "]" : "",
			 rule->port);
	else
		snprintf(text, 300, "%s", rule->host);
}

static void text_rules(struct tool_result *result, const struct plan_rule *rules, size_t count)
{
	char text[300];

	for (size_t i = 0; i < count; i++) {
		rule_text(text, &rules[i]);
		result_textf(result, "%s%s", i ? ", " : "", text);
	}
}

bool access_commands_reach(const struct tool_context *context)
{
	return rules_for_commands(context->plan) && context->found->profile <= CONFINEMENT_CONTAINER;
}

static void text_network(struct tool_result *result)
{
	const struct plan *plan = result->context->plan;

	result_textf(result, "Network of commands: %s%s\nNetwork of fetch_url: ",
		     access_commands_reach(result->context) ? "as fetch_url's" : "none",
		     result->context->found->profile > CONFINEMENT_FULL ? "; they cannot listen" : "");
	if (!plan->network_listed)
		result_textf(result, "public addresses on ports 80 and 443");
	else if (!plan->allowed_count)
		result_textf(result, "none (network.allowedDomains is empty)");
	text_rules(result, plan->allowed, plan->allowed_count);
	if (plan->denied_count) {
		result_textf(result, "; never ");
		text_rules(result, plan->denied, plan->denied_count);
	}
	result_textf(result, "\n");
}

static void text_limits(struct tool_result *result)
{
	const struct plan *plan = result->context->plan;

	result_textf(result,
		     "Limits: an answer within %.15g s, %" PRIu64
		     " bytes of text a result, %u processes, %u open files a process, "
		     "%" PRIu64 " bytes a file, %" PRIu64 " bytes of memory a process, %" PRIu64
		     " bytes in /tmp\n",
		     result->context->answer_within_ms / 1000.0, result->context->result_bytes,
		     plan->command_processes, plan->command_files, plan->command_file_bytes,
		     plan->command_data_bytes, plan->temporary_bytes);
}

static void text_lifetime(struct tool_result *result)
{
	const struct plan *plan = result->context->plan;

	if (plan->sandbox_per_call)
		result_textf(result, "Sandbox: a new one for each command; nothing in /tmp lasts\n");
	else
		result_textf(result,
			     "Sandbox: one for all commands; /tmp lasts until %.15g s pass without one\n",
			     plan->sandbox_idle_ms / 1000.0);
}

static void text_profile(struct tool_result *result)
{
	const struct confinement_found *found = result->context->found;

	result_textf(result, "Every call runs under profile %s, or is refused.\n",
		     confinement_name(found->profile));
	if (!*found->why)
		return;
	result_text(result, found->why, strlen(found->why));
	result_textf(result, "\n");
}

/* From commands they are kept by mounts, and by the keeper that judges what makes names. */
static void text_protected(struct tool_result *result)
{
	const struct plan *plan = result->context->plan;

	text_list(result, "Protected, not writable (relative ones in each workspace): ", plan->protect,
		  plan->protect_count);
	if (plan->protect_count && result->context->found->profile == CONFINEMENT_MINIMAL)
		result_textf(result, "Under this profile that binds the file tools alone, not commands.\n");
}

static void write_text(struct tool_result *result)
{
	const struct plan *plan = result->context->plan;

	text_profile(result);
	for (size_t i = 0; i < plan->workspace_count; i++) {
		result_textf(result, "Workspace%s: ", plan->workspaces[i].write ? "" : " (read only)");
		result_text(result, plan->workspaces[i].path, strlen(plan->workspaces[i].path));
		result_textf(result, "\n");
	}
	text_writable(result);
	result_textf(result, "Readable by commands: %s\n", readable);
	text_protected(result);
	text_list(result, "Hidden: ", plan->hide, plan->hide_count);
	text_network(result);
	text_lifetime(result);
	text_limits(result);
	result_textf(result, "Policy SHA-256: %s", plan->policy_sha256);
}

/* ---- the picture as data ---- */

static void data_list(struct json_writer *writer, const char *key, char *const *list, size_t count)
{
	json_key(writer, key);
	json_array(writer);
	for (size_t i = 0; i < count; i++)
		json_text(writer, list[i]);
	json_array_end(writer);
}

static void data_writable(struct json_writer *writer, const struct plan *plan)
{
	json_key(writer, "writable");
	json_array(writer);
	for (size_t i = 0; i < plan->extra_count; i++)
		json_text(writer, plan->extra[i].path);
	json_array_end(writer);
}

static void data_rules(struct json_writer *writer, const char *key, const struct plan_rule *rules,
		       size_t count)
{
	char text[300];

	json_key(writer, key);
	json_array(writer);
	for (size_t i = 0; i < count; i++) {
		rule_text(text, &rules[i]);
		json_text(writer, text);
	}
	json_array_end(writer);
}

static void data_workspaces(struct json_writer *writer, const struct plan *plan)
{
	json_key(writer, "workspaces");
	json_array(writer);
	for (size_t i = 0; i < plan->workspace_count; i++) {
		json_object(writer);
		json_key_text(writer, "path", plan->workspaces[i].path);
		json_key_bool(writer, "write", plan->workspaces[i].write);
		json_object_end(writer);
	}
	json_array_end(writer);
}

static void data_limits(struct json_writer *writer, const struct tool_context *context)
{
	const struct plan *plan = context->plan;

	json_key(writer, "limits");
	json_object(writer);
	json_key_int(writer, "processes", plan->command_processes);
	json_key_int(writer, "files", plan->command_files);
	json_key_int(writer, "file_bytes", (int64_t)plan->command_file_bytes);
	json_key_int(writer, "data_bytes", (int64_t)plan->command_data_bytes);
	json_key_int(writer, "temporary_bytes", (int64_t)plan->temporary_bytes);
	json_key_int(writer, "result_bytes", (int64_t)context->result_bytes);
	json_key_int(writer, "answer_within_ms", context->answer_within_ms);
	json_object_end(writer);
}

int access_write_picture(struct tool_result *result)
{
	const struct plan *plan = result->context->plan;
	struct json_writer *writer;

	write_text(result);
	writer = result_structured(result);
	json_key_text(writer, "profile", confinement_name(result->context->found->profile));
	if (*result->context->found->why)
		json_key_text(writer, "profile_reason", result->context->found->why);
	data_workspaces(writer, plan);
	data_writable(writer, plan);
	json_key_text(writer, "readable", readable);
	data_list(writer, "protected", plan->protect, plan->protect_count);
	data_list(writer, "hidden", plan->hide, plan->hide_count);
	json_key(writer, "network");
	json_object(writer);
	if (plan->network_listed)
		data_rules(writer, "allowed", plan->allowed, plan->allowed_count);
	data_rules(writer, "denied", plan->denied, plan->denied_count);
	json_object_end(writer);
	json_key(writer, "sandbox");
	json_object(writer);
	json_key_text(writer, "lifetime", plan->sandbox_per_call ? "call" : "server");
	json_key_int(writer, "idle_ms", plan->sandbox_idle_ms);
	json_object_end(writer);
	data_limits(writer, result->context);
	json_key_text(writer, "policy_sha256", plan->policy_sha256);
	result_structured_end(result, writer);
	return writer->result;
}
